// SPDX-License-Identifier: Apache-2.0

#include "services/planner/hand_table.h"
#include "base/log.h"
#include "services/planner/sql_list.h"

#define IN_FORCE                                                                                   \
    "select coalesce(h.transformer, f.transformer), h.feeder, h.connection, h.per = 'phase',"      \
    " h.limit_w, extract(epoch from h.ends)::bigint, h.number from grid.manual_limit h"            \
    " left join grid.connection c on c.number = h.connection"                                      \
    " left join grid.feeder f on f.number = coalesce(h.feeder, c.feeder)"                          \
    " where h.ends > to_timestamp($2) and h.released is null"                                      \
    " and coalesce(h.transformer, f.transformer) = any($1::int[]) order by 1, h.number"

static void lower(struct facts_hand hand, int32_t by_hand_w, bool *limited,
                  int32_t limit_w[static PHASES], struct facts_hand *lowered_by)
{
    for (int phase = 0; phase < PHASES; phase++)
        if (!*limited || limit_w[phase] > by_hand_w) {
            limit_w[phase] = by_hand_w;
            *lowered_by = hand;
        }
    *limited = true;
}

static void cap(struct facts_hand hand, int64_t limit_w, struct facts_connection *connection)
{
    if (connection->cap_count == FACTS_CAPS) {
        log_error("limit.one_too_many", F("connection", connection->number),
                  F("number", hand.number));
        return;
    }
    connection->caps[connection->cap_count++] =
        (struct facts_cap){hand, (int32_t)(limit_w < INT32_MAX ? limit_w : INT32_MAX)};
}

static void take(const PGresult *rows, int row, struct facts *facts)
{
    int feeder = sql_integer(rows, row, 1), connection = sql_integer(rows, row, 2); // 0: none
    bool per_phase = sql_is_true(rows, row, 3);
    int32_t limit_w = sql_integer(rows, row, 4);
    const struct facts_hand hand = {sql_integer(rows, row, 6), sql_time(rows, row, 5)};
    if (per_phase && !feeder && !connection)
        lower(hand, limit_w, &facts->limited, facts->limit_w, &facts->hand);
    for (int f = 0; per_phase && f < facts->feeder_count; f++)
        if (facts->feeders[f].number == feeder)
            lower(hand, limit_w, &facts->feeders[f].limited, facts->feeders[f].limit_w,
                  &facts->feeders[f].hand);
    for (int c = 0; c < facts->connection_count; c++) {
        struct facts_connection *one = &facts->connections[c];
        if (one->number == connection)
            cap(hand, per_phase ? (int64_t)limit_w * one->phase_count : limit_w, one);
        else if (!per_phase && !connection
                 && (!feeder || facts->feeders[one->feeder].number == feeder))
            cap(hand, limit_w, one);
    }
}

enum err hand_table_read(struct db *db, int64_t now, struct plan_batch *batch)
{
    struct sql_list numbers;
    struct sql_number at = {0};
    sql_list_open(&numbers);
    for (int i = 0; i < batch->count; i++)
        sql_list_add_number(&numbers, batch->jobs[i].transformer);
    const char *params[] = {sql_list_text(&numbers), sql_number(&at, now)};
    PGresult *rows = db_query(db, IN_FORCE, 2, params);
    sql_list_close(&numbers);
    if (!rows)
        return ERR_IO;
    for (int row = 0, job = 0; row < PQntuples(rows); row++) {
        int transformer = sql_integer(rows, row, 0);
        while (job < batch->count && batch->jobs[job].transformer < transformer)
            job++;
        if (job == batch->count || batch->jobs[job].transformer != transformer)
            continue;
        take(rows, row, &batch->jobs[job].facts);
        batch->jobs[job].hands = batch->jobs[job].hands * 31 + sql_integer(rows, row, 6);
    }
    PQclear(rows);
    return ERR_NONE;
}
