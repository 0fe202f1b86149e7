// SPDX-License-Identifier: Apache-2.0
// Whatever stands in a telegram: what is read stays within its bounds, the message is what its
// digits say, and only what the rules of control name is trusted.

#include "wire/hex.h"
#include "wire/p1_telegram.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void check_text(const struct p1_text *text)
{
    assert(text->status >= P1_ABSENT && text->status <= P1_VALUE);
    if (text->status == P1_VALUE)
        assert(text->len > 0 && text->len <= P1_TEXT_MAX && text->text[text->len] == '\0');
}

static void check_message(const struct p1_message *message, const char *text, size_t len)
{
    if (message->status == P1_MESSAGE_ABSENT) {
        assert(message->lines == 0);
        return;
    }
    assert(message->lines > 0 && message->at <= len && message->digits <= len - message->at);
    if (message->status != P1_MESSAGE_PRESENT)
        return;
    assert(message->len <= P1_MESSAGE_MAX && message->digits == 2 * message->len);
    for (size_t i = 0; i < message->digits; i++) {
        int digit = hex_digit(text[message->at + i]);
        assert(digit >= 0 && digit == (message->octets[i / 2] >> (i % 2 ? 0 : 4) & 15));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct p1_telegram t;
    const struct p1_frame frame = {.crc = P1_CRC_OK, .crc_digits = 4, .ended = true};
    char *text = malloc(size ? size : 1); // as long as it is, so that reading on is noticed
    memcpy(text, data, size);
    p1_telegram_read(text, size, &frame, &t);

    check_text(&t.identification);
    check_text(&t.version);
    check_text(&t.equipment_id);
    check_text(&t.ean);
    check_text(&t.short_code);
    for (int i = 0; i < P1_CHANNELS; i++)
        check_text(&t.mbus[i].id);
    assert(t.failure_count >= 0 && t.failure_count <= P1_FAILURES);
    assert(t.bad + t.unknown <= t.lines);
    check_message(&t.message, text, size);

    if (p1_telegram_trust(&t) == P1_TRUSTED) {
        assert(t.message.lines == 1);
        assert(t.message.status == P1_MESSAGE_PRESENT || t.message.status == P1_MESSAGE_EMPTY);
        assert(!strcmp(t.version.text, "40") || !strcmp(t.version.text, "42")
               || !strcmp(t.version.text, "50")
               || (t.version.len == 5 && !strncmp(t.version.text, "502", 3)));
    }
    free(text);
    return 0;
}
