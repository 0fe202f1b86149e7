-- SPDX-License-Identifier: Apache-2.0
-- The trail: what happened besides the facts in the other schemas: refusals, outages, actions by
-- hand. Append-only by grants and by trigger, and sealed: each event carries a hash over itself and
-- the event before it, so that nothing can be changed, taken out, put in or moved without a trace.
--
-- Programs insert at, program, kind, subject and data, any number of rows at once and in the
-- transaction of the fact; the triggers below do the rest. The events stand in shards, each a chain
-- of its own that one transaction at a time adds to. A transaction takes any shard of its role that
-- is free and makes one where none is: so nobody waits for anybody, and there are as many shards as
-- a role ever had transactions with events at the same moment. Within a shard sequence counts
-- without a gap, and id grows with it; ids alone have gaps and come into sight in any order.
--
-- What is hashed, by SHA-256, in UTF-8 and decimal numbers without leading zeros:
--
--   content  "<id> <at> <n> <program><n> <kind><n> <subject><data>"
--            at: seconds since 1970 with six decimals; n: octets of the text that follows its
--            blank; data: as jsonb shows itself
--   hash     the 32 octets of the hash before (zeros before the first event), the 32 octets of the
--            content's, "<shard> <sequence>"

do $$ begin
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'the database must have the encoding UTF8';
    end if;
end $$;

create table audit.shard (
    number        integer generated always as identity primary key,
    role          name not null,               -- whose sessions write it
    sequence      bigint not null default 0,   -- of the last event
    id            bigint not null default 0,
    hash          bytea not null default decode(repeat('00', 32), 'hex'),
    base_sequence bigint not null default 0,   -- up to here events were retired
    base_hash     bytea not null default decode(repeat('00', 32), 'hex')
) with (fillfactor = 20);

create table audit.event (
    id       bigint generated always as identity,
    at       timestamptz not null check (isfinite(at)),
    program  text not null,
    kind     text not null check (kind ~ '^[a-z0-9_]+\.[a-z0-9_]+$'), -- thing.happened
    subject  text not null default '',  -- 'meter 12', 'feeder F1', a profile's id
    data     jsonb not null default '{}',
    shard    integer not null,
    sequence bigint not null,
    hash     bytea not null
) partition by range (at);
create index on audit.event (at, id);
create index on audit.event (kind, at, id);
create index on audit.event (subject, at, id);
create index on audit.event (program, at, id);
create index on audit.event (shard, sequence);
-- An event is never lost for want of a month.
create table audit.event_other partition of audit.event default;

create function audit.content(id bigint, at timestamptz, program text, kind text, subject text,
                              data jsonb) returns bytea
    language sql immutable strict parallel safe
    return sha256(convert_to(id::text || ' ' || extract(epoch from at)::text || ' '
        || octet_length(program)::text || ' ' || program || octet_length(kind)::text || ' ' || kind
        || octet_length(subject)::text || ' ' || subject || data::text, 'UTF8'));

create function audit.link(before bytea, shard integer, sequence bigint, content bytea) returns bytea
    language sql immutable strict parallel safe
    return sha256(before || content || convert_to(shard::text || ' ' || sequence::text, 'UTF8'));

-- Before the rows of a statement: take a shard, the one that this transaction has already where it
-- has one, and hold it until the transaction ends. Where the
-- chain stands goes from row to row in settings of the transaction, which costs least; that nobody
-- else set them is checked at the end.
create function audit.take_shard() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    head audit.shard;
begin
    select * into head from audit.shard s where s.role = session_user
     order by s.number::text <> coalesce(current_setting('audit.held', true), ''), s.number
       for update skip locked limit 1;
    if not found then
        insert into audit.shard (role) values (session_user) returning * into head;
    end if;
    perform set_config('audit.shard', head.number::text, true),
            set_config('audit.held', head.number::text, true),
            set_config('audit.sequence', head.sequence::text, true),
            set_config('audit.hash', encode(head.hash, 'hex'), true);
    return null;
end $$;

-- A statement that is an expression costs a third of one that is a query, hence "kept".
create function audit.seal_row() returns trigger language plpgsql as $$
declare
    kept text;
begin
    if coalesce(current_setting('audit.shard', true), '') = '' then
        raise exception 'events go into audit.event itself, one statement at a time';
    end if;
    new.shard := current_setting('audit.shard')::integer;
    new.sequence := current_setting('audit.sequence')::bigint + 1;
    new.hash := audit.link(decode(current_setting('audit.hash'), 'hex'), new.shard, new.sequence,
        audit.content(new.id, new.at, new.program, new.kind, new.subject, new.data));
    kept := set_config('audit.sequence', new.sequence::text, true);
    kept := set_config('audit.hash', encode(new.hash, 'hex'), true);
    return new;
end $$;

-- After them: check the whole statement once more against the shard, and move its head.
create function audit.seal_statement() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    head audit.shard;
    rows bigint;
    is_chain boolean;
    last audit.shard;
begin
    select * into head from audit.shard s
     where s.number = nullif(current_setting('audit.shard', true), '')::integer
       and s.role = session_user;
    select count(*), bool_and(f.shard = head.number and f.sequence = head.sequence + f.n
               and f.id > f.id_before
               and f.hash = audit.link(f.before, f.shard, f.sequence,
                   audit.content(f.id, f.at, f.program, f.kind, f.subject, f.data))),
           max(f.sequence), max(f.id), (array_agg(f.hash order by f.sequence desc))[1]
      into rows, is_chain, last.sequence, last.id, last.hash
      from (select *, row_number() over w as n, lag(hash, 1, head.hash) over w as before,
                   lag(id, 1, head.id) over w as id_before
              from fresh window w as (order by sequence)) f;
    perform set_config('audit.shard', '', true);
    if rows = 0 then
        return null;
    end if;
    if is_chain is not true then
        raise exception 'the seal of new events does not follow that of their shard';
    end if;
    update audit.shard s set sequence = last.sequence, id = last.id, hash = last.hash
     where s.number = head.number;
    return null;
end $$;

create trigger take_shard before insert on audit.event
    for each statement execute function audit.take_shard();
create trigger seal_row before insert on audit.event
    for each row execute function audit.seal_row();
create trigger seal_statement after insert on audit.event referencing new table as fresh
    for each statement execute function audit.seal_statement();

-- Those for each row also stand on the partitions, those for each statement do not.
create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only', tg_table_schema, tg_argv[0];
end $$;
create trigger append_only before update or delete or truncate on audit.event
    for each statement execute function audit.refuse_change('event');
create trigger append_only_row before update or delete on audit.event
    for each row execute function audit.refuse_change('event');
create trigger append_only before truncate on audit.event_other
    for each statement execute function audit.refuse_change('event');

-- Make the partitions of the month of `at` and the two after it, where they are missing. Not that
-- of a month of which events stand in event_other.
create function audit.ensure_months(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    month timestamptz;
    part text;
begin
    for ahead in 0..2 loop
        month := date_trunc('month', at, 'UTC') + make_interval(months => ahead);
        part := to_char(month at time zone 'UTC', '"event_"YYYY"_"MM');
        if to_regclass('audit.' || part) is null then
            perform grid.ensure_month('audit.event', month);
            if to_regclass('audit.' || part) is not null then
                execute format('create or replace trigger append_only before truncate on audit.%I'
                    ' for each statement execute function audit.refuse_change(''event'')', part);
            end if;
        end if;
    end loop;
end $$;

-- Where the shards stood, signed: one text for all, so that not even a whole shard can go. Written
-- by socmod-audit --sign-heads and by socmod-admin retire; common/wire/trail_head.h has its form.
create table audit.head (
    number    bigint primary key check (number > 0), -- 1, 2, ...
    at        timestamptz not null,
    document  text not null,
    key       text not null,           -- the public one, base64url
    signature bytea not null           -- Ed25519 over the octets of document
);
create trigger append_only before update or delete or truncate on audit.head
    for each statement execute function audit.refuse_change('head');

-- What socmod-audit --verify found.
create table audit.verification (
    id       bigint generated always as identity primary key,
    started  timestamptz not null,
    finished timestamptz not null,
    after    bigint,                   -- audit.head.number from which on; null: everything
    events   bigint not null,          -- looked at
    heads    bigint not null,          -- signed heads checked
    intact   boolean not null,
    fault    text not null default ''  -- the first
);
create trigger append_only before update or delete or truncate on audit.verification
    for each statement execute function audit.refuse_change('verification');

-- Remove the events of the months before `cut`, and say how many. Of each shard a beginning goes, so
-- that its chain stays in one piece: an event older than `cut` behind one that stays moves to
-- event_other, until the next time. Only the owner may; socmod-admin retire signs what stays.
create function audit.retire(cut timestamptz) returns bigint language plpgsql as $$
declare
    part regclass;
    removed bigint;
begin
    if cut <> date_trunc('month', cut, 'UTC') then
        raise exception 'not the first of a month: %', cut;
    end if;
    lock table audit.event in access exclusive mode;
    with reach as (
        select s.number, s.base_sequence, (select max(e.sequence) from audit.event e
                where e.shard = s.number and e.at < cut) as last
          from audit.shard s),
    base as (
        select r.number, r.base_sequence as former, coalesce((select min(e.sequence) - 1 from audit.event e
                where e.shard = r.number and e.at >= cut and e.sequence <= r.last), r.last) as sequence
          from reach r where r.last is not null),
    moved as (
        update audit.shard s set base_sequence = e.sequence, base_hash = e.hash
          from base b join audit.event e on e.shard = b.number and e.sequence = b.sequence
         where s.number = b.number and b.sequence > b.former
        returning b.sequence - b.former as count)
    select coalesce(sum(count), 0) into removed from moved;

    alter table audit.event_other disable trigger user;
    delete from audit.event_other e using audit.shard s
     where e.at < cut and s.number = e.shard and e.sequence <= s.base_sequence;
    for part in
        select i.inhrelid from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'audit.event'::regclass and c.relname ~ '^event_\d{4}_\d\d$'
           and c.relname < to_char(cut at time zone 'UTC', '"event_"YYYY"_"MM')
    loop
        execute format('alter table audit.event detach partition %s', part);
        execute format('insert into audit.event_other (id, at, program, kind, subject, data, shard, sequence, hash)'
            ' select e.id, e.at, e.program, e.kind, e.subject, e.data, e.shard, e.sequence, e.hash'
            ' from %s e join audit.shard s on s.number = e.shard and e.sequence > s.base_sequence', part);
        execute format('drop table %s', part);
    end loop;
    alter table audit.event_other enable trigger user;
    return removed;
end $$;

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
