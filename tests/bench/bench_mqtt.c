// SPDX-License-Identifier: Apache-2.0
// common/io/mqtt against a real broker: how fast, and does all arrive?
//
//   bench_mqtt BROKER                    publishes 50,000 messages, QoS 1; prints the rate
//   bench_mqtt BROKER through COUNT RATE publishes COUNT numbered requests at RATE a second,
//                                        again where told that one did not leave, and hears them
//                                        on a second connection with a session. Prints
//                                        "sent N heard N twice N wrong N"; exit 0 once all are
//                                        heard.
// tests/bench/mqtt.sh and tests/system/050-mqtt give it a broker; without one it does nothing.

#include "base/log.h"
#include "base/memory.h"
#include "io/mqtt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_COUNT = 50000, WINDOW = 2000, TICK_MS = 10, SESSION_S = 600 };

static struct {
    struct loop *loop;
    struct mqtt *out, *in;
    struct loop_timer *tick;
    int64_t count, rate;
    int64_t next, under_way, sent; // sent: the broker has it
    int64_t heard, twice, wrong;
    unsigned char *seen;
    bool *again; // number is to be published again
    struct mono start;
    bool through, told_again;
} bench;

static void publish_some(void);

static void on_done(void *arg, enum err err)
{
    int64_t number = (int64_t)(intptr_t)arg;
    bench.under_way--;
    if (err) {
        bench.again[number] = true;
        bench.told_again = true;
    } else {
        bench.sent++;
    }
    if (bench.sent == bench.count && (!bench.through || bench.heard == bench.count))
        loop_stop(bench.loop);
    else if (!bench.through)
        publish_some();
}

static bool publish(int64_t number)
{
    char text[256];
    int len =
        snprintf(text, sizeof text, "{\"number\":%" PRId64 ",\"text\":\"%0100d\"}", number, 7);
    char correlation[24];
    int correlation_len = snprintf(correlation, sizeof correlation, "%" PRId64, number);
    const struct mqtt_message message = {
        .topic = "bench/set",
        .payload = text,
        .len = (size_t)len,
        .qos = 1,
        .response_topic = "bench/answer",
        .correlation = correlation,
        .correlation_len = (size_t)correlation_len,
        .expiry_s = SESSION_S,
    };
    if (mqtt_publish(bench.out, &message, on_done, (void *)(intptr_t)number))
        return false;
    bench.under_way++;
    return true;
}

// First what has to go again, then what is new.
static int64_t next_number(void)
{
    for (int64_t i = 0; bench.told_again && i < bench.next; i++)
        if (bench.again[i])
            return i;
    bench.told_again = false;
    return bench.next;
}

static void publish_some(void)
{
    int64_t until = bench.count;
    if (bench.through) {
        int64_t due = (clock_mono().ns - bench.start.ns) * bench.rate / SECONDS_NS;
        until = due < until ? due : until;
    }
    while (bench.under_way < WINDOW) {
        int64_t number = next_number();
        if (number >= until || !publish(number))
            return;
        bench.again[number] = false;
        if (number == bench.next)
            bench.next++;
    }
}

// The clock starts when someone who hears is there: the publisher itself, or the subscriber.
static void on_ready(void *arg)
{
    (void)arg;
    if (!bench.start.ns)
        bench.start = clock_mono();
    if (!bench.through)
        publish_some();
}

static void on_tick(void *arg)
{
    (void)arg;
    if (bench.start.ns && mqtt_is_connected(bench.out))
        publish_some();
    loop_timer_in(bench.tick, TICK_MS * SECONDS_NS / 1000);
}

static void on_message(void *arg, const struct mqtt_message *message)
{
    (void)arg;
    char correlation[24] = "";
    if (message->correlation && message->correlation_len < sizeof correlation)
        memcpy(correlation, message->correlation, message->correlation_len);
    int64_t number = strtoll(correlation, NULL, 10);
    char wanted[48];
    int len = snprintf(wanted, sizeof wanted, "{\"number\":%" PRId64 ",", number);
    if (!*correlation || number < 0 || number >= bench.count || message->len < (size_t)len
        || memcmp(message->payload, wanted, (size_t)len) != 0 || !message->response_topic
        || strcmp(message->response_topic, "bench/answer") != 0) {
        bench.wrong++;
    } else if (bench.seen[number]++) {
        bench.twice++;
    } else {
        bench.heard++;
    }
    if (bench.heard == bench.count && bench.sent == bench.count)
        loop_stop(bench.loop);
}

int main(int argc, char **argv)
{
    bench.through = argc == 5 && !strcmp(argv[2], "through");
    if (argc != 2 && !bench.through)
        return 0;
    bench.count = bench.through ? strtoll(argv[3], NULL, 10) : BENCH_COUNT;
    bench.rate = bench.through ? strtoll(argv[4], NULL, 10) : 0;
    bench.again = memory_new((size_t)bench.count, sizeof *bench.again);
    bench.seen = memory_new((size_t)bench.count, 1);
    bench.loop = loop_new();
    bench.tick = loop_timer_new(bench.loop, on_tick, NULL);
    struct mqtt_settings settings = {.broker = argv[1], .client_id = "bench-out"};
    bench.out = mqtt_new(bench.loop, &settings,
                         &(struct mqtt_events){.connected = bench.through ? NULL : on_ready}, NULL);
    if (bench.through) {
        settings.client_id = "bench-in";
        settings.session_expiry_s = SESSION_S;
        bench.in =
            mqtt_new(bench.loop, &settings,
                     &(struct mqtt_events){.connected = on_ready, .message = on_message}, NULL);
        mqtt_subscribe(bench.in, "bench/set", 1);
        on_tick(NULL);
    }
    loop_run(bench.loop);

    bool all = bench.sent == bench.count;
    double took_s = (double)(clock_mono().ns - bench.start.ns) / 1e9;
    if (bench.through) {
        all = all && bench.heard == bench.count && !bench.wrong;
        printf("sent %" PRId64 " heard %" PRId64 " twice %" PRId64 " wrong %" PRId64 "\n",
               bench.sent, bench.heard, bench.twice, bench.wrong);
    } else if (all) {
        printf("mqtt_publish_qos1 %.0f 1/s\n", (double)bench.count / took_s);
    }
    mqtt_free(bench.in);
    mqtt_free(bench.out);
    loop_timer_free(bench.tick);
    loop_free(bench.loop);
    free(bench.again);
    free(bench.seen);
    return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
