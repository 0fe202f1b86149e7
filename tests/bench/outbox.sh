#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Messages a second through the outbox, on a PostgreSQL of our own that does sync to disk.
#
#   COUNT=60000   WITHOUT="p3.delivery_cause ..."    these indexes are left out, to see what they cost
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
PG_FSYNC=on start_postgres socmod
count=${COUNT:-60000}
db "insert into grid.transformer (id) values ('T1');
    insert into grid.feeder (id, transformer) values ('F1', 1);
    insert into grid.connection (ean, feeder, phases, contract_w)
        select 871687120000000000 + c, 1, '123', 11040 from generate_series(1, $count) c;
    insert into grid.meter (equipment_id, connection, route, head_end)
        select 'E' || number, number, 'head-end', 'HE' || number % 10 from grid.connection;
    insert into plan.round (id, transformer, quarter, started, finished, planner, congested)
        values ('00000000-0000-7000-8000-000000000001', 1, now(), now(), now(), 'bench', true);
    insert into plan.profile (id, round, connection, meter, valid_from, valid_to, limit_w, text, digest,
        not_after, created)
    select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', m, m, now(), now() + interval '3 h',
        6000, repeat('x', 500), repeat('0', 64), now() + interval '1 h', now()
    from generate_series(1, $count) m;
    analyze grid.meter" >/dev/null
for index in ${WITHOUT:-}; do
    db "drop index $index"
done
"$BIN/tests/bench/bench_outbox" "dbname=socmod user=socmod_p3" "$count"
