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

enum { TEXT_MAX = 40 };

// What the file says.
struct kept {
    uint64_t next;
    int64_t meter_counter; // COUNTER_FILE_NONE: not yet
};

static const char meter_label[] = "meter ";

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

// One counter and the line break behind it.
static const char *take_counter(const char *text, uint64_t *counter)
{
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 10 || text[digits] != '\n')
        return NULL;
    *counter = strtoull(text, NULL, 10);
    return text + digits + 1;
}

// All of text must be a counter, perhaps with that of the meter in a second line.
static enum err parse(const char *text, struct kept *kept)
{
    uint64_t meter_counter;
    *kept = (struct kept){.meter_counter = COUNTER_FILE_NONE};
    text = take_counter(text, &kept->next);
    if (text && !strncmp(text, meter_label, strlen(meter_label))) {
        text = take_counter(text + strlen(meter_label), &meter_counter);
        if (text)
            kept->meter_counter = (int64_t)meter_counter;
    }
    return text && !*text ? ERR_NONE : ERR_SYNTAX;
}

static enum err read_kept(const char *path, int64_t start, struct kept *kept)
{
    char text[TEXT_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && start >= 0) {
        *kept = (struct kept){(uint64_t)start, COUNTER_FILE_NONE};
        return ERR_NONE;
    }
    if (fd < 0)
        return refuse(path, strerror(errno), ERR_IO);
    ssize_t len = read(fd, text, TEXT_MAX);
    close(fd);
    if (len < 0)
        return refuse(path, strerror(errno), ERR_IO);
    text[len] = '\0';
    return parse(text, kept) ? refuse(path, "is not one counter in decimal digits", ERR_SYNTAX)
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

static enum err write_kept(const char *path, const struct kept *kept)
{
    char *name = memory_format("%s.new", path), text[TEXT_MAX + 1];
    int len = snprintf(text, sizeof text, "%ju\n", (uintmax_t)kept->next);
    if (kept->meter_counter != COUNTER_FILE_NONE)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%jd\n", meter_label,
                        (intmax_t)kept->meter_counter);
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
    struct kept kept;
    enum err err = read_kept(path, start, &kept);
    if (err)
        return err;
    uint64_t next = kept.next < least ? least : kept.next;
    if (next + count > UINT32_MAX)
        return refuse(path, "counters are used up: change the key", ERR_RANGE);
    kept.next = next + count;
    err = write_kept(path, &kept);
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

enum err counter_file_seen(const char *path, int64_t *meter_counter)
{
    struct kept kept;
    enum err err = read_kept(path, 0, &kept);
    if (!err)
        *meter_counter = kept.meter_counter;
    return err;
}

enum err counter_file_note(const char *path, int64_t meter_counter)
{
    struct kept kept;
    int fd = lock(path);
    if (fd < 0)
        return refuse(path, strerror(errno), ERR_IO);
    enum err err = read_kept(path, COUNTER_FILE_MUST_EXIST, &kept);
    if (!err && meter_counter > kept.meter_counter) {
        kept.meter_counter = meter_counter;
        err = write_kept(path, &kept);
    }
    close(fd);
    return err;
}
