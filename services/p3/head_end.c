// SPDX-License-Identifier: Apache-2.0

#include "services/p3/head_end.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 4096, TABLE_SIZE = 4096, QOS = 1 };

// One message on its way. It lives until both the broker has told what became of the
// publication and the answer, or its time-out, came.
struct request {
    struct request *next, *before; // by deadline: all wait equally long
    struct request *next_in_slot;
    uint64_t serial; // correlation data, as decimal text
    struct mono deadline;
    struct head_end *head_end;
    const struct errand *errand;
    void (*done)(void *arg, const struct route_answer *answer); // NULL: answered
    void *arg;
    bool published; // the broker has told
};

struct head_end {
    struct mqtt *mqtt;
    struct loop_timer *timer;
    char *answer_suffix; // "/answer/<name>"
    const char *object;
    int64_t timeout_s;
    void (*ready)(void *arg);
    void *arg;
    struct request *first, *last;
    struct request *slots[TABLE_SIZE]; // by serial
    uint64_t serial;
};

// --- What a head-end says ---

static void set_answer(struct route_answer *answer, enum route_status status, const char *cause,
                       const char *detail)
{
    answer->status = status;
    snprintf(answer->cause, sizeof answer->cause, "%s", cause);
    snprintf(answer->detail, sizeof answer->detail, "%s", detail);
}

// A cause as the contract has it: at most ROUTE_CAUSE_LEN of [a-z0-9-]. It goes into tables
// and onto pages.
static bool is_cause(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len >= 1 && len <= ROUTE_CAUSE_LEN && !text[len];
}

static bool digest_is_of(const char *given, const char *text)
{
    struct digest ours = digest_of(text, strlen(text));
    char as_text[DIGEST_TEXT_LEN + 1];
    digest_format(&ours, as_text);
    return !strcmp(given, as_text);
}

static void judge(const struct errand *errand, const char *id, const char *status,
                  const char *cause, const char *digest, struct route_answer *answer)
{
    if (strcmp(id, errand->profile) != 0)
        set_answer(answer, ROUTE_RETRY, "bad-answer", "about another message");
    else if (!strcmp(status, "verified") && !*digest)
        set_answer(answer, ROUTE_RETRY, "bad-answer", "verified without a digest");
    else if ((!strcmp(status, "verified") || !strcmp(status, "written")) && *digest
             && !digest_is_of(digest, errand->text))
        set_answer(answer, ROUTE_RETRY, "digest-differs", "the meter holds another text");
    else if (!strcmp(status, "verified"))
        set_answer(answer, ROUTE_VERIFIED, "", "");
    else if (!strcmp(status, "written"))
        set_answer(answer, ROUTE_WRITTEN, "", "");
    else if (!strcmp(status, "retry") || !strcmp(status, "refused"))
        set_answer(answer, *status == 'r' && status[2] == 't' ? ROUTE_RETRY : ROUTE_REFUSED,
                   is_cause(cause) ? cause : "not-told", "");
    else
        set_answer(answer, ROUTE_RETRY, "bad-answer", "unknown status");
}

void head_end_read_answer(const struct errand *errand, const void *payload, size_t len,
                          struct route_answer *answer)
{
    json_error_t error;
    json_t *root =
        len <= ANSWER_MAX ? json_loadb(payload, len, JSON_REJECT_DUPLICATES, &error) : NULL;
    const char *id, *status, *cause = "", *digest = "";
    if (!root
        || json_unpack(root, "{s:s, s:s, s?s, s?s}", "id", &id, "status", &status, "cause", &cause,
                       "digest", &digest))
        set_answer(answer, ROUTE_RETRY, "bad-answer",
                   root ? "not of the agreed form" : "not JSON, or too long");
    else
        judge(errand, id, status, cause, digest, answer);
    json_decref(root);
}

// --- Requests under way ---

static struct request **slot_of(struct head_end *head_end, uint64_t serial)
{
    return &head_end->slots[serial % TABLE_SIZE];
}

static struct request *find(struct head_end *head_end, uint64_t serial)
{
    struct request *request = *slot_of(head_end, serial);
    while (request && request->serial != serial)
        request = request->next_in_slot;
    return request;
}

static void arm(struct head_end *head_end)
{
    if (head_end->first)
        loop_timer_in(head_end->timer, head_end->first->deadline.ns - clock_mono().ns);
    else
        loop_timer_stop(head_end->timer);
}

static void add(struct head_end *head_end, struct request *request)
{
    struct request **slot = slot_of(head_end, request->serial);
    request->next_in_slot = *slot;
    *slot = request;
    request->before = head_end->last;
    *(head_end->last ? &head_end->last->next : &head_end->first) = request;
    head_end->last = request;
    if (head_end->first == request)
        arm(head_end);
}

static void take_out(struct head_end *head_end, struct request *request)
{
    struct request **link = slot_of(head_end, request->serial);
    while (*link != request)
        link = &(*link)->next_in_slot;
    *link = request->next_in_slot;
    *(request->before ? &request->before->next : &head_end->first) = request->next;
    *(request->next ? &request->next->before : &head_end->last) = request->before;
}

static void finish(struct head_end *head_end, struct request *request,
                   const struct route_answer *answer)
{
    assert(request->done); // answered once
    take_out(head_end, request);
    assert(head_end->first != request);
    void (*done)(void *arg, const struct route_answer *answer) = request->done;
    void *arg = request->arg;
    request->done = NULL;
    if (request->published)
        free(request);
    done(arg, answer);
}

static void finish_with(struct head_end *head_end, struct request *request, const char *cause,
                        const char *detail)
{
    struct route_answer answer;
    set_answer(&answer, ROUTE_RETRY, cause, detail);
    finish(head_end, request, &answer);
}

static void on_timer(void *arg)
{
    struct head_end *head_end = arg;
    int64_t now = clock_mono().ns;
    for (struct request *request; (request = head_end->first) && request->deadline.ns <= now;)
        finish_with(head_end, request, "timeout", "no answer from the head-end");
    arm(head_end);
}

static void on_published(void *arg, enum err err)
{
    struct request *request = arg;
    request->published = true;
    if (!request->done)
        free(request); // the answer was quicker
    else if (err)
        finish_with(request->head_end, request, "broker-lost", "not known to have left");
}

// {"id":..} with the text's quotes escaped. Owned: free().
static char *write_request(const struct head_end *head_end, const struct errand *errand)
{
    char not_after[RFC3339_LEN + 1];
    rfc3339_format(errand->not_after.ns / SECONDS_NS, not_after);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", errand->profile, "equipment_id",
                             errand->equipment_id, "object", head_end->object, "text", errand->text,
                             "not_after", not_after);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    if (!text)
        log_fatal("p3.request_unwritable", F("profile", errand->profile));
    json_decref(root);
    return text;
}

static enum err publish(struct head_end *head_end, struct request *request)
{
    const struct errand *errand = request->errand;
    char topic[ROUTE_NAME_LEN + 16], correlation[24];
    snprintf(topic, sizeof topic, "p3/%s/set", errand->head_end);
    int len = snprintf(correlation, sizeof correlation, "%ju", (uintmax_t)request->serial);
    char *answer_topic = memory_format("p3/%s%s", errand->head_end, head_end->answer_suffix);
    char *payload = write_request(head_end, errand);
    const struct mqtt_message message = {
        .topic = topic,
        .payload = payload,
        .len = strlen(payload),
        .qos = QOS,
        .response_topic = answer_topic,
        .correlation = correlation,
        .correlation_len = (size_t)len,
        .expiry_s = head_end->timeout_s, // a head-end that comes late must not act on it
    };
    enum err err = mqtt_publish(head_end->mqtt, &message, on_published, request);
    free(answer_topic);
    free(payload);
    return err;
}

static void submit(void *self, const struct errand *errand,
                   void (*done)(void *arg, const struct route_answer *answer), void *arg)
{
    struct head_end *head_end = self;
    struct request *request = memory_new(1, sizeof *request);
    *request = (struct request){
        .serial = ++head_end->serial,
        .deadline = {clock_mono().ns + clock_machine_ns(head_end->timeout_s * SECONDS_NS)},
        .head_end = head_end,
        .errand = errand,
        .done = done,
        .arg = arg,
    };
    add(head_end, request);
    if (publish(head_end, request)) {
        request->published = true; // no one will tell
        finish_with(head_end, request, "broker-lost", "not connected");
    }
}

static bool is_ready(void *self)
{
    const struct head_end *head_end = self;
    return mqtt_is_connected(head_end->mqtt);
}

static bool is_answer_topic_of(const struct head_end *head_end, const char *topic,
                               const struct errand *errand)
{
    size_t len = strlen(errand->head_end);
    return !strncmp(topic, "p3/", 3) && !strncmp(topic + 3, errand->head_end, len)
           && !strcmp(topic + 3 + len, head_end->answer_suffix);
}

static void on_message(void *arg, const struct mqtt_message *message)
{
    struct head_end *head_end = arg;
    char correlation[24] = "";
    if (message->correlation && message->correlation_len < sizeof correlation)
        memcpy(correlation, message->correlation, message->correlation_len);
    char *end;
    uint64_t serial = strtoull(correlation, &end, 10);
    struct request *request = *correlation && !*end ? find(head_end, serial) : NULL;
    if (!request || !is_answer_topic_of(head_end, message->topic, request->errand)) {
        // Too late, a second time, or to the process that had our name before.
        log_debug("p3.answer_unasked", F("topic", message->topic), F("correlation", correlation));
        return;
    }
    struct route_answer answer;
    head_end_read_answer(request->errand, message->payload, message->len, &answer);
    finish(head_end, request, &answer);
}

static void on_connected(void *arg)
{
    struct head_end *head_end = arg;
    head_end->ready(head_end->arg);
}

struct head_end *head_end_new(struct loop *loop, const struct mqtt_settings *settings,
                              const char *object, int64_t timeout_s, void (*ready)(void *arg),
                              void *arg)
{
    struct head_end *head_end = memory_new(1, sizeof *head_end);
    head_end->object = object;
    head_end->timeout_s = timeout_s;
    head_end->ready = ready;
    head_end->arg = arg;
    // Serials of an earlier life of this name are not met again: its answers may still come.
    head_end->serial = (uint64_t)clock_real_ns(clock_mono().ns) << 8;
    head_end->timer = loop_timer_new(loop, on_timer, head_end);
    struct mqtt_settings with_session = *settings;
    with_session.session_expiry_s = timeout_s; // answers wait there while the connection is away
    head_end->mqtt =
        mqtt_new(loop, &with_session,
                 &(struct mqtt_events){.connected = on_connected, .message = on_message}, head_end);
    head_end->answer_suffix = memory_format("/answer/%s", settings->client_id);
    char *filter = memory_format("p3/+%s", head_end->answer_suffix);
    mqtt_subscribe(head_end->mqtt, filter, QOS);
    free(filter);
    return head_end;
}

void head_end_free(struct head_end *head_end)
{
    if (!head_end)
        return;
    while (head_end->first)
        finish_with(head_end, head_end->first, "abandoned", "the program ends");
    mqtt_free(head_end->mqtt); // calls on_published for the rest
    loop_timer_free(head_end->timer);
    free(head_end->answer_suffix);
    free(head_end);
}

struct route head_end_route(struct head_end *head_end)
{
    return (struct route){
        .name = "head-end", .self = head_end, .is_ready = is_ready, .submit = submit};
}
