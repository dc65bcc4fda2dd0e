// What was sent before, and how long it took.

import { by, element, show } from "./dom.js";
import { bytes, time } from "./formats.js";

/** Answers that are remembered. */
const KEPT = 100;
/** Bytes of a request and its answer that are kept to be shown again. */
const LARGEST = 1_000_000;
const WIDTH = 300;
const HEIGHT = 48;

let entries = [];
let count = 0;
let recall = () => {};

/** Makes the history ready; `onRecall` is given an entry that is to be shown again. */
export function begin(onRecall) {
  recall = onRecall;
  by("forget").addEventListener("click", forget);
}

/** Forgets everything. */
export function forget() {
  entries = [];
  count = 0;
  draw();
}

/** Notes an answer. */
export function add(request, reply) {
  count++;
  const kept = request.bytes.length + reply.body.length <= LARGEST;
  entries.unshift({ number: count, at: new Date(), request: kept ? request : null, reply });
  if (!kept) entries[0].reply = { ...reply, body: null };
  entries[0].size = reply.body.length;
  entries.length = Math.min(entries.length, KEPT);
  draw();
}

/** Returns the value below which a share of some numbers lies: the nearest rank. */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)];
}

function draw() {
  show("history", entries.length > 0);
  show("no-history", entries.length === 0);
  show("forget", entries.length > 0);
  const times = entries.filter((each) => !each.reply.failed).map((each) => each.reply.milliseconds);
  by("p50").textContent = times.length ? time(percentile(times, 0.5)) : "—";
  by("median").textContent = by("p50").textContent;
  by("median-name").textContent = `p50 of ${times.length}`;
  show("median-tile", times.length > 1);
  by("fastest").textContent = times.length ? time(Math.min(...times)) : "—";
  by("slowest").textContent = times.length ? time(Math.max(...times)) : "—";
  chart();
  by("rows").replaceChildren(...entries.map(row));
}

function row(entry) {
  const { reply } = entry;
  const button = element("button", "small", "Show");
  button.type = "button";
  button.disabled = entry.request === null;
  button.setAttribute("aria-label", `Show request ${entry.number} again`);
  button.addEventListener("click", () => recall(entry));
  const status = element("span", reply.failed ? "bad" : "good", String(reply.status || "failed"));
  return element(
    "tr",
    "",
    element("td", "soft", String(entry.number)),
    element("td", "", status),
    element("td", "number", time(reply.milliseconds)),
    element("td", "number", bytes(entry.size)),
    element("td", "soft", entry.at.toLocaleTimeString("en-GB")),
    element("td", "", button),
  );
}

function chart() {
  const most = Math.max(...entries.map((each) => each.reply.milliseconds), 0.001);
  const step = WIDTH / Math.max(entries.length, 20);
  const bars = [...entries].reverse().map((entry, index) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = Math.max((entry.reply.milliseconds / most) * HEIGHT, 1);
    const place = { x: index * step, y: HEIGHT - height, width: Math.max(step - 2, 1), height };
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value.toFixed(2));
    bar.setAttribute("class", entry.reply.failed ? "bad" : "good");
    return bar;
  });
  by("chart").replaceChildren(...bars);
}
