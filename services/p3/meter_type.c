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

const struct meter_type *meter_types_find(const struct meter_types *types, const char *name)
{
    if (!strcmp(name, "smr5"))
        return &types->smr5;
    return !strcmp(name, "dsmr42") ? &types->dsmr42 : NULL;
}

struct meter_type meter_settings_type(const struct meter_settings *settings,
                                      const struct meter_type *standard)
{
    struct meter_type type = *standard;
    if (strcmp(settings->token, "kind") != 0)
        type.token_rule = !strcmp(settings->token, "next") ? METER_TOKEN_NEXT : METER_TOKEN_RANGE;
    type.client_sap = (uint16_t)settings->client_sap;
    type.public_sap = (uint16_t)settings->public_sap;
    type.server_sap = (uint16_t)settings->server_sap;
    type.challenge_len = (int)settings->challenge;
    type.receive_pdu = (int)settings->receive_pdu;
    type.send_pdu = (int)settings->send_pdu;
    type.reads_back = settings->read_back;
    type.releases = settings->release;
    type.protects_release = settings->protect_release;
    type.resynchronises = settings->resynchronise;
    type.counter_jump = (uint32_t)settings->counter_jump;
    type.connect_ms = settings->connect_ms;
    type.answer_ms = settings->answer_ms;
    type.release_ms = settings->release_ms;
    type.pause_ms = settings->pause_ms;
    return type;
}
