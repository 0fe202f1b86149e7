#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run every test and end with one line, "N passed, N failed".
#
#   BIN      folder of the programs (build/release)
#   ONLY     run only the tests whose path matches this pattern
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
export ASAN_OPTIONS="log_path=$logs/asan:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="log_path=$logs/ubsan:halt_on_error=1:print_stacktrace=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
passed=0 failed=0 skipped=0

findings() { # NAME: report and count what the sanitizers wrote since last time
    local file
    for file in "$logs"/*san.*; do
        [ -e "$file" ] || continue
        echo "FAIL $1: sanitizer finding"
        cat "$file"
        rm -f "$file"
        failed=$((failed + 1))
    done
}

for source in tests/unit/test_*.c; do
    test=$BIN/${source%.c}
    [[ $source == *"$only"* ]] || continue
    out=$("$test" 2>&1)
    status=$?
    line=$(grep -oE 'Tested: [0-9]+ \| Passing: [0-9]+ \| Failing: [0-9]+' <<<"$out" | tail -n 1)
    read -r tested good bad <<<"$(grep -oE '[0-9]+' <<<"$line" | tr '\n' ' ')"
    if [ -z "${tested:-}" ] || [ "$tested" -eq 0 ]; then
        echo "FAIL $source: ran no test"
        echo "$out"
        failed=$((failed + 1))
        continue
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    if [ "$status" -ne 0 ]; then
        echo "$out"
        [ "$bad" -gt 0 ] || failed=$((failed + 1))
    fi
    echo "unit   $source: $good of $tested"
    findings "$source"
done

for test in tests/system/[0-9]*; do
    [[ $test == *"$only"* ]] || continue
    start=$(date +%s)
    out=$(timeout "${TEST_TIMEOUT:-900}" "$test" 2>&1)
    status=$?
    took=$(($(date +%s) - start))
    case $status in
    0)
        echo "system $test: passed in $took s"
        passed=$((passed + 1))
        ;;
    77)
        echo "system $test: skipped: $(tail -n 1 <<<"$out")"
        skipped=$((skipped + 1))
        ;;
    *)
        echo "FAIL $test: status $status after $took s"
        tail -n 200 <<<"$out"
        failed=$((failed + 1))
        ;;
    esac
    findings "$test"
done

[ "$skipped" -eq 0 ] || echo "$skipped system tests skipped: their reasons stand above"
if [ $((passed + failed)) -eq 0 ]; then
    echo "no test ran"
    failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
