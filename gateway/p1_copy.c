// SPDX-License-Identifier: Apache-2.0

#include "gateway/p1_copy.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/listener.h"
#include "gateway/p1_port.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 32768, READERS = P1_COPY_CLIENTS + 1, SERIAL = P1_COPY_CLIENTS };
static const int64_t REOPEN_NS = 5 * SECONDS_NS; // machine time

// Somebody who reads; the last of them is the serial port.
struct reader {
    struct p1_copy *copy;
    int fd; // -1: nobody
    struct loop_watch *watch;
    bool is_full;    // waits until it can take more
    bool is_behind;  // misses all until its buffer is empty
    bool is_known;   // to be slow: was told
    size_t from, to; // of the buffer, what is still to go
    char buffer[ROOM];
};

struct p1_copy {
    struct loop *loop;
    const struct p1_copy_settings *settings;
    int listener; // -1: none
    struct loop_watch *watch;
    struct loop_timer *open_timer;
    bool complained;
    uint64_t missed;
    struct reader readers[READERS];
};

static bool is_serial(const struct reader *reader)
{
    return reader == &reader->copy->readers[SERIAL];
}

static void hang_up(struct reader *reader)
{
    loop_unwatch(reader->watch);
    close(reader->fd);
    reader->fd = -1;
    reader->is_full = reader->is_behind = reader->is_known = false;
    reader->from = reader->to = 0;
    if (is_serial(reader))
        loop_timer_in(reader->copy->open_timer, clock_machine_ns(REOPEN_NS));
}

// As much as it takes of its buffer; false: it is gone.
static bool flush(struct reader *reader)
{
    while (reader->from < reader->to) {
        ssize_t done = write(reader->fd, reader->buffer + reader->from, reader->to - reader->from);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == EAGAIN;
        reader->from += (size_t)done;
    }
    reader->from = reader->to = 0;
    reader->is_behind = false;
    return true;
}

// Watch for room as long as something is still to go.
static void settle(struct reader *reader, bool is_there)
{
    bool is_full = reader->to > 0;
    if (!is_there)
        hang_up(reader);
    else if (is_full != reader->is_full)
        loop_watch_events(reader->watch, EPOLLIN | (is_full ? EPOLLOUT : 0));
    reader->is_full = is_there && is_full;
}

static void on_reader(void *arg, uint32_t events)
{
    struct reader *reader = arg;
    char heard[512]; // of no interest, but that it hung up
    bool is_there = !(events & (EPOLLERR | EPOLLHUP));
    if (is_there && (events & EPOLLIN)) {
        ssize_t len = read(reader->fd, heard, sizeof heard);
        is_there = len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR));
    }
    settle(reader, is_there && flush(reader));
}

static void take(struct reader *reader, const char *octets, size_t len)
{
    if (reader->from > 0) {
        memmove(reader->buffer, reader->buffer + reader->from, reader->to - reader->from);
        reader->to -= reader->from;
        reader->from = 0;
    }
    if (!reader->is_behind && len > ROOM - reader->to) {
        reader->is_behind = true;
        if (!reader->is_known)
            log_warn("p1_copy.behind", F("reader", is_serial(reader) ? "serial" : "tcp"),
                     F("waiting", (int64_t)reader->to));
        reader->is_known = true;
    }
    if (reader->is_behind) {
        reader->copy->missed += len;
        return;
    }
    memcpy(reader->buffer + reader->to, octets, len);
    reader->to += len;
    if (!reader->is_full)
        settle(reader, flush(reader));
}

void p1_copy_take(struct p1_copy *copy, const char *octets, size_t len)
{
    for (int i = 0; copy && i < READERS; i++)
        if (copy->readers[i].fd >= 0)
            take(&copy->readers[i], octets, len);
}

// ---- who reads

static void admit(struct reader *reader, int fd)
{
    reader->fd = fd;
    reader->watch = loop_watch(reader->copy->loop, fd, EPOLLIN, on_reader, reader);
}

static void on_knock(void *arg, uint32_t events)
{
    struct p1_copy *copy = arg;
    (void)events;
    int fd = listener_accept(copy->listener);
    for (int i = 0; fd >= 0 && i < P1_COPY_CLIENTS; i++)
        if (copy->readers[i].fd < 0) {
            admit(&copy->readers[i], fd);
            return;
        }
    if (fd >= 0)
        close(fd);
}

static void on_open(void *arg)
{
    struct p1_copy *copy = arg;
    int fd = p1_port_open_serial(copy->settings->device, copy->settings->line);
    if (fd < 0 && !copy->complained)
        log_warn("p1_copy.failed", F("device", copy->settings->device), F("why", strerror(errno)));
    else if (fd >= 0)
        log_info("p1_copy.opened", F("device", copy->settings->device));
    copy->complained = fd < 0;
    if (fd >= 0)
        admit(&copy->readers[SERIAL], fd);
    else
        loop_timer_in(copy->open_timer, clock_machine_ns(REOPEN_NS));
}

// ---- life

static bool start_listening(struct p1_copy *copy)
{
    const struct p1_copy_settings *settings = copy->settings;
    copy->listener = listener_open(settings->address, settings->port, P1_COPY_CLIENTS);
    if (copy->listener < 0) {
        log_error("p1_copy.failed", F("address", settings->address), F("port", settings->port),
                  F("why", strerror(errno)));
        return false;
    }
    copy->watch = loop_watch(copy->loop, copy->listener, EPOLLIN, on_knock, copy);
    log_info("p1_copy.listens", F("port", listener_port(copy->listener)));
    return true;
}

struct p1_copy *p1_copy_new(struct loop *loop, const struct p1_copy_settings *settings)
{
    struct p1_copy *copy = memory_new(1, sizeof *copy);
    copy->loop = loop;
    copy->settings = settings;
    copy->listener = -1;
    for (int i = 0; i < READERS; i++) {
        copy->readers[i].copy = copy;
        copy->readers[i].fd = -1;
    }
    copy->open_timer = loop_timer_new(loop, on_open, copy);
    if (*settings->device)
        loop_timer_in(copy->open_timer, 0);
    if (!*settings->address || start_listening(copy))
        return copy;
    p1_copy_free(copy);
    return NULL;
}

void p1_copy_free(struct p1_copy *copy)
{
    if (!copy)
        return;
    for (int i = 0; i < READERS; i++)
        if (copy->readers[i].fd >= 0)
            hang_up(&copy->readers[i]);
    loop_timer_free(copy->open_timer);
    if (copy->listener >= 0) {
        loop_unwatch(copy->watch);
        close(copy->listener);
    }
    free(copy);
}

uint64_t p1_copy_missed(const struct p1_copy *copy)
{
    return copy ? copy->missed : 0;
}
