// The request: a text that is edited or a file, its type, and the type that is wanted in return.

import { by, choices, show } from "./dom.js";
import { CSV_TYPE, JSON_TYPE, LINES_TYPE, bytes, decoded, format, judged, pretty } from "./formats.js";

const OTHER = "other";
const TYPES = [
  [JSON_TYPE, "JSON: application/json"],
  [LINES_TYPE, "JSON lines: application/jsonlines"],
  [CSV_TYPE, "CSV: text/csv"],
  [`${CSV_TYPE}; header=present`, "CSV with names: text/csv; header=present"],
  [OTHER, "Another…"],
];
const ACCEPTS = [["", "The server chooses"], ...TYPES.filter(([type]) => !type.includes(";"))];
const SUFFIXES = { csv: CSV_TYPE, json: JSON_TYPE, jsonl: LINES_TYPE, ndjson: LINES_TYPE };

/** Characters that are looked at while somebody types. */
const LOOKED_AT = 200_000;
/** Characters of a file that are shown. */
const SHOWN = 2000;

let file = null;
let sample = null;
let limit = Infinity;
let changed = () => {};

/** Makes the editor ready; `onChange` is called whenever the request is another. */
export function begin(onChange) {
  changed = onChange;
  choices(by("type"), TYPES, JSON_TYPE);
  choices(by("accept"), ACCEPTS, "");
  for (const name of ["type", "accept"]) {
    by(name).addEventListener("change", () => {
      show(`${name}-other`, by(name).value === OTHER);
      if (by(name).value === OTHER) by(`${name}-other`).focus();
      update();
    });
    by(`${name}-other`).addEventListener("input", update);
  }
  by("body").addEventListener("input", update);
  by("pick").addEventListener("click", () => by("picked").click());
  by("picked").addEventListener("change", () => take(by("picked").files[0]));
  by("file-remove").addEventListener("click", () => {
    put(null);
    by("body").focus();
  });
  by("format").addEventListener("click", () => {
    by("body").value = pretty(by("body").value).map(([, text]) => text).join("");
    update();
  });
  listenForDrops();
}

function listenForDrops() {
  const carries = (event) => event.dataTransfer.types.includes("Files");
  let depth = 0;
  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    depth++;
    by("drop").classList.add("over-it");
  });
  addEventListener("dragleave", () => {
    depth = Math.max(depth - 1, 0);
    if (!depth) by("drop").classList.remove("over-it");
  });
  // Anywhere on the page: a file that misses would make the browser leave it.
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    by("drop").classList.remove("over-it");
    take(event.dataTransfer.files[0]);
  });
}

async function take(picked) {
  by("picked").value = "";
  if (!picked) return;
  const suffix = picked.name.split(".").pop().toLowerCase();
  put({ name: picked.name, bytes: new Uint8Array(await picked.arrayBuffer()) });
  choose("type", SUFFIXES[suffix] ?? (picked.type || JSON_TYPE));
}

function put(picked) {
  file = picked;
  show("file", file !== null);
  show("editor", file === null);
  if (file) {
    by("file-name").textContent = file.name;
    by("file-size").textContent = bytes(file.bytes.length);
    const text = decoded(file.bytes);
    by("file-text").textContent =
      text === null ? "This is no text." : text.slice(0, SHOWN) + (text.length > SHOWN ? "\n…" : "");
  }
  update();
}

/** Chooses a content type or what is accepted, also one that is not in the list. */
function choose(name, value) {
  const known = [...by(name).options].some((option) => option.value === value);
  by(name).value = known ? value : OTHER;
  by(`${name}-other`).value = known ? "" : value;
  show(`${name}-other`, !known);
  update();
}

/** Puts a sample into the editor, without the line break at its end. */
export function openSample(path, content, type) {
  const text = decoded(content)?.replace(/\r?\n$/, "");
  sample = { path, text, type };
  const shown = text === undefined ? content : new TextEncoder().encode(text);
  open({ name: text === undefined ? path : "", bytes: shown, type });
}

/** Puts a request that was sent before into the editor. */
export function open({ name, bytes: content, type, accept = "" }) {
  const text = decoded(content);
  if (text === null || name) {
    put({ name: name || "body", bytes: content });
  } else {
    by("body").value = text;
    put(null);
  }
  choose("type", type);
  choose("accept", accept);
}

/** Returns a header's value as chosen or typed. */
function chosen(name) {
  const value = by(name).value;
  return value === OTHER ? by(`${name}-other`).value.trim() : value;
}

/** Returns the request as it would be sent now. */
export function request() {
  const text = file ? "" : by("body").value;
  return {
    text,
    file: file?.name ?? "",
    sample: !file && sample?.text === text && sample.type === chosen("type") ? sample.path : "",
    bytes: file ? file.bytes : new TextEncoder().encode(text),
    type: chosen("type") || JSON_TYPE,
    accept: chosen("accept"),
  };
}

/** Notes how large a request may be. */
export function allow(most) {
  limit = most;
  update();
}

function update() {
  const now = request();
  const [fine, words] = look(now);
  const large = now.bytes.length > limit;
  by("meter").textContent = large
    ? `${bytes(now.bytes.length)}, and at most ${bytes(limit)} are taken`
    : [bytes(now.bytes.length), words].filter(Boolean).join(" · ");
  by("meter").classList.toggle("bad", !fine || large);
  show("format", !file && fine && format(now.type) === "json");
  changed(now, large);
}

function look(now) {
  const text = file ? decoded(file.bytes) : now.text;
  if (text === null) return [!["json", "lines", "csv"].includes(format(now.type)), "no text"];
  return text.length > LOOKED_AT ? [true, ""] : judged(text, now.type);
}
