// SPDX-License-Identifier: Apache-2.0
// socmod-ingest: quarter hours of feeders and reports of gateways, from MQTT and files, into
// the tables. See socmod-ingest(8).

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "io/db.h"
#include "io/mqtt.h"
#include "io/notify.h"
#include "services/ingest/csv_import.h"
#include "services/ingest/inbox.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_PAUSE_MS = 10000, FIRST_PAUSE_MS = 100, SILENCE_EVERY_S = 300, BATCHES_A_TURN = 8 };

static struct {
    char *connection;
    struct mqtt_texts mqtt;
    char *share;
    int64_t session_s;
    char *spool_folder;
    int64_t spool_mb;
    bool spool_sync;
    int64_t future_s, oldest_days, silent_quarters;
    const char *import;
} config;

static const struct setting settings[] = {
    DB_SETTINGS(config.connection, "socmod_ingest"),
    MQTT_SETTINGS(config.mqtt, "mqtt://127.0.0.1:1883", "socmod-ingest"),
    {"mqtt", "share", .text = &config.share, .otherwise = "",
     .help = "name under which several processes share the messages; empty: each gets all"},
    {"mqtt", "session", .integer = &config.session_s, .otherwise = "604800", .least = 0,
     .most = 4294967294, .help = "seconds that the broker keeps messages for us while we are away"},
    {"spool", "folder", .text = &config.spool_folder, .otherwise = "/var/lib/socmod/ingest",
     .help = "where messages wait for the database, in a folder per client_id"},
    {"spool", "most", .integer = &config.spool_mb, .otherwise = "1024", .least = 1, .most = 1048576,
     .help = "MB; when they are full, the broker keeps the rest"},
    {"spool", "sync", .flag = &config.spool_sync, .otherwise = "no",
     .help = "yes: each message on the disk before the broker is told; slower, and a power cut "
             "loses nothing"},
    {"dali", "future", .integer = &config.future_s, .otherwise = "60", .least = 0, .most = 86400,
     .help = "seconds by which a quarter may end after our now: clocks differ"},
    {"dali", "oldest", .integer = &config.oldest_days, .otherwise = "400", .least = 1,
     .most = 36500, .help = "days that a quarter from MQTT may be old"},
    {"dali", "silent_after", .integer = &config.silent_quarters, .otherwise = "4", .least = 0,
     .most = 96, .help = "quarters without a word after which a feeder is silent; 0: never"},
    CLOCK_SETTINGS,
    {0},
};

static const struct program_option options[] = {
    {"import", "FILE", .text = &config.import,
     .help = "import quarter hours from a CSV file (-: standard input) and stop"},
    {0},
};

struct service {
    struct loop *loop;
    struct db *db;
    struct quarter_table *quarters;
    struct spool *spool;
    struct inbox *inbox;
    struct mqtt *mqtt;
    atomic_bool rung; // the loop has been told that something arrived
    bool failing;     // the database does not take what we have
    int pause_ms;
    struct loop_timer *again, *silence;
    struct mono connected; // to the broker, since
};

static bool is_name(const char *setting, const char *text)
{
    if (measurement_is_identifier(text, strlen(text)))
        return true;
    fprintf(stderr, "[mqtt] %s: \"%s\" is not of letters, digits and . _ - only\n", setting, text);
    return false;
}

static bool check_settings(void)
{
    return is_name("client_id", config.mqtt.client_id)
           && (!*config.share || is_name("share", config.share))
           && (!*config.mqtt.broker || mqtt_check_broker(config.mqtt.broker));
}

static void try_again_later(struct service *service)
{
    service->failing = true;
    service->pause_ms = !service->pause_ms                         ? FIRST_PAUSE_MS
                        : service->pause_ms < LONGEST_PAUSE_MS / 2 ? 2 * service->pause_ms
                                                                   : LONGEST_PAUSE_MS;
    int64_t wait = clock_machine_ns(service->pause_ms * SECONDS_NS / 1000);
    int64_t retry = db_retry_ns(service->db);
    // Without a connection the pause is that of the connection.
    loop_timer_in(service->again, retry > 0 ? retry : wait);
    spool_sync(service->spool); // it may wait here for long
}

static void take_batches(void *arg)
{
    struct service *service = arg;
    atomic_store(&service->rung, false);
    if (service->failing)
        return;
    enum err err = ERR_NONE;
    for (int i = 0; i < BATCHES_A_TURN && !err; i++) {
        err = inbox_take(service->inbox);
        if (err != ERR_IO)
            service->pause_ms = 0;
    }
    if (err == ERR_IO)
        try_again_later(service);
    else if (!err && !atomic_exchange(&service->rung, true))
        loop_post(service->loop, take_batches, service);
}

static void on_again(void *arg)
{
    struct service *service = arg;
    service->failing = false;
    take_batches(service);
}

// In Paho's thread: the broker is told that we have the message when this returns.
static void on_arrived(void *arg, const struct mqtt_message *message)
{
    struct service *service = arg;
    struct spool_message kept = {.topic = message->topic,
                                 .payload = message->payload,
                                 .len = message->len,
                                 .arrived = clock_utc(),
                                 .retained = message->retained};
    enum err err = spool_append(service->spool, &kept);
    if (err) { // too long for any of ours: its beginning is kept, and will be refused
        kept.len = 1000;
        err = spool_append(service->spool, &kept);
    }
    if (err)
        log_warn("ingest.not_kept", F("topic_length", (int64_t)strlen(message->topic)));
    if (!atomic_exchange(&service->rung, true))
        loop_post(service->loop, take_batches, service);
}

static void on_connected(void *arg)
{
    struct service *service = arg;
    service->connected = clock_mono();
}

// Whether feeders are silent can only be told by who has listened for that long.
static void on_silence(void *arg)
{
    struct service *service = arg;
    loop_timer_in(service->silence, SILENCE_EVERY_S * SECONDS_NS);
    int64_t listened = clock_mono().ns - service->connected.ns;
    if (!mqtt_is_connected(service->mqtt) || service->failing || spool_size(service->spool)
        || listened < (config.silent_quarters + 1) * QUARTER_S * SECONDS_NS)
        return;
    if (quarter_table_tell_silence(service->quarters, clock_utc(), config.silent_quarters))
        log_debug("ingest.silence_not_told");
}

static void subscribe(struct service *service)
{
    static const char *const filters[] = {"dali/+/+/quarter", "socmod/v1/gateway/+/receipt",
                                          "socmod/v1/gateway/+/load"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        char *filter = *config.share ? memory_format("$share/%s/%s", config.share, filters[i])
                                     : memory_text(filters[i]);
        mqtt_subscribe(service->mqtt, filter, 1);
        free(filter);
    }
    // Retained messages do not come through a shared subscription.
    mqtt_subscribe(service->mqtt, "socmod/v1/gateway/+/status", 1);
}

static int serve(struct service *service, const struct arrival_bounds *bounds)
{
    char *folder = memory_format("%s/%s", config.spool_folder, config.mqtt.client_id);
    const struct spool_settings spool_settings = {folder, config.spool_mb << 20, config.spool_sync};
    service->spool = spool_new(&spool_settings);
    if (!service->spool) {
        free(folder);
        return EXIT_FAILURE;
    }
    service->loop = loop_new();
    service->inbox = inbox_new(service->db, service->quarters, service->spool, bounds);
    service->again = loop_timer_new(service->loop, on_again, service);
    service->silence = loop_timer_new(service->loop, on_silence, service);
    struct mqtt_settings mqtt_settings = mqtt_settings_of(&config.mqtt);
    mqtt_settings.session_expiry_s = config.session_s;
    const struct mqtt_events events = {.connected = on_connected, .arrived = on_arrived};
    service->mqtt = mqtt_new(service->loop, &mqtt_settings, &events, service);
    subscribe(service);
    if (config.silent_quarters)
        loop_timer_in(service->silence, SILENCE_EVERY_S * SECONDS_NS);
    take_batches(service); // what an earlier run left
    struct notify *notify = notify_new(service->loop);

    loop_run(service->loop);

    notify_free(notify);
    spool_hurry(service->spool);
    mqtt_free(service->mqtt);
    while (!inbox_take(service->inbox))
        ;
    loop_timer_free(service->silence);
    loop_timer_free(service->again);
    inbox_free(service->inbox);
    loop_free(service->loop);
    spool_free(service->spool);
    free(folder);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const struct program program = {.name = "socmod-ingest",
                                    .purpose = "measured quarter hours and gateway reports in, "
                                               "rows out",
                                    .version = VERSION,
                                    .settings = settings,
                                    .options = options,
                                    .check = check_settings};
    program_start(&program, argc, argv);
    if (!config.import && !*config.mqtt.broker) {
        fprintf(stderr, "[mqtt] broker: must be given\n");
        return EXIT_SETTINGS;
    }
    struct service service = {.db = db_new(config.connection, "socmod-ingest")};
    service.quarters = quarter_table_new(service.db);
    const struct arrival_bounds bounds = {config.future_s, config.oldest_days * 86400};
    int status;
    if (config.import)
        status = csv_import(service.db, service.quarters, config.import, config.future_s)
                     ? EXIT_FAILURE
                     : EXIT_SUCCESS;
    else
        status = serve(&service, &bounds);
    quarter_table_free(service.quarters);
    db_free(service.db);
    return status;
}
