#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A planning round through PostgreSQL, from the last measurement in the table to the last message:
# five feeders x 3 phases a transformer, ten connections a feeder, all of which have to be foreseen,
# two of five with a car; every tenth transformer is congested. The time is from the start of the
# quarter hour to the end of the last transaction. All was learnt before, from eight days, and kept:
# the planners start with that. Their first round, without it, is told too: it sends most messages.
#
#   TRANSFORMERS=20000 tests/bench/planner_round.sh    100,000 feeders, 1,000,000 connections
#   LEARN_S=300            for a machine with other things to do
#   PARTS="one two none"   one planner; two of them; one, and nothing was measured for a quarter hour;
#                          new: with one of these, nothing was kept, and there are seven hours to learn from
#   NEW_DAY=06             eight days
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
TRANSFORMERS=${TRANSFORMERS:-2000}
PARTS=${PARTS:-one two none}
LEARN_S=${LEARN_S:-$((40 + TRANSFORMERS / 50))} # given to a planner that starts before its round
KILO=$((TRANSFORMERS * 5 / 1000))k

start_postgres socmod
# As a server of that size would be set up; the rest is as Debian installs it.
db "alter system set shared_buffers = '2GB'"
db "alter system set max_wal_size = '16GB'"
stop_postgres
launch_postgres || fail "PostgreSQL"

# grid FROM TO: transformers
grid() {
    db "insert into grid.transformer (id, limit_w) select 'T' || t, '{200000,200000,200000}'
            from generate_series($1, $2) t order by t;
        insert into grid.feeder (id, transformer, limit_w) select 'F' || f, 1 + (f - 1) / 5, '{30000,30000,30000}'
            from generate_series(5 * $1 - 4, 5 * $2) f order by f;
        insert into grid.connection (ean, feeder, phases, contract_w, floor_w)
            select 871687120000000000 + c, 1 + (c - 1) / 10, (array['123', '231', '312'])[1 + c % 3], 11040, 4140
              from generate_series(50 * $1 - 49, 50 * $2) c order by c;
        insert into grid.meter (equipment_id, connection, route, head_end)
            select 'E' || number, number, 'head-end', 'HE1' from grid.connection where number > 50 * ($1 - 1) order by number;
        insert into grid.charger (id, connection, max_a)
            select 'C' || number, number, 16 from grid.connection where number > 50 * ($1 - 1)" >/dev/null
}

# feeders FROM TO [CARS]: what they carried; with 1, their cars too. From the day $DAY, 14 if not set
feeders() {
    db "insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source)
            select q, f.number, w + n, w + n, w + n, q, 'mqtt' from grid.feeder f
              cross join generate_series('2026-01-${DAY:-14} $1Z'::timestamptz, '2026-01-14 $2Z', '15 min') q
              cross join lateral (select 5000 + ${3:-0} * case when (f.transformer - 1) % 10 = 0 then 36800 else 14720 end) v (w)
              cross join lateral (select (extract(epoch from q)::bigint / 900 * 7919 + f.number) % 97) u (n)"
}

# cars FROM TO
cars() {
    db "insert into field.load (quarter, meter, p_l1_w, p_l2_w, p_l3_w, arrived)
            select q, m.number, w, w, w, q from grid.meter m
              cross join generate_series('2026-01-${DAY:-14} $1Z'::timestamptz, '2026-01-14 $2Z', '15 min') q
              cross join lateral (select case when ((m.number - 1) / 50) % 10 = 0 or m.number % 5 < 2 then 3680 else 0 end) v (w)"
}

# parts WHAT WHEN PLANNER...: what their rounds spent on what, before or after they had learnt
parts() {
    local what=$1 when=$2 name
    shift 2
    for name in "$@"; do
        awk -v name="planner_round_${KILO}_feeders_${what}_$name" "
            /event=plan.learnt/ { learnt = 1 }
            ($when) && /event=plan.rounds/ {
                for (i = 1; i <= NF; i++) { split(\$i, at, \"=\"); s[at[1]] += at[2] }
            }
            END { if (s[\"rounds\"]) printf \"%s %d rounds, %d profiles: read %.1f s, plan %.1f s, write %.1f s\\n\", name, s[\"rounds\"],
                      s[\"profiles\"], s[\"read_ms\"] / 1000, s[\"plan_ms\"] / 1000, s[\"write_ms\"] / 1000 }" "$WORK/$name.log"
    done
}

# start_at HH:MM PLANNER...: $LEARN_S before that quarter hour, and wait until they have learnt
start_at() {
    local at=$1 name hands
    shift
    hands="$(date -u -d "2026-01-14T$at:00Z - $LEARN_S seconds" +%Y-%m-%dT%H:%M:%SZ) $(date +%s.%N) 1"
    # They were at work a quarter hour ago too, so each knows which transformers are its own.
    for name in "$@"; do
        db "insert into plan.planner values ('$name', '2026-01-14 $at:00Z'::timestamptz - interval '15 min')
            on conflict (name) do update set seen = excluded.seen"
    done
    for name in "$@"; do
        printf '[database]\nconnection=dbname=socmod user=socmod_planner\n[planner]\nname=%s\ngrace=%s\n[clock]\nhands=%s\n' \
            "$name" "${GRACE:-120}" "$hands" >"$WORK/$name.ini"
        : >"$WORK/$name.log"
        run "$name" "$BIN/socmod-planner" --config "$WORK/$name.ini"
    done
    for name in "$@"; do
        wait_for 600 "learning" grep -q event=plan.learnt "$WORK/$name.log"
    done
}

# plan_at HH:MM PLANNER...: they start, learn, and plan that quarter hour
plan_at() {
    local began=$SECONDS
    start_at "$@"
    shift
    parts at_start '!learnt' "$@"
    echo "planner_learn_${KILO}_feeders_$#_planners $((SECONDS - began)) s, load $(cut -d' ' -f1 /proc/loadavg)"
    [ $((SECONDS - began)) -lt $((LEARN_S - 5)) ] || fail "more time to learn: LEARN_S"
}

# cpu_s PLANNER...: processor seconds of them and of the servers behind them so far
cpu_s() {
    local pids=()
    for name in "$@"; do
        pids+=("${PID[$name]}")
    done
    mapfile -t -O "${#pids[@]}" pids < <(db "select pid from pg_stat_activity where usename = 'socmod_planner'")
    for pid in "${pids[@]}"; do
        cat "/proc/$pid/stat"
    done | awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); s += $12 + $13 } END { printf "%.1f", s / hz }'
}

# figures WHAT HH:MM PLANNER...: the time, and the processor seconds, of which no other work on the
# machine takes any
figures() {
    local what=$1 at=$2 name
    shift 2
    local before
    before=$(cpu_s "$@")
    wait_for 900 "round of $at" bash -c "[ \$(psql -XAtc \"select count(*) from plan.turn where quarter = '2026-01-14 $at:00Z'\") -eq $TRANSFORMERS ]"
    db "select format('planner_round_${KILO}_feeders_%s %s s', '$what', round(extract(epoch from max(finished) - '2026-01-14 $at:00Z')::numeric, 1))
          from plan.round where quarter = '2026-01-14 $at:00Z'"
    echo "planner_round_${KILO}_feeders_${what}_cpu $(awk -v a="$before" -v b="$(cpu_s "$@")" 'BEGIN { printf "%.1f", b - a }') s"
    db "select format('planner_round_${KILO}_feeders_%s_%s_rounds %s, congested %s', '$what', planner, count(*), count(*) filter (where congested))
          from plan.round where quarter = '2026-01-14 $at:00Z' group by planner order by planner"
    db "select format('planner_round_${KILO}_feeders_%s_messages %s', '$what', count(*)) from plan.profile
         where valid_from = '2026-01-14 $at:00Z'"
    expect "foreseen" t "$(db "select bool_and(p95_w is not null) from plan.forecast f join plan.round r on r.id = f.round
        where r.quarter = '2026-01-14 $at:00Z'")"
    [[ $PARTS == *new* ]] || expect "foreseen by regression" ridge "$(db "select string_agg(distinct method, ' ')
        from plan.forecast f join plan.round r on r.id = f.round where r.quarter = '2026-01-14 $at:00Z'")"
    parts "$what" learnt "$@"
    for name in "$@"; do
        awk -v name="planner_memory_${KILO}_feeders_${what}_$name" '/VmHWM/ { printf "%s %.0f MB\n", name, $2 / 1024 }' \
            "/proc/${PID[$name]}/status"
        stop "$name"
    done
}

# What is learnt of one transformer in eight days is what is known of all.
db "select grid.ensure_month('dali.quarter', '2026-01-14Z'), grid.ensure_month('field.load', '2026-01-14Z')" >/dev/null
if [[ $PARTS != *new* ]]; then
    grid 1 1
    DAY='06' cars 09:45 16:45
    DAY='06' feeders 09:45 16:45 1
    LEARN_S=600 start_at 17:10 teacher
    stop teacher
    grid 2 "$TRANSFORMERS"
    db "insert into plan.series select f.transformer, f.number, s.quarter, s.state from grid.feeder f
            join plan.series s on s.transformer = 1 and s.feeder = 1 + (f.number - 1) % 5 where f.transformer > 1
        union all select t.number, 0, s.quarter, s.state from grid.transformer t
            join plan.series s on s.transformer = 1 and s.feeder = 0 where t.number > 1"
    db "truncate dali.quarter, field.load, plan.turn, plan.round, plan.forecast, plan.outlook, plan.share, plan.profile"
else
    grid 1 "$TRANSFORMERS"
    DAY=${NEW_DAY:-14} cars 09:45 16:15
    DAY=${NEW_DAY:-14} feeders 09:45 16:15 1
fi
feeders 16:30 16:45 1
cars 16:30 16:45
db "vacuum analyze" 2>/dev/null || db analyze
plan_at 17:15 one
if [[ $PARTS == *one* ]]; then
    feeders 17:00 17:00 1
    cars 17:00 17:00
    db analyze
    figures one_planner 17:15 one
fi
stop one
LEARN_S=${AGAIN_S:-$LEARN_S}
if [[ $PARTS == *two* ]]; then
    plan_at 17:30 one two
    feeders 17:15 17:15 1
    cars 17:15 17:15
    db analyze
    figures two_planners 17:30 one two
fi
if [[ $PARTS == *none* ]]; then
    GRACE=0 plan_at 17:45 one
    figures nothing_measured 17:45 one
fi
exit 0
