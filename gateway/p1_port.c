// SPDX-License-Identifier: Apache-2.0

#include "gateway/p1_port.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const int64_t FIRST_PAUSE_NS = SECONDS_NS / 10, LONGEST_PAUSE_NS = 10 * SECONDS_NS;
static const int64_t CONNECT_NS = 5 * SECONDS_NS; // machine time
static const int64_t LOOK_NS = SECONDS_NS / 50;   // machine time, between looks at a lookup
static const char TCP[] = "tcp://";

enum { ATTEMPTS = 60 }; // until it begins with the first address again

struct p1_port {
    struct loop *loop;
    const struct p1_port_settings *settings;
    void (*frame)(void *arg, const struct p1_frame *frame, const char *telegram, size_t len);
    void *arg;
    struct p1_reader *reader;
    int fd; // -1: closed
    bool is_connecting, complained;
    struct lookup *lookup; // under way, or NULL
    unsigned attempt;      // to connect
    struct loop_watch *watch;
    struct loop_timer *open_timer;    // time to open again, or that connecting takes too long
    struct loop_timer *idle_timer;    // a telegram is under way and nothing more comes
    struct loop_timer *silence_timer; // nothing useful comes at all
    bool idle_is_set;
    struct mono heard_at; // last telegram, or opened
    int64_t pause_ns;
    char octets[4096];
};

// The reader's clock is the machine's: the pauses of a line do not hurry with our hands.
static int64_t machine_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

static void hand_over(struct p1_port *port)
{
    size_t len;
    const char *telegram = p1_reader_telegram(port->reader, &len);
    const struct p1_frame *frame = p1_reader_frame(port->reader);
    if (frame->crc != P1_CRC_BAD) {
        port->heard_at = clock_mono();
        port->pause_ns = FIRST_PAUSE_NS;
    }
    port->frame(port->arg, frame, telegram, len);
}

static void shut(struct p1_port *port)
{
    if (port->fd < 0)
        return;
    loop_unwatch(port->watch);
    close(port->fd);
    port->fd = -1;
    port->is_connecting = false;
    loop_timer_stop(port->idle_timer);
    loop_timer_stop(port->silence_timer);
    port->idle_is_set = false;
    if (p1_reader_end(port->reader))
        hand_over(port);
}

static void give_up(struct p1_port *port, const char *what, const char *why)
{
    if (!port->complained)
        log_warn("p1.lost", F("port", port->settings->address), F("what", what), F("why", why));
    port->complained = true;
    shut(port);
    loop_timer_in(port->open_timer, clock_machine_ns(port->pause_ns));
    port->pause_ns = port->pause_ns * 2 < LONGEST_PAUSE_NS ? port->pause_ns * 2 : LONGEST_PAUSE_NS;
}

static void watch_for_idle(struct p1_port *port)
{
    bool busy = p1_reader_busy(port->reader);
    if (busy == port->idle_is_set)
        return;
    port->idle_is_set = busy;
    if (busy)
        loop_timer_in(port->idle_timer, clock_machine_ns(P1_SILENCE_NS));
    else
        loop_timer_stop(port->idle_timer);
}

static void on_idle(void *arg)
{
    struct p1_port *port = arg;
    port->idle_is_set = false;
    if (p1_reader_idle(port->reader, machine_ns()))
        hand_over(port);
    watch_for_idle(port);
}

static int64_t silence_ns(const struct p1_port *port)
{
    return clock_machine_ns(port->settings->silence_s * SECONDS_NS);
}

static void on_silence(void *arg)
{
    struct p1_port *port = arg;
    int64_t left = port->heard_at.ns + silence_ns(port) - clock_mono().ns;
    if (left > 0)
        loop_timer_in(port->silence_timer, left);
    else
        give_up(port, "read", "no telegram");
}

static void take(struct p1_port *port, size_t len)
{
    if (p1_reader_idle(port->reader, machine_ns()))
        hand_over(port);
    for (size_t at = 0, used = 0; at < len; at += used)
        if (p1_reader_push(port->reader, port->octets + at, len - at, &used))
            hand_over(port);
    watch_for_idle(port);
}

static void opened(struct p1_port *port)
{
    port->is_connecting = false;
    loop_timer_stop(port->open_timer);
    port->heard_at = clock_mono();
    loop_timer_in(port->silence_timer, silence_ns(port));
    log_info("p1.opened", F("port", port->settings->address));
    port->complained = false;
}

static void on_connected(struct p1_port *port)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(port->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
        give_up(port, "connect", strerror(error));
        return;
    }
    loop_watch_events(port->watch, EPOLLIN);
    opened(port);
}

static void on_ready(void *arg, uint32_t events)
{
    struct p1_port *port = arg;
    (void)events;
    if (port->is_connecting) {
        on_connected(port);
        return;
    }
    ssize_t len = read(port->fd, port->octets, sizeof port->octets);
    if (len > 0)
        take(port, (size_t)len);
    else if (len == 0)
        give_up(port, "read", "closed by the other side");
    else if (errno != EAGAIN && errno != EINTR)
        give_up(port, "read", strerror(errno));
}

// ---- opening

static const struct line {
    char name[12];
    speed_t speed;
    tcflag_t flags;
} lines[] = {
    {"115200/8N1", B115200, CS8},
    {"9600/7E1", B9600, CS7 | PARENB},
};

static const struct line *find_line(const char *name)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strcmp(lines[i].name, name))
            return &lines[i];
    return NULL;
}

static bool set_line(int fd, const struct line *line)
{
    struct termios termios;
    if (tcgetattr(fd, &termios))
        return false;
    cfmakeraw(&termios);
    termios.c_cflag &= (tcflag_t) ~(CSIZE | PARENB | CSTOPB | CRTSCTS);
    termios.c_cflag |= line->flags | CREAD | CLOCAL;
    termios.c_cc[VMIN] = 0;
    termios.c_cc[VTIME] = 0;
    if (cfsetspeed(&termios, line->speed) || tcsetattr(fd, TCSANOW, &termios))
        return false;
    int high = TIOCM_RTS | TIOCM_DTR;
    ioctl(fd, TIOCMBIS, &high); // a pseudo terminal has no such wires
    tcflush(fd, TCIFLUSH);
    return true;
}

static void open_serial(struct p1_port *port)
{
    port->fd = open(port->settings->address, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (port->fd < 0) {
        give_up(port, "open", strerror(errno));
        return;
    }
    port->watch = loop_watch(port->loop, port->fd, EPOLLIN, on_ready, port);
    if (!set_line(port->fd, find_line(port->settings->line))) {
        give_up(port, "set the line", strerror(errno));
        return;
    }
    opened(port);
}

// Notice within a minute that the other end vanished without a word.
static void keep_alive(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 15},
        {IPPROTO_TCP, TCP_KEEPINTVL, 5},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof options[i].value);
}

// Each attempt takes the next address of the host, so that one that nobody serves is no end.
static const struct addrinfo *pick(const struct addrinfo *found, unsigned attempt)
{
    const struct addrinfo *at = found;
    for (; attempt; attempt--)
        at = at->ai_next ? at->ai_next : found;
    return at;
}

static void connect_to(struct p1_port *port, const struct addrinfo *found)
{
    found = pick(found, port->attempt);
    port->attempt = (port->attempt + 1) % ATTEMPTS;
    port->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->fd < 0) {
        give_up(port, "socket", strerror(errno));
        return;
    }
    keep_alive(port->fd);
    int error = connect(port->fd, found->ai_addr, found->ai_addrlen) ? errno : 0;
    port->is_connecting = true;
    port->watch = loop_watch(port->loop, port->fd, EPOLLOUT, on_ready, port);
    if (error && error != EINPROGRESS)
        give_up(port, "connect", strerror(error));
    else
        loop_timer_in(port->open_timer, clock_machine_ns(CONNECT_NS));
}

// A name server may not answer for seconds, and the loop has other things to do: so a thread of
// the C library asks, and we look now and then whether it knows.
struct lookup {
    struct gaicb request; // points to the rest
    struct addrinfo hints;
    char *host, *service;
};

static struct lookup *lookup_new(const char *address)
{
    struct lookup *lookup = memory_new(1, sizeof *lookup);
    const char *start = address + strlen(TCP);
    const char *colon = strrchr(start, ':');
    lookup->host = memory_text_n(start, (size_t)(colon - start));
    lookup->service = memory_text(colon + 1);
    lookup->hints.ai_socktype = SOCK_STREAM;
    lookup->request = (struct gaicb){
        .ar_name = lookup->host, .ar_service = lookup->service, .ar_request = &lookup->hints};
    return lookup;
}

static void lookup_free(struct lookup *lookup)
{
    if (!lookup || gai_cancel(&lookup->request) == EAI_NOTCANCELED)
        return; // the thread still writes to it
    if (lookup->request.ar_result)
        freeaddrinfo(lookup->request.ar_result);
    free(lookup->host);
    free(lookup->service);
    free(lookup);
}

static void finish_lookup(struct p1_port *port)
{
    struct lookup *lookup = port->lookup;
    int error = gai_error(&lookup->request);
    if (error == EAI_INPROGRESS) {
        loop_timer_in(port->open_timer, clock_machine_ns(LOOK_NS));
        return;
    }
    port->lookup = NULL;
    if (error)
        give_up(port, "look up", gai_strerror(error));
    else
        connect_to(port, lookup->request.ar_result);
    lookup_free(lookup);
}

static void open_tcp(struct p1_port *port)
{
    struct lookup *lookup = lookup_new(port->settings->address);
    struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    if (!getaddrinfo(lookup->host, lookup->service, &numeric, &found)) {
        connect_to(port, found);
        freeaddrinfo(found);
        lookup_free(lookup);
        return;
    }
    port->lookup = lookup;
    int error = getaddrinfo_a(GAI_NOWAIT, (struct gaicb *[]){&lookup->request}, 1, NULL);
    if (error) {
        port->lookup = NULL;
        lookup_free(lookup);
        give_up(port, "look up", gai_strerror(error));
        return;
    }
    loop_timer_in(port->open_timer, clock_machine_ns(LOOK_NS));
}

static bool is_tcp(const struct p1_port_settings *settings)
{
    return !strncmp(settings->address, TCP, strlen(TCP));
}

static void on_open(void *arg)
{
    struct p1_port *port = arg;
    if (port->is_connecting)
        give_up(port, "connect", "no answer");
    else if (port->lookup)
        finish_lookup(port);
    else if (is_tcp(port->settings))
        open_tcp(port);
    else
        open_serial(port);
}

struct p1_port *p1_port_new(struct loop *loop, const struct p1_port_settings *settings,
                            void (*frame)(void *arg, const struct p1_frame *frame,
                                          const char *telegram, size_t len),
                            void *arg)
{
    struct p1_port *port = memory_new(1, sizeof *port);
    port->loop = loop;
    port->settings = settings;
    port->frame = frame;
    port->arg = arg;
    port->fd = -1;
    port->pause_ns = FIRST_PAUSE_NS;
    port->reader = p1_reader_new();
    port->open_timer = loop_timer_new(loop, on_open, port);
    port->idle_timer = loop_timer_new(loop, on_idle, port);
    port->silence_timer = loop_timer_new(loop, on_silence, port);
    loop_timer_in(port->open_timer, 0);
    return port;
}

void p1_port_free(struct p1_port *port)
{
    if (!port)
        return;
    if (port->fd >= 0) {
        loop_unwatch(port->watch);
        close(port->fd);
    }
    lookup_free(port->lookup);
    loop_timer_free(port->open_timer);
    loop_timer_free(port->idle_timer);
    loop_timer_free(port->silence_timer);
    p1_reader_free(port->reader);
    free(port);
}

const struct p1_counts *p1_port_counts(const struct p1_port *port)
{
    return p1_reader_counts(port->reader);
}

const char *p1_port_fault(const struct p1_port_settings *settings)
{
    if (is_tcp(settings)) {
        const char *colon = strrchr(settings->address + strlen(TCP), ':');
        return colon && colon[1] ? NULL : "not tcp://host:port";
    }
    if (!*settings->address)
        return "must be given";
    return find_line(settings->line) ? NULL : "neither 115200/8N1 nor 9600/7E1";
}
