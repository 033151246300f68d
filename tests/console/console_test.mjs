// The console in a real browser with real daemons: LINKD_DAEMON=PATH node --test console_test.mjs
// Each test begins where the one before ended.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { faintTexts, focusTrouble } from "./readable.mjs";
import { eventually, Site } from "./sites.mjs";

const token = "a-token-of-32-characters-for-tests";
const ours = { expected: [] }; // complaints of the browser that the running test provokes
let paris, london, browser, page;

before(async () => {
  paris = await Site.make("paris", process.env.LINKD_DAEMON, token);
  london = await Site.make("london", process.env.LINKD_DAEMON);
  london.writeLink("paris", "topics: [to-london]\n");
  await paris.start();
  await london.start();
  browser = await openBrowser(ours);
  page = browser.page;
  page.setDefaultTimeout(20000);
});

after(async () => {
  await browser?.close();
  await paris?.remove();
  await london?.remove();
});

// What comes after a failure would only fail for want of what it should have left.
let failed = false;
function step(name, run) {
  test(name, async (context) => {
    if (failed) return context.skip("a test before it failed");
    failed = true;
    await run();
    const complaints = browser.complaints.splice(0);
    ours.expected.length = 0;
    assert.deepEqual(complaints, []);
    failed = false;
  });
}

const button = (name) => page.getByRole("button", { name, exact: true });
const heading = (name) => page.getByRole("heading", { name, exact: true });
const state = (text) => page.locator("main .title .state", { hasText: text }).waitFor();
const toast = (text) => page.locator(".toast", { hasText: text }).first().waitFor();
const dialog = () => page.getByRole("dialog");
const at = (address) => eventually(address, () => page.url() === paris.url + address);

step("the token is asked for, and a wrong one is told", async () => {
  ours.expected.push(/status of 401/);
  await page.goto(paris.url);
  await heading("Log in").waitFor();
  await page.getByLabel("Token").fill("wrong");
  await button("Log in").click();
  await page.getByText("This is not the token.").waitFor();
  await page.getByLabel("Token").fill(token);
  await button("Log in").click();
  await heading("No links yet").waitFor();
  await page.locator('.live[data-state="on"]').waitFor();
  assert.equal(await page.locator("#deployment").textContent(), "paris");
});

step("create: mistakes are shown at their fields, then the link comes up", async () => {
  ours.expected.push(/status of 422/);
  await page.getByRole("link", { name: "Add a link" }).first().click();
  await heading("Add a link").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("lon don");
  await page.getByLabel("Server", { exact: true }).fill(`mqtt://127.0.0.1:${london.brokerPort}`);
  await page.getByLabel("We want").fill("to-paris\nbad/#/filter");
  await button("Add the link").click();
  const wrong = page.locator("[aria-invalid]");
  await wrong.first().waitFor();
  assert.deepEqual(await wrong.evaluateAll((all) => all.map((one) => one.name)), ["name"]);
  assert.equal(await page.evaluate(() => document.activeElement.name), "name");
  await page.getByLabel("Name", { exact: true }).fill("london");
  await button("Add the link").click();
  await page.locator('textarea[name="topics"][aria-invalid]').waitFor();
  await page.getByText(/^line 2: /).waitFor();
  assert.ok(!existsSync(paris.linkFile("london")));
  await page.getByLabel("We want").fill("to-paris");
  await button("Add the link").click();
  await at("#/links/london");
  await state("Up");
  assert.match(paris.link("london"), /to-paris/);
  assert.doesNotMatch(paris.link("london"), /overflow/, "defaults are not written");
});

step("edit: a bad filter is refused at its field, a good one saved", async () => {
  ours.expected.push(/status of 422/);
  const before = paris.link("london");
  await page.getByRole("link", { name: "Settings" }).click();
  const topics = page.getByLabel("We want");
  await topics.fill("to-paris\nfleet/#\na+b");
  await button("Save").click();
  await page.getByText(/^line 3: /).waitFor();
  assert.equal(await topics.getAttribute("aria-invalid"), "true");
  assert.equal(paris.link("london"), before);
  await topics.fill("to-paris\nfleet/#");
  assert.equal(await topics.getAttribute("aria-invalid"), null, "typing takes the mark away");
  await page.getByText("Queue", { exact: true }).click();
  await page.getByLabel("Age at most").fill("a while");
  await button("Save").click();
  await page.locator('input[name="queue.max_age"][aria-invalid]').waitFor();
  await page.getByLabel("Age at most").fill("2d");
  await button("Save").click();
  await toast("london is saved");
  assert.match(paris.link("london"), /max_age: "?2d/);
  assert.match(paris.link("london"), /fleet\/#/);
});

step("edit: what somebody else changed meanwhile is not lost", async () => {
  ours.expected.push(/status of 412/);
  await page.reload();
  const topics = page.getByLabel("We want");
  await eventually("the form", async () => (await topics.inputValue()) === "to-paris\nfleet/#");
  paris.writeLink(
    "london",
    `server: mqtt://127.0.0.1:${london.brokerPort}\ntopics: [to-paris, by-hand]\n`,
  );
  await topics.fill("to-paris");
  await button("Save").click();
  await page.getByText("The link was changed elsewhere meanwhile.").waitFor();
  assert.match(paris.link("london"), /by-hand/);
  await button("Show it as it is now").click();
  await eventually("the new form", async () => (await topics.inputValue()) === "to-paris\nby-hand");
  await topics.fill("to-paris");
  await button("Save").click();
  await toast("london is saved");
});

step("the overview shows what passes", async () => {
  await page.getByRole("link", { name: "Overview" }).click();
  await state("Up");
  const total = (name) =>
    page.locator(".totals > div", { hasText: name }).locator("dd").textContent();
  await eventually("messages", async () => {
    paris.publish("to-london", "one");
    london.publish("to-paris", "two");
    return (
      Number(await total("Taken over by the peer")) > 2 &&
      Number(await total("Accepted by our broker")) > 2
    );
  });
  const throughput = page.getByRole("img", { name: /^Throughput/ });
  const curve = () => throughput.locator(".line.out").getAttribute("d");
  const publish = () => paris.publish("to-london", "three");
  await eventually("a rate", async () => {
    publish();
    return /to london [1-9.]/.test(await throughput.getAttribute("aria-label"));
  });
  const drawn = await curve();
  await eventually("the graph to move", async () => {
    publish();
    return (await curve()) !== drawn;
  });
  await page.getByRole("link", { name: "Interest" }).click();
  await page.locator(".filters code", { hasText: "to-london" }).waitFor();
  await page.locator(".filters code", { hasText: "to-paris" }).waitFor();
});

step("pause, resume, test", async () => {
  await button("Pause").click();
  await state("Paused");
  await button("Resume").click();
  await state("Up");
  await button("Test").click();
  await dialog().waitFor();
  await dialog().getByRole("button", { name: "Close" }).click();
});

step("disable asks first; enable", async () => {
  await button("Disable").click();
  await dialog().waitFor();
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  assert.doesNotMatch(paris.link("london"), /enable: false/);
  await button("Disable").click();
  await dialog().getByRole("button", { name: "Disable" }).click();
  await state("Disabled");
  assert.match(paris.link("london"), /enable: false/);
  await button("Enable").click();
  await state("Up");
});

step("explain, also a topic that looks like markup", async () => {
  await page.getByRole("link", { name: "Explain" }).click();
  await page.getByLabel("Topic").fill("to-london");
  await button("Explain").click();
  await page.locator(".verdict.yes h3", { hasText: "to london" }).waitFor();
  await page.locator(".steps", { hasText: "wanted by to-london" }).waitFor();
  const markup = "<img src=x onerror=alert(1)>";
  await page.getByLabel("Topic").fill(markup);
  await button("Explain").click();
  await page.locator(".verdict.no h3", { hasText: "to london" }).waitFor();
  assert.equal(await page.locator("main img").count(), 0);
  assert.equal(await page.getByLabel("Topic").inputValue(), markup);
});

step("a file with a mistake is told with its place", async () => {
  paris.writeLink("rome", "topics: ['a/#/b']\n");
  await page.getByRole("link", { name: "Links", exact: true }).first().click();
  await page.locator(".notice", { hasText: "rome.yaml:2:" }).waitFor();
  paris.writeLink("rome", "topics: []\n");
  await page.locator("tbody tr", { hasText: "rome" }).waitFor();
  await page.locator(".notice", { hasText: "rome.yaml" }).waitFor({ state: "hidden" });
});

step("a restart of the daemon: the page says so and goes on", async () => {
  ours.expected.push(/ERR_/);
  await paris.stop();
  await page.locator(".live", { hasText: "Reconnecting" }).waitFor();
  await paris.start();
  await page.locator('.live[data-state="on"]').waitFor();
  await page.locator("tbody tr", { hasText: "london" }).locator(".state.up").waitFor();
});

step("delete asks first", async () => {
  await page.getByRole("link", { name: "rome" }).click();
  await button("Delete").click();
  await dialog().getByRole("button", { name: "Cancel" }).click();
  assert.ok(existsSync(paris.linkFile("rome")));
  await button("Delete").click();
  await dialog().getByRole("button", { name: "Delete" }).click();
  await at("#/");
  await toast("rome is deleted");
  assert.ok(!existsSync(paris.linkFile("rome")));
});

// Presses Tab, and asks of each element on the way that the focus is seen, until the element with this text or label has the focus.
async function tabTo(name) {
  for (let presses = 0; presses < 60; presses += 1) {
    if (presses > 0) assert.equal(await page.evaluate(focusTrouble), "");
    const here = await page.evaluate(() => {
      const element = document.activeElement;
      return element.labels?.[0]?.textContent ?? element.textContent.trim();
    });
    if (here === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${name}`);
}

step("everything with the keyboard alone", async () => {
  await page.goto(`${paris.url}#/`);
  await page.reload();
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await tabTo("Add a link");
  await page.keyboard.press("Enter");
  await heading("Add a link").waitFor();
  await tabTo("Name");
  await page.keyboard.type("oslo");
  await tabTo("Server");
  await page.keyboard.type("mqtt://127.0.0.1:1");
  await tabTo("Add the link");
  await page.keyboard.press("Enter");
  await at("#/links/oslo");
  await button("Delete").waitFor();
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await dialog().waitFor();
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await at("#/");
  await eventually("the file to go", () => !existsSync(paris.linkFile("oslo")));
});

const pages = [
  "#/",
  "#/links/london",
  "#/links/london/interest",
  "#/links/london/settings",
  "#/new",
  "#/explain?topic=to-london",
];

step("every text is readable, light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const address of pages) {
      await page.goto(paris.url + address);
      await page.locator("main h1").waitFor();
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      const { looked, faint } = await page.evaluate(faintTexts);
      assert.ok(looked > 5);
      assert.deepEqual(faint, [], `${colorScheme} ${address}`);
    }
  }
});

step("on a phone nothing is wider than the screen", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const address of pages) {
    await page.goto(paris.url + address);
    await page.locator("main h1").waitFor();
    const excess = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(excess, 0, address);
  }
});
