// What displays show, live.
import { button, el, panel } from "./dom.js";
import { Attempt, whenHidden } from "./fresh.js";
import { markOwn } from "./patch.js";

// What the pictures of a device's displays depend on: when it is back, they begin again.
export const showKey = (device) => [
  device.id,
  device.state === "up",
  (device.interfaces?.display ?? []).map((item) => item.name),
];

// So many displays are shown without being asked for, in all windows of the browser together: each takes one of the six
// connections that it opens to an address.
const PLACES = ["isomer-display-1", "isomer-display-2"];
const PLACE_MS = 300; // the page before may be about to give it back
let placed = 0;

// Resolves to a function that gives the place back; null: all are taken.
async function place() {
  if (navigator.locks === undefined) return () => {}; // not a secure context: no other window is known of
  placed += 1;
  for (const i of PLACES.keys()) {
    const name = PLACES[(placed + i) % PLACES.length];
    const given = await new Promise((resolve) => {
      const got = () => new Promise((end) => resolve(end));
      navigator.locks
        .request(name, { signal: AbortSignal.timeout(PLACE_MS) }, got)
        .catch(() => resolve(null));
    });
    if (given !== null) return given;
  }
  return null;
}

// A live picture, asked for again while there is none.
class Picture {
  #giveBack = null;
  #forced = false;
  #ended = false;

  constructor(device, display) {
    this.source = `/displays/${encodeURIComponent(device.name)}/${encodeURIComponent(display.name)}/stream`;
    this.image = el("img", { alt: `What the display ${display.name} of ${device.name} shows`, hidden: true });
    this.note = el("p.muted", {}, "Asking…");
    this.start = button("Show", () => this.#force(), "", { hidden: true });
    this.image.addEventListener("error", () => this.#show(false));
    this.image.addEventListener("load", () => this.#show(true));
    const caption = el("figcaption", {}, `${display.name} of ${device.name}`);
    this.box = markOwn(el("figure", {}, this.image, this.note, this.start, caption));
    this.attempt = new Attempt(() => this.#go());
    this.stopHiding = whenHidden(() => {
      this.#rest();
      this.attempt.rest();
    });
    this.attempt.now();
  }

  #force() {
    this.#forced = true;
    this.attempt.now();
  }

  async #go() {
    if (!this.#forced) this.#giveBack ??= await place();
    if (this.#ended) {
      this.#rest();
      return;
    }
    const may = this.#forced || this.#giveBack !== null;
    this.start.hidden = may;
    if (may) this.image.src = this.source;
    else this.note.textContent = "Two displays are shown already, here or in another window.";
  }

  #show(isThere) {
    if (!this.image.hasAttribute("src")) return;
    this.image.hidden = !isThere;
    this.note.hidden = isThere;
    this.note.textContent = "Nothing is shown at present.";
    if (isThere) this.attempt.worked();
    else this.attempt.failed();
  }

  // Gives up the connection and the place.
  #rest() {
    this.image.removeAttribute("src");
    this.#giveBack?.();
    this.#giveBack = null;
  }

  end() {
    this.#ended = true;
    this.#rest();
    this.attempt.end();
    this.stopHiding();
  }
}

// Of the page that is shown.
const pictures = new Set();

export function endPictures() {
  for (const picture of pictures) picture.end();
  pictures.clear();
}

export function displays(devices) {
  const items = devices.flatMap((device) =>
    (device.interfaces?.display ?? []).map((display) => ({ device, display })),
  );
  endPictures();
  if (items.length === 0) return [];
  const shown = items.map(({ device, display }) => new Picture(device, display));
  shown.forEach((picture) => pictures.add(picture));
  return panel(
    "Displays",
    el(
      "div.displays",
      {},
      shown.map((picture) => picture.box),
    ),
  );
}
