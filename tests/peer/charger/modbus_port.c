// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/modbus_port.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/modbus_ascii.h"
#include "tests/peer/charger/modbus_frame.h"
#include "tests/peer/door.h"
#include "tests/peer/pty.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MASTERS = 8, UNIT = 1, UNIT_OF_TCP = 255, TO_ALL = 0, NO_SUCH_UNIT = 11, SILENCE_MS = 20 };
enum { OCTETS = 2 * MODBUS_ASCII_MAX };

struct master {
    struct modbus_port *port;
    int fd; // -1: nobody
    struct loop_watch *watch;
    uint8_t octets[OCTETS];
    size_t len;
    struct loop_timer *slow; // until the answer that waits goes out
    uint8_t answer[MODBUS_TCP_MAX];
    size_t answer_len; // 0: none waits
};

struct modbus_port {
    struct loop *loop;
    const struct modbus_port_events *events;
    void *arg;
    bool dark;
    struct modbus_port_manners manners;
    struct door *door;
    struct master masters[MASTERS];
    bool has_line;
    struct pty pty;
    struct master line;
    struct loop_timer *silence;
};

static void forget(struct master *master, size_t len)
{
    master->len -= len;
    memmove(master->octets, master->octets + len, master->len);
}

static void hang_up(struct master *master)
{
    if (master->fd < 0)
        return;
    loop_unwatch(master->watch);
    close(master->fd);
    master->fd = -1;
    master->len = master->answer_len = 0;
    if (master->slow)
        loop_timer_stop(master->slow);
}

static bool say(const struct master *master, const uint8_t *octets, size_t len)
{
    return send(master->fd, octets, len, 0) == (ssize_t)len;
}

// Whether the master may stay.
static bool answer_tcp(struct master *master, const struct modbus_frame *frame)
{
    uint8_t answer[STATION_PDU_MAX] = {0};
    struct modbus_port *port = master->port;
    size_t len = 2;
    int unit = port->events->unit;
    if (frame->unit == unit || (unit == UNIT && frame->unit == UNIT_OF_TCP)) {
        len = port->events->request(port->arg, frame->pdu, frame->pdu_len, answer);
    } else {
        answer[0] = frame->pdu[0] | 0x80;
        answer[1] = NO_SUCH_UNIT;
    }
    if (!len || master->fd < 0)
        return master->fd >= 0; // a power cut that the request came with
    len = modbus_tcp_put(frame, answer, len, master->answer);
    if (!port->manners.slow_ms)
        return say(master, master->answer, len);
    master->answer_len = len;
    loop_watch_events(master->watch, 0);
    loop_timer_in(master->slow, clock_machine_ns(port->manners.slow_ms * SECONDS_NS / 1000));
    return true;
}

// Answer what is there, one at a time where answers are slow.
static void answer_all(struct master *master)
{
    struct modbus_frame frame;
    enum err err = ERR_MORE;
    while (!master->answer_len && !(err = modbus_tcp_take(master->octets, master->len, &frame))) {
        size_t size = frame.size;
        if (!answer_tcp(master, &frame)) {
            hang_up(master);
            return;
        }
        forget(master, size);
    }
    if (err == ERR_SYNTAX)
        hang_up(master);
}

static void on_master(void *arg, uint32_t events)
{
    struct master *master = arg;
    (void)events;
    ssize_t got = recv(master->fd, master->octets + master->len, MODBUS_TCP_MAX - master->len, 0);
    if (got <= 0) {
        hang_up(master);
        return;
    }
    master->len += (size_t)got;
    answer_all(master);
}

static void on_slow(void *arg)
{
    struct master *master = arg;
    size_t len = master->answer_len;
    master->answer_len = 0;
    loop_watch_events(master->watch, EPOLLIN);
    if (say(master, master->answer, len))
        answer_all(master);
    else
        hang_up(master);
}

static void on_knock(void *arg, int fd)
{
    struct modbus_port *port = arg;
    bool refuses = port->dark || port->manners.refuses;
    int places = port->manners.is_single ? 1 : MASTERS;
    for (int i = 0; i < places && !refuses; i++) {
        struct master *master = &port->masters[i];
        if (master->fd < 0) {
            master->fd = fd;
            master->watch = loop_watch(port->loop, fd, EPOLLIN, on_master, master);
            return;
        }
    }
    close(fd);
}

static void answer_line(struct modbus_port *port, const struct modbus_frame *frame)
{
    uint8_t answer[STATION_PDU_MAX], out[MODBUS_RTU_MAX];
    if (frame->unit != port->events->unit && frame->unit != TO_ALL)
        return;
    size_t len = port->events->request(port->arg, frame->pdu, frame->pdu_len, answer);
    if (!len || frame->unit == TO_ALL)
        return;
    len = modbus_rtu_put(frame, answer, len, out);
    if (write(port->pty.fd, out, len) != (ssize_t)len)
        log_warn("line.full", F("line", port->pty.link));
}

static void answer_text(struct modbus_port *port)
{
    struct master *line = &port->line;
    uint8_t pdu[MODBUS_PDU_MAX], answer[STATION_PDU_MAX];
    char out[MODBUS_ASCII_MAX];
    uint8_t unit = (uint8_t)port->events->unit;
    size_t len;
    enum err err = modbus_ascii_take(unit, (const char *)line->octets, line->len, pdu, &len);
    if (err == ERR_MORE && line->len < OCTETS)
        return;
    line->len = 0;
    len = err || port->dark ? 0 : port->events->request(port->arg, pdu, len, answer);
    if (!len)
        return;
    len = modbus_ascii_put(unit, answer, len, out);
    if (write(port->pty.fd, out, len) != (ssize_t)len)
        log_warn("line.full", F("line", port->pty.link));
}

static void take_from_line(struct modbus_port *port, bool silent)
{
    struct master *line = &port->line;
    struct modbus_frame frame;
    while (line->len && !modbus_rtu_take(line->octets, line->len, silent, &frame)) {
        if (!port->dark)
            answer_line(port, &frame);
        forget(line, frame.size);
    }
    // Damaged: nothing is a request until the line has been silent.
    if (silent || line->len == MODBUS_RTU_MAX)
        line->len = 0;
    if (line->len)
        loop_timer_in(port->silence, clock_machine_ns(SILENCE_MS * SECONDS_NS / 1000));
    else
        loop_timer_stop(port->silence);
}

static void on_line(void *arg, uint32_t events)
{
    struct modbus_port *port = arg;
    struct master *line = &port->line;
    (void)events;
    size_t most = port->events->is_ascii ? OCTETS : MODBUS_RTU_MAX;
    ssize_t got = read(line->fd, line->octets + line->len, most - line->len);
    if (got <= 0)
        return;
    line->len += (size_t)got;
    if (port->events->is_ascii)
        answer_text(port);
    else
        take_from_line(port, false);
}

static void on_silence(void *arg)
{
    take_from_line(arg, true);
}

struct modbus_port *modbus_port_new(struct loop *loop, const char *address, int number,
                                    const char *folder, const char *line,
                                    const struct modbus_port_events *events, void *arg)
{
    struct modbus_port *port = memory_new(1, sizeof *port);
    port->loop = loop;
    port->events = events;
    port->arg = arg;
    for (int i = 0; i < MASTERS; i++) {
        struct master *master = &port->masters[i];
        *master = (struct master){.port = port, .fd = -1};
        master->slow = loop_timer_new(loop, on_slow, master);
    }
    if (number)
        port->door = door_new(loop, address, number, on_knock, port);
    if (*line) {
        port->has_line = true;
        port->pty = pty_open(folder, line, true);
        port->silence = loop_timer_new(loop, on_silence, port);
        port->line = (struct master){.port = port, .fd = port->pty.fd};
        port->line.watch = loop_watch(loop, port->pty.fd, EPOLLIN, on_line, port);
    }
    return port;
}

static void hang_up_from(struct modbus_port *port, int first)
{
    for (int i = first; i < MASTERS; i++)
        hang_up(&port->masters[i]);
}

void modbus_port_behave(struct modbus_port *port, struct modbus_port_manners manners)
{
    port->manners = manners;
    if (manners.refuses || manners.is_single)
        hang_up_from(port, manners.refuses ? 0 : 1);
}

void modbus_port_power(struct modbus_port *port, bool on)
{
    port->dark = !on;
    if (port->dark)
        hang_up_from(port, 0);
}

void modbus_port_free(struct modbus_port *port)
{
    if (!port)
        return;
    modbus_port_power(port, false);
    for (int i = 0; i < MASTERS; i++)
        loop_timer_free(port->masters[i].slow);
    door_free(port->door);
    if (port->has_line) {
        loop_unwatch(port->line.watch);
        loop_timer_free(port->silence);
        pty_close(&port->pty);
    }
    free(port);
}
