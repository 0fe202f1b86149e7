-- SPDX-License-Identifier: Apache-2.0
-- What became of each message.

create table p3.delivery (
    profile     uuid primary key,     -- plan.profile.id
    meter       integer not null,
    route       text not null check (route in ('head-end', 'dlms')),
    state       text not null check (state in ('queued', 'connecting', 'written', 'verified', 'seen',
                    'applied', 'superseded', 'expired', 'refused', 'failed')),
    cause       text not null default '', -- of the last failure, refusal or end
    priority    smallint not null,
    digest      text not null,
    not_after   timestamptz not null,
    attempts    integer not null default 0,
    next_at     timestamptz not null, -- not tried before
    claimed_by  text,
    claimed_until timestamptz,        -- then someone else may
    queued_at   timestamptz not null,
    written_at  timestamptz,
    verified_at timestamptz,
    seen_at     timestamptz,          -- on P1, by the gateway's receipt
    applied_at  timestamptz,          -- in the charger's register, by the gateway's receipt
    ended_at    timestamptz           -- superseded, expired, refused or failed
);
-- at most one message is wanted for a meter
create unique index delivery_wanted on p3.delivery (meter) where state in ('queued', 'connecting');
create index delivery_due on p3.delivery (priority, next_at) where state in ('queued', 'connecting');
create index delivery_unconfirmed on p3.delivery (digest) where state in ('written', 'verified', 'seen');
create index on p3.delivery (meter, queued_at desc);

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
create index on p3.attempt (profile);
-- Doorbell "p3_delivery": payload is the profile id.
