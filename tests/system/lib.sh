# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the system tests and the demo: a private PostgreSQL and mosquitto in a folder that goes
# when the script ends, and all that was started with it. Source it first.
#
#   $BIN    programs           $TREE   top of the source      $WORK   the folder
#   start_postgres [socmod]    database socmod, socket only; migrated when told so.
#                              Exports PGHOST PGDATABASE PGUSER
#   start_broker               mosquitto on 127.0.0.1:$BROKER_PORT, also $BROKER (mqtt://...)
#   stop_postgres, stop_broker (fast or immediate: argument of stop_postgres)
#   run NAME COMMAND...        in the background, its output in $WORK/NAME.log, pid in ${PID[NAME]}
#   stop NAME [SIGNAL]         and wait
#   free_port                  prints a port that nobody listens on
#   free_ports N               prints the first of N such ports in a row
#   wait_for SECONDS WHAT COMMAND...   until the command succeeds; else the test fails
#   as_server COMMAND...       as the user that may run PostgreSQL (root may not)
#   fail TEXT, expect TEXT WANTED GOT, db SQL

set -u -o pipefail
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=$(realpath "${BIN:-$TREE/build/release}")
PG_BIN=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
PATH=$PATH:/usr/sbin:/sbin
declare -A PID=()
WORK=''
# Whatever the user has set for programs of his own.
umask 022
export LC_ALL=C.UTF-8 no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
for name in "${!PG@}"; do
    [[ $name == PG_* ]] || unset "$name"
done
export PGTZ=UTC

# In $WORK, because where we are may be closed to that user.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups \
            env -i -C "$WORK" PATH="$PATH" LANG=C.UTF-8 "$@"
    else
        env -C "$WORK" LANG=C.UTF-8 "$@"
    fi
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

expect() {
    [ "$2" = "$3" ] || fail "$1: expected \"$2\", got \"$3\""
}

free_ports() {
    python3 - "$1" <<'EOF'
import random, socket, sys
count = int(sys.argv[1])
while True:
    first = random.randrange(20000, 32000 - count)  # below the ports that the kernel hands out
    held = []
    try:
        for port in range(first, first + count):
            held.append(socket.socket())
            held[-1].bind(("127.0.0.1", port))
    except OSError:
        continue
    finally:
        for one in held:
            one.close()
    print(first)
    break
EOF
}

free_port() {
    free_ports 1
}

# wait_for SECONDS WHAT COMMAND...: so long on a machine that is good for it; a busy one gets thrice
# that and some, as waiting costs nothing where the fact comes.
wait_for() {
    local until=$((SECONDS + 3 * $1 + 10)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || fail "waited in vain: $what"
        sleep 0.05
    done
}

run() {
    local name=$1
    shift
    "$@" >>"$WORK/$name.log" 2>&1 &
    PID[$name]=$!
}

# send SIGNAL PID: to its children first, for a function in the background is a shell that has some
send() {
    pkill "-$1" -P "$2" || true
    kill "-$1" "$2" 2>/dev/null || true # also where set -e holds
}

stop() {
    local pid=${PID[$1]:-}
    [ -n "$pid" ] || return 0
    send "${2:-TERM}" "$pid"
    wait "$pid" 2>/dev/null || true
    unset "PID[$1]"
    return 0
}

launch_postgres() {
    as_server "$PG_BIN/pg_ctl" -D "$WORK/pg/data" -w -s -l "$WORK/pg/log" start \
        -o "-c listen_addresses='' -c unix_socket_directories=$WORK/pg -c fsync=${PG_FSYNC:-off} -c full_page_writes=${PG_FSYNC:-off} -c max_connections=200"
}

start_postgres() {
    mkdir -p "$WORK/pg"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$WORK/pg"
    as_server "$PG_BIN/initdb" -D "$WORK/pg/data" -A trust -U socmod --encoding=UTF8 \
        --locale=C.UTF-8 --no-sync >"$WORK/initdb.log" 2>&1 || fail "initdb: $(tail -n 3 "$WORK/initdb.log")"
    launch_postgres || fail "PostgreSQL: $(tail -n 5 "$WORK/pg/log")"
    export PGHOST=$WORK/pg PGUSER=socmod PGDATABASE=socmod
    psql -q -X -d postgres -c 'create database socmod' || fail "no database"
    [ "${1:-}" != socmod ] || "$BIN/socmod-admin" migrate >"$WORK/migrate.log" 2>&1 \
        || fail "migrate: $(cat "$WORK/migrate.log")"
}

stop_postgres() {
    [ -e "$WORK/pg/data/postmaster.pid" ] || return 0
    as_server "$PG_BIN/pg_ctl" -D "$WORK/pg/data" -w -s -m "${1:-fast}" stop
}

launch_broker() {
    run broker mosquitto -c "$WORK/broker/mosquitto.conf"
    wait_for 10 "broker" bash -c "exec 3<>/dev/tcp/127.0.0.1/$BROKER_PORT"
}

start_broker() {
    BROKER_PORT=$(free_port)
    export BROKER=mqtt://127.0.0.1:$BROKER_PORT
    mkdir -p "$WORK/broker"
    # Without nodelay QoS 1 waits for delayed acknowledgements: 41 to 78 messages a second.
    cat >"$WORK/broker/mosquitto.conf" <<EOF
listener $BROKER_PORT 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_inflight_messages 200
max_queued_messages 0
persistence true
persistence_location $WORK/broker/
autosave_interval 1
EOF
    if [ "$(id -u)" -eq 0 ]; then
        echo "user mosquitto" >>"$WORK/broker/mosquitto.conf"
        chown mosquitto: "$WORK/broker"
    fi
    launch_broker
}

stop_broker() {
    stop broker
}

db() {
    psql -q -X -A -t -v ON_ERROR_STOP=1 -c "$1"
}

# All that runs in the background, the broker last; what does not obey within 10 s, by force. Not
# by the names of PID: a signal may come before the last one's is noted.
end_all() {
    local pid pids until=$((SECONDS + 10))
    pids=$(jobs -p | grep -vx "${PID[broker]:-none}")
    for pid in $pids; do
        send TERM "$pid"
    done
    for pid in $pids; do
        while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $until ]; do
            sleep 0.05
        done
        send KILL "$pid"
        wait "$pid" 2>/dev/null
    done
    stop_broker
    stop_postgres immediate
}

leave() {
    local status=$? name
    set +e
    trap - EXIT
    trap '' INT TERM HUP # once more does not hurry it
    [ -n "$WORK" ] || exit $status
    end_all
    if [ $status -ne 0 ] && [ $status -ne 77 ] && [ -z "${QUIET:-}" ]; then
        for name in "$WORK"/*.log; do
            [ -s "$name" ] && echo "--- ${name##*/}" && tail -n 25 "$name"
        done >&2
    fi
    rm -rf "$WORK"
    exit $status
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Not in the tree, and where the path of a socket, at most 107 octets, has room.
for folder in "${TMPDIR:-/tmp}" /tmp; do
    WORK=$(mktemp -d "$folder/socmod.XXXXXX") && chmod 755 "$WORK" || exit 1
    [ ${#WORK} -gt 75 ] || ! as_server true 2>/dev/null || break
    rmdir "$WORK"
done
[ -d "$WORK" ] || fail "no folder that PostgreSQL's user may enter: TMPDIR?"
