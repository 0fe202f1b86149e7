// SPDX-License-Identifier: Apache-2.0
// Counters and keys in a server of the test's own: what is reserved is never reserved again,
// whatever happens to processes and databases.

#include "base/memory.h"
#include "services/p3/counter_table.h"
#include "services/p3/key_table.h"
#include "tests/unit/private_server.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { METERS = 8, EACH = 100 };

static const struct utc now = {INT64_C(1768407300) * SECONDS_NS};
static char folder[] = "/tmp/socmod_counter.XXXXXX";

static struct db *new_db(void)
{
    return db_new("dbname=socmod user=socmod_p3", "test_counter_table");
}

static void as_owner(const char *sql)
{
    struct db *db = db_new("dbname=socmod user=socmod", "test_counter_table");
    PGresult *result = db_query_once(db, sql, 0, NULL);
    cr_assert(result, "%s: %s", sql, db_message(db));
    PQclear(result);
    db_free(db);
}

// Meter n has the use that is sixteen times the octet n.
static struct key_use use_of(int n)
{
    struct key_use use;
    memset(use.octets, n, sizeof use.octets);
    return use;
}

static void start(void)
{
    server_start("socmod");
    cr_assert(mkdtemp(folder), "no folder");
    as_owner("insert into grid.meter (equipment_id, route, address)"
             " select 'E' || n, 'dlms', '127.0.0.1:' || 4059 + n from generate_series(1, 8) n"
             " order by n;"
             "insert into keys.counter (key, meter, next)"
             " select decode(repeat(lpad(to_hex(number), 2, '0'), 16), 'hex'), number, 0"
             " from grid.meter");
}

static void stop(void)
{
    server_stop();
    char *command = memory_format("rm -r %s", folder);
    cr_assert_eq(system(command), 0); // NOLINT: a folder of ours
    free(command);
}

TestSuite(counter_table, .init = start, .fini = stop, .timeout = 120);

// A process as it begins: a connection, a table, the first look.
struct process {
    struct db *db;
    char *mark;
    struct counter_settings settings;
    struct counter_table *table;
};

static void begin(struct process *process, const char *name)
{
    process->db = new_db();
    process->mark = memory_format("%s/%s.mark", folder, name);
    process->settings = (struct counter_settings){name, process->mark, 2000000000, UINT32_MAX};
    process->table = counter_table_new(process->db, &process->settings);
}

static void end(struct process *process)
{
    counter_table_free(process->table);
    db_free(process->db);
    free(process->mark);
}

// The first counter of a block for meter n; -1: none.
static int64_t take(struct process *process, int n, uint32_t least)
{
    struct counter_request request = {.use = use_of(n), .least = least};
    enum err err = counter_table_reserve(process->table, &request, 1, EACH, now);
    return err || !request.range.count ? INT64_C(-1) : (int64_t)request.range.next;
}

Test(counter_table, gives_each_block_above_the_one_before)
{
    struct process one, two;
    begin(&one, "one");
    begin(&two, "two");
    cr_expect_eq(take(&one, 1, 0), -1, "not before the first look");
    cr_assert_eq(counter_table_look(one.table, now), ERR_NONE);
    cr_assert_eq(counter_table_look(two.table, now), ERR_NONE);
    cr_expect_eq(take(&one, 1, 0), 0);
    cr_expect_eq(take(&two, 1, 0), EACH);
    cr_expect_eq(take(&one, 1, 5000), 5000, "the meter has seen more");
    cr_expect_eq(take(&two, 1, 17), 5000 + EACH, "never below");
    cr_expect_eq(take(&two, 2, 0), 0, "another key");
    cr_expect_eq(take(&two, 99, 0), -1, "a key that nobody knows");

    struct counter_request many[METERS];
    for (int i = 0; i < METERS; i++)
        many[i] = (struct counter_request){.use = use_of(METERS - i)};
    cr_assert_eq(counter_table_reserve(one.table, many, METERS, EACH, now), ERR_NONE);
    cr_expect_eq(many[METERS - 1].range.next, 5000 + 2 * EACH);
    cr_expect_eq(many[METERS - 2].range.next, EACH);
    cr_expect_eq(many[0].range.next, 0);
    cr_expect_eq(many[0].range.count, EACH);
    end(&one);
    end(&two);
}
