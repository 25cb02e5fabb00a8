// The live map: devices, the components on them, and what goes between them. A component is moved by dragging it to
// another device, or by its menu.
import { Problem, request } from "./api.js";
import {
  bytes,
  button,
  el,
  hue,
  link,
  meter,
  micros,
  panel,
  percent,
  rate,
  renew,
  state,
  svg,
} from "./dom.js";
import { Part } from "./fresh.js";
import { deviceCalled, eventsPart, flowFigures, mayOperate, site, tell, watch } from "./live.js";
import { arrange, edgesOf, layout } from "./map_layout.js";
import { Around } from "./map_around.js";
import { Choice, tiles } from "./map_overview.js";
import { componentMenu, move, objections } from "./moving.js";
import { shows, toast } from "./parts.js";

const CALM_EDGES = 30; // more lines that move are unrest, and work
const D3 = "/static/d3.js";

async function loadD3() {
  if (globalThis.d3 !== undefined) return globalThis.d3;
  const script = el("script", { src: D3 });
  const loaded = new Promise((good, bad) => {
    script.addEventListener("load", good);
    script.addEventListener("error", bad);
  });
  document.head.append(script);
  try {
    await loaded;
  } catch {
    script.remove();
    return whyNoD3();
  }
  return globalThis.d3;
}

// null: the page was built without it. Anything else is tried again.
async function whyNoD3() {
  try {
    await request("GET", D3);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
  throw new Problem(0, { detail: "The map's script did not come" });
}

let d3Part = null; // from the first use on

// ---- Elements ----

function movingStep(app, name) {
  const step = (app.change?.moves ?? []).find((item) => item.component === name);
  return step === undefined ? null : `moving to ${deviceCalled(step.to)?.name ?? step.to}: ${step.step}`;
}

function fillChip(node, chip) {
  const status = site.status.get(chip.id);
  const moving = movingStep(chip.app, chip.component.name);
  const note =
    moving ??
    (status === undefined
      ? chip.component.mode
      : [status["memory-bytes"] > 0 ? bytes(status["memory-bytes"]) : null, chip.component.mode]
          .filter(Boolean)
          .join(" · "));
  node.className = `chip ${hue(chip.app.app)}${moving === null ? "" : " moving"}`;
  node.replaceChildren(
    el("span.chip-name", {}, chip.component.name),
    el("span.chip-app", {}, el("span.hidden", {}, " of "), chip.app.app, el("span.hidden", {}, ", ")),
    state(chip.component.state),
    el("span.chip-note", {}, el("span.hidden", {}, ", "), note),
    el("span.hidden", {}, `, on ${chip.component["device-name"]}: menu to move it`),
  );
}

function emptyWords(device) {
  if (device.drained) return "drained: gets no components";
  return device.components > 0 ? "components of other applications" : "no components";
}

function fillDevice(node, box) {
  const device = box.device;
  node.className = `box is-${device.state}${device.drained ? " drained" : ""}`;
  node.setAttribute("aria-label", `Device ${device.name}`);
  const offers = Object.keys(device.interfaces ?? {}).filter((name) =>
    ["camera", "display", "sensor", "gpio"].includes(name),
  );
  node.replaceChildren(
    el(
      "div.box-head",
      {},
      link(`devices/${encodeURIComponent(device.name)}`, device.name),
      state(device.state),
    ),
    device.reason
      ? el("p.box-load.reason", { title: device.reason }, device.reason)
      : el(
          "div.box-load",
          {},
          meter(device.load, `Load of ${device.name}`),
          el("span", {}, percent(device.load)),
          el("span.muted", {}, offers.join(" · ")),
        ),
    ...(box.chips.length === 0 ? [el("p.muted.box-empty", {}, emptyWords(device))] : []),
    el("p.box-note", {}),
  );
}

// ---- The page ----

class SiteMap {
  constructor(main) {
    this.frame = el("div.map", {});
    this.layer = el("div.map-layer", {});
    this.lines = svg("svg", { class: "map-lines", "aria-hidden": "true" });
    this.layer.append(this.lines);
    this.note = el("p.error.map-note", {});
    this.frame.append(this.layer, this.note);
    this.around = new Around();
    this.tiles = el("div.map-tiles", {});
    this.choice = new Choice(() => {
      this.rearrange();
      tell();
    });
    this.tools = el(
      "div.actions",
      {},
      button("−", () => this.zoomBy(1 / 1.25), "", { "aria-label": "Smaller" }),
      button("+", () => this.zoomBy(1.25), "", { "aria-label": "Larger" }),
      button("Arrange", () => this.rearrange(), "", {
        title: "Columns along the flows again, and all of it in view",
      }),
    );
    this.dragging = null;
    this.touched = false;
    main.append(
      el(
        "div.title",
        {},
        el("h1", {}, "Map"),
        this.around.legend,
        el("div.actions", {}, this.choice.box, this.tools),
      ),
      this.around.wrong,
      this.around.changes,
      this.frame,
      this.tiles,
      this.around.candidates,
      el(
        "div.columns",
        {},
        el("div", {}, panel("Flows", this.around.flows), this.around.pictures),
        panel("Latest events", this.around.events),
      ),
    );
    this.observer = new ResizeObserver(() => {
      if (this.width !== this.frame.clientWidth) this.draw();
    });
    this.observer.observe(this.frame);
  }

  // The first time that D3 is there, or known not to be.
  start() {
    d3Part ??= new Part(loadD3, tell);
    this.note.textContent =
      d3Part.error === null
        ? ""
        : `The map cannot be drawn: ${d3Part.error.message}. It is tried again by itself.`;
    if (this.d3 !== undefined || d3Part.at === 0) return;
    this.d3 = d3Part.value;
    if (this.d3 === null) {
      this.frame.replaceWith(
        el(
          "p.panel",
          {},
          "This orchestrator was built without D3 (npm was not there), so there is no map. ",
          link("devices", "Devices"),
          " and ",
          link("apps", "applications"),
          " have everything that it would show.",
        ),
      );
      return;
    }
    this.zoom = this.d3
      .zoom()
      .scaleExtent([0.3, 2.5])
      .filter((event) =>
        event.type !== "wheel" ? !event.button && event.target.closest(".chip, a") === null : event.ctrlKey,
      )
      .on("zoom", (event) => {
        this.transform = event.transform;
        this.touched ||= event.sourceEvent !== null && event.sourceEvent !== undefined;
        this.layer.style.transform = `translate(${event.transform.x}px, ${event.transform.y}px) scale(${event.transform.k})`;
      });
    this.d3.select(this.frame).call(this.zoom).on("dblclick.zoom", null);
  }

  zoomBy(factor) {
    this.touched = true;
    this.d3?.select(this.frame).transition().duration(150).call(this.zoom.scaleBy, factor);
  }

  fit() {
    if (!this.d3 || this.shown === undefined) return;
    this.touched = false;
    const k = Math.min(1.25, this.width / this.shown.width);
    this.frame.style.height = `${Math.ceil(this.shown.height * k)}px`;
    this.d3
      .select(this.frame)
      .call(
        this.zoom.transform,
        this.d3.zoomIdentity.translate(Math.max(0, (this.width - this.shown.width * k) / 2), 0).scale(k),
      );
  }

  rearrange() {
    this.arrangement = undefined;
    this.touched = false;
    this.draw();
  }

  draw() {
    this.start();
    if (this.dragging !== null) return;
    this.around.draw();
    const seen = this.choice.draw();
    this.frame.hidden = this.tools.hidden = seen === null || site.devices.length === 0;
    renew(this.tiles, seen === null ? [site.devices, site.apps.size] : "", () =>
      seen === null ? tiles() : [],
    );
    if (seen === null || !this.d3 || this.frame.clientWidth === 0) return;
    this.width = this.frame.clientWidth;
    const edges = edgesOf(site);
    this.arrangement = arrange(seen, this.width, edges, this.arrangement);
    this.shown = layout(seen, this.width, edges, this.arrangement);
    this.frame.classList.toggle("calm", this.shown.edges.length > CALM_EDGES);
    const items = this.shown.boxes.flatMap((box) => [
      { id: box.id, box },
      ...box.chips.map((chip) => ({ id: chip.id, chip })),
    ]);
    const map = this;
    this.d3
      .select(this.layer)
      .selectChildren(".box, .chip")
      .data(items, (item) => item.id)
      .join((enter) => enter.append((item) => (item.box ? el("section.box") : this.makeChip(item))))
      .each(function fill(item) {
        map.fill(this, item);
      })
      .order();
    this.drawLines();
    if (!this.touched) this.fit();
  }

  fill(node, item) {
    const what = item.box ?? item.chip;
    const text = JSON.stringify(
      item.box
        ? [what.device, what.chips.length]
        : [
            what.component,
            movingStep(what.app, what.component.name),
            site.status.get(what.id)?.["memory-bytes"],
          ],
    );
    node.style.transform = `translate(${what.x}px, ${what.y}px)`;
    node.style.width = `${what.w}px`;
    node.style.height = `${what.h}px`;
    if (node.dataset.key === text) return;
    node.dataset.key = text;
    if (item.box) fillDevice(node, what);
    else fillChip(node, what);
  }

  makeChip(item) {
    const node = el("button.chip", { type: "button", dataset: { chip: item.id } });
    const current = () => this.d3.select(node).datum().chip;
    node.addEventListener("click", () => componentMenu(current().app, current().component));
    const drag = this.d3
      .drag()
      .container(() => this.frame)
      .clickDistance(5)
      .filter((event) => !event.ctrlKey && !event.button && mayOperate())
      .on("start", (event) => this.dragStart(event, node, current()))
      .on("drag", (event) => this.dragOn(event, node))
      .on("end", (event) => this.dragEnd(event, node));
    this.d3.select(node).call(drag);
    return node;
  }

  drawLines() {
    this.lines.setAttribute("width", this.shown.width);
    this.lines.setAttribute("height", this.shown.height);
    const groups = this.d3
      .select(this.lines)
      .selectAll("g")
      .data(this.shown.edges, (edge) => edge.id)
      .join((enter) => {
        const group = enter.append("g");
        group.append("path").attr("class", "line");
        group.append("path").attr("class", "tip");
        group.append("rect").attr("height", 18).attr("rx", 9);
        group.append("text").attr("dy", 4);
        group.append("title");
        return group;
      });
    groups.attr(
      "class",
      (edge) =>
        `edge ${edge.kind} ${hue(edge.app)}${edge.rate > 0 ? " alive" : ""}${edge.failed > 0 ? " failing" : ""}`,
    );
    groups.select(".line").attr("d", (edge) => edge.path);
    groups.select(".tip").attr("d", (edge) => edge.tip);
    groups
      .select("text")
      .attr("x", (edge) => edge.x)
      .attr("y", (edge) => edge.y)
      .text((edge) => this.label(edge));
    groups
      .select("rect")
      .attr("width", (edge) => this.label(edge).length * 6.1 + 14)
      .attr("x", (edge) => edge.x - (this.label(edge).length * 6.1 + 14) / 2)
      .attr("y", (edge) => edge.y - 9);
    groups.select("title").text((edge) => edge.what);
  }

  label(edge) {
    if (!(edge.rate > 0)) return "idle";
    return Number.isFinite(edge.us) && edge.us > 0
      ? `${rate(edge.rate)} · ${micros(edge.us)}`
      : rate(edge.rate);
  }

  // ---- Dragging ----

  at(event) {
    const source = event.sourceEvent.changedTouches?.[0] ?? event.sourceEvent;
    const frame = this.frame.getBoundingClientRect();
    return this.transform.invert([source.clientX - frame.left, source.clientY - frame.top]);
  }

  boxUnder([x, y]) {
    return this.shown.boxes.find(
      (box) => x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h,
    );
  }

  dragStart(event, node, chip) {
    this.dragging = { chip, from: this.at(event), moved: false, over: null };
    node.classList.add("held");
    this.escape = (key) => {
      if (key.key === "Escape") this.dragCancel(node);
    };
    window.addEventListener("keydown", this.escape);
    objections(chip.app, chip.component.name).then((found) => {
      if (this.dragging?.chip !== chip) return;
      this.dragging.objections = found;
    });
  }

  mark(show) {
    this.frame.classList.toggle("choosing", show);
    this.d3
      .select(this.layer)
      .selectChildren(".box")
      .each((item, i, nodes) => {
        const no = show ? this.dragging.objections?.get(item.id) : undefined;
        nodes[i].classList.toggle("unfit", show && no?.hard === true);
        nodes[i].classList.toggle("over", show && this.dragging.over === item.id);
        nodes[i].querySelector(".box-note").textContent = no?.why ?? "";
      });
  }

  // What is being dragged goes back; the pointer has nothing any more.
  dragCancel(node) {
    this.mark(false);
    this.dragging = null;
    node.classList.remove("held", "dragging");
    window.removeEventListener("keydown", this.escape);
    this.draw();
  }

  dragOn(event, node) {
    if (this.dragging === null) return;
    const drag = this.dragging,
      [x, y] = this.at(event);
    if (Math.hypot(x - drag.from[0], y - drag.from[1]) < 4 && !drag.moved) return;
    drag.moved = true;
    const under = this.boxUnder([x, y]);
    drag.over = under !== undefined && under.id !== drag.chip.component.device ? under.id : null;
    node.style.transform = `translate(${drag.chip.x + x - drag.from[0]}px, ${drag.chip.y + y - drag.from[1]}px)`;
    node.classList.add("dragging");
    this.mark(true);
  }

  dragEnd(event, node) {
    if (this.dragging === null) return;
    const drag = this.dragging;
    this.dragCancel(node);
    const target = drag.over === null ? undefined : deviceCalled(drag.over);
    if (drag.moved && target !== undefined) move(drag.chip.app.app, drag.chip.component.name, target);
    else if (drag.moved) toast("Drop a component on another device to move it there.");
  }
}

export function showMap(main) {
  const map = new SiteMap(main);
  const unwatch = watch({ components: () => true, flows: () => true });
  shows(map.around.flows, flowFigures);
  shows(map.around.events, eventsPart());
  const show = () => map.draw();
  show.end = () => {
    map.observer.disconnect();
    unwatch();
  };
  return show;
}
