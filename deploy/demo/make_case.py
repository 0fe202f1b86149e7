#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a replay case (grid.json, loads.csv, sessions.csv, case.ini) of measured series.

  make_case.py --loads FILE.csv.gz --columns A,B --sessions FILE.csv.gz --from 2020-12-15T14:00:00Z
               --hours 10 --out DIR [--per-feeder 8] [--loads-zone UTC] [--peak-kw 45]

Each column of the loads (first column ts, one value a quarter hour, empty = missing) becomes one
feeder of one transformer. A series of another level of the grid is scaled, so that its lowest
hundredth is 15 kW and its highest the given peak, and split over the phases 0.9 : 1.0 : 1.1 in
turn. The limit of each feeder is 1.05 times its highest phase within the hours asked for, so that
the load alone never exceeds it; the transformer's is the sum of them. Sessions (charger, arrival,
departure, energy_kwh, phases, max_a_per_phase; Dutch wall clock) are folded by weeks of their
year: each charger and week that falls on the same weekday counts as a socket, and the sockets with
the most energy in the hours asked for are taken: a heavy future, on purpose.
"""
import argparse
import csv
import datetime as dt
import gzip
import json
import pathlib
import zoneinfo

UTC = dt.timezone.utc
DUTCH = zoneinfo.ZoneInfo("Europe/Amsterdam")
QUARTER = dt.timedelta(minutes=15)


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
    columns = a.columns.split(",")
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)

    series = read_loads(a.loads, columns, zoneinfo.ZoneInfo(a.loads_zone))
    grid = {"name": "case", "timezone": "Europe/Amsterdam", "feeders": [], "chargers": []}
    total = 0
    with open(out / "loads.csv", "w", encoding="ascii") as file:
        print("feeder,quarter,p_l1_w,p_l2_w,p_l3_w", file=file)
        for n, column in enumerate(columns):
            feeder, kw = f"F{n + 1}", scale(series[column], a.peak_kw)
            shares = [(0.9, 1.0, 1.1)[(phase + n) % 3] for phase in range(3)]
            peak = 0.0
            for time in sorted(kw):
                if not start - 8 * QUARTER <= time < end:
                    continue
                value = kw[time]
                watts = ["" if value is None else str(round(value * 1000 * s)) for s in shares]
                print(",".join([feeder, stamp(time), *watts]), file=file)
                if value is not None:
                    peak = max(peak, value * max(shares))
            limit = round(peak * 1.05) * 1000
            total += limit
            grid["feeders"].append({"id": feeder, "limit_w": [limit] * 3})
    grid["transformers"] = [{"id": "T1", "limit_w": [total] * 3,
                             "feeders": [f["id"] for f in grid["feeders"]]}]

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
    busiest = sorted(sockets, key=lambda k: (-sum(float(s[2]["energy_kwh"]) for s in sockets[k]), k))
    with open(out / "sessions.csv", "w", encoding="ascii") as file:
        print("charger,arrival,departure,energy_wh,phases,max_a", file=file)
        for n, key in enumerate(busiest[: a.per_feeder * len(columns)]):
            charger = f"C{n + 1:02d}"
            grid["chargers"].append({"id": charger, "feeder": f"F{n % len(columns) + 1}",
                                     "phases": ("123", "231", "312")[n // len(columns) % 3],
                                     "max_a": 16, "floor_a": 6})
            free = start
            for arrival, departure, row in sorted(sockets[key], key=lambda s: s[0]):
                if arrival >= free:
                    free = departure
                    print(",".join([charger, stamp(arrival), stamp(departure),
                                    str(round(float(row["energy_kwh"]) * 1000)), row["phases"],
                                    row["max_a_per_phase"]]), file=file)
    (out / "grid.json").write_text(json.dumps(grid, indent=1) + "\n", encoding="ascii")
    (out / "case.ini").write_text(f"[case]\nscore_from = {stamp(start)}\n", encoding="ascii")


if __name__ == "__main__":
    main()
