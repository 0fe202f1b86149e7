# SPDX-License-Identifier: Apache-2.0
# bash completion for all programs: what --help tells is what there is.
_socmod() {
    local current=${COMP_WORDS[COMP_CWORD]} former=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]+')" -- "$current")
    elif [[ $COMP_CWORD -eq 1 && $former == *socmod-admin ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null |
            sed -nE 's/^usage: [^ ]+ \[OPTION\.\.\.\] (.*)/\1/p' | grep -oE '[a-z][a-z-]+')" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -o filenames -F _socmod socmod-admin socmod-audit socmod-gateway socmod-ingest socmod-p3 \
    socmod-planner peer-charger peer-dali peer-meter
