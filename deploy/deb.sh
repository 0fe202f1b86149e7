#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deb.sh [ARCH]: make the Debian packages of what is committed, in build/deb, also for another
# architecture (arm64, armhf). The same commit gives the same octets: the times in them are the
# commit's.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v dh_installsysusers >/dev/null || ! command -v lintian >/dev/null; then
    sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debhelper fakeroot lintian
fi
arch=${1:-$(dpkg --print-architecture)}
version=$(sed -nE '1s/.*\((.*)\).*/\1/p' deploy/debian/changelog)
tree=build/deb/socmod-$version
mkdir -p build/deb
rm -rf "$tree" build/deb/*"_$arch".*
mkdir -p "$tree"
git archive HEAD | tar -x -C "$tree"
mv "$tree/deploy/debian" "$tree/debian"
options=(-us -uc -b)
if [ "$arch" != "$(dpkg --print-architecture)" ]; then
    deploy/sysroot.sh "$arch"
    export SYSROOT=$PWD/build/cross/$arch
    cp "$SYSROOT/shlibs.local" "$tree/debian"
    options+=("-a$arch" -Pcross -d)
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
(cd "$tree" && DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage "${options[@]}") >build/deb/log 2>&1 ||
    { tail -40 build/deb/log >&2; exit 1; }
# Who builds it signs it: the maintainer's address here is nobody's.
lintian --fail-on error,warning --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog \
    --allow-root build/deb/*"_$arch".changes
ls build/deb/*"_$arch".deb
