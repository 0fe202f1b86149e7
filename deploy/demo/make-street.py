#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make street.json, history.csv, loads.csv and sessions.csv beside this script, and say what they hold.

The street, its households and its cars are invented; only the shapes are those of a Dutch
winter evening. The seed is fixed, so the files come out the same each time.
"""
import csv
import datetime
import json
import pathlib
import random

HERE = pathlib.Path(__file__).parent
VOLT, LEAST_A, MOST_A = 230, 6, 16
QUARTER = datetime.timedelta(minutes=15)
FIRST = datetime.datetime(2026, 1, 14, 13, 30)  # UTC; half an hour before the evening begins
QUARTERS = 42  # up to 01:00 Dutch time
HISTORY, DAY_SPREAD = 28 * 96, 0.04  # quarters before that; whole days draw more or less
PEAK_RATIO = 1.28  # of what would be drawn without control, against the limits

# W that a household draws on average on a working day in winter, by hour of Dutch time; and how much
# of it on another day.
WORKDAY = [(1, 250), (3, 205), (5, 215), (6.5, 330), (7.5, 480), (8.5, 440), (10, 370), (12, 390), (13, 350),
           (14, 340), (15, 380), (16, 480), (17, 700), (17.5, 830), (18, 920), (18.5, 950),
           (19, 900), (20, 780), (21, 700), (22, 580), (23, 420), (24, 310), (25, 250)]
DAY_OFF = [(1, 1.1), (3, 1.2), (6, 0.9), (8, 0.8), (10, 1.15), (13, 1.3), (16, 1.15), (18, 1), (25, 1)]
# Households on each phase: never quite the same number.
FEEDERS = {"F1": (12, 10, 11), "F2": (10, 11, 12)}
# Of each charger: feeder and the grid phases behind L1, L2, L3 of its connection.
CHARGERS = [("F1", "123"), ("F1", "231"), ("F1", "312"), ("F1", "2"), ("F1", "123"), ("F1", "231"),
            ("F2", "312"), ("F2", "123"), ("F2", "1"), ("F2", "231"), ("F2", "3"), ("F2", "312")]
# Charger, arrival and departure (Dutch time; beyond 24 is the next day), kWh, how many phases
# the car uses. Commuters come from 16:30 to 19:30; some leave again after supper.
CARS = [(1, "14:40", "16:10", 6.5, 3), (8, "15:05", "16:20", 5.0, 1), (4, "15:30", "17:05", 4.5, 1),
        (1, "16:42", "31:15", 31.0, 3), (2, "17:08", "31:40", 24.5, 3), (3, "17:21", "22:10", 20.0, 3),
        (4, "17:35", "31:00", 11.5, 1), (5, "17:12", "32:05", 27.0, 3), (6, "17:45", "19:10", 5.0, 1),
        (7, "16:55", "31:30", 26.5, 3), (8, "17:18", "30:45", 33.0, 3), (9, "17:02", "31:10", 13.0, 1),
        (10, "17:40", "21:45", 19.0, 3), (11, "17:50", "31:20", 10.5, 1), (12, "18:12", "30:55", 22.0, 3),
        (6, "19:28", "31:00", 7.0, 2), (3, "22:35", "31:45", 14.0, 3)]


def ean(number):
    """An EAN of 18 digits with its check digit."""
    body = "87168712%09d" % number
    total = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(body))
    return body + str(-total % 10)


def utc(text):
    hour, minute = map(int, text.split(":"))
    return datetime.datetime(2026, 1, 13, 23) + datetime.timedelta(hours=hour, minutes=minute)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def between(points, hour):
    for (before, low), (after, high) in zip(points, points[1:]):
        if hour <= after:
            return low + (high - low) * (hour - before) / (after - before)
    return points[-1][1]


def household_w(time):
    """Of Dutch winter time, by days that begin at one in the night."""
    hours = (time - utc("1:00")).total_seconds() / 3600
    day, hour = (utc("1:00") + datetime.timedelta(hours=hours - hours % 24)), 1 + hours % 24
    is_off = day.weekday() >= 5 or (day.month, day.day) in ((12, 25), (12, 26), (1, 1))
    return between(WORKDAY, hour) * (between(DAY_OFF, hour) if is_off else 1)


def make_loads(chance, first, quarters, day_spread=0.0):
    """Per quarter and feeder W on each phase; what one quarter has more, the next has in part. Whole
    days have more or less, too, by day_spread."""
    loads, rest = [], {feeder: [0.0] * 3 for feeder in FEEDERS}
    level = {feeder: 1.0 for feeder in FEEDERS}
    for i in range(quarters):
        middle = first + i * QUARTER + QUARTER / 2
        row = {}
        for feeder, households in FEEDERS.items():
            if day_spread and i % 96 == 0:
                level[feeder] = 1 + chance.gauss(0, day_spread)
            rest[feeder] = [0.6 * r + chance.gauss(0, 0.025) for r in rest[feeder]]
            row[feeder] = [round(n * household_w(middle) * level[feeder] * (1 + r))
                           for n, r in zip(households, rest[feeder])]
        loads.append(row)
    return loads


def make_sessions():
    sessions = []
    for charger, arrival, departure, kwh, phases in CARS:
        sessions.append({"charger": charger, "arrival": utc(arrival), "departure": utc(departure),
                         "energy_wh": round(kwh * 1000), "phases": CHARGERS[charger - 1][1][:phases]})
    sessions.sort(key=lambda s: s["arrival"])
    for s, other in ((s, other) for i, s in enumerate(sessions) for other in sessions[i + 1:]):
        assert s["charger"] != other["charger"] or s["departure"] <= other["arrival"]
    return sessions


def draws(sessions, amperes):
    """Per quarter and feeder mean W on each phase when every car may have so many amperes."""
    result = [{feeder: [0.0] * 3 for feeder in FEEDERS} for _ in range(QUARTERS)]
    for s in sessions:
        left, time = s["energy_wh"] * 60, s["arrival"]
        while left > 0 and time < s["departure"]:
            quarter = (time - FIRST) // QUARTER
            if quarter >= QUARTERS:
                break
            part = min(1, left / (VOLT * amperes * len(s["phases"])))
            for phase in s["phases"]:
                result[quarter][CHARGERS[s["charger"] - 1][0]][int(phase) - 1] += \
                    VOLT * amperes * part / 15
            left -= VOLT * amperes * len(s["phases"])
            time += datetime.timedelta(minutes=1)
    return result


def totals(loads, drawn):
    """Per place (feeders and T1) and phase the series of all W."""
    series = {}
    for phase in range(3):
        for feeder in FEEDERS:
            series[feeder, phase] = [row[feeder][phase] + more[feeder][phase]
                                     for row, more in zip(loads, drawn)]
        series["T1", phase] = [sum(w) for w in zip(*(series[feeder, phase] for feeder in FEEDERS))]
    return series


def make_limits(loads, sessions):
    """The same on all phases of a place, so that its busiest phase has the peak ratio."""
    free = totals(loads, draws(sessions, MOST_A))
    return {place: [round(max(max(free[place, phase]) for phase in range(3)) / PEAK_RATIO, -2)] * 3
            for place in [*FEEDERS, "T1"]}


def street(limits):
    def whole(place):
        return [int(w) for w in limits[place]]
    connections, meters, chargers = [], [], []
    for i, (feeder, phases) in enumerate(CHARGERS, 1):
        count = len(phases)
        # The register of the chargers counts in 100 W, so the floor is 6 A rounded up to that.
        connections.append({"ean": ean(i), "feeder": feeder, "phases": phases,
                            "contract_w": VOLT * MOST_A * count,
                            "floor_w": -(-VOLT * LEAST_A * count // 100) * 100, "weight": 1})
        meters.append({"equipment_id": "E00510000000000%02d" % i, "connection": ean(i),
                       "route": "head-end", "head_end": "HE1", "dsmr": "4" if i in (5, 10) else "5",
                       "message_interval_s": 900})
        chargers.append({"id": "C%02d" % i, "connection": ean(i), "kind": "compleo-station",
                         "max_a": MOST_A})
    return {"transformers": [{"id": "T1", "name": "Demo street", "limit_w": whole("T1")}],
            "feeders": [{"id": feeder, "transformer": "T1", "limit_w": whole(feeder)}
                        for feeder in FEEDERS],
            "connections": connections, "meters": meters, "chargers": chargers}


def write_loads(name, first, loads):
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["feeder", "quarter", "p_l1_w", "p_l2_w", "p_l3_w"])
        for i, row in enumerate(loads):
            for feeder, watts in row.items():
                out.writerow([feeder, stamp(first + i * QUARTER), *watts])


def write(grid, sessions):
    with open(HERE / "street.json", "w", encoding="utf-8") as file:
        parts = (',\n "%s": [\n  %s]' % (key, ",\n  ".join(map(json.dumps, rows)))
                 for key, rows in grid.items())
        file.write("{\n" + "".join(parts)[2:] + "}\n")
    with open(HERE / "sessions.csv", "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["charger", "arrival", "departure", "energy_wh", "phases", "max_a"])
        for s in sessions:
            out.writerow(["C%02d" % s["charger"], stamp(s["arrival"]), stamp(s["departure"]),
                          s["energy_wh"], s["phases"], MOST_A])


def tell(limits, loads, sessions):
    nothing = [{feeder: [0] * 3 for feeder in FEEDERS} for _ in range(QUARTERS)]
    base = totals(loads, nothing)
    free = totals(loads, draws(sessions, MOST_A))
    floor = totals(loads, draws(sessions, LEAST_A))
    print("place phase limit_w base_max free_max floor_max quarters_over")
    for (place, phase), series in sorted(free.items()):
        limit = limits[place][phase]
        over = sum(w > limit for w in series)
        print("%-5s L%d %9d %8.2f %8.2f %9.2f %13d"
              % (place, phase + 1, limit, max(base[place, phase]) / limit, max(series) / limit,
                 max(floor[place, phase]) / limit, over))
        assert max(base[place, phase]) < limit and max(floor[place, phase]) < limit


def main():
    loads, sessions = make_loads(random.Random(2026), FIRST, QUARTERS), make_sessions()
    limits = make_limits(loads, sessions)
    write(street(limits), sessions)
    write_loads("loads.csv", FIRST, loads)
    before = FIRST - HISTORY * QUARTER
    write_loads("history.csv", before, make_loads(random.Random(2025), before, HISTORY, DAY_SPREAD))
    tell(limits, loads, sessions)


main()
