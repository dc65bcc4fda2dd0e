// What this page asks of odyssey, on the machine that it came from.

/** Odyssey does not answer. */
export class Gone extends Error {}

/** Odyssey has no answer of the model's, and says why. */
export class Refused extends Error {
  constructor(told, status) {
    super(told.error ?? `odyssey answers ${status}`);
    this.hint = told.hint ?? "";
    this.status = status;
  }
}

let token = "";

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Gone();
  }
  if (response.ok) return response;
  throw new Refused(await response.json().catch(() => ({})), response.status);
}

/** Returns how everything stands; its token is what requests need. */
export async function state() {
  const told = await (await ask("/api/state")).json();
  token = told.token;
  return told;
}

/** Returns the bytes of a sample. */
export async function sample(name) {
  const response = await ask(`/api/sample?${new URLSearchParams({ name })}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Returns what is new in a target's log, as soon as there is something. */
export async function news(target, after, phase, signal) {
  const query = new URLSearchParams({ target, after, phase });
  return (await ask(`/api/log?${query}`, { signal })).json();
}

/** Sends a request; returns what is known of the answer, and its bytes. */
export async function send(target, request, signal, again = true) {
  const { type, accept } = request;
  const query = new URLSearchParams({ target, type, accept });
  const headers = { "X-Playground-Token": token, "Content-Type": "application/octet-stream" };
  const options = { method: "POST", body: request.bytes, headers, signal };
  let response;
  try {
    response = await ask(`/api/send?${query}`, options);
  } catch (error) {
    // Odyssey was started anew on this port since the page was loaded.
    if (!again || error.status !== 403) throw error;
    await state();
    return send(target, request, signal, false);
  }
  const head = JSON.parse(response.headers.get("X-Playground"));
  return { ...head, body: new Uint8Array(await response.arrayBuffer()) };
}
