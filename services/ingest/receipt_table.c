// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/receipt_table.h"

#include <stdlib.h>

enum err receipt_table_find_meters(struct db *db, json_t *reports)
{
    json_t *ids = json_array(), *report;
    size_t i;
    json_array_foreach(reports, i, report)
    {
        json_array_append(ids, json_object_get(report, "equipment_id"));
    }
    char *text = json_dumps(ids, JSON_COMPACT);
    json_decref(ids);
    const char *params[] = {text};
    PGresult *got = db_query(db,
                             "select m.number from jsonb_array_elements_text($1::jsonb)"
                             " with ordinality as r (equipment_id, n)"
                             " left join grid.meter m using (equipment_id) order by r.n",
                             1, params);
    free(text);
    if (!got)
        return ERR_IO;
    json_array_foreach(reports, i, report)
    {
        json_t *meter = PQgetisnull(got, (int)i, 0) ? json_null()
                                                    : json_integer(db_get_integer(got, (int)i, 0));
        json_object_set_new(report, "meter", meter);
    }
    PQclear(got);
    return ERR_NONE;
}

static enum err write_reports(struct db *db, const char *sql, const json_t *reports)
{
    if (!json_array_size(reports))
        return ERR_NONE;
    char *text = json_dumps(reports, JSON_COMPACT);
    const char *params[] = {text};
    enum err err = db_do(db, sql, 1, params);
    free(text);
    return err;
}

enum err receipt_table_write_receipts(struct db *db, const json_t *reports)
{
    return write_reports(
        db,
        "with kept as ("
        " insert into field.receipt (meter, at, arrived, state, digest, mode, reason, limit_w,"
        " register, register_w)"
        " select meter, at, arrived, state, digest, mode, reason, limit_w, register, register_w"
        " from rows from (jsonb_to_recordset($1::jsonb) as (meter int, at timestamptz,"
        "  arrived timestamptz, state text, digest text, mode text, reason text, limit_w int,"
        "  register text, register_w int)) with ordinality as r order by r.ordinality"
        " on conflict do nothing returning *),"
        " told as ("
        " insert into audit.event (at, program, kind, subject, data)"
        " select k.arrived, 'socmod-ingest', 'receipt.' || k.state, 'meter ' || m.equipment_id,"
        "  jsonb_build_object('at', k.at, 'arrived', k.arrived, 'digest', k.digest,"
        "  'mode', k.mode, 'reason', k.reason, 'limit_w', k.limit_w, 'register', k.register)"
        " from kept k join grid.meter m on m.number = k.meter order by k.id)"
        " select pg_notify('field_receipt', meter::text) from (select distinct meter from kept) m",
        reports);
}

enum err receipt_table_write_loads(struct db *db, const json_t *reports)
{
    return write_reports(
        db,
        "insert into field.load as l (quarter, meter, p_l1_w, p_l2_w, p_l3_w, energy_wh, limit_w,"
        " mode, arrived)"
        " select distinct on (quarter, meter) quarter, meter, (p_w->>0)::int, (p_w->>1)::int,"
        " (p_w->>2)::int, energy_wh, limit_w, mode, arrived"
        " from rows from (jsonb_to_recordset($1::jsonb) as (meter int, quarter timestamptz,"
        "  arrived timestamptz, p_w jsonb, energy_wh int, limit_w int, mode text))"
        " with ordinality as r order by quarter, meter, r.ordinality desc"
        " on conflict (quarter, meter) do update set (p_l1_w, p_l2_w, p_l3_w, energy_wh, limit_w,"
        "  mode, arrived) = (excluded.p_l1_w, excluded.p_l2_w, excluded.p_l3_w,"
        "  excluded.energy_wh, excluded.limit_w, excluded.mode, excluded.arrived)"
        " where excluded.arrived > l.arrived and"
        " (l.p_l1_w, l.p_l2_w, l.p_l3_w, l.energy_wh, l.limit_w, l.mode) is distinct from"
        " (excluded.p_l1_w, excluded.p_l2_w, excluded.p_l3_w, excluded.energy_wh,"
        "  excluded.limit_w, excluded.mode)",
        reports);
}

#define STATUSES                                                                                   \
    "rows from (jsonb_to_recordset($1::jsonb) as (meter int, online boolean, mode text,"           \
    " reason text, since timestamptz, limit_w int, at timestamptz, arrived timestamptz,"           \
    " retained boolean)) with ordinality"

// The broker gives a retained status again at each subscription: it is no sign of life when a
// last will has come after it. One of the gateway itself is, even within the same second.
#define NEWEST_STATUS                                                                              \
    "insert into field.gateway as g (meter, online, mode, reason, since, limit_w, at, arrived)"    \
    " select distinct on (meter) meter, online, mode, reason, since, limit_w, at, arrived"         \
    " from " STATUSES " as r"                                                                      \
    " where at is not null and not exists (select from field.gateway k where k.meter = r.meter"    \
    "  and (k.at > r.at or (k.at = r.at and r.retained)))"                                         \
    " order by meter, at desc, r.ordinality desc"                                                  \
    " on conflict (meter) do update set (online, mode, reason, since, limit_w, at, arrived) ="     \
    " (excluded.online, excluded.mode, excluded.reason, excluded.since, excluded.limit_w,"         \
    "  excluded.at, excluded.arrived) where g.at is null or g.at <= excluded.at"

#define LAST_WILL                                                                                  \
    "with r as (select * from " STATUSES " as r)"                                                  \
    " insert into field.gateway as g (meter, online, mode, reason, arrived)"                       \
    " select distinct on (meter) meter, false, '', '', arrived from r"                             \
    " where at is null and not exists (select from r s where s.meter = r.meter"                    \
    "  and s.ordinality > r.ordinality and s.at is not null)"                                      \
    " order by meter, ordinality desc"                                                             \
    " on conflict (meter) do update set online = false, arrived = excluded.arrived"                \
    " where g.arrived <= excluded.arrived"

enum err receipt_table_write_statuses(struct db *db, const json_t *reports)
{
    enum err err = write_reports(db, NEWEST_STATUS, reports);
    return err ? err : write_reports(db, LAST_WILL, reports);
}
