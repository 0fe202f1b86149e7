// SPDX-License-Identifier: Apache-2.0
// Each view of the page in Chromium, at desktop and phone width, light and dark: a picture of it,
// no message on the console, no serious fault by axe-core, nothing wider than the screen.
//
//   node views.mjs URL TOKEN FOLDER [WORD]     WORD: only views whose name contains it
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [url, token, folder, only = ""] = process.argv.slice(2);
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENS = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const faults = [];

async function ask(path) {
  const answer = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// What there is to look at: the newest profile that was applied, and its connection.
async function places() {
  const [transformer] = (await ask("/v1/transformers")).items;
  const [profile] = (await ask("/v1/profiles?state=applied&limit=1")).items;
  const rounds = (await ask("/v1/rounds?limit=100")).items;
  const round = rounds.find((r) => r.congested) ?? rounds[0];
  return [
    ["overview", "#/"],
    ["transformer", `#/transformer/${transformer.id}`],
    ["feeder", `#/transformer/${transformer.id}`, (page) => page.getByRole("button", { name: transformer.feeders[0] }).click()],
    ["connection", `#/connection/${profile.connection}`],
    ["deliveries", "#/deliveries"],
    ["deliveries-failed", "#/deliveries", (page) => page.locator('[data-what="failed"]').click()],
    ["profile", `#/profile/${profile.id}`],
    ["round", `#/round/${round.id}`],
    ["events", "#/events"],
    ["search", `#/search/${transformer.feeders[0]}`],
    ["search-nothing", "#/search/nowhere"],
    ["missing", "#/profile/00000000-0000-7000-8000-000000000000"],
    ["nederlands", `#/transformer/${transformer.id}`, inDutch],
    ["nederlands-round", `#/round/${round.id}`, inDutch],
    ["nederlands-connection", `#/connection/${profile.connection}`, inDutch],
    ["nederlands-profile", `#/profile/${profile.id}`, inDutch],
    ["nederlands-events", "#/events", inDutch],
    ["loading", "#/", (page) => reloadWith(page, "**/v1/transformers?**", () => {}), ".loading"],
    ["empty", "#/", (page) => reloadWith(page, "**/v1/transformers?**", (route) => route.fulfill({ json: { items: [], next: null } }))],
    ["trouble", "#/", (page) => refuse(page, "**/v1/**", 503)],
    ["sign-in", null],
  ];
}

const inDutch = (page) => page.locator('[data-do="language"]').click();

async function reloadWith(page, pattern, answer) {
  await page.route(pattern, answer);
  await page.reload();
}

const refuse = (page, pattern, status) => reloadWith(page, pattern, (route) => route.fulfill({ status, contentType: "application/problem+json",
  body: JSON.stringify({ type: "urn:socmod:problem:database", title: "Not now", status }) }));

async function judge(page, name, messages) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  for (const { id, impact, nodes } of violations)
    if (impact === "serious" || impact === "critical")
      faults.push(`${name}: axe ${id}: ${nodes.map((n) => n.target).slice(0, 3).join("; ")} ${nodes[0].failureSummary.replaceAll("\n", " ")}`);
    else console.log(`${name}: axe ${impact} ${id} ${nodes[0].target}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) faults.push(`${name}: ${wide} px wider than the screen`);
  for (const message of messages) faults.push(`${name}: console: ${message}`);
}

async function look(browser, screen, scheme, [view, hash, then, shows = "main h1"]) {
  const name = `${view}-${screen}-${scheme}`;
  const context = await browser.newContext({ viewport: SCREENS[screen], colorScheme: scheme, locale: "en-GB",
    timezoneId: "Europe/Amsterdam", deviceScaleFactor: screen === "phone" ? 2 : 1, hasTouch: screen === "phone", bypassCSP: false });
  const page = await context.newPage();
  const messages = [];
  page.on("console", (message) => {
    // Chromium itself tells each answer that is an error; those are part of these two views.
    const isTold = (view === "missing" || view === "trouble") && message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isTold) messages.push(message.text());
  });
  page.on("pageerror", (error) => messages.push(error.stack));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) messages.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(hash == null ? url : `${url}/#token=${token}`);
  if (hash != null) {
    await page.waitForSelector("h1");
    if (page.url().includes(token)) faults.push(`${name}: the token stays in the address`);
    await page.goto(`${url}/${hash}`);
    await page.waitForSelector("main h1");
    if (then) await then(page);
    await page.waitForTimeout(700);
  }
  await page.waitForSelector(shows);
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  await judge(page, name, messages);
  await context.close();
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
let count = 0;
for (const place of await places())
  for (const screen of Object.keys(SCREENS))
    for (const scheme of ["light", "dark"])
      if (`${place[0]}-${screen}-${scheme}`.includes(only)) {
        await look(browser, screen, scheme, place);
        count++;
      }
await browser.close();
for (const fault of faults) console.error(`FAULT ${fault}`);
console.log(`${count} views, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
