// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/dlms_port.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/peer/csv.h"
#include "tests/peer/door.h"
#include "tests/peer/keep.h"
#include "tests/peer/meter/seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)
enum {
    QUIET_S = 300,        // then the connection is closed
    COUNTERS_AHEAD = 256, // kept as used before an association needs them
    FLOOD_CHUNK = 16384,
};

// The one connection that a meter has.
struct line {
    int fd;
    struct loop_watch *watch;
    struct loop_timer *delay, *quiet;
    struct dlms_link link;
};

struct dlms_port {
    struct meter *meter;
    const struct dlms_port_settings *settings;
    struct dlms_server server;
    struct loop *loop;
    struct door *door; // NULL: others give it callers
    char *path;        // of the counters
    struct line *line; // NULL: none
    struct seen seen;
    int64_t highest; // counter of the associations before this one; -1: none
};

static bool take_hex(const struct csv *csv, size_t column, uint8_t *octets, size_t len)
{
    const char *text = csv_text(csv, column);
    size_t count;
    return !hex_parse(text, strlen(text), octets, len, &count) && count == len;
}

bool dlms_identities_read(const char *path,
                          void (*take)(void *arg, const char *equipment_id,
                                       const struct dlms_identity *identity),
                          void *arg)
{
    struct csv *csv =
        csv_open(path, "equipment_id,encryption_key,authentication_key,client_title,meter_title");
    if (!csv)
        return false;
    while (csv_next(csv)) {
        struct dlms_identity identity;
        bool good = take_hex(csv, 1, identity.keys.encryption, CIPHER_KEY_LEN)
                    && take_hex(csv, 2, identity.keys.authentication, CIPHER_KEY_LEN)
                    && take_hex(csv, 4, identity.title, sizeof identity.title);
        if (good)
            take(arg, csv_text(csv, 0), &identity);
        memory_wipe(&identity, sizeof identity);
        if (!good && !csv_refuse(csv, 0, "has a title not of 16 or a key not of 32 hex digits"))
            break; // the complaint names the meter, never the key
    }
    return csv_close(csv);
}

// ---- Counters over a restart: the highest seen, and one of its own that is beyond all used

static void keep_counters(struct dlms_port *port)
{
    if (port->settings->keep == KEEP_MEMORY)
        return;
    char *text = memory_format("%d %u %u\n", port->server.has_seen, port->server.seen,
                               port->server.counter + COUNTERS_AHEAD);
    if (keep_write(port->path, text, strlen(text), false))
        log_warn("counters.not_kept", F("path", port->path));
    free(text);
}

static void load_counters(struct dlms_port *port)
{
    size_t len;
    char *text = port->settings->keep != KEEP_MEMORY ? keep_read(port->path, &len) : NULL;
    int has_seen;
    if (text && sscanf(text, "%d %u %u", &has_seen, &port->server.seen, &port->server.counter) != 3)
        log_fatal("counters.unreadable", F("path", port->path));
    port->server.has_seen = text && has_seen;
    free(text);
}

// ---- What the server asks of its meter

static enum err store(void *arg, const char *text, size_t len)
{
    struct dlms_port *port = arg;
    enum err err = meter_set_text(port->meter, text, len);
    char *digest = meter_digest(port->meter);
    port->settings->totals->texts += !err;
    if (!err)
        log_info("text.set", F("meter", port->meter->equipment_id), F("digest", digest),
                 F("octets", (int64_t)len));
    free(digest);
    return err;
}

static const char *hold(void *arg, size_t *len)
{
    const struct dlms_port *port = arg;
    *len = port->meter->text_len;
    return port->meter->text;
}

static void fill_random(void *arg, uint8_t *octets, size_t len)
{
    (void)arg;
    if (getrandom(octets, len, 0) != (ssize_t)len)
        log_fatal("random.failed", F("why", strerror(errno)));
}

static void complain(const struct dlms_port *port, const char *event, int64_t *total,
                     uint32_t counter)
{
    (*total)++;
    log_error(event, F("meter", port->meter->equipment_id), F("counter", (int64_t)counter));
}

static void saw(void *arg, uint32_t counter)
{
    struct dlms_port *port = arg;
    struct dlms_totals *totals = port->settings->totals;
    totals->counters++;
    if (port->settings->counters)
        fprintf(port->settings->counters, "%s %u\n", port->meter->equipment_id, counter);
    if (seen_note(&port->seen, counter) == SEEN_REPEATED)
        complain(port, "counter.repeated", &totals->repeated, counter);
    else if (counter < port->highest)
        complain(port, "counter.lower", &totals->lower, counter);
}

// ---- The connection

static void hang_up(struct dlms_port *port)
{
    struct line *line = port->line;
    if (!line)
        return;
    loop_timer_free(line->delay);
    loop_timer_free(line->quiet);
    loop_unwatch(line->watch);
    close(line->fd);
    memory_wipe(line, sizeof *line);
    free(line);
    port->line = NULL;
    port->settings->totals->calls_now--;
    keep_counters(port);
}

static void flood(struct dlms_port *port)
{
    static const char octets[FLOOD_CHUNK] = {0, 1, 0, 1, 0, 1, (char)0xff, (char)0xff};
    ssize_t sent;
    do
        sent = send(port->line->fd, octets, sizeof octets, MSG_NOSIGNAL);
    while (sent > 0);
    if (errno == EAGAIN)
        loop_watch_events(port->line->watch, EPOLLIN | EPOLLOUT);
    else
        hang_up(port);
}

// Answers are shorter than what the kernel takes at once; who does not read is left.
static void reply(void *arg)
{
    struct dlms_port *port = arg;
    struct line *line = port->line;
    const struct dlms_link *link = &line->link;
    ssize_t sent = link->out_len ? send(line->fd, link->out, link->out_len, MSG_NOSIGNAL) : 0;
    if (sent != (ssize_t)link->out_len || link->closes)
        hang_up(port);
    else if (link->floods)
        flood(port);
    else
        loop_watch_events(line->watch, EPOLLIN);
}

static void on_line(void *arg, uint32_t events)
{
    struct dlms_port *port = arg;
    struct line *line = port->line;
    uint8_t octets[DLMS_WRAPPER_LEN + DLMS_APDU_MAX];
    if (line->link.floods && events & EPOLLOUT) {
        flood(port);
        return;
    }
    ssize_t got = recv(line->fd, octets, sizeof octets, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        hang_up(port);
        return;
    }
    dlms_link_receive(&line->link, octets, (size_t)got);
    loop_timer_in(line->quiet, clock_machine_ns(QUIET_S * SECONDS_NS));
    int64_t wait_ms = port->settings->answer_ms + port->meter->faults.slow_ms;
    if (!line->link.out_len && !line->link.closes)
        return;
    if (!wait_ms) {
        reply(port);
        return;
    }
    loop_watch_events(line->watch, 0); // nothing more until this is answered
    loop_timer_in(line->delay, clock_machine_ns(wait_ms * MS_NS));
}

static void on_quiet(void *arg)
{
    hang_up(arg);
}

void dlms_port_take(struct dlms_port *port, int fd)
{
    struct dlms_totals *totals = port->settings->totals;
    if (port->line || dlms_strikes(&port->server, DLMS_HANG_UP)) {
        log_debug("link.refused", F("meter", port->meter->equipment_id));
        close(fd);
        return;
    }
    keep_counters(port);
    struct line *line = memory_new(1, sizeof *line);
    port->line = line;
    port->highest = port->seen.count ? (int64_t)port->seen.runs[port->seen.count - 1].last : -1;
    totals->calls++;
    totals->calls_now++;
    if (totals->calls_now > totals->most_calls)
        totals->most_calls = totals->calls_now;
    line->fd = fd;
    dlms_link_open(&line->link, &port->server);
    line->delay = loop_timer_new(port->loop, reply, port);
    line->quiet = loop_timer_new(port->loop, on_quiet, port);
    line->watch = loop_watch(port->loop, fd, EPOLLIN, on_line, port);
    loop_timer_in(line->quiet, clock_machine_ns(QUIET_S * SECONDS_NS));
}

static void on_knock(void *arg, int fd)
{
    dlms_port_take(arg, fd);
}

void dlms_port_listen(struct dlms_port *port, const char *address, int tcp_port)
{
    port->door = door_new(port->loop, address, tcp_port, on_knock, port);
}

struct dlms_port *dlms_port_new(struct loop *loop, struct meter *meter,
                                const struct dlms_identity *identity,
                                const struct dlms_port_settings *settings)
{
    struct dlms_port *port = memory_new(1, sizeof *port);
    port->loop = loop;
    port->meter = meter;
    port->settings = settings;
    port->server = (struct dlms_server){
        .cipher = settings->cipher,
        .keys = identity->keys,
        .rule = meter->dsmr4 ? DLMS_EXACTLY_NEXT : DLMS_HIGHER,
        .stale = settings->stale,
        .max_pdu = settings->max_pdu,
        .conformance = XDLMS_CAN_GET_BLOCKS | XDLMS_CAN_SET_BLOCKS | XDLMS_CAN_GET | XDLMS_CAN_SET
                       | XDLMS_CAN_ACT,
        .counter = 1,
        .store = store,
        .hold = hold,
        .random = fill_random,
        .saw = saw,
        .arg = port,
    };
    memcpy(port->server.title, identity->title, sizeof port->server.title);
    port->path = memory_format("%s/%s.counters", settings->folder, meter->equipment_id);
    load_counters(port);
    return port;
}

void dlms_port_free(struct dlms_port *port)
{
    if (!port)
        return;
    door_free(port->door);
    hang_up(port);
    seen_free(&port->seen);
    free(port->path);
    free(port);
}

struct dlms_server *dlms_port_server(struct dlms_port *port)
{
    return &port->server;
}
