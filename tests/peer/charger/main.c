// SPDX-License-Identifier: Apache-2.0
// peer-charger: the chargers of a street, each a Modbus server with cars that charge there.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "io/loop.h"
#include "io/notify.h"
#include "tests/peer/charger/modbus_port.h"
#include "tests/peer/charger/pole_state.h"
#include "tests/peer/charger/sessions.h"
#include "tests/peer/control.h"
#include "tests/peer/copper.h"
#include "tests/peer/mailbox.h"
#include "wire/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAY_AGAIN_MS = 10000, MS_PER_S = 1000 };

static struct {
    char *grid, *sessions;
    char *address, *line_folder, *lines;
    int64_t port, fallback_a, timeout_s, dark_s;
    char *copper, *control, *faults, *state, *type, *trace;
} config;

static const struct setting settings[] = {
    {"street", "grid", .text = &config.grid, .help = "grid file, as for socmod-admin import"},
    {"street", "sessions", .text = &config.sessions,
     .help = "CSV file of charging sessions: charger,arrival,departure,energy_wh,phases,max_a"},
    {"modbus", "address", .text = &config.address, .otherwise = "127.0.0.1",
     .help = "IPv4 address to listen on"},
    {"modbus", "port", .integer = &config.port, .otherwise = "1502", .least = 0, .most = 65535,
     .help = "TCP port of the first charger of the grid file, the next has the next; 0: no TCP"},
    {"modbus", "line_folder", .text = &config.line_folder, .otherwise = ".",
     .help = "folder of the links to the serial devices"},
    {"modbus", "lines", .text = &config.lines, .otherwise = "",
     .help = "chargers that have a serial line too, separated by blanks; * for all"},
    {"modbus", "trace", .text = &config.trace, .otherwise = "",
     .help = "file that gets each request and its answer as hex; empty: none"},
    {"charger", "type", .text = &config.type, .otherwise = "",
     .help = "driver file of the type that all chargers are; empty: a Compleo/EBG station"},
    {"charger", "fallback_a", .integer = &config.fallback_a, .otherwise = "6", .least = 0,
     .most = 80, .help = "A per phase behind the fallback power that it starts with"},
    {"charger", "timeout_s", .integer = &config.timeout_s, .otherwise = "60", .least = 0,
     .most = 65535, .help = "watchdog timeout that it starts with, seconds; 0: off"},
    {"charger", "dark_s", .integer = &config.dark_s, .otherwise = "10", .least = 0, .most = 3600,
     .help = "how long a reboot takes, seconds"},
    {"copper", "sockets", .text = &config.copper, .otherwise = "",
     .help = "sockets of who measures what is drawn, separated by blanks"},
    {"faults", "control", .text = &config.control, .otherwise = "",
     .help = "socket that takes orders to misbehave; empty: none"},
    {"faults", "at_start", .text = &config.faults, .otherwise = "",
     .help = "orders to begin with, separated by commas"},
    {"state", "file", .text = &config.state, .otherwise = "",
     .help = "file that keeps how far the cars have charged; empty: none"},
    CLOCK_SETTINGS,
    {0},
};

// A charger with what surrounds it.
struct place {
    const char *id;
    struct pole *pole;
    struct modbus_port *port;
    struct modbus_port_manners manners;
    int64_t said_ms; // when its draw was last told
    bool has_fallen_back;
};

static struct {
    struct street *street;
    struct sessions sessions;
    struct loop *loop;
    struct loop_timer *timer;
    struct postman *postman;
    struct pole *poles;
    struct place *places;
    bool changed;             // since the state was written
    struct charger_type type; // that all are, where the settings name one
    struct modbus_port_events events;
    FILE *trace;
} peer;

static struct pole_now now(void)
{
    return (struct pole_now){clock_utc().ns / 1000000, clock_mono()};
}

static void say(struct place *place, int64_t at_ms,
                void (*send)(struct postman *postman, const char *text))
{
    char text[COPPER_MAX];
    struct copper copper = {.at_ms = at_ms};
    snprintf(copper.charger, sizeof copper.charger, "%s", place->id);
    memcpy(copper.p_mw, place->pole->p_mw, sizeof copper.p_mw);
    memcpy(copper.free_mw, place->pole->free_mw, sizeof copper.free_mw);
    copper_write(&copper, text);
    send(peer.postman, text);
    place->said_ms = at_ms;
}

static void on_change(void *arg, int64_t at_ms)
{
    struct place *place = arg;
    log_debug("charger.draws", F("charger", place->id), F("limit_ma", place->pole->limit_ma),
              F("l1_mw", place->pole->p_mw[0]), F("l2_mw", place->pole->p_mw[1]),
              F("l3_mw", place->pole->p_mw[2]));
    peer.changed = true;
    say(place, at_ms, postman_send);
}

// Bring a charger up to now; the draw it has is told again from time to time, so that who was
// away hears it.
static void live(struct place *place, struct pole_now moment)
{
    struct pole *pole = place->pole;
    bool was_dark = pole->dark_until_ms;
    pole_run(pole, moment, on_change, place);
    if (was_dark && !pole->dark_until_ms)
        modbus_port_power(place->port, true);
    if (pole->station.fallen_back != place->has_fallen_back) {
        place->has_fallen_back = pole->station.fallen_back;
        log_info(place->has_fallen_back ? "charger.fell_back" : "charger.heard_again",
                 F("charger", place->id));
    }
    if (moment.utc_ms >= place->said_ms + SAY_AGAIN_MS)
        say(place, moment.utc_ms, postman_repeat);
}

static void sleep_until_next(struct pole_now moment)
{
    int64_t next_ms = moment.utc_ms + SAY_AGAIN_MS;
    for (size_t i = 0; i < peer.street->charger_count; i++) {
        int64_t change_ms = pole_next_ms(&peer.poles[i], moment);
        if (change_ms < next_ms)
            next_ms = change_ms;
    }
    loop_timer_in(peer.timer, (next_ms - moment.utc_ms) * 1000000);
    if (peer.changed)
        pole_state_write(config.state, peer.street, peer.poles);
    peer.changed = false;
}

static void on_timer(void *arg)
{
    (void)arg;
    struct pole_now moment = now();
    for (size_t i = 0; i < peer.street->charger_count; i++)
        live(&peer.places[i], moment);
    sleep_until_next(moment);
}

static void trace(const char *id, const uint8_t *pdu, size_t len, const uint8_t *answer,
                  size_t answer_len)
{
    char asked[2 * STATION_PDU_MAX + 1] = "", said[2 * STATION_PDU_MAX + 1] = "";
    hex_encode_lower(pdu, len, asked);
    hex_encode_lower(answer, answer_len, said);
    fprintf(peer.trace, "%s %.*s %.*s\n", id, (int)(2 * len), asked, (int)(2 * answer_len), said);
}

static size_t on_request(void *arg, const uint8_t *pdu, size_t len, uint8_t answer[])
{
    struct place *place = arg;
    struct pole_now moment = now();
    live(place, moment);
    size_t answer_len = station_answer(&place->pole->station, pdu, len, moment.mono, answer);
    if (peer.trace)
        trace(place->id, pdu, len, answer, answer_len);
    live(place, moment);
    sleep_until_next(moment);
    return answer_len;
}

static void reboot(struct place *place)
{
    pole_reboot(place->pole, now(), config.dark_s * MS_PER_S);
    modbus_port_power(place->port, false);
}

static bool obey_station(struct station_faults *faults, const char *word, int count)
{
    if (!strcmp(word, "silent"))
        faults->silent = count;
    else if (!strcmp(word, "exception"))
        faults->exception = count;
    else if (!strcmp(word, "echo"))
        faults->echo = true;
    else if (!strcmp(word, "nan"))
        faults->nan = true;
    else if (!strcmp(word, "error"))
        faults->error = true;
    else
        return false;
    return true;
}

static bool obey_port(struct modbus_port_manners *manners, const char *word, int64_t number)
{
    if (!strcmp(word, "refuse"))
        manners->refuses = true;
    else if (!strcmp(word, "single"))
        manners->is_single = true;
    else if (!strcmp(word, "slow"))
        manners->slow_ms = number == CONTROL_NO_NUMBER ? MS_PER_S : number;
    else
        return false;
    return true;
}

// NULL, or why the order makes no sense.
static const char *obey_one(struct place *place, const struct control *order)
{
    struct station_faults *faults = &place->pole->station.faults;
    int count = order->number == CONTROL_NO_NUMBER ? STATION_EVER : (int)order->number;
    if (!strcmp(order->word, "clear")) {
        *faults = (struct station_faults){0};
        place->manners = (struct modbus_port_manners){0};
    } else if (!strcmp(order->word, "reboot")) {
        reboot(place);
    } else if (!obey_station(faults, order->word, count)
               && !obey_port(&place->manners, order->word, order->number)) {
        return "no such order (silent, exception, echo, nan, error, refuse, single, slow, reboot, "
               "clear)";
    }
    modbus_port_behave(place->port, place->manners);
    log_info("fault.ordered", F("what", order->word), F("charger", place->id));
    return NULL;
}

static const char *obey(void *arg, const struct control *order)
{
    (void)arg;
    const char *why = "no such charger";
    struct pole_now moment = now();
    for (size_t i = 0; i < peer.street->charger_count; i++) {
        struct place *place = &peer.places[i];
        if (strcmp(order->name, "*") && strcmp(order->name, place->id))
            continue;
        live(place, moment);
        why = obey_one(place, order);
        live(place, moment);
    }
    sleep_until_next(moment);
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

static bool has_line(const char *id)
{
    char *list = memory_text(config.lines), *rest;
    bool found = false;
    for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        found |= !strcmp(word, id) || !strcmp(word, "*");
    free(list);
    return found;
}

static void set_up(size_t i)
{
    const struct street_charger *charger = &peer.street->chargers[i];
    const struct street_connection *connection = &peer.street->connections[charger->connection];
    int64_t fallback_w = config.fallback_a * CAR_VOLT * connection->phase_count;
    struct station_plate plate = {
        .phase_count = connection->phase_count,
        .max_ma = charger->max_ma,
        .fallback_w = (fallback_w + 99) / 100 * 100, // so much that it still charges
        .timeout_s = config.timeout_s,
        .type = *config.type ? &peer.type : NULL,
    };
    struct place *place = &peer.places[i];
    *place = (struct place){.id = charger->id, .pole = &peer.poles[i]};
    size_t first = peer.sessions.first[i];
    pole_start(place->pole, &plate, peer.sessions.all + first, peer.sessions.first[i + 1] - first,
               now());
    place->port = modbus_port_new(peer.loop, config.address,
                                  config.port ? (int)config.port + (int)i : 0, config.line_folder,
                                  has_line(charger->id) ? charger->id : "", &peer.events, place);
}

static bool check(void)
{
    peer.events = (struct modbus_port_events){on_request, 1, false};
    if (*config.type) {
        if (charger_type_read(config.type, &peer.type))
            return false;
        peer.events.unit = peer.type.unit < 0 ? 1 : (int)peer.type.unit;
        peer.events.is_ascii = peer.type.has_ascii;
    }
    peer.street = street_read(config.grid);
    if (!peer.street || !sessions_read(config.sessions, peer.street, &peer.sessions))
        return false;
    if (config.port && config.port + (int64_t)peer.street->charger_count > 65536) {
        fprintf(stderr, "[modbus] port: no room above it for %zu chargers\n",
                peer.street->charger_count);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "peer-charger",
        .purpose = "plays the chargers of a street, with cars",
        .version = VERSION,
        .settings = settings,
        .check = check,
    };
    program_start(&program, argc, argv);
    if (*config.trace && !(peer.trace = fopen(config.trace, "ae"))) {
        fprintf(stderr, "[modbus] trace: %s: %s\n", config.trace, strerror(errno));
        return EXIT_SETTINGS;
    }
    if (peer.trace)
        setvbuf(peer.trace, NULL, _IOLBF, 0);
    peer.loop = loop_new();
    peer.timer = loop_timer_new(peer.loop, on_timer, NULL);
    peer.postman = postman_new(peer.loop, config.copper);
    peer.poles = memory_new(peer.street->charger_count, sizeof *peer.poles);
    peer.places = memory_new(peer.street->charger_count, sizeof *peer.places);
    pole_state_read(config.state, peer.street, &peer.sessions, now().utc_ms, peer.poles);
    for (size_t i = 0; i < peer.street->charger_count; i++)
        set_up(i);
    if (!control_read_list("[faults] at_start", config.faults, obey, NULL))
        return EXIT_SETTINGS;
    struct mailbox *control = mailbox_new(peer.loop, config.control, on_control, NULL);
    on_timer(NULL);
    log_info("peer.ready", F("chargers", (int64_t)peer.street->charger_count),
             F("port", config.port));
    struct notify *notify = notify_new(peer.loop);
    loop_run(peer.loop);

    notify_free(notify);
    on_timer(NULL);
    pole_state_write(config.state, peer.street, peer.poles);
    mailbox_free(control);
    for (size_t i = 0; i < peer.street->charger_count; i++)
        modbus_port_free(peer.places[i].port);
    postman_free(peer.postman);
    loop_timer_free(peer.timer);
    loop_free(peer.loop);
    free(peer.places);
    free(peer.poles);
    sessions_free(&peer.sessions);
    charger_type_clear(&peer.type);
    if (peer.trace)
        fclose(peer.trace);
    street_free(peer.street);
    return EXIT_SUCCESS;
}
