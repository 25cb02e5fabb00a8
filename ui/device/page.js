// The device's own page. Everything that comes from the device is shown as text. It is asked for again and again; while
// the device does not answer, with growing pauses.
import { follow, pause } from "/static/picture.js";

const EVERY_MS = 2000,
  WAIT_MS = 10000;
let since = 0, // when it began not to answer, in ms since 1970; 0: it answers
  failures = 0;

const $ = (id) => document.getElementById(id);

async function get(path) {
  const answer = await fetch(path, {
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(WAIT_MS),
  });
  return { status: answer.status, body: await answer.json() };
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < 4) {
    n /= 1024;
    unit += 1;
  }
  return `${n.toFixed(unit === 0 || n >= 100 ? 0 : 1)} ${units[unit]}`;
}

function cell(row, text) {
  const td = document.createElement("td");
  td.textContent = text;
  row.append(td);
  return td;
}

function fact(list, name, value) {
  const dt = document.createElement("dt");
  const dd = document.createElement("dd");
  dt.textContent = name;
  dd.textContent = value;
  list.append(dt, dd);
}

async function showHealth() {
  const { body } = await get("/health");
  const reasons = body.reasons.map((r) => `${r.subject}: ${r.reason}`).join("; ");
  $("health").textContent = body.status === "ok" ? "● All is well." : `▲ Degraded. ${reasons}`;
  $("health").className = body.status === "ok" ? "good" : "bad";
}

function showSilence() {
  const time = new Date(since).toLocaleTimeString([], { hour12: false });
  $("health").textContent =
    `✕ No answer since ${time}. What stands below is from before; it is asked for again by itself.`;
  $("health").className = "bad";
}

async function showTitle() {
  const { body } = await get("/.well-known/wot");
  $("name").textContent = body.title;
  document.title = `${body.title} – Isomer`;
  return body;
}

function showDevice(device) {
  const list = $("device");
  list.replaceChildren();
  fact(list, "Identity", device.id);
  fact(list, "Processor", `${device.architecture}, ${device.cores} cores`);
  fact(list, "Memory", `${bytes(device.memory["free-bytes"])} of ${bytes(device.memory["total-bytes"])} free`);
  fact(list, "Load", `${device.load.join(", ")} (processes that run or wait; 1, 5 and 15 minutes)`);
  fact(list, "Speed", `${Math.round(device.speed)} million instructions a second`);
  fact(list, "Engine", `${device.engine.name} ${device.engine.version}, ${device.engine.workers} workers`);
  fact(list, "Instances", `${device.use.instances} (${device.use["instances-waiting"]} waiting), ${bytes(device.use["memory-bytes"])}`);
  const labels = Object.entries(device.labels).map(([k, v]) => `${k}=${v}`).join(", ");
  if (labels !== "") fact(list, "Labels", labels);
  fact(list, "Interfaces", Object.keys(device.interfaces).join(", "));
  $("facts").hidden = false;
}

async function showComponents(thing) {
  const rows = [];
  for (const link of thing.links.filter((l) => l.rel === "item")) {
    const path = new URL(link.href).pathname.replace(/\/td$/, "");
    const { status, body } = await get(path);
    if (status !== 200) continue;
    const row = document.createElement("tr");
    cell(row, body.app);
    cell(row, body.component);
    cell(row, body.state).className = body.state === "failed" ? "bad" : "";
    cell(row, String(body.calls.total));
    cell(row, `${body["latency-ms"].p50} ms`);
    cell(row, bytes(body["memory-bytes"]));
    const links = cell(row, "");
    for (const [name, end] of [["Thing", "td"], ["OpenAPI", "openapi.json"], ["WIT", "wit"]]) {
      const a = document.createElement("a");
      a.href = `${path}/${end}`;
      a.textContent = name;
      links.append(a, " ");
    }
    rows.push(row);
  }
  $("components").replaceChildren(...rows);
  $("deployed").hidden = rows.length === 0;
}

function showDisplays(device) {
  const names = (device.interfaces.display ?? []).map((d) => d.name);
  const known = [...$("displays").children].map((f) => f.dataset.name);
  if (names.join("\n") === known.join("\n")) return;
  $("displays").replaceChildren(...names.map((name) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    const caption = document.createElement("figcaption");
    figure.dataset.name = name;
    follow(image, `/display/${encodeURIComponent(name)}/stream`, (is) => {
      image.hidden = !is;
      caption.textContent = is ? name : `${name}: nothing is shown at present`;
    });
    image.alt = `What the display ${name} shows`;
    caption.textContent = name;
    figure.append(image, caption);
    return figure;
  }));
  $("shown").hidden = names.length === 0;
}

async function refresh() {
  await showHealth();
  const thing = await showTitle();
  const { status, body } = await get("/v1/device");
  $("signed-out").hidden = status === 200;
  if (status !== 200) return;
  showDevice(body);
  showDisplays(body);
  await showComponents(thing);
}

async function loop() {
  try {
    await refresh();
    failures = since = 0;
  } catch {
    failures += 1;
    since ||= Date.now();
    showSilence();
  }
  document.body.classList.toggle("stale", since !== 0);
  setTimeout(loop, since === 0 ? EVERY_MS : pause(failures));
}

loop();
