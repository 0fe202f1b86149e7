// SPDX-License-Identifier: Apache-2.0
// The lists of the API, one row of data each.

#include "services/audit/list_table.h"
#include "services/audit/sql_text.h"

// SQL keeps the lines it was given.
// clang-format off

// Over the quarters q of the fs.n feeders of a transformer: per phase the sum, where all know it.
#define SUM_OF_ALL \
    "array[case when count(q.p_l1_w) filter (where q.quality = 'good') = fs.n" \
    "   then sum(q.p_l1_w) end," \
    "  case when count(q.p_l2_w) filter (where q.quality = 'good') = fs.n" \
    "   then sum(q.p_l2_w) end," \
    "  case when count(q.p_l3_w) filter (where q.quality = 'good') = fs.n" \
    "   then sum(q.p_l3_w) end]"

// The worst phase of the transformer within the day that ends with its last quarter.
#define WORST \
    "(select row_to_json(x) from" \
    "  (select round(v.w::numeric / v.l, 4) as ratio, v.phase, audit.at_s(s.quarter) as quarter" \
    "   from (select q.quarter, " SUM_OF_ALL " as p_w" \
    "     from dali.quarter q where q.feeder = any (fs.numbers)" \
    "     and q.quarter > z.quarter - interval '1 day' and q.quarter <= z.quarter" \
    "     group by q.quarter) s, unnest(s.p_w, t.limit_w) with ordinality v (w, l, phase)" \
    "   where v.l > 0 and v.w is not null" \
    "   order by v.w::numeric / v.l desc, s.quarter desc limit 1) x)"

#define LAST_LOAD \
    "case when z.quarter is not null then (select " SUM_OF_ALL " from dali.quarter q" \
    " where q.feeder = any (fs.numbers) and q.quarter = z.quarter) end"

#define LAST_ROUND \
    "(select row_to_json(x) from (select r.id, audit.at_s(r.quarter) as quarter, r.congested," \
    "   r.blind from plan.round r where r.transformer = t.number" \
    "  order by r.quarter desc, r.finished desc limit 1) x)"

// The worst phase of the hours to come, as the newest outlook of a day has them: what the load without
// the steered chargers stays below in 19 of 20 quarter hours, and on it what the cars that the newest
// round knows would draw if nothing held them back.
#define AHEAD \
    "(select row_to_json(x) from" \
    "  (select round((v.w + coalesce(c.demand_w, 0))::numeric / t.limit_w[o.phase], 4) as ratio," \
    "    round(v.w::numeric / t.limit_w[o.phase], 4) as base_ratio, o.phase," \
    "    audit.at_s(r.quarter + (v.n - 1) * interval '1 hour') as quarter" \
    "   from (select r.id, r.quarter from plan.round r where r.transformer = t.number" \
    "     order by r.quarter desc, r.finished desc limit 1) n" \
    "   cross join (select r.id, r.quarter from plan.round r where r.transformer = t.number" \
    "     and r.quarter > z.quarter - interval '1 day'" \
    "     and (select true from plan.outlook o where o.round = r.id and o.feeder is null limit 1)" \
    "     order by r.quarter desc, r.finished desc limit 1) r" \
    "   join plan.outlook o on o.round = r.id and o.feeder is null" \
    "   left join plan.forecast c on c.round = n.id and c.feeder is null and c.phase = o.phase" \
    "   cross join unnest(o.p95_w) with ordinality v (w, n)" \
    "   where t.limit_w[o.phase] > 0 and r.quarter + v.n * interval '1 hour' > n.quarter" \
    "   order by 1 desc, v.n limit 1) x)"

#define CSV_PHASES(name, short) \
    "item." name "[1] as " short "_l1_w, item." name "[2] as " short "_l2_w, item." name \
    "[3] as " short "_l3_w"

const struct list list_transformers = {
    .name = "transformers",
    .from = "grid.transformer t,"
            " lateral (select count(*) as n, array_agg(f.number) as numbers,"
            "   coalesce(array_agg(f.id order by f.id), '{}') as ids"
            "  from grid.feeder f where f.transformer = t.number) fs,"
            // While a quarter hour comes in, feeder by feeder, the one before it is the last.
            " lateral (select case when max(n.quarter) - min(n.quarter) <= interval '30 minutes'"
            "   then min(n.quarter) else max(n.quarter) end as quarter from unnest(fs.numbers) u (number),"
            "   lateral (select q.quarter from dali.quarter q where q.feeder = u.number"
            "    order by q.quarter desc limit 1) n) z,"
            " lateral (select t.id, t.name, t.limit_w, fs.ids as feeders, " WORST " as worst,"
            "  audit.at_s(z.quarter) as last_quarter, " LAST_LOAD " as last_w, " AHEAD " as ahead, "
            LAST_ROUND " as round) item",
    .key_values = "t.number",
    .keys = "i",
    .csv = "item.id, item.name, " CSV_PHASES("limit_w", "limit")
           ", array_to_string(item.feeders, ' ') as feeders,"
           " item.worst->>'ratio' as worst_ratio, item.worst->>'phase' as worst_phase,"
           " item.worst->>'quarter' as worst_quarter, item.last_quarter, " CSV_PHASES("last_w", "last"),
    .after = "t.number > $",
    .order = "order by t.number",
    .filters = {{"id", PARAMETER_IDENTIFIER, "t.id = $", true}},
};

const struct list list_feeders = {
    .name = "feeders",
    .from = "grid.feeder f join grid.transformer t on t.number = f.transformer"
            " left join lateral (select * from dali.quarter q where q.feeder = f.number"
            "   order by q.quarter desc limit 1) q on true,"
            " lateral (select f.id, t.id as transformer, f.limit_w,"
            "  (select count(*) from grid.connection c where c.feeder = f.number) as connections,"
            "  audit.at_s(q.quarter) as last_quarter,"
            "  case when q.quarter is not null then array[q.p_l1_w, q.p_l2_w, q.p_l3_w] end as last_w,"
            "  q.quality) item",
    .key_values = "f.number",
    .keys = "i",
    .csv = "item.id, item.transformer, " CSV_PHASES("limit_w", "limit")
           ", item.connections, item.last_quarter, " CSV_PHASES("last_w", "last") ", item.quality",
    .after = "f.number > $",
    .order = "order by f.number",
    .filters = {{"id", PARAMETER_IDENTIFIER, "f.id = $", true},
                {"transformer", PARAMETER_IDENTIFIER, "t.id = $"}},
};

// Of dali.every_quarter q, as that wants it: feeders by their numbers, found beforehand, for what it
// is joined with does not reach into it.
#define QUARTERS_OF_ALL \
    "q.feeder = any (array(select n.number from grid.feeder n join grid.transformer o" \
    " on o.number = n.transformer where o.id = $))"
#define QUARTERS_FROM "q.quarter >= $ and q.day > $::timestamptz - interval '1 day'"
#define QUARTERS_TO "q.quarter < $ and q.day < $"

#define CSV_LOADS \
    "item.quarter, " CSV_PHASES("p_w", "p") ", " CSV_PHASES("limit_w", "limit") \
    ", item.quality"

const struct list list_feeder_loads = {
    .name = "feeder-loads",
    .from = "dali.every_quarter q join grid.feeder f on f.number = q.feeder,"
            " lateral (select audit.at_s(q.quarter) as quarter,"
            "  array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w, f.limit_w, q.quality) item",
    .key_values = "q.quarter",
    .keys = "t",
    .csv = CSV_LOADS,
    .after = "q.quarter > $",
    .order = "order by q.quarter",
    .filters = {{"id", PARAMETER_IDENTIFIER, "q.feeder = (select n.number from grid.feeder n where n.id = $)", true},
                {"from", PARAMETER_TIME, QUARTERS_FROM, true},
                {"to", PARAMETER_TIME, QUARTERS_TO, true}},
};

// "partial": a feeder has no value of that quarter.
const struct list list_transformer_loads = {
    .name = "transformer-loads",
    .from = "(select q.quarter as start, audit.at_s(q.quarter) as quarter, " SUM_OF_ALL
            " as p_w, t.limit_w, case when count(*) < fs.n then 'partial'"
            "   else coalesce(max(q.quality) filter (where q.quality <> 'good'), 'good') end as quality"
            "  from grid.transformer t,"
            "  dali.every_quarter q, lateral (select count(*) as n"
            "   from grid.feeder g where g.transformer = t.number) fs",
    .key_values = "s.start",
    .keys = "t",
    .csv = CSV_LOADS,
    .after = "q.quarter > $",
    .order = "group by t.number, fs.n, q.quarter) s,"
             " lateral (select s.quarter, s.p_w, s.limit_w, s.quality) item order by s.start",
    .filters = {{"id", PARAMETER_IDENTIFIER, "t.id = $ and " QUARTERS_OF_ALL, true},
                {"from", PARAMETER_TIME, QUARTERS_FROM, true},
                {"to", PARAMETER_TIME, QUARTERS_TO, true}},
};

// Per quarter what the last round about it foresaw.
#define OF_PHASE(column, phase) \
    "max(f." column ") filter (where f.phase = " phase ")"
#define PER_PHASE(column) \
    "array[" OF_PHASE(column, "1") ", " OF_PHASE(column, "2") ", " OF_PHASE(column, "3") \
    "] as " column
#define FORECASTS_FROM(from, feeder) \
    from " and not exists (select 1 from plan.round n where n.transformer = r.transformer" \
    "   and n.quarter = r.quarter and (n.finished, n.id) > (r.finished, r.id))," \
    " lateral (select " PER_PHASE("limit_w") ", " PER_PHASE("base_w") ", " PER_PHASE("p90_w") ", " \
    PER_PHASE("p95_w") ", " PER_PHASE("margin_w") ", " PER_PHASE("demand_w") ", " \
    PER_PHASE("given_w") ", max(f.method) as method" \
    "  from plan.forecast f where f.round = r.id and f.feeder " feeder ") p," \
    " lateral (select audit.at_s(r.quarter) as quarter, r.id as round, r.congested, r.blind," \
    "  p.limit_w, p.base_w, p.p90_w, p.p95_w, p.margin_w, p.demand_w, p.given_w, p.method) item"
#define CSV_FORECASTS \
    "item.quarter, item.round, item.congested, item.blind, " CSV_PHASES("limit_w", "limit") ", " \
    CSV_PHASES("base_w", "base") ", " CSV_PHASES("p90_w", "p90") ", " CSV_PHASES("p95_w", "p95") \
    ", " CSV_PHASES("margin_w", "margin") ", " CSV_PHASES("demand_w", "demand") ", " \
    CSV_PHASES("given_w", "given") ", item.method"

const struct list list_transformer_forecasts = {
    .name = "transformer-forecasts",
    .from = FORECASTS_FROM("grid.transformer t join plan.round r on r.transformer = t.number", "is null"),
    .key_values = "r.quarter",
    .keys = "t",
    .csv = CSV_FORECASTS,
    .after = "r.quarter > $",
    .order = "order by r.quarter",
    .filters = {{"id", PARAMETER_IDENTIFIER, "t.id = $", true},
                {"from", PARAMETER_TIME, "r.quarter >= $", true},
                {"to", PARAMETER_TIME, "r.quarter < $", true}},
};

const struct list list_feeder_forecasts = {
    .name = "feeder-forecasts",
    .from = FORECASTS_FROM("grid.feeder g join plan.round r on r.transformer = g.transformer", "= g.number"),
    .key_values = "r.quarter",
    .keys = "t",
    .csv = CSV_FORECASTS,
    .after = "r.quarter > $",
    .order = "order by r.quarter",
    .filters = {{"id", PARAMETER_IDENTIFIER, "g.id = $", true},
                {"from", PARAMETER_TIME, "r.quarter >= $", true},
                {"to", PARAMETER_TIME, "r.quarter < $", true}},
};

const struct list list_connections = {
    .name = "connections",
    .from = "grid.connection c join grid.feeder f on f.number = c.feeder"
            " left join grid.meter m on m.connection = c.number,"
            " lateral (select c.ean, f.id as feeder, c.phases, c.contract_w, c.floor_w,"
            "  m.equipment_id as meter,"
            "  coalesce((select array_agg(h.id::text order by h.id) from grid.charger h"
            "   where h.connection = c.number), '{}') as chargers,"
            "  (select row_to_json(x) from (select" GATEWAY_COLUMNS
            "    from field.gateway w where w.meter = m.number) x) as gateway,"
            "  (select p.id from plan.profile p where p.meter = m.number"
            "   order by p.created desc limit 1) as profile) item",
    .key_values = "c.number",
    .keys = "i",
    .csv = "item.ean, item.feeder, item.phases, item.contract_w, item.floor_w, item.meter,"
           " array_to_string(item.chargers, ' ') as chargers, item.gateway->>'online' as online,"
           " item.gateway->>'mode' as mode, item.gateway->>'reason' as reason,"
           " item.gateway->>'limit_w' as limit_w, item.profile",
    .after = "c.number > $",
    .order = "order by c.number",
    .filters = {{"feeder", PARAMETER_IDENTIFIER,
                 "c.feeder = (select n.number from grid.feeder n where n.id = $)"},
                {"ean", PARAMETER_EAN, "c.ean = $", true},
                {"meter", PARAMETER_EQUIPMENT_ID, "m.equipment_id = $"},
                {"charger", PARAMETER_IDENTIFIER,
                 "c.number = (select n.connection from grid.charger n where n.id = $)"}},
};

const struct list list_connection_loads = {
    .name = "connection-loads",
    .from = "grid.connection c join grid.meter m on m.connection = c.number"
            " join field.load q on q.meter = m.number,"
            " lateral (select audit.at_s(q.quarter) as quarter,"
            "  array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w, q.energy_wh, q.limit_w, q.mode) item",
    .key_values = "q.quarter",
    .keys = "t",
    .csv = "item.quarter, " CSV_PHASES("p_w", "p") ", item.energy_wh, item.limit_w, item.mode",
    .after = "q.quarter > $",
    .order = "order by q.quarter",
    .filters = {{"ean", PARAMETER_EAN, "c.ean = $", true},
                {"from", PARAMETER_TIME, "q.quarter >= $", true},
                {"to", PARAMETER_TIME, "q.quarter < $", true}},
};

const struct list list_chargers = {
    .name = "chargers",
    .from = "grid.charger h join grid.connection c on c.number = h.connection"
            " join grid.feeder f on f.number = c.feeder join grid.transformer t on t.number = f.transformer"
            " left join grid.meter m on m.connection = c.number,"
            " lateral (select h.id, c.ean as connection, f.id as feeder, t.id as transformer,"
            "  m.equipment_id as meter, h.kind, h.max_a) item",
    .key_values = "h.number",
    .keys = "i",
    .csv = "item.id, item.connection, item.feeder, item.transformer, item.meter, item.kind, item.max_a",
    .after = "h.number > $",
    .order = "order by h.number",
    .filters = {{"id", PARAMETER_IDENTIFIER, "h.id = $", true},
                {"feeder", PARAMETER_IDENTIFIER,
                 "c.feeder = (select n.number from grid.feeder n where n.id = $)"},
                {"connection", PARAMETER_EAN, "c.ean = $"}},
};

const struct list list_rounds = {
    .name = "rounds",
    .from = "plan.round r left join grid.transformer t on t.number = r.transformer,"
            " lateral (select" ROUND_COLUMNS ") item",
    .key_values = "r.quarter, r.transformer, r.id",
    .keys = "tiu",
    .csv = "item.id, item.transformer, item.quarter, item.basis, item.revision, item.started,"
           " item.finished, item.planner, item.congested, item.blind",
    .after = "(r.quarter, r.transformer, r.id) < ($, $, $)",
    .order = "order by r.quarter desc, r.transformer desc, r.id desc",
    .filters = {{"transformer", PARAMETER_IDENTIFIER,
                 "r.transformer = (select n.number from grid.transformer n where n.id = $)"},
                {"congested", PARAMETER_TRUTH, "r.congested = $"},
                {"from", PARAMETER_TIME, "r.quarter >= $"},
                {"to", PARAMETER_TIME, "r.quarter < $"}},
};

const struct list list_shares = {
    .name = "shares",
    .from = "plan.share s left join grid.connection c on c.number = s.connection,"
            " lateral (select c.ean as connection, s.demand_w, s.share_w, s.bound_by, s.decision,"
            "  s.reason, s.profile) item",
    .key_values = "s.connection",
    .keys = "i",
    .csv = "item.connection, item.demand_w, item.share_w, item.bound_by, item.decision,"
           " item.reason, item.profile",
    .after = "s.connection > $",
    .order = "order by s.connection",
    .filters = {{"id", PARAMETER_UUID, "s.round = $", true}},
};

const struct list list_limits = {
    .name = "limits",
    .from = "grid.manual_limit h left join grid.transformer t on t.number = h.transformer"
            " left join grid.feeder f on f.number = h.feeder,"
            " lateral (select" LIMIT_COLUMNS ") item",
    .key_values = "h.number",
    .keys = "i",
    .csv = "item.number, item.transformer, item.feeder, item.charger, item.per, item.limit_w, item.reason,"
           " item.made_by, item.started, item.ends, item.released, item.released_by, item.released_why",
    .after = "h.number < $",
    .order = "order by h.number desc",
    .filters = {{"all", PARAMETER_TIME, "(h.released is null and h.ends > $)", true},
                {"grid", PARAMETER_TRUTH, "h.connection is null", true}},
};

// The filters that profiles and their deliveries share.
#define PROFILE_FILTERS \
    {"meter", PARAMETER_EQUIPMENT_ID, \
     "p.meter = (select n.number from grid.meter n where n.equipment_id = $)"}, \
    {"connection", PARAMETER_EAN, \
     "p.meter = (select n.number from grid.meter n join grid.connection o" \
     " on o.number = n.connection where o.ean = $)"}, \
    {"state", PARAMETER_STATE, "(d.state = $ or d.profile is null and $ = 'planned')"}, \
    {"from", PARAMETER_TIME, "p.created >= $"}, \
    {"to", PARAMETER_TIME, "p.created < $"}

const struct list list_profiles = {
    .name = "profiles",
    .from = "plan.profile p left join p3.delivery d on d.profile = p.id"
            " left join grid.connection c on c.number = p.connection"
            " left join grid.meter m on m.number = p.meter,"
            " lateral (select" PROFILE_COLUMNS(TEXT_S, TEXT_MS) ") item",
    .row = PROFILE_COLUMNS(TIME_S, TIME_MS),
    .key_values = "p.created, p.id",
    .keys = "tu",
    .csv = "item.id, item.round, item.connection, item.meter, item.valid_from, item.valid_to,"
           " item.limit_w, item.created, item.state, item.cause",
    .after = "(p.created, p.id) < ($, $)",
    .order = "order by p.created desc, p.id desc",
    .filters = {PROFILE_FILTERS},
};

const struct list list_deliveries = {
    .name = "deliveries",
    .from = "plan.profile p join p3.delivery d on d.profile = p.id"
            " left join grid.connection c on c.number = p.connection"
            " left join grid.meter m on m.number = p.meter,"
            " lateral (select d.profile, c.ean as connection, m.equipment_id as meter, d.route, d.state,"
            "  d.cause, audit.at_ms(d.queued_at) as queued_at, audit.at_ms(d.written_at) as written_at,"
            "  audit.at_ms(d.verified_at) as verified_at, audit.at_ms(d.seen_at) as seen_at,"
            "  audit.at_ms(d.applied_at) as applied_at, audit.at_ms(d.ended_at) as ended_at,"
            "  audit.at_s(d.not_after) as not_after, audit.at_ms(d.next_at) as next_at,"
            "  " ATTEMPTS_OF_PROFILE " as attempts) item",
    .key_values = "p.created, p.id",
    .keys = "tu",
    .csv = "item.profile, item.connection, item.meter, item.route, item.state, item.cause, item.queued_at,"
           " item.written_at, item.verified_at, item.seen_at, item.applied_at, item.ended_at,"
           " item.not_after, json_array_length(item.attempts) as attempts",
    .after = "(p.created, p.id) < ($, $)",
    .order = "order by p.created desc, p.id desc",
    .filters = {PROFILE_FILTERS, {"cause", PARAMETER_WORDS, "d.cause = $ and d.cause <> ''"}},
};

const struct list list_gateways = {
    .name = "gateways",
    .from = "field.gateway w left join grid.meter m on m.number = w.meter"
            " left join grid.connection c on c.number = m.connection,"
            " lateral (select m.equipment_id as meter, c.ean as connection," GATEWAY_COLUMNS
            ", audit.at_ms(w.arrived) as arrived) item",
    .key_values = "w.meter",
    .keys = "i",
    .csv = "item.meter, item.connection, item.online, item.mode, item.reason, item.since, item.limit_w,"
           " item.at, item.arrived",
    .after = "w.meter > $",
    .order = "order by w.meter",
    .filters = {{"online", PARAMETER_TRUTH, "w.online = $"},
                {"mode", PARAMETER_MODE, "w.mode = $"}},
};

const struct list list_receipts = {
    .name = "receipts",
    .from = "field.receipt e left join grid.meter m on m.number = e.meter,"
            " lateral (select m.equipment_id as meter," RECEIPT_COLUMNS(TEXT_MS) ") item",
    .row = " m.equipment_id as meter," RECEIPT_COLUMNS(TIME_MS),
    .key_values = "e.arrived, e.id",
    .keys = "ti",
    .csv = "item.meter, item.at, item.arrived, item.state, item.digest, item.mode, item.reason,"
           " item.limit_w, item.register, item.register_w",
    .after = "(e.arrived, e.id) < ($, $)",
    .order = "order by e.arrived desc, e.id desc",
    .filters = {{"meter", PARAMETER_EQUIPMENT_ID,
                 "e.meter = (select n.number from grid.meter n where n.equipment_id = $)"},
                {"state", PARAMETER_RECEIPT_STATE, "e.state = $"},
                {"from", PARAMETER_TIME, "e.arrived >= $"},
                {"to", PARAMETER_TIME, "e.arrived < $"}},
};

const struct list list_events = {
    .name = "events",
    .from = "audit.event e,"
            " lateral (select" EVENT_COLUMNS(TEXT_MS) ") item",
    .row = EVENT_COLUMNS(TIME_MS),
    .key_values = "e.at, e.id",
    .keys = "ti",
    .csv = "item.id, item.at, item.program, item.kind, item.subject, item.data",
    .after = "(e.at, e.id) < ($, $)",
    .order = "order by e.at desc, e.id desc",
    .filters = {{"kind", PARAMETER_EVENT_KIND, "e.kind = $"},
                {"subject", PARAMETER_WORDS, "e.subject = $"},
                {"program", PARAMETER_WORDS, "e.program = $"},
                {"from", PARAMETER_TIME, "e.at >= $"},
                {"to", PARAMETER_TIME, "e.at < $"}},
};

// clang-format on
