// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/door.h"
#include "base/log.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
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

struct door *door_new(struct loop *loop, const char *address, int port,
                      void (*fn)(void *arg, int fd), void *arg)
{
    struct door *door = memory_new(1, sizeof *door);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    door->fn = fn;
    door->arg = arg;
    door->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
        log_fatal("port.failed", F("address", address), F("why", "not an IPv4 address"));
    if (door->fd < 0 || setsockopt(door->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)
        || bind(door->fd, (struct sockaddr *)&at, sizeof at) || listen(door->fd, 16))
        log_fatal("port.failed", F("address", address), F("port", port), F("why", strerror(errno)));
    door->watch = loop_watch(loop, door->fd, EPOLLIN, on_knock, door);
    return door;
}

void door_free(struct door *door)
{
    if (!door)
        return;
    loop_unwatch(door->watch);
    close(door->fd);
    free(door);
}
