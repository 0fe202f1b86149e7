// SPDX-License-Identifier: Apache-2.0
// The trail of what happened besides, newest first, as it happens.

import { find, now } from "./api.js";
import { h } from "./dom.js";
import { duration, integer, kilowatt, time } from "./format.js";
import { empty, facts, link, sealPill, table } from "./parts.js";
import { reasonText } from "./reasons.js";
import { t, told } from "./text.js";
import { chips, readNewest, readOlder } from "./view_deliveries.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

const shortId = (text, href) => h(href ? "a" : "span", { href, class: "id", title: text }, `…${text.slice(-8)}`);

// What an event is about, as a link where there is a view of it.
function about(subject) {
  const [kind, id] = subject.split(/ (.*)/);
  const profile = kind === "profile" ? id : subject;
  if (UUID.test(profile ?? "")) return [`${t("profile").toLowerCase()} `, shortId(profile, `#/profile/${profile}`)];
  if (kind === "round" && UUID.test(id ?? "")) return [`${t("round").toLowerCase()} `, shortId(id, `#/round/${id}`)];
  if (kind === "transformer" && id) return [`${t("transformer").toLowerCase()} `, link("transformer", id)];
  if (["connection", "meter", "charger", "feeder"].includes(kind) && id)
    return [`${t(kind).toLowerCase()} `, h("a", { href: `#/search/${encodeURIComponent(id)}`, class: "id" }, id)];
  return subject ? told("about_", subject) : "–";
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
const DIGEST = /^[0-9a-f]{64}$/;

// Words of the programs, by the member that they stand in; a reason of a person is told as it is.
const TOLD = { cause: "cause_", mode: "mode_", per: "each_", role: "role_", use: "use_", was: "sight_", why: "cause_" };
const BY_PERSONS = /^(limit|certificate)\./;
const REFUSED = "access.refused";

const wordOf = (kind, name, text) => name !== "reason" ? (TOLD[name] ? told(TOLD[name], text) : text)
  : kind === REFUSED ? told("access_", text) : BY_PERSONS.test(kind) ? text : reasonText(text);

const fieldWord = (name) => told("field_", name.replace(/_[ws]$/, ""));

function valueOf(kind, name, value, at) {
  if (typeof value === "object") return Object.entries(value).map(([key, part]) => `${fieldWord(key)} ${typeof part === "object" ? JSON.stringify(part) : part}`).join(", ");
  if (name.endsWith("_w")) return kilowatt(value, 2);
  if (name.endsWith("_s")) return duration(value);
  const text = String(value);
  if (INSTANT.test(text)) return time(text, at, true);
  if (name === "connection") return link("connection", text);
  if (UUID.test(text)) return shortId(text, name === "round" ? `#/round/${text}` : null);
  if (DIGEST.test(text)) return shortId(text);
  if (name === "fault") return reasonText(text);
  return wordOf(kind, name, text);
}

// A number of a row says nothing to a reader, nor does what is not there.
const isSaid = (name, value) => value != null && value !== "" && !(name === "meter" && typeof value === "number");

const detail = (kind, name, value, at) =>
  h("span", { class: "pair" }, h("span", { class: "quiet" }, `${fieldWord(name)} `), valueOf(kind, name, value, at));

export const eventColumns = (at) => [
  { name: t("at"), isShort: true, class: "lead", cell: (e) => time(e.at, at, true) },
  { name: t("event"), isShort: true, class: "pilled", cell: (e) => h("span", { title: e.kind }, told("", e.kind)) },
  { name: t("subject"), isShort: true, class: "pilled", cell: (e) => about(e.subject) },
  { name: t("details"), class: "wide", cell: (e) => Object.entries(e.data)
    .filter(([name, value]) => isSaid(name, value)).map(([name, value]) => detail(e.kind, name, value, at)) },
  { name: t("program"), cell: (e) => h("span", { class: "quiet" }, e.program) },
];

// A command is broken between its words, not at its dashes.
const commandText = (name, command) =>
  [t(name), " ", h("code", null, command.split(" ").map((word) => [h("span", { class: "command" }, word), " "]))];

// What is known of the seal: intact or not, since when, and up to where it was signed.
function sealSection(trail, at) {
  const { verification, head } = trail;
  return h("section", { class: "card", "data-key": "seal" },
    h("div", { class: "heading" }, h("h2", null, t("seal")), sealPill(trail)),
    verification?.fault ? h("p", { class: "warning", role: "alert" }, reasonText(verification.fault)) : null,
    facts(
      [t("seal_events"), integer(trail.events)],
      [t("seal_verified_at"), verification ? time(verification.finished, at, true) : commandText("seal_verify", "socmod-audit --verify")],
      verification && [t("seal_looked_at"), integer(verification.events)],
      [t("seal_head"), head ? [`${head.number}, `, time(head.at, at)] : h("span", { class: "quiet" }, commandText("seal_none", "socmod-audit --sign-heads"))]));
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
