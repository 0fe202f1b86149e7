// SPDX-License-Identifier: Apache-2.0
// Requests to change settings: what is taken makes a file that reads back the same, hence has
// nothing in it that was not asked for.

#include "gateway/settings_patch.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings_patch patch = {0}, back = {0};
    char *password = NULL, why[SETTINGS_PATCH_WHY] = "", path[40];
    if (settings_patch_read((const char *)data, size, &patch, &password, why)) {
        assert(*why && strlen(why) < sizeof why && !patch.site && !password);
        return 0;
    }
    char *text = settings_patch_text(&patch);
    int fd = memfd_create("patch", 0);
    ssize_t done = write(fd, text, strlen(text));
    assert(done == (ssize_t)strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum err err = settings_patch_load(path, &back);
    assert(!err && settings_patch_equal(&patch, &back));
    close(fd);
    free(text);
    free(password);
    settings_patch_clear(&patch);
    settings_patch_clear(&back);
    return 0;
}
