# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Random days through replay: sourced after lib.sh by 311-replay-random and by the bench.

CASE_DAYS=5

# Replay the seeds FIRST to FIRST + CASES - 1, at most 200 at a time on the disk. Each must end well, with
# figures that are numbers, and leave no car without charge for a day; `bound` may, for it is told of a load
# that alone fills a phase for as long.
random_days() { # FIRST CASES
    local first=$1 last=$(($1 + $2 - 1)) from seed
    for ((from = first; from <= last; from += 200)); do
        rm -rf "$WORK/random"
        python3 "$TREE/tests/system/random_case.py" "$WORK/random" "$from" \
            $((last - from < 199 ? last - from + 1 : 200)) "$CASE_DAYS" || fail "no cases"
        for ((seed = from; seed <= last && seed < from + 200; seed++)); do
            "$BIN/socmod-planner" --replay "$WORK/random/$seed" >"$WORK/random/$seed/out" \
                2>"$WORK/random/$seed/err" || fail "seed $seed: $(tail -n 3 "$WORK/random/$seed/err")"
        done
        python3 - "$WORK/random" <<'EOP' || fail "see above; make the case with tests/system/random_case.py"
import json, math, pathlib, sys
bad = 0
for out in pathlib.Path(sys.argv[1]).glob("*/out"):
    results = [json.loads(line, parse_constant=lambda word: math.nan) for line in open(out)]
    faults = ["a policy is missing"] * (len(results) != 2)
    for r in results:
        faults += [f"{k} of {r['policy']} is {v}" for k, v in r.items() if isinstance(v, float) and not math.isfinite(v)]
        if r["policy"] != "bound" and r["longest_wait_h"] >= 24:
            faults.append(f"{r['policy']} left a car without charge for {r['longest_wait_h']} h")
    bad += bool(faults)
    for fault in faults:
        print(f"seed {out.parent.name}: {fault}", file=sys.stderr)
sys.exit(bad > 0)
EOP
    done
}
