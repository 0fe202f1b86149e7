// SPDX-License-Identifier: Apache-2.0
// What is read as a head of the trail is, written again, the very text: so what was signed has one
// meaning only.

#include "base/memory.h"
#include "wire/trail_head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memory_text_n((const char *)data, size);
    struct trail_head head;
    if (!trail_head_read(text, &head)) {
        char *back = trail_head_write(&head);
        assert(!strcmp(text, back));
        free(back);
        trail_head_clear(&head);
    }
    free(text);
    return 0;
}
