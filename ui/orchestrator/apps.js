// Applications: all of them, and one: what it does now, why its components are where they are, what it was before.
import { at, get, send } from "./api.js";
import {
  bytes,
  button,
  clock,
  count,
  el,
  hue,
  link,
  memoryOf,
  micros,
  panel,
  rate,
  renew,
  shortDigest,
  shortReference,
  state,
  table,
  when,
} from "./dom.js";
import { Stream } from "./fresh.js";
import { deviceCalled, flowFigures, mayOperate, site, tell, watch } from "./live.js";
import { changeProgress, changeSteps } from "./change.js";
import { displays, showKey } from "./displays.js";
import { showDifference } from "./diff.js";
import { componentMenu } from "./moving.js";
import { planPanels, plans } from "./plan.js";
import { act, asked, changeButton, confirmed, dialog, lostNote, shows, waiting } from "./parts.js";

// ---- All ----

const isWell = (app) => app.state === "running" || app.state === "deploying"; // the others stand first

export function showApps(main) {
  const list = el("div", {});
  main.append(
    el(
      "div.title",
      {},
      el("h1", {}, "Applications"),
      el("div.actions", {}, el("a.button.primary", { href: "#/deploy" }, "Deploy…")),
    ),
    el("section.panel", { "aria-label": "Applications" }, list),
  );
  return () => {
    const apps = [...site.apps.values()].sort((a, b) => isWell(a) - isWell(b));
    renew(
      list,
      apps.map((app) => [app.app, app.state, app.generation, app.reason, app.components]),
      () =>
        table(
          "Applications",
          ["Application", "State", "Generation", "Components", "Runs on", "Why"],
          apps.map((app) => [
            [el(`span.dot.${hue(app.app)}`, {}), " ", link(`apps/${encodeURIComponent(app.app)}`, app.app)],
            state(app.state),
            app.generation === 0 ? "–" : String(app.generation),
            app.components.map((item) => item.name).join(", ") || "–",
            [...new Set(app.components.map((item) => item["device-name"]))].join(", ") || "–",
            app.reason,
          ]),
          "None yet. Deploy one, here or with isomer deploy.",
        ),
    );
  };
}

// ---- One ----

function progress(change) {
  return panel(
    `Generation ${change.generation}: ${change.state}`,
    el("p", {}, [change.cause, change.detail].filter(Boolean).join(": ")),
    changeSteps(change),
    changeProgress(change),
  );
}

// Its first generation has failed.
function nothingRuns(name, app) {
  const path = encodeURIComponent(name);
  return panel(
    "Nothing of it runs",
    el("p.error", {}, app.reason),
    el(
      "div.actions",
      {},
      el("a.button.primary", { href: `#/deploy/${path}` }, "Change the manifest…"),
      el("a.button", { href: `#/apps/${path}/plan` }, "Why on no device"),
    ),
  );
}

function componentRows(app) {
  return app.components.map((component) => {
    const status = site.status.get(`${app.app}/${component.name}`);
    return [
      link(`components/${app.app}/${component.name}`, component.name),
      state(component.state),
      component.device ? link(`devices/${component["device-name"]}`, component["device-name"]) : "–",
      component.mode,
      el(
        "span.package",
        {},
        component.package,
        " ",
        el("code.muted", { title: component.digest }, shortDigest(component.digest)),
      ),
      memoryOf(status),
      status ? count(status.calls.total) : "–",
      changeButton("Move…", () => componentMenu(site.apps.get(app.app) ?? app, component), "", {
        dataset: { focus: `move-${component.name}` },
        "aria-label": `Move ${component.name}`,
      }),
    ];
  });
}

// What each run and each step of a flow takes.
function flowView(flow, status) {
  return el(
    "section.flow",
    {},
    el("h3", {}, flow.flow, " ", state(flow.state), el("strong.rate", {}, rate(flow.rate))),
    el(
      "p.numbers",
      {},
      `A run takes ${micros(flow.latency["p50-us"])} (median), 99 % of them at most ${micros(flow.latency["p99-us"])}. `,
      `${count(flow.finished)} done, ${count(flow.failed)} failed, ${count(flow.dropped + flow.lost)} dropped or lost.`,
    ),
    flow["last-error"] ? el("p.reason", {}, flow["last-error"]) : null,
    table(
      `Steps of ${flow.flow}`,
      [
        "Step",
        "On",
        "Rate",
        ["Median", "Half of the calls took no longer, with the way there and back"],
        ["90 %", "Nine of ten calls took no longer"],
        ["Work", "Processor time of a call"],
        ["Sends", "Bytes of a result"],
        "Done",
        "Dropped",
      ],
      flow.steps.map((step) => [
        el("span", {}, link(`components/${flow.app}/${step.component}`, step.component), `.${step.function}`),
        deviceCalled(step.device)?.name ?? "–",
        rate(step.rate),
        micros(step.latency["p50-us"]),
        micros(step.latency["p90-us"]),
        status(step.component)?.work ? micros(status(step.component).work["cpu-ms-per-call"] * 1000) : "–",
        step.executed > 0 ? bytes(step["bytes-out"] / step.executed) : "–",
        count(step.executed),
        count(step.dropped + step.failed),
      ]),
    ),
  );
}

function overview(main, name) {
  const change = el("div", {}),
    components = el("div", {}),
    flows = el("div", {}),
    links = el("div", {}),
    pictures = el("div", {});
  main.append(
    change,
    el("div.wide-first", {}, panel("Flows", flows), pictures),
    panel("Components", components),
    links,
  );
  shows(flows, flowFigures);
  return (app) => {
    renew(change, [app.change, app.generation, app.state], () => {
      if (app.change) return progress(app.change);
      return app.generation === 0 && app.state === "failed" ? nothingRuns(name, app) : [];
    });
    renew(
      components,
      [
        app.components,
        app.components.map((item) => {
          const status = site.status.get(`${name}/${item.name}`);
          return [status?.calls.total, status?.["memory-bytes"]];
        }),
        mayOperate(),
      ],
      () =>
        table(
          "Components",
          ["Component", "State", "Device", "Mode", "Package", "Memory", "Calls", ""],
          componentRows(app),
        ),
    );
    const known = site.flows.get(name),
      shown = known ?? { flows: [], links: [] },
      trouble = site.flowTroubles.get(name);
    const status = (component) => site.status.get(`${name}/${component}`);
    renew(
      flows,
      [
        known === undefined ? waiting() : shown.flows,
        trouble,
        shown.flows.map((flow) => flow.steps.map((step) => status(step.component)?.work)),
      ],
      () => [
        trouble === undefined ? null : el("p.error", {}, `Not fresh: ${trouble}`),
        known === undefined
          ? el("p.muted", {}, app.generation > 0 ? waiting() : "Nothing runs yet.")
          : shown.flows.length === 0
            ? el("p.muted", {}, "It has none.")
            : shown.flows.map((flow) => flowView(flow, status)),
      ],
    );
    renew(links, shown.links, () =>
      shown.links.length === 0
        ? []
        : panel(
            "Links between devices",
            table(
              "Links",
              ["From", "To", "Interface", "Rate", "Median", "Calls", "Failed"],
              shown.links.map((item) => [
                item.component,
                item.target,
                item.interface,
                rate(item.rate),
                micros(item.latency["p50-us"]),
                count(item.calls),
                count(item.failed),
              ]),
            ),
          ),
    );
    const devices = [...new Set(app.components.map((item) => item.device))].map(deviceCalled).filter(Boolean);
    renew(pictures, devices.map(showKey), () => displays(devices));
  };
}

// ---- Of a generation ----

// What ask(app) gives, drawn; asked for again with each new generation.
function withGeneration(main, name, ask, draw) {
  const box = el("div", {});
  let shown = 0;
  main.append(box);
  const part = asked(box, () => ask(site.apps.get(name)), draw);
  return (app) => {
    const number = numberOf(app);
    if (shown !== 0 && shown !== number) part.again();
    shown = number;
  };
}

const numberOf = (app) => app.generation || app.wanted;
const presentGeneration = (app) => get(at("apps", app.app, "generations", String(numberOf(app))));

// ---- History ----

// number undefined: the latest before the present one that was deployed.
function backTo(name, number) {
  const like = number === undefined ? "the one that ran before" : `generation ${number}`;
  confirmed(`Roll back ${name}`, `A new generation is made that is like ${like}.`, "Roll back", () =>
    act(
      () => send("POST", at("apps", name, "rollback"), number === undefined ? {} : { to: number }),
      "Rolling back…",
    ),
  );
}

async function compare(name, number, current) {
  const [then, now] = await Promise.all(
    [number, current].map((n) => get(at("apps", name, "generations", String(n)))),
  );
  dialog(
    `${name}: generation ${number} against ${current}`,
    () => [
      el("p", {}, `− generation ${number}, + generation ${current}`),
      showDifference(then.manifest, now.manifest),
      table(
        "Places",
        ["Component", `Generation ${number}`, `Generation ${current}`],
        [...new Set([...Object.keys(then.components ?? {}), ...Object.keys(now.components ?? {})])].map(
          (component) => [
            component,
            ...[then, now].map(
              (generation) => deviceCalled(generation.components?.[component]?.device)?.name ?? "–",
            ),
          ],
        ),
      ),
    ],
    "wide",
  );
}

function history(main, name) {
  const list = el("div", {});
  let revision = -1;
  main.append(panel("Generations", list));
  const part = asked(
    list,
    async (signal) => {
      const generations = await get(at("apps", name, "generations"), { signal });
      return { now: site.apps.get(name)?.generation, generations };
    },
    ({ now, generations }) =>
      table(
        "Generations",
        ["", "State", "Because of", "When", "Error", ""],
        generations.sort((a, b) => b.generation - a.generation).map((item) => generationRow(name, item, now)),
      ),
  );
  return (app) => {
    if (revision !== -1 && revision !== app.revision) part.again();
    revision = app.revision;
  };
}

function generationRow(name, item, now) {
  const about = `generation ${item.generation}`;
  return [
    String(item.generation),
    state(item.state),
    [item.cause, item.detail].filter(Boolean).join(": "),
    when(item.changed),
    item.error ?? "",
    el(
      "div.actions",
      {},
      item.generation === now
        ? el("span.tag", {}, "now")
        : [
            !(now > 0)
              ? null
              : button("Compare", () => act(() => compare(name, item.generation, now)), "", {
                  "aria-label": `Compare ${about}`,
                }),
            ["failed", "superseded"].includes(item.state)
              ? null
              : changeButton("Roll back…", () => backTo(name, item.generation), "", {
                  "aria-label": `Roll back to ${about}…`,
                }),
          ],
    ),
  ];
}

// ---- Logs ----

const LINES_MAX = 500;

function logs(main, name, app) {
  const select = el(
    "select",
    { "aria-label": "Component" },
    app.components.map((item) => el("option", { value: item.name }, item.name)),
  );
  const lines = el("ol.log", { tabindex: "0", "aria-label": "Log lines, the newest last" }),
    note = el("p.muted", { role: "status" });
  let stream = null;
  const start = () => {
    stream?.end();
    lines.replaceChildren();
    note.textContent = waiting();
    const opened = () => {
      lines.replaceChildren(); // the tail comes again: after a move from the other device
      note.textContent = "No lines yet.";
    };
    const why = lostNote(site.apps.get(name)?.components.find((one) => one.name === select.value));
    if (why !== null) note.textContent = why;
    const changed = () => {
      if (!stream.isFresh)
        note.textContent = `The log cannot be followed: ${stream.error?.message ?? ""}. It is tried again by itself.`;
      tell();
    };
    const item = (entry) => {
      const low = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 30;
      note.textContent = "";
      lines.append(
        el(
          "li",
          {},
          el("time", {}, clock(entry.time)),
          el(`span.level.level-${entry.level ?? "info"}`, {}, entry.level ?? ""),
          el("span", {}, entry.text ?? entry.message ?? entry.line ?? JSON.stringify(entry)),
        ),
      );
      while (lines.children.length > LINES_MAX) lines.firstChild.remove();
      if (low) lines.scrollTop = lines.scrollHeight;
    };
    stream = new Stream(`${at("components", name, select.value)}/logs?tail=200`, { opened, item, changed });
    shows(lines, stream);
  };
  select.addEventListener("change", start);
  main.append(panel("Log", el("div.field", {}, select), note, lines));
  if (app.components.length !== 0) start();
  const show = () => {};
  show.end = () => stream?.end();
  return show;
}

// ---- The page ----

const PARTS = { "": "Now", plan: "Plan", manifest: "Manifest", history: "History", logs: "Logs" };

function makePart(main, name, part, app) {
  switch (part) {
    case "plan":
      return withGeneration(
        main,
        name,
        async (shown) => plans(shown, await presentGeneration(shown)),
        planPanels,
      );
    case "manifest":
      return withGeneration(main, name, presentGeneration, (generation) =>
        panel(
          `Manifest of generation ${generation.generation}`,
          el("pre.source", { tabindex: "0", role: "region", "aria-label": "Manifest" }, generation.manifest),
          table(
            "Modules",
            ["Component", "Reference", "Resolved to", "Digest"],
            Object.entries(generation.components ?? {}).map(([component, item]) => [
              component,
              item.reference,
              el("span", { title: item.exact }, shortReference(item.exact)),
              el("code", {}, shortDigest(item.digest)),
            ]),
          ),
        ),
      );
    case "history":
      return history(main, name);
    case "logs":
      return logs(main, name, app);
    default:
      return overview(main, name);
  }
}

export function showApp(main, name, part = "") {
  const title = el("div.title", {}, el("h1", {}, name)),
    body = el("div", {});
  const tabs = el(
    "nav.tabs",
    { "aria-label": `Parts of ${name}` },
    Object.entries(PARTS).map(([key, text]) =>
      el(
        "a",
        {
          href: `#/apps/${encodeURIComponent(name)}${key === "" ? "" : `/${key}`}`,
          "aria-current": key === part ? "page" : null,
        },
        text,
      ),
    ),
  );
  main.append(title, tabs, body);
  const unwatch = watch({ components: (app) => app === name, flows: (app) => app === name });
  let shown = null;
  const show = () => {
    const app = site.apps.get(name);
    if (app === undefined) {
      renew(title, "gone", () => [
        el("h1", {}, name),
        el("p", {}, "There is no such application (any more). ", link("apps", "All applications")),
      ]);
      return;
    }
    renew(title, [app.state, app.generation, app.wanted, app.reason, mayOperate()], () => [
      el(`span.dot.${hue(name)}`, {}),
      el("h1", {}, name),
      state(app.state),
      el(
        "span.muted",
        {},
        app.generation === 0 ? `generation ${app.wanted}` : `generation ${app.generation}`,
      ),
      app.reason === "" ? null : el("span.reason", {}, app.reason),
      el(
        "div.actions",
        {},
        changeButton("Change…", () => {
          window.location.hash = `/deploy/${encodeURIComponent(name)}`;
        }),
        changeButton("Roll back…", () => backTo(name), "", app.generation > 1 ? {} : { disabled: true }),
        changeButton(
          "Remove…",
          () =>
            confirmed(
              `Remove ${name}`,
              "Its components are stopped on every device. Its history stays.",
              "Remove",
              () => act(() => send("DELETE", at("apps", name)), `Removing ${name}…`),
            ),
          "danger",
        ),
      ),
    ]);
    shown ??= makePart(body, name, part, app);
    shown(app);
  };
  show.end = () => {
    unwatch();
    shown?.end?.();
  };
  return show;
}
