#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what building and testing needs from Debian; silent, and without network, when
# nothing is missing. Uses sudo where not root.
set -eu
packages='build-essential ca-certificates clang curl git iproute2 jq libcriterion-dev libinih-dev
    libjansson-dev libmicrohttpd-dev libmodbus-dev libpaho-mqtt-dev libpq-dev libssl-dev mbpoll mosquitto
    mosquitto-clients openssl pkg-config postgresql-15 postgresql-client-15 procps python3
    socat systemd util-linux zlib1g-dev'
missing=''
for package in $packages; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = 'install ok installed' ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing" >&2
if [ "$(id -u)" -eq 0 ]; then
    sudo=''
elif command -v sudo >/dev/null; then
    sudo='sudo'
else
    echo "deps: these Debian packages are missing, and there is neither root nor sudo:$missing" >&2
    exit 1
fi
# Debian's package would start a database on port 5432; ours are private ones.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    $sudo mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086 # words on purpose
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
