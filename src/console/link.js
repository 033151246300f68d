// One link: its head with the actions, and below it the overview, the interest or the settings.

import { get, request } from "./api.js";
import { confirmed, h, setAttribute, setText, toast } from "./dom.js";
import { ageSeconds, clock, lasting } from "./format.js";
import { interestPart } from "./interest.js";
import { showState } from "./links.js";
import { overviewPart } from "./overview.js";
import { settingsPart } from "./settings.js";

const parts = { overview: overviewPart, interest: interestPart, settings: settingsPart };
const partNames = { overview: "Overview", interest: "Interest", settings: "Settings" };

export function linkPage(name, partKey = "overview") {
  const part = (parts[partKey] ?? overviewPart)(name);
  const state = h("span", { class: "state" });
  const reason = h("p", { class: "reason" });
  const actions = linkActions(name);
  const opened = Date.now();
  let seen = false;
  const gone = h(
    "p",
    { class: "notice error", role: "alert", hidden: true },
    "There is no such link any more. ",
    h("a", { href: "#/" }, "All links"),
  );
  return {
    title: name,
    element: h(
      "section",
      {},
      h("p", { class: "path" }, h("a", { href: "#/" }, "Links"), " /"),
      h(
        "div",
        { class: "heading" },
        h(
          "div",
          { class: "about" },
          h("div", { class: "title" }, h("h1", {}, name), state),
          reason,
        ),
        actions.element,
      ),
      gone,
      h(
        "nav",
        { class: "tabs", "aria-label": `Parts of ${name}` },
        Object.keys(parts).map((key) =>
          h(
            "a",
            {
              href: `#/links/${name}${key === "overview" ? "" : `/${key}`}`,
              "aria-current": key === partKey ? "page" : null,
            },
            partNames[key],
          ),
        ),
      ),
      part.element,
    ),
    update(status) {
      const link = status.links.find((one) => one.name === name);
      seen ||= link !== undefined;
      // One that was created just now may be missing in a status that was on its way.
      gone.hidden = link !== undefined || (!seen && Date.now() - opened < 3000);
      setAttribute(actions.element, "hidden", link === undefined);
      if (!link) return;
      showState(state, link.status);
      setText(
        reason,
        `${link.status.reason} · for ${lasting(ageSeconds(link.status.since, status.now))}`,
      );
      setAttribute(reason, "title", `since ${clock(link.status.since)}`);
      actions.update(link);
      part.update?.(link, status);
    },
    close: () => part.close?.(),
  };
}

function linkActions(name) {
  // Disables the buttons while the daemon works.
  const run = (work) => async () => {
    setAttribute(element, "aria-busy", true);
    const buttons = [...element.querySelectorAll("button")].filter((button) => !button.disabled);
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (error) {
      toast(error.message, "error");
    }
    for (const button of buttons) button.disabled = false;
    setAttribute(element, "aria-busy", null);
  };
  const post = (order) => request("POST", `links/${name}/${order}`);
  const button = (text, work, kind = "") => h("button", { class: kind, onclick: run(work) }, text);

  const orders = {
    pause: button("Pause", async () => {
      await post("pause");
      toast(`${name} is paused: what it wants is queued`);
    }),
    resume: button("Resume", async () => {
      await post("resume");
      toast(`${name} goes on`);
    }),
    enable: button("Enable", async () => {
      await post("enable");
      toast(`${name} is enabled`);
    }),
    disable: button("Disable", async () => {
      const sure = await confirmed(
        `Disable ${name}?`,
        "Its session ends, and nothing more is captured for it. Messages published while it is " +
          "disabled never reach the peer. What is queued stays.",
        "Disable",
      );
      if (!sure) return;
      await post("disable");
      toast(`${name} is disabled`);
    }),
  };
  const test = button("Test", () => showTest(name));
  const purge = button(
    "Purge queue",
    async () => {
      const { queue } = (await get(`links/${name}/metrics`)).figures;
      const sure = await confirmed(
        `Purge the queue of ${name}?`,
        `${queue.messages} ${queue.messages === 1 ? "message is" : "messages are"} dropped for good.`,
        "Purge",
      );
      if (!sure) return;
      const { answer } = await post("purge");
      toast(`${answer.purged_messages} messages of ${name} purged`);
    },
    "danger-quiet",
  );
  const remove = button(
    "Delete",
    async () => {
      const sure = await confirmed(
        `Delete the link ${name}?`,
        `The file links.d/${name}.yaml is removed. What is queued stays on disk for a link of that name.`,
        "Delete",
      );
      if (!sure) return;
      await request("DELETE", `links/${name}`);
      toast(`${name} is deleted`);
      location.hash = "#/";
    },
    "danger-quiet",
  );
  const element = h("div", { class: "actions" }, Object.values(orders), test, purge, remove);
  for (const order of Object.values(orders)) order.hidden = true;
  return {
    element,
    update({ enable, status }) {
      const paused = status.state === "paused";
      orders.enable.hidden = enable;
      orders.disable.hidden = !enable;
      orders.pause.hidden = !enable || paused;
      orders.resume.hidden = !enable || !paused;
      test.hidden = !enable;
    },
  };
}

// Some messages begin with the server, which stands there already.
function withoutPrefix({ server, message }) {
  return message.startsWith(`${server}: `) ? message.slice(server.length + 2) : message;
}

async function showTest(name) {
  const { answer } = await request("POST", `links/${name}/test`);
  const close = h("button", { value: "close", class: "primary" }, "Close");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "test-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "test-title" }, `Test of ${name}`),
      h("p", { class: answer.ok ? "good" : "bad" }, answer.message),
      h(
        "ul",
        { class: "steps" },
        answer.servers.map((one) =>
          h(
            "li",
            { class: one.ok ? "good" : "bad" },
            h("span", { "aria-hidden": "true" }, one.ok ? "✓" : "✕"),
            h("span", {}, h("code", {}, one.server), " ", withoutPrefix(one)),
          ),
        ),
      ),
      h("div", { class: "buttons" }, close),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
