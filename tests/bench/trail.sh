#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sealed trail: how many events a second two writers add, each to a shard of its own, and how
# many --verify checks. Client, server and database share the machine.
#
#   EVENTS=2000000 (two months, half of them each) BATCH=10000 (events of a statement)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
EVENTS=${EVENTS:-2000000} BATCH=${BATCH:-10000}
start_postgres socmod >"$WORK/start.log"
db "select audit.ensure_months('2026-01-14')" >/dev/null

# fill ROLE KIND COUNT: as programs write, in statements of many rows, a transaction each
fill() {
    PGUSER=socmod_$1 psql -q -X -v ON_ERROR_STOP=1 -c "do \$\$ begin
        for batch in 0..$(($3 / BATCH - 1)) loop
            insert into audit.event (at, program, kind, subject, data)
                select '2026-01-01Z'::timestamptz + n * interval '4900000 s' / $3, 'socmod-$1', '$2',
                    'transformer T' || n % 10000, jsonb_build_object('round', md5(n::text))
                  from generate_series(batch * $BATCH + 1, (batch + 1) * $BATCH) n;
            commit;
        end loop;
    end \$\$" >>"$WORK/fill.log" 2>&1
}
rate() { # NAME COUNT START UNIT
    python3 -c "import sys, time; print(sys.argv[1], round(int(sys.argv[2]) / (time.time() - float(sys.argv[3]))), sys.argv[4])" "$@"
}

start=$(date +%s.%N)
fill p3 delivery.failed 200000 || fail "$(cat "$WORK/fill.log")"
rate trail_insert_one_writer 200000 "$start" events/s
start=$(date +%s.%N)
fill planner plan.congested $(((EVENTS - 200000) / 2)) &
one=$!
fill ingest dali.stuck $(((EVENTS - 200000) / 2)) &
two=$!
wait $one || fail "$(cat "$WORK/fill.log")"
wait $two || fail "$(cat "$WORK/fill.log")"
rate trail_insert_two_writers $((EVENTS - 200000)) "$start" events/s
db "vacuum analyze audit.event" >/dev/null

cat >"$WORK/audit.ini" <<END
[database]
connection = host=$PGHOST dbname=socmod user=socmod_audit
END
start=$(date +%s.%N)
/usr/bin/time -f '%M' "$BIN/socmod-audit" --config "$WORK/audit.ini" --verify >"$WORK/said" 2>"$WORK/rss" \
    || fail "$(cat "$WORK/said" "$WORK/rss")"
rate trail_verify "$EVENTS" "$start" events/s
echo "trail_verify_events $EVENTS events"
echo "trail_verify_seconds $(python3 -c "import time; print(round(time.time() - $start, 1))") s"
echo "trail_verify_resident $(tail -n 1 "$WORK/rss") kB"
echo "trail_octets_per_event $(db "select sum(pg_total_relation_size(inhrelid)) / $EVENTS from pg_inherits
    where inhparent = 'audit.event'::regclass") octets"

grep -q ^intact "$WORK/said" || fail "$(cat "$WORK/said")"
