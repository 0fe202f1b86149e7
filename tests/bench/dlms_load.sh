#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# socmod-p3 straight to many meters: PostgreSQL (that flushes to disk), strict meters with an address
# each, and one or more couriers, all on this machine. Two runs:
#
#   sessions   SESSIONS=10000 meters at a round trip of ROUND_TRIP_MS=1000: all sessions at once, and
#              what the courier's memory is then
#   quarter    METERS=100000 in a quarter hour that runs RATE=4 times as fast: 5 in 100 are dead (2 do
#              not even refuse, 3 take the call and are silent), 2 in 100 have seen higher counters.
#              Two couriers with caps per cell, on the route and in all.
#
#   ONLY=sessions or quarter   KEEP_LOGS=DIR
if [ -z "${ONLY:-}" ]; then
    ONLY=sessions "$0" && ONLY=quarter "$0"
    exit
fi
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
FAST=${RATE:-4}
[ "$ONLY" = quarter ] || FAST=1
# shellcheck source=tests/system/p3.sh
. "$TREE/tests/system/p3.sh"
PORT=$(free_ports 3)
GUEK=101112131415161718191A1B GAK=A0A1A2A3A4A5A6A7A8A9AAAB
[ "$(ulimit -Hn)" -ge 12000 ] || { echo "dlms_load: skipped: $(ulimit -Hn) descriptors are too few" >&2 && exit 0; }

# street COUNT CELLS: meters at 127.1.0.0 and up; each 50th behind a port that drops calls
street() {
    db "insert into grid.transformer (id) values ('T1');
        insert into grid.feeder (id, transformer) values ('F1', 1);
        insert into grid.connection (ean, feeder, phases, contract_w)
            select 871687120000000000 + c, 1, '123', 11040 from generate_series(0, $1 - 1) c order by c;
        insert into grid.meter (equipment_id, connection, route, address, cell, message_interval_s)
            select 'M' || to_char(i, 'FM000000'), c.number, 'dlms',
                host('127.1.0.0'::inet + i) || ':' || case when i % 50 = 7 then $PORT + 1 else $PORT end,
                'C' || i % $2, 0
            from grid.connection c cross join lateral (select (c.number - 1)::int as i) x order by c.number;
        insert into plan.round (id, transformer, quarter, started, finished, planner, congested)
            values ('00000000-0000-7000-8000-000000000001', 1, '2026-01-14 16:00Z', $NOW, $NOW, 'bench', true);
        analyze grid.meter" >/dev/null
    (umask 077 && awk -v n="$1" -v guek=$GUEK -v gak=$GAK 'BEGIN {
        print "equipment_id,encryption_key,authentication_key,client_title,meter_title"
        for (i = 0; i < n; i++)
            printf "M%06d,%s%08X,%s%08X,534F4D0000000001,4D45540000%06X\n", i, guek, i, gak, i, i }' \
        >"$WORK/keys.csv")
    "$BIN/socmod-admin" keys new-master "$WORK/master.key" >/dev/null
    "$BIN/socmod-admin" keys import --master "$WORK/master.key" "$WORK/keys.csv" >/dev/null || fail "keys"
    "$BIN/socmod-admin" export "$WORK/grid.json" || fail "export"
}

peer() { # LINES of [dlms]
    {
        printf '[street]\ngrid = %s\n[state]\nfolder = %s\nkeep = memory\n[p1]\nport = 0\n' "$WORK/grid.json" "$WORK"
        printf '[mqtt]\nbroker =\n[clock]\nhands = 2026-01-14T16:00:00Z %s %s\n' "$HANDS_AT" "$FAST"
        printf '[dlms]\nkeys = %s\naddress = 127.1.0.0\nport = %s\nspread = addresses\n' "$WORK/keys.csv" "$PORT"
        printf 'dead_port = %s\n' $((PORT + 1))
        printf '%s\n' "$@"
    } >"$WORK/peer.ini"
    run peer "$BIN/peer-meter" --config "$WORK/peer.ini"
    wait_for 120 "peer-meter" grep -q peer.ready "$WORK/peer.log"
}

courier() { # NAME LINES of [p3] and of further sections
    local name=$1
    shift
    {
        printf '[database]\nconnection=dbname=socmod user=socmod_p3\n[mqtt]\nbroker=\nclient_id=%s\n' "$name"
        printf '[clock]\nhands=2026-01-14T16:00:00Z %s %s\n[keys]\nmaster_file=%s\n' "$HANDS_AT" "$FAST" "$WORK/master.key"
        printf '[counters]\nmark=%s\n[p3]\n' "$WORK/$name.mark"
        printf '%s\n' "$@"
    } >"$WORK/$name.ini"
    run "$name" "$BIN/socmod-p3" --config "$WORK/$name.ini"
}

# want COUNT: a message of 1000 octets for each
want() {
    db "insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text, digest,
            not_after, created)
        select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', m, m, $NOW, $NOW + interval '3 h', 6000,
            rpad('message for ' || m, 1000, '.'), '-', $NOW + interval '15 min', $NOW
        from generate_series(1, $1) m;
        notify plan_profile, '1'" >/dev/null
}

have_ended() {
    sleep 2 # to look costs something too
    [ "$(db "select count(*) from p3.delivery where state in ('verified', 'expired')")" -eq "$1" ]
}
verified() {
    db "select count(*) from p3.delivery where state = 'verified'"
}
cpu_s() {
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/${PID[$1]}/stat"
}
totals() {
    stop peer
    grep -q 'repeated=0 lower=0' "$WORK/peer.log" || fail "counters: $(tail -n 1 "$WORK/peer.log")"
    most=$(grep -o 'most_at_once=[0-9]*' "$WORK/peer.log" | cut -d = -f 2)
}
keep_logs() {
    [ -z "${KEEP_LOGS:-}" ] || { mkdir -p "$KEEP_LOGS" && cp "$WORK"/*.log "$KEEP_LOGS"; }
}

sessions() {
    local count=${SESSIONS:-10000} round_trip=${ROUND_TRIP_MS:-1000} http=$((PORT + 2)) most
    PG_FSYNC=on start_postgres socmod
    street "$count" 50
    db "update grid.meter set address = regexp_replace(address, ':.*', ':$PORT')"
    peer "answer_ms = $round_trip"
    want "$count"
    courier p3-a "max_under_way=$count" "[dlms]" "max_per_cell=0" "rate_per_cell=0" "[http]" "port=$http"
    wait_for 200 "all have ended" have_ended "$count"
    expect "verified" "$count" "$(verified)"
    echo "dlms_sessions_memory $(awk '/VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/${PID[p3-a]}/status") MB"
    echo "dlms_sessions_seconds $(db "select round(extract(epoch from max(finished) - min(started))::numeric, 1) from p3.attempt") s"
    echo "dlms_sessions_courier_cpu $(awk -v s="$(cpu_s p3-a)" -v n="$count" 'BEGIN { printf "%.0f", s * 1e6 / n }') us"
    stop p3-a
    totals
    echo "dlms_sessions_at_once $most sessions"
    keep_logs
}

quarter() {
    local count=${METERS:-100000} dead cap_cell=40 cap_all=6000 over took
    PG_FSYNC=on start_postgres socmod
    street "$count" 200
    dead=$(awk -v n="$count" 'BEGIN { for (i = 0; i < n; i++) if (i % 50 == 7 || i * 37 % 100 < 3) d++; print d + 0 }')
    peer "answer_ms = ${ROUND_TRIP_MS:-200}" "dead_share = 3" "stale_share = 2"
    want "$count"
    for name in p3-a p3-b; do
        courier "$name" "max_under_way=5000" "max_in_all=$cap_all" "[dlms]" "max_per_cell=$cap_cell" \
            "rate_per_cell=20" "longest=120" "[smr5]" "connect_ms=10000" "answer_ms=10000" "pause_ms=5000"
    done
    wait_for 700 "the end of the quarter hour" have_ended "$count"
    expect "verified" $((count - dead)) "$(verified)"
    expect "expired" "$dead" "$(db "select count(*) from p3.delivery where state = 'expired'")"
    over=$(db "with e as (select d.lane, a.started as at, 1 as n from p3.attempt a join p3.delivery d using (profile)
            union all select d.lane, a.finished, -1 from p3.attempt a join p3.delivery d using (profile))
        select max(here) || ' ' || max(everywhere) from (select
            sum(n) over (partition by lane order by at, n rows unbounded preceding) as here,
            sum(n) over (order by at, n rows unbounded preceding) as everywhere from e) x")
    echo "dlms_quarter_cell_at_once ${over% *} sessions"
    echo "dlms_quarter_at_once ${over#* } sessions"
    took=$(db "select round(extract(epoch from max(verified_at) - min(queued_at))::numeric) from p3.delivery")
    echo "dlms_quarter_meters $count meters"
    echo "dlms_quarter_dead $dead meters"
    echo "dlms_quarter_verified $((count - dead)) meters"
    echo "dlms_quarter_rate $FAST times"
    echo "dlms_quarter_last_verified $took s"
    echo "dlms_quarter_99_verified $(db "select round(extract(epoch from percentile_disc(0.99) within group (order by verified_at)
        - min(queued_at))::numeric) from p3.delivery where state = 'verified'") s"
    echo "dlms_quarter_attempts $(db 'select count(*) from p3.attempt') attempts"
    for name in p3-a p3-b; do
        echo "dlms_quarter_${name/-/_}_memory $(awk '/VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/${PID[$name]}/status") MB"
        echo "dlms_quarter_${name/-/_}_cpu $(cpu_s "$name") s"
        stop "$name"
    done
    if [ "${over% *}" -gt $cap_cell ] || [ "${over#* }" -gt $cap_all ]; then
        fail "caps of $cap_cell and $cap_all: $over"
    fi
    totals
    keep_logs
}

"$ONLY"
