#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run every test, and end with one line, "N passed, N failed".
#
#   BIN      folder of the programs (build/release)
#   ONLY     run only the tests whose path matches this pattern
#   JOBS     so many at once; each has ports and a folder of its own (2)
#
# Criterion runs each test in a process of its own and does not notice when a sanitizer
# ends one late, so each process writes its findings to a file and a file is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1
BIN=$(realpath "${BIN:-build/release}")
export BIN
only=${ONLY:-}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
trap 'wait; exit 130' INT
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 143' TERM HUP
asan=detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"

# Each test prints what it has to say and leaves "passed failed skipped" in $log/count.

unit() {
    local out status tested=0 good=0 bad=0
    out=$("$BIN/${1%.c}" 2>&1)
    status=$?
    read -r tested good bad <<<"$(grep -oE 'Tested: [0-9]+ \| Passing: [0-9]+ \| Failing: [0-9]+' \
        <<<"$out" | tail -n 1 | grep -oE '[0-9]+' | paste -sd ' ')"
    if [ "${tested:-0}" -eq 0 ]; then
        echo "FAIL $1: ran no test"
        good=0 bad=1
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "FAIL $1: status $status"
        bad=1
    fi
    echo "unit   $1: $good of ${tested:-0}"
    [ "$bad" -eq 0 ] || echo "$out"
    echo "$good $bad 0" >"$log/count"
}

system() {
    local out status start=$SECONDS took
    out=$(timeout "${TEST_TIMEOUT:-900}" "$1" 2>&1)
    status=$?
    took=$((SECONDS - start))
    case $status in
    0)
        echo "system $1: passed in $took s"
        echo 1 0 0 >"$log/count"
        ;;
    77)
        echo "system $1: skipped: $(tail -n 1 <<<"$out")"
        echo 0 0 1 >"$log/count"
        ;;
    *)
        echo "FAIL $1: status $status after $took s"
        tail -n 200 <<<"$out"
        echo 0 1 0 >"$log/count"
        ;;
    esac
}

# one KIND TEST [TRY]: in one piece, and each sanitizer's finding is one more failure
one() {
    local log=$logs/${2##*/}${3:+.$3} file
    mkdir "$log"
    export ASAN_OPTIONS="log_path=$log/asan:$asan"
    export UBSAN_OPTIONS="log_path=$log/ubsan:halt_on_error=1:print_stacktrace=1"
    "$1" "$2" >"$log/said"
    for file in "$log"/*san.*; do
        [ -e "$file" ] || continue
        echo "FAIL $2: sanitizer finding"
        cat "$file"
        echo 0 1 0 >>"$log/count"
    done >>"$log/said"
    cat "$log/said"
}

for test in tests/unit/test_*.c tests/system/[0-9]*; do
    [[ $test == *"$only"* ]] || continue
    [ "$(jobs -rp | wc -l)" -lt "${JOBS:-2}" ] || wait -n
    case $test in
    *.c) one unit "$test" & ;;
    *) one system "$test" & ;;
    esac
done
wait

# Two programs' tests side by side on a busy machine may starve each other: what failed so is run
# once more, alone. A finding of a sanitizer, a unit test or a second failure stays a failure.
again=0
for test in tests/system/[0-9]*; do
    log=$logs/${test##*/}
    [ "$(cat "$log/count" 2>/dev/null)" = "0 1 0" ] || continue
    echo "AGAIN $test, alone"
    one system "$test" again
    [ "$(cat "$log.again/count")" = "1 0 0" ] || { rm "$log.again/count"; continue; }
    rm "$log/count"
    again=$((again + 1))
    echo "UNSTEADY $test: failed beside others, for the reason above, and passed alone"
done

read -r passed failed skipped < <(cat "$logs"/*/count 2>/dev/null \
    | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
[ $again -eq 0 ] || echo "$again system tests passed only alone: UNSTEADY above"
[ "$skipped" -eq 0 ] || echo "$skipped system tests skipped: their reasons stand above"
if [ $((passed + failed)) -eq 0 ]; then
    echo "no test ran"
    failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
