// Elements, and how values are written. Text goes into the page as text nodes only.
import { listen, patch } from "./patch.js";

// el("p.note", {title: "x", onclick: f}, "text", child, null, [more])
export function el(what, properties, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length !== 0) node.className = classes.join(" ");
  set(node, properties);
  node.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function set(node, properties) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) listen(node, name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
}

let ids = 0;
export function newId(prefix = "i") {
  ids += 1;
  return `${prefix}${ids}`;
}

// ---- Values ----

export function bytes(n) {
  if (!Number.isFinite(n)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < 4) {
    n /= 1024;
    unit += 1;
  }
  return `${n.toFixed(unit === 0 || n >= 100 ? 0 : 1)}\u00a0${units[unit]}`;
}

// Of a component's figures; a function that nobody calls has no instance, and needs none.
export const memoryOf = (status) => (status?.["memory-bytes"] > 0 ? bytes(status["memory-bytes"]) : "–");

export function micros(us) {
  if (!Number.isFinite(us)) return "–";
  if (us < 1000) return `${Math.round(us)}\u00a0µs`;
  const ms = us / 1000;
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 1 : 0)}\u00a0ms`;
  return `${(ms / 1000).toFixed(1)}\u00a0s`;
}

// 1 234 567, so that it can be read.
export const count = (n) => (Number.isFinite(n) ? n.toLocaleString("en").replaceAll(",", "\u202f") : "–");

export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return "–";
  if (perSecond === 0) return "idle";
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`;
}

export const percent = (x) => (Number.isFinite(x) ? `${Math.round(x * 100)}\u00a0%` : "–");

export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time ?? "") : date.toLocaleTimeString([], { hour12: false });
}

export function when(time) {
  const date = new Date(time);
  if (time === null || time === undefined || Number.isNaN(date.getTime())) return el("span", {}, "never");
  const today = new Date().toDateString() === date.toDateString();
  const text = today ? clock(time) : `${date.toLocaleDateString()} ${clock(time)}`;
  return el("time", { datetime: date.toISOString(), title: date.toISOString() }, text);
}

// How long ago, for people; 90 s are a minute.
export function ago(time) {
  const seconds = Math.round((Date.now() - new Date(time).getTime()) / 1000);
  if (!Number.isFinite(seconds)) return "never";
  if (seconds < 5) return "now";
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

export const shortDigest = (digest) => (digest ?? "").replace("sha256:", "").slice(0, 12);

// A reference by digest is as long as the digest: the beginning of it is enough to tell it from others.
export const shortReference = (reference) =>
  (reference ?? "").replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/g, "$1…");

// ---- Pieces ----

// Shape and word, so that colour alone never tells a state.
const SHAPES = {
  up: ["good", "●"],
  running: ["good", "●"],
  committed: ["good", "●"],
  connected: ["good", "●"],
  ok: ["good", "●"],
  done: ["good", "●"],
  known: ["idle", "○"],
  ready: ["good", "●"],
  removed: ["idle", "○"],
  replaced: ["idle", "○"],
  superseded: ["idle", "○"],
  candidate: ["idle", "◌"],
  suspect: ["warn", "◐"],
  deploying: ["busy", "◔"],
  waiting: ["warn", "◐"],
  degraded: ["warn", "▲"],
  failing: ["bad", "▲"],
  draining: ["warn", "◐"],
  lost: ["bad", "✕"],
  refuses: ["bad", "⊘"],
  failed: ["bad", "✕"],
  unknown: ["warn", "?"],
};

export function state(word) {
  const [kind, shape] = SHAPES[word] ?? ["busy", "◔"];
  return el(`span.state.${kind}`, {}, el("span.shape", { "aria-hidden": "true" }, shape), " ", word);
}

export function facts(...pairs) {
  const list = el("dl.facts");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(el("dt", {}, name), el("dd", {}, value));
  }
  return list;
}

// Each is known by its first cell: the n-th of those that are alike.
function tableRows(rows) {
  const seen = new Map();
  return rows.map((row) => {
    const node = el(
      "tr",
      {},
      row.map((value) => el("td", {}, value)),
    );
    const first = node.firstChild.textContent,
      n = seen.get(first) ?? 0;
    seen.set(first, n + 1);
    node.dataset.row = `${n} ${first}`;
    return node;
  });
}

// A text, or [text, what it means], or an element.
const headCell = (head) =>
  Array.isArray(head)
    ? el("th", { scope: "col", title: head[1] }, el("abbr", {}, head[0]))
    : el("th", { scope: "col" }, head);

export function table(caption, heads, rows, empty = "None.") {
  if (rows.length === 0) return el("p.muted", {}, empty);
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("caption.hidden", {}, caption),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((head) => headCell(head)),
        ),
      ),
      el("tbody", {}, tableRows(rows)),
    ),
  );
}

export const panel = (title, ...children) => {
  const id = newId("h");
  return el("section.panel", { "aria-labelledby": id }, el("h2", { id }, title), ...children);
};

export const button = (text, onclick, kind = "", more = {}) =>
  el(`button${kind === "" ? "" : `.${kind}`}`, { type: "button", onclick, ...more }, text);

export const link = (hash, ...children) => el("a", { href: `#/${hash}` }, ...children);

// A number between 0 and 1 as a bar.
export function meter(value, label) {
  return el("meter", {
    min: "0",
    max: "1",
    high: "0.85",
    low: "0.6",
    optimum: "0",
    value: Number.isFinite(value) ? value : 0,
    "aria-label": label,
  });
}

// A hue per application, in the order in which they are seen: a class of style.css.
const hues = new Map();
export function hue(name) {
  if (!hues.has(name)) hues.set(name, `hue${hues.size % 8}`);
  return hues.get(name);
}

// Changes what `box` shows when `key` differs from the last time.
export function renew(box, key, make) {
  const text = JSON.stringify(key);
  if (box.dataset.key === text) return;
  box.dataset.key = text;
  patch(
    box,
    [make()]
      .flat(Infinity)
      .filter((node) => node !== null && node !== undefined)
      .map((node) => (node instanceof Node ? node : document.createTextNode(node))),
  );
}
