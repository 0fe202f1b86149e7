// SPDX-License-Identifier: Apache-2.0
// Whatever stands in the state file: it is refused, or read and written back the same. Its
// digest is put right first, or nothing would ever get past it.

#include "base/digest.h"
#include "gateway/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char magic[] = "socmod-gateway state 1 ";
    enum { MAGIC_LEN = sizeof magic - 1, HEAD = MAGIC_LEN + DIGEST_TEXT_LEN + 1 };
    struct state state, again;
    enum err raw = state_decode((const char *)data, size, &state);
    assert(raw == ERR_NONE || raw == ERR_CHECKSUM || raw == ERR_SYNTAX || raw == ERR_RANGE);

    char *content = malloc(HEAD + size);
    struct digest digest = digest_of(data, size);
    memcpy(content, magic, MAGIC_LEN);
    digest_format(&digest, content + MAGIC_LEN);
    content[HEAD - 1] = '\n';
    memcpy(content + HEAD, data, size);
    if (state_decode(content, HEAD + size, &state) == ERR_NONE) {
        char *written = state_encode(&state);
        assert(state_decode(written, strlen(written), &again) == ERR_NONE);
        char *rewritten = state_encode(&again);
        assert(!strcmp(written, rewritten));
        free(written);
        free(rewritten);
    }
    free(content);
    return 0;
}
