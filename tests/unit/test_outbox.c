// SPDX-License-Identifier: Apache-2.0

#include "services/p3/outbox.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct outbox_verdict judge(enum route_status status, const char *cause, int number,
                                   int64_t left_s, uint64_t seed)
{
    const int64_t now = 1000 * SECONDS_NS;
    return outbox_judge(&(struct outbox_attempt){
        .status = status,
        .cause = cause,
        .number = number,
        .now = {now},
        .not_after = {now + left_s * SECONDS_NS},
        .seed = seed,
    });
}

// Least and most seconds of the pause, over many seeds; -1 where it does not wait.
static void find_pauses(const char *cause, int number, int64_t left_s, double *least, double *most)
{
    *least = 1e9;
    *most = -1;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct outbox_verdict verdict = judge(ROUTE_RETRY, cause, number, left_s, seed);
        double pause = verdict.state == OUTBOX_QUEUED
                           ? (double)(verdict.next_at.ns - 1000 * SECONDS_NS) / 1e9
                           : -1;
        *least = pause < *least ? pause : *least;
        *most = pause > *most ? pause : *most;
    }
}

struct end {
    int64_t left_s;
    enum route_status status;
    int number;
    enum outbox_state state;
    char cause[ROUTE_CAUSE_LEN + 1];
    char why[64];
};

ParameterizedTestParameters(outbox, ends_an_attempt)
{
    static struct end cases[] = {
        {600, ROUTE_VERIFIED, 1, OUTBOX_VERIFIED, "", "read back"},
        {-5, ROUTE_VERIFIED, 1, OUTBOX_VERIFIED, "", "read back, though late: a fact is a fact"},
        {600, ROUTE_WRITTEN, 3, OUTBOX_WRITTEN, "", "accepted"},
        {600, ROUTE_WRITTEN, 1, OUTBOX_QUEUED, "unread", "accepted, but not read back: again"},
        {600, ROUTE_WRITTEN, 3, OUTBOX_WRITTEN, "unread", "often enough; written it is"},
        {5, ROUTE_WRITTEN, 1, OUTBOX_WRITTEN, "unread", "no time to show it; written it is"},
        {600, ROUTE_WRITTEN, 1, OUTBOX_WRITTEN, "read-write-denied", "may not be read back"},
        {6000, ROUTE_RETRY, 2, OUTBOX_QUEUED, "auth-failed", "keys may be changing"},
        {6000, ROUTE_RETRY, 3, OUTBOX_FAILED, "auth-failed", "or wrong: someone must look"},
        {6000, ROUTE_RETRY, 3, OUTBOX_FAILED, "title-differs", "another meter"},
        {6000, ROUTE_RETRY, 99, OUTBOX_QUEUED, "no-counters",
         "ours to mend, for as long as it takes"},
        {600, ROUTE_REFUSED, 1, OUTBOX_REFUSED, "object-undefined", "final at the first word"},
        {600, ROUTE_RETRY, 1, OUTBOX_QUEUED, "busy", "again later"},
        {600, ROUTE_RETRY, 100, OUTBOX_QUEUED, "busy", "busy for long, but there is time"},
        {0, ROUTE_RETRY, 1, OUTBOX_EXPIRED, "busy", "not one nanosecond after its use"},
        {-1, ROUTE_RETRY, 1, OUTBOX_EXPIRED, "busy", "after its use"},
        {20, ROUTE_RETRY, 1, OUTBOX_EXPIRED, "no-route", "half of what is left is too soon"},
        {300, ROUTE_RETRY, 9, OUTBOX_QUEUED, "no-route",
         "a long pause is cut to half the time left"},
        {6000, ROUTE_RETRY, 4, OUTBOX_QUEUED, "digest-differs", "four times another text"},
        {6000, ROUTE_RETRY, 5, OUTBOX_FAILED, "digest-differs", "five times: someone must look"},
        {6000, ROUTE_RETRY, 5, OUTBOX_FAILED, "bad-answer", "does not speak as agreed"},
        {0, ROUTE_RETRY, 5, OUTBOX_FAILED, "bad-answer", "failed says more than expired"},
        {6000, ROUTE_RETRY, 50, OUTBOX_QUEUED, "of-its-own", "unknown cause: until it expires"},
    };
    return cr_make_param_array(struct end, cases, COUNT(cases));
}

ParameterizedTest(struct end *c, outbox, ends_an_attempt)
{
    struct outbox_verdict verdict = judge(c->status, c->cause, c->number, c->left_s, 7);
    cr_expect_str_eq(outbox_state_name(verdict.state), outbox_state_name(c->state), "%s", c->why);
    cr_expect(outbox_may_go(OUTBOX_CONNECTING, verdict.state), "%s", c->why);
}

struct pause {
    char cause[ROUTE_CAUSE_LEN + 1];
    int number;
    int64_t left_s;
    double least, most; // seconds
    char why[64];
};

ParameterizedTestParameters(outbox, waits_longer_each_time)
{
    static struct pause cases[] = {
        {"busy", 1, 9000, 3.75, 6.25, "5 s, give or take a quarter"},
        {"busy", 2, 9000, 7.5, 12.5, "doubled"},
        {"busy", 4, 9000, 30, 50, "and again"},
        {"busy", 6, 9000, 90, 150, "no more than 120 s"},
        {"busy", 1000000, 9000, 90, 150, "however often"},
        {"no-route", 1, 9000, 22.5, 37.5, "a meter out of reach is left alone longer"},
        {"no-route", 20, 9000, 675, 1125, "up to a quarter of an hour"},
        {"broker-lost", 1, 9000, 1.5, 2.5, "our own broker: soon"},
        {"timeout", 1, 9000, 11.25, 18.75, "no answer"},
        {"no-answer", 3, 9000, 90, 150, "silence is out of reach too"},
        {"auth-failed", 1, 9000, 225, 375, "an operator must look: no haste"},
        {"stopped", 1, 9000, 0.75, 1.25, "another process may take it at once"},
        {"something-else", 1, 9000, 22.5, 37.5, "unknown cause"},
        {"no-route", 20, 300, 150, 150, "cut to half of the time left"},
        {"no-route", 20, 30, 15, 15, "the last chance"},
        {"no-route", 20, 29, -1, -1, "too little left for any"},
    };
    return cr_make_param_array(struct pause, cases, COUNT(cases));
}

ParameterizedTest(struct pause *c, outbox, waits_longer_each_time)
{
    double least, most;
    find_pauses(c->cause, c->number, c->left_s, &least, &most);
    cr_expect(least >= c->least - 1e-6 && most <= c->most + 1e-6, "%s: %f to %f", c->why, least,
              most);
    double width = c->most - c->least;
    cr_expect(most - least >= 0.9 * width, "%s: no jitter to speak of: %f to %f", c->why, least,
              most);
}

Test(outbox, is_the_same_for_the_same_seed)
{
    for (uint64_t seed = 0; seed < 100; seed++)
        cr_expect_eq(judge(ROUTE_RETRY, "busy", 3, 9000, seed).next_at.ns,
                     judge(ROUTE_RETRY, "busy", 3, 9000, seed).next_at.ns);
}

Test(outbox, always_comes_to_an_end)
{
    int64_t left = 7200 * SECONDS_NS, now = 0;
    int attempts = 0;
    for (; attempts < 1000; attempts++) {
        struct outbox_verdict verdict = outbox_judge(&(struct outbox_attempt){
            .status = ROUTE_RETRY,
            .cause = "broker-lost",
            .number = attempts + 1,
            .now = {now},
            .not_after = {left},
            .seed = 1,
        });
        if (verdict.state != OUTBOX_QUEUED)
            break;
        cr_assert_lt(verdict.next_at.ns, left, "never sent after its use");
        cr_assert_gt(verdict.next_at.ns, now, "never at once");
        now = verdict.next_at.ns;
    }
    cr_expect_lt(attempts, 400);
}

// from, and the states that it may go to, as words.
struct way {
    enum outbox_state from;
    char to[128];
};

ParameterizedTestParameters(outbox, goes_only_these_ways)
{
    static struct way cases[] = {
        {OUTBOX_QUEUED, " connecting written verified seen applied superseded expired refused "},
        {OUTBOX_CONNECTING, " queued written verified seen applied superseded expired refused"
                            " failed "},
        {OUTBOX_WRITTEN, " verified seen applied superseded "},
        {OUTBOX_VERIFIED, " seen applied superseded "},
        {OUTBOX_SEEN, " applied superseded "},
        {OUTBOX_APPLIED, ""},
        {OUTBOX_SUPERSEDED, ""},
        {OUTBOX_EXPIRED, ""},
        {OUTBOX_REFUSED, ""},
        {OUTBOX_FAILED, ""},
    };
    return cr_make_param_array(struct way, cases, COUNT(cases));
}

ParameterizedTest(struct way *c, outbox, goes_only_these_ways)
{
    for (int to = 0; to < OUTBOX_STATES; to++) {
        char word[24];
        snprintf(word, sizeof word, " %s ", outbox_state_name((enum outbox_state)to));
        cr_expect_eq(outbox_may_go(c->from, (enum outbox_state)to), strstr(c->to, word) != NULL,
                     "%s to%s", outbox_state_name(c->from), word);
    }
}

struct text {
    char text[40];
    size_t repeat; // of its first character, in place of the text
    char fault[24];
};

ParameterizedTestParameters(outbox, refuses_what_a_meter_must_not_get)
{
    static struct text cases[] = {
        {"{\"Header\":{}}", 0, ""},
        {"", 0, "empty"},
        {"x", 1024, ""},
        {"x", 1025, "too-long"},
        {"a\nb", 0, "not-printable"},
        {"a\rb", 0, "not-printable"},
        {"caf\xc3\xa9", 0, "not-printable"},
        {"a\x7f", 0, "not-printable"},
        {" ~", 0, ""},
    };
    return cr_make_param_array(struct text, cases, COUNT(cases));
}

ParameterizedTest(struct text *c, outbox, refuses_what_a_meter_must_not_get)
{
    static char text[2000];
    snprintf(text, sizeof text, "%s", c->text);
    if (c->repeat)
        memset(text, c->text[0], c->repeat);
    const char *fault = outbox_text_fault(text);
    cr_expect_str_eq(fault ? fault : "", c->fault, "%.20s", text);
}

// What a meter did not answer before, whatever the message, counts for how long it rests.
struct rest {
    char cause[ROUTE_CAUSE_LEN + 1];
    int number, failures;
    int64_t left_s;
    enum outbox_state state;
    enum outbox_reach reach;
    double least, most; // seconds until rest_until
    char why[64];
};

ParameterizedTestParameters(outbox, lets_a_missed_meter_rest)
{
    static struct rest cases[] = {
        {"no-route", 1, 0, 9000, OUTBOX_QUEUED, OUTBOX_MISSED, 22.5, 37.5, "the first time"},
        {"no-route", 1, 3, 9000, OUTBOX_QUEUED, OUTBOX_MISSED, 180, 300,
         "the fourth, of another message"},
        {"no-route", 4, 3, 9000, OUTBOX_QUEUED, OUTBOX_MISSED, 180, 300, "the fourth, of the same"},
        {"no-route", 1, 3, 150, OUTBOX_QUEUED, OUTBOX_MISSED, 180, 300,
         "cut for this message only"},
        {"no-route", 1, 4, 150, OUTBOX_EXPIRED, OUTBOX_MISSED, 360, 600, "silent: nothing is cut"},
        {"no-route", 1, 40, 9000, OUTBOX_QUEUED, OUTBOX_MISSED, 675, 1125, "no longer than that"},
        {"busy", 1, 40, 9000, OUTBOX_QUEUED, OUTBOX_REACHED, 3.75, 6.25, "it is there"},
        {"auth-failed", 1, 0, 9000, OUTBOX_QUEUED, OUTBOX_MISTRUSTED, 225, 375,
         "but is it that one?"},
        {"broker-lost", 1, 40, 9000, OUTBOX_QUEUED, OUTBOX_NOT_TOLD, 1.5, 2.5, "that was ours"},
    };
    return cr_make_param_array(struct rest, cases, COUNT(cases));
}

ParameterizedTest(struct rest *c, outbox, lets_a_missed_meter_rest)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct outbox_verdict verdict = outbox_judge(&(struct outbox_attempt){
            .status = ROUTE_RETRY,
            .cause = c->cause,
            .number = c->number,
            .failures = c->failures,
            .not_after = {c->left_s * SECONDS_NS},
            .seed = seed,
        });
        double rest = (double)verdict.rest_until.ns / 1e9;
        cr_assert_eq(verdict.state, c->state, "%s", c->why);
        cr_assert_eq(verdict.reach, c->reach, "%s", c->why);
        cr_assert(rest >= c->least - 1e-6 && rest <= c->most + 1e-6, "%s: %f", c->why, rest);
    }
}
