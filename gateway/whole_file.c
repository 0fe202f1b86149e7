// SPDX-License-Identifier: Apache-2.0

#include "gateway/whole_file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum err failed(char why[static WHOLE_FILE_REASON], const char *what, const char *path)
{
    snprintf(why, WHOLE_FILE_REASON, "%s %.60s: %.40s", what, path, strerror(errno));
    return ERR_IO;
}

static bool write_all(int fd, const char *content)
{
    for (size_t left = strlen(content); left;) {
        ssize_t written = write(fd, content, left);
        if (written < 0)
            return false;
        content += written;
        left -= (size_t)written;
    }
    return true;
}

// A rename is on the disk once the folder is.
static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = fsync(fd) == 0;
    close(fd);
    return done;
}

static enum err replace(const char *path, const char *beside, const char *folder,
                        const char *content, char why[static WHOLE_FILE_REASON])
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(why, "open", beside);
    if (!write_all(fd, content) || fsync(fd)) {
        enum err err = failed(why, "write", beside);
        close(fd);
        return err;
    }
    close(fd);
    if (rename(beside, path))
        return failed(why, "rename", beside);
    return sync_folder(folder) ? ERR_NONE : failed(why, "sync", folder);
}

enum err whole_file_write(const char *path, const char *content, char why[static WHOLE_FILE_REASON])
{
    const char *slash = strrchr(path, '/');
    char *beside = memory_format("%s.new", path);
    char *folder = slash ? memory_text_n(path, (size_t)(slash - path) + 1) : memory_text(".");
    enum err err = replace(path, beside, folder, content, why);
    free(beside);
    free(folder);
    return err;
}
