#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pki.sh FOLDER NAME[:broker]...: an authority, and certificates for a test.
set -euo pipefail
cd "$1"
shift
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key
openssl req -x509 -new -key ca.key -subj "/CN=test authority" -days 30 -out ca.pem \
    -addext keyUsage=critical,keyCertSign,cRLSign
for entry; do
    name=${entry%:broker}
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key"
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
    use=clientAuth names="DNS:$name"
    [ "$name" = "$entry" ] || use=serverAuth names="DNS:$name,DNS:localhost,IP:127.0.0.1"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out "$name.pem" \
        -extfile <(printf 'extendedKeyUsage=%s\nsubjectAltName=%s\n' $use "$names")
    rm "$name.csr"
done
touch index
printf '[ca]\ndefault_ca=own\n[own]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\n' >ca.cnf
openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem
