// SPDX-License-Identifier: Apache-2.0
// Profiles and what became of them, newest first.

import { ask, get, now } from "./api.js";
import { h } from "./dom.js";
import { kilowatt, time } from "./format.js";
import { causeText, empty, link, profileLink, statePill, table } from "./parts.js";
import { t, told } from "./text.js";

const STATES = ["planned", "queued", "written", "verified", "seen", "applied", "superseded", "expired", "refused", "failed"];
const PAGE = 50, MOST = 1000; // the latter as the API gives

export const profileColumns = (at, ofOne) => [
  { name: t("made"), isShort: true, class: "lead", cell: (p) => [time(p.created, at, true), profileLink(p.id)] },
  ofOne ? null : { name: t("connection"), isShort: true, class: "stack pilled", cell: (p) => [link("connection", p.connection), h("span", { class: "quiet id" }, p.meter ?? "")] },
  { name: t("first_limit"), isShort: true, number: true, cell: (p) => kilowatt(p.limit_w, 2) },
  { name: t("valid"), class: "pilled", cell: (p) => [time(p.valid_from, at), "–", time(p.valid_to, at)] },
  { name: t("state"), isShort: true, class: "pilled", cell: (p) => statePill(p.state) },
  { name: t("cause"), class: "wide", cell: (p) => causeText(p.cause) || "–" },
].filter(Boolean);

export const chips = (name, values, chosen, label) =>
  h("div", { class: "chips", role: "group", "aria-label": name }, ["", ...values].map((value) =>
    h("button", { type: "button", "data-do": "choose", "data-what": value, "aria-pressed": String((chosen ?? "") === value) },
      value ? label(value) : t("all"))));

// The newest rows, as many as "more" asked for, all of them anew: a row changes, and none may be missing
// between two others.
export async function readNewest(path, values, state, signal) {
  const wanted = state.wanted ?? PAGE, items = [];
  let cursor = null;
  do {
    const page = await get(ask(path, { ...values, limit: Math.min(wanted - items.length, MOST), cursor }), signal);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < wanted);
  state.hasMore = cursor !== null;
  return items;
}

export function wantMore({ state, reload }) {
  state.wanted = (state.wanted ?? PAGE) + PAGE;
  return reload();
}

export const deliveries = {
  title: () => t("deliveries"),
  kinds: ["profiles", "deliveries", "receipts"],

  async load(params, signal, state) {
    return { items: await readNewest("v1/profiles", { state: state.chosen }, state, signal), at: now() };
  },

  draw({ items, at }, { state }) {
    const shown = state.chosen ? items.filter((p) => p.state === state.chosen) : items;
    return [
      h("h1", null, t("deliveries")),
      h("section", { class: "card", "data-key": "list" },
        chips(t("state"), STATES, state.chosen, (s) => told("state_", s)),
        shown.length ? table(t("deliveries"), profileColumns(at), shown, (p) => p.id)
          : empty(t("deliveries_none"), state.chosen ? null : t("deliveries_none_help")),
        state.hasMore ? h("p", null, h("button", { type: "button", "data-do": "more" }, t("more"))) : null),
    ];
  },

  does: {
    choose(element, { state, reload }) {
      Object.assign(state, { chosen: element.dataset.what || null, wanted: undefined });
      reload();
    },
    more: (element, visit) => wantMore(visit),
  },
};
