// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/desk.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MS_NS INT64_C(1000000)

// What a meter is doing, one thing at a time.
struct job {
    struct desk *desk;
    struct meter *meter;
    struct loop_timer *timer;
    bool under_way;
    struct head_end_request request;
    char *response_topic;
    void *correlation;
    size_t correlation_len;
};

struct desk {
    struct mqtt *mqtt;
    struct desk_settings settings;
    struct job *jobs; // one for each meter
    size_t count;
};

// Who asks for an answer.
struct asker {
    const char *topic;
    const void *correlation;
    size_t correlation_len;
};

static void answer(struct desk *desk, const struct asker *asker, const char *id, const char *status,
                   const char *cause, const char *digest)
{
    char *text = head_end_answer(id, status, cause, digest);
    struct mqtt_message message = {
        .topic = asker->topic,
        .payload = text,
        .len = strlen(text),
        .qos = 1,
        .correlation = asker->correlation,
        .correlation_len = asker->correlation_len,
    };
    if (mqtt_publish(desk->mqtt, &message, NULL, NULL))
        log_warn("answer.lost", F("id", id), F("status", status));
    else
        log_debug("answer.sent", F("id", id), F("status", status), F("cause", cause));
    free(text);
}

// Do what was asked; what status and cause say then.
static const char *carry_out(struct job *job, const char **cause)
{
    struct meter *meter = job->meter;
    *cause = NULL;
    if (clock_utc_s() > job->request.not_after) {
        *cause = "too-late";
        return "refused";
    }
    if (meter_strikes(&meter->faults.deny)) {
        *cause = "read-write-denied";
        return "refused";
    }
    if (meter_strikes(&meter->faults.no_route)) {
        *cause = "no-route";
        return "retry";
    }
    if (meter_set_text(meter, job->request.text, job->request.len)) {
        *cause = "timeout";
        return "retry";
    }
    char *digest = meter_digest(meter);
    log_info("text.set", F("meter", meter->equipment_id), F("id", job->request.id),
             F("digest", digest), F("octets", (int64_t)job->request.len));
    free(digest);
    return job->desk->settings.reads_back ? "verified" : "written";
}

static void forget(struct job *job)
{
    free(job->response_topic);
    free(job->correlation);
    job->response_topic = NULL;
    job->correlation = NULL;
    job->under_way = false;
}

static void on_timer(void *arg)
{
    struct job *job = arg;
    const char *cause;
    const char *status = carry_out(job, &cause);
    char *digest = !strcmp(status, "verified") ? meter_digest(job->meter) : NULL;
    struct asker asker = {job->response_topic, job->correlation, job->correlation_len};
    if (!meter_strikes(&job->meter->faults.mute))
        answer(job->desk, &asker, job->request.id, status, cause, digest);
    free(digest);
    forget(job);
}

static void begin(struct job *job, const struct head_end_request *request,
                  const struct asker *asker)
{
    job->under_way = true;
    job->request = *request;
    job->response_topic = memory_text(asker->topic);
    job->correlation = memory_text_n(asker->correlation, asker->correlation_len);
    job->correlation_len = asker->correlation_len;
    int64_t wait_ms = job->desk->settings.answer_ms + job->meter->faults.slow_ms;
    loop_timer_in(job->timer, clock_machine_ns(wait_ms * MS_NS));
}

// The meter of a request that came on the topic of a head-end; a head-end reaches only its own.
static struct job *find(struct desk *desk, const char *topic, const char *equipment_id)
{
    for (size_t i = 0; i < desk->count; i++) {
        const struct meter *meter = desk->jobs[i].meter;
        if (!meter->head_end || strcmp(meter->equipment_id, equipment_id))
            continue;
        char *own = memory_format("p3/%s/set", meter->head_end);
        bool reaches = !strcmp(own, topic);
        free(own);
        return reaches ? &desk->jobs[i] : NULL;
    }
    return NULL;
}

static void on_message(void *arg, const struct mqtt_message *message)
{
    struct desk *desk = arg;
    struct asker asker = {message->response_topic, message->correlation, message->correlation_len};
    if (!asker.topic || !*asker.topic) {
        log_warn("request.without_response_topic", F("topic", message->topic));
        return;
    }
    struct head_end_request request;
    const char *why = head_end_read(message->payload, message->len, &request);
    struct job *job = find(desk, message->topic, request.equipment_id);
    if (why)
        answer(desk, &asker, request.id, "refused", why, NULL);
    else if (!job)
        answer(desk, &asker, request.id, "refused", "unknown-meter", NULL);
    else if (meter_strikes(&job->meter->faults.silent))
        log_debug("request.ignored", F("id", request.id));
    else if (job->under_way)
        answer(desk, &asker, request.id, "retry", "busy", NULL);
    else
        begin(job, &request, &asker);
}

static void on_connected(void *arg)
{
    struct desk *desk = arg;
    log_info("desk.open", F("meters", (int64_t)desk->count));
}

static bool was_before(const struct desk *desk, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (desk->jobs[j].meter->head_end
            && !strcmp(desk->jobs[j].meter->head_end, desk->jobs[i].meter->head_end))
            return true;
    return false;
}

struct desk *desk_new(struct loop *loop, const struct mqtt_settings *mqtt,
                      const struct desk_settings *settings, struct meter *meters, size_t count)
{
    static const struct mqtt_events events = {.connected = on_connected, .message = on_message};
    struct desk *desk = memory_new(1, sizeof *desk);
    desk->settings = *settings;
    desk->jobs = memory_new(count, sizeof *desk->jobs);
    desk->count = count;
    desk->mqtt = mqtt_new(loop, mqtt, &events, desk);
    for (size_t i = 0; i < count; i++) {
        struct job *job = &desk->jobs[i];
        *job = (struct job){.desk = desk, .meter = &meters[i]};
        job->timer = loop_timer_new(loop, on_timer, job);
        if (!meters[i].head_end || was_before(desk, i))
            continue;
        char *topic = memory_format("p3/%s/set", meters[i].head_end);
        mqtt_subscribe(desk->mqtt, topic, 1);
        free(topic);
    }
    return desk;
}

void desk_free(struct desk *desk)
{
    if (!desk)
        return;
    mqtt_free(desk->mqtt);
    for (size_t i = 0; i < desk->count; i++) {
        loop_timer_free(desk->jobs[i].timer);
        forget(&desk->jobs[i]);
    }
    free(desk->jobs);
    free(desk);
}
