// What the tests of the page have in common: the browser, signing in, and what must hold on every page: nothing leaves
// the origin, nothing is complained about, axe finds nothing serious. A picture of each is left.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { chromium } = require("playwright-core");

const { ADDRESS, TOKEN, PICTURES, CHROMIUM, NODE_PATH } = process.env;
const AXE = fs.readFileSync(path.join(NODE_PATH, "axe-core", "axe.min.js"), "utf-8");
const WAIT_MS = 60000; // pages ask again after at most 15 s, and the processors may be busy

class Failure extends Error {}

function check(condition, text) {
  if (!condition) throw new Failure(text);
}

// Waits until it holds.
async function until(what, condition) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) throw new Failure(`in ${WAIT_MS / 1000} s it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function api(method, route, body, token = TOKEN) {
  const answer = await fetch(ADDRESS + route, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  check(answer.ok, `${method} ${route}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

// A browser window that complains about what pages must not do.
class Window {
  static async open(browser, options = {}) {
    const window = new Window();
    window.wrong = [];
    window.allowed = [];
    window.context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
    window.context.setDefaultTimeout(WAIT_MS);
    window.context.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${ADDRESS}/`) && !url.startsWith("data:") && !url.startsWith("about:")) {
        window.wrong.push(`a request left the origin: ${url}`);
      }
    });
    window.page = await window.context.newPage();
    window.page.on("pageerror", (error) => window.wrong.push(`an exception: ${error.message}`));
    window.page.on("console", (message) => {
      const text = `${message.text()} ${message.location().url}`;
      // The figures of a component are asked for while it moves, or is removed.
      const isGone = /404 .*\/v1\/components\/[^/]+\/[^/]+$/.test(text);
      if (message.type() === "error" && !isGone && !window.allowed.some((known) => text.includes(known))) {
        window.wrong.push(`the console says: ${text}`);
      }
    });
    return window;
  }

  async signIn(token = TOKEN) {
    const { url } = await api("POST", "/v1/login", {}, token);
    await this.page.goto(url);
    await this.page.getByRole("heading", { name: "Map" }).waitFor();
    return url;
  }

  async go(hash, heading) {
    await this.page.goto(`${ADDRESS}/#/${hash}`);
    await this.page.getByRole("heading", { level: 1, name: heading }).waitFor();
  }

  // axe on what is shown, and a picture of it.
  async look(name) {
    await this.page.evaluate(() =>
      Promise.all(
        document
          .getAnimations()
          .filter((a) => a.effect.getTiming().iterations === 1)
          .map((a) => a.finished.catch(() => {})),
      ),
    );
    await this.page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
    await this.page.evaluate(`${AXE}; null`);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run(document));
    const serious = violations.filter((item) => ["serious", "critical"].includes(item.impact));
    const text = serious.map(
      (item) =>
        `${item.id}: ${item.help}: ${item.nodes
          .slice(0, 3)
          .map((node) => node.html.slice(0, 160))
          .join(" | ")}`,
    );
    check(serious.length === 0, `${name}: axe: ${text.join("; ")}`);
    this.mustBeRight(name);
  }

  mustBeRight(name) {
    check(this.wrong.length === 0, `${name}: ${this.wrong.join("; ")}`);
  }

  close() {
    return this.context.close();
  }
}

async function withWindow(browser, use, options, token) {
  const window = await Window.open(browser, options);
  try {
    await window.signIn(token);
    await use(window, window.page);
  } finally {
    await window.close();
  }
}

// What run.py does for a test: "kill", "start" (the orchestrator), "freeze", "thaw" and the name of a device.
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ask(...words) {
  console.log(["ask", ...words].join(" "));
  const { value } = await answers.next();
  check(value === "done", `${words.join(" ")}: ${value}`);
}

async function run(tests) {
  const only = (process.env.ONLY ?? "").split(",").filter((name) => name !== "");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const counts = { ok: 0, FAIL: 0 };
  for (const [name, test] of Object.entries(tests)) {
    if (only.length !== 0 && !only.includes(name)) continue;
    let result = "ok",
      text = "";
    try {
      await test(browser);
    } catch (error) {
      result = "FAIL";
      text = `: ${error instanceof Failure ? error.message : error.stack}`;
    }
    counts[result] += 1;
    console.log(`${result.padEnd(5)} ${name}${text}`);
  }
  await browser.close();
  console.log(`${counts.ok} passed, ${counts.FAIL} failed, 0 skipped`);
  process.exit(counts.FAIL === 0 ? 0 : 1);
}

module.exports = { ADDRESS, Window, api, ask, check, run, until, withWindow };
