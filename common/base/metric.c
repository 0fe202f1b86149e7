// SPDX-License-Identifier: Apache-2.0

#include "base/metric.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// Events that a program may know; of more the rest is counted together.
enum { EVENTS_MAX = 200 };

static struct {
    pthread_mutex_t lock;
    struct metric *first, **last;
    const char *program, *version;
    double started;
    struct {
        const char *level, *name;
        uint64_t times;
    } events[EVENTS_MAX];
    int event_count;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .program = "", .version = ""};

void metric_join(struct metric *metrics, size_t count)
{
    pthread_mutex_lock(&all.lock);
    if (!metrics->count) {
        metrics->count = count;
        if (!all.last)
            all.last = &all.first;
        *all.last = metrics;
        all.last = &metrics->next;
    }
    pthread_mutex_unlock(&all.lock);
}

void metric_add(struct metric *metric, double by)
{
    double before = atomic_load(&metric->number);
    while (!atomic_compare_exchange_weak(&metric->number, &before, before + by))
        ;
}

void metric_set(struct metric *metric, double number)
{
    metric->number = number;
}

void metric_program(const char *name, const char *version)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    pthread_mutex_lock(&all.lock);
    all.program = name;
    all.version = version;
    all.started = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    pthread_mutex_unlock(&all.lock);
}

void metric_event(const char *level, const char *event)
{
    pthread_mutex_lock(&all.lock);
    int i = 0;
    while (i < all.event_count && i < EVENTS_MAX - 1
           && (all.events[i].level != level || strcmp(all.events[i].name, event) != 0))
        i++;
    all.events[i].level = level;
    all.events[i].name = i < EVENTS_MAX - 1 ? event : "other";
    all.events[i].times++;
    if (i == all.event_count)
        all.event_count++;
    pthread_mutex_unlock(&all.lock);
}

static void put_head(FILE *out, const char *name, enum metric_type type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
            type == METRIC_COUNTER ? "counter" : "gauge");
}

static void put_one(FILE *out, const char *name, enum metric_type type, const char *help,
                    double number)
{
    put_head(out, name, type, help);
    fprintf(out, "%s %.15g\n", name, number);
}

static void put_joined(FILE *out)
{
    for (const struct metric *table = all.first; table; table = table->next)
        for (size_t i = 0; i < table->count; i++) {
            const struct metric *metric = &table[i];
            if (metric->help)
                put_head(out, metric->name, metric->type, metric->help);
            if (metric->label)
                fprintf(out, "%s{%s=\"%s\"} %.15g\n", metric->name, metric->label, metric->word,
                        metric->number);
            else
                fprintf(out, "%s %.15g\n", metric->name, metric->number);
        }
}

static void put_events(FILE *out)
{
    put_head(out, "socmod_log_events_total", METRIC_COUNTER, "Events logged, by name.");
    for (int i = 0; i < all.event_count; i++)
        fprintf(out, "socmod_log_events_total{level=\"%s\",event=\"%s\"} %ju\n",
                all.events[i].level, all.events[i].name, (uintmax_t)all.events[i].times);
}

static long resident_pages(void)
{
    long pages = 0, size;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages;
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count > 3 ? count - 3 : 0; // ".", "..", and the folder itself
}

static void put_process(FILE *out)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
                   + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    put_head(out, "socmod_info", METRIC_GAUGE, "The program that tells.");
    fprintf(out, "socmod_info{program=\"%s\",version=\"%s\"} 1\n", all.program, all.version);
    put_one(out, "process_start_time_seconds", METRIC_GAUGE, "When it started, seconds since 1970.",
            all.started);
    put_one(out, "process_cpu_seconds_total", METRIC_COUNTER, "Processor time used.", cpu_s);
    put_one(out, "process_resident_memory_bytes", METRIC_GAUGE, "Memory it occupies.",
            (double)resident_pages() * (double)sysconf(_SC_PAGESIZE));
    put_one(out, "process_open_fds", METRIC_GAUGE, "Descriptors it has open.", open_descriptors());
}

char *metric_text(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    pthread_mutex_lock(&all.lock);
    put_process(out);
    put_joined(out);
    put_events(out);
    pthread_mutex_unlock(&all.lock);
    fclose(out);
    return text;
}
