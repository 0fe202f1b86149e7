-- SPDX-License-Identifier: Apache-2.0
-- What was kept long enough goes: whole months where a table has them, else day by day. Called by
-- socmod-admin tidy, which knows for how long, as the owner; nobody else may.
--
--   quarters      dali.day                                      years
--   loads         field.load; dali.refused                      months; by time
--   explanations  plan.forecast, outlook, share; plan.round     months; by day
--                 where no profile came of it
--   records       plan.profile, p3.delivery, p3.attempt,        by day
--                 field.receipt, their plan.round; dali.silence
--
-- Records are the account of who was limited, when and by how much: they go after the trail of their
-- time (audit.retire), never before.

-- From before this nothing may be there any more, or not all. So that an answer can say so instead of
-- telling a part for the whole.
create table audit.retired (
    what   text primary key check (what in ('quarters', 'loads', 'explanations', 'records')),
    before timestamptz not null
);

create function audit.note_retired(a_what text, a_before timestamptz) returns void language sql as $$
    insert into audit.retired as r (what, before) values (a_what, a_before)
        on conflict (what) do update set before = greatest(r.before, excluded.before)
$$;

-- What of a time on may not be there any more, as names of the first column above; empty: nothing.
create function audit.not_kept(at timestamptz) returns jsonb language sql stable parallel safe
    return (select coalesce(jsonb_agg(r.what order by r.what), '[]') from audit.retired r where r.before > not_kept.at);

-- Whose time ended before `cut`, of all partitions of these tables that are years or months.
create function grid.parts_before(parents regclass[], cut timestamptz)
    returns table (part regclass, ended timestamptz) language sql stable as $$
    select x.part, x.ended from (
        select c.oid::regclass as part,
               case when c.relname ~ '_\d{4}_\d\d$'
                    then to_date(right(c.relname, 7), 'YYYY_MM')::timestamp at time zone 'UTC' + interval '1 month'
                    when c.relname ~ '_\d{4}$'
                    then to_date(right(c.relname, 4), 'YYYY')::timestamp at time zone 'UTC' + interval '1 year'
               end as ended
          from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = any(parents)) x
     where x.ended <= cut order by x.part::text
$$;

-- Up to where records may go: nothing of which an event still stands, or that an explanation still
-- refers to.
create function plan.records_cut(cut timestamptz, explanations_cut timestamptz) returns timestamptz
    language sql stable
    return date_trunc('month', least(cut, explanations_cut, (select min(e.at) from audit.event e)), 'UTC');

-- The first day from `since` on, before `cut`, that has rounds; that has records.
create function plan.day_of_rounds(since timestamptz, cut timestamptz) returns timestamptz language sql stable
    return (select date_trunc('day', min(r.quarter), 'UTC') from plan.round r
             where r.quarter >= since and r.quarter < cut);
create function plan.day_of_records(since timestamptz, cut timestamptz) returns timestamptz language sql stable
    return date_trunc('day', least(
        (select min(p.created) from plan.profile p where p.created >= since and p.created < cut),
        (select min(e.arrived) from field.receipt e where e.arrived >= since and e.arrived < cut)), 'UTC');

-- Remove the explanations of a day's rounds that are in no month, and the rounds of which no profile
-- came. Tells how many of what.
create function plan.remove_rounds(day timestamptz) returns table (what text, count bigint)
    language plpgsql as $$
declare
    day_end timestamptz := day + interval '1 day';
begin
    perform audit.note_retired('explanations', day_end);
    return query with
        f as (delete from plan.forecast_other x where x.round in
                (select r.id from plan.round r where r.quarter >= day and r.quarter < day_end) returning 1),
        o as (delete from plan.outlook_other x where x.round in
                (select r.id from plan.round r where r.quarter >= day and r.quarter < day_end) returning 1),
        s as (delete from plan.share_other x where x.round in
                (select r.id from plan.round r where r.quarter >= day and r.quarter < day_end) returning 1),
        r as (delete from plan.round x where x.quarter >= day and x.quarter < day_end
                 and not exists (select from plan.profile p where p.round = x.id) returning 1)
        select 'rounds', count(*) from r union all select 'forecasts', count(*) from f
        union all select 'outlooks', count(*) from o union all select 'shares', count(*) from s;
end $$;

-- Remove what was made and told on a day: profiles that have ended, with all that became of them, the
-- rounds that they came of, and receipts that belong to none. What has not ended by `cut`, or was
-- never taken over for delivery, stays with all that belongs to it.
create function plan.remove_records(day timestamptz, cut timestamptz) returns table (what text, count bigint)
    language plpgsql set client_min_messages = warning as $$
declare
    day_end timestamptz := day + interval '1 day';
    profiles bigint;
    deliveries bigint;
    attempts bigint;
    receipts bigint;
    rounds bigint;
begin
    perform audit.note_retired('records', day_end);
    create temp table if not exists ended (id uuid primary key, round uuid) on commit drop;
    truncate ended;
    insert into ended select p.id, p.round from plan.profile p join p3.delivery d on d.profile = p.id
     where p.created >= day and p.created < day_end and p.valid_to <= cut and p.not_after <= cut
       and d.state not in ('queued', 'connecting');
    analyze ended;
    delete from p3.attempt a using ended e where a.profile = e.id;
    get diagnostics attempts = row_count;
    delete from p3.delivery d using ended e where d.profile = e.id;
    get diagnostics deliveries = row_count;
    delete from plan.profile p using ended e where p.id = e.id;
    get diagnostics profiles = row_count;
    delete from plan.round r where r.id in (select e.round from ended e)
       and r.quarter < (select x.before from audit.retired x where x.what = 'explanations')
       and not exists (select from plan.profile p where p.round = r.id);
    get diagnostics rounds = row_count;
    delete from field.receipt e where e.arrived >= day and e.arrived < day_end
       and not exists (select from plan.profile p where p.digest = e.digest and p.meter = e.meter);
    get diagnostics receipts = row_count;
    return query values ('profiles', profiles), ('deliveries', deliveries), ('attempts', attempts),
        ('receipts', receipts), ('rounds', rounds);
end $$;

-- Remove what is little and has no days: lines that could not be taken, and silences that are over.
create function dali.remove_rest(loads_cut timestamptz, records_cut timestamptz)
    returns table (what text, count bigint) language sql as $$
    with r as (delete from dali.refused x where x.at < loads_cut returning 1),
         s as (delete from dali.silence x where x.back < records_cut returning 1)
    select 'refused', count(*) from r union all select 'silences', count(*) from s
$$;
