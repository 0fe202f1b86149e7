// SPDX-License-Identifier: Apache-2.0
// Finding by a whole identifier, whatever it is of.

import { all, ask, find, mayReadConnections } from "./api.js";
import { h } from "./dom.js";
import { empty, link, modePill } from "./parts.js";
import { t } from "./text.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const first = (page) => page?.items ?? [];

// Where an identifier may lead: [{kind, id, text, gateway}]
async function hits(words, signal) {
  if (UUID.test(words)) {
    const profile = mayReadConnections() ? await find(`v1/profiles/${words}`, signal) : null;
    const round = profile ? null : await find(`v1/rounds/${words}`, signal);
    return profile ? [{ kind: "profile", id: profile.id, text: t("profile") }]
      : round ? [{ kind: "round", id: round.id, text: t("round") }] : [];
  }
  const mayRead = mayReadConnections();
  const by = (filter) => mayRead && find(ask("v1/connections", { [filter]: words, limit: 20 }), signal);
  const [ean, meters, chargers, feeders, transformers] = await Promise.all([
    mayRead && /^[0-9]{18}$/.test(words) ? find(`v1/connections/${words}`, signal) : null,
    by("meter"), by("charger"), by("feeder"), all("v1/transformers", {}, signal)]);
  const part = words.toLowerCase();
  const connections = [ean, ...first(meters), ...first(chargers), ...first(feeders)].filter(Boolean);
  return [
    ...transformers.filter((item) => item.id.toLowerCase() === part || item.feeders.includes(words) || item.name.toLowerCase().includes(part)).slice(0, 20)
      .map((item) => ({ kind: "transformer", id: item.id, text: item.name || t("transformer") })),
    ...[...new Map(connections.map((c) => [c.ean, c])).values()].map((c) =>
      ({ kind: "connection", id: c.ean, text: `${c.chargers.join(", ")} · ${c.meter ?? ""} · ${t("feeder").toLowerCase()} ${c.feeder}`, gateway: c.gateway, isConnection: true })),
  ];
}

export const search = {
  title: ([words]) => `${t("search_title")}: ${words ?? ""}`,
  kinds: [],

  async load([words], signal) {
    const trimmed = (words ?? "").trim();
    const found = trimmed ? await hits(trimmed, signal) : [];
    if (found.length === 1) location.replace(`#/${found[0].kind}/${encodeURIComponent(found[0].id)}`);
    return { words: trimmed, found };
  },

  draw({ words, found }) {
    return [
      h("h1", null, t("search_title")),
      found.length
        ? [h("p", { class: "lede" }, t("search_found", found.length)),
           h("ul", { class: "hits card" }, found.map((hit) => h("li", null, link(hit.kind, hit.id),
             h("span", { class: "quiet" }, hit.text), hit.isConnection && modePill(hit.gateway))))]
        : empty(words ? t("search_none", words) : t("search_title"), t("search_help")),
    ];
  },
};
