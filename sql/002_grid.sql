-- SPDX-License-Identifier: Apache-2.0
-- The grid: a transformer feeds feeders, a feeder connections, a connection has one meter and
-- one or more chargers. `number` is what other tables and logs say; `id` is the operator's name.
-- limit_w: W per grid phase L1, L2, L3; null: no limit at that place.

create table grid.transformer (
    number  integer generated always as identity primary key,
    id      grid.identifier not null unique,
    name    text not null default '',
    limit_w integer[] check (array_length(limit_w, 1) = 3 and 0 <= all (limit_w))
);

create table grid.feeder (
    number      integer generated always as identity primary key,
    id          grid.identifier not null unique,
    transformer integer not null references grid.transformer,
    limit_w     integer[] check (array_length(limit_w, 1) = 3 and 0 <= all (limit_w))
);
create index on grid.feeder (transformer, id);

create table grid.connection (
    number     integer generated always as identity primary key,
    ean        text not null unique check (ean ~ '^[0-9]{18}$'),
    feeder     integer not null references grid.feeder,
    -- the grid phase behind L1, L2, L3 of the connection: '123', '231', '2', ...
    phases     text not null check (phases ~ '^(1|2|3|12|21|13|31|23|32|123|231|312|132|213|321)$'),
    contract_w integer not null check (contract_w > 0),               -- never above, in W
    floor_w    integer not null default 0 check (floor_w >= 0),       -- never below, in W
    weight     real not null default 1 check (weight > 0),            -- of its share
    check (floor_w <= contract_w)
);
create index on grid.connection (feeder);

create table grid.meter (
    number             integer generated always as identity primary key,
    equipment_id       text not null unique check (equipment_id ~ '^[A-Za-z0-9]{1,48}$'), -- 0-0:96.1.1
    connection         integer unique references grid.connection, -- null: taken away
    route              text not null check (route in ('head-end', 'dlms')),
    head_end           grid.identifier,           -- of route head-end
    address            text,                      -- of route dlms: host:port, numeric
    cell               grid.identifier,           -- of route dlms: what many meters share on the way
    type               text not null default 'smr5' check (type ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
    dsmr               text not null default '5' check (dsmr in ('4', '5')),
    message_interval_s integer not null default 3600 check (message_interval_s >= 0),
    check (route <> 'head-end' or head_end is not null),
    check (route <> 'dlms' or address is not null)
);

create table grid.charger (
    number     integer generated always as identity primary key,
    id         grid.identifier not null unique,
    connection integer not null references grid.connection,
    kind       text not null default '',          -- a row of the gateway's charger types
    max_a      real not null check (max_a > 0)    -- per phase
);
create index on grid.charger (connection);

-- Limits set by hand (socmod-admin limit), above all plans: nobody beneath gets more, whatever is
-- planned; contract and plans still hold where they are lower. In force from `started` until `ends`
-- or `released`; the rows stay.
create table grid.manual_limit (
    number       integer generated always as identity primary key,
    transformer  integer references grid.transformer,
    feeder       integer references grid.feeder,
    connection   integer references grid.connection,  -- of the charger named
    charger      text check ((charger is null) = (connection is null)),
    -- 'phase': what each phase of the transformer or feeder may carry in all, or of the connection
    -- may draw; 'connection': what each connection beneath may draw
    per          text not null check (per in ('phase', 'connection')),
    limit_w      integer not null check (limit_w between 0 and 1000000000),
    reason       text not null check (length(reason) between 1 and 300),
    made_by      text not null,
    started      timestamptz not null,
    ends         timestamptz not null check (ends > started),
    released     timestamptz check (released >= started),  -- before its end
    released_by  text,
    released_why text,
    check (num_nonnulls(transformer, feeder, connection) = 1)
);
create index manual_limit_ends on grid.manual_limit (ends);
create index on grid.manual_limit (transformer) where transformer is not null;
create index on grid.manual_limit (feeder) where feeder is not null;
create index on grid.manual_limit (connection) where connection is not null;
-- Doorbell "grid_limit": payload is the number of a transformer.
