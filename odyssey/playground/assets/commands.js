// The request as lines for a shell.

import { JSON_TYPE, format } from "./formats.js";

/** Characters of a body that still fit into a command. */
const LONGEST = 4000;
const SUFFIXES = { json: "json", lines: "jsonl", csv: "csv" };
const TYPES = { json: JSON_TYPE, jsonl: "application/jsonlines", csv: "text/csv" };

/** Returns a word as a shell of Bourne's family takes it. */
export function quoted(text) {
  return /^[\w%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns the name of the file that stands for the body, or "" where the body itself is shown. */
export function file(request) {
  if (request.file) return request.file;
  // A sample of several lines reads better as what it is: a file of the app.
  if (request.sample && request.text.includes("\n")) return request.sample;
  const suffix = SUFFIXES[format(request.type)] ?? "txt";
  return isLong(request) ? `body.${suffix}` : "";
}

/** Returns whether a body that was typed has to be a file first. */
export function isLong(request) {
  return !request.file && !request.sample && request.text.length > LONGEST;
}

/** Returns where the command is to be typed. */
export function where(target, request) {
  if (request.file) return `${target.where}; say where the file is`;
  return isLong(request) ? `${target.where}, with the body saved` : target.where;
}

/** Returns where curl is to be typed. */
export function curlWhere(request) {
  if (request.file) return "With curl, where the file is";
  if (isLong(request)) return "With curl, where the body was saved";
  return file(request) ? "With curl, in the app's folder" : "With curl, anywhere on this machine";
}

/** Returns the request as an odyssey command. */
export function odyssey(target, request) {
  const name = file(request);
  let words = target.command;
  let before = "";
  if (name) {
    words += ` --file ${quoted(name.startsWith("-") ? `./${name}` : name)}`;
  } else if (request.text === "-" || request.text.startsWith("@")) {
    before = `printf %s ${quoted(request.text)} | `;
    words += " --data -";
  } else {
    words += ` --data ${quoted(request.text)}`;
  }
  const usual = name ? (TYPES[name.split(".").pop().toLowerCase()] ?? JSON_TYPE) : JSON_TYPE;
  if (request.type !== usual) words += ` --content-type ${quoted(request.type)}`;
  if (request.accept) words += ` --accept ${quoted(request.accept)}`;
  return before + words;
}

/** Returns the request for curl; "" where curl alone cannot make it. */
export function curl(target, request) {
  // Only JSON goes to a function as it is; the rest is put into an event first.
  const types = [request.type, request.accept || JSON_TYPE];
  const plain = types.every((type) => type.split(";")[0].trim().toLowerCase() === JSON_TYPE);
  if (target.kind === "function" && target.region && !plain) return "";
  const name = file(request);
  let words = `${target.curl} ${quoted(target.url)}`;
  words += ` -H ${quoted(`Content-Type: ${request.type}`)}`;
  if (request.accept) words += ` -H ${quoted(`Accept: ${request.accept}`)}`;
  if (name) return `${words} --data-binary ${quoted(`@${name}`)}`;
  if (!request.text.startsWith("@")) return `${words} --data-binary ${quoted(request.text)}`;
  return `printf %s ${quoted(request.text)} | ${words} --data-binary @-`;
}
