# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of socmod-audit: the story of audit_story.sql in a database, and questions about it.
# Source it after lib.sh.
#
#   tell_story            database with the story; call once
#   start_audit [LINE...] socmod-audit with further settings, "section.name = value", at 17:16 of
#                         the story; its address in $API
#   ask PATH [CURL...]    prints the body; $WORK/status and $WORK/head hold the rest. Token $TOKEN
#   status PATH [CURL...] prints the status
#   check WHAT FILTER WANTED <JSON    compares what jq makes of it, compact

set -e # a check at the end of a pipe ends the test too
TOKEN=auditor-token
# Of the story, without their last digit.
export PROFILE=019bbd80-0001-7000-8000-00000000000
export ROUND=019bbd80-0000-7000-8000-00000000000

tell_story() {
    start_postgres socmod
    psql -q -X -v ON_ERROR_STOP=1 -f "$TREE/tests/system/audit_story.sql" >"$WORK/story.log" 2>&1 \
        || fail "story: $(cat "$WORK/story.log")"
}

start_audit() {
    local line section
    local port
    port=$(free_port)
    API=http://127.0.0.1:$port
    {
        printf '[http]\nport = %s\n[database]\nconnection = host=%s dbname=socmod user=socmod_audit\n' "$port" "$PGHOST"
        printf '[clock]\nhands = 2026-01-14T17:16:00Z %s 1\n' "$(date +%s)"
        for line in "$@"; do
            section=${line%%.*}
            printf '[%s]\n%s\n' "$section" "${line#*.}"
        done
    } >"$WORK/audit.ini"
    run audit "$BIN/socmod-audit" --config "$WORK/audit.ini"
    wait_for 10 "socmod-audit" curl -skf "${CHECK:-$API/healthz}"
}

ask() {
    local path=$1
    shift
    curl -s -D "$WORK/head" -o "$WORK/body" -w '%{http_code}' -H "Authorization: Bearer $TOKEN" \
        "$@" "$API$path" >"$WORK/status" || fail "no answer to $path"
    cat "$WORK/body"
}

status() {
    ask "$@" >"$WORK/ignored"
    cat "$WORK/status"
}

check() {
    expect "$1" "$3" "$(jq -c "$2")"
}
