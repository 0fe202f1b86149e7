// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/head_end.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char message_object[] = "0-0:96.13.0.255";

static const char *take(json_t *root, struct head_end_request *request)
{
    const char *id, *equipment_id, *object, *text, *not_after;
    size_t len;
    const char *id_alone = json_string_value(json_object_get(root, "id"));
    if (!id_alone || strlen(id_alone) > HEAD_END_ID_LEN)
        return "malformed";
    memcpy(request->id, id_alone, strlen(id_alone) + 1);
    int missing =
        json_unpack(root, "{s:s,s:s,s:s,s:s%,s:s}", "id", &id, "equipment_id", &equipment_id,
                    "object", &object, "text", &text, &len, "not_after", &not_after);
    if (missing || strlen(equipment_id) > HEAD_END_ID_LEN
        || rfc3339_parse(not_after, strlen(not_after), &request->not_after))
        return "malformed";
    memcpy(request->equipment_id, equipment_id, strlen(equipment_id) + 1);
    if (strcmp(object, message_object))
        return "object-undefined";
    if (len > HEAD_END_TEXT_MAX)
        return "too-long";
    if (strpbrk(text, "\r\n"))
        return "line-break";
    memcpy(request->text, text, len + 1);
    request->len = len;
    return NULL;
}

const char *head_end_read(const char *payload, size_t len, struct head_end_request *request)
{
    *request = (struct head_end_request){0};
    json_t *root = json_loadb(payload, len, JSON_REJECT_DUPLICATES, NULL);
    const char *why = take(root, request);
    json_decref(root);
    return why;
}

char *head_end_answer(const char *id, const char *status, const char *cause, const char *digest)
{
    json_t *root = json_pack("{s:s,s:s}", "id", id, "status", status);
    if (cause)
        json_object_set_new(root, "cause", json_string(cause));
    if (digest)
        json_object_set_new(root, "digest", json_string(digest));
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text ? text : memory_text("");
}
