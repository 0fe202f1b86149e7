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

const char *outbox_reach_name(enum outbox_reach reach)
{
    static const char *const reaches[OUTBOX_REACHES] = {
        [OUTBOX_NOT_TOLD] = "",
        [OUTBOX_REACHED] = "reached",
        [OUTBOX_MISSED] = "missed",
        [OUTBOX_MISTRUSTED] = "mistrusted",
    };
    assert(reach < OUTBOX_REACHES);
    return reaches[reach];
}

// How long to wait after what: a machine that is only busy is asked again soon, a meter that
// cannot be reached is left alone longer. most: attempts in all; 0: until it expires.
static const struct class
{
    const char *cause;
    int first_s, longest_s, most;
    enum outbox_reach reach;
} classes[] = {
    // ours to mend
    {"broker-lost", 2, 30, 0, OUTBOX_NOT_TOLD},
    {"abandoned", 2, 60, 0, OUTBOX_NOT_TOLD}, // the process that tried it is gone
    {"stopped", 1, 5, 0, OUTBOX_NOT_TOLD},    // or was told to go
    {"overtaken", 1, 5, 0, OUTBOX_NOT_TOLD},  // by one that has gone itself meanwhile
    {"no-counters", 10, 300, 0, OUTBOX_NOT_TOLD},
    {"no-keys", 300, 900, 0, OUTBOX_NOT_TOLD},
    // on the way
    {"no-route", 30, 900, 0, OUTBOX_MISSED},  // no connection
    {"no-answer", 30, 900, 0, OUTBOX_MISSED}, // a connection, and then silence
    {"busy", 5, 120, 0, OUTBOX_REACHED},      // head-end or meter has another session
    {"timeout", 15, 600, 0, OUTBOX_NOT_TOLD}, // it may have been written: the same text again
    {"closed", 15, 600, 0, OUTBOX_REACHED},   // does no harm
    // the meter's own word
    {"temporary-failure", 15, 600, 0, OUTBOX_REACHED},
    {"rejected", 60, 900, 0, OUTBOX_REACHED},
    {"exception", 30, 600, 5, OUTBOX_REACHED},
    {"stale-counter", 60, 900, 3, OUTBOX_REACHED},  // although it had been read
    {"digest-differs", 15, 300, 5, OUTBOX_REACHED}, // it holds something else
    {"bad-answer", 60, 900, 5, OUTBOX_REACHED},     // does not speak as agreed
    {"unread", 15, 300, 3, OUTBOX_REACHED}, // written, but the line broke before it was read back
    // not the meter that we know, or not our keys
    {"auth-failed", 300, 3600, 3, OUTBOX_MISTRUSTED},
    {"not-authentic", 60, 900, 5, OUTBOX_MISTRUSTED},
    {"title-differs", 300, 3600, 3, OUTBOX_MISTRUSTED},
    {"counter-implausible", 300, 3600, 3, OUTBOX_MISTRUSTED},
    {NULL, 30, 600, 0, OUTBOX_NOT_TOLD}, // what a head-end may think of
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
    bool missed = class->reach == OUTBOX_MISSED;
    int times = attempt->number;
    if (missed && attempt->failures + 1 > times)
        times = attempt->failures + 1;
    int64_t left = attempt->not_after.ns - attempt->now.ns;
    int64_t pause = pause_ns(class, times, attempt->seed);
    struct outbox_verdict verdict = {
        .state = OUTBOX_QUEUED,
        .reach = class->reach,
        .rest_until = {attempt->now.ns + pause},
    };
    bool is_silent = missed && attempt->failures + 1 >= OUTBOX_SILENT;
    if (pause >= left && !is_silent)
        pause = left / 2;
    verdict.next_at.ns = attempt->now.ns + pause;
    if (class->most && attempt->number >= class->most)
        verdict.state = OUTBOX_FAILED;
    else if (left <= 0 || pause >= left || pause < class->first_s * SECONDS_NS / 2)
        verdict.state = OUTBOX_EXPIRED;
    return verdict;
}

// Where it could not be read back, it is written again, which does no harm, until that is shown.
static struct outbox_verdict judge_written(const struct outbox_attempt *attempt)
{
    struct outbox_verdict verdict = {.state = OUTBOX_WRITTEN, .reach = OUTBOX_REACHED};
    if (!strcmp(attempt->cause, "unread"))
        verdict = judge_retry(attempt);
    if (verdict.state != OUTBOX_QUEUED)
        verdict.state = OUTBOX_WRITTEN;
    return verdict;
}

struct outbox_verdict outbox_judge(const struct outbox_attempt *attempt)
{
    switch (attempt->status) {
    case ROUTE_VERIFIED:
        return (struct outbox_verdict){.state = OUTBOX_VERIFIED, .reach = OUTBOX_REACHED};
    case ROUTE_WRITTEN:
        return judge_written(attempt);
    case ROUTE_REFUSED:
        return (struct outbox_verdict){.state = OUTBOX_REFUSED};
    default:
        return judge_retry(attempt);
    }
}
