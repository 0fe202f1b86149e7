// SPDX-License-Identifier: Apache-2.0

#include "base/config.h"
#include "base/memory.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char *port, *parity, *broker;
static int64_t speed;
static double share;
static bool strict;
static const struct setting settings[] = {
    {"p1", "port", .text = &port, .otherwise = "/dev/ttyUSB0", .help = "serial device"},
    {"p1", "parity", .text = &parity, .otherwise = "none", .words = "none even odd",
     .help = "of a character"},
    {"p1", "speed", .integer = &speed, .otherwise = "115200", .least = 300, .most = 921600,
     .help = "baud"},
    {"rule", "share", .real = &share, .otherwise = "0.5", .least = 0.1, .most = 1, .help = "part"},
    {"rule", "strict", .flag = &strict, .otherwise = "yes", .help = "refuse oddities"},
    {0},
};
static const struct setting demanding[] = {
    {"mqtt", "broker", .text = &broker, .help = "where it listens"},
    {"p1", "port", .text = &port, .otherwise = "/dev/ttyUSB0", .help = "serial device"},
    {0},
};

// A file of its own for each test. Owned: forget().
static char *file_with(const char *text)
{
    char *path = memory_text("/tmp/test_config.XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void forget(char *path)
{
    unlink(path);
    free(path);
}

// What reading text complains of, with the file's name as FILE.
static enum err read_text(const struct setting *table, const char *text, char *said, size_t room)
{
    cr_redirect_stderr();
    char *path = file_with(text);
    config_defaults(table);
    enum err err = config_read(path, table);
    fflush(stderr);
    FILE *told = cr_get_redirected_stderr();
    size_t len = 0;
    char line[512];
    said[0] = '\0';
    size_t path_len = strlen(path);
    while (fgets(line, sizeof line, told)) {
        const char *rest = strncmp(line, path, path_len) ? line : line + path_len;
        len += (size_t)snprintf(said + len, room - len, "%s%s", rest == line ? "" : "FILE", rest);
        if (len >= room)
            break;
    }
    forget(path);
    return err;
}

Test(config, takes_a_file_over_the_defaults)
{
    char said[256];
    enum err err =
        read_text(settings,
                  "\xef\xbb\xbf; a comment\n[p1]\nport = /dev/ttyS0 ; behind a value\n"
                  "  parity=even\nspeed: 9600\n\n# another\n[rule] ; and here\nshare = 1\n"
                  "strict = no\n",
                  said, sizeof said);
    cr_expect_str_eq(said, "");
    cr_expect_eq(err, ERR_NONE);
    cr_expect_str_eq(port, "/dev/ttyS0");
    cr_expect_str_eq(parity, "even");
    cr_expect_eq(speed, 9600);
    cr_expect_eq(share, 1.0);
    cr_expect_not(strict);
}

Test(config, keeps_the_defaults_where_nothing_is_said)
{
    char said[256];
    cr_expect_eq(read_text(settings, "", said, sizeof said), ERR_NONE);
    cr_expect_str_eq(port, "/dev/ttyUSB0");
    cr_expect_eq(speed, 115200);
    cr_expect_eq(share, 0.5);
    cr_expect(strict);
}

struct bad {
    char text[128];
    enum err err;
    char said[160];
};

ParameterizedTestParameters(config, refuses)
{
    static struct bad cases[] = {
        {"[p1]\nprt = x\n", ERR_SYNTAX, "FILE:2: [p1] prt: no such setting\n"},
        {"[p2]\nport = x\n", ERR_SYNTAX, "FILE:2: [p2] port: no such setting\n"},
        {"port = x\n", ERR_SYNTAX, "FILE:1: [] port: no such setting\n"},
        {"[p1]\nport = x\n\nport = y\n", ERR_SYNTAX, "FILE:4: [p1] port: \"y\" was given before\n"},
        {"[p1]\nspeed = 299\n", ERR_RANGE,
         "FILE:2: [p1] speed: \"299\" is out of range (300 to 921600)\n"},
        {"[p1]\nspeed = 99999999999999999999\n", ERR_RANGE,
         "FILE:2: [p1] speed: \"99999999999999999999\" is out of range (300 to 921600)\n"},
        {"[p1]\nspeed = 9600x\n", ERR_SYNTAX,
         "FILE:2: [p1] speed: \"9600x\" is not a whole number (300 to 921600)\n"},
        {"[p1]\nspeed =\n", ERR_SYNTAX,
         "FILE:2: [p1] speed: \"\" is not a whole number (300 to 921600)\n"},
        {"[rule]\nshare = 1.01\n", ERR_RANGE,
         "FILE:2: [rule] share: \"1.01\" is out of range (0.1 to 1)\n"},
        {"[rule]\nshare = nan\n", ERR_SYNTAX,
         "FILE:2: [rule] share: \"nan\" is not a number (0.1 to 1)\n"},
        {"[rule]\nstrict = true\n", ERR_SYNTAX,
         "FILE:2: [rule] strict: \"true\" is neither yes nor no\n"},
        {"[p1]\nparity = mark\n", ERR_SYNTAX,
         "FILE:2: [p1] parity: \"mark\" is not one of the words allowed (none even odd)\n"},
        {"[p1]\nparity = none even\n", ERR_SYNTAX,
         "FILE:2: [p1] parity: \"none even\" is not one of the words allowed (none even odd)\n"},
        {"[p1]\nparity =\n", ERR_SYNTAX,
         "FILE:2: [p1] parity: \"\" is not one of the words allowed (none even odd)\n"},
        {"[p1]\nport\n", ERR_SYNTAX, "FILE:2: neither [section], name = value nor comment\n"},
        {"[p1\nport = x\n", ERR_SYNTAX,
         "FILE:1: neither [section], name = value nor comment\n"
         "FILE:2: [] port: no such setting\n"},
        {"[p1] port = x\n", ERR_SYNTAX, "FILE:1: neither [section], name = value nor comment\n"},
        {"\n[p1]\nwhat\n\nspeed = 1\nhow\n", ERR_SYNTAX,
         "FILE:3: neither [section], name = value nor comment\n"
         "FILE:5: [p1] speed: \"1\" is out of range (300 to 921600)\n"
         "FILE:6: neither [section], name = value nor comment\n"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, config, refuses)
{
    char said[1024];
    const char *end = strchr(c->said, '\n');
    enum err err = read_text(settings, c->text, said, sizeof said);
    cr_expect_str_eq(said, c->said);
    // With several errors the last one is told by the result.
    cr_expect_neq(err, ERR_NONE);
    if (end && !end[1])
        cr_expect_eq(err, c->err, "%s", err_name(err));
}

Test(config, misses_what_must_be_given)
{
    char said[256];
    cr_expect_eq(read_text(demanding, "[p1]\nport = x\n", said, sizeof said), ERR_SYNTAX);
    cr_expect_str_eq(said, "FILE:2: [mqtt] broker: must be given\n");
}

Test(config, misses_what_must_be_given_without_a_file)
{
    cr_redirect_stderr();
    config_defaults(demanding);
    cr_expect_eq(config_read(NULL, demanding), ERR_SYNTAX);
    config_defaults(settings);
    cr_expect_eq(config_read(NULL, settings), ERR_NONE);
    fflush(stderr);
    cr_expect_stderr_eq_str("(no settings file):0: [mqtt] broker: must be given\n");
}

Test(config, names_a_file_that_is_not_there)
{
    cr_redirect_stderr();
    cr_expect_eq(config_read("/nowhere/x.ini", settings), ERR_IO);
    fflush(stderr);
    cr_expect_stderr_eq_str("/nowhere/x.ini: No such file or directory\n");
}

Test(config, keeps_a_long_value_whole)
{
    enum { LEN = 4000 };
    char *text = memory_format("[p1]\nport = %0*d\nspeed = 1\n", LEN, 0);
    char said[256];
    cr_expect_eq(read_text(settings, text, said, sizeof said), ERR_RANGE);
    cr_expect_str_eq(said, "FILE:3: [p1] speed: \"1\" is out of range (300 to 921600)\n",
                     "the line after a long one has the next number");
    cr_expect_eq(strlen(port), (size_t)LEN);
    free(text);
}

Test(config, refuses_a_line_that_would_be_cut)
{
    enum { LEN = 9000 };
    char *text = memory_format("[p1]\nport = %0*d\nspeed = 1\n", LEN, 0);
    char said[256];
    cr_expect_eq(read_text(settings, text, said, sizeof said), ERR_RANGE);
    cr_expect_str_eq(said, "FILE:2: too long a line\n"
                           "FILE:3: [p1] speed: \"1\" is out of range (300 to 921600)\n");
    cr_expect_str_eq(port, "/dev/ttyUSB0");
    free(text);
}

Test(config, prints_a_sample_that_it_reads)
{
    char *sample = NULL;
    size_t len;
    FILE *out = open_memstream(&sample, &len);
    config_print_sample(settings, out);
    fclose(out);
    cr_expect_str_eq(sample, "[p1]\n"
                             "; serial device\nport = /dev/ttyUSB0\n"
                             "; of a character (none even odd)\nparity = none\n"
                             "; baud (300 to 921600)\nspeed = 115200\n"
                             "\n[rule]\n"
                             "; part (0.1 to 1)\nshare = 0.5\n"
                             "; refuse oddities\nstrict = yes\n");
    char said[256];
    cr_expect_eq(read_text(settings, sample, said, sizeof said), ERR_NONE);
    cr_expect_str_eq(said, "");
    free(sample);
}

Test(config, says_in_the_sample_what_must_be_given)
{
    char *sample = NULL;
    size_t len;
    FILE *out = open_memstream(&sample, &len);
    config_print_sample(demanding, out);
    fclose(out);
    cr_expect_str_eq(sample, "[mqtt]\n; where it listens\n; must be given\n;broker = \n"
                             "\n[p1]\n; serial device\nport = /dev/ttyUSB0\n");
    free(sample);
}
