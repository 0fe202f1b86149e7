// SPDX-License-Identifier: Apache-2.0
// What every program does before it begins: the command line and the settings.
//
// --config FILE --check --print-sample --verbose --help --version, and the program's own
// options. Exit status: 0 done, 1 failure, 2 usage, 78 settings (on which systemd does not
// restart).

#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/clock.h"
#include "base/config.h"

#include <stdbool.h>

enum { EXIT_USAGE = 2, EXIT_SETTINGS = 78 };

// An option of the program's own; a table ends with {0}.
struct program_option {
    const char *name;     // long form without dashes
    const char *argument; // name of its argument for --help, or NULL for a flag
    const char **text;    // where the argument goes (borrowed from argv)
    bool *flag;           // set when the option was given; may stand beside text
    bool optional;        // the argument may be left out; then text stays untouched
    const char *help;
};

struct program {
    const char *name;    // "socmod-ingest"
    const char *purpose; // one line
    const char *version;
    const struct setting *settings; // NULL for none
    const struct program_option *options;
    bool (*check)(void);             // what the table cannot say; complains itself; NULL for none
    const char *words;               // names of the further words taken, for --help; NULL for none
    bool (*needs_no_settings)(void); // true where the options given do a job that has no use
                                     // for the settings; NULL: always read
};

// Guard the process (base/secret.h), then read the command line and the settings file: --config,
// else /etc/socmod/NAME.ini where it exists, else the defaults. Does not return where the options
// ask for something that is then done, or where something is wrong. Returns the index in argv of
// the first further word.
int program_start(const struct program *program, int argc, char **argv);

// The setting that each program's table has, so that a test or the demo can move the hands.
extern char *program_clock_hands;
#define CLOCK_SETTINGS                                                                             \
    {                                                                                              \
        "clock", "hands",                                                                          \
            .text = &program_clock_hands, .otherwise = "",                                         \
            .help = "for tests and demo only: time shown, real UTC second, rate; empty: real time" \
    }

#endif
