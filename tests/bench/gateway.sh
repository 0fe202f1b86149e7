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

# The same with everything on: an energy meter read by a client ten times a second, the page,
# the meter's data to the broker, what P1 receives to somebody.
read -r meter_port copy_port < <(echo "$(free_port) $(free_port)")
printf '[p1_copy]\naddress = 127.0.0.1\nport = %s\n[meter_server]\ntype = %s\nport = %s\n[http]\naddress = 127.0.0.1\nport = %s\n[metering]\nsite = bench\n' \
    "$copy_port" "$TREE/gateway/meters/eem-ma370.ini" "$meter_port" "$(free_port)" >>"$WORK/gateway.ini"
start_gateway
wait_for 5 "the meter" python3 "$TREE/tests/system/modbus.py" "$meter_port" hold 0x801E 2
run copy socat -u "TCP:127.0.0.1:$copy_port" "CREATE:$WORK/copy"
sleep 1
before=$(processor_ns)
python3 - "$meter_port" <<'READER'
import socket, struct, sys, time
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for number in range(100):
    link.sendall(struct.pack(">HHHBBHH", number, 0, 6, 1, 3, 0x8006, 50))
    link.recv(256)
    time.sleep(0.1)
READER
after=$(processor_ns)
awk -v ns=$((after - before)) 'BEGIN { printf "gateway_cpu_percent_all_on %.4f %%\n", ns / 1e10 * 100 }'
awk '/^[0-9a-f]+-[0-9a-f]+ / { library = $6 ~ /\.so/ }
     /^Rss:/ && !library { sum += $2 }
     END { printf "gateway_rss_all_on_kb %d kB\n", sum }' "/proc/${PID[gateway]}/smaps"
stop gateway
stop pole

settings "trust.repeats = 1"
rm -f "$WORK/tell"
run delay python3 "$TREE/tests/bench/gateway_delay.py" "$WORK" "$P1_PORT" "$CHARGER_PORT" 1000
start_gateway
wait "${PID[delay]}" || fail "$(cat "$WORK/delay.log")"
cat "$WORK/delay.log"
exit 0
