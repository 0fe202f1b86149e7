-- SPDX-License-Identifier: Apache-2.0
-- Set and release limits by hand, ring for the planner, and put the event into the trail: for
-- socmod-admin, and for socmod-audit, which may not write the grid but may call these two.

-- Who asks, as the trail names programs.
create function grid.limit_program() returns text language sql stable
    return case session_user when 'socmod_audit' then 'socmod-audit' else 'socmod-admin' end;

-- Of a 'transformer', 'feeder' or 'charger'. Returns the number of the limit; null: no such place.
create function grid.set_limit(a_now timestamptz, a_place text, a_id text, a_per text, a_limit_w integer,
                               a_reason text, a_who text, a_until timestamptz) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_place record;
    v_replaced jsonb;
    v_number integer;
begin
    select p.* into v_place from (
        select t.number as transformer, null::integer as feeder, null::integer as connection,
               t.number as beneath
          from grid.transformer t where a_place = 'transformer' and t.id = a_id
        union all
        select null, f.number, null, f.transformer from grid.feeder f
         where a_place = 'feeder' and f.id = a_id
        union all
        select null, null, c.number, f.transformer
          from grid.charger g join grid.connection c on c.number = g.connection
          join grid.feeder f on f.number = c.feeder where a_place = 'charger' and g.id = a_id) p;
    if not found then
        return null;
    end if;
    -- Nobody else sets or releases meanwhile: of one kind and place, one is in force.
    lock table grid.manual_limit in share row exclusive mode;
    with gone as (
        update grid.manual_limit h set released = a_now, released_by = a_who, released_why = 'replaced'
         where h.per = a_per and h.released is null and h.ends > a_now
           and (h.transformer = v_place.transformer or h.feeder = v_place.feeder
                or h.connection = v_place.connection)
        returning h.number)
    select coalesce(jsonb_agg(g.number), '[]') into v_replaced from gone g;
    insert into grid.manual_limit (transformer, feeder, connection, charger, per, limit_w, reason, made_by, started, ends)
        values (v_place.transformer, v_place.feeder, v_place.connection,
                case a_place when 'charger' then a_id end, a_per, a_limit_w, a_reason, a_who, a_now, a_until) returning number into v_number;
    insert into audit.event (at, program, kind, subject, data)
        values (a_now, grid.limit_program(), 'limit.set', a_place || ' ' || a_id,
                jsonb_build_object('number', v_number, 'per', a_per, 'limit_w', a_limit_w, 'reason', a_reason,
                                   'who', a_who, 'until', audit.at_s(a_until), 'replaces', v_replaced,
                                   'by', session_user));
    perform pg_notify('grid_limit', v_place.beneath::text);
    return v_number;
end $$;

-- End one that is in force. False: there is no such limit in force.
create function grid.release_limit(a_now timestamptz, a_number integer, a_reason text, a_who text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_gone record;
begin
    lock table grid.manual_limit in share row exclusive mode;
    with gone as (
        update grid.manual_limit set released = a_now, released_by = a_who, released_why = a_reason
         where number = a_number and released is null and ends > a_now
        returning *)
    select g.number, coalesce(g.transformer, f.transformer) as beneath,
           case when g.transformer is not null then 'transformer ' || t.id
                when g.feeder is not null then 'feeder ' || f.id
                else 'charger ' || g.charger end as place
      into v_gone
      from gone g left join grid.connection c on c.number = g.connection
      left join grid.feeder f on f.number = coalesce(g.feeder, c.feeder)
      left join grid.transformer t on t.number = g.transformer;
    if not found then
        return false;
    end if;
    insert into audit.event (at, program, kind, subject, data)
        values (a_now, grid.limit_program(), 'limit.released', v_gone.place,
                jsonb_build_object('number', a_number, 'reason', a_reason, 'who', a_who, 'by', session_user));
    perform pg_notify('grid_limit', v_gone.beneath::text);
    return true;
end $$;
