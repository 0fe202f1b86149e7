#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sealed trail: how many events a second one and two writers add, each to a shard of its own, and
# how many --verify checks: those, and the rest in one more shard, sealed by another program. Client,
# server and database share the machine.
#
#   EVENTS=2000000 (over two months) WRITTEN=200000 (by each writer, in statements of 10,000)
#   MEASURE=command   through which --verify runs, once all is there
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
EVENTS=${EVENTS:-2000000} WRITTEN=${WRITTEN:-200000} BATCH=10000
start_postgres socmod >"$WORK/start.log"
db "select audit.ensure_months('2026-01-14')" >/dev/null

# fill ROLE KIND: as programs write, in statements of many rows, a transaction each
fill() {
    PGUSER=socmod_$1 psql -q -X -v ON_ERROR_STOP=1 -c "do \$\$ begin
        for batch in 0..$((WRITTEN / BATCH - 1)) loop
            insert into audit.event (at, program, kind, subject, data)
                select '2026-01-01Z'::timestamptz + n * interval '1 s', 'socmod-$1', '$2',
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
fill p3 delivery.failed || fail "$(cat "$WORK/fill.log")"
rate trail_insert_one_writer "$WRITTEN" "$start" events/s
start=$(date +%s.%N)
fill planner plan.congested &
one=$!
fill ingest dali.stuck &
two=$!
wait $one || fail "$(cat "$WORK/fill.log")"
wait $two || fail "$(cat "$WORK/fill.log")"
rate trail_insert_two_writers $((2 * WRITTEN)) "$start" events/s

# The rest past the triggers.
cat >"$WORK/seal.py" <<'EOF'
import hashlib, sys, time
count, first, shard, last = int(sys.argv[1]), 100000000, 1000000, bytes(32)
sha, former, shown = hashlib.sha256, 0, ""
for n in range(1, count + 1):
    at, subject = 1767225600 + n * 4900000 // count, f"transformer T{n % 10000}"
    if at != former:
        former, shown = at, time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at))
    data = '{"round": "%032x"}' % (n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)
    content = f"{first + n} {at}.000000 14 socmod-planner14 plan.congested{len(subject)} {subject}{data}"
    last = sha(last + sha(content.encode()).digest() + b"%d %d" % (shard, n)).digest()
    sys.stdout.write(f"{first + n}\t{shown}\tsocmod-planner\tplan.congested\t{subject}\t{data}"
                     f"\t{shard}\t{n}\t\\\\x{last.hex()}\n")
sys.stderr.write(f"insert into audit.shard (number, role, sequence, id, hash) overriding system value"
                 f" values ({shard}, 'bench', {count}, {first + count}, '\\x{last.hex()}')")
EOF
python3 "$WORK/seal.py" $((EVENTS - 3 * WRITTEN)) 2>"$WORK/shard.sql" \
    | PGOPTIONS="-c session_replication_role=replica" psql -q -X -v ON_ERROR_STOP=1 \
        -c "copy audit.event (id, at, program, kind, subject, data, shard, sequence, hash) from stdin" \
    || fail "no rest"
psql -q -X -v ON_ERROR_STOP=1 -f "$WORK/shard.sql" || fail "no shard"
db "vacuum analyze audit.event" >/dev/null

cat >"$WORK/audit.ini" <<EOF
[database]
connection = host=$PGHOST dbname=socmod user=socmod_audit
EOF
${MEASURE:-} /usr/bin/time -f '%M' "$BIN/socmod-audit" --config "$WORK/audit.ini" --verify >"$WORK/said" 2>"$WORK/rss" \
    || fail "$(cat "$WORK/said" "$WORK/rss")"
took=$(grep -o '[0-9.]* s$' "$WORK/said")
echo "trail_verify_seconds $took"
awk -v took="$took" -v events="$EVENTS" 'BEGIN { printf "trail_verify %.0f events/s\n", events / took }'
echo "trail_verify_events $EVENTS events"
echo "trail_verify_resident $(tail -n 1 "$WORK/rss") kB"
echo "trail_octets_per_event $(db "select round(sum(pg_total_relation_size(inhrelid)) / $EVENTS) from pg_inherits
    where inhparent = 'audit.event'::regclass") octets"
grep -q ^intact "$WORK/said" || fail "$(cat "$WORK/said")"
