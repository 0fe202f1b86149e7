// SPDX-License-Identifier: Apache-2.0

#include "services/audit/parameter.h"
#include "base/id.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { DAY_S = 86400, IDENTIFIER_MAX = 64, EQUIPMENT_ID_MAX = 48, EAN_LEN = 18 };
enum { FRACTION_MAX = 7 }; // the point and microseconds

static bool consists_of(const char *text, const char *set, size_t least, size_t most)
{
    size_t len = strspn(text, set);
    return !text[len] && len >= least && len <= most;
}

// The words that a value of this kind may be, with blanks around each; NULL: not of a few words.
static const char *words_of(enum parameter_kind kind)
{
    switch (kind) {
    case PARAMETER_STATE:
        return " planned queued connecting written verified seen applied superseded expired "
               "refused "
               "failed ";
    case PARAMETER_RECEIPT_STATE:
        return " seen accepted refused applied ended ";
    case PARAMETER_MODE:
        return " starting own limited safe ";
    case PARAMETER_TRUTH:
        return " true false ";
    default:
        return NULL;
    }
}

static bool is_word_of(const char *words, const char *text)
{
    size_t len = strspn(text, LOWER);
    const char *at = len && !text[len] ? strstr(words, text) : NULL;
    while (at && (at[-1] != ' ' || at[len] != ' '))
        at = strstr(at + 1, text);
    return at;
}

static bool is_event_kind(const char *text)
{
    size_t thing = strspn(text, LOWER DIGITS "_");
    return thing && text[thing] == '.'
           && consists_of(text + thing + 1, LOWER DIGITS "_", 1, PARAMETER_MAX - thing - 1);
}

static bool is_printable(const char *text)
{
    size_t len = 0;
    while (text[len] >= ' ' && text[len] <= '~')
        len++;
    return text[strspn(text, " ")] && !text[len] && len <= PARAMETER_MAX;
}

static bool fits(enum parameter_kind kind, const char *given)
{
    switch (kind) {
    case PARAMETER_IDENTIFIER:
        return consists_of(given, LETTERS DIGITS "._-", 1, IDENTIFIER_MAX)
               && strspn(given, LETTERS DIGITS);
    case PARAMETER_EAN:
        return consists_of(given, DIGITS, EAN_LEN, EAN_LEN);
    case PARAMETER_EQUIPMENT_ID:
        return consists_of(given, LETTERS DIGITS, 1, EQUIPMENT_ID_MAX);
    case PARAMETER_STATE:
    case PARAMETER_RECEIPT_STATE:
    case PARAMETER_MODE:
    case PARAMETER_TRUTH:
        return is_word_of(words_of(kind), given);
    case PARAMETER_NUMBER:
        return consists_of(given, DIGITS, 1, 9) && *given != '0';
    case PARAMETER_EVENT_KIND:
        return is_event_kind(given);
    default:
        return is_printable(given);
    }
}

// The fraction stays, as far as the database has it: an event's own time is found again.
static enum err parse_time(const char *given, char value[static PARAMETER_MAX + 1])
{
    int64_t utc;
    enum err err = rfc3339_parse(given, strlen(given), &utc);
    if (err || utc < PARAMETER_TIME_FIRST)
        return err ? err : ERR_RANGE;
    char text[RFC3339_LEN + 1];
    rfc3339_format(utc, text);
    const char *fraction = given + strlen("2026-01-14T16:15:00");
    size_t len = *fraction == '.' ? 1 + strspn(fraction + 1, DIGITS) : 0;
    len = len > FRACTION_MAX ? FRACTION_MAX : len;
    snprintf(value, PARAMETER_MAX + 1, "%.10s %.8s%.*sZ", text, text + 11, (int)len, fraction);
    return ERR_NONE;
}

enum err parameter_parse(enum parameter_kind kind, const char *given,
                         char value[static PARAMETER_MAX + 1])
{
    if (kind == PARAMETER_TIME)
        return parse_time(given, value);
    if (kind == PARAMETER_UUID) {
        struct id id;
        if (id_parse(given, strlen(given), &id))
            return ERR_SYNTAX;
        id_format(&id, value);
        return ERR_NONE;
    }
    if (!fits(kind, given))
        return ERR_SYNTAX;
    snprintf(value, PARAMETER_MAX + 1, "%s", given);
    return ERR_NONE;
}

const char *parameter_form(enum parameter_kind kind)
{
    static const char *const forms[PARAMETER_KINDS] = {
        [PARAMETER_TIME] = "a time as RFC 3339 writes it, such as 2026-01-14T16:15:00Z",
        [PARAMETER_UUID] = "a UUID",
        [PARAMETER_IDENTIFIER] = "an identifier: letters, digits, '.', '_' and '-', at most 64",
        [PARAMETER_EAN] = "an EAN of 18 digits",
        [PARAMETER_EQUIPMENT_ID] = "an equipment identifier: letters and digits, at most 48",
        [PARAMETER_STATE] = "the state of a delivery, such as applied, or planned",
        [PARAMETER_RECEIPT_STATE] = "seen, accepted, refused, applied or ended",
        [PARAMETER_MODE] = "starting, own, limited or safe",
        [PARAMETER_TRUTH] = "true or false",
        [PARAMETER_NUMBER] = "a number",
        [PARAMETER_EVENT_KIND] = "a kind such as access.refused",
        [PARAMETER_WORDS] = "printable text of at most 200 characters",
    };
    return forms[kind];
}

enum err parameter_limit(const char *given, int *limit)
{
    if (given && !consists_of(given, DIGITS, 1, 9))
        return ERR_SYNTAX;
    long number = given ? strtol(given, NULL, 10) : PAGE_ITEMS;
    if (number < 1 || number > PAGE_ITEMS_MAX)
        return ERR_RANGE;
    *limit = (int)number;
    return ERR_NONE;
}

enum err parameter_span(const char *from, const char *to, int64_t now, int64_t days_max,
                        struct span *span, const char **what)
{
    struct span asked = {.to = now};
    *what = "to";
    if (to && rfc3339_parse(to, strlen(to), &asked.to))
        return ERR_SYNTAX;
    *what = "from";
    asked.from = asked.to - DAY_S;
    if (from && rfc3339_parse(from, strlen(from), &asked.from))
        return ERR_SYNTAX;
    if (asked.from < PARAMETER_TIME_FIRST || asked.from >= asked.to
        || asked.to - asked.from > days_max * DAY_S)
        return ERR_RANGE;
    *span = asked;
    return ERR_NONE;
}

char *parameter_escape(const char *text)
{
    char *escaped = memory_new(3 * strlen(text) + 1, 1);
    char *to = escaped;
    for (; *text; text++) {
        if (strchr(LETTERS DIGITS "-._~", *text))
            *to++ = *text;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*text);
    }
    *to = '\0';
    return escaped;
}

void parameter_tame(const char *text, char tame[static PARAMETER_MAX + 1])
{
    size_t len = 0;
    for (; len < PARAMETER_MAX && text[len]; len++)
        tame[len] = text[len] >= ' ' && text[len] <= '~' ? text[len] : '?';
    tame[len] = '\0';
}
