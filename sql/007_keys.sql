-- SPDX-License-Identifier: Apache-2.0
-- Keys of meters, wrapped, and the invocation counters that they are used with.
--
-- A counter belongs to a key and our system title, not to a meter: under AES-GCM those two and a
-- counter must never come together twice. So a new key has a row of its own, and the row of an old
-- one stays for ever, should that key come back. Nothing here goes down: triggers see to it.

-- Master keys that wrap, or wrapped until they were replaced. Not the keys: their names.
create table keys.master (
    id      text primary key check (id ~ '^[0-9a-f]{16}$'), -- follows from the key
    current boolean not null,       -- wraps what is new; the others are being replaced
    since   timestamptz not null
);
create unique index master_current on keys.master (current) where current;

create table keys.counter (
    key           bytea primary key check (octet_length(key) = 16), -- digest of key and our title
    meter         integer not null references grid.meter,
    next          bigint not null check (next between 0 and 4294967296), -- free, as all above it
    used_at       timestamptz,
    meter_counter bigint check (meter_counter between 0 and 4294967295), -- highest seen from it
    meter_title   bytea check (octet_length(meter_title) = 8),  -- that proved to have the keys
    near_end_at   timestamptz,      -- told: the key must be changed
    used_up_at    timestamptz       -- told: nothing is sent any more
) with (fillfactor = 70);
create index counter_alarm on keys.counter (near_end_at) where near_end_at is not null;

create table keys.meter (
    meter          integer primary key references grid.meter,
    version        integer not null default 1, -- grows with each change
    master         text not null references keys.master,
    counter        bytea not null unique references keys.counter,
    -- nonce (12), ciphered key (16), tag (16); authenticated besides: purpose and equipment id
    encryption     bytea not null check (octet_length(encryption) = 44),
    authentication bytea not null check (octet_length(authentication) = 44),
    client_title   bytea not null check (octet_length(client_title) = 8), -- ours
    meter_title    bytea check (octet_length(meter_title) = 8), -- null: whoever has the keys
    client_sap     integer check (client_sap between 1 and 65535), -- null: of the type of meter
    server_sap     integer check (server_sap between 1 and 65535),
    imported       timestamptz not null,
    wrapped        timestamptz not null
);
create index meter_master on keys.meter (master, meter);

-- What tells a database that was put back from a backup from the one it was: every reservation
-- raises serial, and who reserves keeps the highest that he saw in a file of his own. generation
-- is raised by socmod-admin when all counters have been lifted over the gap.
create table p3.counter_state (
    only_one   boolean primary key default true check (only_one),
    database   uuid not null,        -- drawn when the tables were made
    generation bigint not null default 1,
    serial     bigint not null default 0,
    closed     text not null default '' -- why no counters are given; '': they are
);
insert into p3.counter_state (database) values (gen_random_uuid());

-- Who reserves, and what it had seen when it was last heard of.
create table p3.witness (
    name       text primary key,
    generation bigint not null,
    serial     bigint not null,
    seen       timestamptz not null
);

create function keys.refuse_lower() returns trigger language plpgsql as $$
begin
    raise exception '% never goes down, changes its key or goes away', tg_table_name;
end $$;
create trigger never_lower before update on keys.counter for each row
    when (new.next < old.next or new.key <> old.key) execute function keys.refuse_lower();
create trigger never_gone before delete or truncate on keys.counter
    for each statement execute function keys.refuse_lower();
create trigger never_lower before update on p3.counter_state for each row
    when (new.database <> old.database or new.generation < old.generation
          or new.serial < old.serial) execute function keys.refuse_lower();
create trigger never_gone before delete or truncate on p3.counter_state
    for each statement execute function keys.refuse_lower();

-- For who may not look into keys: how many of the keys in use come to the end of their counters.
create view p3.counter_health as
    select count(*) as near_end, count(c.used_up_at) as used_up
      from keys.counter c join keys.meter m on m.counter = c.key
     where c.near_end_at is not null;
