// SPDX-License-Identifier: Apache-2.0

#include "services/audit/verify.h"
#include "base/memory.h"
#include "base/program.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE = 250000, // events that a thread takes at once
    AROUND = 300,   // events looked at on either side of a fault
    WINDOW = 1000,  // and all together
    BAR = 30,       // characters
    PROGRESS_US = 200000,
};

// A shard while it is verified.
struct walk {
    const struct trail_shard *shard;
    int64_t first; // the event before it is known by its hash:
    struct digest before;
    int64_t taken;     // up to here threads have taken pieces
    int64_t bad;       // the first that does not follow; INT64_MAX: none
    struct chain stop; // and what was good before it
};

struct verify {
    const struct verify_job *job;
    struct walk *walks;
    size_t count;
    pthread_mutex_t lock; // of walks
    atomic_llong done;
    atomic_bool failed;
    int64_t total;
};

// A piece: events first to last of a shard, which follow `chain` where that is known.
struct piece {
    struct verify *verify;
    struct walk *walk;
    int64_t last;
    struct chain chain;
    bool is_known, is_bad;
    int64_t done;
};

static bool take_piece(struct verify *verify, struct piece *piece)
{
    bool found = false;
    pthread_mutex_lock(&verify->lock);
    for (size_t i = 0; !found && i < verify->count; i++) {
        struct walk *walk = &verify->walks[i];
        int64_t end = walk->shard->stand.sequence;
        if (walk->taken >= end || walk->bad <= walk->taken)
            continue;
        *piece = (struct piece){.verify = verify, .walk = walk};
        piece->chain.shard = walk->shard->stand.shard;
        piece->chain.sequence = walk->taken;
        piece->chain.hash = walk->before;
        piece->is_known = walk->taken == walk->first - 1;
        piece->last = end - walk->taken > PIECE ? walk->taken + PIECE : end;
        walk->taken = piece->last;
        found = true;
    }
    pthread_mutex_unlock(&verify->lock);
    return found;
}

static bool on_event(void *arg, const struct trail_event *event)
{
    struct piece *piece = arg;
    // The event before the piece, which the piece before checks.
    if (event->sequence == piece->chain.sequence && !piece->is_known) {
        piece->chain.hash = event->hash;
        return true;
    }
    piece->is_known = true;
    piece->is_bad = !chain_follow(&piece->chain, event);
    if (++piece->done % 1024 == 0)
        atomic_fetch_add(&piece->verify->done, 1024);
    return !piece->is_bad;
}

static void note_bad(struct piece *piece)
{
    pthread_mutex_lock(&piece->verify->lock);
    if (piece->chain.sequence + 1 < piece->walk->bad) {
        piece->walk->bad = piece->chain.sequence + 1;
        piece->walk->stop = piece->chain;
    }
    pthread_mutex_unlock(&piece->verify->lock);
}

static enum err walk_piece(struct db *db, struct piece *piece)
{
    int64_t first = piece->chain.sequence + (piece->is_known ? 1 : 0);
    enum err err = trail_table_walk(db, piece->chain.shard, first, piece->last, on_event, piece);
    if (!err && (piece->is_bad || piece->chain.sequence < piece->last))
        note_bad(piece);
    atomic_fetch_add(&piece->verify->done, piece->done % 1024);
    return err;
}

static void *work(void *arg)
{
    struct verify *verify = arg;
    struct db *db = db_new(verify->job->connection, "socmod-audit verify");
    struct piece piece;
    enum err err = trail_table_open(db);
    while (!err && !atomic_load(&verify->failed) && take_piece(verify, &piece))
        err = walk_piece(db, &piece);
    if (err)
        atomic_store(&verify->failed, true);
    db_free(db);
    return NULL;
}

static void show(const struct verify *verify, int64_t since_ns)
{
    int64_t done = atomic_load(&verify->done), total = verify->total > 0 ? verify->total : 1;
    double seconds = (double)(clock_mono().ns - since_ns) / (double)SECONDS_NS;
    int filled = (int)(BAR * done / total);
    fprintf(stderr, "\r[%.*s%*s] %3jd %%  %jd of %jd events, %.0f/s ", filled,
            "##############################", BAR - filled, "", (intmax_t)(100 * done / total),
            (intmax_t)done, (intmax_t)verify->total, seconds > 0 ? (double)done / seconds : 0);
}

// Until no thread is at work any more.
struct progress {
    const struct verify *verify;
    atomic_bool stop;
};

static void *show_progress(void *arg)
{
    struct progress *progress = arg;
    int64_t since = clock_mono().ns;
    while (!atomic_load(&progress->stop)) {
        show(progress->verify, since);
        usleep(PROGRESS_US);
    }
    fprintf(stderr, "\r%*s\r", BAR + 50, "");
    return NULL;
}

static void walk_all(struct verify *verify)
{
    int64_t count = verify->job->threads;
    pthread_t *threads = memory_new((size_t)count, sizeof *threads), shower;
    struct progress progress = {.verify = verify};
    bool is_shown =
        isatty(STDERR_FILENO) && !pthread_create(&shower, NULL, show_progress, &progress);
    int64_t started = 0;
    while (started < count && !pthread_create(&threads[started], NULL, work, verify))
        started++;
    if (!started)
        work(verify);
    for (int64_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&progress.stop, true);
    if (is_shown)
        pthread_join(shower, NULL);
    free(threads);
}

// The events around a fault.
struct window {
    struct chain_place *list;
    size_t count;
};

static bool on_window(void *arg, const struct trail_event *event)
{
    struct window *window = arg;
    if (window->count == WINDOW)
        return false;
    for (size_t i = 0; i < window->count; i++)
        if (window->list[i].id == event->id && window->list[i].sequence == event->sequence)
            return true;
    window->list[window->count++] =
        (struct chain_place){event->sequence, event->id, trail_content(event), event->hash};
    return true;
}

// The ids between which the event at sequence must have its own.
static void find_bounds(const struct window *window, int64_t sequence, int64_t *after,
                        int64_t *before)
{
    *after = 0;
    *before = INT64_MAX;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < window->count; i++) {
        const struct chain_place *place = &window->list[i];
        if (place->sequence == sequence - 1)
            *after = place->id;
        if (place->sequence > sequence && place->sequence < next) {
            next = place->sequence;
            *before = place->id;
        }
    }
}

static enum err explain(struct db *db, const struct walk *walk, struct trail_faults *faults)
{
    struct window window = {.list = memory_new(WINDOW, sizeof *window.list)};
    int64_t after, before;
    enum err err = trail_table_walk(db, walk->stop.shard, walk->bad - AROUND, walk->bad + AROUND,
                                    on_window, &window);
    find_bounds(&window, walk->bad, &after, &before);
    if (!err)
        err = trail_table_walk_ids(db, walk->stop.shard, after, before, on_window, &window);
    if (!err) {
        struct chain_finding finding = chain_explain(&walk->stop, window.list, window.count);
        bool is_cut = finding.fault == CHAIN_MISSING && walk->shard->greatest < walk->bad;
        if (is_cut)
            finding.other = walk->shard->stand.sequence;
        char *text = chain_finding_text(&finding);
        trail_faults_add(faults, memory_format("shard %d %s%s", walk->stop.shard, text,
                                               is_cut ? ": the end is cut off" : ""));
        free(text);
    }
    free(window.list);
    return err;
}

static void check_end(const struct walk *walk, const struct digest *hash, int64_t id,
                      struct trail_faults *faults)
{
    const struct trail_stand *stand = &walk->shard->stand;
    struct chain_finding finding = {CHAIN_OTHER_HEAD, stand->sequence, 0, id};
    if (!memcmp(hash->octets, stand->hash.octets, DIGEST_LEN) && id == walk->shard->id)
        return;
    char *text = chain_finding_text(&finding);
    trail_faults_add(faults, memory_format("shard %d %s", stand->shard, text));
    free(text);
}

static bool on_last(void *arg, const struct trail_event *event)
{
    struct trail_event *last = arg;
    last->id = event->id;
    last->hash = event->hash;
    return true;
}

static enum err tell_shard(struct db *db, const struct walk *walk, struct trail_faults *faults)
{
    const struct trail_shard *shard = walk->shard;
    const struct trail_stand *stand = &shard->stand;
    enum err err = ERR_NONE;
    if (!shard->is_known) {
        trail_faults_add(faults, memory_format("shard %d sequence %" PRId64
                                               ": inserted: there is no such shard",
                                               stand->shard, shard->greatest));
        return ERR_NONE;
    }
    if (walk->bad != INT64_MAX) {
        err = explain(db, walk, faults);
    } else if (stand->sequence > stand->base) {
        struct trail_event last = {0};
        err = trail_table_walk(db, stand->shard, stand->sequence, stand->sequence, on_last, &last);
        check_end(walk, &last.hash, last.id, faults);
    }
    if (shard->greatest > stand->sequence)
        trail_faults_add(faults, memory_format("shard %d sequence %" PRId64
                                               ": inserted: the shard ends at %" PRId64,
                                               stand->shard, shard->greatest, stand->sequence));
    if (shard->stray)
        trail_faults_add(faults, memory_format("shard %d sequence %" PRId64
                                               ": inserted: all up to %" PRId64 " was retired",
                                               stand->shard, shard->stray, stand->base));
    return err;
}

static void prepare(struct verify *verify, const struct trail_shards *shards,
                    const struct trail_head *head)
{
    verify->count = shards->count;
    verify->walks = memory_new(shards->count + 1, sizeof *verify->walks);
    for (size_t i = 0; i < shards->count; i++) {
        const struct trail_stand *stand = &shards->list[i].stand;
        const struct trail_stand *signed_stand = trail_head_find(head, stand->shard);
        struct walk *walk = &verify->walks[i];
        *walk = (struct walk){.shard = &shards->list[i], .bad = INT64_MAX};
        walk->taken = stand->base;
        walk->before = stand->base_hash;
        if (signed_stand && signed_stand->sequence > stand->base
            && signed_stand->sequence <= stand->sequence) {
            walk->taken = signed_stand->sequence;
            walk->before = signed_stand->hash;
        }
        walk->first = walk->taken + 1;
        verify->total += stand->sequence - walk->taken;
    }
}

static enum err verify_shards(struct db *db, struct verify *verify,
                              const struct trail_shards *shards, const struct trail_head *head,
                              struct trail_faults *faults)
{
    prepare(verify, shards, head);
    walk_all(verify);
    enum err err = atomic_load(&verify->failed) ? ERR_IO : ERR_NONE;
    for (size_t i = 0; !err && i < verify->count; i++)
        err = tell_shard(db, &verify->walks[i], faults);
    free(verify->walks);
    return err;
}

static int print_verdict(const struct trail_verdict *verdict, size_t shards,
                         const struct trail_faults *faults)
{
    for (size_t i = 0; i < faults->count && i < TRAIL_FAULTS; i++)
        printf("%s\n", faults->list[i]);
    double seconds = (double)(verdict->finished.ns - verdict->started.ns) / (double)SECONDS_NS;
    printf("%s: %zu shards, %" PRId64 " events, %" PRId64 " signed heads, %zu faults, %.1f s\n",
           faults->count ? "NOT INTACT" : "intact", shards, verdict->events, verdict->heads,
           faults->count, seconds);
    return faults->count ? EXIT_BROKEN : EXIT_SUCCESS;
}

static int finish(struct db *db, struct trail_verdict *verdict, size_t shards,
                  const struct trail_faults *faults)
{
    verdict->finished = clock_utc();
    verdict->fault = faults->count ? faults->list[0] : NULL;
    int status = print_verdict(verdict, shards, faults);
    if (trail_table_keep(db, verdict))
        fputs("the result was not kept: this role may not, or the database is gone\n", stderr);
    return status;
}

static enum err find_start(struct db *db, const struct verify_job *job, struct trail_head *head)
{
    if (!job->after)
        return ERR_NONE;
    return head_find(db, strcmp(job->after, "last") ? strtoll(job->after, NULL, 10) : 0, &job->keys,
                     head);
}

int verify_run(const struct verify_job *job)
{
    struct db *db = db_new(job->connection, "socmod-audit verify");
    struct verify verify = {.job = job, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct trail_shards shards = {0};
    struct trail_head head = {0};
    struct trail_faults faults = {0};
    struct trail_verdict verdict = {.started = clock_utc()};
    enum err err = trail_table_open(db);
    if (!err)
        err = find_start(db, job, &head);
    if (!err)
        err = trail_table_shards(db, &shards);
    if (!err)
        err = verify_shards(db, &verify, &shards, &head, &faults);
    if (!err)
        err = head_check(db, &shards, &job->keys, job->heads_file, head.number, &faults,
                         &verdict.heads);
    int status = EXIT_FAILURE;
    if (err == ERR_RANGE) {
        fputs("there are signed heads, but no [trail] public_key to check them with\n", stderr);
        status = EXIT_SETTINGS;
    } else if (!err) {
        verdict.after = head.number;
        verdict.events = atomic_load(&verify.done);
        status = finish(db, &verdict, shards.count, &faults);
    }
    trail_faults_clear(&faults);
    trail_head_clear(&head);
    free(shards.list);
    db_free(db);
    return status;
}
