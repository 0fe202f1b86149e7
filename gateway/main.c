// SPDX-License-Identifier: Apache-2.0
// socmod-gateway: obeys what the operator's message on the meter's P1 port allows, and sees to
// it that the charger behind the meter does, too.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/rfc3339.h"
#include "gateway/commission.h"
#include "gateway/control.h"
#include "gateway/decode.h"
#include "gateway/enrol.h"
#include "gateway/feed.h"
#include "gateway/meter_server.h"
#include "gateway/metering.h"
#include "gateway/p1_copy.h"
#include "gateway/p1_port.h"
#include "gateway/probe.h"
#include "gateway/status_page.h"
#include "io/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    char *equipment_id, *p1_port, *p1_line, *p1_format, *p1_key_file;
    char *copy_device, *copy_line, *copy_address;
    int64_t copy_port;
    char *tic_source, *tic_codes;
    char *time_rule, *message_unit;
    char *phase_a, *rotation;
    char *charger_type, *charger_address, *charger_line, *below_least, *voltage;
    char *state_file;
    int64_t silence_s, repeats, bound_s;
    int64_t contract_w, safe_w, hold_s, least_hold_s, confirm_s;
    int64_t watchdog_s, fallback_w;
    int64_t unit, timeout_ms, rewrite_s, watch_s, phases, rated_w;
    double voltage_v;
    char *meter_type, *meter_address, *meter_phases;
    int64_t meter_port, meter_clients;
    double installation_a;
    char *http_address, *http_user, *http_password_file, *http_certificate_file, *http_key_file;
    char *http_patch_file;
    char *site, *phase_key;
    int64_t http_port, counters_s;
    struct mqtt_texts mqtt;
    struct {
        char *key, *from, *to;
    } seal[SEAL_GATE_KEYS];
} config;

static const struct setting settings[] = {
    {"meter", "equipment_id", .text = &config.equipment_id, .otherwise = "",
     .help = "of the meter that is obeyed, as its telegram shows it; empty: any"},
    {"p1", "port", .text = &config.p1_port, .otherwise = "/dev/ttyUSB0",
     .help = "device of the P1 cable, or tcp://host:port, or file:PATH of a recording"},
    {"p1", "line", .text = &config.p1_line, .otherwise = "115200/8N1", .words = P1_PORT_LINES,
     .help = "of the device: DSMR 4 and 5; 9600/7E1: older ones, and TIC"},
    {"p1", "format", .text = &config.p1_format, .otherwise = "dsmr", .words = "dsmr tic",
     .help = "tic: a French meter in standard mode"},
    {"p1", "key_file", .text = &config.p1_key_file, .otherwise = "",
     .help = "Luxembourg: 32 hex digits, with which telegrams are encrypted; empty: they are not"},
    {"p1", "silence_s", .integer = &config.silence_s, .otherwise = "30", .least = 2, .most = 3600,
     .help = "seconds without a telegram before the port is opened again"},
    {"p1_copy", "device", .text = &config.copy_device, .otherwise = "",
     .help = "serial device that gets all that P1 receives; empty: none"},
    {"p1_copy", "line", .text = &config.copy_line, .otherwise = "115200/8N1",
     .words = P1_PORT_LINES, .help = "of that device"},
    {"p1_copy", "address", .text = &config.copy_address, .otherwise = "",
     .help = "where others may connect to get the same: 127.0.0.1, 0.0.0.0; empty: nowhere"},
    {"p1_copy", "port", .integer = &config.copy_port, .otherwise = "2001", .least = 0,
     .most = 65535, .help = "TCP port"},
    {"trust", "repeats", .integer = &config.repeats, .otherwise = "2", .least = 1, .most = 100,
     .help = "telegrams in a row that must show the same message"},
    {"seal", "key_1", .text = &config.seal[0].key, .otherwise = "",
     .help = "public key of the operator, as socmod-admin seal prints it: then only what he"
             " sealed is obeyed; empty: none"},
    {"seal", "key_1_from", .text = &config.seal[0].from, .otherwise = "",
     .help = "when it is good, RFC 3339; empty: always"},
    {"seal", "key_1_to", .text = &config.seal[0].to, .otherwise = "", .help = "until when"},
    {"seal", "key_2", .text = &config.seal[1].key, .otherwise = "",
     .help = "another one, while one takes over from the other"},
    {"seal", "key_2_from", .text = &config.seal[1].from, .otherwise = "", .help = "likewise"},
    {"seal", "key_2_to", .text = &config.seal[1].to, .otherwise = "", .help = "likewise"},
    {"tic", "source", .text = &config.tic_source, .otherwise = "msg1", .words = "msg1 msg2 relais",
     .help = "where a French meter shows the code"},
    {"tic", "codes", .text = &config.tic_codes, .otherwise = "",
     .help = "limits in W that codes stand for: CODE=WATTS, CODE=WATTS"},
    {"time", "rule", .text = &config.time_rule, .otherwise = "auto", .words = "meter system auto",
     .help = "whose clock tells when a profile holds; auto: the meter's, checked against a"
             " synchronised system"},
    {"time", "bound_s", .integer = &config.bound_s, .otherwise = "60", .least = 1, .most = 86400,
     .help = "seconds by which clocks may differ, or jump, and still be believed"},
    {"limit", "contract_w", .integer = &config.contract_w, .least = 1, .most = 1000000,
     .help = "power of the connection, W: never more"},
    {"limit", "safe_w", .integer = &config.safe_w, .otherwise = "4200", .least = 0, .most = 1000000,
     .help = "limit in doubt, W"},
    {"limit", "hold_s", .integer = &config.hold_s, .otherwise = "120", .least = 1, .most = 86400,
     .help = "seconds without a trustworthy telegram before the safe limit holds"},
    {"limit", "least_hold_s", .integer = &config.least_hold_s, .otherwise = "30", .least = 1,
     .most = 86400, .help = "seconds that a profile may shorten hold_s to"},
    {"limit", "confirm_s", .integer = &config.confirm_s, .otherwise = "10", .least = 1,
     .most = 3600, .help = "seconds for the charger to confirm a limit before the safe one holds"},
    {"limit", "message_unit", .text = &config.message_unit, .otherwise = "W", .words = "W 100W",
     .help = "of the powers in a message"},
    {"limit", "phase_a", .text = &config.phase_a, .otherwise = "",
     .help = "most current on L1, L2 and L3 of the connection, A, as 25 25 16; empty: any"},
    {"charger", "type", .text = &config.charger_type, .otherwise = "compleo-station",
     .help = "name of a driver file, or its path if it has a slash"},
    {"charger", "address", .text = &config.charger_address, .otherwise = "tcp://127.0.0.1",
     .help = "tcp://host[:port] or a serial device, perhaps with #unit and @point; blanks between"
             " several that share the limit"},
    {"charger", "line", .text = &config.charger_line, .otherwise = "",
     .help = "of the device: baud rate, data bits, parity N E or O, stop bits; empty: as the"
             " driver says"},
    {"charger", "unit", .integer = &config.unit, .otherwise = "-1", .least = -1, .most = 255,
     .help = "Modbus unit; -1: as the driver says"},
    {"charger", "timeout_ms", .integer = &config.timeout_ms, .otherwise = "1000", .least = 10,
     .most = 60000, .help = "for one answer"},
    {"charger", "rewrite_s", .integer = &config.rewrite_s, .otherwise = "25", .least = 1,
     .most = 3600,
     .help = "write the limit again at the latest; sooner where the driver says so or"
             " the charger's watchdog is short"},
    {"charger", "watch_s", .integer = &config.watch_s, .otherwise = "5", .least = 1, .most = 3600,
     .help = "read the limit back at the latest"},
    {"charger", "phases", .integer = &config.phases, .otherwise = "3", .least = 1, .most = 3,
     .help = "that it is connected to, for a limit in amperes"},
    {"charger", "rotation", .text = &config.rotation, .otherwise = "123",
     .words = "123 132 213 231 312 321",
     .help = "phases of the connection that its first, second and third are on"},
    {"charger", "voltage_v", .real = &config.voltage_v, .otherwise = "230", .least = 100,
     .most = 300, .help = "phase to neutral, the highest that is likely, for a limit in amperes"},
    {"charger", "voltage", .text = &config.voltage, .otherwise = "bounded",
     .words = "bounded measured",
     .help = "bounded: reckon with voltage_v; measured: with the highest of the last quarter hours,"
             " where the meter tells it"},
    {"charger", "rated_w", .integer = &config.rated_w, .otherwise = "0", .least = 0,
     .most = 1000000,
     .help = "what it can do, W: 100 per cent, and never written more;"
             " 0: the contract"},
    {"charger", "below_least", .text = &config.below_least, .otherwise = "pause",
     .words = "pause hold",
     .help = "when the limit is below what it can charge with: pause, or hold"
             " that least, which is more than the limit"},
    {"commissioning", "watchdog_s", .integer = &config.watchdog_s, .otherwise = "0", .least = 0,
     .most = 86400,
     .help = "for --commission: silence after which a charger is to fall back; 0: leave it"},
    {"commissioning", "fallback_w", .integer = &config.fallback_w, .otherwise = "-1", .least = -1,
     .most = 1000000, .help = "for --commission: the limit of each charger then; -1: leave it"},
    {"meter_server", "type", .text = &config.meter_type, .otherwise = "",
     .help = "energy meter to play over Modbus TCP: name of a file, or its path if it has a slash;"
             " empty: none"},
    {"meter_server", "address", .text = &config.meter_address, .otherwise = "127.0.0.1",
     .help = "where to listen: 0.0.0.0 for everybody"},
    {"meter_server", "port", .integer = &config.meter_port, .otherwise = "502", .least = 0,
     .most = 65535, .help = "TCP port"},
    {"meter_server", "clients", .integer = &config.meter_clients, .otherwise = "8", .least = 1,
     .most = METER_SERVER_CLIENTS, .help = "at most, at the same time"},
    {"meter_server", "phases", .text = &config.meter_phases, .otherwise = "123",
     .words = "123 132 213 231 312 321",
     .help = "phases of the connection that are told as L1, L2 and L3"},
    {"meter_server", "installation_a", .real = &config.installation_a, .otherwise = "0", .least = 0,
     .most = 1000,
     .help = "current that the charger believes the installation may take, A: limits it by telling"
             " more load; 0: tells what there is"},
    {"http", "address", .text = &config.http_address, .otherwise = "",
     .help = "where the status page is served: 127.0.0.1, 0.0.0.0; empty: nowhere"},
    {"http", "port", .integer = &config.http_port, .otherwise = "8080", .least = 0, .most = 65535,
     .help = "TCP port"},
    {"http", "user", .text = &config.http_user, .otherwise = "user", .help = "name to be given"},
    {"http", "password_file", .text = &config.http_password_file, .otherwise = "",
     .help = "file whose first line is the password; empty: none, on loopback only"},
    {"http", "certificate_file", .text = &config.http_certificate_file, .otherwise = "",
     .help = "PEM file for TLS; empty: none, on loopback only"},
    {"http", "key_file", .text = &config.http_key_file, .otherwise = "",
     .help = "PEM file of its private key"},
    {"http", "patch_file", .text = &config.http_patch_file, .otherwise = "",
     .help = "file of the settings changed over HTTP, read over this one; empty: none can be"},
    {"metering", "site", .text = &config.site, .otherwise = "",
     .help = "site in the topics of what the meter shows; empty: that is not told"},
    {"metering", "phase_key", .text = &config.phase_key, .otherwise = "1", .words = "1 l L",
     .help = "before the number of a phase in the keys of power_instant"},
    {"metering", "counters_s", .integer = &config.counters_s, .otherwise = "60", .least = 1,
     .most = 86400, .help = "seconds between two device_counters"},
    {"state", "file", .text = &config.state_file, .otherwise = "/var/lib/socmod-gateway/state",
     .help = "what is known again after a power cut, and beside it what the broker is still to be"
             " told; empty: nothing"},
    MQTT_SETTINGS(config.mqtt, "", "socmod-gateway"),
    CLOCK_SETTINGS,
    {0},
};

static bool decode_only, probe_only, list_only, list_meters_only, commission_only, says_yes;
static const char *decode_path, *probe_device, *list_folder, *meters_folder;
static struct enrol_job enrolment;
static const char *enrol_within;
static const struct program_option options[] = {
    {"decode", "FILE", .flag = &decode_only, .text = &decode_path, .optional = true,
     .help = "print the telegrams of FILE or standard input as JSON, and stop"},
    {"chargers", "FOLDER", .flag = &list_only, .text = &list_folder, .optional = true,
     .help = "list the charger types, of the driver files in FOLDER or the shipped ones, and stop"},
    {"meters", "FOLDER", .flag = &list_meters_only, .text = &meters_folder, .optional = true,
     .help = "list the energy meters that can be played, likewise, and stop"},
    {"commission", NULL, .flag = &commission_only,
     .help = "tell the chargers their watchdog and fallback once, and stop"},
    {"yes", NULL, .flag = &says_yes, .help = "with --commission: do not ask"},
    {"probe", "DEVICE", .flag = &probe_only, .text = &probe_device, .optional = true,
     .help = "look for a meter on DEVICE, or on each in /dev/serial/by-id, at every speed, and"
             " print its settings"},
    {"enrol", "FOLDER", .text = &enrolment.folder,
     .help = "make a key for the broker and a request for its certificate in FOLDER, and stop"},
    {"within", "DAYS", .text = &enrol_within,
     .help = "with --enrol: only when the one in force ends so soon; otherwise 30"},
    {"certificate", "FILE", .text = &enrolment.certificate,
     .help = "with --enrol: take in the certificate that came back"},
    {0},
};

static struct p1_port_settings port_settings;
static struct charger_type type;
static struct meter_map meter_map;
static struct p1_cipher_key p1_key;
static struct presets presets;
static struct amperes_bounds phase_bounds;
static bool restarts; // when the loop has ended
static struct seal_gate seal_gate;

// The parts that telegrams go to.
static struct {
    struct control *control;
    struct feed *feed;
    struct p1_port *port;
    struct p1_copy *copy;
    struct meter_server *meter_server;
    struct status_page *page;
    struct loop_timer *counters_timer, *restart_timer;
    struct mono started;
} gateway;

static void on_restart(void *arg)
{
    restarts = true;
    loop_stop(arg);
}

// When the answer to who asked for it is out.
static void restart_soon(void)
{
    loop_timer_in(gateway.restart_timer, clock_machine_ns(SECONDS_NS / 4));
}

static const int64_t PROBE_NS = 11 * SECONDS_NS; // DSMR 4 sends every ten seconds

static bool complain(const char *setting, const char *why)
{
    fprintf(stderr, "socmod-gateway: %s: %s\n", setting, why);
    return false;
}

// A folder of data, where the program is installed; else where it was built.
static char *data_folder(const char *name)
{
    char program[4096];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len < 0 ? 0 : len] = '\0';
    char *slash = strrchr(program, '/');
    int folder_len = slash ? (int)(slash - program) : 0;
    char *installed = memory_format("%.*s/../share/socmod/%s", folder_len, program, name);
    char *built = memory_format("%.*s/../../gateway/%s", folder_len, program, name);
    bool is_built = access(installed, R_OK) != 0 && access(built, R_OK) == 0;
    free(is_built ? installed : built);
    return is_built ? built : installed;
}

// A file of data: by path, or by name among the shipped ones.
static char *data_path(const char *folder_name, const char *name)
{
    if (strchr(name, '/'))
        return memory_text(name);
    char *folder = data_folder(folder_name);
    char *path = memory_format("%s/%s.ini", folder, name);
    free(folder);
    return path;
}

static int list(const char *folder_name, const char *given,
                enum err (*print)(const char *folder, FILE *out))
{
    char *folder = given ? memory_text(given) : data_folder(folder_name);
    enum err err = print(folder, stdout);
    free(folder);
    return err ? EXIT_SETTINGS : EXIT_SUCCESS;
}

static bool read_type(void)
{
    char *path = data_path("drivers", config.charger_type);
    enum err err = charger_type_read(path, &type);
    free(path);
    return !err;
}

static bool read_meter_map(void)
{
    if (!*config.meter_type)
        return true;
    char *path = data_path("meters", config.meter_type);
    enum err err = meter_map_read(path, &meter_map);
    free(path);
    return !err;
}

static struct charger_group_settings group_settings(void)
{
    return (struct charger_group_settings){
        .type = &type,
        .addresses = config.charger_address,
        .way = {.line = *config.charger_line ? config.charger_line : type.line,
                .is_ascii = type.has_ascii,
                .port = type.port,
                .timeout_ms = config.timeout_ms,
                .gap_ms = type.gap_ms,
                .twice = type.twice},
        .unit = (int)(config.unit >= 0 ? config.unit : type.unit),
        .rewrite_s = config.rewrite_s,
        .watch_s = config.watch_s,
        .connection = {.phases = (int)config.phases,
                       .voltage_mv = (int64_t)(config.voltage_v * 1000),
                       .rated_w = config.rated_w ? config.rated_w : config.contract_w},
        .hold_least = !strcmp(config.below_least, "hold"),
        .measures_voltage = !strcmp(config.voltage, "measured"),
        .bounds = amperes_rotate(&phase_bounds, config.rotation),
    };
}

static struct commission_settings commissioning(void)
{
    return (struct commission_settings){
        .chargers = group_settings(),
        .watchdog_s = config.watchdog_s,
        .fallback_w = config.fallback_w,
        .asks = !says_yes,
    };
}

static bool check_commissioning(void)
{
    const struct commission_settings once = commissioning();
    const char *fault = commission_fault(&once);
    return !fault || complain("[commissioning]", fault);
}

static bool check_chargers(void)
{
    if (amperes_bounds_read(config.phase_a, &phase_bounds))
        return complain("[limit] phase_a", "not three currents above 0, like 25 25 16");
    if (!read_type())
        return false;
    const struct charger_group_settings group = group_settings();
    if (!modbus_link_line_is_sound(group.way.line))
        return complain("[charger] line", "not like 19200/8E1");
    const char *fault = charger_group_fault(&group);
    if (fault)
        return complain("[charger] address", fault);
    return !commission_only || check_commissioning();
}

// Those that may be changed over HTTP.
static struct settings_patch patchable(void)
{
    return (struct settings_patch){
        .meter_type = config.meter_type,
        .broker = config.mqtt.broker,
        .user = config.mqtt.user,
        .password_file = config.mqtt.password_file,
        .site = config.site,
    };
}

static bool read_patch(void)
{
    struct settings_patch patch = patchable();
    bool is_good = !*config.http_patch_file || !settings_patch_load(config.http_patch_file, &patch);
    config.meter_type = patch.meter_type;
    config.mqtt.broker = patch.broker;
    config.mqtt.user = patch.user;
    config.mqtt.password_file = patch.password_file;
    config.site = patch.site;
    return is_good;
}

static bool is_meter(const char *name)
{
    struct meter_map map;
    char *path = data_path("meters", name);
    enum err err = meter_map_read(path, &map);
    free(path);
    if (!err)
        meter_map_clear(&map);
    return !err;
}

static struct status_page_settings page_settings(void)
{
    return (struct status_page_settings){
        .http = {.address = config.http_address,
                 .port = (int)config.http_port,
                 .certificate_file = config.http_certificate_file,
                 .key_file = config.http_key_file,
                 .connections_max = 16},
        .user = config.http_user,
        .password_file = config.http_password_file,
        .version = VERSION,
        .meter_name = meter_map.name,
        .config = {.patch_file = config.http_patch_file,
                   .has_password = *config.http_password_file,
                   .now = patchable(),
                   .bounds = {.limits_by_meter = config.installation_a > 0,
                              .has_equipment_id = *config.equipment_id},
                   .is_meter = is_meter,
                   .restart = restart_soon,
                   .contract_w = config.contract_w,
                   .safe_w = config.safe_w,
                   .hold_s = config.hold_s,
                   .is_sealed = seal_gate_is_set(&seal_gate),
                   .charger = config.charger_type},
    };
}

static bool read_time(const char *text, int64_t otherwise, int64_t *utc)
{
    *utc = otherwise;
    return !*text || !rfc3339_parse(text, strlen(text), utc);
}

static bool read_seal(void)
{
    static const char *const names[] = {"[seal] key_1", "[seal] key_2"};
    for (int i = 0; i < SEAL_GATE_KEYS; i++) {
        struct seal_gate_key *key = &seal_gate.keys[i];
        if (!read_time(config.seal[i].from, INT64_MIN, &key->from)
            || !read_time(config.seal[i].to, INT64_MAX, &key->to))
            return complain(names[i], "is good from or to what is no time of RFC 3339");
        if (!*config.seal[i].key)
            continue;
        if (seal_public_parse(config.seal[i].key, &key->key))
            return complain(names[i], "not a public key of 43 characters");
        if (key->from >= key->to)
            return complain(names[i], "is never good");
        key->is_set = true;
    }
    seal_gate.equipment_id = config.equipment_id;
    if (seal_gate_is_set(&seal_gate) && !*config.equipment_id)
        return complain("[meter] equipment_id", "must be given where there is a key of a seal");
    return true;
}

// Whose seals are obeyed belongs to what an auditor asks; so does that any message is.
static void log_seal_keys(void)
{
    for (int i = 0; i < SEAL_GATE_KEYS; i++)
        if (seal_gate.keys[i].is_set)
            log_info("seal.key_trusted", F("public", config.seal[i].key),
                     F("from", config.seal[i].from), F("to", config.seal[i].to));
    if (!seal_gate_is_set(&seal_gate))
        log_info("seal.key_trusted", F("public", ""), F("sealed", (bool)false));
}

static bool read_p1_key(void)
{
    char text[256];
    int fd = open(config.p1_key_file, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (len < 0)
        return complain("[p1] key_file", strerror(error));
    enum err err = p1_cipher_key_parse(text, (size_t)len, &p1_key);
    memory_wipe(text, sizeof text);
    return err ? complain("[p1] key_file", "not 32 hex digits") : true;
}

enum { TIC_REPEATS = 5 };

// A checksum of six bits lets much pass, so several frames must agree; and a text of 32 characters
// has no room for a seal.
static bool read_tic(void)
{
    static const char *const words[] = {"msg1", "msg2", "relais"};
    while (strcmp(words[presets.source], config.tic_source) != 0)
        presets.source++;
    if (presets_parse(config.tic_codes, &presets))
        return complain("[tic] codes", "not like CODE=WATTS, CODE=WATTS");
    for (int i = 0; i < presets.count; i++)
        if (presets.items[i].limit_w > config.contract_w)
            return complain("[tic] codes", "a limit is above contract_w");
    if (!port_settings.is_tic)
        return true;
    if (config.repeats < TIC_REPEATS)
        return complain("[trust] repeats", "must be 5 or more for TIC");
    if (seal_gate_is_set(&seal_gate))
        return complain("[seal] key_1", "TIC messages cannot be sealed");
    return *config.p1_key_file ? complain("[p1] key_file", "TIC is not encrypted") : true;
}

static bool check(void)
{
    if (!read_patch())
        return false;
    port_settings = (struct p1_port_settings){
        .address = config.p1_port,
        .line = config.p1_line,
        .silence_s = config.silence_s,
        .is_tic = !strcmp(config.p1_format, "tic"),
        .key = *config.p1_key_file ? &p1_key : NULL,
    };
    const char *fault = p1_port_fault(&port_settings);
    if (fault)
        return complain("[p1] port", fault);
    if (config.safe_w > config.contract_w)
        return complain("[limit] safe_w", "is above contract_w");
    if (*config.mqtt.broker && !*config.equipment_id)
        return complain("[meter] equipment_id", "must be given where there is a broker");
    if (!read_seal() || !read_tic() || (port_settings.key && !read_p1_key()))
        return false;
    const struct status_page_settings page = page_settings();
    fault = status_page_fault(&page);
    if (fault)
        return complain("[http] address", fault);
    if (*config.site && (strpbrk(config.site, "/+#") || !*config.mqtt.broker))
        return complain("[metering] site", "has one of / + #, or there is no broker");
    return check_chargers() && read_meter_map();
}

// The enrolment asked for, where that is one.
static bool check_enrolment(void)
{
    char *end = NULL;
    long days = enrol_within ? strtol(enrol_within, &end, 10) : ENROL_WITHIN_DAYS;
    if ((enrol_within || enrolment.certificate) && !enrolment.folder)
        return complain("--within, --certificate", "belong to --enrol");
    if (days < 0 || days > 36500 || (end && (*end || end == enrol_within)))
        return complain("--within", "takes 0 to 36500 days");
    enrolment.within_s = days * 86400;
    enrolment.name = config.equipment_id;
    enrolment.authorities = config.mqtt.ca_file;
    const char *fault = enrolment.folder ? enrol_fault(&enrolment) : NULL;
    return !fault || complain("--enrol", fault);
}

static bool needs_no_settings(void)
{
    return decode_only || probe_only || list_only || list_meters_only;
}

static const struct program program = {
    .name = "socmod-gateway",
    .purpose = "let a charger follow the profile that stands on its meter's P1 port",
    .version = VERSION,
    .settings = settings,
    .options = options,
    .check = check,
    .needs_no_settings = needs_no_settings,
};

static enum meter_clock_rule clock_rule(void)
{
    static const char *const words[] = {"meter", "system", "auto"};
    int rule = METER_CLOCK_METER;
    while (rule < METER_CLOCK_AUTO && strcmp(words[rule], config.time_rule) != 0)
        rule++;
    return (enum meter_clock_rule)rule;
}

// The limit that 0.1 A of imbalance allows: so much on each phase where the charger takes a
// current per phase, and in all where it might put its power on one.
static int64_t imbalance_mw(void)
{
    int phases = type.scale.unit == AMPERES_A ? (int)config.phases : 1;
    return (int64_t)(config.voltage_v * 100) * phases;
}

static struct control_settings control_settings(void)
{
    bool has_hands = program_clock_hands && *program_clock_hands;
    int64_t hold_ns = config.hold_s * SECONDS_NS;
    return (struct control_settings){
        .pilot = {.trust = {config.equipment_id, (int)config.repeats},
                  .clock = {clock_rule(), config.bound_s, hold_ns},
                  .seal = seal_gate,
                  .setpoint = {.contract_w = (int32_t)config.contract_w,
                               .safe_w = (int32_t)config.safe_w,
                               .hold_ns = hold_ns,
                               .confirm_ns = clock_machine_ns(config.confirm_s * SECONDS_NS),
                               .least_hold_ns = config.least_hold_s * SECONDS_NS,
                               .imbalance_mw = imbalance_mw()},
                  .unit = strcmp(config.message_unit, "W") ? LONG_MESSAGE_100_W : LONG_MESSAGE_W,
                  .presets = presets},
        .system_is_synchronised = has_hands,
        .state_path = config.state_file,
        .chargers = group_settings(),
    };
}

// The current that a charger may have must be what is left of the installation's, so the rest
// of that is told as load.
static void tell_meter_server(const struct p1_telegram *telegram)
{
    struct meter_values values;
    meter_values_of(telegram, config.meter_phases, &values);
    struct feed_status status = control_status(gateway.control);
    if (config.installation_a > 0 && status.has_limit) {
        double limit_a = status.limit_w / (config.voltage_v * (double)config.phases);
        double extra_a = config.installation_a - limit_a;
        meter_values_add(&values, extra_a > 0 ? (int64_t)(extra_a * 1000) + 1 : 0,
                         (int64_t)(config.voltage_v * 1000));
    }
    meter_server_tell(gateway.meter_server, &values);
}

// Tell what the meter shows to who wants to know.
static void tell_metered(void)
{
    const struct p1_telegram *metered = control_metered(gateway.control);
    if (metered && gateway.meter_server)
        tell_meter_server(metered);
    if (metered && *config.site) {
        char *power = metering_power(metered, config.phase_key, clock_utc());
        feed_metering(gateway.feed, config.site, "power_instant", power);
        free(power);
    }
}

static void on_frame(void *arg, const struct p1_frame *frame, const char *telegram, size_t len)
{
    (void)arg;
    control_take(gateway.control, frame, telegram, len);
    status_page_telegram(gateway.page, telegram, len);
    tell_metered();
}

static void on_tic(void *arg, const struct tic *tic)
{
    (void)arg;
    control_take_tic(gateway.control, tic);
    tell_metered();
}

static void on_octets(void *arg, const char *octets, size_t len)
{
    (void)arg;
    p1_copy_take(gateway.copy, octets, len);
}

static void on_counters(void *arg)
{
    (void)arg;
    struct feed_counts counts = feed_counts(gateway.feed);
    const struct metering_counters counters = {
        .uptime_s = (clock_mono().ns - gateway.started.ns) / SECONDS_NS,
        .p1 = p1_port_counts(gateway.port),
        .connected = counts.connected,
        .sent = counts.sent,
        .not_sent = counts.not_sent,
    };
    char *text = metering_counters(&counters);
    feed_metering(gateway.feed, config.site, "device_counters", text);
    free(text);
    loop_timer_in(gateway.counters_timer, config.counters_s * SECONDS_NS);
}

static struct meter_server_settings meter_server_settings(void)
{
    return (struct meter_server_settings){
        .map = &meter_map,
        .address = config.meter_address,
        .port = (int)config.meter_port,
        .clients = (int)config.meter_clients,
        .hold_ns = config.hold_s * SECONDS_NS,
    };
}

static int decode(void)
{
    FILE *in = decode_path ? fopen(decode_path, "re") : stdin;
    if (!in) {
        fprintf(stderr, "%s: %s\n", decode_path, strerror(errno));
        return EXIT_FAILURE;
    }
    int status = decode_run(in, stdout);
    fclose(in);
    return status;
}

int main(int argc, char **argv)
{
    program_start(&program, argc, argv);
    if (decode_only)
        return decode();
    if (list_only)
        return list("drivers", list_folder, charger_type_list);
    if (list_meters_only)
        return list("meters", meters_folder, meter_map_list);
    if (commission_only) {
        const struct commission_settings once = commissioning();
        return commission_run(&once, stdin, stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (probe_only)
        return probe_run(probe_device, PROBE_NS, stdout);
    if (!check_enrolment())
        return EXIT_USAGE;
    if (enrolment.folder)
        return enrol_run(&enrolment, stdout);

    struct loop *loop = loop_new();
    const struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
    const struct control_settings rules = control_settings();
    const struct meter_server_settings served = meter_server_settings();
    const struct status_page_settings shown = page_settings();
    const struct p1_copy_settings copied = {config.copy_device, config.copy_line,
                                            config.copy_address, (int)config.copy_port};
    gateway.started = clock_mono();
    gateway.feed = feed_new(loop, &mqtt, config.equipment_id, config.state_file);
    gateway.control = control_new(loop, &rules, gateway.feed);
    const struct p1_port_crew crew = {on_frame, on_tic, on_octets, NULL};
    if ((*config.copy_device || *config.copy_address)
        && !(gateway.copy = p1_copy_new(loop, &copied)))
        return EXIT_FAILURE;
    gateway.port = p1_port_new(loop, &port_settings, &crew);
    if (*config.meter_type && !(gateway.meter_server = meter_server_new(loop, &served)))
        return EXIT_FAILURE;
    const struct status_page_sources sources = {gateway.control, p1_port_counts(gateway.port),
                                                gateway.copy, gateway.feed};
    if (*config.http_address && !(gateway.page = status_page_new(loop, &shown, &sources)))
        return EXIT_FAILURE;
    gateway.counters_timer = loop_timer_new(loop, on_counters, NULL);
    gateway.restart_timer = loop_timer_new(loop, on_restart, loop);
    if (*config.site)
        loop_timer_in(gateway.counters_timer, config.counters_s * SECONDS_NS);
    log_seal_keys();
    struct notify *notify = notify_new(loop);
    loop_run(loop);
    notify_free(notify);
    loop_timer_free(gateway.counters_timer);
    loop_timer_free(gateway.restart_timer);
    status_page_free(gateway.page);
    meter_server_free(gateway.meter_server);
    p1_port_free(gateway.port);
    p1_copy_free(gateway.copy);
    control_free(gateway.control);
    feed_free(gateway.feed);
    charger_type_clear(&type);
    meter_map_clear(&meter_map);
    loop_free(loop);
    if (!restarts)
        return EXIT_SUCCESS;
    log_info("program.starts_anew");
    execv("/proc/self/exe", argv);
    log_error("program.failed", F("what", "start anew"), F("why", strerror(errno)));
    return EXIT_FAILURE;
}
