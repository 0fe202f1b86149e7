// SPDX-License-Identifier: Apache-2.0
// The page during the demo, opened once and left alone: it shows the hours ahead with their band, the
// overload coming, the limits, the deliveries, and one charger as sent, seen and applied, each without being
// asked again.
//
//   node live.mjs URL TOKEN FOLDER
import { chromium } from "playwright-core";

const [url, token, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const messages = [];

async function open(hash) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Amsterdam", locale: "en-GB" });
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) messages.push(m.text()); });
  page.on("pageerror", (error) => messages.push(error.stack));
  await page.goto(`${url}/#token=${token}`);
  await page.waitForSelector("main h1");
  await page.goto(`${url}/${hash}`);
  await page.evaluate(() => { globalThis.opened = true; }); // gone if the page is loaded again
  return page;
}

async function see(what, place, seconds) {
  await place.first().waitFor({ timeout: seconds * 1000 });
  console.log(`seen: ${what}`);
}

// A number in a cell or a tile that grows beyond one.
async function seeAbove(what, page, selector, least, seconds) {
  await page.waitForFunction(([place, most]) => parseFloat(document.querySelector(place)?.textContent) > most, [selector, least],
    { timeout: seconds * 1000 });
  console.log(`seen: ${what}`);
}

const AHEAD = '[data-label="Hours ahead"] strong';
let failed = null;
try {
  const overview = await open("#/"), street = await open("#/transformer/T1"), deliveries = await open("#/deliveries");
  await see("live", overview.getByText("Live", { exact: true }), 10);
  await see("hours ahead", overview.locator(AHEAD), 60);
  await street.getByText("Hours ahead as table").click();
  await see("the band of the hours ahead", street.locator("details[data-key=ahead] tbody td").getByText(/[0-9.]+.kW … [0-9.]+.kW/), 20);
  await seeAbove("the overload coming", overview, AHEAD, 100, 90);
  await see("control", overview.getByText("Congested, steering"), 60);
  await see("the limit, and what control removes", street.getByText(/removed by control [0-9.]+.kW/), 60);
  await see("by what load is foreseen", street.getByText("regression"), 20);
  await see("a profile applied", deliveries.locator("tbody").getByText("Applied", { exact: true }), 60);
  await see("chargers limited", street.locator("tbody").getByText("Limited", { exact: true }), 60);
  await seeAbove("how many are limited", overview, ".tile.near dd", 0, 60);
  const link = await deliveries.locator('tbody tr:has-text("Applied") a[href^="#/connection/"]').first().getAttribute("href");
  const charger = await open(link);
  for (const head of ["Sent", "Seen on P1", "Applied"])
    await see(`one charger: ${head}`, charger.locator(".fate.done").getByRole("heading", { name: head, exact: true }), 60);
  const before = await overview.locator("td time").first().textContent();
  await overview.waitForFunction((old) => document.querySelector("td time").textContent !== old, before, { timeout: 60000 });
  console.log("seen: the next quarter hour");
  for (const page of [overview, street, deliveries, charger])
    if (!(await page.evaluate(() => globalThis.opened))) throw new Error("a page was loaded again");
  await overview.screenshot({ path: `${folder}/live-overview.png` });
  await charger.screenshot({ path: `${folder}/live-connection.png` });
  await street.screenshot({ path: `${folder}/live-transformer.png` });
  if (messages.length) throw new Error(`console: ${messages.join("; ")}`);
} catch (error) {
  failed = error;
}
await browser.close();
if (failed) console.error(`FAULT live: ${failed.message}`);
process.exit(failed ? 1 : 0);
