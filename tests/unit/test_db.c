// SPDX-License-Identifier: Apache-2.0
// With a server of its own.

#include "base/memory.h"
#include "io/db.h"
#include "tests/unit/private_server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void start_server(void)
{
    server_start("");
}

TestSuite(db, .init = start_server, .fini = server_stop, .timeout = 60);

static struct db *new_db(void)
{
    return db_new("dbname=socmod user=socmod", "test_db");
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static enum err once(struct db *db, const char *sql)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

static int64_t number(struct db *db, const char *sql)
{
    PGresult *result = db_query(db, sql, 0, NULL);
    int64_t value = result ? db_get_integer(result, 0, 0) : -1;
    PQclear(result);
    return value;
}

// Doorbells

static const char *const channels[] = {"bell", NULL};
struct heard {
    struct loop *loop;
    char text[128];
    int wanted; // leave the loop after so many
    bool busy;  // in the middle of a query
};

static void on_bell(void *arg, const char *channel, const char *payload)
{
    struct heard *heard = arg;
    cr_assert_not(heard->busy, "called in the middle of a query");
    size_t len = strlen(heard->text);
    snprintf(heard->text + len, sizeof heard->text - len, "%s(%s) ", channel, payload);
    if (--heard->wanted == 0)
        loop_stop(heard->loop);
}

static void on_too_late(void *arg)
{
    (void)arg;
    cr_assert_fail("waited in vain");
}

// Run the loop until so many were heard, at most ten seconds.
static void listen_for(struct heard *heard, int wanted)
{
    heard->text[0] = '\0';
    heard->wanted = wanted;
    struct loop_timer *limit = loop_timer_new(heard->loop, on_too_late, NULL);
    loop_timer_in(limit, 10 * SECONDS_NS);
    loop_run(heard->loop);
    loop_timer_free(limit);
}

Test(db, asks_and_is_answered)
{
    struct db *db = new_db();
    cr_assert_eq(db_connect(db), ERR_NONE);
    cr_expect_eq(db_retry_ns(db), 0);
    cr_expect_eq(number(db, "select 42"), 42);

    // refused: told why, and the connection goes on
    cr_expect_null(db_query(db, "select * from nothing", 0, NULL));
    cr_expect_str_eq(db_sqlstate(db), "42P01");
    cr_expect(strstr(db_message(db), "\"nothing\" does not exist"), "%s", db_message(db));
    cr_expect_null(strchr(db_message(db), '\n'));
    cr_expect_eq(number(db, "select 43"), 43);
    cr_expect_str_eq(db_sqlstate(db), "");

    // a transaction that failed does not commit
    cr_assert_eq(db_begin(db), ERR_NONE);
    cr_expect_eq(db_do(db, "select 1/0", 0, NULL), ERR_IO);
    cr_expect_eq(db_commit(db), ERR_IO);
    cr_expect_eq(number(db, "select 44"), 44);
    cr_assert_eq(db_begin(db), ERR_NONE);
    db_rollback(db);
    cr_expect_eq(number(db, "select 45"), 45);

    // rows: what COPY must escape comes back as it was, NULL stays NULL
    cr_assert_eq(once(db, "create table t (a text, b text)"), ERR_NONE);
    const char *odd[] = {"tab\t line\n return\r back\\slash \\N \\.", NULL};
    cr_expect_eq(db_copy_start(db, "copy t from stdin"), ERR_NONE);
    cr_expect_eq(db_copy_row(db, 2, odd), ERR_NONE);
    cr_expect_eq(db_copy_end(db), ERR_NONE);
    const char *params[] = {odd[0], NULL};
    PGresult *result = db_query(
        db, "select count(*) from t where a = $1 and b is null and $2::text is null", 2, params);
    cr_expect_eq(db_get_integer(result, 0, 0), 1);
    PQclear(result);
    const char *three[] = {"1", "2", "3"};
    cr_expect_eq(db_copy_start(db, "copy t from stdin"), ERR_NONE);
    cr_expect_eq(db_copy_row(db, 3, three), ERR_NONE);
    cr_expect_eq(db_copy_end(db), ERR_IO, "a column too many");
    cr_expect_str_eq(db_sqlstate(db), "22P04");
    cr_expect_eq(number(db, "select count(*) from t"), 1);

    // times
    char at[DB_TIME_LEN + 1];
    db_time((struct utc){INT64_C(1768407300123456789)}, at);
    cr_expect_str_eq(at, "2026-01-14 16:15:00.123456Z");
    char first[DB_TIME_LEN + 1], last[DB_TIME_LEN + 1];
    db_time_s(INT64_C(-62135596800), first);
    db_time_s(INT64_C(253402300799), last);
    const char *ends[] = {first, last};
    result = db_query(db, "select $1::timestamptz::text, $2::timestamptz::text", 2, ends);
    cr_expect_str_eq(PQgetvalue(result, 0, 0), "0001-01-01 00:00:00+00");
    cr_expect_str_eq(PQgetvalue(result, 0, 1), "9999-12-31 23:59:59+00");
    PQclear(result);
    const char *time[] = {at};
    result =
        db_query(db, "select $1::timestamptz, null::timestamptz, $1::timestamptz::text", 1, time);
    cr_expect_eq(db_get_time(result, 0, 0), 1768407300);
    cr_expect_eq(db_get_time(result, 0, 1), -1);
    cr_expect_str_eq(PQgetvalue(result, 0, 2), "2026-01-14 16:15:00.123456+00");
    PQclear(result);
    db_free(db);
}

Test(db, comes_back_after_the_server)
{
    struct db *db = new_db();
    cr_assert_eq(number(db, "select 42"), 42);
    server_order("stop");
    cr_expect_eq(number(db, "select 42"), -1, "lost in the middle");
    cr_expect_str_eq(db_sqlstate(db), "", "that is no refusal");
    cr_expect_null(db_raw(db));
    int64_t first = db_retry_ns(db);
    cr_expect(first > 0 && first <= SECONDS_NS / 10, "%jd", (intmax_t)first);
    cr_expect_eq(db_connect(db), ERR_IO, "not before the pause has passed");
    for (int i = 0; i < 3; i++) {
        pause_ms(db_retry_ns(db) / 1000000 + 1);
        cr_expect_eq(db_connect(db), ERR_IO);
    }
    cr_expect(db_retry_ns(db) > 4 * first, "ever slower: %jd", (intmax_t)db_retry_ns(db));
    server_order("start");
    for (int i = 0; i < 100 && db_connect(db); i++)
        pause_ms(50);
    cr_expect_eq(number(db, "select 42"), 42, "prepared again");
    db_free(db);
}

Test(db, loses_a_transaction_whole)
{
    struct db *db = new_db();
    cr_assert_eq(once(db, "create table t (a integer)"), ERR_NONE);
    cr_assert_eq(db_begin(db), ERR_NONE);
    cr_assert_eq(db_copy_start(db, "copy t from stdin"), ERR_NONE);
    const char *row[] = {"1"};
    cr_assert_eq(db_copy_row(db, 1, row), ERR_NONE);
    server_order("stop");
    enum err err = ERR_NONE;
    for (int i = 0; i < 100000 && !err; i++) // until the broken pipe is noticed
        err = db_copy_row(db, 1, row);
    cr_expect_eq(err, ERR_IO);
    cr_expect_eq(db_copy_row(db, 1, row), ERR_IO);
    cr_expect_eq(db_copy_end(db), ERR_IO);
    cr_expect_eq(db_commit(db), ERR_IO);
    server_order("start");
    for (int i = 0; i < 100 && db_connect(db); i++)
        pause_ms(50);
    cr_expect_eq(number(db, "select count(*) from t"), 0);
    db_free(db);
}

Test(db, leaves_a_server_that_only_reads)
{
    struct db *db = new_db();
    cr_assert_eq(db_do(db, "create table kept (n int)", 0, NULL), ERR_NONE);
    cr_assert_eq(db_do(db, "set default_transaction_read_only = on", 0, NULL), ERR_NONE);
    cr_expect_eq(db_do(db, "insert into kept values (1)", 0, NULL), ERR_IO);
    cr_expect_null(db_raw(db), "a standby would refuse for ever");
    while (db_connect(db))
        pause_ms(50);
    cr_expect_eq(db_do(db, "insert into kept values (1)", 0, NULL), ERR_NONE);
    db_free(db);
}

Test(db, hears_the_doorbell)
{
    struct heard heard = {.loop = loop_new()};
    struct db *db = new_db(), *other = new_db();
    db_listen(db, heard.loop, channels, on_bell, &heard);
    listen_for(&heard, 1);
    cr_expect_str_eq(heard.text, "() ", "it connects by itself and says so");

    // rung while we are busy: the answer brings it along, the loop tells it
    cr_assert_eq(once(other, "notify bell, 'one'; notify bell, 'two'"), ERR_NONE);
    heard.busy = true;
    cr_expect_eq(number(db, "select 1 from pg_sleep(0.2)"), 1);
    heard.busy = false;
    listen_for(&heard, 2);
    cr_expect_str_eq(heard.text, "bell(one) bell(two) ");

    // rung while we wait
    cr_assert_eq(once(other, "notify bell, 'three'"), ERR_NONE);
    listen_for(&heard, 1);
    cr_expect_str_eq(heard.text, "bell(three) ");

    // the server goes and comes: it finds back without being asked
    server_order("stop");
    server_order("start");
    listen_for(&heard, 1);
    cr_expect_str_eq(heard.text, "() ", "look at the rows");
    for (int i = 0; i < 100 && once(other, "notify bell, 'four'"); i++)
        pause_ms(50);
    listen_for(&heard, 1);
    cr_expect_str_eq(heard.text, "bell(four) ");
    db_free(db);
    db_free(other);
    loop_free(heard.loop);
}

// Several at once

Test(db, asks_several_at_once)
{
    static const char seven[] = "select 7", sum[] = "select $1::int + $2::int",
                      wrong[] = "select 1 / $1::int";
    const char *const params[] = {"20", "3"}, *const zero[] = {"0"};
    const struct db_ask good[] = {{seven, 0, NULL, NULL, false},
                                  {sum, 2, params, NULL, false},
                                  {seven, 0, NULL, NULL, false}};
    const struct db_ask bad[] = {{seven, 0, NULL, NULL, false},
                                 {wrong, 1, zero, NULL, false},
                                 {sum, 2, params, NULL, false}};
    struct db *db = new_db();
    PGresult *results[3];
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(db_query_all(db, good, 3, results), ERR_NONE);
        cr_expect_eq(db_get_integer(results[0], 0, 0), 7);
        cr_expect_eq(db_get_integer(results[1], 0, 0), 23);
        cr_expect_eq(db_get_integer(results[2], 0, 0), 7);
        for (int i = 0; i < 3; i++)
            PQclear(results[i]);
        cr_expect_eq(db_query_all(db, bad, 3, results), ERR_IO, "one that is refused");
        cr_expect_str_eq(db_sqlstate(db), "22012");
        cr_expect_eq(number(db, seven), 7, "and the next");
    }
    server_order("stop");
    cr_expect_eq(db_query_all(db, good, 3, results), ERR_IO, "no server");
    cr_expect_str_eq(db_sqlstate(db), "");
    db_free(db);
}

struct binary_case {
    char sql[64];
    int64_t wanted;
    bool is_time;
};

Test(db, reads_what_comes_in_binary)
{
    static const struct binary_case cases[] = {
        {"select 7::smallint", 7, false},
        {"select -17", -17, false},
        {"select -9223372036854775808", INT64_MIN, false},
        {"select '1970-01-01Z'::timestamptz", 0, true},
        {"select '2026-01-14 16:15:00.000001Z'::timestamptz", INT64_C(1768407300000001), true},
        {"select '1969-12-31 23:59:59Z'::timestamptz", -1000000, true},
        {"select 'infinity'::timestamptz", INT64_MAX, true},
        {"select '-infinity'::timestamptz", INT64_MIN, true},
    };
    struct db *db = new_db();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct db_ask ask = {cases[i].sql, 0, NULL, NULL, true};
        PGresult *result;
        cr_assert_eq(db_query_all(db, &ask, 1, &result), ERR_NONE);
        int64_t got =
            cases[i].is_time ? db_binary_us(result, 0, 0) : db_binary_integer(result, 0, 0);
        cr_expect_eq(got, cases[i].wanted, "%s: %jd", cases[i].sql, (intmax_t)got);
        PQclear(result);
    }
    db_free(db);
}

Test(db, takes_values_in_binary)
{
    static const char sum[] = "select $1::int + coalesce($2::int, 100)";
    const char *const params[] = {"\0\0\1\0", NULL};
    const int lengths[] = {4, 0};
    const struct db_ask ask = {sum, 2, params, lengths, true};
    struct db *db = new_db();
    PGresult *result;
    cr_assert_eq(db_query_all(db, &ask, 1, &result), ERR_NONE);
    cr_expect_eq(db_binary_integer(result, 0, 0), 356);
    PQclear(result);
    db_free(db);
}

// As many as a client may bring about, and then some.
Test(db, asks_several_where_no_more_can_be_prepared)
{
    static char sql[120][24];
    struct db *db = new_db();
    for (int i = 0; i < 120; i++) {
        snprintf(sql[i], sizeof sql[i], "select %d", i);
        cr_assert_eq(number(db, sql[i]), i);
    }
    static const char seven[] = "select 7", eight[] = "select 8";
    const struct db_ask asks[] = {{seven, 0, NULL, NULL, false}, {eight, 0, NULL, NULL, true}};
    PGresult *results[2];
    cr_assert_eq(db_query_all(db, asks, 2, results), ERR_NONE);
    cr_expect_eq(db_get_integer(results[0], 0, 0) * 10 + db_binary_integer(results[1], 0, 0), 78);
    PQclear(results[0]);
    PQclear(results[1]);
    db_free(db);
}
