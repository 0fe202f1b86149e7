// SPDX-License-Identifier: Apache-2.0

#include "gateway/status_page.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "gateway/meter_values.h"
#include "gateway/metrics.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUESSES = 5 };

struct status_page {
    const struct status_page_settings *settings;
    struct status_page_sources sources;
    struct loop *loop;
    struct http *http;
    char *authorization; // that a request must bring; NULL: none
    int guesses;         // of it that are left
    int64_t guessed_ns;  // when they were counted
    struct mono started, heard;
    bool has_telegram;
    size_t len;
    char telegram[P1_TELEGRAM_MAX];
};

// No text of the gateway becomes markup: the script only sets texts.
static const char page_text[] =
    "<!doctype html><html lang=en><meta charset=utf-8>"
    "<meta name=viewport content='width=device-width,initial-scale=1'><title>Gateway</title><style>"
    "body{font:16px/1.4 sans-serif;margin:0 auto;max-width:40em;padding:1em;color:#222}"
    "h1{font-size:1.1em;margin:1.2em 0 .3em}#mode{font-size:2em;font-weight:bold}"
    "table{border-collapse:collapse;width:100%}td{padding:.2em .6em .2em 0;vertical-align:top}"
    ".bad{color:#b00}.good{color:#060}</style><div id=mode>...</div><div id=reason></div>"
    "<h1>Chargers</h1><table id=chargers></table><h1>Meter</h1><table id=meter></table>"
    "<h1>Messages</h1><table id=messages></table><script>"
    "const $=i=>document.getElementById(i);"
    "function rows(i,l){const t=$(i);t.textContent='';for(const r of l){const w=t.insertRow();"
    "for(const c of r){const d=w.insertCell();d.textContent=c===null?'-':c;"
    "if(c==='confirmed')d.className='good';if(c==='not confirmed')d.className='bad'}}}"
    "async function show(){try{const r=await fetch('api/v1/status');const s=await r.json();"
    "$('mode').textContent=s.mode+(s.limit_w===null?'':', '+s.limit_w+' W');"
    "$('mode').className=s.mode==='safe'?'bad':'';"
    "$('reason').textContent=s.reason+', since '+s.since;"
    "rows('chargers',s.chargers.map(c=>[c.address,c.confirmed?'confirmed':'not confirmed',"
    "c.register,c.state,c.reason]));"
    "rows('meter',[['last telegram',s.p1.age_s===null?'none':s.p1.age_s+' s ago'],"
    "['telegrams',s.p1.good+' good, '+s.p1.bad+' damaged, '+s.p1.broken+' broken off'],"
    "['meter',s.meter.equipment_id],['voltage, V',s.meter.voltage_v.join(' / ')],"
    "['current, A',s.meter.current_a.join(' / ')],['power, W',s.meter.power_w.join(' / ')]]);"
    "rows('messages',s.messages.map(m=>[m.at,m.state,m.reason]))"
    "}catch(e){$('mode').textContent='no answer';$('mode').className='bad'}}"
    "show();setInterval(show,2000)</script>";

// ---- what is shown

static json_t *milli_or_null(const struct meter_values *values, int quantity)
{
    return values->is_known[quantity] ? json_real((double)values->milli[quantity] / 1000)
                                      : json_null();
}

static json_t *phases_of(const struct meter_values *values, int first)
{
    json_t *list = json_array();
    for (int i = 0; i < P1_PHASES; i++)
        json_array_append_new(list, milli_or_null(values, first + i));
    return list;
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text && *text ? json_string(text) : NULL;
    return value ? value : json_null(); // what is no UTF-8 is not shown
}

static json_t *meter_json(const struct p1_telegram *telegram)
{
    struct meter_values values = {0};
    if (telegram)
        meter_values_of(telegram, "123", &values);
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "equipment_id",
                     text_or_null(telegram ? telegram->equipment_id.text : NULL), "voltage_v",
                     phases_of(&values, METER_VOLTAGE_L1), "current_a",
                     phases_of(&values, METER_CURRENT_L1), "power_w",
                     phases_of(&values, METER_POWER_L1), "power_total_w",
                     milli_or_null(&values, METER_POWER));
}

static json_t *chargers_json(const struct charger_group *group)
{
    json_t *list = json_array();
    for (int i = 0; i < charger_group_count(group); i++) {
        struct charger_group_member one = charger_group_member(group, i);
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:s, s:i, s:o, s:o}", "address", one.address, "confirmed",
                            one.is_confirmed, "register", one.shown, "watts", one.watts, "state",
                            text_or_null(one.state), "reason", text_or_null(one.reason)));
    }
    return list;
}

static json_t *messages_json(const struct control *control)
{
    json_t *list = json_array();
    struct control_message message;
    for (int i = 0; control_message(control, i, &message); i++) {
        char at[RFC3339_MS_LEN + 1];
        rfc3339_format_ms(message.at.ns, at);
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "at", at, "state",
                                              feed_state_name(message.state), "reason",
                                              text_or_null(message.reason)));
    }
    return list;
}

static uint64_t broken(const struct p1_counts *p1)
{
    return p1->cut + p1->overlong + p1->silent + p1->slow;
}

static json_t *status_json(const struct status_page *page)
{
    const struct status_page_settings *settings = page->settings;
    const struct p1_counts *p1 = page->sources.p1;
    uint64_t good = p1->ok + p1->absent;
    struct feed_status status = control_status(page->sources.control);
    const struct p1_telegram *telegram =
        page->has_telegram ? control_metered(page->sources.control) : NULL;
    char at[RFC3339_MS_LEN + 1], since[RFC3339_MS_LEN + 1];
    rfc3339_format_ms(status.at.ns, at);
    rfc3339_format_ms(status.since.ns, since);
    int64_t age_s = (clock_mono().ns - page->heard.ns) / SECONDS_NS;
    json_t *line = json_pack(
        "{s:o, s:I, s:I, s:I}", "age_s", page->has_telegram ? json_integer(age_s) : json_null(),
        "good", (json_int_t)good, "bad", (json_int_t)p1->bad, "broken", (json_int_t)broken(p1));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "mode",
                  setpoint_mode_name(status.mode), "reason", status.reason, "since", since, "at",
                  at, "limit_w", status.has_limit ? json_integer(status.limit_w) : json_null(),
                  "chargers", chargers_json(control_chargers(page->sources.control)), "p1", line,
                  "meter", meter_json(telegram), "messages", messages_json(page->sources.control));
    json_t *more = json_pack(
        "{s:s, s:I, s:o, s:{s:o, s:o}}", "version", settings->version, "uptime_s",
        (json_int_t)((clock_mono().ns - page->started.ns) / SECONDS_NS), "MeterType",
        text_or_null(settings->meter_name), "MQTT", "Broker",
        text_or_null(settings->config.now.broker), "Site", text_or_null(settings->config.now.site));
    json_object_update(root, more);
    json_decref(more);
    return root;
}

// ---- routes

static double seconds_since(struct mono then)
{
    return (double)(clock_mono().ns - then.ns) / (double)SECONDS_NS;
}

static void get_status(struct http_request *request)
{
    json_t *root = status_json(http_worker(request));
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text) {
        http_problem(request, 500, "internal", "the status cannot be told");
        return;
    }
    http_add_header(request, "Cache-Control", "no-store");
    http_answer(request, 200, "application/json", text, strlen(text));
}

static void get_page(struct http_request *request)
{
    http_add_header(request, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                    "connect-src 'self'; frame-ancestors 'none'");
    http_answer(request, 200, "text/html; charset=utf-8", memory_text(page_text),
                sizeof page_text - 1);
}

static void get_telegram(struct http_request *request)
{
    const struct status_page *page = http_worker(request);
    if (!page->has_telegram) {
        http_problem(request, 404, "none", "no telegram came yet");
        return;
    }
    http_answer(request, 200, "text/plain", memory_text_n(page->telegram, page->len), page->len);
}

static void get_metrics(struct http_request *request)
{
    const struct status_page *page = http_worker(request);
    const struct status_page_sources *from = &page->sources;
    const struct charger_group *group = control_chargers(from->control);
    struct metrics metrics = {
        .status = control_status(from->control),
        .chargers = charger_group_count(group),
        .p1 = *from->p1,
        .has_telegram = page->has_telegram,
        .telegram_age_s = seconds_since(page->heard),
        .copy_missed = p1_copy_missed(from->copy),
        .feed = feed_counts(from->feed),
        .busy_longest_s = (double)loop_longest_ns(page->loop) / (double)SECONDS_NS,
        .uptime_s = seconds_since(page->started),
    };
    for (int i = 0; i < metrics.chargers; i++)
        metrics.confirmed += charger_group_member(group, i).is_confirmed;
    char *text = metrics_text(&metrics);
    http_answer(request, 200, "text/plain; version=0.0.4", text, strlen(text));
}

static const struct remote_config *config_of(const struct http_request *request)
{
    const struct status_page *page = http_worker(request);
    return &page->settings->config;
}

static void get_config(struct http_request *request)
{
    remote_config_get(config_of(request), request);
}

static void patch_config(struct http_request *request)
{
    remote_config_patch(config_of(request), request);
}

static void post_reset(struct http_request *request)
{
    remote_config_reset(config_of(request), request);
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/", .fn = get_page},
    {.method = "GET", .pattern = "/api/v1/status", .fn = get_status},
    {.method = "GET", .pattern = "/api/v1/telegram", .fn = get_telegram},
    {.method = "GET", .pattern = "/api/v1/config", .fn = get_config},
    {.method = "PATCH", .pattern = "/api/v1/config", .fn = patch_config},
    {.method = "POST", .pattern = "/api/v1/reset", .fn = post_reset},
    {.method = "GET", .pattern = "/metrics", .fn = get_metrics},
    {0},
};

// ---- who may ask

// May somebody guess the password once more? Real time, whatever the hands show.
static bool may_guess(struct status_page *page)
{
    int64_t now_ns = clock_real_ns(clock_mono().ns);
    int64_t earned = (now_ns - page->guessed_ns) / SECONDS_NS;
    bool is_full = earned >= GUESSES - page->guesses;
    page->guesses = is_full ? GUESSES : page->guesses + (int)earned;
    page->guessed_ns = is_full ? now_ns : page->guessed_ns + earned * SECONDS_NS;
    return page->guesses > 0;
}

static bool is_allowed(struct http_request *request, const struct http_route *route)
{
    (void)route;
    struct status_page *page = http_worker(request);
    const char *given = http_header(request, "Authorization");
    size_t len = page->authorization ? strlen(page->authorization) : 0;
    if (!len)
        return true;
    if (given && !may_guess(page)) {
        http_add_header(request, "Retry-After", "1");
        http_problem(request, 429, "guesses", "too many wrong passwords");
        return false;
    }
    if (given && strlen(given) == len && !CRYPTO_memcmp(given, page->authorization, len))
        return true;
    if (given)
        page->guesses--;
    http_add_header(request, "WWW-Authenticate", "Basic realm=\"gateway\", charset=\"UTF-8\"");
    http_problem(request, 401, "unauthorized", "name and password are needed");
    return false;
}

// "Basic ..." of the user and the first line of a file; NULL: it cannot be read.
static char *read_authorization(const struct status_page_settings *settings)
{
    char line[200] = "";
    FILE *file = fopen(settings->password_file, "re");
    bool is_read = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    if (!is_read || !*line)
        return NULL;
    char *pair = memory_format("%s:%s", settings->user, line);
    size_t len = strlen(pair);
    unsigned char *coded = memory_new(4 * (len / 3 + 1) + 1, 1);
    EVP_EncodeBlock(coded, (const unsigned char *)pair, (int)len);
    char *text = memory_format("Basic %s", (const char *)coded);
    memory_wipe(pair, len);
    memory_wipe(line, sizeof line);
    memory_wipe(coded, 4 * (len / 3 + 1));
    free(pair);
    free(coded);
    return text;
}

const char *status_page_fault(const struct status_page_settings *settings)
{
    const char *address = settings->http.address;
    bool is_local = !strncmp(address, "127.", 4) || !strcmp(address, "::1");
    bool has_tls = settings->http.certificate_file && *settings->http.certificate_file;
    if (!*address || is_local)
        return NULL;
    return !*settings->password_file ? "on a network a password_file is needed"
           : !has_tls                ? "on a network certificate_file and key_file are needed"
                                     : NULL;
}

// ---- life

struct status_page *status_page_new(struct loop *loop, const struct status_page_settings *settings,
                                    const struct status_page_sources *sources)
{
    struct status_page *page = memory_new(1, sizeof *page);
    page->settings = settings;
    page->sources = *sources;
    page->loop = loop;
    page->started = clock_mono();
    page->guesses = GUESSES;
    bool asks = *settings->password_file;
    page->authorization = asks ? read_authorization(settings) : NULL;
    if (asks && !page->authorization)
        log_error("http.failed", F("what", "password_file"), F("path", settings->password_file));
    else
        page->http = http_new(loop, &settings->http, routes, is_allowed, NULL, NULL, page);
    if (page->http)
        return page;
    status_page_free(page);
    return NULL;
}

void status_page_free(struct status_page *page)
{
    if (!page)
        return;
    http_free(page->http);
    free(page->authorization);
    free(page);
}

void status_page_telegram(struct status_page *page, const char *telegram, size_t len)
{
    if (!page)
        return;
    page->len = len < sizeof page->telegram ? len : sizeof page->telegram;
    memcpy(page->telegram, telegram, page->len);
    page->has_telegram = true;
    page->heard = clock_mono();
}
