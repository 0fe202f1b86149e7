#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the standard day of services/planner/season.c.

Data: the three phases SBR_L1..L3 of simbench_h1.csv.gz (a low-voltage feeder built of SimBench
household, agriculture and business profiles, January to June; simbench.net, ODbL) in the folder
that is named, or $LOADS_DATA. Method: the mean of each quarter hour of the day over all days and
phases, divided by the mean of the whole, as its first four harmonics, at the end of the first
quarter hour of each half hour, rounded to 0.01.
"""
import csv
import gzip
import math
import os
import sys

folder = sys.argv[1] if len(sys.argv) > 1 else os.environ["LOADS_DATA"]
sums, counts = [0.0] * 96, [0] * 96
with gzip.open(os.path.join(folder, "simbench_h1.csv.gz"), "rt") as rows:
    for row in csv.DictReader(rows):
        hour, minute = row["ts"][11:16].split(":")
        slot = int(hour) * 4 + int(minute) // 15
        for phase in ("SBR_L1_H1", "SBR_L2_H1", "SBR_L3_H1"):
            if row[phase]:
                sums[slot] += float(row[phase])
                counts[slot] += 1
day = [total / count for total, count in zip(sums, counts)]
mean = sum(day) / 96


def harmonic(number, wave):
    return sum(day[i] / mean * wave(2 * math.pi * number * (i + 0.5) / 96) for i in range(96)) / 48


def shape(slot):
    value = 1.0
    for number in range(1, 5):
        angle = 2 * math.pi * number * (slot + 1) / 96
        value += harmonic(number, math.cos) * math.cos(angle)
        value += harmonic(number, math.sin) * math.sin(angle)
    return value


print(", ".join(f"{shape(slot):.2f}F" for slot in range(0, 96, 2)))
