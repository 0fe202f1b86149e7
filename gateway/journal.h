// SPDX-License-Identifier: Apache-2.0
// A file of messages that still have to reach the broker. Lines are appended and synced; now and
// then the file is written anew as a whole, without what has gone.
//
// A line is 16 hex digits of the SHA-256 of what follows them, a blank, the topic, a tab, and the
// text. A line that does not match is left out when the file is read: after a power cut the last
// one may be torn. Nothing is ever appended behind a damaged line.

#ifndef GATEWAY_JOURNAL_H
#define GATEWAY_JOURNAL_H

#include "base/err.h"
#include "io/durable_file.h"

#include <stdbool.h>
#include <stddef.h>

enum { JOURNAL_LINE = 4096, JOURNAL_REASON = DURABLE_FILE_REASON };

// No tab in the topic, no line feed in either; together they fit a line with its digest.
struct journal_record {
    const char *topic, *text;
};

typedef void journal_each(void *arg, const struct journal_record *record);

// Call each(arg, record) for all sound lines of content, in order; the record is borrowed for the
// call. Returns how many lines are damaged. Pure.
int journal_decode(const char *content, size_t len, journal_each *each, void *arg);

struct journal;

// Nothing is read yet. Owned: journal_free().
struct journal *journal_new(const char *path);
void journal_free(struct journal *journal);

// As journal_decode() for what the file holds; damaged lines are counted. No file is as good as
// an empty one.
//
//   ERR_IO  cannot be read, why says it; the next write makes it anew
MUST_CHECK enum err journal_read(struct journal *journal, journal_each *each, void *arg,
                                 int *damaged, char why[static JOURNAL_REASON]);

// See to it that the file holds all these records, of which the first kept stand there already:
// one append and one sync, or the whole anew where it has grown to more than twice of what is
// needed, or where what stands there cannot be relied on.
//
//   ERR_IO  it is not certain that the others stand there, why says it; call again
MUST_CHECK enum err journal_write(struct journal *journal, const struct journal_record *records,
                                  int count, int kept, char why[static JOURNAL_REASON]);

// Nothing is left to be told. Not synced: after a power cut it may all be there again.
void journal_clear(struct journal *journal);

#endif
