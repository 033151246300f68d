// The console: one page, its part after # says what is shown.
//   #/                       the links
//   #/new                    a new link
//   #/links/NAME             a link; /interest and /settings beside it
//   #/explain?topic=TOPIC    who gets a topic
// A page is {title, element, update(status), close()}; update runs with every status of the daemon.

import { followStatus } from "./api.js";
import { h, setAttribute, setText } from "./dom.js";
import { explainPage } from "./explain.js";
import { linkPage } from "./link.js";
import { linksPage } from "./links.js";
import { loginPage } from "./login.js";
import { newLinkPage } from "./settings.js";

const main = document.getElementById("main");
const live = document.getElementById("live");
let status = null; // the latest
let page = null;
let loggedOut = false;

function pageOf(address) {
  const [path, query] = address.replace(/^#\/?/, "").split("?");
  const [first, name, part] = path.split("/");
  if (loggedOut) return loginPage(() => location.reload());
  if (first === "") return linksPage();
  if (first === "new") return newLinkPage();
  if (first === "links" && name) return linkPage(name, part);
  if (first === "explain") return explainPage(new URLSearchParams(query).get("topic") ?? "");
  return {
    title: "Not found",
    element: h(
      "section",
      {},
      h("h1", {}, "There is no such page"),
      h("p", {}, h("a", { href: "#/" }, "All links")),
    ),
  };
}

// The heading gets the focus, so that a screen reader and the Tab key begin there.
function show(focus) {
  page?.close?.();
  page = pageOf(location.hash);
  main.replaceChildren(page.element);
  setAttribute(
    document.getElementById("nav-explain"),
    "aria-current",
    location.hash.startsWith("#/explain") && "page",
  );
  setAttribute(
    document.getElementById("nav-links"),
    "aria-current",
    !location.hash.startsWith("#/explain") && "page",
  );
  if (status) page.update?.(status);
  titleOf(page);
  const heading = main.querySelector("h1");
  if (!focus || main.contains(document.activeElement) || !heading) return;
  heading.tabIndex = -1;
  (main.querySelector("[autofocus]") ?? heading).focus();
  scrollTo(0, 0);
}

function titleOf({ title }) {
  document.title = [title, status?.deployment, "mqtt-linkd"].filter(Boolean).join(" · ");
}

function onStatus(next) {
  // By the daemon's clock, whatever that of this computer says.
  next.now = Date.parse(next.time);
  const first = status === null;
  status = next;
  setText(document.getElementById("deployment"), next.deployment);
  setLive("on", "Live");
  if (first) titleOf(page);
  page.update?.(next);
}

function setLive(state, text) {
  setAttribute(live, "data-state", state);
  setText(live, text);
}

async function follow() {
  for (let tries = 0; ; tries += 1) {
    try {
      await followStatus((next) => {
        tries = 0;
        onStatus(next);
      });
    } catch (error) {
      if (error.status === 401 || error.status === 429) {
        loggedOut = true;
        setLive("off", "Logged out");
        show(true);
        return;
      }
    }
    setLive("off", "Reconnecting…");
    const pause = Math.min(1000 * 1.5 ** tries, 10000) * (0.75 + Math.random() / 2);
    await new Promise((resume) => setTimeout(resume, pause));
  }
}

addEventListener("hashchange", () => show(true));
setLive("off", "Connecting…");
show(false);
follow();
