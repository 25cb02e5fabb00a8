// Where things are on the map: devices in columns along the ways that flows and links take, what runs on a device in
// it, and lines between. Only numbers here; no elements.

export const SIZE = { width: 236, head: 62, chip: 40, chipGap: 6, pad: 10, columnGap: 148, rowGap: 22, empty: 84, margin: 16 };

const key = (app, component) => `${app}/${component}`;

// The steps of a flow with the figures of the device that carries each of them out.
export function mergeFlows(entries) {
  const merged = new Map();
  for (const entry of entries) {
    const known = merged.get(entry.flow);
    if (known === undefined || entry.generation > known.generation) {
      merged.set(entry.flow, { ...entry, steps: [...entry.steps] });
    } else if (entry.generation === known.generation) {
      if (entry.started > known.started) Object.assign(known, { ...entry, steps: known.steps });
      entry.steps.forEach((step, i) => {
        if (step.executed > (known.steps[i]?.executed ?? 0)) known.steps[i] = step;
      });
    }
  }
  return [...merged.values()];
}

// Lines from component to component: {id, app, from, to, kind, name, rate, us, failed}.
export function edgesOf(site) {
  const edges = new Map();
  const add = (edge) => {
    const id = `${edge.kind}|${edge.name}|${edge.from}|${edge.to}`;
    if (edge.from !== edge.to) edges.set(id, { id, ...edge });
  };
  for (const [app, shown] of site.flows) {
    for (const flow of mergeFlows(shown.flows)) {
      for (let i = 1; i < flow.steps.length; i += 1) {
        const [before, step] = [flow.steps[i - 1], flow.steps[i]];
        add({ app, kind: "flow", name: flow.flow, from: key(app, before.component), to: key(app, step.component),
          rate: step.rate, us: step.latency["p50-us"], failed: step.failed, what: `${flow.flow}: ${before.component}.${before.function} → ${step.component}.${step.function}` });
      }
    }
    for (const link of shown.links) {
      add({ app, kind: "link", name: link.interface, from: key(app, link.component), to: key(app, link.target),
        rate: link.rate, us: link.latency["p50-us"], failed: link.failed, what: `${link.component} calls ${link.target}: ${link.interface}` });
    }
  }
  for (const [name, status] of site.status) {
    for (const link of status.links ?? []) {
      add({ app: status.app, kind: "link", name: link.interface, from: name, to: key(status.app, link.component),
        rate: link.rate, us: NaN, failed: 0, what: `${status.component} calls ${link.component}: ${link.interface}` });
    }
  }
  return [...edges.values()];
}

function componentRanks(site, edges) {
  const rank = new Map();
  for (const app of site.apps.values()) {
    for (const component of app.components) rank.set(key(app.app, component.name), 0);
  }
  for (let round = 0; round < rank.size; round += 1) {
    let changed = false;
    for (const edge of edges) {
      const least = (rank.get(edge.from) ?? 0) + 1;
      if (rank.has(edge.to) && rank.get(edge.to) < least && least < rank.size) {
        rank.set(edge.to, least);
        changed = true;
      }
    }
    if (!changed) break;
  }
  return rank;
}

// {devices: [{device, chips, x, y, w, h}], chips: [{id, app, component, x, y, w, h}], edges, width, height}
export function layout(site, width, edges) {
  const rank = componentRanks(site, edges);
  const byDevice = new Map(site.devices.map((device) => [device.id, { id: device.id, device, chips: [] }]));
  for (const app of site.apps.values()) {
    for (const component of app.components) {
      byDevice.get(component.device)?.chips.push({ id: key(app.app, component.name), app, component });
    }
  }
  const boxes = [...byDevice.values()];
  for (const box of boxes) {
    box.chips.sort((a, b) => a.app.app.localeCompare(b.app.app) || rank.get(a.id) - rank.get(b.id));
    box.rank = box.chips.reduce((sum, chip) => sum + rank.get(chip.id), 0) / (box.chips.length || 1);
    box.w = SIZE.width;
    box.h = box.chips.length === 0 ? SIZE.empty : SIZE.head + box.chips.length * (SIZE.chip + SIZE.chipGap) + SIZE.pad - SIZE.chipGap;
  }
  const narrow = width < 2 * SIZE.width + SIZE.columnGap;
  const used = boxes.filter((box) => box.chips.length !== 0).sort((a, b) => a.rank - b.rank || a.device.name.localeCompare(b.device.name));
  const levels = narrow ? [] : [...new Set(used.map((box) => Math.round(box.rank)))];
  const columns = narrow ? [used] : levels.map((level) => used.filter((box) => Math.round(box.rank) === level));
  return place(columns, boxes.filter((box) => box.chips.length === 0), narrow, width, edges);
}

function place(columns, spare, narrow, width, edges) {
  const heights = columns.map((column) => column.reduce((sum, box) => sum + box.h + SIZE.rowGap, -SIZE.rowGap));
  const tallest = Math.max(0, ...heights);
  columns.forEach((column, i) => {
    let y = SIZE.margin + (tallest - heights[i]) / 2;
    for (const box of column) {
      box.x = SIZE.margin + i * (SIZE.width + SIZE.columnGap);
      box.y = y;
      y += box.h + SIZE.rowGap;
    }
  });
  const across = narrow ? 1 : Math.max(columns.length, Math.min(4, Math.floor((width - SIZE.margin) / (SIZE.width + SIZE.rowGap))), 1);
  const used = narrow ? SIZE.width + 110 : Math.max(columns.length * (SIZE.width + SIZE.columnGap) - SIZE.columnGap, 0);
  const top = SIZE.margin + tallest + (tallest === 0 ? 0 : SIZE.rowGap * 1.6);
  spare.forEach((box, i) => {
    box.x = SIZE.margin + (i % across) * (SIZE.width + SIZE.rowGap);
    box.y = top + Math.floor(i / across) * (SIZE.empty + SIZE.rowGap);
  });
  const boxes = [...columns.flat(), ...spare];
  for (const box of boxes) {
    box.chips.forEach((chip, i) => Object.assign(chip, {
      box, x: box.x + SIZE.pad, y: box.y + SIZE.head + i * (SIZE.chip + SIZE.chipGap), w: SIZE.width - 2 * SIZE.pad, h: SIZE.chip }));
  }
  const chips = boxes.flatMap((box) => box.chips);
  const spareWidth = Math.min(across, spare.length) * (SIZE.width + SIZE.rowGap) - SIZE.rowGap;
  return { boxes, chips, edges: route(chips, edges), width: Math.max(used, spareWidth) + 2 * SIZE.margin,
    height: Math.max(0, ...boxes.map((box) => box.y + box.h)) + SIZE.margin };
}

// Each edge gets a path from device to device at the height of its components, the tip at its end, and the place of its
// label. Lines leave to the right and come in from the left; within a column they go around on the right.
const TIP = 7;

function route(chips, edges) {
  const byId = new Map(chips.map((chip) => [chip.id, chip]));
  const out = [];
  let around = 0;
  for (const edge of edges) {
    const from = byId.get(edge.from), to = byId.get(edge.to);
    if (from === undefined || to === undefined) continue;
    const [y1, y2] = [from.y + from.h / 2, to.y + to.h / 2];
    const begin = from.box.x + from.box.w;
    if (to.box.x > begin) {
      const end = to.box.x - TIP, bend = Math.max(50, (end - begin) * 0.45);
      out.push({ ...edge, path: `M${begin},${y1}C${begin + bend},${y1} ${end - bend},${y2} ${end},${y2}`, tip: `M${end - 1},${y2 - 4}L${end + TIP},${y2}L${end - 1},${y2 + 4}Z`, x: (begin + end) / 2, y: (y1 + y2) / 2 });
      continue;
    }
    const end = to.box.x + to.box.w + TIP, right = Math.max(begin, end), bulge = (from.box === to.box ? 40 : 70) + (around % 3) * 14;
    around += 1;
    out.push({ ...edge, path: `M${begin},${y1}C${right + bulge},${y1} ${right + bulge},${y2} ${end},${y2}`, tip: `M${end + 1},${y2 - 4}L${end - TIP},${y2}L${end + 1},${y2 + 4}Z`, x: right + bulge * 0.75 + 14, y: (y1 + y2) / 2 });
  }
  return spread(out);
}

// Labels that would lie on each other move apart.
function spread(edges) {
  const sorted = [...edges].sort((a, b) => a.y - b.y);
  sorted.forEach((edge, i) => {
    for (const other of sorted.slice(0, i)) {
      if (Math.abs(edge.x - other.x) < 96 && edge.y - other.y < 24) edge.y = other.y + 24;
    }
  });
  return edges;
}
