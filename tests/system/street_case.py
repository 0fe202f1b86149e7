#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a replay case of the demo's street with its history: street_case.py STREET OUT [NAME=VALUE ...for case.ini]"""
import json
import pathlib
import shutil
import sys

street, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
grid = json.loads((street / "street.json").read_text())
connections = {c["ean"]: c for c in grid["connections"]}
case = {
    "name": "bundled street",
    "timezone": "Europe/Amsterdam",
    "transformers": [{"id": t["id"], "limit_w": t["limit_w"],
                      "feeders": [f["id"] for f in grid["feeders"] if f["transformer"] == t["id"]]}
                     for t in grid["transformers"]],
    "feeders": [{"id": f["id"], "limit_w": f["limit_w"]} for f in grid["feeders"]],
    "chargers": [{"id": c["id"], "feeder": connections[c["connection"]]["feeder"],
                  "phases": connections[c["connection"]]["phases"], "max_a": c["max_a"],
                  "floor_a": connections[c["connection"]]["floor_w"]
                  / 230 / len(connections[c["connection"]]["phases"])}
                 for c in grid["chargers"]],
}
(out / "grid.json").write_text(json.dumps(case, indent=1) + "\n", encoding="ascii")
shutil.copy(street / "sessions.csv", out / "sessions.csv")
_, *evening = (street / "loads.csv").read_text().splitlines(keepends=True)
(out / "loads.csv").write_text((street / "history.csv").read_text() + "".join(evening), encoding="ascii")
settings = sys.argv[3:] or ["score_from=2026-01-14T14:00:00Z"]
(out / "case.ini").write_text("[case]\n" + "\n".join(settings) + "\n", encoding="ascii")
