// SPDX-License-Identifier: Apache-2.0
// Values as a person reads them, in the language and zone of the reader.

import { h } from "./dom.js";
import { language, t } from "./text.js";

const UTC_CHOSEN = "socmod.utc";
const utcChosen = () => localStorage.getItem(UTC_CHOSEN) === "1";
export const zone = {
  isUtc: utcChosen,
  toggle: () => localStorage.setItem(UTC_CHOSEN, utcChosen() ? "0" : "1"),
};

const formats = new Map();

function format(options) {
  const key = language() + utcChosen() + JSON.stringify(options);
  if (!formats.has(key))
    formats.set(key, new Intl.DateTimeFormat(language() === "nl" ? "nl-NL" : "en-GB",
      { hourCycle: "h23", ...(utcChosen() ? { timeZone: "UTC" } : {}), ...options }));
  return formats.get(key);
}

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const CLOCK_S = { ...CLOCK, second: "2-digit" };
const DAY = { weekday: "short", day: "numeric", month: "short" };

export const clockText = (ms) => format(CLOCK).format(ms);
export const clockSecondsText = (ms) => format(CLOCK_S).format(ms);
export const dayText = (ms) => format(DAY).format(ms);

export function zoneText(ms) {
  return format({ hour: "2-digit", timeZoneName: "short" })
    .formatToParts(ms).find((part) => part.type === "timeZoneName").value;
}

export function utcText(ms) {
  return new Date(ms).toISOString().replace("T", " ").replace(/\.000Z$/, "Z").replace("Z", " UTC");
}

const sameDay = (a, b) => dayText(a) === dayText(b) && Math.abs(a - b) < 36 * 3600e3;

// A time as an element: local, UTC on hover. With the day where that is not the day of reference.
export function time(text, reference, seconds) {
  if (!text) return "–";
  const ms = Date.parse(text);
  const day = reference != null && sameDay(ms, reference) ? "" : `${dayText(ms)} `;
  return h("time", { datetime: text, title: utcText(ms) },
    day + (seconds ? clockSecondsText : clockText)(ms));
}

// The quarter hour that begins at text: "17:30–17:45".
export function quarter(text, reference) {
  if (!text) return "–";
  const ms = Date.parse(text);
  const day = reference != null && sameDay(ms, reference) ? "" : `${dayText(ms)} `;
  return h("time", { datetime: text, title: `${utcText(ms)} + 15 min` },
    `${day}${clockText(ms)}–${clockText(ms + 900e3)}`);
}

const numbers = new Map();

export function number(value, digits = 1) {
  const key = language() + digits;
  if (!numbers.has(key))
    numbers.set(key, new Intl.NumberFormat(language() === "nl" ? "nl-NL" : "en-GB",
      { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return numbers.get(key).format(value);
}

export const integer = (value) => number(value, 0);
export const kilowatt = (w, digits = 1) => (w == null ? "–" : `${number(w / 1000, digits)}\u00a0kW`);
export const percent = (ratio) => (ratio == null ? "–" : `${number(ratio * 100, 0)}\u00a0%`);

// How long: "0.4 s", "12 s", "3 min 20 s", "2 h 15 min".
export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 10) return `${number(seconds, 1)}\u00a0s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole}\u00a0s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} ${t("hour")}${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

// How long ago, coarsely, for a time that matters by its age.
export function age(seconds) {
  if (seconds < 120) return t("just_now");
  if (seconds < 5400) return t("ago", `${Math.round(seconds / 60)} min`);
  if (seconds < 172800) return t("ago", `${Math.round(seconds / 3600)} ${t("hour")}`);
  return t("ago", `${Math.round(seconds / 86400)} ${t("days")}`);
}
