#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What mandoc says of the manual pages given. It looks for pages that they refer to on this
# machine only, where ours need not be installed: one that is among those given is found.
#
#   tests/manuals.sh PAGE...
here=" $(basename -a "$@" | tr '\n' ' ')"
mandoc -T lint -W style "$@" | {
    bad=0
    while IFS= read -r line; do
        page=$(expr "$line" : '.*referenced manual not found: Xr \([^ ]* [0-9]\)' | tr ' ' .)
        case $here in
        *" ${page:-none} "*) ;;
        *) echo "$line" && bad=1 ;;
        esac
    done
    exit $bad
}
