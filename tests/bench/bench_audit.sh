#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# socmod-audit against a private PostgreSQL with a history: the life of a profile chosen at random,
# and a page of 20 of a filtered list. Client, server and database share the machine.
#
#   PROFILES=200000 EVENTS=1000000 SECONDS_EACH=8 CLIENTS=16 THREADS=4
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
PROFILES=${PROFILES:-200000} EVENTS=${EVENTS:-1000000}
SECONDS_EACH=${SECONDS_EACH:-8} CLIENTS=${CLIENTS:-16} THREADS=${THREADS:-4}
LOAD=$BIN/tests/bench/bench_http
[ -x "$LOAD" ] || fail "no $LOAD: make bench"
start_postgres socmod >"$WORK/start.log"

# 100 transformers with 4 feeders and 40 connections each; two days of quarters; each connection has
# had its share of the profiles, each with a delivery, an attempt and three receipts.
psql -q -X -v ON_ERROR_STOP=1 -v profiles="$PROFILES" -v events="$EVENTS" >"$WORK/fill.log" 2>&1 <<'SQL' || fail "$(cat "$WORK/fill.log")"
select grid.ensure_month('dali.quarter', '2026-01-14');
insert into grid.transformer (id, limit_w) select 'T' || n, '{40000,40000,40000}' from generate_series(1, 100) n;
insert into grid.feeder (id, transformer, limit_w)
    select 'F' || n, (n - 1) / 4 + 1, '{20000,20000,20000}' from generate_series(1, 400) n;
insert into grid.connection (ean, feeder, phases, contract_w)
    select (871687120000000000 + n)::text, (n - 1) / 10 + 1, '123', 11040 from generate_series(1, 4000) n;
insert into grid.meter (equipment_id, connection, route, head_end)
    select 'E' || lpad(n::text, 16, '0'), n, 'head-end', 'HE1' from generate_series(1, 4000) n;
insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source)
    select q, f, 9000 + f, 8000, 7000, q + '15 min 5 s'::interval, 'mqtt'
      from generate_series('2026-01-14'::timestamptz, '2026-01-15 23:45', '15 min') q, generate_series(1, 400) f;
insert into plan.round (id, transformer, quarter, basis, revision, started, finished, planner, congested)
    select gen_random_uuid(), t, q + '15 min'::interval, q, 0, q + '15 min 6 s'::interval, q + '15 min 7 s'::interval, 'p', true
      from generate_series('2026-01-14'::timestamptz, '2026-01-15 23:45', '15 min') q, generate_series(1, 100) t;
insert into plan.forecast (round, feeder, phase, limit_w, measured_w, measured_at, controlled_w, base_w,
        margin_w, headroom_w, demand_w, given_w, chargers)
    select r.id, f.number, p, 20000, 9000, r.basis, 1000, 8000, 500, 11500, 20000, 11500, 10
      from plan.round r, generate_series(1, 3) p, lateral (select number from grid.feeder
        where transformer = r.transformer union all select null) f;
insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text, digest, not_after, created)
    select gen_random_uuid(), r.id, c.number, c.number, r.quarter, r.quarter + '3 h'::interval, 6000,
        '{"Header":{"Action":"EBGDirectControl","ValidFrom":"260114173000W","ValidTo":"260114203000W"},'
        '"Body":{"Period":[{"Start":"260114173000W","MxPwr":6000},{"Start":"260114183000W","MxPwr":9000}]}}',
        encode(sha256((r.id::text || c.number)::bytea), 'hex'), r.quarter + '3 h'::interval, r.finished
      from plan.round r join grid.feeder f on f.transformer = r.transformer
      join grid.connection c on c.feeder = f.number limit :profiles;
insert into plan.share
    select round, connection, 11040, 6000, 'transformer L1', 'send', 'less than before', id from plan.profile;
insert into p3.delivery (profile, meter, route, state, priority, digest, not_after, attempts, next_at,
        queued_at, written_at, verified_at, seen_at, applied_at)
    select id, meter, 'head-end', 'applied', 5, digest, not_after, 1, created, created + '1 s'::interval,
        created + '2 s'::interval, created + '3 s'::interval, created + '4 s'::interval, created + '5 s'::interval
      from plan.profile;
insert into p3.attempt (profile, number, started, finished, result, cause)
    select id, 1, created + '1 s'::interval, created + '3 s'::interval, 'verified', '' from plan.profile;
insert into field.receipt (meter, at, arrived, state, digest, mode, reason, limit_w, register, register_w)
    select meter, created + '4 s'::interval, created + '4 s'::interval, s, digest, 'limited', 'period 1 of 2', 6000,
        '60 x 100 W', 6000
      from plan.profile, unnest('{seen,accepted,applied}'::text[]) s;
insert into audit.event (at, program, kind, subject)
    select '2026-01-01'::timestamptz + n * interval '1 s', 'socmod-ingest', 'feeder.silent', 'feeder F' || n % 400 + 1
      from generate_series(1, :events) n;
insert into audit.token (name, hash, role, created, expires)
    values ('bench', encode(sha256('bench'), 'hex'), 'auditor', '2026-01-01Z', '9999-01-01Z');
vacuum analyze;
SQL
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
"$LOAD" warm "$PORT" bench 1 "$CLIENTS" <"$WORK/lives" >/dev/null || fail "no answers"
"$LOAD" audit "$PORT" bench "$SECONDS_EACH" "$CLIENTS" <"$WORK/lives" || fail "lives"
"$LOAD" audit_list "$PORT" bench "$SECONDS_EACH" "$CLIENTS" <"$WORK/lists" || fail "lists"
echo "audit_profiles $PROFILES rows"
echo "audit_events $EVENTS rows"
