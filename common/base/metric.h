// SPDX-License-Identifier: Apache-2.0
// Numbers that a program keeps of itself, and their text for Prometheus (exposition format 0.0.4).
// A module has a table of its own, joins it once, and counts; each program serves all of them
// (io/metrics_port.h). Safe from any thread.
//
//   static struct metric metrics[] = {
//       METRIC_COUNTS_BY("socmod_p3_attempts_total", "Attempts to deliver.", "result", "verified"),
//       METRIC_COUNTS_BY("socmod_p3_attempts_total", NULL, "result", "retry"),
//   };
//   metric_join(metrics, 2);
//   metric_add(&metrics[0], 1);
//
// Names: socmod_, the program or what it is about, base units, _total for what only grows. No
// meter, connection or charger in a label: there are millions.

#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stddef.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name;
    enum metric_type type;
    const char *help;         // NULL: as the one before it in the table, which has the same name
    const char *label, *word; // NULL for none; the word needs no escaping
    _Atomic double number;
    struct metric *next; // these two are set by metric_join()
    size_t count;
};
#define METRIC_COUNTS(given_name, given_help)                                                      \
    {                                                                                              \
        .name = (given_name), .type = METRIC_COUNTER, .help = (given_help)                         \
    }
#define METRIC_SHOWS(given_name, given_help)                                                       \
    {                                                                                              \
        .name = (given_name), .type = METRIC_GAUGE, .help = (given_help)                           \
    }
#define METRIC_COUNTS_BY(given_name, given_help, given_label, given_word)                          \
    {                                                                                              \
        .name = (given_name), .type = METRIC_COUNTER, .help = (given_help),                        \
        .label = (given_label), .word = (given_word)                                               \
    }

// Show these from now on; they stay. Once more does nothing.
void metric_join(struct metric *metrics, size_t count);

void metric_add(struct metric *metric, double by);
void metric_set(struct metric *metric, double number);

// Who we are, for socmod_info. Borrowed for good.
void metric_program(const char *name, const char *version);

// An event was logged, by its name, which is a constant; called by the log.
void metric_event(const char *level, const char *event);

// All of it: what joined, events logged, and what the system says of this process. Owned: free().
char *metric_text(void);

#endif
