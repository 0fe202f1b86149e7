// SPDX-License-Identifier: Apache-2.0
// The life of one profile, from the quarter hour that caused it to the register that shows it.

import { get, now } from "./api.js";
import { h } from "./dom.js";
import { duration, kilowatt, quarter, time } from "./format.js";
import { causeText, crumbs, empty, facts, link, section, statePill, table } from "./parts.js";
import { reasonText } from "./reasons.js";
import { boundText, t, told } from "./text.js";
import { fates, receiptColumns } from "./view_connection.js";

const COURSE = ["measured", "arrived", "planned", "queued", "written", "verified", "seen", "applied"];

// By the clocks of those who told them: a gateway may see a text before the head-end confirms it.
const inTime = (steps) => [...steps].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));

function timeline(life, at) {
  const steps = inTime(life.steps);
  const isOver = life.end !== "open" && life.end !== "applied";
  const waits = isOver ? [] : COURSE.filter((name) => !steps.some((step) => step.step === name));
  const seconds = steps.map((step, i) => (i ? (Date.parse(step.at) - Date.parse(steps[i - 1].at)) / 1000 : 0));
  const longest = Math.max(...seconds, 1);
  const isBad = (name) => name === "ended" && isOver && life.end !== "superseded";
  return h("ol", { class: "timeline" },
    steps.map((step, i) => h("li", { class: isBad(step.step) ? "bad" : "done", "data-key": step.step },
      h("span", { class: "step" }, told("step_", step.step)),
      h("span", { class: "when" }, time(step.at, at, true)),
      h("span", { class: "after" }, i ? `+ ${duration(seconds[i])}` : ""),
      i ? h("span", { class: "took", "aria-hidden": "true", "--full": seconds[i] / longest }) : null)),
    waits.map((name) => h("li", { class: "waits", "data-key": name },
      h("span", { class: "step" }, told("step_", name)), h("span", { class: "quiet" }, t("step_waits")))));
}

function sinceFirst(life) {
  const steps = inTime(life.steps.filter((step) => step.step !== "ended"));
  if (steps.length < 2) return null;
  return t("step_total", duration((Date.parse(steps.at(-1).at) - Date.parse(steps[0].at)) / 1000));
}

function whySection(life, at) {
  const { share, forecast } = life.why;
  return section(t("why"),
    share ? [h("p", null, t("why_share", kilowatt(share.demand_w), kilowatt(share.share_w), boundText(share.bound_by))),
             h("p", { class: "quote" }, reasonText(share.reason))] : h("p", { class: "quiet" }, t(life.not_kept.length ? "why_not_kept" : "why_none")),
    h("p", null, t("round"), " ", h("a", { href: `#/round/${life.round.id}` }, quarter(life.round.quarter, at)), " ",
      link("transformer", life.round.transformer)),
    life.measured.length ? [h("h3", null, t("what_measured")), table(t("what_measured"), [
      { name: t("feeder"), class: "lead", cell: (m) => m.feeder },
      { name: t("decided_for"), cell: (m) => quarter(m.quarter, at) },
      ...[0, 1, 2].map((i) => ({ name: `L${i + 1}`, number: true, cell: (m) => kilowatt(m.p_w[i]) })),
      { name: t("quality"), cell: (m) => told("quality_", m.quality) },
      { name: t("arrived_at"), cell: (m) => time(m.arrived, at, true) },
    ], life.measured, (m) => m.feeder)] : null,
    forecast.length ? [h("h3", null, t("what_foreseen")), table(t("what_foreseen"), [
      { name: t("place"), class: "lead", cell: (f) => `${f.feeder ?? life.round.transformer} L${f.phase}` },
      { name: t("limit"), number: true, cell: (f) => kilowatt(f.limit_w) },
      { name: t("base"), number: true, cell: (f) => kilowatt(f.base_w) },
      { name: t("margin"), number: true, cell: (f) => kilowatt(f.margin_w) },
      { name: t("headroom"), number: true, cell: (f) => kilowatt(f.headroom_w) },
      { name: t("demand"), number: true, cell: (f) => kilowatt(f.demand_w) },
      { name: t("given"), number: true, cell: (f) => kilowatt(f.given_w) },
    ], forecast, (f) => `${f.feeder} ${f.phase}`)] : null);
}

const attemptColumns = (at) => [
  { name: "#", class: "lead", cell: (a) => String(a.number) },
  { name: t("at"), cell: (a) => time(a.started, at, true) },
  { name: t("made_in"), number: true, cell: (a) => duration((Date.parse(a.finished) - Date.parse(a.started)) / 1000) },
  { name: t("result"), cell: (a) => told("attempt_", a.result) },
  { name: t("cause"), class: "wide", cell: (a) => [causeText(a.cause), a.detail && ` (${reasonText(a.detail)})`].filter(Boolean).join("") || "–" },
];

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

export const profileView = {
  title: ([id]) => `${t("profile")} …${id.slice(-8)}`,
  kinds: ["deliveries", "receipts", "profiles"],

  async load([id], signal) {
    const path = `v1/profiles/${encodeURIComponent(id)}`;
    const [profile, life] = await Promise.all([get(path, signal), get(`${path}/life`, signal)]);
    return { profile, life, at: now() };
  },

  draw({ profile, life, at }) {
    return [
      crumbs(link("transformer", life.round.transformer), link("connection", profile.connection), h("span", null, t("profile"))),
      h("div", { class: "heading" }, h("h1", null, t("life"), " ", h("small", { class: "id" }, profile.id)), statePill(life.end)),
      h("p", { class: "lede" }, told("end_", life.end), profile.cause ? `: ${causeText(profile.cause)}` : "", "."),
      section(t("timeline"), timeline(life, at), sinceFirst(life) && h("p", { class: "quiet" }, sinceFirst(life))),
      h("section", { class: "card", "data-key": "fates" }, fates(profile, life, at)),
      whySection(life, at),
      section(t("attempts"), life.attempts.length ? table(t("attempts"), attemptColumns(at), life.attempts, (a) => String(a.number)) : empty(t("attempts_none"))),
      section(t("receipts"), life.receipts.length ? table(t("receipts"), receiptColumns(at), life.receipts, (r) => r.at + r.state) : empty(t("receipts_none"))),
      section(t("message"), facts(
        [t("connection"), link("connection", profile.connection)], [t("meter"), h("span", { class: "id" }, profile.meter ?? "–")],
        [t("route"), life.delivery?.route ?? "–"], [t("made"), time(profile.created, at, true)],
        [t("valid"), time(profile.valid_from, at), " – ", time(profile.valid_to, at)],
        [t("digest"), h("span", { class: "id breaks" }, profile.digest)]),
        h("details", { "data-key": "text" }, h("summary", null, t("octets", profile.text.length)), h("pre", { tabindex: "0" }, pretty(profile.text)))),
    ];
  },
};
