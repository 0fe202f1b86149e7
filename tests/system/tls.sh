# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of TLS: authorities, certificates good and bad, and a broker that asks for them. Source
# it after lib.sh.
#
#   authority NAME                   $WORK/NAME/ca.pem
#   issue AUTHORITY NAME [OPTION]...  $WORK/AUTHORITY/NAME.pem and .key
#   expired AUTHORITY NAME [OPTION]...  the same, of two years ago, good for one
#   start_tls_broker                 mqtts://$TLS_HOST:$TLS_PORT, of the authority own, certificate
#                                    vps1; its list of revoked ones is read at the start. ACL: $WORK/acl
#   TLS_BROKER_LINES                 more lines of its settings
#   mqtt_as NAME                     lines of [mqtt] for a program with the certificate own/NAME

TLS_HOST=localhost
TLS_BROKER_LINES=''

pki() { # AUTHORITY WORD...
    local folder=$WORK/$1
    shift
    "$BIN/socmod-admin" pki --folder "$folder" "$@" >>"$WORK/pki.log" 2>&1 || fail "pki $*: $(tail -n 3 "$WORK/pki.log")"
    chmod 755 "$folder" # for the broker's and the database's users
}

authority() {
    pki "$1" init "$1"
}

issue() {
    local name=$1
    shift
    pki "$name" issue "$@"
}

# In a folder of its own with the same authority, by a clock of two years ago.
expired() {
    local authority=$1 name=$2
    shift 2
    rm -rf "$WORK/then"
    cp -r "$WORK/$authority" "$WORK/then"
    printf '[clock]\nhands = %s %s 1\n' "$(date -u -d '-730 days' +%FT%TZ)" "$(date +%s)" >"$WORK/then.ini"
    "$BIN/socmod-admin" --config "$WORK/then.ini" pki --folder "$WORK/then" issue "$name" --days 365 "$@" \
        >>"$WORK/pki.log" 2>&1 || fail "expired $name: $(tail -n 3 "$WORK/pki.log")"
    install -m 644 "$WORK/then/$name.pem" "$WORK/$authority/$name.pem"
    install -m 600 "$WORK/then/$name.key" "$WORK/$authority/$name.key"
}

start_tls_broker() {
    stop broker
    : "${TLS_PORT:=$(free_port)}"
    mkdir -p "$WORK/broker"
    cp "$WORK"/own/{ca.pem,crl.pem,vps1.pem,vps1.key} "$WORK/broker"
    [ -e "$WORK/acl" ] || printf 'pattern write socmod/v1/gateway/%%u/#\nuser watcher\ntopic read #\n' >"$WORK/acl"
    chmod 644 "$WORK/acl"
    cat >"$WORK/broker/mosquitto.conf" <<CONF
listener $TLS_PORT 127.0.0.1
cafile $WORK/broker/ca.pem
crlfile $WORK/broker/crl.pem
certfile $WORK/broker/vps1.pem
keyfile $WORK/broker/vps1.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file $WORK/acl
set_tcp_nodelay true
${TLS_BROKER_LINES:-tls_version tlsv1.2}
CONF
    if [ "$(id -u)" -eq 0 ]; then
        echo "user mosquitto" >>"$WORK/broker/mosquitto.conf"
        chown -R mosquitto: "$WORK/broker"
    fi
    run broker mosquitto -v -c "$WORK/broker/mosquitto.conf"
    wait_for 20 "broker" bash -c "exec 3<>/dev/tcp/127.0.0.1/$TLS_PORT"
}

mqtt_as() {
    cat <<CONF
[mqtt]
broker = mqtts://$TLS_HOST:$TLS_PORT
client_id = $1
ca_file = $WORK/own/ca.pem
certificate_file = $WORK/own/$1.pem
key_file = $WORK/own/$1.key
CONF
}

# After start_postgres: the same over TLS on 127.0.0.1:$PG_TLS_PORT besides, of the authority own with
# the certificate db1; who comes in that way has one whose name is his role.
#   start_tls_postgres [OPTION...]     options of the server, like "-c ssl_max_protocol_version=TLSv1.1"
#   database_as NAME [ROLE]            lines of [database] for a program with the certificate own/NAME
start_tls_postgres() {
    stop_postgres
    : "${PG_TLS_PORT:=$(free_port)}"
    mkdir -p "$WORK/pg/tls"
    cp "$WORK"/own/{ca.pem,crl.pem,db1.pem,db1.key} "$WORK/pg/tls"
    chmod 600 "$WORK/pg/tls/db1.key"
    [ "$(id -u)" -ne 0 ] || chown -R postgres: "$WORK/pg/tls"
    printf 'local all all trust\nhostssl all all 127.0.0.1/32 cert\n' >"$WORK/pg/data/pg_hba.conf"
    as_server "$PG_BIN/pg_ctl" -D "$WORK/pg/data" -w -s -l "$WORK/pg/log" start \
        -o "-c listen_addresses=127.0.0.1 -c port=$PG_TLS_PORT -c unix_socket_directories=$WORK/pg -c fsync=off \
            -c ssl=on -c ssl_cert_file=$WORK/pg/tls/db1.pem -c ssl_key_file=$WORK/pg/tls/db1.key \
            -c ssl_ca_file=$WORK/pg/tls/ca.pem -c ssl_crl_file=$WORK/pg/tls/crl.pem $*" || fail "PostgreSQL: $(tail -n 5 "$WORK/pg/log")"
    export PGPORT=$PG_TLS_PORT
}

database_as() {
    echo "[database]"
    echo "connection = host=$TLS_HOST port=$PG_TLS_PORT dbname=socmod user=${2:-$1} sslmode=verify-full" \
        "sslrootcert=$WORK/own/ca.pem sslcert=$WORK/own/$1.pem sslkey=$WORK/own/$1.key"
}
