# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A street of two connections for the tests of the peers, and what treats them as their
# neighbours do. Source it after lib.sh.
#
#   grid.json in $WORK: F1 of T1 with C01 (three phases, 231) behind meter E1 (DSMR 5), C02 (one
#   phase, 2) behind meter E2 (DSMR 4), both by head-end HE1
#   hands RATE [TIME]    prints a value for [clock] hands that shows TIME (noon) now
#   order SOCKET TEXT    a fault order; prints what came back
#   modbus ...           tests/system/modbus.py
#   telegram ...         tests/system/telegram.py
#   ask TEXT ...         of the head-end HE1, see below

cat >"$WORK/grid.json" <<'GRID'
{"transformers": [{"id": "T1", "limit_w": [40000, 40000, 40000]}],
 "feeders": [{"id": "F1", "transformer": "T1", "limit_w": [20000, 20000, 20000]}],
 "connections": [
  {"ean": "871687120000000011", "feeder": "F1", "phases": "231", "contract_w": 11040},
  {"ean": "871687120000000028", "feeder": "F1", "phases": "2", "contract_w": 3680}],
 "meters": [
  {"equipment_id": "E1", "connection": "871687120000000011", "route": "head-end", "head_end": "HE1"},
  {"equipment_id": "E2", "connection": "871687120000000028", "route": "head-end", "head_end": "HE1", "dsmr": "4"}],
 "chargers": [
  {"id": "C01", "connection": "871687120000000011", "kind": "compleo-station", "max_a": 16},
  {"id": "C02", "connection": "871687120000000028", "kind": "compleo-station", "max_a": 16}]}
GRID

hands() {
    echo "${2:-2026-01-14T12:00:00Z} $(date +%s.%N) $1"
}

order() {
    python3 - "$@" <<'SEND'
import os, socket, sys
link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1] + ".answer"
if os.path.exists(name):
    os.unlink(name)
link.bind(name)
link.settimeout(10)
link.sendto(sys.argv[2].encode(), sys.argv[1])
print(link.recv(1024).decode())
os.unlink(name)
SEND
}

modbus() {
    "$TREE/tests/system/modbus.py" "$@"
}

# Ask the head-end over MQTT 5: TEXT [METER [NOT_AFTER [OBJECT]]]; prints correlation data, status,
# cause and digest of the answer.
ask() {
    local request
    request=$(jq -nc --arg text "$1" --arg meter "${2:-E1}" --arg until "${3:-2099-01-01T00:00:00Z}" \
        --arg object "${4:-0-0:96.13.0.255}" \
        '{id: "0190", equipment_id: $meter, object: $object, text: $text, not_after: $until}')
    ask_raw "$request"
}
ask_raw() {
    mosquitto_rr -V mqttv5 -p "$BROKER_PORT" -q 1 -W "${WAIT:-3}" -t p3/HE1/set -e "p3/HE1/answer/${WHO:-test}" \
        -D publish correlation-data 4711 -m "$1" -F '{"correlation":"%D","answer":%p}' |
        jq -r '[.correlation, .answer.status, .answer.cause // "-", .answer.digest // "-"] | join(" ")'
}

telegram() {
    timeout 20 "$TREE/tests/system/telegram.py" "$@"
}
