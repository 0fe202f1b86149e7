#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a street into what the programs of the demo read.

  prepare_case.py DIR OUT [--from TIME] [--hours N]

DIR holds grid.json or street.json, loads.csv and sessions.csv: the bundled street, or any replay
case, whose case.ini says where it starts (score_from). The grid of a replay case names no meters
and connections; they are made up here. OUT gets street.json (as socmod-admin import takes it),
loads.csv and sessions.csv of the hours asked for, history.csv of what was measured before, and
case.env for the shell: BEGIN, until when history goes and where loads.csv begins, FROM, TO and
CHARGERS. History is DIR's own history.csv, where there is one, and what its loads.csv has earlier.
"""
import argparse
import configparser
import csv
import datetime as dt
import json
import math
import pathlib

UTC = dt.timezone.utc
QUARTER = dt.timedelta(minutes=15)
KNOWN_BEFORE = 2  # quarters that the planner has to begin with


def time_of(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def register_w(watts):
    """Up to the next 100 W, in which registers count: rounded down, 6 A would pause a car."""
    return math.ceil(watts / 100) * 100


def grid_of_case(case):
    """The operator's grid file from the grid.json of a replay case."""
    grid = {"transformers": [], "feeders": [], "connections": [], "meters": [], "chargers": []}
    above = {}
    for t in case["transformers"]:
        grid["transformers"].append({"id": t["id"], "limit_w": t["limit_w"]})
        above.update({feeder: t["id"] for feeder in t["feeders"]})
    for f in case["feeders"]:
        grid["feeders"].append({"id": f["id"], "transformer": above[f["id"]], "limit_w": f["limit_w"]})
    for n, c in enumerate(case["chargers"]):
        ean, meter = f"8716871200{n:08d}", f"E00510000000{n:05d}"
        per_amp = 230 * len(c["phases"])
        grid["connections"].append({
            "ean": ean, "feeder": c["feeder"], "phases": c["phases"],
            "contract_w": round(c["max_a"] * per_amp), "floor_w": register_w(c["floor_a"] * per_amp)})
        grid["meters"].append({"equipment_id": meter, "connection": ean, "route": "head-end",
                               "head_end": "HE1", "dsmr": "5", "message_interval_s": 900})
        grid["chargers"].append({"id": c["id"], "connection": ean, "kind": "compleo-station",
                                 "max_a": c["max_a"]})
    return grid


def rows_of(*sources):
    for source in sources:
        with open(source, encoding="ascii") as file:
            yield from csv.DictReader(file)


def write_rows(target, rows, wanted):
    """Those of the rows that are wanted; of each the columns of the first."""
    writer = None
    with open(target, "w", encoding="ascii", newline="") as file:
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row), lineterminator="\n", extrasaction="ignore")
                writer.writeheader()
            if wanted(row):
                writer.writerow(row)


def main():
    args = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--from", dest="start", default="")
    args.add_argument("--hours", type=float, default=10)
    a = args.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)

    if (a.dir / "street.json").exists():
        grid = json.loads((a.dir / "street.json").read_text())
    else:
        grid = grid_of_case(json.loads((a.dir / "grid.json").read_text()))
    quarters = sorted({time_of(row["quarter"]) for row in rows_of(a.dir / "loads.csv")})
    case = configparser.ConfigParser()
    case.read(a.dir / "case.ini")
    wish = a.start or case.get("case", "score_from", fallback="")
    start = max(time_of(wish) if wish else quarters[0], quarters[0] + KNOWN_BEFORE * QUARTER)
    end = min(start + dt.timedelta(hours=a.hours), quarters[-1] + QUARTER)
    begin = start - KNOWN_BEFORE * QUARTER
    older = [a.dir / "history.csv"] if (a.dir / "history.csv").exists() else []
    write_rows(a.out / "history.csv", rows_of(*older, a.dir / "loads.csv"),
               lambda row: time_of(row["quarter"]) < begin)
    write_rows(a.out / "loads.csv", rows_of(a.dir / "loads.csv"),
               lambda row: begin <= time_of(row["quarter"]) < end)
    write_rows(a.out / "sessions.csv", rows_of(a.dir / "sessions.csv"),
               lambda row: time_of(row["departure"]) > start and time_of(row["arrival"]) < end)
    (a.out / "street.json").write_text(json.dumps(grid, indent=1) + "\n", encoding="ascii")
    (a.out / "case.env").write_text(f"BEGIN={stamp(begin)}\nFROM={stamp(start)}\nTO={stamp(end)}\n"
                                    f"CHARGERS={len(grid['chargers'])}\n", encoding="ascii")


if __name__ == "__main__":
    main()
