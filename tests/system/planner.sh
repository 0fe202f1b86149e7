# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of the planner: a street in the tables, and the other programs' part by SQL.
#
#   street FEEDERS CONNECTIONS   one transformer T1 with so many connections on each feeder
#   set_clock TIME               what the planner's clock shows when it is started next
#   start_planner NAME [GRACE]   grace in seconds, 120; $PLANNER_LINES: more settings; $RATE: of its clock
#   quarter FEEDER HH:MM L1 L2 L3    as socmod-ingest writes it; again: a correction
#   load CONNECTION HH:MM W [LIMIT]  the same on each phase; limit of the whole connection
#   deliver HH:MM:SS             all profiles without a delivery are verified at that time
#   admin WORDS...       socmod-admin, on the clock of the planner started last
#   rounds_are N
#   round_is HH:MM       there is a round for that quarter hour

street() {
    db "insert into grid.transformer (id, limit_w) values ('T1', '{90000,90000,90000}');
        insert into grid.feeder (id, transformer, limit_w)
            select 'F' || f, 1, '{20000,20000,20000}' from generate_series(1, $1) f order by f;
        insert into grid.connection (ean, feeder, phases, contract_w, floor_w)
            select 871687120000000000 + c, 1 + (c - 1) / $2,
                   (array['123', '231', '312'])[1 + c % 3], 11040, 4140
              from generate_series(1, $1 * $2) c order by c;
        insert into grid.meter (equipment_id, connection, route, head_end, message_interval_s)
            select 'E' || number, number, 'head-end', 'HE1', 900 from grid.connection order by number;
        insert into grid.charger (id, connection, max_a) select 'C' || number, number, 16
            from grid.connection;
        select grid.ensure_month('dali.quarter', '2026-01-14Z');
        select grid.ensure_month('field.load', '2026-01-14Z')" >/dev/null
}

set_clock() {
    SHOWN=$1
}

start_planner() {
    HANDS="$SHOWN $(date +%s.%N) ${RATE:-1}"
    cat >"$WORK/$1.ini" <<EOF
[database]
connection=dbname=socmod user=socmod_planner
[planner]
name=$1
grace=${2:-120}
batch=${BATCH:-200}
[clock]
hands=$HANDS
${PLANNER_LINES:-}
EOF
    run "$1" "$BIN/socmod-planner" --config "$WORK/$1.ini"
}

admin() {
    printf '[database]\nconnection=dbname=socmod\n[clock]\nhands=%s\n' "$HANDS" >"$WORK/admin.ini"
    "$BIN/socmod-admin" --config "$WORK/admin.ini" "$@"
}

quarter() {
    db "insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source)
        values ('2026-01-14 $2Z', $1, $3, $4, $5, '2026-01-14 $2Z', 'mqtt')
        on conflict (quarter, feeder) do update set p_l1_w = excluded.p_l1_w,
            p_l2_w = excluded.p_l2_w, p_l3_w = excluded.p_l3_w, revision = dali.quarter.revision + 1;
        select pg_notify('dali_quarter', transformer::text) from grid.feeder where number = $1" >/dev/null
}

load() {
    db "insert into field.load (quarter, meter, p_l1_w, p_l2_w, p_l3_w, limit_w, arrived)
        values ('2026-01-14 $2Z', $1, $3, $3, $3, ${4:-null}, '2026-01-14 $2Z')"
}

deliver() {
    db "insert into p3.delivery (profile, meter, route, state, priority, digest, not_after, next_at,
            queued_at, written_at, verified_at)
        select id, meter, 'head-end', 'verified', priority, digest, not_after, created, created,
               '2026-01-14 $1Z', '2026-01-14 $1Z' from plan.profile p
         where not exists (select from p3.delivery d where d.profile = p.id)"
}

rounds_are() {
    [ "$(db "select count(*) from plan.round")" -eq "$1" ]
}

round_is() {
    [ "$(db "select exists (select from plan.round where quarter = '2026-01-14 $1Z')")" = t ]
}

# many N: N transformers of one feeder and three connections, each wanting more than there is
many() {
    db "insert into grid.transformer (id, limit_w) select 'T' || t, '{90000,90000,90000}'
            from generate_series(1, $1) t order by t;
        insert into grid.feeder (id, transformer, limit_w)
            select 'F' || t, t, '{15000,15000,15000}' from generate_series(1, $1) t order by t;
        insert into grid.connection (ean, feeder, phases, contract_w, floor_w)
            select 871687120000000000 + c, 1 + (c - 1) / 3, '123', 11040, 4140
              from generate_series(1, 3 * $1) c order by c;
        insert into grid.meter (equipment_id, connection, route, head_end, message_interval_s)
            select 'E' || number, number, 'head-end', 'HE1', 900 from grid.connection order by number;
        insert into grid.charger (id, connection, max_a) select 'C' || number, number, 16
            from grid.connection;
        select grid.ensure_month('dali.quarter', '2026-01-14Z');
        select grid.ensure_month('field.load', '2026-01-14Z')" >/dev/null
}

# many_quarters HH:MM: all of them measured, 19 kW a phase of which the cars draw 11.04
many_quarters() {
    db "insert into field.load (quarter, meter, p_l1_w, p_l2_w, p_l3_w, arrived)
            select q, number, 3680, 3680, 3680, q from grid.meter,
                   (values ('2026-01-14 $1Z'::timestamptz), ('2026-01-14 $1Z'::timestamptz - interval '15 min')) v (q)
            on conflict do nothing;
        insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source)
            select '2026-01-14 $1Z', number, 19000, 19000, 19000, '2026-01-14 $1Z', 'mqtt' from grid.feeder;
        select pg_notify('dali_quarter', number::text) from grid.transformer" >/dev/null
}

# whole N ROUNDS: each of N transformers has so many rounds, each whole; nothing is half or doubled
whole() {
    expect "rounds of each transformer" "$1|$2|$2" "$(db "select count(*), min(n), max(n)
        from (select count(*) n from plan.round group by transformer) t")"
    expect "lines" $(($1 * $2 * 6)) "$(db "select count(*) from plan.forecast")"
    expect "rounds without all their lines" 0 "$(db "select count(*) from plan.round r
        where (select count(*) from plan.forecast where round = r.id) <> 6
           or (select count(*) from plan.share where round = r.id) <> 3")"
    expect "shares sent without a message, or a message without a share" 0 "$(db "select count(*)
        from (select * from plan.share where decision = 'send') s
        full join plan.profile p on p.id = s.profile and p.round = s.round
       where p.id is null or s.profile is null")"
    expect "turns" "$1|$2|$2" "$(db "select count(*), min(rounds), max(rounds) from plan.turn")"
}
