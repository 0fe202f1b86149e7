// SPDX-License-Identifier: Apache-2.0
// For calls of the cryptographic library that fail only where memory does: then the program ends.

#ifndef WIRE_MUST_H
#define WIRE_MUST_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>

static inline void must_work(bool works)
{
    if (!works)
        log_fatal("crypto.unavailable");
}

static inline void *must(void *got)
{
    must_work(got != NULL);
    return got;
}

#endif
