# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of socmod-ingest share; source lib.sh first.
#
#   make_grid            T1 with F1 (20 kW a phase) and F2, T2 with F3; meters E1 and E2
#   ingest_settings      writes $WORK/ingest.ini; further lines from standard input
#   csv                  runs an import of $WORK/in.csv, output in $WORK/{out,err}, prints its status
#   publish TOPIC        one message per line of standard input
#   quarter N            prints the start of the N-th quarter hour of 14 January 2026
#   message N P1 P2 P3   prints the payload for that quarter
# shellcheck disable=SC2154 # WORK, BIN and TREE are of lib.sh

make_grid() {
    cat >"$WORK/grid.json" <<EOG
{"transformers":[{"id":"T1","limit_w":[40000,40000,40000]},{"id":"T2"}],
 "feeders":[{"id":"F1","transformer":"T1","limit_w":[20000,20000,20000]},
  {"id":"F2","transformer":"T1"},{"id":"F3","transformer":"T2"}],
 "connections":[{"ean":"871687120000000011","feeder":"F1","phases":"231","contract_w":11040},
  {"ean":"871687120000000028","feeder":"F1","phases":"123","contract_w":11040}],
 "meters":[
  {"equipment_id":"E1","connection":"871687120000000011","route":"head-end","head_end":"HE1"},
  {"equipment_id":"E2","connection":"871687120000000028","route":"head-end","head_end":"HE1"}],
 "chargers":[]}
EOG
    "$BIN/socmod-admin" import "$WORK/grid.json" >"$WORK/grid.log" 2>&1 \
        || fail "no grid: $(cat "$WORK/grid.log")"
}

ingest_settings() {
    cat >"$WORK/ingest.ini" <<EOI
[database]
connection = dbname=socmod user=socmod_ingest
[spool]
folder = $WORK/spool
[mqtt]
broker = ${BROKER:-}
[dali]
oldest = 3660
EOI
    cat >>"$WORK/ingest.ini"
}

csv() {
    "$BIN/socmod-ingest" --config "$WORK/ingest.ini" --import "$WORK/in.csv" \
        >"$WORK/out" 2>"$WORK/err"
    echo $?
}

publish() {
    mosquitto_pub -h 127.0.0.1 -p "$BROKER_PORT" -V mqttv5 -q 1 -l -t "$1" \
        || fail "nothing published to $1"
}

quarter() {
    date -u -d "@$((1768348800 + $1 * 900))" +%Y-%m-%dT%H:%M:%SZ
}

message() {
    echo "{\"quarter\":\"$(quarter "$1")\",\"p_w\":[$2,$3,$4]}"
}

shows() { # WANTED SQL: the database answers so
    [ "$(db "$2")" = "$1" ]
}
