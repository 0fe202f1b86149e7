// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger_type.h"
#include "base/config.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// Words of the file, in the order of the enums.
static const char *const units[] = {"A", "W", "percent", NULL};
static const char *const keepalives[] = {"rewrite", "any", "token", NULL};
static const char *const silences[] = {"restrict", "keep", "open-up", NULL};

static const double MICRO = 1e6, MOST_NUMBER = 4294967295.0;

// Of a word that the settings have let through, hence one of words.
static int index_of(const char *word, const char *const *words)
{
    int i = 0;
    while (word && words[i + 1] && strcmp(words[i], word) != 0)
        i++;
    return i;
}

// A number as the file has it.
struct number_words {
    char *type, *order;
    double step;
};

struct words {
    char *transport, *unit, *keepalive, *silence, *choices, *fallback_unit;
    struct number_words limit, applied, state, watchdog, watchdog_read, fallback, fallback_read,
        probe;
};

static void clear_number(struct number_words *number)
{
    free(number->type);
    free(number->order);
}

static void clear_words(struct words *words)
{
    char *texts[] = {words->transport, words->unit,    words->keepalive,
                     words->silence,   words->choices, words->fallback_unit};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    clear_number(&words->limit);
    clear_number(&words->applied);
    clear_number(&words->state);
    clear_number(&words->watchdog);
    clear_number(&words->watchdog_read);
    clear_number(&words->fallback);
    clear_number(&words->fallback_read);
    clear_number(&words->probe);
}

static void take_number(struct charger_number *number, const struct number_words *words)
{
    number->type = (enum registers_type)index_of(words->type, registers_type_names);
    number->low_word_first = !strcmp(words->order, "low");
    number->step_micro = llround(words->step * MICRO);
}

// ---- what the settings cannot say

// The setting that does not go with the others, and why; none where why is NULL.
struct fault {
    const char *name, *why;
};

static struct fault number_fault(const struct charger_number *number, bool is_written)
{
    if (number->address == CHARGER_NOWHERE)
        return (struct fault){0};
    bool writes = number->function == 6 || number->function == 16;
    bool reads = number->function == 3 || number->function == 4;
    if (is_written ? !writes : !reads)
        return (struct fault){"function",
                              is_written ? "is neither 6 nor 16" : "is neither 3 nor 4"};
    if (number->function == 6 && registers_count(number->type) != 1)
        return (struct fault){"function", "6 writes one register only"};
    return (struct fault){0};
}

static struct fault switch_fault(const struct charger_switch *one)
{
    bool is_known = one->function == 5 || one->function == 6 || one->function == 16;
    if (one->address == CHARGER_NOWHERE || is_known)
        return (struct fault){0};
    return (struct fault){"function", "is none of 5, 6 and 16"};
}

static struct fault limit_fault(const struct charger_type *type)
{
    const struct amperes_scale *scale = &type->scale;
    int64_t least = registers_least(type->limit.type), most = registers_most(type->limit.type);
    const struct fault fault = number_fault(&type->limit, true);
    if (fault.why)
        return fault;
    if (type->limit.function == 6 && type->numbers > 1)
        return (struct fault){"function", "6 writes one register only"};
    if (scale->most > most)
        return (struct fault){"most", "is more than the type holds"};
    if (scale->pause > most || scale->pause < least)
        return (struct fault){"pause", "is more than the type holds"};
    if (scale->least > scale->most)
        return (struct fault){"least", "is above most"};
    return (struct fault){0};
}

static struct fault keepalive_fault(const struct charger_type *type)
{
    if (type->keepalive == CHARGER_TOKEN && type->token.address == CHARGER_NOWHERE)
        return (struct fault){"register", "must be given for a token"};
    if (type->keepalive == CHARGER_REWRITE && type->wears)
        return (struct fault){"kind", "rewrites a register that each write wears"};
    return switch_fault(&type->token);
}

static enum err check(const char *path, const struct charger_type *type)
{
    const struct {
        const char *section;
        struct fault fault;
    } checks[] = {
        {"limit", limit_fault(type)},
        {"pause", switch_fault(&type->pause)},
        {"enable", switch_fault(&type->enable)},
        {"readback", number_fault(&type->readback, false)},
        {"applied", number_fault(&type->applied, false)},
        {"state", number_fault(&type->state, false)},
        {"keepalive", keepalive_fault(type)},
        {"watchdog", number_fault(&type->watchdog.write, true)},
        {"fallback", number_fault(&type->fallback.write, true)},
        {"arm", switch_fault(&type->arm)},
        {"commit", switch_fault(&type->commit)},
        {"probe", number_fault(&type->probe, false)},
    };
    bool is_bad = false;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const struct fault *fault = &checks[i].fault;
        if (fault->why)
            config_complain(path, checks[i].section, fault->name, fault->why);
        is_bad |= fault->why != NULL;
    }
    return is_bad ? ERR_RANGE : ERR_NONE;
}

// "2=2 3=5": numbers and the seconds that they stand for.
static enum err take_choices(const char *path, const char *text, struct charger_type *type)
{
    while (*(text += strspn(text, " "))) {
        long long number, seconds;
        int len = 0;
        if (type->choices == CHARGER_CHOICES
            || sscanf(text, "%lld=%lld%n", &number, &seconds, &len) != 2) {
            config_complain(path, "watchdog", "choices", "not like 2=2 3=5, or more than eight");
            return ERR_SYNTAX;
        }
        type->choice[type->choices].number = number;
        type->choice[type->choices++].seconds = seconds;
        text += len;
    }
    return ERR_NONE;
}

// ---- reading

static void take_words(struct charger_type *type, const struct words *words)
{
    type->has_tcp = strstr(words->transport, "tcp");
    type->has_rtu = strstr(words->transport, "rtu");
    type->has_ascii = strstr(words->transport, "ascii");
    take_number(&type->limit, &words->limit);
    type->scale.unit = (enum amperes_unit)index_of(words->unit, units);
    type->scale.step_micro = type->limit.step_micro;
    if (type->pause.address != CHARGER_NOWHERE)
        type->scale.pause = type->scale.least; // the switch stops it
    take_number(&type->readback, &words->limit);
    take_number(&type->applied, &words->applied);
    take_number(&type->state, &words->state);
    type->keepalive = (enum charger_keepalive)index_of(words->keepalive, keepalives);
    type->silence = (enum charger_silence)index_of(words->silence, silences);
    take_number(&type->watchdog.write, &words->watchdog);
    take_number(&type->watchdog.read, &words->watchdog_read);
    type->watchdog.read.step_micro = type->watchdog.write.step_micro;
    take_number(&type->fallback.write, &words->fallback);
    take_number(&type->fallback.read, &words->fallback_read);
    type->fallback.read.step_micro = type->fallback.write.step_micro;
    type->fallback_unit = (enum amperes_unit)index_of(words->fallback_unit, units);
    take_number(&type->probe, &words->probe);
}

// Where what is written is also read, unless the file says otherwise.
static void read_where_written(struct charger_failsafe *failsafe)
{
    if (failsafe->read.address != CHARGER_NOWHERE)
        return;
    int64_t function = failsafe->read.function;
    failsafe->read = failsafe->write;
    failsafe->read.function = function;
}

// The settings that a number has everywhere.
#define ADDRESS(section, name, number, default_address)                                            \
    {                                                                                              \
        (section), (name), .integer = &(number).address, .otherwise = (default_address),           \
                           .least = -1, .most = 65535,                                             \
                           .help = "address on the wire, counted from 0; -1: none"                 \
    }
#define FUNCTION(section, name, number, default_function)                                          \
    {                                                                                              \
        (section), (name), .integer = &(number).function, .otherwise = (default_function),         \
                           .least = 1, .most = 16,                                                 \
                           .help = "code: 3 or 4 reads, 6 or 16 writes, 5 a coil"                  \
    }
#define TYPE(section, name, from)                                                                  \
    {                                                                                              \
        (section), (name), .text = &(from).type, .otherwise = "u16",                               \
                           .words = REGISTERS_TYPE_WORDS, .help = "of the number"                  \
    }
#define ORDER(section, from)                                                                       \
    {                                                                                              \
        (section), "order", .text = &(from).order, .otherwise = "high", .words = "high low",       \
                            .help = "which word of several comes first"                            \
    }
#define STEP(section, from)                                                                        \
    {                                                                                              \
        (section), "step", .real = &(from).step, .otherwise = "1", .least = 0.000001,              \
                           .most = 1000, .help = "what 1 stands for, in the unit"                  \
    }
#define SWITCH(section, one)                                                                       \
    ADDRESS(section, "register", one, "-1"), FUNCTION(section, "function", one, "6"),              \
    {                                                                                              \
        (section), "value", .integer = &(one).on, .otherwise = "1", .least = 0, .most = 65535,     \
                            .help = "that is written"                                              \
    }

enum err charger_type_read(const char *path, struct charger_type *type)
{
    struct charger_type read = {0};
    struct words words = {0};
    bool per_phase = false;
    // The words of a read that has the order of its write, or no step.
    read.watchdog.read.function = read.fallback.read.function = 3;
    const struct setting settings[] = {
        {"type", "name", .text = &read.name, .help = "make and line"},
        {"type", "grade", .text = &read.grade, .words = "V C2 C U",
         .help = "what the facts rest on: vendor, two drivers, one driver, a note"},
        {"type", "note", .text = &read.note, .otherwise = "",
         .help = "what an installer must know"},
        {"type", "transport", .text = &words.transport, .otherwise = "tcp",
         .words = "tcp rtu tcp+rtu ascii", .help = "how it is reached"},
        {"type", "port", .integer = &read.port, .otherwise = "502", .least = 1, .most = 65535,
         .help = "TCP port"},
        {"type", "line", .text = &read.line, .otherwise = "19200/8E1",
         .help = "serial: baud rate, data bits, parity, stop bits"},
        {"type", "unit", .integer = &read.unit, .otherwise = "1", .least = -1, .most = 255,
         .help = "Modbus unit; -1: each has its own"},

        FUNCTION("limit", "function", read.limit, NULL),
        ADDRESS("limit", "register", read.limit, NULL),
        {"limit", "type", .text = &words.limit.type, .words = REGISTERS_TYPE_WORDS,
         .help = "of the number"},
        ORDER("limit", words.limit),
        {"limit", "unit", .text = &words.unit, .words = "A W percent", .help = "A: per phase"},
        {"limit", "step", .real = &words.limit.step, .least = 0.000001, .most = 1000,
         .help = "of the number, in the unit; for f32 what to round down to"},
        {"limit", "least", .integer = &read.scale.least, .otherwise = "0", .least = 0, .most = 1e9,
         .help = "lowest number that charges"},
        {"limit", "most", .integer = &read.scale.most, .least = 1, .most = MOST_NUMBER,
         .help = "highest number"},
        {"limit", "pause", .integer = &read.scale.pause, .otherwise = "0", .least = -1, .most = 1e9,
         .help = "number that stops charging, unless [pause] does"},
        {"limit", "per_phase", .flag = &per_phase, .otherwise = "no",
         .help = "three numbers in a row, written in one request"},
        {"limit", "wears", .flag = &read.wears, .otherwise = "no",
         .help = "each write wears its memory: write changes only"},
        {"limit", "stride", .integer = &read.stride, .otherwise = "0", .least = 0, .most = 10000,
         .help = "to the registers of the next charging point; 0: has one"},

        SWITCH("pause", read.pause),
        {"pause", "pause", .integer = &read.pause.off, .otherwise = "0", .least = 0, .most = 65535,
         .help = "that stops charging"},
        SWITCH("enable", read.enable),

        FUNCTION("readback", "function", read.readback, "3"),
        ADDRESS("readback", "register", read.readback, NULL),
        FUNCTION("applied", "function", read.applied, "3"),
        ADDRESS("applied", "register", read.applied, "-1"),
        TYPE("applied", "type", words.applied),
        ORDER("applied", words.applied),
        STEP("applied", words.applied),
        {"applied", "settle_s", .integer = &read.settle_s, .otherwise = "5", .least = 0,
         .most = 600, .help = "seconds until a limit written shows"},

        FUNCTION("state", "function", read.state, "3"),
        ADDRESS("state", "register", read.state, "-1"),
        TYPE("state", "type", words.state),
        ORDER("state", words.state),
        STEP("state", words.state),
        {"state", "registers", .integer = &read.state_registers, .otherwise = "0", .least = 0,
         .most = 16, .help = "of a text; 0: it is a number"},

        {"keepalive", "kind", .text = &words.keepalive, .words = "rewrite any token",
         .help = "what keeps the charger from falling back"},
        {"keepalive", "period_s", .integer = &read.keepalive_s, .otherwise = "25", .least = 1,
         .most = 3600, .help = "longest pause between two"},
        SWITCH("keepalive", read.token),

        {"silence", "behaviour", .text = &words.silence, .words = "restrict keep open-up",
         .help = "what it does when it hears nothing; open-up also where nobody knows"},

        ADDRESS("watchdog", "register", read.watchdog.write, "-1"),
        FUNCTION("watchdog", "function", read.watchdog.write, "6"),
        TYPE("watchdog", "type", words.watchdog),
        ORDER("watchdog", words.watchdog),
        {"watchdog", "step", .real = &words.watchdog.step, .otherwise = "1", .least = 0.001,
         .most = 3600, .help = "what 1 stands for, s"},
        ADDRESS("watchdog", "read_register", read.watchdog.read, "-1"),
        TYPE("watchdog", "read_type", words.watchdog_read),
        {"watchdog", "least", .integer = &read.watchdog.least, .otherwise = "1", .least = 0,
         .most = MOST_NUMBER, .help = "lowest number that it takes"},
        {"watchdog", "most", .integer = &read.watchdog.most, .otherwise = "65535", .least = 1,
         .most = MOST_NUMBER, .help = "highest number that it takes"},
        {"watchdog", "off", .integer = &read.watchdog_off, .otherwise = "-1", .least = -1,
         .most = MOST_NUMBER, .help = "number for no watchdog; -1: none"},
        {"watchdog", "choices", .text = &words.choices, .otherwise = "",
         .help = "NUMBER=SECONDS, where numbers are a list"},
        {"watchdog", "seconds", .integer = &read.watchdog_s, .otherwise = "0", .least = 0,
         .most = 86400, .help = "as shipped, or fixed; 0: not known"},
        {"watchdog", "stride", .integer = &read.failsafe_stride, .otherwise = "0", .least = 0,
         .most = 10000, .help = "as [limit] stride, for watchdog and fallback"},

        ADDRESS("fallback", "register", read.fallback.write, "-1"),
        FUNCTION("fallback", "function", read.fallback.write, "6"),
        TYPE("fallback", "type", words.fallback),
        ORDER("fallback", words.fallback),
        STEP("fallback", words.fallback),
        ADDRESS("fallback", "read_register", read.fallback.read, "-1"),
        TYPE("fallback", "read_type", words.fallback_read),
        {"fallback", "unit", .text = &words.fallback_unit, .otherwise = "A", .words = "A W percent",
         .help = "of the limit in silence"},
        {"fallback", "least", .integer = &read.fallback.least, .otherwise = "0", .least = 0,
         .most = MOST_NUMBER, .help = "lowest number that it takes, beside 0"},
        {"fallback", "most", .integer = &read.fallback.most, .otherwise = "65535", .least = 0,
         .most = MOST_NUMBER, .help = "highest number that it takes"},
        SWITCH("arm", read.arm),
        SWITCH("commit", read.commit),

        {"pacing", "gap_ms", .integer = &read.gap_ms, .otherwise = "0", .least = 0, .most = 1000,
         .help = "rest between two requests"},
        {"pacing", "registers", .integer = &read.most_registers, .otherwise = "125", .least = 1,
         .most = 125, .help = "at most in one read"},
        {"pacing", "one_value", .flag = &read.one_value, .otherwise = "no",
         .help = "a read may ask for one number only"},
        {"pacing", "twice", .flag = &read.twice, .otherwise = "no",
         .help = "each request is sent twice: the first wakes it up"},

        FUNCTION("probe", "function", read.probe, "3"),
        ADDRESS("probe", "register", read.probe, "-1"),
        TYPE("probe", "type", words.probe),
        ORDER("probe", words.probe),
        STEP("probe", words.probe),
        {"probe", "least", .integer = &read.probe_least, .otherwise = "0", .least = -MOST_NUMBER,
         .most = MOST_NUMBER, .help = "lowest number that makes sense"},
        {"probe", "most", .integer = &read.probe_most, .otherwise = "65535", .least = -MOST_NUMBER,
         .most = MOST_NUMBER, .help = "highest number that makes sense"},
        {0},
    };
    config_defaults(settings);
    words.watchdog_read.order = memory_text("high");
    words.fallback_read.order = memory_text("high");
    enum err err = config_read(path, settings);
    if (!err)
        err = take_choices(path, words.choices, &read);
    if (!err) {
        read.numbers = per_phase ? CHARGER_PHASES : 1;
        take_words(&read, &words);
        read_where_written(&read.watchdog);
        read_where_written(&read.fallback);
        err = check(path, &read);
    }
    clear_words(&words);
    if (err)
        charger_type_clear(&read);
    else
        *type = read;
    return err;
}

void charger_type_clear(struct charger_type *type)
{
    free(type->name);
    free(type->grade);
    free(type->note);
    free(type->line);
    *type = (struct charger_type){0};
}

// ---- charging points

static bool shift(int64_t *address, int64_t by)
{
    if (*address == CHARGER_NOWHERE)
        return true;
    *address += by;
    return *address <= UINT16_MAX;
}

enum err charger_type_at_point(struct charger_type *type, int64_t point)
{
    if (point < 1 || (point > 1 && !type->stride))
        return ERR_RANGE;
    int64_t *own[] = {&type->limit.address,    &type->pause.address,   &type->enable.address,
                      &type->readback.address, &type->applied.address, &type->state.address};
    int64_t *failsafe[] = {&type->watchdog.write.address, &type->watchdog.read.address,
                           &type->fallback.write.address, &type->fallback.read.address};
    bool fits = true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        fits &= shift(own[i], type->stride * (point - 1));
    for (size_t i = 0; i < sizeof failsafe / sizeof *failsafe; i++)
        fits &= shift(failsafe[i], type->failsafe_stride * (point - 1));
    return fits ? ERR_NONE : ERR_RANGE;
}

int charger_type_words(const struct charger_type *type, const int64_t raw[static CHARGER_PHASES],
                       uint16_t words[static CHARGER_WORDS])
{
    const struct charger_number *limit = &type->limit;
    int each = registers_count(limit->type);
    for (int i = 0; i < type->numbers; i++)
        registers_pack(limit->type, limit->low_word_first, raw[i], limit->step_micro,
                       words + (ptrdiff_t)i * each);
    return type->numbers * each;
}

// ---- watchdog

enum err charger_type_watchdog_number(const struct charger_type *type, int64_t seconds,
                                      int64_t *number)
{
    for (int i = 0; i < type->choices; i++)
        if (type->choice[i].seconds == seconds) {
            *number = type->choice[i].number;
            return ERR_NONE;
        }
    int64_t micro = seconds * (int64_t)MICRO;
    int64_t step = type->watchdog.write.step_micro;
    if (type->choices || micro % step || micro / step < type->watchdog.least
        || micro / step > type->watchdog.most)
        return ERR_RANGE;
    *number = micro / step;
    return ERR_NONE;
}

int64_t charger_type_watchdog_s(const struct charger_type *type, int64_t number)
{
    if (number == type->watchdog_off)
        return 0;
    for (int i = 0; i < type->choices; i++)
        if (type->choice[i].number == number)
            return type->choice[i].seconds;
    return type->choices ? CHARGER_NOWHERE
                         : number * type->watchdog.write.step_micro / (int64_t)MICRO;
}

// ---- the list

const char *charger_silence_name(enum charger_silence silence)
{
    static const char *const names[] = {"restricts", "keeps", "opens up"};
    return names[silence];
}

static int is_driver(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && !strcmp(entry->d_name + len - 4, ".ini");
}

static void print_type(const char *id, const struct charger_type *type, FILE *out)
{
    static const char *const transports[] = {"ascii", "rtu", "tcp", "tcp, rtu"};
    char *limit = memory_format("H %lld%s fc %lld", (long long)type->limit.address,
                                type->numbers > 1 ? " x 3" : "", (long long)type->limit.function);
    fprintf(out, "%-19s %-5s %-9s %-19s %-4s %-10s %s\n", id, type->grade,
            transports[(type->has_tcp ? 2 : 0) + (type->has_rtu ? 1 : 0)], limit,
            registers_type_names[type->limit.type], charger_silence_name(type->silence),
            type->name);
    free(limit);
}

enum err charger_type_list(const char *folder, FILE *out)
{
    struct dirent **found;
    int count = scandir(folder, &found, is_driver, alphasort);
    if (count < 0) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return ERR_IO;
    }
    fprintf(out, "%-19s %-5s %-9s %-19s %-4s %-10s %s\n", "type", "grade", "transport",
            "limit register", "as", "in silence", "name");
    enum err first = ERR_NONE;
    for (int i = 0; i < count; i++) {
        char *path = memory_format("%s/%s", folder, found[i]->d_name);
        struct charger_type type;
        enum err err = charger_type_read(path, &type);
        found[i]->d_name[strlen(found[i]->d_name) - 4] = '\0';
        if (!err) {
            print_type(found[i]->d_name, &type, out);
            charger_type_clear(&type);
        } else if (!first) {
            first = err;
        }
        free(path);
        free(found[i]);
    }
    free(found);
    return first;
}
