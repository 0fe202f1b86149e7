// SPDX-License-Identifier: Apache-2.0
// How good is the forecast, and what does it cost? Runs the series of the folder $LOADS_DATA (or
// of the first data/loads in a folder beside the tree) quarter hour by quarter hour through
// services/planner/series and prints "name value unit" lines; says so and ends well where there is
// no such folder.
//
// Protocol: rolling origin, a forecast each quarter hour for every horizon; what is scored is the
// last 40 % of the Dutch series and the last 84 days of SimBench's. rMAE = mean absolute error /
// (P99 - P1 of the series). persist = the last measured value; at 24 h that is yesterday's. Cold
// start: each series cut into weeks that know nothing before them, days 2 to 7 scored.
//
// gbm: gradient boosted trees on the same series, test span and horizons, measured once and kept
// here to compare with: scikit-learn 1.2.1 HistGradientBoostingRegressor, absolute or quantile
// loss, 120 trees, refitted weekly on all before; lags of 15 min to 7 days, day mean, calendar.
// Not tuned.

#include "base/memory.h"
#include "services/planner/series.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    HORIZONS = 4,
    DAY = CALENDAR_SLOTS,
    WEEK = 7 * DAY,
    MOST_QUARTERS = 20000,
    MOST_SERIES = 16
};

static const int horizons[HORIZONS] = {1, 4, 12, 96};
static const char *const horizon_names[HORIZONS] = {"15min", "1h", "3h", "24h"};

struct set {
    const char *name, *file;
    double test_share; // scored at the end; or ...
    int test_days;
    bool is_wall;    // its times are those of the wall clock, else UTC
    double to_watts; // of its values
    const char *columns[8];
    double gbm_rmae[HORIZONS], gbm_pinball[HORIZONS]; // per cent, means over the set
};

static const struct set sets[] = {
    {.name = "nl_mv_locations",
     .file = "nl_feeders",
     .test_share = 0.4,
     .to_watts = 1000,
     .columns = {"NLF287", "NLF435"},
     .gbm_rmae = {2.418, 4.755, 7.490, 12.067},
     .gbm_pinball = {0.377, 0.715, 0.999, 1.261}},
    {.name = "nl_substations",
     .file = "nl_substations",
     .test_share = 0.4,
     .to_watts = 1000,
     .columns = {"NLS_HAL", "NLS_LLS", "NLS_NRYN", "NLS_WEW", "NLS_WWF"},
     .gbm_rmae = {3.456, 7.589, 12.254, 16.476},
     .gbm_pinball = {0.578, 1.172, 1.791, 2.326}},
    {.name = "simbench_feeder",
     .file = "simbench_h1",
     .test_days = 84,
     .is_wall = true,
     .to_watts = 1000,
     .columns = {"SBR_L1_H1", "SBR_L2_H1", "SBR_L3_H1"},
     .gbm_rmae = {6.373, 7.716, 8.369, 8.825},
     .gbm_pinball = {1.156, 1.344, 1.414, 1.421}},
    {.name = "simbench_single",
     .file = "simbench_h1",
     .test_days = 84,
     .is_wall = true,
     .to_watts = 30000,
     .columns = {"SB_H0-A_H1", "SB_H0-B_H1", "SB_H0-C_H1", "SB_L1-A_H1", "SB_L2-A_H1"},
     .gbm_rmae = {6.129, 7.863, 8.627, 8.909},
     .gbm_pinball = {1.394, 1.888, 1.971, 1.987}},
};
enum { SETS = sizeof sets / sizeof *sets };

// A file as columns.
struct table {
    char names[MOST_SERIES][24];
    float *values[MOST_SERIES];
    int columns, rows;
    int64_t start;
};

// What one series, or the mean of several, came to; per cent.
struct score {
    double rmae[HORIZONS], persist[HORIZONS], coverage90[HORIZONS], coverage95[HORIZONS];
    double pinball[HORIZONS];
    double us;
};

static struct calendar_sheet sheets[MOST_QUARTERS];
static float foreseen[HORIZONS][MOST_QUARTERS], p90[HORIZONS][MOST_QUARTERS],
    p95[HORIZONS][MOST_QUARTERS];

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t read_time(const char *text)
{
    struct tm tm = {0};
    if (sscanf(text, "%d-%d-%dT%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min)
        != 5)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return timegm(&tm);
}

static void read_row(struct table *table, const char *line, const struct set *set)
{
    const char *at = strchr(line, ',');
    for (int i = 0; i < table->columns; i++) {
        char *end = NULL;
        double value = at ? strtod(at + 1, &end) : NAN;
        bool is_missing = !at || end == at + 1;
        table->values[i][table->rows] = is_missing ? NAN : (float)(value * set->to_watts);
        at = at ? strchr(at + 1, ',') : NULL;
    }
}

// Rows stand a quarter hour apart; false where the file is not as it should be.
static bool read_table(const char *folder, const struct set *set, struct table *table)
{
    static char line[4096];
    char *command = memory_format("zcat '%s/%s.csv.gz' 2>/dev/null", folder, set->file);
    FILE *in = popen(command, "r");
    free(command);
    bool fine = in && fgets(line, sizeof line, in);
    strtok(line, ",\n");
    for (char *name; fine && table->columns < MOST_SERIES && (name = strtok(NULL, ",\n"));) {
        snprintf(table->names[table->columns], sizeof table->names[0], "%s", name);
        table->values[table->columns++] = memory_new(MOST_QUARTERS, sizeof(float));
    }
    while (fine && fgets(line, sizeof line, in)) {
        int64_t time = read_time(line);
        if (!table->rows)
            table->start = time;
        fine = table->rows < MOST_QUARTERS
               && time == table->start + (int64_t)table->rows * CALENDAR_QUARTER_S;
        if (fine)
            read_row(table, line, set);
        table->rows += fine;
    }
    if (in)
        pclose(in);
    return fine && table->rows > WEEK;
}

static void free_table(struct table *table)
{
    for (int i = 0; i < table->columns; i++)
        free(table->values[i]);
}

static const float *column_of(const struct table *table, const char *name)
{
    for (int i = 0; i < table->columns; i++)
        if (!strcmp(table->names[i], name))
            return table->values[i];
    return NULL;
}

static int columns_of(const struct set *set)
{
    int count = 0;
    while (set->columns[count])
        count++;
    return count;
}

static void make_sheets(const struct table *table, bool is_wall)
{
    for (int i = 0; i < table->rows; i++) {
        sheets[i].quarter = table->start + (int64_t)i * CALENDAR_QUARTER_S;
        for (int ahead = 0; ahead <= CALENDAR_AHEAD; ahead++) {
            int64_t time = sheets[i].quarter + (int64_t)ahead * CALENDAR_QUARTER_S;
            sheets[i].at[ahead] = is_wall ? calendar_of_wall(time) : calendar_at(time);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

// P99 - P1
static double range_of(const float *values, int count)
{
    float *sorted = memory_new((size_t)count, sizeof *sorted);
    int known = 0;
    for (int i = 0; i < count; i++)
        if (!isnan(values[i]))
            sorted[known++] = values[i];
    qsort(sorted, (size_t)known, sizeof *sorted, by_value);
    double range = sorted[(int)(known * 0.99)] - sorted[(int)(known * 0.01)];
    free(sorted);
    return range;
}

// Run the quarter hours from `from` to before `to` through a series that knows nothing before.
static void run(const float *values, int from, int to)
{
    static struct series series;
    series_start(&series);
    for (int i = from; i < to; i++) {
        series_update(&series, &sheets[i], values[i], INFINITY);
        for (int h = 0; h < HORIZONS; h++) {
            int at = i + horizons[h];
            if (at >= to)
                continue;
            struct series_forecast f =
                series_forecast(&series, sheets[at].quarter, sheets[at].at[0]);
            foreseen[h][at] = f.mean_w;
            p90[h][at] = f.p90_w;
            p95[h][at] = f.p95_w;
        }
    }
}

static double pinball(double error, double tau)
{
    return error > 0 ? tau * error : (tau - 1) * error;
}

// Add up what was foreseen of the quarter hours from `from` to before `to`, and how many there
// were.
static void add_up(const float *values, int from, int to, double range, struct score *score,
                   int count[static HORIZONS])
{
    for (int h = 0; h < HORIZONS; h++)
        for (int i = from; i < to; i++) {
            float then = values[i - horizons[h]];
            if (isnan(values[i]) || isnan(then))
                continue;
            count[h]++;
            score->rmae[h] += 100 * fabs(values[i] - foreseen[h][i]) / range;
            score->persist[h] += 100 * fabs(values[i] - then) / range;
            score->coverage90[h] += values[i] <= p90[h][i] ? 100 : 0;
            score->coverage95[h] += values[i] <= p95[h][i] ? 100 : 0;
            score->pinball[h] += 100 * pinball(values[i] - p95[h][i], 0.95) / range;
        }
}

// to += weight x what
static void add(struct score *to, const struct score *what, const double weight[static HORIZONS])
{
    for (int h = 0; h < HORIZONS; h++) {
        to->rmae[h] += weight[h] * what->rmae[h];
        to->persist[h] += weight[h] * what->persist[h];
        to->coverage90[h] += weight[h] * what->coverage90[h];
        to->coverage95[h] += weight[h] * what->coverage95[h];
        to->pinball[h] += weight[h] * what->pinball[h];
    }
    to->us += weight[0] * what->us;
}

static void add_mean(struct score *to, const struct score *sum, const int count[static HORIZONS],
                     double share)
{
    double weight[HORIZONS];
    for (int h = 0; h < HORIZONS; h++)
        weight[h] = share / count[h];
    add(to, sum, weight);
}

static void score_series(const struct table *table, const struct set *set, const float *values,
                         double share, struct score *warm, struct score *cold)
{
    double range = range_of(values, table->rows);
    int scored = set->test_days ? set->test_days * DAY : (int)(table->rows * set->test_share);
    struct score sum = {0};
    int count[HORIZONS] = {0};
    double began = seconds();
    run(values, 0, table->rows);
    sum.us = 1e6 * (seconds() - began) / table->rows;
    add_up(values, table->rows - scored, table->rows, range, &sum, count);
    sum.us *= count[0]; // of which add_mean() takes the mean
    add_mean(warm, &sum, count, share);

    struct score weeks = {0};
    int counts[HORIZONS] = {0};
    for (int from = DAY; from + WEEK <= table->rows; from += WEEK + DAY) {
        run(values, from, from + WEEK);
        add_up(values, from + DAY, from + WEEK, range, &weeks, counts);
    }
    add_mean(cold, &weeks, counts, share);
}

static void print(const char *what, const char *set, const double values[static HORIZONS],
                  const char *unit)
{
    for (int h = 0; h < HORIZONS; h++)
        printf("forecast_%s_%s_%s %.2f %s\n", what, set, horizon_names[h], values[h], unit);
}

static void print_ratio(const char *what, const char *set, const double ours[static HORIZONS],
                        const double theirs[static HORIZONS])
{
    for (int h = 0; h < HORIZONS; h++)
        printf("forecast_%s_%s_%s %.3f ratio\n", what, set, horizon_names[h], ours[h] / theirs[h]);
}

static void print_score(const char *name, const struct score *score)
{
    print("rmae", name, score->rmae, "%");
    print_ratio("rmae_to_persist", name, score->rmae, score->persist);
    print("p95_coverage", name, score->coverage95, "%");
    print("p90_coverage", name, score->coverage90, "%");
    print("p95_pinball", name, score->pinball, "%");
}

static void print_cold(const char *name, const struct score *score)
{
    print("cold_rmae", name, score->rmae, "%");
    print_ratio("cold_rmae_to_persist", name, score->rmae, score->persist);
    print("cold_p95_coverage", name, score->coverage95, "%");
}

// Owned.
static char *find_folder(void)
{
    const char *named = getenv("LOADS_DATA");
    glob_t found = {0};
    bool is_found = !named && !glob("../*/data/loads", 0, NULL, &found) && found.gl_pathc;
    char *folder = memory_text(is_found ? found.gl_pathv[0] : named ? named : "data/loads");
    globfree(&found);
    return folder;
}

int main(void)
{
    char *folder = find_folder();
    struct score all = {0}, all_cold = {0}, gbm = {0};
    int series_count = 0;
    for (int s = 0; s < SETS; s++)
        series_count += columns_of(&sets[s]);
    for (int s = 0; s < SETS; s++) {
        const struct set *set = &sets[s];
        static struct table table;
        table = (struct table){0};
        if (!read_table(folder, set, &table)) {
            printf("# forecast: no %s/%s.csv.gz, skipped\n", folder, set->file);
            free_table(&table);
            free(folder);
            return EXIT_SUCCESS;
        }
        make_sheets(&table, set->is_wall);
        struct score warm = {0}, cold = {0};
        int columns = columns_of(set);
        for (int c = 0; c < columns; c++) {
            const float *values = column_of(&table, set->columns[c]);
            if (values)
                score_series(&table, set, values, 1.0 / columns, &warm, &cold);
        }
        free_table(&table);
        print_score(set->name, &warm);
        print_cold(set->name, &cold);
        print_ratio("rmae_to_gbm", set->name, warm.rmae, set->gbm_rmae);
        print_ratio("p95_pinball_to_gbm", set->name, warm.pinball, set->gbm_pinball);
        double share = (double)columns / series_count;
        const double weight[HORIZONS] = {share, share, share, share};
        struct score theirs = {0};
        memcpy(theirs.rmae, set->gbm_rmae, sizeof theirs.rmae);
        memcpy(theirs.pinball, set->gbm_pinball, sizeof theirs.pinball);
        add(&all, &warm, weight);
        add(&all_cold, &cold, weight);
        add(&gbm, &theirs, weight);
    }
    print_score("all", &all);
    print_cold("all", &all_cold);
    print_ratio("rmae_to_gbm", "all", all.rmae, gbm.rmae);
    print_ratio("p95_pinball_to_gbm", "all", all.pinball, gbm.pinball);
    free(folder);
    printf("forecast_us_per_series_round %.2f us\n", all.us);
    printf("forecast_state_per_series %zu octets\n", sizeof(struct series));
    return EXIT_SUCCESS;
}
