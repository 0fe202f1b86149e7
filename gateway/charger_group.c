// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger_group.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/voltage_bound.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct member {
    struct charger_group *group;
    struct charger_address address;
    struct charger_type type; // at its point; borrows the texts of the group's
    struct charger *charger;
    struct amperes_value value; // that it is to have
    int64_t tag;                // of the wish that says so; 0: none yet
    bool is_asked;              // it was told
    bool is_confirmed;
    int32_t holds_w; // at most, as far as was confirmed; INT32_MAX: anything
    char state[CHARGER_STATE], reason[CHARGER_REASON];
};

struct charger_group {
    const struct charger_group_settings *settings;
    void (*report)(void *arg, const struct charger_group_report *report);
    void *arg;
    struct modbus_link *links[CHARGER_GROUP_MAX];
    int link_count;
    struct member members[CHARGER_GROUP_MAX];
    int count;
    struct loop_timer *turn_timer;
    bool is_wanted;
    int32_t limit_w;
    int64_t turn, tag;
    struct voltage_bound voltage;
};

// ---- addresses

// The number after a mark within an address, which is cut off there; otherwise where there is
// none.
static enum err cut_number(char *where, char mark, int64_t otherwise, int64_t *number)
{
    char *at = strrchr(where, mark);
    *number = otherwise;
    if (!at)
        return ERR_NONE;
    char *end;
    *number = strtol(at + 1, &end, 10);
    bool is_number = end != at + 1 && !*end && *number >= 0;
    *at = '\0';
    return is_number ? ERR_NONE : ERR_SYNTAX;
}

enum err charger_address_read(const char **list, struct charger_address *address)
{
    *list += strspn(*list, " \t");
    size_t len = strcspn(*list, " \t");
    if (!len)
        return ERR_MORE;
    char *where = memory_text_n(*list, len);
    int64_t unit = -1, point = 1;
    enum err err = cut_number(where, '@', 1, &point);
    if (!err)
        err = cut_number(where, '#', -1, &unit);
    if (!err && unit > 255)
        err = ERR_SYNTAX;
    if (err) {
        free(where);
        return err;
    }
    *list += len;
    *address = (struct charger_address){where, (int)unit, point};
    return ERR_NONE;
}

static bool is_tcp(const char *where)
{
    return !strncmp(where, "tcp:", 4);
}

static const char *address_fault(const struct charger_group_settings *settings,
                                 const struct charger_address *address)
{
    struct charger_type type = *settings->type;
    int unit = address->unit >= 0 ? address->unit : settings->unit;
    if (unit < 0)
        return "each of this type has its own unit: name it";
    if (is_tcp(address->where) && type.has_ascii)
        return "the type is on a serial line";
    if (!is_tcp(address->where) && unit > 247)
        return "unit above 247, which a serial line does not have";
    if (charger_type_at_point(&type, address->point))
        return "the type has no such charging point";
    return modbus_link_fault(address->where);
}

const char *charger_group_fault(const struct charger_group_settings *settings)
{
    const char *list = settings->addresses, *fault = NULL;
    struct charger_address address;
    enum err err = ERR_NONE;
    int count = 0;
    while (!fault && !(err = charger_address_read(&list, &address))) {
        fault = address_fault(settings, &address);
        free(address.where);
        count++;
    }
    if (fault)
        return fault;
    if (err != ERR_MORE)
        return "not like ADDRESS#UNIT@POINT";
    return count == 0 ? "must be given" : count > CHARGER_GROUP_MAX ? "are too many" : NULL;
}

// ---- shares

static struct amperes_connection connection_of(const struct charger_group *group)
{
    struct amperes_connection connection = group->settings->connection;
    if (group->settings->measures_voltage)
        connection.voltage_mv =
            voltage_bound_mv(&group->voltage, clock_mono(), connection.voltage_mv);
    return connection;
}

static void ask(struct member *member)
{
    struct charger_wish wish = {
        .raw = member->value.raw, .paused = member->value.paused, .tag = member->tag};
    memcpy(wish.phase, member->value.phase, sizeof wish.phase);
    member->is_asked = true;
    charger_want(member->charger, &wish);
}

// Tell all that get less, and when these have it, all that get more.
static void ask_next(struct charger_group *group)
{
    bool waits = false;
    for (int i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];
        bool is_less = member->value.watts <= member->holds_w;
        if (is_less && !member->is_asked)
            ask(member);
        waits |= is_less && !member->is_confirmed && member->value.watts < member->holds_w
                 && member->holds_w != INT32_MAX;
    }
    for (int i = 0; i < group->count && !waits; i++)
        if (!group->members[i].is_asked)
            ask(&group->members[i]);
}

// What each is to have; true when they take turns.
static bool values_of(const struct charger_group *group,
                      struct amperes_value values[static CHARGER_GROUP_MAX])
{
    const struct charger_group_settings *settings = group->settings;
    const struct amperes_connection connection = connection_of(group);
    const struct amperes_scale *scale = &settings->type->scale;
    int32_t share_w[SOCKET_SHARE_MAX];
    int32_t least_w = settings->hold_least ? 0 : amperes_to_watts(scale, &connection, scale->least);
    bool takes_turns = socket_share(group->limit_w, group->count, least_w, group->turn, share_w);
    struct amperes_bounds bounds = settings->bounds;
    for (int p = 0; p < AMPERES_PHASES; p++)
        if (bounds.ma[p] != AMPERES_UNBOUND)
            bounds.ma[p] /= group->count;
    for (int i = 0; i < group->count; i++) {
        int64_t rated_w = connection.rated_w;
        int32_t own_w = share_w[i] < rated_w ? share_w[i] : (int32_t)rated_w;
        values[i] = amperes_from_bounded(scale, &connection, settings->hold_least,
                                         settings->type->numbers > 1, &bounds, own_w);
    }
    return takes_turns;
}

static void share(struct charger_group *group)
{
    struct amperes_value values[CHARGER_GROUP_MAX];
    bool takes_turns = values_of(group, values);
    group->tag++; // what is the same but for the limit that it comes from is confirmed anew
    for (int i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];
        member->value = values[i];
        member->tag = group->tag;
        member->is_asked = member->is_confirmed = false;
    }
    ask_next(group);
    if (takes_turns)
        loop_timer_in(group->turn_timer, QUARTER_S * SECONDS_NS);
    else
        loop_timer_stop(group->turn_timer);
}

static void on_turn(void *arg)
{
    struct charger_group *group = arg;
    group->turn++;
    share(group);
}

void charger_group_want(struct charger_group *group, int32_t limit_w)
{
    group->is_wanted = true;
    group->limit_w = limit_w;
    share(group);
}

void charger_group_voltage(struct charger_group *group, int64_t voltage_mv)
{
    const struct charger_group_settings *settings = group->settings;
    if (!settings->measures_voltage)
        return;
    voltage_bound_take(&group->voltage, clock_mono(), voltage_mv);
    struct amperes_value values[CHARGER_GROUP_MAX];
    if (!group->is_wanted)
        return;
    values_of(group, values);
    for (int i = 0; i < group->count; i++)
        if (memcmp(values[i].phase, group->members[i].value.phase, sizeof values[i].phase) != 0) {
            share(group);
            return;
        }
}

// ---- reports

static void describe(const struct member *member, char *text, size_t room)
{
    char number[32], others[48] = "";
    const struct amperes_value *value = &member->value;
    amperes_describe(&member->type.scale, value->raw, number, sizeof number);
    bool is_even = value->phase[0] == value->phase[1] && value->phase[1] == value->phase[2];
    if (member->type.numbers > 1 && !is_even)
        snprintf(others, sizeof others, " (%lld, %lld, %lld)", (long long)value->phase[0],
                 (long long)value->phase[1], (long long)value->phase[2]);
    bool has_switch = member->type.pause.address != CHARGER_NOWHERE;
    snprintf(text, room, "%s%s%s", number, others, value->paused && has_switch ? ", paused" : "");
}

// When all have confirmed, so has the group.
static void report_all(struct charger_group *group)
{
    char shown[CHARGER_GROUP_TEXT] = "", one[40];
    struct charger_group_report report = {
        .news = CHARGER_CONFIRMED, .is_current = true, .limit_w = group->limit_w, .shown = shown};
    size_t len = 0;
    for (int i = 0; i < group->count; i++) {
        const struct member *member = &group->members[i];
        if (!member->is_confirmed)
            return;
        report.shown_w += member->value.watts;
        describe(member, one, sizeof one);
        if (len < sizeof shown)
            len += (size_t)snprintf(shown + len, sizeof shown - len, "%s%s", len ? " + " : "", one);
    }
    group->report(group->arg, &report);
}

static void on_report(void *arg, const struct charger_report *from)
{
    struct member *member = arg;
    struct charger_group *group = member->group;
    bool is_current = member->is_asked && from->wish.tag == member->tag;
    char reason[CHARGER_GROUP_REASON];
    bool is_bad = from->news == CHARGER_REFUSED || from->news == CHARGER_FAILED;
    memcpy(member->state, from->state, sizeof member->state);
    if (from->news == CHARGER_CONFIRMED && is_current) {
        member->is_confirmed = true;
        member->holds_w = member->value.watts;
        member->reason[0] = '\0';
        ask_next(group);
        report_all(group);
        return;
    }
    if (from->news == CHARGER_CONFIRMED)
        return;
    snprintf(reason, sizeof reason, "%s%s%s", group->count > 1 ? member->address.where : "",
             group->count > 1 ? ": " : "", from->reason);
    if (is_bad) {
        member->is_confirmed = false;
        memcpy(member->reason, from->reason, sizeof member->reason);
    }
    const struct charger_group_report report = {
        .news = from->news,
        .address = member->address.where,
        .is_current = is_current,
        .limit_w = group->limit_w,
        .reason = reason,
        .written = from->wish.raw,
        .found = from->shown,
        .watchdog_ms = from->watchdog_ms,
        .fallback_w = from->fallback_w,
    };
    group->report(group->arg, &report);
}

// ---- life

// Sockets behind one address share their way there.
static struct modbus_link *link_to(struct charger_group *group, const char *where)
{
    for (int i = 0; i < group->count; i++)
        if (!strcmp(group->members[i].address.where, where))
            return group->links[i];
    struct modbus_link_settings way = group->settings->way;
    way.address = where;
    return modbus_link_new(&way);
}

static void add(struct charger_group *group, struct loop *loop,
                const struct charger_address *address)
{
    const struct charger_group_settings *settings = group->settings;
    struct member *member = &group->members[group->count];
    *member = (struct member){
        .group = group, .address = *address, .type = *settings->type, .holds_w = INT32_MAX};
    enum err err = charger_type_at_point(&member->type, address->point);
    assert(!err); // charger_group_fault() was asked
    const struct charger_settings one = {
        .type = &member->type,
        .link = link_to(group, address->where),
        .unit = address->unit >= 0 ? address->unit : settings->unit,
        .rewrite_s = settings->rewrite_s,
        .watch_s = settings->watch_s,
        .connection = settings->connection,
    };
    group->links[group->count++] = one.link;
    member->charger = charger_new(loop, &one, on_report, member);
}

struct charger_group *
charger_group_new(struct loop *loop, const struct charger_group_settings *settings,
                  void (*report)(void *arg, const struct charger_group_report *report), void *arg)
{
    struct charger_group *group = memory_new(1, sizeof *group);
    group->settings = settings;
    group->report = report;
    group->arg = arg;
    group->turn_timer = loop_timer_new(loop, on_turn, group);
    const char *list = settings->addresses;
    struct charger_address address;
    while (group->count < CHARGER_GROUP_MAX && !charger_address_read(&list, &address))
        add(group, loop, &address);
    return group;
}

void charger_group_free(struct charger_group *group)
{
    if (!group)
        return;
    for (int i = 0; i < group->count; i++)
        charger_free(group->members[i].charger);
    if (group->settings->type->silence == CHARGER_OPENS)
        log_warn("charger.left", F("type", group->settings->type->name),
                 F("why", "it opens up when it hears nothing"));
    for (int i = 0; i < group->count; i++) {
        bool is_shared = false;
        for (int j = 0; j < i; j++)
            is_shared |= group->links[j] == group->links[i];
        if (!is_shared)
            modbus_link_free(group->links[i]);
    }
    for (int i = 0; i < group->count; i++)
        free(group->members[i].address.where);
    loop_timer_free(group->turn_timer);
    free(group);
}

int charger_group_count(const struct charger_group *group)
{
    return group->count;
}

struct charger_group_member charger_group_member(const struct charger_group *group, int i)
{
    const struct member *member = &group->members[i];
    struct charger_group_member shown = {
        .address = member->address.where,
        .state = member->state,
        .is_confirmed = member->is_confirmed,
        .watts = member->value.watts,
        .reason = member->reason,
    };
    describe(member, shown.shown, sizeof shown.shown);
    return shown;
}
