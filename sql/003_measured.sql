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
create index on field.receipt (digest, meter);
create index on field.receipt (meter, arrived, id);
create index on field.receipt (arrived, id);

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
-- Doorbell "field_receipt": payload is the number of a meter.
