// SPDX-License-Identifier: Apache-2.0

#include "services/p3/dlms_call.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)
enum { NO_SOCKET = -1, READ_MAX = 4096 };

struct dlms_call {
    struct loop *loop;
    struct dlms_address address;
    struct session session;
    struct session_job job;
    const struct dlms_call_events *events;
    void *arg;
    struct loop_timer *timer;
    int fd;
    struct loop_watch *watch;
    size_t sent; // of the session's output
};

enum err dlms_address_parse(const char *host, int port, struct dlms_address *address)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char service[12];
    snprintf(service, sizeof service, "%d", port);
    if (!*host || getaddrinfo(host, service, &hints, &found))
        return ERR_SYNTAX;
    memcpy(&address->socket, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return ERR_NONE;
}

static void hang_up(struct dlms_call *call)
{
    if (call->fd == NO_SOCKET)
        return;
    loop_unwatch(call->watch);
    close(call->fd);
    call->fd = NO_SOCKET;
}

static void on_socket(void *arg, uint32_t events);

static void dial(struct dlms_call *call)
{
    int one = 1;
    hang_up(call);
    call->fd =
        socket(call->address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->fd < 0) {
        log_warn("call.no_socket", F("why", strerror(errno)));
        call->fd = NO_SOCKET;
        session_closed(&call->session);
        return;
    }
    setsockopt(call->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    call->watch = loop_watch(call->loop, call->fd, EPOLLOUT, on_socket, call);
    const struct sockaddr *to = (const struct sockaddr *)&call->address.socket;
    if (connect(call->fd, to, call->address.len) && errno != EINPROGRESS) {
        hang_up(call);
        session_closed(&call->session);
    }
}

// Do what the session wants, until that takes time.
static void proceed(struct dlms_call *call)
{
    struct session *session = &call->session;
    while (session->want == SESSION_WANTS_CONNECTION && call->fd == NO_SOCKET)
        dial(call);
    bool is_on_line =
        session->want == SESSION_WANTS_CONNECTION || session->want == SESSION_WANTS_ANSWER;
    if (!is_on_line)
        hang_up(call);
    if (session->wait_ms)
        loop_timer_in(call->timer, clock_machine_ns(session->wait_ms * MS_NS));
    else
        loop_timer_stop(call->timer);
    if (session->want == SESSION_WANTS_COUNTERS)
        call->events->supply(call->arg, session->least_counter);
    else if (session->want == SESSION_WANTS_NOTHING)
        call->events->done(call->arg, &session->result);
}

// Send what is left of the request, and wait for room or for the answer. False: the line is dead.
static bool push_out(struct dlms_call *call)
{
    size_t len;
    const uint8_t *out = session_output(&call->session, &len);
    if (!out)
        return true;
    if (call->sent < len) {
        ssize_t done = send(call->fd, out + call->sent, len - call->sent, MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN)
            return false;
        call->sent += done > 0 ? (size_t)done : 0;
    }
    loop_watch_events(call->watch, call->sent < len ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
}

// After an event of the session: its next request goes out at once.
static void after(struct dlms_call *call)
{
    struct session *session = &call->session;
    call->sent = 0;
    if (session->want == SESSION_WANTS_ANSWER && !push_out(call))
        session_closed(session);
    if (session->want == SESSION_WANTS_ANSWER)
        loop_timer_in(call->timer, clock_machine_ns(session->wait_ms * MS_NS));
    else
        proceed(call);
}

static void on_connected(struct dlms_call *call)
{
    int why = 0;
    socklen_t len = sizeof why;
    getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &why, &len);
    if (why)
        session_closed(&call->session);
    else
        session_connected(&call->session);
    after(call);
}

static void on_socket(void *arg, uint32_t events)
{
    struct dlms_call *call = arg;
    uint8_t octets[READ_MAX];
    size_t len;
    if (call->session.want == SESSION_WANTS_CONNECTION) {
        on_connected(call);
        return;
    }
    if (events & EPOLLOUT && session_output(&call->session, &len) && !push_out(call)) {
        session_closed(&call->session);
        after(call);
        return;
    }
    if (!(events & ~(uint32_t)EPOLLOUT))
        return;
    ssize_t got = recv(call->fd, octets, sizeof octets, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        session_closed(&call->session);
        after(call);
        return;
    }
    session_received(&call->session, octets, (size_t)got);
    if (call->session.want != SESSION_WANTS_ANSWER || session_output(&call->session, &len))
        after(call); // else the rest of the answer is awaited, within the same time
}

static void on_timer(void *arg)
{
    struct dlms_call *call = arg;
    session_timeout(&call->session);
    after(call);
}

struct dlms_call *dlms_call_new(struct loop *loop, const struct dlms_address *address,
                                const struct session_job *job,
                                const struct dlms_call_events *events, void *arg)
{
    struct dlms_call *call = memory_new(1, sizeof *call);
    call->loop = loop;
    call->address = *address;
    call->job = *job;
    call->events = events;
    call->arg = arg;
    call->fd = NO_SOCKET;
    call->timer = loop_timer_new(loop, on_timer, call);
    return call;
}

void dlms_call_free(struct dlms_call *call)
{
    if (!call)
        return;
    hang_up(call);
    loop_timer_free(call->timer);
    memory_wipe(call, sizeof *call);
    free(call);
}

void dlms_call_start(struct dlms_call *call)
{
    session_begin(&call->session, &call->job);
    memory_wipe(&call->job.keys, sizeof call->job.keys);
    proceed(call);
}

void dlms_call_supply(struct dlms_call *call, const struct counter_range *counters)
{
    uint8_t challenge[ACSE_CHALLENGE_MAX];
    if (!counters) {
        session_abandon(&call->session, "no-counters");
    } else {
        if (getrandom(challenge, sizeof challenge, 0) != (ssize_t)sizeof challenge)
            log_fatal("random.failed", F("why", strerror(errno)));
        session_supply(&call->session, counters, challenge);
    }
    proceed(call);
}

// After that the session wants nothing, or what it wanted before.
static void go_on(struct dlms_call *call)
{
    if (call->session.want == SESSION_WANTS_NOTHING)
        proceed(call);
}

void dlms_call_recall(struct dlms_call *call, const char *cause)
{
    session_recall(&call->session, cause);
    go_on(call);
}

void dlms_call_abandon(struct dlms_call *call, const char *cause)
{
    session_abandon(&call->session, cause);
    go_on(call);
}
