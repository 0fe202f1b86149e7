#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast quarter hours come in, with a database that syncs its commits to disk:
#   from a CSV file of 1,000 feeders; one quarter of 100,000 feeders, new and corrected; and
#   over MQTT, from what the broker kept while socmod-ingest was away.
# shellcheck disable=SC2034 # for lib.sh
PG_FSYNC=on
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/system/ingest.sh
. "$(dirname "$0")/../system/ingest.sh"
FEEDERS=100000 ROWS=500000 MESSAGES=50000
start_postgres socmod >/dev/null
start_broker
ingest_settings </dev/null
db "insert into grid.transformer (id, limit_w) select 'T' || i, '{40000,40000,40000}' from generate_series(1, $FEEDERS / 5) i;
    insert into grid.feeder (id, transformer) select 'F' || i, 1 + i / 5 from generate_series(0, $FEEDERS - 1) i;
    analyze grid.feeder"

lines() { # FEEDERS QUARTERS FIRST FORMAT: in Python, %f %t and three powers
    python3 - "$@" <<'EOP'
import datetime, random, sys
feeders, quarters, first = map(int, sys.argv[1:4])
random.seed(first)
json = sys.argv[4] == "json"
if not json:
    print("feeder,quarter,p_l1_w,p_l2_w,p_l3_w")
for q in range(quarters):
    at = datetime.datetime.fromtimestamp(1768348800 + (first + q) * 900, datetime.timezone.utc)
    at = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    for f in range(feeders):
        p = [random.randint(1000, 39000) for _ in range(3)]
        print(f'{{"quarter":"{at}","p_w":{p}}}' if json else f"F{f},{at},{p[0]},{p[1]},{p[2]}")
EOP
}

seconds() { # COMMAND...: how long it takes
    local from
    from=$(date +%s.%N)
    "$@" >"$WORK/bench.log" 2>&1 || fail "$*: $(cat "$WORK/bench.log")"
    date +%s.%N | awk -v from="$from" '{ printf "%.2f\n", $1 - from }'
}

rate() {
    awk -v n="$1" -v s="$2" 'BEGIN { printf "%d\n", n / s }'
}

import=("$BIN/socmod-ingest" --config "$WORK/ingest.ini" --import "$WORK/in.csv")
lines 1000 $((ROWS / 1000)) 0 csv >"$WORK/in.csv"
echo "ingest_csv_rows_per_second $(rate $ROWS "$(seconds "${import[@]}")") rows/s"

lines $FEEDERS 1 1000 csv >"$WORK/in.csv"
echo "ingest_100k_feeders_quarter_seconds $(seconds "${import[@]}") s"
echo "ingest_100k_feeders_repeat_seconds $(seconds "${import[@]}") s"

run ingest "$BIN/socmod-ingest" --config "$WORK/ingest.ini"
before=$(db "select count(*) from dali.quarter")
have() {
    [ "$(db "select count(*) from dali.quarter")" -ge $((before + $1)) ]
}
echo '{"quarter":"2025-12-14T12:00:00Z","p_w":[1,2,3]}' >"$WORK/first"
first() {
    mosquitto_pub -h 127.0.0.1 -p "$BROKER_PORT" -V mqttv5 -q 1 -t dali/T1/F1/quarter -f "$WORK/first"
    have 1
}
wait_for 20 "ingest listens" first
stop ingest
lines 1 $MESSAGES -100000 json | mosquitto_pub -h 127.0.0.1 -p "$BROKER_PORT" -V mqttv5 -q 1 -l -t dali/T1/F2/quarter
from=$(date +%s.%N)
run ingest "$BIN/socmod-ingest" --config "$WORK/ingest.ini"
wait_for 120 "all messages" have $((MESSAGES + 1))
took=$(date +%s.%N | awk -v from="$from" '{ printf "%.2f\n", $1 - from }')
echo "ingest_mqtt_messages_per_second $(rate $MESSAGES "$took") messages/s"
