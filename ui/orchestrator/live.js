// What the pages show, asked for again and again while the page is visible, and at once after an event.
import { at, follow, get, Problem } from "./api.js";
import { hue } from "./dom.js";

const EVERY_MS = 2000;
const EVENTS_MAX = 2000;
const COMPONENTS_MS = 3500;
const COMPONENTS_MAX = 64;

export const site = {
  role: "",
  orchestrator: null,
  devices: [],
  candidates: [],
  apps: new Map(),
  flows: new Map(),
  status: new Map(),
  events: [],
  reachable: true,
  signedIn: true,
  loaded: false,
};
const listeners = new Set();
const newsListeners = new Set();
let timer = 0,
  running = false,
  again = false,
  stopEvents = null;

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Events that happen from now on.
export function subscribeNews(listener) {
  newsListeners.add(listener);
}

function tell() {
  for (const listener of [...listeners]) listener(site);
}

export const deviceCalled = (idOrName) =>
  site.devices.find((device) => device.id === idOrName || device.name === idOrName);
export const mayOperate = () => site.role === "operate";

// name -> what ask(name) gives, in the order of the names, without those that gave a problem.
async function each(names, ask) {
  const answers = await Promise.all(
    names.map(async (name) => {
      try {
        return await ask(name);
      } catch (error) {
        if (error instanceof Problem && error.status !== 401) return undefined;
        throw error;
      }
    }),
  );
  return new Map(names.map((name, i) => [name, answers[i]]).filter(([, answer]) => answer !== undefined));
}

async function ask() {
  if (site.role === "") {
    site.role = (await get("/v1/login")).role;
    site.orchestrator = await get("/v1/orchestrator");
  }
  const [fleet, apps] = await Promise.all([get("/v1/devices"), get("/v1/apps")]);
  site.devices = fleet.devices;
  site.candidates = fleet.candidates;
  const names = apps.filter((app) => app.state !== "removed").map((app) => app.app);
  names.sort().forEach(hue);
  site.apps = await each(names, (name) => get(at("apps", name)));
  site.flows = await each(
    [...site.apps.values()].filter((app) => app.generation > 0).map((app) => app.app),
    (name) => get(at("flows", name)),
  );
  if (watchers > 0) await askComponents();
  site.reachable = true;
  site.signedIn = true;
  site.loaded = true;
  await startEvents();
}

// Figures of each component, as long as somebody wants them; what calls a second its links on one device carry follows
// from the figures before.
let watchers = 0,
  asked = -Infinity;
export function watchComponents() {
  watchers += 1;
  asked = -Infinity;
  return () => {
    watchers -= 1;
  };
}

async function askComponents() {
  const now = performance.now();
  if (now - asked < COMPONENTS_MS) return;
  const names = [...site.apps.values()]
    .flatMap((app) => app.components.map((component) => `${app.app}/${component.name}`))
    .slice(0, COMPONENTS_MAX);
  const before = site.status,
    seconds = (now - asked) / 1000;
  asked = now;
  site.status = await each(names, (name) => get(at("components", ...name.split("/"))));
  for (const [name, status] of site.status) {
    for (const link of status.links ?? []) {
      const known = before
        .get(name)
        ?.links?.find((other) => other.interface === link.interface && other.component === link.component);
      link.rate =
        known === undefined || !Number.isFinite(seconds)
          ? 0
          : Math.max(0, (link.calls - known.calls) / seconds);
    }
  }
}

async function startEvents() {
  if (stopEvents !== null) return;
  stopEvents = () => {};
  site.events.length = 0;
  const latest = (await get("/v1/events?tail=1")).at(-1)?.time ?? "";
  stopEvents = follow("/v1/events?tail=500", (event) => {
    site.events.unshift(event);
    site.events.length = Math.min(site.events.length, EVENTS_MAX);
    if (event.time > latest) for (const listener of newsListeners) listener(event);
    refreshSoon();
  });
}

export async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  clearTimeout(timer);
  try {
    await ask();
  } catch (error) {
    site.signedIn = !(error instanceof Problem && error.status === 401);
    site.reachable = !(error instanceof Problem && error.status === 0);
    if (!site.signedIn) {
      site.role = "";
      stopEvents?.();
      stopEvents = null;
    }
  }
  running = false;
  tell();
  schedule();
}

function schedule() {
  clearTimeout(timer);
  const wait = again
    ? 0
    : [...site.apps.values()].some((app) => app.state === "deploying")
      ? EVERY_MS / 4
      : EVERY_MS;
  again = false;
  if (!document.hidden) timer = setTimeout(refresh, wait);
}

let soon = 0;
export function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(refresh, 60);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
