// SPDX-License-Identifier: Apache-2.0

#include "services/audit/tar_file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, COPY = 65536 };
#define SIZE_END ((off_t)1 << 33) // eleven octal digits

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[6],
        version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static enum err complain(enum err err, const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    return err;
}

static void put_header(FILE *out, const char *name, const struct stat *stat)
{
    struct header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    snprintf(header.name, sizeof header.name, "%s", name);
    memcpy(header.mode, "0000644", 8);
    memcpy(header.uid, "0000000", 8);
    memcpy(header.gid, "0000000", 8);
    snprintf(header.size, sizeof header.size, "%011jo", (uintmax_t)stat->st_size);
    snprintf(header.mtime, sizeof header.mtime, "%011jo", (uintmax_t)stat->st_mtime);
    memset(header.sum, ' ', sizeof header.sum);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++)
        sum += ((const unsigned char *)&header)[i];
    snprintf(header.sum, sizeof header.sum, "%06o", sum);
    fwrite(&header, sizeof header, 1, out);
}

static void put_zeros(FILE *out, size_t count)
{
    static const char zeros[2 * BLOCK];
    fwrite(zeros, 1, count, out);
}

static enum err put_open(FILE *out, FILE *in, const char *path, const char *name)
{
    struct stat stat;
    if (fstat(fileno(in), &stat))
        return complain(ERR_IO, path, strerror(errno));
    if (stat.st_size >= SIZE_END)
        return complain(ERR_SIZE, path, "too long for a tar file: export to a folder");
    put_header(out, name, &stat);
    static char octets[COPY];
    for (size_t len; (len = fread(octets, 1, sizeof octets, in));)
        fwrite(octets, 1, len, out);
    put_zeros(out, (size_t)((BLOCK - stat.st_size % BLOCK) % BLOCK));
    return ferror(in) ? complain(ERR_IO, path, strerror(errno)) : ERR_NONE;
}

static enum err put_file(FILE *out, const char *folder, const char *name)
{
    char *path = memory_format("%s/%s", folder, name);
    FILE *in = fopen(path, "re");
    enum err err = in ? put_open(out, in, path, name) : complain(ERR_IO, path, strerror(errno));
    if (in)
        fclose(in);
    free(path);
    return err;
}

enum err tar_file_write(const char *path, const char *folder, const char *const *names)
{
    FILE *out = fopen(path, "wxe");
    if (!out)
        return complain(ERR_IO, path, strerror(errno));
    enum err err = ERR_NONE;
    for (; !err && *names; names++)
        err = put_file(out, folder, *names);
    put_zeros(out, (size_t)2 * BLOCK);
    bool is_written = !fflush(out) && !ferror(out) && !fsync(fileno(out));
    if (!err && !is_written)
        err = complain(ERR_IO, path, strerror(errno));
    fclose(out);
    if (err)
        unlink(path);
    return err;
}
