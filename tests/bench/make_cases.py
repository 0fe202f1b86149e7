#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build the replay cases by which the planner is judged, from measured loads and charging sessions.

  make_cases.py DATA OUT [--days N] [--history N] [--only NAME,...] [--seeds 1,2]

DATA holds nl_feeders.csv.gz and simbench_h1.csv.gz (first column ts, one value a quarter hour,
empty = missing) and ev_nl_synth_dev.csv.gz (charger, arrival, departure, energy_kwh, phases,
max_a_per_phase). OUT gets one folder a case:

  one      one feeder: the three phases SBR_L1..L3
  two      two feeders (NLF287, NLF435, scaled to 8 to 40 kW and split over the phases with noise)
           under a transformer that is tighter than both
  cold     as one, but a single day of history, six days that count
  gaps, late, loss, hour, blind
           as one, with 30 % of the measurements missing; one quarter late; 5 % of the messages lost and
           60 s delivery; one message an hour; no charger meters

The limit is the same on each phase: 1.12 times the highest phase's 99.9 % quantile (cold: 1.10
times its maximum). Sockets are added until the load without control peaks at 1.2 times the
limit. A socket is a charger of the sessions moved by whole weeks, by lot.
"""
import argparse
import csv
import datetime as dt
import gzip
import json
import pathlib
import random
import zoneinfo

UTC = dt.timezone.utc
DUTCH = zoneinfo.ZoneInfo("Europe/Amsterdam")
QUARTER_S = 900
PEAK = 1.2
VOLT = 230
ROTATION = {"1": "123", "2": "231", "3": "312"}


def utc_s(text, zone):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def stamp(at):
    return dt.datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_series(path, columns, zone):
    """By column, a dictionary from quarter to kW; None where missing."""
    series = [{} for _ in columns]
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            at = utc_s(row["ts"], zone)
            for one, column in zip(series, columns):
                one[at] = float(row[column]) if row[column] else None
    return series


def read_sockets(path):
    sockets = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            sockets.setdefault(row["charger"], []).append(
                (dt.datetime.fromisoformat(row["arrival"]), dt.datetime.fromisoformat(row["departure"]),
                 float(row["energy_kwh"]), row["phases"], float(row["max_a_per_phase"])))
    return sockets


def socket_sessions(sessions, shift_weeks, start, end):
    """The sessions of one socket, moved by weeks within their year, that fall into start .. end."""
    first = dt.datetime.fromtimestamp(start, DUTCH).replace(tzinfo=None)
    year = sessions[0][0].replace(month=1, day=1, hour=0, minute=0, second=0)
    monday = year + dt.timedelta(days=-year.weekday() % 7)
    origin = dt.datetime(first.year, first.month, first.day)
    origin -= dt.timedelta(days=origin.weekday() + 7)
    weeks = 51
    found, free = [], 0
    for lap in range(2):
        for arrival, departure, kwh, phases, amps in sessions:
            offset = arrival - monday
            if offset < dt.timedelta(0) or offset >= dt.timedelta(weeks=weeks):
                continue
            moved = (offset - dt.timedelta(weeks=shift_weeks)) % dt.timedelta(weeks=weeks)
            here = origin + moved + dt.timedelta(weeks=weeks * lap)
            came = int(here.replace(tzinfo=DUTCH).timestamp())
            if start <= came < end:
                found.append((came, came + int((departure - arrival).total_seconds()), kwh, phases, amps))
    kept = []
    for session in sorted(found):
        if session[0] >= free:
            kept.append(session)
            free = session[1]
    return kept


def uncontrolled(sessions, start, quarters, load):
    """Add what the sessions draw, W per phase and quarter, to load."""
    for came, left, kwh, phases, amps in sessions:
        power = min(amps, 16) * VOLT
        end = min(left, came + kwh * 1000 * 3600 / (power * len(phases)))
        q = (came - start) // QUARTER_S
        while q < quarters and start + q * QUARTER_S < end:
            here = min(end, start + (q + 1) * QUARTER_S) - max(came, start + q * QUARTER_S)
            for phase in phases:
                load[int(phase) - 1][q] += power * here / QUARTER_S
            q += 1


def filled(values):
    last = next(v for v in values if v is not None)
    out = []
    for v in values:
        last = last if v is None else v
        out.append(last)
    return out


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def write_case(out, name, feeders, limits, above_w, sockets, start, score_from, settings):
    out.mkdir(parents=True, exist_ok=True)
    grid = {"name": name, "timezone": "Europe/Amsterdam",
            "transformers": [{"id": "T1", "limit_w": above_w and [above_w] * 3,
                              "feeders": [f"F{f + 1}" for f in range(len(feeders))]}],
            "feeders": [{"id": f"F{f + 1}", "limit_w": limit and [limit] * 3} for f, limit in enumerate(limits)],
            "chargers": []}
    with open(out / "loads.csv", "w", encoding="ascii") as file:
        print("feeder,quarter,p_l1_w,p_l2_w,p_l3_w", file=file)
        for f, phases in enumerate(feeders):
            for q, row in enumerate(zip(*phases)):
                print(f"F{f + 1},{stamp(start + q * QUARTER_S)}",
                      *("" if v is None else round(v) for v in row), sep=",", file=file)
    with open(out / "sessions.csv", "w", encoding="ascii") as file:
        print("charger,arrival,departure,energy_wh,phases,max_a", file=file)
        for n, (feeder, sessions) in enumerate(sockets):
            charger = f"C{n + 1:03d}"
            grid["chargers"].append({"id": charger, "feeder": f"F{feeder + 1}",
                                     "phases": ROTATION[sessions[0][3][0]] if sessions else "123",
                                     "max_a": 16, "floor_a": 6 if settings.get("floor") else 0})
            for came, left, kwh, phases, amps in sessions:
                print(charger, stamp(came), stamp(left), round(kwh * 1000), phases, f"{amps:g}",
                      sep=",", file=file)
    (out / "grid.json").write_text(json.dumps(grid, indent=1) + "\n", encoding="ascii")
    lines = [f"score_from = {stamp(score_from)}"] + [f"{k} = {v}" for k, v in settings.items() if k != "floor"]
    (out / "case.ini").write_text("[case]\n" + "\n".join(lines) + "\n", encoding="ascii")


def size_fleet(ev, lot, feeders, limits, above_w, start, first, quarters, peak_share):
    """Sockets, feeder by turns, until the first place peaks at PEAK times its limit."""
    loads = [[filled(phase) for phase in phases] for phases in feeders]
    sockets = []
    end = start + quarters * QUARTER_S
    while len(sockets) < 400:
        worst = 0
        for phase in range(3):
            for load, limit in zip(loads, limits):
                if limit:
                    worst = max(worst, quantile(load[phase][first:], peak_share) / limit)
            if above_w:
                total = [sum(pair) for pair in zip(*(load[phase][first:] for load in loads))]
                worst = max(worst, quantile(total, peak_share) / above_w)
        if worst >= PEAK:
            break
        feeder = len(sockets) % len(feeders)
        sessions = socket_sessions(ev[lot.choice(sorted(ev))], lot.randrange(51), start, end)
        uncontrolled(sessions, start, quarters, loads[feeder])
        sockets.append((feeder, sessions))
    return sockets


def cut(series, start, quarters):
    return [[None if one.get(start + q * QUARTER_S) is None else 1000 * one[start + q * QUARTER_S]
             for q in range(quarters)] for one in series]


def split(values, lot, turn):
    """One series over three phases: uneven, each wandering by some per cent."""
    shares = [(0.9, 1.0, 1.1)[(phase + turn) % 3] / 3 * 3 for phase in range(3)]
    wander = [0.0] * 3
    phases = [[], [], []]
    for v in values:
        for phase in range(3):
            wander[phase] = 0.7 * wander[phase] + lot.gauss(0, 0.03)
            phases[phase].append(None if v is None else v * shares[phase] * (1 + wander[phase]))
    return phases


def scaled(one, low_kw, high_kw):
    known = sorted(v for v in one.values() if v is not None)
    low, high = known[len(known) // 100], known[-1 - len(known) // 100]
    return {t: None if v is None else low_kw + (v - low) / (high - low) * (high_kw - low_kw)
            for t, v in one.items()}


def highest(phases, share):
    return max(quantile([v for v in phase if v is not None], share) for phase in phases)


VARIANTS = {
    "one": {},
    "gaps": {"missing_percent": 30},
    "late": {"measurement_late_quarters": 1},
    "loss": {"loss_percent": 5, "delivery_s": 60},
    "hour": {"message_interval_s": 3600},
    "blind": {"charger_meters": "no"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--days", type=int, default=42)
    parser.add_argument("--history", type=int, default=28)
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--peak-share", type=float, default=1.0,
                        help="the peak is this quantile of the quarters, 1 for the highest")
    a = parser.parse_args()
    only = set(filter(None, a.only.split(",")))
    ev = read_sockets(a.data / "ev_nl_synth_dev.csv.gz")
    street = read_series(a.data / "simbench_h1.csv.gz", ["SBR_L1_H1", "SBR_L2_H1", "SBR_L3_H1"], DUTCH)
    pair = [scaled(one, 8, 40) for one in
            read_series(a.data / "nl_feeders.csv.gz", ["NLF287", "NLF435"], UTC)]
    day = 86400

    def wanted(name):
        return not only or name in only

    for seed in map(int, a.seeds.split(",")):
        lot = random.Random(seed)
        start = utc_s("2016-01-18T00:00", DUTCH)
        quarters, first = (a.history + a.days) * 96, a.history * 96
        phases = cut(street, start, quarters)
        limit = round(1.12 * highest(phases, 0.999))
        sockets = size_fleet(ev, lot, [phases], [limit], None, start, first, quarters, a.peak_share)
        for name, settings in VARIANTS.items():
            if wanted(name):
                write_case(a.out / f"{name}{seed}", f"{name} {seed}", [phases], [limit], None, sockets, start,
                           start + a.history * day, {**settings, "seed": seed})

        if wanted("two"):
            start = utc_s("2020-10-05T00:00", DUTCH)
            feeders = [split(cut([one], start, quarters)[0], lot, turn) for turn, one in enumerate(pair)]
            limits = [round(1.25 * highest(phases, 0.999)) for phases in feeders]
            total = [[sum(pair) for pair in zip(*(filled(f[p]) for f in feeders))] for p in range(3)]
            above = round(1.12 * highest(total, 0.999))
            sockets = size_fleet(ev, lot, feeders, limits, above, start, first, quarters, a.peak_share)
            write_case(a.out / f"two{seed}", f"two {seed}", feeders, limits, above, sockets, start,
                       start + a.history * day, {"seed": seed})

        if wanted("cold"):
            start = utc_s("2016-02-01T00:00", DUTCH) + lot.randrange(12) * 7 * day
            phases = cut(street, start, 7 * 96)
            limit = round(1.10 * highest(phases, 1))
            sockets = size_fleet(ev, lot, [phases], [limit], None, start, 96, 7 * 96, a.peak_share)
            write_case(a.out / f"cold{seed}", f"cold {seed}", [phases], [limit], None, sockets, start,
                       start + day, {"seed": seed})


if __name__ == "__main__":
    main()
