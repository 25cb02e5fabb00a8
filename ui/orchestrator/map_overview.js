// Of many devices, the map shows a tile for each, those in trouble first; or what belongs to one application.
import { el, hue, meter, percent } from "./dom.js";
import { byName, site } from "./live.js";

const MANY = 30, // devices: from here on, tiles
  SOME = 8, // devices: from here on, there is a choice
  SPARE_MAX = 6, // devices that an application could go to
  DOTS_MAX = 10;

const isWell = (device) => device.state === "up" || device.state === "known";

function componentsByDevice() {
  const found = new Map(site.devices.map((device) => [device.id, []]));
  for (const app of site.apps.values())
    for (const item of app.components) found.get(item.device)?.push([app.app, item.name]);
  return found;
}

function tile(device, components) {
  const shape = { up: "●", known: "○", suspect: "◐", refuses: "⊘" }[device.state] ?? "✕";
  const kind = { up: "good", known: "idle", suspect: "warn" }[device.state] ?? "bad";
  const about = [
    `${device.name}: ${device.state}${device.reason ? `, ${device.reason}` : ""}`,
    `load ${percent(device.load)}`,
    components.map(([app, name]) => `${name} of ${app}`).join(", ") || "no components",
  ].join("; ");
  return el(
    `a.tile.is-${device.state}`,
    { href: `#/devices/${encodeURIComponent(device.name)}`, title: about, "aria-label": about },
    el("span.tile-name", {}, el(`span.state.${kind}`, {}, el("span.shape", {}, shape)), " ", device.name),
    el(
      "span.tile-dots",
      {},
      components.slice(0, DOTS_MAX).map(([app]) => el(`span.dot.${hue(app)}`, {})),
      components.length > DOTS_MAX ? `+${components.length - DOTS_MAX}` : "",
    ),
    meter(device.load, `Load of ${device.name}`),
  );
}

export function tiles() {
  const components = componentsByDevice();
  const sorted = [...site.devices].sort((a, b) => isWell(a) - isWell(b) || byName(a.name, b.name));
  return el(
    "div.tiles",
    {},
    sorted.map((device) => {
      const node = tile(device, components.get(device.id));
      node.dataset.row = device.id;
      return node;
    }),
  );
}

// What the map shows: everything, tiles, or an application.
export class Choice {
  box = el("select", { "aria-label": "What the map shows", hidden: true });
  #spare = new Set();

  constructor(changed) {
    this.box.addEventListener("change", () => {
      this.#spare.clear();
      changed();
    });
  }

  // The devices and applications that are to be drawn; null: tiles.
  draw() {
    const isMany = site.devices.length > MANY;
    this.#offer(isMany);
    const wanted = this.box.value;
    if (wanted.startsWith("app/")) return this.#ofApp(site.apps.get(wanted.slice(4)));
    return isMany && wanted !== "all" ? null : site;
  }

  #offer(isMany) {
    const apps = [...site.apps.keys()].map((name) => [`app/${name}`, name]);
    const options = isMany
      ? [["", "Overview"], ["all", "All devices"], ...apps]
      : [["", "All devices"], ...apps];
    this.box.hidden = site.devices.length <= SOME || apps.length === 0;
    const key = JSON.stringify(options);
    if (this.box.dataset.key === key) return;
    const before = this.box.value;
    this.box.dataset.key = key;
    this.box.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
    this.box.value = options.some(([value]) => value === before) ? before : "";
  }

  // Its devices, and some of the others that have least to do, which stay the same while it is shown.
  #ofApp(app) {
    const own = new Set(app.components.map((item) => item.device));
    if (this.#spare.size === 0) {
      const others = site.devices.filter(
        (device) => device.state === "up" && !device.drained && !own.has(device.id),
      );
      others.sort((a, b) => a.load - b.load);
      others.slice(0, SPARE_MAX).forEach((device) => this.#spare.add(device.id));
    }
    const devices = site.devices.filter((device) => own.has(device.id) || this.#spare.has(device.id));
    return { ...site, devices, apps: new Map([[app.app, app]]) };
  }
}
