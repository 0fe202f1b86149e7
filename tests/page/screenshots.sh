#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page in headless Chromium: live during the demo, then used, then each view in pictures, from
# what the demo left when its evening was at its height. Pictures go to $OUT (build/screenshots).
#
#   BIN=DIR   the programs       ONLY=WORD  only views whose name contains it, and no live test
#   CHROMIUM=FILE  the browser (/usr/bin/chromium)
QUIET=1
# shellcheck source=tests/system/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
OUT=${OUT:-$TREE/build/screenshots}
TOOLS=$TREE/build/page
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}

skip() {
    echo "screenshots: skipped, $*"
    exit 77
}
[ -x "$CHROMIUM" ] || skip "there is no $CHROMIUM (apt install chromium)"
command -v npm >/dev/null || skip "there is no npm (apt install nodejs npm)"

# Modules are looked for beside the script that asks for them.
mkdir -p "$OUT" "$TOOLS"
cp "$TREE"/tests/page/{package.json,package-lock.json,*.mjs} "$TOOLS"
[ -d "$TOOLS/node_modules" ] || npm ci --prefix "$TOOLS" --no-audit --no-fund --loglevel=error \
    || skip "playwright-core and axe-core cannot be fetched"

# The demo until its evening is at its height; what stands in its database then is looked at.
HOURS=6 "$TREE/deploy/demo/demo.sh" >"$WORK/demo.log" 2>&1 &
PID[demo]=$!
demo_says() {
    sed -n "s/$1/\\1/p" "$WORK/demo.log" | head -n 1
}
wait_for 60 "the demo" grep -q 'to look on' "$WORK/demo.log"
page=$(demo_says '.*to look on: \(.*\)')
token=${page#*#token=}
failed=0
[ -n "${ONLY:-}" ] || node "$TOOLS/live.mjs" "${page%%/#*}" "$token" "$OUT" || failed=1
wait_for 120 "the height of the evening" grep -q '^18:00Z' "$WORK/demo.log"
theirs=$(demo_says '.*logs in \(.*\)')/pg
"$PG_BIN/pg_dumpall" -h "$theirs" -U socmod -d dbname=socmod >"$WORK/height.sql" || fail "no copy of the database"
at=$(psql -h "$theirs" -U socmod -d socmod -Atc \
    "select to_char(max(arrived) at time zone 'UTC' + interval '40 s', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from field.receipt")
stop demo

start_postgres ''
psql -q -X -d postgres -c 'drop database socmod'
psql -q -X -d postgres -f "$WORK/height.sql" >"$WORK/restore.log" 2>&1
port=$(free_port)
cat >"$WORK/audit.ini" <<EOT
[http]
port = $port
[database]
connection = host=$PGHOST dbname=socmod user=socmod_audit
[clock]
hands = $at $(date +%s) 1
EOT
"$BIN/socmod-audit" --config "$WORK/audit.ini" --verify >"$WORK/verify.log" 2>&1 || fail "trail: $(cat "$WORK/verify.log")"
run audit "$BIN/socmod-audit" --config "$WORK/audit.ini"
wait_for 10 "socmod-audit" curl -sf "http://127.0.0.1:$port/healthz"
[ -n "${ONLY:-}" ] || node "$TOOLS/use.mjs" "http://127.0.0.1:$port" "$token" || failed=1
node "$TOOLS/views.mjs" "http://127.0.0.1:$port" "$token" "$OUT" "${ONLY:-}" || failed=1
echo "screenshots: in $OUT"
exit $failed
