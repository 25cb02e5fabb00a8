// What the page says when something fails, and how it is as before when that is over: without a reload.
"use strict";

const { ADDRESS, Window, api, ask, check, until, withWindow } = require("./site.cjs");

const functionCalled = (page, name) =>
  page
    .locator("details.function")
    .filter({ has: page.locator("summary code", { hasText: new RegExp(`^${name}$`) }) });

const bar = (page) => page.locator("#trouble");

// What a page asks for by itself: its address, what is asked, and what is there when it was answered.
const PARTS = [
  ["components/hello/greeter", /\/greeter\/openapi\.json$/, (page) => functionCalled(page, "greet")],
  ["components/hello/greeter", /\/components\/hello\/greeter$/, (page) => page.getByText("Waiting calls")],
  ["devices/den", /\/v1\/devices\/den$/, (page) => page.getByText("M instructions a second")],
  ["apps/video/plan", /\/generations\/\d+$/, (page) => page.getByText("offers no display").first()],
  ["apps/video/manifest", /\/generations\/\d+$/, (page) => page.getByText("take-frame").first()],
  ["apps/video/history", /\/generations$/, (page) => page.getByRole("cell", { name: "deploy" }).first()],
  ["apps/video", /\/v1\/flows\/video$/, (page) => page.getByText("camera.take-frame")],
  [
    "apps/lab/logs",
    /\/logs\?tail=200$/,
    (page) => page.getByText("No lines yet.").or(page.locator(".log li").first()),
  ],
  ["packages", /\/v1\/packages$/, (page) => page.getByRole("link", { name: "greeter@1.0.0" })],
  ["packages", /\/v1\/registries$/, (page) => page.getByText("oci: references have no registry")],
  ["packages", /\/v1\/trust$/, (page) => page.getByText("packages need no signature")],
  ["packages/greeter%401.0.0", /\/v1\/packages\/greeter/, (page) => page.getByText("Memory at the start")],
  ["deploy/hello", /\/generations\/\d+$/, (page) => page.getByText("It began as generation")],
  ["", /\/static\/d3\.js$/, (page) => page.locator('[data-chip="hello/greeter"]')],
];
const FAILURE = { status: 503, contentType: "application/problem+json" };

// A token has room for a few sessions only: many windows share one.
async function sessionOf(browser) {
  const window = await Window.open(browser);
  await window.signIn();
  const session = await window.context.storageState();
  await window.close();
  return session;
}

module.exports = {
  // Each part of each page, asked for in vain twice, says why; then it is there by itself.
  async what_fails_once(browser) {
    for (const [hash, what, there] of PARTS) {
      const window = await Window.open(browser);
      window.allowed.push("503");
      let failures = 0;
      await window.context.route(what, (route) => {
        failures += 1;
        if (failures > 2) return route.continue();
        return route.fulfill({ ...FAILURE, body: JSON.stringify({ detail: `out of ink (${failures})` }) });
      });
      await window.signIn();
      await window.page.goto(`${ADDRESS}/#/${hash}`);
      const says = window.page.getByText("out of ink").first();
      await until(`${hash} says that ${what} failed`, async () => (await says.count()) > 0);
      await until(`${hash} shows ${what}`, () => there(window.page).isVisible());
      check(failures > 2, `${hash}: ${what} was asked for ${failures} times`);
      window.mustBeRight(`${hash} ${what}`);
      await window.close();
    }
  },

  // The orchestrator is killed: every page says that it knows nothing newer. It is started again: they do, by themselves,
  // in the same session, and events come again.
  async an_orchestrator_that_is_gone(browser) {
    const pages = {
      "": "Map",
      devices: "Devices",
      "devices/attic": "attic",
      apps: "Applications",
      "apps/video": "video",
      "apps/video/plan": "video",
      "apps/video/history": "video",
      "apps/lab/logs": "lab",
      "components/hello/greeter": "greeter",
      packages: "Packages",
      "packages/greeter%401.0.0": "greeter@1.0.0",
      events: "Events",
    };
    const windows = [],
      session = await sessionOf(browser);
    for (const [hash, heading] of Object.entries(pages)) {
      const window = await Window.open(browser, { storageState: session });
      window.allowed.push("ERR_", " 50"); // no orchestrator; a device that does not answer
      await window.go(hash, heading);
      await until(`${hash} is there`, async () => {
        const panels = await window.page.locator(".panel").count();
        return panels > 0 && (await window.page.getByText("Asking…").count()) === 0;
      });
      windows.push([hash, window]);
    }
    await ask("kill");
    for (const [hash, { page }] of windows) {
      await page.getByText(/^No answer from the orchestrator since/).waitFor();
      await bar(page)
        .getByText(/^Asked again in \d+ s\.$|^Asking…$/)
        .waitFor();
      await until(`every panel of ${hash} says so`, async () => {
        const panels = page.locator(".panel");
        const silent = panels
          .filter({ hasNot: page.locator(".as-of") })
          .filter({ hasNotText: "Not known yet." });
        return (await panels.count()) > 0 && (await silent.count()) === 0;
      });
    }
    const [, window] = windows[0];
    await window.look("gone-map");
    // A page that was not looked at before has nothing to show, and says so.
    await window.page.goto(`${ADDRESS}/#/packages`);
    await window.page.getByText("Not known yet.").first().waitFor();
    await window.look("gone-packages");
    await ask("start");
    for (const [hash, { page }] of windows) {
      await until(`${hash} is fresh again`, async () => {
        const left = page.locator(".as-of, #trouble:not([hidden])").or(page.getByText("Not known yet."));
        return (await left.count()) === 0;
      });
      check((await page.getByText("Sign in").count()) === 0, `${hash}: still signed in`);
    }
    await window.page.getByRole("link", { name: "greeter@1.0.0" }).waitFor();
    const events = windows.at(-1)[1].page;
    await windows[1][1].page.goto(`${ADDRESS}/#/devices/den`);
    await windows[1][1].page.getByRole("button", { name: "Drain" }).waitFor();
    // A device that was not heard of since the start is waited for longer than others.
    await until("loft is up", async () => (await api("GET", "/v1/devices/loft")).state === "up");
    await ask("freeze", "loft");
    await events.getByRole("cell", { name: "device-lost" }).first().waitFor();
    await ask("thaw", "loft");
    await events.getByRole("cell", { name: "device-back" }).first().waitFor();
    for (const [hash, one] of windows) {
      one.mustBeRight(hash);
      await one.close();
    }
  },

  // A trap says where it was; a limit what can be done.
  async a_trap(browser) {
    await withWindow(browser, async (window, page) => {
      window.allowed.push("/trap", "/nothing");
      await window.go("components/lab/probe", "probe");
      const form = functionCalled(page, "trap");
      await form.locator("summary").click();
      await form.getByRole("button", { name: "Call" }).click();
      await form.getByText("Trap: unreachable, in trap of lab/probe").waitFor();
      check((await form.getByRole("row").count()) >= 2, "the backtrace has rows");
      await form
        .getByRole("cell", { name: /^0x[0-9a-f]+$/ })
        .first()
        .waitFor();
      await window.look("component-trap");
    });
  },
};
