// SPDX-License-Identifier: Apache-2.0

#include "services/p3/dlms_route.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"
#include "services/p3/dlms_call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS INT64_C(1000000)
enum {
    BATCH = 200,
    NOTE_MS = 100,  // to gather what sessions have learnt
    AGAIN_MS = 500, // after the database failed
    LOOK_S = 10,
};

// One errand under way: first it waits for keys and counters, then perhaps the meter is woken, then
// it is a call.
struct trip {
    struct trip *next, *before;
    struct trip *next_waiting; // for keys or counters
    bool waits;
    struct dlms_route *route;
    const struct errand *errand;
    void (*done)(void *arg, const struct route_answer *answer);
    void *arg;
    struct loop_timer *limit;
    struct mono latest;
    struct wake_up *wake_up;
    struct meter_access *access; // until the session has the keys
    struct counter_range range;  // first the one for the first association
    uint32_t least;
    struct key_use use;
    struct meter_type type;
    struct session_job job; // without keys
    struct dlms_address address;
    struct dlms_call *call;
};

struct dlms_route {
    struct loop *loop;
    struct dlms_route_settings settings;
    struct cipher *cipher;
    struct secret_pool *pool;
    struct loop_timer *batch, *note, *look;
    struct mono batch_at; // 0: not set
    struct trip *first;
    struct trip *waiting, **waiting_end;
    struct counter_sighting sightings[BATCH];
    size_t sighting_count;
    struct dlms_figures figures;
};

// ---- Answers

static bool is_one_of(const char *cause, const char *const *causes)
{
    while (*causes && strcmp(*causes, cause) != 0)
        causes++;
    return *causes;
}

// To the detail, as far as it has room.
static void add(struct route_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct route_answer *answer, const char *format, ...)
{
    size_t len = strlen(answer->detail);
    va_list list;
    va_start(list, format);
    vsnprintf(answer->detail + len, sizeof answer->detail - len, format, list);
    va_end(list);
}

void dlms_route_answer(const struct session_result *result, bool reads_back,
                       struct route_answer *answer)
{
    static const char *const broken[] = {"closed",        "timeout",   "stopped", "bad-answer",
                                         "not-authentic", "exception", NULL};
    static const enum route_status statuses[] = {
        [SESSION_VERIFIED] = ROUTE_VERIFIED,
        [SESSION_WRITTEN] = ROUTE_WRITTEN,
        [SESSION_RETRY] = ROUTE_RETRY,
        [SESSION_REFUSED] = ROUTE_REFUSED,
    };
    const char *cause = result->cause;
    *answer = (struct route_answer){.status = statuses[result->status]};
    if (result->status == SESSION_WRITTEN && reads_back && is_one_of(cause, broken))
        cause = "unread";
    else if (result->status == SESSION_RETRY && !result->octets_received
             && !strcmp(cause, "timeout"))
        cause = "no-answer";
    snprintf(answer->cause, sizeof answer->cause, "%s", cause);
    add(answer, "%d round trips, %zu octets", result->round_trips,
        result->octets_sent + result->octets_received);
    if (cause != result->cause)
        add(answer, ", %s", result->cause);
    if (result->resynchronised)
        add(answer, ", counter of the meter read: %u", result->public_counter);
    if (result->diagnostic != SESSION_NO_RESULT)
        add(answer, ", diagnostic %d", result->diagnostic);
    if (*result->release && strcmp(result->release, "confirmed") != 0)
        add(answer, ", release %s", result->release);
}

// ---- Trips

static void work_in_ms(struct dlms_route *route, int64_t ms)
{
    int64_t ns = clock_machine_ns(ms * MS_NS);
    struct mono at = {clock_mono().ns + ns};
    if (route->batch_at.ns && route->batch_at.ns <= at.ns)
        return;
    route->batch_at = at;
    loop_timer_in(route->batch, ns);
}

// Wait for keys, or for counters above those that there were.
static void await(struct trip *trip)
{
    struct dlms_route *route = trip->route;
    trip->waits = true;
    trip->next_waiting = NULL;
    *route->waiting_end = trip;
    route->waiting_end = &trip->next_waiting;
    work_in_ms(route, 0);
}

static void leave_queue(struct trip *trip)
{
    struct dlms_route *route = trip->route;
    if (!trip->waits)
        return;
    struct trip **link = &route->waiting;
    while (*link != trip)
        link = &(*link)->next_waiting;
    *link = trip->next_waiting;
    if (!*link)
        route->waiting_end = link;
    trip->waits = false;
}

static void end(struct trip *trip, const struct route_answer *answer)
{
    struct dlms_route *route = trip->route;
    leave_queue(trip);
    *(trip->before ? &trip->before->next : &route->first) = trip->next;
    if (trip->next)
        trip->next->before = trip->before;
    route->figures.sessions -= trip->call ? 1 : 0;
    dlms_call_free(trip->call);
    wake_stop(trip->wake_up);
    secret_pool_give(route->pool, trip->access);
    loop_timer_free(trip->limit);
    void (*done)(void *arg, const struct route_answer *answer) = trip->done;
    void *arg = trip->arg;
    free(trip);
    done(arg, answer);
}

static void end_with(struct trip *trip, enum route_status status, const char *cause)
{
    struct route_answer answer = {.status = status};
    snprintf(answer.cause, sizeof answer.cause, "%s", cause);
    end(trip, &answer);
}

// ---- Calls

static void count(struct dlms_figures *figures, const struct session_result *result)
{
    figures->ended++;
    figures->resynchronised += result->resynchronised;
    figures->round_trips += (uint64_t)result->round_trips;
    figures->blocks_written += (uint64_t)result->blocks_written;
    figures->octets_sent += result->octets_sent;
    figures->octets_received += result->octets_received;
}

static void note(struct trip *trip, const struct session_result *result)
{
    struct dlms_route *route = trip->route;
    // Before the proof, neither title nor counter is known to be the meter's.
    if (!result->learnt_title || route->sighting_count == BATCH)
        return;
    struct counter_sighting *sighting = &route->sightings[route->sighting_count++];
    *sighting = (struct counter_sighting){
        .use = trip->use, .meter_counter = result->meter_counter, .knows_title = true};
    memcpy(sighting->meter_title, result->meter_title, sizeof sighting->meter_title);
    if (route->sighting_count == 1)
        loop_timer_in(route->note, clock_machine_ns(NOTE_MS * MS_NS));
    else if (route->sighting_count == BATCH)
        loop_timer_in(route->note, 0);
}

static void on_done(void *arg, const struct session_result *result)
{
    struct trip *trip = arg;
    struct route_answer answer;
    dlms_route_answer(result, trip->type.reads_back, &answer);
    count(&trip->route->figures, result);
    note(trip, result);
    end(trip, &answer);
}

static void on_supply(void *arg, uint32_t least)
{
    struct trip *trip = arg;
    if (trip->range.count && trip->range.next >= least) {
        struct counter_range range = trip->range;
        trip->range.count = 0;
        dlms_call_supply(trip->call, &range);
        return;
    }
    trip->least = least;
    await(trip);
}

static void call_meter(void *arg)
{
    static const struct dlms_call_events events = {.supply = on_supply, .done = on_done};
    struct trip *trip = arg;
    struct dlms_route *route = trip->route;
    trip->wake_up = NULL;
    trip->job.keys = trip->access->keys;
    trip->call = dlms_call_new(route->loop, &trip->address, &trip->job, &events, trip);
    memory_wipe(&trip->job.keys, sizeof trip->job.keys);
    secret_pool_give(route->pool, trip->access);
    trip->access = NULL;
    route->figures.sessions++;
    dlms_call_start(trip->call); // perhaps the end of it
}

static void begin_call(struct trip *trip)
{
    const struct errand *errand = trip->errand;
    const struct meter_access *access = trip->access;
    struct dlms_route *route = trip->route;
    assert(access);
    trip->use = access->use;
    trip->type = access->type;
    trip->address = access->address;
    trip->job = (struct session_job){
        .type = &trip->type,
        .cipher = route->cipher,
        .knows_meter_title = access->knows_meter_title,
        .least_meter_counter = access->least_meter_counter,
        .text = errand->text,
        .text_len = strlen(errand->text),
    };
    memcpy(trip->job.client_title, access->client_title, CIPHER_TITLE_LEN);
    memcpy(trip->job.meter_title, access->meter_title, CIPHER_TITLE_LEN);
    if (route->settings.wake && wake_wants(route->settings.wake, errand->failures))
        trip->wake_up = wake_begin(route->settings.wake, errand, call_meter, trip);
    else
        call_meter(trip);
}

// ---- Keys and counters, a batch at a time

// Those that wait, no meter twice: two blocks of one key in a statement would have no order.
static size_t gather(struct dlms_route *route, struct trip *trips[static BATCH])
{
    size_t count = 0;
    for (struct trip *trip = route->waiting, *next; trip && count < BATCH; trip = next) {
        size_t same = 0;
        next = trip->next_waiting;
        while (same < count && trips[same]->errand->meter != trip->errand->meter)
            same++;
        if (same < count)
            continue;
        trips[count++] = trip;
        leave_queue(trip);
    }
    return count;
}

static void await_again(struct dlms_route *route, struct trip *const *trips, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        secret_pool_give(route->pool, trips[i]->access);
        trips[i]->access = NULL;
        await(trips[i]);
    }
}

static bool is_final(const char *fault)
{
    static const char *const faults[] = {"unknown-meter", "unknown-type", "bad-address",
                                         "keys-damaged", NULL};
    return is_one_of(fault, faults);
}

// Load keys of those that have none yet; the others only want counters. Those with a fault end.
static enum err load(struct dlms_route *route, struct trip **trips, size_t *count)
{
    struct meter_access *wanted[BATCH];
    size_t new_count = 0, kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (trips[i]->call)
            continue;
        trips[i]->access = secret_pool_take(route->pool);
        trips[i]->access->meter = trips[i]->errand->meter;
        wanted[new_count++] = trips[i]->access;
    }
    if (new_count && key_table_load(route->settings.keys, wanted, new_count))
        return ERR_IO;
    for (size_t i = 0; i < *count; i++) {
        struct trip *trip = trips[i];
        const char *fault = trip->access ? trip->access->fault : NULL;
        if (fault)
            end_with(trip, is_final(fault) ? ROUTE_REFUSED : ROUTE_RETRY, fault);
        else
            trips[kept++] = trip;
    }
    *count = kept;
    return ERR_NONE;
}

static void give(struct trip *trip, const struct counter_range *range)
{
    if (!range->count && !trip->call) {
        end_with(trip, ROUTE_RETRY, "key-used-up");
    } else if (trip->call) {
        dlms_call_supply(trip->call, range->count ? range : NULL);
    } else {
        trip->range = *range;
        begin_call(trip);
    }
}

static void set_given(struct dlms_route *route, bool given)
{
    bool before = route->figures.is_given;
    route->figures.is_given = given;
    if (given && !before)
        route->settings.ready(route->settings.arg);
}

static void on_batch(void *arg)
{
    struct dlms_route *route = arg;
    struct trip *trips[BATCH];
    struct counter_request requests[BATCH] = {0};
    route->batch_at.ns = 0;
    size_t count = gather(route, trips);
    enum err err = load(route, trips, &count);
    for (size_t i = 0; !err && i < count; i++) {
        requests[i].use = trips[i]->access ? trips[i]->access->use : trips[i]->use;
        requests[i].least = trips[i]->least;
    }
    if (!err && count)
        err = counter_table_reserve(route->settings.counters, requests, count, SESSION_COUNTERS_MAX,
                                    clock_utc());
    if (err) {
        set_given(route, route->figures.is_given && err != ERR_RANGE);
        await_again(route, trips, count);
        work_in_ms(route, AGAIN_MS);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        route->figures.counters += requests[i].range.count;
        give(trips[i], &requests[i].range);
    }
    if (route->waiting)
        work_in_ms(route, 0);
}

static void on_note(void *arg)
{
    struct dlms_route *route = arg;
    // What is not kept is learnt again by the next session.
    enum err err =
        counter_table_note(route->settings.counters, route->sightings, route->sighting_count);
    if (err)
        log_debug("p3.sightings_lost", F("count", (int64_t)route->sighting_count));
    route->sighting_count = 0;
}

static void on_look(void *arg)
{
    struct dlms_route *route = arg;
    set_given(route, !counter_table_look(route->settings.counters, clock_utc()));
    loop_timer_in(route->look,
                  clock_machine_ns((route->figures.is_given ? LOOK_S : 1) * SECONDS_NS));
}

// ---- The route

// In good order; perhaps the end of it.
static void recall_trip(struct trip *trip, const char *cause)
{
    if (trip->call)
        dlms_call_recall(trip->call, cause);
    else
        end_with(trip, ROUTE_RETRY, cause);
}

static void set_limit(struct trip *trip)
{
    int64_t left = trip->latest.ns - clock_mono().ns;
    int64_t useful = trip->errand->not_after.ns - clock_utc().ns;
    loop_timer_in(trip->limit, useful > 0 && useful < left ? useful : left);
}

// Useless from now on, or it has taken too long altogether.
static void on_limit(void *arg)
{
    struct trip *trip = arg;
    if (clock_mono().ns >= trip->latest.ns) {
        if (trip->call)
            dlms_call_abandon(trip->call, "timeout");
        else
            end_with(trip, ROUTE_RETRY, "no-counters");
        return;
    }
    set_limit(trip);
    if (clock_utc().ns >= trip->errand->not_after.ns)
        recall_trip(trip, "too-late");
}

static void submit(void *self, const struct errand *errand,
                   void (*done)(void *arg, const struct route_answer *answer), void *arg)
{
    struct dlms_route *route = self;
    struct trip *trip = memory_new(1, sizeof *trip);
    int64_t longest = clock_machine_ns(route->settings.longest_s * SECONDS_NS);
    *trip = (struct trip){
        .next = route->first,
        .route = route,
        .errand = errand,
        .done = done,
        .arg = arg,
        .latest = {clock_mono().ns + longest},
    };
    if (route->first)
        route->first->before = trip;
    route->first = trip;
    trip->limit = loop_timer_new(route->loop, on_limit, trip);
    set_limit(trip);
    await(trip);
}

static bool is_ready(void *self)
{
    const struct dlms_route *route = self;
    return route->figures.is_given;
}

static void recall(void *self, const struct errand *errand)
{
    struct dlms_route *route = self;
    struct trip *trip = route->first;
    while (trip && trip->errand != errand)
        trip = trip->next;
    if (trip)
        recall_trip(trip, "overtaken");
}

static void stop(void *self)
{
    struct dlms_route *route = self;
    for (struct trip *trip = route->first, *next; trip; trip = next) {
        next = trip->next; // the end of one is not that of another
        recall_trip(trip, "stopped");
    }
}

struct dlms_route *dlms_route_new(struct loop *loop, const struct dlms_route_settings *settings)
{
    struct dlms_route *route = memory_new(1, sizeof *route);
    route->loop = loop;
    route->settings = *settings;
    route->cipher = cipher_new();
    route->pool = secret_pool_new(sizeof(struct meter_access));
    route->waiting_end = &route->waiting;
    route->batch = loop_timer_new(loop, on_batch, route);
    route->note = loop_timer_new(loop, on_note, route);
    route->look = loop_timer_new(loop, on_look, route);
    loop_timer_in(route->look, 0);
    return route;
}

void dlms_route_free(struct dlms_route *route)
{
    if (!route)
        return;
    for (struct trip *trip = route->first, *next; trip; trip = next) {
        next = trip->next;
        end_with(trip, ROUTE_RETRY, "stopped");
    }
    if (route->sighting_count)
        on_note(route);
    loop_timer_free(route->batch);
    loop_timer_free(route->note);
    loop_timer_free(route->look);
    secret_pool_free(route->pool);
    cipher_free(route->cipher);
    free(route);
}

struct route dlms_route_of(struct dlms_route *route)
{
    return (struct route){.name = "dlms",
                          .self = route,
                          .is_ready = is_ready,
                          .submit = submit,
                          .recall = recall,
                          .stop = stop};
}

void dlms_route_look(struct dlms_route *route)
{
    loop_timer_in(route->look, 0);
}

const struct dlms_figures *dlms_route_figures(const struct dlms_route *route)
{
    return &route->figures;
}
