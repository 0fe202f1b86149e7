// SPDX-License-Identifier: Apache-2.0
// socmod-planner: each quarter hour, and whenever a measurement comes late or is corrected,
// decide what each connection may take, and why. Any number of them share the work.
//
// What makes a round, in order of haste: the doorbell of a transformer with news; a look at
// all that still lack a round for this quarter hour (when it begins, every few seconds while
// some do, and once at the end of the grace period, when those are planned too whose
// measurements have not come); and, after a connection was lost, a look at all, because
// doorbells may have been missed.

#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "base/program.h"
#include "base/rfc3339.h"
#include "io/db.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/metrics_port.h"
#include "io/notify.h"
#include "io/seal_file.h"
#include "services/planner/news_table.h"
#include "services/planner/plan_table.h"
#include "services/planner/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t POLL_NS = 5 * SECONDS_NS;
static const int64_t SHORTEST_POLL_NS = SECONDS_NS / 10; // of machine time
static const int64_t GATHER_NS = SECONDS_NS / 50;        // likewise: doorbells come in swarms
static const int64_t AFTER_REFUSAL_NS = SECONDS_NS;      // likewise

static struct {
    char *connection, *name, *seal_key_file;
    int64_t grace_s, batch;
    double margin_percent, excess_percent, arrivals;
    char *metrics_address;
    int64_t metrics_port;
    int64_t hold_s, horizon_s, ramp_w, gain_w, slack_s, severe_w, idle_s, careful_from, careful_to;
    int64_t patience_s;
    bool waive;
} config;

static const struct setting settings[] = {
    DB_SETTINGS(config.connection, "socmod_planner"),
    {"planner", "name", .text = &config.name, .otherwise = "",
     .help = "what rounds are signed with; empty: host and process"},
    {"planner", "grace", .integer = &config.grace_s, .otherwise = "120", .least = 0, .most = 840,
     .help = "seconds into a quarter hour to wait for the last one's measurements"},
    {"planner", "batch", .integer = &config.batch, .otherwise = "200", .least = 1, .most = 5000,
     .help = "transformers planned in one transaction"},
    {"planner", "patience", .integer = &config.patience_s, .otherwise = "300", .least = 60,
     .most = 900, .help = "seconds into a quarter hour by which all its rounds should be made"},
    {"rules", "margin", .real = &config.margin_percent, .otherwise = "5", .least = 0, .most = 50,
     .help = "per cent of a limit kept free with fresh measurements, until learnt"},
    {"rules", "excess", .real = &config.excess_percent, .otherwise = "0.35", .least = 0.01,
     .most = 5,
     .help = "per cent of a limit by which loads may come out above plan and margin, in the mean"},
    {"rules", "arrivals", .real = &config.arrivals, .otherwise = "0.9", .least = 0, .most = 100,
     .help = "cars a day that a connection expects"},
    {"rules", "hold", .integer = &config.hold_s, .otherwise = "3600", .least = 900, .most = 14400,
     .help = "seconds that a new limit stands before it follows the hours ahead"},
    {"rules", "horizon", .integer = &config.horizon_s, .otherwise = "28800", .least = 7200,
     .most = 28800, .help = "seconds from the start of a profile to the end of its hours ahead"},
    {"rules", "ramp", .integer = &config.ramp_w, .otherwise = "2300", .least = 230, .most = 1000000,
     .help = "W per phase and quarter hour by which a limit may rise"},
    {"rules", "gain", .integer = &config.gain_w, .otherwise = "230", .least = 0, .most = 1000000,
     .help = "W per phase from which a higher limit is worth a message"},
    {"rules", "slack", .integer = &config.slack_s, .otherwise = "300", .least = 0, .most = 900,
     .help = "seconds before the end of a meter's message interval that a message may be made"},
    {"rules", "severe", .integer = &config.severe_w, .otherwise = "1600", .least = 0,
     .most = 1000000,
     .help = "W per phase: where cars are held below it, idle connections start low"},
    {"rules", "idle", .integer = &config.idle_s, .otherwise = "7200", .least = 900, .most = 28800,
     .help = "seconds that an idle connection is held low"},
    {"rules", "careful_from", .integer = &config.careful_from, .otherwise = "16", .least = 0,
     .most = 24, .help = "local hour from which a place without measurements is limited"},
    {"rules", "careful_to", .integer = &config.careful_to, .otherwise = "21", .least = 0,
     .most = 24, .help = "local hour until which it is"},
    {"by_hand", "waive", .flag = &config.waive, .otherwise = "yes",
     .help = "messages of limits set by hand do not wait for the message interval of a meter"},
    {"seal", "key_file", .text = &config.seal_key_file, .otherwise = "",
     .help = "private key that messages are sealed with, PEM; empty: they are not"},
    METRICS_SETTINGS(config.metrics_address, config.metrics_port),
    CLOCK_SETTINGS,
    {0},
};

enum { ROUNDS, PROFILES, BUSY_SECONDS, LAST_ROUND };
static struct metric metrics[] = {
    [ROUNDS] = METRIC_COUNTS("socmod_planner_rounds_total", "Rounds of single transformers."),
    [PROFILES] = METRIC_COUNTS("socmod_planner_profiles_total", "Profiles that they made."),
    [BUSY_SECONDS] = METRIC_COUNTS("socmod_planner_busy_seconds_total",
                                   "Time from doorbell to the last of them."),
    [LAST_ROUND] = METRIC_SHOWS("socmod_planner_last_round_timestamp_seconds",
                                "When the last one was written, seconds since 1970, by its clock."),
};

static struct seal_key *seal_key;

// Which key is in use belongs to what an auditor asks; so does that there is none.
static void log_seal_key(void)
{
    char text[SEAL_KEY_TEXT + 1] = "";
    if (seal_key) {
        const struct seal_public public_key = seal_key_public(seal_key);
        seal_public_format(&public_key, text);
    }
    log_info("seal.key_used", F("public", text), F("sealed", (bool)seal_key));
}

static bool read_seal_key(void)
{
    char why[SEAL_FILE_REASON];
    if (!*config.seal_key_file || !seal_file_read(config.seal_key_file, &seal_key, why))
        return true;
    fprintf(stderr, "socmod-planner: seal.key_file: %s\n", why);
    return false;
}

static bool check(void)
{
    if (config.horizon_s >= config.hold_s && config.careful_to >= config.careful_from)
        return read_seal_key();
    fprintf(stderr, config.horizon_s < config.hold_s
                        ? "socmod-planner: rules.horizon must not be less than rules.hold\n"
                        : "socmod-planner: rules.careful_to must not be before careful_from\n");
    return false;
}

static const char *replay_folder, *plot_file;

static const struct program_option options[] = {
    {"replay", "DIR", .text = &replay_folder, .help = "try the rules on a case, and stop"},
    {"plot", "FILE.svg", .text = &plot_file, .help = "with --replay: draw its busiest days"},
    {0},
};

static const struct program program = {
    .name = "socmod-planner",
    .purpose = "decide each quarter hour what chargers may take",
    .version = VERSION,
    .settings = settings,
    .options = options,
    .check = check,
};

// Transformer numbers, each once, in order when taken.
struct numbers {
    int *items;
    size_t count, room;
};

// What the time of a batch goes into.
enum { READING, PLANNING, WRITING, PARTS };

struct planner {
    struct loop *loop;
    struct db *db;
    struct loop_timer *timer;
    struct round_rules rules;
    struct foresight_store *store;
    struct foresight_clock sheets;
    int learnt;            // transformers recovered so far, while there are more
    struct numbers rung;   // by doorbells since the last look
    struct numbers missed; // rung, but another planner had them: a second try at the next poll ...
    struct numbers second; // ... which is this
    bool scanning, scan_all;
    bool congested_first;      // this scan has not yet looked beyond those
    int scan_after;            // greatest number looked at
    int64_t scanned_for;       // quarter hour of the last scan
    bool graced;               // that scan took the incomplete too
    bool unfinished;           // some transformer still lacks its round
    int64_t done_for;          // last quarter hour in which none did
    bool behind;               // and that was told
    bool told_start;           // in the audit trail
    int64_t months_made;       // of plan_table_make_months()
    int64_t started;           // this process, UTC seconds
    struct shift shift;        // which transformers are ours
    int64_t reported;          // quarter hour for which we know that
    struct mono next_poll;     // then look again
    bool alone;                // a batch was refused: one transformer at a time
    struct plan_counts counts; // of the scan or the doorbells under way
    struct mono began;
    int64_t spent_ns[PARTS]; // on its batches
};

static void add(struct numbers *numbers, int item)
{
    if (numbers->count == numbers->room) {
        numbers->room = numbers->room ? 2 * numbers->room : 64;
        numbers->items = memory_grow(numbers->items, numbers->room, sizeof *numbers->items);
    }
    numbers->items[numbers->count++] = item;
}

static int by_size(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

static void put_in_order(struct numbers *numbers)
{
    if (!numbers->count)
        return;
    qsort(numbers->items, numbers->count, sizeof *numbers->items, by_size);
    size_t kept = 1;
    for (size_t i = 1; i < numbers->count; i++)
        if (numbers->items[i] != numbers->items[kept - 1])
            numbers->items[kept++] = numbers->items[i];
    numbers->count = kept;
}

static int64_t quarter_at(int64_t utc)
{
    return utc - utc % QUARTER_S;
}

static bool is_grace_over(int64_t now)
{
    return now >= quarter_at(now) + config.grace_s;
}

static void start_scan(struct planner *planner, bool all)
{
    int64_t now = clock_utc_s();
    planner->scanning = true;
    planner->scan_all = planner->scan_all || all;
    planner->scan_after = 0;
    planner->congested_first = !planner->scan_all;
    planner->scanned_for = quarter_at(now);
    planner->graced = is_grace_over(now);
}

// Has this transformer something to decide?
static bool is_due(const struct plan_job *job, int64_t quarter, bool graced)
{
    if (job->quarter > quarter)
        return false; // by a planner whose clock is ahead
    if (job->quarter < quarter)
        return job->complete || graced;
    return job->basis != job->known_basis || job->revision != job->known_revision;
}

static void plan_job(struct planner *planner, struct plan_job *job, int64_t quarter, int64_t now)
{
    struct foresight *foresight = job->foresight;
    if (foresight) {
        foresight_learn(foresight, &job->facts, &planner->sheets, &planner->rules);
        foresight_look(foresight, &job->facts, &planner->sheets, &planner->rules);
    }
    job->round = round_plan(&job->facts, &planner->rules, quarter, now);
    if (foresight)
        foresight_promise(foresight, &job->facts, job->round, quarter);
}

static void plan_batch(struct planner *planner, struct plan_batch *batch, int64_t quarter,
                       int64_t now)
{
    foresight_clock_set(&planner->sheets, quarter);
    for (int i = 0; i < batch->count; i++)
        if (is_due(&batch->jobs[i], quarter, is_grace_over(now)))
            plan_job(planner, &batch->jobs[i], quarter, now);
}

static int planned(const struct plan_batch *batch)
{
    int count = 0;
    for (int i = 0; i < batch->count; i++)
        count += batch->jobs[i].round != NULL;
    return count;
}

// A part of a batch ends now, and the next begins.
static void end_part(struct planner *planner, int part, struct mono *began)
{
    struct mono now = clock_mono();
    planner->spent_ns[part] += now.ns - began->ns;
    *began = now;
}

// One batch, whole or not at all. claimed: the turns that were ours, owned by the caller.
static enum err do_batch(struct planner *planner, const struct plan_claim *claim,
                         struct numbers *claimed)
{
    struct utc started = clock_utc();
    int64_t now = started.ns / SECONDS_NS, quarter = quarter_at(now);
    struct plan_batch batch;
    struct plan_counts counts = {0};
    struct mono part = clock_mono();
    enum err err = plan_table_make_months(planner->db, now, &planner->months_made);
    if (!err)
        err = db_begin(planner->db);
    if (err)
        return err;
    err = plan_table_read(planner->db, claim, quarter, now, planner->store, &batch);
    end_part(planner, READING, &part);
    for (int i = 0; !err && i < batch.count; i++)
        add(claimed, batch.jobs[i].transformer);
    if (!err)
        plan_batch(planner, &batch, quarter, now);
    end_part(planner, PLANNING, &part);
    // What took until the next quarter hour is decided about anew: a meter may take one message an
    // hour.
    bool is_over = quarter_at(clock_utc_s()) != quarter;
    if (!err && planned(&batch) && !is_over)
        err = plan_table_write(planner->db, &batch, quarter, config.hold_s, seal_key, started,
                               clock_utc(), config.name, &counts);
    if (!err)
        err = db_commit(planner->db);
    end_part(planner, WRITING, &part);
    if (err) {
        // Keep the reason: rolling back would overwrite it.
        char *why = memory_text(db_message(planner->db));
        bool refused = *db_sqlstate(planner->db);
        int only = batch.count == 1 ? batch.jobs[0].transformer : 0;
        db_rollback(planner->db);
        if (refused && planner->alone && only) {
            log_error("plan.failed", F("transformer", only), F("why", why));
            if (plan_table_pass_over(planner->db, only, quarter, clock_utc(), why) == ERR_NONE)
                err = ERR_NONE;
        }
        planner->alone = planner->alone || refused;
        free(why);
    }
    plan_batch_clear(&batch);
    planner->counts.rounds += counts.rounds;
    planner->counts.feeders += counts.feeders;
    planner->counts.connections += counts.connections;
    planner->counts.profiles += counts.profiles;
    return err;
}

static int batch_size(const struct planner *planner)
{
    return planner->alone ? 1 : (int)config.batch;
}

// Take the first transformers of a list; those that another planner has go into `left`, unless
// that is NULL.
static enum err do_named(struct planner *planner, struct numbers *list, struct numbers *left)
{
    put_in_order(list);
    int count = (int)list->count;
    if (count > batch_size(planner))
        count = batch_size(planner);
    struct numbers claimed = {0};
    const struct plan_claim claim = {.named = list->items, .named_count = count};
    enum err err = do_batch(planner, &claim, &claimed);
    if (!err) {
        for (int i = 0; left && i < count; i++)
            if (!claimed.count
                || !bsearch(&list->items[i], claimed.items, claimed.count, sizeof *claimed.items,
                            by_size))
                add(left, list->items[i]);
        list->count -= (size_t)count;
        memmove(list->items, list->items + count, list->count * sizeof *list->items);
    }
    free(claimed.items);
    return err;
}

// Seconds since the rounds of the last scan could begin.
static int64_t late_s(const struct planner *planner)
{
    int64_t began = planner->scanned_for;
    return clock_utc_s() - (began > planner->started ? began : planner->started);
}

// Tell, once, that rounds come too late, and that they come in time again.
static enum err tell_haste(struct planner *planner)
{
    bool behind = late_s(planner) >= config.patience_s;
    if (behind == planner->behind)
        return ERR_NONE;
    enum err err = news_behind(planner->db, config.name, planner->scanned_for, behind,
                               late_s(planner), clock_utc());
    if (!err)
        planner->behind = behind;
    return err;
}

static enum err finish_scan(struct planner *planner)
{
    planner->scanning = planner->scan_all = false;
    planner->alone = false;
    enum err err = plan_table_is_done(planner->db, planner->scanned_for);
    planner->unfinished = err != ERR_NONE;
    if (err || planner->done_for == planner->scanned_for)
        return err == ERR_MORE ? ERR_NONE : err;
    planner->done_for = planner->scanned_for;
    return tell_haste(planner);
}

static enum err do_scan(struct planner *planner)
{
    if (!planner->scan_after && plan_table_add_turns(planner->db))
        return ERR_IO;
    struct numbers claimed = {0};
    const struct plan_claim claim = {
        .after = planner->scan_after,
        .only_due = !planner->scan_all,
        .incomplete = planner->graced,
        .congested = planner->congested_first,
        .shift = planner->scan_all || !planner->graced ? planner->shift : (struct shift){0, 1},
        .limit = batch_size(planner),
    };
    enum err err = do_batch(planner, &claim, &claimed);
    if (!err && claimed.count)
        planner->scan_after = claimed.items[claimed.count - 1];
    bool more = claimed.count > 0;
    free(claimed.items);
    if (err || more)
        return err;
    if (!planner->congested_first)
        return finish_scan(planner);
    planner->congested_first = false;
    planner->scan_after = 0;
    return ERR_NONE;
}

static int64_t real_ms(int64_t ns)
{
    return clock_real_ns(ns) / 1000000;
}

static void tell(struct planner *planner)
{
    if (!planner->counts.rounds)
        return;
    const int64_t *spent_ns = planner->spent_ns;
    int64_t ms = real_ms(clock_mono().ns - planner->began.ns);
    log_info("plan.rounds", F("rounds", planner->counts.rounds),
             F("feeders", planner->counts.feeders), F("connections", planner->counts.connections),
             F("profiles", planner->counts.profiles), F("ms", ms),
             F("read_ms", real_ms(spent_ns[READING])), F("plan_ms", real_ms(spent_ns[PLANNING])),
             F("write_ms", real_ms(spent_ns[WRITING])));
    metric_add(&metrics[ROUNDS], planner->counts.rounds);
    metric_add(&metrics[PROFILES], planner->counts.profiles);
    metric_add(&metrics[BUSY_SECONDS], (double)ms / 1000);
    metric_set(&metrics[LAST_ROUND], (double)clock_utc().ns / 1e9);
    char quarter[RFC3339_LEN + 1];
    rfc3339_format(quarter_at(clock_utc_s()), quarter);
    char *status = memory_format("%d rounds for %s, %d profiles", planner->counts.rounds, quarter,
                                 planner->counts.profiles);
    notify_status(status);
    free(status);
    planner->counts = (struct plan_counts){0};
    memset(planner->spent_ns, 0, sizeof planner->spent_ns);
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t poll_ns(void)
{
    int64_t shortest = clock_machine_ns(SHORTEST_POLL_NS);
    return POLL_NS > shortest ? POLL_NS : shortest;
}

// When is there something to do next? At the latest at the next poll, when a connection that
// broke meanwhile is made again.
static int64_t pause_ns(void)
{
    int64_t now = clock_utc().ns;
    int64_t quarter = quarter_at(now / SECONDS_NS);
    int64_t pause = shorter(poll_ns(), (quarter + QUARTER_S) * SECONDS_NS - now);
    int64_t grace = (quarter + config.grace_s) * SECONDS_NS - now;
    return grace > 0 ? shorter(pause, grace) : pause;
}

// Begin what the clock asks for.
static void look_at_clock(struct planner *planner)
{
    int64_t now = clock_utc_s();
    bool new_quarter = quarter_at(now) != planner->scanned_for;
    bool newly_graced = is_grace_over(now) && !planner->graced;
    bool poll = clock_mono().ns >= planner->next_poll.ns;
    if (new_quarter || newly_graced || (planner->unfinished && poll && !planner->scanning))
        start_scan(planner, false);
    if (poll && !planner->second.count) {
        struct numbers again = planner->missed;
        planner->missed = planner->second;
        planner->second = again;
        planner->missed.count = 0;
        planner->next_poll.ns = clock_mono().ns + poll_ns();
    }
}

static bool is_busy(const struct planner *planner)
{
    return planner->rung.count || planner->second.count || planner->scanning;
}

static enum err do_some(struct planner *planner)
{
    if (planner->rung.count)
        return do_named(planner, &planner->rung, &planner->missed);
    if (planner->second.count) {
        // Perhaps it is new in the grid and has no turn yet.
        enum err err = plan_table_add_turns(planner->db);
        return err ? err : do_named(planner, &planner->second, NULL);
    }
    return planner->scanning ? do_scan(planner) : ERR_NONE;
}

// What the audit trail has to know besides rounds.
static enum err do_news(struct planner *planner)
{
    if (!planner->told_start && news_started(planner->db, config.name, clock_utc()))
        return ERR_IO;
    planner->told_start = true;
    int64_t quarter = quarter_at(clock_utc_s());
    if (quarter != planner->reported
        && shift_table_report(planner->db, config.name, clock_utc(), &planner->shift))
        return ERR_IO;
    if (quarter != planner->reported)
        foresight_store_trim(planner->store, quarter);
    planner->reported = quarter;
    bool lacks = planner->scanned_for && planner->done_for != planner->scanned_for;
    return lacks && late_s(planner) >= config.patience_s ? tell_haste(planner) : ERR_NONE;
}

// With nothing else to do: learn of what was planned without foresight.
static enum err do_idle(struct planner *planner)
{
    if (!foresight_store_wants(planner->store))
        return ERR_NONE;
    enum err err = foresight_table_recover(planner->db, planner->store, quarter_at(clock_utc_s()),
                                           &planner->rules, &planner->learnt);
    if (err || foresight_store_wants(planner->store))
        return err;
    log_info("plan.learnt", F("transformers", planner->learnt));
    planner->learnt = 0;
    return ERR_NONE;
}

static void on_timer(void *arg)
{
    struct planner *planner = arg;
    if (db_connect(planner->db)) {
        loop_timer_in(planner->timer, db_retry_ns(planner->db));
        return;
    }
    if (!is_busy(planner) || clock_mono().ns >= planner->next_poll.ns)
        look_at_clock(planner);
    if (!planner->counts.rounds) {
        planner->began = clock_mono();
        memset(planner->spent_ns, 0, sizeof planner->spent_ns);
    }
    enum err err = do_news(planner);
    if (!err)
        err = is_busy(planner) ? do_some(planner) : do_idle(planner);
    if (!is_busy(planner))
        tell(planner);
    bool has_more = is_busy(planner) || foresight_store_wants(planner->store);
    int64_t pause = has_more ? 0 : pause_ns();
    if (err) {
        int64_t retry = db_retry_ns(planner->db);
        pause = retry ? retry : clock_machine_ns(AFTER_REFUSAL_NS);
    }
    loop_timer_in(planner->timer, pause);
}

// News of a measurement is for the planner of the transformer, a limit set by hand for anybody.
static void hear(struct planner *planner, const char *channel, int transformer)
{
    if (shift_has(&planner->shift, transformer) || !strcmp(channel, "grid_limit"))
        add(&planner->rung, transformer);
}

static void on_doorbell(void *arg, const char *channel, const char *payload)
{
    struct planner *planner = arg;
    bool was_busy = is_busy(planner);
    char *end;
    long number = strtol(payload, &end, 10);
    if (!*channel)
        start_scan(planner, true);
    else if (number > 0 && number <= INT32_MAX && !*end)
        hear(planner, channel, (int)number);
    else
        log_warn("doorbell.unreadable", F("payload", payload));
    // Who is busy comes to it anyway.
    if (!was_busy)
        loop_timer_in(planner->timer, clock_machine_ns(*channel ? GATHER_NS : 0));
}

static char *default_name(void)
{
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    return memory_format("%s:%d", host, (int)getpid());
}

static struct round_rules rules_of_config(void)
{
    return (struct round_rules){
        .margin = config.margin_percent / 100,
        .excess = config.excess_percent / 100,
        .arrivals = config.arrivals,
        .severe_w = (int32_t)config.severe_w,
        .idle_s = (int32_t)config.idle_s,
        .slack_s = (int32_t)config.slack_s,
        .careful_from = (int)config.careful_from,
        .careful_to = (int)config.careful_to,
        .waive = config.waive,
        .horizon = {.hold_s = (int32_t)config.hold_s,
                    .length_s = (int32_t)config.horizon_s,
                    .ramp_w = (int32_t)config.ramp_w,
                    .gain_w = (int32_t)config.gain_w},
    };
}

int main(int argc, char **argv)
{
    program_start(&program, argc, argv);
    if (plot_file && !replay_folder) {
        fprintf(stderr, "%s: --plot needs --replay\n", program.name);
        return EXIT_USAGE;
    }
    const struct round_rules rules = rules_of_config();
    if (replay_folder)
        return replay_run(replay_folder, plot_file, &rules);
    if (!*config.name) {
        free(config.name);
        config.name = default_name();
    }
    struct planner planner = {
        .rules = rules, .store = foresight_store_new(), .started = clock_utc_s(), .shift = {0, 1}};
    planner.loop = loop_new();
    planner.db = db_new(config.connection, program.name);
    planner.timer = loop_timer_new(planner.loop, on_timer, &planner);
    static const char *const channels[] = {"dali_quarter", "grid_limit", NULL};
    db_listen(planner.db, planner.loop, channels, on_doorbell, &planner);
    metric_join(metrics, sizeof metrics / sizeof *metrics);
    struct http *port = metrics_port_new(planner.loop, config.metrics_address, config.metrics_port);
    struct notify *notify = notify_new(planner.loop);
    log_info("planner.started", F("name", config.name));
    log_seal_key();
    loop_timer_in(planner.timer, 0);
    loop_run(planner.loop);
    shift_table_leave(planner.db, config.name);
    notify_free(notify);
    http_free(port);
    loop_timer_free(planner.timer);
    db_free(planner.db);
    loop_free(planner.loop);
    seal_key_free(seal_key);
    foresight_store_free(planner.store);
    free(planner.rung.items);
    free(planner.missed.items);
    free(planner.second.items);
    return EXIT_SUCCESS;
}
