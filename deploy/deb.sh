#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deb.sh: make the Debian packages of what is committed, in build/deb. The same commit gives the
# same octets: the times in them are the commit's.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v dh_installsysusers >/dev/null || ! command -v lintian >/dev/null; then
    sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debhelper fakeroot lintian
fi
version=$(sed -nE '1s/.*\((.*)\).*/\1/p' deploy/debian/changelog)
tree=build/deb/socmod-$version
rm -rf build/deb
mkdir -p "$tree"
git archive HEAD | tar -x -C "$tree"
mv "$tree/deploy/debian" "$tree/debian"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
(cd "$tree" && DEB_BUILD_OPTIONS="parallel=$(nproc) ${DEB_BUILD_OPTIONS:-}" dpkg-buildpackage -us -uc -b "$@") >build/deb/log 2>&1 ||
    { tail -40 build/deb/log >&2; exit 1; }
# Who builds it signs it: the maintainer's address here is nobody's.
lintian --fail-on error,warning --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog \
    --allow-root build/deb/*.changes
ls build/deb/*.deb
