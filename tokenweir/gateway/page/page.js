// The status page: it asks the gateway once a second how things are, and shows it.
// Law of this file: when it is asked, and what is said where it does not answer.

import { offer, startAsking } from "./ask.js";
import { showLive, showRecent, startAnswers } from "./answers.js";
import { showBackends, startBackends } from "./backends.js";
import { chip, part, say } from "./dom.js";
import { ask, useKey, whenLocked } from "./talk.js";
import { joined, many, seconds } from "./words.js";

const EVERY = 1000; // milliseconds between two looks,
const HIDDEN = 15000; // while nobody sees the page,
const LOST = 2000; // and while the gateway does not answer
const PATIENCE = 8000;

const PHASES = { starting: ["starting", "busy"], ready: ["ready", "good"], draining: ["shutting down", "warn"] };
const gone = document.getElementById("gone");
const keyForm = document.getElementById("key-form");
const key = document.getElementById("key");

let timer = 0;
let looking = false;
let again = false; // somebody wants another look as soon as this one is over
let lost = false;

function announce(sentence) {
  say(document.getElementById("said"), sentence);
}

async function look() {
  clearTimeout(timer);
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  again = false;
  let wait = EVERY;
  try {
    const response = await ask("api/status", { signal: AbortSignal.timeout(PATIENCE) });
    show(await response.json());
    found();
  } catch (error) {
    wait = LOST;
    if (error.status === 401) wait = HIDDEN;
    else lose(error);
  }
  looking = false;
  timer = setTimeout(look, again ? 0 : document.hidden ? HIDDEN : wait);
}

function show(status) {
  const [word, tone] = PHASES[status.phase] ?? [status.phase, null];
  chip(part(document.getElementById("phase"), "word"), word, tone);
  const ended = status.totals?.ended ?? 0;
  const facts = joined(many(ended, "answer"), `up ${up(status.uptime)}`, `version ${status.version}`);
  say(document.getElementById("facts"), facts);
  offer(showBackends(status.backends, status.live));
  showLive(status.live);
  showRecent(status.recent);
}

/** Without the part that changes every second. */
function up(time) {
  return time < 60 ? "less than a minute" : seconds(time).replace(/ \d+ s$/, "");
}

function found() {
  keyForm.hidden = true;
  if (!lost) return;
  lost = false;
  gone.hidden = true;
  document.body.classList.remove("stale");
  announce("The gateway answers again.");
}

function lose(error) {
  if (!lost) {
    const why = error.status ? `The gateway does not tell how it is: ${error.told}.` : "The gateway does not answer.";
    say(gone, `${why} What stands here is from before; this page goes on trying.`);
    chip(part(document.getElementById("phase"), "word"), error.status ? "unknown" : "gone", "bad");
  }
  lost = true;
  gone.hidden = false;
  document.body.classList.add("stale");
}

whenLocked((wrong) => {
  chip(part(document.getElementById("phase"), "word"), "locked", "warn");
  say(document.getElementById("key-note"), wrong
    ? "That key is not one of this gateway's. Try another one."
    : "It is kept until this tab is closed, and sent to this gateway alone.");
  if (!keyForm.hidden && !wrong) return;
  keyForm.hidden = false;
  announce(wrong ? "That key was refused." : "This gateway asks for an API key.");
  if (document.activeElement === document.body) key.focus();
});

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(key.value.trim());
  key.value = "";
  look();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});

startAsking(announce);
startAnswers();
startBackends(announce, look);
look();
