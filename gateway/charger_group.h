// SPDX-License-Identifier: Apache-2.0
// The chargers behind one meter, mostly just one, and the limit that they share. It holds when
// all have confirmed theirs. Where one gets more and another less, the one that gets more
// waits until the other has less.
//
// A limit in watts becomes amperes by the voltage: the highest that is likely or, by setting,
// the highest measured lately, see gateway/voltage_bound.h.

#ifndef GATEWAY_CHARGER_GROUP_H
#define GATEWAY_CHARGER_GROUP_H

#include "gateway/charger.h"
#include "gateway/socket_share.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHARGER_GROUP_MAX = SOCKET_SHARE_MAX, CHARGER_GROUP_TEXT = 80, CHARGER_GROUP_REASON = 200 };

struct charger_group_settings {
    const struct charger_type *type;
    const char *addresses;                // see charger_address_read(); blanks between several
    struct modbus_link_settings way;      // without the address
    int unit;                             // where an address names none
    int64_t rewrite_s, watch_s;           // see struct charger_settings
    struct amperes_connection connection; // of each
    struct amperes_bounds bounds;         // of the phases of each charger, all of them together
    bool hold_least;                      // see amperes_from_watts()
    bool measures_voltage;
};

// An address of one charger: "tcp://host[:port]" or a device, then perhaps "#" and its Modbus
// unit, then perhaps "@" and its charging point, 1 for the first.
struct charger_address {
    char *where; // owned
    int unit;    // -1: not told
    int64_t point;
};

// Read the next of a list, which moves on behind it. ERR_MORE: there is no other. ERR_SYNTAX:
// unit or point is no number.
MUST_CHECK enum err charger_address_read(const char **list, struct charger_address *address);

// NULL, or what is wrong with the addresses for this type, a text that stays.
const char *charger_group_fault(const struct charger_group_settings *settings);

// What the group tells. Texts are borrowed for the call.
struct charger_group_report {
    enum charger_news news;
    const char *address;             // of whom; NULL: CONFIRMED is of all
    bool is_current;                 // about the limit that is wanted now
    int32_t limit_w;                 // of the group
    const char *shown;               // CONFIRMED: the registers, "60 x 100 W"
    int32_t shown_w;                 // CONFIRMED: what they allow in all
    const char *reason;              // REFUSED, FAILED
    int64_t written, found;          // FORGOT: numbers
    int64_t watchdog_ms, fallback_w; // FOUND; -1: not known
};

// One of them, for who looks at it. Texts are borrowed until the loop goes on.
struct charger_group_member {
    const char *address, *state;
    bool is_confirmed;
    char shown[40]; // what it is to have
    int32_t watts;
    const char *reason; // why it is not confirmed; "": it is, or has not answered yet
};

struct charger_group;

// Settings are borrowed for its life. Owned: charger_group_free().
struct charger_group *
charger_group_new(struct loop *loop, const struct charger_group_settings *settings,
                  void (*report)(void *arg, const struct charger_group_report *report), void *arg);
void charger_group_free(struct charger_group *group);

// From now on at most limit_w in all.
void charger_group_want(struct charger_group *group, int32_t limit_w);

// A voltage of a phase was measured.
void charger_group_voltage(struct charger_group *group, int64_t voltage_mv);

int charger_group_count(const struct charger_group *group);
struct charger_group_member charger_group_member(const struct charger_group *group, int i);

#endif
