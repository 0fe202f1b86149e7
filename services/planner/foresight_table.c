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
    HISTORY_S = 28 * 24 * 3600, // read where nothing was kept
    KEEP_EVERY = 32,            // quarter hours: how much a planner that starts reads again
    AT_ONCE = 8,                // transformers recovered before the planner looks up again
};

#define KEPT                                                                                       \
    "select p.feeder, s.state from (select number from grid.feeder where transformer = $1::int"    \
    " union all select 0) p (feeder) left join plan.series s on s.transformer = $1::int"           \
    " and s.feeder = p.feeder order by p.feeder"

// By feeder and phase: what was measured, less what its chargers reported of the same quarter hour;
// and how many reported.
#define HISTORY                                                                                    \
    "select extract(epoch from q.quarter)::bigint, q.feeder, q.p_l1_w - coalesce(d.l1_w, 0),"      \
    " q.p_l2_w - coalesce(d.l2_w, 0), q.p_l3_w - coalesce(d.l3_w, 0), coalesce(d.reports, 0)"      \
    " from dali.quarter q left join (select c.feeder, l.quarter, count(*) as reports,"             \
    "  sum((array[l.p_l1_w, l.p_l2_w, l.p_l3_w])[position('1' in c.phases)]) as l1_w,"             \
    "  sum((array[l.p_l1_w, l.p_l2_w, l.p_l3_w])[position('2' in c.phases)]) as l2_w,"             \
    "  sum((array[l.p_l1_w, l.p_l2_w, l.p_l3_w])[position('3' in c.phases)]) as l3_w"              \
    "  from grid.connection c join grid.meter m on m.connection = c.number"                        \
    "  join field.load l on l.meter = m.number where c.feeder = any($1::int[])"                    \
    "  and exists (select from grid.charger g where g.connection = c.number)"                      \
    "  and l.quarter >= to_timestamp($2) and l.quarter < to_timestamp($3)"                         \
    "  group by c.feeder, l.quarter) d on d.feeder = q.feeder and d.quarter = q.quarter"           \
    " where q.feeder = any($1::int[]) and q.quarter >= to_timestamp($2)"                           \
    " and q.quarter < to_timestamp($3) and q.quality = 'good' order by q.quarter, q.feeder"

#define KEEP                                                                                       \
    "insert into plan.series (transformer, feeder, quarter, state)"                                \
    " select transformer, feeder, quarter, decode(hex, 'hex') from unnest($1::int[], $2::int[],"   \
    " $3::timestamptz[], $4::text[]) s (transformer, feeder, quarter, hex)"                        \
    " on conflict (transformer, feeder) do update set quarter = excluded.quarter,"                 \
    " state = excluded.state where plan.series.quarter <= excluded.quarter"

struct entry {
    struct foresight *foresight;
    bool wanted;
};

struct foresight_store {
    struct entry *entries; // by the number of the transformer, which the grid gives out in order
    int room;
    int *wanted;
    int wanted_count, wanted_room;
};

struct foresight_store *foresight_store_new(void)
{
    return memory_new(1, sizeof(struct foresight_store));
}

void foresight_store_free(struct foresight_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < store->room; i++)
        foresight_free(store->entries[i].foresight);
    free(store->entries);
    free(store->wanted);
    free(store);
}

static struct entry *entry_of(struct foresight_store *store, int transformer)
{
    if (transformer >= store->room) {
        int room = transformer + transformer / 2 + 64;
        store->entries = memory_grow(store->entries, (size_t)room, sizeof *store->entries);
        memset(store->entries + store->room, 0,
               (size_t)(room - store->room) * sizeof *store->entries);
        store->room = room;
    }
    return &store->entries[transformer];
}

static void want(struct foresight_store *store, int transformer)
{
    struct entry *entry = entry_of(store, transformer);
    if (entry->wanted)
        return;
    entry->wanted = true;
    if (store->wanted_count == store->wanted_room) {
        store->wanted_room = 2 * store->wanted_room + 64;
        store->wanted =
            memory_grow(store->wanted, (size_t)store->wanted_room, sizeof *store->wanted);
    }
    store->wanted[store->wanted_count++] = transformer;
}

static bool is_old(const struct foresight *foresight, int64_t quarter)
{
    return quarter - foresight->looked > FACTS_FRESH * (int64_t)QUARTER_S;
}

void foresight_store_trim(struct foresight_store *store, int64_t quarter)
{
    for (int i = 0; i < store->room; i++) {
        struct entry *entry = &store->entries[i];
        if (!entry->foresight || !is_old(entry->foresight, quarter))
            continue;
        foresight_free(entry->foresight);
        entry->foresight = NULL;
    }
}

struct foresight *foresight_store_get(struct foresight_store *store, int transformer,
                                      int64_t quarter)
{
    struct foresight *foresight = entry_of(store, transformer)->foresight;
    if (foresight && !is_old(foresight, quarter))
        return foresight;
    want(store, transformer);
    return NULL;
}

bool foresight_store_wants(const struct foresight_store *store)
{
    return store->wanted_count > 0;
}

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

// The kept places; `feeders` gets the numbers of the feeders. *is_whole falls where some place was
// not kept.
static enum err read_kept(struct db *db, const struct round_rules *rules,
                          struct foresight *foresight, struct sql_list *feeders, bool *is_whole)
{
    struct sql_number number = {0};
    const char *params[] = {sql_number(&number, foresight->transformer)};
    PGresult *rows = db_query(db, KEPT, 1, params);
    if (!rows)
        return ERR_IO;
    for (int row = 0; row < PQntuples(rows); row++) {
        int feeder = sql_integer(rows, row, 0);
        struct foresight_place *place = foresight_place(foresight, feeder, rules);
        if (feeder)
            sql_list_add_number(feeders, feeder);
        if (PQgetisnull(rows, row, 1)
            || !take_kept(PQgetvalue(rows, row, 1), foresight->transformer, place))
            *is_whole = false;
    }
    PQclear(rows);
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
static int64_t lacks_from(const struct foresight *foresight, int64_t quarter)
{
    int64_t from = quarter;
    for (int i = 0; i < foresight->count; i++) {
        int64_t next = newest_of(foresight->places[i]) + QUARTER_S;
        from = next < from ? next : from;
    }
    return from > quarter - HISTORY_S ? from : quarter - HISTORY_S;
}

// One quarter hour of all the feeders of a transformer.
struct moment {
    struct calendar_sheet sheet;
    double sum_w[PHASES];
    int count;
};

static void take(struct foresight_place *place, int phase, const struct moment *moment,
                 double power_w)
{
    if (!isnan(power_w))
        series_update(&place->series[phase], &moment->sheet, (float)power_w, INFINITY);
}

static void end_moment(struct foresight *foresight, const struct round_rules *rules,
                       struct moment *moment)
{
    struct foresight_place *all = foresight_place(foresight, 0, rules);
    for (int phase = 0; phase < PHASES && moment->count == foresight->count - 1; phase++)
        take(all, phase, moment, moment->sum_w[phase]);
    moment->count = 0;
}

static void begin_moment(struct moment *moment, int64_t quarter)
{
    calendar_look_ahead(quarter, &moment->sheet);
    for (int phase = 0; phase < PHASES; phase++)
        moment->sum_w[phase] = 0;
}

static void live_through(const PGresult *rows, const struct round_rules *rules,
                         struct foresight *foresight)
{
    struct moment moment = {0};
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t quarter = db_get_integer(rows, row, 0);
        if (quarter != moment.sheet.quarter) {
            end_moment(foresight, rules, &moment);
            begin_moment(&moment, quarter);
        }
        struct foresight_place *place =
            foresight_place(foresight, sql_integer(rows, row, 1), rules);
        int reports = sql_integer(rows, row, 5);
        bool is_whole = reports >= place->reports; // else one that spoke before did not
        place->reports = reports;
        for (int phase = 0; phase < PHASES; phase++) {
            bool is_known = is_whole && !PQgetisnull(rows, row, 2 + phase);
            double base_w = is_known ? (double)db_get_integer(rows, row, 2 + phase) : NAN;
            moment.sum_w[phase] += base_w;
            take(place, phase, &moment, base_w);
        }
        moment.count++;
    }
    end_moment(foresight, rules, &moment);
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

static enum err recover(struct db *db, int64_t quarter, const struct round_rules *rules,
                        struct foresight *foresight)
{
    struct sql_list feeders;
    bool is_whole = true;
    sql_list_open(&feeders);
    enum err err = read_kept(db, rules, foresight, &feeders, &is_whole);
    struct sql_number from = {0}, to = {0};
    const char *params[] = {sql_list_text(&feeders),
                            sql_number(&from, lacks_from(foresight, quarter)),
                            sql_number(&to, quarter)};
    PGresult *rows = err ? NULL : db_query(db, HISTORY, 3, params);
    sql_list_close(&feeders);
    if (!rows)
        return ERR_IO;
    live_through(rows, rules, foresight);
    PQclear(rows);
    foresight->looked = quarter;
    return is_whole ? ERR_NONE : keep(db, &foresight, 1);
}

enum err foresight_table_recover(struct db *db, struct foresight_store *store, int64_t quarter,
                                 const struct round_rules *rules, int *count)
{
    for (int done = 0; done < AT_ONCE && store->wanted_count; done++) {
        int transformer = store->wanted[store->wanted_count - 1];
        struct foresight *foresight = foresight_new(transformer);
        if (recover(db, quarter, rules, foresight)) {
            foresight_free(foresight);
            return ERR_IO;
        }
        struct entry *entry = entry_of(store, transformer);
        foresight_free(entry->foresight);
        *entry = (struct entry){.foresight = foresight};
        store->wanted_count--;
        ++*count;
    }
    return ERR_NONE;
}
