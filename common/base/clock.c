// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"
#include "base/rfc3339.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LATEST_S (INT64_C(200) * 365 * 86400)

static struct {
    double rate;
    int64_t shown_ns; // what utc shows ...
    int64_t real_ns;  // ... at this real time
    int64_t mono_ns;  // where mono begins: times the rate, an uptime may not fit
} hands = {.rate = 1};

static int64_t now_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

struct utc clock_utc(void)
{
    int64_t real = now_ns(CLOCK_REALTIME);
    if (hands.rate == 1 && !hands.real_ns)
        return (struct utc){real};
    return (struct utc){hands.shown_ns + clock_machine_ns(real - hands.real_ns)};
}

struct mono clock_mono(void)
{
    return (struct mono){clock_machine_ns(now_ns(CLOCK_MONOTONIC) - hands.mono_ns)};
}

int64_t clock_utc_s(void)
{
    int64_t ns = clock_utc().ns;
    return ns >= 0 ? ns / SECONDS_NS : -((-ns + SECONDS_NS - 1) / SECONDS_NS);
}

int64_t clock_machine_ns(int64_t ns)
{
    return hands.rate == 1 ? ns : (int64_t)((double)ns * hands.rate);
}

int64_t clock_real_ns(int64_t ns)
{
    return hands.rate == 1 ? ns : (int64_t)((double)ns / hands.rate);
}

enum err clock_set_hands(const char *text)
{
    if (!*text) {
        hands.rate = 1;
        hands.shown_ns = hands.real_ns = hands.mono_ns = 0;
        return ERR_NONE;
    }
    char shown_text[32];
    double real, rate;
    char rest;
    if (sscanf(text, "%31s %lf %lf %c", shown_text, &real, &rate, &rest) != 3)
        return ERR_SYNTAX;
    int64_t shown;
    enum err err = rfc3339_parse(shown_text, strlen(shown_text), &shown);
    if (err)
        return err;
    // The double holds a second of this century to a quarter of a microsecond.
    if (!(rate >= 1 && rate <= 10000) || !(real >= 1 && real < 4e9))
        return ERR_RANGE;
    // What they would show now must be a time, too: within two centuries from 1970.
    double now = (double)shown + ((double)now_ns(CLOCK_REALTIME) / 1e9 - real) * rate;
    if (shown < 0 || shown > LATEST_S || !(now >= 0 && now < (double)LATEST_S))
        return ERR_RANGE;
    hands.rate = rate;
    hands.mono_ns = now_ns(CLOCK_MONOTONIC);
    hands.shown_ns = shown * SECONDS_NS;
    hands.real_ns = (int64_t)llround(real * 1e9);
    return ERR_NONE;
}
