// openai-node, as its users use it: the plain stream put together by hand, its helper, and the whole answer.

import OpenAI from "openai";
import { TOOL, answerAll, stopwatch } from "./jobs.mjs";

const WAYS = { stream: plain, whole, helper: helped, leave: left };

await answerAll(async (question, said) => {
  const client = new OpenAI({
    baseURL: question.base_url,
    apiKey: question.api_key,
    maxRetries: question.retries ?? 0,
  });
  const asked = { model: question.model, messages: [{ role: "user", content: "Who are you?" }] };
  if (question.tools) asked.tools = [{ type: "function", function: TOOL }];
  if (question.max_tokens !== undefined) asked.max_tokens = question.max_tokens;
  await WAYS[question.way](client, asked, said);
});

async function plain(client, asked, said) {
  const calls = [];
  const piece = stopwatch(said);
  const stream = await client.chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    piece();
    if (chunk.usage) said.usage = figures(chunk.usage);
    for (const { delta, finish_reason } of chunk.choices) {
      said.text += delta.content ?? "";
      said.reasoning = (said.reasoning ?? "") + (delta.reasoning_content ?? "");
      said.finish = finish_reason ?? said.finish;
      for (const call of delta.tool_calls ?? []) {
        const kept = (calls[call.index] ??= { id: "", name: "", arguments: "" });
        kept.id += call.id ?? "";
        kept.name += call.function.name ?? "";
        kept.arguments += call.function.arguments ?? "";
      }
    }
  }
  said.calls = calls.map((call) => ({ ...call, arguments: JSON.parse(call.arguments) }));
}

async function helped(client, asked, said) {
  const stream = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
  stream.on("content", (delta) => (said.text += delta));
  gather(await stream.finalChatCompletion(), said);
}

async function left(client, asked, said) {
  let pieces = 0;
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
    said.text += chunk.choices[0].delta.content ?? "";
    if (++pieces === 3) break;
  }
}

async function whole(client, asked, said) {
  gather(await client.chat.completions.create(asked), said);
}

function gather(completion, said) {
  const [choice] = completion.choices;
  said.text = choice.message.content ?? "";
  said.reasoning = choice.message.reasoning_content ?? null;
  said.finish = choice.finish_reason;
  said.usage = completion.usage ? figures(completion.usage) : null;
  said.calls = (choice.message.tool_calls ?? []).map((call) => ({
    id: call.id,
    name: call.function.name,
    arguments: JSON.parse(call.function.arguments),
  }));
}

function figures(usage) {
  return [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens];
}
