// SPDX-License-Identifier: Apache-2.0

#include "services/audit/stream.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "io/db.h"
#include "services/audit/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of the machine, whatever the hands of the clock.
#define STREAM_GATHER_NS (SECONDS_NS / 2)
#define STREAM_CLOCK_NS (5 * SECONDS_NS)
// So that a token that was revoked does not follow for ever.
#define STREAM_LAST_NS (300 * SECONDS_NS)

enum kind {
    KIND_LOADS,
    KIND_ROUNDS,
    KIND_PROFILES,
    KIND_DELIVERIES,
    KIND_RECEIPTS,
    KIND_EVENTS,
    KINDS
};

static const struct {
    const char *name;
    const char *doorbell; // NULL: has none
} kinds[KINDS] = {
    [KIND_LOADS] = {"loads", "dali_quarter"},
    [KIND_ROUNDS] = {"rounds", "plan_round"},
    [KIND_PROFILES] = {"profiles", "plan_profile"},
    [KIND_DELIVERIES] = {"deliveries", "p3_delivery"},
    [KIND_RECEIPTS] = {"receipts", "field_receipt"},
    [KIND_EVENTS] = {"events", NULL},
};
static const char *const doorbells[] = {"dali_quarter", "plan_round",    "plan_profile",
                                        "p3_delivery",  "field_receipt", NULL};

struct stream {
    struct http *http;
    struct db *db;
    struct loop_timer *timer;
    bool changed[KINDS];
    int64_t events;  // ever written to the trail
    int64_t told_ns; // when the clock was told, mono
};

char *stream_clock(void)
{
    char at[RFC3339_MS_LEN + 1];
    rfc3339_format_ms(clock_utc().ns, at);
    return memory_format("{\"at\":\"%s\",\"rate\":%g}", at,
                         (double)clock_machine_ns(SECONDS_NS) / (double)SECONDS_NS);
}

static void on_doorbell(void *arg, const char *channel, const char *payload)
{
    (void)payload;
    struct stream *stream = arg;
    // A new connection (channel ""): anything may have happened.
    for (int i = 0; i < KINDS; i++)
        if (!*channel || (kinds[i].doorbell && !strcmp(kinds[i].doorbell, channel)))
            stream->changed[i] = true;
}

// The trail has no doorbell: an event is written in many places, and a bell would make each wait.
// Its shards count what was committed; the greatest id would miss what commits late.
static void look_for_events(struct stream *stream)
{
    PGresult *result = db_connect(stream->db) == ERR_NONE
                           ? db_query(stream->db, "select sum(sequence) from audit.shard", 0, NULL)
                           : NULL;
    int64_t events = result ? db_get_integer(result, 0, 0) : stream->events;
    PQclear(result);
    stream->changed[KIND_EVENTS] |= events != stream->events;
    stream->events = events;
}

static char *changed_text(const struct stream *stream)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    const char *comma = "";
    fputs("event: change\ndata: [", out);
    for (int i = 0; i < KINDS; i++) {
        if (!stream->changed[i])
            continue;
        fprintf(out, "%s\"%s\"", comma, kinds[i].name);
        comma = ",";
    }
    fputs("]\n\n", out);
    fclose(out);
    if (*comma)
        return text;
    free(text);
    return NULL;
}

static void tell(struct stream *stream, char *text)
{
    http_tell(stream->http, text, strlen(text));
    free(text);
}

static void tell_clock(struct stream *stream)
{
    char *clock = stream_clock();
    tell(stream, memory_format("event: clock\ndata: %s\n\n", clock));
    free(clock);
    stream->told_ns = clock_mono().ns;
}

static void on_timer(void *arg)
{
    struct stream *stream = arg;
    loop_timer_in(stream->timer, clock_machine_ns(STREAM_GATHER_NS));
    if (!http_followers(stream->http)) {
        memset(stream->changed, 0, sizeof stream->changed);
        return;
    }
    look_for_events(stream);
    char *text = changed_text(stream);
    memset(stream->changed, 0, sizeof stream->changed);
    // With each change the time, which places it.
    if (text || clock_mono().ns - stream->told_ns >= clock_machine_ns(STREAM_CLOCK_NS))
        tell_clock(stream);
    if (text)
        tell(stream, text);
}

struct stream *stream_new(struct loop *loop, const char *connection, struct http *http)
{
    struct stream *stream = memory_new(1, sizeof *stream);
    stream->http = http;
    stream->db = db_new(connection, "socmod-audit stream");
    stream->timer = loop_timer_new(loop, on_timer, stream);
    db_listen(stream->db, loop, doorbells, on_doorbell, stream);
    loop_timer_in(stream->timer, 0);
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    loop_timer_free(stream->timer);
    db_free(stream->db);
    free(stream);
}

void route_stream(struct http_request *request)
{
    char *clock = stream_clock();
    char *text = memory_format("retry: 2000\nevent: clock\ndata: %s\n\n", clock);
    http_add_header(request, "Cache-Control", "no-store");
    http_add_header(request, "X-Accel-Buffering", "no");
    http_follow(request, "text/event-stream", text, strlen(text), STREAM_LAST_NS);
    free(text);
    free(clock);
}
