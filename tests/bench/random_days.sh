#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random days through replay: none may end in an assertion, a NaN or a stuck charger.
#
#   DAYS    how many, 1000 unless told
#   SEED    the first; the days of a seed are always the same
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/system/random_days.sh
. "$(dirname "$0")/../system/random_days.sh"

cases=$(((${DAYS:-1000} + CASE_DAYS - 1) / CASE_DAYS))
began=${EPOCHREALTIME/./}
random_days "${SEED:-1000}" $cases
took=$((${EPOCHREALTIME/./} - began))
echo "replay_random_days $((cases * CASE_DAYS)) days"
awk -v us=$took -v days=$((cases * CASE_DAYS)) 'BEGIN { printf "replay_random_days_seconds %.1f s\n", us / 1e6 }'
exit 0
