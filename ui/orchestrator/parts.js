// What several pages need: messages, dialogs, asking before something is done.
import { button, el, newId } from "./dom.js";
import { mayOperate, refreshSoon } from "./live.js";

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
