#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a replay case (grid.json, loads.csv, sessions.csv, case.ini) of measured series.

  make_case.py --loads FILE.csv.gz --columns A,B --sessions FILE.csv.gz --from 2020-12-15T14:00:00Z
               --hours 10 --out DIR [--per-feeder 8] [--loads-zone UTC] [--peak-kw 45]

Each column of the loads (first column ts, one value a quarter hour, empty = missing) becomes one
feeder of one transformer, with the four weeks before to learn from. A series of another level of the grid is scaled, so that its lowest
hundredth is 15 kW and its highest the given peak, and split over the phases 0.9 : 1.0 : 1.1 in
turn. Sessions (charger, arrival, departure, energy_kwh, phases, max_a_per_phase; Dutch wall clock)
are folded by weeks of their year: each charger and week that falls on the same weekday counts as a
socket, and the sockets that can charge most in the hours asked for are taken: a heavy future, on
purpose. Of eight sockets five have three-phase cars, one two-phase and two one-phase ones, about
as on Dutch streets, and a connection has the phases that its cars use.

The limit of each feeder and of the transformer is what is drawn without control divided by 1.3,
but never less than 1.05 times the load alone, nor 1.1 times the load with all cars at 6 A: there
is an overload, the cars alone cause it, and sharing can end it. What came of that is printed.
"""
import argparse
import csv
import datetime as dt
import gzip
import json
import pathlib
import sys
import zoneinfo

UTC = dt.timezone.utc
DUTCH = zoneinfo.ZoneInfo("Europe/Amsterdam")
QUARTER = dt.timedelta(minutes=15)
HISTORY = dt.timedelta(days=28)  # before the hours asked for, for the planner to learn from
VOLT, LEAST_A, MOST_A = 230, 6, 16
PHASES_OF_EIGHT = (3, 3, 1, 3, 3, 1, 3, 2)


def stamp(time):
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_loads(path, columns, zone):
    series = {column: {} for column in columns}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            time = dt.datetime.fromisoformat(row["ts"]).replace(tzinfo=zone).astimezone(UTC)
            for column in columns:
                series[column][time] = float(row[column]) if row[column] else None
    return series


def scale(values, peak_kw):
    known = sorted(v for v in values.values() if v is not None)
    low, high = known[len(known) // 100], known[-1 - len(known) // 100]
    return {t: None if v is None else 15 + (v - low) / (high - low) * (peak_kw - 15)
            for t, v in values.items()}


def rank(sockets, count, end):
    """Keys of the sockets whose cars use so many phases at most, those that charge most first."""
    able_wh = {}
    for key, sessions in sockets.items():
        if max(len(row["phases"]) for _, _, row in sessions) == count:
            able_wh[key] = sum(min(float(row["energy_kwh"]) * 1000, VOLT * MOST_A * len(row["phases"])
                                   * ((min(departure, end) - arrival).total_seconds() / 3600))
                               for arrival, departure, row in sessions)
    return sorted(able_wh, key=lambda key: (-able_wh[key], key))


def draws(grid, sessions, begin, end, amperes):
    """Per feeder, phase and quarter mean W of all cars when each may have so many amperes."""
    feeder_of = {c["id"]: c["feeder"] for c in grid["chargers"]}
    drawn = {}
    for charger, arrival, departure, energy_wh, phases, max_a in sessions:
        watts = VOLT * min(amperes, float(max_a))
        full = dt.timedelta(hours=energy_wh / (watts * len(phases)))
        stop = min(departure, arrival + full, end)
        quarter = begin + (arrival - begin) // QUARTER * QUARTER
        while quarter < stop:
            part = (min(stop, quarter + QUARTER) - max(arrival, quarter)) / QUARTER
            for phase in phases:
                key = (feeder_of[charger], int(phase) - 1, quarter)
                drawn[key] = drawn.get(key, 0) + watts * part
            quarter += QUARTER
    return drawn


def highest(grid, loads, drawn):
    """Per place the highest W of a phase, loads and cars together."""
    totals = {}
    for feeder, phase, quarter in {**loads, **drawn}:
        for place in (feeder, "T1"):
            key = (place, phase, quarter)
            totals[key] = totals.get(key, 0) + sum(
                series.get((feeder, phase, quarter), 0) for series in (loads, drawn))
    return {place: max(w for (p, _, _), w in totals.items() if p == place)
            for place in [f["id"] for f in grid["feeders"]] + ["T1"]}


def set_limits(grid, loads, sessions, begin, end):
    base = highest(grid, loads, {})
    free = highest(grid, loads, draws(grid, sessions, begin, end, MOST_A))
    least = highest(grid, loads, draws(grid, sessions, begin, end, LEAST_A))
    print("place limit_w base_max free_max floor_max")
    for place in grid["feeders"] + grid["transformers"]:
        name = place["id"]
        limit = round(max(free[name] / 1.3, base[name] * 1.05, least[name] * 1.1), -2)
        place["limit_w"] = [int(limit)] * 3
        print(f"{name:5} {limit:7.0f} {base[name] / limit:8.2f} {free[name] / limit:8.2f}"
              f" {least[name] / limit:9.2f}")
        if free[name] < 1.05 * limit:
            sys.exit(f"{name}: no overload without control; take other hours, or more --per-feeder")


def main():
    args = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--loads", required=True)
    args.add_argument("--columns", required=True)
    args.add_argument("--loads-zone", default="UTC")
    args.add_argument("--sessions", required=True)
    args.add_argument("--from", dest="start", required=True)
    args.add_argument("--hours", type=float, default=10)
    args.add_argument("--per-feeder", type=int, default=8)
    args.add_argument("--peak-kw", type=float, default=45)
    args.add_argument("--out", required=True)
    a = args.parse_args()
    start = dt.datetime.fromisoformat(a.start.replace("Z", "+00:00"))
    end = start + dt.timedelta(hours=a.hours)
    begin = start - 8 * QUARTER
    columns = a.columns.split(",")
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)

    series = read_loads(a.loads, columns, zoneinfo.ZoneInfo(a.loads_zone))
    grid = {"name": "case", "timezone": "Europe/Amsterdam", "feeders": [], "chargers": []}
    loads = {}
    with open(out / "loads.csv", "w", encoding="ascii") as file:
        print("feeder,quarter,p_l1_w,p_l2_w,p_l3_w", file=file)
        for n, column in enumerate(columns):
            feeder, kw = f"F{n + 1}", scale(series[column], a.peak_kw)
            shares = [(0.9, 1.0, 1.1)[(phase + n) % 3] for phase in range(3)]
            for time in sorted(kw):
                if not start - HISTORY <= time < end:
                    continue
                value = kw[time]
                watts = ["" if value is None else str(round(value * 1000 * s)) for s in shares]
                print(",".join([feeder, stamp(time), *watts]), file=file)
                if value is not None and time >= begin:
                    loads.update({(feeder, phase, time): value * 1000 * share
                                  for phase, share in enumerate(shares)})
            grid["feeders"].append({"id": feeder})
    grid["transformers"] = [{"id": "T1", "feeders": [f["id"] for f in grid["feeders"]]}]

    # Every week of the sessions' own year that falls on the same weekday, as a socket of its own.
    week = dt.timedelta(days=7)
    sockets = {}
    with gzip.open(a.sessions, "rt") as file:
        for row in csv.DictReader(file):
            arrival, departure = (
                dt.datetime.fromisoformat(row[key]).replace(tzinfo=DUTCH).astimezone(UTC)
                for key in ("arrival", "departure"))
            there = start.replace(year=arrival.year, month=1, day=1)
            there += dt.timedelta(days=(start.weekday() - there.weekday()) % 7)
            shift = start - there - (arrival + QUARTER * 32 - there) // week * week
            if start <= arrival + shift < end:
                key = (row["charger"], shift)
                sockets.setdefault(key, []).append((arrival + shift, departure + shift, row))
    taken = []
    by_phases = {count: iter(rank(sockets, count, end)) for count in (1, 2, 3)}
    for n in range(a.per_feeder * len(columns)):
        key = next(by_phases[PHASES_OF_EIGHT[n // len(columns) % 8]], None)
        if key is None:
            sys.exit("too few sessions for so many chargers")
        charger, free, used = f"C{n + 1:02d}", start, set()
        for arrival, departure, row in sorted(sockets[key], key=lambda s: s[0]):
            if arrival < free:
                continue
            free = departure
            used.update(row["phases"])
            taken.append((charger, arrival, departure, round(float(row["energy_kwh"]) * 1000),
                          row["phases"], row["max_a_per_phase"]))
        grid["chargers"].append({"id": charger, "feeder": f"F{n % len(columns) + 1}",
                                 "phases": ("123", "231", "312")[n // len(columns) % 3]
                                 if len(used) == 3 else "".join(sorted(used)),
                                 "max_a": MOST_A, "floor_a": LEAST_A})
    with open(out / "sessions.csv", "w", encoding="ascii") as file:
        print("charger,arrival,departure,energy_wh,phases,max_a", file=file)
        for charger, arrival, departure, *rest in taken:
            print(charger, stamp(arrival), stamp(departure), *rest, sep=",", file=file)
    set_limits(grid, loads, taken, begin, end)
    (out / "grid.json").write_text(json.dumps(grid, indent=1) + "\n", encoding="ascii")
    (out / "case.ini").write_text(f"[case]\nscore_from = {stamp(start)}\n", encoding="ascii")


if __name__ == "__main__":
    main()
