// The box to try a prompt. Law of this file: one answer at a time, shown as it comes, and a true end: what is
// not known to be complete is never called so.

import { chip, list, mark, part, progress, say } from "./dom.js";
import { Trouble, ask, events } from "./talk.js";
import { count, doing, joined, rate, seconds } from "./words.js";

const box = document.getElementById("answer");
const form = document.getElementById("ask");
const model = document.getElementById("model");
const prompt = document.getElementById("prompt");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const shown = (name) => part(box, name);

const ENDS = { length: "ended at the token limit", content_filter: "ended by the content filter" };

let running = null; // the answer under way
let announce = () => {};

/** Begin to listen. `tell` says a sentence to who cannot see. */
export function startAsking(tell) {
  announce = tell;
  if (/Mac|iPhone|iPad/.test(navigator.platform)) say(document.getElementById("send-keys"), "\u2318 Enter");
  say(shown("doing"), "The answer appears here, token by token.");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      begin();
    }
  });
  stop.addEventListener("click", end);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running) end();
  });
}

/** The models that can be asked for, as `[{value, label}]`. What is chosen stays chosen. */
export function offer(models) {
  const choices = [{ value: "", label: "the gateway chooses" }, ...models];
  const chosen = model.value;
  const make = () => document.createElement("option");
  list(model, choices, (choice) => `m ${choice.value}`, make, (option, choice) => {
    mark(option, "value", choice.value);
    say(option, choice.label);
  });
  if (model.value !== chosen && choices.some((choice) => choice.value === chosen)) model.value = chosen;
}

function end() {
  if (running) running.abort();
  if (document.activeElement === stop) prompt.focus();
}

async function begin() {
  if (running) return;
  const text = prompt.value.trim();
  if (!text) {
    chip(shown("doing"), "Type a prompt first.", null);
    announce("Type a prompt first.");
    prompt.focus();
    return;
  }
  running = new AbortController();
  const answer = new Answer();
  busy(true);
  announce("Sent.");
  try {
    await answer.run(text, model.value, running.signal);
  } catch (error) {
    answer.fail(error);
  } finally {
    running = null;
    busy(false);
    answer.tell();
  }
}

function busy(is) {
  stop.disabled = !is;
  mark(send, "aria-disabled", is ? "true" : null);
  mark(box, "data-state", is ? "busy" : "idle");
}

/** One answer: what has come of it, and how it ended. */
class Answer {
  constructor() {
    this.began = performance.now();
    this.first = null; // of its tokens, in milliseconds
    this.pieces = 0;
    this.usage = null;
    this.finish = null;
    this.over = false;
    this.outcome = "";
    this.tone = null;
    this.texts = { text: blank("text"), reasoning: blank("reasoning") };
    shown("thinking").hidden = true;
    shown("error").hidden = true;
    say(shown("figures"), "");
    this.phase({ name: "connecting" });
  }

  async run(text, name, signal) {
    const body = {
      messages: [{ role: "user", content: text }],
      stream: true,
      stream_options: { include_usage: true },
    };
    if (name) body.model = name;
    const headers = { "X-Tokenweir-Progress": "events", Accept: "text/event-stream" };
    const response = await ask("v1/chat/completions", { body, headers, signal });
    for await (const batch of events(response)) this.take(batch);
    if (!this.over) throw new Trouble(0, "the connection ended before the answer did", "truncated");
    this.outcome = ENDS[this.finish] ?? "complete";
    this.tone = this.finish in ENDS ? "warn" : "good";
  }

  /** What one read brought: each text is put in at once, so that the page is drawn once. */
  take(batch) {
    const pieces = { text: "", reasoning: "" };
    for (const event of batch) {
      if (event.data === "[DONE]") this.over = true;
      else this.read(event.name, JSON.parse(event.data), pieces);
    }
    for (const [name, piece] of Object.entries(pieces)) if (piece) this.show(name, piece);
  }

  read(name, data, pieces) {
    if (data.error) {
      this.show("text", pieces.text);
      throw new Trouble(0, data.error.message, data.error.code);
    }
    if (name === "phase") {
      this.phase(data);
      return;
    }
    this.usage = data.usage ?? this.usage;
    for (const choice of data.choices ?? []) {
      const { content, refusal, reasoning_content: thought, reasoning } = choice.delta ?? {};
      this.finish = choice.finish_reason ?? this.finish;
      pieces.text += (content || "") + (refusal || "");
      pieces.reasoning += thought || reasoning || "";
      if (content || refusal || thought || reasoning) this.pieces += 1;
    }
  }

  phase({ name, progress: far = null, elapsed = null }) {
    if (this.first !== null) return;
    chip(shown("doing"), doing(name, elapsed, far), "busy");
    progress(shown("progress"), true, far);
  }

  show(name, piece) {
    if (!piece) return;
    if (this.first === null) {
      this.first = performance.now();
      progress(shown("progress"), false);
      announce("The answer begins.");
    }
    if (name === "reasoning") shown("thinking").hidden = false;
    chip(shown("doing"), name === "reasoning" ? "thinking" : "answering", "busy");
    const node = this.texts[name];
    const holder = node.parentElement;
    const atEnd = holder.scrollHeight - holder.scrollTop - holder.clientHeight < 40;
    node.appendData(piece);
    if (atEnd) holder.scrollTop = holder.scrollHeight;
  }

  fail(error) {
    if (error.name === "AbortError") {
      this.outcome = "stopped by you";
      this.tone = "warn";
      return;
    }
    this.outcome = error.code === "truncated" ? "truncated" : "failed";
    this.tone = "bad";
    say(shown("error"), error instanceof Trouble ? error.told : `the page failed: ${error.message}`);
    shown("error").hidden = false;
  }

  /** How it ended, and the figures. Tokens are the backend's count where it has told; else the pieces. */
  tell() {
    const now = performance.now();
    const counted = this.usage?.completion_tokens;
    const tokens = counted ?? this.pieces;
    const span = this.first === null ? 0 : (now - this.first) / 1000;
    const figures = this.first === null ? [] : [
      `${counted === undefined ? "about " : ""}${count(tokens)} tokens`,
      `first token after ${seconds((this.first - this.began) / 1000)}`,
      span > 0.05 && tokens > 1 ? `${rate((tokens - 1) / span)} tokens/s` : "",
    ];
    const line = joined(...figures, seconds((now - this.began) / 1000));
    progress(shown("progress"), false);
    chip(shown("doing"), this.outcome, this.tone);
    say(shown("figures"), line);
    announce(`${this.outcome}. ${shown("error").hidden ? "" : shown("error").textContent} ${line}`);
  }
}

/** An empty text node in place of what a part holds: what is selected in it stays so as it grows. */
function blank(name) {
  const node = document.createTextNode("");
  shown(name).replaceChildren(node);
  return node;
}
