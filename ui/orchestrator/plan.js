// What the planner says: where each component is to run, and why not elsewhere.
import { send } from "./api.js";
import { count, el, link, panel, state } from "./dom.js";
import { mayOperate } from "./live.js";
import { plannedGeneration } from "./moving.js";

const SHARES = {
  execution: "computing",
  queue: "waiting",
  latency: "round trips",
  transfer: "transfer",
  memory: "memory",
  moving: "moving",
  overload: "overload",
};
// Seconds of computing, waiting and being late for each second of running.
const cost = (seconds) =>
  seconds < 10
    ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : 0)} ms/s`
    : `${count(Math.round(seconds))} s/s`;

export function planView(plan) {
  if (!plan?.components) return el("p.muted", {}, "No plan was made.");
  const head = el(
    "p",
    {},
    state(plan.feasible ? "ready" : "failed"),
    plan.feasible ? ` Costs ${cost(plan.cost.total)}: ` : " There is no plan. ",
    plan.feasible
      ? Object.entries(plan.cost.terms)
          .filter(([, value]) => value > 0)
          .map(([term, value]) => `${SHARES[term] ?? term} ${cost(value)}`)
          .join(", ")
      : (plan.conflict?.why ?? ""),
    plan.feasible && plan.proven ? ". There is no better one." : "",
  );
  const units = el(
    "p.hint",
    {},
    "ms/s: milliseconds of computing, waiting and transfer for each second that it runs; the planner looks for the least.",
  );
  return el(
    "div",
    {},
    head,
    plan.feasible
      ? units
      : el("p", {}, "What stands in the way is below; change the manifest, labels or devices."),
    plan.components.map((component) =>
      el(
        "section.placed",
        {},
        el(
          "h3",
          {},
          component.name,
          " → ",
          component.device
            ? link(`devices/${component["device-name"]}`, component["device-name"])
            : "nowhere",
        ),
        el(
          "ul",
          {},
          component.why.map((why) => el("li", {}, why)),
        ),
        component.not.length === 0
          ? null
          : el(
              "details",
              { open: true },
              el("summary", {}, "Why not elsewhere"),
              el(
                "ul.not",
                {},
                component.not.map((no) =>
                  el(
                    "li",
                    {},
                    el("strong", {}, no["device-name"]),
                    " ",
                    no.hard
                      ? el("span.state.bad", {}, el("span.shape", { "aria-hidden": "true" }, "⊘"), " cannot")
                      : el("span.state.idle", {}, el("span.shape", { "aria-hidden": "true" }, "○"), " could"),
                    `: ${no.why}`,
                  ),
                ),
                component["not-more"] > 0 ? el("li", {}, `and ${component["not-more"]} more`) : null,
              ),
            ),
      ),
    ),
  );
}

// ---- Of a generation ----

// What the planner says now of a generation that failed before there was a plan; null: no more than the error says.
async function planNow(own) {
  try {
    return await send("POST", "/v1/plan", { manifest: own.manifest, files: own.files });
  } catch (error) {
    if (error.status === 422) return null;
    throw error;
  }
}

// {own, plan, free}: a move leaves nothing to choose, so the plan before it is asked for too.
export async function plans(app, own) {
  if (own.cause === "move") return { own, plan: own.plan, free: await plannedGeneration(app) };
  const isMissing = !own.plan?.components && own.state === "failed" && mayOperate();
  return { own, plan: isMissing ? await planNow(own) : own.plan, isNow: isMissing, free: null };
}

export function planPanels({ own, plan, isNow, free }) {
  const byHand = own.cause === "move" ? `: ${own.detail} by hand` : "";
  const title = isNow
    ? `Generation ${own.generation} failed; the planner says now`
    : `Plan of generation ${own.generation}${own.state === "failed" ? ", which failed" : byHand}`;
  return [
    panel(title, plan === null && own.error ? el("p.error", {}, own.error) : planView(plan)),
    free === null || free.generation === own.generation
      ? null
      : panel(`Before, when there was a choice: generation ${free.generation}`, planView(free.plan)),
  ];
}
