// SPDX-License-Identifier: Apache-2.0

#include "base/err.h"

const char *err_name(enum err err)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",   [ERR_MORE] = "more", [ERR_SYNTAX] = "syntax",
        [ERR_RANGE] = "range", [ERR_SIZE] = "size", [ERR_CHECKSUM] = "checksum",
        [ERR_IO] = "io",
    };
    return names[err];
}
