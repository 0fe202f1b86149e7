// SPDX-License-Identifier: Apache-2.0

#include "gateway/journal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char folder[] = "/tmp/journal.XXXXXX";
static char path[64];

static bool sync_fails;

// In place of the library's: a disk that fails cannot be had otherwise.
int fdatasync(int fd)
{
    errno = EIO;
    return sync_fails ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/receipts", folder);
}

static void remove_folder(void)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s.new", path);
    unlink(beside);
    unlink(path);
    rmdir(path);
    rmdir(folder);
}

TestSuite(journal, .init = make_folder, .fini = remove_folder);

static const struct journal_record records[] = {
    {"socmod/v1/gateway/E1/receipt", "{\"at\":\"2026-01-14T17:00:00.000Z\"}"},
    {"socmod/v1/gateway/E1/load", "{}"},
    {"socmod/v1/gateway/E1/receipt", ""},
    {"socmod/v1/gateway/E1/receipt", "{\"reason\":\"tab\\t\"}"},
};

// What was read, one record a line.
struct said {
    char text[65536];
};

static void add(void *arg, const struct journal_record *record)
{
    struct said *said = arg;
    size_t len = strlen(said->text);
    snprintf(said->text + len, sizeof said->text - len, "%s|%s\n", record->topic, record->text);
}

static const char *text_of(const struct journal_record *of, int count)
{
    static struct said said;
    said.text[0] = '\0';
    for (int i = 0; i < count; i++)
        add(&said, &of[i]);
    return said.text;
}

static struct said said;
static int damaged;
static char why[JOURNAL_REASON];

static enum err read_into(struct journal *journal)
{
    said.text[0] = '\0';
    return journal_read(journal, add, &said, &damaged, why);
}

// What a program that starts now finds.
static const char *found(void)
{
    struct journal *journal = journal_new(path);
    cr_assert_eq(read_into(journal), ERR_NONE, "%s", why);
    journal_free(journal);
    return said.text;
}

static off_t size_of_file(void)
{
    struct stat status;
    return stat(path, &status) ? -1 : status.st_size;
}

Test(journal, finds_what_was_written_in_order)
{
    struct journal *journal = journal_new(path);
    cr_assert_eq(read_into(journal), ERR_NONE, "no file is an empty one");
    cr_expect_str_empty(said.text);
    cr_assert_eq(journal_write(journal, records, 1, 0, why), ERR_NONE);
    cr_expect_str_eq(found(), text_of(records, 1));
    cr_assert_eq(journal_write(journal, records, 4, 1, why), ERR_NONE);
    cr_expect_str_eq(found(), text_of(records, 4));
    cr_expect_eq(damaged, 0);
    journal_free(journal);

    journal = journal_new(path);
    cr_assert_eq(read_into(journal), ERR_NONE);
    cr_assert_eq(journal_write(journal, records + 1, 3, 2, why), ERR_NONE, "the first has gone");
    const struct journal_record all[] = {records[0], records[1], records[2], records[3],
                                         records[3]};
    cr_expect_str_eq(found(), text_of(all, 5), "and the file goes on");
    journal_free(journal);
    journal_free(NULL);
}

Test(journal, clears)
{
    struct journal *journal = journal_new(path);
    cr_assert_eq(journal_write(journal, records, 3, 0, why), ERR_NONE);
    journal_clear(journal);
    cr_expect_eq(size_of_file(), 0);
    cr_assert_eq(journal_write(journal, records + 3, 1, 0, why), ERR_NONE);
    cr_expect_str_eq(found(), text_of(records + 3, 1));
    unlink(path);
    journal_clear(journal);
    cr_assert_eq(journal_write(journal, records, 2, 1, why), ERR_NONE);
    cr_expect_str_eq(found(), text_of(records, 2), "what vanished is written anew");
    journal_free(journal);
}

// Only what is needed is written, and what is not needed any more does not pile up.
Test(journal, grows_by_what_is_added_and_not_for_ever)
{
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const struct journal_record one[] = {{"t", text}, {"t", text}};
    struct journal *journal = journal_new(path);
    cr_assert_eq(journal_write(journal, one, 1, 0, why), ERR_NONE);
    off_t before = size_of_file(), most = 0;
    cr_assert_eq(journal_write(journal, one, 2, 1, why), ERR_NONE);
    cr_expect_eq(size_of_file(), 2 * before);
    for (int i = 0; i < 1000; i++) { // one comes, one goes
        cr_assert_eq(journal_write(journal, one, 2, 1, why), ERR_NONE);
        most = size_of_file() > most ? size_of_file() : most;
    }
    cr_expect_leq(most, 70000);
    cr_expect_geq(most, 60000, "but is not written anew each time");
    journal_free(journal);
}

struct damage {
    char what[48];
    char content[256]; // "" : that of all records, in which ...
    int at, len;       // ... len octets from at, from the end when negative, are gone
    char with;         // or have become this
    int sound, damaged;
};

ParameterizedTestParameters(journal, leaves_out_what_is_damaged)
{
    static struct damage cases[] = {
        {.what = "nothing", .sound = 4},
        {.what = "the last octet", .at = -1, .len = 1, .sound = 3, .damaged = 1},
        {.what = "half of the last line", .at = -30, .len = 30, .sound = 3, .damaged = 1},
        {.what = "all but the last line's digest", .at = -40, .len = 40, .sound = 3, .damaged = 1},
        {.what = "one bit of the first text",
         .at = 40,
         .len = 1,
         .with = 'X',
         .sound = 3,
         .damaged = 1},
        {.what = "the first digest", .at = 0, .len = 1, .with = 'X', .sound = 3, .damaged = 1},
        {.what = "the blank behind it", .at = 16, .len = 1, .with = '\t', .sound = 3, .damaged = 1},
        {.what = "a line feed", .at = -1, .len = 1, .with = 'X', .sound = 3, .damaged = 1},
        {.what = "a NUL in the middle", .at = 30, .len = 1, .with = '\0', .sound = 4},
        {.what = "another file", .content = "[meter]\nequipment_id = E1\n", .damaged = 2},
        {.what = "a blank line", .content = "\n", .damaged = 1},
        {.what = "a digest of nothing", .content = "e3b0c44298fc1c14 \n", .damaged = 1},
        // printf 'no tab' | sha256sum
        {.what = "a line without a tab", .content = "775901baecd96735 no tab\n", .damaged = 1},
    };
    return cr_make_param_array(struct damage, cases, COUNT(cases));
}

ParameterizedTest(struct damage *c, journal, leaves_out_what_is_damaged)
{
    struct journal *journal = journal_new(path);
    cr_assert_eq(journal_write(journal, records, 4, 0, why), ERR_NONE);
    journal_free(journal);
    char content[1024];
    FILE *file = fopen(path, "r");
    size_t len = fread(content, 1, sizeof content, file);
    fclose(file);
    if (*c->content) {
        len = strlen(c->content);
        memcpy(content, c->content, len);
    } else {
        size_t at = c->at < 0 ? len - (size_t)-c->at : (size_t)c->at;
        if (c->with)
            memset(content + at, c->with, (size_t)c->len);
        else if (c->at < 0)
            len = at;
    }
    file = fopen(path, "w");
    fwrite(content, 1, len, file);
    fclose(file);

    const char *all = text_of(records, 4);
    journal = journal_new(path);
    cr_assert_eq(read_into(journal), ERR_NONE);
    cr_expect_eq(damaged, c->damaged, "%s: %d", c->what, damaged);
    int lines = 0;
    for (const char *at = said.text; (at = strchr(at, '\n')); at++)
        lines++;
    cr_expect_eq(lines, c->sound, "%s: %d", c->what, lines);
    cr_expect(strstr(all, c->sound == 3 && c->at >= 0 ? said.text : "") != NULL);

    // And whoever goes on does not lose anything behind the damage.
    cr_assert_eq(journal_write(journal, records, 2, 1, why), ERR_NONE);
    if (c->damaged)
        cr_expect_str_eq(found(), text_of(records, 2), "%s", c->what);
    journal_free(journal);
}

// printf 'a\tb\0c' | sha256sum. What stands behind the NUL would be lost.
Test(journal, leaves_out_a_line_with_a_nul)
{
    static const char content[] = "87c410e70eb42c4d a\tb\0c\n";
    cr_expect_eq(journal_decode(content, sizeof content - 1, add, &said), 1);
    cr_expect_str_empty(said.text);
}

Test(journal, leaves_out_zeros_and_lines_without_end)
{
    static char content[3 * JOURNAL_LINE];
    cr_expect_eq(journal_decode(content, sizeof content, add, &said), 1);
    memset(content, 'x', sizeof content);
    content[sizeof content - 1] = '\n';
    cr_expect_eq(journal_decode(content, sizeof content, add, &said), 1);
    cr_expect_eq(journal_decode(content, 0, add, &said), 0);
    cr_expect_str_empty(said.text);
}

Test(journal, says_why_it_cannot_be_read)
{
    struct journal *journal = journal_new(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(read_into(journal), ERR_IO);
    cr_expect(strstr(why, "open ") && strstr(why, path), "%s", why);
    cr_expect_eq(journal_write(journal, records, 1, 0, why), ERR_IO);
    cr_expect(strstr(why, "rename ") && strstr(why, path), "%s", why);
    rmdir(path);
    cr_expect_eq(journal_write(journal, records, 1, 0, why), ERR_NONE);
    cr_expect_str_eq(found(), text_of(records, 1));
    journal_free(journal);

    journal = journal_new("/proc/self/mem"); // opens, but has nothing at its begin
    cr_assert_eq(read_into(journal), ERR_IO);
    cr_expect(strstr(why, "read "), "%s", why);
    journal_free(journal);
}

// What the disk did not sync is written anew, elsewhere.
Test(journal, does_not_rely_on_what_was_not_synced)
{
    struct stat before, after;
    struct journal *journal = journal_new(path);
    cr_assert_eq(journal_write(journal, records, 1, 0, why), ERR_NONE);
    cr_assert_eq(stat(path, &before), 0);
    sync_fails = true;
    cr_expect_eq(journal_write(journal, records, 3, 1, why), ERR_IO);
    cr_expect(strstr(why, "append to ") == why && strstr(why, strerror(EIO)), "%s", why);
    sync_fails = false;
    cr_assert_eq(journal_write(journal, records, 3, 1, why), ERR_NONE);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_neq(before.st_ino, after.st_ino);
    cr_expect_str_eq(found(), text_of(records, 3));
    journal_free(journal);
}

// What could not be appended as a whole is written anew as soon as there is room.
Test(journal, loses_nothing_to_a_full_disk)
{
    struct journal *journal = journal_new(path);
    cr_assert_eq(journal_write(journal, records, 1, 0, why), ERR_NONE);
    signal(SIGXFSZ, SIG_IGN);
    for (int more = 0; more < 20; more++) {
        struct rlimit limit = {(rlim_t)size_of_file() + (rlim_t)more, RLIM_INFINITY};
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        enum err err = journal_write(journal, records, 3, 1, why);
        limit.rlim_cur = RLIM_INFINITY;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        cr_assert_eq(err, ERR_IO, "room for %d more", more);
        cr_expect(strstr(why, path), "%s", why);
        cr_assert_str_eq(found(), text_of(records, 1), "room for %d more", more);
    }
    cr_assert_eq(journal_write(journal, records, 3, 1, why), ERR_NONE);
    cr_expect_str_eq(found(), text_of(records, 3));
    journal_free(journal);
}
