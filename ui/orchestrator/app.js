// The page: which part of it is shown, by the address after #, and what is around it.
import { request } from "./api.js";
import { el } from "./dom.js";
import { deviceCalled, refresh, site, subscribe, subscribeNews } from "./live.js";
import { toast } from "./parts.js";
import { showMap } from "./map.js";
import { showDevice, showDevices } from "./devices.js";
import { showApp, showApps } from "./apps.js";
import { showComponent } from "./component.js";
import { showDeploy } from "./deploy.js";
import { showPackage, showPackages } from "./packages.js";
import { showEvents } from "./events.js";

// First segment -> what shows it: (main, segments) -> function that shows the present state of `site`; its member
// `end` (may be missing) is called when the page is left.
const PAGES = {
  "": showMap,
  devices: (main, [name]) => (name === undefined ? showDevices(main) : showDevice(main, name)),
  apps: (main, [name, part]) => (name === undefined ? showApps(main) : showApp(main, name, part)),
  components: (main, [app, name]) => showComponent(main, app, name),
  packages: (main, [reference]) =>
    reference === undefined ? showPackages(main) : showPackage(main, reference),
  events: showEvents,
  deploy: (main, [app]) => showDeploy(main, app),
};

const main = document.getElementById("main");
let shown = null,
  shownAt = null;

function leave() {
  shown?.end?.();
  shown = null;
  shownAt = null;
}

function signedOut() {
  const command =
    site.orchestrator === null ? "isomer login" : `isomer --orchestrator ${window.location.origin} login`;
  return el(
    "section.panel.welcome",
    {},
    el("h1", {}, "Sign in"),
    el(
      "p",
      {},
      "This page shows devices and what runs on them to those who may see it. Where the orchestrator runs, type",
    ),
    el("pre", {}, command),
    el(
      "p",
      {},
      "and open the address that it prints: it is good once, for two minutes. Afterwards this browser has the rights of that machine's token for twelve hours, or until you sign out.",
    ),
  );
}

function segments() {
  return window.location.hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((text) => text !== "")
    .map((text) => {
      try {
        return decodeURIComponent(text);
      } catch {
        return text; // no page is called so, which is said
      }
    });
}

function show() {
  document.getElementById("sign-out").hidden = !site.signedIn || site.role === "";
  document.getElementById("site-name").textContent = site.orchestrator?.name ?? "Isomer";
  document.getElementById("version").textContent = `Isomer ${site.orchestrator?.version ?? ""}`.trim();
  const connection = document.getElementById("connection");
  const text = !site.reachable
    ? "The orchestrator does not answer"
    : site.role === "read"
      ? "Looking only"
      : "";
  if (connection.textContent !== text) connection.textContent = text;
  if (!site.signedIn) {
    if (shownAt !== "signed-out") {
      leave();
      shownAt = "signed-out";
      main.replaceChildren(signedOut());
      document.title = "Sign in – Isomer";
    }
    return;
  }
  if (!site.loaded) return;
  const parts = segments(),
    address = parts.join("/");
  if (shownAt !== address) {
    const moved = shownAt !== null && shownAt !== "signed-out";
    leave();
    const [page = "", ...rest] = parts;
    for (const link of document.querySelectorAll("header nav a")) {
      if (link.dataset.page === page) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    main.replaceChildren();
    main.className = page === "" ? "page-map" : `page-${page}`;
    shownAt = address;
    const make = PAGES[page];
    if (make === undefined)
      main.append(
        el(
          "section.panel",
          {},
          el("h1", {}, "There is nothing here"),
          el("p", {}, `No page is called “${page}”.`),
        ),
      );
    else shown = make(main, rest);
    document.title = `${main.querySelector("h1")?.textContent ?? "Isomer"} – Isomer`;
    if (moved) {
      window.scrollTo(0, 0);
      main.focus({ preventScroll: true });
    }
  }
  shown?.(site);
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would be a page's
  main.focus();
});
document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await request("DELETE", "/v1/login");
    window.location.reload();
  } catch (error) {
    toast(error.message, "bad");
  }
});
// What people wait for, or should know wherever they are.
const NEWS = {
  moved: [
    (event) => `${event.component} runs on ${deviceCalled(event.device)?.name ?? event.device} now`,
    "good",
  ],
  deployed: [(event) => `${event.app} is deployed`, "good"],
  removed: [(event) => `${event.app} is removed`, "good"],
  failed: [(event) => `${event.app}: the change failed`, "bad"],
  degraded: [(event) => `${event.app} is degraded`, "bad"],
  failing: [(event) => event.app, "bad"],
  recovered: [(event) => `${event.app} runs again`, "good"],
  "device-lost": [(event) => `${event.device} is lost`, "bad"],
  "device-back": [(event) => `${event.device} is back`, "good"],
};
subscribeNews((event) => {
  const [text, kind] = NEWS[event.event] ?? [];
  if (text !== undefined) toast([text(event), event.detail].filter(Boolean).join(": "), kind);
});
window.addEventListener("hashchange", show);
subscribe(show);
main.append(el("p.muted", {}, "Asking the orchestrator…"));
refresh();
