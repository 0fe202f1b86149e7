// SPDX-License-Identifier: Apache-2.0

#include "gateway/journal.h"
#include "base/digest.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHECK = 16,          // digits of the digest
    HEAD = CHECK + 1,    // and a blank
    READ_MOST = 4 << 20, // more than any that was written here
    SLACK = 64 << 10,    // what may stand there in vain
};

struct journal {
    char *path;
    int fd; // to append to; -1: what stands there cannot be relied on
    size_t size;
};

static void check_of(const char *rest, size_t len, char check[static DIGEST_TEXT_LEN + 1])
{
    struct digest digest = digest_of(rest, len);
    digest_format(&digest, check);
}

// ---- reading

// line holds len octets and room for a terminator. False: damaged.
static bool take_line(char *line, size_t len, journal_each *each, void *arg)
{
    char check[DIGEST_TEXT_LEN + 1];
    if (len <= HEAD)
        return false;
    check_of(line + HEAD, len - HEAD, check);
    line[len] = '\0';
    char *tab = strchr(line + HEAD, '\t');
    if (memcmp(line, check, CHECK) != 0 || line[CHECK] != ' ' || !tab || strlen(line) != len)
        return false;
    *tab = '\0';
    const struct journal_record record = {line + HEAD, tab + 1};
    each(arg, &record);
    return true;
}

int journal_decode(const char *content, size_t len, journal_each *each, void *arg)
{
    char line[JOURNAL_LINE];
    int damaged = 0;
    for (const char *end = content + len; content < end;) {
        const char *feed = memchr(content, '\n', (size_t)(end - content));
        size_t line_len = (size_t)((feed ? feed : end) - content);
        bool is_sound = feed && line_len < sizeof line;
        if (is_sound) {
            memcpy(line, content, line_len);
            is_sound = take_line(line, line_len, each, arg);
        }
        damaged += !is_sound;
        content += line_len + 1;
    }
    return damaged;
}

static enum err failed(char why[static JOURNAL_REASON], const char *what, const char *path)
{
    snprintf(why, JOURNAL_REASON, "%s %.60s: %.40s", what, path, strerror(errno));
    return ERR_IO;
}

// The content of the file. Owned: free(). NULL: it cannot be read.
static char *read_all(int fd, size_t *len)
{
    char *content = memory_new(READ_MOST, 1);
    ssize_t got = read(fd, content, READ_MOST);
    if (got < 0) {
        free(content);
        return NULL;
    }
    *len = (size_t)got;
    return content;
}

enum err journal_read(struct journal *journal, journal_each *each, void *arg, int *damaged,
                      char why[static JOURNAL_REASON])
{
    int fd = open(journal->path, O_RDWR | O_APPEND | O_CLOEXEC);
    *damaged = 0;
    if (fd < 0)
        return errno == ENOENT ? ERR_NONE : failed(why, "open", journal->path);
    size_t len = 0;
    char *content = read_all(fd, &len);
    if (!content) {
        enum err err = failed(why, "read", journal->path);
        close(fd);
        return err;
    }
    *damaged = journal_decode(content, len, each, arg);
    free(content);
    journal->size = len;
    if (*damaged)
        close(fd);
    else
        journal->fd = fd;
    return ERR_NONE;
}

// ---- writing

static size_t line_room(const struct journal_record *record)
{
    return HEAD + strlen(record->topic) + 1 + strlen(record->text) + 1;
}

static size_t room_of(const struct journal_record *records, int count)
{
    size_t room = 0;
    for (int i = 0; i < count; i++)
        room += line_room(&records[i]);
    return room;
}

// The lines of some records, room octets of them. Owned: free().
static char *encode(const struct journal_record *records, int count, size_t room)
{
    char *lines = memory_new(room + 1, 1), *at = lines;
    for (int i = 0; i < count; i++) {
        size_t len = line_room(&records[i]);
        char check[DIGEST_TEXT_LEN + 1];
        assert(len < JOURNAL_LINE);
        snprintf(at + HEAD, len - HEAD, "%s\t%s", records[i].topic, records[i].text);
        check_of(at + HEAD, len - HEAD - 1, check);
        memcpy(at, check, CHECK);
        at[CHECK] = ' ';
        at[len - 1] = '\n';
        at += len;
    }
    return lines;
}

static void leave(struct journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = -1;
}

static enum err append(struct journal *journal, const char *lines, size_t len,
                       char why[static JOURNAL_REASON])
{
    ssize_t put = write(journal->fd, lines, len);
    errno = put < 0 ? errno : ENOSPC; // where a part was written
    if (put != (ssize_t)len || fdatasync(journal->fd)) {
        enum err err = failed(why, "append to", journal->path);
        leave(journal);
        return err;
    }
    journal->size += len;
    return ERR_NONE;
}

static enum err replace(struct journal *journal, const char *lines, size_t len,
                        char why[static JOURNAL_REASON])
{
    leave(journal);
    enum err err = durable_file_write(journal->path, lines, len, why);
    if (err)
        return err;
    journal->size = len;
    journal->fd = open(journal->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return ERR_NONE;
}

enum err journal_write(struct journal *journal, const struct journal_record *records, int count,
                       int kept, char why[static JOURNAL_REASON])
{
    size_t needed = room_of(records, count);
    size_t more = room_of(records + kept, count - kept);
    bool anew = journal->fd < 0 || journal->size + more > 2 * needed + SLACK;
    char *lines =
        anew ? encode(records, count, needed) : encode(records + kept, count - kept, more);
    enum err err = anew ? replace(journal, lines, needed, why) : append(journal, lines, more, why);
    free(lines);
    return err;
}

void journal_clear(struct journal *journal)
{
    if (truncate(journal->path, 0))
        leave(journal); // and write it anew
    journal->size = 0;
}

struct journal *journal_new(const char *path)
{
    struct journal *journal = memory_new(1, sizeof *journal);
    *journal = (struct journal){.path = memory_text(path), .fd = -1};
    return journal;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    leave(journal);
    free(journal->path);
    free(journal);
}
