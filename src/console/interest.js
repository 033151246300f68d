// What both sides of a link ask for.

import { get } from "./api.js";
import { h, setText } from "./dom.js";
import { count } from "./format.js";

const pageSize = 1000;

export function interestPart(name) {
  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: "Search filters",
    oninput: () => show(),
  });
  const theirs = list(),
    ours = list();
  const error = h("p", { class: "notice error", role: "alert", hidden: true });
  let interest = null,
    seen = "";

  const show = () => {
    if (!interest) return;
    const effective = new Set(interest.in.effective);
    theirs.show(interest.in, search.value, (filter) =>
      effective.has(filter) || interest.in.truncated ? null : "allow does not cover all of it",
    );
    ours.show(interest.out, search.value, () => null);
  };
  const load = async () => {
    try {
      interest = await get(`links/${name}/interest?limit=${pageSize}`);
      error.hidden = true;
      show();
    } catch (failure) {
      setText(error, failure.message);
      error.hidden = false;
    }
  };
  return {
    element: h(
      "div",
      {},
      h("label", { for: "search", class: "hidden" }, "Search filters"),
      search,
      error,
      h(
        "div",
        { class: "halves" },
        h("section", { class: "card" }, h("h2", {}, `${name} asks us for`), theirs.element),
        h("section", { class: "card" }, h("h2", {}, `We ask ${name} for`), ours.element),
      ),
    ),
    // Again whenever something changed.
    update({ status, figures }) {
      const now = JSON.stringify([status.state, figures.interest]);
      if (now === seen) return;
      seen = now;
      load();
    },
  };
}

function list() {
  const total = h("p", { class: "muted" });
  const items = h("ul", { class: "filters" });
  return {
    element: h("div", {}, total, items),
    show({ count: all, filters, truncated }, wanted, noteOf) {
      const found = filters.filter((filter) => filter.includes(wanted));
      setText(
        total,
        all === 0
          ? "Nothing."
          : `${count(all)} ${all === 1 ? "filter" : "filters"}` +
              `${truncated ? `, the first ${count(filters.length)} of them` : ""}` +
              `${wanted ? `, ${count(found.length)} found` : ""}`,
      );
      items.replaceChildren(
        ...found.map((filter) => {
          const note = noteOf(filter);
          return h(
            "li",
            {},
            h("code", {}, filter),
            note && h("span", { class: "bad" }, ` ${note}`),
          );
        }),
      );
    },
  };
}
