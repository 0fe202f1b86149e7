// SPDX-License-Identifier: Apache-2.0
// Which limit holds now, in which mode, and why. Pure: time, profiles and what the charger
// answered come as arguments; nothing is read or written here.
//
//   starting  no trustworthy telegram yet: the lowest of the stored limit, the safe one, and what
//             a stored profile says
//   own       nothing limits but the contract: no profile holds
//   limited   the active period of a profile
//   safe      in doubt: no telegram or no certain time for the hold time, or the charger does
//             not confirm; the lowest of contract, safe limit, and what the profile says
//
// What a period of a profile sets, and what becomes of it:
//
//   MxPwr            the limit
//   LoadReduct       the limit, as per cent of the contract
//   MxPhaseImbal     the limit at which not even a car on one phase exceeds that imbalance
//   MxPwrFallbck     lowers the safe limit
//   SetPointFallbck  lowers the safe limit, as per cent of the contract
//   RefreshInterv    shortens the hold time for silence, down to the least of the rules
//
// All hold in the period that is active; where no time is certain, the strictest of all periods.
//
// A profile that begins later waits beside the one that holds, so that there is no gap
// between them; a newer one replaces the one that waits. Where the profile ends, the charger
// gets its own setting back, which is the contract. A profile above the contract is refused
// as a whole, never clipped.
//
// How the limits are kept apart from the clocks: holds run on the mono clock, periods on UTC.

#ifndef GATEWAY_SETPOINT_H
#define GATEWAY_SETPOINT_H

#include "base/clock.h"
#include "base/err.h"
#include "wire/profile.h"

#include <stdbool.h>
#include <stdint.h>

enum { SETPOINT_REASON = 160, SETPOINT_DIGEST = 64, SETPOINT_CODE = 32 };

enum setpoint_mode { SETPOINT_STARTING, SETPOINT_OWN, SETPOINT_LIMITED, SETPOINT_SAFE };

struct setpoint_rules {
    int32_t contract_w;    // never above
    int32_t safe_w;        // in doubt
    int64_t hold_ns;       // mono: how long without a trustworthy telegram or a certain time
    int64_t confirm_ns;    // mono: how long the charger may leave a limit unconfirmed
    int64_t least_hold_ns; // mono: that a profile may shorten the hold for silence to
    int64_t imbalance_mw;  // limit for each 0.1 A of imbalance; 0: imbalance is not obeyed
};

// The time at which something happens. While why_untimed is not NULL, utc means nothing, and
// it says why; it is only borrowed for the call.
struct setpoint_now {
    struct mono mono;
    struct utc utc;
    const char *why_untimed;
};

struct setpoint_profile {
    bool is_set;
    char digest[SETPOINT_DIGEST + 1]; // of the text that said it
    struct profile profile;
};

// Filled in here, read by anyone, changed only through the functions below.
struct setpoint {
    struct setpoint_rules rules;

    // What holds now.
    enum setpoint_mode mode;
    char reason[SETPOINT_REASON]; // never empty
    struct mono since;            // of mode
    int32_t limit_w;              // for the charger; the contract stands for its own setting
    int period;                   // the active period, 1 is the first; 0: none
    bool confirmed;               // the charger has confirmed limit_w, and since then nothing else
    // The profile that ended last, until setpoint_forget_ended(); else "".
    char ended[SETPOINT_DIGEST + 1];

    // What that follows from.
    struct setpoint_profile current, next;
    int32_t preset_w; // that a code on the meter stands for; INT32_MAX: none
    char code[SETPOINT_CODE + 1];
    bool judged;         // since the start, a text of P1 was offered, or that there is none
    bool waits_for_time; // a profile stands on P1 that cannot be judged without time
    char why_none[SETPOINT_REASON];
    int32_t stored_w; // limit held before the restart
    int32_t target_w; // what would hold if the charger were not doubted
    bool heard;       // a trustworthy telegram since the start
    struct mono started, heard_at, unconfirmed_since;
    char why_unconfirmed[SETPOINT_REASON];
    bool refused; // the charger refused refused_w; asked again at refused_until
    int32_t refused_w;
    struct mono refused_until;
};

// Begin, with the limit that held last; INT32_MAX: none is known.
void setpoint_start(struct setpoint *setpoint, const struct setpoint_rules *rules, int32_t stored_w,
                    struct setpoint_now now);

// Right after the start: a profile that was held before it, the current one or the one that
// waited. Whether it still holds is decided when there is time. One above the contract, which
// was lowered meanwhile, is dropped.
void setpoint_restore(struct setpoint *setpoint, const struct profile *profile, const char *digest,
                      bool waited);

// A trustworthy telegram came.
void setpoint_hear(struct setpoint *setpoint, struct setpoint_now now);

// A text that is a profile; it takes the place of the one that waits, and of the current one
// from its valid_from on.
//
//   reason  why not; untouched without error
//
//   ERR_RANGE  a period asks for more than the contract, or the profile has ended
//   ERR_MORE   cannot be judged without time; offer it again
MUST_CHECK enum err setpoint_offer(struct setpoint *setpoint, const struct profile *profile,
                                   const char *digest, struct setpoint_now now,
                                   char reason[static SETPOINT_REASON]);

// A meter whose messages hold codes shows one that stands for limit_w. It holds until
// setpoint_offer_none() or another one.
void setpoint_preset(struct setpoint *setpoint, const char *code, int32_t limit_w);

// What stands on P1 is no profile to be obeyed, and why. A profile that holds, holds on.
void setpoint_offer_none(struct setpoint *setpoint, const char *why);

// The charger's register shows limit_w, read back. Or it does not, and why; refused: it
// answered, and said no or shows something else.
void setpoint_confirm(struct setpoint *setpoint, int32_t limit_w);
void setpoint_fail(struct setpoint *setpoint, int32_t limit_w, bool refused, const char *why,
                   struct setpoint_now now);

// Decide anew, after any of the above or when setpoint_wait() is over. True when mode, reason,
// limit or profile are not what they were.
bool setpoint_step(struct setpoint *setpoint, struct setpoint_now now);

// Until when time alone changes nothing, in ns from now; INT64_MAX: for ever.
int64_t setpoint_wait(const struct setpoint *setpoint, struct setpoint_now now);

void setpoint_forget_ended(struct setpoint *setpoint);

// "starting", "own", "limited", "safe".
const char *setpoint_mode_name(enum setpoint_mode mode);

#endif
