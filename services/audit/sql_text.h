// SPDX-License-Identifier: Apache-2.0
// Pieces of SQL that several statements share.

#ifndef AUDIT_SQL_TEXT_H
#define AUDIT_SQL_TEXT_H

// A time as the server tells it in text, in whole seconds or milliseconds; and as itself, for
// row_json.h to tell.
#define TEXT_S(time) "audit.at_s(" time ")"
#define TEXT_MS(time) "audit.at_ms(" time ")"
#define TIME_S(time) time "::timestamptz(0)"
#define TIME_MS(time) time

// Of plan.round r, grid.transformer t.
#define ROUND_COLUMNS                                                                              \
    " r.id, t.id as transformer, audit.at_s(r.quarter) as quarter, audit.at_s(r.basis) as basis,"  \
    " r.revision::text as revision, audit.at_ms(r.started) as started, audit.at_ms(r.finished) "   \
    "as finished,"                                                                                 \
    " r.planner, r.congested, r.blind"

// Of plan.forecast f, grid.feeder g.
#define FORECAST_COLUMNS                                                                           \
    " g.id as feeder, f.phase, f.limit_w, f.measured_w, audit.at_s(f.measured_at) as measured_at," \
    " f.controlled_w, f.base_w, f.margin_w, f.headroom_w, f.reserved_w, f.demand_w,"               \
    " f.given_w, f.chargers, f.p90_w, f.p95_w, f.method"

// Of plan.profile p: what was tried, oldest first. In one line, which json_agg() would not do.
#define ATTEMPTS_OF_PROFILE                                                                        \
    "array_to_json(array(select row_to_json(x) from (select a.number,"                             \
    "   audit.at_ms(a.started) as started, audit.at_ms(a.finished) as finished, a.result,"         \
    "   a.cause, a.detail from p3.attempt a where a.profile = p.id order by a.number, a.id) x))"

// Of grid.manual_limit h, grid.transformer t, grid.feeder f.
#define LIMIT_COLUMNS                                                                              \
    " h.number, t.id as transformer, f.id as feeder, h.charger, h.per, h.limit_w, h.reason,"       \
    " h.made_by, audit.at_s(h.started) as started, audit.at_s(h.ends) as ends,"                    \
    " audit.at_s(h.released) as released, h.released_by, h.released_why"

// Of plan.profile p, grid.connection c, grid.meter m, p3.delivery d. S, MS: see above.
#define PROFILE_COLUMNS(S, MS)                                                                     \
    " p.id, p.round, c.ean as connection, m.equipment_id as meter, " S(                            \
        "p.valid_from") " as valid_from, " S("p.valid_to") " as valid_to, p.limit_w, " MS("p."     \
                                                                                          "create" \
                                                                                          "d") " " \
                                                                                               "a" \
                                                                                               "s" \
                                                                                               " " \
                                                                                               "c" \
                                                                                               "r" \
                                                                                               "e" \
                                                                                               "a" \
                                                                                               "t" \
                                                                                               "e" \
                                                                                               "d" \
                                                                                               "," \
                                                                                               " " \
                                                                                               "c" \
                                                                                               "o" \
                                                                                               "a" \
                                                                                               "l" \
                                                                                               "e" \
                                                                                               "s" \
                                                                                               "c" \
                                                                                               "e" \
                                                                                               "(" \
                                                                                               "d" \
                                                                                               "." \
                                                                                               "s" \
                                                                                               "t" \
                                                                                               "a" \
                                                                                               "t" \
                                                                                               "e" \
                                                                                               "," \
                                                                                               " " \
                                                                                               "'" \
                                                                                               "p" \
                                                                                               "l" \
                                                                                               "a" \
                                                                                               "n" \
                                                                                               "n" \
                                                                                               "e" \
                                                                                               "d" \
                                                                                               "'" \
                                                                                               ")" \
                                                                                               " " \
                                                                                               "a" \
                                                                                               "s" \
                                                                                               " " \
                                                                                               "s" \
                                                                                               "t" \
                                                                                               "a" \
                                                                                               "t" \
                                                                                               "e" \
                                                                                               "," \
                                                                                               " " \
                                                                                               "c" \
                                                                                               "o" \
                                                                                               "a" \
                                                                                               "l" \
                                                                                               "e" \
                                                                                               "s" \
                                                                                               "c" \
                                                                                               "e" \
                                                                                               "(" \
                                                                                               "d" \
                                                                                               "." \
                                                                                               "c" \
                                                                                               "a" \
                                                                                               "u" \
                                                                                               "s" \
                                                                                               "e" \
                                                                                               "," \
                                                                                               " " \
                                                                                               "'" \
                                                                                               "'" \
                                                                                               ")" \
                                                                                               " " \
                                                                                               "a" \
                                                                                               "s" \
                                                                                               " " \
                                                                                               "c" \
                                                                                               "a" \
                                                                                               "u" \
                                                                                               "s" \
                                                                                               "e"

// Of field.receipt e.
#define RECEIPT_COLUMNS(MS)                                                                        \
    " " MS("e.at") " as at, " MS("e.arrived") " as arrived, e.state, e.digest, e.mode, e.reason,"  \
                                              " e.limit_w, e.register, e.register_w"

// Of audit.event e.
#define EVENT_COLUMNS(MS) " e.id, " MS("e.at") " as at, e.program, e.kind, e.subject, e.data"

// Of field.gateway w.
#define GATEWAY_COLUMNS                                                                            \
    " w.online, w.mode, w.reason, audit.at_ms(w.since) as since, w.limit_w,"                       \
    " audit.at_ms(w.at) as at"

#endif
