# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2120 # what it sets and may be given is for the tests
# For tests of socmod-p3 straight to meters: source it after p3.sh, with a database started.
#
#   dlms_meters N [CELLS]      meters E1 to EN of route dlms, type smr5, in CELLS cells (1), with keys
#   start_peer [LINES...]      peer-meter plays them, on the ports from $DLMS_PORT; settings lines
#                              of [dlms], and of further sections
#   start_dlms NAME [LINES...] socmod-p3 without a broker; its sessions wait little: lines of [smr5]
#                              and of further sections
#   order TEXT                 to the peer, obeyed
#   ANSWER_MS                  how long those wait, machine ms (1000)
#   counters METER             that the peer saw, in order
#   expect_no_counter_twice    of any key, and none below those of an earlier session

GUEK=101112131415161718191A1B1C1D1E GAK=A0A1A2A3A4A5A6A7A8A9AAABACADAE # two more digits each: the meter
PEER_LINES=()

dlms_meters() {
    local count=$1 cells=${2:-1}
    DLMS_PORT=$(free_ports $((count + 1)))
    db "insert into grid.transformer (id) values ('T1');
        insert into grid.feeder (id, transformer) values ('F1', 1);
        insert into grid.connection (ean, feeder, phases, contract_w)
            select 871687120000000000 + c, 1, '123', 11040 from generate_series(1, $count) c order by c;
        insert into grid.meter (equipment_id, connection, route, address, cell, message_interval_s)
            select 'E' || number, number, 'dlms', '127.0.0.1:' || $DLMS_PORT - 1
                    + row_number() over (order by 'E' || number), -- as the exported file has them
                'C' || number % $cells, 0 from grid.connection order by number;
        insert into plan.round (id, transformer, quarter, started, finished, planner, congested)
            values ('00000000-0000-7000-8000-000000000001', 1, '2026-01-14 16:00Z', $NOW, $NOW, 'test',
                    true)" >/dev/null
    install -m 600 /dev/null "$WORK/keys.csv"
    {
        echo equipment_id,encryption_key,authentication_key,client_title,meter_title,counter
        for i in $(seq "$count"); do
            printf 'E%d,%s%02X,%s%02X,534F4D0000000001,4D45540000%06X,100\n' "$i" $GUEK $((i % 256)) \
                $GAK $((i % 256)) "$i"
        done
    } >"$WORK/keys.csv"
    "$BIN/socmod-admin" keys new-master "$WORK/master.key" >/dev/null || fail "master key"
    "$BIN/socmod-admin" keys import --master "$WORK/master.key" "$WORK/keys.csv" >/dev/null || fail "keys"
    "$BIN/socmod-admin" export "$WORK/grid.json" || fail "export"
}

start_peer() {
    [ $# -eq 0 ] || PEER_LINES=("$@")
    mkdir -p "$WORK/meters"
    {
        printf '[street]\ngrid = %s\n[state]\nfolder = %s\nkeep = cache\n' "$WORK/grid.json" "$WORK/meters"
        printf '[p1]\nport = %s\n[mqtt]\nbroker =\n' "${P1_PORT:-0}"
        printf '[faults]\ncontrol = %s\n' "$WORK/control"
        printf '[clock]\nhands = 2026-01-14T16:00:00Z %s %s\n' "$HANDS_AT" "$FAST"
        printf '[dlms]\nkeys = %s\nport = %s\ncounters = %s\n' "$WORK/keys.csv" "$DLMS_PORT" "$WORK/counters"
        [ ${#PEER_LINES[@]} -eq 0 ] || printf '%s\n' "${PEER_LINES[@]}"
    } >"$WORK/peer.ini"
    : >"$WORK/peer.log"
    run peer "$BIN/peer-meter" --config "$WORK/peer.ini"
    wait_for 10 "peer-meter" grep -q peer.ready "$WORK/peer.log"
}

start_dlms() {
    local name=$1
    shift
    {
        printf '[database]\nconnection=dbname=socmod user=socmod_p3\n'
        printf '[clock]\nhands=2026-01-14T16:00:00Z %s %s\n' "$HANDS_AT" "$FAST"
        printf '[mqtt]\nbroker=\nclient_id=%s\n[keys]\nmaster_file=%s\n' "$name" "$WORK/master.key"
        printf "[counters]\nmark=%s\n" "${MARK:-$WORK/$name.mark}"
        printf '[smr5]\nconnect_ms=%s\nanswer_ms=%s\nrelease_ms=300\npause_ms=50\n' "${ANSWER_MS:-1000}" "${ANSWER_MS:-1000}"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$WORK/$name.ini"
    run "$name" "$BIN/socmod-p3" --config "$WORK/$name.ini" --verbose
}

order() {
    local said
    said=$(python3 - "$WORK/control" "$1" <<'SEND'
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
    )
    expect "order $1" ok "$said"
}

counters() {
    sed -n "s/^$1 //p" "$WORK/counters"
}

expect_no_counter_twice() {
    expect "counters used twice" "" "$(sort "$WORK/counters" | uniq -d | head -n 5)"
    ! grep -h -m 3 'event=counter\.' "$WORK/peer.log" || fail "the peer complained"
}
