// SPDX-License-Identifier: Apache-2.0

#include "services/audit/list_table.h"
#include "base/memory.h"
#include "services/audit/sql_text.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Over the quarters q of the fs.n feeders of a transformer: per phase the sum, where all know it.
#define SUM_OF_ALL                                                                                 \
    "array[case when count(q.p_l1_w) filter (where q.quality = 'good') = fs.n"                     \
    "   then sum(q.p_l1_w) end,"                                                                   \
    "  case when count(q.p_l2_w) filter (where q.quality = 'good') = fs.n"                         \
    "   then sum(q.p_l2_w) end,"                                                                   \
    "  case when count(q.p_l3_w) filter (where q.quality = 'good') = fs.n"                         \
    "   then sum(q.p_l3_w) end]"

// The worst phase of the transformer within the day that ends with its last quarter.
#define WORST                                                                                      \
    "(select row_to_json(x) from"                                                                  \
    "  (select round(v.w::numeric / v.l, 4) as ratio, v.phase, audit.at_s(s.quarter) as quarter"   \
    "   from (select q.quarter, " SUM_OF_ALL " as p_w"                                             \
    "     from dali.quarter q where q.feeder = any (fs.numbers)"                                   \
    "     and q.quarter > z.quarter - interval '1 day' and q.quarter <= z.quarter"                 \
    "     group by q.quarter) s, unnest(s.p_w, t.limit_w) with ordinality v (w, l, phase)"         \
    "   where v.l > 0 and v.w is not null"                                                         \
    "   order by v.w::numeric / v.l desc, s.quarter desc limit 1) x)"

#define LAST_LOAD                                                                                  \
    "case when z.quarter is not null then (select " SUM_OF_ALL " from dali.quarter q"              \
    " where q.feeder = any (fs.numbers) and q.quarter = z.quarter) end"

#define LAST_ROUND                                                                                 \
    "(select row_to_json(x) from (select r.id, audit.at_s(r.quarter) as quarter, r.congested,"     \
    "   r.blind from plan.round r where r.transformer = t.number"                                  \
    "  order by r.quarter desc, r.finished desc limit 1) x)"

const struct list list_transformers = {
    .name = "transformers",
    .select = "select row_to_json(item), t.number from grid.transformer t,"
              " lateral (select count(*) as n, array_agg(f.number) as numbers,"
              "   coalesce(array_agg(f.id order by f.id), '{}') as ids"
              "  from grid.feeder f where f.transformer = t.number) fs,"
              " lateral (select max(n.quarter) as quarter from unnest(fs.numbers) u (number),"
              "   lateral (select q.quarter from dali.quarter q where q.feeder = u.number"
              "    order by q.quarter desc limit 1) n) z,"
              " lateral (select t.id, t.name, t.limit_w, fs.ids as feeders, " WORST
              " as worst, audit.at_s(z.quarter) as last_quarter, " LAST_LOAD " as last_w,"
              " " LAST_ROUND " as round) item",
    .after = "t.number > $",
    .order = "order by t.number",
    .keys = "i",
    .filters = {{"id", PARAMETER_IDENTIFIER, "t.id = $", true}},
};

const struct list list_feeder_loads = {
    .name = "feeder-loads",
    .select = "select row_to_json(item), audit.at_us(q.quarter)"
              " from grid.feeder f join dali.quarter q on q.feeder = f.number,"
              " lateral (select audit.at_s(q.quarter) as quarter,"
              "  array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w, f.limit_w, q.quality) item",
    .after = "q.quarter > $",
    .order = "order by q.quarter",
    .keys = "t",
    .filters = {{"id", PARAMETER_IDENTIFIER, "f.id = $", true},
                {"from", PARAMETER_TIME, "q.quarter >= $", true},
                {"to", PARAMETER_TIME, "q.quarter < $", true}},
};

// "partial": a feeder has no value of that quarter.
const struct list list_transformer_loads = {
    .name = "transformer-loads",
    .select = "select row_to_json(item), audit.at_us(s.start)"
              " from (select q.quarter as start, audit.at_s(q.quarter) as quarter, " SUM_OF_ALL
              " as p_w, t.limit_w, case when count(*) < fs.n then 'partial'"
              "   else coalesce(max(q.quality) filter (where q.quality <> 'good'), 'good') end"
              "   as quality"
              "  from grid.transformer t join grid.feeder f on f.transformer = t.number"
              "  join dali.quarter q on q.feeder = f.number, lateral (select count(*) as n"
              "   from grid.feeder g where g.transformer = t.number) fs",
    .after = "q.quarter > $",
    .order = "group by t.number, fs.n, q.quarter) s,"
             " lateral (select s.quarter, s.p_w, s.limit_w, s.quality) item order by s.start",
    .keys = "t",
    .filters = {{"id", PARAMETER_IDENTIFIER, "t.id = $", true},
                {"from", PARAMETER_TIME, "q.quarter >= $", true},
                {"to", PARAMETER_TIME, "q.quarter < $", true}},
};

// Per quarter what the last round about it foresaw.
#define OF_PHASE(column, phase) "max(f." column ") filter (where f.phase = " phase ")"
#define PER_PHASE(column)                                                                          \
    "array[" OF_PHASE(column, "1") ", " OF_PHASE(column, "2") ", " OF_PHASE(column,                \
                                                                            "3") "] as " column
#define FORECASTS_SELECT(from, feeder)                                                             \
    "select row_to_json(item), audit.at_us(r.quarter) from " from ", lateral ("                    \
    "  select " PER_PHASE("limit_w") ", " PER_PHASE("base_w") ", " PER_PHASE(                      \
        "margin_w") ", " PER_PHASE("demand_w") ", " PER_PHASE("given_w") " from plan.forecast f"   \
                                                                         "  where f.round = r.id " \
                                                                         "and f.feeder " feeder    \
                                                                         ") p,"                    \
                                                                         " lateral (select "       \
                                                                         "audit.at_s(r.quarter) "  \
                                                                         "as quarter, r.id as "    \
                                                                         "round, r.congested, "    \
                                                                         "r.blind,"                \
                                                                         "  p.limit_w, p.base_w, " \
                                                                         "p.margin_w, "            \
                                                                         "p.demand_w, p.given_w) " \
                                                                         "item"
#define LAST_ABOUT_QUARTER                                                                         \
    " and not exists (select 1 from plan.round n where n.transformer = r.transformer"              \
    "  and n.quarter = r.quarter and (n.finished, n.id) > (r.finished, r.id))"

const struct list list_transformer_forecasts = {
    .name = "transformer-forecasts",
    .select = FORECASTS_SELECT(
        "grid.transformer t join plan.round r on r.transformer = t.number" LAST_ABOUT_QUARTER,
        "is null"),
    .after = "r.quarter > $",
    .order = "order by r.quarter",
    .keys = "t",
    .filters = {{"id", PARAMETER_IDENTIFIER, "t.id = $", true},
                {"from", PARAMETER_TIME, "r.quarter >= $", true},
                {"to", PARAMETER_TIME, "r.quarter < $", true}},
};

const struct list list_feeder_forecasts = {
    .name = "feeder-forecasts",
    .select = FORECASTS_SELECT(
        "grid.feeder g join plan.round r on r.transformer = g.transformer" LAST_ABOUT_QUARTER,
        "= g.number"),
    .after = "r.quarter > $",
    .order = "order by r.quarter",
    .keys = "t",
    .filters = {{"id", PARAMETER_IDENTIFIER, "g.id = $", true},
                {"from", PARAMETER_TIME, "r.quarter >= $", true},
                {"to", PARAMETER_TIME, "r.quarter < $", true}},
};

const struct list list_connection_loads = {
    .name = "connection-loads",
    .select = "select row_to_json(item), audit.at_us(q.quarter) from grid.connection c"
              " join grid.meter m on m.connection = c.number"
              " join field.load q on q.meter = m.number,"
              " lateral (select audit.at_s(q.quarter) as quarter,"
              "  array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w, q.energy_wh, q.limit_w, q.mode) item",
    .after = "q.quarter > $",
    .order = "order by q.quarter",
    .keys = "t",
    .filters = {{"ean", PARAMETER_EAN, "c.ean = $", true},
                {"from", PARAMETER_TIME, "q.quarter >= $", true},
                {"to", PARAMETER_TIME, "q.quarter < $", true}},
};

const struct list list_connections = {
    .name = "connections",
    .select = "select row_to_json(item), c.number from grid.connection c"
              " join grid.feeder f on f.number = c.feeder"
              " left join grid.meter m on m.connection = c.number,"
              " lateral (select c.ean, f.id as feeder, c.phases, c.contract_w, c.floor_w,"
              "  m.equipment_id as meter,"
              "  coalesce((select array_agg(h.id::text order by h.id) from grid.charger h"
              "   where h.connection = c.number), '{}') as chargers,"
              "  (select row_to_json(x) from (select" GATEWAY_COLUMNS
              "    from field.gateway w where w.meter = m.number) x) as gateway,"
              "  (select p.id from plan.profile p where p.meter = m.number"
              "   order by p.created desc limit 1) as profile) item",
    .after = "c.number > $",
    .order = "order by c.number",
    .keys = "i",
    .filters = {{"feeder", PARAMETER_IDENTIFIER,
                 "c.feeder = (select n.number from grid.feeder n where n.id = $)"},
                {"ean", PARAMETER_EAN, "c.ean = $", true},
                {"meter", PARAMETER_EQUIPMENT_ID, "m.equipment_id = $"},
                {"charger", PARAMETER_IDENTIFIER,
                 "c.number = (select n.connection from grid.charger n where n.id = $)"}},
};

const struct list list_rounds = {
    .name = "rounds",
    .select = "select row_to_json(item), audit.at_us(r.quarter), r.transformer, r.id"
              " from plan.round r left join grid.transformer t on t.number = r.transformer,"
              " lateral (select" ROUND_COLUMNS ") item",
    .after = "(r.quarter, r.transformer, r.id) < ($, $, $)",
    .order = "order by r.quarter desc, r.transformer desc, r.id desc",
    .keys = "tiu",
    .filters = {{"transformer", PARAMETER_IDENTIFIER,
                 "r.transformer = (select n.number from grid.transformer n where n.id = $)"},
                {"from", PARAMETER_TIME, "r.quarter >= $"},
                {"to", PARAMETER_TIME, "r.quarter < $"}},
};

const struct list list_profiles = {
    .name = "profiles",
    .select = "select row_to_json(item), audit.at_us(p.created), p.id"
              " from plan.profile p left join p3.delivery d on d.profile = p.id"
              " left join grid.connection c on c.number = p.connection"
              " left join grid.meter m on m.number = p.meter,"
              " lateral (select" PROFILE_COLUMNS ") item",
    .after = "(p.created, p.id) < ($, $)",
    .order = "order by p.created desc, p.id desc",
    .keys = "tu",
    .filters = {{"meter", PARAMETER_EQUIPMENT_ID,
                 "p.meter = (select n.number from grid.meter n where n.equipment_id = $)"},
                {"connection", PARAMETER_EAN,
                 "p.meter = (select n.number from grid.meter n join grid.connection o"
                 " on o.number = n.connection where o.ean = $)"},
                {"state", PARAMETER_STATE, "coalesce(d.state, 'planned') = $"},
                {"from", PARAMETER_TIME, "p.created >= $"},
                {"to", PARAMETER_TIME, "p.created < $"}},
};

const struct list list_gateways = {
    .name = "gateways",
    .select = "select row_to_json(item), w.meter from field.gateway w"
              " left join grid.meter m on m.number = w.meter"
              " left join grid.connection c on c.number = m.connection,"
              " lateral (select m.equipment_id as meter, c.ean as connection," GATEWAY_COLUMNS
              ", audit.at_ms(w.arrived) as arrived) item",
    .after = "w.meter > $",
    .order = "order by w.meter",
    .keys = "i",
};

const struct list list_receipts = {
    .name = "receipts",
    .select = "select row_to_json(item), e.id from field.receipt e"
              " left join grid.meter m on m.number = e.meter,"
              " lateral (select m.equipment_id as meter, " RECEIPT_COLUMNS ") item",
    .after = "e.id < $",
    .order = "order by e.id desc",
    .keys = "i",
    .filters = {{"meter", PARAMETER_EQUIPMENT_ID,
                 "e.meter = (select n.number from grid.meter n where n.equipment_id = $)"}},
};

const struct list list_events = {
    .name = "events",
    .select = "select row_to_json(item), audit.at_us(e.at), e.id from audit.event e,"
              " lateral (select e.id, audit.at_ms(e.at) as at, e.program, e.kind, e.subject,"
              " e.data) item",
    .after = "(e.at, e.id) < ($, $)",
    .order = "order by e.at desc, e.id desc",
    .keys = "ti",
    .filters = {{"kind", PARAMETER_EVENT_KIND, "e.kind = $"},
                {"subject", PARAMETER_WORDS, "e.subject = $"},
                {"from", PARAMETER_TIME, "e.at >= $"},
                {"to", PARAMETER_TIME, "e.at < $"}},
};

// A statement being written, with the parameters that its "$1" ... take.
struct statement {
    FILE *sql;
    const char *params[LIST_FILTERS + PAGE_KEYS];
    int count;
};

// A condition; each '$' in it becomes the next parameter with the next of count values.
static void append(struct statement *statement, const char *condition, int count,
                   const char *const *values)
{
    fputs(" and ", statement->sql);
    for (const char *at = condition; *at; at++) {
        fputc(*at, statement->sql);
        if (*at != '$')
            continue;
        assert(count > 0);
        count--;
        statement->params[statement->count++] = *values++;
        fprintf(statement->sql, "%d", statement->count);
    }
}

// Statements are prepared by their address, so each text must stand in one place for good. There
// are as many as combinations of filters in use.
static const char *text_for_good(char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char **texts;
    static size_t count;
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < count && strcmp(texts[i], text) != 0)
        i++;
    if (i == count) {
        texts = memory_grow(texts, count + 1, sizeof *texts);
        texts[count++] = text;
    } else {
        free(text);
    }
    const char *kept = texts[i];
    pthread_mutex_unlock(&lock);
    return kept;
}

// A limit that stands in the statement lets it be planned once and for a few rows; a few such
// limits do for all that are asked.
static int rows_read(int limit)
{
    return limit <= 10 ? 11 : limit <= PAGE_ITEMS ? PAGE_ITEMS + 1 : PAGE_ITEMS_MAX + 1;
}

PGresult *list_table_page(struct db *db, const struct list *list, const char *const *values,
                          const struct page_key *keys, int limit)
{
    char *text = NULL;
    size_t len;
    struct statement statement = {.sql = open_memstream(&text, &len)};
    fprintf(statement.sql, "%s where true", list->select);
    for (int i = 0; list->filters[i].name; i++)
        if (values[i])
            append(&statement, list->filters[i].sql, 1, &values[i]);
    if (keys) {
        const char *after[PAGE_KEYS];
        for (int i = 0; i < PAGE_KEYS; i++)
            after[i] = keys[i].text;
        append(&statement, list->after, PAGE_KEYS, after);
    }
    fprintf(statement.sql, " %s limit %d", list->order, rows_read(limit));
    fclose(statement.sql);
    return db_query(db, text_for_good(text), statement.count, statement.params);
}
