// What happened, as it happens.
import { el, link, renew, shortReference, table, when } from "./dom.js";
import { eventsPart, site } from "./live.js";
import { shows } from "./parts.js";

const KINDS = {
  "device-lost": "bad",
  "device-refuses": "bad",
  failed: "bad",
  degraded: "bad",
  failing: "bad",
  "device-suspect": "warn",
  superseded: "warn",
  deployed: "good",
  recovered: "good",
  "device-back": "good",
  moved: "good",
};
const SHAPES = { bad: "✕", warn: "▲", good: "●" };

function word(event) {
  const kind = KINDS[event.event] ?? "idle";
  return el(
    `span.state.${kind}`,
    {},
    el("span.shape", { "aria-hidden": "true" }, SHAPES[kind] ?? "○"),
    " ",
    event.event,
  );
}

const about = (event) => [
  event.component
    ? link(
        `components/${encodeURIComponent(event.app)}/${encodeURIComponent(event.component)}`,
        event.component,
      )
    : "",
  event.app ? link(`apps/${encodeURIComponent(event.app)}`, event.app) : "",
  event.device ? link(`devices/${encodeURIComponent(event.device)}`, event.device) : "",
];

const detail = (event) => shortReference(event.detail);

export function eventList(events) {
  return table(
    "Events",
    ["Time", "Event", "Component", "Application", "Device", "Detail"],
    events.map((event) => [when(event.time), word(event), ...about(event), detail(event)]),
    "Nothing has happened yet.",
  );
}

// The same in less room.
export function eventBrief(events) {
  return el(
    "div.brief",
    {},
    table(
      "Latest events",
      ["Time", "Event", "What"],
      events.map((event) => [
        when(event.time),
        word(event),
        [...about(event).flatMap((part) => (part === "" ? [] : [part, " "])), detail(event)],
      ]),
      "Nothing has happened yet.",
    ),
  );
}

export function showEvents(main) {
  const list = el("div", { "aria-live": "off" });
  const wanted = el("input", {
    type: "search",
    placeholder: "device, application, event…",
    "aria-label": "Only events with this text",
  });
  main.append(
    el("div.title", {}, el("h1", {}, "Events"), el("div.actions", {}, wanted)),
    el("section.panel", { "aria-label": "Events" }, list),
  );
  shows(list, eventsPart());
  const show = () => {
    const text = wanted.value.toLowerCase();
    const some = site.events
      .filter(
        (event) =>
          text === "" || Object.values(event).some((value) => String(value).toLowerCase().includes(text)),
      )
      .slice(0, 300);
    renew(list, [text, some.length, some[0]], () => eventList(some));
  };
  wanted.addEventListener("input", show);
  return show;
}
