// SPDX-License-Identifier: Apache-2.0

#include "io/durable_file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool write_all(int fd, const char *octets, size_t left)
{
    while (left > 0) {
        ssize_t written = write(fd, octets, left);
        if (written < 0)
            return false;
        octets += written;
        left -= (size_t)written;
    }
    return true;
}

static bool write_new(const char *path, const void *octets, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool done = write_all(fd, octets, len) && fsync(fd) == 0;
    int fault = errno;
    close(fd);
    errno = fault;
    return done;
}

// A rename is on the disk once the folder is.
static bool sync_folder_of(const char *path)
{
    char *room = memory_text(path);
    int fd = open(dirname(room), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(room);
    if (fd < 0)
        return false;
    bool done = fsync(fd) == 0;
    int fault = errno;
    close(fd);
    errno = fault;
    return done;
}

enum err durable_file_write(const char *path, const void *octets, size_t len,
                            char why[static DURABLE_FILE_REASON])
{
    char *beside = memory_format("%s.new", path);
    const char *failed = !write_new(beside, octets, len) ? "write"
                         : rename(beside, path) != 0     ? "rename"
                         : !sync_folder_of(path)         ? "sync the folder of"
                                                         : NULL;
    if (failed)
        snprintf(why, DURABLE_FILE_REASON, "%s %.60s: %.40s", failed, path, strerror(errno));
    free(beside);
    return failed ? ERR_IO : ERR_NONE;
}
