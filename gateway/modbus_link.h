// SPDX-License-Identifier: Apache-2.0
// The way to one or several Modbus servers: a TCP connection, or a serial line as RTU or
// ASCII. Any thread may ask; the requests of several take turns, so that units on one line, or
// sockets behind one address, can be minded by a thread each.
//
// Each call waits for its answer, at most the time-out, and for the rest between requests.

#ifndef GATEWAY_MODBUS_LINK_H
#define GATEWAY_MODBUS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODBUS_LINK_REASON = 128 };

struct modbus_link_settings {
    const char *address; // "tcp://host[:port]" or the device of a serial line
    const char *line;    // serial: "19200/8E1"
    bool is_ascii;       // serial
    int64_t port;        // where the address names none
    int64_t timeout_ms;  // machine time for one answer
    int64_t gap_ms;      // machine time of rest between two requests
    bool twice;          // send each request twice and heed the second answer
};

struct modbus_link;

// NULL, or what is wrong with the address.
const char *modbus_link_fault(const char *address);

// Is it like "19200/8E1"?
bool modbus_link_line_is_sound(const char *line);

// Copies what it needs. Does not connect yet. Owned: modbus_link_free().
struct modbus_link *modbus_link_new(const struct modbus_link_settings *settings);
void modbus_link_free(struct modbus_link *link);

// What went wrong with a request; 0: nothing. See modbus_link_explain().
typedef int modbus_error;

// Connect unless it is. The number of the connection goes to connection: another one than
// before means that the other side may have been restarted.
modbus_error modbus_link_connect(struct modbus_link *link, uint64_t *connection);

// Ask. When no connection can be had, or what comes back is no answer, the connection is
// closed: it might still come, and must not be taken for another.
modbus_error modbus_link_read(struct modbus_link *link, int unit, int function, int address,
                              uint16_t *words, int count);
modbus_error modbus_link_write(struct modbus_link *link, int unit, int function, int address,
                               const uint16_t *words, int count); // function 5: a coil

// An exception is an answer; a passing one means "ask again", not "no".
bool modbus_link_is_exception(modbus_error error);
bool modbus_link_is_passing(modbus_error error);

// "write of the limit: exception 2, illegal data address".
void modbus_link_explain(const char *what, modbus_error error,
                         char reason[static MODBUS_LINK_REASON]);

#endif
