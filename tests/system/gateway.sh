# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of the gateway: a pole (pole.py) with the gateway in it. Source it after lib.sh.
#
#   start_pole             on $P1_PORT and $CHARGER_PORT (free ones unless set: devices)
#   tell COMMAND...        to the pole, and wait until it is done
#   settings [LINE...]     write $WORK/gateway.ini; each LINE is "section.name = value"
#   start_gateway          its log is $WORK/gateway.log
#   period FROM TO [START WATTS]...   a message; times in seconds from now
#   last_write             value that stands in the limit register, as written last
#   wait_write VALUE, wait_log PATTERN

pole_told=0
EQUIPMENT=E0051000000000001

start_pole() {
    : "${P1_PORT:=$(free_port)}" "${CHARGER_PORT:=$(free_port)}"
    run pole python3 "$TREE/tests/system/pole.py" "$WORK" "$P1_PORT" "$CHARGER_PORT"
    wait_for 5 "pole" test -p "$WORK/tell"
    pole_told=0
}

is_told() {
    [ "$(cat "$WORK/told" 2>/dev/null)" = "$pole_told" ]
}

tell() {
    echo "$*" >"$WORK/tell"
    pole_told=$((pole_told + 1))
    wait_for 5 "pole does: $*" is_told
}

settings() {
    local line section
    # Later lines of a section would be refused as given twice, so what is given replaces.
    declare -A value=(
        [meter.equipment_id]=$EQUIPMENT
        [p1.port]=tcp://127.0.0.1:$P1_PORT
        [time.rule]=meter
        [limit.contract_w]=11040 [limit.hold_s]=2 [limit.confirm_s]=2
        [charger.type]=$TREE/gateway/drivers/compleo-station.ini
        [charger.address]=tcp://127.0.0.1:$CHARGER_PORT
        [charger.timeout_ms]=300 [charger.watch_s]=1
        [state.file]=$WORK/state
    )
    for line in "$@"; do
        value[${line%% = *}]=${line#* = }
    done
    for section in meter p1 tic trust seal time limit charger state mqtt; do
        echo "[$section]"
        for line in "${!value[@]}"; do
            [ "${line%%.*}" != "$section" ] || echo "${line#*.} = ${value[$line]}"
        done
    done >"$WORK/gateway.ini"
}

start_gateway() {
    run gateway "$BIN/socmod-gateway" --config "$WORK/gateway.ini"
}

stamp() {
    date -u -d "@$(($(date +%s) + 3600 + $1))" +%y%m%d%H%M%SW
}

period() {
    local from to list=""
    from=$(stamp "$1") to=$(stamp "$2")
    shift 2
    while [ $# -gt 0 ]; do
        list+=${list:+,}"{\"Start\":\"$(stamp "$1")\",\"MxPwr\":$2}"
        shift 2
    done
    echo "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"$from\",\"ValidTo\":\"$to\"},\"Body\":{\"Period\":[$list]}}"
}

last_write() {
    tail -n 1 "$WORK/writes" | cut -d ' ' -f 3
}

wrote() {
    [ "$(last_write)" = "$1" ]
}

wait_write() {
    wait_for "${2:-5}" "register $1" wrote "$1"
}

wait_log() {
    wait_for "${2:-5}" "log: $1" grep -qE "$1" "$WORK/gateway.log"
}
