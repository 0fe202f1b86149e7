// SPDX-License-Identifier: Apache-2.0
// Whatever the text: an index that is read writes itself back to one that reads the same, and no
// serial stands in it twice; one that is not is refused with its line.

#include "services/admin/pki_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pki_index index, again;
    char why[128];
    if (pki_index_read((const char *)data, size, &index, why)) {
        assert(!strncmp(why, "line ", 5));
        return 0;
    }
    for (size_t i = 0; i < index.count; i++)
        for (size_t j = 0; j < i; j++)
            assert(memcmp(index.entries[i].serial, index.entries[j].serial, AUTHORITY_SERIAL));
    char *text = pki_index_format(&index), *twice;
    assert(!pki_index_read(text, strlen(text), &again, why));
    twice = pki_index_format(&again);
    assert(!strcmp(text, twice));
    free(twice);
    free(text);
    pki_index_clear(&again);
    pki_index_clear(&index);
    return 0;
}
