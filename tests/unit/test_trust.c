// SPDX-License-Identifier: Apache-2.0

#include "gateway/trust.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// A telegram whose data lines are given; the CRC is right when crc is "ok".
static struct p1_telegram telegram(const char *lines, enum p1_crc crc, int digits)
{
    char text[4096];
    int len = snprintf(text, sizeof text, "/ISK5\\2M550T-1012\r\n\r\n%s!", lines);
    const struct p1_frame frame = {
        .octets = (size_t)len, .crc = crc, .crc_digits = digits, .ended = true};
    struct p1_telegram read;
    p1_telegram_read(text, (size_t)len, &frame, &read);
    return read;
}

#define V50 "1-3:0.2.8(50)\r\n"
#define METER "0-0:96.1.1(4530303531303030)\r\n" // E0051000
#define MESSAGE "0-0:96.13.0(7B7D)\r\n"

struct belief {
    char lines[160];
    enum p1_crc crc;
    int digits;
    char equipment_id[16];
    char why[48]; // "": believed
};

ParameterizedTestParameters(trust, believes_only_a_sound_telegram_of_its_meter)
{
    static struct belief cases[] = {
        {V50 METER MESSAGE, P1_CRC_OK, 4, "E0051000", ""},
        {V50 METER MESSAGE, P1_CRC_OK, 4, "", ""},
        {"1-3:0.2.8(42)\r\n" METER MESSAGE, P1_CRC_OK, 4, "E0051000", ""},
        {V50 METER MESSAGE, P1_CRC_BAD, 4, "E0051000", "the CRC does not match"},
        {V50 METER MESSAGE, P1_CRC_ABSENT, 0, "E0051000", "no CRC"},
        {V50 METER MESSAGE, P1_CRC_OK, 3, "E0051000", "a CRC of fewer than four digits"},
        {METER MESSAGE, P1_CRC_OK, 4, "E0051000", "no version, or an unknown one"},
        {"1-3:0.2.8(30)\r\n" METER MESSAGE, P1_CRC_OK, 4, "", "no version, or an unknown one"},
        {V50 METER MESSAGE, P1_CRC_OK, 4, "E0051001", "the telegram is of another meter"},
        {V50 METER MESSAGE, P1_CRC_OK, 4, "E005100", "the telegram is of another meter"},
        {V50 MESSAGE, P1_CRC_OK, 4, "E0051000", "no equipment identifier"},
        {V50 MESSAGE, P1_CRC_OK, 4, "", ""},
        {V50 METER, P1_CRC_OK, 4, "E0051000", ""},
        {V50 METER "0-0:96.13.0(XYZ)\r\n", P1_CRC_OK, 4, "E0051000", ""},
    };
    return cr_make_param_array(struct belief, cases, COUNT(cases));
}

ParameterizedTest(struct belief *c, trust, believes_only_a_sound_telegram_of_its_meter)
{
    struct trust trust;
    const struct trust_rules rules = {c->equipment_id, 1};
    trust_start(&trust, &rules);
    struct p1_telegram t = telegram(c->lines, c->crc, c->digits);
    const char *why = trust_refuses(&trust, &t);
    cr_expect_str_eq(why ? why : "", c->why);
}

struct message {
    char lines[160];
    char fault[48]; // "": there is one to read
    int len;
};

ParameterizedTestParameters(trust, says_why_there_is_no_message)
{
    static struct message cases[] = {
        {V50 METER MESSAGE, "", 2},
        {V50 METER "0-0:96.13.0()\r\n", "", 0},
        {V50 METER, "no message line", 0},
        {V50 METER MESSAGE MESSAGE, "more than one message line", 0},
        {V50 METER "0-0:96.13.0(7B7)\r\n", "a message that is not pairs of hex digits", 0},
        {V50 METER "0-0:96.13.0(7B7G)\r\n", "a message that is not pairs of hex digits", 0},
    };
    return cr_make_param_array(struct message, cases, COUNT(cases));
}

ParameterizedTest(struct message *c, trust, says_why_there_is_no_message)
{
    struct trust trust;
    const struct trust_rules rules = {"", 1};
    trust_start(&trust, &rules);
    struct p1_telegram t = telegram(c->lines, P1_CRC_OK, 4);
    cr_expect(trust_settles(&trust, &t));
    const char *fault = trust_message_fault(&trust);
    cr_expect_str_eq(fault ? fault : "", c->fault);
    if (!fault)
        cr_expect_eq(trust.len, (size_t)c->len);
}

// Each letter is a telegram with that message; '.' stands for an empty one, '-' for none.
// Below it '!' where the message settles.
struct sequence {
    int repeats;
    char telegrams[20], settles[20];
};

ParameterizedTestParameters(trust, waits_until_a_message_stands_still)
{
    static struct sequence cases[] = {
        {1, "aab.b--a", "! !!!! !"}, {2, "aaab", " !  "},         {2, "abab", "    "},
        {3, "aabaaaa", "     ! "},   {2, "..aa..--", " ! ! ! !"}, {2, "aabaa", " !  !"},
    };
    return cr_make_param_array(struct sequence, cases, COUNT(cases));
}

ParameterizedTest(struct sequence *c, trust, waits_until_a_message_stands_still)
{
    struct trust trust;
    const struct trust_rules rules = {"", c->repeats};
    trust_start(&trust, &rules);
    for (size_t i = 0; c->telegrams[i]; i++) {
        char lines[80];
        char what = c->telegrams[i];
        if (what == '-')
            snprintf(lines, sizeof lines, V50);
        else if (what == '.')
            snprintf(lines, sizeof lines, V50 "0-0:96.13.0()\r\n");
        else
            snprintf(lines, sizeof lines, V50 "0-0:96.13.0(%02X)\r\n", (unsigned)what);
        struct p1_telegram t = telegram(lines, P1_CRC_OK, 4);
        cr_expect_eq(trust_settles(&trust, &t), c->settles[i] == '!', "%s at %zu", c->telegrams, i);
    }
}
