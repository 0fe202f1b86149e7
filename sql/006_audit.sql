-- SPDX-License-Identifier: Apache-2.0
-- What happened besides the facts in the other schemas: refusals, outages, actions by hand.
-- Append-only by grants and by trigger.

create table audit.event (
    id      bigint generated always as identity,
    at      timestamptz not null,
    program text not null,
    kind    text not null check (kind ~ '^[a-z0-9_]+\.[a-z0-9_]+$'), -- thing.happened
    subject text not null default '',  -- 'meter 12', 'feeder F1', a profile's id
    data    jsonb not null default '{}',
    primary key (id)
);
create index on audit.event (at, id);
create index on audit.event (kind, at, id);
create index on audit.event (subject, at, id);

create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit.event is append-only';
end $$;
create trigger append_only before update or delete or truncate on audit.event
    for each statement execute function audit.refuse_change();

-- Times as the API tells them, RFC 3339: whole seconds for what is set to them, milliseconds for
-- what happened; and as a number. Not more than the server can write into the statement in their
-- place: called as functions they would cost more than all the rest.
create function audit.at_s(at timestamptz) returns text language sql stable strict parallel safe
    return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
create function audit.at_ms(at timestamptz) returns text language sql stable strict parallel safe
    return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
create function audit.at_us(at timestamptz) returns bigint language sql stable strict parallel safe
    return (extract(epoch from at) * 1000000)::bigint;

-- Who may read the API. Written by socmod-admin.
create table audit.token (
    id      integer generated always as identity primary key,
    name    text not null unique,
    hash    text not null unique,      -- SHA-256 of the token, lower-case hex
    role    text not null check (role in ('viewer', 'auditor', 'operator', 'metrics')),
    created timestamptz not null,
    expires timestamptz not null
);
