// SPDX-License-Identifier: Apache-2.0
// What a reader does with the page: signing in, finding, zooming, by mouse and by keyboard, and what
// the page does when the service or its stream is not there.
//
//   node use.mjs URL TOKEN
import { chromium } from "playwright-core";

const [url, token] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const ask = async (path) => (await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } })).json();
const { items: [connection] } = await ask("/v1/connections?limit=1");
// Words that any English sentence of the page has one of, and no Dutch one.
const ENGLISH = /\b(the|and|not|for|from|with|its|has|left|by|each|no|to|on|at|limited|limit|keeps|room|seen|applied|feeder|feeders|connections?|profiles?|receipts?|chargers?)\b/i;
// Names of events and paths of the API are no words.
const NAMES = /\b[a-z]+\.[a-z_]+\b|\/v1\/\S*/g;

function must(what, is) {
  if (!is) throw new Error(what);
}

async function open(hash, given = token) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Amsterdam", locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(10000);
  await page.goto(`${url}/#token=${given}`);
  await page.waitForSelector("main h1");
  if (hash) await page.goto(`${url}/${hash}`);
  return page;
}

const scale = (page) => page.locator(".u-axis").count().then(() => page.evaluate(() => document.querySelector("#chart canvas").toDataURL().length));

const CASES = {
  async "a wrong token is told, a typed one opens"() {
    const page = await open(null, "wrong");
    await page.getByRole("alert").getByText("not accepted").waitFor();
    await page.getByLabel("Token").fill(token);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    must("the token is in the address", !page.url().includes(token));
    must("the token outlives the tab", await page.evaluate(() => !Object.values(localStorage).join().includes(sessionStorage["socmod.token"])));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").waitFor();
    must("the token stays", await page.evaluate(() => !sessionStorage["socmod.token"]));
    return page;
  },
  async "found by EAN, meter, charger"() {
    const page = await open("#/");
    for (const words of [connection.ean, connection.meter, connection.chargers[0]]) {
      await page.getByRole("searchbox", { name: "Search" }).fill(words);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**/#/connection/${connection.ean}`);
      await page.getByRole("heading", { name: connection.ean }).waitFor();
      await page.goto(`${url}/#/`);
    }
    return page;
  },
  async "the chart zooms and moves by mouse, button and key, and comes back"() {
    const page = await open("#/transformer/T1");
    const plot = page.locator("#chart .u-over").first();
    await plot.waitFor();
    const whole = await scale(page);
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 40, { steps: 5 });
    await page.mouse.up();
    const zoomed = await scale(page);
    must("a drag does not zoom", zoomed !== whole);
    await page.getByRole("button", { name: "Earlier" }).click();
    const moved = await scale(page);
    must("a button does not move", moved !== zoomed);
    await page.locator("#chart").focus();
    await page.keyboard.press("ArrowRight");
    must("a key does not move", (await scale(page)) !== moved);
    await page.keyboard.press("0");
    await page.mouse.move(5, 5);
    await page.waitForTimeout(200);
    must("0 does not show all again", (await scale(page)) === whole);
    return page;
  },
  async "what is open stays open while the page lives on"() {
    const page = await open("#/transformer/T1");
    await page.getByText("Show as table").click();
    const rows = page.locator("details tbody tr");
    await rows.first().waitFor();
    await page.getByRole("button", { name: "CET" }).click(); // all of it is drawn again
    await page.getByRole("button", { name: "UTC" }).waitFor();
    must("the table closed", await rows.first().isVisible());
    return page;
  },
  async "times in UTC, words in Dutch, kept for the next visit"() {
    const page = await open("#/transformer/T1");
    await page.getByRole("button", { name: "CET" }).click();
    await page.getByRole("button", { name: "UTC" }).waitFor();
    await page.getByRole("button", { name: "NL", exact: true }).click();
    await page.getByRole("heading", { name: "Belasting per fase tegen de grens" }).waitFor();
    await page.locator("#chart canvas").first().waitFor();
    must("the page does not say its language", await page.evaluate(() => document.documentElement.lang === "nl"));
    await page.reload();
    await page.getByRole("button", { name: "UTC" }).waitFor();
    await page.getByText("Overzicht").first().waitFor();
    return page;
  },
  async "in Dutch nothing stays in English"() {
    const { items: [transformer] } = await ask("/v1/transformers"), { items: rounds } = await ask("/v1/rounds?limit=20");
    const { items: [profile] } = await ask("/v1/profiles?state=applied&limit=1");
    const page = await open("#/");
    await page.getByRole("button", { name: "NL", exact: true }).click();
    for (const hash of ["#/", `#/transformer/${transformer.id}`, "#/deliveries", "#/events", `#/connection/${connection.ean}`,
      `#/connection/${profile.connection}`, `#/profile/${profile.id}`, ...rounds.map((round) => `#/round/${round.id}`)]) {
      await page.goto("about:blank"); // so that no heading of the view before is taken for that of this one
      await page.goto(`${url}/${hash}`);
      await page.locator("main h1").waitFor();
      const texts = await page.evaluate(() => document.body.innerText.split("\n").concat([...document.querySelectorAll("[title], [aria-label], [placeholder]")]
        .flatMap((e) => [e.title, e.getAttribute("aria-label"), e.placeholder]).filter(Boolean)));
      const english = texts.filter((text) => ENGLISH.test(text.replace(NAMES, "")));
      must(`${hash}: ${english.slice(0, 3).join("; ")}`, !english.length);
    }
    return page;
  },
  async "everything can be reached by key"() {
    const page = await open("#/");
    await page.locator("tbody a").first().waitFor();
    const reached = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.getAttribute("aria-label")));
    }
    for (const name of ["Skip to content", "Overview", "Deliveries", "Events", "Search", "NL", "Sign out", "T1"])
      must(`${name} is not reached`, reached.includes(name));
    return page;
  },
  async "asks each five seconds where the stream does not come through"() {
    const page = await open(null);
    await page.route("**/v1/stream", (route) => route.abort());
    await page.reload();
    await page.getByText("Every 5 s").waitFor();
    let asked = 0;
    page.on("request", (request) => { if (request.url().includes("/v1/transformers")) asked++; });
    await page.waitForTimeout(7500);
    must("it does not ask", asked >= 1);
    return page;
  },
  async "says so when the service is gone, shows what it had, and comes back"() {
    const page = await open("#/");
    await page.locator("tbody a").first().waitFor();
    await page.route("**/{v1,healthz}**", (route) => route.abort());
    await page.route("**/v1/**", (route) => route.abort());
    await page.evaluate(() => dispatchEvent(new HashChangeEvent("hashchange")));
    await page.getByText("The service cannot be reached").first().waitFor();
    await page.unroute("**/{v1,healthz}**");
    await page.unroute("**/v1/**");
    await page.locator("tbody a").first().waitFor({ timeout: 15000 });
    return page;
  },
};

let failed = 0;
for (const [name, run] of Object.entries(CASES)) {
  try {
    const page = await run();
    await page.context().close();
    console.log(`can: ${name}`);
  } catch (error) {
    failed++;
    console.error(`FAULT ${name}: ${error.message}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
