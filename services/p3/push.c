// SPDX-License-Identifier: Apache-2.0

#include "services/p3/push.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "services/p3/counter_file.h"
#include "services/p3/dlms_call.h"
#include "wire/hex.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char *host, *meter_title, *kind;
    int64_t port;
    char *client_title;
    struct meter_settings session;
    char *encryption_key_file, *authentication_key_file;
    char *counter_file;
    int64_t counter_start, counter_step;
} config;

static const struct setting settings[] = {
    {"meter", "host", .text = &config.host, .help = "IPv4 or IPv6 address"},
    {"meter", "port", .integer = &config.port, .otherwise = "4059", .least = 1, .most = 65535,
     .help = "TCP port"},
    {"meter", "title", .text = &config.meter_title, .otherwise = "",
     .help = "system title, 16 hex digits; empty: that of whoever proves to have the keys"},
    {"meter", "kind", .text = &config.kind, .otherwise = "smr5", .words = "smr5 dsmr42",
     .help = "rule for counters: each higher (smr5), or frames consecutive (dsmr42)"},
    {"client", "title", .text = &config.client_title, .help = "our system title, 16 hex digits"},
    METER_SAP_SETTINGS("client", config.session, ""),
    {"keys", "encryption_file", .text = &config.encryption_key_file,
     .help = "file with the global unicast encryption key, 32 hex digits"},
    {"keys", "authentication_file", .text = &config.authentication_key_file,
     .help = "file with the global authentication key, 32 hex digits"},
    {"counter", "file", .text = &config.counter_file,
     .help = "file that keeps the next invocation counter of this key and title"},
    {"counter", "start", .integer = &config.counter_start, .otherwise = "-1", .least = -1,
     .most = UINT32_MAX, .help = "first counter where there is no file yet; -1: there must be one"},
    {"counter", "step", .integer = &config.counter_step, .otherwise = "128", .least = 8,
     .most = 65536, .help = "counters reserved at once; 128 are enough for every session"},
    METER_SESSION_SETTINGS("session", config.session),
    {0},
};

void push_print_sample(void)
{
    config_print_sample(settings, stdout);
}

// ---- Settings into a job

static bool complain(const char *where, const char *name, const char *why)
{
    fprintf(stderr, "%s: \"%s\" %s\n", where, name, why);
    return false;
}

static bool take_title(const char *where, const char *text, uint8_t title[static CIPHER_TITLE_LEN])
{
    size_t count;
    return (!hex_parse(text, strlen(text), title, CIPHER_TITLE_LEN, &count)
            && count == CIPHER_TITLE_LEN)
           || complain(where, text, "is not 16 hex digits");
}

// A key from its file; blanks and a line break behind it do not count. It is never shown.
static bool take_key(const char *where, const char *path, uint8_t key[static CIPHER_KEY_LEN])
{
    char text[2 * CIPHER_KEY_LEN + 8];
    size_t count;
    FILE *file = fopen(path, "re");
    if (!file)
        return complain(where, path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); // no second copy of it
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    bool fine = !hex_parse(text, len, key, CIPHER_KEY_LEN, &count) && count == CIPHER_KEY_LEN;
    memory_wipe(text, sizeof text);
    return fine || complain(where, path, "does not hold a key of 32 hex digits");
}

static bool take_settings(const char *path, struct session_job *job, struct dlms_address *address)
{
    config_defaults(settings);
    if (config_read(path, settings))
        return false;
    bool fine = take_title("[client] title", config.client_title, job->client_title);
    job->knows_meter_title = *config.meter_title;
    if (job->knows_meter_title)
        fine &= take_title("[meter] title", config.meter_title, job->meter_title);
    fine &= take_key("[keys] encryption_file", config.encryption_key_file, job->keys.encryption);
    fine &= take_key("[keys] authentication_file", config.authentication_key_file,
                     job->keys.authentication);
    if (dlms_address_parse(config.host, (int)config.port, address))
        fine = complain("[meter] host", config.host, "is not an IPv4 or IPv6 address");
    return fine;
}

// One octet more than a meter takes tells a text that is too long.
static bool take_text(const char *path, char text[static SESSION_TEXT_MAX + 1], size_t *len)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return complain("--text", path, strerror(errno));
    *len = fread(text, 1, SESSION_TEXT_MAX + 1, file);
    bool fine = !ferror(file);
    fclose(file);
    return fine || complain("--text", path, "cannot be read");
}

// ---- The session

struct pushing {
    struct loop *loop;
    struct dlms_call *call;
    struct session_result result;
};

static void on_supply(void *arg, uint32_t least)
{
    struct pushing *pushing = arg;
    struct counter_range range;
    enum err err = counter_file_reserve(config.counter_file, config.counter_start, least,
                                        (uint32_t)config.counter_step, &range);
    dlms_call_supply(pushing->call, err ? NULL : &range);
}

static void on_done(void *arg, const struct session_result *result)
{
    struct pushing *pushing = arg;
    // Only once it has proven to be the meter does its counter count; what is not kept, and was
    // logged, is learnt again by the next session.
    if (result->learnt_title && result->meter_counter != SESSION_NO_RESULT
        && counter_file_note(config.counter_file, result->meter_counter))
        log_warn("counter.not_kept", F("meter_counter", result->meter_counter));
    pushing->result = *result;
    loop_stop(pushing->loop);
}

static void on_start(void *arg)
{
    struct pushing *pushing = arg;
    dlms_call_start(pushing->call);
}

static json_t *hex_or_null(bool has, const uint8_t *octets, size_t len)
{
    char text[2 * DIGEST_LEN + 1];
    hex_format(octets, len, text, sizeof text);
    return has ? json_string(text) : json_null();
}

static json_t *number_or_null(int number)
{
    return number == SESSION_NO_RESULT ? json_null() : json_integer(number);
}

static void print_result(const struct session_result *result, size_t octets)
{
    static const char *const names[] = {
        [SESSION_VERIFIED] = "verified",
        [SESSION_WRITTEN] = "written",
        [SESSION_RETRY] = "retry",
        [SESSION_REFUSED] = "refused",
    };
    json_t *root = json_pack(
        "{s:s, s:s, s:o, s:o, s:I, s:i, s:i, s:i, s:I, s:I, s:o, s:o, s:b, s:s, s:I}", "verdict",
        names[result->status], "cause", result->cause, "data_access_result",
        number_or_null(result->access), "diagnostic", number_or_null(result->diagnostic), "octets",
        (json_int_t)octets, "blocks", result->blocks_written, "blocks_read", result->blocks_read,
        "round_trips", result->round_trips, "octets_sent", (json_int_t)result->octets_sent,
        "octets_received", (json_int_t)result->octets_received, "digest",
        hex_or_null(result->has_digest, result->digest.octets, DIGEST_LEN), "meter_title",
        hex_or_null(result->learnt_title, result->meter_title, CIPHER_TITLE_LEN), "resynchronised",
        result->resynchronised, "release", result->release, "next_counter",
        (json_int_t)result->next_counter);
    json_dumpf(root, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(root);
}

// Until it has ended, or we are told to stop: then as "stopped", and the counters are lost.
static void run(struct session_job *job, const struct dlms_address *address,
                struct session_result *result)
{
    static const struct dlms_call_events events = {.supply = on_supply, .done = on_done};
    struct pushing pushing = {.loop = loop_new()};
    pushing.result = (struct session_result){.status = SESSION_RETRY,
                                             .cause = "stopped",
                                             .release = "",
                                             .access = SESSION_NO_RESULT,
                                             .diagnostic = SESSION_NO_RESULT};
    pushing.call = dlms_call_new(pushing.loop, address, job, &events, &pushing);
    memory_wipe(&job->keys, sizeof job->keys);
    loop_post(pushing.loop, on_start, &pushing);
    loop_run(pushing.loop);
    dlms_call_free(pushing.call);
    loop_free(pushing.loop);
    *result = pushing.result;
}

// Where the file cannot be read, it gives no counters of ours either, and nothing is sent.
static int64_t least_meter_counter(void)
{
    int64_t seen;
    return counter_file_seen(config.counter_file, &seen) ? 0 : seen + 1;
}

int push(const char *settings_path, const char *text_path)
{
    char text[SESSION_TEXT_MAX + 1];
    struct session_job job = {.text = text};
    struct dlms_address address;
    struct session_result result;
    if (!take_settings(settings_path, &job, &address))
        return EXIT_SETTINGS;
    if (!take_text(text_path, text, &job.text_len))
        return EXIT_FAILURE;
    const struct meter_type type = meter_settings_type(
        &config.session, !strcmp(config.kind, "dsmr42") ? &meter_type_dsmr42 : &meter_type_smr5);
    job.type = &type;
    job.least_meter_counter = least_meter_counter();
    job.cipher = cipher_new();
    run(&job, &address, &result);
    cipher_free(job.cipher);
    print_result(&result, job.text_len);
    return result.status == SESSION_VERIFIED ? EXIT_SUCCESS : EXIT_FAILURE;
}
