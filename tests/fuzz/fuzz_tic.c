// SPDX-License-Identifier: Apache-2.0
// Whatever stands on the port: it is read the same in any chunks, texts are printable and fit, and
// what has a value came from groups.

#include "wire/tic.h"

#include <assert.h>
#include <string.h>

static size_t read_all(const uint8_t *data, size_t size, size_t chunk, struct tic *last)
{
    size_t frames = 0;
    struct tic_reader *reader = tic_reader_new();
    for (size_t at = 0, used; at < size; at += used) {
        size_t left = size - at < chunk ? size - at : chunk, len;
        if (!tic_reader_push(reader, data + at, left, &used))
            continue;
        const char *frame = tic_reader_frame(reader, &len);
        assert(len <= TIC_FRAME_MAX);
        tic_read(frame, len, last);
        frames++;
    }
    assert(tic_reader_counts(reader)->frames == frames);
    assert(tic_reader_counts(reader)->octets == size);
    tic_reader_free(reader);
    return frames;
}

static void check_text(const struct tic_text *text)
{
    assert(strlen(text->text) <= TIC_TEXT_MAX);
    for (const char *c = text->text; *c; c++)
        assert(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tic whole = {0}, slow = {0};
    assert(read_all(data, size, size, &whole) == read_all(data, size, 1, &slow));
    assert(whole.groups == slow.groups && whole.damaged == slow.damaged);
    assert(!strcmp(whole.message.text, slow.message.text));
    assert(whole.energy_drawn_wh.value == slow.energy_drawn_wh.value);
    assert(whole.damaged <= whole.groups);
    check_text(&whole.address);
    check_text(&whole.message);
    check_text(&whole.short_message);
    assert(whole.relays.value >= 0);
    return 0;
}
