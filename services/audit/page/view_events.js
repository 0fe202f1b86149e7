// SPDX-License-Identifier: Apache-2.0
// The trail of what happened besides, newest first, as it happens.

import { find, now } from "./api.js";
import { h } from "./dom.js";
import { integer, time } from "./format.js";
import { empty, facts, link, sealPill, table } from "./parts.js";
import { t, told } from "./text.js";
import { chips, readNewest, readOlder } from "./view_deliveries.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

// What an event is about, as a link where there is a view of it.
function about(subject) {
  const [kind, id] = subject.split(/ (.*)/);
  if (kind === "transformer" && id) return [`${t("transformer").toLowerCase()} `, link("transformer", id)];
  const profile = kind === "profile" ? id : subject;
  if (UUID.test(profile ?? "")) return [`${t("profile").toLowerCase()} `, h("a", { href: `#/profile/${profile}`, class: "id", title: profile }, `…${profile.slice(-8)}`)];
  return subject || "–";
}

function detail(name, value) {
  const text = typeof value === "object" && value !== null
    ? Object.entries(value).map(([key, part]) => `${key} ${typeof part === "object" ? JSON.stringify(part) : part}`).join(", ") : String(value);
  const shown = UUID.test(text) ? (name === "round" ? h("a", { href: `#/round/${text}`, class: "id" }, `…${text.slice(-8)}`) : `…${text.slice(-8)}`) : text;
  return h("span", { class: "pair" }, h("span", { class: "quiet" }, `${name} `), shown);
}

export const eventColumns = (at) => [
  { name: t("at"), isShort: true, class: "lead", cell: (e) => time(e.at, at, true) },
  { name: t("event"), isShort: true, class: "pilled", cell: (e) => h("span", { title: e.kind }, told("", e.kind)) },
  { name: t("subject"), isShort: true, class: "pilled", cell: (e) => about(e.subject) },
  { name: t("details"), class: "wide", cell: (e) => Object.entries(e.data).map(([name, value]) => detail(name, value)) },
  { name: t("program"), cell: (e) => h("span", { class: "quiet" }, e.program) },
];

// What is known of the seal: intact or not, since when, and up to where it was signed.
function sealSection(trail, at) {
  const { verification, head } = trail;
  return h("section", { class: "card", "data-key": "seal" },
    h("div", { class: "heading" }, h("h2", null, t("seal")), sealPill(trail)),
    verification?.fault ? h("p", { class: "warning", role: "alert" }, verification.fault) : null,
    facts(
      [t("seal_events"), integer(trail.events)],
      [t("seal_verified_at"), verification ? time(verification.finished, at, true) : t("seal_verify")],
      verification && [t("seal_looked_at"), integer(verification.events)],
      [t("seal_head"), head ? [`${head.number}, `, time(head.at, at)] : h("span", { class: "quiet" }, t("seal_none"))]));
}

export const events = {
  title: () => t("events"),
  kinds: ["events"],

  async load(params, signal, state) {
    const items = await readNewest("v1/events", { kind: state.chosen }, state, signal);
    state.kinds = [...new Set([...(state.kinds ?? []), ...items.map((e) => e.kind)])].sort();
    return { items, trail: await find("v1/trail", signal), at: now() };
  },

  draw({ items, trail, at }, { state }) {
    const shown = state.chosen ? items.filter((e) => e.kind === state.chosen) : items;
    return [
      h("h1", null, t("events")),
      h("p", { class: "lede" }, t("events_note")),
      trail && sealSection(trail, at),
      h("section", { class: "card", "data-key": "list" },
        chips(t("kind"), state.kinds, state.chosen, (kind) => told("", kind)),
        shown.length ? table(t("events"), eventColumns(at), shown, (e) => String(e.id)) : empty(t("events_none")),
        state.next ? h("p", null, h("button", { type: "button", "data-do": "more" }, t("more"))) : null),
    ];
  },

  does: {
    choose(element, { state, reload }) {
      Object.assign(state, { chosen: element.dataset.what || null, older: [], next: undefined });
      reload();
    },
    async more(element, { state, reload }) {
      await readOlder("v1/events", { kind: state.chosen }, state);
      reload();
    },
  },
};
