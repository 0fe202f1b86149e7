// SPDX-License-Identifier: Apache-2.0
// The one list of what can go wrong. A function that can fail returns one of these;
// what it fills in for its caller stays untouched unless it says ERR_NONE.

#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
    ERR_NONE = 0, // success; so "if (err)" reads as "if it failed"
    ERR_MORE,     // right so far, more bytes needed
    ERR_SYNTAX,   // not of the documented form
    ERR_RANGE,    // right form, impossible value
    ERR_SIZE,     // does not fit
    ERR_CHECKSUM, // damaged on the way
    ERR_IO,       // the other side failed; the place that knows why has logged it
};

// As one word, for logs and tests: "none", "more", "syntax" ...
const char *err_name(enum err err);

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
