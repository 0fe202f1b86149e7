// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/outbox.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { AGAIN_MS = 500 };
#define MS_NS INT64_C(1000000)

struct letter {
    struct outbox *outbox;
    struct letter *next;
    char *topic, *text;
    int64_t due_ms;
    bool under_way;
};

struct outbox {
    struct mqtt *mqtt;
    struct loop_timer *timer;
    struct letter *first;
    void (*changed)(void *arg);
    void *arg;
};

static void take_out(struct letter *letter)
{
    struct letter **at = &letter->outbox->first;
    while (*at != letter)
        at = &(*at)->next;
    *at = letter->next;
}

static void forget(struct letter *letter)
{
    free(letter->topic);
    free(letter->text);
    free(letter);
}

static void on_done(void *arg, enum err err)
{
    struct letter *letter = arg;
    struct outbox *outbox = letter->outbox;
    letter->under_way = false;
    if (err) {
        loop_timer_in(outbox->timer, clock_machine_ns(AGAIN_MS * MS_NS));
        return;
    }
    log_debug("quarter.published", F("topic", letter->topic), F("text", letter->text));
    take_out(letter);
    forget(letter);
    outbox->changed(outbox->arg);
}

static bool publish(struct letter *letter)
{
    struct mqtt_message message = {
        .topic = letter->topic, .payload = letter->text, .len = strlen(letter->text), .qos = 1};
    letter->under_way = !mqtt_publish(letter->outbox->mqtt, &message, on_done, letter);
    return letter->under_way;
}

static void work(void *arg)
{
    struct outbox *outbox = arg;
    int64_t now_ms = clock_utc().ns / MS_NS, wait_ns = INT64_MAX;
    for (struct letter *letter = outbox->first; letter; letter = letter->next) {
        int64_t left_ns = (letter->due_ms - now_ms) * MS_NS;
        if (letter->under_way)
            continue;
        if (left_ns <= 0 && publish(letter))
            continue;
        if (left_ns <= 0) // no connection: wait for it, and look again in any case
            left_ns = clock_machine_ns(AGAIN_MS * MS_NS);
        if (left_ns < wait_ns)
            wait_ns = left_ns;
    }
    if (wait_ns != INT64_MAX)
        loop_timer_in(outbox->timer, wait_ns);
}

struct outbox *outbox_new(struct loop *loop, const struct mqtt_settings *mqtt,
                          void (*changed)(void *arg), void *arg)
{
    static const struct mqtt_events events = {.connected = work};
    struct outbox *outbox = memory_new(1, sizeof *outbox);
    outbox->changed = changed;
    outbox->arg = arg;
    outbox->timer = loop_timer_new(loop, work, outbox);
    outbox->mqtt = mqtt_new(loop, mqtt, &events, outbox);
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return;
    mqtt_free(outbox->mqtt);
    loop_timer_free(outbox->timer);
    for (struct letter *letter = outbox->first, *next; letter; letter = next) {
        next = letter->next;
        forget(letter);
    }
    free(outbox);
}

void outbox_add(struct outbox *outbox, const char *topic, const char *text, int64_t due_ms)
{
    struct letter *letter = memory_new(1, sizeof *letter), **end = &outbox->first;
    *letter = (struct letter){outbox, NULL, memory_text(topic), memory_text(text), due_ms, false};
    while (*end)
        end = &(*end)->next;
    *end = letter;
}

void outbox_send(struct outbox *outbox)
{
    work(outbox);
}

size_t outbox_count(const struct outbox *outbox)
{
    size_t count = 0;
    for (const struct letter *letter = outbox->first; letter; letter = letter->next)
        count++;
    return count;
}

json_t *outbox_to_json(const struct outbox *outbox)
{
    json_t *list = json_array();
    for (const struct letter *letter = outbox->first; letter; letter = letter->next)
        json_array_append_new(list, json_pack("{s:s,s:s,s:I}", "topic", letter->topic, "text",
                                              letter->text, "due_ms", (json_int_t)letter->due_ms));
    return list;
}

void outbox_from_json(struct outbox *outbox, const json_t *list)
{
    const json_t *letter;
    size_t i;
    json_array_foreach(list, i, letter)
    {
        const char *topic = json_string_value(json_object_get(letter, "topic"));
        const char *text = json_string_value(json_object_get(letter, "text"));
        if (topic && text)
            outbox_add(outbox, topic, text, json_integer_value(json_object_get(letter, "due_ms")));
    }
}
