// SPDX-License-Identifier: Apache-2.0

#include "base/buffer.h"
#include "base/rfc3339.h"
#include "services/audit/answer.h"
#include "services/audit/life_table.h"
#include "services/audit/routes.h"
#include "services/audit/row_json.h"

static void put_steps(struct buffer *out, const struct step_times *times)
{
    const char *comma = "";
    buffer_add_text(out, "\"steps\":[");
    for (enum step step = 0; step < STEP_COUNT; step++) {
        if (times->us[step] == STEP_NOT)
            continue;
        char at[RFC3339_MS_LEN + 1];
        rfc3339_format_of_ms(times->us[step] / 1000, at);
        buffer_add_format(out, "%s{\"step\":\"%s\",\"at\":\"%s\",\"seconds\":%.3f}", comma,
                          step_name(step), at, step_seconds(times, step));
        comma = ",";
    }
    buffer_add_char(out, ']');
}

// Of the main row, where there is one.
static void put_group(struct buffer *out, const struct life *life, enum life_group group)
{
    if (life_table_has(life, group))
        row_json_object(out, life->parts[LIFE_MAIN], 0,
                        group == LIFE_SHARE ? "/share" : "/delivery");
    else
        buffer_add_text(out, "null");
}

static void answer_life(struct http_request *request, const struct life *life)
{
    struct buffer out = {0};
    buffer_add_text(&out, "{\"profile\":");
    row_json_object(&out, life->parts[LIFE_MAIN], 0, NULL);
    buffer_add_text(&out, ",\"round\":");
    row_json_object(&out, life->parts[LIFE_MAIN], 0, "/round");
    buffer_add_text(&out, ",\"measured\":");
    row_json_array(&out, life->parts[LIFE_MEASURED]);
    buffer_add_text(&out, ",\"why\":{\"forecast\":");
    row_json_array(&out, life->parts[LIFE_FORECAST]);
    buffer_add_text(&out, ",\"share\":");
    put_group(&out, life, LIFE_SHARE);
    // A round writes its lines with itself: where there are none, they were there once.
    bool is_kept = PQntuples(life->parts[LIFE_FORECAST]) > 0;
    buffer_add_text(&out, is_kept ? "},\"not_kept\":[]" : "},\"not_kept\":[\"explanations\"]");
    buffer_add_text(&out, ",\"delivery\":");
    put_group(&out, life, LIFE_DELIVERY);
    buffer_add_text(&out, ",\"attempts\":");
    row_json_array(&out, life->parts[LIFE_ATTEMPTS]);
    buffer_add_text(&out, ",\"receipts\":");
    row_json_array(&out, life->parts[LIFE_RECEIPTS]);
    buffer_add_char(&out, ',');
    struct step_times times = life_table_times(life);
    put_steps(&out, &times);
    buffer_add_text(&out, ",\"end\":\"");
    buffer_add_text(&out, step_end(life_table_state(life)));
    buffer_add_text(&out, "\"}");
    answer_json(request, buffer_take(&out));
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
