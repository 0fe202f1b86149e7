// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/pole_state.h"
#include "base/log.h"
#include "tests/peer/keep.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// A session is named by its arrival, so that sessions added to the file do no harm.
static json_t *socket_to_json(const struct car_socket *socket)
{
    bool some = socket->next < socket->count;
    return json_pack("{s:I,s:I}", "arrival_ms",
                     (json_int_t)(some ? socket->sessions[socket->next].arrival_ms : INT64_MAX),
                     "taken_uj", (json_int_t)socket->taken_uj);
}

static bool socket_from_json(const json_t *from, const struct car_session *sessions, size_t count,
                             int64_t at_ms, struct car_socket *socket)
{
    int64_t arrival_ms = json_integer_value(json_object_get(from, "arrival_ms"));
    size_t next = 0;
    while (next < count && sessions[next].arrival_ms != arrival_ms)
        next++;
    if (next == count && arrival_ms != INT64_MAX)
        return false;
    *socket = (struct car_socket){
        .next = next,
        .at_ms = at_ms,
        .taken_uj = json_integer_value(json_object_get(from, "taken_uj")),
    };
    return true;
}

void pole_state_write(const char *path, const struct street *street, const struct pole *poles)
{
    if (!*path)
        return;
    json_t *root = json_object();
    for (size_t i = 0; i < street->charger_count; i++)
        json_object_set_new(root, street->chargers[i].id,
                            json_pack("{s:I,s:I,s:o,s:o}", "at_ms", (json_int_t)poles[i].car.at_ms,
                                      "limit_ma", (json_int_t)poles[i].limit_ma, "car",
                                      socket_to_json(&poles[i].car), "shadow",
                                      socket_to_json(&poles[i].shadow)));
    char *text = json_dumps(root, JSON_INDENT(1));
    if (text && keep_write(path, text, strlen(text), false))
        log_warn("state.not_kept", F("path", path));
    free(text);
    json_decref(root);
}

static bool take_pole(const json_t *from, const struct car_session *sessions, size_t count,
                      int64_t now_ms, struct pole *pole)
{
    int64_t at_ms = json_integer_value(json_object_get(from, "at_ms"));
    struct pole read = *pole;
    if (at_ms <= 0 || at_ms > now_ms
        || !socket_from_json(json_object_get(from, "car"), sessions, count, at_ms, &read.car)
        || !socket_from_json(json_object_get(from, "shadow"), sessions, count, at_ms, &read.shadow))
        return false;
    read.limit_ma = json_integer_value(json_object_get(from, "limit_ma"));
    *pole = read;
    return true;
}

void pole_state_read(const char *path, const struct street *street, const struct sessions *sessions,
                     int64_t now_ms, struct pole *poles)
{
    size_t len;
    char *text = *path ? keep_read(path, &len) : NULL;
    if (!text)
        return;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    for (size_t i = 0; i < street->charger_count; i++) {
        const char *id = street->chargers[i].id;
        size_t first = sessions->first[i];
        if (!take_pole(json_object_get(root, id), sessions->all + first,
                       sessions->first[i + 1] - first, now_ms, &poles[i]))
            log_warn("state.passed_over", F("path", path), F("charger", id));
    }
    json_decref(root);
    free(text);
}
