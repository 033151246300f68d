// Pictures of every page, for a person to look at: screenshots.mjs CONSOLE DIRECTORY

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { startFake } from "./fake_api.mjs";

const [consoleDirectory, directory] = process.argv.slice(2);
// name: [address, what to do there]
const pages = {
  links: ["#/"],
  link: ["#/links/berlin"],
  down: ["#/links/new-york"],
  interest: ["#/links/berlin/interest"],
  settings: ["#/links/berlin/settings"],
  mistakes: [
    "#/links/london/settings",
    async (page) => {
      await page.getByLabel("We want").fill("orders/#\na/#/b");
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator("[aria-invalid]").first().waitFor();
    },
  ],
  disable: [
    "#/links/london",
    (page) => page.getByRole("button", { name: "Disable", exact: true }).click(),
  ],
  new: ["#/new"],
  explain: ["#/explain?topic=orders%2F7"],
};
const looks = {
  wide: { width: 1440, height: 900 },
  dark: { width: 1440, height: 900, dark: true },
  phone: { width: 390, height: 844 },
  "phone-dark": { width: 390, height: 844, dark: true },
};

async function takePicture(page, file) {
  await page.waitForSelector('.live[data-state="on"]');
  await page.waitForTimeout(300); // fonts, the first figures
  await page.screenshot({ path: join(directory, `${file}.png`), fullPage: true });
}

await mkdir(directory, { recursive: true });
const fake = await startFake(consoleDirectory);
const empty = await startFake(consoleDirectory, { empty: true });
for (const [look, options] of Object.entries(looks)) {
  const browser = await openBrowser({ ...options, expected: [/status of 422/] });
  const { page } = browser;
  for (const [name, [address, act]] of Object.entries(pages)) {
    await page.goto(fake.url + address);
    await act?.(page);
    await takePicture(page, `${name}-${look}`);
    if (name === "disable") await page.keyboard.press("Escape");
  }
  await page.goto(empty.url);
  await takePicture(page, `empty-${look}`);
  for (const complaint of browser.complaints) console.log(`${look}: ${complaint}`);
  await browser.close();
}
await fake.stop();
await empty.stop();
