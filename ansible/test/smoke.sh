#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What converge.sh laid out, running: the doors that are open, who gets in and who does not, and one
# message on its way from a transformer's load to a charger's register. To be called by converge.sh,
# in a network namespace of its own.
#
#   FOLDER   where the roots vps and pole are, with pki, peers and street.json
# shellcheck disable=SC2317 # functions are called by name
BIN=${FOLDER:?}/peers/usr/bin
# shellcheck source=tests/system/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../tests/system/lib.sh"
# shellcheck source=ansible/test/units.sh
. "$(dirname "${BASH_SOURCE[0]}")/units.sh"
PKI=$FOLDER/pki
METER=E0051000000000001 OTHER=E0051000000000002
RATE=300
OUTSIDE=192.0.2.1 OFFICE=192.0.2.2 STRANGER=192.0.2.3

# The network: this machine, and another one that reaches it through its firewall.
network() {
    ip link set lo up || fail "no network of its own"
    run other unshare --net sleep infinity
    wait_for 5 "another network" nsenter -t "${PID[other]}" -n ip link set lo up
    wait_for 5 "a wire to it" ip link add wire type veth peer name wire netns "${PID[other]}"
    ip address add $OUTSIDE/24 dev wire
    ip link set wire up
    elsewhere ip address add $OFFICE/24 dev wire
    elsewhere ip address add $STRANGER/24 dev wire
    elsewhere ip link set wire up
}
elsewhere() {
    nsenter -t "${PID[other]}" -n "$@"
}

# mqtt PROGRAM CERTIFICATE ARGUMENT...
mqtt() {
    local program=$1 certificate=$2
    shift 2
    local own=$PKI/$certificate
    # The gateway's key was made in the pole and is nowhere else.
    [ "$certificate" != "$METER" ] || own=$FOLDER/pole/etc/socmod/secret/mqtt
    timeout 10 "$program" -V 5 -h localhost -p 8883 --cafile "$PKI/ca.pem" --cert "$own.pem" --key "$own.key" -q 1 "$@"
}

api() {
    curl -sf --max-time 10 --cacert "$PKI/ca.pem" --resolve vps1.test:443:$OUTSIDE \
        -H "Authorization: Bearer $(cat "$WORK/token")" "https://vps1.test/$1"
}

# open_doors FROM TO LISTENING: TCP ports of TO that answer FROM, another address, lest a knock answers
# itself. Where somebody is known to listen, an answer is waited for also on a busy machine.
open_doors() {
    python3 - "$@" <<'PYTHON'
import asyncio, sys
here, there, listening = sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3].split()]

async def knock(port, wait_s):
    try:
        _, door = await asyncio.wait_for(asyncio.open_connection(there, port, local_addr=(here, 0)), wait_s)
    except (OSError, asyncio.TimeoutError):
        return None
    door.close()
    return port

async def all_doors():
    found = await asyncio.gather(*(knock(port, 20) for port in listening))
    rest = [port for port in range(1, 65536) if port not in listening]
    for first in range(0, len(rest), 8000):
        found += await asyncio.gather(*(knock(port, 2) for port in rest[first:first + 8000]))
    return sorted(port for port in found if port)

print(*asyncio.run(all_doors()))
PYTHON
}
listening() {
    ss -Hltn | awk '{ sub(/.*:/, "", $4); print $4 }' | sort -un | paste -sd ' '
}
open_from() {
    elsewhere bash -c "ulimit -n 20000; $(declare -f open_doors); open_doors $1 $OUTSIDE '$(listening)'"
}

network
# hands TIME RATE: what the programs take for the time, which must not go back later
hands() {
    local settings
    HANDS="$1 $(date +%s.%N) $2"
    for settings in "$FOLDER"/vps/etc/socmod/socmod-{ingest,planner,p3,audit,trail-{sign,verify}}.ini "$FOLDER/pole/etc/socmod/socmod-gateway.ini"; do
        sed -i '/^\[clock\]$/,$d' "$settings"
        printf '[clock]\nhands = %s\n' "$HANDS" >>"$settings"
    done
}

# --- the central side ----------------------------------------------------------------------------
chroot "$FOLDER/vps" pg_ctlcluster 15 main restart -m fast || fail "PostgreSQL"
hands 2026-01-14T14:20:00Z 1
run mosquitto chroot "$FOLDER/vps" sh -c 'install -d -o mosquitto /run/mosquitto && exec mosquitto -c /etc/mosquitto/mosquitto.conf'
run nginx chroot "$FOLDER/vps" nginx -g 'daemon off;'
# shellcheck disable=SC2016 # expanded in there
run exporter chroot "$FOLDER/vps" sh -c '. /etc/default/prometheus-node-exporter; exec prometheus-node-exporter $ARGS'
cp "$FOLDER/street.json" "$FOLDER/vps/tmp/street.json"
admin() {
    chroot "$FOLDER/vps" setpriv --reuid=socmod_admin --regid=socmod_admin --init-groups socmod-admin "$@"
}
admin import /tmp/street.json >"$WORK/import.log" 2>&1 || fail "import"
admin token --name smoke --role auditor --days 3650 >"$WORK/token" 2>"$WORK/token.log" || fail "token"
install -m 600 /dev/null "$WORK/keys.csv"
{
    echo equipment_id,encryption_key,authentication_key,client_title,meter_title
    jq -r '.meters[] | select(.route == "dlms").equipment_id' "$FOLDER/street.json" | while read -r meter; do
        echo "$meter,$(openssl rand -hex 16),$(openssl rand -hex 16),534F434D4F440001,4D4554$(openssl rand -hex 5)"
    done
} >"$WORK/keys.csv"
install -m 600 "$WORK/keys.csv" "$FOLDER/pki/master.key" "$FOLDER/vps/tmp"
chroot "$FOLDER/vps" chown socmod_admin /tmp/keys.csv /tmp/master.key
admin keys import --master /tmp/master.key /tmp/keys.csv >"$WORK/import.log" 2>&1 || fail "keys"
rm "$FOLDER"/vps/tmp/{keys.csv,master.key}
for one in ingest planner p3 audit; do
    unit vps "socmod-$one"
done
wait_for 20 "nginx" curl -so /dev/null --cacert "$PKI/ca.pem" --resolve vps1.test:443:$OUTSIDE https://vps1.test/
wait_for 20 "audit API" api v1/transformers
wait_for 20 "ingest at the broker" grep -q 'as socmod-ingest ' "$WORK/mosquitto.log"
wait_for 20 "p3 at the broker" grep -q 'as socmod-p3 ' "$WORK/mosquitto.log"
# shellcheck disable=SC2016 # expanded in there
run prometheus chroot "$FOLDER/vps" setpriv --reuid=prometheus --regid=prometheus --init-groups \
    sh -c '. /etc/default/prometheus; exec prometheus $ARGS'
wait_for 20 "node exporter" curl -so /dev/null http://$OUTSIDE:9100/metrics

# --- who measures ----------------------------------------------------------------------------------
measured() {
    [ "$(curl -sf --max-time 5 'http://127.0.0.1:9090/api/v1/query?query=sum(up)' | jq -r '.data.result[0].value[1]')" = 5 ]
}
wait_for 60 "Prometheus has figures of all" measured
rules=$(curl -sf http://127.0.0.1:9090/api/v1/rules | jq '[.data.groups[].rules[]] | length')
expect "alert rules" "$(grep -c 'alert:' "$FOLDER/vps/usr/share/socmod/prometheus/socmod.rules.yml")" "$rules"
echo "- measured: the machine and four programs, $rules alert rules"

# --- doors ---------------------------------------------------------------------------------------
chroot "$FOLDER/vps" nft -f /etc/nftables.conf || fail "firewall"
expect "doors on the machine itself" "443 8080 8081 8082 8083 8883 9090 9100" "$(ulimit -n 20000; open_doors 127.0.0.2 127.0.0.1 "$(listening)")"
expect "doors open to the office and gateways" "443 8883" "$(open_from $OFFICE)"
expect "doors open to a stranger" "" "$(open_from $STRANGER)"
echo "- open: 443 (page and API) to the office, 8883 (broker) to gateways, nothing to others"

# --- who gets in -----------------------------------------------------------------------------------
for door in 443 8883; do
    for version in tls1 tls1_1; do
        ! openssl s_client -connect $OUTSIDE:$door -$version -cipher 'ALL:@SECLEVEL=0' </dev/null >"$WORK/tls" 2>&1 ||
            fail "door $door speaks $version"
        grep -qE 'protocol version|no protocols|unsupported protocol|handshake failure|internal error' "$WORK/tls" || fail "$(cat "$WORK/tls")"
    done
    for version in tls1_2 tls1_3; do
        openssl s_client -connect $OUTSIDE:$door -CAfile "$PKI/ca.pem" -verify_return_error -$version \
            -cert "$PKI/HE1.pem" -key "$PKI/HE1.key" </dev/null >"$WORK/tls" 2>&1 || fail "door $door, $version"
    done
done
mqtt mosquitto_pub $METER -t "socmod/v1/gateway/$METER/hello" -m 1 || fail "the gateway's own topic"
# refused CERTIFICATE WHY: and the broker says why
refused() {
    ! mqtt mosquitto_pub "$1" -t "socmod/v1/gateway/$METER/hello" -m 1 >"$WORK/refused" 2>&1 || fail "$1 got in"
    wait_for 5 "why $1 was refused" grep -qi "$2" "$WORK/mosquitto.log"
}
refused $METER.expired 'certificate verify failed'
refused $METER.revoked 'certificate verify failed'
refused $METER.stranger 'certificate verify failed'
! timeout 10 mosquitto_pub -h localhost -p 8883 --cafile "$PKI/ca.pem" -t x -m 1 >"$WORK/refused" 2>&1 || fail "no certificate"
wait_for 5 "why one without a certificate was refused" grep -q 'peer did not return a certificate' "$WORK/mosquitto.log"
expect "refusals told" 3 "$(grep -c 'certificate verify failed' "$WORK/mosquitto.log")"
for topic in "socmod/v1/gateway/$OTHER/receipt" "p3/HE1/set" "dali/T1/F1/quarter"; do
    mqtt mosquitto_pub $METER -t "$topic" -m 1 >"$WORK/refused" 2>&1
    grep -qi 'not authorized' "$WORK/refused" || fail "$METER may write $topic: $(cat "$WORK/refused")"
done
expect "without a token" 401 "$(curl -s -o "$WORK/refused" -w '%{http_code}' --cacert "$PKI/ca.pem" \
    --resolve vps1.test:443:$OUTSIDE https://vps1.test/v1/profiles)"
echo "- refused: TLS 1.0 and 1.1; certificates expired, revoked, a stranger's, none; topics of others; no token"

chroot "$FOLDER/vps" runuser -u postgres -- /usr/local/sbin/socmod-backup >"$WORK/backup.log" 2>&1 || fail "backup"

# --- one message ---------------------------------------------------------------------------------
# The street fills up at this hour. One charger has a gateway; the others do as they please.
for one in ingest planner p3 audit; do
    stop "socmod-$one"
done
hands 2026-01-14T15:40:00Z $RATE
for one in ingest planner p3 audit; do
    unit vps "socmod-$one"
done
peer() { # NAME: settings on standard input
    { cat && printf '[clock]\nhands = %s\n' "$HANDS"; } >"$WORK/$1.ini"
    run "$1" "$BIN/peer-$1" --config "$WORK/$1.ini"
}
peer meter <<CONF
[street]
grid = $FOLDER/street.json
[p1]
port = 2001
[copper]
socket = $WORK/meter.copper
[mqtt]
broker = mqtts://localhost:8883
client_id = HE1
ca_file = $PKI/ca.pem
certificate_file = $PKI/HE1.pem
key_file = $PKI/HE1.key
[dlms]
keys = $WORK/keys.csv
port = 4059
[state]
folder = $WORK
CONF
peer dali <<CONF
[street]
grid = $FOLDER/street.json
loads = $TREE/deploy/demo/loads.csv
[copper]
socket = $WORK/dali.copper
[mqtt]
broker = mqtts://localhost:8883
client_id = dali
ca_file = $PKI/ca.pem
certificate_file = $PKI/dali.pem
key_file = $PKI/dali.key
CONF
peer charger <<CONF
[street]
grid = $FOLDER/street.json
sessions = $TREE/deploy/demo/sessions.csv
[modbus]
port = 5021
[charger]
timeout_s = 0
[copper]
sockets = $WORK/meter.copper $WORK/dali.copper
CONF
unit pole socmod-gateway
applied() {
    local id
    for id in $(api "v1/profiles?meter=$METER&state=applied" | jq -r '.items[].id'); do
        api "v1/profiles/$id/life" >"$WORK/life.json"
        [ "$(jq -r .end "$WORK/life.json")" != applied ] || return 0
    done
    return 1
}
wait_for 150 "a profile applied" applied
job vps socmod-tidy
job vps socmod-trail-sign
job vps socmod-trail-verify
grep -q '^intact: .* [1-9][0-9]* signed heads' "$WORK/socmod-trail-verify.log" || fail "the trail: $(cat "$WORK/socmod-trail-verify.log")"
[ "$(stat -c %a "$FOLDER/vps/var/lib/socmod/trail")" = 700 ] || fail "others look into the signed heads"
echo "- the trail: signed, and intact"
jq -r '"- applied: " + .profile.text, (.steps[] | "    \(.at)  \(.step)")' "$WORK/life.json"
cp "$WORK/life.json" "$FOLDER/life.json"

# --- back to a point in time ------------------------------------------------------------------
counters() {
    chroot "$FOLDER/vps" runuser -u postgres -- psql -XAtc 'select serial from p3.counter_state' socmod
}
more_counters() {
    [ "$(counters)" -gt "$1" ]
}
wait_for 60 "counters given" more_counters 0
given=$(counters) point=$(date -u +'%Y-%m-%d %H:%M:%S.%N+00')
wait_for 60 "more counters given" more_counters "$given"
admin token --name afterwards --role viewer --days 1 >"$WORK/afterwards" 2>>"$WORK/token.log" || fail "token"
for one in ingest planner p3 audit; do
    stop "socmod-$one"
done
rm "$WORK/socmod-p3.log"
ansible-playbook -i "$FOLDER/inventory.yml" restore.yml -e "restore_to='$point'" >"$FOLDER/restore.log" 2>&1 ||
    fail "restore, see $FOLDER/restore.log"
expect "counters as they were" "$given" "$(counters)"
for one in ingest planner p3 audit; do
    unit vps "socmod-$one"
done
wait_for 20 "audit API" api v1/transformers
cp "$WORK/token" "$FOLDER/token"
mv "$WORK/afterwards" "$WORK/token"
! api v1/transformers >"$WORK/refused" || fail "what came afterwards is there"
wait_for 30 "counters noticed as restored" grep -q 'event=counters.refused why=restored' "$WORK/socmod-p3.log"
skip=$(sed -nE 's/.*event=counters.refused .*skip=([0-9]+).*/\1/p' "$WORK/socmod-p3.log" | head -n 1)
admin keys restored --skip "$skip" >"$WORK/restored.log" 2>&1 || fail "keys restored"
wait_for 120 "counters given again" more_counters "$given"
echo "- restored to a point in time; counters noticed as restored, lifted by $skip, given again"
