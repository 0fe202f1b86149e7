// SPDX-License-Identifier: Apache-2.0
// The settings of a program: one table reads the INI file, refuses what it does not know,
// and prints the sample.

#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// One setting. Exactly one of the four places is given; a table ends with {0}.
struct setting {
    const char *section;
    const char *name;
    char **text;           // owned by the table's program, for its life
    int64_t *integer;      // decimal
    double *real;          // finite
    bool *flag;            // yes or no
    const char *otherwise; // the default, as the file would say it; NULL: must be given
    const char *help;      // one line: meaning and unit
    const char *words;     // for a text: the values allowed, separated by blanks; NULL: any
    double least, most;    // for a number; both 0: any
};

// Set every default.
void config_defaults(const struct setting *settings);

// Read path over the defaults; NULL: there is no file, which will do if nothing must be given. A
// value may be 4,000 octets long; " ;" begins a comment. An error goes to standard error as
// "path:line: what is wrong"; ERR_SYNTAX or ERR_RANGE for the content, ERR_IO when the file cannot
// be read. All errors of a file are told, not only the first.
MUST_CHECK enum err config_read(const char *path, const struct setting *settings);

// Tell on standard error, as config_read() does, what is wrong with a setting that was read well
// but does not go with others: "path:line: [section] name: why". The line is that of the setting,
// or of its section where it was not given; none where neither stands in the file.
void config_complain(const char *path, const char *section, const char *name, const char *why);

// A complete file with every default and its help.
void config_print_sample(const struct setting *settings, FILE *out);

#endif
