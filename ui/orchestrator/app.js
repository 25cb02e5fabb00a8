// The page: which part of it is shown, by the address after #, and what is around it.
import { request } from "./api.js";
import { button, clock, el, renew } from "./dom.js";
import { endPictures } from "./displays.js";
import { askNow, connection, nextProbe } from "./fresh.js";
import { deviceCalled, fleet, site, subscribe, subscribeNews } from "./live.js";
import { forgetBoxes, markAges, toast } from "./parts.js";
import { showMap } from "./map.js";
import { showDevices } from "./device_list.js";
import { showDevice } from "./devices.js";
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
  for (const open of document.querySelectorAll("dialog")) open.close();
  shown?.end?.();
  forgetBoxes();
  endPictures();
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

// ---- What is wrong with all of the page ----

const HICCUP_MS = 4000; // what is over sooner is not worth a word

let firstVersion = "";

// [what is wrong, when it is asked again (ms since 1970; 0: never), what can be done], or null.
function trouble() {
  const version = site.orchestrator?.version ?? "";
  firstVersion ||= version;
  if (connection.state === "down")
    return [
      `No answer from the orchestrator since ${clock(connection.since)}. What you see is from before; devices go on without it.`,
      nextProbe(),
      button("Ask now", askNow),
    ];
  if (connection.state === "up" && fleet.error !== null && Date.now() - fleet.at > HICCUP_MS)
    return [
      `Devices and applications cannot be read: ${fleet.error.message}. What you see is from before.`,
      fleet.next,
      button("Ask now", () => fleet.again()),
    ];
  if (version !== firstVersion)
    return [
      `This orchestrator is Isomer ${version} now, this page is still of ${firstVersion}.`,
      0,
      button("Reload", () => window.location.reload()),
    ];
  return null;
}

function showTrouble() {
  const bar = document.getElementById("trouble"),
    wrong = trouble();
  bar.hidden = wrong === null;
  if (wrong === null) return;
  const [text, next, remedy] = wrong;
  const seconds = Math.max(0, Math.ceil((next - Date.now()) / 1000));
  renew(bar, [text], () => [
    el("span.shape", { "aria-hidden": "true" }, "✕"),
    el("span", { role: "alert" }, text),
    el("span.countdown", {}),
    remedy,
  ]);
  bar.querySelector(".countdown").textContent =
    next === 0 ? "" : seconds === 0 ? "Asking…" : `Asked again in ${seconds} s.`;
}

setInterval(showTrouble, 500);

// ---- The page ----

function show() {
  showTrouble();
  document.getElementById("sign-out").hidden = connection.role === "";
  document.getElementById("site-name").textContent = site.orchestrator?.name ?? "Isomer";
  document.getElementById("version").textContent = `Isomer ${site.orchestrator?.version ?? ""}`.trim();
  document.getElementById("rights").textContent = connection.role === "read" ? "Looking only" : "";
  if (connection.state === "signed-out") {
    if (shownAt !== "signed-out") {
      leave();
      shownAt = "signed-out";
      main.replaceChildren(signedOut());
      document.title = "Sign in – Isomer";
    }
    return;
  }
  if (!site.loaded || (shownAt === "signed-out" && connection.role === "")) return;
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
  markAges(main);
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
