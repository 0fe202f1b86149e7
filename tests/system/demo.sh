# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of the demo: around the peak of the bundled evening, in less than a minute.
#
#   demo VAR=VALUE...       start it in the background; its output in $WORK/demo.log
#   its_end                 wait until it ends, or stays up (KEEP=1)
#   is_good                 its own verdict is good, else the test fails
#   $THEIRS                 its folder, known when it says that its programs start
#   is_gone                 no process and no folder of it is left

demo() {
    # A signal that the shell ignores for what runs in the background must reach the demo.
    run demo env --default-signal=INT FROM=2026-01-14T15:15:00Z HOURS=4 BIN="$BIN" "$@" \
        setsid "$TREE/deploy/demo/demo.sh"
    wait_for 60 "start of the demo" grep -q '; logs in ' "$WORK/demo.log"
    THEIRS=$(sed -n 's/.*; logs in //p' "$WORK/demo.log" | tail -n 1)
}

has_ended() {
    grep -q '^Left up' "$WORK/demo.log" || ! kill -0 "${PID[demo]}"
}

its_end() {
    wait_for 240 "end of the demo" has_ended
}

is_good() {
    if ! grep -qx 'the chain did its job' "$WORK/demo.log"; then
        cat "$WORK/demo.log"
        fail "the demo"
    fi
}

is_gone() {
    local left
    left=$(pgrep -a -f "$THEIRS")
    [ -z "$left" ] || fail "processes are left: $left"
    [ ! -e "$THEIRS" ] || fail "$THEIRS is left"
}
