// SPDX-License-Identifier: Apache-2.0

#include "gateway/feed.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "gateway/backlog.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { UNDER_WAY = 16 }; // at the same time; fewer than are kept

// What is under way.
struct sending {
    struct feed *feed;
    struct backlog_entry *entry; // NULL: free
};

struct feed {
    struct mqtt *mqtt;
    struct loop_timer *keep_timer;
    char *receipt_topic, *load_topic, *status_topic, *backlog_path;
    struct backlog *backlog;
    struct sending sendings[UNDER_WAY];
    bool overflowed;
    char *status; // the newest; NULL: none yet
    bool status_is_due;
    const char *equipment_id;
    struct feed_counts counts;
};

static void format_time(struct utc at, char text[static RFC3339_MS_LEN + 1])
{
    rfc3339_format_ms(at.ns, text);
}

static json_t *number_or_null(bool given, int64_t number)
{
    return given ? json_integer(number) : json_null();
}

static char *dump(json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    if (!text)
        log_fatal("feed.failed", F("what", "JSON"));
    json_decref(root);
    return text;
}

// ---- sending

static void send(struct feed *feed);

static void on_sent(void *arg, enum err err)
{
    struct sending *sending = arg;
    struct backlog_entry *entry = sending->entry;
    sending->entry = NULL;
    entry->is_under_way = false;
    if (err)
        return; // it is sent again when there is a connection again
    backlog_remove(sending->feed->backlog, entry);
    send(sending->feed);
}

static void send_status(struct feed *feed)
{
    const struct mqtt_message message = {.topic = feed->status_topic,
                                         .payload = feed->status,
                                         .len = strlen(feed->status),
                                         .qos = 1,
                                         .retained = true};
    feed->status_is_due = mqtt_publish(feed->mqtt, &message, NULL, NULL) != ERR_NONE;
}

static struct sending *free_place(struct feed *feed)
{
    for (int i = 0; i < UNDER_WAY; i++)
        if (!feed->sendings[i].entry)
            return &feed->sendings[i];
    return NULL;
}

static enum err send_entry(struct feed *feed, struct sending *sending, struct backlog_entry *entry)
{
    const struct mqtt_message message = {.topic = entry->is_receipt ? feed->receipt_topic
                                                                    : feed->load_topic,
                                         .payload = entry->text,
                                         .len = strlen(entry->text),
                                         .qos = 1};
    enum err err = mqtt_publish(feed->mqtt, &message, on_sent, sending);
    entry->is_under_way = !err;
    sending->entry = err ? NULL : entry;
    return err;
}

static void send(struct feed *feed)
{
    if (!mqtt_is_connected(feed->mqtt))
        return;
    struct sending *sending = free_place(feed);
    for (int i = 0; sending && i < backlog_count(feed->backlog); i++) {
        struct backlog_entry *entry = backlog_at(feed->backlog, i);
        if (entry->is_under_way)
            continue;
        if (send_entry(feed, sending, entry))
            return;
        sending = free_place(feed);
    }
    if (feed->status_is_due)
        send_status(feed);
}

static void on_connected(void *arg)
{
    struct feed *feed = arg;
    feed->overflowed = false;
    feed->counts.connected++;
    feed->status_is_due = feed->status != NULL;
    send(feed);
}

// Have what is new on the disk, as soon as may be.
static void keep_on_disk(void *arg)
{
    struct feed *feed = arg;
    struct mono machine = {clock_real_ns(clock_mono().ns)};
    int64_t wait = backlog_keep(feed->backlog, machine);
    if (wait != INT64_MAX)
        loop_timer_in(feed->keep_timer, clock_machine_ns(wait));
}

static void keep(struct feed *feed, bool is_receipt, char *text)
{
    bool had_room = backlog_add(feed->backlog, is_receipt, text);
    if (!had_room && !feed->overflowed)
        log_warn("feed.overflow", F("kept", backlog_count(feed->backlog)));
    feed->overflowed |= !had_room;
    keep_on_disk(feed);
    send(feed);
}

// ---- what is said

void feed_receipt(struct feed *feed, const struct feed_receipt *receipt)
{
    if (!feed)
        return;
    char at[RFC3339_MS_LEN + 1];
    format_time(receipt->at, at);
    keep(feed, true,
         dump(json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s?, s:o}", "at", at, "state",
                        feed_state_name(receipt->state), "digest", receipt->digest, "mode",
                        setpoint_mode_name(receipt->mode), "reason", receipt->reason, "limit_w",
                        number_or_null(receipt->has_limit, receipt->limit_w), "register",
                        receipt->reg, "register_w",
                        number_or_null(receipt->reg != NULL, receipt->reg_w))));
}

void feed_load(struct feed *feed, const struct quarter_load_result *load,
               const struct feed_status *status)
{
    if (!feed)
        return;
    char quarter[RFC3339_LEN + 1];
    rfc3339_format(load->quarter, quarter);
    json_t *power = json_array();
    for (int p = 0; p < QUARTER_LOAD_PHASES; p++)
        json_array_append_new(power, number_or_null(load->has_power[p], load->power_w[p]));
    keep(feed, false,
         dump(json_pack("{s:s, s:o, s:o, s:o, s:s}", "quarter", quarter, "p_w", power, "energy_wh",
                        number_or_null(load->has_energy, load->energy_wh), "limit_w",
                        number_or_null(status->has_limit, status->limit_w), "mode",
                        setpoint_mode_name(status->mode))));
}

void feed_status(struct feed *feed, const struct feed_status *status)
{
    if (!feed)
        return;
    char at[RFC3339_MS_LEN + 1], since[RFC3339_MS_LEN + 1];
    format_time(status->at, at);
    format_time(status->since, since);
    free(feed->status);
    feed->status =
        dump(json_pack("{s:b, s:s, s:s, s:s, s:o, s:s}", "online", 1, "mode",
                       setpoint_mode_name(status->mode), "reason", status->reason, "since", since,
                       "limit_w", number_or_null(status->has_limit, status->limit_w), "at", at));
    feed->status_is_due = true;
    send(feed);
}

void feed_metering(struct feed *feed, const char *site, const char *metric, const char *payload)
{
    if (!feed)
        return;
    char *topic =
        memory_format("devices/%s/smart-connect/%s/data/%s", site, feed->equipment_id, metric);
    const struct mqtt_message message = {
        .topic = topic, .payload = payload, .len = strlen(payload)};
    bool is_sent =
        mqtt_is_connected(feed->mqtt) && mqtt_publish(feed->mqtt, &message, NULL, NULL) == ERR_NONE;
    feed->counts.sent += is_sent;
    feed->counts.not_sent += !is_sent;
    free(topic);
}

struct feed_counts feed_counts(const struct feed *feed)
{
    return feed ? feed->counts : (struct feed_counts){0};
}

struct feed *feed_new(struct loop *loop, const struct mqtt_settings *settings,
                      const char *equipment_id, const char *state_path)
{
    if (!*settings->broker)
        return NULL;
    struct feed *feed = memory_new(1, sizeof *feed);
    feed->equipment_id = equipment_id;
    feed->receipt_topic = memory_format("socmod/v1/gateway/%s/receipt", equipment_id);
    feed->load_topic = memory_format("socmod/v1/gateway/%s/load", equipment_id);
    feed->status_topic = memory_format("socmod/v1/gateway/%s/status", equipment_id);
    if (*state_path)
        feed->backlog_path = memory_format("%s.receipts", state_path);
    const struct backlog_settings kept = {feed->backlog_path, feed->receipt_topic,
                                          feed->load_topic};
    feed->backlog = backlog_new(&kept);
    for (int i = 0; i < UNDER_WAY; i++)
        feed->sendings[i].feed = feed;
    feed->keep_timer = loop_timer_new(loop, keep_on_disk, feed);
    const struct mqtt_events events = {.connected = on_connected};
    static const char offline[] = "{\"online\":false}";
    const struct mqtt_message will = {.topic = feed->status_topic,
                                      .payload = offline,
                                      .len = sizeof offline - 1,
                                      .qos = 1,
                                      .retained = true};
    feed->mqtt = mqtt_new(loop, settings, &events, feed);
    mqtt_set_will(feed->mqtt, &will);
    return feed;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    mqtt_free(feed->mqtt);
    loop_timer_free(feed->keep_timer);
    backlog_free(feed->backlog);
    free(feed->status);
    free(feed->receipt_topic);
    free(feed->load_topic);
    free(feed->status_topic);
    free(feed->backlog_path);
    free(feed);
}

const char *feed_state_name(enum feed_state state)
{
    static const char *const names[] = {
        [FEED_SEEN] = "seen",       [FEED_ACCEPTED] = "accepted", [FEED_REFUSED] = "refused",
        [FEED_APPLIED] = "applied", [FEED_ENDED] = "ended",
    };
    return names[state];
}
