// SPDX-License-Identifier: Apache-2.0

#include "io/http_door.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

// FULL_MS: how long to wait where no descriptor is left for one more.
enum { BACKLOG = 1024, FULL_MS = 100 };

struct http_door {
    int fd, stop; // listening; an eventfd
    struct MHD_Daemon *daemon;
    _Atomic int *inside;
    int most;
    pthread_t thread;
    bool is_open;
};

static int listen_at(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1;
    if (fd < 0)
        return -1;
    if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) && !bind(fd, address, len)
        && !listen(fd, BACKLOG))
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

struct http_door *http_door_new(const struct sockaddr *address, socklen_t len)
{
    int fd = listen_at(address, len);
    if (fd < 0)
        return NULL;
    struct http_door *door = memory_new(1, sizeof *door);
    door->fd = fd;
    door->stop = eventfd(0, EFD_CLOEXEC);
    if (door->stop < 0)
        log_fatal("http.failed", F("what", "eventfd"));
    return door;
}

// The library takes the next thread in turn, by the number of the descriptor; and the descriptor.
static void hand_on(struct http_door *door, int fd, const struct sockaddr *address, socklen_t len)
{
    if (*door->inside >= door->most) {
        close(fd);
        log_debug("http.full");
        return;
    }
    ++*door->inside;
    if (MHD_add_connection(door->daemon, fd, address, len) != MHD_YES)
        --*door->inside;
}

static void let_in(struct http_door *door)
{
    for (;;) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int fd = accept4(door->fd, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            hand_on(door, fd, (struct sockaddr *)&address, len);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            poll(NULL, 0, FULL_MS);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void *run(void *arg)
{
    struct http_door *door = arg;
    struct pollfd ready[] = {{.fd = door->fd, .events = POLLIN},
                             {.fd = door->stop, .events = POLLIN}};
    while (!ready[1].revents)
        if (poll(ready, 2, -1) > 0 && ready[0].revents)
            let_in(door);
    return NULL;
}

void http_door_open(struct http_door *door, struct MHD_Daemon *daemon, _Atomic int *inside,
                    int most)
{
    door->daemon = daemon;
    door->inside = inside;
    door->most = most;
    if (pthread_create(&door->thread, NULL, run, door))
        log_fatal("http.failed", F("what", "thread"));
    door->is_open = true;
}

int http_door_port(const struct http_door *door)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t len = sizeof address;
    if (getsockname(door->fd, &address.any, &len))
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void http_door_free(struct http_door *door)
{
    if (!door)
        return;
    if (door->is_open) {
        uint64_t one = 1;
        ssize_t ignored = write(door->stop, &one, sizeof one);
        (void)ignored;
        pthread_join(door->thread, NULL);
    }
    close(door->stop);
    close(door->fd);
    free(door);
}
