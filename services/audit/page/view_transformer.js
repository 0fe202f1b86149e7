// SPDX-License-Identifier: Apache-2.0
// One transformer: load against limit, what control removes, who hangs on it, what was decided.

import { all, ask, find, get, mayReadConnections, now } from "./api.js";
import { Chart, chartButtons, chartDo, quarters, untilEnd } from "./chart.js";
import { h } from "./dom.js";
import { clockText, dayText, duration, kilowatt, percent, quarter, time } from "./format.js";
import { byHand, crumbs, empty, link, modePill, pill, profileLink, section, table, toneOf } from "./parts.js";
import { reasonText } from "./reasons.js";
import { boundText, t, told } from "./text.js";
import { controlText, riskOf, riskPill } from "./view_overview.js";

const SPANS = [6, 12, 24, 168];
const AHEAD_HOURS = 12;
const PHASES = [0, 1, 2];
const stamp = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
// To the quarter, so that what has not changed is asked in the same words.
const ceilQuarter = (ms) => Math.ceil(ms / 900e3) * 900e3;

const placePath = (place) =>
  place.feeder ? `v1/feeders/${encodeURIComponent(place.feeder)}` : `v1/transformers/${encodeURIComponent(place.transformer)}`;

// One panel's series: load, without control (of the hours ahead too), with control, limit, the higher of
// load and limit, and of the hours ahead the base load and the top of its band.
function seriesOf(phase, { xs, at }) {
  const pick = (name, i) => at(i)?.[name]?.[phase] ?? null;
  const each = (fn) => xs.map((x, i) => fn(i));
  const foreseen = (what) => (i) => {
    const base = pick("base_w", i), demand = pick("demand_w", i), given = pick("given_w", i);
    return base == null || !(demand > given) ? pick(`ahead_${what}`, i) : base + pick(what, i);
  };
  const load = each((i) => pick("p_w", i));
  const limit = each((i) => pick("limit_w", i));
  const above = each((i) => (load[i] != null && limit[i] != null ? Math.max(load[i], limit[i]) : null));
  return [xs, ...[load, each(foreseen("demand_w")), each(foreseen("given_w")), limit, above].map(untilEnd),
    ...["ahead_w", "ahead_p95_w"].map((name) => each((i) => pick(name, i)))];
}

const PANELS = PHASES.map((phase) => ({
  key: String(phase),
  series: [{ look: "load" }, { look: "without" }, { look: "edge" }, { look: "limit" }, { look: "edge" },
    { look: "ahead" }, { look: "edge" }],
  bands: [[2, 3, "near-fill"], [5, 4, "bad-fill"], [7, 6, "band-fill"]],
}));

// Loads, forecasts and the hours ahead of the same quarters, joined. An hour ahead is four quarters;
// those that were measured meanwhile are not ahead. Without control the cars that the newest forecast
// knows would go on as they want to.
function join(loads, forecasts, outlook, limit, to) {
  const byQuarter = new Map(loads.map((item) => [item.quarter, { ...item }]));
  const add = (quarter, more) => byQuarter.set(quarter, { ...more, ...byQuarter.get(quarter), quarter });
  for (const forecast of forecasts) add(forecast.quarter, forecast);
  const cars = forecasts.at(-1)?.demand_w ?? [];
  for (const { quarter, base_w, p95_w } of outlook.items) {
    const free = base_w.map((watts, i) => (watts != null && cars[i] > 0 ? watts + cars[i] : null));
    for (let n = 0, ms = Date.parse(quarter); n < 4; n++, ms += 900e3)
      if (ms < to && !byQuarter.get(stamp(ms))?.p_w) add(stamp(ms), { ahead_w: base_w, ahead_p95_w: p95_w, ahead_demand_w: free });
  }
  const items = [...byQuarter.values()].sort((a, b) => a.quarter.localeCompare(b.quarter));
  items.forEach((item) => { item.limit_w ??= limit; });
  return items;
}

function readout(phase, item, at) {
  const name = h("span", { class: "phase" }, `L${phase + 1}`);
  if (!item) return [name];
  const watts = item.p_w?.[phase] ?? null, limit = item.limit_w?.[phase] ?? null;
  const ratio = watts != null && limit ? watts / limit : null;
  const free = item.ahead_demand_w?.[phase] ?? null;
  const removed = item.demand_w?.[phase] > item.given_w?.[phase] ? item.demand_w[phase] - item.given_w[phase] : null;
  return [
    name, h("span", { class: "quiet" }, quarter(item.quarter, at)),
    h("strong", { class: ratio > 1 ? "bad-ink" : "" }, watts == null ? (item.ahead_w ? "" : t("quality_missing")) : kilowatt(watts)),
    limit != null && h("span", null, `${t("limit").toLowerCase()} ${kilowatt(limit)}`),
    ratio != null && h("span", { class: `ratio ${toneOf(ratio)}` }, percent(ratio)),
    watts == null && free != null && h("span", { class: "near-ink" }, `${t("without").toLowerCase()} `,
      h("strong", { class: limit && free > limit ? "bad-ink" : "" }, kilowatt(free))),
    watts == null && item.ahead_w?.[phase] != null && h("span", null,
      `${t("foreseen_base").toLowerCase()} ${kilowatt(item.ahead_w[phase])}, ${t("band")} ${kilowatt(item.ahead_p95_w[phase])}`),
    removed != null && h("span", { class: "near-ink" }, `${t("removed").toLowerCase()} ${kilowatt(removed)}`),
  ].filter(Boolean);
}

function lastMeasured(items) {
  for (let i = items.length - 1; i >= 0; i--) if (items[i].p_w?.some((w) => w != null)) return items[i];
  return null;
}

function chartLabel(name, phase, items) {
  const known = items.filter((item) => item.p_w?.[phase] != null);
  if (!known.length) return `${name} L${phase + 1}: ${t("chart_empty")}`;
  const top = known.reduce((a, b) => (b.p_w[phase] > a.p_w[phase] ? b : a));
  const clock = (item) => `${dayText(Date.parse(item.quarter))} ${clockText(Date.parse(item.quarter))}`;
  return t("chart_label", name, `L${phase + 1}`, clock(known[0]), clock(known.at(-1)), kilowatt(top.p_w[phase]), clock(top),
    kilowatt(top.limit_w?.[phase]));
}

const legend = () => h("ul", { class: "legend", "aria-hidden": "true" },
  [["load", "measured"], ["limit", "limit"], ["without", "without"], ["removed", "removed"], ["above", "above"], ["ahead", "foreseen_base"], ["band", "band"]]
    .map(([look, name]) => h("li", null, h("span", { class: `key ${look}` }), t(name))));

function placeTabs(item, feeder) {
  const tab = (what, text) => h("button", { type: "button", "data-do": "place", "data-what": what,
    "aria-pressed": String((feeder ?? "") === what) }, text);
  return h("div", { class: "group", role: "group", "aria-label": t("place") },
    tab("", t("whole")), item.feeders.map((id) => tab(id, `${t("feeder")} ${id}`)));
}

function loadTable(items, at) {
  const cell = (phase) => (item) => {
    const watts = item.p_w?.[phase] ?? null, limit = item.limit_w?.[phase];
    return h("span", { class: limit && watts > limit ? "bad-ink strong" : "" }, kilowatt(watts));
  };
  return h("details", { "data-key": "values" }, h("summary", null, t("as_table")),
    table(t("load_against_limit"), [
      { name: t("decided_for"), cell: (item) => quarter(item.quarter, at) },
      ...PHASES.map((phase) => ({ name: `L${phase + 1}`, number: true, cell: cell(phase) })),
      { name: t("limit"), number: true, cell: (item) => item.limit_w?.map((w) => kilowatt(w, 0)).join(" · ") ?? "–" },
      { name: t("quality"), cell: (item) => told("quality_", item.quality ?? "missing") },
    ], items.filter((item) => item.p_w).reverse().slice(0, 100), (item) => item.quarter));
}

// What lies ahead, hour by hour, for who does not read a chart.
function aheadTable(items, at) {
  const cell = (phase) => (item) => {
    const base = item.ahead_w[phase], free = item.ahead_demand_w[phase], limit = item.limit_w?.[phase];
    if (base == null) return "–";
    return [kilowatt(base), h("span", { class: "quiet" }, ` … ${kilowatt(item.ahead_p95_w[phase])}`),
      free != null && h("span", { class: limit && free > limit ? "bad-ink strong" : "quiet" }, ` → ${kilowatt(free)}`)];
  };
  const hours = items.filter((item) => item.ahead_w && Date.parse(item.quarter) + 900e3 > at)
    .filter((item, i, all) => !i || item.ahead_w !== all[i - 1].ahead_w);
  return hours.length ? h("details", { "data-key": "ahead" }, h("summary", null, t("ahead_table")),
    h("p", { class: "quiet small" }, t("ahead_table_help")),
    table(t("ahead"), [
      { name: t("period"), cell: (item) => time(item.quarter, at) },
      ...PHASES.map((phase) => ({ name: `L${phase + 1}`, number: true, cell: cell(phase) })),
      { name: t("limit"), number: true, cell: (item) => item.limit_w?.map((w) => kilowatt(w, 0)).join(" · ") ?? "–" },
    ], hours, (item) => item.quarter)) : null;
}

// How base loads were found, mostly the same of all phases.
const methodText = (rows) => [...new Set(rows.map((f) => told("method_", f.method)))].join(", ");

function roundSection(round, item, at, isWhole) {
  if (!round) return null;
  const rows = [...round.forecast].sort((a, b) => (b.feeder === null) - (a.feeder === null)
    || String(a.feeder).localeCompare(String(b.feeder)) || a.phase - b.phase);
  return section(t("newest_round"),
    h("p", { class: "line" }, h("span", { class: "quiet" }, t("decided_for"), " "), quarter(round.quarter, at),
      h("span", { class: "quiet" }, t("made_at"), " "), time(round.finished, at, true),
      h("span", { class: "quiet" }, t("method"), " "), methodText(rows), controlText(round),
      isWhole ? null : h("a", { href: `#/round/${round.id}` }, t("shares"))),
    table(t("newest_round"), [
      { name: t("place"), class: "lead", cell: (f) => `${f.feeder ?? item.id} L${f.phase}` },
      { name: t("limit"), number: true, cell: (f) => kilowatt(f.limit_w) },
      { name: t("base"), number: true, cell: (f) => kilowatt(f.base_w) },
      { name: t("base_up_to"), number: true, cell: (f) => kilowatt(f.p95_w) },
      { name: t("margin"), number: true, cell: (f) => kilowatt(f.margin_w) },
      { name: t("headroom"), number: true, cell: (f) => kilowatt(f.headroom_w) },
      { name: t("demand"), number: true, cell: (f) => h("span", { class: f.headroom_w != null && f.demand_w > f.headroom_w ? "near-ink strong" : "" }, kilowatt(f.demand_w)) },
      { name: t("given"), number: true, cell: (f) => kilowatt(f.given_w) },
      { name: t("chargers"), number: true, cell: (f) => String(f.chargers) },
    ], rows, (f) => `${f.feeder} ${f.phase}`));
}

const connectionColumns = (at) => [
  { name: t("connection"), class: "lead", cell: (c) => [link("connection", c.ean), h("span", { class: "quiet" }, c.chargers.join(", "))] },
  { name: t("feeder"), cell: (c) => c.feeder },
  { name: t("gateway"), class: "pilled", cell: (c) => modePill(c.gateway) },
  { name: t("limit_now"), number: true, cell: (c) => c.gateway?.mode === "limited" || c.gateway?.mode === "safe" ? kilowatt(c.gateway.limit_w) : "–" },
  { name: t("contract"), number: true, cell: (c) => kilowatt(c.contract_w) },
  { name: t("mode_since"), cell: (c) => time(c.gateway?.since, at) },
  { name: t("newest_profile"), cell: (c) => profileLink(c.profile) },
];

export const roundColumns = (at) => [
  { name: t("decided_for"), class: "lead", cell: (r) => h("a", { href: `#/round/${r.id}` }, quarter(r.quarter, at)) },
  { name: t("result"), class: "pilled", cell: (r) => controlText(r) },
  { name: t("made_at"), cell: (r) => time(r.finished, at, true) },
  { name: t("made_in"), number: true, cell: (r) => duration((Date.parse(r.finished) - Date.parse(r.started)) / 1000) },
  { name: t("program"), cell: (r) => r.planner },
];

export const transformer = {
  title: ([id]) => `${t("transformer")} ${id}`,
  kinds: ["loads", "rounds", "receipts", "profiles"],

  async load([id], signal, state) {
    const at = now();
    state.hours ??= 12;
    // A quarter of the span lies ahead.
    const to = ceilQuarter(at + Math.min(state.hours / 3, AHEAD_HOURS) * 3600e3);
    const from = Math.min(to - state.hours * 3600e3, state.earliest ?? Infinity);
    const path = placePath({ transformer: id, feeder: state.feeder });
    const span = { from: stamp(from), to: stamp(to) };
    const [limits, item, loads, forecasts, outlook, rounds] = await Promise.all([
      all("v1/limits", {}, signal),
      get(`v1/transformers/${encodeURIComponent(id)}`, signal),
      all(`${path}/loads`, span, signal), all(`${path}/forecasts`, span, signal), get(`${path}/outlook`, signal),
      get(ask("v1/rounds", { transformer: id, limit: 12 }), signal)]);
    const [round, ...connections] = await Promise.all([
      rounds.items.length ? find(`v1/rounds/${rounds.items[0].id}`, signal) : null,
      ...(mayReadConnections() ? item.feeders : []).map((feeder) => all("v1/connections", { feeder }, signal))]);
    return { item, items: join(loads, forecasts, outlook, state.feeder ? outlook.limit_w : item.limit_w, to), rounds: rounds.items, round,
      limits: limits.filter((limit) => limit.transformer === id || item.feeders.includes(limit.feeder)), connections: connections.flat(), at, from, to };
  },

  draw({ item, items, rounds, round, limits, connections, at }, { state }) {
    const name = state.feeder ? `${t("feeder")} ${state.feeder}` : item.id;
    const limited = (c) => (c.gateway?.online && c.gateway.mode === "limited" ? 0 : c.gateway?.online === false || c.gateway?.mode === "safe" ? -1 : 1);
    return [
      crumbs(h("span", null, item.id)),
      h("div", { class: "heading" }, h("h1", null, item.name || item.id, " ", item.name && h("small", { class: "id" }, item.id)),
        riskPill(riskOf(item, at)), controlText(item.round)),
      byHand(limits, at, time),
      h("section", { class: "card", "data-key": "load" },
        h("h2", null, t("load_against_limit")),
        h("div", { class: "bar-of-tools" }, placeTabs(item, state.feeder), chartButtons(SPANS, state.hours)),
        items.length
          ? [h("div", { class: "chart", id: "chart", "data-key": "chart", "data-keep": true, tabindex: "0", role: "group",
               "aria-label": PHASES.map((phase) => chartLabel(name, phase, items)).join(" ") }),
             legend(), h("p", { class: "quiet small" }, t("chart_help")), loadTable(items, at), aheadTable(items, at)]
          : empty(t("chart_empty"))),
      roundSection(round, item, at),
      mayReadConnections() && section(t("connections"), table(t("connections"), connectionColumns(at),
        [...connections].sort((a, b) => limited(a) - limited(b)).slice(0, 200), (c) => c.ean)),
      rounds.length ? section(t("rounds"), table(t("rounds"), roundColumns(at), rounds, (r) => r.id)) : null,
    ];
  },

  mounted({ items, at, from, to }, { state, reload }) {
    const root = document.getElementById("chart");
    if (!root) return;
    Object.assign(state, { loaded: from, grid: quarters(items), last: lastMeasured(items), at });
    if (state.chart?.root !== root) {
      state.chart?.free();
      state.chart = new Chart(root, PANELS, {
        read: (key, index) => readout(Number(key), (index == null ? null : state.grid.at(index)) ?? state.last, state.at),
        moved: (start) => {
          if (start * 1000 >= state.loaded) return;
          state.earliest = ceilQuarter(start * 1000 - 12 * 3600e3);
          reload();
        },
      });
    }
    state.chart.set(Object.fromEntries(PHASES.map((phase) => [String(phase), seriesOf(phase, state.grid)])),
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
    place(element, { state, reload }) {
      state.feeder = element.dataset.what || null;
      reload();
    },
  },
};

export const roundView = {
  title: () => t("round"),
  kinds: [],

  async load([id], signal) {
    const path = `v1/rounds/${encodeURIComponent(id)}`;
    const [round, shares] = await Promise.all([get(path, signal), mayReadConnections() ? all(`${path}/shares`, {}, signal) : null]);
    return { round, shares, at: now() };
  },

  draw({ round, shares, at }) {
    return [
      crumbs(link("transformer", round.transformer), h("span", null, t("round"))),
      h("div", { class: "heading" }, h("h1", null, t("round"), " ", quarter(round.quarter, at)), controlText(round)),
      roundSection(round, { id: round.transformer }, at, true),
      shares && section(t("shares"), shares.length ? table(t("shares"), [
        { name: t("connection"), class: "lead", cell: (s) => link("connection", s.connection) },
        { name: t("demand"), number: true, cell: (s) => kilowatt(s.demand_w) },
        { name: t("share"), number: true, cell: (s) => h("strong", null, kilowatt(s.share_w)) },
        { name: t("bound_by"), class: "pilled", cell: (s) => boundText(s.bound_by) },
        { name: t("decision"), class: "pilled", cell: (s) => pill(s.decision === "send" ? "near" : s.decision === "free" ? "good" : "quiet", told("decision_", s.decision)) },
        { name: t("reason"), class: "wide", cell: (s) => reasonText(s.reason) },
        { name: t("profile"), cell: (s) => profileLink(s.profile) },
      ], shares, (s) => s.connection) : empty(t("not_congested"))),
    ];
  },
};
