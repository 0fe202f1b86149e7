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

-- The least of the identifiers (UUIDv7) that are made from `at` on.
create function grid.first_id(at timestamptz) returns uuid language sql immutable strict parallel safe
    return (lpad(to_hex(ceil(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Make the partition of the month of `at` of a partitioned table, where it is missing and no row of
-- it stands in a default one, which then goes on taking them. By time, or by an identifier made then.
-- Runs as its owner, so that the writing role needs no right to create tables.
create function grid.ensure_month(parent regclass, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    first timestamptz := date_trunc('month', at, 'UTC');
    schema_name text;
    table_name text;
    bounds text[] := array[first, first + interval '1 month'];
    part text;
    is_by_id boolean;
begin
    select n.nspname, c.relname, a.atttypid = 'uuid'::regtype into schema_name, table_name, is_by_id
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_partitioned_table t on t.partrelid = c.oid
      join pg_attribute a on a.attrelid = c.oid and a.attnum = t.partattrs[0]
     where c.oid = parent and n.nspname in ('dali', 'field', 'plan', 'audit');
    if not found then
        raise exception 'not a partitioned table of ours: %', parent;
    end if;
    if is_by_id then
        bounds := array[grid.first_id(bounds[1]::timestamptz), grid.first_id(bounds[2]::timestamptz)];
    end if;
    part := table_name || to_char(first at time zone 'UTC', '"_"YYYY"_"MM');
    if to_regclass(format('%I.%I', schema_name, part)) is null then
        perform pg_advisory_xact_lock(hashtext(schema_name || '.' || part));
        begin
            execute format('create table if not exists %I.%I partition of %I.%I for values from (%L) to (%L)',
                schema_name, part, schema_name, table_name, bounds[1], bounds[2]);
        exception when check_violation then null;
        end;
    end if;
end $$;
