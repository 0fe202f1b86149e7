// SPDX-License-Identifier: Apache-2.0
// Driver files of charger types: what is accepted can say a limit and move to its points.

#include "gateway/charger_type.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_quiet;
    if (!is_quiet && !freopen("/dev/null", "w", stderr))
        abort();
    is_quiet = true;
    char path[40];
    int fd = memfd_create("type", 0);
    ssize_t done = write(fd, data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct charger_type type;
    if (done == (ssize_t)size && !charger_type_read(path, &type)) {
        const struct amperes_connection connection = {3, 230000, 11040};
        uint16_t words[CHARGER_WORDS];
        struct amperes_value value = amperes_from_watts(&type.scale, &connection, false, 6000);
        int count = charger_type_words(&type, value.phase, words);
        assert(count >= 1 && count <= CHARGER_WORDS && value.watts <= 6000 + 1);
        if (!charger_type_at_point(&type, 2))
            assert(type.limit.address <= UINT16_MAX);
        charger_type_clear(&type);
    }
    close(fd);
    return 0;
}
