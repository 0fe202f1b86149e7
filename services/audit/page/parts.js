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

export const causeText = (cause) => (cause ? told("cause_", cause) : "");

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

// How the trail was found: of GET v1/trail, null where it could not be read.
export function sealPill(trail) {
  const found = trail?.verification;
  return found ? pill(found.intact ? "good" : "bad", t(found.intact ? "seal_intact" : "seal_broken")) : pill("lost", t("seal_unverified"));
}

export const placeOf = (limit) => limit.transformer ? link("transformer", limit.transformer)
  : `${t(limit.feeder ? "feeder" : "charger").toLowerCase()} ${limit.feeder ?? limit.charger}`;

// Limits set by hand that are in force; nothing where there are none.
export function byHand(limits, at, time) {
  return limits.length ? h("section", { class: "card alert", "data-key": "by_hand" },
    h("div", { class: "heading" }, h("h2", null, t("by_hand")), h("p", { class: "quiet" }, t("by_hand_why"))),
    table(t("by_hand"), [
      { name: t("place"), class: "lead", cell: (l) => placeOf(l) },
      { name: t("limit"), number: true, cell: (l) => h("strong", null, t(`per_${l.per}`, kilowatt(l.limit_w))) },
      { name: t("since_head"), cell: (l) => time(l.started, at) },
      { name: t("ends"), cell: (l) => time(l.ends, at) },
      { name: t("by"), cell: (l) => l.made_by },
      { name: t("reason"), class: "wide", cell: (l) => l.reason },
    ], limits, (l) => String(l.number))) : null;
}

export const loadingMark = () =>
  h("div", { class: "loading", role: "status" }, h("span", { class: "unseen" }, t("loading")),
    h("div", { class: "bone wide" }), h("div", { class: "bone" }), h("div", { class: "bone" }));
