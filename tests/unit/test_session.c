// SPDX-License-Identifier: Apache-2.0

#include "tests/unit/session_pair.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct pair pair;

static void begin(const struct meter_type *type)
{
    pair_begin(&pair, cipher_new(), type);
}

static void end(void)
{
    cipher_free(pair.cipher);
}

static const char *message(size_t len)
{
    static char text[SESSION_TEXT_MAX + 2];
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(' ' + (i * 7 + i / 95) % 95);
    return text;
}

static const struct meter_type *type_of(bool dsmr42)
{
    return dsmr42 ? &meter_type_dsmr42 : &meter_type_smr5;
}

// Keys may not outlive the session.
static void expect_wiped(void)
{
    static const struct cipher_keys none = {0};
    cr_expect_eq(memcmp(&pair.session.job.keys, &none, sizeof none), 0, "keys are not wiped");
}

struct size {
    int pdu;
    size_t len;
    int blocks; // 0: in one piece
    bool dsmr42;
};

// For each PDU size of the field, the texts around what fits into one.
ParameterizedTestParameters(session, writes_and_reads_back)
{
    static struct size cases[2 * 50];
    static const int pdus[] = {0, 64, 128, 270, 512, 1024, 1224};
    static const size_t lens[] = {0, 1, 300, 983, 984, 1023, 1024};
    size_t count = 0;
    for (size_t p = 0; p < COUNT(pdus); p++)
        for (size_t l = 0; l < COUNT(lens); l++)
            for (int dsmr42 = 0; dsmr42 < 2; dsmr42++)
                cases[count++] = (struct size){pdus[p], lens[l], 0, dsmr42};
    return cr_make_param_array(struct size, cases, count);
}

ParameterizedTest(struct size *c, session, writes_and_reads_back)
{
    begin(type_of(c->dsmr42));
    pair.server.max_pdu = (uint16_t)c->pdu;
    const char *text = message(c->len);
    const struct session_result *result = pair_run(&pair, text, c->len);
    cr_assert_eq(result->status, SESSION_VERIFIED, "PDU %d, %zu octets: %s", c->pdu, c->len,
                 result->cause);
    cr_expect_eq(pair.text_len, c->len);
    cr_expect_arr_eq(pair.text, text, c->len);
    cr_expect_eq(pair.stored, 1);
    cr_expect(!pair.repeated, "a counter was used twice");
    cr_expect_eq(result->access, XDLMS_SUCCESS);
    struct digest digest = digest_of(text, c->len);
    cr_expect(result->has_digest && !memcmp(&digest, &result->digest, sizeof digest));
    // The figure of the standard's frame: 21 octets around the plaintext, which is 13 and the
    // value.
    size_t value = c->len + (c->len < 128 ? 2 : c->len < 256 ? 3 : 4);
    bool fits = !c->pdu || value + 13 + 21 <= (size_t)c->pdu;
    cr_expect_eq(result->blocks_written == 0, fits, "PDU %d, %zu octets: %d blocks", c->pdu, c->len,
                 result->blocks_written);
    cr_expect_eq(result->next_counter, pair.seen[pair.seen_count - 1] + 1);
    cr_expect(result->learnt_title && !memcmp(result->meter_title, "MET00001", 8));
    expect_wiped();
    end();
}

// 512 octets take 3 blocks, 270 take 5 and 128 take 11 for a full message.
ParameterizedTestParameters(session, sends_as_few_blocks_as_it_can)
{
    static struct size cases[] = {
        {64, 1024, 29, false},  {128, 1024, 11, false}, {270, 1024, 5, false},
        {512, 1024, 3, false},  {1024, 1024, 2, false}, {1062, 1024, 0, false},
        {1061, 1024, 2, false},
    };
    return cr_make_param_array(struct size, cases, COUNT(cases));
}

ParameterizedTest(struct size *c, session, sends_as_few_blocks_as_it_can)
{
    begin(&meter_type_smr5);
    pair.server.max_pdu = (uint16_t)c->pdu;
    const struct session_result *result = pair_run(&pair, message(c->len), c->len);
    cr_expect_eq(result->status, SESSION_VERIFIED, "PDU %d: %s", c->pdu, result->cause);
    cr_expect_eq(result->blocks_written, c->blocks, "PDU %d: %d", c->pdu, result->blocks_written);
    end();
}

Test(session, takes_five_round_trips_and_one_goodbye)
{
    begin(&meter_type_smr5);
    pair.server.max_pdu = 0;
    const struct session_result *result = pair_run(&pair, message(1000), 1000);
    cr_expect_eq(result->round_trips, 6, "connect, AARQ, proof, SET, GET, release: %d",
                 result->round_trips);
    cr_expect_eq(pair.seen_count, 6, "five frames and a token: %zu", pair.seen_count);
    end();
}

Test(session, leaves_out_what_the_type_does_not_want)
{
    begin(&meter_type_smr5);
    pair.type.reads_back = false;
    pair.type.releases = false;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_WRITTEN);
    cr_expect_str_eq(result->cause, "");
    cr_expect(!result->has_digest);
    cr_expect_eq(result->round_trips, 4);
    end();
}

struct text {
    char text[32];
    size_t len;
    char cause[16];
};

ParameterizedTestParameters(session, refuses_what_no_meter_shows)
{
    static struct text cases[] = {
        {"a\nb", 3, "not-printable"},        {"a\rb", 3, "not-printable"},
        {"caf\xc3\xa9", 5, "not-printable"}, {"a\0b", 3, "not-printable"},
        {"\x7f", 1, "not-printable"},        {"", 1025, "too-long"},
    };
    return cr_make_param_array(struct text, cases, COUNT(cases));
}

ParameterizedTest(struct text *c, session, refuses_what_no_meter_shows)
{
    begin(&meter_type_smr5);
    const char *text = c->len > sizeof c->text ? message(c->len) : c->text;
    const struct session_result *result = pair_run(&pair, text, c->len);
    cr_expect_eq(result->status, SESSION_REFUSED);
    cr_expect_str_eq(result->cause, c->cause);
    cr_expect_eq(pair.connections, 0, "before anything is sent");
    cr_expect_eq(pair.supplies, 0, "and without using up a counter");
    expect_wiped();
    end();
}

struct fault {
    enum dlms_fault fault;
    int spared;
    enum session_status status;
    char cause[24];
    bool written; // does the meter hold the new text?
    int pdu;
};

#define LONG_TEXT 900

// Frames of the meter with a PDU of 1024: 0 AARE, 1 proof, 2 SET, 3 GET, 4 RLRE.
ParameterizedTestParameters(session, judges_faults)
{
    static struct fault cases[] = {
        {DLMS_REJECT, 0, SESSION_RETRY, "rejected", false, 1024},
        {DLMS_SILENT_AARQ, 0, SESSION_RETRY, "timeout", false, 1024},
        {DLMS_OTHER_TITLE, 0, SESSION_RETRY, "title-differs", false, 1024},
        {DLMS_MIRROR_TITLE, 0, SESSION_RETRY, "title-differs", false, 1024},
        {DLMS_SHORT_CHALLENGE, 0, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_DROP_PROOF, 0, SESSION_RETRY, "closed", false, 1024},
        {DLMS_WRONG_PROOF, 0, SESSION_RETRY, "auth-failed", false, 1024},
        {DLMS_REFUSE_PROOF, 0, SESSION_RETRY, "auth-failed", false, 1024},
        {DLMS_SHARED_COUNTER, 0, SESSION_VERIFIED, "", true, 1024},
        {DLMS_TOKEN_BOTH, 0, SESSION_VERIFIED, "", true, 1024},
        {DLMS_DROP_SET, 0, SESSION_RETRY, "closed", false, 1024},
        {DLMS_DROP_SET, 1, SESSION_RETRY, "closed", false, 512},
        {DLMS_DROP_SET_ANSWER, 0, SESSION_RETRY, "closed", true, 1024},
        {DLMS_DROP_SET_ANSWER, 0, SESSION_RETRY, "closed", true, 512},
        {DLMS_SILENT_SET, 0, SESSION_RETRY, "timeout", true, 1024},
        {DLMS_EXCEPTION_SET, 0, SESSION_RETRY, "exception", false, 1024},
        {DLMS_EXCEPTION_SET, 1, SESSION_RETRY, "exception", false, 512},
        {DLMS_WRONG_BLOCK, 0, SESSION_RETRY, "bad-answer", false, 512},
        {DLMS_DROP_GET, 0, SESSION_WRITTEN, "closed", true, 1024},
        {DLMS_DROP_GET, 1, SESSION_WRITTEN, "closed", true, 512},
        {DLMS_REFUSE_GET, 0, SESSION_WRITTEN, "read-write-denied", true, 1024},
        {DLMS_LOST_BLOCK, 0, SESSION_WRITTEN, "bad-answer", true, 512},
        {DLMS_LOST_BLOCK, 1, SESSION_WRITTEN, "bad-answer", true, 512},
        {DLMS_PLAIN, 0, SESSION_RETRY, "bad-answer", true, 1024},
        {DLMS_PLAIN, 1, SESSION_WRITTEN, "bad-answer", true, 1024},
        {DLMS_AUTHENTICATED_ONLY, 0, SESSION_RETRY, "not-authentic", true, 1024},
        {DLMS_AUTHENTICATED_ONLY, 1, SESSION_WRITTEN, "not-authentic", true, 1024},
        {DLMS_REPEATED_COUNTER, 1, SESSION_VERIFIED, "", true, 1024}, // of the token
        {DLMS_REPEATED_COUNTER, 3, SESSION_RETRY, "not-authentic", true, 1024},
        {DLMS_REPEATED_COUNTER, 4, SESSION_WRITTEN, "not-authentic", true, 1024},
        {DLMS_REPEATED_COUNTER, 5, SESSION_VERIFIED, "", true, 1024},
        {DLMS_GARBLED, 0, SESSION_RETRY, "not-authentic", false, 1024},
        {DLMS_GARBLED, 1, SESSION_RETRY, "not-authentic", false, 1024},
        {DLMS_GARBLED, 2, SESSION_RETRY, "not-authentic", true, 1024},
        {DLMS_GARBLED, 3, SESSION_WRITTEN, "not-authentic", true, 1024},
        {DLMS_GARBLED, 4, SESSION_VERIFIED, "", true, 1024},
        {DLMS_OTHER_INVOKE, 0, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_OTHER_INVOKE, 1, SESSION_RETRY, "bad-answer", true, 1024},
        {DLMS_OTHER_INVOKE, 2, SESSION_WRITTEN, "bad-answer", true, 1024},
        {DLMS_OTHER_PORT, 0, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_OTHER_PORT, 1, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_OTHER_PORT, 2, SESSION_RETRY, "bad-answer", true, 1024},
        {DLMS_OTHER_PORT, 3, SESSION_WRITTEN, "bad-answer", true, 1024},
        {DLMS_OTHER_PORT, 4, SESSION_VERIFIED, "", true, 1024},
        {DLMS_NOISE, 0, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_NOISE, 1, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_NOISE, 2, SESSION_RETRY, "bad-answer", true, 1024},
        {DLMS_NOISE, 3, SESSION_WRITTEN, "bad-answer", true, 1024},
        {DLMS_NOISE, 4, SESSION_VERIFIED, "", true, 1024},
        {DLMS_HALF, 0, SESSION_RETRY, "timeout", false, 1024},
        {DLMS_HALF, 1, SESSION_RETRY, "timeout", false, 1024},
        {DLMS_HALF, 2, SESSION_RETRY, "timeout", true, 1024},
        {DLMS_HALF, 3, SESSION_WRITTEN, "timeout", true, 1024},
        {DLMS_HALF, 4, SESSION_VERIFIED, "", true, 1024},
        {DLMS_TWICE, 0, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_TWICE, 1, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_TWICE, 2, SESSION_RETRY, "bad-answer", true, 1024},
        {DLMS_TWICE, 3, SESSION_WRITTEN, "bad-answer", true, 1024},
        {DLMS_TWICE, 4, SESSION_VERIFIED, "", true, 1024},
        {DLMS_LONG, 0, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_LONG, 1, SESSION_RETRY, "bad-answer", false, 1024},
        {DLMS_LONG, 2, SESSION_RETRY, "bad-answer", true, 1024},
        {DLMS_LONG, 3, SESSION_WRITTEN, "bad-answer", true, 1024},
        {DLMS_LONG, 4, SESSION_VERIFIED, "", true, 1024},
        {DLMS_SILENT_RELEASE, 0, SESSION_VERIFIED, "", true, 1024},
        {DLMS_DROP_RELEASE, 0, SESSION_VERIFIED, "", true, 1024},
        {DLMS_EXCEPTION_RELEASE, 0, SESSION_VERIFIED, "", true, 1024},
        {DLMS_MALFORMED_RELEASE, 0, SESSION_VERIFIED, "", true, 1024},
    };
    return cr_make_param_array(struct fault, cases, COUNT(cases));
}

ParameterizedTest(struct fault *c, session, judges_faults)
{
    for (int dsmr42 = 0; dsmr42 < 2; dsmr42++) {
        begin(type_of(dsmr42));
        pair.server.max_pdu = (uint16_t)c->pdu;
        pair.server.faults[c->fault] = 1;
        pair.server.spared = c->spared;
        const char *text = message(LONG_TEXT), *name = dlms_fault_name(c->fault);
        const struct session_result *result = pair_run(&pair, text, LONG_TEXT);
        cr_expect_eq(pair.server.faults[c->fault], 0, "%s, %d spared: did not strike", name,
                     c->spared);
        cr_expect_eq(result->status, c->status, "%s, %d spared: status %d, %s", name, c->spared,
                     (int)result->status, result->cause);
        cr_expect_str_eq(result->cause, c->cause, "%s, %d spared: %s", name, c->spared,
                         result->cause);
        bool written = pair.text_len == LONG_TEXT && !memcmp(pair.text, text, LONG_TEXT);
        cr_expect_eq(written, c->written, "%s, %d spared: written %d", name, c->spared, written);
        cr_expect(!pair.repeated, "%s", name);
        expect_wiped();

        // The fault is over: the same message again, with the counters that follow.
        result = pair_run(&pair, text, LONG_TEXT);
        cr_expect_eq(result->status, SESSION_VERIFIED, "%s: afterwards %s", name, result->cause);
        cr_expect(!pair.repeated, "%s: afterwards", name);
        end();
    }
}

struct result {
    uint8_t access;
    enum session_status status;
    char cause[32];
};

ParameterizedTestParameters(session, says_what_the_meter_answered)
{
    static struct result cases[] = {
        {1, SESSION_RETRY, "hardware-fault"},
        {2, SESSION_RETRY, "temporary-failure"},
        {3, SESSION_REFUSED, "read-write-denied"},
        {4, SESSION_REFUSED, "object-undefined"},
        {9, SESSION_REFUSED, "object-class-inconsistent"},
        {11, SESSION_RETRY, "object-unavailable"},
        {12, SESSION_REFUSED, "type-unmatched"},
        {13, SESSION_REFUSED, "scope-of-access-violated"},
        {14, SESSION_RETRY, "data-block-unavailable"},
        {15, SESSION_RETRY, "long-get-aborted"},
        {16, SESSION_RETRY, "no-long-get-in-progress"},
        {17, SESSION_RETRY, "long-set-aborted"},
        {18, SESSION_RETRY, "no-long-set-in-progress"},
        {19, SESSION_RETRY, "data-block-number-invalid"},
        {250, SESSION_RETRY, "other-reason"},
        {99, SESSION_RETRY, "unknown-result"},
    };
    return cr_make_param_array(struct result, cases, COUNT(cases));
}

ParameterizedTest(struct result *c, session, says_what_the_meter_answered)
{
    for (uint16_t pdu = 512; pdu <= 1024; pdu += 512) { // in blocks, and not
        begin(&meter_type_smr5);
        pair.server.max_pdu = pdu;
        pair.server.faults[DLMS_REFUSE_SET] = 1;
        pair.server.set_result = c->access;
        const struct session_result *result = pair_run(&pair, message(LONG_TEXT), LONG_TEXT);
        cr_expect_eq(result->status, c->status, "%d: status %d", c->access, (int)result->status);
        cr_expect_str_eq(result->cause, c->cause);
        cr_expect_eq(result->access, c->access);
        cr_expect_eq(pair.text_len, 6, "nothing written");
        cr_expect_eq(pair.link.state, DLMS_IDLE, "released");
        end();
    }
}

struct stale {
    enum dlms_stale how;
    uint32_t meter_saw;
    int fault; // of the public client; -1: none
    enum session_status status;
    char cause[24];
    int connections;
};

ParameterizedTestParameters(session, catches_up_with_a_higher_counter)
{
    static struct stale cases[] = {
        {DLMS_STALE_CLOSE, 5000, -1, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_REJECT, 5000, -1, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_EXCEPTION, 5000, -1, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_CLOSE, PAIR_COUNTERS_FROM, -1, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_CLOSE, PAIR_COUNTERS_FROM + 1000000, -1, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_CLOSE, PAIR_COUNTERS_FROM + 1000001, -1, SESSION_RETRY, "counter-implausible",
         2},
        {DLMS_STALE_CLOSE, 5000, DLMS_PUBLIC_HIGH, SESSION_RETRY, "counter-implausible", 2},
        {DLMS_STALE_CLOSE, 5000, DLMS_PUBLIC_LOW, SESSION_RETRY, "closed", 2},
        {DLMS_STALE_REJECT, 5000, DLMS_PUBLIC_LOW, SESSION_RETRY, "rejected", 2},
        {DLMS_STALE_EXCEPTION, 5000, DLMS_PUBLIC_LOW, SESSION_RETRY, "stale-counter", 2},
        {DLMS_STALE_EXCEPTION, 5000, DLMS_PUBLIC_DROP, SESSION_RETRY, "stale-counter", 2},
        {DLMS_STALE_CLOSE, 5000, DLMS_DROP_RELEASE, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_CLOSE, 5000, DLMS_SILENT_RELEASE, SESSION_VERIFIED, "", 3},
        {DLMS_STALE_CLOSE, 5000, DLMS_EXCEPTION_RELEASE, SESSION_VERIFIED, "", 3},
    };
    return cr_make_param_array(struct stale, cases, COUNT(cases));
}

ParameterizedTest(struct stale *c, session, catches_up_with_a_higher_counter)
{
    begin(&meter_type_smr5);
    pair.server.stale = c->how;
    pair.server.has_seen = true;
    pair.server.seen = c->meter_saw;
    if (c->fault >= 0)
        pair.server.faults[c->fault] = 1;
    const struct session_result *result = pair_run(&pair, message(LONG_TEXT), LONG_TEXT);
    cr_expect_eq(result->status, c->status, "status %d, %s", (int)result->status, result->cause);
    cr_expect_str_eq(result->cause, c->cause);
    cr_expect_eq(pair.connections, c->connections, "%d connections", pair.connections);
    cr_expect_eq(pair.pauses, c->connections - 1, "one before each further association");
    cr_expect_eq(result->resynchronised, c->connections == 3);
    cr_expect(!pair.repeated);
    if (c->connections == 3)
        cr_expect_eq(result->public_counter, c->meter_saw);
    expect_wiped();
    end();
}

Test(session, does_not_go_to_the_public_client_unless_it_may)
{
    begin(&meter_type_smr5);
    pair.type.resynchronises = false;
    pair.server.has_seen = true;
    pair.server.seen = 5000;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_RETRY);
    cr_expect_str_eq(result->cause, "closed");
    cr_expect_eq(pair.connections, 1);
    end();
}

Test(session, catches_up_only_once)
{
    begin(&meter_type_smr5);
    pair.server.faults[DLMS_DROP_AARQ] = DLMS_EVER;
    pair.server.has_seen = true;
    pair.server.seen = 5000;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_str_eq(result->cause, "closed");
    cr_expect_eq(pair.connections, 3);
    end();
}

Test(session, takes_a_lost_counter_for_no_excuse_to_go_down)
{
    begin(&meter_type_smr5);
    pair.server.faults[DLMS_DROP_AARQ] = 1; // not for its counter
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_VERIFIED, "%s", result->cause);
    for (size_t i = 1; i < pair.seen_count; i++)
        cr_expect_gt(pair.seen[i], PAIR_COUNTERS_FROM - 1);
    cr_expect(!pair.repeated);
    end();
}

struct keys {
    bool encryption, authentication;
};

ParameterizedTestParameters(session, never_writes_under_other_keys)
{
    static struct keys cases[] = {
        {true, false},
        {false, true},
        {true, true},
    };
    return cr_make_param_array(struct keys, cases, COUNT(cases));
}

ParameterizedTest(struct keys *c, session, never_writes_under_other_keys)
{
    begin(&meter_type_smr5);
    pair.server.keys.encryption[3] ^= c->encryption;
    pair.server.keys.authentication[3] ^= c->authentication;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_RETRY);
    cr_expect_str_eq(result->cause, "auth-failed");
    cr_expect_eq(result->diagnostic, ACSE_AUTHENTICATION_FAILURE);
    cr_expect_eq(pair.stored, 0);
    end();
}

struct other {
    char text[16];
};

ParameterizedTestParameters(session, says_when_the_meter_holds_something_else)
{
    static struct other cases[] = {{"hello"}, {"beford"}, {"Before"}, {"before "}, {""}};
    return cr_make_param_array(struct other, cases, COUNT(cases));
}

ParameterizedTest(struct other *c, session, says_when_the_meter_holds_something_else)
{
    begin(&meter_type_smr5);
    pair.server.faults[DLMS_REFUSE_SET] = 1;
    pair.server.set_result = XDLMS_SUCCESS; // so it says, and stores nothing
    const struct session_result *result = pair_run(&pair, c->text, strlen(c->text));
    struct digest digest = digest_of("before", 6);
    cr_expect_eq(result->status, SESSION_RETRY);
    cr_expect_str_eq(result->cause, "digest-differs");
    cr_expect(result->has_digest && !memcmp(&digest, &result->digest, sizeof digest),
              "the digest is of what it holds");
    end();
}

struct supply {
    uint32_t count;
    enum session_status status;
    bool dsmr42;
};

// AARQ, token, proof, SET, GET and release take six.
ParameterizedTestParameters(session, makes_do_with_the_counters_it_has)
{
    static struct supply cases[] = {
        {0, SESSION_RETRY, false},    {1, SESSION_RETRY, false},   {2, SESSION_RETRY, false},
        {3, SESSION_RETRY, false},    {4, SESSION_WRITTEN, false}, {5, SESSION_VERIFIED, false},
        {6, SESSION_VERIFIED, false}, {0, SESSION_RETRY, true},    {1, SESSION_RETRY, true},
        {3, SESSION_RETRY, true},     {4, SESSION_WRITTEN, true},  {5, SESSION_VERIFIED, true},
    };
    return cr_make_param_array(struct supply, cases, COUNT(cases));
}

ParameterizedTest(struct supply *c, session, makes_do_with_the_counters_it_has)
{
    begin(type_of(c->dsmr42));
    pair.supply = c->count;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, c->status, "%u: status %d, %s", c->count, (int)result->status,
                 result->cause);
    cr_expect_str_eq(result->cause, c->status == SESSION_VERIFIED ? "" : "counters-used-up");
    for (size_t i = 0; i < pair.seen_count; i++)
        cr_expect_lt(pair.seen[i], PAIR_COUNTERS_FROM + c->count);
    end();
}

Test(session, takes_the_token_from_the_range_that_leaves_frames_consecutive)
{
    begin(&meter_type_dsmr42);
    pair_run(&pair, "hello", 5);
    static const uint32_t wanted[] = {1001, 1002, 1000, 1003, 1004, 1005};
    cr_assert_eq(pair.seen_count, COUNT(wanted));
    cr_expect_arr_eq(pair.seen, wanted, sizeof wanted);
    end();
}

Test(session, is_turned_away_by_the_other_rule)
{
    begin(&meter_type_smr5);
    pair.server.rule = DLMS_EXACTLY_NEXT;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_str_eq(result->cause, "closed", "the gap that the token leaves");
    cr_expect_eq(pair.stored, 0);
    end();
    begin(&meter_type_dsmr42);
    pair.server.rule = DLMS_HIGHER;
    result = pair_run(&pair, "hello", 5);
    cr_expect_str_eq(result->cause, "auth-failed", "the token is below what it saw");
    cr_expect_eq(pair.stored, 0);
    end();
}

Test(session, does_not_take_the_meters_old_frames)
{
    begin(&meter_type_smr5);
    pair.job.least_meter_counter = 2;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_str_eq(result->cause, "not-authentic");
    cr_expect_eq(pair.stored, 0);
    result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_VERIFIED);
    cr_expect_eq(result->meter_counter, (int64_t)pair.server.counter - 1,
                 "the last: that of the goodbye");
    end();
}

Test(session, learns_the_title_of_a_meter_that_has_the_keys)
{
    begin(&meter_type_smr5);
    pair.job.knows_meter_title = false;
    memset(pair.job.meter_title, 0, sizeof pair.job.meter_title);
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_VERIFIED);
    cr_expect(result->learnt_title && !memcmp(result->meter_title, "MET00001", 8));
    pair.server.faults[DLMS_WRONG_PROOF] = 1;
    result = pair_run(&pair, "hello", 5);
    cr_expect(!result->learnt_title, "from nobody else");
    pair.server.faults[DLMS_MIRROR_TITLE] = 1;
    result = pair_run(&pair, "hello", 5);
    cr_expect_str_eq(result->cause, "title-differs", "under ours, what we said could come back");
    cr_expect(!result->learnt_title);
    end();
}

struct grant {
    uint32_t conformance;
    uint16_t pdu;
    enum session_status status;
    char cause[16];
};

ParameterizedTestParameters(session, asks_only_for_what_was_granted)
{
    static struct grant cases[] = {
        {XDLMS_CAN_SET | XDLMS_CAN_GET, 1024, SESSION_VERIFIED, ""},
        {XDLMS_CAN_SET | XDLMS_CAN_GET, 512, SESSION_REFUSED, "not-supported"},
        {XDLMS_CAN_SET | XDLMS_CAN_SET_BLOCKS, 512, SESSION_WRITTEN, "not-supported"},
        {XDLMS_CAN_GET, 1024, SESSION_REFUSED, "not-supported"},
        {0xffffff, 63, SESSION_REFUSED, "pdu-too-small"},
    };
    return cr_make_param_array(struct grant, cases, COUNT(cases));
}

ParameterizedTest(struct grant *c, session, asks_only_for_what_was_granted)
{
    begin(&meter_type_smr5);
    pair.server.conformance = c->conformance;
    pair.server.max_pdu = c->pdu;
    const struct session_result *result = pair_run(&pair, message(LONG_TEXT), LONG_TEXT);
    cr_expect_eq(result->status, c->status, "status %d, %s", (int)result->status, result->cause);
    cr_expect_str_eq(result->cause, c->cause);
    end();
}

Test(session, sends_no_more_than_its_type_allows)
{
    begin(&meter_type_smr5);
    pair.type.send_pdu = 500;
    pair.server.max_pdu = 0;
    const struct session_result *result = pair_run(&pair, message(1024), 1024);
    cr_expect_eq(result->status, SESSION_VERIFIED);
    cr_expect_eq(result->blocks_written, 3);
    end();
}

Test(session, takes_answers_octet_by_octet)
{
    for (pair.piece = 1; pair.piece <= 9;) {
        size_t piece = pair.piece;
        begin(&meter_type_smr5);
        pair.piece = piece;
        const struct session_result *result = pair_run(&pair, message(LONG_TEXT), LONG_TEXT);
        cr_expect_eq(result->status, SESSION_VERIFIED, "%zu at once: %s", piece, result->cause);
        end();
        pair.piece = piece + 4;
    }
}

Test(session, tells_no_route_from_a_lost_connection)
{
    static const struct counter_range counters = {1, 8};
    static const uint8_t challenge[16] = {0};
    begin(&meter_type_smr5);
    pair.job.text = "";
    struct session *session = &pair.session;
    void (*const events[])(struct session *) = {session_closed, session_timeout};
    for (size_t i = 0; i < COUNT(events); i++) {
        session_begin(session, &pair.job);
        session_supply(session, &counters, challenge);
        cr_expect_eq(session->wait_ms, pair.type.connect_ms);
        events[i](session);
        cr_expect_eq(session->want, SESSION_WANTS_NOTHING);
        cr_expect_eq(session->result.status, SESSION_RETRY);
        cr_expect_str_eq(session->result.cause, "no-route");
        cr_expect_eq(session->result.next_counter, 1, "nothing was sent");
    }
    end();
}

Test(session, can_be_given_up_at_any_time)
{
    static const struct counter_range counters = {1, 8};
    static const uint8_t challenge[16] = {0};
    begin(&meter_type_smr5);
    pair.job.text = "";
    struct session *session = &pair.session;
    for (int steps = 0; steps < 4; steps++) {
        session_begin(session, &pair.job);
        if (steps > 0)
            session_supply(session, &counters, challenge);
        if (steps > 1)
            session_connected(session);
        if (steps > 2)
            session_closed(session);
        session_abandon(session, "stopped");
        cr_expect_eq(session->want, SESSION_WANTS_NOTHING);
        cr_expect_str_eq(session->result.cause, "stopped");
        expect_wiped();
    }
    end();
}

// The fourth of these blocks is the last: when it is on its way, it is too late.
Test(session, is_recalled_until_the_last_octet_of_the_text_is_sent)
{
    enum { BLOCKS = 4, BEFORE = 2 };
    for (int at = 1; at < BEFORE + BLOCKS + 3; at++) {
        begin(&meter_type_smr5);
        pair.server.max_pdu = 320;
        pair.recall_at = at;
        const struct session_result *result = pair_run(&pair, message(1024), 1024);
        bool in_time = at < BEFORE + BLOCKS;
        cr_expect_eq(result->status, in_time ? SESSION_RETRY : SESSION_VERIFIED, "%d: %s", at,
                     result->cause);
        cr_expect_str_eq(result->cause, in_time ? "overtaken" : "", "%d", at);
        cr_expect_eq(pair.stored, !in_time, "%d", at);
        cr_expect_eq(pair.link.state, DLMS_IDLE, "%d: said goodbye", at);
        cr_expect(!pair.repeated, "%d", at);
        expect_wiped();
        end();
    }
}

Test(session, is_recalled_at_once_where_nothing_is_under_way)
{
    static const struct counter_range counters = {1, 8};
    static const uint8_t challenge[16] = {0};
    begin(&meter_type_smr5);
    pair.job.text = "";
    struct session *session = &pair.session;
    for (int steps = 0; steps < 4; steps++) {
        session_begin(session, &pair.job);
        if (steps > 0)
            session_supply(session, &counters, challenge);
        if (steps > 1)
            session_connected(session); // then what it waits for is a pause
        if (steps > 2)
            session_closed(session);
        session_recall(session, "overtaken");
        cr_expect_eq(session->want, steps == 2 ? SESSION_WANTS_ANSWER : SESSION_WANTS_NOTHING);
        if (steps == 2)
            session_closed(session);
    }
    end();
}

struct goodbye {
    enum dlms_fault fault; // DLMS_FAULTS: none
    int spared;
    bool protects;
    char release[16];
};

ParameterizedTestParameters(session, looks_at_the_answer_to_its_goodbye)
{
    static struct goodbye cases[] = {
        {DLMS_FAULTS, 0, true, "confirmed"},
        {DLMS_FAULTS, 0, false, "confirmed"},
        {DLMS_SILENT_RELEASE, 0, true, "timeout"},
        {DLMS_DROP_RELEASE, 0, true, "closed"},
        {DLMS_EXCEPTION_RELEASE, 0, true, "exception"},
        {DLMS_MALFORMED_RELEASE, 0, false, "malformed"},
        {DLMS_GARBLED, 4, true, "not-authentic"},
        {DLMS_REPEATED_COUNTER, 5, true, "not-authentic"},
    };
    return cr_make_param_array(struct goodbye, cases, COUNT(cases));
}

ParameterizedTest(struct goodbye *c, session, looks_at_the_answer_to_its_goodbye)
{
    begin(&meter_type_smr5);
    pair.type.protects_release = c->protects;
    pair.server.max_pdu = 0;
    pair.server.spared = c->spared;
    if (c->fault < DLMS_FAULTS)
        pair.server.faults[c->fault] = 1;
    const struct session_result *result = pair_run(&pair, "hello", 5);
    cr_expect_eq(result->status, SESSION_VERIFIED, "%s: %s", c->release, result->cause);
    cr_expect_str_eq(result->release, c->release);
    end();
}
