// SPDX-License-Identifier: Apache-2.0

#include "gateway/commission.h"
#include "gateway/charger_wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 48, LEAVE = -1 };

// One charger, and the numbers that it is to have; LEAVE: as it is.
struct job {
    const struct commission_settings *settings;
    struct charger_type type; // at its point; borrows the texts
    struct modbus_link *link;
    int unit;
    int64_t timeout, fallback;
    FILE *out;
};

// ---- numbers

static struct amperes_scale fallback_scale(const struct charger_type *type)
{
    return (struct amperes_scale){
        .unit = type->fallback_unit,
        .step_micro = type->fallback.write.step_micro,
        .least = type->fallback.least,
        .most = type->fallback.most,
    };
}

// Both as numbers of the type.
static const char *numbers_of(const struct commission_settings *settings,
                              const struct charger_type *type, int64_t *timeout, int64_t *fallback)
{
    *timeout = *fallback = LEAVE;
    if (settings->watchdog_s && type->watchdog.write.address == CHARGER_NOWHERE)
        return "watchdog_s: the type has no register for it";
    if (settings->watchdog_s && charger_type_watchdog_number(type, settings->watchdog_s, timeout))
        return "watchdog_s: the type does not take that";
    if (settings->fallback_w < 0)
        return NULL;
    if (type->fallback.write.address == CHARGER_NOWHERE)
        return "fallback_w: the type has no register for it";
    const struct amperes_scale scale = fallback_scale(type);
    *fallback = amperes_from_watts(&scale, &settings->chargers.connection, false,
                                   (int32_t)settings->fallback_w)
                    .raw;
    return NULL;
}

const char *commission_fault(const struct commission_settings *settings)
{
    int64_t timeout, fallback;
    if (!settings->watchdog_s && settings->fallback_w < 0)
        return "neither watchdog_s nor fallback_w is set";
    return numbers_of(settings, settings->chargers.type, &timeout, &fallback);
}

static void timeout_text(const struct charger_type *type, int64_t number, char text[static TEXT])
{
    int64_t seconds = charger_type_watchdog_s(type, number);
    if (number == type->watchdog_off)
        snprintf(text, TEXT, "off");
    else if (seconds == CHARGER_NOWHERE)
        snprintf(text, TEXT, "unknown (%lld)", (long long)number);
    else
        snprintf(text, TEXT, "%lld s", (long long)seconds);
}

static void fallback_text(const struct job *job, int64_t number, char text[static TEXT])
{
    const struct amperes_scale scale = fallback_scale(&job->type);
    char raw[TEXT / 2];
    amperes_describe(&scale, number, raw, sizeof raw);
    snprintf(text, TEXT, "%d W (%s)",
             amperes_to_watts(&scale, &job->settings->chargers.connection, number), raw);
}

// ---- requests

static bool failed(const struct job *job, const char *what, modbus_error error)
{
    char reason[MODBUS_LINK_REASON];
    if (!error)
        return false;
    modbus_link_explain(what, error, reason);
    fprintf(job->out, "  failed: %s\n", reason);
    return true;
}

// What stands there now; LEAVE for what is not to be touched.
static bool read_both(const struct job *job, int64_t *timeout, int64_t *fallback)
{
    *timeout = *fallback = LEAVE;
    if (job->timeout != LEAVE
        && failed(job, "read of the watchdog",
                  charger_wire_read(job->link, job->unit, &job->type.watchdog.read, timeout)))
        return false;
    return job->fallback == LEAVE
           || !failed(job, "read of the fallback",
                      charger_wire_read(job->link, job->unit, &job->type.fallback.read, fallback));
}

static bool write_switch(const struct job *job, const char *what, const struct charger_switch *one)
{
    return one->address == CHARGER_NOWHERE
           || !failed(job, what, charger_wire_switch(job->link, job->unit, one, true));
}

// The fallback first: from then on silence is bounded by it.
static bool write_both(const struct job *job, int64_t timeout, int64_t fallback)
{
    const struct charger_type *type = &job->type;
    if (job->fallback != fallback
        && failed(job, "write of the fallback",
                  charger_wire_write(job->link, job->unit, &type->fallback.write, job->fallback)))
        return false;
    if (job->timeout != timeout
        && failed(job, "write of the watchdog",
                  charger_wire_write(job->link, job->unit, &type->watchdog.write, job->timeout)))
        return false;
    return write_switch(job, "arming of the watchdog", &type->arm)
           && write_switch(job, "keeping it over a power cut", &type->commit);
}

static bool is_plausible(const struct job *job)
{
    const struct charger_type *type = &job->type;
    int64_t shown = 0;
    if (type->probe.address == CHARGER_NOWHERE)
        return true;
    if (failed(job, "probe", charger_wire_read(job->link, job->unit, &type->probe, &shown)))
        return false;
    if (shown >= type->probe_least && shown <= type->probe_most)
        return true;
    fprintf(job->out, "  failed: register %lld does not look like a %s\n",
            (long long)type->probe.address, type->name);
    return false;
}

// ---- the conversation

static void show(const struct job *job, int64_t timeout, int64_t fallback, const char *verb)
{
    char now[TEXT], then[TEXT];
    const struct charger_type *type = &job->type;
    if (job->timeout != LEAVE) {
        timeout_text(type, timeout, now);
        timeout_text(type, job->timeout, then);
        fprintf(job->out, "  watchdog, register %lld: is %s, %s %s\n",
                (long long)type->watchdog.write.address, now, verb, then);
    }
    if (job->fallback != LEAVE) {
        fallback_text(job, fallback, now);
        fallback_text(job, job->fallback, then);
        fprintf(job->out, "  fallback, register %lld: is %s, %s %s\n",
                (long long)type->fallback.write.address, now, verb, then);
    }
}

static bool is_agreed(const struct job *job, FILE *in)
{
    char answer[16];
    if (!job->settings->asks)
        return true;
    if (job->type.commit.address != CHARGER_NOWHERE)
        fprintf(job->out, "  and register %lld keeps it over a power cut, which wears its memory\n",
                (long long)job->type.commit.address);
    fprintf(job->out, "write this? [y/N] ");
    fflush(job->out);
    return fgets(answer, sizeof answer, in) && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool settle(const struct job *job, FILE *in)
{
    int64_t timeout, fallback;
    if (!is_plausible(job) || !read_both(job, &timeout, &fallback))
        return false;
    show(job, timeout, fallback, "to be");
    if (timeout == job->timeout && fallback == job->fallback) {
        fprintf(job->out, "  as it should be: nothing written\n");
        return true;
    }
    if (!is_agreed(job, in)) {
        fprintf(job->out, "  nothing written\n");
        return false;
    }
    if (!write_both(job, timeout, fallback) || !read_both(job, &timeout, &fallback))
        return false;
    show(job, timeout, fallback, "was to be");
    bool is_right = timeout == job->timeout && fallback == job->fallback;
    fprintf(job->out, is_right ? "  written and read back\n" : "  failed: not as it was written\n");
    return is_right;
}

static bool settle_at(const struct commission_settings *settings,
                      const struct charger_address *address, FILE *in, FILE *out)
{
    struct job job = {.settings = settings, .type = *settings->chargers.type, .out = out};
    enum err err = charger_type_at_point(&job.type, address->point);
    assert(!err); // charger_group_fault() was asked
    job.unit = address->unit >= 0 ? address->unit : settings->chargers.unit;
    numbers_of(settings, &job.type, &job.timeout, &job.fallback);
    struct modbus_link_settings way = settings->chargers.way;
    way.address = address->where;
    job.link = modbus_link_new(&way);
    fprintf(out, "%s, unit %d, point %lld: %s\n", address->where, job.unit,
            (long long)address->point, job.type.name);
    bool is_done = settle(&job, in);
    modbus_link_free(job.link);
    return is_done;
}

bool commission_run(const struct commission_settings *settings, FILE *in, FILE *out)
{
    const char *list = settings->chargers.addresses;
    struct charger_address address;
    bool all = true;
    while (!charger_address_read(&list, &address)) {
        all &= settle_at(settings, &address, in, out);
        free(address.where);
    }
    return all;
}
