# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2153 # FOLDER is given
# Programs in the roots under $FOLDER, started as their units say. Source it after tests/system/lib.sh.

# what ROOT UNIT: lines "KEY=value" of a unit and what was laid beside it
what() {
    sed -nE "s/^$3=//p" "$FOLDER/$1/lib/systemd/system/$2.service" \
        "$FOLDER/$1/etc/systemd/system/$2.service.d/"*.conf
}

# credentials ROOT UNIT USER: where LoadCredential= puts them
credentials() {
    local folder=$FOLDER/$1/run/credentials/$2.service entry
    rm -rf "$folder"
    mkdir -p "$folder"
    for entry in $(what "$1" "$2" LoadCredential); do
        install -m 400 "$FOLDER/$1/${entry#*:}" "$folder/${entry%%:*}"
    done
    chroot "$FOLDER/$1" chown -R "$3" "/run/credentials/$2.service"
    chmod 500 "$folder"
}

# unit ROOT NAME: as its unit says, but without systemd's walls
unit() {
    local user state command
    user=$(what "$1" "$2" User) state=$(what "$1" "$2" StateDirectory)
    credentials "$1" "$2" "$user"
    [ -z "$state" ] || chroot "$FOLDER/$1" install -d -m 700 -o "$user" -g "$user" "/var/lib/$state"
    read -ra command <<<"$(what "$1" "$2" ExecStart)"
    run "$2" chroot "$FOLDER/$1" setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs \
        --bounding-set=-all --inh-caps=-all "${command[@]}"
}

# job ROOT NAME: one that its timer starts, to its end
job() {
    unit "$1" "$2"
    wait "${PID[$2]}" || fail "$2: $(cat "$WORK/$2.log")"
    unset "PID[$2]"
}
