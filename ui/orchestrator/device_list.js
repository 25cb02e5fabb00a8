// All devices, as a list that can be searched and sorted; and those that were found.
import {
  ago,
  bytes,
  button,
  count,
  el,
  link,
  meter,
  micros,
  panel,
  percent,
  renew,
  state,
  table,
} from "./dom.js";
import { pairing, tags } from "./devices.js";
import { byName, mayOperate, site } from "./live.js";
import { changeButton } from "./parts.js";

const SEARCH_FROM = 8; // devices

const isWell = (device) => device.state === "up" || device.state === "known";

// Head, what it means, what is sorted by (numbers: the largest first).
const COLUMNS = [
  ["Device", "", (device) => device.name],
  ["State", "Those in trouble first", (device) => Number(!isWell(device))],
  ["Load", "Of the processor time that components may take", (device) => device.load ?? 0],
  ["Processor", "", (device) => device.architecture ?? ""],
  ["Speed", "Million instructions a second, on one core", (device) => device.speed ?? 0],
  ["Free memory", "", (device) => device.memory?.["free-bytes"] ?? 0],
  ["Round trip", "Between the orchestrator and the device", (device) => device["latency-us"] ?? 0],
  ["Labels", "", (device) => JSON.stringify(device.labels)],
  ["Components", "", (device) => device.components ?? 0],
];

function row(device) {
  return [
    link(`devices/${encodeURIComponent(device.name)}`, device.name),
    [
      state(device.state),
      device.drained ? el("span.tag", {}, "drained") : null,
      isWell(device) ? null : el("small", {}, [ago(device.seen), device.reason].filter(Boolean).join(": ")),
    ],
    [meter(device.load, `Load of ${device.name}`), " ", percent(device.load)],
    `${device.architecture ?? "?"} × ${device.cores ?? "?"}`,
    Number.isFinite(device.speed) ? `${count(Math.round(device.speed))} M/s` : "–",
    bytes(device.memory?.["free-bytes"]),
    micros(device["latency-us"]),
    tags(device.labels),
    count(device.components ?? 0),
  ];
}

const textOf = (device) =>
  [
    device.name,
    device.state,
    device.architecture,
    device.address,
    ...tags(device.labels).map((tag) => tag.textContent),
  ]
    .join(" ")
    .toLowerCase();

function inOrder(devices, column, turned) {
  const value = COLUMNS[column][2];
  const sorted = [...devices].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const order = typeof x === "number" ? y - x : byName(x, y);
    return (turned ? -order : order) || byName(a.name, b.name);
  });
  return sorted;
}

// How many are in which state, those in trouble first.
function counts() {
  const found = new Map();
  for (const device of inOrder(site.devices, 1, false))
    found.set(device.state, (found.get(device.state) ?? 0) + 1);
  return [...found].map(([word, n]) => [`${n} `, state(word), " "]);
}

const candidateRow = (item) => [
  item.name,
  item.address,
  { mdns: "the network", register: "itself", address: "its address" }[item.found] ?? item.found,
  item.owner?.name ?? item.owner?.id ?? "nobody",
  changeButton("Pair…", () => pairing(item), "", { "aria-label": `Pair with ${item.name}…` }),
];

export function showDevices(main) {
  const list = el("div", {}),
    found = el("div", {}),
    many = el("span.counts", {});
  const wanted = el("input", {
    type: "search",
    placeholder: "name, state, label…",
    "aria-label": "Only devices with this text",
    hidden: true,
  });
  let column = 1, // trouble first
    turned = false;
  main.append(
    el(
      "div.title",
      {},
      el("h1", {}, "Devices"),
      many,
      el(
        "div.actions",
        {},
        wanted,
        changeButton("Add a device…", () => pairing(null)),
      ),
    ),
    el("section.panel", { "aria-label": "Devices" }, list),
    panel("Found, not paired", found),
  );
  const head = ([text, meaning], i) =>
    button(
      [text, i === column ? el("span", { "aria-hidden": "true" }, turned ? " ▴" : " ▾") : ""],
      () => {
        turned = i === column && !turned;
        column = i;
        show();
      },
      "head",
      {
        title: meaning === "" ? `Sort by ${text.toLowerCase()}` : meaning,
        "aria-pressed": String(i === column),
        dataset: { focus: `sort ${text}` },
      },
    );
  const show = () => {
    wanted.hidden = site.devices.length < SEARCH_FROM;
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    const some = site.devices.filter((device) => words.every((word) => textOf(device).includes(word)));
    const shown = inOrder(some, column, turned);
    renew(
      many,
      site.devices.map((device) => device.state),
      counts,
    );
    renew(
      list,
      [
        column,
        turned,
        words,
        shown.map((device) => ({ ...device, interfaces: 0, seen: isWell(device) ? 0 : ago(device.seen) })),
      ],
      () =>
        table(
          "Devices",
          COLUMNS.map(head),
          shown.map(row),
          words.length === 0
            ? "None yet: pair with one that was found, or add one by its address."
            : `None of ${site.devices.length} has “${wanted.value}”.`,
        ),
    );
    renew(found, [mayOperate(), site.candidates.map((item) => ({ ...item, seen: 0 }))], () =>
      table(
        "Candidates",
        ["Name", "Address", "Found by", "Belongs to", ""],
        site.candidates.map(candidateRow),
        "None. Supervisors of this network appear here by themselves.",
      ),
    );
  };
  wanted.addEventListener("input", show);
  return show;
}
