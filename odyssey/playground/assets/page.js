// The page: its parts, and what joins them.

import * as answer from "./answer.js";
import * as api from "./api.js";
import * as commands from "./commands.js";
import { by, choices, copy, saves, say, show } from "./dom.js";
import * as editor from "./editor.js";
import * as history from "./history.js";
import * as log from "./log.js";
import { JSON_TYPE, time } from "./formats.js";

const REPEATS = 20;
/** Milliseconds between two looks at what a sandbox has. */
const LOOK = 4000;
const PHASES = { starting: "Starting", ready: "Ready", ended: "Ended", lost: "Not there" };

let told = null;
let target = null;
let phase = "";
let waiting = null;
let tooLarge = false;

async function begin() {
  editor.begin(changed);
  answer.begin();
  history.begin(recall);
  log.begin();
  by("send").addEventListener("click", () => send(1));
  by("repeat").addEventListener("click", () => send(REPEATS));
  by("cancel").addEventListener("click", () => waiting?.abort());
  by("target").addEventListener("change", () => aim(by("target").value));
  by("sample").addEventListener("change", () => openSample(by("sample").value));
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(1);
  });
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", () => copy(by(button.dataset.copies).textContent, button));
  }
  await load();
  const samples = told?.samples ?? [];
  const first = samples.find(({ type }) => type === JSON_TYPE) ?? samples[0];
  if (first) {
    by("sample").value = first.name;
    await openSample(first.name);
  }
  if (!told || told.targets[0]?.key !== "local") setInterval(look, LOOK);
}

/** Asks how everything stands, and shows it. */
async function load() {
  let before;
  try {
    [before, told] = [told?.token, await api.state()];
  } catch (error) {
    lost(error);
    return;
  }
  document.title = `${told.name} – Odyssey playground`;
  by("name").textContent = told.name;
  by("version").textContent = told.version;
  by("says-text").textContent = told.says;
  show("says", Boolean(told.says));
  show("choose-sample", told.samples.length > 0);
  if (by("sample").options.length !== told.samples.length) {
    choices(by("sample"), told.samples.map(({ name }) => [name, told.folder + name]));
  }
  enter(told.phase, told.reason);
  targets();
  // Odyssey was started anew: its log begins anew, too.
  if (target && before && before !== told.token) aim(target.key);
}

/** Looks for endpoints that have come or gone. */
async function look() {
  if (!document.hidden) await load();
}

function targets() {
  const several = told.targets.length > 1 || told.targets.some((each) => each.region);
  show("choose-target", several && told.targets.length > 0);
  const options = told.targets.map((each) => [each.key, titled(each)]);
  const known = [...by("target").options].map((each) => [each.value, each.textContent]);
  const keep = target && told.targets.some((each) => each.key === target.key);
  const key = keep ? target.key : told.targets[0]?.key;
  if (JSON.stringify(options) !== JSON.stringify(known)) choices(by("target"), options, key);
  if (key && !keep) aim(key);
  if (!key) {
    target = null;
    by("address").textContent = "There is no endpoint and no function yet: they come here by themselves.";
  }
  buttons();
}

function titled(each) {
  if (!each.region) return each.name;
  return `${each.name} · ${each.kind} · ${each.region} · ${each.status}`;
}

/** Sends what follows to a target. */
function aim(key) {
  target = told.targets.find((each) => each.key === key);
  by("address").textContent = `POST ${target.url}`;
  editor.allow(target.limit);
  history.forget();
  log.follow(key, { news, lost });
}

/** Shows what the log's news say of what serves the model. */
function news({ phase: now, reason }) {
  if (phase === "lost") load();
  else enter(now, reason);
}

/** Shows how what serves the model stands. */
function enter(now, reason) {
  phase = now;
  by("phase").className = `pill ${now}`;
  by("phase").textContent = PHASES[now];
  if (now === "ended") notice("It has ended.", reason, told.again);
  else show("notice", false);
  buttons();
}

/** Shows that odyssey itself does not answer; or asks anew, where it only knows no such target. */
function lost(error) {
  if (!(error instanceof api.Gone)) {
    load();
    return;
  }
  // What is known of its end says more.
  if (phase !== "ended" && phase !== "lost") {
    by("phase").className = "pill lost";
    by("phase").textContent = PHASES.lost;
    const words = "It was stopped, or ended; this page goes on as soon as it is there again.";
    notice("Odyssey does not answer.", words, told?.again ?? "");
  }
  phase = "lost";
  buttons();
}

function notice(title, text, line) {
  by("notice-title").textContent = title;
  by("notice-text").textContent = text;
  by("notice-line").textContent = line;
  show("notice-command", Boolean(line));
  show("notice", true);
}

function buttons() {
  const cannot = !target || phase !== "ready" || tooLarge;
  by("send").disabled = by("repeat").disabled = cannot;
  for (const id of ["send", "repeat"]) show(id, !waiting);
  show("cancel", Boolean(waiting));
}

function changed(request, large) {
  tooLarge = large;
  buttons();
  if (!target) return;
  by("command-where").textContent = commands.where(target, request);
  by("command").textContent = commands.odyssey(target, request);
  by("curl-where").textContent = commands.curlWhere(request);
  const long = commands.isLong(request);
  show("save-body", long);
  if (long) saves(by("save-body"), request.bytes, commands.file(request));
  const curl = commands.curl(target, request);
  by("curl").textContent = curl;
  show("curl-part", Boolean(curl));
}

async function openSample(name) {
  try {
    const { type } = told.samples.find((each) => each.name === name);
    editor.openSample(told.folder + name, await api.sample(name), type);
  } catch (error) {
    if (error instanceof api.Gone) lost(error);
    else answer.drawNone(error.message, error.hint);
  }
}

function recall({ request, reply }) {
  editor.open({ name: request.file, bytes: request.bytes, type: request.type, accept: request.accept });
  answer.draw(reply, request);
}

/** Sends the request, so many times one after the other. */
async function send(times) {
  if (waiting || by("send").disabled) return;
  const request = editor.request();
  const started = performance.now();
  waiting = new AbortController();
  buttons();
  const clock = setInterval(() => {
    by("busy-time").textContent = time(performance.now() - started);
  }, 100);
  // What is answered at once would only flicker.
  const patience = setTimeout(() => {
    answer.state("busy");
    by("cancel").focus();
  }, 150);
  try {
    for (let turn = 1; turn <= times; turn++) {
      by("busy-word").textContent =
        times > 1 ? `Sending ${turn} of ${times}` : "Waiting for the answer";
      const reply = await api.send(target.key, request, waiting.signal);
      history.add(request, reply);
      if (turn === times || reply.failed) {
        answer.draw(reply, request);
        reveal();
        say(`${reply.status} ${reply.reason}, ${time(reply.milliseconds)}`);
        if (reply.failed) break;
      }
    }
  } catch (error) {
    failed(error, performance.now() - started);
    reveal();
  } finally {
    clearInterval(clock);
    clearTimeout(patience);
    const focused = document.activeElement === by("cancel");
    waiting = null;
    buttons();
    if (focused) by("send").focus();
  }
}

/** Brings the answer into sight where it is below the request. */
function reveal() {
  if (matchMedia("(max-width: 60rem)").matches) by("answer").scrollIntoView({ block: "nearest" });
}

function failed(error, spent) {
  if (error.name === "AbortError") {
    const words = `You have stopped waiting after ${time(spent)}.`;
    answer.drawNone(words, "The model may still be at work on the request.");
  } else if (error instanceof api.Gone) {
    answer.drawNone("Odyssey does not answer.", "");
    lost(error);
  } else {
    answer.drawNone(error.message, error.hint);
  }
}

begin();
