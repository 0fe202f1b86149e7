-- SPDX-License-Identifier: Apache-2.0
-- Why was a charger limited as it was? One question, one document.

-- The periods of a message of ours: from when on, and how much, W (null: says nothing of power).
create function plan.periods_of(text text) returns table (start timestamptz, limit_w integer)
    language sql stable strict parallel safe as $$
    select to_timestamp(left(p ->> 'Start', 12) || ' ' || case right(p ->> 'Start', 1)
                            when 'S' then '+02' else '+01' end, 'YYMMDDHH24MISS TZH'),
           (p ->> 'MxPwr')::integer
      from jsonb_array_elements(text::jsonb #> '{Body,Period}') p
$$;

-- What is known of a charger in the quarter hour in which `at` lies. Null: no such charger. Powers
-- in W; times RFC 3339 UTC; what is not known is null.
--
--   charger, connection, meter, feeder, transformer, phases, contract_w, floor_w, weight, quarter
--   drew      {p_w: mean of L1 L2 L3 of the connection, energy_wh, limit_w: at its end, mode}
--   round     the last about this quarter hour: {id, number: how many there were, started, finished,
--             planner, basis: newest measured quarter used, data_age_s, sight, congested}
--   places    of that round, each phase of its feeder and of the transformer that it hangs on:
--             {place, phase, limit_w, measured_w, measured_at, controlled_w, base_w, p90_w, p95_w,
--             method, margin_w, headroom_w, reserved_w, demand_w, given_w, chargers, came_w: what
--             was then measured of the quarter hour itself}
--   share     of that round: {demand_w, share_w, bound_by, decision, reason, profile}; null: nothing
--             bound it and it was told nothing
--   by_hand   limits set by hand in force: [{number, place, per, limit_w, reason, by, started, ends,
--             released, released_by, released_why}]
--   in_force  what its meter was known to hold for it: {profile, limit_w: the least and greatest of
--             the quarter hour, valid_from, valid_to, made, state}; null: no limit
--   messages  made in the quarter hour: [{profile, round, limit_w, priority, valid_from, valid_to,
--             made, state, cause, attempts, queued, written, verified, seen, applied, ended, text}]
--   gateway   its receipts in the quarter hour: [{at, state, mode, reason, limit_w, register_w}]
--   not_kept  what of then may be gone, so that null above says nothing: of 'explanations' (round,
--             places, share), 'loads' (drew), 'quarters' (came_w), 'records' (the others)
create function plan.explain(charger text, at timestamptz) returns jsonb
    language sql stable strict parallel safe as $$
    with c as materialized (
        select g.id, n.number, n.ean, n.phases, n.contract_w, n.floor_w, n.weight,
               m.number as meter, m.equipment_id, f.number as feeder, f.id as feeder_id,
               t.number as transformer, t.id as transformer_id,
               date_bin('15 min', explain.at, '2000-01-01Z') as quarter
          from grid.charger g join grid.connection n on n.number = g.connection
          join grid.feeder f on f.number = n.feeder join grid.transformer t on t.number = f.transformer
          left join grid.meter m on m.connection = n.number
         where g.id = explain.charger),
    r as materialized (
        select r.*, (select count(*) from plan.round o
                      where o.quarter = r.quarter and o.transformer = r.transformer) as rounds
          from c join plan.round r on r.quarter = c.quarter and r.transformer = c.transformer
         order by r.started desc, r.id desc limit 1),
    came as materialized (
        select f.number as feeder, (select array[q.p_l1_w, q.p_l2_w, q.p_l3_w]
                  from dali.quarter_of(f.number, c.quarter) q where q.quality = 'good') as p_w
          from c join grid.feeder f on f.transformer = c.transformer),
    -- all that were made for it lately enough to hold; a day is more than a plan's horizon, and
    -- what was set by hand may hold longer
    told as materialized (
        select p.*, coalesce(d.state, 'planned') as state, coalesce(d.cause, '') as cause,
               coalesce(d.attempts, 0) as attempts, d.queued_at, d.written_at, d.verified_at,
               d.seen_at, d.applied_at, d.ended_at
          from c join plan.profile p on p.meter = c.meter
           and (p.created > c.quarter - interval '1 day' or p.priority <= 1 and p.valid_to > c.quarter)
           and p.created < c.quarter + interval '15 min'
          left join p3.delivery d on d.profile = p.id)
    select jsonb_build_object(
        'charger', c.id, 'connection', c.ean, 'meter', c.equipment_id, 'feeder', c.feeder_id,
        'transformer', c.transformer_id, 'phases', c.phases, 'contract_w', c.contract_w,
        'floor_w', c.floor_w, 'weight', c.weight, 'quarter', audit.at_s(c.quarter),
        'drew', (select jsonb_build_object('p_w', array[l.p_l1_w, l.p_l2_w, l.p_l3_w],
                        'energy_wh', l.energy_wh, 'limit_w', l.limit_w, 'mode', l.mode)
                   from field.load l where l.meter = c.meter and l.quarter = c.quarter),
        'round', (select jsonb_build_object('id', r.id, 'number', r.rounds,
                         'started', audit.at_ms(r.started), 'finished', audit.at_ms(r.finished),
                         'planner', r.planner, 'basis', audit.at_s(r.basis),
                         'data_age_s', extract(epoch from r.quarter - r.basis)::integer - 900,
                         'sight', r.sight, 'congested', r.congested) from r),
        'places', (select jsonb_agg(to_jsonb(x) order by x.place, x.phase) from (
            select case when f.feeder is null then 'transformer ' || c.transformer_id
                        else 'feeder ' || c.feeder_id end as place,
                   f.phase, f.limit_w, f.measured_w, audit.at_s(f.measured_at) as measured_at,
                   f.controlled_w, f.base_w, f.p90_w, f.p95_w, f.method, f.margin_w, f.headroom_w,
                   f.reserved_w, f.demand_w, f.given_w, f.chargers,
                   case when f.feeder is null then
                       (select case when count(*) = (select count(*) from grid.feeder g
                                                      where g.transformer = c.transformer)
                                    then sum(came.p_w[f.phase]) end from came
                         where came.p_w[f.phase] is not null)
                   else (select came.p_w[f.phase] from came where came.feeder = f.feeder) end as came_w
              from r join plan.forecast f on f.round = r.id
             where (f.feeder = c.feeder or f.feeder is null)
               and position(f.phase::text in c.phases) > 0) x),
        'share', (select jsonb_build_object('demand_w', s.demand_w, 'share_w', s.share_w,
                         'bound_by', s.bound_by, 'decision', s.decision, 'reason', s.reason,
                         'profile', s.profile)
                    from r join plan.share s on s.round = r.id and s.connection = c.number),
        'by_hand', (select jsonb_agg(jsonb_build_object('number', h.number,
                           'place', case when h.transformer is not null then 'transformer ' || c.transformer_id
                                         when h.feeder is not null then 'feeder ' || c.feeder_id
                                         else 'charger ' || h.charger end,
                           'per', h.per, 'limit_w', h.limit_w, 'reason', h.reason, 'by', h.made_by,
                           'started', audit.at_s(h.started), 'ends', audit.at_s(h.ends),
                           'released', audit.at_s(h.released), 'released_by', h.released_by,
                           'released_why', h.released_why) order by h.number)
                      from grid.manual_limit h
                     where (h.transformer = c.transformer or h.feeder = c.feeder or h.connection = c.number)
                       and h.started < c.quarter + interval '15 min'
                       and least(h.ends, coalesce(h.released, h.ends)) > c.quarter),
        'in_force', (select jsonb_build_object('profile', p.id,
                            'limit_w', (select jsonb_build_array(min(x.limit_w), max(x.limit_w)) from (
                                select o.limit_w, o.start,
                                       lead(o.start, 1, p.valid_to) over (order by o.start) as until
                                  from plan.periods_of(p.text) o) x
                              where x.start < c.quarter + interval '15 min' and x.until > c.quarter),
                            'valid_from', audit.at_s(p.valid_from), 'valid_to', audit.at_s(p.valid_to),
                            'made', audit.at_ms(p.created), 'state', p.state)
                       from (select * from told
                              where coalesce(verified_at, seen_at, applied_at) < c.quarter + interval '15 min'
                                and cause <> 'gateway-refused' and state <> 'refused'
                              order by created desc, id desc limit 1) p
                      where p.valid_to > c.quarter),
        'messages', (select jsonb_agg(jsonb_build_object('profile', p.id, 'round', p.round,
                            'limit_w', p.limit_w, 'priority', p.priority,
                            'valid_from', audit.at_s(p.valid_from), 'valid_to', audit.at_s(p.valid_to),
                            'made', audit.at_ms(p.created), 'state', p.state, 'cause', p.cause,
                            'attempts', p.attempts, 'queued', audit.at_ms(p.queued_at),
                            'written', audit.at_ms(p.written_at), 'verified', audit.at_ms(p.verified_at),
                            'seen', audit.at_ms(p.seen_at), 'applied', audit.at_ms(p.applied_at),
                            'ended', audit.at_ms(p.ended_at), 'text', p.text) order by p.created, p.id)
                       from told p where p.created >= c.quarter),
        'gateway', (select jsonb_agg(jsonb_build_object('at', audit.at_ms(e.at), 'state', e.state,
                           'mode', e.mode, 'reason', e.reason, 'limit_w', e.limit_w,
                           'register_w', e.register_w) order by e.id)
                      from field.receipt e where e.meter = c.meter
                       and e.arrived >= c.quarter and e.arrived < c.quarter + interval '15 min'),
        'not_kept', audit.not_kept(c.quarter))
      from c
$$;
