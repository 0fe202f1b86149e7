// SPDX-License-Identifier: Apache-2.0
// Whatever comes on the line: frames lie in order and apart in the stream, what is called
// good has the right sum, nothing is lost count of, and it makes no difference how the
// octets are cut into pieces. The first octet picks the pieces.

#include "wire/p1_reader.h"

#include <assert.h>
#include <string.h>

enum { FOUND_MAX = 4096 };

struct found {
    int count;
    struct p1_frame frames[FOUND_MAX];
};

static unsigned sum(const char *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    return crc;
}

static unsigned printed_sum(const char *digits, int count)
{
    unsigned value = 0;
    for (int i = 0; i < count; i++) {
        unsigned c = (unsigned char)digits[i];
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static void check(const struct p1_reader *reader, const char *stream, size_t size,
                  struct found *found)
{
    const struct p1_frame *frame = p1_reader_frame(reader);
    size_t len;
    const char *text = p1_reader_telegram(reader, &len);
    assert(len > 0 && text[0] == '/' && len <= P1_TELEGRAM_MAX + 8);
    assert(frame->offset + frame->octets <= size && len <= frame->octets);
    assert(!memcmp(stream + frame->offset, text, len));
    if (frame->ended)
        assert(text[len - 1] == '!' && (len == 1 || text[len - 2] == '\n'));
    else
        assert(frame->crc == P1_CRC_ABSENT);
    if (frame->crc == P1_CRC_OK) {
        assert(frame->crc_digits >= 1 && frame->crc_digits <= 4);
        assert(sum(text, len) == printed_sum(stream + frame->offset + len, frame->crc_digits));
    }
    if (found->count > 0) {
        const struct p1_frame *before = &found->frames[found->count - 1];
        assert(frame->offset >= before->offset + before->octets);
    }
    if (found->count < FOUND_MAX - 1)
        found->frames[found->count++] = *frame;
}

static void read_all(const char *stream, size_t size, size_t piece, struct found *found)
{
    struct p1_reader *reader = p1_reader_new();
    found->count = 0;
    size_t in_frames = 0;
    for (size_t at = 0, used; at < size; at += used) {
        size_t len = size - at < piece ? size - at : piece;
        if (p1_reader_push(reader, stream + at, len, &used)) {
            check(reader, stream, size, found);
            in_frames += p1_reader_frame(reader)->octets;
        } else {
            assert(used == len);
        }
    }
    if (p1_reader_end(reader)) {
        check(reader, stream, size, found);
        in_frames += p1_reader_frame(reader)->octets;
    }
    const struct p1_counts *counts = p1_reader_counts(reader);
    assert(counts->octets == size && counts->skipped + in_frames == size);
    p1_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct found whole, pieces;
    if (size < 1)
        return 0;
    const char *stream = (const char *)data + 1;
    read_all(stream, size - 1, size, &whole);
    read_all(stream, size - 1, 1 + data[0] % 64, &pieces);
    assert(whole.count == pieces.count);
    for (int i = 0; i < whole.count; i++) {
        const struct p1_frame *a = &whole.frames[i], *b = &pieces.frames[i];
        assert(a->offset == b->offset && a->octets == b->octets && a->crc == b->crc
               && a->crc_digits == b->crc_digits && a->ended == b->ended);
    }
    return 0;
}
