// SPDX-License-Identifier: Apache-2.0
// One connection with its chargers: the profile as it was sent, as it is seen on P1, as it is applied.

import { all, ask, find, get, now } from "./api.js";
import { Chart, chartButtons, chartDo, quarters, untilEnd } from "./chart.js";
import { profileColumns } from "./view_deliveries.js";
import { h } from "./dom.js";
import { clockText, dayText, kilowatt, quarter, time } from "./format.js";
import { byHand, crumbs, empty, facts, link, modePill, profileLink, section, statePill, causeText, table } from "./parts.js";
import { reasonText } from "./reasons.js";
import { boundText, t, told } from "./text.js";

const SPANS = [6, 12, 24, 168];
const stamp = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

const sum = (p_w) => (p_w?.some((w) => w != null) ? p_w.reduce((a, w) => a + (w ?? 0), 0) : null);

const PANELS = [{ key: "drawn", series: [{ look: "load" }, { look: "limit" }], bands: [] }];

export function periodList(profile, at) {
  return h("ol", { class: "periods" }, profile.periods.map((period) =>
    h("li", null, h("span", { class: "quiet" }, t("period").toLowerCase(), " "), time(period.start, at), " ",
      h("strong", null, kilowatt(period.max_power_w, 2)))),
    h("li", { class: "quiet" }, t("until", ""), time(profile.valid_to, at), ", ", t("own_after")));
}

const fate = (title, help, at, reference, ...children) =>
  h("div", { class: `fate ${at ? "done" : "waits"}` }, h("h3", null, title), h("p", { class: "quiet small" }, help),
    h("p", { class: "when" }, at ? time(at, reference, true) : h("span", { class: "quiet" }, t("not_yet"))), ...children);

const newestOf = (receipts, state) => receipts.filter((r) => r.state === state).sort((a, b) => b.at.localeCompare(a.at))[0];

// As sent, as seen, as applied, side by side.
export function fates(profile, life, at) {
  const seen = newestOf(life.receipts, "seen"), applied = newestOf(life.receipts, "applied");
  const refused = newestOf(life.receipts, "refused");
  const same = (receipt) => h("p", { class: "small" }, receipt.digest === life.profile.digest
    ? h("span", { class: "good-ink" }, `✓ ${t("same_text")}`) : h("span", { class: "bad-ink" }, `✗ ${t("other_text")}`));
  return h("div", { class: "fates" },
    fate(t("sent"), t("sent_help"), life.delivery?.written_at ?? life.delivery?.verified_at, at, periodList(profile, at)),
    fate(t("seen"), t("seen_help"), seen?.at, at, seen && same(seen),
      refused && h("p", { class: "bad-ink" }, `${t("receipt_refused")}: ${reasonText(refused.reason)}`)),
    fate(t("applied"), t("applied_help"), applied?.at, at, applied && [
      h("p", { class: "large" }, kilowatt(applied.limit_w, 2)),
      h("p", { class: "small" }, `${t("register")} `, h("span", { class: "id" }, applied.register ?? "–"),
        applied.register_w != null ? ` = ${kilowatt(applied.register_w, 2)}` : ""),
      h("p", { class: "quiet small" }, reasonText(applied.reason))]));
}

export const receiptColumns = (at) => [
  { name: t("at"), class: "lead", cell: (r) => time(r.at, at, true) },
  { name: t("state"), class: "pilled", cell: (r) => told("receipt_", r.state) },
  { name: t("mode"), cell: (r) => told("mode_", r.mode) },
  { name: t("limit"), number: true, cell: (r) => kilowatt(r.limit_w, 2) },
  { name: t("register"), cell: (r) => r.register ?? "–" },
  { name: t("reason"), class: "wide", cell: (r) => reasonText(r.reason) || "–" },
  { name: t("arrived_at"), cell: (r) => time(r.arrived, at, true) },
];

function drawnSection(loads, ean, state, at) {
  const known = loads.filter((l) => sum(l.p_w) != null);
  const top = known.length ? known.reduce((a, b) => (sum(b.p_w) > sum(a.p_w) ? b : a)) : null;
  const clock = (item) => `${dayText(Date.parse(item.quarter))} ${clockText(Date.parse(item.quarter))}`;
  return h("section", { class: "card", "data-key": "drawn" }, h("h2", null, t("drawn_title")),
    h("div", { class: "bar-of-tools" }, h("span"), chartButtons(SPANS, state.hours)),
    top ? [
      h("div", { class: "chart", id: "chart", "data-key": "chart", "data-keep": true, tabindex: "0", role: "group",
        "aria-label": t("drawn_label", ean, clock(known[0]), clock(known.at(-1)), kilowatt(sum(top.p_w)), clock(top)) }),
      h("ul", { class: "legend", "aria-hidden": "true" },
        h("li", null, h("span", { class: "key load" }), t("drawn")), h("li", null, h("span", { class: "key limit" }), t("limit_end"))),
      h("details", { "data-key": "values" }, h("summary", null, t("as_table")), table(t("drawn_title"), [
        { name: t("decided_for"), cell: (l) => quarter(l.quarter, at) },
        ...[0, 1, 2].map((i) => ({ name: `L${i + 1}`, number: true, cell: (l) => kilowatt(l.p_w?.[i], 2) })),
        { name: t("limit_end"), number: true, cell: (l) => kilowatt(l.limit_w, 2) },
        { name: t("mode"), cell: (l) => (l.mode ? told("mode_", l.mode) : "–") },
      ], [...loads].reverse().slice(0, 100), (l) => l.quarter))] : empty(t("chart_empty")));
}

// "transformer T1" as the member that limits by hand have for it.
function placeWords(place) {
  const [kind, id] = (place ?? "").split(/ (.*)/);
  return { [kind]: id };
}

// Why it may draw what it may in this quarter hour, as the service explains it.
function whySection(why, at) {
  const { share, round, in_force: held } = why;
  return section(t("why_now"),
    h("p", { class: "line" }, quarter(why.quarter, at),
      round && h("a", { href: `#/round/${round.id}` }, t("round").toLowerCase()),
      round?.sight && h("span", { class: "quiet" }, `${t("sight").toLowerCase()}: ${told("sight_", round.sight)}`)),
    share ? [h("p", null, t("why_share", kilowatt(share.demand_w), kilowatt(share.share_w), boundText(share.bound_by))),
             h("p", { class: "quote" }, reasonText(share.reason))] : h("p", { class: "quiet" }, t("why_nothing")),
    held && facts([t("in_force"), h("strong", null, [...new Set([held.limit_w].flat())].map((w) => kilowatt(w, 2)).join(" – ")), " ", profileLink(held.profile)]),
    why.places?.length ? table(t("why_now"), [
      { name: t("place"), class: "lead", cell: (p) => boundText(`${p.place} L${p.phase}`) },
      { name: t("limit"), number: true, cell: (p) => kilowatt(p.limit_w) },
      { name: t("base"), number: true, cell: (p) => kilowatt(p.base_w) },
      { name: t("margin"), number: true, cell: (p) => kilowatt(p.margin_w) },
      { name: t("headroom"), number: true, cell: (p) => kilowatt(p.headroom_w) },
      { name: t("demand"), number: true, cell: (p) => kilowatt(p.demand_w) },
      { name: t("given"), number: true, cell: (p) => kilowatt(p.given_w) },
      { name: t("came"), number: true, cell: (p) => kilowatt(p.came_w) },
    ], why.places, (p) => `${p.place} ${p.phase}`) : null);
}

export const connection = {
  title: ([ean]) => `${t("connection")} ${ean}`,
  kinds: ["receipts", "deliveries", "profiles", "loads"],

  async load([ean], signal, state) {
    const at = now();
    state.hours ??= 12;
    const to = Math.ceil((at + 900e3) / 900e3) * 900e3;
    const from = Math.min(to - state.hours * 3600e3, state.earliest ?? Infinity);
    const path = `v1/connections/${encodeURIComponent(ean)}`;
    const [item, loads, profiles] = await Promise.all([
      get(path, signal), all(`${path}/loads`, { from: stamp(from), to: stamp(to) }, signal),
      get(ask("v1/profiles", { connection: ean, limit: 10 }), signal)]);
    const newest = profiles.items[0]?.id;
    const [why, profile, life, receipts] = await Promise.all([
      item.chargers.length ? find(`v1/chargers/${encodeURIComponent(item.chargers[0])}/explain?at=${stamp(Math.floor(at / 900e3) * 900e3)}`, signal) : null,
      newest ? find(`v1/profiles/${newest}`, signal) : null, newest ? find(`v1/profiles/${newest}/life`, signal) : null,
      item.meter ? get(ask("v1/receipts", { meter: item.meter, limit: 25 }), signal) : { items: [] }]);
    return { item, why, loads, profiles: profiles.items, profile, life, receipts: receipts.items, at, from, to };
  },

  draw({ item, why, loads, profiles, profile, life, receipts, at }, { state }) {
    const gateway = item.gateway;
    return [
      crumbs(h("span", null, item.ean)),
      h("div", { class: "heading" }, h("h1", null, item.chargers.join(", ") || t("connection"), " ", h("small", { class: "id" }, item.ean)),
        modePill(gateway)),
      h("section", { class: "card", "data-key": "facts" }, facts(
        [t("limit_now"), h("strong", null, gateway && gateway.mode !== "own" ? kilowatt(gateway.limit_w, 2) : "–"),
          gateway && h("small", null, reasonText(gateway.reason), " ", gateway.since ? [t("since", ""), time(gateway.since, at)] : null)],
        [t("contract"), kilowatt(item.contract_w, 2)], [t("floor"), kilowatt(item.floor_w, 2)],
        [t("meter"), h("span", { class: "id" }, item.meter ?? "–")],
        [t("feeder"), item.feeder],
        [t("phases"), h("span", { title: "L1 L2 L3" }, [...item.phases].map((p) => `L${p}`).join(" "))])),
      h("section", { class: "card", "data-key": "newest" },
        h("div", { class: "heading" }, h("h2", null, t("newest_profile")), profile && [profileLink(profile.id), statePill(profile.state), causeText(profile.cause)]),
        profile && life ? fates(profile, life, at) : empty(t("no_profile"))),
      why && byHand((why.by_hand ?? []).map((limit) => ({ ...limit, made_by: limit.by, ...placeWords(limit.place) })), at, time),
      why && whySection(why, at),
      drawnSection(loads, item.ean, state, at),
      section(t("profiles"), profiles.length ? table(t("profiles"), profileColumns(at, true), profiles, (p) => p.id) : empty(t("deliveries_none"))),
      section(t("receipts"), receipts.length ? table(t("receipts"), receiptColumns(at), receipts, (r) => r.at + r.state + r.digest) : empty(t("receipts_none"))),
    ];
  },

  mounted({ loads, at, from, to }, { state, reload }) {
    const root = document.getElementById("chart");
    if (!root) return;
    Object.assign(state, { loaded: from, grid: quarters(loads), last: loads.at(-1), at });
    if (state.chart?.root !== root) {
      state.chart?.free();
      state.chart = new Chart(root, PANELS, {
        read: (key, index) => {
          const load = (index == null ? null : state.grid.at(index)) ?? state.last;
          return load ? [h("span", { class: "quiet" }, quarter(load.quarter, state.at)), h("strong", null, kilowatt(sum(load.p_w), 2)),
            h("span", null, `${t("limit").toLowerCase()} ${kilowatt(load.limit_w, 2)}`),
            h("span", { class: "quiet" }, load.mode ? told("mode_", load.mode) : "")] : [];
        },
        moved: (start) => {
          if (start * 1000 >= state.loaded) return;
          state.earliest = Math.floor(start / 900) * 900e3 - 12 * 3600e3;
          reload();
        },
      });
    }
    const { xs, at: item } = state.grid;
    state.chart.set({ drawn: [xs, untilEnd(xs.map((x, i) => sum(item(i)?.p_w))), untilEnd(xs.map((x, i) => item(i)?.limit_w ?? null))] },
      [(to - state.hours * 3600e3) / 1000, to / 1000]);
  },

  left({ state }) {
    state.chart?.free();
    state.chart = null;
  },

  does: {
    chart: (element, { state }) => state.chart && chartDo(state.chart, element.dataset.what),
    span(element, { state, reload }) {
      state.hours = Number(element.dataset.what);
      if (state.chart) state.chart.range = null;
      reload();
    },
  },
};
