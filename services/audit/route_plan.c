// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/answer.h"
#include "services/audit/audit_table.h"
#include "services/audit/routes.h"
#include "wire/long_message.h"

#include <stdio.h>
#include <string.h>

enum { STATE_DAYS = 31, PROFILES_FROM = 3 }; // the latter among the filters

void route_rounds(struct http_request *request)
{
    answer_list(request, &list_rounds, NULL);
}

void route_round(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (!answer_takes_id(request, PARAMETER_UUID, "round", id))
        return;
    struct db *db = answer_db(request);
    answer_row(request, audit_table_round(db, id), db, "round");
}

void route_shares(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (!answer_takes_id(request, PARAMETER_UUID, "round", id))
        return;
    struct db *db = answer_db(request);
    PGresult *found = audit_table_find(db, "round", id);
    if (!found)
        answer_trouble(request, db);
    else if (!PQntuples(found))
        answer_missing(request, "round");
    else
        answer_list(request, &list_shares, (const char *[LIST_FILTERS]){id});
    PQclear(found);
}

// Of profiles or deliveries. No index leads from a state or a cause alone to its profiles, so the
// search for one has an end.
static void answer_bounded(struct http_request *request, const struct list *list)
{
    bool bounded = (!http_query(request, "state") && !http_query(request, "cause"))
                   || http_query(request, "from") || http_query(request, "meter")
                   || http_query(request, "connection");
    char from[DB_TIME_LEN + 1];
    db_time((struct utc){clock_utc().ns - STATE_DAYS * 86400 * SECONDS_NS}, from);
    const char *preset[LIST_FILTERS] = {[PROFILES_FROM] = bounded ? NULL : from};
    answer_list(request, list, preset);
}

void route_profiles(struct http_request *request)
{
    answer_bounded(request, &list_profiles);
}

void route_deliveries(struct http_request *request)
{
    answer_bounded(request, &list_deliveries);
}

static void put_periods(FILE *out, const char *text)
{
    struct long_message message;
    long_message_read(text, strlen(text), LONG_MESSAGE_W, &message);
    fputs("\"periods\":[", out);
    for (int i = 0; message.kind == LONG_MESSAGE_PROFILE && i < message.profile.count; i++) {
        struct profile_limits limits = profile_limits_of(&message.profile, i);
        char start[RFC3339_LEN + 1];
        rfc3339_format(message.profile.periods[i].start, start);
        fprintf(out, "%s{\"start\":\"%s\",\"max_power_w\":", i ? "," : "", start);
        if (profile_has(&limits, PROFILE_MAX_POWER))
            fprintf(out, "%d}", (int)limits.max_power_w);
        else
            fputs("null}", out);
    }
    fputc(']', out);
}

static void answer_profile(struct http_request *request, const PGresult *result)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    const char *profile = PQgetvalue(result, 0, 0);
    // Into the object, before its closing brace.
    fprintf(out, "%.*s,", (int)strlen(profile) - 1, profile);
    put_periods(out, PQgetvalue(result, 0, 1));
    fputc('}', out);
    fclose(out);
    answer_json(request, text);
}

void route_profile(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (!answer_takes_id(request, PARAMETER_UUID, "profile", id))
        return;
    struct db *db = answer_db(request);
    PGresult *result = audit_table_profile(db, id);
    if (!result)
        answer_trouble(request, db);
    else if (!PQntuples(result))
        answer_missing(request, "profile");
    else
        answer_profile(request, result);
    PQclear(result);
}
