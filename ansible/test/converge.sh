#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From two empty Debian 12 roots to a running chain, and once more with nothing left to change.
#
# Needs root, debootstrap and Debian's packages from the network the first time. The roots are
# chroots in a network namespace of their own, without systemd: the playbooks lay everything out, and
# the programs are started here the way their units say.
#
#   FOLDER   where the roots are made (build/converge)      KEEP=1   leave them
#   BUILT=1  the packages in build/deb are good enough
set -euo pipefail
# shellcheck source=ansible/test/machines.sh
. "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
apart vps pole
METER=E0051000000000001
cd "$TREE/ansible"

step() {
    echo "- $*"
}
for tool in debootstrap ansible-playbook; do
    command -v "$tool" >/dev/null || fail "no $tool: apt-get install debootstrap ansible"
done

# --- two machines ----------------------------------------------------------------------------
if [ ! -e "$FOLDER/base/done" ]; then
    step "an empty Debian 12"
    delete_roots base
    debootstrap --variant=minbase --include=python3,python3-apt,ca-certificates bookworm "$FOLDER/base" >"$FOLDER/log" ||
        fail "debootstrap, see $FOLDER/log"
    touch "$FOLDER/base/done"
fi
machine vps
machine pole

# --- packages ----------------------------------------------------------------------------------
step "packages"
[ -n "${BUILT:-}" ] || "$TREE/deploy/deb.sh" >/dev/null
rm -rf "$FOLDER/peers"
dpkg -x "$TREE"/build/deb/socmod-peers_*_"$(dpkg --print-architecture)".deb "$FOLDER/peers"
dpkg -x "$TREE"/build/deb/socmod-central_*_"$(dpkg --print-architecture)".deb "$FOLDER/peers"

# --- authority, certificates, seal key ---------------------------------------------------------
step "an authority with certificates for all but the pole, which makes its own key"
PKI=$FOLDER/pki
ADMIN=$FOLDER/peers/usr/bin/socmod-admin
rm -rf "$PKI"
ADMIN=$ADMIN "$TREE/ansible/test/pki.sh" "$PKI" vps1.test:broker HE1 dali socmod-ingest socmod-p3 \
    "$METER:expired" "$METER:revoked" "$METER:stranger" >"$FOLDER/pki.log" 2>&1 ||
    fail "certificates, see $FOLDER/pki.log"
SEAL_KEY=$("$ADMIN" seal --make-key "$PKI/seal.pem")
TRAIL_KEY=$("$ADMIN" seal --make-key "$PKI/trail.pem")
"$ADMIN" keys new-master "$PKI/master.key" >/dev/null

# --- converge ----------------------------------------------------------------------------------
cat >"$FOLDER/inventory.yml" <<EOF
all:
  vars:
    ansible_connection: community.general.chroot
    ansible_become_method: ansible.builtin.su
    packages_folder: $TREE/build/deb
    pki_folder: $PKI
    pki_command: $ADMIN
    central_seal_key: $PKI/seal.pem
    central_master_key: $PKI/master.key
    central_trail_key: $PKI/trail.pem
    central_trail_public_key: $TRAIL_KEY
    gateway_seal_key: $SEAL_KEY
  children:
    central:
      hosts:
        vps1.test:
          ansible_host: $FOLDER/vps
          database_shared_buffers: 64MB
          broker_head_ends: [HE1]
          broker_dali_systems: [dali]
          firewall_gateways: [192.0.2.2/32]
          firewall_office: [192.0.2.2/32]
          firewall_admin: [198.51.100.0/24]
    gateways:
      hosts:
        pole1.test:
          ansible_host: $FOLDER/pole
          gateway_broker: mqtts://127.0.0.1:8883
          gateway_equipment_id: $METER
          gateway_p1_port: tcp://127.0.0.1:2001
          gateway_contract_w: 11040
          # As patient in its fast clock as on a busy machine; see deploy/demo/demo.sh.
          gateway_settings: {limit: {hold_s: 3000}, time: {rule: meter, bound_s: 600}, charger: {watch_s: 60}}
          gateway_charger_type: compleo-station
          gateway_charger_address: tcp://127.0.0.1:5021
EOF
play() {
    ANSIBLE_NOCOLOR=1 ansible-playbook -i "$FOLDER/inventory.yml" "$@" >"$FOLDER/play.log" 2>&1 ||
        { grep -A12 -E 'fatal|FAILED' "$FOLDER/play.log" >&2; fail "ansible-playbook $*, see $FOLDER/play.log"; }
    grep -E '^(vps1|pole1).*ok=' "$FOLDER/play.log"
}
step "ansible-playbook site.yml"
play site.yml
step "ansible-playbook site.yml, again"
play site.yml
! grep -E 'changed=[1-9]' "$FOLDER/play.log" || fail "the second run changed something, see $FOLDER/play.log"

# --- and it runs -------------------------------------------------------------------------------
step "the programs, from the outside"
# Every second meter is spoken to directly, over DLMS.
jq '.meters |= (to_entries | map(if .key % 2 == 0 then .value else .value + {route: "dlms", cell: "C1",
        type: (if .value.dsmr == "4" then "dsmr42" else "smr5" end),
        address: "127.0.0.1:\(4059 + .key)"} | del(.head_end) end))' "$TREE/deploy/demo/street.json" >"$FOLDER/street.json"
FOLDER=$FOLDER unshare --net "$TREE/ansible/test/smoke.sh" || fail "the chain"

# --- forward and back ----------------------------------------------------------------------------
step "upgrade.yml and rollback.yml"
FOLDER=$FOLDER "$TREE/ansible/test/upgrade.sh" || fail "the upgrade"
