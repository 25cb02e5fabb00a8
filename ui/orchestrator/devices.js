// One device: how it is, what runs there, what it offers; and pairing with another one.
import { at, get, send } from "./api.js";
import {
  ago,
  bytes,
  count,
  el,
  facts,
  link,
  memoryOf,
  micros,
  panel,
  percent,
  renew,
  state,
  table,
  when,
} from "./dom.js";
import { deviceCalled, eventsPart, mayOperate, site, watch } from "./live.js";
import { displays, showKey } from "./displays.js";
import { eventBrief } from "./events.js";
import { act, asked, changeButton, dialog, field, form, shows, toast } from "./parts.js";

const labelText = (labels) => Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
export const tags = (labels) => labelText(labels).map((text) => el("span.tag", {}, text));

// ---- Pairing ----

// candidate: what was found, or null for one that is named by its address.
export function pairing(candidate) {
  dialog(candidate === null ? "Add a device" : `Pair with ${candidate.name}`, (close) => {
    const address = el("input", {
      name: "address",
      required: true,
      autocomplete: "off",
      placeholder: "192.0.2.7:8443",
      value: candidate?.address ?? "",
    });
    const code = el("input", {
      name: "code",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "ABCD-EFGH-JKMN-PQRS",
      required: candidate !== null,
    });
    const name = el("input", {
      name: "name",
      autocomplete: "off",
      placeholder: candidate?.name ?? "as it calls itself",
    });
    const over = el("input", { type: "checkbox", name: "over" });
    const parts = [
      candidate === null ? field("Address", address) : null,
      el("p", {}, "The device prints a code, good once and for ten minutes:"),
      el("pre", {}, "isomer --device :8480 pair"),
      field(
        "Code",
        code,
        candidate === null ? "Without a code it is looked at, and stands among the candidates." : undefined,
      ),
      field("Name here", name),
      candidate?.owner
        ? el(
            "label.check",
            {},
            over,
            ` Take it over: it belongs to ${candidate.owner.name ?? "another orchestrator"}`,
          )
        : null,
    ];
    return form(parts, "Pair", async () => {
      const body = { address: address.value.trim() };
      if (code.value.trim() !== "") body.code = code.value.trim();
      if (name.value.trim() !== "") body.name = name.value.trim();
      if (over.checked) body["take-over"] = true;
      const device = await send("POST", "/v1/devices", body);
      close();
      toast(
        body.code === undefined
          ? `${body.address} is among the candidates now`
          : `${device.name} is a device of this site now`,
        "good",
      );
    });
  });
}

// ---- One ----

function interfaceRows(interfaces) {
  const rows = [];
  for (const [name, offered] of Object.entries(interfaces ?? {})) {
    if (!Array.isArray(offered)) continue;
    for (const item of offered) {
      const more = Object.entries(item)
        .filter(([key, value]) => key !== "name" && typeof value !== "object")
        .map(([key, value]) => `${key} ${value}`)
        .join(", ");
      rows.push([name, item.name, more]);
    }
  }
  return rows;
}

const plainInterfaces = (interfaces) =>
  Object.entries(interfaces ?? {})
    .filter(([, offered]) => !Array.isArray(offered))
    .map(([name]) => el("span.tag", {}, name));

function labelEditor(device) {
  const input = el("textarea", {
    rows: "3",
    spellcheck: "false",
    value: labelText(device.labels).join("\n"),
  });
  const name = el("input", { value: device.name, autocomplete: "off" });
  dialog(`Name and labels of ${device.name}`, (close) =>
    form(
      [
        field("Name", name),
        field(
          "Labels, one a line: name=value",
          input,
          'Manifests ask for them: "place": {"label": "room=lobby"}',
        ),
      ],
      "Save",
      async () => {
        const labels = Object.fromEntries(Object.keys(device.labels ?? {}).map((key) => [key, null]));
        for (const line of input.value
          .split("\n")
          .map((text) => text.trim())
          .filter((text) => text !== "")) {
          const [, key, value] = /^([^=]+)=(.*)$/.exec(line) ?? [];
          if (key === undefined) throw new Error(`“${line}” is not name=value.`);
          labels[key.trim()] = value.trim();
        }
        const body = { labels };
        if (name.value.trim() !== device.name) body.name = name.value.trim();
        const changed = await send("PATCH", at("devices", device.id), body);
        close();
        window.location.hash = `/devices/${encodeURIComponent(changed.name)}`;
      },
    ),
  );
}

function removal(device) {
  dialog(`Remove ${device.name}`, (close) => {
    const forget = el("input", { type: "checkbox" });
    return form(
      [
        el(
          "p",
          {},
          "It is given back: it belongs to nobody then, and can be paired anew. While applications use it this is refused; drain it first.",
        ),
        el(
          "label.check",
          {},
          forget,
          " Also when it does not answer (it will still think that it belongs here)",
        ),
      ],
      "Remove",
      async () => {
        await send("DELETE", `${at("devices", device.id)}${forget.checked ? "?forget=true" : ""}`);
        close();
        toast(`${device.name} was removed`, "good");
        window.location.hash = "/devices";
      },
    );
  });
}

function componentsOn(device) {
  return [...site.apps.values()].flatMap((app) =>
    app.components
      .filter((item) => item.device === device.id)
      .map((component) => {
        const status = site.status.get(`${app.app}/${component.name}`);
        return [
          link(`components/${app.app}/${component.name}`, component.name),
          link(`apps/${app.app}`, app.app),
          state(component.state),
          component.mode,
          memoryOf(status),
          status === undefined ? "–" : count(status.calls.total),
          status === undefined ? "–" : micros(status["latency-ms"].p50 * 1000),
        ];
      }),
  );
}

const DESCRIPTION_MS = 30000; // of it, only the storage changes by itself

const HEALTH = [
  "device-added",
  "device-suspect",
  "device-lost",
  "device-back",
  "device-refuses",
  "device-found",
  "device-removed",
];

export function showDevice(main, name) {
  const title = el("div.title", {}),
    load = el("div", {}),
    description = el("div", {}),
    offers = el("div", {}),
    running = el("div", {}),
    health = el("div", {}),
    pictures = el("div", {});
  main.append(
    title,
    el(
      "div.columns",
      {},
      el("div", {}, panel("Now", load), panel("Components", running), panel("Offers", offers)),
      el("div", {}, pictures, panel("Description", description)),
    ),
    panel("Health history", health),
  );
  title.append(el("h1", {}, name));
  const unwatch = watch({ components: (app, item) => item.device === deviceCalled(name)?.id });
  shows(health, eventsPart());
  const whole = asked(
    description,
    (signal) => get(at("devices", name), { signal }),
    (device) => describe(device, device.description),
    { everyMs: DESCRIPTION_MS },
  );
  const loads = [];
  let told = "";
  const show = () => {
    const device = deviceCalled(name);
    if (device === undefined) {
      renew(title, "gone", () => [
        el("h1", {}, name),
        el("p", {}, "There is no such device (any more). ", link("devices", "All devices")),
      ]);
      return;
    }
    const about = JSON.stringify([device.labels, device.addresses, device.state]);
    if (told !== "" && told !== about) whole.again();
    told = about;
    if (device.state === "up") loads.push(device.load ?? 0);
    if (loads.length > 90) loads.shift();
    renew(title, [device.name, device.state, device.reason, device.drained, mayOperate()], () => [
      el("h1", {}, device.name),
      state(device.state),
      device.drained ? el("span.tag", {}, "drained") : null,
      device.reason === "" ? null : el("span.reason", {}, device.reason),
      el(
        "div.actions",
        {},
        changeButton("Name and labels…", () => labelEditor(deviceCalled(name) ?? device)),
        changeButton(
          device.drained ? "Use again" : "Drain",
          () =>
            act(
              () => send("PATCH", at("devices", device.id), { drained: !device.drained }),
              device.drained
                ? `${device.name} may get components again`
                : `${device.name} gets no new components`,
            ),
          "",
          { title: "A drained device gets no new components, and those on it move away when they can" },
        ),
        changeButton("Remove…", () => removal(device), "danger"),
      ),
    ]);
    load.replaceChildren(
      sparkline(loads),
      ["up", "known"].includes(device.state) ? "" : el("p.muted", {}, "As it was at its last sign of life:"),
      facts(
        ["Load", percent(device.load)],
        [
          "Free memory",
          `${bytes(device.memory?.["free-bytes"])} of ${bytes(device.memory?.["total-bytes"])}`,
        ],
        ["Round trip", micros(device["latency-us"])],
        ["Last sign of life", [ago(device.seen), device.state === "up" ? null : [", ", when(device.seen)]]],
      ),
    );
    renew(
      running,
      [site.apps.size, ...componentsOn(device).map((cells) => cells.map((cell) => cell.textContent ?? cell))],
      () =>
        table(
          "Components",
          ["Component", "Application", "State", "Mode", "Memory", "Calls", "Median"],
          componentsOn(device),
          "Nothing runs here.",
        ),
    );
    renew(offers, device.interfaces, () => [
      table(
        "Interfaces",
        ["Interface", "Name", ""],
        interfaceRows(device.interfaces),
        "No cameras, displays, sensors or lines.",
      ),
      el("p", {}, "For every component: ", plainInterfaces(device.interfaces)),
    ]);
    renew(pictures, showKey(device), () => displays([device]));
    const past = site.events
      .filter((event) => HEALTH.includes(event.event) && event.device === device.name)
      .slice(0, 30);
    renew(health, past, () => eventBrief(past));
  };
  show.end = unwatch;
  return show;
}

function describe(device, whole) {
  return facts(
    ["Identity", el("code", {}, device.id)],
    ["Address", device.addresses?.join(", ") ?? device.address],
    ["Key", device.pin === null ? "none: plain HTTP on this machine" : el("code", {}, device.pin)],
    ["Labels", Object.keys(device.labels ?? {}).length === 0 ? "none" : tags(device.labels)],
    ["Processor", `${device.architecture}, ${device.cores} ${device.cores === 1 ? "core" : "cores"}`],
    ["Speed", `${count(Math.round(device.speed))} M instructions a second`],
    ["System", whole ? `${whole.system?.name} ${whole.system?.release}` : null],
    [
      "Engine",
      whole ? `${whole.engine?.name} ${whole.engine?.version}, ${whole.engine?.workers} workers` : null,
    ],
    [
      "Features",
      whole?.engine?.features ? whole.engine.features.map((text) => el("span.tag", {}, text)) : null,
    ],
    ["Share of the processor", whole ? `${whole.limits?.["cpu-percent"]} %` : null],
    [
      "Storage",
      whole?.storage
        ? `${bytes(whole.storage["free-bytes"])} of ${bytes(whole.storage["total-bytes"])} free`
        : null,
    ],
    ["Since", when(device.added)],
  );
}

function sparkline(values) {
  const first = 90 - values.length; // now is at the right
  const points = values
    .map((value, i) => `${((first + i) * 240) / 89},${38 - Math.min(1, value) * 36}`)
    .join(" ");
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 240 40");
  picture.setAttribute("class", "spark");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `Load while this page is open, now ${percent(values.at(-1))}`);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points);
  picture.append(line);
  return picture;
}
