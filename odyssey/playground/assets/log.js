// The log of what serves the model, as it grows.

import * as api from "./api.js";
import { by, element, show } from "./dom.js";
import { plural } from "./formats.js";

/** Lines that stay on the page. */
const KEPT = 2000;
const PAUSE = 1500;

const WORDS = { error: "error", warning: "warning" };

let run = 0;
/** Whether the newest line stays in sight: until somebody scrolls away from it. */
let pinned = true;
let stop = new AbortController();
let counts = { error: 0, warning: 0 };

/** Makes the controls ready. */
export function begin() {
  const box = by("lines");
  by("clear").addEventListener("click", clear);
  by("to-end").addEventListener("click", () => {
    box.scrollTop = box.scrollHeight;
    box.focus();
  });
  box.addEventListener("scroll", () => {
    pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    show("to-end", !pinned);
  });
  // Another width breaks the lines elsewhere.
  new ResizeObserver(() => pinned && (box.scrollTop = box.scrollHeight)).observe(box);
  by("only-errors").addEventListener("change", (event) => {
    box.classList.toggle("only-errors", event.target.checked);
    box.scrollTop = box.scrollHeight;
  });
}

/** Follows the log of a target from its beginning; whatever was followed before is let go. */
export async function follow(target, on) {
  const mine = ++run;
  stop.abort();
  stop = new AbortController();
  clear();
  let last = 0;
  let phase = "";
  while (mine === run) {
    await visible();
    try {
      const news = await api.news(target, last, phase, stop.signal);
      if (mine !== run) return;
      add(news.lines);
      ({ last, phase } = news);
      on.news(news);
    } catch (error) {
      if (mine !== run || error.name === "AbortError") return;
      on.lost(error);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** Returns when somebody looks at the page: a browser has few connections for all of its tabs. */
function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

function clear() {
  counts = { error: 0, warning: 0 };
  by("lines").replaceChildren();
  pinned = true;
  show("to-end", false);
  tell();
}

function add(lines) {
  const box = by("lines");
  box.append(...lines.map(line));
  while (box.childElementCount > KEPT) box.firstElementChild.remove();
  for (const each of lines) if (each.mark) counts[each.mark]++;
  if (pinned) box.scrollTop = box.scrollHeight;
  if (lines.length) tell();
}

function line({ text, mark }) {
  const made = element("div", `line ${mark}`.trim());
  if (mark) made.append(element("span", "mark", WORDS[mark]), " ");
  made.append(text || "\u00a0");
  return made;
}

function tell() {
  const found = Object.entries(counts).filter(([, count]) => count);
  const lines = found.map(([mark, count]) => `${plural(count, "line")} of ${mark}s`);
  by("log-count").textContent = lines.join(", ");
  by("log-count").classList.toggle("bad", counts.error > 0);
}
