#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Messages a second to a broker of our own, QoS 1.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
start_broker
"$BIN/tests/bench/bench_mqtt" "$BROKER"
