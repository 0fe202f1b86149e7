// SPDX-License-Identifier: Apache-2.0
// socmod-gateway: obeys what the operator's message on the meter's P1 port allows, and sees to
// it that the charger behind the meter does, too.

#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/rfc3339.h"
#include "gateway/control.h"
#include "gateway/decode.h"
#include "gateway/feed.h"
#include "gateway/p1_port.h"
#include "io/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    char *equipment_id, *p1_port, *p1_line;
    char *time_rule, *message_unit;
    char *charger_type, *charger_address, *charger_line, *below_least;
    char *state_file;
    int64_t silence_s, repeats, bound_s;
    int64_t contract_w, safe_w, hold_s, least_hold_s, confirm_s;
    int64_t unit, timeout_ms, rewrite_s, watch_s, phases, rated_w;
    double voltage_v;
    struct mqtt_texts mqtt;
    struct {
        char *key, *from, *to;
    } seal[SEAL_GATE_KEYS];
} config;

static const struct setting settings[] = {
    {"meter", "equipment_id", .text = &config.equipment_id, .otherwise = "",
     .help = "of the meter that is obeyed, as its telegram shows it; empty: any"},
    {"p1", "port", .text = &config.p1_port, .otherwise = "/dev/ttyUSB0",
     .help = "device of the P1 cable, or tcp://host:port"},
    {"p1", "line", .text = &config.p1_line, .otherwise = "115200/8N1",
     .words = "115200/8N1 9600/7E1", .help = "of the device: DSMR 4 and 5, or older"},
    {"p1", "silence_s", .integer = &config.silence_s, .otherwise = "30", .least = 2, .most = 3600,
     .help = "seconds without a telegram before the port is opened again"},
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
    {"charger", "type", .text = &config.charger_type, .otherwise = "compleo-station",
     .help = "name of a driver file, or its path if it has a slash"},
    {"charger", "address", .text = &config.charger_address, .otherwise = "tcp://127.0.0.1",
     .help = "tcp://host[:port], or a serial device"},
    {"charger", "line", .text = &config.charger_line, .otherwise = "19200/8E1",
     .help = "of the device: baud rate, data bits, parity N E or O, stop bits"},
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
    {"charger", "voltage_v", .real = &config.voltage_v, .otherwise = "230", .least = 100,
     .most = 300, .help = "phase to neutral, the highest that is likely, for a limit in amperes"},
    {"charger", "rated_w", .integer = &config.rated_w, .otherwise = "0", .least = 0,
     .most = 1000000,
     .help = "what it can do, W: 100 per cent, and never written more;"
             " 0: the contract"},
    {"charger", "below_least", .text = &config.below_least, .otherwise = "pause",
     .words = "pause hold",
     .help = "when the limit is below what it can charge with: pause, or hold"
             " that least, which is more than the limit"},
    {"state", "file", .text = &config.state_file, .otherwise = "/var/lib/socmod-gateway/state",
     .help = "what is known again after a power cut;"
             " empty: nothing"},
    MQTT_SETTINGS(config.mqtt, "", "socmod-gateway"),
    CLOCK_SETTINGS,
    {0},
};

static bool decode_only;
static const char *decode_path;
static const struct program_option options[] = {
    {"decode", "FILE", .flag = &decode_only, .text = &decode_path, .optional = true,
     .help = "print the telegrams of FILE or standard input as JSON, and stop"},
    {0},
};

static struct p1_port_settings port_settings;
static struct charger_type type;
static struct seal_gate seal_gate;

static bool complain(const char *setting, const char *why)
{
    fprintf(stderr, "socmod-gateway: %s: %s\n", setting, why);
    return false;
}

// The file of a charger type: by path, or by name where the program's drivers are installed.
static char *driver_path(void)
{
    if (strchr(config.charger_type, '/'))
        return memory_text(config.charger_type);
    char program[4096];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len < 0 ? 0 : len] = '\0';
    char *slash = strrchr(program, '/');
    int folder_len = slash ? (int)(slash - program) : 0;
    return memory_format("%.*s/../share/socmod/drivers/%s.ini", folder_len, program,
                         config.charger_type);
}

static bool read_type(void)
{
    char *path = driver_path();
    enum err err = charger_type_read(path, &type);
    free(path);
    return !err;
}

static int charger_unit(void)
{
    return (int)(config.unit >= 0 ? config.unit : type.unit);
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

static bool check(void)
{
    port_settings = (struct p1_port_settings){config.p1_port, config.p1_line, config.silence_s};
    const char *fault = p1_port_fault(&port_settings);
    if (fault)
        return complain("[p1] port", fault);
    if (config.safe_w > config.contract_w)
        return complain("[limit] safe_w", "is above contract_w");
    if (*config.mqtt.broker && !*config.equipment_id)
        return complain("[meter] equipment_id", "must be given where there is a broker");
    if (!read_seal())
        return false;
    if (!charger_line_is_sound(config.charger_line))
        return complain("[charger] line", "not like 19200/8E1");
    if (!read_type())
        return false;
    bool is_tcp = !strncmp(config.charger_address, "tcp://", strlen("tcp://"));
    if (!is_tcp && charger_unit() > 247)
        return complain("[charger] unit", "above 247, which a serial line does not have");
    return true;
}

static bool needs_no_settings(void)
{
    return decode_only;
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
                  .unit = strcmp(config.message_unit, "W") ? LONG_MESSAGE_100_W : LONG_MESSAGE_W},
        .system_is_synchronised = has_hands,
        .connection = {.phases = (int)config.phases,
                       .voltage_mv = (int64_t)(config.voltage_v * 1000),
                       .rated_w = config.rated_w ? config.rated_w : config.contract_w},
        .hold_least = !strcmp(config.below_least, "hold"),
        .state_path = config.state_file,
        .link = {.address = config.charger_address,
                 .line = config.charger_line,
                 .unit = charger_unit(),
                 .timeout_ms = config.timeout_ms,
                 .rewrite_s = config.rewrite_s,
                 .watch_s = config.watch_s},
        .type = &type,
    };
}

static void on_frame(void *arg, const struct p1_frame *frame, const char *telegram, size_t len)
{
    control_take(arg, frame, telegram, len);
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

    struct loop *loop = loop_new();
    const struct mqtt_settings mqtt = mqtt_settings_of(&config.mqtt);
    const struct control_settings rules = control_settings();
    struct feed *feed = feed_new(loop, &mqtt, config.equipment_id);
    struct control *control = control_new(loop, &rules, feed);
    struct p1_port *port = p1_port_new(loop, &port_settings, on_frame, control);
    struct notify *notify = notify_new(loop);
    loop_run(loop);
    notify_free(notify);
    p1_port_free(port);
    control_free(control);
    feed_free(feed);
    charger_type_clear(&type);
    loop_free(loop);
    return EXIT_SUCCESS;
}
