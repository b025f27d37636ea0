// Asking the gateway. Law of this file: the one place with the key and with fetch; what is wrong comes out
// as a Trouble that says what it is.

const KEY = "tokenweir-key";
let onLocked = () => {};

/** What the gateway, or the way to it, said instead of an answer. `status` is 0 where nobody answered. */
export class Trouble extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** `model_not_found (404): there is no model "x"`. */
  get told() {
    const name = [this.code, this.status ? `(${this.status})` : ""].filter(Boolean).join(" ");
    return name ? `${name}: ${this.message}` : this.message;
  }
}

/** Call this whenever the gateway wants a key: with true where one was sent, and was wrong. */
export function whenLocked(callback) {
  onLocked = callback;
}

/** Keep a key for as long as this tab is open. */
export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

/** Ask. Throws Trouble, and AbortError where `signal` ended it. */
export async function ask(path, { body, headers = {}, signal } = {}) {
  const key = sessionStorage.getItem(KEY);
  const sent = { ...headers };
  if (key) sent.Authorization = `Bearer ${key}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const asked = { method: body === undefined ? "GET" : "POST", headers: sent, signal, cache: "no-store" };
  if (body !== undefined) asked.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, asked);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, "the gateway does not answer", "");
  }
  if (response.ok) return response;
  if (response.status === 401) onLocked(key !== null);
  throw await troubleOf(response);
}

async function troubleOf(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // no JSON: a proxy's page, which says nothing of use
  }
  return new Trouble(response.status, error.message ?? (response.statusText || "no reason given"), error.code);
}

/** The events of a streamed answer, several at a time: all that one read brought. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { done, value } = await reader.read().catch(brokenOff);
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    yield frames.map(eventOf).filter((event) => event.data !== "");
  }
}

function brokenOff(error) {
  if (error.name === "AbortError") throw error;
  throw new Trouble(0, "the connection broke off before the answer was over", "truncated");
}

function eventOf(frame) {
  const event = { name: "message", data: "" };
  for (const line of frame.split("\n")) {
    if (line.startsWith("data: ")) event.data += line.slice(6);
    else if (line.startsWith("event: ")) event.name = line.slice(7);
  }
  return event;
}
