// What several pages need: messages, dialogs, asking before something is done.
import { button, clock, el, newId, renew } from "./dom.js";
import { connection, Part } from "./fresh.js";
import { deviceCalled, fleet, mayOperate, refreshSoon, tell } from "./live.js";
import { markOwn } from "./patch.js";

// ---- What a page asks for, and how old it is ----

const shownBy = new Map(), // box -> the Part or Stream that its content is from
  ofPage = new Map(); // Parts that end with the page -> what draws them

// The content of a box is from a Part or Stream that does not end with the page.
export function shows(box, part) {
  shownBy.set(box, part);
}

export const waiting = () => (connection.state === "up" ? "Asking…" : "Not known yet.");

// Why there is nothing to be had of a component now, when that is known; else null.
export function lostNote(component) {
  const device = component === undefined ? undefined : deviceCalled(component.device);
  if (device === undefined || !["lost", "suspect", "refuses"].includes(device.state)) return null;
  const why = device.reason === "" ? "" : ` (${device.reason})`;
  return `${device.name}, where it runs, is ${device.state}${why}: what it tells comes when the device is back, or the component runs elsewhere.`;
}

function notYet(part) {
  if (part.error === null || connection.state !== "up") return el("p.muted", {}, waiting());
  return [
    el("p.error", {}, part.error.message),
    el(
      "p.muted",
      {},
      "It is asked for again by itself. ",
      button("Ask now", () => part.again(), "link"),
    ),
  ];
}

// A box whose content is asked for while the page is shown: draw(value) -> nodes.
// instead(): words in place of "Asking", or null.
export function asked(box, ask, draw, { everyMs = 0, instead = () => null } = {}) {
  const show = () => {
    const words = instead();
    if (part.at !== 0) renew(box, part.value, () => draw(part.value));
    else if (words !== null) renew(box, words, () => el("p.reason", {}, words));
    else renew(box, [connection.state, part.error?.message], () => notYet(part));
  };
  const part = new Part(
    ask,
    () => {
      show();
      tell();
    },
    () => everyMs,
  );
  ofPage.set(part, show);
  shows(box, part);
  show();
  return part;
}

// The page is left: what it asked for is asked for no more.
export function forgetBoxes() {
  for (const part of ofPage.keys()) part.end();
  ofPage.clear();
  shownBy.clear();
}

function markAge(panel, part) {
  let note = panel.querySelector(":scope > .as-of");
  const stale = part.at !== 0 && !part.isFresh;
  panel.classList.toggle("stale", stale);
  if (!stale) {
    note?.remove();
    return;
  }
  const why = connection.state === "up" ? (part.error?.message ?? "") : "";
  const text = `as of ${clock(part.at)}${why === "" ? "" : ` · ${why}`}`;
  if (note === null) panel.append((note = el("p.as-of", {})));
  if (note.textContent !== text) Object.assign(note, { textContent: text, title: text });
}

// Says on each panel whose content is not fresh from when it is, and why.
export function markAges(main) {
  for (const [part, show] of ofPage) if (part.at === 0) show();
  const boxes = [...shownBy];
  for (const panel of main.querySelectorAll(".panel:not([data-still]), .map, .map-tiles")) {
    const own = boxes.find(([box]) => panel.contains(box) || box.contains(panel));
    markAge(panel, own === undefined ? fleet : own[1]);
  }
}

// ---- Messages ----

const TOASTS_MAX = 4;

export function toast(text, kind = "", seconds = 7) {
  const item = el(`p.toast${kind === "" ? "" : `.${kind}`}`, {}, text);
  item.append(button("×", () => item.remove(), "plain", { "aria-label": "Dismiss" }));
  const toasts = document.getElementById("toasts");
  toasts.append(item);
  while (toasts.children.length > TOASTS_MAX) toasts.firstChild.remove();
  setTimeout(() => item.remove(), (kind === "bad" ? 3 : 1) * seconds * 1000);
}

// Does something that may fail; the page looks again afterwards. True: it was done.
export async function act(doing, done) {
  try {
    const answer = await doing();
    if (done !== undefined) toast(typeof done === "function" ? done(answer) : done, "good");
    refreshSoon();
    return true;
  } catch (error) {
    toast(error.message, "bad");
    return false;
  }
}

// ---- Changes ----

// A button for a change: not usable by those who may look only.
export function changeButton(text, onclick, kind = "", more = {}) {
  return button(
    text,
    onclick,
    kind,
    mayOperate() ? more : { ...more, disabled: true, title: "This session may look only" },
  );
}

// A modal dialog; closing it removes it. content: (close) -> nodes.
export function dialog(title, content, kind = "") {
  const id = newId("d");
  const box = el(`dialog${kind === "" ? "" : `.${kind}`}`, { "aria-labelledby": id });
  const close = () => box.close();
  box.append(
    el(
      "div.dialog-head",
      {},
      el("h2", { id }, title),
      button("×", close, "plain", { "aria-label": "Close" }),
    ),
    ...[content(close)].flat(),
  );
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => {
    if (event.target === box) close();
  });
  document.body.append(box);
  box.showModal();
  return close;
}

export function confirmed(title, text, word, doing) {
  dialog(title, (close) => [
    el("p", {}, text),
    el(
      "div.actions",
      {},
      button("Cancel", close),
      button(
        word,
        async () => {
          close();
          await doing();
        },
        "danger",
        { autofocus: true },
      ),
    ),
  ]);
}

// A labelled input: [label, input] in one box.
export function field(label, input, hint) {
  const id = newId("f");
  input.id = id;
  const box = el("div.field", {}, el("label", { for: id }, label), input);
  if (hint !== undefined) {
    const hintId = newId("n");
    input.setAttribute("aria-describedby", hintId);
    box.append(el("p.hint", { id: hintId }, hint));
  }
  return box;
}

// A form that does something on submit and is busy meanwhile; `doing` gets the form.
export function form(parts, word, doing) {
  const submit = el(
    "button.primary",
    { type: "submit", disabled: !mayOperate(), title: mayOperate() ? null : "This session may look only" },
    word,
  );
  const error = el("p.error", { role: "alert" });
  const box = el("form", {}, parts, error, el("div.actions", {}, submit));
  markOwn(box);
  box.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    error.textContent = "";
    try {
      await doing(box);
      refreshSoon();
    } catch (problem) {
      error.textContent = problem.message;
    }
    submit.disabled = !mayOperate();
  });
  return box;
}
