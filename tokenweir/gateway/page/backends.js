// The backends and their models, with orders to load and unload. Law of this file: what the gateway tells is
// shown as it is; an order that fails says so beside its model until the next one.

import { chip, copy, list, mark, part, progress, say } from "./dom.js";
import { ask } from "./talk.js";
import { bytes, count, joined, modelState, seconds } from "./words.js";

const FEW = 8; // models that are shown before somebody asks for all
const TONES = { up: "good", down: "bad", loaded: "good", loading: "busy" };
const STATES = { up: "answers", down: "does not answer", unknown: "not asked yet" };

const orders = new Map(); // address of a model -> {doing, stop, error}
const opened = new Set(); // backends whose models are all shown
let announce = () => {};
let look = () => {};

/** `tell` says a sentence to who cannot see; `again` asks the gateway at once. */
export function startBackends(tell, again) {
  announce = tell;
  look = again;
}

/** Show them, and give back what can be asked for: `[{value, label}]`. `live` are the answers under way. */
export function showBackends(listed, live) {
  const backends = listed.map((one) => ({ ...one, models: one.models.map((model) => now(model, live)) }));
  document.getElementById("no-backends").hidden = backends.length > 0;
  const several = backends.length > 1;
  const make = () => copy("backend-row");
  list(document.getElementById("backends"), backends, (one) => one.name, make, (node, one) => {
    showBackend(node, one, several);
  });
  return backends.flatMap((one) => one.models.map((model) => ({
    value: address(one, model, several),
    label: several ? `${model.id} (${one.name})` : model.id,
  })));
}

/** A model's state: a backend's list is some seconds old, and an answer by the model is news. */
function now(model, live) {
  if (model.state === "loaded" || model.state === "loading") return model;
  const mine = live.filter((answer) => answer.backend === model.backend && answer.model === model.id);
  if (mine.some((answer) => answer.state === "streaming")) return { ...model, state: "loaded" };
  const loading = mine.find((answer) => answer.state === "loading");
  return loading ? { ...model, state: "loading", progress: loading.progress } : model;
}

/** The name by which this gateway knows the model of this backend, and of no other. */
function address(backend, model, several) {
  return several ? `${backend.name}/${model.id}` : model.id;
}

function showBackend(node, backend, several) {
  say(part(node, "name"), backend.name);
  chip(part(node, "state"), STATES[backend.state] ?? backend.state, TONES[backend.state] ?? null);
  const waiting = backend.waiting ? `${count(backend.waiting)} waiting` : "";
  const places = backend.places === null ? "" : ` of ${count(backend.places)}`;
  say(part(node, "facts"), joined(backend.provider, `${count(backend.answering)}${places} answering`, waiting));
  const models = chosen(node, backend);
  list(part(node, "models"), models, (model) => model.id, () => copy("model-row"), (row, model) => {
    showModel(row, backend, model, address(backend, model, several));
  });
  showNone(part(node, "none"), backend);
  showMore(part(node, "more"), backend, models.length);
}

/** The first few, whatever is loaded, and what somebody has given an order about. */
function chosen(node, backend) {
  if (opened.has(backend.name)) return backend.models;
  return backend.models.filter((model, at) => at < FEW || model.state === "loaded" || model.state === "loading");
}

function showNone(node, backend) {
  node.hidden = backend.models.length > 0;
  const down = "It does not answer. Start it, and its models appear here.";
  const up = "It tells no models. Download one there, or ask for one by its name.";
  say(node, backend.state === "down" ? down : up);
}

function showMore(button, backend, shown) {
  button.hidden = backend.models.length <= shown && !(opened.has(backend.name) && shown > FEW);
  say(button, opened.has(backend.name) ? "Show fewer" : `Show all ${count(backend.models.length)} models`);
  button.onclick = () => {
    if (!opened.delete(backend.name)) opened.add(backend.name);
    look();
  };
}

function showModel(row, backend, model, name) {
  const order = orders.get(name) ?? {};
  const loading = model.state === "loading" || order.doing === "load";
  const state = loading ? "loading" : model.state;
  const far = loading && model.progress !== null ? `${Math.round(model.progress * 100)} %` : "";
  const size = model.context ? `context ${count(model.context)}` : "";
  say(part(row, "name"), model.id);
  const word = joined(modelState(state), far, loading ? seconds(model.elapsed) : "", bytes(model.size), size);
  chip(part(row, "state"), word, TONES[state] ?? null);
  const bar = part(row, "progress");
  progress(bar, loading, model.progress);
  mark(bar, "aria-label", `Loading ${model.id}`);
  const error = part(row, "error");
  error.hidden = !order.error;
  say(error, order.error ?? "");
  showOrder(part(row, "order"), backend, model, name, order);
}

function showOrder(button, backend, model, name, order) {
  const what = order.doing === "load" ? "Cancel" : model.state === "loaded" ? "Unload" : "Load";
  const busy = order.doing === "unload" || (model.state === "loading" && !order.doing);
  button.hidden = backend.hosted || (what === "Unload" && !backend.unloads);
  say(button, what);
  mark(button, "aria-label", `${what} ${model.id}`);
  mark(button, "aria-disabled", busy ? "true" : null);
  button.onclick = () => {
    if (busy) return;
    if (order.doing) order.stop.abort();
    else give(what.toLowerCase(), name, model.id);
  };
}

async function give(doing, name, id) {
  const order = { doing, stop: new AbortController(), error: null };
  orders.set(name, order);
  look();
  announce(`${doing === "load" ? "Loading" : "Unloading"} ${id}.`);
  try {
    await ask(`v1/models/${encodeURIComponent(name)}/${doing}`, { body: {}, signal: order.stop.signal });
    announce(`${id} is ${doing}ed.`);
  } catch (error) {
    if (error.name !== "AbortError") order.error = error.told ?? error.message;
    announce(order.error ? `${id}: ${order.error}` : `Loading ${id} was cancelled.`);
  }
  order.doing = null;
  look();
}
