#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The gateway beside one meter and one charger: memory beyond shared libraries, processor time
# at one telegram a second, and the delay from telegram to register.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/system/gateway.sh
. "$TREE/tests/system/gateway.sh"

start_broker
start_pole
settings "mqtt.broker = $BROKER" "charger.watch_s = 5" "limit.hold_s = 120"
tell text "$(period -60 3000 -60 6000)"
tell period 1
start_gateway
wait_write 60
sleep 1

processor_ns() {
    cat "/proc/${PID[gateway]}"/task/*/schedstat | awk '{ sum += $1 } END { print sum }'
}
before=$(processor_ns)
sleep 10
after=$(processor_ns)
awk -v ns=$((after - before)) 'BEGIN { printf "gateway_cpu_percent_at_1hz %.4f %%\n", ns / 1e10 * 100 }'

# Resident pages of all but the shared libraries and the loader.
awk '/^[0-9a-f]+-[0-9a-f]+ / { library = $6 ~ /\.so/ }
     /^Rss:/ && !library { sum += $2 }
     END { printf "gateway_rss_kb %d kB\n", sum }' "/proc/${PID[gateway]}/smaps"
stop gateway
stop pole

settings "trust.repeats = 1"
rm -f "$WORK/tell"
run delay python3 "$TREE/tests/bench/gateway_delay.py" "$WORK" "$P1_PORT" "$CHARGER_PORT" 1000
start_gateway
wait "${PID[delay]}" || fail "$(cat "$WORK/delay.log")"
cat "$WORK/delay.log"
exit 0
