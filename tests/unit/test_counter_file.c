// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "services/p3/counter_file.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char folder[] = "/tmp/counter_file.XXXXXX";
static char *path;

static void set_up(void)
{
    cr_assert(mkdtemp(folder));
    path = memory_format("%s/counter", folder);
}

static void tear_down(void)
{
    static const char *const ends[] = {"", ".lock", ".new"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char *name = memory_format("%s%s", path, ends[i]);
        unlink(name);
        free(name);
    }
    rmdir(folder);
    free(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

static void expect_file(const char *wanted)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    cr_assert(file);
    cr_assert(fgets(text, sizeof text, file));
    fclose(file);
    cr_expect_str_eq(text, wanted);
}

static void expect_whole_file(const char *wanted)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    cr_assert(file);
    cr_expect_eq(fread(text, 1, sizeof text - 1, file), strlen(wanted));
    fclose(file);
    cr_expect_str_eq(text, wanted);
}

Test(counter_file, keeps_the_counter_of_the_meter, .init = set_up, .fini = tear_down)
{
    struct counter_range range;
    int64_t seen = 0;
    cr_assert_eq(counter_file_seen(path, &seen), ERR_NONE);
    cr_expect_eq(seen, COUNTER_FILE_NONE);
    cr_expect_eq(counter_file_note(path, 5), ERR_IO, "no file yet");
    cr_assert_eq(counter_file_reserve(path, 7, 0, 64, &range), ERR_NONE);
    cr_assert_eq(counter_file_note(path, 41), ERR_NONE);
    expect_whole_file("71\nmeter 41\n");
    cr_assert_eq(counter_file_note(path, 40), ERR_NONE, "never down");
    cr_assert_eq(counter_file_reserve(path, 7, 0, 64, &range), ERR_NONE);
    expect_whole_file("135\nmeter 41\n");
    cr_assert_eq(counter_file_note(path, UINT32_MAX), ERR_NONE);
    cr_assert_eq(counter_file_seen(path, &seen), ERR_NONE);
    cr_expect_eq(seen, UINT32_MAX);
}

Test(counter_file, gives_each_counter_once, .init = set_up, .fini = tear_down)
{
    struct counter_range range;
    cr_assert_eq(counter_file_reserve(path, 7, 0, 64, &range), ERR_NONE);
    cr_expect_eq(range.next, 7, "where it starts");
    cr_expect_eq(range.count, 64);
    expect_file("71\n");
    cr_assert_eq(counter_file_reserve(path, 7, 0, 1, &range), ERR_NONE);
    cr_expect_eq(range.next, 71, "the start counts only once");
    cr_assert_eq(counter_file_reserve(path, COUNTER_FILE_MUST_EXIST, 5000, 8, &range), ERR_NONE);
    cr_expect_eq(range.next, 5000, "not below what the meter saw");
    cr_assert_eq(counter_file_reserve(path, 7, 10, 8, &range), ERR_NONE);
    cr_expect_eq(range.next, 5008, "never down");
    expect_file("5016\n");
}

struct bad {
    char text[32];
    uint32_t least;
    enum err err;
};

ParameterizedTestParameters(counter_file, refuses)
{
    static struct bad cases[] = {
        {"", 0, ERR_SYNTAX},
        {"\n", 0, ERR_SYNTAX},
        {"12", 0, ERR_SYNTAX},
        {"-1\n", 0, ERR_SYNTAX},
        {"12 13\n", 0, ERR_SYNTAX},
        {"12\n13\n", 0, ERR_SYNTAX},
        {"12\nmeter 13", 0, ERR_SYNTAX},
        {"12\nmeter \n", 0, ERR_SYNTAX},
        {"12\nmeter 13\n\n", 0, ERR_SYNTAX},
        {"0x10\n", 0, ERR_SYNTAX},
        {"12345678901\n", 0, ERR_SYNTAX},
        {"4294967288\n", 0, ERR_RANGE},
        {"9999999999\n", 0, ERR_RANGE},
        {"1\n", UINT32_MAX - 7, ERR_RANGE},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, counter_file, refuses, .init = set_up, .fini = tear_down)
{
    struct counter_range range = {.next = 42};
    write_file(c->text);
    enum err err = counter_file_reserve(path, 0, c->least, 8, &range);
    cr_expect_eq(err, c->err, "\"%s\": %s", c->text, err_name(err));
    cr_expect_eq(range.next, 42, "untouched");
    if (*c->text && *c->text != '\n')
        expect_whole_file(c->text);
}

Test(counter_file, must_be_there_unless_told_where_to_start, .init = set_up, .fini = tear_down)
{
    struct counter_range range;
    cr_expect_eq(counter_file_reserve(path, COUNTER_FILE_MUST_EXIST, 0, 8, &range), ERR_IO);
    cr_expect_eq(counter_file_reserve("/nonexistent/counter", 1, 0, 8, &range), ERR_IO);
}

Test(counter_file, gives_the_last_counters_and_no_more, .init = set_up, .fini = tear_down)
{
    struct counter_range range;
    write_file("4294967287\n");
    cr_assert_eq(counter_file_reserve(path, 0, 0, 8, &range), ERR_NONE);
    cr_expect_eq(range.next + range.count, UINT32_MAX);
    cr_expect_eq(counter_file_reserve(path, 0, 0, 1, &range), ERR_RANGE);
}

// Four processes at once take all different ones: the file ends at their sum.
Test(counter_file, serves_several_processes, .init = set_up, .fini = tear_down)
{
    enum { PROCESSES = 4, TIMES = 25 };
    struct counter_range range;
    for (int i = 0; i < PROCESSES; i++)
        if (!fork()) {
            for (int k = 0; k < TIMES; k++)
                if (counter_file_reserve(path, 1, 0, 3, &range))
                    _exit(1);
            _exit(0);
        }
    for (int i = 0, status; i < PROCESSES; i++) {
        cr_assert_gt(wait(&status), 0);
        cr_expect_eq(status, 0);
    }
    expect_file("301\n");
}
