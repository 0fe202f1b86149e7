// SPDX-License-Identifier: Apache-2.0

#include "services/p3/courier.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "services/p3/delivery_table.h"
#include "services/p3/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLAIM_BATCH = 200,
    SETTLE_BATCH = 500,
    MAX_LANES = 256,
    SOON_MS = 2,    // to gather results and doorbells
    RETRY_MS = 100, // after the database refused
    SWEEP_S = 5,    // machine seconds
    LOOK_BACK_SWEEPS = 3,
    LOOK_ALL_SWEEPS = 720,
};

// One claimed delivery under way.
struct parcel {
    struct courier *courier;
    struct delivery_claim claim;
    struct delivery_lane *lane;
};

struct courier {
    struct loop *loop;
    struct db *db;
    struct courier_settings settings;
    struct delivery_table *table;
    char *route_names;
    struct loop_timer *timer;
    struct mono timer_at; // 0: not set
    struct mono sweep_at;
    int sweeps;
    bool look_at_profiles, look_at_receipts;
    enum delivery_look profiles_look, receipts_look;
    bool claimed_before; // under our name, perhaps by the process before us
    bool name_taken_told;
    bool stopping;

    struct delivery_lane lanes[MAX_LANES];
    size_t lane_count;
    int64_t under_way;
    struct delivery_result *results; // ended, not yet written down
    size_t result_count, result_room;
};

static void work_in(struct courier *courier, int64_t ns)
{
    struct mono at = {clock_mono().ns + (ns > 0 ? ns : 0)};
    if (courier->timer_at.ns && courier->timer_at.ns <= at.ns)
        return;
    courier->timer_at = at;
    loop_timer_in(courier->timer, ns);
}

static void work_in_ms(struct courier *courier, int64_t machine_ms)
{
    work_in(courier, clock_machine_ns(machine_ms * SECONDS_NS / 1000));
}

// --- Parcels ---

static struct delivery_lane *lane_of(struct courier *courier, const char *name)
{
    for (size_t i = 0; i < courier->lane_count; i++)
        if (!strcmp(courier->lanes[i].name, name))
            return &courier->lanes[i];
    // More lanes than that have at least one that is empty, or share the last one's cap.
    for (size_t i = 0; courier->lane_count == MAX_LANES && i < MAX_LANES - 1; i++)
        if (!courier->lanes[i].under_way) {
            snprintf(courier->lanes[i].name, sizeof courier->lanes[i].name, "%s", name);
            return &courier->lanes[i];
        }
    if (courier->lane_count == MAX_LANES)
        return &courier->lanes[MAX_LANES - 1];
    struct delivery_lane *lane = &courier->lanes[courier->lane_count++];
    snprintf(lane->name, sizeof lane->name, "%s", name);
    return lane;
}

// Any number, the same for the same message: neighbours differ.
static uint64_t seed_of(const char *profile)
{
    uint64_t seed = 0;
    for (; *profile; profile++)
        seed = seed * 31 + (unsigned char)*profile;
    return seed;
}

// By route_status.
static struct metric metrics[] = {
    [ROUTE_VERIFIED] = METRIC_COUNTS_BY("socmod_p3_attempts_total", "Attempts to deliver, ended.",
                                        "result", "verified"),
    [ROUTE_WRITTEN] = METRIC_COUNTS_BY("socmod_p3_attempts_total", NULL, "result", "written"),
    [ROUTE_RETRY] = METRIC_COUNTS_BY("socmod_p3_attempts_total", NULL, "result", "retry"),
    [ROUTE_REFUSED] = METRIC_COUNTS_BY("socmod_p3_attempts_total", NULL, "result", "refused"),
};

static void keep_result(struct courier *courier, const struct errand *errand,
                        const struct route_answer *answer)
{
    if (courier->result_count == courier->result_room) {
        courier->result_room = courier->result_room ? 2 * courier->result_room : 64;
        courier->results =
            memory_grow(courier->results, courier->result_room, sizeof *courier->results);
    }
    metric_add(&metrics[answer->status], 1);
    struct delivery_result *result = &courier->results[courier->result_count++];
    struct utc now = clock_utc();
    memcpy(result->profile, errand->profile, sizeof result->profile);
    result->attempt = errand->attempt;
    result->finished = now;
    result->answer = *answer;
    result->verdict = outbox_judge(&(struct outbox_attempt){
        .status = answer->status,
        .cause = answer->cause,
        .number = errand->attempt,
        .now = now,
        .not_after = errand->not_after,
        .seed = seed_of(errand->profile),
    });
    log_debug("p3.attempt_ended", F("profile", errand->profile), F("meter", errand->meter),
              F("attempt", errand->attempt), F("state", outbox_state_name(result->verdict.state)),
              F("cause", answer->cause));
    work_in_ms(courier, courier->result_count < CLAIM_BATCH ? SOON_MS : 0);
}

static void on_delivered(void *arg, const struct route_answer *answer)
{
    struct parcel *parcel = arg;
    parcel->lane->under_way--;
    parcel->courier->under_way--;
    keep_result(parcel->courier, &parcel->claim.errand, answer);
    free(parcel);
}

static const struct route *route_of(const struct courier *courier, const char *lane)
{
    for (size_t i = 0; i < courier->settings.route_count; i++) {
        const struct route *route = &courier->settings.routes[i];
        size_t len = strlen(route->name);
        if (!strncmp(lane, route->name, len) && (!lane[len] || lane[len] == '/'))
            return route;
    }
    assert(false); // only lanes of our routes are claimed
    return NULL;
}

static void refuse(struct courier *courier, const struct delivery_claim *claim)
{
    struct route_answer answer = {.status = ROUTE_REFUSED};
    snprintf(answer.cause, sizeof answer.cause, "%s", claim->fault);
    log_warn("p3.message_refused", F("profile", claim->errand.profile),
             F("meter", claim->errand.meter), F("why", claim->fault));
    keep_result(courier, &claim->errand, &answer);
}

static void submit(struct courier *courier, const struct delivery_claim *claim)
{
    const struct route *route = route_of(courier, claim->lane);
    struct parcel *parcel = memory_new(1, sizeof *parcel);
    parcel->courier = courier;
    parcel->claim = *claim;
    parcel->lane = lane_of(courier, claim->lane);
    parcel->lane->under_way++;
    courier->under_way++;
    route->submit(route->self, &parcel->claim.errand, on_delivered, parcel);
}

// --- Steps: each one transaction, ERR_IO when it is to be done again ---

static enum err settle(struct courier *courier)
{
    size_t count = courier->result_count < SETTLE_BATCH ? courier->result_count : SETTLE_BATCH;
    if (!count)
        return ERR_NONE;
    if (delivery_table_settle(courier->table, courier->results, count, clock_utc()))
        return ERR_IO;
    courier->result_count -= count;
    memmove(courier->results, courier->results + count,
            courier->result_count * sizeof *courier->results);
    if (courier->result_count)
        work_in(courier, 0);
    return ERR_NONE;
}

static void look(struct courier *courier, enum delivery_look how)
{
    courier->look_at_profiles = courier->look_at_receipts = true;
    if (how > courier->profiles_look)
        courier->profiles_look = how;
    if (how > courier->receipts_look)
        courier->receipts_look = how;
}

static enum err sweep(struct courier *courier)
{
    if (clock_mono().ns < courier->sweep_at.ns)
        return ERR_NONE;
    if (delivery_table_sweep(courier->table, clock_utc(), courier->claimed_before))
        return ERR_IO;
    courier->claimed_before = false;
    courier->sweep_at.ns = clock_mono().ns + clock_machine_ns(SWEEP_S * SECONDS_NS);
    courier->sweeps++;
    if (courier->sweeps % LOOK_ALL_SWEEPS == 0)
        look(courier, LOOK_ALL);
    else if (courier->sweeps % LOOK_BACK_SWEEPS == 0)
        look(courier, LOOK_BACK);
    return ERR_NONE;
}

static enum err take_in(struct courier *courier)
{
    bool more = false;
    if (!courier->look_at_profiles)
        return ERR_NONE;
    if (delivery_table_take_in(courier->table, courier->profiles_look, clock_utc(), &more))
        return ERR_IO;
    courier->profiles_look = LOOK_NEW;
    courier->look_at_profiles = more;
    if (more)
        work_in(courier, 0);
    return ERR_NONE;
}

static enum err confirm(struct courier *courier)
{
    bool more = false;
    if (!courier->look_at_receipts)
        return ERR_NONE;
    if (delivery_table_confirm(courier->table, courier->receipts_look, clock_utc(), &more))
        return ERR_IO;
    courier->receipts_look = LOOK_NEW;
    courier->look_at_receipts = more;
    if (more)
        work_in(courier, 0);
    return ERR_NONE;
}

static enum err wait_for_next(struct courier *courier)
{
    int64_t next_ns;
    if (delivery_table_next_due(courier->table, &next_ns))
        return ERR_IO;
    int64_t wait = next_ns - clock_utc().ns;
    // What is due now waits for room, or for another message of its meter: their ends call us.
    if (next_ns && wait > 0)
        work_in(courier, wait);
    return ERR_NONE;
}

static bool any_route_is_ready(const struct courier *courier)
{
    for (size_t i = 0; i < courier->settings.route_count; i++)
        if (courier->settings.routes[i].is_ready(courier->settings.routes[i].self))
            return true;
    return false;
}

static enum err claim(struct courier *courier)
{
    int64_t room =
        courier->settings.max_under_way - courier->under_way - (int64_t)courier->result_count;
    if (courier->stopping || room <= 0 || !any_route_is_ready(courier))
        return ERR_NONE;
    struct utc now = clock_utc();
    struct utc until = {now.ns + clock_machine_ns(courier->settings.lease_s * SECONDS_NS)};
    struct delivery_claim *claims;
    size_t count;
    const struct delivery_room limits = {
        .lanes = courier->lanes,
        .count = courier->lane_count,
        .per_lane = (int)courier->settings.max_per_lane,
        .total = (int)(room < CLAIM_BATCH ? room : CLAIM_BATCH),
    };
    if (delivery_table_claim(courier->table, &limits, now, until, &claims, &count))
        return ERR_IO;
    for (size_t i = 0; i < count; i++) {
        if (claims[i].fault)
            refuse(courier, &claims[i]);
        else
            submit(courier, &claims[i]);
    }
    free(claims);
    if (!count)
        return wait_for_next(courier);
    work_in(courier, 0);
    return ERR_NONE;
}

static bool own_name(struct courier *courier)
{
    if (!delivery_table_own_name(courier->table)) {
        courier->name_taken_told = false;
        return true;
    }
    if (db_raw(courier->db) && !courier->name_taken_told) {
        log_warn("p3.name_taken", F("name", courier->settings.name),
                 F("why", "another process runs under it; this one waits until it ends"));
        courier->name_taken_told = true;
    }
    return false;
}

static void work_again_later(struct courier *courier)
{
    int64_t wait = db_retry_ns(courier->db), least = clock_machine_ns(RETRY_MS * SECONDS_NS / 1000);
    work_in(courier, wait > least ? wait : least);
}

static void on_timer(void *arg)
{
    struct courier *courier = arg;
    courier->timer_at.ns = 0;
    // Results first: they are facts, and a sweep must not think that they never came.
    if (!own_name(courier) || settle(courier) || sweep(courier) || confirm(courier)
        || take_in(courier) || claim(courier)) {
        work_again_later(courier);
        return;
    }
    if (courier->stopping && !courier->under_way && !courier->result_count)
        loop_stop(courier->loop);
    work_in(courier, courier->sweep_at.ns - clock_mono().ns);
}

struct courier *courier_new(struct loop *loop, struct db *db,
                            const struct courier_settings *settings)
{
    struct courier *courier = memory_new(1, sizeof *courier);
    metric_join(metrics, sizeof metrics / sizeof *metrics);
    courier->loop = loop;
    courier->db = db;
    courier->settings = *settings;
    courier->route_names = memory_text("");
    for (size_t i = 0; i < settings->route_count; i++) {
        char *longer =
            memory_format("%s%s%s", courier->route_names, i ? " " : "", settings->routes[i].name);
        free(courier->route_names);
        courier->route_names = longer;
    }
    courier->table = delivery_table_new(db, settings->name, courier->route_names);
    courier->timer = loop_timer_new(loop, on_timer, courier);
    courier->claimed_before = true;
    look(courier, LOOK_ALL);
    work_in(courier, 0);
    return courier;
}

void courier_free(struct courier *courier)
{
    if (!courier)
        return;
    loop_timer_free(courier->timer);
    delivery_table_free(courier->table);
    free(courier->route_names);
    free(courier->results);
    free(courier);
}

void courier_tell(struct courier *courier, enum courier_news news)
{
    if (news == COURIER_DATABASE)
        look(courier, LOOK_ALL);
    courier->look_at_profiles |= news == COURIER_PROFILE;
    courier->look_at_receipts |= news == COURIER_RECEIPT;
    work_in_ms(courier, SOON_MS);
}

void courier_stop(struct courier *courier)
{
    courier->stopping = true;
    work_in(courier, 0);
}
