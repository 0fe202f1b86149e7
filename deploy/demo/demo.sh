#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole chain on one machine, faster than real time; see README. Ends by itself, with
# status 0 only if the chain did its job.
#
#   DATA=DIR   the street: grid.json or street.json, loads.csv, sessions.csv, perhaps history.csv (bundled:
#              deploy/demo)
#   FROM=TIME  HOURS=10   the part of it        RATE=300   times real time
#   KEEP=1     leave everything up afterwards   CHAOS=1    kill -9 each program once meanwhile
#   BIN=DIR    the programs (build/release)
#   DATABASE=  libpq settings of servers with an empty database socmod, whose superuser is socmod; without:
#              a private server
#   PATIENCE=30  seconds without a new measurement after which the chain stands still

DEMO=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
QUIET=1
# shellcheck source-path=SCRIPTDIR source=../../tests/system/lib.sh
. "$DEMO/../../tests/system/lib.sh"
DATA=${DATA:-$DEMO}
RATE=${RATE:-300}
LEAD_S=4 # real seconds in which everything starts before the street's clock reaches FROM

step() {
    echo "- $*"
}

# ini NAME: standard input becomes $WORK/NAME.ini, with the clock's hands
ini() {
    { cat && printf '\n[clock]\nhands = %s\n' "$HANDS"; } >"$WORK/$1.ini"
}

# part NAME PROGRAM: run PROGRAM with NAME.ini
part() {
    run "$1" "$BIN/$2" --config "$WORK/$1.ini"
}

set_hands() {
    local lead
    lead=$(python3 -c "print(round($LEAD_S * $RATE))")
    HANDS="$(date -u -d "$FROM - $lead seconds" +%Y-%m-%dT%H:%M:%SZ) $(date +%s.%N) $RATE"
}

prepare() {
    local -a options=(--hours "${HOURS:-10}")
    [ -z "${FROM:-}" ] || options+=(--from "$FROM")
    python3 -B "$DEMO/prepare_case.py" "$DATA" "$WORK/case" "${options[@]}" || fail "case of $DATA"
    # shellcheck source=/dev/null
    . "$WORK/case/case.env"
    # Every second meter is spoken to directly, over DLMS, the others through their head-end.
    P3_PORT=$(free_ports "$CHARGERS")
    jq --argjson port "$P3_PORT" '.meters |= (to_entries | map(if .key % 2 == 0 then .value else
            .value + {route: "dlms", address: "127.0.0.1:\(.key + $port)", cell: "C1",
                      type: (if .value.dsmr == "4" then "dsmr42" else "smr5" end)} | del(.head_end) end))' \
        "$WORK/case/street.json" >"$WORK/case/street.new" || fail "routes"
    mv "$WORK/case/street.new" "$WORK/case/street.json"
    mapfile -t METERS < <(jq -r '.meters[].equipment_id' "$WORK/case/street.json")
}

# The operator's keys of the meters reached directly, as a meter maker delivers them.
make_keys() {
    install -m 600 /dev/null "$WORK/keys.csv"
    {
        echo equipment_id,encryption_key,authentication_key,client_title,meter_title
        jq -r '.meters[] | select(.route == "dlms").equipment_id' "$WORK/case/street.json" \
            | while read -r meter; do
                echo "$meter,$(openssl rand -hex 16),$(openssl rand -hex 16),534F434D4F440001,4D4554$(openssl rand -hex 5)"
            done
    } >"$WORK/keys.csv"
    "$BIN/socmod-admin" keys new-master "$WORK/master.key" >"$WORK/keys.log" 2>&1 \
        || fail "master key: $(cat "$WORK/keys.log")"
    "${ADMIN[@]}" keys import --master "$WORK/master.key" "$WORK/keys.csv" >"$WORK/keys.log" 2>&1 \
        || fail "keys: $(cat "$WORK/keys.log")"
}

# What was measured before, so that the planner has something to learn from: as an operator brings it.
import_history() {
    [ "$(wc -l <"$WORK/case/history.csv")" -gt 1 ] || return 0
    ini import <<EOF
[database]
connection = $DB user=socmod_ingest
EOF
    "$BIN/socmod-ingest" --config "$WORK/import.ini" --import "$WORK/case/history.csv" \
        >"$WORK/history.log" 2>&1 || fail "history: $(cat "$WORK/history.log")"
    step "$(sed -n 's/.*: \([0-9]* quarters\) read.*/\1/p' "$WORK/history.log") of history imported, until ${BEGIN}"
}

write_settings() {
    local n contract phases rated safe street=$WORK/case/street.json
    ini ingest <<EOF
[database]
connection = $DB user=socmod_ingest
[mqtt]
broker = $BROKER
client_id = ingest
[spool]
folder = $WORK/spool
EOF
    ini planner <<EOF
[database]
connection = $DB user=socmod_planner
[planner]
name = planner
[seal]
key_file = $WORK/seal.pem
EOF
    ini p3 <<EOF
[database]
connection = $DB user=socmod_p3
[mqtt]
broker = $BROKER
client_id = p3
[keys]
master_file = $WORK/master.key
[counters]
mark = $WORK/p3.mark
EOF
    ini audit <<EOF
[database]
connection = $DB user=socmod_audit
[http]
port = $AUDIT_PORT
EOF
    ini charger <<EOF
[street]
grid = $street
sessions = $WORK/case/sessions.csv
[modbus]
port = $MODBUS_PORT
[charger]
timeout_s = $((5 * RATE))
[copper]
sockets = $WORK/meter.copper $WORK/dali.copper
[state]
file = $WORK/charger.state
EOF
    ini meter <<EOF
[street]
grid = $street
[p1]
port = $P1_PORT
[copper]
socket = $WORK/meter.copper
[mqtt]
broker = $BROKER
client_id = meter
[dlms]
keys = $WORK/keys.csv
port = $P3_PORT
[state]
folder = $WORK/meters
EOF
    ini dali <<EOF
[street]
grid = $street
loads = $WORK/case/loads.csv
[copper]
socket = $WORK/dali.copper
[mqtt]
broker = $BROKER
client_id = dali
[state]
file = $WORK/dali.state
[truth]
file = $WORK/truth.csv
EOF
    for n in "${!METERS[@]}"; do
        read -r contract phases rated safe < <(jq -r --arg id "${METERS[n]}" \
            '(.meters[] | select(.equipment_id == $id).connection) as $ean
             | (.chargers[] | select(.connection == $ean)) as $charger | .connections[]
             | select(.ean == $ean) | (.phases | length) as $n
             | "\(.contract_w) \($n) \($charger.max_a * 230 * $n) \(1400 * $n)"' "$street")
        # Waits that hurry with the clock leave room for a busy machine: seconds times RATE.
        ini "gateway-$n" <<EOF
[p1]
port = tcp://127.0.0.1:$((P1_PORT + n))
[meter]
equipment_id = ${METERS[n]}
[seal]
key_1 = $SEAL_KEY
[charger]
type = $TREE/gateway/drivers/compleo-station.ini
address = tcp://127.0.0.1:$((MODBUS_PORT + n))
phases = $phases
rated_w = $rated
watch_s = 60
[limit]
contract_w = $contract
safe_w = $safe
hold_s = $((10 * RATE))
[time]
rule = meter
bound_s = $((2 * RATE))
[mqtt]
broker = $BROKER
client_id = gateway-$n
[state]
file = $WORK/gateway-$n.state
EOF
    done
}

start_all() {
    local n
    mkdir -p "$WORK/spool" "$WORK/meters"
    part audit socmod-audit
    part ingest socmod-ingest
    # A quarter hour that the boxes tell a broker before anyone asked for it is lost.
    wait_for 20 "socmod-ingest at the broker" grep -q 'New client connected.* as ingest ' "$WORK/broker.log"
    part planner socmod-planner
    part p3 socmod-p3
    part meter peer-meter
    part dali peer-dali
    part charger peer-charger
    for n in "${!METERS[@]}"; do
        part "gateway-$n" socmod-gateway
    done
}

# Kill each program once, spread over the run, and start it again at once.
chaos() {
    local name program pause
    pause=$(python3 -c "print(${HOURS:-10} * 3600 / $RATE / 12)")
    for name in ingest planner p3 audit gateway-0 gateway-1 meter charger dali; do
        sleep "$pause"
        kill -0 "${PID[watch]}" 2>/dev/null || return
        case $name in
        gateway-*) program=socmod-gateway ;;
        meter | charger | dali) program=peer-$name ;;
        *) program=socmod-$name ;;
        esac
        stop "$name" KILL
        part "$name" "$program"
        echo "  (killed $name, started it again)"
    done
}

prepare
step "street of $DATA: $CHARGERS chargers, half of their meters over DLMS, $FROM to $TO, $RATE times as fast"
step "PostgreSQL and MQTT broker of its own in $WORK"
[ -n "${DATABASE:-}" ] || start_postgres empty
DB="${DATABASE:-host=$PGHOST} dbname=socmod"
start_broker
# What is done by hand happens before the street's day, also to who reads the trail.
HANDS="$BEGIN $(date +%s.%N) 1"
ini admin <<EOF
[database]
connection = $DB user=socmod
EOF
ADMIN=("$BIN/socmod-admin" --config "$WORK/admin.ini")
"${ADMIN[@]}" migrate >"$WORK/migrate.log" 2>&1 || fail "migrate: $(cat "$WORK/migrate.log")"
"${ADMIN[@]}" import "$WORK/case/street.json" >"$WORK/import.log" 2>&1 \
    || fail "import: $(cat "$WORK/import.log")"
make_keys
"${ADMIN[@]}" token --name demo --role auditor --days 3650 >"$WORK/token" 2>"$WORK/token.log" \
    || fail "token: $(cat "$WORK/token.log")"
import_history
SEAL_KEY=$("$BIN/socmod-admin" seal --make-key "$WORK/seal.pem" 2>"$WORK/seal.log") \
    || fail "seal: $(cat "$WORK/seal.log")"
AUDIT_PORT=$(free_port) MODBUS_PORT=$(free_ports "$CHARGERS") P1_PORT=$(free_ports "$CHARGERS")
set_hands
write_settings
step "starting $((${#METERS[@]} + 7)) programs; logs in $WORK"
start_all
wait_for 20 "audit API" curl -sf "http://127.0.0.1:$AUDIT_PORT/readyz"
# What stands behind the # never leaves the browser.
PAGE="http://127.0.0.1:$AUDIT_PORT/#token=$(cat "$WORK/token")"
step "to look on: $PAGE"
python3 -B "$DEMO/watch.py" --api "http://127.0.0.1:$AUDIT_PORT" --token-file "$WORK/token" \
    --case "$WORK/case" --truth "$WORK/truth.csv" --modbus-port "$MODBUS_PORT" \
    --planner "$BIN/socmod-planner" --patience "${PATIENCE:-30}" --from "$FROM" --to "$TO" &
PID[watch]=$!
[ -z "${CHAOS:-}" ] || chaos
wait "${PID[watch]}"
status=$?
unset "PID[watch]"
verdict=$("$BIN/socmod-audit" --config "$WORK/audit.ini" --verify 2>"$WORK/verify.log" | tail -n 1)
printf '%-30s %s\n' "sealed trail" "$verdict"
[[ $verdict == intact* ]] || status=1
if [ -n "${KEEP:-}" ]; then
    echo
    echo "Left up, until Ctrl-C:"
    echo "  page        $PAGE"
    echo "  audit API   http://127.0.0.1:$AUDIT_PORT/v1/profiles   (Authorization: Bearer $(cat "$WORK/token"))"
    echo "  database    psql '$DB user=socmod'"
    echo "  broker      mosquitto_sub -p $BROKER_PORT -v -t '#'"
    echo "  P1          nc 127.0.0.1 $P1_PORT      Modbus  127.0.0.1:$MODBUS_PORT and up"
    echo "  logs        $WORK"
    trap 'exit $status' INT TERM
    sleep infinity &
    PID[keep]=$!
    wait
fi
[ $status -eq 0 ] || for log in "$WORK"/*.log; do
    grep -h -E 'level=(error|warn)' "$log" | sed "s|^|${log##*/}: |" | tail -n 4
done
exit $status
