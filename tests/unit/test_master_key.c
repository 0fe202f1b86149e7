// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "io/master_key.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char path[] = "/tmp/socmod_master.XXXXXX";

static void put(const char *text, mode_t mode)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void gone(void)
{
    unlink(path);
}

TestSuite(master_key, .fini = gone);

struct file {
    char text[96];
    mode_t mode;
    enum err err;
    char why[48];
};

ParameterizedTestParameters(master_key, reads)
{
    static struct file files[] = {
        {DIGITS "\n", 0600, ERR_NONE, "as made"},
        {DIGITS, 0400, ERR_NONE, "no line break, nobody writes"},
        {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F \r\n", 0600, ERR_NONE,
         "as others write it"},
        {DIGITS "\n", 0640, ERR_RANGE, "its group reads it"},
        {DIGITS "\n", 0604, ERR_RANGE, "everybody reads it"},
        {DIGITS "\n", 0620, ERR_RANGE, "its group writes it"},
        {DIGITS "0\n", 0600, ERR_SYNTAX, "a digit too many"},
        {DIGITS "00\n", 0600, ERR_SYNTAX, "an octet too many"},
        {"", 0600, ERR_SYNTAX, "empty"},
        {"g" DIGITS, 0600, ERR_SYNTAX, "no digit"},
        {"00 " DIGITS, 0600, ERR_SYNTAX, "a blank within"},
    };
    return cr_make_param_array(struct file, files, COUNT(files));
}

ParameterizedTest(struct file *c, master_key, reads)
{
    struct master_key *key = NULL;
    char why[MASTER_KEY_REASON];
    put(c->text, c->mode);
    enum err err = master_key_read(path, &key, why);
    cr_assert_eq(err, c->err, "%s: %s", c->why, err_name(err));
    if (err) {
        cr_expect_null(key);
        cr_expect(strstr(why, path), "%s", why);
        cr_expect_null(strstr(why, "0001"), "%s: %s", c->why, why);
    } else {
        cr_expect_eq(key->octets[31], 31, "%s", c->why);
        cr_expect_eq(strlen(key->id), MASTER_KEY_ID_LEN);
    }
    master_key_free(key);
}

Test(master_key, comes_from_the_folder_of_systemd)
{
    struct master_key *key = NULL;
    char why[MASTER_KEY_REASON];
    put(DIGITS, 0440); // as its list of who may read looks
    setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
    cr_expect_eq(master_key_read(path, &key, why), ERR_RANGE, "a path is not looked for there");
    cr_assert_eq(master_key_read(path + strlen("/tmp/"), &key, why), ERR_NONE, "%s", why);
    master_key_free(key);
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    cr_expect_eq(chdir("/tmp"), 0);
    cr_expect_eq(master_key_read(path + strlen("/tmp/"), &key, why), ERR_RANGE);
}

Test(master_key, is_no_folder_and_no_pipe)
{
    struct master_key *key = NULL;
    char why[MASTER_KEY_REASON];
    cr_expect_eq(master_key_read("/tmp", &key, why), ERR_IO);
    put("", 0600);
    gone();
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(master_key_read(path, &key, why), ERR_IO, "and nobody waits for it");
}

Test(master_key, is_made_once_and_for_its_owner)
{
    char id[MASTER_KEY_ID_LEN + 1], why[MASTER_KEY_REASON];
    struct master_key *key = NULL;
    struct stat stat_of;
    put("", 0600);
    gone();
    cr_assert_eq(master_key_make(path, id, why), ERR_NONE, "%s", why);
    cr_expect_eq(master_key_make(path, id, why), ERR_IO, "there already");
    cr_assert_eq(stat(path, &stat_of), 0);
    cr_expect_eq(stat_of.st_mode & 07777, 0600);
    cr_assert_eq(master_key_read(path, &key, why), ERR_NONE, "%s", why);
    cr_expect_str_eq(key->id, id);
    master_key_free(key);
}
