// SPDX-License-Identifier: Apache-2.0
// socmod-p3: rows in, long messages out.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "io/db.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/metrics_port.h"
#include "io/mqtt.h"
#include "io/notify.h"
#include "services/p3/courier.h"
#include "services/p3/head_end.h"
#include "services/p3/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEASE_MARGIN_S = 5, // that a lease is longer than the wait for an answer
    GOODBYE_S = 3,      // for what is under way when told to stop
};

static struct {
    char *database;
    struct mqtt_texts mqtt;
    int64_t max_under_way, max_per_head_end, answer_timeout_s;
    char *object, *metrics_address;
    int64_t metrics_port;
} config;

static const struct setting settings[] = {
    DB_SETTINGS(config.database, "socmod_p3"),
    MQTT_SETTINGS(config.mqtt, "mqtt://localhost:1883", "socmod-p3"),
    {"p3", "max_under_way", .integer = &config.max_under_way, .otherwise = "2000", .least = 1,
     .most = 100000, .help = "messages sent and not yet answered, in all"},
    {"p3", "max_per_head_end", .integer = &config.max_per_head_end, .otherwise = "500", .least = 1,
     .most = 100000, .help = "of these, at one head-end"},
    {"p3", "answer_timeout", .integer = &config.answer_timeout_s, .otherwise = "30", .least = 1,
     .most = 600, .help = "seconds until a head-end has answered, or is asked again later"},
    {"p3", "object", .text = &config.object, .otherwise = "0-0:96.13.0.255",
     .help = "OBIS identifier of the text in the meter"},
    METRICS_SETTINGS(config.metrics_address, config.metrics_port),
    CLOCK_SETTINGS,
    {0},
};

static struct {
    const char *push, *text;
    bool push_sample;
} todo;

static const struct program_option options[] = {
    {"push", "FILE", .text = &todo.push,
     .help = "bring one message to the meter of this settings file, and stop"},
    {"text", "FILE", .text = &todo.text, .help = "that message"},
    {"push-sample", NULL, .flag = &todo.push_sample,
     .help = "print a settings file of a meter, and stop"},
    {0},
};

// One message to one meter has no use for database and broker.
static bool pushes(void)
{
    return todo.push || todo.text || todo.push_sample;
}

static int push_one(void)
{
    if (todo.push_sample) {
        push_print_sample();
        return EXIT_SUCCESS;
    }
    if (!todo.push || !todo.text) {
        fprintf(stderr, "socmod-p3: --push and --text go together; see --help\n");
        return EXIT_USAGE;
    }
    return push(todo.push, todo.text);
}

// It becomes a level of a topic, and the name of a lock.
static bool check_client_id(const char *id)
{
    bool fine = *id && strlen(id) <= ROUTE_NAME_LEN && !strpbrk(id, "/+# \"\\");
    if (!fine)
        fprintf(stderr,
                "[mqtt] client_id: \"%s\" must be 1 to %d characters without / + # \" \\"
                " and blanks\n",
                id, ROUTE_NAME_LEN);
    return fine;
}

static bool check(void)
{
    bool broker = mqtt_check_broker(config.mqtt.broker);
    return check_client_id(config.mqtt.client_id) && broker;
}

static const struct program program = {
    .name = "socmod-p3",
    .purpose = "bring each meter its newest message, or say why not",
    .version = VERSION,
    .settings = settings,
    .options = options,
    .check = check,
    .needs_no_settings = pushes,
};

static struct courier *courier;

static void on_doorbell(void *arg, const char *channel, const char *payload)
{
    (void)arg;
    (void)payload;
    courier_tell(courier, !*channel                          ? COURIER_DATABASE
                          : !strcmp(channel, "plan_profile") ? COURIER_PROFILE
                                                             : COURIER_RECEIPT);
}

static void on_route_ready(void *arg)
{
    (void)arg;
    courier_tell(courier, COURIER_ROUTE);
}

static void on_goodbye_over(void *arg)
{
    log_warn("p3.stopped_early", F("why", "not all under way has ended; it is tried again"));
    loop_stop(arg);
}

int main(int argc, char **argv)
{
    if (program_start(&program, argc, argv) < argc) {
        fprintf(stderr, "%s: takes no further words; see --help\n", program.name);
        return EXIT_USAGE;
    }
    if (pushes())
        return push_one();
    static const char *const channels[] = {"plan_profile", "field_receipt", NULL};
    struct loop *loop = loop_new();
    struct db *db = db_new(config.database, config.mqtt.client_id);
    const struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
    struct head_end *head_end =
        head_end_new(loop, &mqtt, config.object, config.answer_timeout_s, on_route_ready, NULL);
    const struct route routes[] = {head_end_route(head_end)};
    courier = courier_new(loop, db,
                          &(struct courier_settings){
                              .name = config.mqtt.client_id,
                              .routes = routes,
                              .route_count = sizeof routes / sizeof *routes,
                              .max_under_way = config.max_under_way,
                              .max_per_lane = config.max_per_head_end,
                              .lease_s = config.answer_timeout_s + LEASE_MARGIN_S,
                          });
    db_listen(db, loop, channels, on_doorbell, NULL);
    struct http *port = metrics_port_new(loop, config.metrics_address, config.metrics_port);
    struct notify *notify = notify_new(loop);
    log_info("p3.started", F("name", config.mqtt.client_id));
    loop_run(loop);

    courier_stop(courier);
    struct loop_timer *goodbye = loop_timer_new(loop, on_goodbye_over, loop);
    loop_timer_in(goodbye, clock_machine_ns(GOODBYE_S * SECONDS_NS));
    loop_run(loop);
    loop_timer_free(goodbye);
    notify_free(notify);
    http_free(port);
    head_end_free(head_end);
    courier_free(courier);
    db_free(db);
    loop_free(loop);
    return EXIT_SUCCESS;
}
