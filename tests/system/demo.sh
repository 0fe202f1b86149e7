# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of the demo: around the peak of the bundled evening, in less than a minute.
#
#   demo VAR=VALUE...       start it in the background; its output in $WORK/demo.log
#   its_end                 wait until it ends, or stays up (KEEP=1)
#   is_good                 its own verdict is good, else the test fails
#   $THEIRS                 its folder, known when it says that its programs start
#   nothing_lost            of what went through its database, whose settings are in the environment, from
#                           $SINCE to $END (such as "2026-01-14 19:15Z"); nor doubled, from the quarter
#                           hours to what the meters were made to store
#   is_gone                 no process and no folder of it is left

demo() {
    # A signal that the shell ignores for what runs in the background must reach the demo.
    run demo env --default-signal=INT FROM=2026-01-14T15:15:00Z HOURS=4 BIN="$BIN" "$@" \
        setsid "$TREE/deploy/demo/demo.sh"
    wait_for 60 "start of the demo" grep -q '; logs in ' "$WORK/demo.log"
    THEIRS=$(sed -n 's/.*; logs in //p' "$WORK/demo.log" | tail -n 1)
}

has_ended() {
    grep -q '^Left up' "$WORK/demo.log" || ! kill -0 "${PID[demo]}"
}

its_end() {
    wait_for 240 "end of the demo" has_ended
}

is_good() {
    if ! grep -qx 'the chain did its job' "$WORK/demo.log"; then
        cat "$WORK/demo.log"
        fail "the demo"
    fi
}

nothing_lost() {
    tail -n +2 "$THEIRS/case/loads.csv" | cut -d , -f 1,2 | sort | awk -F , -v since="${SINCE/ /T}" '$2 >= since' \
        >"$WORK/measured"
    db "select f.id || ',' || to_char(quarter at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
        from dali.quarter q join grid.feeder f on f.number = q.feeder
        where quarter >= '$SINCE'" | sort >"$WORK/ingested"
    diff "$WORK/measured" "$WORK/ingested" || fail "quarter hours"
    expect "messages without a delivery" 0 "$(db "select count(*) from plan.profile p
        left join p3.delivery d on d.profile = p.id where d.profile is null and p.created < '$END'")"
    expect "deliveries without an end" 0 "$(db "select count(*) from p3.delivery
        where state in ('queued', 'connecting', 'written', 'verified', 'seen') and queued_at < '$END'")"

    # What the meters were made to store, against the attempts: each message at least once, at one
    # meter, and never more often than it was tried. Both routes have their half of the street.
    sed -n 's/.*event=text.set meter=\([^ ]*\) .*digest=\([^ ]*\) .*/\2,\1/p' "$THEIRS/meter.log" >"$WORK/stored.csv"
    psql -q -X -v ON_ERROR_STOP=1 <<SQL >"$WORK/compared" || fail "comparison"
create temporary table stored (digest text, meter text);
\copy stored from '$WORK/stored.csv' csv
\pset tuples_only on
\pset format unaligned
create temporary view wanted as select d.*, m.equipment_id from p3.delivery d
    join grid.meter m on m.number = d.meter where d.queued_at < '$END';
select 'stored', route, count(*) > 0 from stored s join wanted w on (w.digest, w.equipment_id) = (s.digest, s.meter)
    group by route order by route;
select 'lost', profile from wanted where verified_at is not null
    and (digest, equipment_id) not in (select digest, meter from stored);
select 'doubled', s.digest, s.count, w.attempts from
    (select digest, meter, count(*) from stored group by 1, 2) s join
    (select digest, equipment_id, sum(attempts) as attempts from wanted group by 1, 2) w
    on (w.digest, w.equipment_id) = (s.digest, s.meter) where s.count > w.attempts;
select 'unknown', * from stored where (digest, meter) not in (select p.digest, m.equipment_id
    from plan.profile p join grid.meter m on m.number = p.meter);
SQL
    expect "stored and delivered" "stored|dlms|t stored|head-end|t" "$(paste -sd ' ' "$WORK/compared")"
    ! grep -h -m 3 'event=counter\.' "$THEIRS/meter.log" || fail "a counter was used twice"
}

is_gone() {
    local left
    left=$(pgrep -a -f "$THEIRS")
    [ -z "$left" ] || fail "processes are left: $left"
    [ ! -e "$THEIRS" ] || fail "$THEIRS is left"
}
