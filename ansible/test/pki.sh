#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pki.sh FOLDER NAME[:broker|:node|:expired|:revoked|:stranger]...: an authority, and certificates for a
# test; those of a stranger are of an authority that nobody
# trusts, those of the nodes of a cluster of one that only they have.
set -euo pipefail
cd "$1"
shift

# key FILE
key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}
# authority NAME: in a folder of that name
authority() {
    mkdir -p "$1/issued"
    touch "$1/index"
    key "$1/ca.key"
    openssl req -x509 -new -key "$1/ca.key" -subj "/CN=$1" -days 30 -out "$1/ca.pem" \
        -addext keyUsage=critical,keyCertSign,cRLSign
    cat >"$1/ca.cnf" <<CNF
[ca]
default_ca = own
[own]
database = $1/index
new_certs_dir = $1/issued
certificate = $1/ca.pem
private_key = $1/ca.key
rand_serial = yes
default_md = sha256
default_days = 30
default_crl_days = 30
unique_subject = no
policy = any
[any]
commonName = supplied
CNF
}
# certificate AUTHORITY NAME USE NAMES FILE [OPTION]...
certificate() {
    local authority=$1 name=$2 use=$3 names=$4 file=$5
    shift 5
    key "$file.key"
    openssl req -new -key "$file.key" -subj "/CN=$name" -out "$file.csr"
    openssl ca -batch -notext -config "$authority/ca.cnf" -in "$file.csr" -out "$file.pem" "$@" \
        -extfile <(printf 'extendedKeyUsage=%s\nsubjectAltName=%s\n' "$use" "$names")
    rm "$file.csr"
}

authority own
authority cluster
authority stranger
for entry; do
    name=${entry%:*}
    case $entry in
    *:broker) certificate own "$name" serverAuth "DNS:$name,DNS:localhost,IP:127.0.0.1" "$name" ;;
    *:node) certificate cluster "$name" serverAuth,clientAuth "DNS:$name,IP:127.0.0.1" "cluster/$name" ;;
    *:expired) certificate own "$name" clientAuth "DNS:$name" "$name.expired" \
        -startdate 20200101000000Z -enddate 20210101000000Z ;;
    *:revoked)
        certificate own "$name" clientAuth "DNS:$name" "$name.revoked"
        openssl ca -config own/ca.cnf -revoke "$name.revoked.pem"
        ;;
    *:stranger) certificate stranger "$name" clientAuth "DNS:$name" "$name.stranger" ;;
    *) certificate own "$name" clientAuth "DNS:$name" "$name" ;;
    esac
done
openssl ca -config own/ca.cnf -gencrl -out crl.pem
openssl ca -config cluster/ca.cnf -gencrl -out cluster/crl.pem
cp own/ca.pem ca.pem
