-- SPDX-License-Identifier: Apache-2.0
-- A small story for the tests of socmod-audit: one transformer, two feeders, one evening.
--
-- The transformer (40 kW a phase) is over its limit on L1 in the quarter of 16:15 by 4 kW, which is
-- 1 kWh, and in that of 16:30 by 1 kW, 0.25 kWh; feeder F1 (30 kW) at 16:15 by 2 kW, 0.5 kWh.
-- Profile ...0001 lives from there to the charger's register; the others each end otherwise.

select grid.ensure_month(t::regclass, '2026-01-14')
  from unnest(array['dali.quarter', 'field.load']) t;

insert into grid.transformer (id, name, limit_w) values ('T1', 'Zuid', '{40000,40000,40000}'),
    ('T2', 'Noord', null);
insert into grid.feeder (id, transformer, limit_w) values
    ('F1', 1, '{30000,30000,30000}'), ('F2', 1, null), ('F3', 2, '{10000,10000,10000}');
insert into grid.connection (ean, feeder, phases, contract_w, floor_w) values
    ('871687120000000011', 1, '231', 11040, 4140), ('871687120000000028', 1, '1', 3680, 0),
    ('871687120000000035', 2, '123', 11040, 0);
insert into grid.meter (equipment_id, connection, route, head_end) values
    ('E0051000000000001', 1, 'head-end', 'HE1'), ('E0051000000000002', 2, 'head-end', 'HE1'),
    ('E0051000000000003', 3, 'head-end', 'HE1');
insert into grid.charger (id, connection, kind, max_a) values
    ('C01', 1, 'compleo-station', 16), ('C02', 2, 'compleo-station', 16),
    ('C03', 3, 'compleo-station', 16), ('C04', 3, 'compleo-station', 16);

insert into dali.quarter (quarter, feeder, p_l1_w, p_l2_w, p_l3_w, quality, arrived, source) values
    ('2026-01-14 16:00Z', 1, 20000, 15000, 10000, 'good', '2026-01-14 16:15:05Z', 'mqtt'),
    ('2026-01-14 16:00Z', 2, 10000, 10000, 10000, 'good', '2026-01-14 16:15:06Z', 'mqtt'),
    ('2026-01-14 16:15Z', 1, 32000, 15000, 10000, 'good', '2026-01-14 16:30:04Z', 'mqtt'),
    ('2026-01-14 16:15Z', 2, 12000, 10000, null, 'good', '2026-01-14 16:30:08Z', 'mqtt'),
    ('2026-01-14 16:30Z', 1, 29000, 15000, 10000, 'good', '2026-01-14 16:45:05Z', 'mqtt'),
    ('2026-01-14 16:30Z', 2, 12000, 10000, 10000, 'good', '2026-01-14 16:45:05Z', 'mqtt'),
    ('2026-01-14 16:45Z', 1, 28000, 15000, 10000, 'good', '2026-01-14 17:00:05Z', 'mqtt'),
    ('2026-01-14 16:45Z', 2, 990000, 10000, 10000, 'implausible', '2026-01-14 17:00:05Z', 'mqtt'),
    ('2026-01-14 17:00Z', 1, 27000, 15000, 10000, 'good', '2026-01-14 17:15:05Z', 'mqtt');

insert into plan.turn (transformer, quarter, basis, rounds)
    values (1, '2026-01-14 16:45Z', '2026-01-14 16:30Z', 2);
insert into plan.round (id, transformer, quarter, basis, revision, started, finished, planner,
        congested) values
    ('019bbd80-0000-7000-8000-000000000001', 1, '2026-01-14 16:30Z', '2026-01-14 16:15Z', 0,
     '2026-01-14 16:30:08.5Z', '2026-01-14 16:30:09Z', 'planner-1', true),
    ('019bbd80-0000-7000-8000-000000000002', 1, '2026-01-14 16:45Z', '2026-01-14 16:30Z', 0,
     '2026-01-14 16:45:06Z', '2026-01-14 16:45:07Z', 'planner-1', false);
insert into plan.forecast (round, feeder, phase, limit_w, measured_w, measured_at, controlled_w, base_w,
        margin_w, headroom_w, demand_w, given_w, chargers) values
    ('019bbd80-0000-7000-8000-000000000001', 1, 1, 30000, 32000, '2026-01-14 16:15Z', 9000, 23000,
     1000, 6000, 14720, 6000, 2),
    ('019bbd80-0000-7000-8000-000000000001', 2, 1, null, 12000, '2026-01-14 16:15Z', 0, 12000, 0,
     null, 3680, 3680, 2),
    ('019bbd80-0000-7000-8000-000000000001', null, 1, 40000, 44000, '2026-01-14 16:15Z', 9000,
     35000, 1000, 4000, 14720, 4000, 4);
insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text, digest,
        not_after, created)
    select format('019bbd80-0001-7000-8000-%s', lpad(n::text, 12, '0'))::uuid,
        '019bbd80-0000-7000-8000-000000000001', c, c, '2026-01-14 16:30Z', '2026-01-14 19:30Z', 6000,
        '{"Header":{"Action":"EBGDirectControl","ValidFrom":"260114173000W",'
        '"ValidTo":"260114203000W"},"Body":{"Period":[{"Start":"260114173000W","MxPwr":6000},'
        '{"Start":"260114183000W","MxPwr":9000}]}}',
        repeat(d, 64), '2026-01-14 19:30Z', '2026-01-14 16:30:09Z'::timestamptz + at
      from (values (1, 1, 'a', '0 s'::interval), (2, 2, 'b', '0 s'), (3, 3, 'c', '0 s'),
                   (4, 2, 'd', '1 s'), (5, 3, 'e', '1 s'), (6, 1, 'f', '10 min'),
                   (7, 1, 'a', '20 min')) v (n, c, d, at);
insert into plan.share values
    ('019bbd80-0000-7000-8000-000000000001', 1, 11040, 6000, 'transformer L1', 'send',
     'less than before', '019bbd80-0001-7000-8000-000000000001'),
    ('019bbd80-0000-7000-8000-000000000001', 2, 3680, 3680, 'demand', 'keep', 'the same', null);

insert into p3.delivery (profile, meter, route, state, cause, priority, digest, not_after, attempts,
        next_at, queued_at, written_at, verified_at, seen_at, applied_at, ended_at)
    select p.id, p.meter, 'head-end', s.state, s.cause, 5, p.digest, p.not_after, 1, p.created,
        p.created + '1 s', s.written, s.verified, s.seen, s.applied, s.ended
      from plan.profile p join (values
        (1, 'applied', '', '2026-01-14 16:30:20Z'::timestamptz, '2026-01-14 16:30:21.5Z'::timestamptz,
         '2026-01-14 16:30:25Z'::timestamptz, '2026-01-14 16:30:24Z'::timestamptz, null),
        (2, 'superseded', '', null, null, null, null, '2026-01-14 16:30:11Z'::timestamptz),
        (3, 'refused', 'too-long', null, null, null, null, '2026-01-14 16:30:40Z'),
        (4, 'failed', '', null, null, null, null, '2026-01-14 19:30:00Z'),
        (5, 'verified', '', '2026-01-14 16:30:13Z', '2026-01-14 16:30:14Z', null, null, null))
        s (n, state, cause, written, verified, seen, applied, ended)
        on p.id = format('019bbd80-0001-7000-8000-%s', lpad(s.n::text, 12, '0'))::uuid;
insert into p3.attempt (profile, number, started, finished, result, cause) values
    ('019bbd80-0001-7000-8000-000000000001', 1, '2026-01-14 16:30:11Z', '2026-01-14 16:30:15Z',
     'retry', 'no-route'),
    ('019bbd80-0001-7000-8000-000000000001', 2, '2026-01-14 16:30:18Z', '2026-01-14 16:30:21.5Z',
     'verified', '');

-- The last one answers to profile 7, which has the same text as profile 1.
insert into field.receipt (meter, at, arrived, state, digest, mode, reason, limit_w, register,
        register_w) values
    (1, '2026-01-14 16:30:25Z', '2026-01-14 16:30:25.2Z', 'seen', repeat('a', 64), 'own', '', null,
     null, null),
    (1, '2026-01-14 16:30:25Z', '2026-01-14 16:30:25.3Z', 'accepted', repeat('a', 64), 'limited',
     'period 1 of 2', 6000, null, null),
    (1, '2026-01-14 16:30:26Z', '2026-01-14 16:30:26.4Z', 'applied', repeat('a', 64), 'limited',
     'period 1 of 2', 6000, '60 x 100 W', 6000),
    (2, '2026-01-14 16:30:26Z', '2026-01-14 16:30:26.4Z', 'seen', repeat('a', 64), 'own',
     'of another meter', null, null, null),
    (1, '2026-01-14 16:51:00Z', '2026-01-14 16:51:00Z', 'seen', repeat('a', 64), 'limited', '', 6000,
     null, null);
insert into field.gateway values
    (1, true, 'limited', 'period 1 of 2', '2026-01-14 16:30:26Z', 6000, '2026-01-14 16:31:00Z',
     '2026-01-14 16:31:00Z'),
    (2, false, 'own', 'last will', null, null, null, '2026-01-14 16:32:00Z');

insert into audit.event (at, program, kind, subject, data)
    select '2026-01-14 12:00Z'::timestamptz + n / 3 * interval '1 min', 'socmod-ingest',
        case when n % 2 = 0 then 'feeder.silent' else 'feeder.back' end,
        case when n % 5 = 0 then 'feeder F1' else 'feeder F2' end, jsonb_build_object('n', n)
      from generate_series(1, 250) n;

insert into audit.token (name, hash, role, created, expires) values
    ('v', encode(sha256('viewer-token'), 'hex'), 'viewer', '2026-01-01Z', '2027-01-01Z'),
    ('a', encode(sha256('auditor-token'), 'hex'), 'auditor', '2026-01-01Z', '2027-01-01Z'),
    ('o', encode(sha256('operator-token'), 'hex'), 'operator', '2026-01-01Z', '2027-01-01Z'),
    ('m', encode(sha256('metrics-token'), 'hex'), 'metrics', '2026-01-01Z', '2027-01-01Z'),
    ('old', encode(sha256('old-token'), 'hex'), 'operator', '2025-01-01Z', '2026-01-14 15:00Z');
