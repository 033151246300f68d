// Pictures of every page, for a person to look at: screenshots.mjs CONSOLE DIRECTORY

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { startFake } from "./fake_api.mjs";

const [consoleDirectory, directory] = process.argv.slice(2);
const pages = {
  links: "#/",
  link: "#/links/berlin",
  down: "#/links/new-york",
  interest: "#/links/berlin/interest",
  settings: "#/links/berlin/settings",
  new: "#/new",
  explain: "#/explain?topic=orders%2F7",
};
const looks = {
  wide: { width: 1280, height: 900 },
  dark: { width: 1280, height: 900, dark: true },
  phone: { width: 390, height: 844 },
};

await mkdir(directory, { recursive: true });
const fake = await startFake(consoleDirectory);
for (const [look, options] of Object.entries(looks)) {
  const browser = await openBrowser(options);
  for (const [name, address] of Object.entries(pages)) {
    await browser.page.goto(fake.url + address);
    await browser.page.waitForSelector('.live[data-state="on"]');
    await browser.page.waitForTimeout(300);
    await browser.page.screenshot({ path: join(directory, `${name}-${look}.png`), fullPage: true });
  }
  for (const complaint of browser.complaints) console.log(`${look}: ${complaint}`);
  await browser.close();
}
await fake.stop();
