// SPDX-License-Identifier: Apache-2.0
// What the planner says, in Dutch: nothing of the English is left, every number and place is still there.
//
//   node dutch.mjs FOLDER <TEXTS      FOLDER: the page's scripts, as modules; TEXTS: one a line
import fs from "node:fs";
import { pathToFileURL } from "node:url";

globalThis.localStorage = { getItem: (name) => (name === "socmod.language" ? "nl" : null) };
const { reasonText } = await import(pathToFileURL(`${process.argv[2]}/reasons.js`));
const faults = [];
const must = (is, what) => is || faults.push(what);

// A number as it stands, or as power in kilowatts to the watt.
const isThere = (number, dutch) => dutch.includes(number) || dutch.includes(`${(number / 1000).toFixed(3).replace(/0$/, "").replace(".", ",")}\u00a0kW`);

const texts = fs.readFileSync(0, "utf8").split("\n").filter(Boolean);
for (const text of texts) {
  const dutch = reasonText(text);
  for (const part of text.split(/; |: /)) must(!dutch.includes(part), `left in English: ${part} in ${dutch}`);
  for (const number of text.replace(/\S+T\S+Z|\b[FTL]\d+|\b6 A/g, "").match(/\d+/g) ?? []) must(isThere(number, dutch), `${number} is lost: ${dutch}`);
  for (const place of text.match(/\b[FT]1 L\d/g) ?? []) must(dutch.includes(place), `${place} is lost: ${dutch}`);
}
must(texts.length >= 40, `only ${texts.length} texts`);

const CASES = {
  "feeder Zuid: 7 L2 has -1234 W left, cars want 22080 W: held at its floor; not limited":
    "kabel Zuid: 7 L2 heeft -1,234\u00a0kW over, auto's willen 22,08\u00a0kW: op de ondergrens gehouden; niet begrensd",
  "the charger does not confirm: 10.0.0.7: write of the limit: exception 3, illegal data value":
    "de laadpaal bevestigt niet: 10.0.0.7: schrijven van de grens: uitzondering 3, waarde niet toegestaan",
  "the charger does not confirm: write of the limit: Connection timed out": "de laadpaal bevestigt niet: schrijven van de grens: Connection timed out",
  "malformed: Body.Period[2].MxPwr: not in 0 to 100000": "onjuist: Body.Period[2].MxPwr: niet in 0 tot 100000",
  "12 round trips, 300 octets, closed, counter of the meter read: 5, diagnostic 3":
    "12 keer heen en weer, 300 octetten, verbinding brak af, teller van de meter gelezen: 5, diagnose 3",
  "shard 3 sequence 5 (id 7): reordered: it was sealed as sequence 9": "shard 3 volgnummer 5 (id 7): verplaatst: verzegeld als volgnummer 9",
  "p_w is missing": "p_w ontbreekt",
  "is not JSON: line 1 column 4: invalid token": "is geen JSON: regel 1 kolom 4: invalid token",
  "cable is hot, call Jan": "cable is hot, call Jan",
  "": "",
};
for (const [text, dutch] of Object.entries(CASES)) must(reasonText(text) === dutch, `${text}\n  is ${reasonText(text)}\n  not ${dutch}`);

for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
