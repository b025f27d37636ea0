// One question a line in, what was understood a line out: what the programs for node share.

import { createInterface } from "node:readline";

const PLACE = { type: "object", properties: { place: { type: "string" } } };
export const TOOL = { name: "look_up_weather", description: "Looks up the weather.", parameters: PLACE };

// Answer each line of standard input. `ask` fills in what it understood as it comes; what it throws is told
// by its class, beside what came before.
export async function answerAll(ask) {
  for await (const line of createInterface({ input: process.stdin })) {
    const said = { text: "", calls: [] };
    try {
      await ask(JSON.parse(line), said);
    } catch (error) {
      said.error = fault(error);
    }
    process.stdout.write(JSON.stringify(said) + "\n");
  }
}

// An error by the names of its classes.
export function fault(error) {
  const types = [];
  for (let kind = error; (kind = Object.getPrototypeOf(kind)); ) types.push(kind.constructor.name);
  return { types, message: String(error.message), status: error.status ?? error.statusCode ?? null };
}

// Says in `said` when the first piece came.
export function stopwatch(said) {
  const began = performance.now();
  return () => {
    said.waited ??= (performance.now() - began) / 1000;
  };
}
