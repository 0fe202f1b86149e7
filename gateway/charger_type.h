// SPDX-License-Identifier: Apache-2.0
// A type of charger: where it takes its limit, what keeps it awake, and what it does in
// silence. A type is a file in gateway/drivers, not code; INI, because settings are, and with
// the same reader, which names file and line of what is wrong.
//
// Addresses are those on the wire, counted from 0. The manual page lists every setting.

#ifndef GATEWAY_CHARGER_TYPE_H
#define GATEWAY_CHARGER_TYPE_H

#include "base/err.h"
#include "gateway/amperes.h"
#include "gateway/registers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CHARGER_NOWHERE = -1,
    CHARGER_PHASES = 3,
    CHARGER_CHOICES = 8,
    CHARGER_WORDS = CHARGER_PHASES * REGISTERS_MAX,
};

// A number in registers.
struct charger_number {
    int64_t function; // 3 or 4 reads, 6 or 16 writes
    int64_t address;  // CHARGER_NOWHERE: there is none
    enum registers_type type;
    bool low_word_first;
    int64_t step_micro; // what 1 stands for, millionths of its unit
};

// A register or coil that takes fixed values.
struct charger_switch {
    int64_t address;  // CHARGER_NOWHERE: there is none
    int64_t function; // 5: a coil; 6, 16
    int64_t on, off;
};

enum charger_keepalive {
    CHARGER_REWRITE, // the limit must be written again
    CHARGER_ANY,     // any request will do
    CHARGER_TOKEN,   // a value must be written to a register of its own
};

// What the charger does when it hears nothing for its time-out.
enum charger_silence {
    CHARGER_RESTRICTS, // falls back to a limit of its own
    CHARGER_KEEPS,     // the last limit holds for ever
    CHARGER_OPENS,     // charges as if nobody limited it; also where nobody knows
};

// A time-out or fallback, which is set once at commissioning.
struct charger_failsafe {
    struct charger_number write, read; // often the same
    int64_t least, most;               // that it takes
};

struct charger_type {
    char *name;  // make and line, for people
    char *grade; // what the facts rest on: V vendor, C2 two drivers, C driver, U a note
    char *note;  // what an installer must know; "" for nothing
    char *line;  // of a serial one: "19200/8E1"
    bool has_tcp, has_rtu, has_ascii;
    int64_t port, unit; // unit CHARGER_NOWHERE: must be told by the settings

    struct charger_number limit;
    int numbers; // in a row that take the limit: 1, or 3, one per phase, in one request
    struct amperes_scale scale;
    bool wears;     // each write wears its memory: only changes are written
    int64_t stride; // from a charging point's registers to those of the next; 0: has one point

    struct charger_switch pause;    // on lets it charge; none: the number scale.pause stops it
    struct charger_switch enable;   // on makes it heed the limit
    struct charger_number readback; // shows what was written
    struct charger_number applied;  // shows what holds: no more than what was written
    int64_t settle_s;               // until it does

    struct charger_number state;
    int64_t state_registers; // more than one: text

    enum charger_keepalive keepalive;
    int64_t keepalive_s; // longest pause
    struct charger_switch token;

    enum charger_silence silence;
    struct charger_failsafe watchdog; // s; step_micro counts millionths of a second
    int64_t watchdog_s;               // without a register or as shipped; 0: unknown
    int64_t watchdog_off;             // number that means no watchdog; CHARGER_NOWHERE: none does
    int choices;                      // numbers that stand for times: a list, not a scale; 0: none
    struct {
        int64_t number, seconds;
    } choice[CHARGER_CHOICES];
    struct charger_failsafe fallback; // in the unit that follows
    enum amperes_unit fallback_unit;
    int64_t failsafe_stride;      // as stride, of watchdog and fallback
    struct charger_switch arm;    // on makes the watchdog work
    struct charger_switch commit; // on keeps watchdog and fallback over a power cut

    int64_t gap_ms; // rest between two requests
    int64_t most_registers;
    bool one_value; // a read may not ask for more than one number
    bool twice;     // the first of two equal requests only wakes it up

    struct charger_number probe;     // read before the first write ...
    int64_t probe_least, probe_most; // ... and within these, else it is not of this type
};

// Read a file over the defaults. Errors go to standard error as "path:line: ...": see
// config_read(). Untouched on error; else the texts are owned: charger_type_clear().
MUST_CHECK enum err charger_type_read(const char *path, struct charger_type *type);
void charger_type_clear(struct charger_type *type);

// Move all addresses to those of a charging point, 1 for the first.
//   ERR_RANGE  it has only one, or the addresses end before
MUST_CHECK enum err charger_type_at_point(struct charger_type *type, int64_t point);

// The words that say a limit, of each phase where it takes several, else of the first; returns how
// many.
int charger_type_words(const struct charger_type *type, const int64_t raw[static CHARGER_PHASES],
                       uint16_t words[static CHARGER_WORDS]);

// A time-out of the watchdog in seconds as its number, and the reverse: 0 for off,
// CHARGER_NOWHERE for a number that stands for nothing.
//   ERR_RANGE  cannot be said in its steps or choices, or it does not take it
MUST_CHECK enum err charger_type_watchdog_number(const struct charger_type *type, int64_t seconds,
                                                 int64_t *number);
int64_t charger_type_watchdog_s(const struct charger_type *type, int64_t number);

// "restricts", "keeps", "opens up".
const char *charger_silence_name(enum charger_silence silence);

// A line of each type in a folder, in the order of the file names, under a line of titles.
// ERR_IO: the folder cannot be read; else the first error of a file, and the others are
// listed. All went to standard error.
MUST_CHECK enum err charger_type_list(const char *folder, FILE *out);

#endif
