#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From three empty Debian 12 roots to a cluster: two database nodes, a service node, etcd on all three;
# once more with nothing left to change; and the leader is killed. After converge.sh, whose base and
# packages it takes.
#
#   FOLDER   where the roots are made (build/converge)      KEEP=1   leave them
# shellcheck source=ansible/test/machines.sh
. "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
ROOTS=(db1 db2 svc1)
apart "${ROOTS[@]}"
# shellcheck source=tests/system/lib.sh
. "$TREE/tests/system/lib.sh"
# shellcheck source=ansible/test/units.sh
. "$TREE/ansible/test/units.sh"
PKI=$FOLDER/cluster-pki
AUDIT=$(free_port) BROKER_PORT=$(free_port) METRICS=$(free_ports 3)
cd "$TREE/ansible" || exit 1

step() {
    echo "- $*"
}
end() {
    local status=$?
    cp "$WORK"/patroni-*.log "$WORK"/etcd-*.log "$FOLDER" 2>/dev/null # what leave shows of them is short
    (exit $status) # for leave
    leave
}
trap end EXIT

for root in "${ROOTS[@]}"; do
    machine "$root"
    printf '127.0.0.1 localhost\n127.0.1.1 db1.test\n127.0.1.2 db2.test\n127.0.1.3 svc1.test\n' >"$FOLDER/$root/etc/hosts"
done
rm -rf "$PKI"
ADMIN=$FOLDER/peers/usr/bin/socmod-admin test/pki.sh "$PKI" db1.test:node db2.test:node svc1.test:node svc1.test:broker dali \
    socmod-admin socmod-ingest socmod-planner socmod-p3 socmod-audit >"$FOLDER/pki.log" 2>&1 || fail "certificates, see $FOLDER/pki.log"

cat >"$FOLDER/cluster.yml" <<EOF
all:
  vars:
    ansible_connection: community.general.chroot
    ansible_become_method: ansible.builtin.su
    packages_folder: $TREE/build/deb
    pki_folder: $PKI
    patroni_networks: [127.0.0.0/8]
    patroni_shared_buffers: 64MB
    patroni_watchdog: "off"
    firewall_cluster: [127.0.1.0/24]
  children:
    etcd:
      hosts:
        db1.test: {ansible_host: $FOLDER/db1, etcd_listen: 127.0.1.1, patroni_listen: 127.0.1.1}
        db2.test: {ansible_host: $FOLDER/db2, etcd_listen: 127.0.1.2, patroni_listen: 127.0.1.2}
        svc1.test: {ansible_host: $FOLDER/svc1, etcd_listen: 127.0.1.3}
    database:
      hosts: {db1.test: {}, db2.test: {}}
    broker:
      hosts: {svc1.test: {}}
      vars: {broker_tls_port: $BROKER_PORT, broker_dali_systems: [dali]}
    central:
      vars:
        central_database_hosts: [db1.test, db2.test]
        central_broker: mqtts://svc1.test:$BROKER_PORT
        central_audit_port: $AUDIT
        central_metrics_ports: {ingest: $METRICS, planner: $((METRICS + 1)), p3: $((METRICS + 2))}
      hosts: {svc1.test: {}}
EOF
play() {
    ANSIBLE_NOCOLOR=1 ansible-playbook -i "$FOLDER/cluster.yml" cluster.yml "$@" >"$FOLDER/play.log" 2>&1 ||
        { grep -A12 -E 'fatal|FAILED' "$FOLDER/play.log" >&2; fail "ansible-playbook $*, see $FOLDER/play.log"; }
    grep -E '^[a-z0-9.]+ .*ok=' "$FOLDER/play.log"
}
step "ansible-playbook cluster.yml, up to the databases"
play --tags etcd,database

# in ROOT USER COMMAND...
in_root() {
    local root=$1 user=$2
    shift 2
    chroot "$FOLDER/$root" setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs "$@"
}
step "etcd and Patroni, as their units start them"
for root in "${ROOTS[@]}"; do
    mapfile -t settings < <(grep '^ETCD_' "$FOLDER/$root/etc/default/etcd")
    run "etcd-$root" in_root "$root" etcd env -i "PATH=$PATH" "${settings[@]}" etcd
done
sql() { # ROOT SQL
    chroot "$FOLDER/$1" runuser -u postgres -- psql -qXAtc "$2" postgres
}
leads() {
    [ "$(sql "$1" 'select pg_is_in_recovery()')" = f ]
}
in_step() {
    [ "$(sql "$1" "select count(*) from pg_stat_replication where sync_state = 'sync'")" = 1 ]
}
for root in db1 db2; do
    install -d -o "$(stat -c %u "$FOLDER/$root/var/lib/postgresql")" "$FOLDER/$root/run/postgresql"
    run "patroni-$root" in_root "$root" postgres patroni /etc/patroni/config.yml
done
one_leads() {
    leads db1 || leads db2
}
wait_for 120 "a leader" one_leads
leads db1 && LEADER=db1 OTHER=db2 || LEADER=db2 OTHER=db1
wait_for 120 "the other in step" in_step "$LEADER"

step "ansible-playbook cluster.yml"
play
step "ansible-playbook cluster.yml, again"
play
! grep -E 'changed=[1-9]' "$FOLDER/play.log" || fail "the second run changed something, see $FOLDER/play.log"

# --- who gets in -----------------------------------------------------------------------------------
# refused WHY COMMAND...
refused() {
    local why=$1
    shift
    ! "$@" >"$WORK/refused" 2>&1 || fail "got in: $*"
    grep -qiE "$why" "$WORK/refused" || fail "$*: $(cat "$WORK/refused")"
}
to=$(chroot "$FOLDER/svc1" sed -n 's/^connection = //p' /etc/socmod/socmod-admin.ini)
chroot "$FOLDER/svc1" apt-get -qq -y install --no-install-recommends postgresql-client-15 >/dev/null 2>&1
psql_from() {
    chroot "$FOLDER/svc1" psql -qXAtc 'select 1' "$1"
}
expect "the administrator" 1 "$(psql_from "$to")"
for how in "${to/user=socmod_admin/user=postgres}" "${to/user=socmod_admin/user=socmod_p3}" \
    "${to/sslmode=verify-full*user/sslmode=disable dbname=socmod user}" \
    "host=db1.test sslmode=verify-full sslrootcert=/etc/socmod/database-ca.pem dbname=socmod user=socmod_admin"; do
    refused 'certificate authentication failed|no encryption|requires a valid client certificate' psql_from "$how"
done
for door in db1.test:2379 svc1.test:2380 db2.test:8008; do
    refused 'certificate|alert|SSL|not connected|reset' curl -sS --max-time 20 --cacert "$PKI/cluster/ca.pem" --resolve db1.test:2379:127.0.1.1 \
        --resolve svc1.test:2380:127.0.1.3 --resolve db2.test:8008:127.0.1.2 "https://$door/"
done
step "refused: databases, etcd and Patroni without a certificate or without TLS; a certificate for another's role"

# --- it runs, and goes on running ------------------------------------------------------------------
run mosquitto chroot "$FOLDER/svc1" sh -c 'install -d -o mosquitto /run/mosquitto && exec mosquitto -c /etc/mosquitto/mosquitto.conf'
chroot "$FOLDER/svc1" socmod-admin token --name smoke --role auditor --days 30 >"$WORK/token" 2>"$WORK/token.log" || fail "token"
for one in ingest planner p3 audit; do
    unit svc1 "socmod-$one"
done
answers() {
    curl -sf --max-time 5 -o /dev/null -H "Authorization: Bearer $(cat "$WORK/token")" "http://127.0.0.1:$AUDIT/v1/transformers"
}
wait_for 30 "audit API" answers
wait_for 30 "p3 at the broker" grep -q 'as socmod-p3-svc1.test ' "$WORK/mosquitto.log"
wait_for 60 "still in step" in_step "$LEADER"
postmaster=$(head -n 1 "$FOLDER/$LEADER/var/lib/postgresql/15/patroni/postmaster.pid")
killed=$(date +%s%N)
stop "etcd-$LEADER" KILL
kill -9 "$postmaster"
stop "patroni-$LEADER" KILL
wait_for 120 "$OTHER leads" leads "$OTHER"
wait_for 60 "audit API again" answers
step "the leader, with its etcd, was killed; the API answered again after $((($(date +%s%N) - killed) / 1000000)) ms"
for one in planner p3; do
    wait_for 30 "socmod-$one on the other" grep -q 'event=database.back' "$WORK/socmod-$one.log"
done
# socmod-ingest asks the database when it has something for it; no grid is registered, so this is refused.
mosquitto_pub -V 5 -h localhost -p "$BROKER_PORT" --cafile "$PKI/ca.pem" --cert "$PKI/dali.pem" --key "$PKI/dali.key" \
    -q 1 -t dali/T1/F1/quarter -m '{"quarter":"2026-01-14T17:15:00Z","p_w":[1,2,3]}' || fail "a measurement"
told() {
    [ "$(chroot "$FOLDER/$OTHER" runuser -u postgres -- psql -qXAtc 'select count(*) from dali.refused' socmod)" = 1 ]
}
wait_for 60 "socmod-ingest on the other" told
job svc1 socmod-trail-verify
step "all four programs are back, and the trail is intact"
