// SPDX-License-Identifier: Apache-2.0

#include "services/audit/reads.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/access_table.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Of the machine.
#define TELL_NS SECONDS_NS
#define TOGETHER_NS (300 * SECONDS_NS)

// SLICE: sets that are looked at while those who read wait.
enum { SETS = 1 << 14, SLICE = 256, READS_MAX = 500000, BATCH = 1000 };

// One reader of one subject from one address.
struct seen {
    struct seen *next;         // of the set
    int64_t first_ns, last_ns; // UTC, of those untold
    int64_t untold;            // how many
    int64_t telling;           // of those being told now, likewise; touched by the teller alone
    int64_t telling_first_ns, telling_last_ns;
    int64_t told_ns; // machine time when it was last told; 0: never
    char *reader, *client, *subject, *path;
};

struct reads {
    pthread_mutex_t lock; // of all but the two below
    struct seen *sets[SETS];
    int count;
    struct db *db;
    struct loop_timer *timer;
};

static int64_t machine_ns(void)
{
    return clock_real_ns(clock_mono().ns);
}

// FNV-1a, on from hash.
static uint32_t scatter(uint32_t hash, const char *text)
{
    do
        hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
    while (*text++);
    return hash;
}

static struct seen **place_of(struct reads *reads, const char *reader, const char *client,
                              const char *subject)
{
    uint32_t hash = scatter(scatter(scatter(UINT32_C(2166136261), reader), client), subject);
    struct seen **at = &reads->sets[hash % SETS];
    while (*at
           && (strcmp((*at)->subject, subject) != 0 || strcmp((*at)->reader, reader) != 0
               || strcmp((*at)->client, client) != 0))
        at = &(*at)->next;
    return at;
}

bool reads_note(struct reads *reads, const char *reader, const char *client, const char *subject,
                const char *path)
{
    int64_t now_ns = clock_utc().ns;
    pthread_mutex_lock(&reads->lock);
    struct seen **at = place_of(reads, reader, client, subject), *seen = *at;
    if (!seen && reads->count < READS_MAX) {
        seen = *at = memory_new(1, sizeof *seen);
        seen->reader = memory_text(reader);
        seen->client = memory_text(client);
        seen->subject = memory_text(subject);
        seen->path = memory_text(path);
        reads->count++;
    }
    if (seen) {
        if (!seen->untold++)
            seen->first_ns = now_ns;
        seen->last_ns = now_ns;
    }
    pthread_mutex_unlock(&reads->lock);
    return seen;
}

static json_t *event_of(struct seen *seen)
{
    char first[RFC3339_MS_LEN + 1], last[RFC3339_MS_LEN + 1];
    rfc3339_format_ms(seen->telling_first_ns, first);
    rfc3339_format_ms(seen->telling_last_ns, last);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:I, s:s}}", "at", first, "subject",
                     seen->subject, "data", "reader", seen->reader, "client", seen->client, "path",
                     seen->path, "times", (json_int_t)seen->telling, "last", last);
}

static bool is_due(const struct seen *seen, int64_t now_ns)
{
    return seen->untold && (!seen->told_ns || now_ns - seen->told_ns >= TOGETHER_NS);
}

static void begin_telling(struct seen *seen)
{
    seen->telling = seen->untold;
    seen->telling_first_ns = seen->first_ns;
    seen->telling_last_ns = seen->last_ns;
    seen->untold = 0;
}

// Those that are due into telling, at most BATCH, from set *set on, which is moved on. Who reads
// waits for a slice of them at most.
static int gather(struct reads *reads, int64_t now_ns, int *set, struct seen **telling)
{
    int count = 0;
    while (*set < SETS && count < BATCH) {
        int end = *set + SLICE < SETS ? *set + SLICE : SETS;
        pthread_mutex_lock(&reads->lock);
        for (; *set < end && count < BATCH; *set += count < BATCH)
            for (struct seen *seen = reads->sets[*set]; seen && count < BATCH; seen = seen->next)
                if (is_due(seen, now_ns)) {
                    begin_telling(seen);
                    telling[count++] = seen;
                }
        pthread_mutex_unlock(&reads->lock);
    }
    return count;
}

// As JSON. Owned.
static char *text_of(struct seen *const *telling, int count)
{
    json_t *events = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(events, event_of(telling[i]));
    char *text = json_dumps(events, JSON_COMPACT);
    json_decref(events);
    return text;
}

static void settle(struct reads *reads, struct seen **telling, int count, bool told, int64_t now_ns)
{
    pthread_mutex_lock(&reads->lock);
    for (int i = 0; i < count; i++) {
        struct seen *seen = telling[i];
        if (told) {
            seen->told_ns = now_ns;
        } else {
            seen->untold += seen->telling;
            seen->first_ns = seen->telling_first_ns;
        }
        seen->telling = 0;
    }
    pthread_mutex_unlock(&reads->lock);
}

// What is due, as far as the database takes it.
static void tell(struct reads *reads, int64_t now_ns)
{
    struct seen *telling[BATCH];
    int count, set = 0;
    bool told = true;
    while (told && (count = gather(reads, now_ns, &set, telling)) > 0) {
        char *events = text_of(telling, count);
        told = access_table_reads(reads->db, events) == ERR_NONE;
        settle(reads, telling, count, told, now_ns);
        free(events);
    }
}

static void forget(struct seen **at)
{
    struct seen *seen = *at;
    *at = seen->next;
    free(seen->reader);
    free(seen->client);
    free(seen->subject);
    free(seen->path);
    free(seen);
}

static void forget_old_of(struct reads *reads, struct seen **at, int64_t now_ns)
{
    while (*at) {
        if ((*at)->untold || now_ns - (*at)->told_ns < TOGETHER_NS) {
            at = &(*at)->next;
            continue;
        }
        forget(at);
        reads->count--;
    }
}

// All but those that were told a while ago and not seen since.
static void forget_old(struct reads *reads, int64_t now_ns)
{
    for (int set = 0; set < SETS; set += SLICE) {
        pthread_mutex_lock(&reads->lock);
        for (int i = set; i < set + SLICE; i++)
            forget_old_of(reads, &reads->sets[i], now_ns);
        pthread_mutex_unlock(&reads->lock);
    }
}

static void on_timer(void *arg)
{
    struct reads *reads = arg;
    int64_t now_ns = machine_ns();
    tell(reads, now_ns);
    forget_old(reads, now_ns);
    loop_timer_in(reads->timer, clock_machine_ns(TELL_NS));
}

struct reads *reads_new(struct loop *loop, const char *connection)
{
    struct reads *reads = memory_new(1, sizeof *reads);
    pthread_mutex_init(&reads->lock, NULL);
    reads->db = db_new(connection, "socmod-audit reads");
    if (loop) {
        reads->timer = loop_timer_new(loop, on_timer, reads);
        loop_timer_in(reads->timer, clock_machine_ns(TELL_NS));
    }
    return reads;
}

void reads_free(struct reads *reads)
{
    if (!reads)
        return;
    tell(reads, machine_ns() + TOGETHER_NS); // all of it is due
    loop_timer_free(reads->timer);
    for (int i = 0; i < SETS; i++)
        while (reads->sets[i]) {
            if (reads->sets[i]->untold)
                log_error("access.untold", F("reader", reads->sets[i]->reader),
                          F("times", reads->sets[i]->untold));
            forget(&reads->sets[i]);
        }
    db_free(reads->db);
    pthread_mutex_destroy(&reads->lock);
    free(reads);
}
