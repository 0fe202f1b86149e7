// SPDX-License-Identifier: Apache-2.0

#include "services/admin/explain_job.h"
#include "base/rfc3339.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char *explain_job_fault(const struct explain_job *job)
{
    int64_t at;
    if (!job->charger)
        return "--charger ID must be given";
    return job->at && rfc3339_parse(job->at, strlen(job->at), &at)
               ? "--at takes a time such as 2026-01-14T17:00:00Z"
               : NULL;
}

// A member as people read it; "-" where it is not known. Good until the fourth next call.
static const char *say(const json_t *object, const char *name)
{
    static char texts[4][32];
    static int turn;
    const json_t *value = json_object_get(object, name);
    if (json_is_string(value))
        return json_string_value(value);
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], json_is_integer(value) ? "%jd" : "-",
             (intmax_t)json_integer_value(value));
    return text;
}

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void say_place(const json_t *place)
{
    static const char *const columns[] = {"limit_w",  "measured_w", "controlled_w", "base_w",
                                          "p95_w",    "margin_w",   "headroom_w",   "reserved_w",
                                          "demand_w", "given_w",    "chargers",     "came_w"};
    char name[90];
    snprintf(name, sizeof name, "%s L%s", say(place, "place"), say(place, "phase"));
    printf("  %-26s", name);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        printf(" %9s", say(place, columns[i]));
    printf("  %s\n", say(place, "method"));
}

// Whether what is missing says something: what of then is "explanations", "loads" or "records".
static bool is_kept(const json_t *answer, const char *what)
{
    const json_t *gone = json_object_get(answer, "not_kept");
    for (size_t i = 0; i < json_array_size(gone); i++)
        if (!strcmp(json_string_value(json_array_get(gone, i)), what))
            return false;
    return true;
}

static void say_round(const json_t *answer)
{
    const json_t *round = json_object_get(answer, "round");
    const json_t *places = json_object_get(answer, "places");
    if (json_is_null(round)) {
        puts(is_kept(answer, "explanations")
                 ? "No round was planned for this quarter hour: what the"
                   " meter held before went on."
                 : "Its round is not kept any more.");
        return;
    }
    printf("Decided %s by %s, from measurements up to %s (%s)%s\n", say(round, "finished"),
           say(round, "planner"), say(round, "basis"), say(round, "sight"),
           is_true(round, "congested") ? "; congested" : "");
    printf("  %-26s %9s %9s %9s %9s %9s %9s %9s %9s %9s %9s %9s %9s\n", "W", "limit", "measured",
           "chargers'", "base", "base P95", "margin", "headroom", "reserved", "demand", "given",
           "number", "came");
    for (size_t i = 0; i < json_array_size(places); i++)
        say_place(json_array_get(places, i));
}

static void say_share(const json_t *answer)
{
    const json_t *share = json_object_get(answer, "share");
    if (json_is_null(share))
        puts(is_kept(answer, "explanations") ? "Nothing bound it, and it was told nothing."
                                             : "What it wanted and got is not kept any more.");
    else
        printf("Wants %s W, share %s W (bound: %s); %s: %s\n", say(share, "demand_w"),
               say(share, "share_w"), say(share, "bound_by"), say(share, "decision"),
               say(share, "reason"));
}

static void say_hands(const json_t *answer)
{
    const json_t *hands = json_object_get(answer, "by_hand");
    for (size_t i = 0; i < json_array_size(hands); i++) {
        const json_t *hand = json_array_get(hands, i);
        printf("Limit %s set by hand: %s, %s W per %s, %s to %s, by %s: %s\n", say(hand, "number"),
               say(hand, "place"), say(hand, "limit_w"), say(hand, "per"), say(hand, "started"),
               say(hand, "ends"), say(hand, "by"), say(hand, "reason"));
        if (json_is_string(json_object_get(hand, "released")))
            printf("  released %s by %s: %s\n", say(hand, "released"), say(hand, "released_by"),
                   say(hand, "released_why"));
    }
}

static void say_messages(const json_t *answer)
{
    static const char *const steps[] = {"queued", "written", "verified",
                                        "seen",   "applied", "ended"};
    const json_t *held = json_object_get(answer, "in_force");
    const json_t *messages = json_object_get(answer, "messages");
    const json_t *range = json_object_get(held, "limit_w");
    if (json_is_null(held))
        puts(is_kept(answer, "records") ? "Its meter held no limit."
                                        : "What its meter held is not kept any more.");
    else
        printf("Its meter held %jd to %jd W: profile %s of %s, until %s\n",
               (intmax_t)json_integer_value(json_array_get(range, 0)),
               (intmax_t)json_integer_value(json_array_get(range, 1)), say(held, "profile"),
               say(held, "made"), say(held, "valid_to"));
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        printf("Message %s made %s: %s W, priority %s, %s %s\n", say(message, "profile"),
               say(message, "made"), say(message, "limit_w"), say(message, "priority"),
               say(message, "state"), say(message, "cause"));
        for (size_t step = 0; step < sizeof steps / sizeof *steps; step++)
            if (json_is_string(json_object_get(message, steps[step])))
                printf("  %s %s\n", steps[step], say(message, steps[step]));
    }
}

static void say_drawn(const json_t *answer)
{
    const json_t *drew = json_object_get(answer, "drew"), *powers = json_object_get(drew, "p_w");
    if (json_is_null(drew)) {
        puts(is_kept(answer, "loads") ? "What it drew is not known."
                                      : "What it drew is not kept any more.");
        return;
    }
    printf("It drew");
    for (size_t i = 0; i < json_array_size(powers); i++)
        if (json_is_integer(json_array_get(powers, i)))
            printf(" L%zu %jd W", i + 1, (intmax_t)json_integer_value(json_array_get(powers, i)));
    printf("; its gateway was %s, limit %s W\n", say(drew, "mode"), say(drew, "limit_w"));
}

static void say_all(const json_t *answer)
{
    printf("Charger %s, connection %s, meter %s, feeder %s, transformer %s; phases %s,"
           " contract %s W, floor %s W\n",
           say(answer, "charger"), say(answer, "connection"), say(answer, "meter"),
           say(answer, "feeder"), say(answer, "transformer"), say(answer, "phases"),
           say(answer, "contract_w"), say(answer, "floor_w"));
    printf("Quarter hour from %s\n", say(answer, "quarter"));
    say_round(answer);
    say_share(answer);
    say_hands(answer);
    say_messages(answer);
    say_drawn(answer);
}

enum err explain_job_run(struct db *db, const struct explain_job *job)
{
    char now[DB_TIME_LEN + 1];
    db_time(clock_utc(), now);
    const char *params[] = {job->charger, job->at ? job->at : now};
    PGresult *rows = db_query(db, "select plan.explain($1, $2::timestamptz)", 2, params);
    if (!rows)
        return ERR_IO;
    enum err err = ERR_NONE;
    json_t *answer = NULL;
    if (PQgetisnull(rows, 0, 0)) {
        fprintf(stderr, "there is no charger \"%s\"\n", job->charger);
        err = ERR_RANGE;
    } else if (job->json) {
        puts(PQgetvalue(rows, 0, 0));
    } else {
        answer = json_loads(PQgetvalue(rows, 0, 0), 0, NULL);
        say_all(answer);
    }
    json_decref(answer);
    PQclear(rows);
    return err;
}
