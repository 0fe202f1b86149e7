// SPDX-License-Identifier: Apache-2.0

#include "gateway/setpoint.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { CONTRACT = 11040, SAFE = 4200, HOLD_S = 120, CONFIRM_S = 10, LEAST_HOLD_S = 30 };
static const int64_t UTC0 = 1768406400; // 2026-01-14 16:00:00 UTC, shown when mono is 1000 s
static const int64_t MONO0 = 1000;

static const struct setpoint_rules rules = {.contract_w = CONTRACT,
                                            .safe_w = SAFE,
                                            .hold_ns = HOLD_S * SECONDS_NS,
                                            .confirm_ns = CONFIRM_S * SECONDS_NS,
                                            .least_hold_ns = LEAST_HOLD_S * SECONDS_NS,
                                            .imbalance_mw = 69000};

// Seconds after the start, with a certain time.
static struct setpoint_now at(int64_t s)
{
    return (struct setpoint_now){{(MONO0 + s) * SECONDS_NS}, {(UTC0 + s) * SECONDS_NS}, NULL};
}

static struct setpoint_now untimed(int64_t s)
{
    struct setpoint_now now = at(s);
    now.utc.ns = -1;
    now.why_untimed = "the clock is wrong";
    return now;
}

// A profile from a text of numbers, "FROM TO START WATTS START WATTS ...", seconds after the
// start. A negative number of watts sets no power, but a refresh interval of 300 s.
static struct profile profile_of(const char *text)
{
    struct profile profile = {0};
    long long from, to, start, watts;
    int used;
    cr_assert_eq(sscanf(text, "%lld %lld%n", &from, &to, &used), 2);
    profile.valid_from = UTC0 + from;
    profile.valid_to = UTC0 + to;
    for (text += used; sscanf(text, "%lld %lld%n", &start, &watts, &used) == 2; text += used) {
        struct profile_period *period = &profile.periods[profile.count++];
        period->start = UTC0 + start;
        if (watts >= 0)
            profile_set(&period->set, PROFILE_MAX_POWER, (int32_t)watts);
        else
            profile_set(&period->set, PROFILE_REFRESH_INTERVAL, 300);
    }
    return profile;
}

static enum err offer(struct setpoint *setpoint, const char *text, struct setpoint_now now,
                      char reason[static SETPOINT_REASON])
{
    struct profile profile = profile_of(text);
    return setpoint_offer(setpoint, &profile, text, now, reason);
}

// ---- stories

// A story is a list of "SECOND VERB ARGUMENT", one a line, with these verbs:
//
//   hear          a trustworthy telegram          none WHY        no profile on P1
//   offer NUMBERS a profile, see profile_of()     blind           as hear, without a time
//   confirm       the charger confirms            fail, refuse    it does not
//   is MODE LIMIT REASON                          what must hold at that second; reason: its start
//   restart       with what was stored            ended DIGEST    and forgets it
struct story {
    char name[72];
    char text[900];
};

ParameterizedTestParameters(setpoint, tells)
{
    static struct story stories[] = {
        {"starts with the safe limit", "0 is starting 4200 waiting for a trustworthy telegram\n"
                                       "119 is starting 4200 waiting\n"
                                       "120 is safe 4200 no trustworthy telegram for 120 s\n"},
        {"stays careful until a message was judged",
         "1 hear\n1 is starting 4200 waiting for a message\n2 hear\n2 none no message line\n"
         "2 is own 11040 no valid profile: no message line\n"},
        {"is safe when no message stands still",
         "1 hear\n100 hear\n"
         "119 is starting 4200 waiting for a message\n"
         "120 is safe 4200 no message stands still on P1\n"},
        {"follows the periods and lets go at the end",
         "1 hear\n1 offer -60 300 -60 6000 100 9000\n1 is limited 6000 period 1 of 2\n1 confirm\n"
         "99 hear\n99 is limited 6000 period 1\n100 is limited 9000 period 2 of 2\n100 confirm\n"
         "200 hear\n299 is limited 9000 period 2\n"
         "300 is own 11040 no valid profile: the last one ended at 2026-01-14T16:05:00Z\n"
         "300 confirm\n300 ended -60 300 -60 6000 100 9000\n"},
        {"goes on to the end whatever P1 then shows",
         "1 hear\n1 offer 0 300 0 6000\n1 confirm\n2 none foreign\n3 hear\n3 is limited 6000 "
         "period\n"
         "200 hear\n299 is limited 6000 period\n300 is own 11040 no valid profile\n"},
        {"is safe when the meter is silent",
         "1 hear\n1 offer 0 3000 0 9000\n1 confirm\n1 is limited 9000 period 1 of 1\n"
         "120 is limited 9000 period\n121 is safe 4200 no trustworthy telegram for 120 s\n"
         "130 hear\n130 is limited 9000 period\n"},
        {"keeps a profile stricter than the safe limit in silence, and its end",
         "1 hear\n1 offer 0 600 0 2000\n1 confirm\n121 is safe 2000 no trustworthy\n"
         "599 is safe 2000 no trustworthy\n600 is safe 4200 no trustworthy\n"},
        {"is safe in silence without a profile, too",
         "1 hear\n1 none empty\n1 confirm\n1 is own 11040 no valid profile: empty\n"
         "121 is safe 4200 no trustworthy telegram\n"},
        {"lets the next one wait for its beginning",
         "1 hear\n1 offer 0 3000 0 6000\n1 confirm\n2 offer 100 3000 100 3000\n"
         "50 hear\n99 is limited 6000 period 1 of 1\n100 is limited 3000 period 1 of 1\n"
         "100 ended\n"},
        {"takes a newer one at once",
         "1 hear\n1 offer 0 3000 0 6000\n1 confirm\n2 offer 0 3000 0 3000\n2 is limited 3000 p\n"
         "2 ended\n3 offer 0 3000 0 8000\n3 is limited 8000 period\n"},
        {"drops the one that waits for a newer one",
         "1 hear\n1 offer 0 3000 0 6000\n1 confirm\n2 offer 50 3000 50 3000\n"
         "3 offer 0 3000 0 6000\n60 hear\n60 is limited 6000 period\n"},
        {"says when it begins", "1 hear\n1 offer 60 300 60 6000\n1 confirm\n"
                                "1 is own 11040 no valid profile: it begins at 2026-01-14T16:01\n"
                                "60 is limited 6000 period 1 of 1\n"},
        {"does not limit before its first period",
         "1 hear\n1 offer 0 300 60 6000\n1 confirm\n"
         "1 is own 11040 no valid profile: it begins at 2026-01-14T16:01\n"
         "60 is limited 6000 period 1 of 1\n"},
        {"keeps the power of the period before", "1 hear\n1 offer 0 300 0 6000 10 -1\n1 confirm\n"
                                                 "10 is limited 6000 period 2 of 2\n"},
        {"knows a profile without power", "1 hear\n1 offer 0 300 0 -1\n1 confirm\n"
                                          "10 is own 11040 the profile sets no power\n"},
        {"can be told to stop", "1 hear\n1 offer 0 300 0 0\n1 confirm\n2 is limited 0 period\n"},
        {"resumes after a restart",
         "1 hear\n1 offer 0 3000 0 6000\n1 confirm\n50 restart\n50 is starting 4200 waiting\n"
         "51 hear\n51 is limited 6000 period 1 of 1\n"},
        {"starts with a stored limit below the safe one",
         "1 hear\n1 offer 0 3000 0 2000\n1 confirm\n50 restart\n50 is starting 2000 waiting\n"},
        {"does not resume what ended meanwhile",
         "1 hear\n1 offer 0 300 0 6000\n1 confirm\n900 restart\n901 hear\n901 none empty\n"
         "901 is own 11040 no valid profile: empty\n901 ended 0 300 0 6000\n"},
        {"is safe without a certain time for a profile",
         "1 hear\n1 offer 0 300 0 9000 60 5000\n1 confirm\n2 blind\n"
         "2 is safe 4200 no certain time for the profile: the clock is wrong\n"
         "3 hear\n3 is limited 9000 period\n"},
        {"is as strict as the strictest period without a certain time",
         "1 hear\n1 offer 0 300 0 9000 60 2000\n1 confirm\n2 blind\n2 is safe 2000 no certain\n"},
        {"needs no time for no profile", "1 blind\n1 none empty\n1 confirm\n"
                                         "1 is own 11040 no valid profile: empty\n"},
        {"is safe until a charger confirms",
         "1 hear\n1 offer 0 300 0 6000\n3 confirm\n9 is limited 6000 period\n20 hear\n"
         "60 none x\n70 offer 0 300 0 9000\n79 is limited 9000 period\n"
         "80 is safe 4200 the charger does not confirm\n85 confirm\n85 is limited 9000 period\n"
         "86 confirm\n200 hear\n201 is limited 9000 period\n"},
        {"is safe when the charger fails, and why",
         "1 hear\n1 offer 0 300 0 6000\n1 confirm\n20 fail\n29 is limited 6000 period\n"
         "30 is safe 4200 the charger does not confirm: no answer\n31 confirm\n"
         "31 is limited 6000 period\n"},
        {"is safe at once when the charger refuses, and asks again later",
         "1 hear\n1 offer 0 300 0 6000\n2 refuse\n2 is safe 4200 the charger does not confirm: no\n"
         "3 confirm\n4 is safe 4200 the charger\n100 hear\n121 is safe 4200 the charger\n"
         "122 is limited 6000 period\n122 confirm\n200 hear\n290 is limited 6000 period\n"},
        {"does not circle when the safe limit is refused, too",
         "1 hear\n1 offer 0 300 0 6000\n2 refuse\n2 is safe 4200 the charger\n3 refuse\n"
         "3 is safe 4200 the charger\n20 hear\n30 is safe 4200 the charger\n"},
        {"asks for another value at once after a refusal",
         "1 hear\n1 offer 0 300 0 6000 50 5000\n2 refuse\n3 confirm\n49 is safe 4200 the charger\n"
         "50 is limited 5000 period 2 of 2\n"},
    };
    return cr_make_param_array(struct story, stories, COUNT(stories));
}

static void restart(struct setpoint *setpoint, int64_t s)
{
    struct setpoint_profile current = setpoint->current, next = setpoint->next;
    setpoint_start(setpoint, &rules, setpoint->limit_w, untimed(s));
    if (current.is_set)
        setpoint_restore(setpoint, &current.profile, current.digest, false);
    if (next.is_set)
        setpoint_restore(setpoint, &next.profile, next.digest, true);
    setpoint_step(setpoint, untimed(s));
}

static void expect_now(const struct setpoint *setpoint, const char *wanted, const char *story,
                       int64_t s)
{
    char mode[16];
    int limit, used = 0;
    cr_assert_eq(sscanf(wanted, "%15s %d %n", mode, &limit, &used), 2);
    cr_expect_str_eq(setpoint_mode_name(setpoint->mode), mode, "%s, at %lld: %s (%s)", story,
                     (long long)s, setpoint_mode_name(setpoint->mode), setpoint->reason);
    cr_expect_eq(setpoint->limit_w, limit, "%s, at %lld: %d W", story, (long long)s,
                 setpoint->limit_w);
    cr_expect(!strncmp(setpoint->reason, wanted + used, strlen(wanted + used)), "%s, at %lld: %s",
              story, (long long)s, setpoint->reason);
}

static void expect_ended(struct setpoint *setpoint, const char *digest, const char *story)
{
    cr_expect_str_eq(setpoint->ended, digest, "%s: \"%s\" ended", story, setpoint->ended);
    setpoint_forget_ended(setpoint);
}

static void play(struct setpoint *setpoint, bool *is_blind, const char *line, const char *story)
{
    long long s;
    char verb[16], argument[96] = "", reason[SETPOINT_REASON];
    cr_assert_geq(sscanf(line, "%lld %15s %95[^\n]", &s, verb, argument), 2, "%s", line);
    bool is_deaf = !strcmp(verb, "blind") || !strcmp(verb, "restart");
    *is_blind = is_deaf || (*is_blind && strcmp(verb, "hear") != 0);
    struct setpoint_now now = *is_blind ? untimed(s) : at(s);

    if (!strcmp(verb, "hear") || !strcmp(verb, "blind"))
        setpoint_hear(setpoint, now);
    else if (!strcmp(verb, "offer"))
        cr_expect_eq(offer(setpoint, argument, now, reason), ERR_NONE, "%s", story);
    else if (!strcmp(verb, "none"))
        setpoint_offer_none(setpoint, argument);
    else if (!strcmp(verb, "confirm"))
        setpoint_confirm(setpoint, setpoint->limit_w);
    else if (!strcmp(verb, "fail") || !strcmp(verb, "refuse"))
        setpoint_fail(setpoint, setpoint->limit_w, *verb == 'r', *verb == 'r' ? "no" : "no answer",
                      now);
    else if (!strcmp(verb, "restart"))
        restart(setpoint, s);

    setpoint_step(setpoint, now);
    if (!strcmp(verb, "is"))
        expect_now(setpoint, argument, story, s);
    else if (!strcmp(verb, "ended"))
        expect_ended(setpoint, argument, story);
}

ParameterizedTest(struct story *story, setpoint, tells)
{
    struct setpoint setpoint;
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_confirm(&setpoint, setpoint.limit_w);
    bool is_blind = true;
    char *rest = NULL;
    for (char *line = strtok_r(story->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        play(&setpoint, &is_blind, line, story->name);
}

// ---- refusals

Test(setpoint, refuses_a_profile_above_the_contract_as_a_whole)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, at(1));
    cr_expect_eq(offer(&setpoint, "0 300 0 6000 60 11041", at(1), reason), ERR_RANGE);
    cr_expect_str_eq(reason, "period 2: 11041 W is above the contract of 11040 W");
    setpoint_step(&setpoint, at(1));
    cr_expect_eq(setpoint.mode, SETPOINT_OWN);
    cr_expect(strstr(setpoint.reason, "above the contract"), "%s", setpoint.reason);
    cr_expect_eq(offer(&setpoint, "0 300 0 11040", at(1), reason), ERR_NONE, "just the contract");
}

Test(setpoint, refuses_a_profile_that_ended)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, at(300));
    cr_expect_eq(offer(&setpoint, "0 300 0 6000", at(300), reason), ERR_RANGE);
    cr_expect_str_eq(reason, "ended at 2026-01-14T16:05:00Z");
    cr_expect_eq(offer(&setpoint, "0 301 0 6000", at(300), reason), ERR_NONE);
}

Test(setpoint, cannot_judge_a_profile_without_time)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, untimed(1));
    cr_expect_eq(offer(&setpoint, "0 300 0 6000", untimed(1), reason), ERR_MORE);
    setpoint_step(&setpoint, untimed(1));
    cr_expect_eq(setpoint.mode, SETPOINT_SAFE);
    cr_expect_eq(offer(&setpoint, "0 300 0 6000", at(2), reason), ERR_NONE);
    setpoint_step(&setpoint, at(2));
    cr_expect_eq(setpoint.mode, SETPOINT_LIMITED);
}

Test(setpoint, keeps_a_profile_that_began_while_no_time_was_certain)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, at(1));
    cr_expect_eq(offer(&setpoint, "50 3000 50 3000", at(1), reason), ERR_NONE);
    setpoint_step(&setpoint, at(1));
    setpoint_hear(&setpoint, untimed(60));
    setpoint_step(&setpoint, untimed(60));
    cr_expect_eq(offer(&setpoint, "900 3000 900 8000", at(61), reason), ERR_NONE);
    setpoint_step(&setpoint, at(61));
    cr_expect_eq(setpoint.target_w, 3000, "%s", setpoint.reason);
    cr_expect(setpoint.next.is_set);
}

Test(setpoint, drops_a_stored_profile_above_a_contract_lowered_since)
{
    struct setpoint setpoint;
    struct profile profile = profile_of("0 300 0 12000");
    setpoint_start(&setpoint, &rules, 12000, untimed(0));
    setpoint_restore(&setpoint, &profile, "x", false);
    setpoint_step(&setpoint, untimed(0));
    cr_expect_not(setpoint.current.is_set);
    cr_expect_eq(setpoint.limit_w, SAFE);
}

Test(setpoint, obeys_a_code_while_it_is_shown)
{
    struct setpoint setpoint;
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, untimed(1));
    setpoint_preset(&setpoint, "A1", 6000);
    setpoint_step(&setpoint, untimed(1));
    setpoint_confirm(&setpoint, 6000);
    cr_expect_eq(setpoint.mode, SETPOINT_LIMITED);
    cr_expect_eq(setpoint.limit_w, 6000);
    cr_expect_str_eq(setpoint.reason, "code A1");
    setpoint_step(&setpoint, untimed(121));
    cr_expect_eq(setpoint.mode, SETPOINT_SAFE, "in silence");
    setpoint_hear(&setpoint, untimed(122));
    setpoint_offer_none(&setpoint, "another code");
    setpoint_confirm(&setpoint, setpoint.limit_w);
    setpoint_step(&setpoint, untimed(122));
    cr_expect_eq(setpoint.mode, SETPOINT_OWN, "%s", setpoint.reason);
    cr_expect_eq(setpoint.limit_w, CONTRACT);
}

Test(setpoint, does_not_mind_what_the_charger_says_of_another_limit)
{
    struct setpoint setpoint;
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_confirm(&setpoint, SAFE);
    setpoint_fail(&setpoint, SAFE + 1, true, "of before", at(1));
    setpoint_confirm(&setpoint, SAFE + 1);
    cr_expect(setpoint.confirmed);
}

Test(setpoint, knows_a_kept_profile_whose_time_is_not_now)
{
    struct setpoint setpoint;
    struct profile later = profile_of("100 300 100 6000");
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_restore(&setpoint, &later, "x", false);
    setpoint_confirm(&setpoint, setpoint.limit_w);
    setpoint_hear(&setpoint, at(1));
    setpoint_offer_none(&setpoint, "empty");
    setpoint_step(&setpoint, at(1));
    cr_expect_eq(setpoint.mode, SETPOINT_OWN, "%s", setpoint.reason);
    cr_expect_eq(setpoint_wait(&setpoint, at(1)), CONFIRM_S * SECONDS_NS);
    cr_expect_gt(setpoint_wait(&setpoint, at(301)), 0, "nor is it over without a step");
}

Test(setpoint, takes_per_cent_of_the_contract)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    struct profile profile = profile_of("0 300 0 -1");
    profile_set(&profile.periods[0].set, PROFILE_LOAD_REDUCT, 50);
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, at(1));
    cr_expect_eq(setpoint_offer(&setpoint, &profile, "x", at(1), reason), ERR_NONE);
    setpoint_step(&setpoint, at(1));
    cr_expect_eq(setpoint.limit_w, CONTRACT / 2);
    cr_expect_eq(setpoint.mode, SETPOINT_LIMITED);
}

// ---- fields

struct field {
    int32_t value[PROFILE_FIELDS]; // -1: not set
    int32_t limited, safe;         // W
    int hold_s;
    char why[56];
};

ParameterizedTestParameters(setpoint, obeys_every_field)
{
    static struct field cases[] = {
        {{9000, -1, -1, -1, -1, -1}, 9000, SAFE, HOLD_S, "the power"},
        {{9000, 50, -1, -1, -1, -1}, CONTRACT / 2, SAFE, HOLD_S, "per cent of the contract"},
        {{3000, 50, -1, -1, -1, -1}, 3000, 3000, HOLD_S, "the lower of both"},
        {{9000, -1, 100, -1, -1, -1}, 6900, SAFE, HOLD_S, "10 A of imbalance on three phases"},
        {{-1, -1, 55, -1, -1, -1}, 3795, 3795, HOLD_S, "5.5 A of it and nothing else"},
        {{9000, -1, 10000, -1, -1, -1}, 9000, SAFE, HOLD_S, "more imbalance than there can be"},
        {{9000, -1, -1, 1100, -1, -1}, 9000, 1100, HOLD_S, "what holds in doubt"},
        {{9000, -1, -1, 9000, -1, -1}, 9000, SAFE, HOLD_S, "but never above the safe limit"},
        {{9000, -1, -1, -1, 10, -1}, 9000, CONTRACT / 10, HOLD_S, "in doubt, per cent"},
        {{9000, -1, -1, 2000, 10, -1}, 9000, CONTRACT / 10, HOLD_S, "the lower of both, again"},
        {{9000, -1, -1, 0, -1, -1}, 9000, 0, HOLD_S, "nothing in doubt"},
        {{9000, -1, -1, -1, -1, 60}, 9000, SAFE, 60, "a shorter hold time"},
        {{9000, -1, -1, -1, -1, 5}, 9000, SAFE, LEAST_HOLD_S, "but not too short"},
        {{9000, -1, -1, -1, -1, 600}, 9000, SAFE, HOLD_S, "nor longer than ours"},
        {{9000, 90, 200, 3000, 20, 20}, 9000, CONTRACT / 5, LEAST_HOLD_S, "all of them"},
    };
    return cr_make_param_array(struct field, cases, COUNT(cases));
}

// A profile that holds from the start for an hour, with these values in its first period; the
// second one has only the contract as its power.
static struct profile profile_with(const int32_t value[static PROFILE_FIELDS])
{
    struct profile profile = {.valid_from = UTC0, .valid_to = UTC0 + 3600, .count = 2};
    profile.periods[0].start = UTC0;
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        if (value[f] >= 0)
            profile_set(&profile.periods[0].set, f, value[f]);
    profile.periods[1].start = UTC0 + 1800;
    profile_set(&profile.periods[1].set, PROFILE_MAX_POWER, CONTRACT);
    return profile;
}

ParameterizedTest(struct field *c, setpoint, obeys_every_field)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    struct profile profile = profile_with(c->value);
    setpoint_start(&setpoint, &rules, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, at(1));
    cr_assert_eq(setpoint_offer(&setpoint, &profile, "x", at(1), reason), ERR_NONE);
    setpoint_step(&setpoint, at(1));
    setpoint_confirm(&setpoint, setpoint.limit_w);
    cr_expect_eq(setpoint.mode, SETPOINT_LIMITED, "%s: %s", c->why, setpoint.reason);
    cr_expect_eq(setpoint.limit_w, c->limited, "%s: %d W", c->why, setpoint.limit_w);
    cr_expect_eq(setpoint_wait(&setpoint, at(1)), c->hold_s * SECONDS_NS, "%s", c->why);

    setpoint_step(&setpoint, at(c->hold_s)); // a second before
    cr_expect_eq(setpoint.mode, SETPOINT_LIMITED, "%s: %s", c->why, setpoint.reason);
    setpoint_step(&setpoint, at(c->hold_s + 1));
    cr_expect_eq(setpoint.mode, SETPOINT_SAFE, "%s: silent for its hold time", c->why);
    cr_expect_eq(setpoint.limit_w, c->safe, "%s: %d W in silence", c->why, setpoint.limit_w);
    char silence[SETPOINT_REASON];
    snprintf(silence, sizeof silence, "no trustworthy telegram for %d s", c->hold_s);
    cr_expect_str_eq(setpoint.reason, silence);

    setpoint_hear(&setpoint, untimed(c->hold_s + 2));
    setpoint_step(&setpoint, untimed(c->hold_s + 2));
    cr_expect_eq(setpoint.limit_w, c->safe, "%s: %d W without time", c->why, setpoint.limit_w);
}

Test(setpoint, starts_below_what_a_kept_profile_wants_in_doubt)
{
    struct setpoint setpoint;
    struct profile profile = profile_with((int32_t[]){9000, -1, -1, 1100, -1, -1});
    setpoint_start(&setpoint, &rules, 9000, untimed(0));
    setpoint_restore(&setpoint, &profile, "x", false);
    setpoint_step(&setpoint, untimed(0));
    cr_expect_eq(setpoint.mode, SETPOINT_STARTING);
    cr_expect_eq(setpoint.limit_w, 1100);
}

Test(setpoint, leaves_imbalance_to_a_charger_that_is_told_nothing_of_it)
{
    struct setpoint setpoint;
    char reason[SETPOINT_REASON];
    struct setpoint_rules deaf = rules;
    deaf.imbalance_mw = 0;
    struct profile profile = profile_with((int32_t[]){-1, -1, 55, -1, -1, -1});
    setpoint_start(&setpoint, &deaf, INT32_MAX, untimed(0));
    setpoint_hear(&setpoint, at(1));
    cr_assert_eq(setpoint_offer(&setpoint, &profile, "x", at(1), reason), ERR_NONE);
    setpoint_step(&setpoint, at(1));
    cr_expect_eq(setpoint.limit_w, CONTRACT);
    cr_expect_eq(setpoint.mode, SETPOINT_OWN);
}

// ---- model: random events against the promises

struct model {
    struct setpoint setpoint;
    uint64_t random;
    int64_t ns; // since the start
    int64_t heard_ns, started_ns;
    bool heard, timed;
    struct profile taken[2]; // current, next; count 0: none
    bool is_confirmed;
    int64_t unconfirmed_ns;
};

static int64_t below(struct model *model, int64_t bound)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (int64_t)(model->random >> 1) % bound;
}

static struct setpoint_now model_now(const struct model *model)
{
    return (struct setpoint_now){{MONO0 * SECONDS_NS + model->ns},
                                 {UTC0 * SECONDS_NS + model->ns},
                                 model->timed ? NULL : "no time"};
}

static int64_t model_utc(const struct model *model)
{
    return UTC0 + model->ns / SECONDS_NS;
}

static void model_turn_pages(struct model *model)
{
    struct profile *taken = model->taken;
    if (taken[1].count && taken[1].valid_from <= model_utc(model)) {
        taken[0] = taken[1];
        taken[1].count = 0;
    }
    if (taken[0].count && taken[0].valid_to <= model_utc(model))
        taken[0].count = 0;
}

// What the model's current profile allows now; the contract where it does not limit.
static int32_t model_power(const struct model *model)
{
    int32_t power = CONTRACT;
    for (int i = 0; i < model->taken[0].count; i++)
        if (model->taken[0].periods[i].start <= model_utc(model))
            power = model->taken[0].periods[i].set.max_power_w;
    return power;
}

static struct profile random_profile(struct model *model)
{
    struct profile profile = {0};
    int64_t start = model_utc(model) + below(model, 600) - 300;
    profile.valid_from = start;
    profile.count = (int)below(model, 4) + 1;
    for (int i = 0; i < profile.count; i++) {
        profile.periods[i].start = start;
        profile_set(&profile.periods[i].set, PROFILE_MAX_POWER,
                    (int32_t)below(model, below(model, 9) ? CONTRACT + 1 : 3 * CONTRACT));
        start += 1 + below(model, 300);
    }
    profile.valid_to = start;
    return profile;
}

static void model_offer(struct model *model)
{
    char digest[16], reason[SETPOINT_REASON];
    struct profile profile = random_profile(model);
    snprintf(digest, sizeof digest, "%llx", (unsigned long long)below(model, INT64_MAX) >> 8);
    bool is_above = false;
    for (int i = 0; i < profile.count; i++)
        is_above |= profile.periods[i].set.max_power_w > CONTRACT;
    enum err err = setpoint_offer(&model->setpoint, &profile, digest, model_now(model), reason);
    enum err wanted = !model->timed                          ? ERR_MORE
                      : is_above                             ? ERR_RANGE
                      : profile.valid_to <= model_utc(model) ? ERR_RANGE
                                                             : ERR_NONE;
    cr_assert_eq(err, wanted);
    if (!err)
        model->taken[1] = profile;
}

static void model_restart(struct model *model)
{
    struct setpoint *setpoint = &model->setpoint;
    struct setpoint_profile current = setpoint->current, next = setpoint->next;
    model->timed = model->heard = false;
    model->started_ns = model->heard_ns = model->ns;
    setpoint_start(setpoint, &rules, below(model, 4) ? setpoint->limit_w : INT32_MAX,
                   model_now(model));
    if (current.is_set)
        setpoint_restore(setpoint, &current.profile, current.digest, false);
    if (next.is_set)
        setpoint_restore(setpoint, &next.profile, next.digest, true);
    model->is_confirmed = false;
    model->unconfirmed_ns = model->ns;
}

static void model_event(struct model *model)
{
    struct setpoint *setpoint = &model->setpoint;
    int64_t dice = below(model, 100);
    if (dice < 55) {
        model->heard = true;
        model->heard_ns = model->ns;
        model->timed = below(model, 50) > 0;
        setpoint_hear(setpoint, model_now(model));
    } else if (dice < 65) {
        model_offer(model);
    } else if (dice < 67) {
        setpoint_offer_none(setpoint, "foreign");
    } else if (dice < 85) {
        setpoint_confirm(setpoint, setpoint->limit_w);
        model->is_confirmed = true;
    } else if (dice < 88) {
        setpoint_confirm(setpoint, setpoint->limit_w + 1); // of a limit long gone
    } else if (dice < 92) {
        setpoint_fail(setpoint, setpoint->limit_w, dice < 90, "fault", model_now(model));
        if (model->is_confirmed)
            model->unconfirmed_ns = model->ns;
        model->is_confirmed = false;
    } else if (dice < 93) {
        model_restart(model);
    }
}

static void model_check(struct model *model, int32_t limit_before)
{
    const struct setpoint *setpoint = &model->setpoint;
    if (setpoint->limit_w != limit_before && model->is_confirmed) {
        model->is_confirmed = false;
        model->unconfirmed_ns = model->ns;
    }
    if (model->timed)
        model_turn_pages(model);
    bool is_silent = model->ns - model->heard_ns >= rules.hold_ns;
    bool is_stuck = !model->is_confirmed && model->ns - model->unconfirmed_ns >= rules.confirm_ns;

    cr_assert(*setpoint->reason, "always a reason");
    cr_assert(setpoint->limit_w >= 0 && setpoint->limit_w <= CONTRACT, "never above the contract");
    if (setpoint->mode == SETPOINT_STARTING || setpoint->mode == SETPOINT_SAFE)
        cr_assert_leq(setpoint->limit_w, SAFE);
    if (is_silent)
        cr_assert_eq(setpoint->mode, SETPOINT_SAFE, "safe within the hold time");
    if (!model->heard)
        cr_assert(setpoint->mode == SETPOINT_STARTING || setpoint->mode == SETPOINT_SAFE);
    if (is_stuck && setpoint->mode != SETPOINT_STARTING)
        cr_assert_eq(setpoint->mode, SETPOINT_SAFE, "safe when the charger does not confirm");
    if (model->timed && setpoint->mode != SETPOINT_STARTING)
        cr_assert_leq(setpoint->limit_w, model_power(model), "never above a valid period");
    if (setpoint->mode == SETPOINT_LIMITED || setpoint->mode == SETPOINT_OWN)
        cr_assert_eq(setpoint->limit_w, model->timed ? model_power(model) : CONTRACT, "nor below");
    if (!model->timed && (model->taken[0].count || model->taken[1].count))
        cr_assert(setpoint->mode == SETPOINT_SAFE || setpoint->mode == SETPOINT_STARTING);
}

// Nothing may change before the wait is over.
static void model_check_wait(const struct model *model, int64_t wait)
{
    struct setpoint copy = model->setpoint;
    struct setpoint_now now = model_now(model);
    cr_assert_gt(wait, 0);
    int64_t just_before = wait == INT64_MAX ? 1000000 * SECONDS_NS : wait - 1;
    now.mono.ns += just_before;
    now.utc.ns += just_before;
    cr_assert_not(setpoint_step(&copy, now), "it was to hold for %lld ns: %s, not %s",
                  (long long)wait, model->setpoint.reason, copy.reason);
}

Test(setpoint, keeps_its_promises_whatever_happens, .timeout = 120)
{
    struct model model = {.random = 88172645463325252};
    setpoint_start(&model.setpoint, &rules, INT32_MAX, untimed(0));
    int modes[4] = {0};
    for (int i = 0; i < 1000000; i++) {
        int64_t wait = setpoint_wait(&model.setpoint, model_now(&model));
        if (i % 8 == 0)
            model_check_wait(&model, wait);
        int64_t pause = below(&model, below(&model, 30) ? 10 : 400) * SECONDS_NS / 2;
        bool is_event = pause < wait;
        model.ns += is_event ? pause : wait;
        int32_t limit = model.setpoint.limit_w;
        if (is_event) {
            setpoint_step(&model.setpoint, model_now(&model));
            model_check(&model, limit);
            limit = model.setpoint.limit_w;
            model_event(&model);
        }
        setpoint_step(&model.setpoint, model_now(&model));
        model_check(&model, limit);
        modes[model.setpoint.mode]++;
    }
    for (int m = 0; m < 4; m++)
        cr_expect_gt(modes[m], 10000, "%s was seen only %d times", setpoint_mode_name(m), modes[m]);
}
