// SPDX-License-Identifier: Apache-2.0
// A session and a strict meter, back to back in memory, without time: what the one sends the
// other receives, silence is a time-out at once, and a pause takes none.

#ifndef TESTS_SESSION_PAIR_H
#define TESTS_SESSION_PAIR_H

#include "services/p3/session.h"
#include "tests/peer/meter/dlms_server.h"

#include <stdbool.h>
#include <string.h>

enum { PAIR_SEEN_MAX = 4096, PAIR_COUNTERS_FROM = 1000 };

struct pair {
    struct session session;
    struct meter_type type;
    struct session_job job;
    struct dlms_server server;
    struct dlms_link link;
    struct cipher *cipher;

    char text[DLMS_TEXT_MAX + 1]; // of the meter
    size_t text_len;
    int stored;
    uint32_t next_counter; // of the client's store
    uint32_t supply;       // how many it gives at once
    uint32_t seen[PAIR_SEEN_MAX];
    size_t seen_count;
    bool repeated; // the meter saw a counter twice
    uint8_t dice;
    size_t piece; // octets received at once; 0: all
    int connections, pauses, supplies;
    int recall_at, requests; // recalled while the answer to that request is awaited; 0: never
};

static inline enum err pair_store(void *arg, const char *text, size_t len)
{
    struct pair *pair = arg;
    memcpy(pair->text, text, len);
    pair->text_len = len;
    pair->stored++;
    return ERR_NONE;
}

static inline const char *pair_hold(void *arg, size_t *len)
{
    struct pair *pair = arg;
    *len = pair->text_len;
    return pair->text;
}

static inline void pair_random(void *arg, uint8_t *octets, size_t len)
{
    struct pair *pair = arg;
    for (size_t i = 0; i < len; i++)
        octets[i] = (uint8_t)(pair->dice = (uint8_t)(pair->dice * 5 + 77));
}

static inline void pair_saw(void *arg, uint32_t counter)
{
    struct pair *pair = arg;
    for (size_t i = 0; i < pair->seen_count; i++)
        pair->repeated |= pair->seen[i] == counter;
    if (pair->seen_count < PAIR_SEEN_MAX)
        pair->seen[pair->seen_count++] = counter;
}

// A pair of that kind that agrees in all. cipher is the caller's.
static inline void pair_begin(struct pair *pair, struct cipher *cipher,
                              const struct meter_type *type)
{
    static const struct cipher_keys keys = {
        .encryption = "guek of a street",
        .authentication = "gak of a street!",
    };
    *pair = (struct pair){
        .type = *type,
        .cipher = cipher,
        .next_counter = PAIR_COUNTERS_FROM,
        .supply = SESSION_COUNTERS_MAX,
        .job = {.cipher = cipher,
                .keys = keys,
                .client_title = "SOM00001",
                .meter_title = "MET00001",
                .knows_meter_title = true},
        .server = {.cipher = cipher,
                   .keys = keys,
                   .title = "MET00001",
                   .rule = type->token_rule == METER_TOKEN_NEXT ? DLMS_HIGHER : DLMS_EXACTLY_NEXT,
                   .max_pdu = 1024,
                   .conformance = 0xffffff,
                   .counter = 1,
                   .store = pair_store,
                   .hold = pair_hold,
                   .random = pair_random,
                   .saw = pair_saw},
    };
    pair->job.type = &pair->type;
    pair->server.arg = pair;
    strcpy(pair->text, "before");
    pair->text_len = 6;
}

static inline void pair_supply(struct pair *pair)
{
    struct session *session = &pair->session;
    uint8_t challenge[ACSE_CHALLENGE_MAX];
    if (pair->next_counter < session->least_counter)
        pair->next_counter = session->least_counter;
    const struct counter_range range = {pair->next_counter, pair->supply};
    pair->next_counter += pair->supply;
    pair->supplies++;
    pair_random(pair, challenge, sizeof challenge);
    session_supply(session, &range, challenge);
}

// Carry the answer over, in pieces. True when the session has gone on by it, perhaps before it
// was all there.
static inline bool pair_answer(struct pair *pair)
{
    struct session *session = &pair->session;
    const struct dlms_link *link = &pair->link;
    size_t piece = pair->piece ? pair->piece : link->out_len, sent = 0;
    while (sent < link->out_len) {
        size_t left = link->out_len - sent, len = left < piece ? left : piece, out_len;
        session_received(session, link->out + sent, len);
        sent += len;
        if (session->want != SESSION_WANTS_ANSWER || session_output(session, &out_len))
            return true;
    }
    return false;
}

static inline void pair_exchange(struct pair *pair)
{
    struct session *session = &pair->session;
    size_t len;
    const uint8_t *out = session_output(session, &len);
    pair->link.out_len = 0;
    if (out)
        dlms_link_receive(&pair->link, out, len);
    if (pair_answer(pair))
        return;
    if (pair->link.closes)
        session_closed(session);
    else
        session_timeout(session);
}

// Write text, to the end.
static inline const struct session_result *pair_run(struct pair *pair, const char *text, size_t len)
{
    struct session *session = &pair->session;
    pair->job.text = text;
    pair->job.text_len = len;
    session_begin(session, &pair->job);
    while (session->want != SESSION_WANTS_NOTHING) {
        switch (session->want) {
        case SESSION_WANTS_COUNTERS:
            pair_supply(pair);
            break;
        case SESSION_WANTS_CONNECTION:
            pair->connections++;
            dlms_link_open(&pair->link, &pair->server);
            session_connected(session);
            break;
        case SESSION_WANTS_ANSWER:
            if (++pair->requests == pair->recall_at)
                session_recall(session, "overtaken");
            pair_exchange(pair);
            break;
        case SESSION_WANTS_PAUSE:
            pair->pauses++;
            session_timeout(session);
            break;
        case SESSION_WANTS_NOTHING:
            break;
        }
    }
    return &session->result;
}

#endif
