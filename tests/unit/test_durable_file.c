// SPDX-License-Identifier: Apache-2.0
// Power cuts and full disks: see test_state_power_cut.c.

#include "io/durable_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[] = "/tmp/durable_file.XXXXXX";
static char path[64], beside[80];
static int syncs_left = -1; // before one fails; below 0: none does

// In place of the library's: a disk that fails cannot be had otherwise.
int fsync(int fd)
{
    if (syncs_left >= 0 && syncs_left-- == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(beside, sizeof beside, "%s.new", path);
}

static void remove_folder(void)
{
    unlink(path);
    unlink(beside);
    rmdir(path);
    rmdir(beside);
    rmdir(folder);
}

TestSuite(durable_file, .init = make_folder, .fini = remove_folder);

static const char *content(void)
{
    static char text[64];
    FILE *file = fopen(path, "r");
    if (!file)
        return "none";
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static char why[DURABLE_FILE_REASON];

Test(durable_file, holds_what_was_written_last_for_its_owner_only)
{
    cr_expect_eq(durable_file_write(path, "one", 3, why), ERR_NONE);
    cr_expect_str_eq(content(), "one");
    cr_expect_eq(durable_file_write(path, "", 0, why), ERR_NONE);
    cr_expect_str_eq(content(), "");
    cr_expect_eq(durable_file_write(path, "three", 5, why), ERR_NONE);
    cr_expect_str_eq(content(), "three");
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0600);
    cr_expect_neq(stat(beside, &status), 0, "nothing is left");
}

static void expect_failure(const char *step, const char *reason, const char *left)
{
    cr_expect_eq(durable_file_write(path, "new", 3, why), ERR_IO);
    cr_expect(strstr(why, step) == why && strstr(why, path) && strstr(why, reason), "%s", why);
    cr_expect_str_eq(content(), left);
}

Test(durable_file, names_the_step_that_failed)
{
    cr_assert_eq(durable_file_write(path, "old", 3, why), ERR_NONE);
    cr_assert_eq(mkdir(beside, 0700), 0);
    expect_failure("write ", strerror(EISDIR), "old");
    rmdir(beside);
    syncs_left = 0;
    expect_failure("write ", strerror(EIO), "old");
    syncs_left = 1;
    expect_failure("sync the folder of ", strerror(EIO), "new");
    syncs_left = -1;
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_failure("rename ", strerror(EISDIR), "");
    rmdir(path);
    cr_expect_eq(durable_file_write(path, "well", 4, why), ERR_NONE);
}

// One may write into it but not look at it.
Test(durable_file, names_a_folder_that_cannot_be_opened)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0)
        cr_assert(chown(folder, NOBODY, NOBODY) == 0 && seteuid(NOBODY) == 0);
    cr_assert_eq(chmod(folder, 0300), 0);
    cr_expect_eq(durable_file_write(path, "new", 3, why), ERR_IO);
    cr_expect(strstr(why, "sync the folder of ") == why && strstr(why, strerror(EACCES)), "%s",
              why);
    cr_assert_eq(chmod(folder, 0700), 0);
    cr_expect_str_eq(content(), "new");
    if (getuid() == 0)
        cr_expect_eq(seteuid(0), 0);
}
