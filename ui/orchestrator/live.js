// What the pages show of devices and applications, asked for again and again, and at once after an event.
import { at, get, Problem } from "./api.js";
import { hue } from "./dom.js";
import { askAll, connection, Part, probe, Stream, watchConnection } from "./fresh.js";

const EVERY_MS = 2000;
const CHANGING_MS = 500; // while a change is under way
const FIGURES_MS = 3500;
const EVENTS_MAX = 2000;
// So many are asked for at a time, those first that were not for longest.
const APPS_MAX = 24,
  FLOWS_MAX = 24,
  FIGURES_MAX = 64;

export const site = {
  orchestrator: null,
  devices: [],
  candidates: [],
  apps: new Map(), // name -> its status
  flows: new Map(), // name of an application -> its flows and links
  status: new Map(), // app/component -> its figures
  flowTroubles: new Map(), // name of an application -> why there is nothing newer of its flows
  troubles: new Map(), // app/component -> why there are no figures
  events: [],
  loaded: false,
};

const listeners = new Set(),
  newsListeners = new Set();
let telling = 0;

export function subscribe(listener) {
  listeners.add(listener);
}

// Events that happen from now on.
export function subscribeNews(listener) {
  newsListeners.add(listener);
}

// Once for all that comes at the same time.
export function tell() {
  clearTimeout(telling);
  telling = setTimeout(() => {
    for (const listener of listeners) listener(site);
  }, 0);
}

export const deviceCalled = (idOrName) =>
  site.devices.find((device) => device.id === idOrName || device.name === idOrName);
export const mayOperate = () => connection.role === "operate";

// ---- Asking for some of many ----

// name -> {answer, trouble, at}: the latest answer, and why there is no newer one.
class Known {
  #entries = new Map();

  answers() {
    return new Map(
      [...this.#entries]
        .filter(([, entry]) => entry.answer !== null)
        .map(([name, entry]) => [name, entry.answer]),
    );
  }

  troubles() {
    const failed = [...this.#entries].filter(([, entry]) => entry.trouble !== "");
    return new Map(failed.map(([name, entry]) => [name, entry.trouble]));
  }

  age(name) {
    return Date.now() - (this.#entries.get(name)?.at ?? -Infinity);
  }

  keepOnly(names) {
    const kept = new Set(names);
    for (const name of this.#entries.keys()) if (!kept.has(name)) this.#entries.delete(name);
  }

  // Asks for those that `must` say so and the oldest of the others, `max` of these. What an answer does not come for
  // stays as it was; with keep false it is forgotten, for figures that are old are worse than none.
  async ask(names, max, ask, { must = () => false, keep = true } = {}) {
    this.keepOnly(names);
    const others = names.filter((name) => !must(name));
    others.sort((a, b) => this.age(b) - this.age(a));
    await Promise.all(
      [...names.filter(must), ...others.slice(0, max)].map((name) => this.#one(name, ask, keep)),
    );
  }

  async #one(name, ask, keep) {
    const before = this.#entries.get(name);
    try {
      const answer = await ask(name, before);
      this.#entries.set(name, { answer, trouble: "", at: Date.now() });
    } catch (error) {
      if (!(error instanceof Problem) || [0, 401].includes(error.status)) throw error;
      if (error.status === 404 && keep) this.#entries.delete(name);
      else
        this.#entries.set(name, {
          answer: keep ? (before?.answer ?? null) : null,
          trouble: error.message,
          at: Date.now(),
        });
    }
  }
}

const apps = new Known(),
  flows = new Known(),
  figures = new Known();

// ---- Devices and applications ----

async function askFleet(signal) {
  const [fleet, brief] = await Promise.all([get("/v1/devices", { signal }), get("/v1/apps", { signal })]);
  const revisions = new Map(
    brief.filter((app) => app.state !== "removed").map((app) => [app.app, app.revision]),
  );
  const names = [...revisions.keys()].sort(byName);
  names.forEach(hue);
  await apps.ask(names, APPS_MAX, (name) => get(at("apps", name), { signal }), {
    must: (name) => site.apps.get(name)?.revision !== revisions.get(name),
  });
  const known = apps.answers();
  site.devices = fleet.devices.sort((a, b) => byName(a.name, b.name));
  site.candidates = fleet.candidates;
  site.apps = new Map(names.filter((name) => known.has(name)).map((name) => [name, known.get(name)]));
  site.loaded = true;
}

// d2 before d10.
const collator = new Intl.Collator("en", { numeric: true });
export const byName = collator.compare;

const isChanging = () => [...site.apps.values()].some((app) => app.state === "deploying");
export const fleet = new Part(askFleet, tell, () => (isChanging() ? CHANGING_MS : EVERY_MS));

export const orchestrator = new Part(async () => {
  site.orchestrator = await get("/v1/orchestrator");
  return site.orchestrator;
}, tell);

// ---- Figures: of flows and components, as long as somebody wants them ----

const wanted = new Set();

// flows(app), components(app, name): whether the page shows it. The result ends it.
export function watch(what) {
  wanted.add(what);
  flowFigures.again();
  componentFigures.again();
  return () => wanted.delete(what);
}

async function askFlows(signal) {
  const names = [...site.apps.values()]
    .filter((app) => app.generation > 0 && [...wanted].some((what) => what.flows?.(app.app)))
    .map((app) => app.app);
  await flows.ask(names, FLOWS_MAX, (name) => get(at("flows", name), { signal }));
  site.flows = flows.answers();
  site.flowTroubles = flows.troubles();
}

// Not of those on devices that do not answer: the others would wait for them.
async function askComponents(signal) {
  const silent = new Set(site.devices.filter((device) => device.state !== "up").map((device) => device.id));
  const names = [...site.apps.values()].flatMap((app) =>
    app.components
      .filter(
        (item) => !silent.has(item.device) && [...wanted].some((what) => what.components?.(app.app, item)),
      )
      .map((item) => `${app.app}/${item.name}`),
  );
  const ask = async (name, before) =>
    withRates(await get(at("components", ...name.split("/")), { signal }), before);
  await figures.ask(names, FIGURES_MAX, ask, { keep: false });
  site.status = figures.answers();
  site.troubles = figures.troubles();
}

// What calls a second its links on one device carry follows from the figures before.
function withRates(status, before) {
  const seconds = before === undefined ? NaN : (Date.now() - before.at) / 1000;
  for (const link of status.links ?? []) {
    const known = before?.answer?.links?.find(
      (other) => other.interface === link.interface && other.component === link.component,
    );
    link.rate = known === undefined ? 0 : Math.max(0, (link.calls - known.calls) / seconds);
  }
  return status;
}

export const flowFigures = new Part(askFlows, tell, () => EVERY_MS);
const componentFigures = new Part(askComponents, tell, () => FIGURES_MS);

// ---- Events ----

let latest = ""; // of the newest event that was told; those of before the page are no news

const before = new Part(
  () => get("/v1/events?tail=1"),
  () => {
    if (before.at === 0 || events !== null) return;
    latest = before.value.at(-1)?.time ?? "0";
    events = new Stream("/v1/events?tail=500", { opened, item: happened, changed: tell });
  },
);
let events = null;

// What the pages show of the events is as fresh as this.
export const eventsPart = () => events ?? before;

// Again: perhaps of another life of the orchestrator, where everything may be other.
function opened() {
  if (site.events.length !== 0) askAll();
  site.events.length = 0;
}

function happened(event) {
  site.events.unshift(event);
  site.events.length = Math.min(site.events.length, EVENTS_MAX);
  if (event.time > latest) {
    latest = event.time;
    for (const listener of newsListeners) listener(event);
  }
  refreshSoon();
}

// ---- At once ----

let soon = 0;
export function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => {
    fleet.again();
    flowFigures.again();
  }, 60);
}

watchConnection(tell);
probe();
