// SPDX-License-Identifier: Apache-2.0

#include "io/seal_file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_MAX = 4096 };

static enum err refuse(enum err err, const char *path, const char *reason,
                       char why[static SEAL_FILE_REASON])
{
    snprintf(why, SEAL_FILE_REASON, "%.150s: %.90s", path, reason);
    return err;
}

static enum err read_open(int fd, const char *path, struct seal_key **key,
                          char why[static SEAL_FILE_REASON])
{
    struct stat stat;
    if (fstat(fd, &stat))
        return refuse(ERR_IO, path, strerror(errno), why);
    if (stat.st_mode & S_IRWXO)
        return refuse(ERR_RANGE, path, "others have access to this key", why);
    char pem[PEM_MAX];
    ssize_t len = read(fd, pem, sizeof pem);
    if (len < 0)
        return refuse(ERR_IO, path, strerror(errno), why);
    enum err err = seal_key_parse(pem, (size_t)len, key);
    memory_wipe(pem, sizeof pem);
    return err ? refuse(err, path, "no private Ed25519 key in PEM, without password", why)
               : ERR_NONE;
}

enum err seal_file_read(const char *path, struct seal_key **key, char why[static SEAL_FILE_REASON])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(ERR_IO, path, strerror(errno), why);
    enum err err = read_open(fd, path, key, why);
    close(fd);
    return err;
}

static bool write_all(int fd, const char *text, size_t len)
{
    return write(fd, text, len) == (ssize_t)len && !fsync(fd);
}

enum err seal_file_make(const char *path, struct seal_public *public_key,
                        char why[static SEAL_FILE_REASON])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return refuse(ERR_IO, path, strerror(errno), why);
    struct seal_key *key = seal_key_make();
    char *pem = seal_key_format(key);
    bool is_written = write_all(fd, pem, strlen(pem));
    enum err err = is_written ? ERR_NONE : refuse(ERR_IO, path, strerror(errno), why);
    close(fd);
    if (is_written)
        *public_key = seal_key_public(key);
    else
        unlink(path);
    memory_wipe(pem, strlen(pem));
    free(pem);
    seal_key_free(key);
    return err;
}
