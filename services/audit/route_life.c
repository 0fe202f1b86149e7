// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/answer.h"
#include "services/audit/life_table.h"
#include "services/audit/routes.h"
#include "services/audit/row_json.h"

#include <stdio.h>

static void put_steps(FILE *out, const struct step_times *times)
{
    const char *comma = "";
    fputs("\"steps\":[", out);
    for (enum step step = 0; step < STEP_COUNT; step++) {
        if (times->us[step] == STEP_NOT)
            continue;
        char at[RFC3339_MS_LEN + 1];
        rfc3339_format_ms(times->us[step] * 1000, at);
        fprintf(out, "%s{\"step\":\"%s\",\"at\":\"%s\",\"seconds\":%.3f}", comma, step_name(step),
                at, step_seconds(times, step));
        comma = ",";
    }
    fputc(']', out);
}

// Of the main row, where there is one.
static void put_group(FILE *out, const struct life *life, const char *group)
{
    if (life_table_has(life, group))
        row_json_object(out, life->parts[LIFE_MAIN], 0, group);
    else
        fputs("null", out);
}

static void answer_life(struct http_request *request, const struct life *life)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs("{\"profile\":", out);
    row_json_object(out, life->parts[LIFE_MAIN], 0, NULL);
    fputs(",\"round\":", out);
    put_group(out, life, "/round");
    fputs(",\"measured\":", out);
    row_json_array(out, life->parts[LIFE_MEASURED]);
    fputs(",\"why\":{\"forecast\":", out);
    row_json_array(out, life->parts[LIFE_FORECAST]);
    fputs(",\"share\":", out);
    put_group(out, life, "/share");
    // A round writes its lines with itself: where there are none, they were there once.
    bool is_kept = PQntuples(life->parts[LIFE_FORECAST]) > 0;
    fprintf(out, "},\"not_kept\":[%s],\"delivery\":", is_kept ? "" : "\"explanations\"");
    put_group(out, life, "/delivery");
    fputs(",\"attempts\":", out);
    row_json_array(out, life->parts[LIFE_ATTEMPTS]);
    fputs(",\"receipts\":", out);
    row_json_array(out, life->parts[LIFE_RECEIPTS]);
    fputc(',', out);
    struct step_times times = life_table_times(life);
    put_steps(out, &times);
    fprintf(out, ",\"end\":\"%s\"}", step_end(life_table_state(life)));
    fclose(out);
    answer_json(request, text);
}

void route_life(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (!answer_takes_id(request, PARAMETER_UUID, "profile", id))
        return;
    struct db *db = answer_db(request);
    struct life life;
    if (life_table_read(db, id, &life)) {
        answer_trouble(request, db);
        return;
    }
    if (PQntuples(life.parts[LIFE_MAIN]))
        answer_life(request, &life);
    else
        answer_missing(request, "profile");
    life_table_clear(&life);
}
