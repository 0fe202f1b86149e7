#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Includes go one way: base <- wire <- io <- services/*, gateway. A service knows the
# common layers and itself, never another service.
cd "$(dirname "$0")/.." || exit 1
bad=0

# refuse FOLDER PATTERN: no file in FOLDER may include what matches PATTERN
refuse() {
    if grep -rnE "^#include \"($2)" "$1" --include='*.[ch]'; then
        echo "layers: $1 must not include the above" >&2
        bad=1
    fi
}
refuse common/base 'wire/|io/|services/|gateway/|tests/'
refuse common/wire 'io/|services/|gateway/|tests/'
refuse common/io 'services/|gateway/|tests/'
for service in services/*/ gateway/; do
    service=${service%/}
    if grep -rnE '^#include "(services|gateway|tests)/' "$service" --include='*.[ch]' \
        | grep -v "#include \"$service/"; then
        echo "layers: $service must not include the above" >&2
        bad=1
    fi
done

# A file name says where to look, so it stands only once in the tree.
twice=$(find common services gateway -name '*.c' ! -name main.c -printf '%f\n' | sort | uniq -d)
if [ -n "$twice" ]; then
    echo "layers: not unique: $twice" >&2
    bad=1
fi
exit $bad
