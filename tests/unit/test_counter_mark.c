// SPDX-License-Identifier: Apache-2.0

#include "services/p3/counter_mark.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define A_DATABASE "01941f29-7c00-7aaa-8bbb-0123456789ab"

static char folder[] = "/tmp/socmod_mark.XXXXXX";
static char path[64];

static void start(void)
{
    cr_assert_neq((intptr_t)mkdtemp(folder), 0);
    snprintf(path, sizeof path, "%s/mark", folder);
}

static void stop(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(counter_mark, .init = start, .fini = stop);

static struct counter_mark mark_of(int64_t generation, int64_t serial)
{
    return (struct counter_mark){A_DATABASE, generation, serial};
}

static enum err read_mark(struct counter_mark *mark)
{
    struct counter_mark_file *file = NULL;
    enum err err = counter_mark_open(path, &file, mark);
    counter_mark_close(file);
    return err;
}

static void write_marks(int count)
{
    struct counter_mark_file *file = NULL;
    struct counter_mark mark;
    cr_assert_eq(counter_mark_open(path, &file, &mark), ERR_NONE);
    for (int i = 1; i <= count; i++) {
        mark = mark_of(3, i);
        cr_assert_eq(counter_mark_write(file, &mark), ERR_NONE);
    }
    counter_mark_close(file);
}

static void damage(off_t at, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, text, strlen(text), at), (ssize_t)strlen(text));
    close(fd);
}

Test(counter_mark, keeps_the_newest)
{
    struct counter_mark mark;
    cr_assert_eq(read_mark(&mark), ERR_NONE);
    cr_expect_str_eq(mark.database, "", "none yet");
    for (int count = 1; count <= 5; count++) {
        write_marks(count);
        cr_assert_eq(read_mark(&mark), ERR_NONE);
        cr_expect_str_eq(mark.database, A_DATABASE);
        cr_expect_eq(mark.generation, 3);
        cr_expect_eq(mark.serial, count);
    }
    struct stat stat_of;
    cr_assert_eq(stat(path, &stat_of), 0);
    cr_expect_eq(stat_of.st_mode & 07777, 0600);
}

Test(counter_mark, survives_a_crash_in_the_middle_of_a_line)
{
    struct counter_mark mark;
    write_marks(4); // the second line is the newest
    struct stat stat_of;
    cr_assert_eq(stat(path, &stat_of), 0);
    off_t line = stat_of.st_size / 2;
    damage(line + 90, "999");
    cr_assert_eq(read_mark(&mark), ERR_NONE);
    cr_expect_eq(mark.serial, 3, "the line before");
    write_marks(1);
    damage(20, "x");
    damage(line + 20, "x");
    cr_expect_eq(read_mark(&mark), ERR_SYNTAX, "none is left");
    cr_assert_eq(truncate(path, line - 1), 0);
    cr_expect_eq(read_mark(&mark), ERR_NONE, "broken off when it was made");
    cr_expect_str_eq(mark.database, "");
}

Test(counter_mark, refuses_what_is_no_mark)
{
    struct counter_mark mark = mark_of(1, 1);
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    damage(0, text);
    cr_expect_eq(read_mark(&mark), ERR_SYNTAX);
    cr_expect_eq(mark.serial, 1, "untouched");
    struct counter_mark_file *file = NULL;
    cr_expect_eq(counter_mark_open("/nonexistent/mark", &file, &mark), ERR_IO);
}

Test(counter_mark, compares_generation_first)
{
    const struct counter_mark a = mark_of(1, 500), b = mark_of(2, 100), c = mark_of(2, 101);
    cr_expect(counter_mark_behind(&a, &b));
    cr_expect_not(counter_mark_behind(&b, &a));
    cr_expect(counter_mark_behind(&b, &c));
    cr_expect_not(counter_mark_behind(&b, &b));
}
