#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sysroot.sh ARCH: lay the libraries of another architecture (arm64, armhf) in build/cross/ARCH,
# from Debian's packages, so that packages can be built for it here. This machine stays as it is,
# but for the compiler and qemu-user, which are installed where missing. Nothing is done again.
#
#   root/           what --sysroot= and qemu's -L take
#   shlibs.local    which package a program linked with a library depends on
#   libraries       file name, package, version of each library, for sbom.sh
set -euo pipefail
cd "$(dirname "$0")/.."
arch=$1
case $arch in
arm64) triplet=aarch64-linux-gnu ;;
armhf) triplet=arm-linux-gnueabihf ;;
*) echo "sysroot.sh: no compiler known for $arch" >&2; exit 2 ;;
esac
if ! command -v $triplet-gcc >/dev/null || ! command -v qemu-arm >/dev/null; then
    sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc-$triplet qemu-user
fi
to=$PWD/build/cross/$arch
[ ! -e "$to/done" ] || exit 0

# A state of apt's own: adding the architecture to the machine's would need every package of both
# at the same version.
rm -rf "$to"
mkdir -p "$to"/apt/{lists,archives}/partial "$to/root"
: >"$to/apt/status"
apt() {
    apt-get -qq -o Dir::State="$to/apt" -o Dir::State::status="$to/apt/status" -o Dir::Cache="$to/apt" \
        -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root "$@"
}
# A list that cannot be had leaves the others.
apt update || echo "sysroot.sh: going on with the package lists there are" >&2
apt install -y --no-install-recommends --download-only libc6-dev libinih-dev libjansson-dev libmicrohttpd-dev \
    libmodbus-dev libpaho-mqtt-dev libpq-dev libssl-dev
for deb in "$to"/apt/archives/*.deb; do
    dpkg-deb -x "$deb" "$to/root"
    dpkg-deb -I "$deb" shlibs 2>/dev/null >>"$to/shlibs.local" || true
    # shellcheck disable=SC2016 # dpkg's variables
    named=$(dpkg-deb -W --showformat '${Package}\t${Version}' "$deb")
    dpkg-deb -c "$deb" | awk -v named="$named" 'match($6, /[^\/]+\.so\.[0-9.]+$/) { print substr($6, RSTART) "\t" named }' \
        >>"$to/libraries"
done
rm -r "$to/apt"
touch "$to/done"
