// The answer: what it is, how long it took, and its body in the ways that it can be shown.

import { by, copy, element, fill, saves, show } from "./dom.js";
import { bytes, decoded, format, inOneLine, plural, pretty, rows, time } from "./formats.js";

/** Characters of an answer that are shown. */
const SHOWN = 500_000;
/** Rows of a table that are shown. */
const ROWS = 500;

const NAMES = { pretty: "Pretty", table: "Table", raw: "Raw" };
const SUFFIXES = { json: "json", lines: "jsonl", csv: "csv" };

let reply = null;
let sent = null;

/** Makes the buttons ready. */
export function begin() {
  by("copy-answer").addEventListener("click", (event) => copy(decoded(reply.body) ?? "", event.target));
}

/** Shows an answer to a request. */
export function draw(answer, request) {
  [reply, sent] = [answer, request];
  state("reply");
  verdict(answer.failed ? "failed" : "fine", answer.status || "", answer.reason, answer.note);
  const text = decoded(answer.body);
  by("message").textContent = answer.failed ? said(text, answer.content_type) : "";
  by("latency").textContent = time(answer.milliseconds);
  by("size").textContent = bytes(answer.body.length);
  by("kind").textContent = answer.content_type || "none";
  views(text);
  const suffix = SUFFIXES[format(answer.content_type)] ?? "bin";
  saves(by("save-answer"), answer.body, `answer.${suffix}`);
}

/** Shows that there is no answer, and why. */
export function drawNone(message, hint = "") {
  reply = null;
  state("reply");
  verdict("failed", "", "No answer", hint);
  by("message").textContent = message;
  for (const id of ["latency", "size", "kind"]) by(id).textContent = "—";
  show("views-bar", false);
  show("shown", false);
  show("cut", false);
}

/** Shows one of: nothing, busy, reply. */
export function state(which) {
  for (const id of ["nothing", "busy", "reply"]) show(id, id === which);
}

function verdict(tone, status, reason, note) {
  by("verdict").className = `verdict ${tone}`;
  by("status").textContent = status;
  by("reason").textContent = reason;
  by("note").textContent = note;
  show("note", Boolean(note));
}

/** Returns what an error says, as the server's and Lambda's documents have it. */
function said(text, type) {
  if (text === null) return "";
  try {
    const told = JSON.parse(text);
    if (told.errorMessage) return `${told.errorType ?? "Error"}: ${told.errorMessage}`;
    return String(told.error ?? "");
  } catch {
    return format(type) === "" && text.length < 2000 ? text : "";
  }
}

function views(text) {
  const found = text === null ? {} : ways(text);
  const names = Object.keys(found);
  show("views-bar", true);
  show("copy-answer", text !== null);
  by("views").replaceChildren(by("views").querySelector("legend"));
  by("views").hidden = names.length < 2;
  names.forEach((name, index) => {
    const input = element("input");
    Object.assign(input, { type: "radio", name: "view", id: `view-${name}`, checked: !index });
    input.addEventListener("change", () => see(found[name]));
    const label = element("label", "", NAMES[name]);
    label.htmlFor = input.id;
    by("views").append(element("span", "choice", input, label));
  });
  show("shown", reply.body.length > 0);
  show("cut", false);
  if (text === null) {
    by("shown").replaceChildren(`${plural(reply.body.length, "byte")} that are no text: save them.`);
  } else if (names.length) {
    see(found[names[0]]);
  }
}

/** Returns the ways to show a text, the best first. */
function ways(text) {
  const shown = text.slice(0, SHOWN);
  const whole = shown.length === text.length;
  const raw = () => [element("pre", "", shown), whole ? "" : cutText(text.length)];
  const kind = format(reply.content_type);
  if (kind === "json" && whole && attempt(() => pretty(text))) {
    return { pretty: () => [block(pretty(text)), ""], raw };
  }
  if (kind === "lines" && whole && attempt(() => lines(text))) {
    return { pretty: () => [block(lines(text)), ""], raw };
  }
  if (kind === "csv") return { table: () => table(shown, whole), raw };
  return { raw };
}

function attempt(make) {
  try {
    make();
    return true;
  } catch {
    return false; // It is not what its type says: it is shown as it is.
  }
}

function lines(text) {
  return text.split("\n").flatMap((line) => [...(line.trim() ? inOneLine(line) : []), ["", "\n"]]);
}

function block(pieces) {
  const made = element("pre");
  fill(made, pieces);
  return made;
}

function see(way) {
  const [made, words] = way();
  by("shown").replaceChildren(made);
  by("cut").textContent = words;
  show("cut", Boolean(words));
}

function cutText(length) {
  return `The first ${SHOWN.toLocaleString("en")} of ${length.toLocaleString("en")} characters; Save has all.`;
}

/** Returns an answer in CSV as a table, beside the rows of the request where there are as many. */
function table(text, whole) {
  const all = rows(text);
  const asked = asCsv();
  const beside = asked.rows.length === all.length ? asked : { rows: [], names: [] };
  const made = element("table", "data");
  made.append(heads(beside, Math.max(...all.map((row) => row.length), 0)));
  const body = element("tbody");
  all.slice(0, ROWS).forEach((row, index) => {
    const number = element("th", "number soft", String(index + 1));
    number.scope = "row";
    const inputs = (beside.rows[index] ?? []).map((cell) => element("td", "soft", cell));
    body.append(element("tr", "", number, ...inputs, ...row.map((cell) => element("td", "answer", cell))));
  });
  made.append(body);
  const count = whole ? ` of ${plural(all.length, "row")}` : " rows";
  return [made, all.length > ROWS || !whole ? `The first ${ROWS}${count}; Save has all.` : ""];
}

function asCsv() {
  const small = sent.bytes.length <= SHOWN;
  const text = small && format(sent.type) === "csv" ? decoded(sent.bytes) : null;
  if (text === null) return { rows: [], names: [] };
  const found = rows(text);
  const named = sent.type.includes("header=present");
  return { rows: named ? found.slice(1) : found, names: named ? (found[0] ?? []) : [] };
}

function heads(beside, width) {
  const columns = Math.max(...beside.rows.map((row) => row.length), 0);
  const cells = [head("#", "number")];
  for (let at = 0; at < columns; at++) cells.push(head(beside.names[at] ?? `sent ${at + 1}`));
  for (let at = 0; at < width; at++) cells.push(head(width === 1 ? "answer" : `answer ${at + 1}`));
  return element("thead", "", element("tr", "", ...cells));
}

function head(text, name = "") {
  const made = element("th", name, text);
  made.scope = "col";
  return made;
}

