-- SPDX-License-Identifier: Apache-2.0
-- Who may do what: each program writes its own schema and reads what it needs. Applied again,
-- whole, whenever it changed.

-- What an earlier version of this file gave and this one does not, goes.
revoke all on all tables in schema grid, dali, field, plan, p3, keys, audit, public
    from public, socmod_ingest, socmod_planner, socmod_p3, socmod_audit;
revoke all on all functions in schema grid, dali, field, plan, p3, keys, audit
    from public, socmod_ingest, socmod_planner, socmod_p3, socmod_audit;
revoke all on schema grid, dali, field, plan, p3, keys, audit
    from public, socmod_ingest, socmod_planner, socmod_p3, socmod_audit;
revoke create on schema public from public;

grant usage on schema grid to socmod_ingest, socmod_planner, socmod_p3, socmod_audit;
grant usage on schema dali, field to socmod_ingest, socmod_planner, socmod_audit;
grant usage on schema field to socmod_p3;
grant usage on schema plan to socmod_planner, socmod_p3, socmod_audit;
grant usage on schema p3 to socmod_p3, socmod_planner, socmod_audit;
grant usage on schema keys to socmod_p3;
grant usage on schema audit to socmod_ingest, socmod_planner, socmod_p3, socmod_audit;

grant select on all tables in schema grid to socmod_ingest, socmod_planner, socmod_p3, socmod_audit;

grant select, insert, update on all tables in schema dali, field to socmod_ingest;
revoke insert, update on dali.day, dali.every_quarter from socmod_ingest;
grant select on all tables in schema dali, field to socmod_planner, socmod_audit;
grant select on all tables in schema field to socmod_p3;
grant execute on function grid.ensure_month(regclass, timestamptz) to socmod_ingest;

grant select, insert, update on all tables in schema plan to socmod_planner;
grant select on all tables in schema plan to socmod_p3, socmod_audit;
grant execute on function plan.ensure_month(regclass, timestamptz) to socmod_planner;

grant select, insert, update on all tables in schema p3 to socmod_p3;
grant select on all tables in schema p3 to socmod_planner, socmod_audit;

grant select on all tables in schema keys to socmod_p3;
grant update (next, used_at, meter_counter, meter_title, near_end_at, used_up_at)
    on keys.counter to socmod_p3;

-- The rest of an event's columns is the seal's.
grant insert (at, program, kind, subject, data) on audit.event
    to socmod_ingest, socmod_planner, socmod_p3, socmod_audit;
grant execute on function audit.link(bytea, integer, bigint, bytea),
    audit.content(bigint, timestamptz, text, text, text, jsonb)
    to socmod_ingest, socmod_planner, socmod_p3, socmod_audit;
grant select on audit.event, audit.shard, audit.head, audit.verification, audit.token, audit.retired to socmod_audit;
grant insert on audit.head, audit.verification to socmod_audit;
grant execute on function audit.ensure_months(timestamptz) to socmod_audit;
grant execute on function audit.at_s(timestamptz), audit.at_ms(timestamptz),
    audit.at_us(timestamptz), audit.not_kept(timestamptz) to socmod_audit;
grant execute on function dali.unpack(dali.day),
    dali.quarter_of(integer, timestamptz) to socmod_audit;
grant execute on function plan.periods_of(text), plan.explain(text, timestamptz) to socmod_audit;
grant execute on function grid.set_limit(timestamptz, text, text, text, integer, text, text, timestamptz),
    grid.release_limit(timestamptz, integer, text, text) to socmod_audit;
