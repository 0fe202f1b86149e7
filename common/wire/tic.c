// SPDX-License-Identifier: Apache-2.0

#include "wire/tic.h"
#include "base/memory.h"
#include "wire/dsmr_time.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { STX = 2, ETX = 3, LF = '\n', HT = '\t', CR = '\r', SEVEN_BITS = 0x7f };
enum { LABEL_MAX = 8, DIGITS_MAX = 18 };

// A part of a group.
struct part {
    const char *text;
    size_t len;
};

char tic_checksum(const char *group, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)group[i] & SEVEN_BITS;
    return (char)((sum & 0x3f) + 0x20);
}

// ---- values

static void read_text(struct part data, struct part time, void *field)
{
    struct tic_text *text = field;
    (void)time;
    while (data.len > 0 && *data.text == ' ')
        data.text++, data.len--;
    while (data.len > 0 && data.text[data.len - 1] == ' ')
        data.len--;
    if (data.len > TIC_TEXT_MAX)
        return;
    for (size_t i = 0; i < data.len; i++)
        if (data.text[i] < ' ' || data.text[i] > '~')
            return;
    memcpy(text->text, data.text, data.len);
    text->text[data.len] = '\0';
    text->status = TIC_VALUE;
}

static void read_number(struct part data, struct part time, void *field)
{
    struct tic_number *number = field;
    int64_t value = 0;
    (void)time;
    if (data.len < 1 || data.len > DIGITS_MAX)
        return;
    for (size_t i = 0; i < data.len; i++) {
        if (data.text[i] < '0' || data.text[i] > '9')
            return;
        value = 10 * value + (data.text[i] - '0');
    }
    *number = (struct tic_number){TIC_VALUE, value};
}

// SAAMMJJhhmmss: H winter, E summer, as the S and W of DSMR and in the same time zone; in lower
// case the clock is degraded.
static void read_time(struct part data, struct part time, void *field)
{
    struct tic_time *into = field;
    char text[DSMR_TIME_LEN];
    (void)data;
    if (time.len != DSMR_TIME_LEN || (*time.text != 'H' && *time.text != 'E'))
        return;
    memcpy(text, time.text + 1, DSMR_TIME_LEN - 1);
    text[DSMR_TIME_LEN - 1] = *time.text == 'E' ? 'S' : 'W';
    if (!dsmr_time_parse(text, &into->utc))
        into->status = TIC_VALUE;
}

static const struct row {
    char label[LABEL_MAX + 1];
    void (*read)(struct part data, struct part time, void *field);
    size_t field; // offset in struct tic; each begins with its status
} rows[] = {
    {"ADSC", read_text, offsetof(struct tic, address)},
    {"VTIC", read_text, offsetof(struct tic, version)},
    {"DATE", read_time, offsetof(struct tic, time)},
    {"EAST", read_number, offsetof(struct tic, energy_drawn_wh)},
    {"EAIT", read_number, offsetof(struct tic, energy_injected_wh)},
    {"SINSTS", read_number, offsetof(struct tic, apparent_va)},
    {"SINSTS1", read_number, offsetof(struct tic, apparent_phase_va[0])},
    {"SINSTS2", read_number, offsetof(struct tic, apparent_phase_va[1])},
    {"SINSTS3", read_number, offsetof(struct tic, apparent_phase_va[2])},
    {"IRMS1", read_number, offsetof(struct tic, current_a[0])},
    {"IRMS2", read_number, offsetof(struct tic, current_a[1])},
    {"IRMS3", read_number, offsetof(struct tic, current_a[2])},
    {"URMS1", read_number, offsetof(struct tic, voltage_v[0])},
    {"URMS2", read_number, offsetof(struct tic, voltage_v[1])},
    {"URMS3", read_number, offsetof(struct tic, voltage_v[2])},
    {"PREF", read_number, offsetof(struct tic, reference_kva)},
    {"PCOUP", read_number, offsetof(struct tic, cut_kva)},
    {"RELAIS", read_number, offsetof(struct tic, relays)},
    {"MSG1", read_text, offsetof(struct tic, message)},
    {"MSG2", read_text, offsetof(struct tic, short_message)},
};

static void take_value(struct part label, struct part time, struct part data, struct tic *tic)
{
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        if (strlen(rows[r].label) != label.len || memcmp(rows[r].label, label.text, label.len) != 0)
            continue;
        void *field = (char *)tic + rows[r].field;
        enum tic_status *status = field;
        bool is_first = *status == TIC_ABSENT;
        *status = TIC_BAD;
        if (is_first)
            rows[r].read(data, time, field);
        return;
    }
}

// ---- groups

static struct part up_to_tab(struct part *rest)
{
    const char *tab = memchr(rest->text, HT, rest->len);
    struct part part = {rest->text, tab ? (size_t)(tab - rest->text) : rest->len};
    size_t taken = part.len + (tab ? 1 : 0);
    rest->text += taken;
    rest->len -= taken;
    return part;
}

// A group without its LF and CR. False: damaged.
static bool read_group(struct part group, struct tic *tic)
{
    if (group.len < 4 || group.text[group.len - 2] != HT
        || tic_checksum(group.text, group.len - 1) != group.text[group.len - 1])
        return false;
    struct part rest = {group.text, group.len - 2}, time = {"", 0};
    size_t tabs = 0;
    for (size_t i = 0; i < rest.len; i++)
        tabs += rest.text[i] == HT;
    if (tabs < 1 || tabs > 2)
        return false;
    struct part label = up_to_tab(&rest);
    if (tabs == 2)
        time = up_to_tab(&rest);
    if (label.len < 1 || label.len > LABEL_MAX)
        return false;
    take_value(label, time, rest, tic);
    return true;
}

void tic_read(const char *frame, size_t len, struct tic *tic)
{
    memset(tic, 0, sizeof *tic);
    const char *end = frame + len;
    for (const char *at = frame, *start; at < end; at++) {
        start = memchr(at, LF, (size_t)(end - at));
        if (!start)
            return;
        const char *stop = memchr(start, CR, (size_t)(end - start));
        at = stop ? stop : end;
        tic->groups++;
        tic->damaged +=
            !stop || !read_group((struct part){start + 1, (size_t)(at - start - 1)}, tic);
    }
}

// ---- frames

struct tic_reader {
    bool is_inside, is_complete;
    size_t fill;
    struct tic_counts counts;
    char frame[TIC_FRAME_MAX];
};

struct tic_reader *tic_reader_new(void)
{
    return memory_new(1, sizeof(struct tic_reader));
}

void tic_reader_free(struct tic_reader *reader)
{
    free(reader);
}

void tic_reader_end(struct tic_reader *reader)
{
    reader->is_inside = reader->is_complete = false;
}

// Take one octet inside a frame. True: it was the last.
static bool take_octet(struct tic_reader *reader, char octet)
{
    if (octet == STX) {
        reader->counts.cut++;
        reader->fill = 0;
    } else if (octet == ETX) {
        reader->is_inside = false;
        reader->counts.frames++;
        return true;
    } else if (reader->fill == TIC_FRAME_MAX) {
        reader->is_inside = false;
        reader->counts.overlong++;
    } else {
        reader->frame[reader->fill++] = octet;
    }
    return false;
}

bool tic_reader_push(struct tic_reader *reader, const void *data, size_t len, size_t *used)
{
    const char *octets = data;
    reader->is_complete = false;
    for (*used = 0; *used < len && !reader->is_complete;) {
        char octet = (char)(octets[(*used)++] & SEVEN_BITS);
        reader->counts.octets++;
        if (reader->is_inside) {
            reader->is_complete = take_octet(reader, octet);
        } else if (octet == STX) {
            reader->is_inside = true;
            reader->fill = 0;
        }
    }
    return reader->is_complete;
}

const char *tic_reader_frame(const struct tic_reader *reader, size_t *len)
{
    assert(reader->is_complete);
    *len = reader->fill;
    return reader->frame;
}

const struct tic_counts *tic_reader_counts(const struct tic_reader *reader)
{
    return &reader->counts;
}
