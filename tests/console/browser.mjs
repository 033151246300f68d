// Debian's Chromium with a profile of its own, and what a page must not do.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// {context, page, complaints, close}: complaints collects the errors of the console and of scripts, but
// for those that match `expected`.
export async function openBrowser({
  width = 1280,
  height = 800,
  dark = false,
  expected = [],
} = {}) {
  const profile = await mkdtemp(join(tmpdir(), "linkd-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: flags,
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    deviceScaleFactor: 1,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints = [];
  const complain = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      complain(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => complain(String(error)));
  return {
    page,
    complaints,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
