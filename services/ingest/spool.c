// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/spool.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// A record: checksum (4) of all that follows, length of topic (2) and payload (4), arrival in
// ns since 1970 (8), retained (1), topic with its terminator, payload.
enum {
    HEAD = 19,
    MOST_MESSAGE = 1 << 20,
    SEGMENT = 8 << 20,     // begin a new one beyond this
    READ_AT_ONCE = 4 << 20 // more than the longest record
};

struct segment {
    uint64_t number;
    int64_t size;
};

struct spool {
    struct spool_settings settings;
    int folder, lock_fd;

    pthread_mutex_t lock; // of all below but the reader's own
    pthread_cond_t room;
    struct segment *segments; // oldest first; the last is appended to, and has `fd`
    size_t count, space;
    int fd;
    int64_t size; // of all
    bool hurry, full_told;

    // the reader's own: within the oldest segment
    int read_fd; // -1: to be opened
    int64_t dropped, given;
    uint8_t *buffer;
};

static void name_of(uint64_t number, char name[static 32])
{
    snprintf(name, 32, "%020" PRIu64 ".spool", number);
}

// FNV-1a, enough to tell a whole record from a torn one.
static uint32_t checksum(uint32_t hash, const void *octets, size_t len)
{
    const uint8_t *at = octets;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 16777619U;
    return hash;
}

enum { CHECKSUM_START = 0x611c9dc5 };

static void add_segment(struct spool *spool, struct segment segment)
{
    if (spool->count == spool->space) {
        spool->space = spool->space ? 2 * spool->space : 16;
        spool->segments = memory_grow(spool->segments, spool->space, sizeof *spool->segments);
    }
    spool->segments[spool->count++] = segment;
    spool->size += segment.size;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = ((const struct segment *)a)->number;
    uint64_t right = ((const struct segment *)b)->number;
    return left < right ? -1 : left > right;
}

static bool find_segments(struct spool *spool)
{
    DIR *folder = fdopendir(dup(spool->folder));
    if (!folder)
        return false;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *end;
        uint64_t number = strtoull(entry->d_name, &end, 10);
        struct stat status;
        if (end != entry->d_name && !strcmp(end, ".spool")
            && !fstatat(spool->folder, entry->d_name, &status, 0))
            add_segment(spool, (struct segment){number, status.st_size});
    }
    closedir(folder);
    if (spool->count)
        qsort(spool->segments, spool->count, sizeof *spool->segments, by_number);
    return true;
}

static void sync_now(struct spool *spool)
{
    if (fdatasync(spool->fd) || fsync(spool->folder))
        log_error("spool.not_synced", F("why", strerror(errno)));
}

// Begin a new segment to append to: never behind what an earlier run may have torn.
static bool begin_segment(struct spool *spool)
{
    uint64_t number = spool->count ? spool->segments[spool->count - 1].number + 1 : 1;
    char name[32];
    name_of(number, name);
    int fd = openat(spool->folder, name, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0 || (spool->settings.sync && fsync(spool->folder))) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (spool->fd >= 0) {
        sync_now(spool); // spool_sync() no longer reaches it
        close(spool->fd);
    }
    spool->fd = fd;
    add_segment(spool, (struct segment){number, 0});
    return true;
}

static bool make_folders(const char *path)
{
    char *part = memory_text(path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(part, 0750); // what matters is whether the last can be opened
    }
    mkdir(part, 0750);
    free(part);
    return true;
}

static bool open_all(struct spool *spool)
{
    make_folders(spool->settings.folder);
    spool->folder = open(spool->settings.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder < 0)
        return false;
    spool->lock_fd = openat(spool->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (spool->lock_fd < 0 || flock(spool->lock_fd, LOCK_EX | LOCK_NB))
        return false;
    return find_segments(spool) && begin_segment(spool);
}

struct spool *spool_new(const struct spool_settings *settings)
{
    struct spool *spool = memory_new(1, sizeof *spool);
    spool->settings = *settings;
    spool->folder = spool->lock_fd = spool->fd = spool->read_fd = -1;
    pthread_mutex_init(&spool->lock, NULL);
    pthread_cond_init(&spool->room, NULL);
    spool->buffer = memory_new(READ_AT_ONCE, 1);
    if (open_all(spool)) {
        if (spool->size)
            log_info("spool.left", F("octets", spool->size), F("folder", settings->folder));
        return spool;
    }
    log_error("spool.unusable", F("folder", settings->folder),
              F("why", errno == EWOULDBLOCK ? "another process uses it" : strerror(errno)));
    spool_free(spool);
    return NULL;
}

void spool_free(struct spool *spool)
{
    if (!spool)
        return;
    int fds[] = {spool->folder, spool->lock_fd, spool->fd, spool->read_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_mutex_destroy(&spool->lock);
    pthread_cond_destroy(&spool->room);
    free(spool->segments);
    free(spool->buffer);
    free(spool);
}

static void wait_a_second(struct spool *spool)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    pthread_cond_timedwait(&spool->room, &spool->lock, &until);
}

static void wait_for_room(struct spool *spool, int64_t len)
{
    while (!spool->hurry && spool->size && spool->size + len > spool->settings.most) {
        if (!spool->full_told)
            log_warn("spool.full", F("octets", spool->size), F("folder", spool->settings.folder));
        spool->full_told = true;
        wait_a_second(spool);
    }
}

// Write a record as a whole or not at all.
static bool write_record(struct spool *spool, const struct iovec parts[3], int64_t len)
{
    struct segment *last = &spool->segments[spool->count - 1];
    if (last->size >= SEGMENT) {
        if (!begin_segment(spool))
            return false;
        last = &spool->segments[spool->count - 1];
    }
    ssize_t put = writev(spool->fd, parts, 3);
    if (put == len && (!spool->settings.sync || !fdatasync(spool->fd))) {
        last->size += len;
        spool->size += len;
        return true;
    }
    int why = put >= 0 && put < len ? ENOSPC : errno;
    if (put > 0 && ftruncate(spool->fd, last->size))
        log_error("spool.not_undone", F("why", strerror(errno)));
    errno = why;
    return false;
}

enum err spool_append(struct spool *spool, const struct spool_message *message)
{
    size_t topic_len = strlen(message->topic) + 1;
    if (topic_len > UINT16_MAX || message->len > MOST_MESSAGE)
        return ERR_SIZE;
    uint8_t head[HEAD];
    struct cursor cursor = cursor_writer(head + 4, HEAD - 4);
    cursor_put_u16(&cursor, (uint16_t)topic_len);
    cursor_put_u32(&cursor, (uint32_t)message->len);
    cursor_put_u32(&cursor, (uint32_t)((uint64_t)message->arrived.ns >> 32));
    cursor_put_u32(&cursor, (uint32_t)message->arrived.ns);
    cursor_put_u8(&cursor, message->retained);
    uint32_t sum = checksum(CHECKSUM_START, head + 4, HEAD - 4);
    sum = checksum(sum, message->topic, topic_len);
    sum = checksum(sum, message->payload, message->len);
    cursor = cursor_writer(head, 4);
    cursor_put_u32(&cursor, sum);
    // struct iovec has no place for const; writev() only reads.
    struct iovec parts[3] = {{head, HEAD},
                             {(void *)(uintptr_t)message->topic, topic_len},
                             {(void *)(uintptr_t)message->payload, message->len}};
    int64_t len = (int64_t)(HEAD + topic_len + message->len);

    pthread_mutex_lock(&spool->lock);
    wait_for_room(spool, len);
    for (bool told = false; !write_record(spool, parts, len); told = true) {
        if (spool->hurry)
            log_fatal("spool.failed", F("why", strerror(errno)));
        if (!told)
            log_error("spool.failed", F("why", strerror(errno)),
                      F("folder", spool->settings.folder));
        wait_a_second(spool);
    }
    pthread_mutex_unlock(&spool->lock);
    return ERR_NONE;
}

void spool_hurry(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    spool->hurry = true;
    pthread_cond_broadcast(&spool->room);
    pthread_mutex_unlock(&spool->lock);
}

// Take one whole record off the cursor.
static enum err take_record(struct cursor *cursor, struct spool_message *message)
{
    struct cursor at = *cursor;
    uint32_t sum = cursor_get_u32(&at);
    const uint8_t *summed = at.at;
    size_t topic_len = cursor_get_u16(&at);
    size_t len = cursor_get_u32(&at);
    uint64_t arrived = (uint64_t)cursor_get_u32(&at) << 32;
    arrived |= cursor_get_u32(&at);
    bool retained = cursor_get_u8(&at);
    const uint8_t *topic = cursor_get(&at, topic_len);
    const uint8_t *payload = cursor_get(&at, len);
    if (at.err)
        return ERR_MORE;
    if (!topic_len || topic[topic_len - 1]
        || checksum(CHECKSUM_START, summed, (size_t)(at.at - summed)) != sum)
        return ERR_CHECKSUM;
    *message = (struct spool_message){.topic = (const char *)topic,
                                      .payload = payload,
                                      .len = len,
                                      .arrived = {(int64_t)arrived},
                                      .retained = retained};
    *cursor = at;
    return ERR_NONE;
}

// Read records of the oldest segment, from where the last were dropped up to `size`.
static size_t read_segment(struct spool *spool, int64_t size, struct spool_message *messages,
                           size_t most)
{
    size_t want = (size_t)(size - spool->dropped);
    if (want > READ_AT_ONCE)
        want = READ_AT_ONCE;
    ssize_t got = pread(spool->read_fd, spool->buffer, want, spool->dropped);
    if (got < 0)
        log_fatal("spool.unreadable", F("why", strerror(errno)));
    struct cursor cursor = cursor_reader(spool->buffer, (size_t)got);
    size_t count = 0;
    enum err err = ERR_NONE;
    while (count < most && cursor_left(&cursor) && !err) {
        err = take_record(&cursor, &messages[count]);
        count += !err;
    }
    spool->given = spool->dropped + (got - (ssize_t)cursor_left(&cursor));
    return count;
}

// Remove the oldest segment, of which nothing more can be read.
static void remove_oldest(struct spool *spool)
{
    struct segment *oldest = &spool->segments[0];
    if (spool->given < oldest->size)
        log_warn("spool.torn", F("octets", oldest->size - spool->given));
    char name[32];
    name_of(oldest->number, name);
    if (unlinkat(spool->folder, name, 0))
        log_error("spool.not_removed", F("name", name), F("why", strerror(errno)));
    close(spool->read_fd);
    spool->read_fd = -1;
    spool->dropped = spool->given = 0;
    pthread_mutex_lock(&spool->lock);
    spool->size -= oldest->size;
    memmove(spool->segments, spool->segments + 1, --spool->count * sizeof *spool->segments);
    pthread_cond_broadcast(&spool->room);
    pthread_mutex_unlock(&spool->lock);
}

// Append elsewhere from now on: what stands in the newest segment has become unreadable.
static bool leave_behind(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    bool begun = begin_segment(spool);
    pthread_mutex_unlock(&spool->lock);
    return begun;
}

size_t spool_read(struct spool *spool, struct spool_message *messages, size_t most)
{
    for (;;) {
        pthread_mutex_lock(&spool->lock);
        struct segment oldest = spool->segments[0];
        bool newest = spool->count == 1;
        pthread_mutex_unlock(&spool->lock);
        if (spool->read_fd < 0) {
            char name[32];
            name_of(oldest.number, name);
            spool->read_fd = openat(spool->folder, name, O_RDONLY | O_CLOEXEC);
            if (spool->read_fd < 0)
                log_fatal("spool.unreadable", F("name", name), F("why", strerror(errno)));
        }
        size_t count = read_segment(spool, oldest.size, messages, most);
        if (count || (newest && spool->given == oldest.size))
            return count;
        if (newest && !leave_behind(spool))
            return 0;
        remove_oldest(spool);
    }
}

void spool_drop(struct spool *spool)
{
    spool->dropped = spool->given;
    pthread_mutex_lock(&spool->lock);
    struct segment *oldest = &spool->segments[0];
    // What was all read of the segment that is appended to, is emptied in place.
    if (spool->count == 1 && oldest->size && spool->dropped == oldest->size
        && !ftruncate(spool->fd, 0)) {
        spool->size = oldest->size = spool->dropped = spool->given = 0;
        pthread_cond_broadcast(&spool->room);
    }
    if (spool->full_told && spool->size < spool->settings.most / 2) {
        log_info("spool.has_room", F("octets", spool->size));
        spool->full_told = false;
    }
    pthread_mutex_unlock(&spool->lock);
}

void spool_sync(struct spool *spool)
{
    // Under the lock, since an append may begin another segment; a sync takes milliseconds.
    pthread_mutex_lock(&spool->lock);
    sync_now(spool);
    pthread_mutex_unlock(&spool->lock);
}

int64_t spool_size(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    int64_t size = spool->size;
    pthread_mutex_unlock(&spool->lock);
    return size;
}
