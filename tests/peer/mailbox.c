// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/mailbox.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct mailbox {
    int fd;
    char *path;
    struct loop_watch *watch;
    const char *(*fn)(void *arg, const char *text);
    void *arg;
};

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        log_fatal("mailbox.failed", F("path", path),
                  F("why", "longer than a socket's name may be"));
    memcpy(address.sun_path, path, strlen(path));
    return address;
}

static int datagram_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        log_fatal("mailbox.failed", F("why", strerror(errno)));
    return fd;
}

static void on_datagram(void *arg, uint32_t events)
{
    struct mailbox *mailbox = arg;
    (void)events;
    char text[MAILBOX_MAX + 1];
    struct sockaddr_un sender;
    socklen_t size = sizeof sender;
    ssize_t len;
    while ((len = recvfrom(mailbox->fd, text, MAILBOX_MAX, 0, (struct sockaddr *)&sender, &size))
           >= 0) {
        text[len] = '\0';
        const char *answer = mailbox->fn(mailbox->arg, text);
        if (answer && size > sizeof sender.sun_family)
            sendto(mailbox->fd, answer, strlen(answer), 0, (struct sockaddr *)&sender, size);
        size = sizeof sender;
    }
}

struct mailbox *mailbox_new(struct loop *loop, const char *path,
                            const char *(*fn)(void *arg, const char *text), void *arg)
{
    if (!*path)
        return NULL;
    struct mailbox *mailbox = memory_new(1, sizeof *mailbox);
    *mailbox = (struct mailbox){datagram_socket(), memory_text(path), NULL, fn, arg};
    struct sockaddr_un address = address_of(path);
    unlink(path);
    if (bind(mailbox->fd, (struct sockaddr *)&address, sizeof address))
        log_fatal("mailbox.failed", F("path", path), F("why", strerror(errno)));
    mailbox->watch = loop_watch(loop, mailbox->fd, EPOLLIN, on_datagram, mailbox);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (!mailbox)
        return;
    loop_unwatch(mailbox->watch);
    close(mailbox->fd);
    unlink(mailbox->path);
    free(mailbox->path);
    free(mailbox);
}

enum { MOST_WAITING = 1000, AGAIN_MS = 5 };

struct round {
    struct sockaddr_un address;
    char *waiting[MOST_WAITING]; // a ring
    size_t first, count;
};

struct postman {
    int fd;
    struct loop_timer *timer;
    struct round *rounds;
    size_t count;
};

static void forget_first(struct round *round)
{
    free(round->waiting[round->first]);
    round->first = (round->first + 1) % MOST_WAITING;
    round->count--;
}

static void deliver(struct postman *postman)
{
    bool waiting = false;
    for (size_t i = 0; i < postman->count; i++) {
        struct round *round = &postman->rounds[i];
        while (round->count) {
            const char *text = round->waiting[round->first];
            if (sendto(postman->fd, text, strlen(text), 0, (struct sockaddr *)&round->address,
                       sizeof round->address)
                < 0)
                break;
            forget_first(round);
        }
        waiting |= round->count > 0;
    }
    if (waiting)
        loop_timer_in(postman->timer, clock_machine_ns(AGAIN_MS * SECONDS_NS / 1000));
}

static void on_timer(void *arg)
{
    deliver(arg);
}

struct postman *postman_new(struct loop *loop, const char *paths)
{
    struct postman *postman = memory_new(1, sizeof *postman);
    postman->fd = datagram_socket();
    postman->timer = loop_timer_new(loop, on_timer, postman);
    char *list = memory_text(paths), *rest;
    for (char *path = strtok_r(list, " ", &rest); path; path = strtok_r(NULL, " ", &rest)) {
        postman->rounds = memory_grow(postman->rounds, postman->count + 1, sizeof *postman->rounds);
        postman->rounds[postman->count++] = (struct round){.address = address_of(path)};
    }
    free(list);
    return postman;
}

void postman_free(struct postman *postman)
{
    if (!postman)
        return;
    for (size_t i = 0; i < postman->count; i++)
        while (postman->rounds[i].count)
            forget_first(&postman->rounds[i]);
    loop_timer_free(postman->timer);
    close(postman->fd);
    free(postman->rounds);
    free(postman);
}

static void add(struct round *round, const char *text)
{
    if (round->count == MOST_WAITING)
        forget_first(round);
    round->waiting[(round->first + round->count++) % MOST_WAITING] = memory_text(text);
}

void postman_send(struct postman *postman, const char *text)
{
    for (size_t i = 0; i < postman->count; i++)
        add(&postman->rounds[i], text);
    deliver(postman);
}

void postman_repeat(struct postman *postman, const char *text)
{
    for (size_t i = 0; i < postman->count; i++)
        if (!postman->rounds[i].count)
            add(&postman->rounds[i], text);
    deliver(postman);
}
