// SPDX-License-Identifier: Apache-2.0
// Whatever digits: what is read is what two other readers make of it, and is written back the
// same but for the case.

#include "base/digest.h"
#include "wire/hex.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One digit after the other, as hex_decode() does not do it.
static bool is_all_digits(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isxdigit(data[i]))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // As long as they are, so that reading or writing on is noticed.
    char *text = malloc(size ? size : 1);
    uint8_t *octets = malloc(size > 1 ? size / 2 : 1), *again = malloc(size > 1 ? size / 2 : 1);
    memcpy(text, data, size);
    enum err err = hex_decode(text, size, octets);
    assert(err == (size % 2 == 0 && is_all_digits(data, size) ? ERR_NONE : ERR_SYNTAX));
    size_t count = 0;
    assert(hex_parse(text, size, again, size / 2, &count) == err);
    if (err == ERR_NONE) {
        assert(count == size / 2 && !memcmp(octets, again, count));
        char *lower = malloc(size + 1), *upper = malloc(size + 1);
        hex_encode_lower(octets, count, lower);
        hex_encode_upper(octets, count, upper);
        for (size_t i = 0; i < size; i++)
            assert(lower[i] == tolower(data[i]) && upper[i] == toupper(data[i]));
        free(lower);
        free(upper);
    }
    free(text);
    free(octets);
    free(again);
    return 0;
}
