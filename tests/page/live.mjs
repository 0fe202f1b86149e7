// SPDX-License-Identifier: Apache-2.0
// The page during the demo, opened once and left alone: it shows the overload coming, the limits and
// the deliveries, each without being asked again.
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

async function see(what, page, text, seconds) {
  await page.getByText(text).first().waitFor({ timeout: seconds * 1000 });
  console.log(`seen: ${what}`);
}

let failed = null;
try {
  const overview = await open("#/"), street = await open("#/transformer/T1"), deliveries = await open("#/deliveries");
  await see("live", overview, "Live", 10);
  await see("the overload coming, and control", overview, "Congested, steering", 60);
  await see("what control removes", street, /removed by control [0-9.]+.kW/, 20);
  await see("a profile applied", deliveries, "Applied", 20);
  await see("chargers limited", street, "Limited", 20);
  await overview.getByText("Chargers limited now").locator("..").getByText(/^[1-9][0-9]*/).first().waitFor({ timeout: 20000 });
  const before = await overview.locator("td time").first().textContent();
  await overview.waitForFunction((old) => document.querySelector("td time").textContent !== old, before, { timeout: 20000 });
  console.log("seen: the next quarter hour");
  for (const page of [overview, street, deliveries])
    if (!(await page.evaluate(() => globalThis.opened))) throw new Error("a page was loaded again");
  await overview.screenshot({ path: `${folder}/live-overview.png` });
  await street.screenshot({ path: `${folder}/live-transformer.png` });
  if (messages.length) throw new Error(`console: ${messages.join("; ")}`);
} catch (error) {
  failed = error;
}
await browser.close();
if (failed) console.error(`FAULT live: ${failed.message}`);
process.exit(failed ? 1 : 0);
