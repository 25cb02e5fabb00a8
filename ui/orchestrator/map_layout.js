// Where things are on the map: devices in columns along the ways that flows and links take, what runs on a device in
// it, and lines between. Only numbers here; no elements.

export const SIZE = {
  width: 236,
  head: 62,
  chip: 40,
  chipGap: 6,
  pad: 10,
  columnGap: 176,
  rowGap: 22,
  empty: 84,
  margin: 16,
};

const key = (app, component) => `${app}/${component}`;

// Lines from component to component: {id, app, from, to, kind, name, rate, us, failed}.
export function edgesOf(site) {
  const edges = new Map();
  const add = (edge) => {
    const id = `${edge.kind}|${edge.name}|${edge.from}|${edge.to}`;
    if (edge.from !== edge.to) edges.set(id, { id, ...edge });
  };
  for (const [app, shown] of site.flows) {
    for (const flow of shown.flows) {
      for (let i = 1; i < flow.steps.length; i += 1) {
        const [before, step] = [flow.steps[i - 1], flow.steps[i]];
        add({
          app,
          kind: "flow",
          name: flow.flow,
          from: key(app, before.component),
          to: key(app, step.component),
          rate: step.rate,
          us: step.latency["p50-us"],
          failed: step.failed,
          what: `${flow.flow}: ${before.component}.${before.function} → ${step.component}.${step.function}`,
        });
      }
    }
    for (const link of shown.links) {
      add({
        app,
        kind: "link",
        name: link.interface,
        from: key(app, link.component),
        to: key(app, link.target),
        rate: link.rate,
        us: link.latency["p50-us"],
        failed: link.failed,
        what: `${link.component} calls ${link.target}: ${link.interface}`,
      });
    }
  }
  for (const [name, status] of site.status) {
    for (const link of status.links ?? []) {
      add({
        app: status.app,
        kind: "link",
        name: link.interface,
        from: name,
        to: key(status.app, link.component),
        rate: link.rate,
        us: NaN,
        failed: 0,
        what: `${status.component} calls ${link.component}: ${link.interface}`,
      });
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

// By what takes part in flows; where nothing does, by what is linked; else by all.
function deviceRank(chips, rank, edges) {
  const partOf = (kind) =>
    chips.filter((chip) =>
      edges.some((edge) => edge.kind === kind && (edge.from === chip.id || edge.to === chip.id)),
    );
  const counted = [partOf("flow"), partOf("link"), chips].find((list) => list.length !== 0) ?? [];
  return counted.reduce((sum, chip) => sum + rank.get(chip.id), 0) / (counted.length || 1);
}

function makeBoxes(site, rank, edges) {
  const byDevice = new Map(site.devices.map((device) => [device.id, { id: device.id, device, chips: [] }]));
  for (const app of site.apps.values()) {
    for (const component of app.components) {
      byDevice.get(component.device)?.chips.push({ id: key(app.app, component.name), app, component });
    }
  }
  const boxes = [...byDevice.values()];
  for (const box of boxes) {
    box.chips.sort((a, b) => a.app.app.localeCompare(b.app.app) || rank.get(a.id) - rank.get(b.id));
    box.rank = deviceRank(box.chips, rank, edges);
    box.w = SIZE.width;
    box.h =
      box.chips.length === 0
        ? SIZE.empty
        : SIZE.head + box.chips.length * (SIZE.chip + SIZE.chipGap) + SIZE.pad - SIZE.chipGap;
  }
  return boxes;
}

// Devices of a column stand as what leads to them from the columns before does, so that few lines cross.
function untangle(columns, edges) {
  const height = new Map(); // component -> where its device stands in its column
  for (const column of columns) {
    const heightOf = (box) => {
      const before = edges
        .filter((edge) => height.has(edge.from) && box.chips.some((chip) => chip.id === edge.to))
        .map((edge) => height.get(edge.from));
      return before.length === 0 ? 0 : before.reduce((sum, one) => sum + one, 0) / before.length;
    };
    const wanted = new Map(column.map((box) => [box, heightOf(box)]));
    column.sort((a, b) => wanted.get(a) - wanted.get(b));
    column.forEach((box, i) => box.chips.forEach((chip) => height.set(chip.id, i)));
  }
}

// Which device is in which column, by ids: {columns: [[id]], spare: [id], narrow, key}. What has no components stands
// below. `known`, an earlier one, is kept while the same devices and applications are there and nothing new is connected,
// so that devices stay where they are when components move.
export function arrange(site, width, edges, known) {
  const narrow = width < 2 * SIZE.width + SIZE.columnGap;
  const about = JSON.stringify([
    narrow,
    site.devices.map((device) => device.id),
    [...site.apps.values()].map((app) => [app.app, app.components.length]).sort(),
  ]);
  const ways = edges.map((edge) => `${edge.from} ${edge.to}`);
  if (known?.key === about && ways.every((way) => known.ways.has(way))) return known;
  const boxes = makeBoxes(site, componentRanks(site, edges), edges);
  const used = boxes
    .filter((box) => box.chips.length !== 0)
    .sort((a, b) => a.rank - b.rank || a.device.name.localeCompare(b.device.name));
  const levels = narrow ? [0] : [...new Set(used.map((box) => Math.round(box.rank)))];
  const columns = levels.map((level) => used.filter((box) => narrow || Math.round(box.rank) === level));
  if (!narrow) untangle(columns, edges);
  const spare = boxes.filter((box) => box.chips.length === 0);
  const ids = (list) => list.map((box) => box.id);
  return { key: about, ways: new Set(ways), narrow, columns: columns.map(ids), spare: ids(spare) };
}

// {boxes: [{id, device, chips, x, y, w, h}], chips: [{id, app, component, box, x, y, w, h}], edges, width, height}
export function layout(site, width, edges, arrangement) {
  const byId = new Map(makeBoxes(site, componentRanks(site, edges), edges).map((box) => [box.id, box]));
  const columns = arrangement.columns.map((column) => column.map((id) => byId.get(id)));
  const spare = arrangement.spare.map((id) => byId.get(id));
  const columnsWidth = arrangement.narrow
    ? SIZE.width + 130
    : Math.max(columns.length * (SIZE.width + SIZE.columnGap) - SIZE.columnGap, 0);
  const top = placeColumns(columns) + (columns.length === 0 ? 0 : SIZE.rowGap * 1.6);
  const spareWidth = placeSpare(spare, arrangement.narrow ? 1 : Math.max(3, columns.length), top);
  const boxes = [...columns.flat(), ...spare];
  for (const box of boxes) {
    box.chips.forEach((chip, i) => {
      const y = box.y + SIZE.head + i * (SIZE.chip + SIZE.chipGap);
      Object.assign(chip, { box, x: box.x + SIZE.pad, y, w: SIZE.width - 2 * SIZE.pad, h: SIZE.chip });
    });
  }
  const chips = boxes.flatMap((box) => box.chips);
  const routed = route(chips, edges);
  return {
    boxes,
    chips,
    edges: routed,
    width:
      Math.max(columnsWidth + SIZE.margin, spareWidth + SIZE.margin, ...routed.map((edge) => edge.reach)) +
      SIZE.margin,
    height: Math.max(0, ...boxes.map((box) => box.y + box.h)) + SIZE.margin,
  };
}

// Side by side, each in the middle of the tallest; where they end.
function placeColumns(columns) {
  const heights = columns.map((column) =>
    column.reduce((sum, box) => sum + box.h + SIZE.rowGap, -SIZE.rowGap),
  );
  const tallest = Math.max(0, ...heights);
  columns.forEach((column, i) => {
    let y = SIZE.margin + (tallest - heights[i]) / 2;
    for (const box of column) {
      box.x = SIZE.margin + i * (SIZE.width + SIZE.columnGap);
      box.y = y;
      y += box.h + SIZE.rowGap;
    }
  });
  return SIZE.margin + tallest;
}

// In rows from `top` on; how wide they are.
function placeSpare(spare, across, top) {
  const step = SIZE.width + (across === 1 ? SIZE.rowGap : SIZE.columnGap);
  let y = top;
  for (let i = 0; i < spare.length; i += across) {
    const row = spare.slice(i, i + across);
    row.forEach((box, k) => Object.assign(box, { x: SIZE.margin + k * step, y }));
    y += Math.max(...row.map((box) => box.h)) + SIZE.rowGap;
  }
  return spare.length === 0 ? 0 : Math.min(across, spare.length) * step - (step - SIZE.width);
}

// Each edge gets a path from device to device at the height of its components, the tip at its end, the place of its
// label, and how far to the right it reaches, when that is beyond its devices. Lines leave to the right and come in from the left; within a column they go around on the right.
const TIP = 7;
const LABEL_HALF = 52;
const LABEL = 0.57; // of the way: what goes around within a device has its label near the beginning

function route(chips, edges) {
  const byId = new Map(chips.map((chip) => [chip.id, chip]));
  const out = [];
  let around = 0;
  for (const edge of edges) {
    const from = byId.get(edge.from),
      to = byId.get(edge.to);
    if (from === undefined || to === undefined) continue;
    const [y1, y2] = [from.y + from.h / 2, to.y + to.h / 2];
    const begin = from.box.x + from.box.w;
    if (to.box.x > begin) {
      const end = to.box.x - TIP,
        bend = Math.max(50, (end - begin) * 0.45);
      out.push({
        ...edge,
        path: `M${begin},${y1}C${begin + bend},${y1} ${end - bend},${y2} ${end},${y2}`,
        tip: `M${end - 1},${y2 - 4}L${end + TIP},${y2}L${end - 1},${y2 + 4}Z`,
        x: begin + (end - begin) * LABEL,
        y: y1 + (y2 - y1) * LABEL,
        reach: 0,
      });
      continue;
    }
    const end = to.box.x + to.box.w + TIP,
      right = Math.max(begin, end),
      bulge = (from.box === to.box ? 40 : 70) + (around % 3) * 14;
    around += 1;
    const y3 = y2 - 7; // beside what leaves there
    out.push({
      ...edge,
      path: `M${begin},${y1}C${right + bulge},${y1} ${right + bulge},${y3} ${end},${y3}`,
      tip: `M${end + 1},${y3 - 4}L${end - TIP},${y3}L${end + 1},${y3 + 4}Z`,
      x: right + bulge * 0.75 + 14,
      y: (y1 + y3) / 2,
      reach: right + bulge * 0.75 + 14 + LABEL_HALF,
    });
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
