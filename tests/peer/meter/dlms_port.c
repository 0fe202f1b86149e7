// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/dlms_port.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/peer/csv.h"
#include "tests/peer/door.h"
#include "tests/peer/keep.h"

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
    NO_LINK = -1,
};

struct dlms_port {
    struct meter *meter;
    struct dlms_port_settings settings;
    struct dlms_server server;
    struct loop *loop;
    struct door *door;
    struct loop_timer *delay, *quiet;
    char *path; // of the counters
    int fd;     // of the link, or NO_LINK
    struct loop_watch *watch;
    struct dlms_link link;
};

static bool take_hex(const struct csv *csv, size_t column, uint8_t *octets, size_t len)
{
    const char *text = csv_text(csv, column);
    size_t count;
    return !hex_parse(text, strlen(text), octets, len, &count) && count == len;
}

bool dlms_identity_read(const char *path, const char *equipment_id, struct dlms_identity *identity,
                        bool *found)
{
    struct csv *csv = csv_open(path, "equipment_id,system_title,encryption_key,authentication_key");
    *found = false;
    if (!csv)
        return false;
    while (!*found && csv_next(csv)) {
        if (strcmp(csv_text(csv, 0), equipment_id) != 0)
            continue;
        *found = take_hex(csv, 1, identity->title, sizeof identity->title)
                 && take_hex(csv, 2, identity->keys.encryption, CIPHER_KEY_LEN)
                 && take_hex(csv, 3, identity->keys.authentication, CIPHER_KEY_LEN);
        if (!*found && !csv_refuse(csv, 0, "has a title not of 16 or a key not of 32 hex digits"))
            break; // the complaint names the meter, never the key
    }
    return csv_close(csv);
}

// ---- Counters over a restart: the highest seen, and one of its own that is beyond all used

static void keep_counters(struct dlms_port *port)
{
    char *text = memory_format("%d %u %u\n", port->server.has_seen, port->server.seen,
                               port->server.counter + COUNTERS_AHEAD);
    if (keep_write(port->path, text, strlen(text), false))
        log_warn("counters.not_kept", F("path", port->path));
    free(text);
}

static void load_counters(struct dlms_port *port)
{
    size_t len;
    char *text = keep_read(port->path, &len);
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
    if (!err)
        log_info("text.set", F("meter", port->meter->equipment_id), F("octets", (int64_t)len));
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

static void saw(void *arg, uint32_t counter)
{
    struct dlms_port *port = arg;
    if (port->settings.counters)
        fprintf(port->settings.counters, "%s %u\n", port->meter->equipment_id, counter);
}

// ---- The connection

static void hang_up(struct dlms_port *port)
{
    if (port->fd == NO_LINK)
        return;
    loop_timer_stop(port->delay);
    loop_timer_stop(port->quiet);
    loop_unwatch(port->watch);
    close(port->fd);
    port->fd = NO_LINK;
    keep_counters(port);
}

// Answers are shorter than what the kernel takes at once; who does not read is left.
static void reply(void *arg)
{
    struct dlms_port *port = arg;
    const struct dlms_link *link = &port->link;
    ssize_t sent = link->out_len ? send(port->fd, link->out, link->out_len, MSG_NOSIGNAL) : 0;
    if (sent != (ssize_t)link->out_len || link->closes)
        hang_up(port);
    else
        loop_watch_events(port->watch, EPOLLIN);
}

static void on_link(void *arg, uint32_t events)
{
    struct dlms_port *port = arg;
    uint8_t octets[DLMS_WRAPPER_LEN + DLMS_APDU_MAX];
    (void)events;
    ssize_t got = recv(port->fd, octets, sizeof octets, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        hang_up(port);
        return;
    }
    dlms_link_receive(&port->link, octets, (size_t)got);
    loop_timer_in(port->quiet, clock_machine_ns(QUIET_S * SECONDS_NS));
    int64_t wait_ms = port->settings.answer_ms + port->meter->faults.slow_ms;
    if (!port->link.out_len && !port->link.closes)
        return;
    if (!wait_ms) {
        reply(port);
        return;
    }
    loop_watch_events(port->watch, 0); // nothing more until this is answered
    loop_timer_in(port->delay, clock_machine_ns(wait_ms * MS_NS));
}

static void on_quiet(void *arg)
{
    hang_up(arg);
}

static void on_knock(void *arg, int fd)
{
    struct dlms_port *port = arg;
    if (port->fd != NO_LINK) {
        log_debug("link.refused", F("meter", port->meter->equipment_id));
        close(fd);
        return;
    }
    keep_counters(port);
    port->fd = fd;
    dlms_link_open(&port->link, &port->server);
    port->watch = loop_watch(port->loop, fd, EPOLLIN, on_link, port);
    loop_timer_in(port->quiet, clock_machine_ns(QUIET_S * SECONDS_NS));
}

struct dlms_port *dlms_port_new(struct loop *loop, struct meter *meter,
                                const struct dlms_identity *identity,
                                const struct dlms_port_settings *settings)
{
    struct dlms_port *port = memory_new(1, sizeof *port);
    port->loop = loop;
    port->meter = meter;
    port->settings = *settings;
    port->fd = NO_LINK;
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
    port->delay = loop_timer_new(loop, reply, port);
    port->quiet = loop_timer_new(loop, on_quiet, port);
    port->door = door_new(loop, settings->address, settings->port, on_knock, port);
    return port;
}

void dlms_port_free(struct dlms_port *port)
{
    if (!port)
        return;
    door_free(port->door);
    hang_up(port);
    loop_timer_free(port->delay);
    loop_timer_free(port->quiet);
    free(port->path);
    free(port);
}

struct dlms_server *dlms_port_server(struct dlms_port *port)
{
    return &port->server;
}
