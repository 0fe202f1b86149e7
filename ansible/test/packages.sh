#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The packages in a fresh Debian 12: installed, upgraded, put back, removed and purged. Settings that
# somebody changed stay, those that nobody touched follow the package, and a purge leaves only data.
#
#   FOLDER   where converge.sh made its base (build/converge)      KEEP=1   leave the root
set -euo pipefail
# shellcheck source=ansible/test/machines.sh
. "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
apart packages
ROOT=$FOLDER/packages
ARCH=$(dpkg --print-architecture)
NAMES=(socmod-central socmod-gateway socmod-peers)

[ -e "$TREE/build/deb/socmod-central_$(dpkg-parsechangelog -l "$TREE/deploy/debian/changelog" -S Version)_$ARCH.deb" ] || fail "no packages: make deb"

machine packages

inside() {
    chroot "$ROOT" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}
apt() {
    inside apt-get -qq -y --no-install-recommends --allow-downgrades -o Dpkg::Options::=--force-confdef \
        -o Dpkg::Options::=--force-confold "$@" >"$FOLDER/packages.log" 2>&1 ||
        { tail -n 20 "$FOLDER/packages.log" >&2; fail "apt-get $*"; }
}
# Everything but what the package manager itself keeps.
files() {
    inside find / -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
        -o -path /tmp -o -path /new -o -path /old -o -path /proc -o -path /dev -o -path /etc/systemd/system \
        -o -path /var/lib/systemd -o -path /run \) -prune -o -print | sort
}

# The newest, and an older one with other defaults in two files of settings.
mkdir "$ROOT/new" "$ROOT/old"
for name in "${NAMES[@]}"; do
    new=("$TREE/build/deb/${name}"_*_"$ARCH.deb")
    cp "${new[0]}" "$ROOT/new/$name.deb"
    dpkg-deb -R "${new[0]}" "$ROOT/old/$name"
    sed -i 's/^Version: .*/Version: 0.1.0/' "$ROOT/old/$name/DEBIAN/control"
    for settings in "$ROOT/old/$name"/etc/socmod/socmod-{ingest,p3}.ini; do
        [ ! -e "$settings" ] || echo '; as it was in 0.1.0' >>"$settings"
    done
    dpkg-deb --root-owner-group -b "$ROOT/old/$name" "$ROOT/old/$name.deb" >/dev/null
    rm -r "${ROOT:?}/old/$name"
done
old=("${NAMES[@]/#//old/}") new=("${NAMES[@]/#//new/}")

# What ours depend on comes first, so that what is left in the end is ours.
inside apt-get -qq update >/dev/null
apt install "${new[@]/%/.deb}"
apt purge "${NAMES[@]}"
files >"$FOLDER/before"

apt install "${old[@]/%/.deb}"
for program in admin audit ingest p3 planner gateway; do
    inside "socmod-$program" --version >/dev/null || fail "socmod-$program does not run"
    inside test -s "/usr/share/man/man8/socmod-$program.8.gz" || inside test -d /usr/share/man || fail "no manual page"
done
for user in socmod_ingest socmod_planner socmod_p3 socmod_audit socmod_admin socmod-gateway; do
    inside id "$user" >/dev/null || fail "no user $user"
done
for program in ingest planner p3 audit admin; do
    inside "socmod-$program" --check >/dev/null || fail "socmod-$program refuses the settings it came with"
done
[ "$(stat -c %a:%U "$ROOT/etc/socmod/secret")" = 700:root ] || fail "others can look into /etc/socmod/secret"
inside test ! -e /etc/systemd/system/multi-user.target.wants/socmod-p3.service || fail "it starts by itself"
for name in central gateway; do # without systemd here, by what the packages would tell it
    script=$ROOT/var/lib/dpkg/info/socmod-$name
    for unit in "$ROOT"/lib/systemd/system/socmod-*; do
        unit=${unit##*/}
        inside dpkg -S "/lib/systemd/system/$unit" | grep -q "^socmod-$name:" || continue
        grep -q "deb-systemd-invoke try-restart.*$unit" "$script.postinst" || fail "an upgrade leaves the old $unit running"
        # what a timer starts ends by itself
        [[ $unit == *.service && -e $ROOT/lib/systemd/system/${unit%.service}.timer ]] || grep -q "$unit" "$script.prerm" || fail "remove leaves $unit running"
    done
done
echo "- installed"

mine='client_id = mine'
sed -i "s/^client_id = .*/$mine/" "$ROOT/etc/socmod/socmod-p3.ini"
echo key >"$ROOT/etc/socmod/secret/master.key"
install -d "$ROOT/var/lib/socmod/ingest"
echo message >"$ROOT/var/lib/socmod/ingest/1"
apt install "${new[@]/%/.deb}"
grep -q "^$mine$" "$ROOT/etc/socmod/socmod-p3.ini" || fail "the upgrade lost settings"
! grep -q 'as it was' "$ROOT/etc/socmod/socmod-ingest.ini" || fail "untouched settings do not follow the package"
inside socmod-p3 --check >/dev/null || fail "settings kept are refused"
echo "- upgraded: settings that were changed stay, others follow"

apt install "${old[@]/%/.deb}"
grep -q "^$mine$" "$ROOT/etc/socmod/socmod-p3.ini" || fail "the way back lost settings"
grep -q 'as it was' "$ROOT/etc/socmod/socmod-ingest.ini" || fail "the way back left settings of the newer"
echo "- put back"

apt remove "${NAMES[@]}"
! ls "$ROOT"/usr/bin/socmod-* "$ROOT"/usr/bin/peer-* 2>/dev/null || fail "programs stay after remove"
grep -q "^$mine$" "$ROOT/etc/socmod/socmod-p3.ini" || fail "remove took the settings"
apt purge socmod-central socmod-gateway # the peers have no settings: they are gone already
grep -q '/var/lib/socmod is kept' "$FOLDER/packages.log" || fail "purge does not say what it keeps"
files >"$FOLDER/after"
left=$(comm -13 "$FOLDER/before" "$FOLDER/after" | tr '\n' ' ')
wanted='/etc/socmod /etc/socmod/secret /etc/socmod/secret/master.key /var/lib/socmod /var/lib/socmod/ingest /var/lib/socmod/ingest/1 '
[ "$left" = "$wanted" ] || fail "purge leaves: $left"
echo "- removed and purged: key and messages stay, and it says so"
