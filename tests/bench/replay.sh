#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How well the planner controls, by replay: the bundled evening always; cases built from
# measured loads and sessions where they are.
#
#   DATA    folder of nl_feeders.csv.gz, simbench_h1.csv.gz, ev_nl_synth_dev.csv.gz; otherwise the
#           first data/loads in a folder beside the tree
#   SEEDS   of the fleets, "1,2"; 1 unless told
#   CASES   further folder of replay cases, one sub-folder each
#   EXCESS  values of [rules] excess, "0.25 0.35": with each, the cases built once more, how much of
#           the way from rule to bound is made then, and for how much unserved energy
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
[ -n "${DATA:-}" ] || for DATA in "$TREE"/../*/data/loads; do [ -d "$DATA" ] && break; done

results() { # NAME: the lines of one replay as name value unit
    python3 -c 'import json, sys
case = sys.argv[1]
results = {r["policy"]: r for r in map(json.loads, sys.stdin)}
show = (("overload_kwh_per_day", "kWh/d"), ("overload_quarters_5pct_per_day", "1/d"), ("unserved_pct", "%"),
        ("curtailed_pct", "%"), ("jain", ""), ("messages_per_charger_day", "1/d"))
for policy, result in results.items():
    for key, unit in show:
        print(f"replay_{case}_{policy}_{key} {result[key]:g} {unit}".rstrip())
rule, ours, bound = (results[p] for p in ("rule", "forecast", "bound"))
for key in ("overload_kwh_per_day", "overload_quarters_5pct_per_day"):
    if rule[key] > bound[key]:
        way = (rule[key] - ours[key]) / (rule[key] - bound[key])
        print(f"replay_{case}_way_from_rule_to_bound_{key} {way:.3f}")' "$1"
}

run_case() { # NAME DIR
    local began=${EPOCHREALTIME/./}
    "$BIN/socmod-planner" --replay "$2" >"$WORK/out" || fail "replay of $2"
    local took=$((${EPOCHREALTIME/./} - began))
    results "$1" <"$WORK/out" | tee -a "$WORK/all" || fail "results of $2"
    awk -v us=$took -v name="$1" 'BEGIN { printf "replay_%s_seconds %.2f s\n", name, us / 1e6 }'
}

again() { # EXCESS: the cases built, with it; the first replay of each is in $WORK/all
    printf '[rules]\nexcess = %s\n' "$1" >"$WORK/rules.ini"
    for dir in "$WORK"/cases/*/; do
        mkdir -p "$WORK/again"
        cp "$dir"/* "$WORK/again"
        echo "policies = forecast" >>"$WORK/again/case.ini"
        printf '%s ' "$(basename "$dir")"
        "$BIN/socmod-planner" --config "$WORK/rules.ini" --replay "$WORK/again" || fail "replay of $dir again"
    done >"$WORK/out"
    python3 -c 'import json, sys
excess, first = sys.argv[1:]
known = dict(line.split()[:2] for line in open(first))
def of(case, policy, key):
    return float(known[f"replay_{case}_{policy}_{key}"])
def way(case, ours, key):
    rule, bound = of(case, "rule", key), of(case, "bound", key)
    return (rule - ours[key]) / (rule - bound) if rule > bound else 1
rows = []
for line in sys.stdin:
    case, text = line.split(" ", 1)
    ours = json.loads(text)
    rows.append((way(case, ours, "overload_kwh_per_day"), way(case, ours, "overload_quarters_5pct_per_day"),
                 ours["unserved_pct"] - of(case, "rule", "unserved_pct")))
for name, values, unit in zip(("way_overload_kwh", "way_quarters_5pct", "unserved_above_rule"), zip(*rows),
                              ("", "", " %")):
    print(f"replay_mean_excess_{excess}_{name} {sum(values) / len(values):.3f}{unit}")' \
        "$1" "$WORK/all" <"$WORK/out" || fail "results with excess $1"
}

python3 "$TREE/tests/system/street_case.py" "$TREE/deploy/demo" "$WORK/street"
run_case bundled "$WORK/street"
if [ -d "$DATA" ]; then
    python3 "$TREE/tests/bench/make_cases.py" "$DATA" "$WORK/cases" --days 70 \
        --peak-share 0.999 --seeds "${SEEDS:-1}"
else
    echo "replay: no loads in $DATA, so only the bundled evening" >&2
fi
for dir in "$WORK"/cases/*/ "${CASES:-/nonexistent}"/*/; do
    [ -d "$dir" ] && run_case "$(basename "$dir")" "$dir"
done

if [ -d "$WORK/cases" ]; then
    for percent in ${EXCESS:-}; do again "$percent"; done
fi

# What the cases come to together, and what each disturbance costs against the same street without.
awk '
    match($1, /_way_from_rule_to_bound_/) {
        key = substr($1, RSTART + RLENGTH)
        sum[key] += $2; count[key]++
        if (!(key in least) || $2 < least[key]) least[key] = $2
    }
    match($1, /_forecast_overload_kwh_per_day$/) { over[substr($1, 8, RSTART - 8)] = $2 }
    END {
        for (key in sum) {
            printf "replay_mean_way_from_rule_to_bound_%s %.3f\n", key, sum[key] / count[key]
            printf "replay_least_way_from_rule_to_bound_%s %.3f\n", key, least[key]
        }
        for (name in over) {
            one = name
            if (sub(/^(gaps|late|loss|hour|blind)/, "one", one) && over[one] > 0)
                printf "replay_%s_overload_to_%s %.3f ratio\n", name, one, over[name] / over[one]
        }
    }' "$WORK/all" | sort
exit 0
