// JSON, JSON lines and CSV as this page reads them: to check, to lay out, never to change.

export const JSON_TYPE = "application/json";
export const LINES_TYPE = "application/jsonlines";
export const CSV_TYPE = "text/csv";

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;
const STOPS = /[,\r\n]/g;
const WIDTH = 72;

/** Returns json, lines, csv or "" for a content type. */
export function format(type) {
  const name = type.split(";")[0].trim().toLowerCase();
  if (name === JSON_TYPE || name.endsWith("+json")) return "json";
  if (["application/jsonlines", "application/x-jsonlines", "application/x-ndjson"].includes(name)) {
    return "lines";
  }
  return name === CSV_TYPE ? "csv" : "";
}

/** Returns text of JSON as pieces [class, text], indented; numbers keep all of their digits. */
export function pretty(text) {
  JSON.parse(text); // It throws where this is no JSON.
  const tokens = text.match(TOKENS);
  let at = 0;
  const value = () => {
    const token = tokens[at++];
    if (token !== "{" && token !== "[") return token;
    const items = [];
    const end = token === "{" ? "}" : "]";
    while (tokens[at] !== end) {
      const key = token === "{" ? tokens[at++] : null;
      if (key !== null) at++; // The colon.
      items.push([key, value()]);
      if (tokens[at] === ",") at++;
    }
    at++;
    return { open: token, end, items };
  };
  return printed(value(), "");
}

/** Returns text of JSON, each token with its class, on one line as it is. */
export function inOneLine(text) {
  JSON.parse(text);
  const pieces = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|\s+|[^\s{}[\],:"]+/gs)) {
    pieces.push([kind(token), token]);
  }
  return pieces;
}

function printed(node, indent) {
  if (typeof node === "string") return [[kind(node), node]];
  const short = oneLine(node);
  if (short) return short;
  const deeper = `${indent}  `;
  const pieces = [["", `${node.open}\n`]];
  node.items.forEach(([key, value], index) => {
    pieces.push(["", deeper], ...named(key), ...printed(value, deeper));
    pieces.push(["", index < node.items.length - 1 ? ",\n" : "\n"]);
  });
  pieces.push(["", indent + node.end]);
  return pieces;
}

/** Returns a list or an object of plain values that fits on one line, or null. */
function oneLine(node) {
  if (node.items.some(([, value]) => typeof value !== "string")) return null;
  const pieces = [["", node.open]];
  let length = 2;
  node.items.forEach(([key, value], index) => {
    if (index) pieces.push(["", ", "]);
    pieces.push(...named(key), [kind(value), value]);
    length += (key?.length ?? 0) + value.length + 4;
  });
  if (length > WIDTH) return null;
  pieces.push(["", node.end]);
  return pieces;
}

function named(key) {
  return key === null ? [] : [["key", key], ["", ": "]];
}

function kind(token) {
  if (token.startsWith('"')) return "string";
  return /^[-\d]/.test(token) ? "digits" : /^[tfn]/.test(token) ? "word" : "";
}

/** Returns the rows of CSV, each a list of texts; at most `most` of them. */
export function rows(text, most = Infinity) {
  const found = [];
  let row = [];
  let at = 0;
  while (at < text.length && found.length < most) {
    let cell = "";
    if (text[at] === '"') {
      [cell, at] = quotedCell(text, at + 1);
    }
    STOPS.lastIndex = at;
    const stop = STOPS.exec(text)?.index ?? text.length;
    cell += text.slice(at, stop);
    at = stop;
    row.push(cell);
    if (text[at] === ",") {
      at++;
      if (at < text.length) continue;
      row.push("");
    }
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    at++;
    found.push(row);
    row = [];
  }
  return found.filter((each) => each.length > 1 || each[0] !== "");
}

function quotedCell(text, begin) {
  let cell = "";
  let at = begin;
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) return [cell + text.slice(at), text.length];
    cell += text.slice(at, end);
    if (text[end + 1] !== '"') return [cell, end + 1];
    cell += '"';
    at = end + 2;
  }
}

/** Returns what a body looks like, as the type that it is sent with: [whether it is fine, words]. */
export function judged(text, type) {
  if (!text.trim()) return [false, "empty"];
  if (format(type) === "json") return judgedJson(text, "JSON");
  if (format(type) === "lines") {
    const lines = text.split("\n").filter((line) => line.trim());
    for (const [index, line] of lines.entries()) {
      const [fine, words] = judgedJson(line, "JSON");
      if (!fine) return [false, `record ${index + 1}: ${words}`];
    }
    return [true, plural(lines.length, "record")];
  }
  if (format(type) !== "csv") return [true, ""];
  const found = rows(text);
  const head = type.includes("header=present") ? 1 : 0;
  const counts = [...new Set(found.map((row) => row.length))];
  const shape = `${plural(found.length - head, "row")}${head ? " below the names" : ""}`;
  if (counts.length > 1) return [false, `${shape} of ${Math.min(...counts)} to ${Math.max(...counts)} columns`];
  return [true, `${shape} of ${plural(counts[0] ?? 0, "column")}`];
}

function judgedJson(text, name) {
  try {
    JSON.parse(text);
    return [true, name];
  } catch (error) {
    return [false, `not ${name}: ${error.message}`];
  }
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Returns a number of bytes for a reader. */
export function bytes(count) {
  if (count < 1000) return plural(count, "byte");
  if (count < 999_950) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

/** Returns a time for a reader. */
export function time(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Returns bytes as text, or null where they are none. */
export function decoded(content) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return null;
  }
}
