// SPDX-License-Identifier: Apache-2.0
// All transformers, those at risk first, and the state of the whole.

import { all, ask, find, get, mayReadConnections, now } from "./api.js";
import { h } from "./dom.js";
import { number, percent, quarter, time } from "./format.js";
import { byHand, empty, gauge, link, NEAR, OVER, pill, sealPill, table } from "./parts.js";
import { counted, t } from "./text.js";
import { profileColumns } from "./view_deliveries.js";
import { eventColumns } from "./view_events.js";

// A quarter hour arrives a little after its end; what is older than this is no longer "now".
const SILENT_MS = 45 * 60e3;
const DAY_MS = 86400e3;

function ratioNow(item) {
  const ratios = (item.limit_w ?? []).map((limit, i) =>
    limit > 0 && item.last_w?.[i] != null ? item.last_w[i] / limit : null).filter((r) => r != null);
  return ratios.length ? Math.max(...ratios) : null;
}

const RISKS = {
  over: ["bad", "risk_over"], near: ["near", "risk_near"], silent: ["lost", "risk_silent"],
  fine: ["good", "risk_fine"], free: ["quiet", "risk_free"],
};
const ORDER = Object.keys(RISKS);

export function riskOf(item, at) {
  if (!item.last_quarter || at - Date.parse(item.last_quarter) - 900e3 > SILENT_MS) return "silent";
  if (!item.limit_w) return "free";
  const ratio = ratioNow(item);
  return ratio == null ? "silent" : ratio > OVER ? "over" : ratio >= NEAR ? "near" : "fine";
}

export const riskPill = (risk) => pill(RISKS[risk][0], t(RISKS[risk][1]));

export function controlText(round) {
  if (!round) return h("span", { class: "quiet" }, t("no_round"));
  if (round.blind) return pill("lost", t("blind"));
  return round.congested ? pill("near", t("congested")) : h("span", { class: "quiet" }, t("not_congested"));
}

const tile = (name, value, note, tone) =>
  h("div", { class: `tile ${tone ?? ""}` }, h("dt", null, name), h("dd", null, value, note && h("small", null, note)));

// What the worst phase is foreseen to come to without control in the hours that are still to come; null:
// not known.
function ahead(item, at) {
  return item.ahead && Date.parse(item.ahead.quarter) + 3600e3 > at ? item.ahead : null;
}

function tiles({ transformers, gateways, statistics, at }) {
  const over = transformers.filter((item) => riskOf(item, at) === "over").length;
  const { limited, safe } = gateways.by_mode, { offline } = gateways;
  const delivery = statistics?.delivery;
  const sums = Object.values(statistics?.transformers ?? {});
  const energy = sums.reduce((sum, q) => sum + q.over_kwh, 0);
  const quartersOver = sums.reduce((sum, q) => sum + q.over_limit, 0);
  return h("dl", { class: "tiles" },
    tile(t("over_now"), String(over), counted("of_transformers", transformers.length), over ? "bad" : "good"),
    tile(t("limited_now"), String(limited), t("of_n", gateways.gateways), limited ? "near" : ""),
    tile(t("gateways_away"), String(offline + safe), t("gateways_away_note", offline, safe), offline + safe ? "bad" : "good"),
    statistics && tile(t("delivered_ratio"), percent(delivery.success),
      t("delivered_note", delivery.confirmed, delivery.confirmed + delivery.lost, delivery.lost), delivery.lost ? "bad" : ""),
    statistics && tile(t("curtailed"), `${number(statistics.curtailed_kwh, 1)} kWh`,
      t("curtailed_note", number(statistics.avoided_kwh, 1), percent(statistics.fairness.least_share)), ""),
    statistics && tile(t("over_energy"), `${number(energy, 1)} kWh`, counted("over_energy_note", quartersOver), energy ? "near" : "good"));
}

// Loads of the worst phase against its limit, that the last round foresaw.
function foreseenOf(forecast) {
  const ratios = (what) => forecast.limit_w.map((limit, i) =>
    limit > 0 && forecast.base_w[i] != null ? (forecast.base_w[i] + forecast[what][i]) / limit : -1);
  const without = Math.max(...ratios("demand_w")), kept = Math.max(...ratios("given_w"));
  return without < 0 ? null : { without, kept };
}

function foreseenText(forecast) {
  const foreseen = forecast && foreseenOf(forecast);
  return foreseen ? h("span", { class: "nowrap", title: t("foreseen_help") },
    h("span", { class: foreseen.without > OVER ? "bad-ink" : "" }, percent(foreseen.without)),
    h("span", { "aria-hidden": "true" }, " → "), h("strong", { class: foreseen.kept > OVER ? "bad-ink" : "" }, percent(foreseen.kept))) : "–";
}

function columns(at, forecasts) {
  return [
    { name: t("transformer"), class: "lead", cell: (item) => [link("transformer", item.id), item.name && h("span", { class: "quiet" }, item.name)] },
    { name: t("risk"), class: "pilled", cell: (item) => riskPill(riskOf(item, at)) },
    { name: t("load"), class: "gauges", cell: (item) =>
      [0, 1, 2].map((i) => gauge(i + 1, item.last_w?.[i] ?? null, item.limit_w?.[i])) },
    { name: t("last_quarter"), class: "pilled", cell: (item) => quarter(item.last_quarter, at) },
    { name: t("worst_day"), class: "pilled", cell: (item) => item.worst
      ? [h("strong", { class: item.worst.ratio > OVER ? "bad-ink" : "" }, percent(item.worst.ratio)), ` L${item.worst.phase} `,
         h("span", { class: "quiet" }, time(item.worst.quarter, at))] : "–" },
    { name: t("ahead"), class: "pilled", cell: (item) => {
      const worst = ahead(item, at);
      return worst ? h("span", { title: t("ahead_help") }, h("strong", { class: worst.ratio > OVER ? "bad-ink" : worst.ratio >= NEAR ? "near-ink" : "" }, percent(worst.ratio)),
        ` L${worst.phase} `, h("span", { class: "quiet" }, time(worst.quarter, at),
          worst.ratio > worst.base_ratio ? h("small", { class: "under" }, t("ahead_base", percent(worst.base_ratio))) : null)) : "–";
    } },
    { name: t("foreseen"), cell: (item) => foreseenText(forecasts.get(item.id)) },
    { name: t("control"), class: "pilled", cell: (item) => controlText(item.round) },
  ];
}

const FORECASTS_MAX = 12;

// The newest forecast of each, by id; of a few, those with the highest load first.
async function readForecasts(transformers, at, signal) {
  const from = new Date(Math.floor(at / 900e3) * 900e3 - 900e3).toISOString();
  const to = new Date(Math.ceil(at / 900e3) * 900e3 + 900e3).toISOString();
  const chosen = [...transformers].sort((a, b) => (ratioNow(b) ?? 0) - (ratioNow(a) ?? 0)).slice(0, FORECASTS_MAX);
  const pages = await Promise.all(chosen.map((item) =>
    get(ask(`v1/transformers/${encodeURIComponent(item.id)}/forecasts`, { from, to }), signal)));
  return new Map(chosen.map((item, i) => [item.id, pages[i].items.at(-1)]));
}

export const overview = {
  title: () => t("overview"),
  kinds: ["loads", "rounds", "receipts", "deliveries", "events"],

  async load(params, signal) {
    const at = now();
    // To whole minutes, so that what has not changed is asked in the same words.
    const minute = Math.ceil(at / 60e3) * 60e3;
    const span = { from: new Date(minute - DAY_MS).toISOString(), to: new Date(minute).toISOString() };
    const [transformers, gateways, statistics] = await Promise.all([
      all("v1/transformers", {}, signal), get("v1/gateways/summary", signal),
      find(ask("v1/statistics", span), signal).catch((error) => {
        if (error.status === 503) return null; // too much to sum: the rest is worth showing
        throw error;
      })]);
    const mayRead = mayReadConnections(), none = { items: null };
    const [limits, trail, profiles, events, forecasts] = await Promise.all([
      all("v1/limits", {}, signal), find("v1/trail", signal),
      mayRead ? get(ask("v1/profiles", { limit: 8 }), signal) : none, mayRead ? get(ask("v1/events", { limit: 50 }), signal) : none,
      readForecasts(transformers.filter((item) => item.round?.congested), at, signal)]);
    return { transformers, gateways, statistics, limits, trail, profiles: profiles.items, forecasts, at,
      // Who read what is for the view of events: here it would hide the rest.
      events: events.items?.filter((e) => e.kind !== "access.read").slice(0, 8) };
  },

  draw({ transformers, gateways, statistics, limits, trail, profiles, events, forecasts, at }, { state }) {
    if (!transformers.length) return [h("h1", null, t("overview")), empty(t("no_transformers"), t("no_transformers_help"))];
    const words = (state.filter ?? "").toLowerCase();
    const shown = transformers
      .filter((item) => `${item.id} ${item.name}`.toLowerCase().includes(words))
      .sort((a, b) => ORDER.indexOf(riskOf(a, at)) - ORDER.indexOf(riskOf(b, at))
        || Math.max(ratioNow(b) ?? 0, ahead(b, at)?.ratio ?? 0) - Math.max(ratioNow(a) ?? 0, ahead(a, at)?.ratio ?? 0) || a.id.localeCompare(b.id));
    return [
      h("div", { class: "heading" }, h("h1", null, t("overview")),
        trail && h("span", { class: "seal" }, h("span", { class: "quiet" }, `${t("seal")} `), sealPill(trail))),
      byHand(limits, at, time),
      tiles({ transformers, gateways, statistics, at }),
      h("section", { class: "card", "data-key": "risk" },
        h("div", { class: "heading" }, h("h2", null, t("transformers")), h("p", { class: "quiet" }, t("by_risk")),
          transformers.length > 8 && h("input", { type: "search", "data-do": "filter", placeholder: t("filter_transformers"),
            "aria-label": t("filter_transformers") })),
        table(t("transformers"), columns(at, forecasts), shown.slice(0, 200), (item) => item.id),
        shown.length < transformers.length || shown.length > 200
          ? h("p", { class: "quiet" }, t("shown_of", Math.min(shown.length, 200), transformers.length)) : null),
      profiles && h("div", { class: "pairs", "data-key": "latest" },
        h("section", { class: "card" }, h("div", { class: "heading" }, h("h2", null, t("latest_deliveries")), h("a", { href: "#/deliveries" }, t("all"))),
          profiles.length ? table(t("latest_deliveries"), profileColumns(at).filter((c) => c.isShort), profiles, (p) => p.id)
            : empty(t("deliveries_none"), t("deliveries_none_help"))),
        h("section", { class: "card" }, h("div", { class: "heading" }, h("h2", null, t("latest_events")), h("a", { href: "#/events" }, t("all"))),
          events.length ? table(t("latest_events"), eventColumns(at).filter((c) => c.isShort), events, (e) => String(e.id))
            : empty(t("events_none")))),
    ];
  },

  does: {
    filter(element, { state, redraw }) {
      state.filter = element.value;
      redraw();
    },
  },
};
