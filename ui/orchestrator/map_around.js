// What is around the map: what is wrong, what changes, which application has which colour, flows, displays, events.
import { button, count, el, hue, link, micros, panel, rate, renew, state, table } from "./dom.js";
import { mayOperate, site } from "./live.js";
import { changeSteps } from "./change.js";
import { pairing } from "./devices.js";
import { displays, showKey } from "./displays.js";
import { eventBrief } from "./events.js";

const WRONG_MAX = 6,
  KEYS_MAX = 10;

const deviceLink = (name) => link(`devices/${encodeURIComponent(name)}`, name);
const appLink = (name) => link(`apps/${encodeURIComponent(name)}`, name);

// Devices and applications that are not as they should be: [name, link, state, why].
export function wrongs() {
  const devices = site.devices
    .filter((device) => ["lost", "suspect", "refuses"].includes(device.state))
    .map((device) => [deviceLink(device.name), device.state, device.reason]);
  const apps = [...site.apps.values()]
    .filter((app) => ["failed", "degraded", "waiting"].includes(app.state))
    .map((app) => [appLink(app.app), app.state, app.reason]);
  return [...apps, ...devices];
}

const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

function flowTable(flows) {
  return table(
    "Flows",
    ["Flow", "Rate", "Median", "99 % within", "Done", "Failed, lost"],
    flows.map(([app, flow]) => [
      [el(`span.dot.${hue(app)}`, {}), " ", appLink(app), ` ${flow.flow}`],
      rate(flow.rate),
      micros(flow.latency["p50-us"]),
      micros(flow.latency["p99-us"]),
      count(flow.finished),
      count(flow.failed + flow.dropped + flow.lost),
    ]),
    "No application has flows.",
  );
}

function changing(app) {
  return el(
    "div.changing",
    {},
    el(`span.dot.${hue(app.app)}`, {}),
    appLink(app.app),
    el("span", {}, [app.change.cause, app.change.detail].filter(Boolean).join(": ")),
    changeSteps(app.change),
  );
}

// What to do first.
function beginning() {
  return el(
    "section.panel.beginning",
    { "data-still": true, "aria-label": "To begin with" },
    el("h2", {}, "No devices yet"),
    el(
      "ol",
      {},
      el("li", {}, "On a machine that is to be a device, run ", el("code", {}, "isomer supervisor"), "."),
      el("li", {}, "In this network it appears here by itself; elsewhere, add it by its address."),
      el(
        "li",
        {},
        "Pair with it: ",
        el("code", {}, "isomer --device :8480 pair"),
        " there prints a code, which is good once.",
      ),
      el(
        "li",
        {},
        link("deploy", "Deploy an application"),
        "; the planner finds a device for each component.",
      ),
    ),
  );
}

export class Around {
  legend = el("div.legend", {});
  wrong = el("div", { role: "status" });
  changes = el("div", {});
  candidates = el("div.candidates", {});
  flows = el("div", {});
  pictures = el("div", {});
  events = el("div", {});

  draw() {
    const wrong = wrongs(),
      apps = [...site.apps.values()];
    renew(
      this.wrong,
      wrong.map(([node, ...words]) => [node.textContent, words]),
      () => (wrong.length === 0 ? [] : this.wrongList(wrong)),
    );
    renew(this.legend, [site.devices.length, apps.map((app) => [app.app, app.state])], () =>
      this.legendKeys(apps),
    );
    const under = apps.filter((app) => app.change);
    renew(
      this.changes,
      under.map((app) => [app.app, app.change.generation, app.change.state]),
      () => under.map(changing),
    );
    this.drawFlows();
    const showing = site.devices.filter((device) => device.components > 0);
    renew(this.pictures, showing.map(showKey), () => displays(showing));
    const events = site.events.slice(0, 12);
    renew(this.events, events, () => eventBrief(events));
    renew(
      this.candidates,
      [site.devices.length === 0, site.candidates.map((item) => item.id), mayOperate()],
      () => this.candidateList(),
    );
  }

  wrongList(wrong) {
    const more = wrong.length - WRONG_MAX;
    return el(
      "ul.wrong",
      { "aria-label": "What is wrong" },
      wrong
        .slice(0, WRONG_MAX)
        .map(([node, word, why]) =>
          el("li", {}, state(word), " ", node, why ? el("span.muted", {}, why) : null),
        ),
      more > 0
        ? el("li", {}, `and ${more} more: `, link("devices", "devices"), ", ", link("apps", "applications"))
        : null,
    );
  }

  // An application each, as long as these are few.
  legendKeys(apps) {
    if (apps.length > KEYS_MAX)
      return el(
        "span.muted",
        {},
        plural(site.devices.length, "device"),
        ", ",
        link("apps", plural(apps.length, "application")),
      );
    return apps.map((app) =>
      el("span.key", {}, el(`span.dot.${hue(app.app)}`, {}), appLink(app.app), " ", state(app.state)),
    );
  }

  drawFlows() {
    const flows = [...site.flows].flatMap(([app, shown]) => shown.flows.map((flow) => [app, flow])),
      troubles = [...site.flowTroubles];
    renew(this.flows, [troubles, flows], () => [
      ...troubles.map(([app, trouble]) => el("p.error", {}, `${app} is not fresh: ${trouble}`)),
      flowTable(flows),
    ]);
  }

  candidateList() {
    const rights = { disabled: !mayOperate(), title: mayOperate() ? null : "This session may look only" };
    return [
      site.devices.length === 0 ? beginning() : null,
      ...site.candidates.map((candidate) =>
        el(
          "div.candidate",
          {},
          state("candidate"),
          el("strong", {}, candidate.name),
          el("span.muted", {}, candidate.address),
          button("Pair…", () => pairing(candidate), "", {
            ...rights,
            "aria-label": `Pair with ${candidate.name}…`,
          }),
        ),
      ),
      button("Add a device by its address…", () => pairing(null), "", rights),
    ];
  }
}
