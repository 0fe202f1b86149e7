// SPDX-License-Identifier: Apache-2.0

#include "gateway/p1_port.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/line_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
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
static const int64_t REPLAY_NS = SECONDS_NS;      // between the telegrams of a recording
static const char TCP[] = "tcp://", RECORDING[] = "file:", BY_ID[] = "/dev/serial/by-id";

enum {
    ATTEMPTS = 60, // until it begins with the first address again
    OCTETS = 4096, // read at once
};

struct p1_port {
    struct loop *loop;
    const struct p1_port_settings *settings;
    struct p1_port_crew crew;
    struct p1_reader *reader;
    struct p1_cipher *cipher; // NULL: telegrams are not encrypted
    struct tic_reader *tic_reader;
    struct tic tic;
    struct line_look look; // at what came since the last telegram
    int fd;                // -1: closed
    bool is_connecting, complained;
    struct lookup *lookup; // under way, or NULL
    unsigned attempt;      // to connect
    struct loop_watch *watch;
    struct loop_timer *open_timer;    // time to open again, or that connecting takes too long
    struct loop_timer *idle_timer;    // a telegram is under way and nothing more comes
    struct loop_timer *silence_timer; // nothing useful comes at all
    struct loop_timer *replay_timer;  // of a recording: the next telegram is due
    FILE *recording;
    bool idle_is_set;
    struct mono heard_at; // last telegram, or opened
    int64_t pause_ns;
    char octets[OCTETS];
};

// The reader's clock is the machine's: the pauses of a line do not hurry with our hands.
static int64_t machine_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

static void be_content(struct p1_port *port)
{
    port->heard_at = clock_mono();
    port->pause_ns = FIRST_PAUSE_NS;
    port->look = (struct line_look){0};
}

static void hand_over(struct p1_port *port)
{
    size_t len;
    const char *telegram = p1_reader_telegram(port->reader, &len);
    const struct p1_frame *frame = p1_reader_frame(port->reader);
    if (frame->crc != P1_CRC_BAD)
        be_content(port);
    port->crew.frame(port->crew.arg, frame, telegram, len);
}

static void hand_over_tic(struct p1_port *port)
{
    size_t len;
    const char *frame = tic_reader_frame(port->tic_reader, &len);
    tic_read(frame, len, &port->tic);
    if (port->tic.groups > port->tic.damaged)
        be_content(port);
    port->crew.tic(port->crew.arg, &port->tic);
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
    tic_reader_end(port->tic_reader);
    if (port->cipher)
        p1_cipher_end(port->cipher);
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
        give_up(port, "read", line_look_verdict(&port->look));
}

static void take_plain(struct p1_port *port, const char *octets, size_t len)
{
    if (p1_reader_idle(port->reader, machine_ns()))
        hand_over(port);
    for (size_t at = 0, used = 0; at < len; at += used)
        if (p1_reader_push(port->reader, octets + at, len - at, &used))
            hand_over(port);
    watch_for_idle(port);
}

static void take_encrypted(struct p1_port *port, const char *octets, size_t len)
{
    for (size_t at = 0, used = 0; at < len; at += used)
        if (p1_cipher_push(port->cipher, octets + at, len - at, &used)) {
            size_t text_len;
            const char *text = p1_cipher_text(port->cipher, &text_len);
            take_plain(port, text, text_len);
        }
}

static void take_tic(struct p1_port *port, const char *octets, size_t len)
{
    for (size_t at = 0, used = 0; at < len; at += used)
        if (tic_reader_push(port->tic_reader, octets + at, len - at, &used))
            hand_over_tic(port);
}

static void take(struct p1_port *port, const char *octets, size_t len)
{
    line_look_take(&port->look, octets, len);
    if (port->settings->is_tic)
        take_tic(port, octets, len);
    else if (port->cipher)
        take_encrypted(port, octets, len);
    else
        take_plain(port, octets, len);
    if (port->crew.octets)
        port->crew.octets(port->crew.arg, octets, len);
}

static void opened(struct p1_port *port)
{
    port->is_connecting = false;
    loop_timer_stop(port->open_timer);
    port->heard_at = clock_mono();
    port->look = (struct line_look){0};
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
        take(port, port->octets, (size_t)len);
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
    {"9600/8N1", B9600, CS8},
    {"115200/7E1", B115200, CS7 | PARENB},
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

int p1_port_open_serial(const char *address, const char *line)
{
    int fd = open(address, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || set_line(fd, find_line(line)))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// ttyUSB0 may be another cable after the next start. Name the one that stays, if there is one.
static void advise_name(const char *address)
{
    char own[PATH_MAX], named[PATH_MAX], path[PATH_MAX];
    DIR *folder = strncmp(address, BY_ID, strlen(BY_ID)) ? opendir(BY_ID) : NULL;
    if (!folder)
        return;
    for (struct dirent *entry; realpath(address, own) && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", BY_ID, entry->d_name);
        if (*entry->d_name != '.' && realpath(path, named) && !strcmp(own, named))
            log_warn("p1.name_may_change", F("port", address), F("better", path));
    }
    closedir(folder);
}

static void open_serial(struct p1_port *port)
{
    port->fd = p1_port_open_serial(port->settings->address, port->settings->line);
    if (port->fd < 0) {
        give_up(port, "open", strerror(errno));
        return;
    }
    port->watch = loop_watch(port->loop, port->fd, EPOLLIN, on_ready, port);
    if (!port->complained)
        advise_name(port->settings->address);
    opened(port);
}

// The next part of a recording: a line, or of a TIC port a frame; what is encrypted has neither.
// is_end: it may be the end of a telegram.
static size_t read_part(struct p1_port *port, char part[static OCTETS], bool *is_end)
{
    size_t len = 0;
    if (port->cipher) {
        *is_end = true;
        return fread(part, 1, OCTETS, port->recording);
    }
    char last = port->settings->is_tic ? '\3' : '\n';
    for (int c; len < OCTETS && (c = getc(port->recording)) != EOF;) {
        part[len++] = (char)c;
        if (c == last)
            break;
    }
    *is_end = len > 0 && part[len - 1] == last && (port->settings->is_tic || *part == '!');
    return len;
}

static void replay(void *arg)
{
    struct p1_port *port = arg;
    char part[OCTETS];
    for (bool is_end = false; !is_end;) {
        size_t len = read_part(port, part, &is_end);
        if (len == 0) {
            log_info("p1.replayed", F("port", port->settings->address));
            return;
        }
        take(port, part, len);
    }
    loop_timer_in(port->replay_timer, REPLAY_NS);
}

static void open_recording(struct p1_port *port)
{
    port->recording = fopen(port->settings->address + strlen(RECORDING), "re");
    if (!port->recording) {
        give_up(port, "open", strerror(errno));
        return;
    }
    log_info("p1.opened", F("port", port->settings->address));
    loop_timer_in(port->replay_timer, 0);
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

static bool is_recording(const struct p1_port_settings *settings)
{
    return !strncmp(settings->address, RECORDING, strlen(RECORDING));
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
    else if (is_recording(port->settings))
        open_recording(port);
    else
        open_serial(port);
}

struct p1_port *p1_port_new(struct loop *loop, const struct p1_port_settings *settings,
                            const struct p1_port_crew *crew)
{
    struct p1_port *port = memory_new(1, sizeof *port);
    port->loop = loop;
    port->settings = settings;
    port->crew = *crew;
    port->fd = -1;
    port->pause_ns = FIRST_PAUSE_NS;
    port->reader = p1_reader_new();
    port->tic_reader = tic_reader_new();
    port->cipher = settings->key ? p1_cipher_new(settings->key) : NULL;
    port->replay_timer = loop_timer_new(loop, replay, port);
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
    loop_timer_free(port->replay_timer);
    if (port->recording)
        fclose(port->recording);
    p1_reader_free(port->reader);
    p1_cipher_free(port->cipher);
    tic_reader_free(port->tic_reader);
    free(port);
}

const char *p1_port_fault(const struct p1_port_settings *settings)
{
    if (is_tcp(settings)) {
        const char *colon = strrchr(settings->address + strlen(TCP), ':');
        return colon && colon[1] ? NULL : "not tcp://host:port";
    }
    if (!*settings->address)
        return "must be given";
    return find_line(settings->line) ? NULL : "not one of " P1_PORT_LINES;
}

const struct p1_counts *p1_port_counts(const struct p1_port *port)
{
    return p1_reader_counts(port->reader);
}
