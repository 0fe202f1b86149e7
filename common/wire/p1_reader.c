// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_reader.h"
#include "base/memory.h"
#include "wire/crc16.h"
#include "wire/hex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// What may stand between '!' and the line feed and still be an end mark: four digits, a NUL
// that some meters add, CR, and some damage. A longer line is data.
enum { TAIL_MAX = 8, CRC_DIGITS = 4 };

enum state { SEEKING, INSIDE, ENDING };

struct p1_reader {
    enum state state;
    bool complete;     // the frame below waits to be looked at
    uint64_t position; // octets taken from the stream
    uint64_t base;     // position of buffer[0], which is the '/' that came first
    size_t fill;       // of the buffer
    size_t mark;       // of the '!'; ENDING only

    // Further starts, 0 for none: the first and the last '/' of the latest complete line that
    // has one, and of the line after it, of which it is not yet known whether a ')' follows.
    // Two of a line, because a header may hold a '/' and noise before it may be one.
    size_t first, last;
    bool header; // first begins a header; then only another one replaces it
    size_t open_first, open_last;
    bool open_firm; // open_first begins its line, so it counts whatever follows
    size_t noted;   // the buffer has been searched for starts up to here

    bool versioned;         // a version line stands in the buffer ...
    size_t version_checked; // ... or at least not up to here

    int64_t now, heard, begun;
    struct p1_frame frame;
    const char *telegram;
    size_t telegram_len;
    struct p1_counts counts;
    char buffer[P1_TELEGRAM_MAX + TAIL_MAX + 1];
};

const char *p1_crc_name(enum p1_crc crc)
{
    static const char *const names[] = {
        [P1_CRC_OK] = "ok", [P1_CRC_BAD] = "bad", [P1_CRC_ABSENT] = "absent"};
    assert(crc >= P1_CRC_OK && crc <= P1_CRC_ABSENT);
    return names[crc];
}

struct p1_reader *p1_reader_new(void)
{
    return memory_new(1, sizeof(struct p1_reader));
}

void p1_reader_free(struct p1_reader *reader)
{
    free(reader);
}

static const char *find(const char *from, const char *end, char wanted)
{
    return from < end ? memchr(from, wanted, (size_t)(end - from)) : NULL;
}

static void start_over(struct p1_reader *r)
{
    r->state = SEEKING;
    r->complete = false;
    r->fill = 0;
}

static void begin(struct p1_reader *r)
{
    r->state = INSIDE;
    r->base = r->position;
    r->begun = r->now;
    r->first = r->last = r->open_first = r->open_last = 0;
    r->header = false;
    r->noted = 1;
    r->versioned = false;
    r->version_checked = 0;
}

// Is the '/' at index at the start of a header, that is, does an empty line follow its line? The
// line is complete.
static bool begins_header(const struct p1_reader *r, size_t at)
{
    const char *end = r->buffer + r->fill;
    const char *line_end = find(r->buffer + at, end, '\n');
    assert(line_end);
    return end - line_end > 2 && line_end[1] == '\r' && line_end[2] == '\n';
}

// Judge the '/' noted in the open line, which ends before limit.
static void settle(struct p1_reader *r, size_t limit)
{
    if (!r->open_first)
        return;
    const char *from = r->buffer + r->open_last, *end = r->buffer + limit;
    const char *line_end = find(from, end, '\n');
    bool text = find(from, line_end, ')');
    bool header = begins_header(r, r->open_first);
    if ((!text || r->open_firm) && (header || !r->header)) {
        r->first = r->open_first;
        r->last = text ? r->open_first : r->open_last;
        r->header = header;
    }
    r->open_first = r->open_last = 0;
}

// Remember the '/' at index at. What lies between two of them is looked at once.
static void note(struct p1_reader *r, size_t at)
{
    const char *here = r->buffer + at;
    if (r->open_first) {
        const char *before = r->buffer + r->open_last;
        if (find(before, here, '\n'))
            settle(r, at);
        else if (find(before, here, ')') && !r->open_firm)
            r->open_first = 0;
    }
    if (!r->open_first) {
        r->open_first = at;
        r->open_firm = here[-1] == '\n';
    }
    r->open_last = at;
}

// A meter that sends a CRC says its version in every telegram.
static bool states_version(struct p1_reader *r, size_t end)
{
    static const char dsmr[] = "-3:0.2.8(", belgian[] = "-0:96.1.4(";
    size_t from = r->version_checked;
    from -= from < sizeof belgian ? from : sizeof belgian;
    r->versioned = r->versioned || memmem(r->buffer + from, end - from, dsmr, strlen(dsmr))
                   || memmem(r->buffer + from, end - from, belgian, strlen(belgian));
    r->version_checked = end;
    return r->versioned;
}

// May the octets before end be a whole telegram of a meter that sends neither '!' nor CRC?
static bool whole_without_end(struct p1_reader *r, size_t end)
{
    return end > 3 && !memcmp(&r->buffer[end - 3], ")\r\n", 3) && begins_header(r, 0)
           && !states_version(r, end);
}

// Give up the telegram begun first and go on with the next start, if there is one. Each
// start is given up once and the ones noted from now on lie at the end of the buffer, so
// the moving stays in proportion to the octets pushed.
static void give_up_first(struct p1_reader *r, uint64_t *counter)
{
    ++*counter;
    size_t start = r->first ? r->first : r->open_first;
    if (!start) {
        r->counts.skipped += r->fill;
        start_over(r);
        return;
    }
    if (r->first) { // only a later line gives one, so that line has noted one, too
        assert(r->open_first > start && r->open_last >= r->open_first);
        r->first = r->last > start ? r->last - start : 0;
        r->last = r->first;
        r->header = false;
        r->open_first -= start;
        r->open_last -= start;
    } else {
        r->open_first = r->open_last > start ? r->open_last - start : 0;
        r->open_last = r->open_first;
        r->open_firm = false;
    }
    r->fill -= start;
    memmove(r->buffer, r->buffer + start, r->fill);
    assert(r->noted > start);
    r->noted -= start;
    r->base += start;
    r->begun = r->now;
    r->versioned = false;
    r->version_checked = 0;
    r->counts.skipped += start;
}

// Hand out buffer[start ..] as a frame, of which len octets are the telegram.
static bool hand_out(struct p1_reader *r, size_t start, size_t len, struct p1_frame frame)
{
    frame.offset = r->base + start;
    frame.octets = r->fill - start;
    r->frame = frame;
    r->telegram = r->buffer + start;
    r->telegram_len = len;
    r->complete = true;
    r->counts.cut += start > 0;
    r->counts.skipped += start;
    r->counts.ok += frame.crc == P1_CRC_OK;
    r->counts.bad += frame.crc == P1_CRC_BAD;
    r->counts.absent += frame.crc == P1_CRC_ABSENT;
    r->counts.no_end += !frame.ended;
    return true;
}

// Where did a telegram begin whose CRC does not tell? At the latest header.
static size_t likely_start(const struct p1_reader *r)
{
    return r->header ? r->first : 0;
}

// The start whose CRC is this one.
static bool matching_start(const struct p1_reader *r, uint16_t crc, size_t *start)
{
    const size_t starts[] = {0, r->first, r->last};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (i > 0 && starts[i] == starts[i - 1])
            continue;
        if (crc16_update(CRC16_START, r->buffer + starts[i], r->mark + 1 - starts[i]) == crc) {
            *start = starts[i];
            return true;
        }
    }
    return false;
}

// The hex digits at text, at most four, up to end. -1: something else stands there.
static int crc_digits(const char *text, const char *end, uint16_t *crc)
{
    if (end - text > CRC_DIGITS)
        return -1;
    *crc = 0;
    for (const char *at = text; at < end; at++) {
        if (hex_digit(*at) < 0)
            return -1;
        *crc = (uint16_t)(*crc << 4 | hex_digit(*at));
    }
    return (int)(end - text);
}

// The end mark stands in the buffer. line_end: so does the line feed behind it.
static bool judge(struct p1_reader *r, bool line_end)
{
    settle(r, r->mark);
    const char *tail = r->buffer + r->mark + 1;
    const char *end = r->buffer + r->fill - line_end;
    bool carriage = end > tail && end[-1] == '\r';
    end -= carriage;
    if (carriage && end > tail && end[-1] == '\0')
        end--;

    uint16_t crc = 0;
    int digits = crc_digits(tail, end, &crc);
    struct p1_frame frame = {
        .crc = P1_CRC_BAD, .crc_digits = digits < 0 ? 0 : digits, .ended = true};
    // Without the line end, fewer digits may just be the first ones.
    bool whole = line_end ? carriage : digits == CRC_DIGITS;
    size_t start = 0;
    if (digits == 0 && (line_end || !states_version(r, r->mark)))
        frame.crc = P1_CRC_ABSENT;
    else if (digits > 0 && whole && matching_start(r, crc, &start))
        frame.crc = P1_CRC_OK;
    if (frame.crc != P1_CRC_OK)
        start = likely_start(r);

    r->counts.damaged_end += frame.crc == P1_CRC_BAD && (digits <= 0 || !whole);
    r->counts.short_crc += frame.crc == P1_CRC_OK && digits < CRC_DIGITS;
    return hand_out(r, start, r->mark + 1 - start, frame);
}

static bool end_without_mark(struct p1_reader *r)
{
    settle(r, r->fill);
    size_t start = likely_start(r);
    return hand_out(r, start, r->fill - start, (struct p1_frame){.crc = P1_CRC_ABSENT});
}

// Remember the '/' that were added to the buffer. True: one of them begins the telegram after
// one without an end; the buffer was cut there and the frame is complete.
static bool note_starts(struct p1_reader *r)
{
    const char *slash;
    while ((slash = find(r->buffer + r->noted, r->buffer + r->fill, '/'))) {
        size_t at = (size_t)(slash - r->buffer);
        r->noted = at + 1;
        if (slash[-1] == '\n' && whole_without_end(r, at)) {
            r->fill = at;
            return end_without_mark(r);
        }
        note(r, at);
    }
    r->noted = r->fill;
    return false;
}

// The '!' of an end mark: at the start of a line.
static const char *find_mark(const char *from, const char *end, char before)
{
    for (const char *at = from; (at = find(at, end, '!')); at++)
        if ((at == from ? before : at[-1]) == '\n')
            return at;
    return NULL;
}

// Each of these takes what it can of the octets up to end and returns where it stopped.

static const char *seek(struct p1_reader *r, const char *from, const char *end)
{
    const char *slash = find(from, end, '/');
    const char *stop = slash ? slash : end;
    r->counts.skipped += (uint64_t)(stop - from);
    r->position += (uint64_t)(stop - from);
    if (!slash)
        return end;
    begin(r);
    r->buffer[r->fill++] = '/';
    r->position++;
    return slash + 1;
}

static const char *collect(struct p1_reader *r, const char *from, const char *end, bool *complete)
{
    if (r->fill >= P1_TELEGRAM_MAX) {
        give_up_first(r, &r->counts.overlong);
        return from;
    }
    size_t room = P1_TELEGRAM_MAX - r->fill;
    if ((size_t)(end - from) > room)
        end = from + room;
    const char *mark = find_mark(from, end, r->buffer[r->fill - 1]);
    if (mark)
        end = mark + 1;
    size_t before = r->fill;
    memcpy(r->buffer + r->fill, from, (size_t)(end - from));
    r->fill += (size_t)(end - from);
    if (note_starts(r)) {
        *complete = true;
    } else if (mark) {
        r->state = ENDING;
        r->mark = r->fill - 1;
    }
    r->position += r->fill - before;
    return from + (r->fill - before);
}

static const char *finish(struct p1_reader *r, const char *from, const char *end, bool *complete)
{
    for (; from < end; from++) {
        if (*from != '\n' && (*from == '/' || r->fill - r->mark > TAIL_MAX)) {
            r->state = INSIDE; // too much for an end mark: it was data
            r->noted = r->fill;
            return from;
        }
        r->buffer[r->fill++] = *from;
        r->position++;
        if (*from == '\n') {
            *complete = judge(r, true);
            return from + 1;
        }
    }
    return from;
}

bool p1_reader_push(struct p1_reader *r, const void *data, size_t len, size_t *used)
{
    if (r->complete)
        start_over(r);
    const char *start = data, *end = start + len, *at = start;
    bool complete = false;
    while (at < end && !complete) {
        if (r->state == SEEKING)
            at = seek(r, at, end);
        else if (r->state == INSIDE)
            at = collect(r, at, end, &complete);
        else
            at = finish(r, at, end, &complete);
    }
    if (len)
        r->heard = r->now;
    r->counts.octets = r->position;
    *used = (size_t)(at - start);
    return complete;
}

// Nothing more belongs to what was begun.
static bool close_down(struct p1_reader *r, uint64_t *counter)
{
    if (r->complete)
        start_over(r);
    if (r->state == ENDING)
        return judge(r, false);
    if (r->state == INSIDE && whole_without_end(r, r->fill))
        return end_without_mark(r);
    if (r->state == INSIDE) {
        ++*counter;
        r->counts.skipped += r->fill;
    }
    start_over(r);
    return false;
}

bool p1_reader_idle(struct p1_reader *r, int64_t now_ns)
{
    r->now = now_ns;
    if (!p1_reader_busy(r))
        return false;
    if (now_ns - r->heard >= P1_SILENCE_NS)
        return close_down(r, &r->counts.silent);
    if (now_ns - r->begun >= P1_FRAME_NS) {
        r->state = INSIDE; // an end mark that takes this long is none
        give_up_first(r, &r->counts.slow);
    }
    return false;
}

bool p1_reader_end(struct p1_reader *r)
{
    return close_down(r, &r->counts.cut);
}

bool p1_reader_busy(const struct p1_reader *r)
{
    return r->state != SEEKING && !r->complete;
}

const char *p1_reader_telegram(const struct p1_reader *r, size_t *len)
{
    assert(r->complete);
    *len = r->telegram_len;
    return r->telegram;
}

const struct p1_frame *p1_reader_frame(const struct p1_reader *r)
{
    assert(r->complete);
    return &r->frame;
}

const struct p1_counts *p1_reader_counts(const struct p1_reader *r)
{
    return &r->counts;
}
