// SPDX-License-Identifier: Apache-2.0

#include "base/log.h"
#include "base/metric.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 2048 }; // a longer line is cut, never split

static atomic_int shown = LOG_INFO;
static atomic_bool to_journal_known, to_journal;

void log_set_level(enum log_level level)
{
    shown = (int)level;
}

struct log_field log_text(const char *name, const char *value)
{
    return (struct log_field){name, LOG_TEXT, {.text = value ? value : ""}};
}

struct log_field log_integer(const char *name, int64_t value)
{
    return (struct log_field){name, LOG_INTEGER, {.integer = value}};
}

struct log_field log_real(const char *name, double value)
{
    return (struct log_field){name, LOG_REAL, {.real = value}};
}

struct log_field log_flag(const char *name, bool value)
{
    return (struct log_field){name, LOG_FLAG, {.integer = value}};
}

struct line {
    char text[LINE_MAX_OCTETS];
    size_t len;
};

// Room for the newline is always left.
static void put(struct line *line, const char *text)
{
    size_t room = sizeof line->text - 1 - line->len;
    size_t len = strnlen(text, room);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static bool is_plain(const char *text)
{
    if (!*text)
        return false;
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '=' || *at == '\\')
            return false;
    return true;
}

static void put_text(struct line *line, const char *text)
{
    if (is_plain(text)) {
        put(line, text);
        return;
    }
    put(line, "\"");
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        char shown_as[5] = {(char)*at};
        if (*at == '"' || *at == '\\')
            snprintf(shown_as, sizeof shown_as, "\\%c", *at);
        else if (*at < ' ' || *at > '~')
            snprintf(shown_as, sizeof shown_as, "\\x%02x", *at);
        put(line, shown_as);
    }
    put(line, "\"");
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[32];
    put(line, " ");
    put(line, field->name);
    put(line, "=");
    switch (field->kind) {
    case LOG_TEXT:
        put_text(line, field->text);
        return;
    case LOG_INTEGER:
        snprintf(number, sizeof number, "%jd", (intmax_t)field->integer);
        break;
    case LOG_REAL:
        snprintf(number, sizeof number, "%.6g", field->real);
        break;
    case LOG_FLAG:
        snprintf(number, sizeof number, "%s", field->integer ? "true" : "false");
        break;
    }
    put(line, number);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warn";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        break;
    }
    return "debug";
}

static void write_event(enum log_level level, const char *event, va_list fields)
{
    if (!to_journal_known) { // systemd says so when standard error is the journal
        to_journal = getenv("JOURNAL_STREAM") != NULL;
        to_journal_known = true;
    }
    int saved = errno;
    struct line line = {.len = 0};
    if (to_journal) {
        char prefix[8];
        snprintf(prefix, sizeof prefix, "<%d>", (int)level);
        put(&line, prefix);
    }
    put(&line, "level=");
    put(&line, level_name(level));
    put(&line, " event=");
    put_text(&line, event);
    for (;;) {
        struct log_field field = va_arg(fields, struct log_field);
        if (!field.name)
            break;
        put_field(&line, &field);
    }
    line.text[line.len++] = '\n';
    // One write, so that lines of several threads do not mix. Nobody can be told if it fails.
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
    errno = saved;
}

void log_event(enum log_level level, const char *event, ...)
{
    if (level != LOG_DEBUG)
        metric_event(level_name(level), event);
    if ((int)level > shown)
        return;
    va_list fields;
    va_start(fields, event);
    write_event(level, event, fields);
    va_end(fields);
}

void log_event_and_exit(const char *event, ...)
{
    va_list fields;
    va_start(fields, event);
    write_event(LOG_ERROR, event, fields);
    va_end(fields);
    exit(EXIT_FAILURE);
}
