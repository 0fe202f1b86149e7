// SPDX-License-Identifier: Apache-2.0

#include "io/master_key.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS = 2 * MASTER_KEY_LEN, TEXT_MAX = DIGITS + 16 };

static enum err refuse(enum err err, const char *path, const char *reason,
                       char why[static MASTER_KEY_REASON])
{
    snprintf(why, MASTER_KEY_REASON, "%.150s: %.90s", path, reason);
    return err;
}

static enum err check_access(int fd, const char *path, bool is_credential,
                             char why[static MASTER_KEY_REASON])
{
    struct stat stat;
    mode_t shut = S_IRWXO | S_IWGRP | S_IXGRP | (is_credential ? 0 : S_IRGRP);
    if (fstat(fd, &stat))
        return refuse(ERR_IO, path, strerror(errno), why);
    if (!S_ISREG(stat.st_mode))
        return refuse(ERR_IO, path, "is no ordinary file", why);
    if (stat.st_uid != geteuid() && stat.st_uid != 0)
        return refuse(ERR_RANGE, path, "belongs to another user", why);
    if (stat.st_mode & shut)
        return refuse(ERR_RANGE, path, "others may read this master key: chmod 0600", why);
    return ERR_NONE;
}

static enum err read_digits(int fd, const char *path, char *text, struct master_key *key,
                            char why[static MASTER_KEY_REASON])
{
    size_t count;
    ssize_t len = read(fd, text, TEXT_MAX);
    if (len < 0)
        return refuse(ERR_IO, path, strerror(errno), why);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    if (len != DIGITS || hex_parse(text, DIGITS, key->octets, MASTER_KEY_LEN, &count))
        return refuse(ERR_SYNTAX, path, "is not a master key of 64 hex digits", why);
    master_key_name(key);
    return ERR_NONE;
}

static enum err read_path(const char *path, bool is_credential, struct master_key **key,
                          char why[static MASTER_KEY_REASON])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(ERR_IO, path, strerror(errno), why);
    struct master_key *got = secret_new(sizeof *got);
    char *text = secret_new(TEXT_MAX);
    enum err err = check_access(fd, path, is_credential, why);
    if (!err)
        err = read_digits(fd, path, text, got, why);
    close(fd);
    secret_free(text, TEXT_MAX);
    if (err)
        master_key_free(got);
    else
        *key = got;
    return err;
}

enum err master_key_read(const char *path, struct master_key **key,
                         char why[static MASTER_KEY_REASON])
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (!credentials || !*credentials || strchr(path, '/'))
        return read_path(path, false, key, why);
    char *within = memory_format("%s/%s", credentials, path);
    enum err err = read_path(within, true, key, why);
    free(within);
    return err;
}

void master_key_free(struct master_key *key)
{
    secret_free(key, sizeof *key);
}

static bool write_all(int fd, const char *text, size_t len)
{
    return write(fd, text, len) == (ssize_t)len && !fsync(fd);
}

enum err master_key_make(const char *path, char id[static MASTER_KEY_ID_LEN + 1],
                         char why[static MASTER_KEY_REASON])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return refuse(ERR_IO, path, strerror(errno), why);
    struct master_key *key = secret_new(sizeof *key);
    char *text = secret_new(TEXT_MAX);
    bool done = RAND_bytes(key->octets, MASTER_KEY_LEN) == 1;
    master_key_name(key);
    hex_format(key->octets, MASTER_KEY_LEN, text, TEXT_MAX);
    text[DIGITS] = '\n';
    done = done && write_all(fd, text, DIGITS + 1);
    enum err err = done ? ERR_NONE : refuse(ERR_IO, path, strerror(errno), why);
    if (close(fd) && done)
        err = refuse(ERR_IO, path, strerror(errno), why);
    if (err)
        unlink(path);
    else
        memcpy(id, key->id, sizeof key->id);
    secret_free(text, TEXT_MAX);
    master_key_free(key);
    return err;
}
