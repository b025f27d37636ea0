// What is being answered, and what has ended. Law of this file: the gateway's figures, and a short memory of
// them: a time line needs what was seen before.

import { chip, copy, list, mark, part, say } from "./dom.js";
import { ago, count, doing, ending, joined, many, rate, seconds, tone } from "./words.js";

const SAMPLES = 120;
const FEW = 10; // ends that are shown before somebody asks for all

const speeds = new Array(SAMPLES).fill(0);
const seen = new Map(); // id of a live answer -> [{state, since}], as far as this page has seen it
let all = false;
let recent = [];

/** Begin to listen. */
export function startAnswers() {
  say(document.getElementById("address"), new URL("v1", document.baseURI).href);
  document.getElementById("more-recent").addEventListener("click", () => {
    all = !all;
    showRecent(recent);
  });
}

/** Show the answers under way. */
export function showLive(live) {
  const speed = live.reduce((sum, answer) => sum + (answer.tokens_per_second ?? 0), 0);
  say(document.getElementById("speed"), rate(speed));
  say(document.getElementById("live-count"), `${live.length ? many(live.length, "answer") : "no answers"} under way`);
  document.getElementById("no-live").hidden = live.length > 0;
  const ids = new Set(live.map((answer) => answer.id));
  for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
  list(document.getElementById("live"), live, (answer) => answer.id, () => copy("live-row"), showStream);
  speeds.push(speed);
  speeds.shift();
  drawChart();
}

function showStream(row, answer) {
  say(part(row, "name"), answer.model ?? "a model");
  say(part(row, "speed"), rate(answer.tokens_per_second) || "\u2013");
  const spans = timeLine(answer);
  list(part(row, "line"), spans, (span) => span.state, () => document.createElement("i"), (node, span) => {
    mark(node, "data-state", span.state);
    node.style.flexGrow = Math.max(0.001, span.length).toFixed(3);
  });
  const last = spans.length - 1;
  const times = spans.map(({ state, length }, at) => doing(state, length, at === last ? answer.progress : null));
  const tokens = answer.tokens ? many(answer.tokens, "token") : "";
  say(part(row, "facts"), joined(answer.backend, answer.endpoint, answer.client, ...times, tokens));
}

/** How long it has been in each state: what this page saw, and what the gateway knows of the first token. */
function timeLine(answer) {
  const age = answer.started_ago;
  const states = seen.get(answer.id) ?? [];
  seen.set(answer.id, states);
  if (!states.some((one) => one.state === answer.state)) {
    const streaming = answer.state === "streaming";
    if (!states.length && streaming) states.push({ state: "connecting", since: 0 });
    const since = streaming ? answer.first_token_after : states.length ? age : 0;
    states.push({ state: answer.state, since });
  }
  return states.map(({ state, since }, at) => ({ state, length: (states[at + 1]?.since ?? age) - since }));
}

function drawChart() {
  const peak = Math.max(...speeds, 1);
  const points = speeds.map((speed, at) => `${at} ${(39 - (speed / peak) * 36).toFixed(2)}`);
  const chart = document.getElementById("chart");
  chart.querySelector(".edge").setAttribute("d", `M${points.join("L")}`);
  chart.querySelector(".area").setAttribute("d", `M0 40L${points.join("L")}L${SAMPLES - 1} 40Z`);
  const top = Math.max(...speeds);
  say(document.getElementById("peak"), top ? `most: ${rate(top)} tokens/s` : "");
}

/** Show what has ended, the latest first. */
export function showRecent(ends) {
  recent = ends;
  document.getElementById("recent-table").hidden = ends.length === 0;
  document.getElementById("no-recent").hidden = ends.length > 0;
  const more = document.getElementById("more-recent");
  more.hidden = ends.length <= FEW;
  say(more, all ? "Show fewer" : `Show all ${count(ends.length)}`);
  const rows = all ? ends : ends.slice(0, FEW);
  list(document.getElementById("recent"), rows, (end) => end.id, () => copy("recent-row"), showEnd);
}

function showEnd(row, end) {
  chip(part(row, "outcome"), ending(end.outcome, end.kind), tone(end.outcome));
  say(part(row, "name"), end.model ?? "no model");
  say(part(row, "from"), joined(end.backend, end.endpoint, end.client));
  say(part(row, "first"), seconds(end.first_token_after));
  say(part(row, "duration"), seconds(end.duration));
  say(part(row, "tokens"), end.tokens ? count(end.tokens) : "");
  say(part(row, "speed"), rate(end.tokens_per_second));
  say(part(row, "when"), ago(end.ended_ago));
}
