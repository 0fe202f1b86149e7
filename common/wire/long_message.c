// SPDX-License-Identifier: Apache-2.0

#include "wire/long_message.h"
#include "wire/dsmr_time.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ACTION "EBGDirectControl"
enum {
    MAX_DEPTH = 8,           // ours is four deep
    DECIMAL_LEN = 10,        // digits of an int32_t
    NAME_SHOWN = 48,         // characters of a text from outside that a reason repeats
    OPTIONAL_BLANKS_LEN = 4, // " \t\r\n"
};
static const char OPTIONAL_BLANKS[OPTIONAL_BLANKS_LEN + 1] = " \t\r\n";

// Members of a period beside Start, in the order in which they are written.
static const struct member {
    char name[16];
    enum profile_field field;
    bool power; // in the message's unit of power
} members[] = {
    {"MxPwr", PROFILE_MAX_POWER, true},
    {"LoadReduct", PROFILE_LOAD_REDUCT, false},
    {"MxPhaseImbal", PROFILE_MAX_PHASE_IMBALANCE, false},
    {"MxPwrFallbck", PROFILE_FALLBACK_POWER, true},
    {"SetPointFallbck", PROFILE_FALLBACK_PERCENT, false},
    {"RefreshInterv", PROFILE_REFRESH_INTERVAL, false},
};
enum { MEMBERS = sizeof members / sizeof *members };

static int32_t unit_of(const struct member *member, enum long_message_unit unit)
{
    return member->power ? (int32_t)unit : 1;
}

// ---- writing

// Text in room octets; len counts on when they are full.
struct out {
    char *text;
    size_t len, room;
};

static void put_n(struct out *out, const char *text, size_t len)
{
    if (out->len + len <= out->room)
        memcpy(out->text + out->len, text, len);
    out->len += len;
}

static void put(struct out *out, const char *text)
{
    put_n(out, text, strlen(text));
}

static void put_name(struct out *out, const char *name)
{
    put(out, "\"");
    put(out, name);
    put(out, "\":");
}

static void put_time(struct out *out, const char *name, int64_t utc)
{
    char time[DSMR_TIME_LEN + 1];
    dsmr_time_format(utc, dsmr_time_is_summer(utc), time);
    put_name(out, name);
    put(out, "\"");
    put_n(out, time, DSMR_TIME_LEN);
    put(out, "\"");
}

static void put_number(struct out *out, int32_t value)
{
    assert(value >= 0);
    char digits[DECIMAL_LEN];
    int at = DECIMAL_LEN;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    put_n(out, digits + at, (size_t)(DECIMAL_LEN - at));
}

static void put_period(struct out *out, const struct profile_period *period,
                       enum long_message_unit unit)
{
    put(out, "{");
    put_time(out, "Start", period->start);
    for (int m = 0; m < MEMBERS; m++)
        if (profile_has(&period->set, members[m].field)) {
            put(out, ",");
            put_name(out, members[m].name);
            put_number(out, period->set.value[members[m].field] / unit_of(&members[m], unit));
        }
    put(out, "}");
}

static void put_profile(struct out *out, const struct profile *profile, enum long_message_unit unit)
{
    put(out, "{\"Header\":{\"Action\":\"" ACTION "\",");
    put_time(out, "ValidFrom", profile->valid_from);
    put(out, ",");
    put_time(out, "ValidTo", profile->valid_to);
    put(out, "},\"Body\":{\"Period\":[");
    for (int i = 0; i < profile->count; i++) {
        if (i > 0)
            put(out, ",");
        put_period(out, &profile->periods[i], unit);
    }
    put(out, "]}}");
}

static void round_down(struct profile *profile, enum long_message_unit unit)
{
    for (int i = 0; i < profile->count; i++)
        for (int m = 0; m < MEMBERS; m++) {
            int32_t *value = &profile->periods[i].set.value[members[m].field];
            *value -= *value % unit_of(&members[m], unit);
        }
}

enum err long_message_write(const struct profile *profile, enum long_message_unit unit,
                            size_t reserved, char text[static LONG_MESSAGE_MAX + 1],
                            struct profile *written)
{
    char reason[PROFILE_REASON];
    struct profile fitted = *profile;
    profile_normalise(&fitted);
    if (profile_check(&fitted, reason))
        return ERR_RANGE;
    round_down(&fitted, unit);

    char room[LONG_MESSAGE_MAX];
    struct out out = {.text = room};
    for (int most = LONG_MESSAGE_MAX_PERIODS; most > 0; most = fitted.count - 1) {
        profile_fit(&fitted, most);
        out.len = 0;
        out.room = reserved < sizeof room ? sizeof room - reserved : 0;
        put_profile(&out, &fitted, unit);
        if (out.len <= out.room)
            break;
    }
    if (out.len > out.room)
        return ERR_SIZE;
    memcpy(text, room, out.len);
    text[out.len] = '\0';
    *written = fitted;
    return ERR_NONE;
}

// ---- reading

// Name what is wrong; and to end a reader with, as it is false.
#define explain(message, ...) snprintf((message)->reason, sizeof(message)->reason, __VA_ARGS__)
#define fail(message, ...) (explain(message, __VA_ARGS__), false)

static void tolerate(struct long_message *message, enum long_message_oddity oddity)
{
    message->oddities |= 1U << oddity;
}

// A name from outside, cut and made fit for a reason.
static const char *shown(const char *name, char room[static NAME_SHOWN + 1])
{
    size_t len = strnlen(name, NAME_SHOWN);
    for (size_t i = 0; i < len; i++)
        room[i] = (char)(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
    room[len] = '\0';
    return room;
}

static bool is_empty(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\0' && text[i] != ' ')
            return false;
    return true;
}

// What keeps text from being given to the JSON parser, or NULL.
static const char *text_fault(const char *text, size_t len)
{
    if (len > LONG_MESSAGE_MAX)
        return "longer than 1024 octets";
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if ((c < ' ' || c > '~') && !(c != '\0' && strchr(OPTIONAL_BLANKS, c)))
            return "octets that are not ASCII text";
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > MAX_DEPTH)
            return "nested too deep";
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return NULL;
}

static bool read_time(const json_t *object, const char *path, const char *name,
                      struct long_message *message, int64_t *utc)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return fail(message, "%s.%s: missing", path, name);
    const char *text = json_string_value(value);
    if (!text || strlen(text) != DSMR_TIME_LEN)
        return fail(message, "%s.%s: not a time as YYMMDDhhmmss and S or W", path, name);
    enum err err = dsmr_time_parse(text, utc);
    if (err == ERR_RANGE)
        return fail(message, "%s.%s: no such time", path, name);
    if (err)
        return fail(message, "%s.%s: not a time as YYMMDDhhmmss and S or W", path, name);
    return true;
}

static bool read_value(const json_t *value, const struct member *member, int32_t unit,
                       const char *path, struct long_message *message, struct profile_limits *set)
{
    if (!json_is_number(value))
        return fail(message, "%s.%s: not a number", path, member->name);
    const struct profile_range *range = &profile_ranges[member->field];
    int32_t min = range->min, max = range->max / unit;
    double number = json_number_value(value);
    if (!(number >= min && number <= max))
        return fail(message, "%s.%s: not in %d to %d", path, member->name, min, max);
    int32_t whole = (int32_t)number;
    if (whole != number)
        return fail(message, "%s.%s: not a whole number", path, member->name);
    if (json_is_real(value))
        tolerate(message, LONG_MESSAGE_REAL_NUMBER);
    profile_set(set, member->field, whole * unit);
    return true;
}

static const struct member *find_member(const char *name)
{
    for (int m = 0; m < MEMBERS; m++)
        if (!strcmp(name, members[m].name))
            return &members[m];
    return NULL;
}

static bool read_period(json_t *period, enum long_message_unit unit, const char *path,
                        struct long_message *message, struct profile_period *into)
{
    *into = (struct profile_period){0};
    if (!json_is_object(period))
        return fail(message, "%s: not an object", path);
    if (!read_time(period, path, "Start", message, &into->start))
        return false;
    const char *name;
    json_t *value;
    json_object_foreach(period, name, value)
    {
        if (!strcmp(name, "Start"))
            continue;
        const struct member *member = find_member(name);
        char room[NAME_SHOWN + 1];
        if (!member)
            return fail(message, "%s.%s: unknown", path, shown(name, room));
        if (!read_value(value, member, unit_of(member, unit), path, message, &into->set))
            return false;
    }
    if (!into->set.present)
        return fail(message, "%s: sets nothing", path);
    if (!profile_has(&into->set, PROFILE_MAX_POWER))
        tolerate(message, LONG_MESSAGE_PARTIAL_PERIOD);
    return true;
}

static bool read_periods(const json_t *body, enum long_message_unit unit,
                         struct long_message *message)
{
    const char *name = "Period";
    const json_t *list = json_object_get(body, "Period");
    const json_t *other = json_object_get(body, "Periods");
    if (list && other)
        return fail(message, "Body: both Period and Periods");
    if (other) {
        tolerate(message, LONG_MESSAGE_PERIODS);
        name = "Periods";
        list = other;
    }
    if (!json_is_array(list))
        return fail(message, "Body.%s: %s", name, list ? "not a list" : "missing");
    size_t count = json_array_size(list);
    if (count < 1 || count > PROFILE_CAPACITY)
        return fail(message, "Body.%s: %zu of them", name, count);
    for (size_t i = 0; i < count; i++) {
        char path[32];
        snprintf(path, sizeof path, "Body.%s[%zu]", name, i);
        if (!read_period(json_array_get(list, i), unit, path, message,
                         &message->profile.periods[i]))
            return false;
    }
    message->profile.count = (int)count;
    return true;
}

// Note members of object that are not among the count known names.
static void look_for_unknown(json_t *object, const char *const known[], int count,
                             struct long_message *message)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        int k = 0;
        while (k < count && strcmp(name, known[k]) != 0)
            k++;
        if (k == count)
            tolerate(message, LONG_MESSAGE_UNKNOWN_MEMBER);
    }
}

static void look_for_unknown_in_envelope(json_t *root, json_t *header, json_t *body,
                                         struct long_message *message)
{
    static const char *const in_root[] = {"Header", "Body", "Sig"};
    static const char *const in_header[] = {"Action", "ValidFrom", "ValidTo", "Seq"};
    static const char *const in_body[] = {"Period", "Periods"};
    look_for_unknown(root, in_root, 3, message);
    look_for_unknown(header, in_header, 4, message);
    look_for_unknown(body, in_body, 2, message);
}

// Does the letter of a time stamp of ours agree with the calendar?
static void look_at_season(const json_t *object, const char *name, int64_t utc,
                           struct long_message *message)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (text && (text[DSMR_TIME_LEN - 1] == 'S') != dsmr_time_is_summer(utc))
        tolerate(message, LONG_MESSAGE_SEASON);
}

static void look_at_times(const json_t *header, const json_t *body, struct long_message *message)
{
    const struct profile *profile = &message->profile;
    look_at_season(header, "ValidFrom", profile->valid_from, message);
    look_at_season(header, "ValidTo", profile->valid_to, message);
    const json_t *list = json_object_get(body, "Period");
    if (!list)
        list = json_object_get(body, "Periods");
    for (int i = 0; i < profile->count; i++)
        look_at_season(json_array_get(list, (size_t)i), "Start", profile->periods[i].start,
                       message);
    if (profile->periods[0].start < profile->valid_from)
        tolerate(message, LONG_MESSAGE_EARLY_START);
    if (profile->periods[0].start > profile->valid_from)
        tolerate(message, LONG_MESSAGE_LATE_START);
}

static int64_t sequence_of(const json_t *header)
{
    json_int_t seq = json_integer_value(json_object_get(header, "Seq")); // 0: no integer
    return seq > 0 && seq <= LONG_MESSAGE_SEQ_MAX ? seq : 0;
}

// Everything of a message whose Action is ours.
static bool read_ours(json_t *root, json_t *header, enum long_message_unit unit,
                      struct long_message *message)
{
    struct profile *profile = &message->profile;
    json_t *body = json_object_get(root, "Body");
    if (!read_time(header, "Header", "ValidFrom", message, &profile->valid_from)
        || !read_time(header, "Header", "ValidTo", message, &profile->valid_to))
        return false;
    if (!json_is_object(body))
        return fail(message, "Body: %s", body ? "not an object" : "missing");
    if (!read_periods(body, unit, message))
        return false;
    char reason[PROFILE_REASON];
    if (profile_check(profile, reason))
        return fail(message, "%s", reason);
    look_at_times(header, body, message);
    look_for_unknown_in_envelope(root, header, body, message);
    message->seq = sequence_of(header);
    return true;
}

// Is this, blanks aside, the name of our Action?
static bool is_our_action(const char *action, struct long_message *message)
{
    if (!action)
        return false;
    size_t before = strspn(action, OPTIONAL_BLANKS);
    const char *name = action + before;
    size_t len = strlen(ACTION);
    if (strncmp(name, ACTION, len) != 0 || name[len + strspn(name + len, OPTIONAL_BLANKS)])
        return false;
    if (before || name[len])
        tolerate(message, LONG_MESSAGE_ACTION_BLANKS);
    return true;
}

static enum long_message_kind read_json(json_t *root, enum long_message_unit unit,
                                        struct long_message *message)
{
    json_t *header = json_object_get(root, "Header");
    const json_t *action = json_object_get(header, "Action");
    if (!is_our_action(json_string_value(action), message)) {
        explain(message, "Header.Action: not " ACTION);
        return LONG_MESSAGE_FOREIGN;
    }
    return read_ours(root, header, unit, message) ? LONG_MESSAGE_PROFILE : LONG_MESSAGE_MALFORMED;
}

// What cannot be read is ours all the same when it names our Action.
static enum long_message_kind unreadable(const char *text, size_t len)
{
    return memmem(text, len, ACTION, strlen(ACTION)) ? LONG_MESSAGE_MALFORMED
                                                     : LONG_MESSAGE_FOREIGN;
}

static enum long_message_kind read_text(const char *text, size_t len, enum long_message_unit unit,
                                        struct long_message *message)
{
    if (is_empty(text, len))
        return LONG_MESSAGE_EMPTY;
    const char *fault = text_fault(text, len);
    if (fault) {
        explain(message, "%s", fault);
        return unreadable(text, len);
    }
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        char room[NAME_SHOWN + 1];
        explain(message, "not JSON at octet %d: %s", error.position, shown(error.text, room));
        return unreadable(text, len);
    }
    enum long_message_kind kind = read_json(root, unit, message);
    json_decref(root);
    if (memchr(text, '\r', len) || memchr(text, '\n', len))
        tolerate(message, LONG_MESSAGE_LINE_BREAKS);
    return kind;
}

void long_message_read(const char *text, size_t len, enum long_message_unit unit,
                       struct long_message *message)
{
    message->oddities = 0;
    message->seq = 0;
    message->reason[0] = '\0';
    message->kind = read_text(text, len, unit, message);
    if (message->kind != LONG_MESSAGE_PROFILE) {
        message->oddities = 0;
        message->profile.count = 0;
    }
}

const char *long_message_kind_name(enum long_message_kind kind)
{
    static const char *const names[] = {
        [LONG_MESSAGE_EMPTY] = "empty",
        [LONG_MESSAGE_FOREIGN] = "foreign",
        [LONG_MESSAGE_MALFORMED] = "malformed",
        [LONG_MESSAGE_PROFILE] = "profile",
    };
    return names[kind];
}

const char *long_message_oddity_name(enum long_message_oddity oddity)
{
    static const char *const names[LONG_MESSAGE_ODDITIES] = {
        [LONG_MESSAGE_PERIODS] = "periods",
        [LONG_MESSAGE_ACTION_BLANKS] = "action_blanks",
        [LONG_MESSAGE_LINE_BREAKS] = "line_breaks",
        [LONG_MESSAGE_EARLY_START] = "early_start",
        [LONG_MESSAGE_LATE_START] = "late_start",
        [LONG_MESSAGE_PARTIAL_PERIOD] = "partial_period",
        [LONG_MESSAGE_REAL_NUMBER] = "real_number",
        [LONG_MESSAGE_SEASON] = "season",
        [LONG_MESSAGE_UNKNOWN_MEMBER] = "unknown_member",
    };
    return names[oddity];
}
