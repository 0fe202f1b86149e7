-- SPDX-License-Identifier: Apache-2.0
-- Plenty for socmod-audit to look through: 100 transformers with 4 feeders and 40 connections each; two
-- days of quarters; so many profiles (psql -v profiles=N, at most 768000), each with a share, a
-- delivery, an attempt and three receipts.

select grid.ensure_month('dali.quarter', '2026-01-14'), grid.ensure_month('field.load', '2026-01-14');
insert into grid.transformer (id, limit_w) select 'T' || n, '{40000,40000,40000}' from generate_series(1, 100) n;
insert into grid.feeder (id, transformer, limit_w)
    select 'F' || n, (n - 1) / 4 + 1, '{20000,20000,20000}' from generate_series(1, 400) n;
insert into grid.connection (ean, feeder, phases, contract_w)
    select (871687120000000000 + n)::text, (n - 1) / 10 + 1, '123', 11040 from generate_series(1, 4000) n;
insert into grid.meter (equipment_id, connection, route, head_end)
    select 'E' || lpad(n::text, 16, '0'), n, 'head-end', 'HE1' from generate_series(1, 4000) n;
insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, arrived, source)
    select q, f, 9000 + f, 8000, 7000, q + '15 min 5 s'::interval, 'mqtt'
      from generate_series('2026-01-14'::timestamptz, '2026-01-15 23:45', '15 min') q, generate_series(1, 400) f;
-- Identifiers as the planner makes them, which say when; half a year of months to look through.
select plan.ensure_month(t::regclass, '2025-08-01Z'::timestamptz + make_interval(months => m))
  from generate_series(0, 6) m, unnest('{plan.forecast,plan.outlook,plan.share}'::text[]) t;
insert into plan.round (id, transformer, quarter, basis, revision, started, finished, planner, congested)
    select overlay(gen_random_uuid()::text placing left(grid.first_id(q + '15 min 6 s'::interval)::text, 13) from 1)::uuid, t, q + '15 min'::interval, q, 0, q + '15 min 6 s'::interval, q + '15 min 7 s'::interval, 'p', t % 10 = 0
      from generate_series('2026-01-14'::timestamptz, '2026-01-15 23:45', '15 min') q, generate_series(1, 100) t;
insert into plan.forecast (round, feeder, phase, limit_w, measured_w, measured_at, controlled_w, base_w,
        margin_w, headroom_w, demand_w, given_w, chargers)
    select r.id, f.number, p, 20000, 9000, r.basis, 1000, 8000, 500, 11500, 20000, 11500, 10
      from plan.round r, generate_series(1, 3) p, lateral (select number from grid.feeder
        where transformer = r.transformer union all select null) f;
insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text, digest, not_after, created)
    select gen_random_uuid(), r.id, c.number, c.number, r.quarter, r.quarter + '3 h'::interval, 6000,
        '{"Header":{"Action":"EBGDirectControl","ValidFrom":"260114173000W","ValidTo":"260114203000W"},'
        '"Body":{"Period":[{"Start":"260114173000W","MxPwr":6000},{"Start":"260114183000W","MxPwr":9000}]}}',
        encode(sha256((r.id::text || c.number)::bytea), 'hex'), r.quarter + '3 h'::interval, r.finished
      from plan.round r join grid.feeder f on f.transformer = r.transformer
      join grid.connection c on c.feeder = f.number limit :profiles;
insert into plan.share
    select round, connection, 11040, 6000, 'transformer L1', 'send', 'less than before', id from plan.profile;
insert into p3.delivery (profile, meter, route, state, priority, digest, not_after, attempts, next_at,
        queued_at, written_at, verified_at, seen_at, applied_at)
    select id, meter, 'head-end', 'applied', 5, digest, not_after, 1, created, created + '1 s'::interval,
        created + '2 s'::interval, created + '3 s'::interval, created + '4 s'::interval, created + '5 s'::interval
      from plan.profile;
insert into p3.attempt (profile, number, started, finished, result, cause)
    select id, 1, created + '1 s'::interval, created + '3 s'::interval, 'verified', '' from plan.profile;
insert into field.receipt (meter, at, arrived, state, digest, mode, reason, limit_w, register, register_w)
    select meter, created + '4 s'::interval, created + '4 s'::interval, s, digest, 'limited', 'period 1 of 2', 6000,
        '60 x 100 W', 6000
      from plan.profile, unnest('{seen,accepted,applied}'::text[]) s;
insert into grid.charger (id, connection, kind, max_a) select 'C' || n, n, 'compleo-station', 16 from generate_series(1, 4000) n;
insert into field.gateway (meter, online, mode, reason, arrived)
    select n, n % 100 > 0, 'limited', 'period 1 of 2', '2026-01-15 23:59Z' from generate_series(1, 4000) n;
insert into field.load (quarter, meter, p_l1_w, p_l2_w, p_l3_w, energy_wh, mode, arrived)
    select q, m, 1000, 1000, 1000, 750, 'limited', q + '15 min 5 s'::interval
      from generate_series('2026-01-15 20:00Z'::timestamptz, '2026-01-15 23:45Z', '15 min') q, generate_series(1, 4000) m;
insert into plan.outlook (round, feeder, phase, base_w, p90_w, p95_w)
    select r.id, f.number, p, '{8000,9000,10000}', '{9000,10000,11000}', '{9500,10500,11500}'
      from plan.round r, generate_series(1, 3) p, lateral (select number from grid.feeder
        where transformer = r.transformer union all select null) f where date_part('minute', r.quarter) = 0;
insert into grid.manual_limit (transformer, per, limit_w, reason, made_by, started, ends)
    select n % 100 + 1, 'phase', 30000, 'work', 'me', '2026-01-01Z', '2026-01-02Z' from generate_series(1, 2000) n;
insert into plan.turn (transformer, quarter, rounds) select n, '2026-01-16Z', 192 from generate_series(1, 100) n;
vacuum analyze;
