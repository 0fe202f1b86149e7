// SPDX-License-Identifier: Apache-2.0
// Why something was decided, refused or found: the programs store it in English, here it is in Dutch too.
// A text that is not known, of a device or a person, is shown as it is.

import { clockText, dayText, kilowatt } from "./format.js";
import { language, told } from "./text.js";

// What stands between two "; " or ": " of a text, as the program's own format has it, and in Dutch.
// English: %d a number, %s anything. Dutch, in the same order: %d the number, %w the number of watts as
// power, %t a time, %s what it says in Dutch. The first that fits holds.
const PHRASES = [
  // The planner: what bound a connection
  ["limited by hand (number %d) to %d W until %s", "met de hand begrensd (nummer %d) op %w tot %t"],
  ["no measurement of the last two hours %s", "geen meting van de laatste twee uur %s"],
  ["in a busy hour", "in een druk uur"],
  ["where a limit was set by hand", "waar met de hand een grens is gesteld"],
  ["careful limit", "voorzichtige grens"],
  ["no car, but others at %s are held below %d W", "geen auto, maar andere aan %s blijven onder %w"],
  ["a newcomer starts low", "wie erbij komt begint laag"],
  ["%s has %d W left, they are expected to draw %d W", "%s heeft %w over, zij nemen naar verwachting %w af"],
  ["%s has %d W left%s, cars want %d W", "%s heeft %w over%s, auto's willen %w"],
  ["less than the floors need", "minder dan de ondergrenzen vragen"],
  ["held at its floor", "op de ondergrens gehouden"],
  ["shared by how long each has been charging", "verdeeld naar hoe lang elk al laadt"],
  ["less than 6 A left for each", "minder dan 6 A over voor elk"],
  ["its turn to pause", "aan de beurt om te pauzeren"],
  ["nobody hears what chargers draw here", "niemand hoort wat laadpalen hier afnemen"],
  ["its last message has not arrived", "het laatste bericht is niet aangekomen"],
  ["its meter took a message less than %d s ago", "de meter kreeg minder dan %d s geleden een bericht"],
  ["counted at what it holds", "geteld voor wat nu geldt"],
  ["there is room for what it asks", "er is ruimte voor wat gevraagd wordt"],
  // and what was done
  ["%d W per phase is on its way", "%w per fase is onderweg"],
  ["from %d to %d W per phase", "van %w naar %w per fase"],
  ["not limited", "niet begrensd"],
  ["keeps %d W per phase, %d more is not worth a message", "houdt %w per fase, %w meer is geen bericht waard"],
  ["keeps %d W per phase, which fits", "houdt %w per fase, dat past"],

  // The gateway: which limit holds
  ["period %d of %d", "periode %d van %d"],
  ["code %s", "code %s"],
  ["the profile sets no power", "het profiel stelt geen vermogen in"],
  ["no valid profile", "geen geldig profiel"],
  ["it begins at %s", "het begint op %t"],
  ["the last one ended at %s", "het laatste liep af op %t"],
  ["the message is empty", "het bericht is leeg"],
  ["the message on P1 has ended", "het bericht op P1 is afgelopen"],
  ["the code is \"%s\"", "de code is \"%s\""],
  ["no trustworthy telegram for %d s", "al %d s geen betrouwbaar telegram"],
  ["waiting for a message that stands still", "wacht op een bericht dat stilstaat"],
  ["waiting for a trustworthy telegram", "wacht op een betrouwbaar telegram"],
  ["no message stands still on P1", "op P1 staat geen bericht stil"],
  ["no certain time for the profile", "geen zekere tijd voor het profiel"],
  ["it is not judged yet", "het is nog niet beoordeeld"],
  ["no telegram has told the time yet", "nog geen telegram gaf de tijd"],
  ["the system clock is not set", "de systeemklok is niet gelijkgezet"],
  ["the meter's clock is not set", "de klok van de meter is niet gelijkgezet"],
  ["the telegram tells no time", "het telegram geeft geen tijd"],
  ["the meter's clock and the system's differ", "de klok van de meter en die van het systeem verschillen"],
  ["the time jumped by %d s", "de tijd versprong %d s"],
  // a message refused
  ["period %d", "periode %d"],
  ["%d W is above the contract of %d W", "%w is meer dan het contract van %w"],
  ["ended at %s", "afgelopen op %t"],
  ["not sealed for this meter by a known key", "niet voor deze meter verzegeld met een bekende sleutel"],
  ["the seal has no sequence number", "het zegel heeft geen volgnummer"],
  ["older than the newest sealed message", "ouder dan het nieuwste verzegelde bericht"],
  ["the sequence number of another message", "het volgnummer van een ander bericht"],
  ["sealed by a key that is not good yet", "verzegeld met een sleutel die nog niet geldt"],
  ["sealed by a key that is not good any more", "verzegeld met een sleutel die niet meer geldt"],
  ["the CRC does not match", "de CRC klopt niet"],
  ["no CRC", "geen CRC"],
  ["a CRC of fewer than four digits", "een CRC van minder dan vier cijfers"],
  ["no version, or an unknown one", "geen versie, of een onbekende"],
  ["no message line", "geen regel met een bericht"],
  ["more than one message line", "meer dan één regel met een bericht"],
  ["a message that is not pairs of hex digits", "een bericht dat niet uit paren hexcijfers bestaat"],
  ["a message of more than 1024 octets", "een bericht van meer dan 1024 octetten"],
  ["empty", "leeg"],
  ["foreign", "vreemd"],
  ["malformed", "onjuist"],
  ["profile", "profiel"],
  ["longer than 1024 octets", "langer dan 1024 octetten"],
  ["octets that are not ASCII text", "octetten die geen ASCII-tekst zijn"],
  ["nested too deep", "te diep genest"],
  ["not JSON at octet %d", "geen JSON bij octet %d"],
  ["not EBGDirectControl", "niet EBGDirectControl"],
  ["both Period and Periods", "zowel Period als Periods"],
  ["missing", "ontbreekt"],
  ["unknown", "onbekend"],
  ["sets nothing", "stelt niets in"],
  ["not an object", "geen object"],
  ["not a list", "geen lijst"],
  ["not a number", "geen getal"],
  ["not a whole number", "geen geheel getal"],
  ["not a time as YYMMDDhhmmss and S or W", "geen tijd als YYMMDDhhmmss en S of W"],
  ["no such time", "zo'n tijd bestaat niet"],
  ["%d of them", "%d stuks"],
  ["%d is not in %d to %d", "%d ligt niet in %d tot %d"],
  ["not in %d to %d", "niet in %d tot %d"],
  ["not after the one before", "niet na de vorige"],
  ["before valid_from, which only the first may be", "voor valid_from, wat alleen de eerste mag"],
  ["not before valid_to", "niet voor valid_to"],
  ["not after valid_from", "niet na valid_from"],
  // a charger that does not confirm
  ["the charger does not confirm", "de laadpaal bevestigt niet"],
  ["connect", "verbinden"],
  ["probe", "verkennen"],
  ["write of the limit", "schrijven van de grens"],
  ["write of the switch", "schrijven van de schakelaar"],
  ["write of the token", "schrijven van het teken van leven"],
  ["read back of the limit", "teruglezen van de grens"],
  ["read of the limit that holds", "lezen van de geldende grens"],
  ["read back %s after writing %d", "teruggelezen %s na schrijven van %d"],
  ["holds %s after writing %d", "houdt %s na schrijven van %d"],
  ["no number", "geen getal"],
  ["register %d shows %s, not %d to %d", "register %d toont %s, niet %d tot %d"],
  ["is it a %s?", "is het een %s?"],
  ["exception %d, %s", "uitzondering %d, %s"],
  ["illegal function", "functie onbekend"],
  ["illegal data address", "adres onbekend"],
  ["illegal data value", "waarde niet toegestaan"],
  ["device failure", "storing in het apparaat"],
  ["acknowledge", "bevestigd"],
  ["device busy", "apparaat bezet"],
  ["negative acknowledge", "niet bevestigd"],
  ["memory parity", "pariteit van het geheugen"],
  ["gateway path", "pad van de tussenpost"],
  ["gateway target", "doel van de tussenpost"],

  // Attempts of a delivery
  ["%d round trips, %d octets%s", "%d keer heen en weer, %d octetten%s"],
  ["counter of the meter read", "teller van de meter gelezen"],
  ["diagnostic %d", "diagnose %d"],
  ["release %s", "afsluiten %s"],
  ["about another message", "over een ander bericht"],
  ["verified without a digest", "gecontroleerd zonder digest"],
  ["the meter holds another text", "de meter houdt een andere tekst"],
  ["unknown status", "onbekende status"],
  ["not of the agreed form", "niet in de afgesproken vorm"],
  ["not JSON, or too long", "geen JSON, of te lang"],
  ["no answer from the head-end", "geen antwoord van de head-end"],
  ["not known to have left", "onbekend of het vertrokken is"],
  ["not connected", "niet verbonden"],
  ["the program ends", "het programma stopt"],

  // Measurements marked or refused
  ["%d W is beyond 2.5 times the rating of %d W", "%w is meer dan 2,5 keer het nominale vermogen van %w"],
  ["%d mV is no low voltage", "%d mV is geen laagspanning"],
  ["%d W is more than voltage times current, %d VA", "%w is meer dan spanning maal stroom, %d VA"],
  ["its sender says \"%s\"", "de afzender zegt \"%s\""],
  ["the same values for more than %d quarters", "meer dan %d kwartieren dezelfde waarden"],
  ["no phase is known", "geen enkele fase is bekend"],
  // of a member, which stands before it, or of the whole
  ["%sis not the start of a quarter hour", "%sis niet het begin van een kwartier"],
  ["%shas not ended yet", "%sis nog niet voorbij"],
  ["%sis too long ago", "%sis te lang geleden"],
  ["%sis not dali/<transformer>/<feeder>/quarter", "%sis niet dali/<transformer>/<feeder>/quarter"],
  ["%sdoes not name a transformer", "%snoemt geen transformator"],
  ["%sdoes not name a feeder", "%snoemt geen kabel"],
  ["%sis missing", "%sontbreekt"],
  ["%sis missing or no text", "%sontbreekt of is geen tekst"],
  ["%sis no such time", "%sis geen bestaande tijd"],
  ["%sis not a time like 2026-01-14T16:00:00Z", "%sis geen tijd als 2026-01-14T16:00:00Z"],
  ["%sis not a JSON object", "%sis geen JSON-object"],
  ["%sis not JSON", "%sis geen JSON"],
  ["line %d column %d", "regel %d kolom %d"],
  ["%sis not a list of three", "%sis geen lijst van drie"],
  ["%sis neither a number nor null", "%sis geen getal en niet null"],
  ["%sis neither true nor false", "%sis niet true of false"],
  ["%sis out of range", "%sligt buiten het bereik"],
  ["%sis not a word", "%sis geen woord"],
  ["%sis not a word that is known", "%sis geen bekend woord"],
  ["%sis no text", "%sis geen tekst"],
  ["%sis not a SHA-256 in lower-case hex", "%sis geen SHA-256 in kleine hexcijfers"],
  ["%sis too long", "%sis te lang"],
  ["topic is not one of ours", "topic is niet van ons"],
  ["feeder is of another transformer", "kabel hoort bij een andere transformator"],
  ["feeder is not in the grid", "kabel staat niet in het net"],
  ["meter is not in the grid", "meter staat niet in het net"],

  // The trail's seal
  ["changed", "gewijzigd"],
  ["inserted", "ingevoegd"],
  ["reordered", "verplaatst"],
  ["missing, with all up to %d", "ontbreekt, met alles tot en met %d"],
  ["its hash is not that of what it says behind the event before", "de hash past niet bij wat er staat achter de vorige gebeurtenis"],
  ["the shard's head has another hash for its last event", "de stand van de shard heeft een andere hash voor de laatste gebeurtenis"],
  ["it was never sealed here, and the others follow without it", "hier nooit verzegeld, en de andere volgen zonder deze"],
  ["the event sealed here is gone, and those behind were renumbered", "de hier verzegelde gebeurtenis is weg, en de latere zijn hernummerd"],
  ["it was sealed as sequence %d", "verzegeld als volgnummer %d"],
  ["here belongs the event that is now sequence %d", "hier hoort de gebeurtenis die nu volgnummer %d is"],
  ["the end is cut off", "het eind is afgesneden"],
  ["there is no such shard", "zo'n shard is er niet"],
  ["the shard ends at %d", "de shard eindigt bij %d"],
  ["all up to %d was retired", "alles tot en met %d is opgeruimd"],
  ["all up to sequence %d is gone, and no signed head says it was retired", "alles tot en met volgnummer %d is weg, en geen getekende stand zegt dat het is opgeruimd"],
  ["signed head %d of %s in %s", "getekende stand %d van %t in %s"],
  ["signed head %d of %s", "getekende stand %d van %t"],
  ["signed head %d in %s", "getekende stand %d in %s"],
  ["the database", "de database"],
  ["no such text", "zo'n tekst bestaat niet"],
  ["it does not follow number %d", "deze volgt niet op nummer %d"],
  ["not signed by a key that is trusted", "niet getekend met een vertrouwde sleutel"],
  ["the database has not that head", "de database heeft die stand niet"],
  ["shard %d had the hash %s at sequence %d, and now has %s", "shard %d had hash %s bij volgnummer %d, en heeft nu %s"],
  ["it was written anew, there or before", "daar of eerder is opnieuw geschreven"],
  ["none", "geen"],
  ["shard %d is gone, which reached sequence %d", "shard %d is weg, die tot volgnummer %d kwam"],
  ["shard %d began behind sequence %d, and now behind %d", "shard %d begon na volgnummer %d, en nu na %d"],
  ["shard %d is cut off", "shard %d is afgesneden"],
  ["shard %d %s", "shard %d %s"],
  ["shard %d", "shard %d"],
  ["sequence %d (id %d)", "volgnummer %d (id %d)"],
  ["sequence %d", "volgnummer %d"],
  ["it reached sequence %d, and now ends at %d", "kwam tot volgnummer %d, en eindigt nu bij %d"],

  // A place, a number
  ["feeder %s", "kabel %s"],
  ["transformer %s", "transformator %s"],
  ["%d", "%d"],
];

const SLOT = /%[dswt]/g;
const SLOTS = { "%d": "(-?\\d+)", "%s": "(.*?)" };
const patternOf = (english) =>
  new RegExp(`^${english.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(SLOT, (slot) => SLOTS[slot])}$`);
const phrases = PHRASES.map(([english, dutch]) => [patternOf(english), dutch]);

function timeOf(text) {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : `${dayText(ms)} ${clockText(ms)}`;
}

// To the watt.
const powerOf = (text) => kilowatt(Number(text), text.endsWith("0") ? 2 : 3);

const SHOWN = { "%d": (text) => text, "%w": powerOf, "%t": timeOf, "%s": inDutch };

// One phrase; null: not known.
function phraseInDutch(text) {
  for (const [pattern, dutch] of phrases) {
    const values = pattern.exec(text)?.slice(1);
    if (values) return dutch.replace(SLOT, (slot) => SHOWN[slot](values.shift()));
  }
  const cause = told("cause_", text);
  return cause === text ? null : cause;
}

// Also a list, where all of it is known: a comma in what a device says divides nothing.
function listInDutch(text) {
  const parts = text.split(", ").map((part) => (part ? phraseInDutch(part) : part));
  return parts.includes(null) ? text : parts.join(", ");
}

function inDutch(text) {
  return text.split(/(; |: )/).map((part) => phraseInDutch(part) ?? listInDutch(part)).join("");
}

// What a program of ours said, in the language of the reader.
export const reasonText = (text) => (text && language() === "nl" ? inDutch(text) : text);
