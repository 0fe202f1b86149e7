#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A planning round over 10,000 feeders x 3 phases and 100,000 connections, through PostgreSQL:
# from the last measurement in the table to the messages. One transformer in ten is congested.
# Three times: with nothing but the last quarters in the tables; with a history behind it; and with
# all forecasts, by a planner that has learnt from that history.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
TRANSFORMERS=${TRANSFORMERS:-2000}

start_postgres socmod
db "insert into grid.transformer (id, limit_w) select 'T' || t, '{200000,200000,200000}'
        from generate_series(1, $TRANSFORMERS) t order by t;
    insert into grid.feeder (id, transformer, limit_w)
        select 'F' || f, 1 + (f - 1) / 5, '{30000,30000,30000}' from generate_series(1, 5 * $TRANSFORMERS) f order by f;
    insert into grid.connection (ean, feeder, phases, contract_w, floor_w)
        select 871687120000000000 + c, 1 + (c - 1) / 10, (array['123', '231', '312'])[1 + c % 3], 11040, 4140
          from generate_series(1, 50 * $TRANSFORMERS) c order by c;
    insert into grid.meter (equipment_id, connection, route, head_end)
        select 'E' || number, number, 'head-end', 'HE1' from grid.connection order by number;
    insert into grid.charger (id, connection, max_a) select 'C' || number, number, 16 from grid.connection;
    select grid.ensure_month('dali.quarter', '2026-01-14Z');
    select grid.ensure_month('field.load', '2026-01-14Z')" >/dev/null

# quarters FROM TO: two of five connections charge; at every tenth transformer all do
quarters() {
    db "insert into field.load (quarter, meter, p_l1_w, p_l2_w, p_l3_w, arrived)
            select q, m.number, w, w, w, q from grid.meter m
              cross join generate_series('2026-01-14 $1Z'::timestamptz, '2026-01-14 $2Z', '15 min') q
              cross join lateral (select case when (m.number / 50) % 10 = 0 or m.number % 5 < 2 then 3680 else 0 end) v (w);
        insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source)
            select q, f.number, w + n, w + n, w + n, q, 'mqtt' from grid.feeder f
              cross join generate_series('2026-01-14 $1Z'::timestamptz, '2026-01-14 $2Z', '15 min') q
              cross join lateral (select 5000 + case when (f.transformer - 1) % 10 = 0 then 36800 else 14720 end) v (w)
              cross join lateral (select (extract(epoch from q)::bigint / 900 * 7919 + f.number) % 97) u (n)"
    db "analyze"
}

# round_at TIME: plan once and print the seconds that it took
round_at() {
    cat >"$WORK/planner.ini" <<EOF
[database]
connection=dbname=socmod user=socmod_planner
[clock]
hands=$1 $(date +%s.%N) 1
EOF
    local had
    had=$(db "select count(*) from plan.round")
    : >"$WORK/planner.log"
    run planner "$BIN/socmod-planner" --config "$WORK/planner.ini"
    wait_for 300 "round" grep -q event=plan.rounds "$WORK/planner.log"
    stop planner
    expect "rounds" "$TRANSFORMERS" $(($(db "select count(*) from plan.round") - had))
    sed -n 's/.*event=plan.rounds .* ms=\([0-9]*\).*/\1/p' "$WORK/planner.log" | awk '{ printf "%.2f", $1 / 1000 }'
}

quarters 09:15 09:30
first=$(round_at 2026-01-14T09:45:03Z)
echo "planner_round_100k_connections_seconds $first s"
quarters 09:45 16:45
db "insert into p3.delivery (profile, meter, route, state, priority, digest, not_after, next_at, queued_at, written_at, verified_at)
    select id, meter, 'head-end', 'verified', priority, digest, not_after, created, created, created, created from plan.profile"
for at in 13:00 14:00 15:00 16:00; do
    round_at "2026-01-14T$at:03Z" >/dev/null
done
later=$(round_at 2026-01-14T17:00:03Z)
echo "planner_round_100k_connections_with_history_seconds $later s"

rounds_made() {
    [ "$(grep -c event=plan.rounds "$WORK/planner.log")" -ge "$1" ]
}

cat >"$WORK/planner.ini" <<EOF
[database]
connection=dbname=socmod user=socmod_planner
[clock]
hands=2026-01-14T17:13:50Z $(date +%s.%N) 1
EOF
: >"$WORK/planner.log"
run planner "$BIN/socmod-planner" --config "$WORK/planner.ini"
began=${EPOCHREALTIME/./}
wait_for 300 "learning" grep -q event=plan.learnt "$WORK/planner.log"
awk -v us=$((${EPOCHREALTIME/./} - began)) 'BEGIN { printf "planner_learn_10k_feeders_30_quarters_seconds %.2f s\n", us / 1e6 }'
quarters 17:00 17:00
wait_for 300 "a round with forecasts" rounds_made 1
expect "forecasts" "$((18 * TRANSFORMERS))|t" "$(db "select count(*), bool_and(f.p95_w is not null)
    from plan.forecast f join plan.round r on r.id = f.round where r.quarter = '2026-01-14 17:15Z'")"
sed -n 's/.*event=plan.rounds .* ms=\([0-9]*\).*/\1/p' "$WORK/planner.log" | tail -n 1 |
    awk '{ printf "planner_round_100k_connections_with_forecasts_seconds %.2f s\n", $1 / 1000 }'
awk '/VmRSS/ { printf "planner_memory_10k_feeders_learnt %.0f MB\n", $2 / 1024 }' "/proc/${PID[planner]}/status"
stop planner
