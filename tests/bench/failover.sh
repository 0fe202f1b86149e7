#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo on two database nodes with Patroni and etcd, whose leader is killed in the middle of it:
# how long until each program commits again, and nothing that was acknowledged is lost.
#
#   RATE=100   of the demo's clock      AFTER=40   seconds of it before the kill
#   GAP_S=30   more than that fails
#
# One etcd stands for three: what is measured is what our programs do about a change of leader.
# shellcheck source=tests/system/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
# shellcheck source=tests/system/demo.sh
. "$(dirname "${BASH_SOURCE[0]}")/../system/demo.sh"
GAP_S=${GAP_S:-30}
PATH=$PATH:/usr/bin
for tool in patroni etcd; do
    command -v $tool >/dev/null || { echo "failover skipped: no $tool (apt install patroni etcd-server)"; exit 0; }
done

# --- two nodes ---------------------------------------------------------------------------------
declare -A SQL_PORT=() REST_PORT=()
# node NAME: its folder and settings. When each row was committed, in the machine's time, tells the gaps.
node() {
    SQL_PORT[$1]=$(free_port) REST_PORT[$1]=$(free_port)
    mkdir "$WORK/$1"
    cat >"$WORK/$1/patroni.yml" <<EOF
scope: socmod
name: $1
etcd3: {host: 127.0.0.1:$ETCD_PORT}
restapi: {listen: 127.0.0.1:${REST_PORT[$1]}, connect_address: 127.0.0.1:${REST_PORT[$1]}}
bootstrap:
  dcs:
$(sed '/^---$/d; s/^/    /' "$TREE/ansible/roles/patroni/files/dcs.yml")
        track_commit_timestamp: "on"
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}, data-checksums]
postgresql:
  listen: 127.0.0.1:${SQL_PORT[$1]}
  connect_address: 127.0.0.1:${SQL_PORT[$1]}
  data_dir: $WORK/$1/data
  bin_dir: $PG_BIN
  pgpass: $WORK/$1/pgpass
  authentication: {superuser: {username: socmod}, replication: {username: replicator}, rewind: {username: rewind}}
  parameters: {unix_socket_directories: $WORK/$1}
  pg_hba:
    - local all all trust
    - host all,replication all 127.0.0.1/32 trust
EOF
    [ "$(id -u)" -ne 0 ] || chown -R postgres: "$WORK/$1"
    node_up "$1"
}
node_up() {
    run "patroni-$1" as_server patroni "$WORK/$1/patroni.yml"
}
role() { # NAME
    curl -s --max-time 2 "http://127.0.0.1:${REST_PORT[$1]}/patroni" | jq -r '.role + " " + .state'
}
is() { # NAME ROLE
    [ "$(role "$1")" = "$2 running" ]
}
on() { # NAME SQL
    psql -qXAt -h 127.0.0.1 -p "${SQL_PORT[$1]}" -U socmod socmod -c "$2"
}
synchronous() {
    [ "$(psql -qXAt -h 127.0.0.1 -p "${SQL_PORT[$1]}" -U socmod postgres -c \
        "select count(*) from pg_stat_replication where sync_state = 'sync'")" = 1 ]
}

ETCD_PORT=$(free_port)
mkdir "$WORK/etcd"
run etcd etcd --data-dir "$WORK/etcd" --listen-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" --listen-peer-urls "http://127.0.0.1:$(free_port)" --log-level warn
wait_for 30 "etcd" curl -sf "http://127.0.0.1:$ETCD_PORT/health"
node a
wait_for 60 "a leads" is a master
node b
wait_for 90 "b follows" is b replica
wait_for 60 "b follows in step" synchronous a
psql -qX -h 127.0.0.1 -p "${SQL_PORT[a]}" -U socmod postgres -c 'create database socmod' || fail "database"
on a 'create table probe (n bigint primary key)' || fail "probe"
DATABASE="host=127.0.0.1,127.0.0.1 port=${SQL_PORT[a]},${SQL_PORT[b]} target_session_attrs=read-write connect_timeout=2"

# --- the demo, and who asks all the time ---------------------------------------------------------
demo RATE="${RATE:-100}" KEEP=1 PATIENCE=90 DATABASE="$DATABASE"
wait_for 60 "the page" grep -q 'to look on' "$WORK/demo.log"
api=$(sed -n 's/.*to look on: \(http.*\)\/#token=.*/\1/p' "$WORK/demo.log")
probe() {
    local n=0
    while :; do
        n=$((n + 1))
        ! psql -qX "$DATABASE dbname=socmod user=socmod" -c "insert into probe values ($n)" || echo $n >>"$WORK/acknowledged"
        ! curl -sf --max-time 5 -o /dev/null -H "Authorization: Bearer $(cat "$THEIRS/token")" "$api/v1/transformers" ||
            date +%s.%N >>"$WORK/answered"
        sleep 0.1
    done
}
run probe probe
sleep "${AFTER:-40}"

# --- the leader goes -----------------------------------------------------------------------------
synchronous a || fail "b does not follow in step: $(cat "$WORK/patroni-a.log")"
postmaster=$(head -n 1 "$WORK/a/data/postmaster.pid")
killed=$(date +%s.%N)
kill -9 $(pgrep -P "$postmaster") "$postmaster" $(pgrep -f "$WORK/a/patroni.yml") 2>/dev/null
wait_for 90 "b leads" is b master
promoted=$(date +%s.%N)
its_end
stop probe

# --- what it cost --------------------------------------------------------------------------------
slow=''
# gap NAME TIME: of the first commit after the kill
gap() {
    local seconds
    [ -n "$2" ] || fail "$1 never came back"
    seconds=$(awk -v a="$killed" -v b="$2" 'BEGIN { printf "%.1f", b - a }')
    echo "failover_gap_$1 $seconds s"
    awk -v s="$seconds" -v most="$GAP_S" 'BEGIN { exit s <= most }' || return 0
    slow="$slow $1"
}
first_commit() { # TABLE
    on b "select extract(epoch from min(at)) from (select pg_xact_commit_timestamp(xmin) as at from $1) t
          where at > to_timestamp($killed + 1)" # a second: what was on its way
}
gap leader "$promoted"
gap any_client "$(first_commit probe)"
gap ingest "$(first_commit dali.quarter)"
gap planner "$(first_commit plan.round)"
gap p3 "$(first_commit p3.attempt)"
# An answer that was on its way when the leader went is none.
gap audit "$(awk -v k="$killed" '$1 > k && $1 - last > longest { longest = $1 - last; end = $1 } { last = $1 } END { print end }' "$WORK/answered")"

# --- and what did not get lost -------------------------------------------------------------------
export PGHOST=127.0.0.1 PGPORT=${SQL_PORT[b]} PGUSER=socmod PGDATABASE=socmod
expect "acknowledged and gone" "" "$(comm -23 <(sort "$WORK/acknowledged") <(db 'select n from probe' | sort) | head)"
SINCE='2026-01-14 15:15:00Z' END='2026-01-14 19:15Z'
nothing_lost
grep -qE '^sealed trail +intact' "$WORK/demo.log" || fail "the sealed trail: $(grep '^sealed' "$WORK/demo.log")"
! grep -H 'event=counters.refused' "$THEIRS/p3.log" || fail "counters were taken for restored ones"
echo "failover_acknowledged_lost 0 of $(wc -l <"$WORK/acknowledged")"

# --- and the one that went comes back, behind ------------------------------------------------------
node_up a
wait_for 90 "a follows" is a replica
wait_for 60 "a follows in step" synchronous b
expect "rows of the trail on both" "$(db 'select count(*) from audit.event')" "$(on a 'select count(*) from audit.event')"
[ -z "$slow" ] || fail "longer than $GAP_S s:$slow"
