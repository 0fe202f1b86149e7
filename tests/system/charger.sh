# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests of the gateway against peer-charger, with pole.py for the meter. Source it after lib.sh,
# gateway.sh and street.sh.
#
#   play TYPE                  $PEER_PORT is a charger of that type; its trace is $WORK/trace
#   drive TYPE [SETTING...]    the gateway drives it, and it has confirmed 6000 W; $MORE goes to the
#                              end of the settings, in section http
#   fault ORDER                the log begins anew; heals: no faults any more, and 6000 W confirmed
#   metric NAME                of the page, on $PAGE_PORT

echo charger,arrival,departure,energy_wh,phases,max_a >"$WORK/sessions.csv"
PEER_PORT=$(free_ports 2)
PAGE_PORT=$(free_port)

play() {
    stop peer
    rm -f "$WORK/peer.log" "$WORK/trace"
    cat >"$WORK/peer.ini" <<INI
[street]
grid = $WORK/grid.json
sessions = $WORK/sessions.csv
[modbus]
port = $PEER_PORT
trace = $WORK/trace
[charger]
type = $TREE/gateway/drivers/$1.ini
[faults]
control = $WORK/control
INI
    run peer "$BIN/peer-charger" --config "$WORK/peer.ini"
    wait_for 5 "peer" grep -q peer.ready "$WORK/peer.log"
}

drive() {
    local type=$1
    shift
    stop gateway
    rm -f "$WORK/gateway.log" "$WORK/state"
    settings "charger.type = $TREE/gateway/drivers/$type.ini" \
        "charger.address = tcp://127.0.0.1:$PEER_PORT" "charger.timeout_ms = 500" "limit.hold_s = 1" "$@"
    printf '[http]\naddress = 127.0.0.1\nport = %s\n%s\n' "$PAGE_PORT" "${MORE:-}" >>"$WORK/gateway.ini"
    tell text "$(period -60 300 -60 6000)"
    start_gateway
    wait_log 'event=charger.confirmed limit_w=6000' 8
}

fault() {
    : >"$WORK/gateway.log"
    expect "$1" ok "$(order "$WORK/control" "$1")"
}

heals() {
    : >"$WORK/gateway.log"
    order "$WORK/control" "clear C01" >/dev/null
    wait_log 'event=charger.confirmed limit_w=6000' 15
}

metric() {
    curl -sS --max-time 20 "http://127.0.0.1:$PAGE_PORT/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}
