// SPDX-License-Identifier: Apache-2.0

#include "services/planner/replay.h"
#include "base/clock.h"
#include "base/memory.h"
#include "services/planner/demand.h"
#include "services/planner/foresight.h"
#include "services/planner/plot.h"
#include "services/planner/policies.h"
#include "services/planner/score.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    RING = 128, // quarters remembered of what chargers drew
    NS = 1000000000,
    FOR_EVER = 50 * 366 * 86400,
    BAR = 40, // characters
};
_Static_assert(RING >= FACTS_QUARTERS + FACTS_PAUSED + FACTS_FRESH, "measurements may be so late");

enum lot { LOT_MISSING, LOT_LOSS }; // what is drawn by lot

// How well the base load was foreseen, by feeder phase and horizon.
enum { HORIZONS = 4 };
static const int horizons[HORIZONS] = {1, 4, 12, 96}; // quarters; 1 is the one decided about

struct foreseen {
    struct {
        double error_w;
        int64_t count, covered;
    } * series;             // [feeder][phase][horizon]
    int64_t cpu_ns, rounds; // rounds of one series
};

struct replay {
    const struct replay_case *given;
    const struct round_rules *rules;
    enum case_policy policy;
    const int32_t *base_w; // without gaps

    // the run under way
    struct score_run run;
    struct plant_socket *sockets;
    struct facts_load *reports; // [quarter % RING][charger]: what chargers reported
    int64_t *written;           // by charger: when its meter last took a message
    bool *has_message;          // of this quarter, by charger
    struct horizon_plan *messages;
    double *level_a;     // of the simple policies, by place
    double *sent_a;      // last sent, by charger
    struct facts *facts; // of each transformer
    struct foresight **foresights;
    struct foresight_clock clock;
    int *charger_at; // in the connections of its transformer's facts
    int *feeder_at;
    struct foreseen foreseen;
};

static int place_count(const struct replay_case *given)
{
    return given->feeder_count + given->transformer_count;
}

// ---- what is known ----

static int32_t measured(const struct replay *replay, int quarter, int feeder, int phase)
{
    const struct replay_case *given = replay->given;
    if (quarter < 0 || case_load(given, quarter, feeder)[phase] == FACTS_UNKNOWN
        || (given->missing > 0
            && plant_lot(given->seed, LOT_MISSING, (uint64_t)quarter, (uint64_t)feeder)
                   < given->missing))
        return FACTS_UNKNOWN;
    return (int32_t)lroundf(replay->run.load_w[score_at(given, quarter, feeder) + phase]);
}

static int32_t measured_place(const struct replay *replay, int quarter, int place, int phase)
{
    const struct replay_case *given = replay->given;
    if (place < given->feeder_count)
        return measured(replay, quarter, place, phase);
    int64_t sum_w = 0;
    for (int f = 0; f < given->feeder_count; f++) {
        if (given->feeders[f].above != place - given->feeder_count)
            continue;
        int32_t w = measured(replay, quarter, f, phase);
        if (w == FACTS_UNKNOWN)
            return FACTS_UNKNOWN;
        sum_w += w;
    }
    return (int32_t)(sum_w > INT32_MAX ? INT32_MAX : sum_w < -INT32_MAX ? -INT32_MAX : sum_w);
}

static void know_feeder(const struct replay *replay, int quarter, int f)
{
    const struct replay_case *given = replay->given;
    struct facts_feeder *known =
        &replay->facts[given->feeders[f].above].feeders[replay->feeder_at[f]];
    for (int at = 0; at < FACTS_QUARTERS; at++)
        for (int phase = 0; phase < PHASES; phase++)
            known->measured_w[at][phase] = at < given->late_quarters
                                               ? FACTS_UNKNOWN
                                               : measured(replay, quarter - 1 - at, f, phase);
    known->certain = replay->policy == CASE_BOUND;
    for (int phase = 0; phase < PHASES; phase++)
        known->certain_w[phase] = (int32_t)score_base(given, replay->base_w, quarter, f, phase);
}

static struct facts_load *report_of(const struct replay *replay, int quarter, int c)
{
    return &replay->reports[(int64_t)(quarter % RING) * replay->given->charger_count + c];
}

// How many quarters a pause had lasted before those of facts.
static int paused_before(const struct replay *replay, int quarter, int c)
{
    int first = quarter - FACTS_QUARTERS, before = 0;
    while (before < FACTS_PAUSED && before < first
           && demand_is_pause(report_of(replay, first - 1 - before, c),
                              replay->given->chargers[c].phase_count))
        before++;
    return before;
}

static void know_charger(const struct replay *replay, int quarter, int c)
{
    const struct replay_case *given = replay->given;
    const struct case_charger *charger = &given->chargers[c];
    struct facts_connection *known =
        &replay->facts[given->feeders[charger->feeder].above].connections[replay->charger_at[c]];
    for (int at = 0; at < FACTS_QUARTERS; at++) {
        int then = quarter - 1 - at;
        struct facts_load *load = &known->loads[at];
        *load = (struct facts_load){{FACTS_UNKNOWN, FACTS_UNKNOWN, FACTS_UNKNOWN}, FACTS_UNKNOWN};
        if (then < 0 || at < given->late_quarters
            || (!given->charger_meters && replay->policy != CASE_BOUND))
            continue;
        *load = *report_of(replay, then, c);
    }
    known->paused_before = paused_before(replay, quarter, c);
    known->told = replay->sockets[c].holds ? &replay->sockets[c].plan : NULL;
    known->written = replay->written[c];
}

static int32_t whole_w(const struct case_charger *charger, double a)
{
    return (int32_t)ceil(a * HORIZON_AMPERE_W * charger->phase_count);
}

static void describe_charger(const struct replay *replay, int c, struct facts_connection *known)
{
    const struct case_charger *charger = &replay->given->chargers[c];
    *known = (struct facts_connection){
        .number = c + 1,
        .meter = c + 1,
        .feeder = replay->feeder_at[charger->feeder],
        .phase_count = charger->phase_count,
        .contract_w = whole_w(charger, charger->max_a),
        .floor_w = whole_w(charger, charger->floor_a),
        .charger_w = (int32_t)(charger->max_a * HORIZON_AMPERE_W),
        .weight = 1,
        .interval_s = replay->given->interval_s,
    };
    memcpy(known->grid_phase, charger->grid_phase, sizeof known->grid_phase);
}

static int32_t limit_of(const struct case_place *place, int phase)
{
    // A phase without a limit beside one with a limit: a limit that never counts.
    return place->limited[phase] ? place->limit_w[phase] : INT32_MAX / 8;
}

static bool is_limited(const struct case_place *place)
{
    return place->limited[0] || place->limited[1] || place->limited[2];
}

static void describe_transformer(struct replay *replay, int t)
{
    const struct replay_case *given = replay->given;
    struct facts *facts = &replay->facts[t];
    *facts = (struct facts){
        .number = t + 1,
        .limited = is_limited(&given->transformers[t]),
        .feeders = memory_new((size_t)given->feeder_count, sizeof *facts->feeders),
        .connections = memory_new((size_t)given->charger_count + 1, sizeof *facts->connections),
    };
    memcpy(facts->id, given->transformers[t].id, sizeof facts->id);
    for (int phase = 0; phase < PHASES; phase++)
        facts->limit_w[phase] = limit_of(&given->transformers[t], phase);
    for (int f = 0; f < given->feeder_count; f++) {
        if (given->feeders[f].above != t)
            continue;
        replay->feeder_at[f] = facts->feeder_count;
        struct facts_feeder *feeder = &facts->feeders[facts->feeder_count++];
        feeder->number = f + 1;
        feeder->limited = is_limited(&given->feeders[f]);
        memcpy(feeder->id, given->feeders[f].id, sizeof feeder->id);
        for (int phase = 0; phase < PHASES; phase++)
            feeder->limit_w[phase] = limit_of(&given->feeders[f], phase);
    }
    for (int c = 0; c < given->charger_count; c++) {
        if (given->feeders[given->chargers[c].feeder].above != t)
            continue;
        replay->charger_at[c] = facts->connection_count;
        describe_charger(replay, c, &facts->connections[facts->connection_count++]);
    }
}

// ---- what is decided ----

static void send(struct replay *replay, int quarter, int c, const struct horizon_plan *plan)
{
    replay->has_message[c] = true;
    replay->messages[c] = *plan;
    replay->run.messaged[(int64_t)quarter * replay->given->charger_count + c] = true;
}

static int64_t start_of(const struct replay_case *given, int quarter)
{
    return given->start + (int64_t)quarter * QUARTER_S;
}

static int64_t cpu_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (int64_t)at.tv_sec * NS + at.tv_nsec;
}

// Put what was foreseen beside what was measured later.
static void judge_forecast(struct replay *replay, int quarter, int t)
{
    const struct replay_case *given = replay->given;
    const struct facts *facts = &replay->facts[t];
    if (start_of(given, quarter) < given->score_from)
        return;
    for (int i = 0; i < facts->feeder_count * PHASES; i++) {
        int f = facts->feeders[i / PHASES].number - 1, phase = i % PHASES;
        const struct foresight_place *place =
            foresight_place(replay->foresights[t], f + 1, replay->rules);
        for (int h = 0; h < HORIZONS; h++) {
            int then = quarter + horizons[h] - 1;
            if (then >= given->quarters || case_load(given, then, f)[phase] == FACTS_UNKNOWN)
                continue;
            int64_t start = start_of(given, then);
            struct series_forecast forecast =
                series_forecast(&place->series[phase], start, calendar_at(start));
            if (forecast.method == SERIES_NOTHING)
                continue;
            double real_w = case_load(given, then, f)[phase];
            int at = (f * PHASES + phase) * HORIZONS + h;
            replay->foreseen.series[at].error_w += fabs(real_w - (double)forecast.mean_w);
            replay->foreseen.series[at].count++;
            replay->foreseen.series[at].covered += real_w <= (double)forecast.p95_w;
        }
    }
}

static void plan_transformer(struct replay *replay, int quarter, int t)
{
    struct facts *facts = &replay->facts[t];
    struct foresight *foresight = replay->foresights[t];
    int64_t start = start_of(replay->given, quarter);
    bool foresees = replay->policy == CASE_FORECAST;
    foresight_clock_set(&replay->clock, start);
    int64_t began = cpu_ns();
    if (foresees) {
        foresight_learn(foresight, facts, &replay->clock, replay->rules);
        foresight_look(foresight, facts, &replay->clock, replay->rules);
    }
    replay->foreseen.cpu_ns += cpu_ns() - began;
    replay->foreseen.rounds += (int64_t)(facts->feeder_count + 1) * PHASES;
    struct round *round = round_plan(facts, replay->rules, start, start);
    if (foresees) {
        foresight_promise(foresight, facts, round, start);
        judge_forecast(replay, quarter, t);
    }
    for (int i = 0; i < round->share_count; i++) {
        const struct round_share *share = &round->shares[i];
        struct horizon_plan plan;
        if (share->decision == ROUND_SEND && horizon_of_profile(share->profile, &plan))
            send(replay, quarter, facts->connections[share->connection].number - 1, &plan);
    }
    round_free(round);
}

static void plan_all(struct replay *replay, int quarter)
{
    const struct replay_case *given = replay->given;
    for (int f = 0; f < given->feeder_count; f++)
        know_feeder(replay, quarter, f);
    for (int c = 0; c < given->charger_count; c++)
        know_charger(replay, quarter, c);
    for (int t = 0; t < given->transformer_count; t++)
        plan_transformer(replay, quarter, t);
}

static bool is_blocked(const struct replay *replay, int quarter, int c)
{
    return replay->written[c]
           && start_of(replay->given, quarter) + replay->given->delivery_s
                  < replay->written[c] + replay->given->interval_s;
}

// One limit per place, which all chargers there get once it differs from what they were sent.
static void follow_simple(struct replay *replay, int quarter)
{
    const struct replay_case *given = replay->given;
    double most_a = 0;
    for (int c = 0; c < given->charger_count; c++)
        most_a = fmax(most_a, given->chargers[c].max_a);
    for (int place = 0; place < place_count(given); place++) {
        int32_t last_w[PHASES];
        for (int phase = 0; phase < PHASES; phase++)
            last_w[phase] =
                measured_place(replay, quarter - 1 - given->late_quarters, place, phase);
        double *level_a = &replay->level_a[place];
        *level_a = policies_next(replay->policy, score_place(given, place), last_w,
                                 quarter ? *level_a : most_a, most_a);
    }
    int64_t start = start_of(given, quarter);
    for (int c = 0; c < given->charger_count; c++) {
        const struct case_charger *charger = &given->chargers[c];
        int above = given->feeder_count + given->feeders[charger->feeder].above;
        double a =
            fmin(fmin(replay->level_a[charger->feeder], replay->level_a[above]), charger->max_a);
        double had_a = quarter ? replay->sent_a[c] : charger->max_a;
        replay->sent_a[c] = had_a;
        if (fabs(a - had_a) < 0.01 || is_blocked(replay, quarter, c))
            continue;
        replay->sent_a[c] = a;
        const struct horizon_plan plan = {
            start,
            start + FOR_EVER,
            1,
            {{start, (int32_t)lround(a * HORIZON_AMPERE_W * charger->phase_count)}}};
        send(replay, quarter, c, &plan);
    }
}

// ---- what happens ----

static void live_charger(struct replay *replay, int quarter, int c)
{
    const struct replay_case *given = replay->given;
    const struct case_charger *charger = &given->chargers[c];
    struct plant_socket *socket = &replay->sockets[c];
    int64_t start = start_of(given, quarter), end = start + QUARTER_S;
    int64_t delivered = start + given->delivery_s;
    double energy_wh[PHASES] = {0};
    plant_live(socket, start, delivered, energy_wh, replay->run.results);
    bool arrives =
        replay->has_message[c]
        && (given->loss <= 0
            || plant_lot(given->seed, LOT_LOSS, (uint64_t)quarter, (uint64_t)c) >= given->loss);
    if (arrives) {
        socket->holds = true;
        socket->plan = replay->messages[c];
        replay->written[c] = delivered;
    }
    replay->has_message[c] = false;
    plant_live(socket, delivered, end, energy_wh, replay->run.results);

    struct facts_load *report = report_of(replay, quarter, c);
    *report = (struct facts_load){{FACTS_UNKNOWN, FACTS_UNKNOWN, FACTS_UNKNOWN},
                                  plant_limit(socket, end - 1)};
    double sum_w = 0;
    for (int own = 0; own < charger->phase_count; own++) {
        double w = energy_wh[own] * 3600 / QUARTER_S;
        sum_w += w;
        report->drawn_w[own] = (int32_t)lround(w);
        int phase = charger->grid_phase[own];
        int above = given->feeder_count + given->feeders[charger->feeder].above;
        replay->run.load_w[score_at(given, quarter, charger->feeder) + phase] += (float)w;
        replay->run.load_w[score_at(given, quarter, above) + phase] += (float)w;
    }
    int64_t at = (int64_t)quarter * given->charger_count + c;
    replay->run.drawn_w[at] = (float)sum_w;
    replay->run.limit_a[at] =
        report->limit_w == FACTS_UNKNOWN
            ? INFINITY
            : (float)report->limit_w / (float)(HORIZON_AMPERE_W * charger->phase_count);
}

static void live_quarter(struct replay *replay, int quarter)
{
    const struct replay_case *given = replay->given;
    for (int place = 0; place < place_count(given); place++)
        for (int phase = 0; phase < PHASES; phase++)
            replay->run.load_w[score_at(given, quarter, place) + phase] =
                (float)score_base(given, replay->base_w, quarter, place, phase);
    for (int c = 0; c < given->charger_count; c++)
        live_charger(replay, quarter, c);
}

static void let_all_leave(struct replay *replay)
{
    const struct replay_case *given = replay->given;
    int64_t end = start_of(given, given->quarters);
    for (int c = 0; c < given->charger_count; c++) {
        double energy_wh[PHASES] = {0};
        replay->sockets[c].holds = false;
        plant_live(&replay->sockets[c], end, INT64_MAX, energy_wh, replay->run.results);
    }
}

static void show_progress(const struct replay *replay, int quarter, bool *shown)
{
    const struct replay_case *given = replay->given;
    static int last = -1;
    int done = (int)((int64_t)quarter * BAR / given->quarters);
    if (!isatty(STDERR_FILENO) || (*shown && done == last))
        return;
    last = done;
    *shown = true;
    fprintf(stderr, "\r%-8s [%.*s%*s] %3d %%", case_policy_name(replay->policy), done,
            "########################################", BAR - done, "",
            (int)((int64_t)quarter * 100 / given->quarters));
    if (quarter == given->quarters)
        fprintf(stderr, "\r%*s\r", BAR + 20, "");
}

static struct score_run run_new(const struct replay_case *given)
{
    size_t quarters = (size_t)given->quarters;
    return (struct score_run){
        .load_w = memory_new(quarters * (size_t)place_count(given) * PHASES, sizeof(float)),
        .drawn_w = memory_new(quarters * (size_t)given->charger_count + 1, sizeof(float)),
        .limit_a = memory_new(quarters * (size_t)given->charger_count + 1, sizeof(float)),
        .messaged = memory_new(quarters * (size_t)given->charger_count + 1, sizeof(bool)),
        .results = memory_new((size_t)given->session_count + 1, sizeof(struct plant_result)),
    };
}

static void run_free(struct score_run *run)
{
    free(run->load_w);
    free(run->drawn_w);
    free(run->limit_a);
    free(run->messaged);
    free(run->results);
}

static void begin(struct replay *replay)
{
    const struct replay_case *given = replay->given;
    size_t chargers = (size_t)given->charger_count + 1;
    replay->sockets = memory_new(chargers, sizeof *replay->sockets);
    replay->reports = memory_new(chargers * RING, sizeof *replay->reports);
    replay->written = memory_new(chargers, sizeof *replay->written);
    replay->has_message = memory_new(chargers, sizeof *replay->has_message);
    replay->messages = memory_new(chargers, sizeof *replay->messages);
    replay->level_a = memory_new((size_t)place_count(given), sizeof *replay->level_a);
    replay->sent_a = memory_new(chargers, sizeof *replay->sent_a);
    replay->facts = memory_new((size_t)given->transformer_count, sizeof *replay->facts);
    replay->charger_at = memory_new(chargers, sizeof *replay->charger_at);
    replay->feeder_at = memory_new((size_t)given->feeder_count, sizeof *replay->feeder_at);
    for (int c = 0; c < given->charger_count; c++)
        replay->sockets[c] = plant_socket(given, c);
    replay->foresights = memory_new((size_t)given->transformer_count,
                                    sizeof *replay->foresights); // NOLINT: an array of pointers
    for (int t = 0; t < given->transformer_count; t++) {
        describe_transformer(replay, t);
        replay->foresights[t] = foresight_new(t + 1);
    }
}

static void end(struct replay *replay)
{
    for (int t = 0; t < replay->given->transformer_count; t++) {
        free(replay->facts[t].feeders);
        free(replay->facts[t].connections);
        foresight_free(replay->foresights[t]);
    }
    free(replay->foresights);
    free(replay->facts);
    free(replay->sockets);
    free(replay->reports);
    free(replay->written);
    free(replay->has_message);
    free(replay->messages);
    free(replay->level_a);
    free(replay->sent_a);
    free(replay->charger_at);
    free(replay->feeder_at);
}

// One policy through the whole case. Owned: run_free().
static struct score_run run_policy(struct replay *replay, enum case_policy policy)
{
    const struct replay_case *given = replay->given;
    replay->policy = policy;
    replay->run = run_new(given);
    begin(replay);
    bool shown = false;
    for (int q = 0; q < given->quarters; q++) {
        show_progress(replay, q, &shown);
        if (policy == CASE_FORECAST || policy == CASE_BOUND)
            plan_all(replay, q);
        else
            follow_simple(replay, q);
        live_quarter(replay, q);
    }
    let_all_leave(replay);
    show_progress(replay, given->quarters, &shown);
    end(replay);
    return replay->run;
}

// ---- what is told ----

static int by_size(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

// Highest less lowest hundredth of a series of base loads in the quarters that count.
static double range_of(const struct replay *replay, int column)
{
    const struct replay_case *given = replay->given;
    int first = (int)((given->score_from - given->start) / QUARTER_S);
    int count = given->quarters - first;
    int32_t *sorted = memory_new((size_t)count, sizeof *sorted);
    for (int i = 0; i < count; i++)
        sorted[i] = replay->base_w[(int64_t)(first + i) * given->feeder_count * PHASES + column];
    qsort(sorted, (size_t)count, sizeof *sorted, by_size);
    int tail = count / 100; // highest and lowest hundredth
    double range_w = sorted[count - 1 - tail] - sorted[tail];
    free(sorted);
    return range_w;
}

static void print_forecast(const struct replay *replay)
{
    const struct foreseen *foreseen = &replay->foreseen;
    int columns = replay->given->feeder_count * PHASES;
    double error[HORIZONS] = {0}, covered[HORIZONS] = {0};
    int series[HORIZONS] = {0};
    for (int column = 0; column < columns; column++) {
        double range_w = range_of(replay, column);
        for (int h = 0; h < HORIZONS; h++) {
            int at = column * HORIZONS + h;
            double count = (double)foreseen->series[at].count;
            if (!(count > 0 && range_w > 0))
                continue;
            error[h] += foreseen->series[at].error_w / count / range_w;
            covered[h] += (double)foreseen->series[at].covered / count;
            series[h]++;
        }
    }
    printf(",\"forecast\":{\"rmae_pct\":{");
    for (int h = 0; h < HORIZONS; h++)
        printf(series[h] ? "%s\"%d\":%.2f" : "%s\"%d\":null", h ? "," : "", horizons[h],
               100 * error[h] / series[h]);
    printf("},\"p95_coverage_pct\":{");
    for (int h = 0; h < HORIZONS; h++)
        printf(series[h] ? "%s\"%d\":%.2f" : "%s\"%d\":null", h ? "," : "", horizons[h],
               100 * covered[h] / series[h]);
    printf("}},\"cpu_us_per_series_round\":%.2f",
           foreseen->rounds ? (double)foreseen->cpu_ns / 1000 / (double)foreseen->rounds : 0.0);
}

static bool print_result(const struct replay *replay, const struct score *score)
{
    printf(
        "{\"policy\":\"%s\",\"days\":%.3f,\"charger_days\":%.2f,"
        "\"overload_quarters_per_day\":%.4f,\"overload_quarters_5pct_per_day\":%.4f,"
        "\"overload_kwh_per_day\":%.4f,\"worst_ratio\":%.4f,\"curtailed_pct\":%.3f,"
        "\"unserved_pct\":%.3f,\"delay_h\":%.4f,\"longest_wait_h\":%.2f,\"jain\":%.5f,\"p5\":%.4f,"
        "\"messages_per_charger_day\":%.3f",
        case_policy_name(replay->policy), score->days, score->charger_days,
        score->overload_quarters, score->overload_quarters_5pct, score->overload_kwh,
        score->worst_ratio, score->curtailed_pct, score->unserved_pct, score->delay_h,
        score->wait_h, score->jain, score->p5, score->messages);
    if (replay->policy == CASE_FORECAST)
        print_forecast(replay);
    else
        printf(",\"forecast\":null,\"cpu_us_per_series_round\":null");
    printf("}\n");
    if (!fflush(stdout) && !ferror(stdout))
        return true;
    fprintf(stderr, "standard output: %s\n", strerror(errno));
    return false;
}

static bool run_all(struct replay *replay, FILE *plot)
{
    const struct replay_case *given = replay->given;
    // All is measured against the days without control, and the picture shows one policy.
    struct score_run uncontrolled = run_policy(replay, CASE_NONE), shown = {0};
    enum case_policy shown_policy = CASE_NONE;
    bool good = true;
    for (enum case_policy policy = CASE_NONE; good && policy < CASE_POLICIES; policy++) {
        if (!given->policies[policy])
            continue;
        struct score_run run = policy ? run_policy(replay, policy) : uncontrolled;
        replay->policy = policy;
        struct score score = score_of(given, replay->base_w, &uncontrolled, &run);
        good = print_result(replay, &score);
        if (!policy)
            continue;
        if (plot && shown_policy != CASE_FORECAST) {
            run_free(&shown);
            shown = run;
            shown_policy = policy;
        } else {
            run_free(&run);
        }
    }
    if (plot && good)
        plot_write(plot, given, replay->base_w, &uncontrolled,
                   shown_policy ? &shown : &uncontrolled, case_policy_name(shown_policy));
    run_free(&uncontrolled);
    run_free(&shown);
    return good;
}

// The file is opened before hours of replay, not after them.
static bool run_and_plot(struct replay *replay, const char *plot)
{
    FILE *file = plot ? fopen(plot, "we") : NULL;
    bool drawn = !plot || file;
    bool good = drawn && run_all(replay, file);
    if (file) {
        drawn = !ferror(file);
        drawn = !fclose(file) && drawn;
    }
    if (!drawn)
        fprintf(stderr, "%s: %s\n", plot, strerror(errno));
    return good && drawn;
}

int replay_run(const char *folder, const char *plot, const struct round_rules *rules)
{
    struct replay_case *given = case_read(folder);
    if (!given)
        return EXIT_FAILURE;
    size_t columns = (size_t)given->feeder_count * PHASES;
    int32_t *base_w = memory_new((size_t)given->quarters * columns, sizeof *base_w);
    plant_fill_gaps(given, base_w);
    struct replay replay = {.given = given, .rules = rules, .base_w = base_w};
    replay.foreseen.series = memory_new(columns * HORIZONS, sizeof *replay.foreseen.series);
    bool good = run_and_plot(&replay, plot);
    free(replay.foreseen.series);
    free(base_w);
    case_free(given);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
