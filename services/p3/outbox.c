// SPDX-License-Identifier: Apache-2.0

#include "services/p3/outbox.h"

#include <assert.h>
#include <string.h>

static const char *const names[OUTBOX_STATES] = {
    [OUTBOX_QUEUED] = "queued",
    [OUTBOX_CONNECTING] = "connecting",
    [OUTBOX_WRITTEN] = "written",
    [OUTBOX_VERIFIED] = "verified",
    [OUTBOX_SEEN] = "seen",
    [OUTBOX_APPLIED] = "applied",
    [OUTBOX_SUPERSEDED] = "superseded",
    [OUTBOX_EXPIRED] = "expired",
    [OUTBOX_REFUSED] = "refused",
    [OUTBOX_FAILED] = "failed",
};

const char *outbox_state_name(enum outbox_state state)
{
    assert(state < OUTBOX_STATES);
    return names[state];
}

#define TO(state) (1U << OUTBOX_##state)

// A receipt may overtake the answer, or tell what an attempt that timed out did after all:
// so queued and connecting may go to seen and applied.
static const unsigned may_go[OUTBOX_STATES] = {
    [OUTBOX_QUEUED] = TO(CONNECTING) | TO(SEEN) | TO(APPLIED) | TO(SUPERSEDED) | TO(EXPIRED)
                      | TO(REFUSED) | TO(WRITTEN) | TO(VERIFIED),
    [OUTBOX_CONNECTING] = TO(QUEUED) | TO(WRITTEN) | TO(VERIFIED) | TO(SEEN) | TO(APPLIED)
                          | TO(SUPERSEDED) | TO(EXPIRED) | TO(REFUSED) | TO(FAILED),
    [OUTBOX_WRITTEN] = TO(VERIFIED) | TO(SEEN) | TO(APPLIED) | TO(SUPERSEDED),
    [OUTBOX_VERIFIED] = TO(SEEN) | TO(APPLIED) | TO(SUPERSEDED),
    [OUTBOX_SEEN] = TO(APPLIED) | TO(SUPERSEDED),
};

bool outbox_may_go(enum outbox_state from, enum outbox_state to)
{
    assert(from < OUTBOX_STATES && to < OUTBOX_STATES);
    return may_go[from] >> to & 1;
}

const char *outbox_text_fault(const char *text)
{
    size_t len = strlen(text);
    if (len == 0)
        return "empty";
    if (len > ROUTE_TEXT_LEN)
        return "too-long";
    for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            return "not-printable";
    return NULL;
}

// How long to wait after what: a machine that is only busy is asked again soon, a meter that
// cannot be reached is left alone longer. most: attempts in all; 0: until it expires.
static const struct class
{
    const char *cause;
    int first_s, longest_s, most;
} classes[] = {
    {"broker-lost", 2, 30, 0},         // ours to mend
    {"busy", 5, 120, 0},               // head-end or meter has another session
    {"timeout", 15, 600, 0},           // it may have been written: the same text again does no harm
    {"no-route", 30, 900, 0},          // meter not reachable
    {"temporary-failure", 15, 600, 0}, // the meter's own word
    {"digest-differs", 15, 300, 5},    // written, but the meter holds something else
    {"bad-answer", 60, 900, 5},        // the head-end does not speak as agreed
    {"abandoned", 2, 60, 0},           // the process that tried it is gone
    {NULL, 30, 600, 0},                // what a head-end may think of
};

static const struct class *class_of(const char *cause)
{
    const struct class *class = classes;
    while (class->cause && strcmp(class->cause, cause) != 0)
        class ++;
    return class;
}

// splitmix64: spreads neighbouring seeds over all 64 bits. Source: Vigna, public domain.
static uint64_t spread(uint64_t seed)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
    return seed ^ seed >> 31;
}

static int64_t pause_ns(const struct class *class, int number, uint64_t seed)
{
    int64_t pause_s = class->first_s;
    for (int i = 1; i < number && pause_s < class->longest_s; i++)
        pause_s *= 2;
    if (pause_s > class->longest_s)
        pause_s = class->longest_s;
    int64_t percent = 75 + (int64_t)(spread(seed + (uint64_t)number) % 51);
    return pause_s * SECONDS_NS / 100 * percent;
}

static struct outbox_verdict judge_retry(const struct outbox_attempt *attempt)
{
    const struct class *class = class_of(attempt->cause);
    int64_t left = attempt->not_after.ns - attempt->now.ns;
    int64_t pause = pause_ns(class, attempt->number, attempt->seed);
    if (class->most && attempt->number >= class->most)
        return (struct outbox_verdict){.state = OUTBOX_FAILED};
    if (pause >= left)
        pause = left / 2;
    if (left <= 0 || pause < class->first_s * SECONDS_NS / 2)
        return (struct outbox_verdict){.state = OUTBOX_EXPIRED};
    return (struct outbox_verdict){OUTBOX_QUEUED, {attempt->now.ns + pause}};
}

struct outbox_verdict outbox_judge(const struct outbox_attempt *attempt)
{
    switch (attempt->status) {
    case ROUTE_VERIFIED:
        return (struct outbox_verdict){.state = OUTBOX_VERIFIED};
    case ROUTE_WRITTEN:
        return (struct outbox_verdict){.state = OUTBOX_WRITTEN};
    case ROUTE_REFUSED:
        return (struct outbox_verdict){.state = OUTBOX_REFUSED};
    default:
        return judge_retry(attempt);
    }
}
