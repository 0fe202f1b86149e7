# SPDX-License-Identifier: Apache-2.0
"""How the database answers what the API asks: each path with each of its filters, alone, with a span
of time and behind a cursor, is asked once; auto_explain tells how each statement was done.

plans.py OPENAPI URL LOG EXPORT: LOG is the server's. Refused are sequential scans of what grows, and
scans that read many times what was asked for. EXPORT gets what was looked at. Ends with status 1
when a statement does so.
"""
import http.client
import json
import re
import sys
import time
import urllib.parse

import operations

TOKEN = "operator-token"
SPAN = {"from": "2026-01-15T00:00:00Z", "to": "2026-01-15T06:00:00Z"}
ROLLED = {"from": "2025-12-02T00:00:00Z", "to": "2025-12-02T06:00:00Z"}  # by now a row for a day
VALUES = {"meter": "E0000000000000777", "connection": "871687120000000777", "feeder": "F77", "transformer": "T20",
          "charger": "C777", "state": "applied", "cause": "none", "kind": "feeder.back", "subject": "feeder F7",
          "program": "socmod-admin", "online": "false", "mode": "safe", "congested": "true", "all": "true",
          "at": "2026-01-15T12:05:00Z"}
STATES = {"/v1/receipts": "refused", "/v1/profiles": "applied", "/v1/deliveries": "applied"}
# Few, however long it runs: a place, a role's chain, a reader each.
SMALL = {"transformer", "feeder", "shard", "token", "head", "verification", "turn", "planner", "counter_state"}
# By path: what is read whole, and rightly; statistics join what is a good part of all here, and a plan
# for any mode of a gateway goes through them in the order of the list.
WHOLE = {"/v1/gateways/summary": {"gateway"}, "/v1/gateways": {"gateway", "meter"}, "/metrics": {"gateway"}, "/v1/statistics": {"delivery", "share"}}
FEW = 100  # rows of a table, or of a month, that an index would be of no use for
# Rows that a scan may read for a page of 20, and by path what more is asked for.
MOST = 3000
MORE = {"/v1/statistics": 400000, "/metrics": 40000, "/v1/transformers": 60000}
SKIPPED = ("/v1/stream", "/", "/page/{file}", "/openapi.yaml", "/healthz")


def get(netloc, path):
    connection = http.client.HTTPConnection(netloc, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {text[:200]}")
    return text


def things(netloc):
    """One of each kind that the paths name."""
    first = lambda path: json.loads(get(netloc, path))["items"][0]["id"]
    return {"transformers": "T20", "feeders": "F77", "chargers": "C777", "limits": "1",
            "rounds": first(f"/v1/rounds?transformer=T20&from={SPAN['from']}&to={SPAN['to']}&limit=1"),
            "profiles": first("/v1/profiles?limit=1")}


def queries(operation):
    """The query strings to ask a path with."""
    names = [n for n in operation.query if n not in ("limit", "cursor", "format", "from", "to")]
    span = {n: SPAN[n] for n in ("from", "to") if n in operation.query}
    page = {"limit": 20} if "limit" in operation.query else {}
    asked = [{**page}, {**page, **span}]
    if span and ("loads" in operation.path or "statistics" in operation.path):
        asked.append({**page, **ROLLED})
    for name in names:
        value = STATES.get(operation.path, VALUES[name]) if name == "state" else VALUES[name]
        asked += [{**page, name: value}, {**page, **span, name: value}]
    return [urllib.parse.urlencode(a) for n, a in enumerate(asked) if a not in asked[:n]]


def statements(text):
    """Each statement of the log with its plan."""
    for entry in re.split(r"^(?=\S)", text, flags=re.M):
        if " plan:\n" in entry:
            yield entry


def faults(path, statement):
    plan = statement.split("\n")
    for n, line in enumerate(plan):
        scan = re.search(r"((?:Seq|Index|Index Only|Bitmap Heap) Scan)\b.*? on (\w+)", line)
        done = re.search(r"actual rows=(\d+) loops=(\d+)", line)
        if not scan or not done:
            continue
        depth = len(line) - len(line.lstrip())
        removed = 0
        for below in plan[n + 1:]:
            if "->" in below or len(below) - len(below.lstrip()) <= depth:
                break
            if (found := re.search(r"Rows Removed by (?:Filter|Index Recheck): (\d+)", below)):
                removed += int(found[1])
        rows = (int(done[1]) + removed) * int(done[2])
        table = re.sub(r"_(\d{4}(_\d\d)?|other|late)$", "", scan[2])
        yield table, scan[1], rows
        if scan[1] == "Seq Scan" and rows >= FEW and table not in SMALL | WHOLE.get(path, set()):
            print(f"{path}: {line.strip()}")
            yield None
        elif rows > MORE.get(path, MOST) and table not in WHOLE.get(path, set()):
            print(f"{path}: {rows} rows read: {line.strip()}")
            yield None


def main():
    description, url, log, export = sys.argv[1:5]
    netloc, bad, looked = urllib.parse.urlsplit(url).netloc, 0, []
    known = [o for o in operations.read(description) if o.method == "get" and o.path not in SKIPPED]
    found = things(netloc)
    for operation in known:
        path = operations.fill(operation.path, found).replace("871687120000000011", VALUES["connection"])
        for query in queries(operation):
            asked = [f"{path}?{query}" if query else path]
            for question in asked:
                start = len(open(log, errors="replace").read())
                document = get(netloc, question)
                following = json.loads(document).get("next") if document[:1] == b"{" else None
                if following and "cursor=" not in question:
                    asked.append(f"{question}&cursor={following}")
                for statement in statements(open(log, errors="replace").read()[start:]):
                    seen = list(faults(operation.path, statement))
                    bad += seen.count(None)
                    if None in seen:
                        print(f"  asked: {question}\n  " + "\n  ".join(statement.split("\n")[:60]))
                    looked.append((question, [s for s in seen if s]))
    with open(export, "w", encoding="utf-8") as out:
        for question, scans in looked:
            print(question, scans, file=out)
    print(f"{len(known)} paths, {len({q for q, _ in looked})} questions, {len(looked)} statements, {bad} faults")
    sys.exit(1 if bad or len(looked) < 150 else 0)


main()
