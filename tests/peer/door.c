// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/door.h"
#include "base/log.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct door {
    int fd;
    struct loop_watch *watch;
    void (*fn)(void *arg, int fd);
    void *arg;
};

static void on_knock(void *arg, uint32_t events)
{
    struct door *door = arg;
    (void)events;
    int one = 1, fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return; // gone again, or out of descriptors: then the next one waits
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    door->fn(door->arg, fd);
}

// Listen; any: on all addresses of the loopback interface.
static int listen_at(struct in_addr address, int port, bool any, int backlog)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)
        || (any && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3))
        || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, backlog))
        log_fatal("port.failed", F("port", port), F("why", strerror(errno)));
    return fd;
}

static struct door *new_door(struct loop *loop, int listener, void (*fn)(void *arg, int fd),
                             void *arg)
{
    struct door *door = memory_new(1, sizeof *door);
    *door = (struct door){.fd = listener, .fn = fn, .arg = arg};
    door->watch = loop_watch(loop, door->fd, EPOLLIN, on_knock, door);
    return door;
}

struct door *door_new(struct loop *loop, const char *address, int port,
                      void (*fn)(void *arg, int fd), void *arg)
{
    struct in_addr at;
    if (inet_pton(AF_INET, address, &at) != 1)
        log_fatal("port.failed", F("address", address), F("why", "not an IPv4 address"));
    return new_door(loop, listen_at(at, port, false, 16), fn, arg);
}

struct door *door_new_everywhere(struct loop *loop, int port, void (*fn)(void *arg, int fd),
                                 void *arg)
{
    return new_door(loop, listen_at((struct in_addr){INADDR_ANY}, port, true, 4096), fn, arg);
}

// A queue that is full and never read: the kernel drops whoever else comes.
void door_brick_up(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    listen_at((struct in_addr){INADDR_ANY}, port, true, 0);
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || (connect(fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS))
            log_fatal("port.failed", F("port", port), F("why", strerror(errno)));
    }
}

void door_free(struct door *door)
{
    if (!door)
        return;
    loop_unwatch(door->watch);
    close(door->fd);
    free(door);
}
