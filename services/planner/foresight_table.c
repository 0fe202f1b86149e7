// SPDX-License-Identifier: Apache-2.0

#include "services/planner/foresight_table.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/planner/foresight_pack.h"
#include "services/planner/sql_list.h"
#include "wire/hex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEEP_EVERY = 32, // quarter hours: how much a planner that starts reads again
    AT_ONCE = 8,     // transformers recovered before the planner looks up again
};

#define KEPT                                                                                       \
    "select t.number, p.feeder, s.state from unnest($1::int[]) t (number) cross join lateral ("    \
    " select number from grid.feeder where transformer = t.number union all select 0) p (feeder)"  \
    " left join plan.series s on s.transformer = t.number and s.feeder = p.feeder"                 \
    " order by t.number, p.feeder"

// What was measured of feeders; and what their chargers reported of the same quarter hours, and
// how many did. Put together here: a join of the two is planned for little history, and then looks
// the loads up again for each quarter hour.
#define MEASURED                                                                                   \
    "select extract(epoch from quarter)::bigint, feeder, p_l1_w, p_l2_w, p_l3_w from dali.quarter" \
    " where feeder = any($1::int[]) and quarter >= to_timestamp($2)"                               \
    " and quarter < to_timestamp($3) and quality = 'good' order by quarter, feeder"

#define DRAWN                                                                                      \
    "select extract(epoch from l.quarter)::bigint, c.feeder,"                                      \
    " sum((array[l.p_l1_w, l.p_l2_w, l.p_l3_w])[position('1' in c.phases)]),"                      \
    " sum((array[l.p_l1_w, l.p_l2_w, l.p_l3_w])[position('2' in c.phases)]),"                      \
    " sum((array[l.p_l1_w, l.p_l2_w, l.p_l3_w])[position('3' in c.phases)]), count(*)"             \
    " from grid.connection c join grid.meter m on m.connection = c.number"                         \
    " join field.load l on l.meter = m.number where c.feeder = any($1::int[])"                     \
    " and exists (select from grid.charger g where g.connection = c.number)"                       \
    " and l.quarter >= to_timestamp($2) and l.quarter < to_timestamp($3)"                          \
    " group by l.quarter, c.feeder order by l.quarter, c.feeder"

#define KEEP                                                                                       \
    "insert into plan.series (transformer, feeder, quarter, state)"                                \
    " select transformer, feeder, quarter, decode(hex, 'hex') from unnest($1::int[], $2::int[],"   \
    " $3::timestamptz[], $4::text[]) s (transformer, feeder, quarter, hex)"                        \
    " on conflict (transformer, feeder) do update set quarter = excluded.quarter,"                 \
    " state = excluded.state where plan.series.quarter <= excluded.quarter"

// What was kept of a place; false where that is nothing, or cannot be used.
static bool take_kept(const char *text, int transformer, struct foresight_place *place)
{
    size_t len = (strlen(text) - 2) / 2; // after "\x"
    uint8_t *octets = memory_new(len + 1, 1);
    enum err err = hex_decode(text + 2, 2 * len, octets);
    if (!err)
        err = foresight_unpack(octets, len, place);
    if (err)
        log_warn("plan.series_unreadable", F("transformer", transformer),
                 F("feeder", place->number), F("why", err_name(err)));
    free(octets);
    return !err;
}

// A transformer that is recovered.
struct recovery {
    struct foresight *foresight;
    bool is_whole;        // all its places were kept
    int64_t from;         // the first quarter hour that some place has not taken in
    double sum_w[PHASES]; // of its feeders that were measured in the quarter hour at hand ...
    int count;            // ... so many
};

// Those that are recovered at once, by number, and their feeders, by number.
struct recoveries {
    struct recovery items[AT_ONCE];
    int count;
    struct owned {
        int feeder;
        struct recovery *recovery;
    } * feeders;
    int feeder_count;
};

static int by_feeder(const void *a, const void *b)
{
    int left = ((const struct owned *)a)->feeder, right = ((const struct owned *)b)->feeder;
    return (left > right) - (left < right);
}

static void own(struct recoveries *all, int feeder, struct recovery *recovery)
{
    size_t count = (size_t)all->feeder_count + 1;
    all->feeders = memory_grow(all->feeders, count, sizeof *all->feeders);
    all->feeders[all->feeder_count++] = (struct owned){feeder, recovery};
}

static struct recovery *owner(const struct recoveries *all, int feeder)
{
    if (!all->feeder_count)
        return NULL;
    const struct owned key = {.feeder = feeder};
    const struct owned *found =
        bsearch(&key, all->feeders, (size_t)all->feeder_count, sizeof key, by_feeder);
    return found ? found->recovery : NULL;
}

static void take_place(const PGresult *rows, int row, const struct round_rules *rules,
                       struct recovery *recovery)
{
    struct foresight *foresight = recovery->foresight;
    struct foresight_place *place = foresight_place(foresight, sql_integer(rows, row, 1), rules);
    if (PQgetisnull(rows, row, 2)
        || !take_kept(PQgetvalue(rows, row, 2), foresight->transformer, place))
        recovery->is_whole = false;
}

static enum err read_kept(struct db *db, const struct round_rules *rules, struct recoveries *all)
{
    struct sql_list numbers;
    sql_list_open(&numbers);
    for (int i = 0; i < all->count; i++)
        sql_list_add_number(&numbers, all->items[i].foresight->transformer);
    PGresult *rows = db_query(db, KEPT, 1, (const char *[]){sql_list_text(&numbers)});
    sql_list_close(&numbers);
    if (!rows)
        return ERR_IO;
    for (int row = 0, at = 0; row < PQntuples(rows); row++) {
        while (at < all->count && all->items[at].foresight->transformer < sql_integer(rows, row, 0))
            at++;
        if (at == all->count)
            break;
        take_place(rows, row, rules, &all->items[at]);
        if (sql_integer(rows, row, 1))
            own(all, sql_integer(rows, row, 1), &all->items[at]);
    }
    PQclear(rows);
    if (all->feeder_count)
        qsort(all->feeders, (size_t)all->feeder_count, sizeof *all->feeders, by_feeder);
    return ERR_NONE;
}

static int64_t newest_of(const struct foresight_place *place)
{
    int64_t newest = 0;
    for (int phase = 0; phase < PHASES; phase++)
        if (place->series[phase].newest > newest)
            newest = place->series[phase].newest;
    return newest;
}

// The first quarter hour that some place has not taken in.
static int64_t lacks_from(const struct foresight *foresight, int64_t quarter, int64_t history_s)
{
    int64_t from = quarter;
    for (int i = 0; i < foresight->count; i++) {
        int64_t next = newest_of(foresight->places[i]) + QUARTER_S;
        from = next < from ? next : from;
    }
    return from > quarter - history_s ? from : quarter - history_s;
}

static void take(struct foresight_place *place, int phase, const struct calendar_sheet *sheet,
                 double power_w)
{
    if (!isnan(power_w))
        series_update(&place->series[phase], sheet, (float)power_w, INFINITY);
}

// All feeders have been taken in of the quarter hour of the sheet: so is the transformer, where
// all were measured.
static void end_quarter(struct recoveries *all, const struct round_rules *rules,
                        const struct calendar_sheet *sheet)
{
    for (int i = 0; i < all->count; i++) {
        struct recovery *recovery = &all->items[i];
        struct foresight *foresight = recovery->foresight;
        bool is_sum = recovery->count && recovery->count == foresight->count - 1;
        for (int phase = 0; is_sum && phase < PHASES; phase++)
            take(foresight_place(foresight, 0, rules), phase, sheet, recovery->sum_w[phase]);
        memset(recovery->sum_w, 0, sizeof recovery->sum_w);
        recovery->count = 0;
    }
}

// What its chargers drew of a phase of a feeder in a quarter hour: row -1 of `drawn` is none.
static int64_t drawn_w(const PGresult *drawn, int row, int phase)
{
    return row < 0 ? 0 : db_get_integer(drawn, row, 2 + phase);
}

// A quarter hour of a feeder.
static void live(const PGresult *measured, int row, const PGresult *drawn, int drawn_row,
                 const struct round_rules *rules, const struct calendar_sheet *sheet,
                 struct recovery *recovery)
{
    struct foresight_place *place =
        foresight_place(recovery->foresight, sql_integer(measured, row, 1), rules);
    int reports = drawn_row < 0 ? 0 : sql_integer(drawn, drawn_row, 5);
    bool is_whole = reports >= place->reports; // else one that spoke before did not
    place->reports = reports;
    for (int phase = 0; phase < PHASES; phase++) {
        bool is_known = is_whole && !PQgetisnull(measured, row, 2 + phase);
        double base_w = is_known ? (double)(db_get_integer(measured, row, 2 + phase)
                                            - drawn_w(drawn, drawn_row, phase))
                                 : NAN;
        recovery->sum_w[phase] += base_w;
        take(place, phase, sheet, base_w);
    }
    recovery->count++;
}

// The row of a quarter hour and feeder; both results are in that order, so the search goes on from
// *at. -1: there is none.
static int row_of(const PGresult *drawn, int64_t quarter, int feeder, int *at)
{
    for (; *at < PQntuples(drawn); ++*at) {
        int64_t of = db_get_integer(drawn, *at, 0);
        int whose = sql_integer(drawn, *at, 1);
        if (of == quarter && whose == feeder)
            return *at;
        if (of > quarter || (of == quarter && whose > feeder))
            break;
    }
    return -1;
}

static void live_through(const PGresult *measured, const PGresult *drawn,
                         const struct round_rules *rules, struct recoveries *all)
{
    struct calendar_sheet sheet = {0};
    for (int row = 0, at = 0; row < PQntuples(measured); row++) {
        int64_t quarter = db_get_integer(measured, row, 0);
        int feeder = sql_integer(measured, row, 1);
        struct recovery *recovery = owner(all, feeder);
        if (!recovery || quarter < recovery->from)
            continue;
        if (quarter != sheet.quarter) {
            end_quarter(all, rules, &sheet);
            calendar_look_ahead(quarter, &sheet);
        }
        live(measured, row, drawn, row_of(drawn, quarter, feeder, &at), rules, &sheet, recovery);
    }
    end_quarter(all, rules, &sheet);
}

static PGresult *query_history(struct db *db, const char *sql, const struct recoveries *all,
                               int64_t from, int64_t quarter)
{
    struct sql_list feeders;
    struct sql_number first = {0}, end = {0};
    sql_list_open(&feeders);
    for (int i = 0; i < all->feeder_count; i++)
        sql_list_add_number(&feeders, all->feeders[i].feeder);
    const char *params[] = {sql_list_text(&feeders), sql_number(&first, from),
                            sql_number(&end, quarter)};
    PGresult *rows = db_query(db, sql, 3, params);
    sql_list_close(&feeders);
    return rows;
}

static enum err read_history(struct db *db, int64_t quarter, int64_t history_s,
                             const struct round_rules *rules, struct recoveries *all)
{
    int64_t from = quarter;
    for (int i = 0; i < all->count; i++) {
        struct recovery *recovery = &all->items[i];
        recovery->from = lacks_from(recovery->foresight, quarter, history_s);
        recovery->foresight->looked = quarter;
        from = recovery->from < from ? recovery->from : from;
    }
    PGresult *measured = query_history(db, MEASURED, all, from, quarter);
    PGresult *drawn = measured ? query_history(db, DRAWN, all, from, quarter) : NULL;
    if (drawn)
        live_through(measured, drawn, rules, all);
    PQclear(measured);
    PQclear(drawn);
    return drawn ? ERR_NONE : ERR_IO;
}

static bool is_turn(const struct foresight *foresight, int64_t quarter)
{
    return foresight && (foresight->transformer + quarter / QUARTER_S) % KEEP_EVERY == 0;
}

static void add_place(struct sql_list lists[static 4], int transformer,
                      const struct foresight_place *place, uint8_t *octets, char *hex)
{
    size_t len = foresight_pack(place, octets);
    hex_encode_lower(octets, len, hex);
    hex[2 * len] = '\0';
    sql_list_add_number(&lists[0], transformer);
    sql_list_add_number(&lists[1], place->number);
    sql_list_add_time(&lists[2], newest_of(place));
    sql_list_add(&lists[3], hex);
}

static enum err keep(struct db *db, struct foresight *const *foresights, int count)
{
    enum { COLUMNS = 4 };
    struct sql_list lists[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        sql_list_open(&lists[i]);
    uint8_t *octets = memory_new(FORESIGHT_PACKED, 1);
    char *hex = memory_new(2 * FORESIGHT_PACKED + 1, 1);
    for (int i = 0; i < count; i++) {
        const struct foresight *foresight = foresights[i];
        for (int p = 0; p < foresight->count; p++)
            add_place(lists, foresight->transformer, foresight->places[p], octets, hex);
    }
    free(octets);
    free(hex);
    const char *params[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = sql_list_text(&lists[i]);
    enum err err = lists[0].count ? db_do(db, KEEP, COLUMNS, params) : ERR_NONE;
    for (int i = 0; i < COLUMNS; i++)
        sql_list_close(&lists[i]);
    return err;
}

enum err foresight_table_keep(struct db *db, struct foresight *const *foresights, int count,
                              int64_t quarter)
{
    struct foresight **due = memory_new((size_t)count + 1, sizeof(struct foresight *));
    int due_count = 0;
    for (int i = 0; i < count; i++)
        if (is_turn(foresights[i], quarter))
            due[due_count++] = foresights[i];
    enum err err = keep(db, due, due_count);
    free(due);
    return err;
}

static enum err keep_new(struct db *db, const struct recoveries *all)
{
    struct foresight *fresh[AT_ONCE];
    int count = 0;
    for (int i = 0; i < all->count; i++)
        if (!all->items[i].is_whole)
            fresh[count++] = all->items[i].foresight;
    return keep(db, fresh, count);
}

enum err foresight_table_recover(struct db *db, struct foresight_store *store, int64_t quarter,
                                 const struct round_rules *rules, int *count)
{
    int transformers[AT_ONCE];
    int64_t history_s = foresight_store_history_s(store); // before one is taken
    struct recoveries all = {.count = foresight_store_take_wanted(store, transformers, AT_ONCE)};
    if (all.count < 1)
        return ERR_NONE;
    for (int i = 0; i < all.count; i++)
        all.items[i] = (struct recovery){foresight_new(transformers[i]), .is_whole = true};
    enum err err = read_kept(db, rules, &all);
    if (!err)
        err = read_history(db, quarter, history_s, rules, &all);
    if (!err)
        err = keep_new(db, &all);
    for (int i = 0; i < all.count; i++)
        if (err) {
            foresight_free(all.items[i].foresight);
            foresight_store_want(store, transformers[i]);
        } else {
            foresight_store_put(store, all.items[i].foresight);
        }
    *count += err ? 0 : all.count;
    free(all.feeders);
    return err;
}
