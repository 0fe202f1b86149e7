// SPDX-License-Identifier: Apache-2.0

#include "gateway/backlog.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/backlog.XXXXXX";
static char path[64];
static const struct backlog_settings settings = {path, "socmod/v1/gateway/E1/receipt", "socmod/v1/gateway/E1/load"};
static const struct backlog_settings memory_only = {NULL, "r", "l"};

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/receipts", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(backlog, .init = make_folder, .fini = remove_folder);

static struct mono at_s(int64_t seconds)
{
    return (struct mono){seconds * SECONDS_NS};
}

// "receipt 7" or "load 7".
static bool add(struct backlog *backlog, bool is_receipt, int number)
{
    return backlog_add(backlog, is_receipt,
                       memory_format("%s %d", is_receipt ? "receipt" : "load", number));
}

// The texts, with a blank between; each says rightly what it is.
static const char *all(struct backlog *backlog)
{
    static char text[16384];
    text[0] = '\0';
    for (int i = 0; i < backlog_count(backlog); i++) {
        const struct backlog_entry *entry = backlog_at(backlog, i);
        cr_expect_eq(entry->is_receipt, *entry->text == 'r', "%s", entry->text);
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s", len ? "; " : "", entry->text);
    }
    return text;
}

// What a program that starts now would have. It does not write.
static const char *kept(void)
{
    struct backlog *again = backlog_new(&settings);
    static char text[16384];
    snprintf(text, sizeof text, "%s", all(again));
    backlog_free(again);
    return text;
}

Test(backlog, keeps_what_is_added_at_once_and_in_order)
{
    struct backlog *backlog = backlog_new(&settings);
    cr_expect_eq(backlog_keep(backlog, at_s(0)), INT64_MAX, "nothing to be written");
    cr_expect(add(backlog, true, 1));
    cr_expect_eq(backlog_keep(backlog, at_s(0)), INT64_MAX);
    cr_expect_str_eq(kept(), "receipt 1");
    cr_expect(add(backlog, false, 2));
    cr_expect(add(backlog, true, 3));
    cr_expect_eq(backlog_keep(backlog, at_s(1)), INT64_MAX);
    cr_expect_str_eq(kept(), "receipt 1; load 2; receipt 3");
    backlog_free(backlog);
    backlog_free(NULL);
}

Test(backlog, forgets_what_the_broker_has)
{
    struct backlog *backlog = backlog_new(&settings);
    for (int i = 0; i < 3; i++)
        add(backlog, true, i);
    backlog_keep(backlog, at_s(0));
    backlog_remove(backlog, backlog_at(backlog, 1));
    cr_expect_str_eq(all(backlog), "receipt 0; receipt 2");
    add(backlog, true, 3);
    backlog_keep(backlog, at_s(0));
    cr_expect_str_eq(kept(), "receipt 0; receipt 1; receipt 2; receipt 3", "told twice at worst");
    while (backlog_count(backlog))
        backlog_remove(backlog, backlog_at(backlog, 0));
    cr_expect_str_empty(kept());
    add(backlog, true, 4);
    cr_expect_eq(backlog_keep(backlog, at_s(0)), INT64_MAX);
    cr_expect_str_eq(kept(), "receipt 4");
    backlog_free(backlog);
}

Test(backlog, goes_on_after_a_restart)
{
    struct backlog *backlog = backlog_new(&settings);
    add(backlog, true, 1);
    backlog_free(backlog); // writes at the end
    backlog = backlog_new(&settings);
    add(backlog, true, 2);
    backlog_keep(backlog, at_s(0));
    backlog_free(backlog);
    FILE *file = fopen(path, "a");
    fputs("0123456789abcdef torn", file);
    fclose(file);
    backlog = backlog_new(&settings);
    cr_expect_str_eq(all(backlog), "receipt 1; receipt 2");
    cr_expect_eq(backlog_keep(backlog, at_s(0)), INT64_MAX, "both stand there");
    backlog_free(backlog);
}

Test(backlog, leaves_out_what_is_of_another_meter)
{
    const struct backlog_settings other = {path, "socmod/v1/gateway/E2/receipt", "socmod/v1/gateway/E2/load"};
    struct backlog *backlog = backlog_new(&other);
    add(backlog, true, 1);
    add(backlog, false, 2);
    backlog_free(backlog);
    cr_expect_str_empty(kept());
    backlog = backlog_new(&settings);
    add(backlog, true, 3);
    backlog_free(backlog);
    cr_expect_str_eq(kept(), "receipt 3");
}

Test(backlog, drops_loads_before_receipts_and_the_oldest_first)
{
    struct backlog *backlog = backlog_new(&memory_only);
    add(backlog, true, 0);
    add(backlog, false, 1);
    add(backlog, false, 2);
    for (int i = 3; i < BACKLOG_MOST; i++)
        cr_expect(add(backlog, true, i));
    backlog_at(backlog, 1)->is_under_way = true;
    cr_expect_not(add(backlog, true, BACKLOG_MOST));
    cr_expect_str_eq(backlog_at(backlog, 1)->text, "load 1", "under way");
    cr_expect_str_eq(backlog_at(backlog, 2)->text, "receipt 3", "load 2 has gone");
    backlog_at(backlog, 1)->is_under_way = false;
    add(backlog, true, BACKLOG_MOST + 1);
    cr_expect_str_eq(backlog_at(backlog, 1)->text, "receipt 3", "load 1 too");
    backlog_at(backlog, 0)->is_under_way = true;
    add(backlog, true, BACKLOG_MOST + 2);
    cr_expect_str_eq(backlog_at(backlog, 0)->text, "receipt 0", "under way");
    cr_expect_str_eq(backlog_at(backlog, 1)->text, "receipt 4", "receipt 3 was the oldest");
    cr_expect_eq(backlog_count(backlog), BACKLOG_MOST);
    cr_expect_eq(backlog_keep(backlog, at_s(0)), INT64_MAX, "no file");
    while (backlog_count(backlog))
        backlog_remove(backlog, backlog_at(backlog, 0));
    backlog_free(backlog);
}

// However often the meter's message changes.
Test(backlog, wears_the_disk_only_so_much)
{
    struct backlog *backlog = backlog_new(&settings);
    struct stat before, after;
    int writes = 0, number = 0;
    for (int second = 0; second < 3600; second++) {
        add(backlog, true, number++);
        int64_t wait = backlog_keep(backlog, at_s(second));
        cr_assert_eq(stat(path, &after), 0);
        bool has_written = second == 0 || after.st_size != before.st_size;
        before = after;
        writes += has_written;
        cr_assert(has_written == (wait == INT64_MAX), "second %d", second);
        cr_assert(wait == INT64_MAX || (wait > 0 && wait <= 60 * SECONDS_NS), "second %d", second);
        if (second % 100 == 99) // the broker takes what there is
            while (backlog_count(backlog) > 1)
                backlog_remove(backlog, backlog_at(backlog, 0));
    }
    cr_expect_leq(writes, BACKLOG_WRITES + 60);
    cr_expect_geq(writes, BACKLOG_WRITES + 50);
    // After a quiet hour all of them are there again.
    for (int i = 0; i < BACKLOG_WRITES; i++) {
        add(backlog, true, number++);
        cr_assert_eq(backlog_keep(backlog, at_s(7200)), INT64_MAX, "%d", i);
    }
    add(backlog, true, number);
    cr_expect_eq(backlog_keep(backlog, at_s(7201)), 59 * SECONDS_NS);
    cr_expect_eq(backlog_keep(backlog, at_s(7260)), INT64_MAX, "what waits is written");
    backlog_free(backlog);
}

Test(backlog, tries_again_when_the_disk_is_back)
{
    cr_assert_eq(mkdir(path, 0700), 0);
    struct backlog *backlog = backlog_new(&settings);
    add(backlog, true, 1);
    cr_expect_eq(backlog_keep(backlog, at_s(100)), 10 * SECONDS_NS);
    add(backlog, true, 2);
    cr_expect_eq(backlog_keep(backlog, at_s(101)), 9 * SECONDS_NS, "not with each receipt");
    cr_expect_eq(backlog_keep(backlog, at_s(110)), 10 * SECONDS_NS);
    rmdir(path);
    cr_expect_eq(backlog_keep(backlog, at_s(120)), INT64_MAX);
    cr_expect_str_eq(kept(), "receipt 1; receipt 2");
    backlog_free(backlog);
}
