// SPDX-License-Identifier: Apache-2.0
// The journal of receipts and kill -9 at every single step of a write: what was written before
// stands there, and of what is being written a beginning.

#include "gateway/journal.h"
#include "tests/unit/power_cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 6, KEPT = 3, TEXT = 300 };

static char folder[] = "/tmp/power_cut.XXXXXX";
static char path[64], beside[80];
static char texts[RECORDS][TEXT + 1];
static struct journal_record records[RECORDS];
static struct journal *journal;
static char why[JOURNAL_REASON];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/receipts", folder);
    snprintf(beside, sizeof beside, "%s.new", path);
    for (int i = 0; i < RECORDS; i++) {
        memset(texts[i], 'a' + i, TEXT);
        records[i] = (struct journal_record){"socmod/v1/gateway/E1/receipt", texts[i]};
    }
}

static void remove_folder(void)
{
    journal_free(journal);
    unlink(path);
    unlink(beside);
    rmdir(folder);
}

TestSuite(journal_power_cut, .init = make_folder, .fini = remove_folder);

static void count_in_order(void *arg, const struct journal_record *record)
{
    int *count = arg;
    cr_assert_lt(*count, RECORDS);
    cr_assert_str_eq(record->text, texts[*count]);
    ++*count;
}

// How many records stand there, in order from the first.
static int found(int *damaged)
{
    int count = 0;
    struct journal *again = journal_new(path);
    cr_assert_eq(journal_read(again, count_in_order, &count, damaged, why), ERR_NONE, "%s", why);
    journal_free(again);
    return count;
}

static void begin_with(int count)
{
    journal_free(journal);
    journal = journal_new(path);
    cr_assert_eq(journal_write(journal, records, count, 0, why), ERR_NONE, "%s", why);
}

static bool append(void)
{
    return journal_write(journal, records, RECORDS, KEPT, why) == ERR_NONE;
}

static bool write_anew(void)
{
    struct journal *other = journal_new(path); // knows nothing of what stands there
    bool done = journal_write(other, records, RECORDS, KEPT, why) == ERR_NONE;
    journal_free(other);
    return done;
}

static void cut(bool (*work)(void))
{
    bool was_killed = true, was_old = false;
    int stops = 0;
    for (; was_killed; stops++) {
        int damaged;
        begin_with(KEPT);
        was_killed = power_cut_after(stops, work);
        int now = found(&damaged);
        cr_assert_geq(now, KEPT, "after %d stops", stops);
        was_old |= now == KEPT;
        if (!was_killed)
            cr_expect_eq(now, RECORDS);
    }
    cr_expect(was_old);
    cr_expect_gt(stops, 4);
}

Test(journal_power_cut, at_any_step_of_an_append_loses_nothing_of_before, .timeout = 120)
{
    cut(append);
}

Test(journal_power_cut, at_any_step_of_a_rewrite_loses_nothing_of_before, .timeout = 120)
{
    cut(write_anew);
}

// kill -9 does not tear a write, a power cut may: at any octet.
Test(journal_power_cut, that_tears_the_end_loses_nothing_of_before)
{
    int damaged;
    begin_with(KEPT);
    FILE *file = fopen(path, "r");
    fseek(file, 0, SEEK_END);
    long kept = ftell(file);
    fclose(file);
    begin_with(RECORDS);
    int most = RECORDS;
    for (long size = 2 * kept; size >= kept; size--) {
        cr_assert_eq(truncate(path, size), 0);
        int now = found(&damaged);
        cr_assert(now >= KEPT && now <= most, "%d records in %ld octets", now, size);
        cr_assert_leq(damaged, 1);
        most = now;
    }
    cr_expect_eq(most, KEPT);
}

Test(journal_power_cut, finds_an_append_synced_before_it_is_said_to_be_done)
{
    enum power_cut_step steps[POWER_CUT_STEPS];
    begin_with(KEPT);
    int count = power_cut_steps(append, steps);
    cr_assert_eq(count, 2, "one write and one sync: that is the wear");
    cr_expect_eq(steps[0], POWER_CUT_WRITE);
    cr_expect_eq(steps[1], POWER_CUT_SYNC);
}
