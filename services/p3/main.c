// SPDX-License-Identifier: Apache-2.0
// socmod-p3: rows in, long messages out.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "io/db.h"
#include "io/loop.h"
#include "io/mqtt.h"
#include "io/notify.h"
#include "services/p3/courier.h"
#include "services/p3/dlms_route.h"
#include "services/p3/figures.h"
#include "services/p3/head_end.h"
#include "services/p3/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    LEASE_MARGIN_S = 5,      // that a lease is longer than an attempt
    SPARE_DESCRIPTORS = 100, // besides one for each session
};

static struct {
    char *database;
    struct mqtt_texts mqtt;
    int64_t max_under_way, max_in_all, rate_in_all, goodbye_s;
    int64_t max_per_head_end, rate_per_head_end, answer_timeout_s;
    char *object;
    char *master_key, *former_master_key;
    char *counter_mark;
    int64_t counter_warn, counter_stop;
    int64_t max_dlms, rate_dlms, max_per_cell, rate_per_cell, max_per_host, rate_per_host;
    int64_t longest_s;
    struct meter_settings smr5, dsmr42;
    char *wake_command, *wake_topic, *wake_when;
    int64_t wake_pause_ms, wake_timeout_ms, wake_most;
    char *http_address;
    int64_t http_port;
} config;

#define BOUND(section, name, place, default_value, what)                                           \
    {                                                                                              \
        (section), (name), .integer = &(place), .otherwise = (default_value), .least = 0,          \
                           .most = 1000000, .help = (what)                                         \
    }

static const struct setting settings[] = {
    DB_SETTINGS(config.database, "socmod_p3"),
    MQTT_SETTINGS(config.mqtt, "mqtt://localhost:1883", "socmod-p3"),
    {"p3", "max_under_way", .integer = &config.max_under_way, .otherwise = "2000", .least = 1,
     .most = 100000, .help = "messages sent and not yet answered, of this process"},
    BOUND("p3", "max_in_all", config.max_in_all, "0", "the same of all processes; 0: any number"),
    BOUND("p3", "rate_in_all", config.rate_in_all, "0",
          "messages that all processes begin in a second; 0: any number"),
    BOUND("p3", "max_per_head_end", config.max_per_head_end, "500",
          "of all processes, at one head-end; 0: any number"),
    BOUND("p3", "rate_per_head_end", config.rate_per_head_end, "0",
          "begun there in a second; 0: any number"),
    {"p3", "answer_timeout", .integer = &config.answer_timeout_s, .otherwise = "30", .least = 1,
     .most = 600, .help = "seconds until a head-end has answered, or is asked again later"},
    {"p3", "object", .text = &config.object, .otherwise = "0-0:96.13.0.255",
     .help = "OBIS identifier of the text in the meter, as the head-end is told"},
    {"p3", "goodbye", .integer = &config.goodbye_s, .otherwise = "10", .least = 0, .most = 600,
     .help = "seconds for what is under way to end in good order when told to stop"},
    {"keys", "master_file", .text = &config.master_key, .otherwise = "",
     .help = "file of the master key that meters' keys are wrapped under; empty: no DLMS"},
    {"keys", "former_master_file", .text = &config.former_master_key, .otherwise = "",
     .help = "file of the one before, during a rotation; empty: none"},
    {"counters", "mark", .text = &config.counter_mark, .otherwise = "/var/lib/socmod/p3/mark",
     .help = "file that tells a database put back from a backup; never backed up with it"},
    {"counters", "warn_at", .integer = &config.counter_warn, .otherwise = "2000000000", .least = 1,
     .most = UINT32_MAX, .help = "counter from which on a new key is asked for"},
    {"counters", "stop_at", .integer = &config.counter_stop, .otherwise = "4294900000", .least = 1,
     .most = UINT32_MAX, .help = "and from which on none is given"},
    BOUND("dlms", "max", config.max_dlms, "0",
          "sessions with meters under way, of all processes; 0: any number"),
    BOUND("dlms", "rate", config.rate_dlms, "0", "begun in a second; 0: any number"),
    BOUND("dlms", "max_per_cell", config.max_per_cell, "50",
          "under way in one cell; 0: any number"),
    BOUND("dlms", "rate_per_cell", config.rate_per_cell, "10",
          "begun in one cell in a second; 0: any number"),
    BOUND("dlms", "max_per_host", config.max_per_host, "0",
          "under way with one address, whatever the port; 0: any number"),
    BOUND("dlms", "rate_per_host", config.rate_per_host, "0",
          "begun with it in a second; 0: any number"),
    {"dlms", "longest", .integer = &config.longest_s, .otherwise = "180", .least = 1, .most = 3600,
     .help = "seconds that one session may take in all, wake-up and pauses included"},
    METER_SAP_SETTINGS("smr5", config.smr5, "client_"),
    METER_SESSION_SETTINGS("smr5", config.smr5),
    METER_SAP_SETTINGS("dsmr42", config.dsmr42, "client_"),
    METER_SESSION_SETTINGS("dsmr42", config.dsmr42),
    {"wake", "command", .text = &config.wake_command, .otherwise = "",
     .help = "program and arguments, with {meter} and {address}, run before a call; empty: none"},
    {"wake", "topic", .text = &config.wake_topic, .otherwise = "",
     .help = "topic of a message to publish before a call; empty: none"},
    {"wake", "when", .text = &config.wake_when, .otherwise = "missed", .words = "missed always",
     .help = "wake meters that the last attempt missed, or always"},
    {"wake", "pause_ms", .integer = &config.wake_pause_ms, .otherwise = "10000", .least = 0,
     .most = 600000, .help = "pause between waking and calling, ms"},
    {"wake", "timeout_ms", .integer = &config.wake_timeout_ms, .otherwise = "10000", .least = 1,
     .most = 600000, .help = "after which the program is killed, ms"},
    {"wake", "most", .integer = &config.wake_most, .otherwise = "16", .least = 1, .most = 1000,
     .help = "programs that run at once"},
    {"http", "address", .text = &config.http_address, .otherwise = "127.0.0.1",
     .help = "address to serve /metrics, /healthz and /readyz on"},
    {"http", "port", .integer = &config.http_port, .otherwise = "0", .least = 0, .most = 65535,
     .help = "port; 0: not served"},
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

static bool complain(const char *why)
{
    fprintf(stderr, "%s\n", why);
    return false;
}

static bool serves_head_ends(void)
{
    return *config.mqtt.broker;
}

static bool serves_dlms(void)
{
    return *config.master_key;
}

static bool check(void)
{
    bool fine = check_client_id(config.mqtt.client_id);
    if (serves_head_ends() && !mqtt_check_broker(config.mqtt.broker))
        fine = false;
    if (!serves_head_ends() && !serves_dlms())
        fine = complain("[mqtt] broker and [keys] master_file: one must be given");
    if (*config.wake_topic && !serves_head_ends())
        fine = complain("[wake] topic: needs a [mqtt] broker");
    if (config.counter_warn > config.counter_stop)
        fine = complain("[counters] warn_at: must not be above stop_at");
    return fine;
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

static struct {
    struct loop *loop;
    struct db *db;
    struct courier *courier;
    struct head_end *head_end; // NULL: not served
    struct dlms_route *dlms;   // NULL: not served
    struct mqtt *wake_mqtt;
    char *wake_name; // at the broker
    struct wake *wake;
    struct meter_types types;
    struct master_key *masters[2];
    size_t master_count;
    struct key_table *keys;
    struct counter_table *counters;
    struct route routes[CLAIM_ROUTES_MAX];
    size_t route_count;
} p3;

static void on_doorbell(void *arg, const char *channel, const char *payload)
{
    (void)arg;
    (void)payload;
    if (!*channel && p3.dlms)
        dlms_route_look(p3.dlms);
    courier_tell(p3.courier, !*channel                          ? COURIER_DATABASE
                             : !strcmp(channel, "plan_profile") ? COURIER_PROFILE
                                                                : COURIER_RECEIPT);
}

static void on_route_ready(void *arg)
{
    (void)arg;
    courier_tell(p3.courier, COURIER_ROUTE);
}

static void on_goodbye_over(void *arg)
{
    log_warn("p3.stopped_early", F("why", "not all under way has ended; it is tried again"));
    loop_stop(arg);
}

static void read_master(const char *path)
{
    char why[MASTER_KEY_REASON];
    if (!*path)
        return;
    if (master_key_read(path, &p3.masters[p3.master_count], why)) {
        fprintf(stderr, "[keys] %s\n", why);
        exit(EXIT_SETTINGS);
    }
    p3.master_count++;
}

static void serve_head_ends(void)
{
    const struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
    p3.head_end =
        head_end_new(p3.loop, &mqtt, config.object, config.answer_timeout_s, on_route_ready, NULL);
    p3.routes[p3.route_count++] = head_end_route(p3.head_end);
}

static void prepare_wake(void)
{
    if (!*config.wake_command && !*config.wake_topic)
        return;
    if (*config.wake_topic) {
        struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
        mqtt.client_id = p3.wake_name = memory_format("%s-wake", config.mqtt.client_id);
        p3.wake_mqtt = mqtt_new(p3.loop, &mqtt, &(struct mqtt_events){0}, NULL);
    }
    p3.wake = wake_new(p3.loop, &(struct wake_settings){
                                    .command = config.wake_command,
                                    .topic = config.wake_topic,
                                    .mqtt = p3.wake_mqtt,
                                    .when = *config.wake_when == 'a' ? WAKE_ALWAYS : WAKE_MISSED,
                                    .pause_ms = config.wake_pause_ms,
                                    .timeout_ms = config.wake_timeout_ms,
                                    .most = (int)config.wake_most,
                                });
}

static void serve_dlms(void)
{
    prepare_wake();
    p3.types = (struct meter_types){
        .smr5 = meter_settings_type(&config.smr5, &meter_type_smr5),
        .dsmr42 = meter_settings_type(&config.dsmr42, &meter_type_dsmr42),
    };
    p3.keys = key_table_new(p3.db, &p3.types, p3.masters, p3.master_count);
    p3.counters = counter_table_new(p3.db, &(struct counter_settings){
                                               .name = config.mqtt.client_id,
                                               .mark = config.counter_mark,
                                               .warn_at = config.counter_warn,
                                               .stop_at = config.counter_stop,
                                           });
    p3.dlms = dlms_route_new(p3.loop, &(struct dlms_route_settings){
                                          .db = p3.db,
                                          .keys = p3.keys,
                                          .counters = p3.counters,
                                          .wake = p3.wake,
                                          .longest_s = config.longest_s,
                                          .ready = on_route_ready,
                                      });
    p3.routes[p3.route_count++] = dlms_route_of(p3.dlms);
}

static void end_routes(void)
{
    head_end_free(p3.head_end);
    dlms_route_free(p3.dlms);
    wake_free(p3.wake);
    mqtt_free(p3.wake_mqtt);
    free(p3.wake_name);
    key_table_free(p3.keys);
    counter_table_free(p3.counters);
    while (p3.master_count)
        master_key_free(p3.masters[--p3.master_count]);
}

// One descriptor for each session.
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max == RLIM_INFINITY
        || config.max_under_way + SPARE_DESCRIPTORS <= (int64_t)limit.rlim_max)
        return;
    log_warn("p3.few_descriptors", F("max_under_way", config.max_under_way),
             F("descriptors", (int64_t)limit.rlim_max));
    config.max_under_way = (int64_t)limit.rlim_max - SPARE_DESCRIPTORS;
}

static struct courier *begin_courier(void)
{
    const struct claim_bound bounds[] = {
        {CLAIM_ALL, "", config.max_in_all, config.rate_in_all},
        {CLAIM_LANE, "head-end", config.max_per_head_end, config.rate_per_head_end},
        {CLAIM_ROUTE, "dlms", config.max_dlms, config.rate_dlms},
        {CLAIM_LANE, "dlms", config.max_per_cell, config.rate_per_cell},
        {CLAIM_DESTINATION, "dlms", config.max_per_host, config.rate_per_host},
    };
    int64_t longest_s = serves_head_ends() ? config.answer_timeout_s : 0;
    if (serves_dlms() && config.longest_s > longest_s)
        longest_s = config.longest_s;
    return courier_new(p3.loop, p3.db,
                       &(struct courier_settings){
                           .name = config.mqtt.client_id,
                           .routes = p3.routes,
                           .route_count = p3.route_count,
                           .max_under_way = config.max_under_way,
                           .bounds = bounds,
                           .bound_count = sizeof bounds / sizeof *bounds,
                           .lease_s = longest_s + LEASE_MARGIN_S,
                       });
}

static struct figures *serve_figures(void)
{
    if (!config.http_port)
        return NULL;
    struct figures *figures = figures_new(p3.loop,
                                          &(struct http_settings){.address = config.http_address,
                                                                  .port = (int)config.http_port,
                                                                  .connections_max = 20},
                                          p3.courier, p3.dlms, p3.db);
    if (!figures)
        log_fatal("p3.no_figures", F("port", config.http_port));
    return figures;
}

static void say_goodbye(void)
{
    courier_stop(p3.courier);
    struct loop_timer *goodbye = loop_timer_new(p3.loop, on_goodbye_over, p3.loop);
    loop_timer_in(goodbye, clock_machine_ns(config.goodbye_s * SECONDS_NS));
    loop_run(p3.loop);
    loop_timer_free(goodbye);
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
    raise_descriptors();
    read_master(config.master_key);
    read_master(config.former_master_key);
    p3.loop = loop_new();
    p3.db = db_new(config.database, config.mqtt.client_id);
    if (serves_head_ends())
        serve_head_ends();
    if (serves_dlms())
        serve_dlms();
    p3.courier = begin_courier();
    db_listen(p3.db, p3.loop, channels, on_doorbell, NULL);
    struct figures *figures = serve_figures();
    struct notify *notify = notify_new(p3.loop);
    log_info("p3.started", F("name", config.mqtt.client_id));
    loop_run(p3.loop);

    say_goodbye();
    notify_free(notify);
    figures_free(figures);
    end_routes();
    courier_free(p3.courier);
    db_free(p3.db);
    loop_free(p3.loop);
    return EXIT_SUCCESS;
}
