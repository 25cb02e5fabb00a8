// The tests of the page: run by run.py, which has made the site. Each says what it shows.
"use strict";

const { ADDRESS, Window, api, check, run, until, withWindow } = require("./site.cjs");

const { pretend } = require("./fleet.cjs");

const { CODE, FOLDER, READER } = process.env;

async function where(app, component) {
  const status = await api("GET", `/v1/apps/${app}`);
  return status.components.find((item) => item.name === component)["device-name"];
}

async function framesShown() {
  const { flows } = await api("GET", "/v1/flows/video");
  return Math.max(
    ...flows.flatMap((flow) =>
      flow.steps.filter((step) => step.component === "screen").map((step) => step.executed),
    ),
  );
}

const chip = (page, name) => page.locator(`[data-chip="${name}"]`);
const box = (page, device) => page.getByRole("region", { name: `Device ${device}`, exact: true });

async function centre(locator) {
  const at = await locator.boundingBox();
  return [at.x + at.width / 2, at.y + at.height / 2];
}

// Whether the chip is drawn within the device's box.
async function isOn(page, name, device) {
  const [x, y] = await centre(chip(page, name));
  const around = await box(page, device).boundingBox();
  return x > around.x && x < around.x + around.width && y > around.y && y < around.y + around.height;
}

async function awaitRunning(app) {
  await until(`${app} is running`, async () => (await api("GET", `/v1/apps/${app}`)).state === "running");
}

// The other of the two devices that can have the scaler.
const otherThan = (device) => (device === "den" ? "loft" : "den");

run({
  // Without a session the page says how to get one; the address works once.
  async signing_in(browser) {
    const window = await Window.open(browser);
    window.allowed.push("401", "403");
    await window.page.goto(`${ADDRESS}/`);
    await window.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await window.look("sign-in");
    const url = await window.signIn();
    check((await window.page.goto(url)).status() === 403, "the address is good once");
    await window.page.goto(`${ADDRESS}/`);
    await window.page.getByRole("button", { name: "Sign out" }).click();
    await window.page.getByRole("heading", { name: "Sign in" }).waitFor();
    window.mustBeRight("sign-in");
    await window.close();
  },

  // Devices, components, the flow between them with its rate, and the link within one device.
  async map(browser) {
    await withWindow(browser, async (window, page) => {
      for (const device of ["hall", "den", "loft", "attic"]) await box(page, device).waitFor();
      await chip(page, "video/scaler").waitFor();
      await until("the flow's rate is on the line", async () =>
        (await page.locator(".edge.flow.alive text").allTextContents()).some((text) =>
          /^\d\.\d\/s · /.test(text),
        ),
      );
      await page.locator(".edge.link").waitFor({ state: "attached" });
      check(await isOn(page, "video/camera", "hall"), "the camera is drawn on its device");
      await window.look("map");
      await page.emulateMedia({ colorScheme: "dark" });
      await window.look("map-dark");
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 390, height: 800 });
      await until("it fits a telephone", () =>
        page.evaluate(() => document.documentElement.scrollWidth <= 390),
      );
      await window.look("map-narrow");
    });
  },

  // A page that was built without D3 says so, and the rest of it works.
  async without_d3(browser) {
    const window = await Window.open(browser);
    window.allowed.push("/static/d3.js");
    await window.context.route("**/static/d3.js", (route) => route.fulfill({ status: 404, body: "" }));
    await window.signIn();
    await window.page.getByText("built without D3").waitFor();
    await window.look("map-without-d3");
    await window.close();
  },

  // A component is dragged to another device by the mouse; it runs there, and pictures go on.
  async drag_by_mouse(browser) {
    await withWindow(browser, async (window, page) => {
      await chip(page, "video/scaler").waitFor();
      const to = otherThan(await where("video", "scaler"));
      await page.mouse.move(...(await centre(chip(page, "video/scaler"))));
      await page.mouse.down();
      const [x, y] = await centre(box(page, to));
      await page.mouse.move(x - 20, y - 10, { steps: 6 });
      await page.mouse.move(x, y, { steps: 3 });
      await page.locator(".box.over").waitFor();
      await window.look("map-dragging");
      await page.mouse.up();
      await until(`the scaler is on ${to}`, async () => (await where("video", "scaler")) === to);
      await until("it is drawn there", () => isOn(page, "video/scaler", to));
      await awaitRunning("video");
      const frames = await framesShown();
      await until("pictures are shown again", async () => (await framesShown()) > frames + 2);
      await until(
        "the lines are alive again",
        async () => (await page.locator(".edge.flow.alive").count()) === 2,
      );
      await window.look("map-moved");
    });
  },

  // Escape in the midst of it: the component stays where it is.
  async drag_and_escape(browser) {
    await withWindow(browser, async (window, page) => {
      const from = await where("video", "scaler"),
        generation = (await api("GET", "/v1/apps/video")).generation;
      await page.mouse.move(...(await centre(chip(page, "video/scaler"))));
      await page.mouse.down();
      const [x, y] = await centre(box(page, otherThan(from)));
      await page.mouse.move(x, y, { steps: 6 });
      await page.locator(".box.over").waitFor();
      await page.keyboard.press("Escape");
      await until("it is drawn where it was", () => isOn(page, "video/scaler", from));
      await page.mouse.up();
      check((await page.locator(".box.over").count()) === 0, "no device is chosen any more");
      const status = await api("GET", "/v1/apps/video");
      check(status.generation === generation && status.change === null, "nothing moves");
      window.mustBeRight("escape");
    });
  },

  // The same by a finger.
  async drag_by_touch(browser) {
    await withWindow(
      browser,
      async (window, page) => {
        await chip(page, "video/scaler").waitFor();
        const to = otherThan(await where("video", "scaler"));
        const [[x1, y1], [x2, y2]] = [await centre(chip(page, "video/scaler")), await centre(box(page, to))];
        const touch = await window.context.newCDPSession(page);
        const send = (type, x, y) =>
          touch.send("Input.dispatchTouchEvent", { type, touchPoints: x === undefined ? [] : [{ x, y }] });
        await send("touchStart", x1, y1);
        for (let i = 1; i <= 5; i += 1)
          await send("touchMove", x1 + ((x2 - x1) * i) / 5, y1 + ((y2 - y1) * i) / 5);
        await page.locator(".box.over").waitFor();
        await send("touchEnd");
        await until(`the scaler is on ${to}`, async () => (await where("video", "scaler")) === to);
        await awaitRunning("video");
        window.mustBeRight("touch");
      },
      { hasTouch: true },
    );
  },

  // And by keyboard: choose it, open its menu, choose a device.
  async move_by_keyboard(browser) {
    await withWindow(browser, async (window, page) => {
      await chip(page, "video/scaler").focus();
      const to = otherThan(await where("video", "scaler"));
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "scaler" }).waitFor();
      await page.getByText("must be apart").first().waitFor();
      await window.look("map-menu");
      const target = page.locator(`[data-move="${to}"]`);
      for (let i = 0; i < 20 && !(await target.evaluate((node) => node === document.activeElement)); i += 1)
        await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await until(`the scaler is on ${to}`, async () => (await where("video", "scaler")) === to);
      await awaitRunning("video");
      window.mustBeRight("keyboard");
    });
  },

  // Where a component cannot go it does not go, and the page says why.
  async a_move_that_is_refused(browser) {
    await withWindow(browser, async (window, page) => {
      window.allowed.push("/move");
      await page.mouse.move(...(await centre(chip(page, "video/camera"))));
      await page.mouse.down();
      const [x, y] = await centre(box(page, "den"));
      await page.mouse.move(x, y, { steps: 6 });
      await page.locator(".box.over.unfit .box-note", { hasText: "camera" }).waitFor();
      await page.mouse.up();
      await until("it is refused, or fails", async () => {
        const status = await api("GET", "/v1/apps/video");
        return status.change === null && (await page.locator(".toast").count()) > 0;
      });
      check((await where("video", "camera")) === "hall", "the camera stays");
      window.mustBeRight("refused");
    });
  },

  // A device's page: what it is; its labels, which come back as text whatever is in them; draining.
  async device(browser) {
    await withWindow(browser, async (window, page) => {
      await window.go("devices", "Devices");
      await page.getByRole("link", { name: "attic" }).waitFor();
      await window.look("devices");
      await window.go("devices/attic", "attic");
      await page.getByText("x86_64").or(page.getByText("aarch64")).first().waitFor();
      await page.locator("figure img").waitFor();
      await window.look("device");
      await page.getByRole("button", { name: "Name and labels…" }).click();
      await page
        .getByRole("textbox", { name: /^Labels/ })
        .fill("room=attic\nnote=<img src=x onerror=alert(1)>");
      await window.look("device-labels");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("note=<img src=x onerror=alert(1)>").waitFor();
      check((await page.locator("main img[src='x']").count()) === 0, "text stays text");
      check((await api("GET", "/v1/devices/attic")).labels.note.startsWith("<img"), "the label is kept");
      await window.go("devices/den", "den");
      await page.getByRole("button", { name: "Drain" }).click();
      await page.getByRole("button", { name: "Use again" }).click();
      await page.getByRole("button", { name: "Drain" }).waitFor();
      check((await api("GET", "/v1/devices/den")).drained === false, "it is used again");
      await window.look("device-den");
    });
  },

  // A device that was found is paired with its code; a wrong code is told.
  async pairing(browser) {
    await withWindow(browser, async (window, page) => {
      window.allowed.push("/v1/devices");
      await page.getByRole("button", { name: /^Pair with shed/ }).click();
      await page.getByLabel("Code").fill("AAAA-AAAA-AAAA-AAAA");
      await page.getByRole("button", { name: "Pair", exact: true }).click();
      await page.locator("dialog .error", { hasText: /\w/ }).waitFor();
      await window.look("pairing");
      await page.getByLabel("Code").fill(CODE);
      await page.getByRole("button", { name: "Pair", exact: true }).click();
      await box(page, "shed").waitFor();
      window.mustBeRight("pairing");
    });
  },

  // An application's page and its parts.
  async application(browser) {
    await withWindow(browser, async (window, page) => {
      await window.go("apps", "Applications");
      await page.getByRole("link", { name: "hello" }).waitFor();
      await window.look("applications");
      await window.go("apps/video", "video");
      await page.getByText("camera.take-frame").waitFor();
      await until("the picture is there", () =>
        page.locator("figure img").evaluate((node) => node.naturalWidth === 320),
      );
      await window.look("application");
      await window.go("apps/video/plan", "video");
      await page.getByText("offers no display").first().waitFor();
      await window.look("application-plan");
      await window.go("apps/video/manifest", "video");
      await page.getByText("take-frame").first().waitFor();
      await window.look("application-manifest");
      await window.go("apps/video/history", "video");
      await page.getByRole("cell", { name: "deploy" }).first().waitFor();
      await window.look("application-history");
      await window.go("apps/lab/logs", "lab");
      await page.getByText("No lines yet.").waitFor();
      const line = "<img src=y onerror=alert(1)> is a line";
      await api("POST", "/v1/components/lab/probe/say", { text: line });
      await page.locator(".log li", { hasText: line }).waitFor();
      check((await page.locator("main img[src='y']").count()) === 0, "lines stay text");
      await window.look("application-logs");
    });
  },

  // Packages: uploaded, read about.
  async packages(browser) {
    await withWindow(browser, async (window, page) => {
      await window.go("packages", "Packages");
      await page.getByRole("button", { name: "Upload…" }).click();
      await page.getByLabel("Module (.wasm)").setInputFiles(`${FOLDER}/seal.wasm`);
      await page.getByLabel("Name").fill("sealer");
      await page.getByLabel("Version").fill("2.1.0");
      await page.getByRole("button", { name: "Upload", exact: true }).click();
      await page.getByRole("link", { name: "sealer@2.1.0" }).waitFor();
      await window.look("packages");
      await page.getByRole("button", { name: "Add a registry…" }).click();
      await page.getByLabel("Alias").fill("lab");
      await page.getByLabel("Address").fill("https://registry.example");
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await page.getByRole("cell", { name: "https://registry.example" }).waitFor();
      await page.getByRole("button", { name: "Trust a key…" }).click();
      await page.getByLabel("Whose it is").fill("release");
      await page
        .getByLabel("Public key of minisign")
        .fill("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3");
      await page.getByRole("button", { name: "Trust", exact: true }).click();
      await page
        .getByRole("cell", { name: /^RW|release/ })
        .first()
        .waitFor();
      await window.look("packages-from");
      for (let left = 2; left > 0; left -= 1) {
        await page.getByRole("cell").getByRole("button", { name: "Remove" }).first().click();
        await until(
          "it is removed",
          async () => (await page.getByRole("cell").getByRole("button", { name: "Remove" }).count()) < left,
        );
      }
      await page.getByRole("link", { name: "sealer@2.1.0" }).click();
      await page.getByRole("heading", { name: "seal", exact: true }).waitFor();
      await page.getByText("Encrypt a message, and append a tag of 16 bytes.", { exact: true }).waitFor();
      await window.look("package");
      await page.getByRole("button", { name: "Remove…" }).click();
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await page.getByRole("heading", { level: 1, name: "Packages" }).waitFor();
      window.mustBeRight("packages");
    });
  },

  // A function of a running component is called by a form.
  async calling(browser) {
    await withWindow(browser, async (window, page) => {
      await window.go("components/hello/greeter", "greeter");
      await page.getByLabel("name").fill("Ada <b>");
      await page.getByRole("button", { name: "Call" }).click();
      await page.locator(".result", { hasText: "Ada <b>" }).waitFor();
      await window.look("component");
      await window.go("components/video/scaler", "scaler");
      await page.getByLabel("picture (JSON)").fill("{");
      await page.getByRole("button", { name: "Call" }).click();
      await page.getByText("picture is not JSON").waitFor();
      await window.look("component-form");
    });
  },

  // Mistakes are shown at their lines; what is right is planned, deployed, changed, compared, rolled back and removed.
  async deploying(browser) {
    await withWindow(browser, async (window, page) => {
      window.allowed.push("/v1/apps/trial", "/v1/check", "/v1/plan");
      await window.go("deploy", "Deploy");
      const text = (config) =>
        `{\n  "app": "trial",\n  "components": {\n    "tally": { "package": "file:counter", "mode": "service"${config} }\n  }\n}\n`;
      await page.getByRole("textbox", { name: "Manifest" }).fill(text(', "mod": 1'));
      await page.getByLabel("file:counter").setInputFiles(`${FOLDER}/counter.wasm`);
      await page.getByText("was uploaded").waitFor();
      await page.getByRole("button", { name: "Check" }).click();
      await page.getByRole("button", { name: /^line 4, column/ }).click();
      check(
        (
          await page.evaluate(() =>
            document.activeElement.value.slice(
              document.activeElement.selectionStart,
              document.activeElement.selectionEnd,
            ),
          )
        ).includes("mod"),
        "the mistake's place is selected",
      );
      await window.look("deploy-mistake");
      await page.getByRole("textbox", { name: "Manifest" }).fill(text(""));
      await page.getByRole("button", { name: "Plan" }).click();
      await page.getByRole("heading", { name: /^tally → / }).waitFor();
      await window.look("deploy-plan");
      await page.getByRole("button", { name: "Deploy" }).click();
      await page.getByRole("heading", { level: 1, name: "trial" }).waitFor();
      await awaitRunning("trial");
      check(await page.getByRole("button", { name: "Roll back…" }).isDisabled(), "nothing to roll back to");
      await page.getByRole("button", { name: "Change…" }).click();
      await page.getByText("As it is now").waitFor();
      await page.getByRole("textbox", { name: "Manifest" }).fill(text(', "config": {"colour": "red"}'));
      await page.getByRole("button", { name: "Deploy" }).click();
      await page.getByRole("heading", { level: 1, name: "trial" }).waitFor();
      await until(
        "the second generation runs",
        async () => (await api("GET", "/v1/apps/trial")).generation === 2,
      );
      await window.go("apps/trial/history", "trial");
      await page.getByRole("button", { name: "Compare" }).click();
      await page.locator(".diff .added", { hasText: "colour" }).waitFor();
      await window.look("application-compare");
      await page.getByRole("button", { name: "Close" }).click();
      const rollBack = async (wanted) => {
        await page.getByRole("main").getByRole("button", { name: "Roll back…" }).first().click();
        await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
        await until(
          `generation ${wanted} runs`,
          async () => (await api("GET", "/v1/apps/trial")).generation === wanted,
        );
        await awaitRunning("trial");
      };
      await rollBack(3);
      // Generation 4 cannot be made and 5 runs: before it was 3.
      const other = (await where("trial", "tally")) === "hall" ? "den" : "hall";
      await api("PATCH", `/v1/devices/${other}`, { drained: true });
      const change = await api("POST", "/v1/apps/trial/components/tally/move", { to: other });
      await until(
        "the move fails",
        async () => (await api("GET", `/v1/apps/trial/generations/${change.generation}`)).state === "failed",
      );
      await api("PATCH", `/v1/devices/${other}`, { drained: false });
      await api("POST", "/v1/apps/trial/components/tally/move", { to: other });
      await until("the fifth runs", async () => (await api("GET", "/v1/apps/trial")).generation === 5);
      await awaitRunning("trial");
      await rollBack(6);
      check(
        (await api("GET", "/v1/apps/trial/generations/6")).detail === "to generation 3",
        "what failed is no generation to go back to",
      );
      await page.getByRole("button", { name: "Remove…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
      await until(
        "it is removed",
        async () =>
          !(await api("GET", "/v1/apps")).some((app) => app.app === "trial" && app.state !== "removed"),
      );
      await page.getByText("There is no such application").waitFor();
      window.mustBeRight("deploying");
    });
  },

  // 200 devices: what is wrong stands first, everything is found, and the keyboard's focus stays while figures change.
  async many_devices(browser) {
    await withWindow(browser, async (window, page) => {
      window.allowed.push("/generations", "/v1/flows/"); // of applications that are elsewhere
      await pretend(window.context, { devices: 200, apps: 40, components: 3 });
      await page.reload();
      await page.getByRole("list", { name: "What is wrong" }).getByText("no answer for 9 s").waitFor();
      await page.locator(".tile").nth(199).waitFor();
      check(
        (await page.locator(".tile").first().getAttribute("aria-label")).startsWith("d7: lost"),
        "d7 is first",
      );
      await window.look("many-overview");
      await page.getByLabel("What the map shows").selectOption({ label: "app3" });
      await chip(page, "app3/part0").waitFor();
      check((await page.locator(".map .box").count()) === 9, "its devices, and six others");
      await chip(page, "app3/part0").click();
      await page.getByLabel("Only devices with this text").fill("d150");
      check((await page.locator(".targets li:visible").count()) === 1, "one device is left to move to");
      await window.look("many-menu");
      await window.go("devices", "Devices");
      await page.getByRole("button", { name: "Load" }).click();
      const loads = await page.locator("tbody meter").evaluateAll((all) => all.map((meter) => meter.value));
      check(
        loads.length === 200 && loads.slice(0, 9).every((load, i) => load >= loads[i + 1]),
        `sorted: ${loads}`,
      );
      await page.getByLabel("Only devices with this text").fill("lost den");
      await until("one is left", async () => (await page.getByRole("row").count()) === 2);
      await page.getByLabel("Only devices with this text").fill("room=den");
      const link = page.getByRole("link", { name: "d31", exact: true });
      await link.focus();
      const before = await page.locator("tr", { has: link }).textContent();
      await until(
        "its figures change",
        async () => (await page.locator("tr", { has: link }).textContent()) !== before,
      );
      check(await link.evaluate((node) => node === document.activeElement), "the focus stays where it was");
      await window.look("many-devices");
    });
  },

  // What happened is there, and what happens appears by itself.
  async events(browser) {
    await withWindow(browser, async (window, page) => {
      await window.go("events", "Events");
      await page.getByRole("cell", { name: "device-added" }).first().waitFor();
      await api("POST", "/v1/apps/hello/components/counter/move", { to: "attic" });
      await page.getByRole("cell", { name: "moved" }).first().waitFor();
      await page.getByLabel("Only events with this text").fill("package-added");
      await until(
        "only those",
        async () => (await page.getByRole("cell", { name: "device-added" }).count()) === 0,
      );
      await window.look("events");
    });
  },

  // An address that is none, also of a kind that cannot be decoded: the page says so.
  async nowhere(browser) {
    await withWindow(browser, async (window) => {
      await window.go("nowhere", "There is nothing here");
      await window.go("%", "There is nothing here");
      window.mustBeRight("nowhere");
    });
  },

  // Swagger UI shows the API and can try it, within the policy, in light and dark.
  async swagger(browser) {
    await withWindow(browser, async (window, page) => {
      await page.goto(`${ADDRESS}/swagger`);
      await page.locator(".opblock").first().waitFor();
      check((await page.locator(".opblock-patch").count()) > 0, "PATCH is PATCH");
      const block = page.locator(".opblock", { hasText: "/v1/orchestrator" }).first();
      await block.locator(".opblock-summary-control").click();
      await block.getByRole("button", { name: "Try it out" }).click();
      await block.getByRole("button", { name: "Execute" }).click();
      await block.locator(".live-responses-table", { hasText: "200" }).waitFor();
      await window.look("swagger");
      await page.emulateMedia({ colorScheme: "dark" });
      await window.look("swagger-dark");
    });
  },

  // All pages in the dark and on a telephone: legible, and nothing sticks out.
  async dark_and_narrow(browser) {
    const pages = {
      "": "Map",
      devices: "Devices",
      "devices/attic": "attic",
      apps: "Applications",
      "apps/video": "video",
      "apps/video/plan": "video",
      "apps/video/history": "video",
      packages: "Packages",
      "packages/greeter%401.0.0": "greeter@1.0.0",
      "components/video/scaler": "scaler",
      "deploy/video": "Change video",
      events: "Events",
    };
    await withWindow(
      browser,
      async (window, page) => {
        for (const [hash, heading] of Object.entries(pages)) {
          await window.go(hash, heading);
          await until("it is there", async () => (await page.getByText("Asking").count()) === 0);
          const name = hash.replace(/[^a-z0-9]+/g, "-");
          await page.setViewportSize({ width: 1280, height: 860 });
          await window.look(`dark-${name}`);
          await page.setViewportSize({ width: 390, height: 800 });
          await until(`${heading} fits a telephone`, () =>
            page.evaluate(() => document.documentElement.scrollWidth <= 390),
          );
          await window.look(`narrow-${name}`);
        }
      },
      { colorScheme: "dark" },
    );
  },

  // A session of a token that reads may look, and everything that changes is out of reach: on the page and behind it.
  async looking_only(browser) {
    await withWindow(
      browser,
      async (window, page) => {
        window.allowed.push("/drain-try");
        await window.go("devices/hall", "hall");
        await page.getByRole("button", { name: "Drain" }).waitFor();
        check(await page.getByRole("button", { name: "Drain" }).isDisabled(), "draining is out of reach");
        const status = await page.evaluate(
          async () =>
            (
              await fetch("/v1/devices/hall", {
                method: "PATCH",
                headers: { "content-type": "application/json", "isomer-page": "1" },
                body: "{}",
              })
            ).status,
        );
        check(status === 403, `and refused: ${status}`);
        window.wrong = window.wrong.filter((text) => !text.includes("403"));
        await window.look("looking-only");
      },
      {},
      READER,
    );
  },

  ...require("./trouble.cjs"),
});
