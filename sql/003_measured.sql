-- SPDX-License-Identifier: Apache-2.0
-- What was measured: quarter hours of feeders, and what gateways report.

create table dali.quarter (
    quarter  timestamptz not null check (date_part('epoch', quarter)::bigint % 900 = 0), -- its start
    feeder   integer not null,      -- grid.feeder.number
    p_l1_w   integer,               -- mean power per grid phase; null: not known
    p_l2_w   integer,
    p_l3_w   integer,
    i_l1_a   real,
    i_l2_a   real,
    i_l3_a   real,
    u_l1_v   real,
    u_l2_v   real,
    u_l3_v   real,
    quality  text not null default 'good'
        check (quality in ('good', 'implausible', 'stuck', 'suspect')), -- only 'good' is planned with
    reason   text,                  -- why it is not good
    same     smallint not null default 0, -- quarters right before with exactly its values, to 8
    arrived  timestamptz not null,  -- first
    revised  timestamptz,           -- last time that another value came for the same quarter
    revision integer not null default 0,
    source   text not null check (source in ('mqtt', 'csv')),
    primary key (quarter, feeder)
) partition by range (quarter);
create index on dali.quarter (feeder, quarter desc);

-- What came for a month that has been rolled up, until it is rolled up as well.
create table dali.quarter_late partition of dali.quarter default;

-- Days that are over, of which nothing is expected any more: an eighth of the room, and one row where
-- there were 96. Made by dali.roll_month().
create table dali.day (
    day     timestamptz not null check (date_part('epoch', day)::bigint % 86400 = 0), -- its midnight, UTC
    feeder  integer not null,
    p_l1_w  integer[],             -- by quarter hour, from 1 to 96; the whole null: none known
    p_l2_w  integer[],
    p_l3_w  integer[],
    i_l1_a  real[],
    i_l2_a  real[],
    i_l3_a  real[],
    u_l1_v  real[],
    u_l2_v  real[],
    u_l3_v  real[],
    came_ms integer[] not null,    -- from its start to its first arrival; null: there was no such
                                   -- quarter hour; -1: see odd
    odd     jsonb not null default '{}', -- by number of the quarter hour, what is not as usual:
                                   -- quality, reason, arrived, revised, revision
    primary key (feeder, day)
) partition by range (day);
create index on dali.day (day);

-- Its quarter hours.
create function dali.unpack(d dali.day)
    returns table (quarter timestamptz, feeder integer, p_l1_w integer, p_l2_w integer, p_l3_w integer,
        i_l1_a real, i_l2_a real, i_l3_a real, u_l1_v real, u_l2_v real, u_l3_v real, quality text,
        reason text, arrived timestamptz, revised timestamptz, revision integer)
    language sql stable parallel safe as $$
    select d.day + (x.n - 1) * interval '15 min', d.feeder, x.p1, x.p2, x.p3, x.i1, x.i2, x.i3, x.u1,
           x.u2, x.u3, coalesce(d.odd -> x.n::text ->> 'quality', 'good'), d.odd -> x.n::text ->> 'reason',
           case when x.came >= 0 then d.day + (x.n - 1) * interval '15 min' + x.came * interval '1 ms'
                else (d.odd -> x.n::text ->> 'arrived')::timestamptz end,
           (d.odd -> x.n::text ->> 'revised')::timestamptz,
           coalesce((d.odd -> x.n::text ->> 'revision')::integer, 0)
      from unnest(d.p_l1_w, d.p_l2_w, d.p_l3_w, d.i_l1_a, d.i_l2_a, d.i_l3_a, d.u_l1_v, d.u_l2_v, d.u_l3_v,
                  d.came_ms) with ordinality x (p1, p2, p3, i1, i2, i3, u1, u2, u3, came, n)
     where x.came is not null
$$;

-- All quarter hours, rolled up or not. Who asks from $1 and before $2 says so of quarter, and to have
-- them found by an index: day > $1 - interval '1 day' and day < $2; and names feeders by numbers that
-- are known before, for a join does not reach into it. What came late is looked up one by one, for
-- the server might compare all with all.
create view dali.every_quarter as
    select q.quarter as day, q.quarter, q.feeder, q.p_l1_w, q.p_l2_w, q.p_l3_w, q.quality, q.reason,
           q.arrived, q.revised, q.revision
      from dali.quarter q
    union all
    select d.day, x.quarter, d.feeder, x.p_l1_w, x.p_l2_w, x.p_l3_w, x.quality, x.reason, x.arrived,
           x.revised, x.revision
      from dali.day d, dali.unpack(d) x
     where (select true from dali.quarter q where q.feeder = d.feeder and q.quarter = x.quarter) is null;

-- That of one feeder that begins at a time.
create function dali.quarter_of(of_feeder integer, at timestamptz) returns setof dali.every_quarter
    language sql stable parallel safe as $$
    select * from dali.every_quarter q
     where q.feeder = of_feeder and q.quarter = at and q.day > at - interval '1 day' and q.day <= at
$$;

-- Put the quarter hours of one day into dali.day, those that were there already too: what is newer
-- holds, and when it first came stays. Returns how many came from dali.quarter.
create function dali.roll_day(of_day timestamptz) returns bigint
    language plpgsql set client_min_messages = warning as $$
declare
    count bigint;
begin
    create temp table if not exists rolled (like dali.quarter) on commit drop;
    truncate rolled;
    insert into rolled select * from dali.quarter q
     where q.quarter >= of_day and q.quarter < of_day + interval '1 day';
    get diagnostics count = row_count;
    update rolled r set arrived = x.arrived, revised = coalesce(r.revised, r.arrived),
           revision = r.revision + x.revision + 1
      from dali.day d, dali.unpack(d) x
     where d.day = of_day and d.feeder = r.feeder and x.quarter = r.quarter;
    insert into rolled (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, i_l1_a, i_l2_a, i_l3_a, u_l1_v, u_l2_v,
            u_l3_v, quality, reason, same, arrived, revised, revision, source)
        select x.quarter, x.feeder, x.p_l1_w, x.p_l2_w, x.p_l3_w, x.i_l1_a, x.i_l2_a, x.i_l3_a, x.u_l1_v,
               x.u_l2_v, x.u_l3_v, x.quality, x.reason, 0, x.arrived, x.revised, x.revision, 'mqtt'
          from dali.day d, dali.unpack(d) x
         where d.day = of_day and d.feeder in (select r.feeder from rolled r)
           and not exists (select from rolled r where r.feeder = x.feeder and r.quarter = x.quarter);
    insert into dali.day as d (day, feeder, p_l1_w, p_l2_w, p_l3_w, i_l1_a, i_l2_a, i_l3_a, u_l1_v, u_l2_v,
            u_l3_v, came_ms, odd)
        select of_day, f.feeder,
               case when count(r.p_l1_w) > 0 then array_agg(r.p_l1_w order by n) end,
               case when count(r.p_l2_w) > 0 then array_agg(r.p_l2_w order by n) end,
               case when count(r.p_l3_w) > 0 then array_agg(r.p_l3_w order by n) end,
               case when count(r.i_l1_a) > 0 then array_agg(r.i_l1_a order by n) end,
               case when count(r.i_l2_a) > 0 then array_agg(r.i_l2_a order by n) end,
               case when count(r.i_l3_a) > 0 then array_agg(r.i_l3_a order by n) end,
               case when count(r.u_l1_v) > 0 then array_agg(r.u_l1_v order by n) end,
               case when count(r.u_l2_v) > 0 then array_agg(r.u_l2_v order by n) end,
               case when count(r.u_l3_v) > 0 then array_agg(r.u_l3_v order by n) end,
               array_agg(case when r.arrived >= r.quarter and r.arrived < r.quarter + interval '20 days'
                              then (extract(epoch from r.arrived - r.quarter) * 1000)::integer
                              when r.arrived is not null then -1 end order by n),
               coalesce(jsonb_object_agg(n, jsonb_strip_nulls(jsonb_build_object(
                       'quality', nullif(r.quality, 'good'), 'reason', r.reason,
                       'arrived', case when r.arrived < r.quarter or r.arrived >= r.quarter + interval '20 days'
                                       then r.arrived end,
                       'revised', r.revised, 'revision', nullif(r.revision, 0))))
                   filter (where r.quality <> 'good' or r.reason is not null or r.revised is not null
                       or r.revision <> 0 or r.arrived < r.quarter
                       or r.arrived >= r.quarter + interval '20 days'), '{}')
          from (select distinct r.feeder from rolled r) f cross join generate_series(1, 96) n
          left join rolled r on r.feeder = f.feeder
           and r.quarter = of_day + (n - 1) * interval '15 min'
         group by f.feeder
        on conflict (feeder, day) do update set (p_l1_w, p_l2_w, p_l3_w, i_l1_a, i_l2_a, i_l3_a, u_l1_v,
                u_l2_v, u_l3_v, came_ms, odd)
            = (excluded.p_l1_w, excluded.p_l2_w, excluded.p_l3_w, excluded.i_l1_a, excluded.i_l2_a,
               excluded.i_l3_a, excluded.u_l1_v, excluded.u_l2_v, excluded.u_l3_v, excluded.came_ms,
               excluded.odd);
    return count;
end $$;

-- Roll up the month of `at` and drop its partition; who writes into it meanwhile waits. Returns how
-- many quarter hours that were.
create function dali.roll_month(at timestamptz) returns bigint language plpgsql as $$
declare
    first timestamptz := date_trunc('month', at, 'UTC');
    part regclass := to_regclass('dali.' || to_char(first at time zone 'UTC', '"quarter_"YYYY"_"MM'));
    year text := 'day_' || to_char(first at time zone 'UTC', 'YYYY');
    count bigint := 0;
begin
    if part is not null then
        execute format('lock table %s in share mode', part);
    end if;
    lock table dali.quarter_late in share row exclusive mode;
    if to_regclass('dali.' || year) is null then
        execute format('create table dali.%I partition of dali.day for values from (%L) to (%L)', year,
            date_trunc('year', first, 'UTC'), date_trunc('year', first, 'UTC') + interval '1 year');
    end if;
    for day in 0..30 loop
        exit when first + make_interval(days => day) >= first + interval '1 month';
        count := count + dali.roll_day(first + make_interval(days => day));
    end loop;
    if part is not null then
        execute format('drop table %s', part);
    end if;
    delete from dali.quarter_late q where q.quarter >= first and q.quarter < first + interval '1 month';
    return count;
end $$;

-- The months that ended before `cut` and still stand by the quarter hour.
create function dali.months_before(cut timestamptz) returns setof timestamptz language sql stable as $$
    select m from (
        select to_date(right(c.relname, 7), 'YYYY_MM')::timestamp at time zone 'UTC' as m
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'dali.quarter'::regclass and c.relname ~ '^quarter_\d{4}_\d\d$'
        union select date_trunc('month', q.quarter, 'UTC') from dali.quarter_late q) x
     where m + interval '1 month' <= cut order by m
$$;

-- When a feeder that used to report fell silent, and when it was back.
create table dali.silence (
    feeder integer not null,        -- grid.feeder.number
    since  timestamptz not null,    -- the last quarter heard
    told   timestamptz not null,    -- when that was noticed
    back   timestamptz,             -- when it reported again; null: still silent
    primary key (feeder, since)
);
create unique index silence_now on dali.silence (feeder) where back is null;

-- Lines and messages that could not be taken, so that nothing is lost without a trace.
create table dali.refused (
    id      bigint generated always as identity primary key,
    at      timestamptz not null,
    source  text not null,           -- topic, or file:line
    reason  text not null,
    content text not null            -- its first 1,000 characters
);
create unique index refused_once on dali.refused (at, source, md5(content)); -- a repeat is one

-- Doorbell "dali_quarter": payload is the number of a transformer with news.

-- A gateway tells what became of a message, and what it does. Topic socmod/v1/gateway/<equipment id>/receipt
create table field.receipt (
    id           bigint generated always as identity primary key,
    meter        integer not null,       -- grid.meter.number
    at           timestamptz not null,   -- the gateway's own time
    arrived      timestamptz not null,
    state        text not null check (state in ('seen', 'accepted', 'refused', 'applied', 'ended')),
    digest       text not null,          -- SHA-256 of the decoded message, lower-case hex; '' for none
    mode         text not null check (mode in ('starting', 'own', 'limited', 'safe')),
    reason       text not null,
    limit_w      integer,                -- the limit meant, W; null: the charger's own
    register     text,                   -- what the charger's register shows, with its unit: '60 x 100 W'
    register_w   integer,                -- the same in W
    unique (meter, digest, state, at)
);
create index on field.receipt (digest, meter, at, id);
create index on field.receipt (meter, arrived, id);
create index on field.receipt (arrived, id);
create index on field.receipt (state, arrived, id);

-- What the meter measured over a quarter. Topic socmod/v1/gateway/<equipment id>/load
create table field.load (
    quarter   timestamptz not null check (extract(epoch from quarter)::bigint % 900 = 0),
    meter     integer not null,
    p_l1_w    integer,              -- mean per phase of the connection (not of the grid)
    p_l2_w    integer,
    p_l3_w    integer,
    energy_wh integer,
    limit_w   integer,              -- in force at its end
    mode      text,
    arrived   timestamptz not null,
    primary key (quarter, meter)
) partition by range (quarter);
create index on field.load (meter, quarter desc);

-- The newest word of each gateway. Topic socmod/v1/gateway/<equipment id>/status, retained, with last will
create table field.gateway (
    meter   integer primary key,
    online  boolean not null,
    mode    text not null,
    reason  text not null,
    since   timestamptz,            -- of the mode
    limit_w integer,
    at      timestamptz,            -- the gateway's own time of it; a last will leaves it
    arrived timestamptz not null
);
create index on field.gateway (mode, meter);
create index on field.gateway (online, meter);
-- Doorbell "field_receipt": payload is the number of a meter.
