// SPDX-License-Identifier: Apache-2.0

#include "services/audit/limit_order.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/parameter.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { WATTS_MAX = 1000000000, DAY_S = 86400 };

static enum err wrong(char **fault, enum err err, const char *member, const char *what)
{
    *fault = *member ? memory_format("%s: %s", member, what) : memory_text(what);
    return err;
}

static bool is_known(const char *name)
{
    static const char *const names[] = {"transformer",  "feeder", "charger", "phase_w",
                                        "connection_w", "until",  "reason"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static enum err check_names(json_t *object, char **fault)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (!is_known(name))
            return wrong(fault, ERR_SYNTAX, "", "there is a member that is not known");
    }
    return ERR_NONE;
}

// Exactly one of the members named.
static enum err pick(const json_t *object, const char *const *names, const char **name,
                     char **fault)
{
    *name = NULL;
    for (int i = 0; names[i]; i++) {
        if (!json_object_get(object, names[i]))
            continue;
        if (*name)
            return wrong(fault, ERR_SYNTAX, names[i], "only one of its kind may be given");
        *name = names[i];
    }
    return *name ? ERR_NONE : wrong(fault, ERR_SYNTAX, names[0], "or one like it must be given");
}

static enum err read_place(const json_t *object, struct limit_order *order, char **fault)
{
    static const char *const names[] = {"transformer", "feeder", "charger", NULL};
    enum err err = pick(object, names, &order->place, fault);
    if (err)
        return err;
    const char *id = json_string_value(json_object_get(object, order->place));
    char value[PARAMETER_MAX + 1];
    if (!id || parameter_parse(PARAMETER_IDENTIFIER, id, value))
        return wrong(fault, ERR_SYNTAX, order->place, parameter_form(PARAMETER_IDENTIFIER));
    snprintf(order->id, sizeof order->id, "%.*s", LIMIT_ID_MAX, value);
    return ERR_NONE;
}

static enum err read_power(const json_t *object, struct limit_order *order, char **fault)
{
    static const char *const names[] = {"phase_w", "connection_w", NULL};
    const char *name;
    enum err err = pick(object, names, &name, fault);
    if (err)
        return err;
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value))
        return wrong(fault, ERR_SYNTAX, name, "a whole number of W");
    json_int_t watts = json_integer_value(value);
    if (watts < 0 || watts > WATTS_MAX)
        return wrong(fault, ERR_RANGE, name, "0 to 1000000000 W");
    order->per = name == names[0] ? "phase" : "connection";
    order->limit_w = (int32_t)watts;
    return ERR_NONE;
}

static enum err read_end(const json_t *object, int64_t now, struct limit_order *order, char **fault)
{
    const char *until = json_string_value(json_object_get(object, "until"));
    if (!until || rfc3339_parse(until, strlen(until), &order->until))
        return wrong(fault, ERR_SYNTAX, "until", parameter_form(PARAMETER_TIME));
    if (order->until <= now || order->until > now + LIMIT_DAYS_MAX * DAY_S)
        return wrong(fault, ERR_RANGE, "until", "in the future, within 31 days");
    return ERR_NONE;
}

static enum err read_reason(const json_t *object, struct limit_order *order, char **fault)
{
    const char *reason = json_string_value(json_object_get(object, "reason"));
    if (!reason || !reason[strspn(reason, " ")] || strlen(reason) > LIMIT_REASON_MAX)
        return wrong(fault, ERR_SYNTAX, "reason", "1 to 300 octets, not only blanks");
    for (const char *at = reason; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return wrong(fault, ERR_SYNTAX, "reason", "one line");
    snprintf(order->reason, sizeof order->reason, "%s", reason);
    return ERR_NONE;
}

enum err limit_order_read(const char *text, size_t len, int64_t now, struct limit_order *order,
                          char **fault)
{
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    struct limit_order read = {0};
    enum err err = ERR_NONE;
    *fault = NULL;
    if (!json_is_object(object))
        err = wrong(fault, ERR_SYNTAX, "", "a JSON object is wanted");
    if (!err)
        err = check_names(object, fault);
    if (!err)
        err = read_place(object, &read, fault);
    if (!err)
        err = read_power(object, &read, fault);
    if (!err)
        err = read_end(object, now, &read, fault);
    if (!err)
        err = read_reason(object, &read, fault);
    if (!err)
        *order = read;
    json_decref(object);
    return err;
}
