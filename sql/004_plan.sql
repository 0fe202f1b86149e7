-- SPDX-License-Identifier: Apache-2.0
-- What was known, foreseen and decided, and why.

-- Whose turn a transformer is: one row each, claimed with SKIP LOCKED.
create table plan.turn (
    transformer integer primary key,
    quarter     timestamptz,          -- of its last round, as are the following
    basis       timestamptz,
    revision    bigint not null default 0,
    -- how fresh the measurements behind it were, as plan.round says it, and whether a feeder has
    -- chargers that nobody hears: so that a change is told once
    sight       text not null default 'fresh',
    deaf        boolean not null default false,
    congested   boolean not null default false, -- in its last round: next time it comes first
    rounds      bigint not null default 0
);

-- Which planners work: they share the transformers by number.
create table plan.planner (
    name text primary key,
    seen timestamptz          -- at the start of a quarter hour; null: it stopped
);

-- One round of one transformer. `quarter` is the quarter hour that is decided about (the one that
-- runs), `basis` the newest measured one. The same knowledge is never planned with twice.
create table plan.round (
    id          uuid primary key,     -- UUIDv7
    transformer integer not null,
    quarter     timestamptz not null,
    basis       timestamptz,          -- null: nothing measured
    -- fingerprint of the measurements used (feeder, phase, quarter, how often corrected): a late
    -- or corrected one makes another
    revision    bigint not null default 0,
    started     timestamptz not null,
    finished    timestamptz not null,
    planner     text not null,
    congested   boolean not null,
    -- the oldest measurement of a phase with a limit: 'fresh', of the quarter hour before; 'late',
    -- up to two hours old; 'blind', older; 'lost', older than a day
    sight       text not null default 'fresh' check (sight in ('fresh', 'late', 'blind', 'lost')),
    blind       boolean not null default false, -- 'blind' or 'lost'
    unique nulls not distinct (transformer, quarter, basis, revision)
);
create index on plan.round (quarter, transformer);

-- What follows belongs to a round of the same transaction. No foreign key says so: checking one
-- for each of a million rows takes longer than planning them. A round's identifier says when it was
-- made: by it the rows go into months (plan.ensure_month), which are dropped one day
-- (013_retention.sql); any other identifier's go to the table "other".

-- Per feeder and phase (feeder null: the transformer itself): all W.
create table plan.forecast (
    round      uuid not null,
    feeder     integer,
    phase      smallint not null check (phase between 1 and 3),  -- grid phase
    limit_w    integer,               -- null: no limit here
    measured_w integer,               -- last measured; null: missing
    measured_at timestamptz,          -- its quarter
    controlled_w integer not null,    -- of that, drawn by chargers that we know
    base_w     integer not null,      -- foreseen without the chargers
    margin_w   integer not null,      -- kept free
    headroom_w integer,               -- limit - base - margin; null: no limit, or nothing measured
    reserved_w integer not null default 0, -- of it, kept for cars that may arrive
    demand_w   integer not null,      -- what the cars there could draw
    given_w    integer not null,      -- what they can draw under the limits after this round
    chargers   integer not null,      -- connections that we steer
    -- of the base load, how far above it may come in 10 and 5 of 100; null: not known
    p90_w      integer,
    p95_w      integer,
    -- how base_w was found: 'last', the last measurement carried forward; 'profile', what is usual
    -- with what is left of the last difference; 'ridge', an online regression; 'none'
    method     text not null default 'last' check (method in ('none', 'last', 'profile', 'ridge'))
) partition by range (round);
create index on plan.forecast (round);
create table plan.forecast_other partition of plan.forecast default;

-- The hours ahead as the round saw them, for looking back and for a picture: base loads and their
-- bands for the quarter hours `quarter of the round + n hours`, n from 0. Once an hour, and in every
-- round that found its transformer congested. feeder null: the transformer itself.
create table plan.outlook (
    round  uuid not null,
    feeder integer,
    phase  smallint not null check (phase between 1 and 3),
    base_w integer[] not null,
    p90_w  integer[] not null,
    p95_w  integer[] not null
) partition by range (round);
create index on plan.outlook (round);
create table plan.outlook_other partition of plan.outlook default;

-- What the planner has learnt of a feeder (0: of the transformer itself), in its own form. Written
-- now and then, for a planner that starts.
create table plan.series (
    transformer integer not null,
    feeder      integer not null,
    quarter     timestamptz not null, -- the last one learnt from
    state       bytea not null,
    primary key (transformer, feeder)
);
alter table plan.series alter column state set storage external; -- it does not compress

-- Per connection: only where something bound, or was said.
create table plan.share (
    round      uuid not null,
    connection integer not null,
    demand_w   integer not null,
    share_w    integer not null,      -- whole connection
    -- 'demand', 'contract', 'floor', 'feeder F1 L2', 'transformer T1 L3'; 'pause': below 6 A, in
    -- turns; 'idle': no car, others held low; 'interval', 'delivery': its meter takes no message
    -- now, or did not confirm the last; 'no data': nothing measured; 'no meters': nobody hears what
    -- it draws; 'by hand': grid.manual_limit
    bound_by   text not null,
    decision   text not null check (decision in ('send', 'keep', 'free')),
    reason     text not null,         -- in words
    profile    uuid,                  -- the one sent, or the one kept
    primary key (round, connection)
) partition by range (round);
create table plan.share_other partition of plan.share default;

-- Make the partition of a month of one of these three: all that the planner may make.
create function plan.ensure_month(parent regclass, at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if parent not in ('plan.forecast'::regclass, 'plan.outlook'::regclass, 'plan.share'::regclass) then
        raise exception 'not a table of rounds: %', parent;
    end if;
    perform grid.ensure_month(parent, at);
end $$;

-- A message that a meter should show. Newest wins.
create table plan.profile (
    id          uuid primary key,     -- UUIDv7: the identifier that the audit follows
    round       uuid not null,
    connection  integer not null,
    meter       integer not null,
    valid_from  timestamptz not null,
    valid_to    timestamptz not null,
    limit_w     integer not null,     -- of its first period
    text        text not null check (length(text) between 1 and 1024 and text !~ '[\r\n]'),
    digest      text not null,        -- SHA-256 of text, lower-case hex
    -- 0 first. 0: by hand, and not held back by the meter's message interval; 1: by hand; 3 lowers
    -- a limit, 5 raises one, 7 is for a car that may come
    priority    smallint not null default 5 check (priority between 0 and 9),
    not_after   timestamptz not null, -- useless later
    created     timestamptz not null
);
create index on plan.profile (meter, created desc);
create index on plan.profile (created, id); -- socmod-p3 reads on from the last one that it took
create index on plan.profile (digest);
create index on plan.profile (round);
create index profile_by_hand on plan.profile (meter, valid_to) where priority <= 1;
-- Doorbells: "plan_profile" (payload: how many), "plan_round" (payload: round id).
