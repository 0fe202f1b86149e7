// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/quarter_table.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KNOWN_FOR_S = 10, MONTHS = 512, USED_TO_REPORT_S = 7 * 86400 };

// A row that is to be written, with all that was found out about it.
struct entry {
    int64_t quarter;
    int32_t feeder;
    uint32_t order; // as it was given; larger for the later
    struct measured values;
    struct utc arrived;
    const struct rating *rating;
    char said[QUALITY_LEN + 1];
    bool mark_stays; // the table has it, with a mark that does not depend on its neighbours
    struct verdict verdict;
};

struct entries {
    struct entry *list;
    size_t count, room;
};

struct quarter_table {
    struct db *db;
    struct feeder *feeders; // by id
    size_t feeder_count;
    struct mono learned;
    bool knows;
    const struct feeder *last; // that was asked for: files come sorted
    int months[2][MONTHS];     // with a partition, of dali.quarter and field.load
    int month_count[2];
    struct entries entries;
    uint8_t *copy; // octets on their way to COPY
    struct cursor copy_at;
};

enum { COPY_AT_ONCE = 1 << 16, MOST_ROW = 512 };

static void forget_feeders(struct quarter_table *table)
{
    for (size_t i = 0; i < table->feeder_count; i++) {
        free(table->feeders[i].id);
        free(table->feeders[i].transformer);
    }
    free(table->feeders);
    table->feeders = NULL;
    table->feeder_count = 0;
    table->last = NULL;
}

struct quarter_table *quarter_table_new(struct db *db)
{
    struct quarter_table *table = memory_new(1, sizeof *table);
    table->db = db;
    table->copy = memory_new(COPY_AT_ONCE, 1);
    return table;
}

void quarter_table_free(struct quarter_table *table)
{
    if (!table)
        return;
    forget_feeders(table);
    free(table->entries.list);
    free(table->copy);
    free(table);
}

// --- the grid ---------------------------------------------------------------------------------

enum err quarter_table_learn(struct quarter_table *table, bool anew)
{
    int64_t age = clock_mono().ns - table->learned.ns;
    if (table->knows && !anew && age < clock_machine_ns(KNOWN_FOR_S * SECONDS_NS))
        return ERR_NONE;
    PGresult *got =
        db_query(table->db,
                 "select f.number, f.id, t.id, l.w[1], l.w[2], l.w[3]"
                 " from grid.feeder f join grid.transformer t on t.number = f.transformer,"
                 " lateral (select coalesce(f.limit_w, t.limit_w) as w) l"
                 " order by f.id collate \"C\"",
                 0, NULL);
    if (!got)
        return ERR_IO;
    forget_feeders(table);
    table->feeder_count = (size_t)PQntuples(got);
    table->feeders = memory_new(table->feeder_count, sizeof *table->feeders);
    for (size_t i = 0; i < table->feeder_count; i++) {
        struct feeder *feeder = &table->feeders[i];
        int row = (int)i;
        feeder->number = (int32_t)db_get_integer(got, row, 0);
        feeder->id = memory_text(PQgetvalue(got, row, 1));
        feeder->transformer = memory_text(PQgetvalue(got, row, 2));
        feeder->rating.known = !PQgetisnull(got, row, 3);
        for (int phase = 0; phase < PHASES; phase++)
            feeder->rating.limit_w[phase] = (int32_t)db_get_integer(got, row, 3 + phase);
    }
    PQclear(got);
    table->learned = clock_mono();
    table->knows = true;
    return ERR_NONE;
}

static int id_of_feeder(const void *id, const void *feeder)
{
    return strcmp(id, ((const struct feeder *)feeder)->id);
}

const struct feeder *quarter_table_feeder(struct quarter_table *table, const char *id)
{
    if (!table->last || strcmp(table->last->id, id) != 0)
        table->last =
            bsearch(id, table->feeders, table->feeder_count, sizeof *table->feeders, id_of_feeder);
    return table->last;
}

// --- partitions -------------------------------------------------------------------------------

static int month_of(int64_t quarter)
{
    struct tm tm;
    gmtime_r(&(time_t){quarter}, &tm);
    return tm.tm_year * 12 + tm.tm_mon;
}

static enum err ensure_month(struct quarter_table *table, bool load, int64_t quarter)
{
    int month = month_of(quarter), *months = table->months[load];
    int *count = &table->month_count[load];
    for (int i = *count; i-- > 0;)
        if (months[i] == month)
            return ERR_NONE;
    char time[DB_TIME_LEN + 1];
    db_time((struct utc){quarter * SECONDS_NS}, time);
    const char *params[] = {load ? "field.load" : "dali.quarter", time};
    enum err err =
        db_do(table->db, "select grid.ensure_month($1::regclass, $2::timestamptz)", 2, params);
    if (!err && *count < MONTHS)
        months[(*count)++] = month;
    return err;
}

enum err quarter_table_prepare(struct quarter_table *table, const struct quarter_row *rows,
                               size_t count)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < count && !err; i++)
        err = ensure_month(table, false, rows[i].quarter);
    return err;
}

enum err quarter_table_prepare_load(struct quarter_table *table, int64_t quarter)
{
    return ensure_month(table, true, quarter);
}

// --- judging ----------------------------------------------------------------------------------

static struct entry *add_entry(struct entries *entries)
{
    if (entries->count == entries->room) {
        entries->room = entries->room ? 2 * entries->room : 64;
        entries->list = memory_grow(entries->list, entries->room, sizeof *entries->list);
    }
    struct entry *entry = &entries->list[entries->count++];
    memset(entry, 0, sizeof *entry);
    return entry;
}

static int by_feeder_and_quarter(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (left->feeder != right->feeder)
        return left->feeder < right->feeder ? -1 : 1;
    if (left->quarter != right->quarter)
        return left->quarter < right->quarter ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

// Sort, and leave of each quarter of a feeder the last.
static void put_in_order(struct entries *entries)
{
    if (entries->count)
        qsort(entries->list, entries->count, sizeof *entries->list, by_feeder_and_quarter);
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *next = i + 1 < entries->count ? &entries->list[i + 1] : NULL;
        if (!next || next->feeder != entries->list[i].feeder
            || next->quarter != entries->list[i].quarter)
            entries->list[kept++] = entries->list[i];
    }
    entries->count = kept;
}

static bool follows(const struct entry *before, const struct entry *entry)
{
    return before->feeder == entry->feeder && before->quarter + QUARTER_S == entry->quarter;
}

static bool is_first_of_run(const struct entries *entries, size_t i)
{
    return i == 0 || !follows(&entries->list[i - 1], &entries->list[i]);
}

static bool is_last_of_run(const struct entries *entries, size_t i)
{
    return i + 1 == entries->count || !follows(&entries->list[i], &entries->list[i + 1]);
}

// The rows in the table right before and right after each run of quarters of a feeder: asked
// for as two arrays, answered with their place in them.
static PGresult *ask_neighbours(struct quarter_table *table, size_t *asked, size_t *count)
{
    const struct entries *entries = &table->entries;
    char *feeders, *quarters;
    size_t feeders_len, quarters_len;
    FILE *f = open_memstream(&feeders, &feeders_len), *q = open_memstream(&quarters, &quarters_len);
    if (!f || !q)
        log_fatal("memory.exhausted");
    *count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        for (int after = 0; after < 2; after++) {
            if (after ? !is_last_of_run(entries, i) : !is_first_of_run(entries, i))
                continue;
            fprintf(f, "%c%d", *count ? ',' : '{', entries->list[i].feeder);
            fprintf(q, "%c%jd", *count ? ',' : '{',
                    (intmax_t)(entries->list[i].quarter + (after ? QUARTER_S : -QUARTER_S)));
            asked[(*count)++] = 2 * i + (size_t)after;
        }
    }
    fputs(*count ? "}" : "{}", f);
    fputs(*count ? "}" : "{}", q);
    fclose(f);
    fclose(q);
    const char *params[] = {feeders, quarters};
    PGresult *got = db_query(
        table->db,
        "select a.n, q.p_l1_w, q.p_l2_w, q.p_l3_w, q.i_l1_a, q.i_l2_a, q.i_l3_a,"
        " q.u_l1_v, q.u_l2_v, q.u_l3_v, q.same, q.quality, q.reason"
        " from unnest($1::int[], $2::bigint[]) with ordinality as a (feeder, quarter, n)"
        " join dali.quarter q on q.feeder = a.feeder and q.quarter = to_timestamp(a.quarter)",
        2, params);
    free(feeders);
    free(quarters);
    return got;
}

static struct measured values_of(const PGresult *got, int row)
{
    struct measured values;
    for (int i = 0; i < PHASES; i++) {
        values.p_w[i] =
            PQgetisnull(got, row, 1 + i) ? MEASURED_NOT : (int32_t)db_get_integer(got, row, 1 + i);
        values.i_ma[i] = PQgetisnull(got, row, 4 + i)
                             ? MEASURED_NOT
                             : (int32_t)lround(strtod(PQgetvalue(got, row, 4 + i), NULL) * 1000);
        values.u_mv[i] = PQgetisnull(got, row, 7 + i)
                             ? MEASURED_NOT
                             : (int32_t)lround(strtod(PQgetvalue(got, row, 7 + i), NULL) * 1000);
    }
    return values;
}

// What the table holds right after a run. It is judged again, since what comes before it is new.
struct after {
    bool known;
    struct measured values;
    int same;
    enum quality quality;
    char reason[VERDICT_REASON_LEN + 1];
};

static void read_neighbour(const PGresult *got, int row, bool is_after, struct before *before,
                           struct after *after)
{
    int same = (int)db_get_integer(got, row, 10);
    if (!is_after) {
        *before = (struct before){true, values_of(got, row), same};
        return;
    }
    *after = (struct after){.known = true, .values = values_of(got, row), .same = same};
    while (strcmp(PQgetvalue(got, row, 11), quality_name(after->quality)) != 0
           && after->quality < QUALITY_SUSPECT)
        after->quality++;
    snprintf(after->reason, sizeof after->reason, "%s", PQgetvalue(got, row, 12));
}

static void judge(struct entry *entry, const struct before *before)
{
    struct verdict verdict = arrival_judge(&entry->values, entry->said, entry->rating, before);
    if (entry->mark_stays) {
        entry->verdict.same = verdict.same;
        return;
    }
    entry->verdict = verdict;
}

// The row of the table right after entry, judged again in its light.
static struct entry judge_next(const struct entry *entry, const struct after *after)
{
    struct entry next = *entry;
    next.quarter += QUARTER_S;
    next.values = after->values;
    snprintf(next.said, sizeof next.said, "good");
    next.mark_stays = after->quality == QUALITY_IMPLAUSIBLE || after->quality == QUALITY_SUSPECT;
    next.verdict = (struct verdict){.quality = after->quality};
    memcpy(next.verdict.reason, after->reason, sizeof next.verdict.reason);
    struct before before = {true, entry->values, entry->verdict.same};
    judge(&next, &before);
    return next;
}

// Judge all entries by what is before them in the batch or in the table, and append those of
// the table that are changed by that. How many were appended; -1: the database failed.
static long judge_all(struct quarter_table *table)
{
    struct entries *entries = &table->entries;
    size_t count = entries->count, asked_count;
    size_t *asked = memory_new(2 * count, sizeof *asked);
    PGresult *got = ask_neighbours(table, asked, &asked_count);
    if (!got) {
        free(asked);
        return -1;
    }
    struct before *befores = memory_new(count, sizeof *befores);
    struct after *afters = memory_new(count, sizeof *afters);
    for (int row = 0; row < PQntuples(got); row++) {
        size_t which = asked[db_get_integer(got, row, 0) - 1];
        read_neighbour(got, row, which % 2, &befores[which / 2], &afters[which / 2]);
    }
    PQclear(got);
    free(asked);

    long appended = 0;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &entries->list[i];
        if (!is_first_of_run(entries, i))
            befores[i] = (struct before){true, entry[-1].values, entry[-1].verdict.same};
        judge(entry, &befores[i]);
        if (!afters[i].known)
            continue;
        struct entry next = judge_next(entry, &afters[i]);
        if (next.verdict.same != afters[i].same || next.verdict.quality != afters[i].quality) {
            *add_entry(entries) = next;
            appended++;
        }
    }
    free(befores);
    free(afters);
    return appended;
}

// --- writing ----------------------------------------------------------------------------------

static enum err flush_copy(struct quarter_table *table)
{
    size_t len = COPY_AT_ONCE - cursor_left(&table->copy_at);
    PGconn *conn = db_raw(table->db);
    if (!conn)
        return ERR_IO;
    if (PQputCopyData(conn, (const char *)table->copy, (int)len) != 1) {
        db_broken(table->db);
        return ERR_IO;
    }
    table->copy_at = cursor_writer(table->copy, COPY_AT_ONCE);
    return ERR_NONE;
}

// Fields of COPY's binary format: length, then octets; length -1 is NULL.
static void put_32(struct cursor *at, int32_t value)
{
    cursor_put_u32(at, sizeof value);
    cursor_put_u32(at, (uint32_t)value);
}

static void put_64(struct cursor *at, int64_t value)
{
    cursor_put_u32(at, sizeof value);
    cursor_put_u32(at, (uint32_t)((uint64_t)value >> 32));
    cursor_put_u32(at, (uint32_t)(uint64_t)value);
}

static void put_null(struct cursor *at)
{
    cursor_put_u32(at, UINT32_MAX);
}

static void put_text(struct cursor *at, const char *text)
{
    size_t len = strlen(text);
    cursor_put_u32(at, (uint32_t)len);
    cursor_put(at, text, len);
}

// A time as the server keeps it: microseconds since 2000.
static void put_time(struct cursor *at, int64_t ns)
{
    put_64(at, ns / 1000 - INT64_C(946684800000000));
}

static void put_thousandths(struct cursor *at, int32_t value)
{
    if (value == MEASURED_NOT) {
        put_null(at);
        return;
    }
    float real = (float)value / 1000.0F;
    int32_t bits;
    memcpy(&bits, &real, sizeof bits);
    put_32(at, bits);
}

static void put_entry(struct cursor *at, const struct entry *entry)
{
    cursor_put_u16(at, 16);
    put_time(at, entry->quarter * SECONDS_NS);
    put_32(at, entry->feeder);
    for (int i = 0; i < PHASES; i++) {
        if (entry->values.p_w[i] == MEASURED_NOT)
            put_null(at);
        else
            put_32(at, entry->values.p_w[i]);
    }
    for (int i = 0; i < PHASES; i++)
        put_thousandths(at, entry->values.i_ma[i]);
    for (int i = 0; i < PHASES; i++)
        put_thousandths(at, entry->values.u_mv[i]);
    put_text(at, quality_name(entry->verdict.quality));
    if (*entry->verdict.reason)
        put_text(at, entry->verdict.reason);
    else
        put_null(at);
    cursor_put_u32(at, 2);
    cursor_put_u16(at, (uint16_t)entry->verdict.same);
    put_time(at, entry->arrived.ns);
    cursor_put_u32(at, 1);
    cursor_put_u8(at, entry->verdict.worth_telling);
}

static enum err copy_entries(struct quarter_table *table)
{
    static const uint8_t signature[] =
        "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; // with flags, no extension
    if (db_copy_start(table->db, "copy staging from stdin (format binary)"))
        return ERR_IO;
    table->copy_at = cursor_writer(table->copy, COPY_AT_ONCE);
    cursor_put(&table->copy_at, signature, 19);
    for (size_t i = 0; i < table->entries.count; i++) {
        put_entry(&table->copy_at, &table->entries.list[i]);
        if (cursor_left(&table->copy_at) < MOST_ROW && flush_copy(table))
            return ERR_IO;
    }
    cursor_put_u16(&table->copy_at, UINT16_MAX);
    if (flush_copy(table))
        return ERR_IO;
    return db_copy_end(table->db);
}

#define VALUES(of)                                                                                 \
    of "p_l1_w, " of "p_l2_w, " of "p_l3_w, " of "i_l1_a, " of "i_l2_a, " of "i_l3_a, " of         \
       "u_l1_v, " of "u_l2_v, " of "u_l3_v"
#define DIFFERS(more)                                                                              \
    "(" VALUES("q.") more("q.") ") is distinct from (" VALUES("excluded.") more("excluded.") ")"
#define NO_MORE(of) ""
#define AND_QUALITY(of) ", " of "quality"
#define AND_MARK(of) ", " of "quality, " of "reason, " of "same"

// A message that was long under way must not undo what came later; a file is meant.
#define MERGE                                                                                                                                                                       \
    "with merged as ("                                                                                                                                                              \
    " insert into dali.quarter as q (quarter, feeder, " VALUES(                                                                                                                     \
        "") ", quality, reason, same,"                                                                                                                                              \
            " arrived, source)"                                                                                                                                                     \
            " select quarter, feeder, " VALUES(                                                                                                                                     \
                "") ", quality, reason, same, arrived, $2 from staging"                                                                                                             \
                    " on conflict (quarter, feeder) do update set"                                                                                                                  \
                    " (" VALUES(                                                                                                                                                    \
                        "") ", quality, reason, same)"                                                                                                                              \
                            " = (" VALUES(                                                                                                                                          \
                                "excluded.") ", excluded.quality, excluded.reason, "                                                                                                \
                                             "excluded.same),"                                                                                                                      \
                                             " revised = case when " DIFFERS(                                                                                                       \
                                                 AND_QUALITY) " then excluded.arrived else "                                                                                        \
                                                              "q.revised end,"                                                                                                      \
                                                              " revision = q.revision + "                                                                                           \
                                                              "(" DIFFERS(                                                                                                          \
                                                                  AND_QUALITY) ")::int,"                                                                                            \
                                                                               " source = case "                                                                                    \
                                                                               "when " DIFFERS(                                                                                     \
                                                                                   NO_MORE) " the"                                                                                  \
                                                                                            "n "                                                                                    \
                                                                                            "excl"                                                                                  \
                                                                                            "uded"                                                                                  \
                                                                                            ".sou"                                                                                  \
                                                                                            "rce "                                                                                  \
                                                                                            "else"                                                                                  \
                                                                                            " q."                                                                                   \
                                                                                            "sour"                                                                                  \
                                                                                            "ce "                                                                                   \
                                                                                            "end"                                                                                   \
                                                                                            " whe"                                                                                  \
                                                                                            "re"                                                                                    \
                                                                                            " " DIFFERS(                                                                            \
                                                                                                AND_MARK) " and ($2 = 'csv' or excluded.arrived >= coalesce(q.revised, q.arrived))" \
                                                                                                          " returning quarter, feeder, quality, reason, revision),"
#define TELL                                                                                       \
    " worth as ("                                                                                  \
    " select m.feeder, m.quality, count(*) as quarters, min(m.quarter) as first,"                  \
    " max(m.quarter) as last, min(m.reason) as reason"                                             \
    " from merged m join staging s using (quarter, feeder)"                                        \
    " where s.worth_telling and m.quality <> 'good' group by m.feeder, m.quality),"                \
    " returned as ("                                                                               \
    " update dali.silence s set back = $1::timestamptz"                                            \
    " from (select feeder, max(quarter) as newest from merged group by feeder) m"                  \
    " where s.back is null and s.feeder = m.feeder and m.newest > s.since"                         \
    " returning s.feeder, s.since, m.newest),"                                                     \
    " told as ("                                                                                   \
    " insert into audit.event (at, program, kind, subject, data)"                                  \
    " select $1::timestamptz, 'socmod-ingest', e.kind, 'feeder ' || f.id, e.data from ("           \
    "  select feeder, 'dali.' || quality as kind, jsonb_build_object('quarters', quarters,"        \
    "   'first', first, 'last', last, 'reason', reason) as data from worth"                        \
    "  union all"                                                                                  \
    "  select feeder, 'dali.back', jsonb_build_object('since', since, 'quarter', newest)"          \
    "  from returned) e"                                                                           \
    " join grid.feeder f on f.number = e.feeder),"
#define RING                                                                                       \
    " rung as ("                                                                                   \
    " select pg_notify('dali_quarter', transformer::text) from ("                                  \
    "  select distinct f.transformer from grid.feeder f"                                           \
    "  where f.number in (select feeder from merged)) t)"                                          \
    " select count(*) filter (where revision = 0), count(*) filter (where revision > 0),"          \
    " count(*) filter (where quality <> 'good'), (select count(rung) from rung) from merged"

static enum err merge(struct quarter_table *table, enum quarter_source source, struct utc now,
                      struct quarter_counts *counts)
{
    char time[DB_TIME_LEN + 1];
    db_time(now, time);
    const char *params[] = {time, source == QUARTER_CSV ? "csv" : "mqtt"};
    PGresult *got = db_query(table->db, MERGE TELL RING, 2, params);
    if (!got)
        return ERR_IO;
    counts->fresh += db_get_integer(got, 0, 0);
    counts->changed += db_get_integer(got, 0, 1);
    counts->marked += db_get_integer(got, 0, 2);
    PQclear(got);
    return ERR_NONE;
}

static enum err make_staging(struct quarter_table *table)
{
    PGresult *got = db_query_once(
        table->db,
        "set local client_min_messages = warning;"
        "create temp table if not exists staging (quarter timestamptz, feeder integer,"
        " p_l1_w integer, p_l2_w integer, p_l3_w integer, i_l1_a real, i_l2_a real, i_l3_a real,"
        " u_l1_v real, u_l2_v real, u_l3_v real, quality text, reason text, same smallint,"
        " arrived timestamptz, worth_telling boolean) on commit delete rows",
        0, NULL);
    PQclear(got);
    return got ? ERR_NONE : ERR_IO;
}

static void take_rows(struct quarter_table *table, const struct quarter_row *rows, size_t count)
{
    table->entries.count = 0;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = add_entry(&table->entries);
        entry->quarter = rows[i].quarter;
        entry->feeder = rows[i].feeder->number;
        entry->rating = &rows[i].feeder->rating;
        entry->order = (uint32_t)i;
        entry->values = rows[i].values;
        entry->arrived = rows[i].arrived;
        memcpy(entry->said, rows[i].said, sizeof entry->said);
    }
}

// Judge, and again while that reaches further into what the table already has: ends soon, since
// a count of equal quarters stops growing at STUCK_AFTER.
static enum err find_verdicts(struct quarter_table *table)
{
    long appended;
    do {
        put_in_order(&table->entries);
        appended = judge_all(table);
    } while (appended > 0);
    return appended < 0 ? ERR_IO : ERR_NONE;
}

enum err quarter_table_write(struct quarter_table *table, struct quarter_row *rows, size_t count,
                             enum quarter_source source, struct utc now,
                             struct quarter_counts *counts)
{
    if (!count)
        return ERR_NONE;
    take_rows(table, rows, count);
    if (find_verdicts(table) || make_staging(table) || copy_entries(table)
        || merge(table, source, now, counts)) {
        table->month_count[0] = table->month_count[1] = 0; // perhaps a partition was taken away
        return ERR_IO;
    }
    counts->read += (int64_t)count;
    return ERR_NONE;
}

enum err quarter_table_tell_silence(struct quarter_table *table, struct utc now, int64_t quarters)
{
    int64_t since = arrival_silent_since(now.ns / SECONDS_NS, quarters);
    char time[DB_TIME_LEN + 1], last[DB_TIME_LEN + 1], first[DB_TIME_LEN + 1];
    db_time(now, time);
    db_time((struct utc){since * SECONDS_NS}, last);
    db_time((struct utc){(since - USED_TO_REPORT_S) * SECONDS_NS}, first);
    const char *params[] = {time, last, first};
    PGresult *got = db_query(
        table->db,
        "with quiet as ("
        " select f.number, f.id from grid.feeder f"
        " where not exists (select from dali.quarter q where q.feeder = f.number"
        "  and q.quarter > $2::timestamptz and q.quarter <= $1::timestamptz)"
        " and not exists (select from dali.silence s where s.feeder = f.number and s.back is "
        "null)),"
        " fell as ("
        " insert into dali.silence (feeder, since, told)"
        " select c.number, l.quarter, $1::timestamptz from quiet c cross join lateral ("
        "  select q.quarter from dali.quarter q where q.feeder = c.number"
        "  and q.quarter > $3::timestamptz and q.quarter <= $2::timestamptz"
        "  order by q.quarter desc limit 1) l"
        " on conflict do nothing returning feeder, since),"
        " told as ("
        " insert into audit.event (at, program, kind, subject, data)"
        " select $1::timestamptz, 'socmod-ingest', 'dali.silent', 'feeder ' || c.id,"
        " jsonb_build_object('since', f.since) from fell f join quiet c on c.number = f.feeder)"
        " select c.id from fell f join quiet c on c.number = f.feeder order by c.id",
        3, params);
    if (!got)
        return ERR_IO;
    if (PQntuples(got))
        log_warn("dali.silent", F("feeders", PQntuples(got)), F("first", PQgetvalue(got, 0, 0)));
    PQclear(got);
    return ERR_NONE;
}
