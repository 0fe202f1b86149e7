// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/keep.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *octets, size_t len)
{
    while (len) {
        ssize_t written = write(fd, octets, len);
        if (written < 0)
            return false;
        octets += written;
        len -= (size_t)written;
    }
    return true;
}

// So that the new name survives too.
static bool sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? memory_text_n(path, (size_t)(slash - path) + 1) : memory_text(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && !fsync(fd);
    if (fd >= 0)
        close(fd);
    free(folder);
    return synced;
}

enum err keep_write(const char *path, const void *octets, size_t len, bool durable)
{
    char *fresh = memory_format("%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool kept = fd >= 0 && write_all(fd, octets, len) && (!durable || !fsync(fd));
    if (fd >= 0 && close(fd))
        kept = false;
    kept = kept && !rename(fresh, path) && (!durable || sync_folder_of(path));
    if (!kept)
        log_error("file.not_written", F("path", path), F("why", strerror(errno)));
    free(fresh);
    return kept ? ERR_NONE : ERR_IO;
}

char *keep_read(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return NULL;
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        log_fatal("file.not_read", F("path", path), F("why", strerror(errno)));
    char *text = memory_new((size_t)status.st_size + 1, 1);
    ssize_t got = read(fd, text, (size_t)status.st_size);
    if (got != status.st_size)
        log_fatal("file.not_read", F("path", path), F("why", strerror(errno)));
    close(fd);
    *len = (size_t)got;
    return text;
}

enum keep keep_of(const char *word)
{
    if (!strcmp(word, "disk"))
        return KEEP_DISK;
    return !strcmp(word, "cache") ? KEEP_CACHE : KEEP_MEMORY;
}
