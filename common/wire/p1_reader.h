// SPDX-License-Identifier: Apache-2.0
// Byte stream -> whole P1 telegrams.
//
//   /XXX5Ident CR LF CR LF   line CR LF ...   !CRC CR LF
//
// A cable near mains corrupts, cuts and joins telegrams, so each '/' that may be the start of
// one is remembered: the first, and those of the latest line that has one (a header, which
// an empty line follows, stays until the next header). At the end mark,
// which is a '!' at the start of a line, the start whose CRC matches wins. So the good
// telegram after a cut one is found, and so is one whose text holds a '/' or a '!'.
// A '/' is no start when a ')' follows in its line: it is text in a value then.
//
// The reader takes bytes as they come and never reads; it allocates nothing after
// p1_reader_new(), and its work grows with the octets pushed, whatever they are.
// Sources: P1 Companion Standard 5.0.2, 6.2; field reports of meters that print the CRC
// short or in lower case, put a NUL behind it, or send neither '!' nor CRC (DSMR 2 and 3).

#ifndef WIRE_P1_READER_H
#define WIRE_P1_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    P1_TELEGRAM_MAX = 8192, // octets from '/' to '!'; the largest possible SMR 5 one has 3700
};
#define P1_SILENCE_NS INT64_C(500000000) // a pause this long ends what was begun
#define P1_FRAME_NS INT64_C(12000000000) // and nothing takes longer than this

enum p1_crc {
    P1_CRC_OK,
    P1_CRC_BAD,    // does not match, or the end mark is damaged
    P1_CRC_ABSENT, // the meter sends none: good for metering, never for control
};
const char *p1_crc_name(enum p1_crc crc); // "ok" "bad" "absent"

// One telegram as found.
struct p1_frame {
    uint64_t offset; // of its '/' in the stream, which begins at 0
    size_t octets;   // '/' up to and including the line end behind the CRC
    enum p1_crc crc;
    int crc_digits; // hex digits behind the '!', 0 to 4
    bool ended;     // with '!'; a few old meters just begin the next telegram
};

// What became of everything pushed. The first three count frames that came out.
struct p1_counts {
    uint64_t ok, bad, absent;
    uint64_t short_crc;   // of the ok: fewer than four digits
    uint64_t damaged_end; // of the bad: something else than digits behind the '!'
    uint64_t no_end;      // of the absent: ended by the next one or by silence
    uint64_t cut;         // broke off: a later start matched, or the stream ended
    uint64_t overlong;    // given up after P1_TELEGRAM_MAX
    uint64_t silent;      // given up after P1_SILENCE_NS
    uint64_t slow;        // given up after P1_FRAME_NS
    uint64_t skipped;     // octets that are part of no frame that came out
    uint64_t octets;      // pushed in all
};

// A reader that waits for the first '/'. Owned by the caller: p1_reader_free().
struct p1_reader *p1_reader_new(void);
void p1_reader_free(struct p1_reader *reader);

// Take octets. True: a telegram is complete, and *used of len octets were taken; push the
// rest after looking at it. False: all were taken.
//
//   for (size_t at = 0, used; at < len; at += used)
//       if (p1_reader_push(reader, data + at, len - at, &used))
//           ... p1_reader_frame(reader) ...
bool p1_reader_push(struct p1_reader *reader, const void *data, size_t len, size_t *used);

// Tell the time, in ns on a clock of the machine that does not jump: before each push, and by
// a timer when nothing comes. Gives up what paused or lasts too long. A reader that is never
// told the time waits for ever. True: this completed a telegram.
bool p1_reader_idle(struct p1_reader *reader, int64_t now_ns);

// The stream is over (end of file, device gone): drop what was begun; the next push starts
// over, its offset counting on. True: this completed a telegram, whose last line end is missing.
bool p1_reader_end(struct p1_reader *reader);

// Is a telegram under way?
bool p1_reader_busy(const struct p1_reader *reader);

// The telegram just completed, '/' up to and including '!' if it has one, not terminated.
// Borrowed from the reader, as is its frame: valid until the next call that changes it.
const char *p1_reader_telegram(const struct p1_reader *reader, size_t *len);
const struct p1_frame *p1_reader_frame(const struct p1_reader *reader);

// Borrowed: shows the counts as they grow.
const struct p1_counts *p1_reader_counts(const struct p1_reader *reader);

#endif
