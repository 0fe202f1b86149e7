// SPDX-License-Identifier: Apache-2.0

#include "services/p3/counter_mark.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    SUM_LEN = 16, // digits
    FACTS_LEN = COUNTER_MARK_DATABASE_LEN + 2 * 20,
    LINE_LEN = FACTS_LEN + 1 + SUM_LEN + 1,
};

struct counter_mark_file {
    char *path;
    int fd;
    int line; // to be written next
};

static enum err refuse(const char *path, const char *why, enum err err)
{
    log_error("counter_mark.refused", F("path", path), F("why", why));
    return err;
}

bool counter_mark_behind(const struct counter_mark *a, const struct counter_mark *b)
{
    return a->generation < b->generation
           || (a->generation == b->generation && a->serial < b->serial);
}

// --- A line ---

static void put_line(const struct counter_mark *mark, char line[static LINE_LEN + 1])
{
    char sum[SUM_LEN + 1];
    int len = snprintf(line, LINE_LEN + 1, "%-36.36s%20jd%20jd", mark->database,
                       (intmax_t)mark->generation, (intmax_t)mark->serial);
    struct digest digest = digest_of(line, (size_t)len);
    hex_format(digest.octets, SUM_LEN / 2, sum, sizeof sum);
    snprintf(line + len, (size_t)(LINE_LEN + 1 - len), " %s\n", sum);
}

static bool take_line(const char *line, struct counter_mark *mark)
{
    struct counter_mark read = {0};
    char again[LINE_LEN + 1], number[21] = "";
    memcpy(read.database, line, COUNTER_MARK_DATABASE_LEN);
    memcpy(number, line + COUNTER_MARK_DATABASE_LEN, 20);
    read.generation = strtoll(number, NULL, 10);
    memcpy(number, line + COUNTER_MARK_DATABASE_LEN + 20, 20);
    read.serial = strtoll(number, NULL, 10);
    put_line(&read, again);
    if (memcmp(line, again, LINE_LEN) != 0)
        return false;
    *mark = read;
    return true;
}

// --- The file ---

// A new file is on disk when its folder is.
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

// A file shorter than a line was being made when somebody died: nothing had been given then.
static enum err read_mark(struct counter_mark_file *file, struct counter_mark *mark)
{
    char text[2 * LINE_LEN] = "";
    struct counter_mark lines[2] = {0};
    ssize_t len = pread(file->fd, text, sizeof text, 0);
    if (len < 0)
        return refuse(file->path, strerror(errno), ERR_IO);
    if (len < LINE_LEN) {
        *mark = lines[0];
        return ERR_NONE;
    }
    bool first = take_line(text, &lines[0]), second = take_line(text + LINE_LEN, &lines[1]);
    if (!first && !second)
        return refuse(file->path, "holds no mark of counters", ERR_SYNTAX);
    int newest = !first || (second && counter_mark_behind(&lines[0], &lines[1]));
    *mark = lines[newest];
    file->line = !newest;
    return ERR_NONE;
}

enum err counter_mark_open(const char *path, struct counter_mark_file **file,
                           struct counter_mark *mark)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse(path, strerror(errno), ERR_IO);
    struct counter_mark_file *opened = memory_new(1, sizeof *opened);
    *opened = (struct counter_mark_file){.path = memory_text(path), .fd = fd};
    enum err err = ERR_NONE;
    if (flock(fd, LOCK_EX | LOCK_NB))
        err =
            refuse(path, errno == EWOULDBLOCK ? "another process has it" : strerror(errno), ERR_IO);
    else if (!sync_folder(path))
        err = refuse(path, strerror(errno), ERR_IO);
    if (!err)
        err = read_mark(opened, mark);
    if (err)
        counter_mark_close(opened);
    else
        *file = opened;
    return err;
}

void counter_mark_close(struct counter_mark_file *file)
{
    if (!file)
        return;
    close(file->fd);
    free(file->path);
    free(file);
}

enum err counter_mark_write(struct counter_mark_file *file, const struct counter_mark *mark)
{
    char line[LINE_LEN + 1];
    put_line(mark, line);
    if (pwrite(file->fd, line, LINE_LEN, (off_t)file->line * LINE_LEN) != LINE_LEN
        || fdatasync(file->fd))
        return refuse(file->path, strerror(errno), ERR_IO);
    file->line = !file->line;
    return ERR_NONE;
}
