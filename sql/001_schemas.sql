-- SPDX-License-Identifier: Apache-2.0
-- One schema for each writer. The runner has made the roles (socmod-admin migrate).
-- Nowhere a now(): time comes as a parameter from the program's clock.

create schema grid;   -- what hangs where: written by socmod-admin
create schema dali;   -- measured quarter hours: socmod-ingest
create schema field;  -- what gateways report: socmod-ingest
create schema plan;   -- what was foreseen and decided, and why: socmod-planner
create schema p3;     -- what was delivered: socmod-p3
create schema keys;   -- wrapped keys of meters: socmod-admin, read by socmod-p3
create schema audit;  -- events, append-only: every program adds, socmod-audit reads

create domain grid.identifier as text
    check (value ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'); -- fits an MQTT topic level

-- Make the partition of the month of `at` of a partitioned table, where it is missing and no row of
-- it stands in a default one, which then goes on taking them.
-- Runs as its owner, so that the writing role needs no right to create tables.
create function grid.ensure_month(parent regclass, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    first timestamptz := date_trunc('month', at, 'UTC');
    schema_name text;
    table_name text;
    part text;
begin
    select n.nspname, c.relname into schema_name, table_name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = parent and c.relkind = 'p' and n.nspname in ('dali', 'field', 'plan', 'audit');
    if not found then
        raise exception 'not a partitioned table of ours: %', parent;
    end if;
    part := table_name || to_char(first at time zone 'UTC', '"_"YYYY"_"MM');
    if to_regclass(format('%I.%I', schema_name, part)) is null then
        perform pg_advisory_xact_lock(hashtext(schema_name || '.' || part));
        begin
            execute format('create table if not exists %I.%I partition of %I.%I for values from (%L) to (%L)',
                schema_name, part, schema_name, table_name, first, first + interval '1 month');
        exception when check_violation then null;
        end;
    end if;
end $$;
