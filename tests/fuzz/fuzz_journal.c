// SPDX-License-Identifier: Apache-2.0
// Whatever stands in the file of receipts: each line is a record or counted as damaged, and a
// record says what its line says. Once as it is; once with digests put right, or nothing would
// ever get past them.

#include "base/digest.h"
#include "gateway/journal.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 17 }; // digits and a blank

struct look {
    const char *at, *end; // where the next record can stand
    int count;
};

static void look(void *arg, const struct journal_record *record)
{
    struct look *look = arg;
    size_t topic_len = strlen(record->topic), text_len = strlen(record->text);
    assert(!memchr(record->topic, '\t', topic_len) && topic_len + text_len < JOURNAL_LINE);
    look->count++;
    while (look->at < look->end) {
        const char *line = look->at;
        const char *feed = memchr(line, '\n', (size_t)(look->end - line));
        assert(feed); // or it is none
        look->at = feed + 1;
        if ((size_t)(feed - line) == HEAD + topic_len + 1 + text_len
            && !memcmp(line + HEAD, record->topic, topic_len)
            && !memcmp(feed - text_len, record->text, text_len))
            return;
    }
    assert(0); // it says what stands nowhere
}

static int lines_of(const char *content, size_t size)
{
    int lines = size > 0 && content[size - 1] != '\n';
    for (size_t i = 0; i < size; i++)
        lines += content[i] == '\n';
    return lines;
}

static void check(const char *content, size_t size)
{
    struct look looked = {content, content + size, 0};
    int damaged = journal_decode(content, size, look, &looked);
    assert(looked.count + damaged == lines_of(content, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *content = malloc(size + 1); // as long as it is, but one
    memcpy(content, data, size);
    check(content, size);

    size_t lines = (size_t)lines_of(content, size), len = 0;
    char *right = malloc(size + HEAD * lines + DIGEST_TEXT_LEN + 1);
    for (size_t at = 0; at < size;) {
        const char *feed = memchr(content + at, '\n', size - at);
        size_t line_len = feed ? (size_t)(feed - (content + at)) : size - at;
        struct digest digest = digest_of(content + at, line_len);
        digest_format(&digest, right + len);
        right[len + HEAD - 1] = ' ';
        len += HEAD;
        memcpy(right + len, content + at, line_len + (feed != NULL));
        len += line_len + (feed != NULL);
        at += line_len + 1;
    }
    check(right, len);
    free(right);
    free(content);
    return 0;
}
