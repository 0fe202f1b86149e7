// SPDX-License-Identifier: Apache-2.0
// peer-dali: the DALI boxes of a street, which tell each quarter hour what the feeders carried,
// and the truth file that says what they would have carried.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/rfc3339.h"
#include "io/loop.h"
#include "io/notify.h"
#include "tests/peer/copper.h"
#include "tests/peer/dali/ledger.h"
#include "tests/peer/dali/loads.h"
#include "tests/peer/dali/mishap.h"
#include "tests/peer/dali/outbox.h"
#include "tests/peer/keep.h"
#include "tests/peer/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)
enum { MS_PER_S = 1000 };

static struct {
    char *grid, *loads;
    char *copper, *truth, *state;
    int64_t delay_s;
    struct mishap_odds odds;
    struct mqtt_texts mqtt;
    bool once; // by the command line
} config;

static const struct setting settings[] = {
    {"street", "grid", .text = &config.grid, .help = "grid file, as for socmod-admin import"},
    {"street", "loads", .text = &config.loads,
     .help = "CSV file of the load without chargers: feeder,quarter,p_l1_w,p_l2_w,p_l3_w"},
    {"copper", "socket", .text = &config.copper, .otherwise = "",
     .help = "socket that hears what the chargers draw; empty: none"},
    {"dali", "delay_s", .integer = &config.delay_s, .otherwise = "15", .least = 0, .most = 3600,
     .help = "how long after the end of a quarter hour it is told, seconds"},
    {"truth", "file", .text = &config.truth, .otherwise = "",
     .help = "CSV file of what each feeder carried with and without control; empty: none"},
    {"state", "file", .text = &config.state, .otherwise = "",
     .help = "file that keeps what was counted and is not yet told; empty: none"},
    MQTT_SETTINGS(config.mqtt, "mqtt://127.0.0.1:1883", "peer-dali"),
    {"faults", "seed", .integer = &config.odds.seed, .otherwise = "1", .least = 0, .most = 1e9,
     .help = "which messages suffer"},
    {"faults", "drop_percent", .real = &config.odds.drop_percent, .otherwise = "0", .least = 0,
     .most = 100, .help = "messages that are never sent"},
    {"faults", "late_percent", .real = &config.odds.late_percent, .otherwise = "0", .least = 0,
     .most = 100, .help = "messages that come one to three quarter hours late"},
    {"faults", "duplicate_percent", .real = &config.odds.duplicate_percent, .otherwise = "0",
     .least = 0, .most = 100, .help = "messages that come twice"},
    CLOCK_SETTINGS,
    {0},
};

static const struct program_option options[] = {
    {"once", .flag = &config.once, .help = "end when the last quarter hour of the file is told"},
    {0},
};

static struct {
    struct street *street;
    struct loads loads;
    struct loop *loop;
    struct loop_timer *timer;
    struct ledger ledger;
    struct outbox *outbox;
    size_t next; // the quarter hour that is told next
    int truth;   // descriptor; -1: none
    int64_t truth_octets;
} peer;

static int64_t now_ms(void)
{
    return clock_utc().ns / MS_NS;
}

static int64_t quarter_s(size_t quarter)
{
    return peer.loads.first_s + (int64_t)quarter * LOADS_QUARTER_S;
}

static json_t *three(const int64_t of[STREET_PHASES])
{
    return json_pack("[I,I,I]", (json_int_t)of[0], (json_int_t)of[1], (json_int_t)of[2]);
}

static void from_three(const json_t *list, int64_t to[STREET_PHASES])
{
    for (size_t i = 0; i < STREET_PHASES; i++)
        to[i] = json_integer_value(json_array_get(list, i));
}

// The quarters that were begun and not yet told.
static json_t *cells_to_json(void)
{
    json_t *list = json_array();
    for (size_t q = peer.next; q < peer.loads.quarter_count && quarter_s(q) * MS_PER_S <= now_ms();
         q++)
        for (size_t f = 0; f < peer.street->feeder_count; f++) {
            const struct ledger_cell *cell = ledger_cell(&peer.ledger, q, f);
            json_array_append_new(
                list, json_pack("{s:I,s:s,s:o,s:o}", "quarter_s", (json_int_t)quarter_s(q),
                                "feeder", peer.street->feeders[f].id, "with_uj",
                                three(cell->with_uj), "free_uj", three(cell->free_uj)));
        }
    return list;
}

static void keep_state(void *arg)
{
    (void)arg;
    if (!*config.state)
        return;
    json_t *draws = json_object();
    for (size_t i = 0; i < peer.street->charger_count; i++) {
        const struct ledger_draw *draw = &peer.ledger.draws[i];
        json_object_set_new(draws, peer.street->chargers[i].id,
                            json_pack("{s:I,s:o,s:o}", "at_ms", (json_int_t)draw->at_ms, "p_mw",
                                      three(draw->p_mw), "free_mw", three(draw->free_mw)));
    }
    json_t *root = json_pack("{s:I,s:I,s:o,s:o,s:o}", "next_s", (json_int_t)quarter_s(peer.next),
                             "truth_octets", (json_int_t)peer.truth_octets, "draws", draws, "cells",
                             cells_to_json(), "outbox", outbox_to_json(peer.outbox));
    char *text = json_dumps(root, JSON_INDENT(1));
    if (text && keep_write(config.state, text, strlen(text), false))
        log_warn("state.not_kept", F("path", config.state));
    free(text);
    json_decref(root);
}

static void take_cells(const json_t *cells)
{
    const json_t *kept;
    size_t i;
    json_array_foreach(cells, i, kept)
    {
        const char *id = json_string_value(json_object_get(kept, "feeder"));
        int64_t ahead_s =
            json_integer_value(json_object_get(kept, "quarter_s")) - peer.loads.first_s;
        size_t feeder = street_find_feeder(peer.street, id ? id : "");
        size_t quarter = ahead_s < 0 ? SIZE_MAX : (size_t)(ahead_s / LOADS_QUARTER_S);
        if (feeder == peer.street->feeder_count || quarter >= peer.loads.quarter_count)
            continue;
        struct ledger_cell *cell = ledger_cell(&peer.ledger, quarter, feeder);
        from_three(json_object_get(kept, "with_uj"), cell->with_uj);
        from_three(json_object_get(kept, "free_uj"), cell->free_uj);
    }
}

// Go on where the state file stands. False where there is none that fits the loads.
static bool take_state(void)
{
    size_t len;
    char *text = *config.state ? keep_read(config.state, &len) : NULL;
    if (!text)
        return false;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    int64_t ahead_s = json_integer_value(json_object_get(root, "next_s")) - peer.loads.first_s;
    bool fits = root && ahead_s >= 0 && ahead_s % LOADS_QUARTER_S == 0
                && (size_t)(ahead_s / LOADS_QUARTER_S) <= peer.loads.quarter_count;
    if (fits) {
        peer.next = (size_t)(ahead_s / LOADS_QUARTER_S);
        peer.truth_octets = json_integer_value(json_object_get(root, "truth_octets"));
        for (size_t i = 0; i < peer.street->charger_count; i++) {
            const json_t *kept =
                json_object_get(json_object_get(root, "draws"), peer.street->chargers[i].id);
            struct ledger_draw *draw = &peer.ledger.draws[i];
            if (kept)
                draw->at_ms = json_integer_value(json_object_get(kept, "at_ms"));
            from_three(json_object_get(kept, "p_mw"), draw->p_mw);
            from_three(json_object_get(kept, "free_mw"), draw->free_mw);
        }
        take_cells(json_object_get(root, "cells"));
        outbox_from_json(peer.outbox, json_object_get(root, "outbox"));
    } else {
        log_warn("state.passed_over", F("path", config.state));
    }
    json_decref(root);
    return fits;
}

static void append_truth(const char *text)
{
    size_t len = strlen(text);
    if (peer.truth < 0)
        return;
    if (pwrite(peer.truth, text, len, peer.truth_octets) != (ssize_t)len)
        log_fatal("truth.not_written", F("path", config.truth), F("why", strerror(errno)));
    peer.truth_octets += (int64_t)len;
}

// What stands there beyond the state comes again.
static void open_truth(void)
{
    peer.truth = -1;
    if (!*config.truth)
        return;
    peer.truth = open(config.truth, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (peer.truth < 0 || ftruncate(peer.truth, peer.truth_octets))
        log_fatal("truth.not_written", F("path", config.truth), F("why", strerror(errno)));
    if (!peer.truth_octets)
        append_truth("feeder,quarter,base_l1_w,base_l2_w,base_l3_w,with_l1_w,with_l2_w,with_l3_w,"
                     "without_l1_w,without_l2_w,without_l3_w\n");
}

static int64_t mean_w(int64_t uj)
{
    return (uj / LEDGER_QUARTER_MS + 500) / 1000;
}

static void tell_truth(size_t quarter, size_t feeder)
{
    char at[RFC3339_LEN + 1], line[512];
    rfc3339_format(quarter_s(quarter), at);
    const struct load *load = loads_at(&peer.loads, quarter, feeder);
    const struct ledger_cell *cell = ledger_cell(&peer.ledger, quarter, feeder);
    int len = snprintf(line, sizeof line, "%s,%s", peer.street->feeders[feeder].id, at);
    for (int column = 0; column < 3 * STREET_PHASES; column++) {
        int phase = column % STREET_PHASES;
        int64_t w = load->p_w[phase];
        if (column / STREET_PHASES == 1)
            w += mean_w(cell->with_uj[phase]);
        else if (column / STREET_PHASES == 2)
            w += mean_w(cell->free_uj[phase]);
        len += snprintf(line + len, sizeof line - (size_t)len, ",%" PRId64, w);
    }
    snprintf(line + len, sizeof line - (size_t)len, "\n");
    append_truth(line);
}

// Put the message of a feeder into the outbox; what was not measured is null, and a box that
// measured nothing says nothing.
static void publish(size_t quarter, size_t feeder)
{
    const struct load *load = loads_at(&peer.loads, quarter, feeder);
    const struct ledger_cell *cell = ledger_cell(&peer.ledger, quarter, feeder);
    struct mishap mishap = mishap_of(&config.odds, feeder, quarter_s(quarter));
    char at[RFC3339_LEN + 1];
    rfc3339_format(quarter_s(quarter), at);
    json_t *p_w = json_array();
    bool any = false;
    for (int i = 0; i < STREET_PHASES; i++) {
        any |= load->measured[i];
        json_array_append_new(p_w, load->measured[i]
                                       ? json_integer(load->p_w[i] + mean_w(cell->with_uj[i]))
                                       : json_null());
    }
    json_t *root = json_pack("{s:s,s:o}", "quarter", at, "p_w", p_w);
    char *text = json_dumps(root, JSON_COMPACT);
    char *topic = memory_format("dali/%s/%s/quarter", peer.street->feeders[feeder].transformer,
                                peer.street->feeders[feeder].id);
    int64_t due_ms = now_ms() + mishap.quarters_late * LEDGER_QUARTER_MS;
    if (mishap.dropped)
        log_info("quarter.dropped", F("topic", topic), F("quarter", at));
    for (int i = 0; text && any && !mishap.dropped && i <= mishap.twice; i++)
        outbox_add(peer.outbox, topic, text, due_ms);
    free(topic);
    free(text);
    json_decref(root);
}

static void close_quarter(size_t quarter)
{
    ledger_run(&peer.ledger, quarter_s(quarter + 1) * MS_PER_S);
    for (size_t feeder = 0; feeder < peer.street->feeder_count; feeder++) {
        if (!peer.loads.has_measurements[feeder])
            continue;
        tell_truth(quarter, feeder);
        publish(quarter, feeder);
    }
}

static void end_where_all_is_told(void)
{
    if (config.once && peer.next == peer.loads.quarter_count && !outbox_count(peer.outbox))
        loop_stop(peer.loop);
}

static void on_published(void *arg)
{
    keep_state(arg);
    end_where_all_is_told();
}

static int64_t due_ms(size_t quarter)
{
    return (quarter_s(quarter + 1) + config.delay_s) * MS_PER_S;
}

static void on_timer(void *arg)
{
    bool told = false;
    for (; peer.next < peer.loads.quarter_count && due_ms(peer.next) <= now_ms(); peer.next++) {
        close_quarter(peer.next);
        told = true;
    }
    if (told)
        keep_state(arg);
    outbox_send(peer.outbox);
    if (peer.next < peer.loads.quarter_count)
        loop_timer_at(peer.timer, (struct utc){due_ms(peer.next) * MS_NS});
    end_where_all_is_told();
}

static const char *on_copper(void *arg, const char *text)
{
    struct copper copper;
    enum err err = copper_read(text, now_ms(), &copper);
    size_t charger = err ? 0 : street_find_charger(peer.street, copper.charger);
    if (err || charger == peer.street->charger_count) {
        log_warn("copper.not_understood", F("text", text), F("why", err_name(err)));
        return NULL;
    }
    const struct ledger_draw *draw = &peer.ledger.draws[charger];
    bool same = !memcmp(draw->p_mw, copper.p_mw, sizeof draw->p_mw)
                && !memcmp(draw->free_mw, copper.free_mw, sizeof draw->free_mw);
    if (same)
        return NULL;
    ledger_take(&peer.ledger, charger, copper.at_ms, copper.p_mw, copper.free_mw);
    keep_state(arg);
    return NULL;
}

static bool check(void)
{
    peer.street = street_read(config.grid);
    return peer.street && loads_read(config.loads, peer.street, &peer.loads)
           && mqtt_check_broker(config.mqtt.broker);
}

// The first quarter hour that is not before now.
static size_t first_quarter(void)
{
    size_t quarter = 0;
    while (quarter < peer.loads.quarter_count && quarter_s(quarter) * MS_PER_S < now_ms())
        quarter++;
    return quarter;
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "peer-dali",
        .purpose = "plays the DALI boxes of a street",
        .version = VERSION,
        .settings = settings,
        .options = options,
        .check = check,
    };
    program_start(&program, argc, argv);
    peer.loop = loop_new();
    peer.timer = loop_timer_new(peer.loop, on_timer, NULL);
    struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
    peer.outbox = outbox_new(peer.loop, &mqtt, on_published, NULL);
    peer.next = first_quarter();
    peer.ledger = ledger_new(peer.street, peer.loads.first_s * MS_PER_S, peer.loads.quarter_count,
                             quarter_s(peer.next) * MS_PER_S);
    bool resumed = take_state();
    open_truth();
    struct mailbox *copper = mailbox_new(peer.loop, config.copper, on_copper, NULL);
    char next[RFC3339_LEN + 1];
    rfc3339_format(quarter_s(peer.next), next);
    log_info("peer.ready", F("feeders", (int64_t)peer.street->feeder_count), F("next", next),
             F("quarters_left", (int64_t)(peer.loads.quarter_count - peer.next)),
             F("resumed", resumed));
    keep_state(NULL);
    on_timer(NULL);
    struct notify *notify = notify_new(peer.loop);
    loop_run(peer.loop);

    notify_free(notify);
    mailbox_free(copper);
    keep_state(NULL);
    outbox_free(peer.outbox);
    loop_timer_free(peer.timer);
    loop_free(peer.loop);
    ledger_free(&peer.ledger);
    loads_free(&peer.loads);
    street_free(peer.street);
    if (peer.truth >= 0)
        close(peer.truth);
    return EXIT_SUCCESS;
}
