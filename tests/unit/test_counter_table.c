// SPDX-License-Identifier: Apache-2.0
// Counters and keys in a server of the test's own: what is reserved is never reserved again,
// whatever happens to processes and databases.

#include "base/memory.h"
#include "services/p3/counter_table.h"
#include "services/p3/key_table.h"
#include "tests/unit/private_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { METERS = 8, EACH = 100, LIVES = 1000, CRASH_EVERY = 250 };

static const struct utc now = {INT64_C(1768407300) * SECONDS_NS};
static char folder[] = "/tmp/socmod_counter.XXXXXX";

static struct db *new_db(void)
{
    return db_new("dbname=socmod user=socmod_p3", "test_counter_table");
}

// Its first value, as a number; 0 where there is none.
static int64_t as_owner(const char *sql)
{
    struct db *db = db_new("dbname=socmod user=socmod", "test_counter_table");
    PGresult *result = db_query_once(db, sql, 0, NULL);
    cr_assert(result, "%s: %s", sql, db_message(db));
    int64_t value = PQntuples(result) ? db_get_integer(result, 0, 0) : 0;
    PQclear(result);
    db_free(db);
    return value;
}

static void shell(const char *command)
{
    setenv("FOLDER", folder, 1);
    cr_assert_eq(system(command), 0, "%s", command); // NOLINT: texts of this file
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
    shell("rm -r \"$FOLDER\"");
}

TestSuite(counter_table, .init = start, .fini = stop, .timeout = 300);

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

// The same, where the connection may first have to be made anew.
static enum err look(struct process *process)
{
    enum err err;
    while ((err = counter_table_look(process->table, now)) == ERR_IO)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return err;
}

// --- Whatever ends a process ---

// What a child was given: one write each, so that none is torn.
struct block {
    int32_t key;
    uint32_t first;
};

// Reserve as fast as it goes, until killed.
static void live(const char *name, int log)
{
    struct process process;
    struct counter_request requests[METERS];
    begin(&process, name);
    for (;;) {
        size_t count = 1 + (size_t)rand() % METERS; // NOLINT: no secret
        for (size_t i = 0; i < count; i++)
            requests[i] = (struct counter_request){.use = use_of((int)i + 1)};
        if (counter_table_look(process.table, now)
            || counter_table_reserve(process.table, requests, count, EACH, now))
            continue;
        for (size_t i = 0; i < count; i++) {
            struct block block = {(int32_t)i, requests[i].range.next};
            if (requests[i].range.count != EACH || write(log, &block, sizeof block) != sizeof block)
                _exit(1);
        }
    }
}

static pid_t give_birth(const char *name, int log, unsigned seed)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        srand(seed);
        live(name, log);
    }
    return child;
}

static int by_key_and_first(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    return x->key != y->key ? x->key - y->key : (x->first > y->first) - (x->first < y->first);
}

static size_t expect_no_counter_twice(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t room = 1 << 20, count;
    struct block *blocks = memory_new(room, sizeof *blocks);
    count = fread(blocks, sizeof *blocks, room, file);
    fclose(file);
    cr_assert_lt(count, room);
    qsort(blocks, count, sizeof *blocks, by_key_and_first);
    for (size_t i = 1; i < count; i++)
        cr_assert(blocks[i].key != blocks[i - 1].key
                      || blocks[i].first >= blocks[i - 1].first + EACH,
                  "key %d: %u twice", blocks[i].key, blocks[i].first);
    free(blocks);
    return count;
}

Test(counter_table, gives_no_counter_twice_whoever_is_killed)
{
    char *path = memory_format("%s/blocks", folder);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char *const names[] = {"one", "two"};
    pid_t children[2];
    srand(7);
    for (unsigned i = 0; i < 2; i++)
        children[i] = give_birth(names[i], log, i);
    for (unsigned life = 0; life < LIVES; life++) {
        unsigned who = life % 2;
        nanosleep(&(struct timespec){.tv_nsec = rand() % 20000000}, NULL); // NOLINT: no secret
        kill(children[who], SIGKILL);
        int status;
        cr_assert_eq(waitpid(children[who], &status, 0), children[who]);
        cr_assert(WIFSIGNALED(status), "it ended by itself");
        if (life % CRASH_EVERY == CRASH_EVERY / 2) {
            server_order("stop");
            server_order("start");
        }
        children[who] = give_birth(names[who], log, life);
    }
    for (int i = 0; i < 2; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    close(log);
    size_t blocks = expect_no_counter_twice(path);
    cr_log_info("%d lives, %zu blocks\n", LIVES, blocks);
    cr_expect_gt(blocks, LIVES / 10, "lives too short to say anything");
    free(path);
}

// --- A database that was put back ---

static const char put_back[] =
    "psql -qXd postgres -c 'drop database socmod with (force)' -c 'create database socmod'"
    " && psql -qX -v ON_ERROR_STOP=1 -f \"$FOLDER/dump\" socmod >\"$FOLDER/restored\" 2>&1";

static int64_t events(const char *kind)
{
    char *sql = memory_format("select count(*) from audit.event where kind = '%s'", kind);
    int64_t count = as_owner(sql);
    free(sql);
    return count;
}

Test(counter_table, gives_nothing_from_a_database_that_was_put_back)
{
    struct process one, idle, fresh;
    begin(&one, "one");
    begin(&idle, "idle");
    setenv("PGUSER", "socmod", 1);
    cr_assert_eq(counter_table_look(one.table, now), ERR_NONE);
    cr_assert_eq(take(&one, 1, 0), 0);
    shell("pg_dump socmod >\"$FOLDER/dump\"");
    for (int i = 1; i <= 5; i++)
        cr_assert_eq(take(&one, 1, 0), i * EACH);
    cr_assert_eq(counter_table_look(idle.table, now), ERR_NONE);

    shell(put_back);
    cr_expect_eq(as_owner("select next from keys.counter where meter = 1"), EACH, "as dumped");
    cr_expect_eq(take(&one, 1, 0), -1, "the connection is lost");
    cr_expect_eq(look(&one), ERR_RANGE);
    cr_expect_str_eq(counter_table_refusal(one.table), "restored");
    cr_expect_eq(take(&one, 1, 0), -1);
    cr_expect_eq(look(&idle), ERR_RANGE);
    cr_expect_eq(take(&idle, 1, 0), -1);
    end(&one);
    begin(&one, "one");
    cr_expect_eq(look(&one), ERR_RANGE, "also when started again");
    begin(&fresh, "fresh");
    cr_expect_eq(look(&fresh), ERR_RANGE, "and who knew nothing");
    cr_expect_str_eq(counter_table_refusal(fresh.table), "restored");
    cr_expect_geq(events("counters.refused"), 1);
    cr_expect_eq(as_owner("select serial from p3.counter_state"), 1);

    shell("\"$BIN/socmod-admin\" keys restored --skip 500 >\"$FOLDER/said\"");
    cr_assert_eq(look(&one), ERR_NONE);
    cr_expect_null(counter_table_refusal(one.table));
    cr_expect_eq(take(&one, 1, 0), 6 * EACH, "above all that was given");
    cr_expect_eq(take(&idle, 1, 0), 7 * EACH, "looks by itself");
    cr_assert_eq(look(&fresh), ERR_NONE);
    cr_expect_eq(take(&fresh, 1, 0), 8 * EACH);

    shell(put_back); // the same backup once more: of an earlier generation
    cr_expect_eq(look(&fresh), ERR_RANGE);
    cr_expect_eq(look(&idle), ERR_RANGE);
    shell("\"$BIN/socmod-admin\" keys restored --skip 1000 >\"$FOLDER/said\"");
    cr_expect_eq(take(&idle, 1, 0), 11 * EACH);
    end(&one);
    end(&idle);
    end(&fresh);
}

Test(counter_table, refuses_another_database_and_a_lost_mark)
{
    struct process one;
    begin(&one, "one");
    cr_assert_eq(counter_table_look(one.table, now), ERR_NONE);
    end(&one);
    begin(&one, "one");
    shell("mv \"$FOLDER/one.mark\" \"$FOLDER/kept\"");
    cr_expect_eq(counter_table_look(one.table, now), ERR_RANGE);
    cr_expect_str_eq(counter_table_refusal(one.table), "mark-lost");
    end(&one);
    begin(&one, "one");
    shell("mv \"$FOLDER/kept\" \"$FOLDER/one.mark\"");
    as_owner("alter table p3.counter_state disable trigger never_lower;"
             "update p3.counter_state set database = gen_random_uuid()");
    cr_expect_eq(counter_table_look(one.table, now), ERR_RANGE);
    cr_expect_str_eq(counter_table_refusal(one.table), "other-database");
    cr_expect_eq(take(&one, 1, 0), -1);
    end(&one);
}

Test(counter_table, has_the_file_for_itself)
{
    struct process one, again;
    begin(&one, "one");
    begin(&again, "one");
    cr_assert_eq(counter_table_look(one.table, now), ERR_NONE);
    cr_expect_eq(counter_table_look(again.table, now), ERR_IO);
    end(&one);
    cr_expect_eq(counter_table_look(again.table, now), ERR_NONE);
    end(&again);
}

// --- The end of the counters, and what meters say ---

Test(counter_table, warns_near_the_end_and_stops_there)
{
    struct process one;
    begin(&one, "one");
    cr_assert_eq(counter_table_look(one.table, now), ERR_NONE);
    as_owner("update keys.counter set next = 2000000000 - 150 where meter = 1;"
             "update keys.counter set next = 4294967295 - 250 where meter = 2");
    cr_expect_eq(take(&one, 1, 0), 2000000000 - 150);
    cr_expect_eq(events("counter.near_end"), 0);
    cr_expect_eq(take(&one, 1, 0), 2000000000 - 50);
    cr_expect_eq(take(&one, 1, 0), 2000000000 + 50);
    cr_expect_eq(events("counter.near_end"), 1, "told once");
    cr_expect_eq(take(&one, 2, 0), 4294967295 - 250);
    cr_expect_eq(take(&one, 2, 0), 4294967295 - 150);
    cr_expect_eq(take(&one, 2, 0), -1);
    cr_expect_eq(take(&one, 2, 0), -1);
    cr_expect_eq(take(&one, 3, UINT32_MAX), -1);
    cr_expect_eq(events("counter.used_up"), 2);
    cr_expect_eq(take(&one, 3, 0), 0, "what a meter said does no harm");
    cr_expect_eq(events("counter.meter_ahead"), 1);
    end(&one);
}

Test(counter_table, keeps_what_sessions_learnt)
{
    struct process one;
    begin(&one, "one");
    struct counter_sighting seen = {
        .use = use_of(1), .meter_counter = 41, .knows_title = true, .meter_title = "METER001"};
    cr_assert_eq(counter_table_note(one.table, &seen, 1), ERR_NONE);
    seen = (struct counter_sighting){.use = use_of(1), .meter_counter = 40};
    cr_assert_eq(counter_table_note(one.table, &seen, 1), ERR_NONE);
    seen = (struct counter_sighting){.use = use_of(2), .meter_counter = SESSION_NO_RESULT};
    cr_assert_eq(counter_table_note(one.table, &seen, 1), ERR_NONE);
    cr_expect_eq(as_owner("select meter_counter from keys.counter where meter = 1"), 41);
    cr_expect_eq(as_owner("select 1 from keys.counter where meter = 1 and meter_title ="
                          " 'METER001' and (select meter_counter is null and meter_title is null"
                          " from keys.counter where meter = 2)"),
                 1);
    end(&one);
}

Test(counter_table, has_the_block_on_disk_whatever_the_server_is_set_to)
{
    as_owner("alter role socmod_p3 set synchronous_commit = off;"
             "create function p3.insist() returns trigger language plpgsql as $$ begin"
             " if current_setting('synchronous_commit') <> 'on' then raise 'lazy'; end if;"
             " return new; end $$;"
             "create trigger insist before update on p3.counter_state for each row"
             " execute function p3.insist()");
    struct process one;
    begin(&one, "one");
    cr_assert_eq(counter_table_look(one.table, now), ERR_NONE);
    cr_expect_eq(take(&one, 1, 0), 0);
    end(&one);
}
