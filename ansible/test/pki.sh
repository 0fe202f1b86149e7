#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pki.sh FOLDER NAME[:broker|:expired|:revoked|:stranger]...: an authority in a new folder, and
# certificates for a test; what is wrong with one stands behind its file's name, and those of a
# stranger are of an authority that nobody trusts.
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

pki "$folder" init own
pki "$folder.stranger" init stranger
for entry; do
    name=${entry%:*}
    case $entry in
    *:broker) pki "$folder" issue "$name" --server "$name,localhost,127.0.0.1" ;;
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
