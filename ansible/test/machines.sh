# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Roots of machines under $FOLDER (build/converge), for the tests that make some. Source it before all else.
#
#   apart ROOT...      from here on the script runs in namespaces of its own: what it mounts is mounted
#                      for it alone, and mounts and processes end with it, however it ends. Then the
#                      roots are deleted, unless KEEP is set.
#   machine ROOT       a root like $FOLDER/base
#   delete_roots ROOT...
#   fail TEXT
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FOLDER=$(realpath -m "${FOLDER:-$TREE/build/converge}")
export FOLDER

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

delete_roots() {
    local root
    for root; do
        ! findmnt -nlo TARGET | grep -F "$FOLDER/$root/" >&2 || fail "this is mounted, so nothing is deleted: umount -R"
        rm -rf --one-file-system "${FOLDER:?}/$root" || fail "$FOLDER/$root cannot be deleted"
    done
}

# Everybody in the namespaces of $1, the child of $1 being the first of them: asked, and after half a
# minute by force. When the first has ended the kernel has ended all others.
end_apart() {
    local first tries
    trap '' INT TERM HUP # once more does not hurry it
    first=$(pgrep -P "$1") || { kill -KILL "$1" 2>/dev/null || true; return 0; } # it has not begun
    kill -TERM "$first" 2>/dev/null || true # heard as soon as what it waits for has ended:
    nsenter -t "$first" -p bash -c 'kill -TERM -1' || true
    for ((tries = 300; tries; tries--)); do
        kill -0 "$first" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "not ended within half a minute, so killed" >&2
    kill -KILL "$first" 2>/dev/null || true
}

apart() {
    local status=0 outer
    if [ -n "${APART:-}" ]; then
        unset APART
        trap 'exit 143' TERM # the first of a namespace does not hear what it has no trap for
        return 0
    fi
    [ "$(id -u)" -eq 0 ] || fail "this needs root: it makes roots of machines"
    mkdir -p "$FOLDER"
    delete_roots "$@"
    # Whoever is killed takes along what he started.
    APART=yes setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc "$0" &
    outer=$!
    trap 'end_apart $outer' INT TERM HUP
    while kill -0 $outer 2>/dev/null; do
        status=0
        wait $outer || status=$?
    done
    [ -n "${KEEP:-}" ] || delete_roots "$@"
    exit $status
}

machine() {
    local root=$FOLDER/$1
    [ -e "$FOLDER/base/done" ] || fail "no base in $FOLDER: converge.sh makes it"
    cp -a "$FOLDER/base" "$root"
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    mount --bind /dev/pts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm" # for the semaphores of Patroni, when it promotes
    # Nothing starts because it was installed.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}
