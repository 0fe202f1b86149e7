// SPDX-License-Identifier: Apache-2.0

#include "services/p3/counter_file.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { TEXT_MAX = 16 };

static enum err refuse(const char *path, const char *why, enum err err)
{
    log_error("counter.refused", F("path", path), F("why", why));
    return err;
}

// The descriptor that holds the lock until it is closed; -1: no lock.
static int lock(const char *path)
{
    char *name = memory_format("%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600), done = -1;
    while (fd >= 0 && (done = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        continue;
    if (fd >= 0 && done != 0) {
        close(fd);
        fd = -1;
    }
    free(name);
    return fd;
}

// All of text must be a number and a line break.
static enum err parse(const char *text, uint64_t *next)
{
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 10 || strcmp(text + digits, "\n") != 0)
        return ERR_SYNTAX;
    *next = strtoull(text, NULL, 10);
    return ERR_NONE;
}

static enum err read_next(const char *path, int64_t start, uint64_t *next)
{
    char text[TEXT_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && start >= 0) {
        *next = (uint64_t)start;
        return ERR_NONE;
    }
    if (fd < 0)
        return refuse(path, strerror(errno), ERR_IO);
    ssize_t len = read(fd, text, TEXT_MAX);
    close(fd);
    if (len < 0)
        return refuse(path, strerror(errno), ERR_IO);
    text[len] = '\0';
    return parse(text, next) ? refuse(path, "is not one counter in decimal digits", ERR_SYNTAX)
                             : ERR_NONE;
}

// A rename is on disk when its folder is.
static bool sync_folder(const char *path)
{
    char *copy = memory_text(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && !fsync(fd);
    if (fd >= 0)
        close(fd);
    free(copy);
    return done;
}

static enum err write_next(const char *path, uint64_t next)
{
    char *name = memory_format("%s.new", path), text[TEXT_MAX + 1];
    int len = snprintf(text, sizeof text, "%ju\n", (uintmax_t)next);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write(fd, text, (size_t)len) == len && !fsync(fd);
    if (fd >= 0 && close(fd))
        done = false;
    done = done && !rename(name, path) && sync_folder(path);
    enum err err = done ? ERR_NONE : refuse(name, strerror(errno), ERR_IO);
    free(name);
    return err;
}

static enum err reserve(const char *path, int64_t start, uint32_t least, uint32_t count,
                        struct counter_range *range)
{
    uint64_t next = 0;
    enum err err = read_next(path, start, &next);
    if (err)
        return err;
    if (next < least)
        next = least;
    if (next + count > UINT32_MAX)
        return refuse(path, "counters are used up: change the key", ERR_RANGE);
    err = write_next(path, next + count);
    if (!err)
        *range = (struct counter_range){(uint32_t)next, count};
    return err;
}

enum err counter_file_reserve(const char *path, int64_t start, uint32_t least, uint32_t count,
                              struct counter_range *range)
{
    int fd = lock(path);
    if (fd < 0)
        return refuse(path, strerror(errno), ERR_IO);
    enum err err = reserve(path, start, least, count, range);
    close(fd);
    return err;
}
