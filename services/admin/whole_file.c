// SPDX-License-Identifier: Apache-2.0

#include "services/admin/whole_file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(FILE *file, size_t *len)
{
    size_t room = 65536;
    char *text = memory_new(room, 1);
    *len = 0;
    for (size_t got; (got = fread(text + *len, 1, room - *len - 1, file)) > 0;) {
        *len += got;
        if (*len == room - 1)
            text = memory_grow(text, room *= 2, 1);
    }
    text[*len] = '\0';
    return text;
}

char *whole_file_read(const char *path, size_t *len)
{
    bool is_stdin = !strcmp(path, "-");
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    char *text = file ? read_all(file, len) : NULL;
    if (!file || ferror(file)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (file && !is_stdin)
        fclose(file);
    return text;
}
