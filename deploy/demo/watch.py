#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The eyes of the demo: a line per quarter hour while it runs, then the summary and the verdict.

  watch.py --api URL --token-file FILE --case DIR --truth FILE --modbus-port N --planner PROGRAM
           --from TIME --to TIME

Everything about what the chain did comes from the audit API. Only what no operator can know, the
load that would have been without control, comes from the simulated street (--truth); the
registers are read from the chargers themselves, over Modbus; and what the paper's rule would have
made of the same street is found by the planner's replay. Exit 0 only if no profile was lost, every
register followed its profile and the overload fell.
"""
import argparse
import csv
import datetime as dt
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

UTC = dt.timezone.utc
QUARTER = dt.timedelta(minutes=15)
HISTORY_ENOUGH = 96  # quarters from which the planner surely foresees
FINAL = {"applied", "superseded", "expired", "refused", "failed"}


def time_of(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    def __init__(self, url, token):
        self.url, self.token = url, token

    def get(self, path):
        request = urllib.request.Request(self.url + path,
                                         headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def items(self, path):
        """All items of a list, page by page."""
        cursor, mark = None, "&" if "?" in path else "?"
        while True:
            page = self.get(path + mark + "limit=500" + (f"&cursor={cursor}" if cursor else ""))
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return


def bars(p_w, limit_w, wide=12):
    """Each phase as "34.1/40.0", marked where it is over."""
    words = []
    for power, limit in zip(p_w, limit_w or [None] * 3):
        text = "-" if power is None else f"{power / 1000:.1f}"
        text += f"/{limit / 1000:.0f}" if limit else ""
        words.append((text + ("!" if power is not None and limit and power > limit else " ")).rjust(wide))
    return "".join(words)


def print_quarter(api, transformer, quarter):
    span = f"from={stamp(quarter)}&to={stamp(quarter + QUARTER)}"
    loads = list(api.items(f"/v1/transformers/{transformer}/loads?{span}"))
    statistics = api.get(f"/v1/statistics?{span}")
    gateways = list(api.items("/v1/gateways"))
    limited = [g for g in gateways if g["mode"] == "limited"]
    safe = [g for g in gateways if g["mode"] == "safe"]
    lowest = min((g["limit_w"] for g in limited if g["limit_w"] is not None), default=None)
    load = loads[-1] if loads else {"p_w": [None] * 3, "limit_w": None}
    print(f"{stamp(quarter)[11:16]}Z {bars(load['p_w'], load['limit_w'])}"
          f"   {len(limited):3d} {len(safe):4d} {statistics['profiles']['planned']:8d}"
          f"   {'-' if lowest is None else f'{lowest / 1000:.1f} kW':>9}", flush=True)


def is_there(loads, quarter, is_late):
    """Measured at all feeders; or at some, when it is late or the next quarter hour is there."""
    first = loads and time_of(loads[0]["quarter"]) == quarter
    return first and (is_late or len(loads) > 1 or None not in loads[0]["p_w"])


def watch(api, args):
    transformer = next(api.items("/v1/transformers"))["id"]
    print(f"transformer {transformer}: kW per phase / limit, '!' is over; UTC")
    print("quarter           L1          L2          L3   lim. safe messages   lowest register limit")
    shown = time_of(args.start)
    end = time_of(args.end)
    seen_at = time.monotonic()
    while shown < end:
        span = f"from={stamp(shown)}&to={stamp(shown + 2 * QUARTER)}"
        try:
            there = list(api.items(f"/v1/transformers/{transformer}/loads?{span}"))
            if is_there(there, shown, time.monotonic() - seen_at > args.patience / 2):
                print_quarter(api, transformer, shown)
                shown += QUARTER
                seen_at = time.monotonic()
                continue
        except (urllib.error.URLError, OSError) as error:
            print(f"(audit does not answer: {error})", flush=True)
        if time.monotonic() - seen_at > args.patience:
            sys.exit(f"no measurement of {stamp(shown)} after {args.patience:.0f} s: the chain stands still")
        time.sleep(0.2)


def over(rows, limits):
    """Quarters over the limit and kWh above it: rows [(id, quarter, [w, w, w])]."""
    quarters, kwh = set(), 0.0
    for name, quarter, p_w in rows:
        for power, limit in zip(p_w, limits.get(name) or [None] * 3):
            if limit and power > limit:
                quarters.add((name, quarter))
                kwh += (power - limit) / 4000
    return len(quarters), kwh


def truth_rows(path, case, start, end):
    """The street's own account, of feeders and the transformers above them: overload with and without control,
    and the loads without chargers by (place, quarter)."""
    grid = json.loads((case / "street.json").read_text())
    limits = {x["id"]: x.get("limit_w") for x in grid["transformers"] + grid["feeders"]}
    above = {f["id"]: f["transformer"] for f in grid["feeders"]}
    sums = {"with": {}, "without": {}, "base": {}}
    with open(path, encoding="ascii") as file:
        for row in csv.DictReader(file):
            if not start <= time_of(row["quarter"]) < end:
                continue
            for kind, total in sums.items():
                p_w = [float(row[f"{kind}_l{n}_w"]) for n in (1, 2, 3)]
                for name in (row["feeder"], above[row["feeder"]]):
                    now = total.setdefault((name, row["quarter"]), [0.0] * 3)
                    total[name, row["quarter"]] = [a + b for a, b in zip(now, p_w)]
    found = {kind: over([(n, q, p) for (n, q), p in sums[kind].items()], limits) for kind in ("with", "without")}
    return found | {"base": sums["base"]}


def replay_folder(case, start, end):
    """The street, with its history, as a case of the planner's replay."""
    street = json.loads((case / "street.json").read_text())
    folder = case / "replay"
    folder.mkdir(exist_ok=True)
    of = {c["ean"]: c for c in street["connections"]}
    chargers = []
    for charger in street["chargers"]:
        connection = of[charger["connection"]]
        floor_a = connection.get("floor_w", 0) / 230 / len(connection["phases"])
        chargers.append({"id": charger["id"], "feeder": connection["feeder"], "phases": connection["phases"],
                         "max_a": charger["max_a"], "floor_a": floor_a})
    transformers = [{"id": t["id"], "limit_w": t.get("limit_w"),
                     "feeders": [f["id"] for f in street["feeders"] if f["transformer"] == t["id"]]}
                    for t in street["transformers"]]
    feeders = [{"id": f["id"], "limit_w": f.get("limit_w")} for f in street["feeders"]]
    (folder / "grid.json").write_text(json.dumps(
        {"name": "street", "timezone": "Europe/Amsterdam", "transformers": transformers, "feeders": feeders,
         "chargers": chargers}), encoding="ascii")
    (folder / "sessions.csv").write_bytes((case / "sessions.csv").read_bytes())
    header, *evening = (case / "loads.csv").read_text().splitlines(keepends=True)
    history = (case / "history.csv").read_text() or header
    (folder / "loads.csv").write_text(history + "".join(evening), encoding="ascii")
    pauses = [m.get("message_interval_s", 3600) for m in street["meters"]]
    (folder / "case.ini").write_text(f"[case]\nscore_from = {stamp(start)}\n"
                                     f"message_interval_s = {max(pauses)}\npolicies = rule\n", encoding="ascii")
    return folder


def history_quarters(case):
    with open(case / "history.csv", encoding="ascii") as file:
        return len({row["quarter"] for row in csv.DictReader(file)})


def rule_row(args, start, end):
    """Quarters over, kWh above the limit and messages of the paper's rule; None: it did not run."""
    done = subprocess.run([args.planner, "--replay", replay_folder(args.case, start, end)],
                          capture_output=True, text=True, timeout=60, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not rows:
        return None, f"the replay of the rule failed: {done.stderr.strip()[-200:]}"
    rule, days = rows[0], rows[0]["days"]
    return (round(rule["overload_quarters_per_day"] * days), rule["overload_kwh_per_day"] * days,
            round(rule["messages_per_charger_day"] * rule["charger_days"])), None


def is_final(profile):
    return profile["state"] in FINAL or profile["cause"] == "gateway-refused"


def settle(api, seconds):
    """Wait until the last messages have come to their end; the profiles as they then are."""
    until = time.monotonic() + seconds
    while True:
        profiles = list(api.items("/v1/profiles"))
        if all(is_final(p) for p in profiles) or time.monotonic() > until:
            return profiles
        time.sleep(0.5)


def read_limit_w(port):
    """Holding register 0 of a Compleo/EBG charger: its power limit in 100 W."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as charger:
        charger.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 255, 3, 0, 1))
        answer = b""
        while len(answer) < 11:
            more = charger.recv(64)
            if not more:
                raise OSError("closed")
            answer += more
        _, _, _, _, function, octets, value = struct.unpack(">HHHBBBH", answer[:11])
        if function != 3 or octets != 2:
            raise OSError("exception")
        return value * 100


def check_registers(api, args, complaints):
    """Each charger's register against what its gateway says that it should be."""
    chargers = json.loads((args.case / "street.json").read_text())["chargers"]
    registers = {}
    for n, charger in enumerate(chargers):
        try:
            registers[charger["id"]] = read_limit_w(args.modbus_port + n)
        except OSError as error:
            complaints.append(f"charger {charger['id']}: {error}")
    followed = 0
    gateways = {g["meter"]: g for g in api.items("/v1/gateways")}
    for connection in api.items("/v1/connections"):
        for charger in connection["chargers"]:
            gateway = gateways.get(connection["meter"])
            shows = registers.get(charger)
            if gateway is None:
                complaints.append(f"charger {charger}: its gateway was never heard of")
            if gateway is None or shows is None:
                continue
            want = connection["contract_w"]
            if gateway["limit_w"] is not None:
                want = min(want, gateway["limit_w"])
            if shows > want:
                complaints.append(f"charger {charger}: register says {shows} W, its gateway {want} W")
            else:
                followed += 1
    return followed


# In the life of an applied profile, what comes after what. A gateway may see a text before the head-end
# has confirmed it.
ORDER = (("measured", "arrived"), ("arrived", "planned"), ("planned", "queued"), ("queued", "written"),
         ("written", "verified"), ("queued", "seen"), ("seen", "applied"))


def stations(life):
    """The times that the life tells, in pairs: (what, when, what comes after, when)."""
    at = {step["step"]: step["at"] for step in life["steps"]}
    for earlier, later in ORDER:
        if earlier in at and later in at:
            yield earlier, at[earlier], later, at[later]
    for row in life["measured"]:
        yield "quarter hour", stamp(time_of(row["quarter"]) + QUARTER), "its arrival", row["arrived"]
    number, before = "its place in the queue", at.get("queued")
    for attempt in life["attempts"]:
        if before:
            yield number, before, f"attempt {attempt['number']}", attempt["started"]
        number, before = f"attempt {attempt['number']}", attempt["finished"]
        yield number, attempt["started"], "its end", before
    for receipt in life["receipts"]:
        yield f"receipt {receipt['state']}", receipt["at"], "its arrival", receipt["arrived"]
    first = {}
    for receipt in life["receipts"]:
        first.setdefault(receipt["state"], receipt["at"])
    for earlier, later in (("seen", "accepted"), ("accepted", "applied")):
        if earlier in first and later in first:
            yield f"receipt {earlier}", first[earlier], f"receipt {later}", first[later]


def disorder(life):
    """What is not in order in the life of an applied profile, from the quarter hour to the register."""
    there = [step["step"] for step in life["steps"]]
    # Who is held carefully for lack of measurements has none that led to it.
    wanted = ["planned", "queued", "seen", "applied"]
    if life["round"]["basis"]:
        wanted += ["measured", "arrived"]
    if any(attempt["result"] == "verified" for attempt in life["attempts"]):
        wanted += ["written", "verified"]
    if not any(receipt["state"] == "applied" and receipt["register"] for receipt in life["receipts"]):
        wanted += ["register"]
    return [f"no step {step}" for step in wanted if step not in there] + [
        f"{later} {then} before {earlier} {first}" for earlier, first, later, then in stations(life)
        if time_of(then) < time_of(first)]


def is_known(values):
    return values is not None and None not in values


def foresight(api, transformer, base, start, end):
    """How base loads were foreseen: quarter hours and those of them with a band, by method; and of the hours
    ahead, as each hour's outlook had them, the mean error and the share that stayed below the band."""
    methods, errors, kept = {}, [], []
    for item in api.items(f"/v1/transformers/{transformer}/forecasts?from={stamp(start)}&to={stamp(end)}"):
        if item["method"] not in ("profile", "ridge") or is_known(item["p95_w"]):
            methods[item["method"]] = methods.get(item["method"], 0) + 1
    hour = start
    while hour < end:
        seen = api.get(f"/v1/transformers/{transformer}/outlook?at={stamp(hour)}")
        for item in seen["items"][1:]:
            came = base.get((transformer, item["quarter"]))
            if came and is_known(item["base_w"]):
                errors += [abs(a - b) / b for a, b in zip(item["base_w"], came) if b > 0]
                kept += [b <= top for top, b in zip(item["p95_w"], came)]
        hour += 4 * QUARTER
    return methods, errors, kept


def foresight_line(methods, errors, kept):
    words = {"ridge": "regression", "profile": "usual days", "last": "last value", "none": "nothing"}
    text = ", ".join(f"{count} by {words[name]}" for name, count in sorted(methods.items(), key=lambda m: -m[1]))
    if errors:
        text += (f"; {len(errors)} loads of hours ahead {100 * sum(errors) / len(errors):.1f} % off in the mean,"
                 f" {100 * sum(kept) / len(kept):.0f} % within the band")
    return text or "nothing"


def summarise(api, args):
    complaints = []
    start, end = time_of(args.start), time_of(args.end)
    profiles = settle(api, args.patience)
    statistics = api.get(f"/v1/statistics?from={args.start}&to={args.end}")
    by_state = {}
    for profile in profiles:
        by_state[profile["state"]] = by_state.get(profile["state"], 0) + 1
        if not is_final(profile):
            complaints.append(f"profile {profile['id']} is lost: still {profile['state']}")
        elif profile["state"] in ("failed", "refused", "seen"):
            complaints.append(f"profile {profile['id']} {profile['state']}: {profile['cause']}")
    for profile in profiles:
        if profile["state"] != "applied":
            continue
        life = api.get(f"/v1/profiles/{profile['id']}/life")
        high = [r for r in life["receipts"] if r["state"] == "applied" and r["limit_w"] is not None
                and (r["register_w"] is None or r["register_w"] > r["limit_w"])]
        if high:
            complaints.append(f"profile {profile['id']}: register above its limit: {high[0]}")
        complaints += [f"profile {profile['id']}: {what}" for what in disorder(life)]
    if not profiles:
        complaints.append("not one profile was made")
    followed = check_registers(api, args, complaints)
    truth = truth_rows(args.truth, args.case, start, end)
    places = [*statistics["transformers"].values(), *statistics["feeders"].values()]
    measured = [sum(q[k] for q in places) for k in ("over_limit", "over_kwh")]
    if truth["without"][1] <= 0:
        complaints.append("without control there was no overload, so nothing was shown")
    elif truth["with"][1] >= truth["without"][1]:
        complaints.append("the overload did not fall")
    transformer = next(api.items("/v1/transformers"))["id"]
    methods, errors, kept = foresight(api, transformer, truth["base"], start, end)
    if history_quarters(args.case) >= HISTORY_ENOUGH and not errors:
        complaints.append("there was history, and no hour ahead was foreseen")
    slowest = max(((name, s["p99_s"]) for name, s in statistics["steps"].items()
                   if s["p99_s"] is not None), key=lambda s: s[1], default=("none", 0))

    rule, fault = rule_row(args, start, end)
    if fault:
        complaints.append(fault)
    rule = rule or (0, 0, 0)

    print()
    print("                       without control   the paper's rule *   with control   as the audit measured it")
    print(f"overloaded quarters    {truth['without'][0]:15d}{rule[0]:21d}{truth['with'][0]:15d}{measured[0]:27d}")
    print(f"energy above limit kWh {truth['without'][1]:15.2f}{rule[1]:21.2f}{truth['with'][1]:15.2f}{measured[1]:27.2f}")
    print(f"messages written       {0:15d}{rule[2]:21d}{statistics['messages_written']:15d}")
    print("* replayed on the same street: 6 A for all while phase 1 was above 90 % of its limit, else free")
    print("profiles               " + (", ".join(f"{n} {s}" for s, n in sorted(by_state.items())) or "none"))
    print(f"quarter hours foreseen {foresight_line(methods, errors, kept)}")
    print(f"registers that follow  {followed}")
    print(f"slowest step           {slowest[0].replace('_', ' ')}: p99 {slowest[1]:.1f} s of the street's time")
    for complaint in complaints:
        print(f"NOT RIGHT: {complaint}")
    print("the chain did its job" if not complaints else "the chain did not do its job")
    return 1 if complaints else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", required=True)
    parser.add_argument("--token-file", required=True, type=pathlib.Path)
    parser.add_argument("--case", required=True, type=pathlib.Path)
    parser.add_argument("--truth", required=True, type=pathlib.Path)
    parser.add_argument("--planner", required=True, help="socmod-planner, for its replay")
    parser.add_argument("--modbus-port", required=True, type=int, help="of the first charger")
    parser.add_argument("--from", dest="start", required=True)
    parser.add_argument("--to", dest="end", required=True)
    parser.add_argument("--patience", type=float, default=30, help="real seconds without progress")
    args = parser.parse_args()
    api = Api(args.api, args.token_file.read_text().strip())
    watch(api, args)
    return summarise(api, args)


if __name__ == "__main__":
    sys.exit(main())
