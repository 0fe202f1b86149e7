// SPDX-License-Identifier: Apache-2.0
// What several views show alike.

import { h } from "./dom.js";
import { kilowatt, percent } from "./format.js";
import { t, told } from "./text.js";

export const link = (kind, id, text) =>
  id == null ? "–" : h("a", { href: `#/${kind}/${encodeURIComponent(id)}`, class: "id" }, text ?? id);

// The last digits of a long identifier are what tells it from the others.
export const profileLink = (id) =>
  id == null ? "–" : h("a", { href: `#/profile/${id}`, class: "id", title: id }, `…${id.slice(-8)}`);

const STATE_TONE = {
  applied: "good", seen: "way", verified: "way", written: "way", connecting: "way", queued: "way",
  planned: "way", open: "way", superseded: "quiet", expired: "bad", refused: "bad", failed: "bad",
};
const MODE_TONE = { own: "quiet", limited: "near", safe: "bad", starting: "way" };

// A word with a colour and a shape, so that the colour is not needed.
export const pill = (tone, text) =>
  h("span", { class: `pill ${tone}` }, h("span", { class: "dot", "aria-hidden": "true" }), text);

export const statePill = (state) => pill(STATE_TONE[state] ?? "way", told("state_", state));

export function modePill(gateway) {
  if (!gateway) return pill("quiet", t("no_gateway"));
  if (!gateway.online) return pill("bad", t("offline"));
  return pill(MODE_TONE[gateway.mode] ?? "way", told("mode_", gateway.mode));
}

export const causeText = (cause) => (cause ? told("", cause) : "");

// A cell that says nothing is left out on a narrow screen.
const cellOf = (column, content) =>
  h("td", { role: "cell", class: column.number ? "number" : column.class, "data-label": column.name,
    "data-nothing": content === "–" }, content);

// A table that becomes cards on a narrow screen. columns: [{name, number, cell(row)}]
export function table(caption, columns, rows, keyOf) {
  return h("div", { class: "scroll" },
    h("table", { role: "table" },
      h("caption", { class: "unseen" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
        columns.map((c) => h("th", { role: "columnheader", scope: "col", class: c.number && "number" }, c.name)))),
      h("tbody", { role: "rowgroup" }, rows.map((row) =>
        h("tr", { role: "row", "data-key": keyOf?.(row) },
          columns.map((c) => cellOf(c, c.cell(row))))))));
}

export const empty = (title, help) =>
  h("div", { class: "empty" }, h("p", { class: "strong" }, title), help && h("p", null, help));

export const section = (title, ...children) =>
  h("section", { class: "card", "data-key": title }, h("h2", null, title), ...children);

// Name and value pairs.
export const facts = (...pairs) =>
  h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, ...value]) =>
    h("div", null, h("dt", null, name), h("dd", null, value))));

export function crumbs(...parts) {
  return h("nav", { class: "crumbs", "aria-label": t("place") },
    h("a", { href: "#/" }, t("overview")), parts.filter(Boolean).map((part) => [h("span", { "aria-hidden": "true" }, "›"), part]));
}

export const OVER = 1, NEAR = 0.9;
export const toneOf = (ratio) => (ratio == null ? "quiet" : ratio > OVER ? "bad" : ratio >= NEAR ? "near" : "good");

// How full a phase is, as a bar up to 125 % with a mark at the limit.
export function gauge(phase, watts, limit) {
  const ratio = watts == null || !limit ? null : watts / limit;
  return h("div", { class: `gauge ${toneOf(ratio)}` },
    h("span", { class: "name" }, `L${phase}`),
    h("span", { class: "bar", "aria-hidden": "true", "--full": ratio == null ? 0 : Math.min(ratio / 1.25, 1) },
      h("span", { class: "fill" }), h("span", { class: "mark" })),
    h("span", { class: "value" }, ratio == null ? (watts == null ? "–" : kilowatt(watts)) : percent(ratio)));
}

export const loadingMark = () =>
  h("div", { class: "loading", role: "status" }, h("span", { class: "unseen" }, t("loading")),
    h("div", { class: "bone wide" }), h("div", { class: "bone" }), h("div", { class: "bone" }));
