#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# socmod-audit against a private PostgreSQL with a history: the life of a profile chosen at random, a
# page of 20 of a filtered list of profiles and of events, asked by wrk where there is one, else by
# bench_http; the list once more while 1,000 clients follow /v1/stream, and how soon all of those hear
# news; and 1,000,000 events exported. Client, server and database share the machine.
#
#   PROFILES=200000 EVENTS=1000000 SECONDS_EACH=8 WARM_SECONDS=4 CLIENTS=16 FOLLOWERS=1000
#   THREADS=processors
#   KEEP=folder      the filled database stays there, and the next run finds it
#   EVENTS=100000000 wants 25 GB of disk and a quarter of an hour.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
PROFILES=${PROFILES:-200000} EVENTS=${EVENTS:-1000000}
SECONDS_EACH=${SECONDS_EACH:-8} WARM_SECONDS=${WARM_SECONDS:-4} CLIENTS=${CLIENTS:-16}
FOLLOWERS=${FOLLOWERS:-1000} THREADS=${THREADS:-$(nproc)}
LOAD=$BIN/tests/bench/bench_http
[ -x "$LOAD" ] || fail "no $LOAD: make bench"
if [ -n "${KEEP:-}" ]; then
    mkdir -p "$KEEP"
    ln -s "$(realpath "$KEEP")" "$WORK/pg"
    # In order, or what goes past the journal is lost.
    trap 'status=$?; stop_postgres fast; (exit $status); leave' EXIT
fi

fill() {
    psql -q -X -v ON_ERROR_STOP=1 -v profiles="$PROFILES" -f "$TREE/tests/system/audit_plenty.sql" >"$WORK/fill.log" 2>&1 \
        || fail "$(cat "$WORK/fill.log")"
    db "insert into audit.token (name, hash, role, created, expires)
        values ('bench', encode(sha256('bench'), 'hex'), 'auditor', '2026-01-01Z', '9999-01-01Z')"
}

# month NUMBER PARTITION: its part of the events. They are not sealed, which trail.sh measures, and go
# past triggers and journal, indexes last: so a hundred million take minutes and not hours.
month() {
    local count=$((EVENTS / 12))
    psql -q -X -v ON_ERROR_STOP=1 >>"$WORK/fill.log" 2>&1 <<SQL
set session_replication_role = replica;
set maintenance_work_mem = '512MB';
alter table audit.$2 set unlogged;
insert into audit.$2 (id, at, program, kind, subject, data, shard, sequence, hash)
    select n, '2026-01-01Z'::timestamptz + interval '$1 months' + (n - $1::bigint * $count - 1) * (interval '28 days' / $count),
        'socmod-ingest', (array['feeder.silent', 'feeder.back', 'dali.refused', 'delivery.failed'])[n % 4 + 1],
        'feeder F' || n % 400 + 1, '{}', 1, n, '\\x00'
      from generate_series($1::bigint * $count + 1, ($1::bigint + 1) * $count) n;
create index on audit.$2 (at, id);
create index on audit.$2 (kind, at, id);
create index on audit.$2 (subject, at, id);
create index on audit.$2 (program, at, id);
create index on audit.$2 (shard, sequence);
vacuum analyze audit.$2;
SQL
}

# Events of a year. The indexes of the months become parts of those of the whole, which cost nothing
# then.
fill_events() {
    local part n=0
    psql -q -X -v ON_ERROR_STOP=1 >>"$WORK/fill.log" 2>&1 <<'SQL' || fail "$(tail -n 3 "$WORK/fill.log")"
set client_min_messages = warning;
select audit.ensure_months(m) from unnest('{2026-01-01,2026-04-01,2026-07-01,2026-10-01}'::date[]) m;
create table audit.indexes_of_event as select indexname, indexdef from pg_indexes
    where schemaname = 'audit' and tablename = 'event';
select format('drop index audit.%I', indexname) from audit.indexes_of_event \gexec
SQL
    for part in $(psql -q -X -A -t -c "select relname from pg_class where relname ~ '^event_2026_..\$' order by 1"); do
        while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || fail "$(tail -n 3 "$WORK/fill.log")"; done
        month $n "$part" &
        n=$((n + 1))
    done
    for part in $(jobs -p); do wait "$part" || fail "$(tail -n 3 "$WORK/fill.log")"; done
    psql -q -X -v ON_ERROR_STOP=1 >>"$WORK/fill.log" 2>&1 <<'SQL' || fail "$(tail -n 3 "$WORK/fill.log")"
select replace(indexdef, ' ON ONLY ', ' ON ') from audit.indexes_of_event \gexec
drop table audit.indexes_of_event;
select setval(pg_get_serial_sequence('audit.event', 'id'), (select max(id) from audit.event));
SQL
}

if [ -e "$WORK/pg/data/PG_VERSION" ]; then
    launch_postgres >"$WORK/start.log" || fail "PostgreSQL: $(tail -n 5 "$WORK/pg/log")"
    export PGHOST=$WORK/pg PGUSER=socmod PGDATABASE=socmod
else
    start_postgres socmod >"$WORK/start.log"
    db "alter system set shared_buffers = '1GB'" # as ansible/ sets it
    stop_postgres
    launch_postgres >"$WORK/start.log"
    fill
    fill_events
fi
PORT=$(free_port)
cat >"$WORK/audit.ini" <<EOF
[http]
port = $PORT
threads = $THREADS
[database]
connection = host=$PGHOST dbname=socmod user=socmod_audit
[limits]
requests_per_second = 0
EOF
run audit "$BIN/socmod-audit" --config "$WORK/audit.ini"
wait_for 10 "socmod-audit" curl -sf "http://127.0.0.1:$PORT/healthz"

psql -q -X -A -t -c "select '/v1/profiles/' || id || '/life' from plan.profile order by random() limit 50000" >"$WORK/lives"
psql -q -X -A -t -c "select '/v1/profiles?limit=20&meter=' || equipment_id from grid.meter order by random()" >"$WORK/lists"
psql -q -X -A -t -c "select '/v1/events?limit=20&kind=feeder.back&to=' || audit.at_s('2026-01-01Z'::timestamptz + random() * interval '360 days') from generate_series(1, 20000)" >"$WORK/events"

cat >"$WORK/paths.lua" <<'LUA'
local paths, n = {}, 0
function init(args)
    for line in io.lines(args[1]) do paths[#paths + 1] = line end
    n = math.random(#paths)
    wrk.headers["Authorization"] = "Bearer bench"
end
function request()
    n = n % #paths + 1
    return wrk.format("GET", paths[n])
end
LUA
# Processor time of the service and of its database, in ms: what a busy machine does not change.
used_ms() {
    local head
    read -r head <"$WORK/pg/data/postmaster.pid"
    # shellcheck disable=SC2046 # words on purpose
    cat "/proc/${PID[audit]}/stat" "/proc/$head/stat" $(pgrep -P "$head" | sed 's|.*|/proc/&/stat|') 2>/dev/null \
        | awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); sum += $12 + $13 } END { printf "%.0f", sum * 1000 / tick }'
}
# ask NAME FILE SECONDS: as bench_http prints it, and NAME_cpu_us, that of one request
ask() {
    local before after said
    before=$(used_ms)
    said=$(load "$@") || return 1
    after=$(used_ms)
    echo "$said"
    awk -v name="$1" -v seconds="$3" -v used=$((after - before)) \
        '/_requests_per_second/ { printf "%s_cpu_us %.0f us\n", name, used * 1000 / ($2 * seconds) }' <<<"$said"
}
load() {
    if ! command -v wrk >/dev/null; then
        "$LOAD" "$1" "$PORT" bench "$3" "$CLIENTS" <"$2"
        return
    fi
    wrk -t 1 -c "$CLIENTS" -d "$3" --latency -s "$WORK/paths.lua" "http://127.0.0.1:$PORT" -- "$2" >"$WORK/wrk.txt" || return 1
    if grep 'Non-2xx\|Socket errors' "$WORK/wrk.txt" >&2; then return 1; fi
    awk -v name="$1" '/Requests\/sec/ { printf "%s_requests_per_second %.0f 1/s\n", name, $2 }
        $1 == "99%" { unit = $2 ~ /us$/ ? 0.001 : $2 ~ /ms$/ ? 1 : 1000; printf "%s_p99_ms %.1f ms\n", name, $2 * unit }' "$WORK/wrk.txt"
}
ask warm "$WORK/lives" "$WARM_SECONDS" >"$WORK/warm.log" || fail "no answers"
ask audit "$WORK/lives" "$SECONDS_EACH" || fail "lives"
ask audit_list "$WORK/lists" "$SECONDS_EACH" || fail "lists"
ask audit_events "$WORK/events" "$SECONDS_EACH" || fail "events"

resident() { awk '/VmRSS/ { print $2 }' "/proc/${PID[audit]}/status"; }
# Followers: how long until the last of them has heard of a round, the worst of five times. News are
# gathered for half a second.
follow() {
    local say round before
    before=$(resident)
    mkfifo "$WORK/say"
    python3 "$TREE/tests/api/followers.py" 127.0.0.1 "$PORT" bench "$FOLLOWERS" <"$WORK/say" >"$WORK/heard.txt" 2>"$WORK/followers.log" &
    exec {say}>"$WORK/say"
    wait_for 60 "all followers" grep -q 'all here' "$WORK/heard.txt"
    for round in 1 2 3 4 5; do
        echo rounds >&"$say"
        wait_for 10 "listening" bash -c "[ \$(grep -c listening '$WORK/heard.txt') = $round ]"
        db "notify plan_round"
        wait_for 40 "all heard" bash -c "[ \$(grep -c 'rounds heard' '$WORK/heard.txt') = $round ]"
    done
    awk '/heard by/ { if ($(NF - 1) > worst) worst = $(NF - 1) } END { printf "audit_followers_heard_seconds %.2f s\n", worst }' "$WORK/heard.txt"
    echo "audit_followers $FOLLOWERS clients"
    echo "audit_followers_memory_kb $(($(resident) - before)) kB"
    ask audit_list_followed "$WORK/lists" "$SECONDS_EACH" || fail "lists beside followers"
    exec {say}>&-
}
if [ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge $((FOLLOWERS + 300)) ] || ulimit -n $((FOLLOWERS + 300)) 2>/dev/null; then
    follow
else
    echo "audit_followers not measured: $(ulimit -n) descriptors" >&2
fi

# A million events whole, and what that takes of memory.
million=$((EVENTS < 1000000 ? EVENTS : 1000000))
until=$(psql -q -X -A -t -c "select audit.at_s(at + interval '1 s') from audit.event where shard = 1 and sequence = $million")
before=$(resident)
for form in ndjson csv; do
    took=$(curl -s -o "$WORK/export" -w '%{time_total}' -H 'Authorization: Bearer bench' "http://127.0.0.1:$PORT/v1/events?format=$form&to=$until") \
        || fail "export"
    echo "audit_export_${form}_rows $(wc -l <"$WORK/export") rows"
    echo "audit_export_${form}_seconds $took s"
done
echo "audit_export_memory_growth_kb $(($(resident) - before)) kB"
echo "audit_profiles $PROFILES rows"
echo "audit_events $EVENTS rows"
