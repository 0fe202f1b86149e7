# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of the sealed trail. Source it after lib.sh.
#
#   start_trail           database, a key, settings of socmod-audit and socmod-admin at $NOW
#   write ROLE N [AT]     N events of that role in one statement, a second apart from AT on
#   audit OPTION...       socmod-audit; its output in $WORK/said, its status in $STATUS
#   keep, bring_back      the trail as it is now, and again
#   tamper SQL            as one who owns the server: no trigger stops him

NOW=2026-03-20T12:00:00Z

start_trail() {
    start_postgres empty
    local hands
    hands="$NOW $(date +%s) 1"
    "$BIN/socmod-admin" seal --make-key "$WORK/trail.pem" >"$WORK/trail.pub" || fail "no key"
    cat >"$WORK/admin.ini" <<END
[clock]
hands = $hands
END
    cat >"$WORK/audit.ini" <<END
[database]
connection = host=$PGHOST dbname=socmod user=socmod_audit
[trail]
public_key = $(cat "$WORK/trail.pub")
key_file = $WORK/trail.pem
heads_file = $WORK/heads.ndjson
[clock]
hands = $hands
END
    "$BIN/socmod-admin" --config "$WORK/admin.ini" migrate >"$WORK/migrate.log" 2>&1 \
        || fail "migrate: $(cat "$WORK/migrate.log")"
}

write() {
    PGUSER=socmod_$1 psql -q -X -v ON_ERROR_STOP=1 -c "insert into audit.event (at, program, kind, subject, data)
        select '${3:-2026-03-14 16:00Z}'::timestamptz + n * interval '1 s', 'socmod-$1', 'thing.happened',
            'é ' || n, jsonb_build_object('n', n, 'share', n / 7.0, 'text', E'a\"\\\\b\n')
          from generate_series(1, $2) n" || fail "$1 may not write"
}

# shellcheck disable=SC2034 # those who source this read STATUS
audit() {
    STATUS=0
    "$BIN/socmod-audit" --config "$WORK/audit.ini" "$@" >"$WORK/said" 2>"$WORK/audit.log" || STATUS=$?
}

# The whole content, so that a new id is not made.
keep() {
    db "create table kept_event as table audit.event; create table kept_shard as table audit.shard;
        create table kept_head as table audit.head"
    cp "$WORK/heads.ndjson" "$WORK/kept_heads"
}

bring_back() {
    tamper "delete from audit.event; delete from audit.shard; delete from audit.head;
        insert into audit.shard overriding system value table kept_shard;
        insert into audit.event overriding system value table kept_event;
        insert into audit.head table kept_head"
    cp "$WORK/kept_heads" "$WORK/heads.ndjson"
}

tamper() {
    db "begin; set local session_replication_role = replica; $1; commit"
}
