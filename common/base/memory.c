// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *got)
{
    if (!got)
        log_fatal("memory.exhausted");
    return got;
}

void *memory_new(size_t count, size_t size)
{
    return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *memory_grow(void *old, size_t count, size_t size)
{
    return or_die(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *memory_text(const char *text)
{
    return or_die(strdup(text));
}

char *memory_text_n(const char *text, size_t len)
{
    char *copy = memory_new(len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}

char *memory_format(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = NULL;
    int len = vasprintf(&text, format, list);
    va_end(list);
    return or_die(len < 0 ? NULL : text);
}

void memory_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}
