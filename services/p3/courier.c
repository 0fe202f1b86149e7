// SPDX-License-Identifier: Apache-2.0

#include "services/p3/courier.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/p3/delivery_table.h"
#include "services/p3/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLAIM_BATCH = 400,
    SETTLE_BATCH = 500,
    SOON_MS = 2,    // to gather results and doorbells
    POLL_MS = 50,   // while something is due that has no room: another process may make it
    RETRY_MS = 100, // after the database refused
    SWEEP_S = 5,    // machine seconds
    LOOK_BACK_SWEEPS = 3,
    LOOK_ALL_SWEEPS = 720,
};

// One claimed delivery under way.
struct parcel {
    struct parcel *next, *before;
    struct courier *courier;
    const struct route *route;
    struct mono since;
    struct errand errand;
};

struct courier {
    struct loop *loop;
    struct db *db;
    struct courier_settings settings;
    struct claim_bound *bounds;
    struct delivery_table *table;
    char *route_names;
    struct loop_timer *timer;
    struct mono timer_at; // 0: not set
    struct mono sweep_at;
    int sweeps;
    bool look_at_profiles, look_at_receipts, look_for_overtaken;
    enum delivery_look profiles_look, receipts_look;
    bool claimed_before; // under our name, perhaps by the process before us
    bool name_taken_told;
    bool stopping;

    struct parcel *first;
    struct delivery_result *results; // ended, not yet written down
    size_t result_count, result_room;
    struct courier_figures figures;
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

// Any number, the same for the same message: neighbours differ.
static uint64_t seed_of(const char *profile)
{
    uint64_t seed = 0;
    for (; *profile; profile++)
        seed = seed * 31 + (unsigned char)*profile;
    return seed;
}

static void count_cause(struct courier *courier, const char *route, const char *cause)
{
    struct courier_figures *figures = &courier->figures;
    struct courier_cause *at = figures->causes;
    while (at < figures->causes + figures->cause_count
           && (strcmp(at->cause, cause) != 0 || strcmp(at->route, route) != 0))
        at++;
    if (at == figures->causes + COURIER_CAUSES) {
        at--;
        snprintf(at->cause, sizeof at->cause, "others");
    } else if (at == figures->causes + figures->cause_count) {
        figures->cause_count++;
        snprintf(at->route, sizeof at->route, "%s", route);
        snprintf(at->cause, sizeof at->cause, "%s", cause);
    }
    at->count++;
}

static struct delivery_result *next_result(struct courier *courier)
{
    if (courier->result_count == courier->result_room) {
        courier->result_room = courier->result_room ? 2 * courier->result_room : 64;
        courier->results =
            memory_grow(courier->results, courier->result_room, sizeof *courier->results);
    }
    return &courier->results[courier->result_count++];
}

static void keep_result(struct courier *courier, const struct route *route,
                        const struct errand *errand, const struct route_answer *answer)
{
    struct delivery_result *result = next_result(courier);
    struct utc now = clock_utc();
    memcpy(result->profile, errand->profile, sizeof result->profile);
    result->attempt = errand->attempt;
    result->finished = now;
    result->answer = *answer;
    result->verdict = outbox_judge(&(struct outbox_attempt){
        .status = answer->status,
        .cause = answer->cause,
        .number = errand->attempt,
        .failures = errand->failures,
        .now = now,
        .not_after = errand->not_after,
        .seed = seed_of(errand->profile),
    });
    courier->figures.ended[result->verdict.state]++;
    if (*answer->cause)
        count_cause(courier, route->name, answer->cause);
    log_debug("p3.attempt_ended", F("profile", errand->profile), F("meter", errand->meter),
              F("attempt", errand->attempt), F("state", outbox_state_name(result->verdict.state)),
              F("cause", answer->cause), F("detail", answer->detail));
    work_in_ms(courier, courier->result_count < CLAIM_BATCH ? SOON_MS : 0);
}

static void on_delivered(void *arg, const struct route_answer *answer)
{
    struct parcel *parcel = arg;
    struct courier *courier = parcel->courier;
    *(parcel->before ? &parcel->before->next : &courier->first) = parcel->next;
    if (parcel->next)
        parcel->next->before = parcel->before;
    courier->figures.under_way--;
    courier->figures.seconds += (double)clock_real_ns(clock_mono().ns - parcel->since.ns) / 1e9;
    keep_result(courier, parcel->route, &parcel->errand, answer);
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

static void refuse(struct courier *courier, const struct claim *claim)
{
    struct route_answer answer = {.status = ROUTE_REFUSED};
    snprintf(answer.cause, sizeof answer.cause, "%s", claim->fault);
    log_warn("p3.message_refused", F("profile", claim->errand.profile),
             F("meter", claim->errand.meter), F("why", claim->fault));
    keep_result(courier, route_of(courier, claim->lane), &claim->errand, &answer);
}

static void submit(struct courier *courier, const struct claim *claim)
{
    struct parcel *parcel = memory_new(1, sizeof *parcel);
    *parcel = (struct parcel){
        .next = courier->first,
        .courier = courier,
        .route = route_of(courier, claim->lane),
        .since = clock_mono(),
        .errand = claim->errand,
    };
    if (courier->first)
        courier->first->before = parcel;
    courier->first = parcel;
    courier->figures.under_way++;
    parcel->route->submit(parcel->route->self, &parcel->errand, on_delivered, parcel);
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
    courier->look_for_overtaken = true;
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

// The newest wins until the last octet has left: what a newer one waits behind is given up.
static enum err recall_overtaken(struct courier *courier)
{
    if (!courier->look_for_overtaken || !courier->first)
        return ERR_NONE;
    PGresult *result = claim_table_overtaken(courier->db, courier->settings.name, clock_utc());
    if (!result)
        return ERR_IO;
    courier->look_for_overtaken = false;
    for (int row = 0; row < PQntuples(result); row++) {
        struct parcel *parcel = courier->first;
        while (parcel && strcmp(parcel->errand.profile, PQgetvalue(result, row, 0)) != 0)
            parcel = parcel->next;
        if (!parcel || !parcel->route->recall)
            continue;
        courier->figures.overtaken++;
        parcel->route->recall(parcel->route->self, &parcel->errand); // perhaps the end of it
    }
    PQclear(result);
    return ERR_NONE;
}

static enum err wait_for_next(struct courier *courier, const struct claim_order *order)
{
    int64_t next_ns;
    bool due_now;
    if (claim_table_next_due(courier->db, order, clock_utc(), &next_ns, &due_now))
        return ERR_IO;
    if (due_now)
        work_in_ms(courier, POLL_MS);
    else if (next_ns)
        work_in(courier, next_ns - clock_utc().ns);
    return ERR_NONE;
}

// Claim for the routes that would take it.
static enum err claim(struct courier *courier)
{
    const char *routes[CLAIM_ROUTES_MAX];
    size_t ready = 0, count;
    for (size_t i = 0; i < courier->settings.route_count; i++)
        if (courier->settings.routes[i].is_ready(courier->settings.routes[i].self))
            routes[ready++] = courier->settings.routes[i].name;
    int64_t room = courier->settings.max_under_way - courier->figures.under_way
                   - (int64_t)courier->result_count;
    if (courier->stopping || room <= 0 || !ready)
        return ERR_NONE;
    const struct claim_order order = {
        .name = courier->settings.name,
        .routes = routes,
        .route_count = ready,
        .bounds = courier->settings.bounds,
        .bound_count = courier->settings.bound_count,
        .most = (int)(room < CLAIM_BATCH ? room : CLAIM_BATCH),
        .lease_ns = clock_machine_ns(courier->settings.lease_s * SECONDS_NS),
    };
    struct claim *claims;
    if (claim_table_take(courier->db, &order, &claims, &count))
        return ERR_IO;
    courier->figures.claimed += count;
    for (size_t i = 0; i < count; i++) {
        if (claims[i].fault)
            refuse(courier, &claims[i]);
        else
            submit(courier, &claims[i]);
    }
    free(claims);
    if (!count)
        return wait_for_next(courier, &order);
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

static bool is_over(const struct courier *courier)
{
    return courier->stopping && !courier->first && !courier->result_count;
}

static void on_timer(void *arg)
{
    struct courier *courier = arg;
    courier->timer_at.ns = 0;
    if (is_over(courier)) {
        loop_stop(courier->loop);
        return;
    }
    // Results first: they are facts, and a sweep must not think that they never came.
    if (!own_name(courier) || settle(courier) || sweep(courier) || confirm(courier)
        || take_in(courier) || recall_overtaken(courier) || claim(courier)) {
        work_again_later(courier);
        return;
    }
    work_in(courier, is_over(courier) ? 0 : courier->sweep_at.ns - clock_mono().ns);
}

struct courier *courier_new(struct loop *loop, struct db *db,
                            const struct courier_settings *settings)
{
    struct courier *courier = memory_new(1, sizeof *courier);
    assert(settings->route_count <= CLAIM_ROUTES_MAX);
    courier->loop = loop;
    courier->db = db;
    courier->settings = *settings;
    courier->bounds = memory_new(settings->bound_count, sizeof *courier->bounds);
    memcpy(courier->bounds, settings->bounds, settings->bound_count * sizeof *courier->bounds);
    courier->settings.bounds = courier->bounds;
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
    free(courier->bounds);
    assert(!courier->first);
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
    for (size_t i = 0; i < courier->settings.route_count; i++)
        if (courier->settings.routes[i].stop)
            courier->settings.routes[i].stop(courier->settings.routes[i].self);
    work_in(courier, 0);
}

bool courier_is_ready(const struct courier *courier)
{
    for (size_t i = 0; i < courier->settings.route_count; i++)
        if (courier->settings.routes[i].is_ready(courier->settings.routes[i].self))
            return true;
    return false;
}

const struct courier_figures *courier_figures(const struct courier *courier)
{
    return &courier->figures;
}
