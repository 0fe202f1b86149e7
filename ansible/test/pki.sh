#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pki.sh FOLDER NAME[:broker|:node|:expired|:revoked|:stranger]...: an authority in a new folder, and
# certificates for a test; what is wrong with one stands behind its file's name, those of a stranger
# are of an authority that nobody trusts, and those of the nodes of a cluster of one that only they
# have: each is server and client, which socmod-admin never makes.
#
#   ADMIN    socmod-admin (that of PATH)
set -euo pipefail
folder=$1
shift
pki() { # FOLDER WORD...
    local where=$1
    shift
    "${ADMIN:-socmod-admin}" ${settings:+--config "$settings"} pki --folder "$where" "$@"
}
# keep NAME SUFFIX FOLDER: what was just issued there, under a name that says what is wrong with it
keep() {
    for kind in pem key; do
        mv "$3/$1.$kind" "$folder/$1.$2.$kind"
    done
}

# node NAME
node() {
    local file=$folder/cluster/$1
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$file.key" -subj "/CN=$1" -out "$file.csr"
    openssl x509 -req -in "$file.csr" -CA "$folder/cluster/ca.pem" -CAkey "$folder/cluster/ca.key" -days 30 -out "$file.pem" \
        -extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:%s,IP:127.0.0.1\n' "$1")
    rm "$file.csr"
}

pki "$folder" init own
pki "$folder/cluster" init cluster
pki "$folder.stranger" init stranger
for entry; do
    name=${entry%:*}
    case $entry in
    *:broker) pki "$folder" issue "$name" --server "$name,localhost,127.0.0.1" ;;
    *:node) node "$name" ;;
    *:expired)
        settings=$folder/then.ini
        printf '[clock]\nhands = %s %s 1\n' "$(date -u -d '-2 years' +%FT%TZ)" "$(date +%s)" >"$settings"
        cp -r "$folder" "$folder.then"
        pki "$folder.then" issue "$name" --days 30
        settings=''
        keep "$name" expired "$folder.then"
        rm -r "$folder.then" "$folder/then.ini"
        ;;
    *:revoked)
        pki "$folder" issue "$name"
        pki "$folder" revoke "$name"
        keep "$name" revoked "$folder"
        ;;
    *:stranger)
        pki "$folder.stranger" issue "$name"
        keep "$name" stranger "$folder.stranger"
        ;;
    *) pki "$folder" issue "$name" ;;
    esac
done
rm -r "$folder.stranger"
