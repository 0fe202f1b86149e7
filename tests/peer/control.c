// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/control.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err control_read(const char *text, struct control *order)
{
    struct control read = {.number = CONTROL_NO_NUMBER};
    char number[21] = "", rest;
    int count = sscanf(text, "%64s %64s %20s %c", read.word, read.name, number, &rest);
    if (count < 2 || count > 3)
        return ERR_SYNTAX;
    if (count == 3) {
        char *end;
        errno = 0;
        read.number = strtoll(number, &end, 10);
        if (*end || errno || read.number < 0)
            return ERR_SYNTAX;
    }
    *order = read;
    return ERR_NONE;
}

bool control_read_list(const char *where, const char *list,
                       const char *(*obey)(void *arg, const struct control *order), void *arg)
{
    char *copy = memory_text(list), *rest;
    bool good = true;
    for (char *text = strtok_r(copy, ",", &rest); text; text = strtok_r(NULL, ",", &rest)) {
        struct control order;
        const char *why = "is not an order, a name and perhaps a number";
        if (!control_read(text, &order))
            why = obey(arg, &order);
        if (why) {
            fprintf(stderr, "%s: \"%s\": %s\n", where, text, why);
            good = false;
        }
    }
    free(copy);
    return good;
}
