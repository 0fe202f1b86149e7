// SPDX-License-Identifier: Apache-2.0

#include "services/p3/meter_type.h"

#define COMMON                                                                                     \
    .client_sap = 1, .public_sap = 16, .server_sap = 1, .challenge_len = 16, .receive_pdu = 1224,  \
    .reads_back = true, .releases = true, .protects_release = true, .resynchronises = true,        \
    .counter_jump = 1000000, .connect_ms = 30000, .answer_ms = 30000, .release_ms = 5000,          \
    .pause_ms = 20000

const struct meter_type meter_type_smr5 = {COMMON, .token_rule = METER_TOKEN_NEXT};
const struct meter_type meter_type_dsmr42 = {COMMON, .token_rule = METER_TOKEN_RANGE};
