// SPDX-License-Identifier: Apache-2.0

#include "services/p3/meter_type.h"

#include <stddef.h>
#include <string.h>

#define COMMON                                                                                     \
    .client_sap = 1, .public_sap = 16, .server_sap = 1, .challenge_len = 16, .receive_pdu = 1224,  \
    .reads_back = true, .releases = true, .protects_release = true, .resynchronises = true,        \
    .counter_jump = 1000000, .connect_ms = 30000, .answer_ms = 30000, .release_ms = 5000,          \
    .pause_ms = 20000

const struct meter_type meter_type_smr5 = {COMMON, .token_rule = METER_TOKEN_NEXT};
const struct meter_type meter_type_dsmr42 = {COMMON, .token_rule = METER_TOKEN_RANGE};

static const struct {
    const char *name;
    const struct meter_type *type;
} names[] = {
    {"smr5", &meter_type_smr5},
    {"dsmr42", &meter_type_dsmr42},
};

const struct meter_type *meter_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i].name, name))
            return names[i].type;
    return NULL;
}
