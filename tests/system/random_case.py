#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make replay cases by lot, to find what nobody thought of: random_case.py OUT FIRST COUNT [DAYS]

OUT/<seed> for COUNT seeds from FIRST on: one to three feeders under one or two transformers, limits on
some of them, up to twelve chargers of any kind, cars at any time, gaps, zeros, negative loads, steps,
and case.ini with delays, losses, gaps and message intervals. Every third case holds a day on which
summer time begins or ends. From midnight to six there is room for everybody in turn, so a car that still gets
nothing after a day is stuck.
"""
import datetime as dt
import json
import pathlib
import random
import sys

UTC = dt.timezone.utc
QUARTER_S = 900
CHANGES = [(2025, 3, 30), (2025, 10, 26), (2026, 3, 29), (2026, 10, 25), (2028, 3, 26)]
PHASES = ["123", "231", "312", "321", "12", "31", "1", "2", "3"]


def stamp(at):
    return dt.datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def first_day(lot, days):
    if lot.randrange(3):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=lot.randrange(1500))
    else:
        day = dt.date(*lot.choice(CHANGES)) - dt.timedelta(days=lot.randrange(1, days))
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def base(lot, start, quarters, limit):
    """One phase: a level by day and another by night, noise, now and then a step, a gap, or all zero."""
    noise, drift, out = lot.choice([0, 0.02, 0.2]), 0.0, []
    kind = lot.random()
    for q in range(quarters):
        hour = (start + q * QUARTER_S) // 3600 % 24
        level = 0.2 if hour < 6 else lot.choice([0.5, 0.6]) if hour < 16 else 0.8
        drift = 0.9 * drift + lot.gauss(0, noise)
        watts = limit * (level + (0.1 * drift if hour < 6 else drift))
        if kind < 0.05:
            watts = 0
        elif kind < 0.15:
            watts -= limit * 0.9 * (9 < hour < 15)
        out.append("" if lot.random() < 0.01 else round(watts))
    if lot.random() < 0.3:
        at = lot.randrange(quarters)
        long = lot.randrange(1, 120)
        out[at:at + long] = [""] * len(out[at:at + long])
    return out


def sessions(lot, start, quarters, phases, amps):
    at, end = start + lot.randrange(86400), start + quarters * QUARTER_S
    while at < end:
        stay = lot.choice([60, 600, 3600, 30000, 90000]) + lot.randrange(3600)
        used = "".join(lot.sample(phases, lot.choice([1, len(phases)])))
        yield stamp(at), stamp(at + stay), lot.choice([1, 500, 8000, 60000]), used, lot.choice([amps, 10, 32])
        at += stay + lot.randrange(1, 100000)


def make(out, seed, days):
    lot = random.Random(seed)
    out.mkdir(parents=True, exist_ok=True)
    start, quarters = first_day(lot, days), days * 96
    feeders = [f"F{f + 1}" for f in range(lot.randint(1, 3))]
    limits = {f: lot.randint(6, 40) * 1000 for f in feeders}
    half = lot.randint(0, len(feeders) - 1)
    groups = [g for g in (feeders[:half], feeders[half:]) if g]
    transformers = [{"id": f"T{t + 1}", "feeders": group,
                     "limit_w": None if lot.random() < 0.2
                     else [round(sum(limits[f] for f in group) * lot.uniform(0.8, 1.2))] * 3}
                    for t, group in enumerate(groups)]
    chargers = [{"id": f"C{c}", "feeder": lot.choice(feeders), "phases": lot.choice(PHASES),
                 "max_a": lot.choice([6, 10, 16, 16, 32]), "floor_a": lot.choice([0, 0, 6])}
                for c in range(lot.randint(1, 12))]
    grid = {"name": f"random {seed}", "timezone": "Europe/Amsterdam", "transformers": transformers,
            "feeders": [{"id": f, "limit_w": None if lot.random() < 0.1 else [w] * 3} for f, w in limits.items()],
            "chargers": chargers}
    (out / "grid.json").write_text(json.dumps(grid), encoding="ascii")
    with open(out / "loads.csv", "w", encoding="ascii") as file:
        print("feeder,quarter,p_l1_w,p_l2_w,p_l3_w", file=file)
        for f, limit in limits.items():
            columns = [base(lot, start, quarters, limit) for _ in range(3)]
            for q, row in enumerate(zip(*columns)):
                print(f, stamp(start + q * QUARTER_S), *row, sep=",", file=file)
    with open(out / "sessions.csv", "w", encoding="ascii") as file:
        print("charger,arrival,departure,energy_wh,phases,max_a", file=file)
        for c in chargers:
            for row in sessions(lot, start, quarters, c["phases"], c["max_a"]):
                print(c["id"], *row, sep=",", file=file)
    settings = {"score_from": stamp(start + lot.choice([0, 86400])), "seed": seed,
                "delivery_s": lot.choice([0, 15, 60, 600]), "loss_percent": lot.choice([0, 0, 5, 30]),
                "missing_percent": lot.choice([0, 0, 30]), "measurement_late_quarters": lot.choice([0, 0, 1, 4]),
                "message_interval_s": lot.choice([0, 0, 3600]),
                "charger_meters": lot.choice(["yes", "yes", "yes", "no"]), "policies": "forecast bound"}
    (out / "case.ini").write_text("[case]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()), encoding="ascii")


if __name__ == "__main__":
    for seed in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
        make(pathlib.Path(sys.argv[1]) / str(seed), seed, int(sys.argv[4]) if len(sys.argv) > 4 else 5)
