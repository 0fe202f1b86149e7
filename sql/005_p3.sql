-- SPDX-License-Identifier: Apache-2.0
-- What became of each message.

create table p3.delivery (
    profile     uuid primary key,     -- plan.profile.id
    meter       integer not null,
    route       text not null check (route in ('head-end', 'dlms')),
    lane        text not null default '', -- route, and the head-end or cell that caps count for:
                                          -- 'head-end/HE1', 'dlms/C7', 'dlms'
    destination text not null default '', -- host of route dlms, that caps count for as well
    state       text not null check (state in ('queued', 'connecting', 'written', 'verified', 'seen',
                    'applied', 'superseded', 'expired', 'refused', 'failed')),
    cause       text not null default '', -- of the last failure, refusal, end or wait
    priority    smallint not null check (priority between 0 and 9), -- 0 first
    digest      text not null,
    valid_from  timestamptz not null default '-infinity', -- of one priority, the soonest goes first
    not_after   timestamptz not null,
    attempts    integer not null default 0,
    next_at     timestamptz not null, -- not tried before
    claimed_by  text,
    claimed_at  timestamptz,
    claimed_until timestamptz,        -- then someone else may
    queued_at   timestamptz not null,
    written_at  timestamptz,
    verified_at timestamptz,
    seen_at     timestamptz,          -- on P1, by the gateway's receipt
    applied_at  timestamptz,          -- in the charger's register, by the gateway's receipt
    ended_at    timestamptz           -- superseded, expired, refused or failed
);
-- At most one message of a meter waits, and at most one is under way: while an older one is, the
-- newest waits for how it ends.
create unique index delivery_waiting on p3.delivery (meter) where state = 'queued';
create unique index delivery_sending on p3.delivery (meter) where state = 'connecting';
create index delivery_due on p3.delivery (lane, priority, valid_from, next_at)
    where state = 'queued';
create index delivery_next on p3.delivery (next_at) where state = 'queued';
create index delivery_busy on p3.delivery (lane, destination) where state = 'connecting';
create index delivery_host on p3.delivery (destination)
    where state = 'connecting' and destination > '';
create index delivery_late on p3.delivery (not_after) where state = 'queued';
create index delivery_unconfirmed on p3.delivery (meter, digest)
    where state in ('queued', 'connecting', 'written', 'verified', 'seen');
create index delivery_cause on p3.delivery (cause) where cause <> '';
create index delivery_written on p3.delivery (meter, written_at desc) where written_at is not null;

create table p3.attempt (
    id       bigint generated always as identity primary key,
    profile  uuid not null,
    number   integer not null,        -- 1, 2, ... of the delivery
    started  timestamptz not null,
    finished timestamptz not null,
    result   text not null check (result in ('verified', 'written', 'retry', 'refused')),
    cause    text not null,           -- 'timeout', 'no-route', 'digest-differs', ...
    detail   text not null default ''
);
create index on p3.attempt (profile, number, id);

-- Where the rate of new connections is bounded: when the next one would be due if all were evenly
-- spaced. Written by whoever claims, which one process at a time does.
create table p3.pace (
    place   text primary key,         -- 'all', 'dlms', 'dlms/C7', '@10.0.0.1'
    next_at timestamptz not null
);
create index on p3.pace (next_at);

-- How often in a row a meter was not reached; a later message rests as long as the earlier would.
create table p3.reach (
    meter      integer primary key,
    failures   integer not null,      -- 0: the last attempt reached it
    since      timestamptz not null,  -- of the first of them
    rest_until timestamptz not null,
    cause      text not null
);
-- Doorbell "p3_delivery": payload is the profile id.
