// SPDX-License-Identifier: Apache-2.0
// The messages of a French meter hold a code, not a profile: the settings say which limit a code
// stands for. It holds as long as the meter shows it. Pure.

#ifndef GATEWAY_PRESET_H
#define GATEWAY_PRESET_H

#include "base/err.h"
#include "wire/tic.h"

#include <stdint.h>

enum { PRESETS_MAX = 16 };

enum preset_source { PRESET_MSG1, PRESET_MSG2, PRESET_RELAIS };

struct preset {
    char code[TIC_TEXT_MAX + 1];
    int32_t limit_w;
};

struct presets {
    enum preset_source source;
    int count;
    struct preset items[PRESETS_MAX];
};

// Read "CODE=WATTS, CODE=WATTS". Blanks around a code do not count; one inside does.
//   ERR_SYNTAX  not of that form, or a code given twice     ERR_SIZE  too many or too long
//   ERR_RANGE   not 0 to 1000000 W
// Untouched on error.
MUST_CHECK enum err presets_parse(const char *text, struct presets *presets);

// The code that a frame shows: of the relays, their three digits. False: it shows none.
bool preset_code(const struct presets *presets, const struct tic *tic,
                 char code[static TIC_TEXT_MAX + 1]);

// What a code stands for; NULL: nothing.
const struct preset *preset_find(const struct presets *presets, const char *code);

#endif
