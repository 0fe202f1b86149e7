// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/answer.h"
#include "services/audit/overload.h"
#include "services/audit/routes.h"
#include "services/audit/span.h"
#include "services/audit/statistics_table.h"

#include <jansson.h>
#include <stdlib.h>

// A feeder or transformer while its quarters are summed.
struct place {
    int number;
    int transformer; // of a feeder: index among the transformers, or -1
    const char *id;  // borrowed from the result
    struct phases limit;
    struct overload sum;
    double curtailed_kwh, avoided_kwh;
    // Of a transformer, in the quarter that is being read:
    int feeders, heard;
    struct phases load;
};

struct places {
    PGresult *result;
    struct place *list;
    int count;
};

static struct phases read_phases(const PGresult *result, int row, int column)
{
    struct phases phases;
    for (int i = 0; i < PHASES; i++) {
        phases.known[i] = !PQgetisnull(result, row, column + i);
        phases.w[i] = db_get_integer(result, row, column + i);
    }
    return phases;
}

static int by_number(const void *key, const void *place)
{
    int number = *(const int *)key, other = ((const struct place *)place)->number;
    return (number > other) - (number < other);
}

static struct place *find(const struct places *places, int number)
{
    return bsearch(&number, places->list, (size_t)places->count, sizeof *places->list, by_number);
}

// Takes over result. False where there is none.
static bool places_read(struct places *places, PGresult *result)
{
    places->result = result;
    places->count = result ? PQntuples(result) : 0;
    places->list = memory_new((size_t)places->count + 1, sizeof *places->list);
    for (int i = 0; i < places->count; i++)
        places->list[i] = (struct place){.number = (int)db_get_integer(result, i, 0),
                                         .transformer = -1,
                                         .id = PQgetvalue(result, i, 1),
                                         .limit = read_phases(result, i, 2),
                                         .sum = overload_none(),
                                         .load = phases_zero()};
    return result;
}

static void places_clear(struct places *places)
{
    PQclear(places->result);
    free(places->list);
}

static void hang_on(struct places *feeders, const struct places *transformers)
{
    for (int i = 0; i < feeders->count; i++) {
        struct place *above = find(transformers, (int)db_get_integer(feeders->result, i, 5));
        if (!above)
            continue;
        above->feeders++;
        feeders->list[i].transformer = (int)(above - transformers->list);
    }
}

// The quarter has been read to its end: count it for the transformers.
static void close_quarter(struct places *transformers)
{
    for (int i = 0; i < transformers->count; i++) {
        struct place *place = &transformers->list[i];
        if (place->heard && place->heard == place->feeders)
            overload_add(&place->sum, &place->load, &place->limit);
        place->heard = 0;
        place->load = phases_zero();
    }
}

static void add_row(const struct places *feeders, struct places *transformers, const PGresult *rows,
                    int row)
{
    struct place *feeder = find(feeders, (int)db_get_integer(rows, row, 1));
    if (!feeder)
        return;
    struct phases load = read_phases(rows, row, 2);
    overload_add(&feeder->sum, &load, &feeder->limit);
    if (feeder->transformer < 0)
        return;
    struct place *above = &transformers->list[feeder->transformer];
    above->heard++;
    phases_add(&above->load, &load);
}

// Rows in the order of their quarters into the sums; the last quarter stays open.
static void add_rows(const struct places *feeders, struct places *transformers,
                     const PGresult *rows, int64_t *quarter)
{
    for (int i = 0; rows && i < PQntuples(rows); i++) {
        if (db_get_integer(rows, i, 0) != *quarter)
            close_quarter(transformers);
        *quarter = db_get_integer(rows, i, 0);
        add_row(feeders, transformers, rows, i);
    }
}

// A batch after the row (quarter, feeder) into the sums. Returns its rows, owned, or NULL.
static PGresult *sum_batch(struct db *db, const struct span_text *span, const char *after_quarter,
                           const char *after_feeder, const struct places *feeders,
                           struct places *transformers, int64_t *quarter)
{
    PGresult *rows =
        statistics_table_quarters(db, span->from, span->to, after_quarter, after_feeder);
    add_rows(feeders, transformers, rows, quarter);
    return rows;
}

// False when the database gave up on the way, or until (mono time) was not enough.
static bool sum_quarters(struct db *db, const struct span_text *span, const struct places *feeders,
                         struct places *transformers, int64_t until_ns)
{
    int64_t quarter = -1;
    PGresult *rows = sum_batch(db, span, STATISTICS_BEFORE, "0", feeders, transformers, &quarter);
    while (rows && PQntuples(rows) == STATISTICS_BATCH && clock_mono().ns < until_ns) {
        PGresult *more =
            sum_batch(db, span, PQgetvalue(rows, STATISTICS_BATCH - 1, 5),
                      PQgetvalue(rows, STATISTICS_BATCH - 1, 1), feeders, transformers, &quarter);
        PQclear(rows);
        rows = more;
    }
    close_quarter(transformers);
    bool fine = rows && PQntuples(rows) < STATISTICS_BATCH;
    PQclear(rows);
    return fine;
}

enum { TRANSFORMERS_AT_ONCE = 50 }; // of a day that was rolled up: all their feeders

static bool sum_day(struct db *db, const struct span_text *span, const char *day,
                    const struct places *feeders, struct places *transformers, int64_t until_ns)
{
    for (int i = 0; i < transformers->count; i += TRANSFORMERS_AT_ONCE) {
        int last = i + TRANSFORMERS_AT_ONCE;
        last = last > transformers->count ? transformers->count : last;
        PGresult *rows =
            statistics_table_day(db, span->from, span->to, day, transformers->list[i].number,
                                 transformers->list[last - 1].number);
        int64_t quarter = -1;
        add_rows(feeders, transformers, rows, &quarter);
        close_quarter(transformers);
        PQclear(rows);
        if (!rows || clock_mono().ns >= until_ns)
            return false;
    }
    return true;
}

// As sum_quarters(), of what was rolled up.
static bool sum_days(struct db *db, const struct span_text *span, const struct places *feeders,
                     struct places *transformers, int64_t until_ns)
{
    PGresult *days = statistics_table_days(db, span->from, span->to);
    bool fine = days;
    for (int i = 0; fine && i < PQntuples(days); i++)
        fine = sum_day(db, span, PQgetvalue(days, i, 0), feeders, transformers, until_ns);
    PQclear(days);
    return fine;
}

static json_t *document_of(const struct place *place)
{
    const struct overload *sum = &place->sum;
    return json_pack("{s:I, s:I, s:I, s:f, s:o, s:f, s:f}", "measured", (json_int_t)sum->measured,
                     "over_limit", (json_int_t)sum->over_limit, "over_5pct",
                     (json_int_t)sum->over_5pct, "over_kwh", overload_kwh(sum), "worst_ratio",
                     sum->worst_ratio < 0 ? json_null() : json_real(sum->worst_ratio),
                     "curtailed_kwh", place->curtailed_kwh, "avoided_kwh", place->avoided_kwh);
}

// A feeder and a transformer may have the same identifier, so each kind has an object of its own.
static void put_places(json_t *document, const char *name, const struct places *places)
{
    json_t *objects = json_object();
    for (int i = 0; i < places->count; i++)
        json_object_set_new(objects, places->list[i].id, document_of(&places->list[i]));
    json_object_set_new(document, name, objects);
}

// What control kept from cars, and from cables. False: the database did not say.
static bool add_control(struct db *db, const struct span_text *span, struct places *transformers,
                        struct places *feeders, json_t *document)
{
    PGresult *result = statistics_table_control(db, span->from, span->to);
    double curtailed = 0, avoided = 0;
    for (int i = 0; result && i < PQntuples(result); i++) {
        bool is_feeder = !PQgetisnull(result, i, 0);
        struct place *place = is_feeder ? find(feeders, (int)db_get_integer(result, i, 0))
                                        : find(transformers, (int)db_get_integer(result, i, 1));
        double kwh[] = {strtod(PQgetvalue(result, i, 2), NULL),
                        strtod(PQgetvalue(result, i, 3), NULL)};
        curtailed += is_feeder ? 0 : kwh[0];
        avoided += is_feeder ? 0 : kwh[1];
        if (place) {
            place->curtailed_kwh = kwh[0];
            place->avoided_kwh = kwh[1];
        }
    }
    json_object_set_new(document, "curtailed_kwh", json_real(curtailed));
    json_object_set_new(document, "avoided_kwh", json_real(avoided));
    PQclear(result);
    return result;
}

static bool put_quarters(json_t *document, struct db *db, const struct span_text *span,
                         int64_t until_ns)
{
    struct places transformers = {0}, feeders = {0};
    bool fine = places_read(&transformers, statistics_table_transformers(db))
                && places_read(&feeders, statistics_table_feeders(db));
    if (fine) {
        hang_on(&feeders, &transformers);
        fine = sum_quarters(db, span, &feeders, &transformers, until_ns)
               && sum_days(db, span, &feeders, &transformers, until_ns)
               && add_control(db, span, &transformers, &feeders, document);
    }
    put_places(document, "transformers", &transformers);
    put_places(document, "feeders", &feeders);
    places_clear(&transformers);
    places_clear(&feeders);
    return fine;
}

static bool put_rounds(json_t *document, struct db *db, const struct span_text *span)
{
    PGresult *result = statistics_table_rounds(db, span->from, span->to);
    bool fine = result;
    if (fine) {
        json_object_set_new(document, "rounds", json_integer(db_get_integer(result, 0, 0)));
        json_object_set_new(document, "congested_rounds",
                            json_integer(db_get_integer(result, 0, 1)));
    }
    PQclear(result);
    return fine;
}

// How delivering fared: what ended without being overtaken by a newer profile.
static json_t *delivery_of(const json_t *states)
{
    static const char *const confirmed[] = {"verified", "seen", "applied"};
    static const char *const lost[] = {"expired", "refused", "failed"};
    json_int_t good = 0, bad = 0;
    for (int i = 0; i < 3; i++) {
        good += json_integer_value(json_object_get(states, confirmed[i]));
        bad += json_integer_value(json_object_get(states, lost[i]));
    }
    return json_pack("{s:I, s:I, s:o}", "confirmed", good, "lost", bad, "success",
                     good + bad ? json_real((double)good / (double)(good + bad)) : json_null());
}

static json_t *real_or_null(const PGresult *result, int column)
{
    return PQgetisnull(result, 0, column) ? json_null()
                                          : json_real(strtod(PQgetvalue(result, 0, column), NULL));
}

static bool put_fairness(json_t *document, struct db *db, const struct span_text *span)
{
    PGresult *result = statistics_table_fairness(db, span->from, span->to);
    bool fine = result;
    if (fine)
        json_object_set_new(
            document, "fairness",
            json_pack("{s:I, s:o, s:o}", "connections", (json_int_t)db_get_integer(result, 0, 0),
                      "jain", real_or_null(result, 1), "least_share", real_or_null(result, 2)));
    PQclear(result);
    return fine;
}

static bool put_profiles(json_t *document, struct db *db, const struct span_text *span)
{
    char now[DB_TIME_LEN + 1];
    db_time(clock_utc(), now);
    PGresult *result = statistics_table_states(db, span->from, span->to, now);
    bool fine = result;
    int64_t planned = 0, written = 0, unexplained = 0;
    json_t *states = json_object();
    for (int i = 0; fine && i < PQntuples(result); i++) {
        json_object_set_new(states, PQgetvalue(result, i, 0),
                            json_integer(db_get_integer(result, i, 1)));
        planned += db_get_integer(result, i, 1);
        written += db_get_integer(result, i, 2);
        unexplained += db_get_integer(result, i, 3);
    }
    json_object_set_new(document, "delivery", delivery_of(states));
    json_object_set_new(
        document, "profiles",
        json_pack("{s:I, s:o}", "planned", (json_int_t)planned, "by_state", states));
    json_object_set_new(document, "messages_written", json_integer(written));
    json_object_set_new(document, "unexplained", json_integer(unexplained));
    PQclear(result);
    return fine;
}

static json_t *read_step(const PGresult *result, int row)
{
    double seconds[3];
    for (int i = 0; i < 3; i++)
        seconds[i] = strtod(PQgetvalue(result, row, 1 + i), NULL);
    return json_pack("{s:f, s:f, s:f}", "p50_s", seconds[0], "p99_s", seconds[1], "max_s",
                     seconds[2]);
}

static bool put_steps(json_t *document, struct db *db, const struct span_text *span)
{
    static const char *const names[STATISTICS_STEPS] = {
        [STATISTICS_MEASURED_TO_ARRIVED] = "measured_to_arrived",
        [STATISTICS_ARRIVED_TO_PLANNED] = "arrived_to_planned",
        [STATISTICS_PLANNED_TO_VERIFIED] = "planned_to_verified",
        [STATISTICS_VERIFIED_TO_SEEN] = "verified_to_seen",
        [STATISTICS_SEEN_TO_APPLIED] = "seen_to_applied",
    };
    PGresult *result = statistics_table_steps(db, span->from, span->to);
    bool fine = result;
    json_t *steps = json_object();
    for (int i = 0; i < STATISTICS_STEPS; i++)
        json_object_set_new(steps, names[i],
                            json_pack("{s:n, s:n, s:n}", "p50_s", "p99_s", "max_s"));
    for (int i = 0; fine && i < PQntuples(result); i++)
        json_object_set_new(steps, names[db_get_integer(result, i, 0)], read_step(result, i));
    json_object_set_new(document, "steps", steps);
    PQclear(result);
    return fine;
}

static bool put_not_kept(json_t *document, struct db *db, const struct span_text *span)
{
    PGresult *result = statistics_table_not_kept(db, span->from);
    bool fine = result;
    if (fine)
        json_object_set_new(document, "not_kept", json_loads(PQgetvalue(result, 0, 0), 0, NULL));
    PQclear(result);
    return fine;
}

static void put_span(json_t *document, const struct span *span)
{
    char from[RFC3339_LEN + 1], to[RFC3339_LEN + 1];
    rfc3339_format(span->from, from);
    rfc3339_format(span->to, to);
    json_object_set_new(document, "from", json_string(from));
    json_object_set_new(document, "to", json_string(to));
}

void route_statistics(struct http_request *request)
{
    struct span_text text;
    struct span span;
    if (!span_asked(request, &text, &span))
        return;
    struct db *db = answer_db(request);
    int64_t until_ns =
        clock_mono().ns + clock_machine_ns(answer_audit(request)->statement_ms * 1000000);
    json_t *document = json_object();
    put_span(document, &span);
    if (put_quarters(document, db, &text, until_ns) && put_rounds(document, db, &text)
        && put_profiles(document, db, &text) && put_steps(document, db, &text)
        && put_fairness(document, db, &text) && put_not_kept(document, db, &text))
        answer_json(request, json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6)));
    else if (clock_mono().ns >= until_ns)
        answer_too_slow(request);
    else
        answer_trouble(request, db);
    json_decref(document);
}
