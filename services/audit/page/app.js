// SPDX-License-Identifier: Apache-2.0
// The frame of the page: who reads, which view, and what keeps it up to date.

import { clockKnown, clockRate, listen, mayReadConnections, now, readClock, readToken, role, token, Trouble } from "./api.js";
import { h, say, show } from "./dom.js";
import { clockSecondsText, clockText, dayText, utcText, zone, zoneText } from "./format.js";
import { empty, loadingMark } from "./parts.js";
import { language, t, toggleLanguage } from "./text.js";
import { connection } from "./view_connection.js";
import { deliveries } from "./view_deliveries.js";
import { events } from "./view_events.js";
import { overview } from "./view_overview.js";
import { profileView } from "./view_profile.js";
import { search } from "./view_search.js";
import { roundView, transformer } from "./view_transformer.js";

const VIEWS = { "": overview, transformer, connection, deliveries, profile: profileView, round: roundView, events, search };
// What is about single connections is not for everybody.
const NAVIGATION = [["", "overview", true], ["deliveries", "deliveries", false], ["events", "events", false]];
const navigation = () => NAVIGATION.filter(([, , isForAll]) => isForAll || mayReadConnections());

const LEAST_MS = 1000; // between two loads of a view
const IDLE_MS = 30000; // without news: what is shown grows old by itself

const head = document.getElementById("head");
const main = document.getElementById("main");
const foot = document.getElementById("foot");

let current = null; // the visit: {name, view, params, state, data, abort, loading, dirty, loadedAt}
let following = null; // AbortController of the stream
let connectionState = "connecting_state";
let refusal = null; // why a token is asked for

// What a link spells; null: nothing that can be read.
function spelled(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function place() {
  const [name, ...params] = location.hash.replace(/^#\/?/, "").split("/").map(spelled);
  return { name: params.includes(null) ? null : name, params };
}

// The token that a link brought: read once, and gone from the address and the history.
function takeToken() {
  const given = /^#token=([^&/]+)/.exec(location.hash);
  if (!given) return;
  token.set(spelled(given[1]) ?? given[1]);
  history.replaceState(null, "", `${location.pathname}#/`);
}

function drawHead() {
  const signedIn = Boolean(token.get());
  const states = { live: "good", polling: "near", lost: "bad", connecting_state: "quiet" };
  show(head,
    h("div", { class: "brand" }, h("a", { href: "#/" }, h("img", { src: "page/icon.svg", alt: "", width: "26", height: "26" }), h("span", null, t("title")))),
    signedIn && h("nav", { class: "menu", "aria-label": t("title") }, navigation().map(([name, text]) =>
      h("a", { href: `#/${name}`, "aria-current": current?.name === name && "page" }, t(text)))),
    signedIn && h("form", { class: "search", role: "search", "data-do": "search" },
      h("input", { type: "search", name: "words", "aria-label": t("search"), placeholder: t("search_hint"), autocomplete: "off", spellcheck: "false", maxlength: "60" })),
    h("div", { class: "status" },
      signedIn && h("span", { class: `state ${states[connectionState]}`, title: t(connectionState === "connecting_state" ? connectionState : `${connectionState}_long`) },
        h("span", { class: "dot", "aria-hidden": "true" }), t(connectionState)),
      signedIn && h("span", { class: "clock", id: "clock", "data-keep": true }),
      h("button", { type: "button", class: "plain", "data-do": "zone",
        title: t("time_zone", zone.isUtc() ? "UTC" : t("local_time"), zone.isUtc() ? t("local_time") : "UTC") }, zone.isUtc() ? "UTC" : zoneText(now())),
      h("button", { type: "button", class: "plain", "data-do": "language", lang: language() === "en" ? "nl" : "en", title: t("other_language") },
        language() === "en" ? "NL" : "EN"),
      signedIn && role() && h("span", { class: "quiet role" }, t(`role_${role()}`)),
      signedIn && h("button", { type: "button", class: "plain", "data-do": "leave" }, t("sign_out"))));
  drawClock();
}

function drawClock() {
  const element = document.getElementById("clock");
  if (!element || !clockKnown()) return;
  const at = now();
  const isOdd = clockRate() !== 1 || Math.abs(at - Date.now()) > 120e3;
  show(element, h("time", { title: utcText(Math.floor(at / 1000) * 1000) }, `${dayText(at)} ${clockRate() > 1 ? clockText(at) : clockSecondsText(at)}`),
    isOdd && h("span", { class: "tag", title: clockRate() === 1 ? t("simulated_slow") : t("simulated", clockRate()) },
      clockRate() === 1 ? ["≠", h("span", { class: "spare" }, ` ${t("other_time")}`)] : `${clockRate()}×`));
}

function drawFoot() {
  show(foot, h("span", null, t("about")), h("a", { href: "openapi.yaml" }, t("api")), h("a", { href: "page/uplot-licence.txt" }, t("licences")));
  document.getElementById("skip").textContent = t("skip");
  document.documentElement.lang = language();
}

function drawToken() {
  document.title = t("title");
  show(main, h("form", { class: "card token", "data-do": "token", "data-key": "token" },
    h("h1", null, t("token_title")),
    h("p", null, t("token_text"), " ", h("code", null, "socmod-admin token --name NAME --role auditor --days 30")),
    refusal && h("p", { class: "warning", role: "alert" }, refusal),
    h("label", null, t("token_label"),
      h("input", { type: "password", name: "token", required: true, autocomplete: "off", spellcheck: "false" })),
    h("button", { type: "submit", class: "main" }, t("token_go"))));
  main.querySelector("input")?.focus();
}

function askForToken(why) {
  refusal = why;
  token.forget();
  following?.abort();
  following = null;
  leaveView();
  drawHead();
  drawToken();
}

function troubleText(error) {
  if (error.status === 403 && role() === "metrics") return t("trouble_metrics");
  if (!(error instanceof Trouble)) return t("trouble_other", error.message);
  return [0, 403, 404, 429, 503].includes(error.status) ? t(`trouble_${error.status}`) : t("trouble_other", `${error.status} ${error.message}`);
}

function context(visit) {
  return { state: visit.state, redraw: () => draw(visit), reload: () => load(visit) };
}

function draw(visit) {
  if (visit !== current) return;
  document.title = `${visit.view.title(visit.params)} · ${t("title")}`;
  if (visit.data) {
    const notice = visit.error && h("div", { class: "notice", role: "alert", "data-key": "notice" },
      `${troubleText(visit.error)} ${t("stale", clockSecondsText(visit.loadedAt))}`);
    show(main, notice, visit.view.draw(visit.data, context(visit)));
    visit.view.mounted?.(visit.data, context(visit));
  } else if (visit.error) {
    show(main, h("div", { class: "empty", role: "alert" }, h("h1", null, visit.error.status === 404 ? t("trouble_404") : t("trouble")),
      h("p", null, visit.error.status === 404 ? null : troubleText(visit.error)),
      h("p", null, h("button", { type: "button", "data-do": "again" }, t("again")))));
  } else {
    show(main, loadingMark());
  }
}

const PASSING = new Set([0, 429, 500, 503]);

function failed(visit, error) {
  if (error.status === 401) {
    askForToken(t("token_refused"));
    return;
  }
  if (!(error instanceof Trouble)) console.error(error);
  visit.error = error;
  draw(visit);
  if (PASSING.has(error.status)) schedule(visit, Math.max(error.waitSeconds ?? 0, 3) * 1000);
}

// Where the service could not say so before.
async function readRole() {
  await readToken();
  drawHead();
}

async function load(visit) {
  if (visit !== current) return;
  if (visit.loading) {
    visit.dirty = true;
    return;
  }
  visit.loading = true;
  clearTimeout(visit.timer);
  visit.timer = null;
  try {
    if (!role()) await readRole();
    visit.data = await visit.view.load(visit.params, visit.abort.signal, visit.state);
    visit.error = null;
    visit.loadedAt = now();
    visit.loading = false;
    draw(visit);
    schedule(visit, visit.dirty ? LEAST_MS : IDLE_MS);
  } catch (error) {
    visit.loading = false;
    if (error.name !== "AbortError" && visit === current) failed(visit, error);
  }
  visit.dirty = false;
}

function schedule(visit, ms) {
  const due = performance.now() + ms;
  if (visit.timer && visit.due <= due) return;
  clearTimeout(visit.timer);
  visit.due = due;
  visit.timer = setTimeout(() => load(visit), ms);
}

function leaveView() {
  if (!current) return;
  current.abort.abort();
  clearTimeout(current.timer);
  current.view.left?.(context(current));
  current = null;
}

function visit() {
  const { name, params } = place();
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : null;
  leaveView();
  if (!view) {
    show(main, empty(t("no_such_page")));
    drawHead();
    return;
  }
  current = { name, view, params, state: {}, data: null, error: null, abort: new AbortController() };
  drawHead();
  main.replaceChildren();
  draw(current);
  scrollTo(0, 0);
  load(current);
}

function follow() {
  following?.abort();
  following = new AbortController();
  listen((kinds) => {
    if (!current || document.hidden) {
      if (current) current.missed = true;
      return;
    }
    if (current.data && (!kinds || kinds.some((kind) => current.view.kinds.includes(kind)))) {
      if (current.loading) current.dirty = true;
      else schedule(current, LEAST_MS);
    }
  }, (state) => {
    if (state === connectionState) return;
    connectionState = state;
    drawHead();
    if (state !== "live") say(t(`${state}_long`));
  }, following.signal);
}

function start() {
  drawFoot();
  takeToken();
  if (!token.get()) {
    drawHead();
    drawToken();
    return;
  }
  refusal = null;
  Promise.all([readClock(), readToken()]).catch((error) => error).then((error) => {
    if (error?.status === 401) {
      askForToken(t("token_refused"));
      return;
    }
    visit();
    follow();
  });
}

const DOES = {
  zone: () => { zone.toggle(); drawHead(); if (current) { rebuildChart(); draw(current); } },
  language: () => { toggleLanguage(); drawFoot(); drawHead(); if (current) { main.replaceChildren(); rebuildChart(); draw(current); } else if (!token.get()) drawToken(); },
  leave: () => { location.hash = "#/"; askForToken(null); },
  again: () => current && load(current),
};

// A chart draws its words by itself.
function rebuildChart() {
  current.view.left?.(context(current));
}

async function act(event) {
  const element = event.target.closest("[data-do]");
  if (!element || element.tagName === "FORM") return;
  if ((event.type === "input") !== (element.tagName === "INPUT")) return;
  const what = element.dataset.do;
  try {
    await (DOES[what] ?? current?.view.does?.[what])?.(element, current && context(current));
  } catch (error) {
    if (error.name !== "AbortError" && current) failed(current, error);
  }
}

document.addEventListener("click", act);
document.addEventListener("input", act);
document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  if (event.target.dataset.do === "token") {
    token.set(form.get("token").trim());
    start();
  } else {
    location.hash = `#/search/${encodeURIComponent(form.get("words").trim())}`;
    event.target.reset();
  }
});
addEventListener("hashchange", () => {
  const before = token.get();
  takeToken();
  if (token.get() !== before) start();
  else if (token.get()) {
    visit();
    main.focus({ preventScroll: true });
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && current?.missed) {
    current.missed = false;
    load(current);
  }
});
setInterval(drawClock, 1000);
start();
