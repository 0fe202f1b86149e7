// SPDX-License-Identifier: Apache-2.0
// The two clocks of every program, as two types that do not mix.
//
// utc   what time it is. May be set, and then jumps.
// mono  how long something takes. Never jumps (but when the hands are set); its zero means
//       nothing.
//
// A test or the demo moves the hands with clock_set_hands(): from then on both clocks
// run rate times as fast, and utc shows the told time. All processes that are given the
// same hands show the same time, also one that was started again.

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

#include <stdint.h>

struct utc {
    int64_t ns; // since 1970-01-01 00:00:00 UTC
};
struct mono {
    int64_t ns;
};

#define SECONDS_NS INT64_C(1000000000)
enum { QUARTER_S = 900 };

struct utc clock_utc(void);
struct mono clock_mono(void);

// Whole seconds of the same.
int64_t clock_utc_s(void);

// How long a wait for a machine (network, disk, database) of ns is on these clocks: such a
// wait does not hurry because the hands do. ns itself at rate 1.
int64_t clock_machine_ns(int64_t ns);

// The reverse: how long the machine waits while ns pass on these clocks.
int64_t clock_real_ns(int64_t ns);

// Take hands as the setting "clock.hands" writes them: three words,
//   <RFC 3339 UTC shown> <real UTC in seconds at which it shows it> <rate, 1 to 10000>
// for example "2026-01-14T14:00:00Z 1763683200.25 300". Empty: the real time.
//   ERR_SYNTAX  not of that form
//   ERR_RANGE   rate or time out of range, also the time that it would show now
MUST_CHECK enum err clock_set_hands(const char *text);

#endif
