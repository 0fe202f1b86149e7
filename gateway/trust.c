// SPDX-License-Identifier: Apache-2.0

#include "gateway/trust.h"

#include <string.h>

static const char *const words[] = {
    [P1_TRUSTED] = NULL,
    [P1_TRUST_CRC_BAD] = "the CRC does not match",
    [P1_TRUST_CRC_ABSENT] = "no CRC",
    [P1_TRUST_CRC_SHORT] = "a CRC of fewer than four digits",
    [P1_TRUST_VERSION] = "no version, or an unknown one",
    [P1_TRUST_NO_MESSAGE] = "no message line",
    [P1_TRUST_MESSAGES] = "more than one message line",
    [P1_TRUST_MESSAGE_HEX] = "a message that is not pairs of hex digits",
    [P1_TRUST_MESSAGE_SIZE] = "a message of more than 1024 octets",
};

void trust_start(struct trust *trust, const struct trust_rules *rules)
{
    memset(trust, 0, sizeof *trust);
    trust->rules = *rules;
}

static bool is_about_message(enum p1_trust verdict)
{
    return verdict >= P1_TRUST_NO_MESSAGE;
}

const char *trust_refuses(const struct trust *trust, const struct p1_telegram *telegram)
{
    enum p1_trust verdict = p1_telegram_trust(telegram);
    if (verdict != P1_TRUSTED && !is_about_message(verdict))
        return words[verdict];
    if (!*trust->rules.equipment_id)
        return NULL;
    if (telegram->equipment_id.status != P1_VALUE)
        return "no equipment identifier";
    if (strcmp(telegram->equipment_id.text, trust->rules.equipment_id) != 0)
        return "the telegram is of another meter";
    return NULL;
}

bool trust_settles(struct trust *trust, const struct p1_telegram *telegram)
{
    enum p1_trust verdict = p1_telegram_trust(telegram);
    size_t len = telegram->message.status == P1_MESSAGE_PRESENT ? telegram->message.len : 0;
    if (trust->seen && trust->verdict == verdict && trust->len == len
        && !memcmp(trust->octets, telegram->message.octets, len)) {
        if (trust->seen >= trust->rules.repeats)
            return false;
        trust->seen++;
    } else {
        trust->seen = 1;
        trust->verdict = verdict;
        trust->len = len;
        memcpy(trust->octets, telegram->message.octets, len);
    }
    return trust->seen == trust->rules.repeats;
}

bool trust_is_settled(const struct trust *trust)
{
    return trust->seen == trust->rules.repeats;
}

const char *trust_message_fault(const struct trust *trust)
{
    return words[trust->verdict];
}
