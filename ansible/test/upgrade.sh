#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What converge.sh laid out, to a next version whose database differs, and back again. To be called by
# converge.sh, after the smoke test.
#
#   FOLDER   where the roots vps and pole are, with inventory.yml and token of the smoke test
set -euo pipefail
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NEXT=${FOLDER:?}/next
VERSION=$(dpkg-parsechangelog -l "$TREE/deploy/debian/changelog" -S Version)
NEXT_VERSION=${VERSION%.*}.$((${VERSION##*.} + 1))

# alive VERSION: in a network namespace of its own, each program starts, is of that version, and what
# was there before is there.
if [ "${1:-}" = alive ]; then
    set +eu
    # shellcheck source=tests/system/lib.sh
    . "$TREE/tests/system/lib.sh"
    # shellcheck source=ansible/test/units.sh
    . "$TREE/ansible/test/units.sh"
    ip link set lo up || fail "no network of its own"
    for one in ingest planner p3 audit; do
        unit vps "socmod-$one"
    done
    answers() {
        curl -sf --max-time 5 -H "Authorization: Bearer $(cat "$FOLDER/token")" "http://127.0.0.1:8080/v1/$1"
    }
    wait_for 60 "audit API" answers transformers
    for port in 8081 8082 8083; do
        wait_for 60 "port $port" curl -sf --max-time 5 -o "$WORK/figures" "http://127.0.0.1:$port/metrics"
        grep -q "^socmod_info{.*version=\"$2\"} 1$" "$WORK/figures" || fail "$(grep socmod_info "$WORK/figures"), not $2"
    done
    [ "$(answers 'profiles?state=applied' | jq '.items | length')" -ge 1 ] || fail "the profiles of before are gone"
    exit 0
fi

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
cd "$TREE/ansible"
# play SUCCEEDS PLAYBOOK ARGUMENT...
play() {
    local wanted=$1 got=yes
    shift
    ANSIBLE_NOCOLOR=1 ansible-playbook -i "$FOLDER/inventory.yml" -e "packages_folder=$NEXT/both" "$@" >"$FOLDER/play.log" 2>&1 || got=no
    [ $got = "$wanted" ] || { grep -A12 -E 'fatal|FAILED' "$FOLDER/play.log" >&2; fail "ansible-playbook $*, see $FOLDER/play.log"; }
}
in_database() {
    chroot "$FOLDER/vps" runuser -u postgres -- psql -XAtc "$1" socmod
}
settings() {
    (cd "$FOLDER" && cksum vps/etc/socmod/*.ini pole/etc/socmod/*.ini)
}
stands() { # VERSION
    local name
    for name in vps/socmod-central pole/socmod-gateway; do
        [ "$(chroot "$FOLDER/${name%/*}" dpkg-query -W -f "\${Version}" "${name#*/}")" = "$1" ] || fail "$name is not $1"
    done
    [ "$(settings)" = "$before" ] || fail "the settings are not what they were"
    FOLDER=$FOLDER unshare --net "$TREE/ansible/test/upgrade.sh" alive "$1"
}

# The next version: this one, with one more step of the database.
rm -rf "$NEXT"
git clone -q --shared "$TREE" "$NEXT"
echo 'create table plan.of_the_next (n integer);' >"$NEXT/sql/899_of_the_next.sql"
sed -i "1s/(.*)/($NEXT_VERSION)/" "$NEXT/deploy/debian/changelog"
git -C "$NEXT" add -A
git -C "$NEXT" -c user.name=test -c user.email=test@localhost commit -qm 'the next version'
"$NEXT/deploy/deb.sh" >"$FOLDER/next.log" 2>&1 || fail "packages of the next version, see $FOLDER/next.log"
mkdir "$NEXT/both"
cp "$TREE"/build/deb/*.deb "$NEXT"/build/deb/*.deb "$NEXT/both"

before=$(settings)
rows=$(in_database 'select count(*) from plan.profile')
play yes upgrade.yml
stands "$NEXT_VERSION"
[ "$(in_database "select to_regclass('plan.of_the_next') is not null")" = t ] || fail "the database did not follow"
echo "- upgraded from $VERSION: settings and data as they were, the database followed"

play no rollback.yml
grep -q '899_of_the_next.sql: missing, but was applied.*rollback_restore=true' "$FOLDER/play.log" || fail "nobody says that the database moved on"
play yes rollback.yml -e rollback_restore=true
stands "$VERSION"
[ "$(in_database "select to_regclass('plan.of_the_next') is null")" = t ] || fail "the database did not go back"
[ "$(in_database 'select count(*) from plan.profile')" -ge "$rows" ] || fail "profiles of before the upgrade are gone"
echo "- put back: refused by the older programs first, then with the database as it was before the upgrade"
