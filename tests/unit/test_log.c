// SPDX-License-Identifier: Apache-2.0

#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int told[2];

// What is logged goes through a pipe from here on.
static void listen_in(void)
{
    unsetenv("JOURNAL_STREAM");
    cr_assert_eq(pipe(told), 0);
    dup2(told[1], STDERR_FILENO);
}

static void expect_told(const char *wanted)
{
    char got[4096];
    close(STDERR_FILENO);
    close(told[1]);
    ssize_t len = read(told[0], got, sizeof got - 1);
    got[len > 0 ? len : 0] = '\0';
    cr_expect_str_eq(got, wanted);
}

Test(log, writes_each_kind_of_value)
{
    listen_in();
    const char *nothing = NULL;
    log_info("plan.sent", F("feeder", "Zuid 7"), F("id", "F1"), F("blocks", 96),
             F("far", INT64_MIN), F("part", 0.25), F("late", (bool)true), F("note", nothing));
    expect_told("level=info event=plan.sent feeder=\"Zuid 7\" id=F1 blocks=96"
                " far=-9223372036854775808 part=0.25 late=true note=\"\"\n");
}

struct shown {
    char value[32];
    char text[64];
    char why[48];
};

ParameterizedTestParameters(log, escapes)
{
    static struct shown cases[] = {
        {"plain-1.2_x", "plain-1.2_x", "nothing to escape"},
        {"", "\"\"", "empty"},
        {"two words", "\"two words\"", "a blank"},
        {"a=b", "\"a=b\"", "looks like a field"},
        {"a\nlevel=error", "\"a\\x0alevel=error\"", "a line cannot be forged"},
        {"a\r\t", "\"a\\x0d\\x09\"", "other controls"},
        {"say \"x\"", "\"say \\\"x\\\"\"", "quotes"},
        {"C:\\x", "\"C:\\\\x\"", "backslash"},
        {"\x1b[31m", "\"\\x1b[31m\"", "a terminal is not commanded"},
        {"\x7f", "\"\\x7f\"", "delete"},
        {"\xc3\xa9", "\"\\xc3\\xa9\"", "not ASCII"},
    };
    return cr_make_param_array(struct shown, cases, COUNT(cases));
}

ParameterizedTest(struct shown *c, log, escapes)
{
    listen_in();
    log_warn("x.y", F("v", c->value));
    char wanted[128];
    snprintf(wanted, sizeof wanted, "level=warn event=x.y v=%s\n", c->text);
    expect_told(wanted);
}

Test(log, cuts_a_long_line_and_ends_it)
{
    listen_in();
    char value[5000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_error("x.y", F("v", value), F("behind", 1));
    char wanted[2048 + 1] = "level=error event=x.y v=";
    memset(wanted + strlen(wanted), 'x', 2047 - strlen("level=error event=x.y v="));
    wanted[2047] = '\n';
    wanted[2048] = '\0';
    expect_told(wanted);
}

Test(log, shows_only_what_is_important_enough)
{
    listen_in();
    log_debug("a.a");
    log_set_level(LOG_DEBUG);
    log_debug("b.b");
    log_set_level(LOG_WARN);
    log_info("c.c");
    log_warn("d.d");
    expect_told("level=debug event=b.b\nlevel=warn event=d.d\n");
}

Test(log, tells_the_journal_its_level)
{
    listen_in();
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_warn("a.a");
    expect_told("<4>level=warn event=a.a\n");
}

Test(log, leaves_errno_alone)
{
    listen_in();
    close(STDERR_FILENO);
    errno = ENOENT;
    log_warn("a.a");
    cr_expect_eq(errno, ENOENT);
}

Test(log, ends_the_program_when_it_is_fatal, .exit_code = 1)
{
    listen_in();
    log_fatal("memory.exhausted");
}
