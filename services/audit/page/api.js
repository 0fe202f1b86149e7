// SPDX-License-Identifier: Apache-2.0
// Asking the audit API, with the token of this tab; and hearing what happens now.

const TOKEN = "socmod.token";

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set(text) {
    token.forget();
    sessionStorage.setItem(TOKEN, text);
  },
  // With it goes what it was given.
  forget() {
    sessionStorage.removeItem(TOKEN);
    held.clear();
    bearer = null;
  },
};

// What the API did not give: status 0 when it cannot be reached at all.
export class Trouble extends Error {
  constructor(status, problem, waitSeconds) {
    super(problem?.detail ?? problem?.title ?? "");
    this.status = status;
    this.waitSeconds = waitSeconds;
  }
}

// Answers with their tags, the latest used last: asked again, most have not changed.
const held = new Map();
const HELD_MAX = 200;

function hold(path, tag, data) {
  held.delete(path);
  held.set(path, { tag, data });
  if (held.size > HELD_MAX) held.delete(held.keys().next().value);
}

function headers(more) {
  return { Authorization: `Bearer ${token.get() ?? ""}`, ...more };
}

async function troubleOf(answer) {
  const problem = await answer.json().catch(() => null);
  return new Trouble(answer.status, problem, Number(answer.headers.get("Retry-After")) || 0);
}

export async function get(path, signal) {
  const old = held.get(path);
  let answer;
  try {
    answer = await fetch(path, {
      headers: headers(old ? { "If-None-Match": old.tag } : {}),
      cache: "no-store",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0);
  }
  if (answer.status === 304) {
    hold(path, old.tag, old.data);
    return old.data;
  }
  if (!answer.ok) throw await troubleOf(answer);
  const data = await answer.json();
  const tag = answer.headers.get("ETag");
  if (tag) hold(path, tag, data);
  return data;
}

// The same, but null for what there is not.
export async function find(path, signal) {
  try {
    return await get(path, signal);
  } catch (error) {
    if (error.status === 404 || error.status === 400) return null;
    throw error;
  }
}

// path?name=value&..., without the values that are null.
export function ask(path, values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value != null && value !== "") query.set(name, value);
  return query.size ? `${path}?${query}` : path;
}

// All items of a list, page by page; at most max.
export async function all(path, values, signal, max = 5000) {
  const items = [];
  let cursor = null;
  do {
    const page = await get(ask(path, { ...values, limit: 1000, cursor }), signal);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < max);
  return items;
}

// The clock of the service: in a simulation it is not ours.
const clock = { at: Date.now(), rate: 1, got: performance.now(), known: false };

function setClock(told) {
  clock.at = Date.parse(told.at);
  clock.rate = told.rate;
  clock.got = performance.now();
  clock.known = true;
}

export function now() {
  return clock.at + (performance.now() - clock.got) * clock.rate;
}

export const clockKnown = () => clock.known;
export const clockRate = () => clock.rate;

// Whose token this is: {name, role, expires}; nothing may be known yet.
const READERS = ["auditor", "operator"]; // who may read of single connections
let bearer = null;
export const role = () => bearer?.role ?? null;
export const mayReadConnections = () => READERS.includes(role());
export const mayOperate = () => role() === "operator";

export async function readToken() {
  bearer = await get("v1/token");
}

export async function readClock() {
  const answer = await fetch("healthz", { cache: "no-store" });
  setClock((await answer.json()).clock);
}

const POLL_MS = 5000;
const SILENCE_MS = 15000; // the stream tells the time each five seconds
const RETRY_MS = [1000, 2000, 4000, 8000];

// Events of a stream that has this text in it: [{event, data}], and the rest that is not complete.
function parseEvents(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop();
  const events = blocks.map((block) => {
    const event = { event: "message", data: "" };
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon);
      if (colon > 0 && name in event) event[name] = line.slice(colon + 1).trimStart();
    }
    return event;
  });
  return { events, rest };
}

async function follow(onEvent, signal) {
  const silence = new AbortController();
  const signals = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const answer = await fetch("v1/stream", { headers: headers(), cache: "no-store", signal: signals });
  if (!answer.ok) {
    clearTimeout(timer);
    throw await troubleOf(answer);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const { events, rest } = parseEvents(text + value);
      text = rest;
      events.forEach(onEvent);
    }
  } finally {
    clearTimeout(timer);
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// From now on call onChange(kinds) when rows of these kinds have news (null: perhaps of any), and
// onState("live" | "polling" | "lost"). Where the stream does not come through, ask each five seconds.
export async function listen(onChange, onState, signal) {
  let failures = 0;
  while (!signal.aborted) {
    let heard = false;
    try {
      await follow(({ event, data }) => {
        if (!heard) {
          heard = true;
          failures = 0;
          onState("live");
          onChange(null); // what was missed meanwhile
        }
        if (event === "clock") setClock(JSON.parse(data));
        if (event === "change") onChange(JSON.parse(data));
      }, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401 || error.status === 403) {
        onState("lost");
        onChange(null); // which asks for a token
        return;
      }
    }
    if (heard) continue; // ended by the other side: it does so every few minutes
    failures++;
    try {
      await readClock();
      onState("polling");
      onChange(null);
      await pause(POLL_MS);
    } catch {
      onState("lost");
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]);
    }
  }
}
