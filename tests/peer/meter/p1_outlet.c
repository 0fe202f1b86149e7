// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/p1_outlet.h"
#include "base/memory.h"
#include "tests/peer/door.h"
#include "tests/peer/pty.h"
#include "wire/p1_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// So that a reader who stops finds only a few old telegrams when it goes on.
enum { SEND_BUFFER = 8192 };

struct reader {
    struct p1_outlet *outlet;
    struct reader *next;
    int fd;
    struct loop_watch *watch; // NULL for the device
    char rest[P1_WRITE_MAX];  // of the telegram under way
    size_t rest_len;
    bool is_awaited; // room for the rest
};

struct p1_outlet {
    struct loop *loop;
    struct door *door;
    struct reader *readers;
    bool has_pty, pty_was_used;
    struct pty pty;
    struct reader device;
};

static void end(struct reader *reader)
{
    struct reader **at = &reader->outlet->readers;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    loop_unwatch(reader->watch);
    close(reader->fd);
    free(reader);
}

// Write what fits and keep the rest. False when the other side is gone.
static bool put(struct reader *reader, const char *text, size_t len)
{
    ssize_t written = write(reader->fd, text, len);
    if (written < 0 && errno != EAGAIN)
        return false;
    size_t done = written < 0 ? 0 : (size_t)written;
    reader->rest_len = len - done;
    memmove(reader->rest, text + done, reader->rest_len);
    if (reader->watch && reader->is_awaited != (reader->rest_len > 0)) {
        reader->is_awaited = reader->rest_len > 0;
        loop_watch_events(reader->watch, reader->is_awaited ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    return true;
}

static void on_reader(void *arg, uint32_t events)
{
    struct reader *reader = arg;
    char unwanted[256];
    if (events & ~(uint32_t)EPOLLOUT) {
        ssize_t got = recv(reader->fd, unwanted, sizeof unwanted, 0);
        if (!got || (got < 0 && errno != EAGAIN)) {
            end(reader);
            return;
        }
    }
    if (reader->rest_len && !put(reader, reader->rest, reader->rest_len))
        end(reader);
}

static void on_knock(void *arg, int fd)
{
    struct p1_outlet *outlet = arg;
    int size = SEND_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    struct reader *reader = memory_new(1, sizeof *reader);
    reader->outlet = outlet;
    reader->fd = fd;
    reader->next = outlet->readers;
    outlet->readers = reader;
    reader->watch = loop_watch(outlet->loop, fd, EPOLLIN, on_reader, reader);
}

struct p1_outlet *p1_outlet_new(struct loop *loop, const char *address, int port,
                                const char *folder, const char *name)
{
    struct p1_outlet *outlet = memory_new(1, sizeof *outlet);
    outlet->loop = loop;
    if (port)
        outlet->door = door_new(loop, address, port, on_knock, outlet);
    outlet->has_pty = *folder;
    if (outlet->has_pty) {
        outlet->pty = pty_open(folder, name, false);
        outlet->device.fd = outlet->pty.fd;
    }
    return outlet;
}

void p1_outlet_free(struct p1_outlet *outlet)
{
    if (!outlet)
        return;
    door_free(outlet->door);
    while (outlet->readers)
        end(outlet->readers);
    if (outlet->has_pty)
        pty_close(&outlet->pty);
    free(outlet);
}

bool p1_outlet_is_used(const struct p1_outlet *outlet)
{
    return outlet->readers || outlet->pty_was_used
           || (outlet->has_pty && pty_is_used(&outlet->pty));
}

// A line has no memory: who opens the device hears only what is sent from then on.
static void send_to_device(struct p1_outlet *outlet, const char *telegram, size_t len)
{
    bool used = pty_is_used(&outlet->pty);
    if (used != outlet->pty_was_used) {
        outlet->pty_was_used = used;
        outlet->device.rest_len = 0;
        pty_flush(&outlet->pty);
    }
    if (!used)
        return;
    struct reader *device = &outlet->device;
    if (device->rest_len && !put(device, device->rest, device->rest_len))
        device->rest_len = 0;
    if (!device->rest_len && !put(device, telegram, len))
        device->rest_len = 0;
}

void p1_outlet_send(struct p1_outlet *outlet, const char *telegram, size_t len)
{
    for (struct reader *reader = outlet->readers, *next; reader; reader = next) {
        next = reader->next;
        if (!reader->rest_len && !put(reader, telegram, len))
            end(reader);
    }
    if (outlet->has_pty)
        send_to_device(outlet, telegram, len);
}
