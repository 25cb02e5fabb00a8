// Deploying: a manifest, the modules that it names on this machine, what is wrong with it, what would run where.
import { at, get, Problem, send } from "./api.js";
import { button, el, panel, shortDigest } from "./dom.js";
import { planView } from "./plan.js";
import { mayOperate, refreshSoon, site } from "./live.js";
import { upload } from "./packages.js";
import { asked, changeButton, field, toast } from "./parts.js";

const EXAMPLE = `{
  "app": "hello",
  "components": {
    "greeter": { "package": "greeter@1.0.0" }
  }
}
`;

// References to files of this machine in a manifest; of one that is not JSON (yet), those that can be seen.
function wantedFiles(text) {
  const packages = [...text.matchAll(/"package"\s*:\s*"(file:[^"]+)"/g)].map((match) => match[1]);
  const interfaces = [...text.matchAll(/"interface"\s*:\s*"([^"]+\.wit)"/g)].map((match) => match[1]);
  return [...new Set([...packages, ...interfaces])];
}

class Editor {
  constructor(onChange) {
    this.text = el("textarea.code", {
      rows: "24",
      spellcheck: "false",
      wrap: "off",
      "aria-label": "Manifest",
      value: EXAMPLE,
    });
    this.gutter = el("div.gutter", { "aria-hidden": "true" });
    this.wrong = new Set();
    this.text.addEventListener("input", () => {
      this.wrong.clear();
      this.number();
      onChange();
    });
    this.text.addEventListener("scroll", () => {
      this.gutter.scrollTop = this.text.scrollTop;
    });
    this.box = el("div.editor", {}, this.gutter, this.text);
    this.number();
  }

  number() {
    const count = this.text.value.split("\n").length;
    this.gutter.replaceChildren(
      ...Array.from({ length: count }, (_, i) =>
        el(`div${this.wrong.has(i + 1) ? ".wrong" : ""}`, {}, `${this.wrong.has(i + 1) ? "✕ " : ""}${i + 1}`),
      ),
    );
  }

  // Selects a mistake's place and shows it.
  go({ line, column, length }) {
    const lines = this.text.value.split("\n");
    const start =
      lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, column - 1);
    this.text.focus();
    this.text.setSelectionRange(start, start + Math.max(1, length ?? 1));
    this.text.scrollTop = Math.max(0, (line - 5) * 20);
  }
}

function mistakeList(editor, mistakes) {
  editor.wrong = new Set(mistakes.map((mistake) => mistake.line));
  editor.number();
  return el(
    "ol.mistakes",
    {},
    mistakes.map((mistake) =>
      el(
        "li",
        {},
        button(`line ${mistake.line}, column ${mistake.column}`, () => editor.go(mistake), "link"),
        ` ${mistake.severity === "warning" ? "(warning) " : ""}`,
        mistake.text,
      ),
    ),
  );
}

export function showDeploy(main, app) {
  const files = new Map(); // reference -> {digest} or {text}, and its name for people
  const list = el("div", {}),
    outcome = el("div.outcome", { "aria-live": "polite" });
  const editor = new Editor(() => showFiles());

  function showFiles() {
    const wanted = wantedFiles(editor.text.value);
    list.replaceChildren(
      ...(wanted.length === 0
        ? [el("p.muted", {}, "The manifest names no files of this machine.")]
        : wanted.map((reference) => {
            const input = el("input", {
              type: "file",
              accept: reference.endsWith(".wit") ? ".wit" : ".wasm",
            });
            const known = files.get(reference);
            input.addEventListener("change", async () => {
              try {
                await take(reference, input.files[0]);
              } catch (error) {
                toast(error.message, "bad");
              }
              showFiles();
            });
            return field(reference, input, known === undefined ? "Choose the file." : known.note);
          })),
    );
  }

  async function take(reference, file) {
    if (reference.endsWith(".wit"))
      files.set(reference, { value: { text: await file.text() }, note: `${file.name} is used.` });
    else {
      const kept = await upload(file, "", "");
      files.set(reference, {
        value: { digest: kept.digest },
        note: `${file.name} was uploaded: ${shortDigest(kept.digest)}`,
      });
    }
  }

  const body = () => ({
    manifest: editor.text.value,
    files: Object.fromEntries([...files].map(([name, file]) => [name, file.value])),
  });

  async function doing(task) {
    outcome.replaceChildren(el("p.muted", {}, "Asking…"));
    editor.wrong.clear();
    editor.number();
    try {
      outcome.replaceChildren(...[await task()].flat());
    } catch (error) {
      outcome.replaceChildren(
        el("p.error", {}, error.message),
        ...(error instanceof Problem && error.mistakes.length !== 0
          ? [mistakeList(editor, error.mistakes)]
          : []),
      );
    }
  }

  const check = () =>
    doing(async () => {
      const { mistakes = [] } = await send("POST", "/v1/check", body());
      return mistakes.length === 0
        ? el("p.good", {}, "● Nothing is wrong with it.")
        : [
            el("p.error", {}, `${mistakes.length} ${mistakes.length === 1 ? "mistake" : "mistakes"}:`),
            mistakeList(editor, mistakes),
          ];
    });
  const plan = () => doing(async () => planView(await send("POST", "/v1/plan", body())));
  const deploy = () =>
    doing(async () => {
      const name = /"app"\s*:\s*"([^"]+)"/.exec(editor.text.value)?.[1] ?? "";
      const accepted = await send("PUT", at("apps", name === "" ? "unnamed" : name), body());
      toast(`${accepted.app}: generation ${accepted.generation} is being deployed`, "good");
      refreshSoon();
      window.location.hash = `/apps/${encodeURIComponent(accepted.app)}`;
      return el("p.good", {}, "● Accepted.");
    });

  const choose = el("input", { type: "file", accept: ".json,application/json" });
  choose.addEventListener("change", async () => {
    editor.text.value = await choose.files[0].text();
    editor.number();
    showFiles();
  });
  const present = el("div", {});
  main.append(
    el("div.title", {}, el("h1", {}, app === undefined ? "Deploy" : `Change ${app}`)),
    el(
      "div.deploy",
      {},
      panel("Manifest", present, field("From a file", choose), editor.box),
      el(
        "div",
        {},
        panel("Files", list),
        panel(
          "Check and deploy",
          el(
            "div.actions",
            {},
            changeButton("Check", check),
            changeButton("Plan", plan),
            changeButton("Deploy", deploy, "primary"),
          ),
          el(
            "p.hint",
            {},
            mayOperate()
              ? "Check finds mistakes. Plan says where everything would run, and why. Both change nothing."
              : "This session may look only.",
          ),
          outcome,
        ),
      ),
    ),
  );
  showFiles();
  // What runs now, when it is told: once, and never over what somebody has written meanwhile.
  const takePresent = (generation) => {
    if (editor.text.value !== EXAMPLE) return;
    editor.text.value = generation.manifest;
    for (const item of Object.values(generation.components ?? {})) {
      if (item.reference.startsWith("file:"))
        files.set(item.reference, {
          value: { digest: item.digest },
          note: `As it is now: ${shortDigest(item.digest)}`,
        });
    }
    editor.number();
    showFiles();
  };
  if (app !== undefined)
    asked(
      present,
      (signal) =>
        get(at("apps", app, "generations", String(site.apps.get(app)?.generation ?? 0)), { signal }),
      (generation) => {
        takePresent(generation);
        return el("p.muted", {}, `It began as generation ${generation.generation}, which runs now.`);
      },
    );
  return () => {};
}
