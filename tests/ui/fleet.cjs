// A fleet that only the page sees: what the orchestrator would answer of many devices and applications.
"use strict";

const ROOMS = ["hall", "den", "loft", "attic", "shed", "yard"];
const ARCHITECTURES = ["x86_64", "aarch64", "armv7l", "riscv64", "mips"];
const TIME = "2026-01-01T00:00:00.000Z";

function device(i, state = "up") {
  return {
    id: `device${i}`.padEnd(26, "x"),
    name: `d${i}`,
    state,
    reason: state === "up" ? "" : "no answer for 9 s: connection timed out",
    address: `https://192.0.2.${i % 250}:8443`,
    addresses: [`https://192.0.2.${i % 250}:8443`],
    pin: `sha256:${"0".repeat(64)}`,
    labels: { room: ROOMS[i % ROOMS.length] },
    drained: false,
    seen: TIME,
    added: TIME,
    load: ((i * 37 + Date.now() / 1000) % 100) / 100, // other figures each time
    "latency-us": 400 + i,
    speed: 120 + i,
    cores: 4,
    architecture: ARCHITECTURES[i % ARCHITECTURES.length],
    memory: { "total-bytes": 2 ** 30, "free-bytes": 2 ** 29 + i * 2 ** 20 },
    interfaces: { log: {}, clock: {} },
    components: 0,
  };
}

// components: how many each application has; on the devices one after the other.
function app(i, fleet, components) {
  const name = `app${i}`;
  return {
    app: name,
    revision: 1,
    state: "running",
    generation: 1,
    wanted: 1,
    reason: "",
    components: Array.from({ length: components }, (_, k) => {
      const on = fleet[(i * components + k) % fleet.length];
      on.components += 1;
      return {
        name: `part${k}`,
        device: on.id,
        "device-name": on.name,
        epoch: 1,
        mode: k % 2 === 0 ? "service" : "function",
        state: "running",
        package: `part@1.${k}.0`,
        digest: `sha256:${String(k).padStart(64, "0")}`,
      };
    }),
    flows: ["main"],
    change: null,
  };
}

function flowsOf(app) {
  if (app === undefined) return undefined;
  const { app: name, components } = app;
  const figures = { rate: 12.5, latency: { "p50-us": 2100, "p90-us": 4200, "p99-us": 16000 } };
  const steps = components.map((item) => ({
    ...figures,
    component: item.name,
    function: "work",
    device: item.device,
    executed: 12345,
    failed: 0,
    dropped: 0,
    "bytes-out": 12345 * 512,
  }));
  const counts = { started: 12345, finished: 12345, failed: 0, dropped: 0, lost: 0 };
  const flow = { app: name, flow: "main", state: "running", "last-error": "", ...counts, ...figures, steps };
  return { flows: [flow], links: [], peers: [] };
}

const status = (name, component) => ({
  app: name,
  component,
  state: "running",
  mode: "service",
  module: `sha256:${"0".repeat(64)}`,
  epoch: 1,
  calls: { total: 12345, done: 12345, trap: 0, error: 0 },
  "latency-ms": { p50: 2.1, p95: 8, p99: 16 },
  work: { calls: 12345, "fuel-per-call": 240000, "cpu-ms-per-call": 1.2 },
  links: [],
  queued: 0,
  instances: 1,
  "memory-bytes": 2 ** 17,
  "memory-peak-bytes": 2 ** 18,
  restarts: 0,
});

// The page of this context sees this fleet. change(documents) may change what it is told of, before each answer.
async function pretend(context, { devices, apps, components, change = () => {} }) {
  const make = () => {
    const fleet = Array.from({ length: devices }, (_, i) => device(i, i === 7 ? "lost" : "up"));
    const documents = {
      fleet: { devices: fleet, candidates: [] },
      apps: Array.from({ length: apps }, (_, i) => app(i, fleet, components)),
    };
    change(documents);
    return documents;
  };
  const answers = [
    [/\/v1\/devices$/, () => make().fleet],
    [
      /\/v1\/devices\/([^/]+)$/,
      (name) => make().fleet.devices.find((one) => [one.id, one.name].includes(name)),
    ],
    [/\/v1\/apps$/, () => make().apps],
    [/\/v1\/apps\/([^/]+)$/, (name) => make().apps.find((one) => one.app === name)],
    [/\/v1\/flows\/([^/]+)$/, (name) => flowsOf(make().apps.find((one) => one.app === name))],
    [/\/v1\/components\/([^/]+)\/([^/]+)$/, status],
  ];
  for (const [pattern, answer] of answers) {
    await context.route(pattern, (route) => {
      const [, ...words] = pattern.exec(route.request().url());
      const json = answer(...words);
      return json === undefined ? route.fulfill({ status: 404, body: "" }) : route.fulfill({ json });
    });
  }
}

module.exports = { pretend };
