// Takes the pictures of the demo's page: usage: node take.cjs ADDRESS FOLDER
"use strict";

const path = require("path");
const { chromium } = require("playwright-core");

const [address, folder] = process.argv.slice(2);
const APP = "upscaled-video";
const WIDTH = 1200;

async function centre(locator) {
  const box = await locator.boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

// name -> what is to be seen, on a page that is signed in
const PICTURES = {
  async map(page) {
    await page.locator(".edge.flow.alive").nth(2).waitFor({ state: "attached" });
    await page.waitForTimeout(8000); // the figures settle
  },
  async drag(page) {
    await page.locator(".edge.flow.alive").nth(2).waitFor({ state: "attached" });
    await page.mouse.move(...(await centre(page.locator(`[data-chip="${APP}/scaler"]`))));
    await page.mouse.down();
    const [x, y] = await centre(page.getByRole("region", { name: "Device lobby", exact: true }));
    await page.mouse.move(x, y + 10, { steps: 12 });
    await page.locator(".box.over").waitFor();
    return async () => {
      await page.keyboard.press("Escape");
      await page.mouse.up();
    };
  },
  async application(page) {
    await page.goto(new URL(`/#/apps/${APP}`, address).href);
    await page.locator("figure img").waitFor();
    await page.waitForTimeout(8000);
  },
};
const HEIGHTS = { map: 900, drag: 330, application: 720 };

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const context = await browser.newContext({
    viewport: { width: WIDTH, height: 900 },
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await page.goto(address);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const [name, show] of Object.entries(PICTURES)) {
      await page.goto(new URL("/#/", address).href);
      await page.getByRole("heading", { level: 1, name: "Map" }).waitFor();
      const undo = await show(page);
      await page.screenshot({
        path: path.join(folder, `${name}-${scheme}.png`),
        clip: { x: 0, y: 0, width: WIDTH, height: HEIGHTS[name] },
      });
      await undo?.();
    }
  }
  await browser.close();
})();
