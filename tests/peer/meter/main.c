// SPDX-License-Identifier: Apache-2.0
// peer-meter: the head-ends and smart meters of a street.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "io/loop.h"
#include "io/notify.h"
#include "tests/peer/control.h"
#include "tests/peer/copper.h"
#include "tests/peer/door.h"
#include "tests/peer/keep.h"
#include "tests/peer/mailbox.h"
#include "tests/peer/meter/desk.h"
#include "tests/peer/meter/dlms_port.h"
#include "tests/peer/meter/meter.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)

static struct {
    char *grid, *state_folder, *keep;
    char *address, *pty_folder;
    int64_t port, least_gap_ms;
    char *copper;
    struct mqtt_texts mqtt;
    struct desk_settings desk;
    int64_t dlms_port, dlms_dead_port, dlms_pdu, dlms_answer_ms;
    int64_t dlms_dead_share, dlms_stale_share, dlms_stale_counter;
    char *dlms_address, *dlms_keys, *dlms_spread, *dlms_stale, *dlms_counters;
    char *control, *faults;
} config;

static const struct setting settings[] = {
    {"street", "grid", .text = &config.grid, .help = "grid file, as for socmod-admin import"},
    {"state", "folder", .text = &config.state_folder,
     .help = "folder that keeps each meter's text and registers"},
    {"state", "keep", .text = &config.keep, .otherwise = "disk", .words = KEEP_WORDS,
     .help = "disk: flushed before an answer; cache: written, not flushed; memory: not written"},
    {"p1", "address", .text = &config.address, .otherwise = "127.0.0.1",
     .help = "IPv4 address to listen on"},
    {"p1", "port", .integer = &config.port, .otherwise = "2501", .least = 0, .most = 65535,
     .help = "TCP port of the first meter of the grid file, the next has the next; 0: no TCP"},
    {"p1", "pty_folder", .text = &config.pty_folder, .otherwise = "",
     .help = "folder of links to serial devices, named after the meters; empty: none"},
    {"p1", "least_gap_ms", .integer = &config.least_gap_ms, .otherwise = "0", .least = 0,
     .most = 10000, .help = "least machine time between telegrams when the clock runs fast, ms"},
    {"copper", "socket", .text = &config.copper, .otherwise = "",
     .help = "socket that hears what the chargers draw; empty: none"},
    {"head_end", "answer_ms", .integer = &config.desk.answer_ms, .otherwise = "20", .least = 0,
     .most = 600000, .help = "machine time that a meter takes to store a text, ms"},
    {"head_end", "read_back", .flag = &config.desk.reads_back, .otherwise = "yes",
     .help = "read the text back and answer with its digest: yes or no"},
    MQTT_SETTINGS(config.mqtt, "mqtt://127.0.0.1:1883", "peer-meter"),
    {"dlms", "keys", .text = &config.dlms_keys, .otherwise = "",
     .help = "file of keys, as for socmod-admin keys import, CSV; empty: no DLMS"},
    {"dlms", "address", .text = &config.dlms_address, .otherwise = "127.0.0.1",
     .help = "IPv4 address of the first meter"},
    {"dlms", "port", .integer = &config.dlms_port, .otherwise = "4059", .least = 1, .most = 65535,
     .help = "TCP port of the first meter of the grid file"},
    {"dlms", "spread", .text = &config.dlms_spread, .otherwise = "ports",
     .words = "ports addresses",
     .help = "the next meter has the next port, or the next address of 127.0.0.0/8"},
    {"dlms", "dead_port", .integer = &config.dlms_dead_port, .otherwise = "0", .least = 0,
     .most = 65535,
     .help = "port of all loopback addresses where calls are not even refused; 0: none"},
    {"dlms", "dead_share", .integer = &config.dlms_dead_share, .otherwise = "0", .least = 0,
     .most = 100, .help = "per cent of the meters that take calls and never answer"},
    {"dlms", "stale_share", .integer = &config.dlms_stale_share, .otherwise = "0", .least = 0,
     .most = 100, .help = "per cent of the meters that have seen a higher counter"},
    {"dlms", "stale_counter", .integer = &config.dlms_stale_counter, .otherwise = "100000",
     .least = 0, .most = UINT32_MAX, .help = "namely this one"},
    {"dlms", "max_pdu", .integer = &config.dlms_pdu, .otherwise = "1024", .least = 0, .most = 2048,
     .help = "longest APDU that a meter takes, octets; 0: it says that there is no limit"},
    {"dlms", "stale", .text = &config.dlms_stale, .otherwise = "close",
     .words = "close reject exception", .help = "answer to a counter that is not higher"},
    {"dlms", "answer_ms", .integer = &config.dlms_answer_ms, .otherwise = "0", .least = 0,
     .most = 600000, .help = "machine time before each answer, ms"},
    {"dlms", "counters", .text = &config.dlms_counters, .otherwise = "",
     .help = "file that gets a line for each counter seen, meter and counter; empty: none"},
    {"faults", "control", .text = &config.control, .otherwise = "",
     .help = "socket that takes orders to misbehave; empty: none"},
    {"faults", "at_start", .text = &config.faults, .otherwise = "",
     .help = "orders to begin with, separated by commas"},
    CLOCK_SETTINGS,
    {0},
};

static struct {
    struct street *street;
    struct loop_timer *timer;
    struct meter *meters;
    int64_t (*draws_mw)[STREET_PHASES]; // of each charger
    char *registers_path;
    struct dlms_port **dlms; // of each meter; NULL where it has no keys
    struct cipher *cipher;
    struct door *door; // of all addresses
    struct dlms_port_settings settings;
    struct dlms_totals totals;
} peer;

static int64_t now_ms(void)
{
    return clock_utc().ns / MS_NS;
}

static struct meter *meter_of(const struct street_charger *charger)
{
    for (size_t i = 0; i < peer.street->meter_count; i++)
        if (peer.street->meters[i].connection == charger->connection)
            return &peer.meters[i];
    return NULL;
}

// Each meter's registers and each charger's draw, so that a restart goes on counting.
static void keep_registers(void)
{
    json_t *root = json_object();
    for (size_t i = 0; i < peer.street->meter_count; i++) {
        const struct wattmeter *watt = &peer.meters[i].watt;
        json_object_set_new(root, peer.meters[i].equipment_id,
                            json_pack("{s:I,s:[I,I]}", "at_ms", (json_int_t)watt->at_ms,
                                      "energy_uj", (json_int_t)watt->energy_uj[0],
                                      (json_int_t)watt->energy_uj[1]));
    }
    json_t *draws = json_object();
    for (size_t i = 0; i < peer.street->charger_count; i++)
        json_object_set_new(draws, peer.street->chargers[i].id,
                            json_pack("[I,I,I]", (json_int_t)peer.draws_mw[i][0],
                                      (json_int_t)peer.draws_mw[i][1],
                                      (json_int_t)peer.draws_mw[i][2]));
    json_object_set_new(root, "draws mW", draws);
    char *text = keep_of(config.keep) != KEEP_MEMORY ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (text && keep_write(peer.registers_path, text, strlen(text), false))
        log_warn("state.not_kept", F("path", peer.registers_path));
    free(text);
    json_decref(root);
}

static void load_draw(const json_t *draws, size_t charger)
{
    const json_t *draw = json_object_get(draws, peer.street->chargers[charger].id);
    struct meter *meter = meter_of(&peer.street->chargers[charger]);
    for (size_t i = 0; i < STREET_PHASES; i++) {
        int64_t mw = json_integer_value(json_array_get(draw, i));
        peer.draws_mw[charger][i] = mw;
        if (meter)
            meter->watt.p_mw[i] += mw;
    }
}

static void load_registers(void)
{
    size_t len;
    char *text = keep_of(config.keep) != KEEP_MEMORY ? keep_read(peer.registers_path, &len) : NULL;
    json_t *root = text ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    for (size_t i = 0; i < peer.street->charger_count; i++)
        load_draw(json_object_get(root, "draws mW"), i);
    for (size_t i = 0; i < peer.street->meter_count; i++) {
        struct wattmeter *watt = &peer.meters[i].watt;
        const json_t *kept = json_object_get(root, peer.meters[i].equipment_id);
        const json_t *energy = json_object_get(kept, "energy_uj");
        watt->at_ms = kept ? json_integer_value(json_object_get(kept, "at_ms")) : now_ms();
        for (size_t k = 0; k < WATTMETER_TARIFFS; k++)
            watt->energy_uj[k] = json_integer_value(json_array_get(energy, k));
    }
    json_decref(root);
    free(text);
}

static const char *on_copper(void *arg, const char *text)
{
    (void)arg;
    struct copper copper;
    enum err err = copper_read(text, now_ms(), &copper);
    size_t charger = err ? 0 : street_find_charger(peer.street, copper.charger);
    if (err || charger == peer.street->charger_count) {
        log_warn("copper.not_understood", F("text", text), F("why", err_name(err)));
        return NULL;
    }
    struct meter *meter = meter_of(&peer.street->chargers[charger]);
    int64_t *draw_mw = peer.draws_mw[charger];
    if (!meter || !memcmp(draw_mw, copper.p_mw, sizeof copper.p_mw))
        return NULL;
    int64_t p_mw[STREET_PHASES];
    for (int i = 0; i < STREET_PHASES; i++) {
        p_mw[i] = meter->watt.p_mw[i] + copper.p_mw[i] - draw_mw[i];
        draw_mw[i] = copper.p_mw[i];
    }
    wattmeter_take(&meter->watt, copper.at_ms, p_mw);
    keep_registers();
    return NULL;
}

// Telegrams come on the whole second of the clock; seconds that we were too busy for are gone.
static void on_timer(void *arg)
{
    (void)arg;
    int64_t utc_s = clock_utc_s();
    for (size_t i = 0; i < peer.street->meter_count; i++)
        meter_send(&peer.meters[i], utc_s);
    int64_t next_ns = (utc_s + 1) * SECONDS_NS;
    int64_t gap_ns = clock_utc().ns + clock_machine_ns(config.least_gap_ms * MS_NS);
    loop_timer_at(peer.timer, (struct utc){next_ns > gap_ns ? next_ns : gap_ns});
}

// Orders to the DLMS server of a meter. False: no such order, or it has none.
static bool obey_dlms(struct dlms_port *port, const struct control *order)
{
    enum dlms_fault fault = dlms_fault_of(order->word);
    int number = order->number == CONTROL_NO_NUMBER ? DLMS_EVER : (int)order->number;
    struct dlms_server *server = port ? dlms_port_server(port) : NULL;
    if (!server)
        return false;
    if (fault < DLMS_FAULTS) {
        server->faults[fault] = number;
    } else if (!strcmp(order->word, "set-result")) {
        server->set_result = (uint8_t)number;
        server->faults[DLMS_REFUSE_SET] = DLMS_EVER;
    } else if (!strcmp(order->word, "saw")) {
        server->seen = (uint32_t)number;
        server->has_seen = true;
    } else if (!strcmp(order->word, "pdu")) {
        server->max_pdu = (uint16_t)number;
    } else {
        return false;
    }
    return true;
}

static const char *obey_one(size_t index, const struct control *order)
{
    struct meter *meter = &peer.meters[index];
    struct dlms_port *port = peer.dlms ? peer.dlms[index] : NULL;
    struct meter_faults *faults = &meter->faults;
    const struct {
        const char *word;
        int *count;
    } counts[] = {
        {"no-route", &faults->no_route}, {"silent", &faults->silent}, {"mute", &faults->mute},
        {"deny", &faults->deny},         {"garble", &faults->garble}, {"noise", &faults->noise},
        {"unplug", &faults->unplug},
    };
    const char *why = NULL;
    size_t i = 0;
    while (i < sizeof counts / sizeof *counts && strcmp(counts[i].word, order->word) != 0)
        i++;
    if (i < sizeof counts / sizeof *counts)
        *counts[i].count = order->number == CONTROL_NO_NUMBER ? METER_EVER : (int)order->number;
    else if (!strcmp(order->word, "slow"))
        faults->slow_ms = order->number == CONTROL_NO_NUMBER ? 1000 : order->number;
    else if (!strcmp(order->word, "clear")) {
        *faults = (struct meter_faults){0};
        if (port)
            memset(dlms_port_server(port)->faults, 0, sizeof dlms_port_server(port)->faults);
    } else if (!obey_dlms(port, order))
        why = "no such order (no-route, silent, mute, deny, garble, slow, noise, unplug, clear,"
              " or one of DLMS)";
    if (!why)
        log_info("fault.ordered", F("what", order->word), F("meter", meter->equipment_id));
    return why;
}

static const char *obey(void *arg, const struct control *order)
{
    (void)arg;
    const char *why = "no such meter";
    for (size_t i = 0; i < peer.street->meter_count; i++)
        if (!strcmp(order->name, "*") || !strcmp(order->name, peer.meters[i].equipment_id))
            why = obey_one(i, order);
    return why;
}

static const char *on_control(void *arg, const char *text)
{
    struct control order;
    if (control_read(text, &order))
        return "is not an order, a name and perhaps a number";
    const char *why = obey(arg, &order);
    return why ? why : "ok";
}

static void set_up(struct loop *loop, size_t i)
{
    const struct street_meter *from = &peer.street->meters[i];
    struct meter *meter = &peer.meters[i];
    meter->equipment_id = from->equipment_id;
    meter->head_end = from->head_end;
    meter->dsmr4 = from->dsmr4;
    meter->phase_count = peer.street->connections[from->connection].phase_count;
    meter->keep = keep_of(config.keep);
    meter_load(meter, config.state_folder);
    meter->outlet = p1_outlet_new(loop, config.address, config.port ? (int)config.port + (int)i : 0,
                                  config.pty_folder, from->equipment_id);
}

static enum dlms_stale stale_of(const char *word)
{
    if (!strcmp(word, "close"))
        return DLMS_STALE_CLOSE;
    return !strcmp(word, "reject") ? DLMS_STALE_REJECT : DLMS_STALE_EXCEPTION;
}

// Spread evenly and always the same: is this meter among that share of them?
static bool is_among(size_t meter, int64_t share, unsigned turn)
{
    return (int64_t)((meter * 37 + turn) % 100) < share;
}

static in_addr_t address_of_first(void)
{
    struct in_addr first = {0};
    inet_pton(AF_INET, config.dlms_address, &first);
    return ntohl(first.s_addr);
}

// The P3 port of a meter that has keys.
static void take_identity(void *arg, const char *equipment_id, const struct dlms_identity *identity)
{
    size_t i = street_find_meter(peer.street, equipment_id);
    if (i == peer.street->meter_count || peer.dlms[i])
        return;
    peer.dlms[i] = dlms_port_new(arg, &peer.meters[i], identity, &peer.settings);
    struct dlms_server *server = dlms_port_server(peer.dlms[i]);
    if (is_among(i, config.dlms_dead_share, 0))
        server->faults[DLMS_DEAD] = DLMS_EVER;
    if (is_among(i, config.dlms_stale_share, 50)) {
        server->seen = (uint32_t)config.dlms_stale_counter;
        server->has_seen = true;
    }
    if (!strcmp(config.dlms_spread, "ports"))
        dlms_port_listen(peer.dlms[i], config.dlms_address, (int)config.dlms_port + (int)i);
}

// Somebody called one of all addresses.
static void on_knock(void *arg, int fd)
{
    struct sockaddr_in called = {0};
    socklen_t len = sizeof called;
    (void)arg;
    size_t i = peer.street->meter_count;
    if (!getsockname(fd, (struct sockaddr *)&called, &len))
        i = ntohl(called.sin_addr.s_addr) - address_of_first();
    if (i < peer.street->meter_count && peer.dlms[i])
        dlms_port_take(peer.dlms[i], fd);
    else
        close(fd);
}

static void set_up_dlms(struct loop *loop, size_t count)
{
    peer.cipher = cipher_new();
    peer.dlms = memory_new(count, sizeof(struct dlms_port *));
    peer.settings = (struct dlms_port_settings){
        .folder = config.state_folder,
        .keep = keep_of(config.keep),
        .max_pdu = (uint16_t)config.dlms_pdu,
        .stale = stale_of(config.dlms_stale),
        .answer_ms = config.dlms_answer_ms,
        .cipher = peer.cipher,
        .totals = &peer.totals,
    };
    if (*config.dlms_counters && !(peer.settings.counters = fopen(config.dlms_counters, "a")))
        log_fatal("counters.failed", F("path", config.dlms_counters));
    if (peer.settings.counters)
        setvbuf(peer.settings.counters, NULL, _IOLBF, BUFSIZ);
    if (!dlms_identities_read(config.dlms_keys, take_identity, loop))
        exit(EXIT_SETTINGS);
    if (strcmp(config.dlms_spread, "ports") != 0)
        peer.door = door_new_everywhere(loop, (int)config.dlms_port, on_knock, NULL);
    if (config.dlms_dead_port)
        door_brick_up((int)config.dlms_dead_port);
}

static void close_dlms(size_t count)
{
    if (!peer.dlms)
        return;
    door_free(peer.door);
    for (size_t i = 0; i < count; i++)
        dlms_port_free(peer.dlms[i]);
    free(peer.dlms);
    cipher_free(peer.cipher);
    if (peer.settings.counters)
        fclose(peer.settings.counters);
    log_info("dlms.totals", F("calls", peer.totals.calls),
             F("most_at_once", peer.totals.most_calls), F("texts", peer.totals.texts),
             F("counters", peer.totals.counters), F("repeated", peer.totals.repeated),
             F("lower", peer.totals.lower));
}

static bool check_dlms(void)
{
    struct in_addr address;
    bool by_port = !strcmp(config.dlms_spread, "ports");
    if (!*config.dlms_keys)
        return true;
    if (by_port && config.dlms_port + (int64_t)peer.street->meter_count > 65536) {
        fprintf(stderr, "[dlms] port: no room above it for %zu meters\n", peer.street->meter_count);
        return false;
    }
    bool fine = inet_pton(AF_INET, config.dlms_address, &address) == 1
                && (by_port || ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
    if (!fine)
        fprintf(stderr, "[dlms] address: \"%s\" is not an IPv4 address%s\n", config.dlms_address,
                by_port ? "" : " of 127.0.0.0/8");
    return fine;
}

static bool check(void)
{
    peer.street = street_read(config.grid);
    if (!peer.street)
        return false;
    if (config.port && config.port + (int64_t)peer.street->meter_count > 65536) {
        fprintf(stderr, "[p1] port: no room above it for %zu meters\n", peer.street->meter_count);
        return false;
    }
    if (!check_dlms())
        return false;
    return !*config.mqtt.broker || mqtt_check_broker(config.mqtt.broker);
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "peer-meter",
        .purpose = "plays the head-ends and smart meters of a street",
        .version = VERSION,
        .settings = settings,
        .check = check,
    };
    program_start(&program, argc, argv);
    raise_descriptors();
    struct loop *loop = loop_new();
    size_t count = peer.street->meter_count;
    peer.meters = memory_new(count, sizeof *peer.meters);
    peer.draws_mw = memory_new(peer.street->charger_count, sizeof *peer.draws_mw);
    peer.registers_path = memory_format("%s/registers.json", config.state_folder);
    peer.timer = loop_timer_new(loop, on_timer, NULL);
    for (size_t i = 0; i < count; i++)
        set_up(loop, i);
    load_registers();
    if (*config.dlms_keys)
        set_up_dlms(loop, count);
    if (!control_read_list("[faults] at_start", config.faults, obey, NULL))
        return EXIT_SETTINGS;
    struct mailbox *copper = mailbox_new(loop, config.copper, on_copper, NULL);
    struct mailbox *control = mailbox_new(loop, config.control, on_control, NULL);
    struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
    struct desk *desk =
        *config.mqtt.broker ? desk_new(loop, &mqtt, &config.desk, peer.meters, count) : NULL;
    on_timer(NULL);
    log_info("peer.ready", F("meters", (int64_t)count), F("port", config.port));
    struct notify *notify = notify_new(loop);
    loop_run(loop);

    notify_free(notify);
    desk_free(desk);
    mailbox_free(control);
    mailbox_free(copper);
    close_dlms(count);
    keep_registers();
    for (size_t i = 0; i < count; i++) {
        p1_outlet_free(peer.meters[i].outlet);
        free(peer.meters[i].path);
    }
    loop_timer_free(peer.timer);
    loop_free(loop);
    free(peer.registers_path);
    free(peer.draws_mw);
    free(peer.meters);
    street_free(peer.street);
    return EXIT_SUCCESS;
}
