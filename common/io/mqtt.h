// SPDX-License-Identifier: Apache-2.0
// One connection to an MQTT 5 broker, kept up for ever: reconnects ever more slowly (0.1 to
// 10 s of machine time, with jitter), subscribes again, logs an outage once. Its threads and
// Paho's stay inside; every function below is called in the loop's thread, except `arrived`,
// and none waits for the broker, except mqtt_free().

#ifndef IO_MQTT_H
#define IO_MQTT_H

#include "base/err.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mqtt_message {
    const char *topic;
    const void *payload; // len octets, no terminator
    size_t len;
    int qos; // 0, 1
    bool retained;
    const char *response_topic; // MQTT 5 request/response; NULL for none
    const void *correlation;    // correlation_len octets, returned by the answerer
    size_t correlation_len;
    int64_t expiry_s; // machine seconds after which the broker drops it; 0: never
};

// Where and who. Texts are borrowed for the life of the connection.
struct mqtt_settings {
    const char *broker;                                // "mqtt://host:1883", "mqtts://host:8883"
    const char *client_id;                             // unique at the broker
    const char *user;                                  // "" for none
    const char *password_file;                         // first line is the password; "" for none
    const char *ca_file, *certificate_file, *key_file; // PEM; for mqtts; "" for none
    int64_t session_expiry_s; // how long the broker keeps what is not yet delivered to us while
                              // we are away, machine seconds; 0: nothing
};

// What happens. Any may be NULL.
struct mqtt_events {
    // In the loop: connected (again) and subscribed.
    void (*connected)(void *arg);
    // In the loop, a message of a subscription; borrowed for the call.
    void (*message)(void *arg, const struct mqtt_message *message);
    // In place of `message`, for who must not lose any: called in Paho's thread, before the
    // broker is told that we have it, also while mqtt_free() runs. Return only when it is safe;
    // the next message, and what is published, waits until then. The loop goes on meanwhile,
    // so it may be waited for, but not without end: inside mqtt_free() it does not run.
    void (*arrived)(void *arg, const struct mqtt_message *message);
};

struct mqtt;

// Starts to connect when the loop runs. Owned: mqtt_free(), which says
// goodbye, waits at most a second of machine time for what is on its way (two more for Paho
// to end), and calls the `done` of all that was still under way. Messages that no one has
// heard by then are dropped, except with `arrived`.
struct mqtt *mqtt_new(struct loop *loop, const struct mqtt_settings *settings,
                      const struct mqtt_events *events, void *arg);
void mqtt_free(struct mqtt *mqtt);

// The broker says this for us when we vanish, and we say it ourselves in mqtt_free(). Copied;
// before the loop runs.
void mqtt_set_will(struct mqtt *mqtt, const struct mqtt_message *will);

// Kept over reconnects. The filter is copied.
void mqtt_subscribe(struct mqtt *mqtt, const char *filter, int qos);

bool mqtt_is_connected(const struct mqtt *mqtt);

// Hand over a message, copied. done(arg, err) is called in the loop exactly once: ERR_NONE when
// the broker has it (QoS 1) or it left (QoS 0), ERR_IO when the connection broke first; then
// whoever wants it delivered publishes again. done may be NULL. Returns ERR_IO, and does not
// call done, when there is no connection or too much is under way.
MUST_CHECK enum err mqtt_publish(struct mqtt *mqtt, const struct mqtt_message *message,
                                 void (*done)(void *arg, enum err err), void *arg);

// May broker, as the settings say it, be given to mqtt_new()? Complains on standard error; for
// the `check` of a program. Empty is not fine here.
bool mqtt_check_broker(const char *broker);

// The settings each program with a broker has; `s` is a struct mqtt_texts in its config.
struct mqtt_texts {
    char *broker, *client_id, *user, *password_file, *ca_file, *certificate_file, *key_file;
};
struct mqtt_settings mqtt_settings_of(const struct mqtt_texts *texts);
#define MQTT_SETTINGS(s, default_broker, default_client_id)                                        \
    {"mqtt", "broker", .text = &(s).broker, .otherwise = default_broker,                           \
     .help = "mqtt://host:port or mqtts://host:port; empty: none"},                                \
        {"mqtt", "client_id", .text = &(s).client_id, .otherwise = default_client_id,              \
         .help = "name at the broker; two processes need two names"},                              \
        {"mqtt", "user", .text = &(s).user, .otherwise = "", .help = "user name; empty: none"},    \
        {"mqtt", "password_file", .text = &(s).password_file, .otherwise = "",                     \
         .help = "file whose first line is the password"},                                         \
        {"mqtt", "ca_file", .text = &(s).ca_file, .otherwise = "",                                 \
         .help = "PEM file of who signed the broker's certificate"},                               \
        {"mqtt", "certificate_file", .text = &(s).certificate_file, .otherwise = "",               \
         .help = "PEM file of our certificate"},                                                   \
    {                                                                                              \
        "mqtt", "key_file", .text = &(s).key_file, .otherwise = "",                                \
                            .help = "PEM file of its private key"                                  \
    }

#endif
