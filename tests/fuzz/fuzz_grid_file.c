// SPDX-License-Identifier: Apache-2.0
// Whatever the text: every finding begins with its place, and a row has its key and, where it
// refers to another object, the other's.

#include "services/admin/grid_file.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_row(void *arg, enum grid_kind kind, const char *const fields[GRID_FIELDS])
{
    (void)arg;
    assert(fields[0] && *fields[0]);
    assert(kind == GRID_TRANSFORMER || (fields[1] && *fields[1]));
}

static void on_elsewhere(void *arg, enum grid_kind kind, const char *id, const char *place)
{
    (void)arg;
    assert(kind <= GRID_CONNECTION && *id && !strncmp(place, "f:", 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings = {0};
    const struct grid_sink sink = {NULL, on_row, on_elsewhere};
    grid_file_read("f", (const char *)data, size, &sink, &findings);
    for (size_t i = 0; i < findings.count && i < FINDINGS_KEPT; i++)
        assert(!strncmp(findings.text[i], "f:", 2) && atoi(findings.text[i] + 2) > 0);
    findings_clear(&findings);
    return 0;
}
