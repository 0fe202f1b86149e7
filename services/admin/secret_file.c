// SPDX-License-Identifier: Apache-2.0

#include "services/admin/secret_file.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 65536 };

static void grow(struct secret_file *file)
{
    struct secret_file larger = {.len = file->len, .room = 2 * file->room};
    larger.text = secret_new(larger.room);
    memcpy(larger.text, file->text, file->len);
    secret_free(file->text, file->room);
    *file = larger;
}

// Not through stdio, which would keep a copy.
static ssize_t read_all(int fd, struct secret_file *file)
{
    ssize_t got;
    do {
        if (file->len == file->room)
            grow(file);
        got = read(fd, file->text + file->len, file->room - file->len);
        if (got > 0)
            file->len += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got;
}

static enum err complain(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    return ERR_IO;
}

enum err secret_file_read(const char *path, struct secret_file *file)
{
    struct stat stat;
    bool is_stdin = !strcmp(path, "-");
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat))
        return complain(path, strerror(errno));
    if (!is_stdin && S_ISREG(stat.st_mode) && stat.st_mode & S_IRWXO) {
        close(fd);
        return complain(path, "others have access to these keys: chmod 0600");
    }
    size_t expected = S_ISREG(stat.st_mode) ? (size_t)stat.st_size + 1 : 0;
    *file = (struct secret_file){.room = expected > ROOM ? expected : ROOM};
    file->text = secret_new(file->room);
    enum err err = read_all(fd, file) < 0 ? complain(path, strerror(errno)) : ERR_NONE;
    close(fd);
    if (err)
        secret_file_free(file);
    return err;
}

void secret_file_free(struct secret_file *file)
{
    secret_free(file->text, file->room);
}
