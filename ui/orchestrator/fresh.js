// What keeps all that is shown fresh: one way for everything that comes from the orchestrator.
//
// A Part is something that is asked for, at once and then every so often; a Stream is something that is followed. When
// that fails, what was known stays, with the time of it and why there is nothing newer, and it is tried again after
// growing pauses. When the orchestrator itself does not answer, nothing is asked but that, by `connection`; as soon as
// it answers, everything is asked anew, for it may be another life of it.
import { get, Problem } from "./api.js";

const PAUSES_MS = [1000, 2000, 4000, 8000, 15000];
const PROBE_MS = 5000;
const SIGNED_OUT_MS = 3000;

// ---- Trying ----

const attempts = new Set();

// Something that is done now, after a while, or again after a pause that grows with each failure. While the page is
// hidden or the orchestrator does not answer, it waits for that to end.
export class Attempt {
  #go;
  #always;
  #timer = 0;
  #failures = 0;
  #due = false;
  next = 0; // when it is done again, in ms since 1970; 0: not by itself

  constructor(go, always = false) {
    this.#go = go;
    this.#always = always;
    attempts.add(this);
  }

  now() {
    clearTimeout(this.#timer);
    this.next = 0;
    this.#due = !attempts.has(this);
    if (!this.#due) this.#go();
  }

  after(ms) {
    clearTimeout(this.#timer);
    if (!attempts.has(this)) return;
    this.next = Date.now() + ms;
    this.#timer = setTimeout(() => {
      this.#due = true;
      this.wake();
    }, ms);
  }

  // For later: when the page is seen again.
  rest() {
    clearTimeout(this.#timer);
    this.next = 0;
    this.#due = true;
  }

  // Does what should have been done meanwhile.
  wake() {
    if (this.#due && !document.hidden && (this.#always || connection.state === "up")) this.now();
  }

  worked() {
    this.#failures = 0;
  }

  failed() {
    this.after(PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)]);
    this.#failures += 1;
  }

  end() {
    clearTimeout(this.#timer);
    attempts.delete(this);
  }
}

const hiders = new Set();

// What is followed takes one of the six connections that a browser opens to an address, in all its windows: who is not
// seen gives it back. The result ends it.
export function whenHidden(doing) {
  hiders.add(doing);
  return () => hiders.delete(doing);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) for (const doing of [...hiders]) doing();
  else for (const attempt of [...attempts]) attempt.wake();
});
window.addEventListener("online", () => {
  if (connection.state === "down") prober.now();
});

// ---- The orchestrator ----

// state: "asking" (for the first time), "up", "down", "signed-out"; role: what this session may; since: when it was lost.
export const connection = { state: "asking", role: "", since: 0, why: "" };
const watchers = new Set();
const prober = new Attempt(() => probe(), true);
let probing = null;

export const nextProbe = () => prober.next;
export const askNow = () => prober.now();

export function watchConnection(watcher) {
  watchers.add(watcher);
}

function become(state, why = "") {
  const before = connection.state;
  connection.state = state;
  connection.why = why;
  if (state === "down" && before !== "down") connection.since = Date.now();
  if (state === "up" && before !== "up")
    for (const attempt of [...attempts]) if (attempt !== prober) attempt.now();
  for (const watcher of watchers) watcher();
}

async function askWho() {
  try {
    connection.role = (await get("/v1/login", { waitMs: PROBE_MS })).role;
    prober.worked();
    if (connection.state !== "up") become("up");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      connection.role = "";
      become("signed-out");
      prober.after(SIGNED_OUT_MS); // somebody may sign in in another window
    } else {
      become("down", error.message);
      prober.failed();
    }
  }
  probing = null;
}

// Is it there? At most one question at a time.
export function probe() {
  probing ??= askWho();
  return probing;
}

// ---- Parts ----

const parts = new Set();

// All that is shown is asked for now.
export function askAll() {
  for (const part of parts) part.again();
}

export class Part {
  value = undefined;
  error = null; // why there is nothing newer
  at = 0; // when the value was told, in ms since 1970; 0: not yet
  #ask;
  #changed;
  #everyMs;
  #running = false;
  #again = false;
  #ended = false;
  #attempt;
  #abort = new AbortController();

  // ask(signal) -> a promise of the value; changed(part) after each answer or failure; everyMs() -> the pause between
  // answers, 0: it is asked for once, and again when there is reason to.
  constructor(ask, changed, everyMs = () => 0) {
    this.#ask = ask;
    this.#changed = changed;
    this.#everyMs = everyMs;
    this.#attempt = new Attempt(() => this.#go());
    parts.add(this);
    if (connection.state === "up") this.#attempt.now();
  }

  get isFresh() {
    return this.at !== 0 && this.error === null && connection.state === "up";
  }

  get next() {
    return this.#attempt.next;
  }

  again() {
    if (connection.state === "up") this.#attempt.now();
  }

  end() {
    this.#ended = true;
    this.#abort.abort();
    this.#attempt.end();
    parts.delete(this);
  }

  async #go() {
    this.#again = this.#running;
    if (this.#running) return;
    this.#running = true;
    let failure = null;
    try {
      const value = await this.#ask(this.#abort.signal);
      if (this.#ended) return;
      Object.assign(this, { value, at: Date.now() });
    } catch (error) {
      if (this.#ended) return;
      failure = error;
    }
    this.#running = false;
    this.error = failure;
    if (failure === null) {
      this.#attempt.worked();
      if (this.#again) this.#attempt.after(0);
      else if (this.#everyMs() > 0) this.#attempt.after(this.#everyMs());
    } else {
      this.#attempt.failed();
      if (failure instanceof Problem && [0, 401].includes(failure.status)) probe();
    }
    this.#changed(this);
  }
}

// ---- Streams ----

// Server-sent events. opened(): it begins (again), and what it tells begins with what was told before; item(json);
// changed(stream): it broke or is whole again.
export class Stream {
  error = null; // why it is broken
  at = 0; // until when it was whole, in ms since 1970; 0: it never was
  #whole = false;
  #path;
  #told;
  #source = null;
  #attempt;
  #onHidden;

  constructor(path, told) {
    this.#path = path;
    this.#told = told;
    this.#attempt = new Attempt(() => this.#open());
    this.#onHidden = whenHidden(() => this.#rest());
    if (connection.state === "up") this.#attempt.now();
  }

  get isFresh() {
    return this.#whole && connection.state === "up";
  }

  get next() {
    return this.#attempt.next;
  }

  again() {
    if (connection.state === "up") this.#attempt.now();
  }

  end() {
    this.#source?.close();
    this.#attempt.end();
    this.#onHidden();
  }

  #rest() {
    this.#source?.close();
    this.#source = null;
    this.#attempt.rest();
  }

  #open() {
    this.#source?.close();
    const source = new EventSource(this.#path);
    this.#source = source;
    source.addEventListener("open", () => {
      Object.assign(this, { error: null, at: Date.now() });
      this.#whole = true;
      this.#attempt.worked();
      this.#told.opened();
      this.#told.changed(this);
    });
    source.addEventListener("message", (event) => this.#told.item(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      source.close();
      if (this.#source === source) this.#broken();
    });
  }

  // The browser does not say why it broke; a question without a stream does.
  async #broken() {
    this.#source = null;
    if (this.#whole) this.at = Date.now();
    this.#whole = false;
    this.#attempt.failed();
    await probe();
    try {
      if (connection.state === "up") await get(this.#path);
      this.error = new Problem(0, { detail: "The stream broke off" });
    } catch (error) {
      this.error = error;
    }
    if (!this.#whole) this.#told.changed(this);
  }
}

prober.now();
