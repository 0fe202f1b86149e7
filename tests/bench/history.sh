#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A year of quarter hours, three phases each, as it stands in the end: generated month by month, rolled up
# by socmod-admin tidy as its timer would, and asked through the API. Prints what a month takes raw and
# rolled up, how long tidy takes for it, and the slowest and the median answer of each kind.
#
#   FEEDERS=1000 MONTHS=12 TIMES=25    of a thousand feeders about ten minutes
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
FEEDERS=${FEEDERS:-200} MONTHS=${MONTHS:-3} TIMES=${TIMES:-25}
start_postgres socmod >"$WORK/start.log"
db "alter system set shared_buffers = '1GB'" # as ansible/ sets it
stop_postgres >"$WORK/start.log"
launch_postgres >"$WORK/start.log"
db "insert into grid.transformer (id, limit_w) select 'T' || n, '{400000,400000,400000}' from generate_series(1, ($FEEDERS + 4) / 5) n;
    insert into grid.feeder (id, transformer, limit_w)
        select 'F' || n, (n - 1) / 5 + 1, '{100000,100000,100000}' from generate_series(1, $FEEDERS) n;
    insert into audit.token (name, hash, role, created, expires)
        values ('bench', encode(sha256('bench'), 'hex'), 'auditor', '2025-01-01Z', '9999-01-01Z')"

# Loads that go up and down with the day, with what houses do besides; a few late, corrected or bad.
fill() { # MONTH
    db "select grid.ensure_month('dali.quarter', '$1-01Z');
        insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source, quality, revised, revision)
        select q, f, w.l1, w.l2, w.l3, q + interval '15 min' + random() * interval '20 s',
               'mqtt', case when random() < 0.001 then 'implausible' else 'good' end,
               case when w.l1 % 500 = 0 then q + interval '2 h' end, (w.l1 % 500 = 0)::integer
          from generate_series('$1-01Z'::timestamptz, '$1-01Z'::timestamptz + interval '1 month' - interval '15 min', '15 min') q,
               generate_series(1, $FEEDERS) f,
               lateral (select 40000 + 25000 * sin(extract(epoch from q) / 13751) + 100 * (f % 97) as base) b,
               lateral (select (b.base + 9000 * random())::integer as l1, (b.base + 9000 * random())::integer as l2,
                               (b.base + 9000 * random())::integer as l3) w" >/dev/null
}
size() { # RELATION: with its partitions and indexes, MB
    db "select (coalesce(sum(pg_total_relation_size(relid)), 0) / 1000000)::integer from pg_partition_tree('$1')"
}
now_ms() { date +%s%3N; }
tidy() { # DAY: as on it
    printf '[database]\nconnection = host=%s dbname=socmod user=socmod\n[clock]\nhands = %sT02:20:00Z %s 1\n' \
        "$PGHOST" "$1" "$(date +%s)" >"$WORK/admin.ini"
    "$BIN/socmod-admin" --config "$WORK/admin.ini" tidy >"$WORK/tidy.txt" 2>"$WORK/tidy.log" || fail "$(cat "$WORK/tidy.log")"
}
# The months before the last two are rolled up, each on the first day that it may be.
first=2025-01
for n in $(seq 0 $((MONTHS - 1))); do
    month=$(date -ud "$first-01 + $n months" +%Y-%m)
    start=$(now_ms)
    fill "$month"
    db "vacuum analyze dali.quarter"
    echo "history_fill_month_s $(($(now_ms) - start)) ms" >>"$WORK/fills"
    [ "$n" -gt 0 ] || echo "history_raw_month_mb $(size dali.quarter) MB"
    [ "$n" -ge 2 ] || continue
    start=$(now_ms)
    tidy "$(date -ud "$first-01 + $n months + 8 days" +%Y-%m-%d)"
    echo "history_tidy_$(cut -d: -f1 "$WORK/tidy.txt")_ms $(($(now_ms) - start)) ms"
done
db "vacuum analyze dali.day, dali.quarter"
echo "history_${MONTHS}_months_rolled_mb $(size dali.day) MB"
echo "history_${MONTHS}_months_raw_rest_mb $(size dali.quarter) MB"
db "select format('history_days %s rows', count(*)) from dali.day"

PORT=$(free_port)
printf '[http]\nport = %s\n[database]\nconnection = host=%s dbname=socmod user=socmod_audit\n[limits]\nrequests_per_second = 0\nspan_days = 400\n[clock]\nhands = %sT02:30:00Z %s 1\n' \
    "$PORT" "$PGHOST" "$(date -ud "$first-01 + $MONTHS months" +%Y-%m-%d)" "$(date +%s)" >"$WORK/audit.ini"
run audit "$BIN/socmod-audit" --config "$WORK/audit.ini"
wait_for 10 "socmod-audit" curl -sf "http://127.0.0.1:$PORT/healthz"
# ask NAME PATH: F and D in the path are a feeder and a day at random, M the month that begins with it
ask() {
    local n feeder day path
    for n in $(seq "$TIMES"); do
        feeder=$((RANDOM % FEEDERS + 1))
        day=$(date -ud "$first-01 + $((RANDOM % MONTHS)) months" +%Y-%m)
        path=${2//%F/F$feeder}
        path=${path//%D1/$day-02} path=${path//%D2/$day-03} path=${path//%M1/$day-01}
        path=${path//%M2/$(date -ud "$day-01 + 1 month" +%Y-%m-%d)}
        path=${path//%Y1/$first-01} path=${path//%Y2/$(date -ud "$first-01 + $MONTHS months" +%Y-%m-%d)}
        curl -s -o "$WORK/answer" -w '%{http_code} %{time_total} %{size_download}\n' -H 'Authorization: Bearer bench' \
            "http://127.0.0.1:$PORT$path"
    done | sort -k 2n >"$WORK/times"
    ! grep -v '^200 ' "$WORK/times" || fail "$2: $(head -c 300 "$WORK/answer")"
    awk -v name="$1" '{ ms[NR] = $2 * 1000; octets = $3 } END {
        printf "%s_median_ms %.1f ms\n%s_most_ms %.1f ms\n%s_octets %d\n", name, ms[int((NR + 1) / 2)], name, ms[NR], name, octets }' "$WORK/times"
}
ask history_feeder_day '/v1/feeders/%F/loads?from=%D1T00:00:00Z&to=%D2T00:00:00Z&limit=100'
ask history_feeder_month '/v1/feeders/%F/loads?from=%M1T00:00:00Z&to=%M2T00:00:00Z&format=csv'
ask history_feeder_all '/v1/feeders/%F/loads?from=%Y1T00:00:00Z&to=%Y2T00:00:00Z&format=csv'
ask history_transformers '/v1/transformers?limit=100'
TIMES=3 ask history_statistics_day '/v1/statistics?from=%D1T00:00:00Z&to=%D2T00:00:00Z'
