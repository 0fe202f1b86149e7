// SPDX-License-Identifier: Apache-2.0

#include "services/admin/findings.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>

void findings_add(struct findings *findings, const char *format, ...)
{
    if (findings->count < FINDINGS_KEPT) {
        char line[512];
        va_list list;
        va_start(list, format);
        vsnprintf(line, sizeof line, format, list);
        va_end(list);
        for (char *at = line; *at; at++)
            if ((unsigned char)*at < ' ' || *at == 0x7f)
                *at = '?'; // an input must not write on the terminal
        findings->text[findings->count] = memory_text(line);
    }
    findings->count++;
}

void findings_print(const struct findings *findings, FILE *out)
{
    for (size_t i = 0; i < findings->count && i < FINDINGS_KEPT; i++)
        fprintf(out, "%s\n", findings->text[i]);
    if (findings->count > FINDINGS_KEPT)
        fprintf(out, "... and %zu more\n", findings->count - FINDINGS_KEPT);
}

void findings_clear(struct findings *findings)
{
    for (size_t i = 0; i < findings->count && i < FINDINGS_KEPT; i++)
        free(findings->text[i]);
    *findings = (struct findings){0};
}
