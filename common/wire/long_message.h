// SPDX-License-Identifier: Apache-2.0
// The long message: a profile as text, as it travels through the meter to the gateway.
//
//   {"Header":{"Action":"EBGDirectControl","ValidFrom":"190329160000W","ValidTo":"190329190000W"},
//    "Body":{"Period":[{"Start":"190329160000W","MxPwr":6000},{"Start":"190329180000W","MxPwr":9000}]}}
//
// without the line break: at most LONG_MESSAGE_MAX ASCII characters, no CR or LF. Further
// members of a period: LoadReduct MxPhaseImbal MxPwrFallbck SetPointFallbck RefreshInterv.
// The sealed form adds Header.Seq and, last, Sig: see seal.h, where they are judged.
//
// Source: ElaadNL's paper on the chain, figure 8; DSMR 4.2.2 Main, use case 11 (length).

#ifndef WIRE_LONG_MESSAGE_H
#define WIRE_LONG_MESSAGE_H

#include "base/err.h"
#include "wire/profile.h"

#include <stddef.h>
#include <stdint.h>

#define LONG_MESSAGE_SEQ_MAX INT64_C(9007199254740991) // that any JSON reader keeps whole

enum {
    LONG_MESSAGE_MAX = 1024,       // characters, without terminator
    LONG_MESSAGE_MAX_PERIODS = 23, // that the writer writes
    LONG_MESSAGE_REASON = 96,      // room for a reason with its terminator
};

// In which unit a message gives powers: MxPwr and MxPwrFallbck. 1 W is the paper's; chargers
// whose registers count in 100 W have been fed their unit.
enum long_message_unit { LONG_MESSAGE_W = 1, LONG_MESSAGE_100_W = 100 };

// Write a profile in its canonical form: shortest (profile_normalise), members in a fixed
// order, powers rounded down to the unit.
//
//   profile   any order; not valid as profile_check() sees it once in order: ERR_RANGE
//   reserved  characters that must stay free for a seal
//   text      the message with a terminator
//   written   what the text says, normalised. Stricter than profile where it did not fit:
//             at most LONG_MESSAGE_MAX_PERIODS periods, fewer if they are long, merged by
//             profile_fit(). Compare with profile_equal() to know.
//
//   ERR_RANGE  not a valid profile
//   ERR_SIZE   reserved leaves no room for even one period
MUST_CHECK enum err long_message_write(const struct profile *profile, enum long_message_unit unit,
                                       size_t reserved, char text[static LONG_MESSAGE_MAX + 1],
                                       struct profile *written);

enum long_message_kind {
    LONG_MESSAGE_EMPTY,     // nothing, or only blanks and NULs
    LONG_MESSAGE_FOREIGN,   // not for us: to be ignored; no error and no limit
    LONG_MESSAGE_MALFORMED, // names our Action but cannot be obeyed, see reason
    LONG_MESSAGE_PROFILE,   // profile holds one that passes profile_check()
};

// What was tolerated in a profile; each worth one line in the log.
enum long_message_oddity {
    LONG_MESSAGE_PERIODS,        // Body.Periods for Body.Period
    LONG_MESSAGE_ACTION_BLANKS,  // blanks around the Action
    LONG_MESSAGE_LINE_BREAKS,    // CR or LF between the members
    LONG_MESSAGE_EARLY_START,    // the first period starts before ValidFrom
    LONG_MESSAGE_LATE_START,     // the first period starts after it: no limit until then
    LONG_MESSAGE_PARTIAL_PERIOD, // a period without MxPwr
    LONG_MESSAGE_REAL_NUMBER,    // 6000.0 for 6000
    LONG_MESSAGE_SEASON,         // S or W against the calendar; believed
    LONG_MESSAGE_UNKNOWN_MEMBER, // of the object, Header or Body; in a period it is refused
    LONG_MESSAGE_ODDITIES
};

struct long_message {
    enum long_message_kind kind;
    unsigned oddities;                // 1 << enum long_message_oddity; 0 unless PROFILE
    char reason[LONG_MESSAGE_REASON]; // FOREIGN and MALFORMED: printable ASCII; else ""
    int64_t seq;            // Header.Seq, 1 to LONG_MESSAGE_SEQ_MAX; 0: none, or no such number
    struct profile profile; // as it was sent, periods not normalised; PROFILE only
};

// Read what a meter shows. text is len octets of any kind, only borrowed.
//
// Refused as malformed: more than LONG_MESSAGE_MAX octets, octets that are not ASCII text,
// bad JSON, members given twice, deep nesting, a missing ValidFrom, ValidTo or Start, values
// that are not whole numbers in profile_ranges, what profile_check() refuses, and unknown
// members of a period, because they may be a stricter limit. Bad JSON is ours, hence
// malformed and not foreign, when it has the name of our Action somewhere.
void long_message_read(const char *text, size_t len, enum long_message_unit unit,
                       struct long_message *message);

// "empty", "foreign", "malformed", "profile".
const char *long_message_kind_name(enum long_message_kind kind);

// As one word, for logs: "periods", "action_blanks" ...
const char *long_message_oddity_name(enum long_message_oddity oddity);

#endif
