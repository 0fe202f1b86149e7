// SPDX-License-Identifier: Apache-2.0

#include "services/audit/answer.h"
#include "services/audit/routes.h"

static const char trail_sql[] =
    "select json_build_object('events', (select coalesce(sum(sequence), 0) from audit.shard),"
    " 'shards', (select coalesce(json_agg(json_build_object('shard', number, 'role', role,"
    "   'sequence', sequence, 'id', id, 'hash', encode(hash, 'hex'), 'retired', base_sequence)"
    "   order by number), '[]') from audit.shard),"
    " 'head', (select json_build_object('number', number, 'at', audit.at_ms(at), 'key', key)"
    "   from audit.head order by number desc limit 1),"
    " 'verification', (select json_build_object('started', audit.at_ms(started),"
    "   'finished', audit.at_ms(finished), 'after', after, 'events', events, 'heads', heads,"
    "   'intact', intact, 'fault', fault) from audit.verification order by id desc limit 1))";

void route_trail(struct http_request *request)
{
    struct db *db = answer_db(request);
    answer_row(request, db_query(db, trail_sql, 0, NULL), db, "trail");
}
