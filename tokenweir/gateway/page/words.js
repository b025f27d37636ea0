// Figures and states as people read them. Law of this file: pure; words in, words out.

/** `840 ms`, `3.2 s`, `4 min 10 s`, `3 h 12 min`, `2 d 4 h`. */
export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** How long ago something was, no finer than people care for. */
export function ago(value) {
  if (value < 60) return `${Math.max(0, Math.floor(value))} s ago`;
  if (value < 3600) return `${Math.floor(value / 60)} min ago`;
  if (value < 86400) return `${Math.floor(value / 3600)} h ago`;
  return `${Math.floor(value / 86400)} d ago`;
}

/** `7.4`, `42`, `1 204`. */
export function rate(value) {
  if (value === null || value === undefined) return "";
  return value > 0 && value < 9.95 ? value.toFixed(1) : count(Math.round(value));
}

/** `1 204`: narrow spaces that do not break, between thousands. */
export function count(value) {
  if (value === null || value === undefined) return "";
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** `4.1 GB`. */
export function bytes(value) {
  if (!value) return "";
  const step = Math.min(4, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** step).toFixed(step > 2 ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][step]}`;
}

/** `1 token`, `2 tokens`. */
export function many(value, word) {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** What is there, with dots between. */
export function joined(...parts) {
  return parts.filter(Boolean).join(" \u00b7 ");
}

const DOING = {
  connecting: "connecting",
  queued: "waiting for a turn",
  loading: "loading the model",
  prefill: "reading the prompt",
  streaming: "answering",
};

/** What an answer's state means, for how long it is so, and how far it is: `loading the model 3.1 s (42 %)`. */
export function doing(state, time, progress) {
  const far = progress === null || progress === undefined ? "" : `(${Math.round(progress * 100)} %)`;
  return [DOING[state] ?? state, seconds(time), far].filter(Boolean).join(" ");
}

const MODEL = { loaded: "loaded", loading: "loading", not_loaded: "not loaded", unknown: "loads when asked" };

/** A model's state. */
export function modelState(state) {
  return MODEL[state] ?? state;
}

const WHY = {
  connect: "no connection to the backend",
  timeout: "it took too long",
  auth: "the backend refused its key",
  bad_request: "the request was wrong",
  context_length: "longer than the context",
  model_not_found: "no such model",
  model_loading: "the model was loading",
  overloaded: "overloaded",
  rate_limited: "too many requests",
  model_crashed: "the model crashed",
  upstream: "the backend failed",
  truncated: "the backend ended too early",
  protocol: "the backend broke the protocol",
  limit: "a limit was reached",
  cancelled: "the client left",
  shutting_down: "shutting down",
  stage: "a stage failed",
  sink: "the client could not be written to",
};

/** How an answer ended, with the reason. */
export function ending(outcome, kind) {
  const why = kind && kind !== outcome ? WHY[kind] ?? kind : outcome === "cancelled" ? WHY.cancelled : "";
  return why ? `${outcome}: ${why}` : outcome;
}

/** The dot's colour for an outcome. */
export function tone(outcome) {
  if (outcome === "complete") return "good";
  return outcome === "cancelled" ? null : "bad";
}
