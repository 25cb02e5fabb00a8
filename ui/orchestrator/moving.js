// Moving a component: the request, its menu with the devices, and what speaks against each.
import { at, get, send } from "./api.js";
import { button, el, state } from "./dom.js";
import { mayOperate, site } from "./live.js";
import { act, dialog } from "./parts.js";

export async function move(app, component, to) {
  const name = to === null ? "where the planner chooses" : to.name;
  await act(
    () => send("POST", at("apps", app, "components", component, "move"), to === null ? {} : { to: to.id }),
    `Moving ${component} to ${name}…`,
  );
}

// The latest generation whose plan was free to choose: that of a move has a place for every component. The present one
// when there is none.
export async function plannedGeneration(app) {
  const generations = await get(at("apps", app.app, "generations"));
  const number = app.generation || app.wanted;
  const free = generations.filter((item) => item.generation <= number && item.cause !== "move");
  const latest = Math.max(0, ...free.map((item) => item.generation));
  return get(at("apps", app.app, "generations", String(latest || number)));
}

// What the latest plan said against a device: device id -> reason.
export async function objections(app, component) {
  const found = new Map();
  try {
    const generation = await plannedGeneration(app);
    const planned = (generation.plan?.components ?? []).find((item) => item.name === component);
    for (const no of planned?.not ?? []) found.set(no.device, no);
  } catch {
    // a plan is a help only
  }
  return found;
}

const SEARCH_FROM = 12; // devices
const labelsOf = (device) =>
  Object.entries(device.labels ?? {})
    .map((pair) => pair.join("="))
    .join(" ");

// Hides the devices that have not what is typed.
function searchOf(targets) {
  const input = el("input", {
    type: "search",
    placeholder: "device or label…",
    "aria-label": "Only devices with this text",
  });
  input.addEventListener("input", () => {
    for (const item of targets.children)
      item.hidden = !(item.dataset.text ?? "").includes(input.value.toLowerCase());
  });
  return el("div.field", {}, input);
}

export function componentMenu(app, component) {
  dialog(`${component.name}`, (close) => {
    const list = el("div.menu", {});
    const go = (hash) => {
      close();
      window.location.hash = hash;
    };
    list.append(
      el("p", {}, state(component.state), ` on ${component["device-name"] ?? "no device"}, of ${app.app}`),
      el(
        "div.actions",
        {},
        button("Functions, figures, logs", () => go(`/components/${app.app}/${component.name}`)),
        button("Application", () => go(`/apps/${app.app}`)),
      ),
    );
    if (mayOperate()) {
      list.append(el("h3", {}, "Move to"));
      const targets = el("ul.targets", {});
      const others = site.devices.filter((other) => other.id !== component.device);
      if (others.length > SEARCH_FROM) list.append(searchOf(targets));
      list.append(targets);
      for (const device of others) {
        const note = el("span.muted", {});
        targets.append(
          el(
            "li",
            {
              dataset: {
                device: device.id,
                text: `${device.name} ${device.state} ${labelsOf(device)}`.toLowerCase(),
              },
            },
            button(
              device.name,
              async () => {
                close();
                await move(app.app, component.name, device);
              },
              "",
              { dataset: { move: device.name } },
            ),
            state(device.state),
            note,
          ),
        );
      }
      targets.append(
        el(
          "li",
          {},
          button("Where the planner chooses", async () => {
            close();
            await move(app.app, component.name, null);
          }),
        ),
      );
      objections(app, component.name).then((found) => {
        for (const item of [...targets.children]) {
          const no = found.get(item.dataset.device);
          if (no !== undefined) item.querySelector(".muted").textContent = no.why;
          if (no?.hard) targets.append(item); // those that cannot stand last
        }
      });
    }
    return list;
  });
}
