// SPDX-License-Identifier: Apache-2.0

#include "gateway/modbus_link.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/modbus_ascii.h"

#include <assert.h>
#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TCP "tcp://"

enum { COIL = 5, COIL_ON = 0xFF, EXCEPTION_BIT = 0x80, REGISTERS_PER_REQUEST = 123 };
enum { MOST_UNIT = 247, TO_DEVICE = 255, WRITE_MS = 1000 };

struct modbus_link {
    struct modbus_link_settings settings;
    pthread_mutex_t lock; // of all that follows: one request at a time
    modbus_t *modbus;
    bool is_connected;
    uint64_t connection;
    int64_t rest_until_ns; // of CLOCK_MONOTONIC
};

// ---- settings

struct line {
    int baud;
    char bits, parity, stops;
};

static bool read_line(const char *text, struct line *line)
{
    char more;
    return sscanf(text, "%d/%c%c%c%c", &line->baud, &line->bits, &line->parity, &line->stops, &more)
               == 4
           && line->baud > 0 && (line->bits == '7' || line->bits == '8')
           && strchr("NEO", line->parity) && (line->stops == '1' || line->stops == '2');
}

static bool is_tcp(const char *address)
{
    return !strncmp(address, TCP, strlen(TCP));
}

bool modbus_link_line_is_sound(const char *text)
{
    struct line line;
    return read_line(text, &line);
}

const char *modbus_link_fault(const char *address)
{
    if (!is_tcp(address))
        return *address == '/' ? NULL : "neither tcp://host nor the path of a device";
    const char *host = address + strlen(TCP), *colon = strrchr(host, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : 1;
    bool is_sound = *host && host != colon && (!end || !*end) && port > 0 && port < 65536;
    return is_sound ? NULL : "not like tcp://host or tcp://host:port";
}

static modbus_t *open_tcp(const struct modbus_link_settings *settings)
{
    const char *rest = settings->address + strlen(TCP);
    const char *colon = strrchr(rest, ':');
    char *port = colon ? memory_text(colon + 1) : memory_format("%lld", (long long)settings->port);
    char *host = memory_text_n(rest, colon ? (size_t)(colon - rest) : strlen(rest));
    modbus_t *modbus = modbus_new_tcp_pi(host, port);
    free(host);
    free(port);
    return modbus;
}

static modbus_t *open_serial(const struct modbus_link_settings *settings)
{
    struct line line;
    return read_line(settings->line, &line) ? modbus_new_rtu(
               settings->address, line.baud, line.parity, line.bits - '0', line.stops - '0')
                                            : NULL;
}

struct modbus_link *modbus_link_new(const struct modbus_link_settings *settings)
{
    struct modbus_link *link = memory_new(1, sizeof *link);
    link->settings = *settings;
    link->settings.address = memory_text(settings->address);
    link->settings.line = memory_text(settings->line);
    link->modbus = is_tcp(settings->address) ? open_tcp(settings) : open_serial(settings);
    if (!link->modbus)
        log_fatal("charger.failed", F("address", settings->address),
                  F("why", modbus_strerror(errno)));
    modbus_set_response_timeout(link->modbus, (uint32_t)(settings->timeout_ms / 1000),
                                (uint32_t)(settings->timeout_ms % 1000 * 1000));
    modbus_set_byte_timeout(link->modbus, 0, 0); // the time-out is for the whole answer
    pthread_mutex_init(&link->lock, NULL);
    return link;
}

static void hang_up(struct modbus_link *link)
{
    if (link->is_connected)
        modbus_close(link->modbus);
    link->is_connected = false;
}

static void free_text(const char *text)
{
    free((char *)(uintptr_t)text); // owned here, lent to all others
}

void modbus_link_free(struct modbus_link *link)
{
    if (!link)
        return;
    hang_up(link);
    modbus_free(link->modbus);
    pthread_mutex_destroy(&link->lock);
    free_text(link->settings.address);
    free_text(link->settings.line);
    free(link);
}

// ---- errors

bool modbus_link_is_exception(modbus_error error)
{
    return error > MODBUS_ENOBASE && error <= EMBXGTAR;
}

bool modbus_link_is_passing(modbus_error error)
{
    return error == EMBXSBUSY || error == EMBXACK;
}

static const char *exception_name(int number)
{
    static const char *const names[] = {
        "unknown",        "illegal function", "illegal data address", "illegal data value",
        "device failure", "acknowledge",      "device busy",          "negative acknowledge",
        "memory parity",  "unknown",          "gateway path",         "gateway target",
    };
    bool known = number > 0 && number < (int)(sizeof names / sizeof *names);
    return names[known ? number : 0];
}

void modbus_link_explain(const char *what, modbus_error error,
                         char reason[static MODBUS_LINK_REASON])
{
    int number = error - MODBUS_ENOBASE;
    if (modbus_link_is_exception(error))
        snprintf(reason, MODBUS_LINK_REASON, "%s: exception %d, %s", what, number,
                 exception_name(number));
    else
        snprintf(reason, MODBUS_LINK_REASON, "%s: %s", what, modbus_strerror(error));
}

// ---- a request that libmodbus does not make itself: as text, or to a unit above 247 over TCP

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

static modbus_error write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);
        if (done < 0 && errno == EAGAIN && poll(&(struct pollfd){fd, POLLOUT, 0}, 1, WRITE_MS) <= 0)
            return ETIMEDOUT;
        if (done <= 0 && !(done < 0 && errno == EAGAIN))
            return done < 0 ? errno : EIO;
        text += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

// Wait for a line. What it is no answer to is passed over.
static modbus_error await_text(const struct modbus_link *link, int fd, uint8_t unit,
                               uint8_t pdu[static MODBUS_PDU_MAX], size_t *len)
{
    char text[2 * MODBUS_ASCII_MAX];
    size_t got = 0;
    int64_t until_ns = now_ns() + link->settings.timeout_ms * 1000000;
    for (;;) {
        int64_t left_ms = (until_ns - now_ns()) / 1000000;
        if (left_ms <= 0 || poll(&(struct pollfd){fd, POLLIN, 0}, 1, (int)left_ms) <= 0)
            return ETIMEDOUT;
        ssize_t done = read(fd, text + got, sizeof text - got);
        if (done <= 0 && errno != EAGAIN)
            return EIO;
        got += done > 0 ? (size_t)done : 0;
        enum err err = modbus_ascii_take(unit, text, got, pdu, len);
        if (err != ERR_MORE)
            return err == ERR_CHECKSUM ? EMBBADCRC : err ? EMBBADDATA : 0;
        if (got == sizeof text)
            return EMBBADDATA;
    }
}

static modbus_error ask_text(const struct modbus_link *link, uint8_t unit, const uint8_t *pdu,
                             size_t len, uint8_t answer[static MODBUS_PDU_MAX], size_t *answer_len)
{
    char frame[MODBUS_ASCII_MAX];
    int fd = modbus_get_socket(link->modbus);
    modbus_flush(link->modbus);
    modbus_error error = write_all(fd, frame, modbus_ascii_put(unit, pdu, len, frame));
    return error ? error : await_text(link, fd, unit, answer, answer_len);
}

// The library sends what it is given as transaction 0, and does not look at what it answers to.
static modbus_error ask_frame(const struct modbus_link *link, uint8_t unit, const uint8_t *pdu,
                              size_t len, uint8_t answer[static MODBUS_PDU_MAX], size_t *answer_len)
{
    enum { HEAD = 7, UNIT_AT = 6 };
    uint8_t frame[1 + MODBUS_PDU_MAX] = {unit}, all[MODBUS_TCP_MAX_ADU_LENGTH] = {0};
    memcpy(frame + 1, pdu, len);
    modbus_flush(link->modbus);
    if (modbus_send_raw_request(link->modbus, frame, (int)len + 1) < 0)
        return errno;
    int got = modbus_receive_confirmation(link->modbus, all);
    if (got < 0)
        return errno;
    if (got < HEAD + 2 || all[0] || all[1] || all[2] || all[3] || all[UNIT_AT] != unit)
        return EMBBADDATA;
    *answer_len = (size_t)got - HEAD;
    memcpy(answer, all + HEAD, *answer_len);
    return 0;
}

// answer holds len octets on return; those of an exception are an error.
static modbus_error ask_raw(const struct modbus_link *link, uint8_t unit, const uint8_t *pdu,
                            size_t len, uint8_t answer[static MODBUS_PDU_MAX], size_t *answer_len)
{
    modbus_error error = link->settings.is_ascii
                             ? ask_text(link, unit, pdu, len, answer, answer_len)
                             : ask_frame(link, unit, pdu, len, answer, answer_len);
    if (error)
        return error;
    if (*answer_len == 2 && answer[0] == (pdu[0] | EXCEPTION_BIT))
        return MODBUS_ENOBASE + answer[1];
    return answer[0] == pdu[0] ? 0 : EMBBADDATA;
}

static uint8_t *put_u16(uint8_t *at, int value)
{
    *at++ = (uint8_t)(value >> 8);
    *at++ = (uint8_t)value;
    return at;
}

static modbus_error read_raw(const struct modbus_link *link, int unit, int function, int address,
                             uint16_t *words, int count)
{
    uint8_t pdu[5] = {(uint8_t)function}, answer[MODBUS_PDU_MAX] = {0};
    size_t len = 0;
    put_u16(put_u16(pdu + 1, address), count);
    modbus_error error = ask_raw(link, (uint8_t)unit, pdu, sizeof pdu, answer, &len);
    if (!error && (len != 2 + 2 * (size_t)count || answer[1] != 2 * count))
        error = EMBBADDATA;
    for (int i = 0; !error && i < count; i++)
        words[i] = (uint16_t)(answer[2 + 2 * i] << 8 | answer[3 + 2 * i]);
    return error;
}

static modbus_error write_raw(const struct modbus_link *link, int unit, int function, int address,
                              const uint16_t *words, int count)
{
    uint8_t pdu[MODBUS_PDU_MAX] = {(uint8_t)function}, answer[MODBUS_PDU_MAX] = {0};
    uint8_t *at = put_u16(pdu + 1, address);
    if (function == 16) {
        at = put_u16(at, count);
        *at++ = (uint8_t)(2 * count);
        for (int i = 0; i < count; i++)
            at = put_u16(at, words[i]);
    } else {
        at = put_u16(at, function == COIL ? (words[0] ? COIL_ON << 8 : 0) : words[0]);
    }
    size_t len = 0;
    modbus_error error = ask_raw(link, (uint8_t)unit, pdu, (size_t)(at - pdu), answer, &len);
    if (!error && (len != 5 || memcmp(pdu, answer, len) != 0))
        error = EMBBADDATA;
    return error;
}

// ---- a request

static bool is_raw(const struct modbus_link *link, int unit)
{
    return link->settings.is_ascii
           || (unit > MOST_UNIT && unit != TO_DEVICE && is_tcp(link->settings.address));
}

static modbus_error read_once(const struct modbus_link *link, int unit, int function, int address,
                              uint16_t *words, int count)
{
    if (is_raw(link, unit))
        return read_raw(link, unit, function, address, words, count);
    int done = function == 4 ? modbus_read_input_registers(link->modbus, address, count, words)
                             : modbus_read_registers(link->modbus, address, count, words);
    return done == count ? 0 : errno;
}

static modbus_error write_once(const struct modbus_link *link, int unit, int function, int address,
                               const uint16_t *words, int count)
{
    if (is_raw(link, unit))
        return write_raw(link, unit, function, address, words, count);
    int done;
    assert(words);
    if (function == COIL)
        done = modbus_write_bit(link->modbus, address, words[0] != 0);
    else if (function == 6)
        done = modbus_write_register(link->modbus, address, words[0]);
    else
        done = modbus_write_registers(link->modbus, address, count, words);
    return done == count ? 0 : errno;
}

static modbus_error connect_it(struct modbus_link *link)
{
    if (link->is_connected)
        return 0;
    if (modbus_connect(link->modbus))
        return errno;
    link->is_connected = true;
    link->connection++;
    return 0;
}

static void rest(const struct modbus_link *link)
{
    int64_t ns = link->rest_until_ns - now_ns();
    if (ns > 0)
        nanosleep(&(struct timespec){ns / SECONDS_NS, (long)(ns % SECONDS_NS)}, NULL);
}

// The request itself, in its turn.
struct request {
    int unit, function, address;
    uint16_t *in;        // NULL: it writes
    const uint16_t *out; // NULL: it reads
    int count;
};

static modbus_error ask_once(struct modbus_link *link, const struct request *request)
{
    modbus_error error = connect_it(link);
    if (error)
        return error;
    rest(link);
    if (!is_raw(link, request->unit) && modbus_set_slave(link->modbus, request->unit))
        error = errno;
    else if (request->in)
        error = read_once(link, request->unit, request->function, request->address, request->in,
                          request->count);
    else
        error = write_once(link, request->unit, request->function, request->address, request->out,
                           request->count);
    link->rest_until_ns = now_ns() + link->settings.gap_ms * 1000000;
    return error;
}

static modbus_error ask(struct modbus_link *link, const struct request *request)
{
    assert(request->count > 0 && request->count <= REGISTERS_PER_REQUEST);
    pthread_mutex_lock(&link->lock);
    modbus_error error = ask_once(link, request);
    if (link->settings.twice && link->is_connected)
        error = ask_once(link, request);
    if (error && !modbus_link_is_exception(error))
        hang_up(link);
    pthread_mutex_unlock(&link->lock);
    return error;
}

modbus_error modbus_link_connect(struct modbus_link *link, uint64_t *connection)
{
    pthread_mutex_lock(&link->lock);
    modbus_error error = connect_it(link);
    *connection = link->connection;
    pthread_mutex_unlock(&link->lock);
    return error;
}

modbus_error modbus_link_read(struct modbus_link *link, int unit, int function, int address,
                              uint16_t *words, int count)
{
    const struct request request = {unit, function, address, .in = words, .count = count};
    return ask(link, &request);
}

modbus_error modbus_link_write(struct modbus_link *link, int unit, int function, int address,
                               const uint16_t *words, int count)
{
    const struct request request = {unit, function, address, .out = words, .count = count};
    return ask(link, &request);
}
