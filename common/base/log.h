// SPDX-License-Identifier: Apache-2.0
// Events as logfmt lines on standard error; the journal adds time, host and unit.
//
//   log_info("plan.sent", F("feeder", feeder), F("blocks", count));
//   level=info event=plan.sent feeder="Zuid 7" blocks=96
//
// Event names are thing.happened. error: someone must act; warn: it healed itself;
// info: what an operator wants in a quiet week; debug: for us, with --verbose.
// Every value is escaped, so that input cannot forge a line. No secrets, no personal
// data: a meter is named by its number in our table. Safe from any thread.

#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 }; // as syslog(3)

struct log_field {
    const char *name; // NULL ends the list
    enum { LOG_TEXT, LOG_INTEGER, LOG_REAL, LOG_FLAG } kind;
    union {
        const char *text; // NULL shows as ""
        int64_t integer;
        double real;
    };
};

// One field: the kind follows from the type of the value.
#define F(name, value)                                                                             \
    _Generic((value),                                                                              \
        char *: log_text,                                                                          \
        const char *: log_text,                                                                    \
        double: log_real,                                                                          \
        float: log_real,                                                                           \
        bool: log_flag,                                                                            \
        default: log_integer)(name, value)

#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__, LOG_END)
#define log_warn(...) log_event(LOG_WARN, __VA_ARGS__, LOG_END)
#define log_info(...) log_event(LOG_INFO, __VA_ARGS__, LOG_END)
#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__, LOG_END)

// Log and exit(1); systemd restarts us.
#define log_fatal(...) log_event_and_exit(__VA_ARGS__, LOG_END)

// Show what is at least this important; LOG_INFO until told otherwise.
void log_set_level(enum log_level level);

struct log_field log_text(const char *name, const char *value);
struct log_field log_integer(const char *name, int64_t value);
struct log_field log_real(const char *name, double value);
struct log_field log_flag(const char *name, bool value);
#define LOG_END ((struct log_field){.name = NULL})
void log_event(enum log_level level, const char *event, ...);
_Noreturn void log_event_and_exit(const char *event, ...);

#endif
