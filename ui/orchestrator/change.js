// A change of an application under way: its steps, where it is on each device, what is moving.
import { bytes, el, table } from "./dom.js";
import { deviceCalled } from "./live.js";

const STEPS = ["accepted", "resolving", "planning", "preparing", "moving", "committing", "committed"];

function moveNotes(move) {
  return [
    move["snapshot-bytes"] ? bytes(move["snapshot-bytes"]) : null,
    move["downtime-ms"] ? `${move["downtime-ms"]} ms not answering` : null,
  ];
}

export function changeSteps(change) {
  const moving = (change.moves ?? []).length !== 0;
  const steps = STEPS.filter((step) => step !== "moving" || moving);
  const now = steps.indexOf(change.state);
  return el(
    "ol.steps",
    { "aria-label": "Steps of the change" },
    steps.map((step, i) =>
      el(
        `li${i < now ? ".past" : i === now ? ".now" : ""}`,
        i === now ? { "aria-current": "step" } : {},
        step,
      ),
    ),
  );
}

export function changeProgress(change) {
  const moves = (change.moves ?? []).map((move) => [
    `${move.component}: ${deviceCalled(move.from)?.name ?? move.from} → ${deviceCalled(move.to)?.name ?? move.to}`,
    move.step,
    moveNotes(move).filter(Boolean).join(", "),
  ]);
  const devices = (change.devices ?? []).map((part) => [
    part.name ?? part.device,
    part.step,
    part.text ?? "",
  ]);
  const rows = [...moves, ...devices];
  return rows.length === 0 ? null : table("Progress", ["Where", "Step", "So far"], rows);
}
