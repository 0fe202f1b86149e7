# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of socmod-p3: meters and wanted messages in the tables, and a head-end that
# does as told.
#
#   meters N                   meters E1 to EN of head-end HE1, no message interval
#   plan METER TEXT [SECONDS] [PRIORITY]   wants TEXT at E<METER>; useless after so many seconds
#                              (3600); prints its id
#   plan_many FROM TO          one each for these meters, in one transaction
#   start_p3 NAME [TIMEOUT] [INI...]   answer time-out in seconds, 3; further lines of settings
#   start_head_end             answers each request as the file $WORK/he/<equipment id> says,
#                              else "verified": a line per answer, the last one stays:
#                              verified, written, "retry CAUSE", "refused CAUSE", differs, silent,
#                              "slow SECONDS". Each request is a line "id equipment" in $WORK/requests
#   start_meters MS            in its place peer-meter as head-end of all meters, each of which takes
#                              so long
#   state ID, has_state ID STATE   attempts ID: results in order
#   requests ID                how often start_head_end's saw it
#   expect_requests N          that many reached the broker while start_meters's ran, each once

FAST=${FAST:-10}
HANDS_AT=$(date +%s.%N)
NOW="(timestamptz '2026-01-14 16:00Z' + (clock_timestamp() - to_timestamp($HANDS_AT)) * $FAST)"

meters() {
    db "insert into grid.transformer (id) values ('T1');
        insert into grid.feeder (id, transformer) values ('F1', 1);
        insert into grid.connection (ean, feeder, phases, contract_w)
            select 871687120000000000 + c, 1, '123', 11040 from generate_series(1, $1) c order by c;
        insert into grid.meter (equipment_id, connection, route, head_end, message_interval_s)
            select 'E' || number, number, 'head-end', 'HE1', 0 from grid.connection order by number;
        insert into plan.round (id, transformer, quarter, started, finished, planner, congested)
            values ('00000000-0000-7000-8000-000000000001', 1, '2026-01-14 16:00Z', $NOW, $NOW, 'test',
                    true)" >/dev/null
}

plan() {
    db "insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text,
            digest, priority, not_after, created)
        values (gen_random_uuid(), '00000000-0000-7000-8000-000000000001', $1, $1, $NOW,
            $NOW + interval '3 h', 6000, '$2', encode(sha256(convert_to('$2', 'utf8')), 'hex'), ${4:-5},
            $NOW + make_interval(secs => ${3:-3600}), $NOW)
        returning id; notify plan_profile, '1'"
}

plan_many() {
    db "insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text,
            digest, not_after, created)
        select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', m, m, $NOW,
            $NOW + interval '3 h', 6000, 'message ' || m || ' of ' || clock_timestamp(), '-',
            $NOW + interval '1 h', $NOW from generate_series($1, $2) m;
        notify plan_profile, '1'"
}

start_p3() {
    local name=$1 timeout=${2:-3}
    shift
    shift
    {
        printf '[database]\nconnection=dbname=socmod user=socmod_p3\n'
        printf '[clock]\nhands=2026-01-14T16:00:00Z %s %s\n' "$HANDS_AT" "$FAST"
        printf '[mqtt]\nbroker=%s\nclient_id=%s\n[p3]\nanswer_timeout=%s\n' "$BROKER" "$name" "$timeout"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$WORK/$name.ini"
    run "$name" "$BIN/socmod-p3" --config "$WORK/$name.ini" --verbose
}

# One answer: topic, correlation, request.
head_end_answers() {
    local id equipment text file line rest digest status cause
    { read -r id && read -r equipment && read -r text; } < <(jq -r '.id, .equipment_id, .text' <<<"$3")
    echo "$id $equipment" >>"$WORK/requests"
    file=$WORK/he/$equipment line=verified
    if [ -s "$file" ]; then
        line=$(head -n 1 "$file")
        rest=$(tail -n +2 "$file")
        [ -z "$rest" ] || echo "$rest" >"$file"
    fi
    read -r status cause <<<"$line"
    digest=$(printf %s "$text" | sha256sum | cut -d ' ' -f 1)
    case $status in
    silent) return ;;
    differs) status=verified digest=${digest//[0-9]/0} ;;
    slow) sleep "$cause" && status=verified cause='' ;;
    esac
    [ "$status" = verified ] || digest=''
    jq -nc --arg id "$id" --arg status "$status" --arg cause "$cause" --arg digest "$digest" \
        '$ARGS.named' | mosquitto_pub -V 5 -p "$BROKER_PORT" -q 1 -t "$1" \
        -D publish correlation-data "$2" -l
}

head_end_serves() {
    local topic correlation request
    mosquitto_sub -V 5 -p "$BROKER_PORT" -q 1 -i he1 -c -x 600 -t p3/HE1/set -F '%R %D %p' \
        | while read -r topic correlation request; do
            head_end_answers "$topic" "$correlation" "$request" &
        done
}

start_head_end() {
    mkdir -p "$WORK/he"
    touch "$WORK/requests"
    run head_end head_end_serves
    wait_for 5 "head-end" grep -q ' as he1 ' "$WORK/broker.log"
}

start_meters() {
    "$BIN/socmod-admin" export "$WORK/grid.json" || fail "export"
    mkdir -p "$WORK/meters"
    cat >"$WORK/meters.ini" <<EOF
[street]
grid = $WORK/grid.json
[state]
folder = $WORK/meters
[p1]
port = 0
[head_end]
answer_ms = $1
[mqtt]
broker = $BROKER
[clock]
hands = 2026-01-14T16:00:00Z $HANDS_AT $FAST
EOF
    : >"$WORK/meters.log"
    run meters "$BIN/peer-meter" --config "$WORK/meters.ini" --verbose
    wait_for 10 "peer-meter" grep -q desk.open "$WORK/meters.log"
    [ -z "${PID[witness]:-}" ] || return 0
    run witness mosquitto_sub -V 5 -p "$BROKER_PORT" -q 1 -i witness -c -x 600 -t p3/HE1/set
    wait_for 5 "witness" grep -q ' as witness ' "$WORK/broker.log"
}

# So many requests, none of them twice.
expect_requests() {
    expect "requests" "$1" "$(jq -r .id "$WORK/witness.log" | sort -u | wc -l)"
    expect "requests, repeats too" "$1" "$(jq -r .id "$WORK/witness.log" | wc -l)"
}

state() {
    db "select state from p3.delivery where profile = '$1'"
}

has_state() {
    [ "$(state "$1")" = "$2" ]
}

attempts() {
    db "select string_agg(concat_ws(':', result, nullif(cause, '')), ' ' order by number, id)
        from p3.attempt where profile = '$1'"
}

requests() {
    grep -c "^$1 " "$WORK/requests"
}

all_verified() {
    [ "$(db "select count(*) from p3.delivery where state = 'verified'")" -eq "$1" ]
}
