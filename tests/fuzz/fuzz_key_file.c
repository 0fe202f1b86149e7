// SPDX-License-Identifier: Apache-2.0
// Whatever the text, CSV or JSON: every finding begins with its place and shows no hex digits of
// the text that could be a key; a row has all that it must have.

#include "services/admin/key_file.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_row(void *arg, const struct key_row *row)
{
    int *last = arg;
    assert(row->line >= *last);
    *last = row->line;
    assert(*row->equipment_id && strlen(row->equipment_id) <= KEY_FILE_EQUIPMENT_LEN);
    assert(row->client_sap >= 0 && row->client_sap <= UINT16_MAX);
    assert(row->server_sap >= 0 && row->server_sap <= UINT16_MAX);
    assert(row->counter >= 0 && row->counter <= UINT32_MAX);
}

static size_t longest_run_of_digits(const char *text)
{
    size_t run = 0, longest = 0;
    for (; *text; text++) {
        run = isxdigit((unsigned char)*text) ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings = {0};
    int line = 0;
    const struct key_sink sink = {&line, on_row};
    key_file_read("f", (const char *)data, size, &sink, &findings);
    for (size_t i = 0; i < findings.count && i < FINDINGS_KEPT; i++) {
        assert(!strncmp(findings.text[i], "f:", 2) && atoi(findings.text[i] + 2) > 0);
        assert(longest_run_of_digits(findings.text[i]) <= 10);
    }
    findings_clear(&findings);
    return 0;
}
