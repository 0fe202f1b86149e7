// SPDX-License-Identifier: Apache-2.0

#include "services/planner/case_file.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 32, MOST_QUARTERS = 10 * 366 * 96 };
static const double MOST_W = 1e9, MOST_A = 1000, USUAL_A = 16;
// 2001-01-01 and 2099-01-01: the summer time of meters has years of two digits, and the planner
// looks a day ahead.
static const int64_t FIRST = 978307200, END = 4070908800;

static const char *const policy_names[CASE_POLICIES] = {
    [CASE_NONE] = "none", [CASE_STATIC] = "static",     [CASE_RULE] = "rule",
    [CASE_AIMD] = "aimd", [CASE_FORECAST] = "forecast", [CASE_BOUND] = "bound",
};

const char *case_policy_name(enum case_policy policy)
{
    return policy_names[policy];
}

static struct {
    char *score_from, *policies;
    int64_t delivery_s, late_quarters, interval_s, seed;
    double loss_percent, missing_percent;
    bool charger_meters;
} config;

static const struct setting settings[] = {
    {"case", "score_from", .text = &config.score_from, .otherwise = "",
     .help = "first quarter hour that counts; what lies before is history"},
    {"case", "delivery_s", .integer = &config.delivery_s, .otherwise = "15", .least = 0,
     .most = 900, .help = "seconds of a quarter hour during which the old limit still holds"},
    {"case", "loss_percent", .real = &config.loss_percent, .otherwise = "0", .least = 0,
     .most = 100, .help = "of messages"},
    {"case", "measurement_late_quarters", .integer = &config.late_quarters, .otherwise = "0",
     .least = 0, .most = FACTS_FRESH, .help = "how much later than usual measurements come"},
    {"case", "missing_percent", .real = &config.missing_percent, .otherwise = "0", .least = 0,
     .most = 100, .help = "of measurements of feeders, beside those that the loads lack"},
    {"case", "message_interval_s", .integer = &config.interval_s, .otherwise = "0", .least = 0,
     .most = 86400, .help = "least time between two messages to a meter"},
    {"case", "charger_meters", .flag = &config.charger_meters, .otherwise = "yes",
     .help = "do gateways report what their chargers draw?"},
    {"case", "seed", .integer = &config.seed, .otherwise = "1", .least = 0, .most = 1e15,
     .help = "of what is drawn by lot"},
    {"case", "policies", .text = &config.policies,
     .otherwise = "none static rule aimd forecast bound", .help = "which to run"},
    {0},
};

// A file of the case, while it is read.
struct reading {
    struct replay_case *made;
    char *path;
    size_t line; // 0: not by lines
    bool bad;
    char *fields[MOST_FIELDS];
    size_t columns[MOST_FIELDS]; // where in the line each field asked for stands
};

__attribute__((format(printf, 2, 3))) static bool complain(struct reading *r, const char *format,
                                                           ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:", r->path);
    if (r->line)
        fprintf(stderr, "%zu:", r->line);
    fputc(' ', stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    r->bad = true;
    return false;
}

static void open_file(struct reading *r, struct replay_case *made, const char *folder,
                      const char *name)
{
    *r = (struct reading){.made = made, .path = memory_format("%s/%s", folder, name)};
}

static bool close_file(struct reading *r)
{
    free(r->path);
    return !r->bad;
}

static int find_place(const struct case_place *places, int count, const char *id)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(places[i].id, id))
            return i;
    return -1;
}

static int find_charger(const struct replay_case *made, const char *id)
{
    for (int i = 0; i < made->charger_count; i++)
        if (!strcmp(made->chargers[i].id, id))
            return i;
    return -1;
}

// ---- grid.json ----

// A limit that nobody reads because of its name would be none.
static bool has_only(struct reading *r, json_t *object, const char *where, const char *const *names)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        int at = 0;
        while (names[at] && strcmp(names[at], key))
            at++;
        if (!names[at])
            return complain(r, "%s%s: no such field", where, key);
    }
    return true;
}

static bool item_has_only(struct reading *r, json_t *item, const char *list, size_t at,
                          const char *const *names)
{
    char where[48];
    snprintf(where, sizeof where, "%s[%zu].", list, at);
    return has_only(r, item, where, names);
}

static bool read_id(struct reading *r, const json_t *item, const char *list, size_t at,
                    char id[static FACTS_ID])
{
    const char *text = json_string_value(json_object_get(item, "id"));
    if (!text || !*text || strlen(text) >= FACTS_ID)
        return complain(r, "%s[%zu].id: must be a text of 1 to %d characters", list, at,
                        FACTS_ID - 1);
    memcpy(id, text, strlen(text) + 1);
    return true;
}

static bool read_limit(struct reading *r, const json_t *item, const char *list, size_t at,
                       struct case_place *place)
{
    const json_t *limit = json_object_get(item, "limit_w");
    if (!limit || json_is_null(limit))
        return true;
    if (!json_is_array(limit) || json_array_size(limit) != PHASES)
        return complain(r, "%s[%zu].limit_w: must be three numbers or null", list, at);
    for (size_t phase = 0; phase < PHASES; phase++) {
        const json_t *value = json_array_get(limit, phase);
        if (json_is_null(value))
            continue;
        double w = json_number_value(value);
        if (!json_is_number(value) || !(w >= 1 && w <= MOST_W))
            return complain(r, "%s[%zu].limit_w[%zu]: must be a power of 1 to %.0f W, or null",
                            list, at, phase, MOST_W);
        place->limited[phase] = true;
        place->limit_w[phase] = (int32_t)lround(w);
    }
    return true;
}

static struct case_place *read_places(struct reading *r, const json_t *root, const char *list,
                                      const char *const *names, size_t spare, int *count)
{
    const json_t *items = json_object_get(root, list);
    struct case_place *places = memory_new(json_array_size(items) + spare + 1, sizeof *places);
    *count = 0;
    if (!json_is_array(items) && complain(r, "%s: must be a list", list))
        return places;
    for (size_t at = 0; at < json_array_size(items); at++) {
        json_t *item = json_array_get(items, at);
        struct case_place *place = &places[*count];
        place->above = -1;
        if (!read_id(r, item, list, at, place->id) || !read_limit(r, item, list, at, place)
            || !item_has_only(r, item, list, at, names))
            continue;
        if (find_place(places, *count, place->id) >= 0)
            complain(r, "%s[%zu].id: \"%s\" stands twice", list, at, place->id);
        else
            (*count)++;
    }
    return places;
}

static void hang_feeders(struct reading *r, const json_t *root)
{
    struct replay_case *made = r->made;
    const json_t *items = json_object_get(root, "transformers");
    for (size_t at = 0; at < json_array_size(items); at++) {
        const json_t *item = json_array_get(items, at), *feeders = json_object_get(item, "feeders");
        const char *id = json_string_value(json_object_get(item, "id"));
        int above = id ? find_place(made->transformers, made->transformer_count, id) : -1;
        if (!json_is_array(feeders))
            complain(r, "transformers[%zu].feeders: must be a list", at);
        for (size_t i = 0; i < json_array_size(feeders); i++) {
            const char *name = json_string_value(json_array_get(feeders, i));
            int feeder = name ? find_place(made->feeders, made->feeder_count, name) : -1;
            if (feeder < 0)
                complain(r, "transformers[%zu].feeders[%zu]: is no feeder", at, i);
            else if (made->feeders[feeder].above >= 0)
                complain(r, "transformers[%zu].feeders[%zu]: \"%s\" hangs on two", at, i, name);
            else
                made->feeders[feeder].above = above;
        }
    }
    for (int f = 0; f < made->feeder_count; f++)
        if (made->feeders[f].above < 0)
            made->feeders[f].above = made->transformer_count++;
}

// Grid phases as digits: "231", "2".
static bool read_phases(const char *text, int *count, uint8_t phases[PHASES])
{
    size_t len = text ? strlen(text) : 0;
    if (len < 1 || len > PHASES)
        return false;
    unsigned seen = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '1' || text[i] > '3' || seen >> (text[i] - '1') & 1)
            return false;
        phases[i] = (uint8_t)(text[i] - '1');
        seen |= 1U << phases[i];
    }
    *count = (int)len;
    return true;
}

static bool read_amperes(struct reading *r, const json_t *item, size_t at, const char *key,
                         double otherwise, double *a)
{
    const json_t *value = json_object_get(item, key);
    *a = value ? json_number_value(value) : otherwise;
    if ((value && !json_is_number(value)) || !(*a >= 0 && *a <= MOST_A))
        return complain(r, "chargers[%zu].%s: must be a current of 0 to %.0f A", at, key, MOST_A);
    return true;
}

static bool read_charger(struct reading *r, json_t *item, size_t at, struct case_charger *charger)
{
    static const char *const names[] = {"id", "feeder", "phases", "max_a", "floor_a", NULL};
    const char *feeder = json_string_value(json_object_get(item, "feeder"));
    if (!read_id(r, item, "chargers", at, charger->id))
        return false;
    if (find_charger(r->made, charger->id) >= 0)
        return complain(r, "chargers[%zu].id: \"%s\" stands twice", at, charger->id);
    charger->feeder = feeder ? find_place(r->made->feeders, r->made->feeder_count, feeder) : -1;
    if (charger->feeder < 0)
        return complain(r, "chargers[%zu].feeder: is no feeder", at);
    if (!read_phases(json_string_value(json_object_get(item, "phases")), &charger->phase_count,
                     charger->grid_phase))
        return complain(r, "chargers[%zu].phases: must be one to three different digits 1 to 3",
                        at);
    return read_amperes(r, item, at, "max_a", USUAL_A, &charger->max_a)
           && read_amperes(r, item, at, "floor_a", 0, &charger->floor_a)
           && item_has_only(r, item, "chargers", at, names);
}

static void read_chargers(struct reading *r, const json_t *root)
{
    const json_t *items = json_object_get(root, "chargers");
    r->made->chargers = memory_new(json_array_size(items) + 1, sizeof *r->made->chargers);
    if (!json_is_array(items))
        complain(r, "chargers: must be a list");
    for (size_t at = 0; at < json_array_size(items); at++)
        if (read_charger(r, json_array_get(items, at), at,
                         &r->made->chargers[r->made->charger_count]))
            r->made->charger_count++;
}

static const char *read_text(struct reading *r, const json_t *root, const char *key,
                             const char *otherwise)
{
    const json_t *value = json_object_get(root, key);
    if (value && !json_is_string(value))
        complain(r, "%s: must be a text", key);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

static void read_about(struct reading *r, json_t *root)
{
    static const char *const names[] = {"name",    "timezone", "transformers",
                                        "feeders", "chargers", NULL};
    has_only(r, root, "", names);
    r->made->name = memory_text(read_text(r, root, "name", ""));
    const char *zone = read_text(r, root, "timezone", "Europe/Amsterdam");
    if (strcmp(zone, "Europe/Amsterdam"))
        complain(r, "timezone: \"%s\" is not known, only Europe/Amsterdam is", zone);
}

// What names something else is read only when that was read well, so that one fault is told once.
static void read_grid(struct reading *r, json_t *root)
{
    static const char *const of_feeder[] = {"id", "limit_w", NULL};
    static const char *const of_transformer[] = {"id", "limit_w", "feeders", NULL};
    struct replay_case *made = r->made;
    read_about(r, root);
    made->feeders = read_places(r, root, "feeders", of_feeder, 0, &made->feeder_count);
    made->transformers = read_places(r, root, "transformers", of_transformer,
                                     (size_t)made->feeder_count, &made->transformer_count);
    if (!made->feeder_count && !r->bad)
        complain(r, "feeders: there is none");
    if (!r->bad)
        hang_feeders(r, root);
    if (!r->bad)
        read_chargers(r, root);
}

static bool read_grid_file(struct replay_case *made, const char *folder)
{
    struct reading r;
    open_file(&r, made, folder, "grid.json");
    json_error_t error;
    json_t *root = json_load_file(r.path, JSON_REJECT_DUPLICATES, &error);
    if (root) {
        read_grid(&r, root);
    } else {
        r.line = error.line > 0 ? (size_t)error.line : 0;
        complain(&r, "%s", error.text);
    }
    json_decref(root);
    return close_file(&r);
}

// ---- the two tables ----

// A field of a line without blanks, then quotes around it, as socmod-ingest reads it.
static char *bare(char *field)
{
    static const char blanks[] = " \t\r\n";
    field += strspn(field, blanks);
    size_t len = strlen(field);
    while (len && strchr(blanks, field[len - 1]))
        len--;
    if (len >= 2 && field[0] == '"' && field[len - 1] == '"') {
        field++;
        len -= 2;
    }
    field[len] = '\0';
    return field;
}

static size_t split(char *line, char *fields[static MOST_FIELDS])
{
    size_t count = 0;
    while (line && count < MOST_FIELDS)
        fields[count++] = bare(strsep(&line, ","));
    return count;
}

static bool find_columns(struct reading *r, char *line, const char *const *names)
{
    static const char marked[] = "\xef\xbb\xbf"; // of UTF-8
    char *found[MOST_FIELDS];
    size_t count = split(line + (strncmp(line, marked, 3) ? 0 : 3), found);
    for (size_t i = 0; names[i]; i++) {
        for (r->columns[i] = 0; r->columns[i] < count; r->columns[i]++)
            if (!strcmp(found[r->columns[i]], names[i]))
                break;
        if (r->columns[i] == count)
            return complain(r, "there is no column \"%s\"", names[i]);
    }
    return true;
}

static bool is_blank(const char *line)
{
    return !line[strspn(line, " \t\r\n")];
}

static bool pick_fields(struct reading *r, char *line, const char *const *names)
{
    char *found[MOST_FIELDS];
    size_t count = split(line, found);
    for (size_t i = 0; names[i]; i++) {
        if (r->columns[i] >= count)
            return complain(r, "%s: is missing", names[i]);
        r->fields[i] = found[r->columns[i]];
    }
    return true;
}

// Read a table with the columns named, row by row; stops at the first bad row.
static bool read_table(struct replay_case *made, const char *folder, const char *name,
                       const char *const *names, void (*take)(struct reading *r))
{
    struct reading r;
    open_file(&r, made, folder, name);
    FILE *file = fopen(r.path, "re");
    char *line = NULL;
    size_t size = 0;
    if (!file)
        complain(&r, "%s", strerror(errno));
    while (file && !r.bad && getline(&line, &size, file) >= 0) {
        r.line++;
        if (r.line == 1)
            find_columns(&r, line, names);
        else if (!is_blank(line) && pick_fields(&r, line, names))
            take(&r);
    }
    if (file && !r.line)
        complain(&r, "is empty");
    if (file)
        fclose(file);
    free(line);
    return close_file(&r);
}

static bool read_time(struct reading *r, const char *name, const char *text, int64_t *utc)
{
    return !rfc3339_parse(text, strlen(text), utc)
           || complain(r, "%s: \"%s\" is not a time such as 2026-01-14T16:15:00Z", name, text);
}

static bool read_number(struct reading *r, const char *name, const char *text, double least,
                        double most, double *number)
{
    char *end;
    *number = strtod(text, &end);
    if (end == text || *end)
        return complain(r, "%s: \"%s\" is not a number", name, text);
    return (*number >= least && *number <= most)
           || complain(r, "%s: \"%s\" is out of range", name, text);
}

static const char *const load_columns[] = {"feeder", "quarter", "p_l1_w", "p_l2_w", "p_l3_w", NULL};

static bool read_load_key(struct reading *r, int *feeder, int64_t *quarter)
{
    *feeder = find_place(r->made->feeders, r->made->feeder_count, r->fields[0]);
    if (*feeder < 0)
        return complain(r, "feeder: \"%s\" is not in grid.json", r->fields[0]);
    if (!read_time(r, "quarter", r->fields[1], quarter))
        return false;
    if (*quarter < FIRST || *quarter >= END)
        return complain(r, "quarter: \"%s\" is not in the years 2001 to 2098", r->fields[1]);
    return *quarter % QUARTER_S == 0
           || complain(r, "quarter: \"%s\" is not the start of one", r->fields[1]);
}

// First pass: from when to when. made->quarters counts from made->start.
static void span_load(struct reading *r)
{
    int feeder;
    int64_t quarter;
    struct replay_case *made = r->made;
    if (!read_load_key(r, &feeder, &quarter))
        return;
    int64_t end = quarter + QUARTER_S;
    int64_t last = made->quarters ? made->start + (int64_t)made->quarters * QUARTER_S : end;
    int64_t first = made->quarters && made->start < quarter ? made->start : quarter;
    last = last > end ? last : end;
    if (last - first > (int64_t)MOST_QUARTERS * QUARTER_S) {
        complain(r, "quarter: \"%s\" is too far from the others", r->fields[1]);
        return;
    }
    made->start = first;
    made->quarters = (int)((last - first) / QUARTER_S);
}

static void take_load(struct reading *r)
{
    int feeder;
    int64_t quarter;
    if (!read_load_key(r, &feeder, &quarter))
        return;
    int32_t *load_w = case_load(r->made, (int)((quarter - r->made->start) / QUARTER_S), feeder);
    for (int phase = 0; phase < PHASES; phase++) {
        const char *text = r->fields[2 + phase];
        double w;
        if (!*text)
            continue;
        if (!read_number(r, load_columns[2 + phase], text, -MOST_W, MOST_W, &w))
            return;
        if (load_w[phase] != FACTS_UNKNOWN) {
            complain(r, "quarter: feeder \"%s\" has \"%s\" twice", r->fields[0], r->fields[1]);
            return;
        }
        load_w[phase] = (int32_t)lround(w);
    }
}

static bool check_measured(struct replay_case *made, const char *folder)
{
    struct reading r;
    open_file(&r, made, folder, "loads.csv");
    for (int f = 0; f < made->feeder_count; f++)
        for (int phase = 0; phase < PHASES; phase++) {
            int q = 0;
            while (q < made->quarters && case_load(made, q, f)[phase] == FACTS_UNKNOWN)
                q++;
            if (q == made->quarters && !r.bad)
                complain(&r, "p_l%d_w: feeder \"%s\" was never measured", phase + 1,
                         made->feeders[f].id);
        }
    return close_file(&r);
}

static bool read_loads(struct replay_case *made, const char *folder)
{
    if (!read_table(made, folder, "loads.csv", load_columns, span_load))
        return false;
    size_t count = (size_t)made->quarters * (size_t)made->feeder_count * PHASES;
    made->load_w = memory_new(count + 1, sizeof *made->load_w);
    for (size_t i = 0; i < count; i++)
        made->load_w[i] = FACTS_UNKNOWN;
    return read_table(made, folder, "loads.csv", load_columns, take_load)
           && check_measured(made, folder);
}

static const char *const session_columns[] = {"charger", "arrival", "departure", "energy_wh",
                                              "phases",  "max_a",   NULL};

static bool find_phases(struct reading *r, struct case_session *session)
{
    int count;
    uint8_t phases[PHASES];
    if (!read_phases(r->fields[4], &count, phases))
        return complain(r, "phases: \"%s\" must be one to three different digits 1 to 3",
                        r->fields[4]);
    const struct case_charger *charger = &r->made->chargers[session->charger];
    for (int i = 0; i < count; i++) {
        int own = 0;
        while (own < charger->phase_count && charger->grid_phase[own] != phases[i])
            own++;
        if (own == charger->phase_count)
            return complain(r, "phases: \"%s\": charger \"%s\" is not on that grid phase",
                            r->fields[4], charger->id);
        session->grid_phases |= 1U << phases[i];
    }
    return true;
}

static void take_session(struct reading *r)
{
    struct replay_case *made = r->made;
    struct case_session session = {.charger = find_charger(made, r->fields[0]), .max_a = USUAL_A};
    if (session.charger < 0) {
        complain(r, "charger: \"%s\" is not in grid.json", r->fields[0]);
        return;
    }
    if (!read_time(r, "arrival", r->fields[1], &session.arrival)
        || !read_time(r, "departure", r->fields[2], &session.departure)
        || !read_number(r, "energy_wh", r->fields[3], 0, MOST_W, &session.energy_wh)
        || !find_phases(r, &session)
        || (*r->fields[5] && !read_number(r, "max_a", r->fields[5], 0, MOST_A, &session.max_a)))
        return;
    if (session.departure < session.arrival) {
        complain(r, "departure: \"%s\" is before the arrival", r->fields[2]);
        return;
    }
    if ((made->session_count & (made->session_count - 1)) == 0)
        made->sessions = memory_grow(made->sessions, (size_t)made->session_count * 2 + 1,
                                     sizeof *made->sessions);
    made->sessions[made->session_count++] = session;
}

static int by_charger(const void *a, const void *b)
{
    const struct case_session *left = a, *right = b;
    if (left->charger != right->charger)
        return left->charger < right->charger ? -1 : 1;
    if (left->arrival != right->arrival)
        return left->arrival < right->arrival ? -1 : 1;
    return (left->departure > right->departure) - (left->departure < right->departure);
}

static bool read_sessions(struct replay_case *made, const char *folder)
{
    if (!read_table(made, folder, "sessions.csv", session_columns, take_session))
        return false;
    if (made->session_count)
        qsort(made->sessions, (size_t)made->session_count, sizeof *made->sessions, by_charger);
    for (int i = 0; i < made->session_count; i++) {
        struct case_charger *charger = &made->chargers[made->sessions[i].charger];
        if (!charger->count++)
            charger->first = i;
    }
    return true;
}

// ---- case.ini ----

static void take_policies(struct reading *r)
{
    if (!*config.policies)
        complain(r, "policies: there is none");
    for (char *word = strtok(config.policies, " \t"); word; word = strtok(NULL, " \t")) {
        int policy = 0;
        while (policy < CASE_POLICIES && strcmp(policy_names[policy], word))
            policy++;
        if (policy == CASE_POLICIES)
            complain(r, "policies: \"%s\" is none of: none static rule aimd forecast bound", word);
        else
            r->made->policies[policy] = true;
    }
}

static bool read_settings(struct replay_case *made, const char *folder)
{
    struct reading r;
    open_file(&r, made, folder, "case.ini");
    config_defaults(settings);
    if (config_read(r.path, settings)) {
        r.bad = true;
        return close_file(&r);
    }
    made->delivery_s = (int)config.delivery_s;
    made->late_quarters = (int)config.late_quarters;
    made->interval_s = (int)config.interval_s;
    made->loss = config.loss_percent / 100;
    made->missing = config.missing_percent / 100;
    made->charger_meters = config.charger_meters;
    made->seed = (uint64_t)config.seed;
    take_policies(&r);
    made->score_from = made->start;
    if (*config.score_from && read_time(&r, "score_from", config.score_from, &made->score_from)) {
        int64_t end = made->start + (int64_t)made->quarters * QUARTER_S;
        if (made->score_from < made->start || made->score_from >= end)
            complain(&r, "score_from: \"%s\" lies outside the loads", config.score_from);
        else if (made->score_from % QUARTER_S)
            complain(&r, "score_from: \"%s\" is not the start of a quarter hour",
                     config.score_from);
    }
    return close_file(&r);
}

struct replay_case *case_read(const char *folder)
{
    struct replay_case *made = memory_new(1, sizeof *made);
    if (read_grid_file(made, folder) && read_loads(made, folder) && read_sessions(made, folder)
        && read_settings(made, folder))
        return made;
    case_free(made);
    return NULL;
}

void case_free(struct replay_case *given)
{
    if (!given)
        return;
    free(given->name);
    free(given->transformers);
    free(given->feeders);
    free(given->chargers);
    free(given->sessions);
    free(given->load_w);
    free(given);
}
