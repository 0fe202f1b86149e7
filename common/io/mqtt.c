// SPDX-License-Identifier: Apache-2.0
// Three kinds of threads meet here.
//
// loop     calls the functions of the header, and hears what happened from the inbox.
// worker   one for each connection: the only one that calls Paho. So the loop never waits
//          for a lock of Paho's, which Paho holds during each of its callbacks.
// Paho     its callbacks only take our lock and move things; `arrived` is called without it.
//
// A handle of Paho's that has lost its connection still holds what it could not send, and would
// send it after a reconnect, though its publisher has been told ERR_IO. So each connection
// has a handle of its own, a `link`: once MQTTAsync_destroy() is back, no callback with a
// pointer into the link can come any more.

#include "io/mqtt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "io/own_certificate.h"
#include "io/tls_probe.h"
#include "wire/must.h"

#include <MQTTAsync.h>
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

// Paho does not join its threads: when MQTTAsync_destroy() is back they may still be about to end,
// and then exit() must not take libcrypto down under them. What libcrypto holds goes with the
// process. A constructor, because only its first use can tell libcrypto so, and that may be another
// module's.
__attribute__((constructor)) static void leave_libcrypto_up(void)
{
    must_work(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) == 1);
}

enum {
    FIRST_PAUSE_MS = 100,
    LONGEST_PAUSE_MS = 10000,
    LOOK_MS = 5000,    // how often to ask Paho whether it is still connected
    STEADY_MS = 10000, // a connection that lasted this long makes the next pause short again
    CONNECT_TIMEOUT_S = 10,
    KEEP_ALIVE_S = 20,
    GOODBYE_MS = 1000,
    PAHO_END_MS = 2000,
    MAX_UNDER_WAY = 10000, // publications of ours
    MAX_UNHEARD = 10000,   // messages that wait for the loop
    HEARD_AT_ONCE = 256,   // in one turn of the loop
    WHY_SIZE = 160,
    PROBES = 5, // at most, in one outage
};

enum { IS_CONNECTED, MESSAGES_IN, MESSAGES_OUT };
static struct metric metrics[] = {
    [IS_CONNECTED] = METRIC_SHOWS("socmod_mqtt_connected", "Whether the broker is there."),
    [MESSAGES_IN] = METRIC_COUNTS_BY("socmod_mqtt_messages_total", "Messages over the broker.",
                                     "direction", "in"),
    [MESSAGES_OUT] = METRIC_COUNTS_BY("socmod_mqtt_messages_total", NULL, "direction", "out"),
};

// What travels between the threads: a message to publish, and back with its err; or news.
enum kind { PUBLISHED, MESSAGE, CONNECTED, LOST };
struct item {
    struct item *next, *before;
    enum kind kind;
    struct mqtt_message message; // points into this allocation
    struct link *link;           // while it is in link->sent
    void (*done)(void *arg, enum err err);
    void *arg;
    enum err err;
};

struct list {
    struct item *first, *last;
};

struct filter {
    struct filter *next;
    char *text;
    int qos;
    bool sent; // in this connection
};

// One handle of Paho's. `sent` and the flags are under the lock.
struct link {
    struct mqtt *mqtt;
    MQTTAsync handle;
    struct list sent; // given to Paho, not yet done
    bool connecting, connected, told_connected, lost, said_goodbye;
    bool maybe_tls; // it failed before the broker said a word
    int unanswered; // subscriptions
    struct timespec since;
    char why[WHY_SIZE]; // it failed or was lost
};

struct mqtt {
    struct loop_watch *watch; // NULL in mqtt_free()
    struct mqtt_events events;
    void *arg;
    struct mqtt_settings settings;
    struct item *will;
    struct own_certificate *certificate;
    int bell; // eventfd: the inbox is no longer empty
    pthread_t worker;
    bool started;   // the worker
    bool connected; // as the loop has heard

    pthread_mutex_t lock;
    pthread_cond_t work; // for the worker
    pthread_cond_t room; // for Paho's thread: the inbox has been emptied
    pthread_cond_t gone; // for mqtt_free()
    struct list outbox, inbox;
    int under_way, unheard;
    struct filter *filters;
    bool closing, worker_gone, abandoned;

    // The worker's own.
    struct link *link;
    struct timespec next_try;
    int pause_ms;
    bool down_told, refusal_told;
    int probes;
};

static void append(struct list *list, struct item *item)
{
    item->next = NULL;
    item->before = list->last;
    *(list->last ? &list->last->next : &list->first) = item;
    list->last = item;
}

static void take_out(struct list *list, struct item *item)
{
    *(item->before ? &item->before->next : &list->first) = item->next;
    *(item->next ? &item->next->before : &list->last) = item->before;
}

static struct item *take_first(struct list *list)
{
    struct item *item = list->first;
    if (!item)
        return NULL;
    list->first = item->next;
    *(item->next ? &item->next->before : &list->last) = NULL;
    return item;
}

static char *put(char **at, const void *octets, size_t len)
{
    char *start = *at;
    if (len)
        memcpy(start, octets, len);
    start[len] = '\0';
    *at += len + 1;
    return start;
}

// A copy of all of a message in one piece. Owned: free().
static struct item *item_new(const struct mqtt_message *from)
{
    size_t topic = strlen(from->topic);
    size_t answer = from->response_topic ? strlen(from->response_topic) : 0;
    size_t room = topic + answer + from->len + from->correlation_len + 4;
    struct item *item = memory_new(1, sizeof *item + room);
    char *at = (char *)(item + 1);
    item->message = *from;
    item->message.topic = put(&at, from->topic, topic);
    item->message.payload = put(&at, from->payload, from->len);
    if (from->response_topic)
        item->message.response_topic = put(&at, from->response_topic, answer);
    if (from->correlation)
        item->message.correlation = put(&at, from->correlation, from->correlation_len);
    return item;
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000 * 1000000);
    if (at.tv_nsec >= SECONDS_NS) {
        at.tv_nsec -= SECONDS_NS;
        at.tv_sec++;
    }
    return at;
}

static int64_t ms_until(struct timespec at)
{
    struct timespec now = in_ms(0);
    return (at.tv_sec - now.tv_sec) * 1000 + (at.tv_nsec - now.tv_nsec) / 1000000;
}

static void ring(struct mqtt *mqtt)
{
    uint64_t one = 1;
    if (write(mqtt->bell, &one, sizeof one) < 0)
        log_fatal("mqtt.failed", F("what", "eventfd"), F("why", strerror(errno)));
}

// Under the lock: let the loop hear of it.
static void bring_home(struct mqtt *mqtt, struct item *item)
{
    bool empty = !mqtt->inbox.first;
    append(&mqtt->inbox, item);
    if (empty)
        ring(mqtt);
}

static void bring_news_home(struct mqtt *mqtt, enum kind kind)
{
    struct item *item = memory_new(1, sizeof *item);
    item->kind = kind;
    bring_home(mqtt, item);
}

static void finish(struct mqtt *mqtt, struct item *item, enum err err)
{
    item->err = err;
    item->link = NULL;
    bring_home(mqtt, item);
}

// --- Callbacks, in Paho's threads ---

static int on_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct mqtt *mqtt = ((struct link *)context)->mqtt;
    MQTTProperty *answer =
        MQTTProperties_getProperty(&message->properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC);
    MQTTProperty *correlation =
        MQTTProperties_getProperty(&message->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
    char *topic_text = topic_len ? memory_text_n(topic, (size_t)topic_len) : memory_text(topic);
    char *answer_text =
        answer ? memory_text_n(answer->value.data.data, (size_t)answer->value.data.len) : NULL;
    struct mqtt_message as_ours = {
        .topic = topic_text,
        .payload = message->payload,
        .len = (size_t)message->payloadlen,
        .qos = message->qos,
        .retained = message->retained,
        .response_topic = answer_text,
        .correlation = correlation ? correlation->value.data.data : NULL,
        .correlation_len = correlation ? (size_t)correlation->value.data.len : 0,
    };
    metric_add(&metrics[MESSAGES_IN], 1);
    if (mqtt->events.arrived) {
        mqtt->events.arrived(mqtt->arg, &as_ours);
    } else if (mqtt->events.message) {
        struct item *item = item_new(&as_ours);
        item->kind = MESSAGE;
        pthread_mutex_lock(&mqtt->lock);
        while (mqtt->unheard >= MAX_UNHEARD && !mqtt->closing)
            pthread_cond_wait(&mqtt->room, &mqtt->lock);
        mqtt->unheard++;
        bring_home(mqtt, item);
        pthread_mutex_unlock(&mqtt->lock);
    }
    free(topic_text);
    free(answer_text);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void wake_worker(struct mqtt *mqtt)
{
    pthread_cond_signal(&mqtt->work);
}

static void on_sent(struct item *item, enum err err)
{
    struct mqtt *mqtt = item->link->mqtt;
    pthread_mutex_lock(&mqtt->lock);
    take_out(&item->link->sent, item);
    finish(mqtt, item, err);
    if (mqtt->closing)
        wake_worker(mqtt);
    pthread_mutex_unlock(&mqtt->lock);
}

static void on_publish_success(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    on_sent(context, ERR_NONE);
}

static void on_publish_failure(void *context, MQTTAsync_failureData5 *data)
{
    struct item *item = context;
    if (data->reasonCode > 0) // else the connection broke, which is told once
        log_warn("mqtt.publish_refused", F("topic", item->message.topic),
                 F("why", MQTTReasonCode_toString(data->reasonCode)));
    on_sent(item, ERR_IO);
}

static void on_connect_success(void *context, MQTTAsync_successData5 *data)
{
    struct link *link = context;
    (void)data;
    pthread_mutex_lock(&link->mqtt->lock);
    link->connecting = false;
    link->connected = true;
    link->since = in_ms(0);
    wake_worker(link->mqtt);
    pthread_mutex_unlock(&link->mqtt->lock);
}

static void on_connect_failure(void *context, MQTTAsync_failureData5 *data)
{
    struct link *link = context;
    const char *reason =
        data->reasonCode > 0 ? MQTTReasonCode_toString(data->reasonCode) : data->message;
    pthread_mutex_lock(&link->mqtt->lock);
    link->connecting = false;
    link->maybe_tls = data->reasonCode <= 0;
    // What TLS said before (see on_tls_error) is worth more than that it failed.
    if (!*link->why)
        snprintf(link->why, sizeof link->why, "%s", reason ? reason : "no connection");
    wake_worker(link->mqtt);
    pthread_mutex_unlock(&link->mqtt->lock);
}

static int on_tls_error(const char *text, size_t len, void *context)
{
    struct link *link = context;
    pthread_mutex_lock(&link->mqtt->lock);
    snprintf(link->why, sizeof link->why, "TLS: %.*s", (int)len, text);
    pthread_mutex_unlock(&link->mqtt->lock);
    return 1;
}

static void on_disconnect_packet(void *context, MQTTProperties *properties,
                                 enum MQTTReasonCodes reason)
{
    struct link *link = context;
    (void)properties;
    pthread_mutex_lock(&link->mqtt->lock);
    snprintf(link->why, sizeof link->why, "the broker says: %s", MQTTReasonCode_toString(reason));
    link->lost = true; // Paho does not call on_connection_lost() after this
    wake_worker(link->mqtt);
    pthread_mutex_unlock(&link->mqtt->lock);
}

static void on_connection_lost(void *context, char *cause)
{
    struct link *link = context;
    pthread_mutex_lock(&link->mqtt->lock);
    link->lost = true;
    if (!*link->why)
        snprintf(link->why, sizeof link->why, "%s", cause ? cause : "connection lost");
    wake_worker(link->mqtt);
    pthread_mutex_unlock(&link->mqtt->lock);
}

static void on_subscription_answered(struct link *link)
{
    pthread_mutex_lock(&link->mqtt->lock);
    link->unanswered--;
    wake_worker(link->mqtt);
    pthread_mutex_unlock(&link->mqtt->lock);
}

static void on_subscribed(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    on_subscription_answered(context);
}

static void on_subscription_refused(void *context, MQTTAsync_failureData5 *data)
{
    log_error("mqtt.subscription_refused", F("why", MQTTReasonCode_toString(data->reasonCode)));
    on_subscription_answered(context);
}

static void on_goodbye_success(void *context, MQTTAsync_successData5 *data)
{
    struct link *link = context;
    (void)data;
    pthread_mutex_lock(&link->mqtt->lock);
    link->said_goodbye = true;
    wake_worker(link->mqtt);
    pthread_mutex_unlock(&link->mqtt->lock);
}

static void on_goodbye_failure(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    on_goodbye_success(context, NULL);
}

// --- The worker ---

static struct link *link_new(struct mqtt *mqtt)
{
    struct link *link = memory_new(1, sizeof *link);
    link->mqtt = mqtt;
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
    options.maxBufferedMessages = MAX_UNDER_WAY; // counts also while connected
    int rc =
        MQTTAsync_createWithOptions(&link->handle, mqtt->settings.broker, mqtt->settings.client_id,
                                    MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (rc == MQTTASYNC_SUCCESS)
        rc = MQTTAsync_setCallbacks(link->handle, link, on_connection_lost, on_arrived, NULL);
    if (rc == MQTTASYNC_SUCCESS)
        rc = MQTTAsync_setDisconnected(link->handle, link, on_disconnect_packet);
    if (rc != MQTTASYNC_SUCCESS)
        log_fatal("mqtt.failed", F("broker", mqtt->settings.broker),
                  F("client_id", mqtt->settings.client_id), F("why", MQTTAsync_strerror(rc)));
    return link;
}

// Wait until no callback can come, then let go of all that was not done.
static void link_free(struct link *link)
{
    struct mqtt *mqtt = link->mqtt;
    MQTTAsync_destroy(&link->handle);
    pthread_mutex_lock(&mqtt->lock);
    for (struct item *item; (item = take_first(&link->sent));)
        finish(mqtt, item, ERR_IO);
    pthread_mutex_unlock(&mqtt->lock);
    free(link);
}

// The first line of a file, owned; NULL and logged where it cannot be read.
static char *read_first_line(const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    ssize_t len = file ? getline(&line, &room, file) : -1;
    if (len < 0) {
        log_error("mqtt.password_unreadable", F("file", path), F("why", strerror(errno)));
        free(line);
        line = NULL;
    } else {
        line[strcspn(line, "\r\n")] = '\0';
    }
    if (file)
        fclose(file);
    return line;
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void put_property(MQTTProperties *properties, enum MQTTPropertyCodes code, int64_t value)
{
    MQTTProperty property = {.identifier = code};
    property.value.integer4 = (unsigned)(value < UINT32_MAX ? value : UINT32_MAX);
    MQTTProperties_add(properties, &property);
}

static void put_octets(MQTTProperties *properties, enum MQTTPropertyCodes code, const void *octets,
                       size_t len)
{
    MQTTProperty property = {.identifier = code};
    // Paho copies them, though its type does not promise so.
    memcpy(&property.value.data.data, &octets, sizeof octets);
    property.value.data.len = (int)len;
    MQTTProperties_add(properties, &property);
}

static int start_connect(struct mqtt *mqtt, struct link *link)
{
    const struct mqtt_settings *s = &mqtt->settings;
    char *password = NULL;
    if (or_null(s->password_file)) {
        password = read_first_line(s->password_file);
        if (!password)
            return MQTTASYNC_FAILURE;
    }
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleanstart = s->session_expiry_s <= 0;
    options.username = or_null(s->user);
    options.password = password;
    options.onSuccess5 = on_connect_success;
    options.onFailure5 = on_connect_failure;
    options.context = link;
    if (s->session_expiry_s > 0)
        put_property(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, s->session_expiry_s);
    options.connectProperties = &properties;
    tls.trustStore = or_null(s->ca_file);
    tls.keyStore = or_null(s->certificate_file);
    tls.privateKey = or_null(s->key_file);
    tls.verify = 1; // the name in the certificate as well
    tls.ssl_error_cb = on_tls_error;
    tls.ssl_error_context = link;
    options.ssl = &tls;
    if (mqtt->will) {
        will.topicName = mqtt->will->message.topic;
        will.payload.data = mqtt->will->message.payload;
        will.payload.len = (int)mqtt->will->message.len;
        will.qos = mqtt->will->message.qos;
        will.retained = mqtt->will->message.retained;
        options.will = &will;
    }
    int rc = MQTTAsync_connect(link->handle, &options);
    MQTTProperties_free(&properties);
    if (password)
        memory_wipe(password, strlen(password));
    free(password);
    return rc;
}

static void log_down(struct mqtt *mqtt, const char *why)
{
    if (!mqtt->down_told)
        log_warn("mqtt.lost", F("broker", mqtt->settings.broker), F("why", why));
    mqtt->down_told = true;
}

// Whether it is TLS that keeps us out, and who of us two refuses; once in an outage. Called with
// the lock held, which it lets go.
static void explain(struct mqtt *mqtt)
{
    static const char scheme[] = "mqtts://";
    const struct mqtt_settings *s = &mqtt->settings;
    if (strncmp(s->broker, scheme, strlen(scheme)) != 0 || !mqtt->link->maybe_tls
        || mqtt->refusal_told || mqtt->closing || mqtt->probes++ >= PROBES)
        return;
    pthread_mutex_unlock(&mqtt->lock);
    char why[TLS_PROBE_WHY], *host = memory_text(s->broker + strlen(scheme));
    char *colon = strrchr(host, ':');
    size_t brackets = *host == '[' && colon > host && colon[-1] == ']';
    if (colon) {
        colon[-(int)brackets] = '\0';
        const struct tls_probe probe = {.host = host + brackets,
                                        .port = colon + 1,
                                        .ca_file = s->ca_file,
                                        .certificate_file = s->certificate_file,
                                        .key_file = s->key_file};
        mqtt->refusal_told = tls_probe_refused(&probe, why);
    }
    if (mqtt->refusal_told)
        log_warn("tls.refused", F("peer", s->broker), F("why", why));
    free(host);
    pthread_mutex_lock(&mqtt->lock);
}

// Half of the pause for sure, the other half by lot, so that not all come back at once.
static void put_off(struct mqtt *mqtt)
{
    unsigned lot;
    struct timespec now = in_ms(0);
    lot = (unsigned)now.tv_nsec / 1000 + (unsigned)getpid() * 7919;
    mqtt->pause_ms = !mqtt->pause_ms ? FIRST_PAUSE_MS : 2 * mqtt->pause_ms;
    if (mqtt->pause_ms > LONGEST_PAUSE_MS)
        mqtt->pause_ms = LONGEST_PAUSE_MS;
    int half = mqtt->pause_ms / 2;
    mqtt->next_try = in_ms(half + rand_r(&lot) % (half + 1));
}

// The functions below are called with the lock held, and let it go while they call Paho.

static void try_to_connect(struct mqtt *mqtt)
{
    struct link *link = mqtt->link;
    link->connecting = true;
    link->why[0] = '\0';
    pthread_mutex_unlock(&mqtt->lock);
    int rc = start_connect(mqtt, link);
    pthread_mutex_lock(&mqtt->lock);
    if (rc == MQTTASYNC_SUCCESS)
        return;
    link->connecting = false;
    snprintf(link->why, sizeof link->why, "%s", MQTTAsync_strerror(rc));
}

static void give_up_connection(struct mqtt *mqtt)
{
    struct link *lost = mqtt->link;
    log_down(mqtt, lost->why);
    if (-ms_until(lost->since) >= STEADY_MS)
        mqtt->pause_ms = 0;
    put_off(mqtt);
    bring_news_home(mqtt, LOST); // first, so that nobody publishes again in vain
    pthread_mutex_unlock(&mqtt->lock);
    mqtt->link = link_new(mqtt); // before the other goes: without any, Paho would end its threads
    link_free(lost);
    pthread_mutex_lock(&mqtt->lock);
    for (struct filter *filter = mqtt->filters; filter; filter = filter->next)
        filter->sent = false;
}

static void subscribe(struct mqtt *mqtt, struct filter *filter)
{
    struct link *link = mqtt->link;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    response.onSuccess5 = on_subscribed;
    response.onFailure5 = on_subscription_refused;
    response.context = link;
    filter->sent = true;
    link->unanswered++;
    pthread_mutex_unlock(&mqtt->lock);
    int rc = MQTTAsync_subscribe(link->handle, filter->text, filter->qos, &response);
    pthread_mutex_lock(&mqtt->lock);
    if (rc == MQTTASYNC_SUCCESS)
        return;
    link->unanswered--;
    // Disconnected meanwhile: the next connection asks again. Else the filter is wrong.
    if (rc != MQTTASYNC_DISCONNECTED)
        log_error("mqtt.subscription_refused", F("filter", filter->text),
                  F("why", MQTTAsync_strerror(rc)));
}

static void send_item(struct mqtt *mqtt, struct item *item)
{
    struct link *link = mqtt->link;
    const struct mqtt_message *ours = &item->message;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    memcpy(&message.payload, &ours->payload, sizeof ours->payload); // copied by Paho
    message.payloadlen = (int)ours->len;
    message.qos = ours->qos;
    message.retained = ours->retained;
    if (ours->response_topic)
        put_octets(&message.properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, ours->response_topic,
                   strlen(ours->response_topic));
    if (ours->correlation)
        put_octets(&message.properties, MQTTPROPERTY_CODE_CORRELATION_DATA, ours->correlation,
                   ours->correlation_len);
    if (ours->expiry_s > 0)
        put_property(&message.properties, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL,
                     ours->expiry_s);
    response.onSuccess5 = on_publish_success;
    response.onFailure5 = on_publish_failure;
    response.context = item;
    item->link = link;
    append(&link->sent, item);
    pthread_mutex_unlock(&mqtt->lock);
    int rc = MQTTAsync_sendMessage(link->handle, ours->topic, &message, &response);
    MQTTProperties_free(&message.properties);
    pthread_mutex_lock(&mqtt->lock);
    if (rc == MQTTASYNC_SUCCESS) {
        metric_add(&metrics[MESSAGES_OUT], 1);
        return; // the item may be gone by now
    }
    take_out(&link->sent, item);
    finish(mqtt, item, ERR_IO);
    if (rc != MQTTASYNC_DISCONNECTED)
        log_warn("mqtt.publish_refused", F("why", MQTTAsync_strerror(rc)));
}

static struct filter *find_unsent_filter(struct mqtt *mqtt)
{
    for (struct filter *filter = mqtt->filters; filter; filter = filter->next)
        if (!filter->sent)
            return filter;
    return NULL;
}

static void tell_connected(struct mqtt *mqtt)
{
    mqtt->link->told_connected = true;
    if (mqtt->down_told)
        log_info("mqtt.back", F("broker", mqtt->settings.broker));
    mqtt->down_told = mqtt->refusal_told = false;
    mqtt->probes = 0;
    bring_news_home(mqtt, CONNECTED);
}

// One step of what is to be done; false when there is nothing now.
static bool work(struct mqtt *mqtt)
{
    struct link *link = mqtt->link;
    struct filter *filter;
    struct item *item;
    if (link->lost) {
        give_up_connection(mqtt);
    } else if (link->connected && (filter = find_unsent_filter(mqtt))) {
        subscribe(mqtt, filter);
    } else if (link->connected && !link->told_connected && !link->unanswered) {
        tell_connected(mqtt);
    } else if ((item = take_first(&mqtt->outbox))) {
        if (link->connected)
            send_item(mqtt, item);
        else
            finish(mqtt, item, ERR_IO);
    } else if (!link->connected && !link->connecting && *link->why) {
        log_down(mqtt, link->why);
        link->why[0] = '\0';
        put_off(mqtt);
        explain(mqtt);
    } else if (!link->connected && !link->connecting && !mqtt->closing
               && ms_until(mqtt->next_try) <= 0) {
        try_to_connect(mqtt);
    } else {
        return false;
    }
    return true;
}

static void wait_for_work(struct mqtt *mqtt)
{
    struct link *link = mqtt->link;
    struct timespec look = in_ms(LOOK_MS);
    if (!link->connected) {
        pthread_cond_timedwait(&mqtt->work, &mqtt->lock,
                               link->connecting ? &look : &mqtt->next_try);
    } else if (pthread_cond_timedwait(&mqtt->work, &mqtt->lock, &look) == ETIMEDOUT) {
        pthread_mutex_unlock(&mqtt->lock);
        bool connected = MQTTAsync_isConnected(link->handle);
        pthread_mutex_lock(&mqtt->lock);
        if (!connected)
            link->lost = true;
    }
}

static void say_goodbye(struct mqtt *mqtt)
{
    struct timespec until = in_ms(GOODBYE_MS);
    if (mqtt->will && mqtt->link->connected) {
        append(&mqtt->outbox, item_new(&mqtt->will->message));
        mqtt->under_way++;
    }
    int late = 0;
    while (mqtt->link->connected && !late) {
        if (work(mqtt))
            continue;
        if (!mqtt->link->sent.first)
            break;
        late = pthread_cond_timedwait(&mqtt->work, &mqtt->lock, &until);
    }
    struct link *link = mqtt->link;
    if (!link->connected)
        return;
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer5;
    options.onSuccess5 = on_goodbye_success;
    options.onFailure5 = on_goodbye_failure;
    options.context = link;
    pthread_mutex_unlock(&mqtt->lock);
    int rc = MQTTAsync_disconnect(link->handle, &options);
    pthread_mutex_lock(&mqtt->lock);
    while (rc == MQTTASYNC_SUCCESS && !link->said_goodbye && !link->lost && !late)
        late = pthread_cond_timedwait(&mqtt->work, &mqtt->lock, &until);
}

static void free_all(struct mqtt *mqtt)
{
    for (struct item *item; (item = take_first(&mqtt->inbox));)
        free(item);
    for (struct filter *filter; (filter = mqtt->filters);) {
        mqtt->filters = filter->next;
        free(filter->text);
        free(filter);
    }
    free(mqtt->will);
    close(mqtt->bell);
    pthread_mutex_destroy(&mqtt->lock);
    pthread_cond_destroy(&mqtt->work);
    pthread_cond_destroy(&mqtt->room);
    pthread_cond_destroy(&mqtt->gone);
    free(mqtt);
}

static void *run_worker(void *arg)
{
    struct mqtt *mqtt = arg;
    mqtt->link = link_new(mqtt);
    pthread_mutex_lock(&mqtt->lock);
    while (!mqtt->closing)
        if (!work(mqtt))
            wait_for_work(mqtt);
    say_goodbye(mqtt);
    pthread_mutex_unlock(&mqtt->lock);
    link_free(mqtt->link);
    pthread_mutex_lock(&mqtt->lock);
    for (struct item *item; (item = take_first(&mqtt->outbox));)
        finish(mqtt, item, ERR_IO);
    mqtt->worker_gone = true;
    bool abandoned = mqtt->abandoned;
    pthread_cond_signal(&mqtt->gone);
    pthread_mutex_unlock(&mqtt->lock);
    if (abandoned)
        free_all(mqtt);
    return NULL;
}

// --- The loop ---

static void hear(struct mqtt *mqtt, struct item *item)
{
    switch (item->kind) {
    case PUBLISHED:
        if (item->done)
            item->done(item->arg, item->err);
        break;
    case MESSAGE:
        if (mqtt->watch) // else we are in mqtt_free()
            mqtt->events.message(mqtt->arg, &item->message);
        break;
    case CONNECTED:
        mqtt->connected = true;
        metric_set(&metrics[IS_CONNECTED], 1);
        if (mqtt->watch && mqtt->events.connected)
            mqtt->events.connected(mqtt->arg);
        break;
    case LOST:
        mqtt->connected = false;
        metric_set(&metrics[IS_CONNECTED], 0);
        break;
    }
    free(item);
}

static struct item *next_news(struct mqtt *mqtt)
{
    pthread_mutex_lock(&mqtt->lock);
    struct item *item = take_first(&mqtt->inbox);
    if (item && item->kind == PUBLISHED)
        mqtt->under_way--;
    if (item && item->kind == MESSAGE && mqtt->unheard-- == MAX_UNHEARD)
        pthread_cond_signal(&mqtt->room);
    pthread_mutex_unlock(&mqtt->lock);
    return item;
}

static void on_bell(void *arg, uint32_t events)
{
    struct mqtt *mqtt = arg;
    (void)events;
    uint64_t rung;
    if (read(mqtt->bell, &rung, sizeof rung) < 0 && errno != EAGAIN)
        log_fatal("mqtt.failed", F("what", "eventfd"), F("why", strerror(errno)));
    if (!mqtt->started) { // the first turn of the loop: will and filters are known
        int why = pthread_create(&mqtt->worker, NULL, run_worker, mqtt);
        if (why)
            log_fatal("mqtt.failed", F("what", "thread"), F("why", strerror(why)));
        mqtt->started = true;
    }
    struct item *item = NULL;
    for (int i = 0; i < HEARD_AT_ONCE && (item = next_news(mqtt)); i++)
        hear(mqtt, item);
    if (item)
        ring(mqtt); // others of the loop have their turn first
}

struct mqtt *mqtt_new(struct loop *loop, const struct mqtt_settings *settings,
                      const struct mqtt_events *events, void *arg)
{
    struct mqtt *mqtt = memory_new(1, sizeof *mqtt);
    metric_join(metrics, sizeof metrics / sizeof *metrics);
    mqtt->settings = *settings;
    mqtt->events = *events;
    mqtt->arg = arg;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&mqtt->lock, NULL);
    pthread_cond_init(&mqtt->work, &monotonic);
    pthread_cond_init(&mqtt->room, &monotonic);
    pthread_cond_init(&mqtt->gone, &monotonic);
    pthread_condattr_destroy(&monotonic);
    mqtt->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mqtt->bell < 0)
        log_fatal("mqtt.failed", F("what", "eventfd"), F("why", strerror(errno)));
    mqtt->watch = loop_watch(loop, mqtt->bell, EPOLLIN, on_bell, mqtt);
    ring(mqtt);
    mqtt->certificate = own_certificate_new(loop, settings->certificate_file);
    return mqtt;
}

// Let the worker end; false when it does not within the time that a goodbye may take, which
// is when an `arrived` does not return.
static bool end_worker(struct mqtt *mqtt)
{
    struct timespec until = in_ms(GOODBYE_MS + PAHO_END_MS);
    int late = 0;
    pthread_mutex_lock(&mqtt->lock);
    mqtt->closing = true;
    wake_worker(mqtt);
    pthread_cond_signal(&mqtt->room);
    while (!mqtt->worker_gone && !late)
        late = pthread_cond_timedwait(&mqtt->gone, &mqtt->lock, &until);
    mqtt->abandoned = !mqtt->worker_gone;
    pthread_mutex_unlock(&mqtt->lock);
    if (mqtt->abandoned)
        pthread_detach(mqtt->worker);
    else
        pthread_join(mqtt->worker, NULL);
    return !mqtt->abandoned;
}

void mqtt_free(struct mqtt *mqtt)
{
    if (!mqtt)
        return;
    loop_unwatch(mqtt->watch);
    mqtt->watch = NULL;
    own_certificate_free(mqtt->certificate);
    bool ended = !mqtt->started || end_worker(mqtt);
    for (struct item *item; (item = next_news(mqtt));)
        hear(mqtt, item);
    if (ended)
        free_all(mqtt);
    else
        log_warn("mqtt.left_behind", F("why", "a message that arrived is still being stored"));
}

void mqtt_set_will(struct mqtt *mqtt, const struct mqtt_message *will)
{
    assert(!mqtt->started);
    free(mqtt->will);
    mqtt->will = item_new(will);
}

void mqtt_subscribe(struct mqtt *mqtt, const char *filter, int qos)
{
    struct filter *new = memory_new(1, sizeof *new);
    new->text = memory_text(filter);
    new->qos = qos;
    pthread_mutex_lock(&mqtt->lock);
    struct filter **end = &mqtt->filters;
    while (*end)
        end = &(*end)->next;
    *end = new;
    wake_worker(mqtt);
    pthread_mutex_unlock(&mqtt->lock);
}

bool mqtt_is_connected(const struct mqtt *mqtt)
{
    return mqtt->connected;
}

enum err mqtt_publish(struct mqtt *mqtt, const struct mqtt_message *message,
                      void (*done)(void *arg, enum err err), void *arg)
{
    if (!mqtt->connected || !mqtt->watch || mqtt->under_way >= MAX_UNDER_WAY)
        return ERR_IO;
    struct item *item = item_new(message);
    item->done = done;
    item->arg = arg;
    pthread_mutex_lock(&mqtt->lock);
    bool wake = !mqtt->outbox.first;
    append(&mqtt->outbox, item);
    mqtt->under_way++;
    if (wake)
        wake_worker(mqtt);
    pthread_mutex_unlock(&mqtt->lock);
    return ERR_NONE;
}

bool mqtt_check_broker(const char *broker)
{
    size_t scheme = !strncmp(broker, "mqtt://", 7) ? 7 : !strncmp(broker, "mqtts://", 8) ? 8 : 0;
    const char *colon = strrchr(broker, ':');
    char *end = NULL;
    long port = scheme && colon > broker + scheme ? strtol(colon + 1, &end, 10) : 0;
    bool fine = port > 0 && port <= 65535 && !*end;
    if (!fine)
        fprintf(stderr, "[mqtt] broker: \"%s\" is not mqtt://host:port or mqtts://host:port\n",
                broker);
    return fine;
}

struct mqtt_settings mqtt_settings_of(const struct mqtt_texts *texts)
{
    return (struct mqtt_settings){
        .broker = texts->broker,
        .client_id = texts->client_id,
        .user = texts->user,
        .password_file = texts->password_file,
        .ca_file = texts->ca_file,
        .certificate_file = texts->certificate_file,
        .key_file = texts->key_file,
    };
}
