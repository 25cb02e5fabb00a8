// One component: how it is, its functions to read about and to call, its links.
import { at, get } from "./api.js";
import {
  bytes,
  count,
  el,
  facts,
  hue,
  link,
  micros,
  panel,
  renew,
  shortDigest,
  state,
  table,
} from "./dom.js";
import { callForm } from "./call_form.js";
import { site, watch } from "./live.js";
import { componentMenu } from "./moving.js";
import { asked, changeButton, lostNote, waiting } from "./parts.js";

function figures(status, component) {
  return facts(
    ["Device", link(`devices/${component["device-name"]}`, component["device-name"])],
    ["Mode", status.mode],
    ["Epoch", String(status.epoch)],
    ["Module", el("code", { title: status.module }, shortDigest(status.module))],
    [
      "Calls",
      `${count(status.calls.total)} (${count(status.calls.done)} returned, ${count(status.calls.trap)} trapped, ${count(status.calls.error)} answered with an error)`,
    ],
    [
      "Time of a call",
      `${micros(status["latency-ms"].p50 * 1000)} (median), 99 % at most ${micros(status["latency-ms"].p99 * 1000)}`,
    ],
    [
      "Work of a call",
      `${count(Math.round(status.work["fuel-per-call"]))} instructions, ${micros(status.work["cpu-ms-per-call"] * 1000)}`,
    ],
    [
      "Memory",
      `${status["memory-bytes"] > 0 ? bytes(status["memory-bytes"]) : "none now"}, at most ${bytes(status["memory-peak-bytes"])} so far`,
    ],
    ["Instances", String(status.instances)],
    ["Waiting calls", String(status.queued)],
    ["Started anew", `${status.restarts} times`],
    ["Latest error", status["last-error"]?.text ?? status["last-error"]],
  );
}

const OPEN_MAX = 3; // functions; of more, none is open at first

function functionForms(document, base) {
  const functions = Object.entries(document.paths ?? {}).filter(
    ([path, methods]) => methods.post !== undefined && /^\/[^/]+$/.test(path),
  );
  return [
    document.info?.description ? el("p", {}, document.info.description) : null,
    functions.map(([path, methods]) =>
      callForm(document, base, path, methods.post, functions.length <= OPEN_MAX),
    ),
    el(
      "p",
      {},
      "Also as ",
      el("a", { href: `/swagger?api=${encodeURIComponent(`${base}/openapi.json`)}` }, "Swagger UI"),
      ", ",
      el("a", { href: `${base}/td` }, "Thing Description"),
      " and ",
      el("a", { href: `${base}/wit` }, "WIT"),
      ".",
    ),
  ];
}

export function showComponent(main, app, name) {
  const title = el("div.title", {}, el("h1", {}, name)),
    now = el("div", {}),
    functions = el("div", {}),
    links = el("div", {});
  const base = at("components", app, name);
  main.append(title, panel("Now", now), panel("Functions", functions), links);
  const lost = () => lostNote(site.apps.get(app)?.components.find((item) => item.name === name));
  asked(
    functions,
    (signal) => get(`${base}/openapi.json`, { signal }),
    (document) => functionForms(document, base),
    { instead: lost },
  );
  const unwatch = watch({ components: (owner, item) => owner === app && item.name === name });
  const show = () => {
    const owner = site.apps.get(app),
      component = owner?.components.find((item) => item.name === name);
    if (component === undefined) {
      renew(title, "gone", () => [
        el("h1", {}, name),
        el("p", {}, `${app} has no such component. `, link("apps", "All applications")),
      ]);
      return;
    }
    const status = site.status.get(`${app}/${name}`);
    renew(title, [component, status?.state], () => [
      el(`span.dot.${hue(app)}`, {}),
      el("h1", {}, name),
      state(component.state),
      el("span.muted", {}, "of "),
      link(`apps/${encodeURIComponent(app)}`, app),
      el(
        "div.actions",
        {},
        changeButton("Move…", () => componentMenu(site.apps.get(app), component)),
        el("a.button", { href: `#/apps/${encodeURIComponent(app)}/logs` }, "Logs"),
      ),
    ]);
    const trouble = site.troubles.get(`${app}/${name}`);
    renew(now, [status, trouble, component, waiting(), lost()], () =>
      lost() !== null
        ? el("p.reason", {}, lost())
        : trouble !== undefined
          ? [el("p.error", {}, trouble), el("p.muted", {}, "Its figures are asked for again by themselves.")]
          : status === undefined
            ? el("p.muted", {}, waiting())
            : figures(status, component),
    );
    renew(links, status?.links ?? [], () =>
      (status?.links ?? []).length === 0
        ? []
        : panel(
            "Links on this device",
            table(
              "Links",
              ["Interface", "To", "Calls"],
              status.links.map((item) => [
                item.interface,
                link(`components/${app}/${item.component}`, item.component),
                String(item.calls),
              ]),
            ),
          ),
    );
  };
  show.end = unwatch;
  return show;
}
