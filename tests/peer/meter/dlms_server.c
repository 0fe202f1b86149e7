// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/dlms_server.h"

#include <assert.h>
#include <string.h>

static const struct xdlms_target text_object = {1, {0, 0, 96, 13, 0, 255}, 2};
static const struct xdlms_target counter_object = {1, {0, 0, 43, 1, 0, 255}, 2};
static const struct xdlms_target reply_to_hls = {15, {0, 0, 40, 0, 0, 255}, 1};

static const char *const fault_names[DLMS_FAULTS] = {
    [DLMS_HANG_UP] = "hang-up",
    [DLMS_DEAD] = "dead",
    [DLMS_FLOOD] = "flood",
    [DLMS_DROP_AARQ] = "drop-aarq",
    [DLMS_REJECT] = "reject",
    [DLMS_SILENT_AARQ] = "silent-aarq",
    [DLMS_OTHER_TITLE] = "other-title",
    [DLMS_MIRROR_TITLE] = "mirror-title",
    [DLMS_SHORT_CHALLENGE] = "short-challenge",
    [DLMS_DROP_PROOF] = "drop-proof",
    [DLMS_WRONG_PROOF] = "wrong-proof",
    [DLMS_REFUSE_PROOF] = "refuse-proof",
    [DLMS_SHARED_COUNTER] = "shared-counter",
    [DLMS_TOKEN_BOTH] = "token-both",
    [DLMS_DROP_SET] = "drop-set",
    [DLMS_DROP_SET_ANSWER] = "drop-set-answer",
    [DLMS_SILENT_SET] = "silent-set",
    [DLMS_REFUSE_SET] = "refuse-set",
    [DLMS_WRONG_BLOCK] = "wrong-block",
    [DLMS_DROP_GET] = "drop-get",
    [DLMS_REFUSE_GET] = "refuse-get",
    [DLMS_LOST_BLOCK] = "lost-block",
    [DLMS_PLAIN] = "plain",
    [DLMS_AUTHENTICATED_ONLY] = "authenticated-only",
    [DLMS_REPEATED_COUNTER] = "repeated-counter",
    [DLMS_GARBLED] = "garbled",
    [DLMS_OTHER_INVOKE] = "other-invoke",
    [DLMS_OTHER_PORT] = "other-port",
    [DLMS_NOISE] = "dlms-noise",
    [DLMS_HALF] = "half",
    [DLMS_TWICE] = "twice",
    [DLMS_LONG] = "long",
    [DLMS_EXCEPTION_SET] = "exception-set",
    [DLMS_SILENT_RELEASE] = "silent-release",
    [DLMS_DROP_RELEASE] = "drop-release",
    [DLMS_EXCEPTION_RELEASE] = "exception-release",
    [DLMS_MALFORMED_RELEASE] = "malformed-release",
    [DLMS_PUBLIC_HIGH] = "public-high",
    [DLMS_PUBLIC_LOW] = "public-low",
    [DLMS_PUBLIC_DROP] = "public-drop",
};

const char *dlms_fault_name(enum dlms_fault fault)
{
    return fault_names[fault];
}

enum dlms_fault dlms_fault_of(const char *name)
{
    int fault = 0;
    while (fault < DLMS_FAULTS && strcmp(fault_names[fault], name) != 0)
        fault++;
    return (enum dlms_fault)fault;
}

bool dlms_strikes(struct dlms_server *server, enum dlms_fault fault)
{
    int *count = &server->faults[fault];
    if (*count && server->spared > 0) {
        server->spared--;
        return false;
    }
    if (*count > 0)
        return (*count)--;
    return *count == DLMS_EVER;
}

static bool strikes(struct dlms_link *link, enum dlms_fault fault)
{
    return dlms_strikes(link->server, fault);
}

static void hang_up(struct dlms_link *link)
{
    link->closes = true;
}

// ---- Out

static void append_frame(struct dlms_link *link, const uint8_t *apdu, size_t len)
{
    uint16_t source = strikes(link, DLMS_OTHER_PORT) ? DLMS_SERVER_SAP + 1 : DLMS_SERVER_SAP;
    uint16_t said = strikes(link, DLMS_LONG) ? 0xffff : (uint16_t)len;
    struct cursor out = cursor_writer(link->out + link->out_len, sizeof link->out - link->out_len);
    uint8_t header[DLMS_WRAPPER_LEN];
    dlms_wrapper_write(&(struct dlms_wrapper){source, link->client_sap, said}, header);
    cursor_put(&out, header, sizeof header);
    cursor_put(&out, apdu, len);
    assert(!out.err);
    link->out_len = (size_t)(out.at - link->out);
}

static void send_apdu(struct dlms_link *link, const uint8_t *apdu, size_t len)
{
    static const uint8_t noise[] = "\x7e\xa0\x1c\x21\x02\x03\x73 NO CARRIER\r\n";
    if (strikes(link, DLMS_NOISE)) {
        memcpy(link->out, noise, sizeof noise);
        link->out_len = sizeof noise;
        return;
    }
    append_frame(link, apdu, len);
    link->floods = strikes(link, DLMS_FLOOD);
    if (strikes(link, DLMS_GARBLED))
        link->out[link->out_len - 1] ^= 1;
    if (strikes(link, DLMS_HALF))
        link->out_len -= len / 2;
    else if (strikes(link, DLMS_TWICE))
        append_frame(link, apdu, len);
}

static uint32_t own_counter(struct dlms_link *link)
{
    if (strikes(link, DLMS_REPEATED_COUNTER))
        return link->server->counter - 1;
    return link->server->counter++;
}

static void put_sealed(struct dlms_link *link, const struct xdlms *pdu, uint32_t counter,
                       const uint8_t title[static CIPHER_TITLE_LEN], struct cursor *out)
{
    uint8_t plain[DLMS_APDU_MAX];
    struct cursor in = cursor_writer(plain, sizeof plain);
    xdlms_put(&in, pdu);
    assert(!in.err);
    uint8_t control = CIPHER_BOTH;
    if (link->state == DLMS_ASSOCIATED && strikes(link, DLMS_AUTHENTICATED_ONLY))
        control = CIPHER_AUTHENTICATED;
    cipher_seal(link->server->cipher, &link->server->keys, title, control, counter,
                (struct octets){plain, (size_t)(in.at - plain)}, out);
}

static void answer_with(struct dlms_link *link, struct xdlms *pdu, uint32_t counter)
{
    uint8_t apdu[DLMS_APDU_MAX];
    struct cursor out = cursor_writer(apdu, sizeof apdu);
    if (strikes(link, DLMS_OTHER_INVOKE))
        pdu->invoke ^= 1;
    if (link->state == DLMS_PUBLIC || (link->state == DLMS_ASSOCIATED && strikes(link, DLMS_PLAIN)))
        xdlms_put(&out, pdu);
    else
        put_sealed(link, pdu, counter, link->server->title, &out);
    send_apdu(link, apdu, (size_t)(out.at - apdu));
}

static void answer(struct dlms_link *link, struct xdlms *pdu)
{
    answer_with(link, pdu, link->state == DLMS_PUBLIC ? 0 : own_counter(link));
}

static void except(struct dlms_link *link, uint8_t error, uint32_t counter)
{
    uint8_t apdu[8];
    struct cursor out = cursor_writer(apdu, sizeof apdu);
    xdlms_put(&out, &(struct xdlms){
                        .kind = XDLMS_EXCEPTION,
                        .state = XDLMS_STATE_NOT_ALLOWED,
                        .error = error,
                        .counter = counter,
                    });
    send_apdu(link, apdu, (size_t)(out.at - apdu));
}

// ---- Counters

// Note an authentic counter of a frame. False: by the rule it must not be obeyed.
static bool take_counter(struct dlms_link *link, uint32_t counter)
{
    struct dlms_server *server = link->server;
    bool first = link->state == DLMS_IDLE;
    bool higher = !server->has_seen || counter > server->seen;
    bool fine = server->rule == DLMS_HIGHER ? higher : first || counter == link->last_counter + 1;
    if (server->saw)
        server->saw(server->arg, counter);
    link->before_counter = server->seen;
    link->had_counter = server->has_seen;
    link->last_counter = counter;
    if (higher && fine) {
        server->seen = counter;
        server->has_seen = true;
    }
    return fine;
}

// That of pass 3, in the frame that was just taken.
static bool take_token_counter(struct dlms_link *link, uint32_t counter)
{
    struct dlms_server *server = link->server;
    if (server->saw)
        server->saw(server->arg, counter);
    if (counter == link->last_counter)
        return false;
    return server->rule == DLMS_EXACTLY_NEXT
           || (counter < link->last_counter
               && (!link->had_counter || counter > link->before_counter));
}

// ---- Associate

static void put_grant(struct dlms_link *link, uint32_t conformance, struct xdlms *grant)
{
    *grant = (struct xdlms){
        .kind = XDLMS_INITIATE_RESPONSE,
        .quality = XDLMS_NO_QUALITY,
        .conformance = conformance & link->server->conformance,
        .max_pdu = link->server->max_pdu,
    };
}

static void send_aare(struct dlms_link *link, const struct acse_aare *aare)
{
    uint8_t apdu[DLMS_APDU_MAX];
    struct cursor out = cursor_writer(apdu, sizeof apdu);
    acse_put_aare(&out, aare);
    send_apdu(link, apdu, (size_t)(out.at - apdu));
}

static void reject(struct dlms_link *link, uint8_t context, uint8_t result, uint8_t diagnostic)
{
    send_aare(link, &(struct acse_aare){
                        .context = context,
                        .result = result,
                        .source = ACSE_USER,
                        .diagnostic = diagnostic,
                    });
    link->state = DLMS_IDLE;
}

static void on_public_aarq(struct dlms_link *link, const struct acse_aarq *aarq)
{
    struct xdlms request, grant;
    if (strikes(link, DLMS_PUBLIC_DROP)) {
        hang_up(link);
        return;
    }
    if (aarq->context != ACSE_LN || aarq->mechanism != ACSE_LOWEST
        || xdlms_read(aarq->user_information, &request) || request.kind != XDLMS_INITIATE_REQUEST) {
        reject(link, ACSE_LN, ACSE_REJECTED_PERMANENT, ACSE_CONTEXT_NOT_SUPPORTED);
        return;
    }
    uint8_t plain[32];
    struct cursor out = cursor_writer(plain, sizeof plain);
    put_grant(link, request.conformance & XDLMS_CAN_GET, &grant);
    xdlms_put(&out, &grant);
    link->state = DLMS_PUBLIC;
    send_aare(link, &(struct acse_aare){
                        .context = ACSE_LN,
                        .source = ACSE_USER,
                        .user_information = {plain, (size_t)(out.at - plain)},
                    });
}

static void on_stale(struct dlms_link *link)
{
    switch (link->server->stale) {
    case DLMS_STALE_CLOSE:
        hang_up(link);
        break;
    case DLMS_STALE_REJECT:
        reject(link, ACSE_LN_CIPHERED, ACSE_REJECTED_PERMANENT, ACSE_NO_REASON);
        break;
    case DLMS_STALE_EXCEPTION:
        except(link, XDLMS_EXCEPTION_COUNTER, link->server->seen + 1);
    }
}

// The InitiateRequest, or why not.
static bool open_initiate(struct dlms_link *link, struct octets sealed, struct xdlms *request)
{
    uint8_t plain[DLMS_APDU_MAX];
    struct cipher_opened opened;
    const struct dlms_server *server = link->server;
    if (cipher_open(server->cipher, &server->keys, link->client_title, sealed, plain, sizeof plain,
                    &opened)
        || opened.control != CIPHER_BOTH) {
        reject(link, ACSE_LN_CIPHERED, ACSE_REJECTED_PERMANENT, ACSE_AUTHENTICATION_FAILURE);
        return false;
    }
    if (!take_counter(link, opened.counter)) {
        on_stale(link);
        return false;
    }
    if (xdlms_read((struct octets){plain, opened.len}, request)
        || request->kind != XDLMS_INITIATE_REQUEST || request->dedicated_key.len) {
        reject(link, ACSE_LN_CIPHERED, ACSE_REJECTED_PERMANENT, ACSE_NO_REASON);
        return false;
    }
    return true;
}

static void accept(struct dlms_link *link, const struct xdlms *request)
{
    struct dlms_server *server = link->server;
    struct xdlms grant;
    uint8_t sealed[64], title[CIPHER_TITLE_LEN];
    struct cursor out = cursor_writer(sealed, sizeof sealed);
    memcpy(title, server->title, sizeof title);
    if (strikes(link, DLMS_OTHER_TITLE))
        title[7] ^= 1;
    if (strikes(link, DLMS_MIRROR_TITLE))
        memcpy(title, link->client_title, sizeof title);
    link->challenge_len = strikes(link, DLMS_SHORT_CHALLENGE) ? 4 : 16;
    server->random(server->arg, link->challenge, link->challenge_len);
    put_grant(link, request->conformance, &grant);
    put_sealed(link, &grant, own_counter(link), title, &out);
    link->client_pdu = request->max_pdu;
    link->state = DLMS_PROVING;
    send_aare(link, &(struct acse_aare){
                        .context = ACSE_LN_CIPHERED,
                        .source = ACSE_USER,
                        .diagnostic = ACSE_AUTHENTICATION_REQUIRED,
                        .mechanism = ACSE_HLS_GMAC,
                        .title = {title, sizeof title},
                        .challenge = {link->challenge, link->challenge_len},
                        .user_information = {sealed, (size_t)(out.at - sealed)},
                    });
}

static void on_aarq(struct dlms_link *link, struct octets apdu)
{
    struct acse_aarq aarq;
    struct xdlms request;
    if (acse_read_aarq(apdu, &aarq) || link->state != DLMS_IDLE) {
        hang_up(link);
        return;
    }
    if (link->client_sap == DLMS_PUBLIC_SAP) {
        on_public_aarq(link, &aarq);
        return;
    }
    if (aarq.context != ACSE_LN_CIPHERED || aarq.mechanism != ACSE_HLS_GMAC || !aarq.title.len
        || aarq.challenge.len < ACSE_CHALLENGE_MIN) {
        reject(link, ACSE_LN_CIPHERED, ACSE_REJECTED_PERMANENT, ACSE_MECHANISM_NOT_RECOGNISED);
        return;
    }
    memcpy(link->client_title, aarq.title.at, CIPHER_TITLE_LEN);
    memcpy(link->client_challenge, aarq.challenge.at, aarq.challenge.len);
    link->client_challenge_len = aarq.challenge.len;
    if (!open_initiate(link, aarq.user_information, &request) || strikes(link, DLMS_SILENT_AARQ))
        return;
    if (strikes(link, DLMS_DROP_AARQ))
        hang_up(link);
    else if (strikes(link, DLMS_REJECT))
        reject(link, ACSE_LN_CIPHERED, ACSE_REJECTED_TRANSIENT, ACSE_NO_REASON);
    else
        accept(link, &request);
}

static void on_release(struct dlms_link *link, struct octets apdu)
{
    struct acse_release rlrq, rlre = {.reason = 0};
    uint8_t sealed[64], out_apdu[96];
    struct cursor in = cursor_writer(sealed, sizeof sealed),
                  out = cursor_writer(out_apdu, sizeof out_apdu);
    bool fine = !acse_read_rlrq(apdu, &rlrq);
    if (!fine || strikes(link, DLMS_DROP_RELEASE)) {
        hang_up(link);
        return;
    }
    if (strikes(link, DLMS_SILENT_RELEASE))
        return;
    if (strikes(link, DLMS_EXCEPTION_RELEASE)) {
        except(link, XDLMS_EXCEPTION_NOT_SUPPORTED, 0);
        return;
    }
    if (rlrq.user_information.len && link->state == DLMS_ASSOCIATED) {
        uint8_t plain[DLMS_APDU_MAX];
        struct cipher_opened opened;
        struct xdlms grant;
        if (cipher_open(link->server->cipher, &link->server->keys, link->client_title,
                        rlrq.user_information, plain, sizeof plain, &opened)
            || !take_counter(link, opened.counter)) {
            hang_up(link);
            return;
        }
        put_grant(link, 0, &grant);
        put_sealed(link, &grant, own_counter(link), link->server->title, &in);
        rlre.user_information = (struct octets){sealed, (size_t)(in.at - sealed)};
    }
    acse_put_rlre(&out, &rlre);
    if (strikes(link, DLMS_MALFORMED_RELEASE))
        out_apdu[1] = (uint8_t)(out_apdu[1] - 4); // as one implementation counts
    send_apdu(link, out_apdu, (size_t)(out.at - out_apdu));
    link->state = DLMS_IDLE;
}

// ---- Services

static void on_proof(struct dlms_link *link, const struct xdlms *request)
{
    struct dlms_server *server = link->server;
    struct octets token;
    uint8_t proof[CIPHER_TOKEN_LEN], data[CIPHER_TOKEN_LEN + 2];
    struct xdlms reply = {.kind = XDLMS_ACTION_RESPONSE, .invoke = request->invoke};
    if (strikes(link, DLMS_DROP_PROOF)) {
        hang_up(link);
        return;
    }
    bool proven =
        xdlms_is_target(&request->target, &reply_to_hls) && request->payload == XDLMS_DATA
        && !xdlms_read_string(request->data, &token) && token.len == CIPHER_TOKEN_LEN
        && token.at[0] == CIPHER_AUTHENTICATED
        && !cipher_check_token(server->cipher, &server->keys, link->client_title,
                               (struct octets){link->challenge, link->challenge_len}, token);
    if (proven) {
        struct cursor in = cursor_reader(token.at + 1, 4);
        proven = take_token_counter(link, cursor_get_u32(&in));
    }
    if (!proven || strikes(link, DLMS_REFUSE_PROOF)) {
        reply.result = XDLMS_OTHER_REASON;
        answer(link, &reply);
        link->state = DLMS_IDLE;
        return;
    }
    uint32_t counter = own_counter(link);
    uint32_t frame = strikes(link, DLMS_SHARED_COUNTER) ? counter : own_counter(link);
    const struct octets challenge = {link->client_challenge, link->client_challenge_len};
    cipher_put_token(server->cipher, &server->keys, server->title,
                     strikes(link, DLMS_TOKEN_BOTH) ? CIPHER_BOTH : CIPHER_AUTHENTICATED, counter,
                     challenge, proof);
    if (strikes(link, DLMS_WRONG_PROOF))
        proof[CIPHER_TOKEN_LEN - 1] ^= 1;
    struct cursor out = cursor_writer(data, sizeof data);
    xdlms_put_string(&out, (struct octets){proof, sizeof proof});
    reply.payload = XDLMS_DATA;
    reply.data = (struct octets){data, sizeof data};
    answer_with(link, &reply, frame);
    link->state = DLMS_ASSOCIATED;
}

// Take the whole value; the result that the client is told.
static uint8_t store(struct dlms_link *link, struct octets value)
{
    struct octets text;
    if (strikes(link, DLMS_REFUSE_SET))
        return link->server->set_result;
    if (!value.len || value.at[0] != XDLMS_OCTET_STRING || xdlms_read_string(value, &text))
        return XDLMS_TYPE_UNMATCHED;
    if (text.len > DLMS_TEXT_MAX)
        return XDLMS_OTHER_REASON;
    char copy[DLMS_TEXT_MAX + 1] = {0};
    if (text.len)
        memcpy(copy, text.at, text.len);
    return link->server->store(link->server->arg, copy, text.len) ? XDLMS_TEMPORARY_FAILURE
                                                                  : XDLMS_SUCCESS;
}

static uint8_t may_write(const struct dlms_link *link, const struct xdlms *request)
{
    if (!xdlms_is_target(&request->target, &text_object))
        return xdlms_is_target(&request->target, &counter_object) ? XDLMS_READ_WRITE_DENIED
                                                                  : XDLMS_OBJECT_UNDEFINED;
    return link->state == DLMS_ASSOCIATED ? XDLMS_SUCCESS : XDLMS_READ_WRITE_DENIED;
}

// Carried out; but does the client hear of it?
static void answer_set(struct dlms_link *link, struct xdlms *reply)
{
    if (strikes(link, DLMS_DROP_SET_ANSWER))
        hang_up(link);
    else if (!strikes(link, DLMS_SILENT_SET))
        answer(link, reply);
}

static void on_set(struct dlms_link *link, const struct xdlms *request)
{
    struct xdlms reply = {.kind = XDLMS_SET_RESPONSE, .invoke = request->invoke};
    reply.result = may_write(link, request);
    if (reply.result == XDLMS_SUCCESS)
        reply.result = store(link, request->data);
    answer_set(link, &reply);
}

static void on_set_block(struct dlms_link *link, const struct xdlms *request)
{
    bool first = request->kind == XDLMS_SET_FIRST;
    struct xdlms reply = {
        .kind = XDLMS_SET_LAST_TAKEN, .invoke = request->invoke, .block = request->block};
    if (first) {
        reply.result = may_write(link, request);
        link->writes = !reply.result;
        link->value_len = 0;
        link->block = 0;
    } else if (!link->writes) {
        reply.result = XDLMS_NO_LONG_SET;
    }
    if (!reply.result && request->block != link->block + 1)
        reply.result = XDLMS_BLOCK_NUMBER_INVALID;
    if (!reply.result && request->data.len > sizeof link->value - link->value_len)
        reply.result = XDLMS_LONG_SET_ABORTED;
    if (reply.result) {
        link->writes = false;
        answer(link, &reply);
        return;
    }
    if (request->data.len)
        memcpy(link->value + link->value_len, request->data.at, request->data.len);
    link->value_len += request->data.len;
    link->block = request->block;
    if (strikes(link, DLMS_WRONG_BLOCK))
        reply.block++;
    if (!request->last) {
        reply.kind = XDLMS_SET_BLOCK_TAKEN;
        answer(link, &reply);
        return;
    }
    link->writes = false;
    reply.result = store(link, (struct octets){link->value, link->value_len});
    answer_set(link, &reply);
}

static size_t client_room(const struct dlms_link *link)
{
    size_t room = link->server->max_pdu ? link->server->max_pdu : DLMS_APDU_MAX;
    if (link->client_pdu && link->client_pdu < room)
        room = link->client_pdu;
    return room;
}

static void send_block(struct dlms_link *link, uint8_t invoke)
{
    size_t left = link->value_len - link->value_sent, room = client_room(link), len = left;
    while (len && cipher_sealed_len(9 + tlv_len_size(len) + len) > room)
        len--;
    link->block += strikes(link, DLMS_LOST_BLOCK) ? 2 : 1;
    struct xdlms reply = {
        .kind = XDLMS_GET_BLOCK,
        .invoke = invoke,
        .last = len == left,
        .block = link->block,
        .payload = XDLMS_DATA,
        .data = {link->value + link->value_sent, len},
    };
    link->value_sent += len;
    link->reads = !reply.last;
    answer(link, &reply);
}

static void get_text(struct dlms_link *link, struct xdlms *reply)
{
    size_t len;
    const char *text = link->server->hold(link->server->arg, &len);
    struct cursor out = cursor_writer(link->value, sizeof link->value);
    xdlms_put_string(&out, (struct octets){(const uint8_t *)text, len});
    assert(!out.err);
    link->value_len = (size_t)(out.at - link->value);
    link->value_sent = 0;
    link->block = 0;
    if (cipher_sealed_len(4 + link->value_len) > client_room(link)) {
        send_block(link, reply->invoke);
        return;
    }
    reply->payload = XDLMS_DATA;
    reply->data = (struct octets){link->value, link->value_len};
    answer(link, reply);
}

static void get_counter(struct dlms_link *link, struct xdlms *reply)
{
    uint8_t data[5];
    struct cursor out = cursor_writer(data, sizeof data);
    uint32_t counter = link->server->seen;
    if (strikes(link, DLMS_PUBLIC_HIGH))
        counter = UINT32_MAX - 16;
    if (strikes(link, DLMS_PUBLIC_LOW))
        counter = 0;
    xdlms_put_u32(&out, counter);
    reply->payload = XDLMS_DATA;
    reply->data = (struct octets){data, sizeof data};
    answer(link, reply);
}

static void on_get(struct dlms_link *link, const struct xdlms *request)
{
    struct xdlms reply = {
        .kind = XDLMS_GET_RESPONSE, .invoke = request->invoke, .payload = XDLMS_ACCESS};
    if (xdlms_is_target(&request->target, &counter_object)) {
        get_counter(link, &reply);
        return;
    }
    if (!xdlms_is_target(&request->target, &text_object))
        reply.access = XDLMS_OBJECT_UNDEFINED;
    else if (link->state != DLMS_ASSOCIATED || strikes(link, DLMS_REFUSE_GET))
        reply.access = XDLMS_READ_WRITE_DENIED;
    if (reply.access)
        answer(link, &reply);
    else
        get_text(link, &reply);
}

static void on_get_next(struct dlms_link *link, const struct xdlms *request)
{
    struct xdlms reply = {.kind = XDLMS_GET_BLOCK,
                          .invoke = request->invoke,
                          .last = true,
                          .block = request->block,
                          .payload = XDLMS_ACCESS};
    if (link->reads && request->block == link->block) {
        send_block(link, request->invoke);
        return;
    }
    reply.access = link->reads ? XDLMS_BLOCK_NUMBER_INVALID : XDLMS_NO_LONG_GET;
    link->reads = false;
    answer(link, &reply);
}

static bool is_set(enum xdlms_kind kind)
{
    return kind == XDLMS_SET_REQUEST || kind == XDLMS_SET_FIRST || kind == XDLMS_SET_NEXT;
}

static void on_request(struct dlms_link *link, const struct xdlms *request)
{
    bool get = request->kind == XDLMS_GET_REQUEST || request->kind == XDLMS_GET_NEXT;
    if ((get && strikes(link, DLMS_DROP_GET))
        || (is_set(request->kind) && strikes(link, DLMS_DROP_SET)))
        hang_up(link);
    else if (is_set(request->kind) && strikes(link, DLMS_EXCEPTION_SET))
        except(link, XDLMS_EXCEPTION_NOT_POSSIBLE, 0);
    else if (request->kind == XDLMS_GET_REQUEST)
        on_get(link, request);
    else if (request->kind == XDLMS_GET_NEXT)
        on_get_next(link, request);
    else if (request->kind == XDLMS_SET_REQUEST)
        on_set(link, request);
    else if (is_set(request->kind))
        on_set_block(link, request);
    else
        except(link, XDLMS_EXCEPTION_NOT_SUPPORTED, 0);
}

static void on_service(struct dlms_link *link, struct octets apdu)
{
    uint8_t plain[DLMS_APDU_MAX];
    struct cipher_opened opened;
    struct xdlms request;
    const struct dlms_server *server = link->server;
    if (link->state == DLMS_PUBLIC) {
        if (xdlms_read(apdu, &request) || request.kind != XDLMS_GET_REQUEST)
            except(link, XDLMS_EXCEPTION_NOT_SUPPORTED, 0);
        else
            on_get(link, &request);
        return;
    }
    if (link->state == DLMS_IDLE || cipher_kind(apdu.at[0]) != CIPHER_GLOBAL) {
        except(link, XDLMS_EXCEPTION_NOT_POSSIBLE, 0);
        return;
    }
    if (cipher_open(server->cipher, &server->keys, link->client_title, apdu, plain, sizeof plain,
                    &opened)
        || opened.control != CIPHER_BOTH) {
        except(link, XDLMS_EXCEPTION_DECIPHERING, 0);
        return;
    }
    if (!take_counter(link, opened.counter)) {
        hang_up(link);
        return;
    }
    if (xdlms_read((struct octets){plain, opened.len}, &request))
        except(link, XDLMS_EXCEPTION_OTHER, 0);
    else if (link->state == DLMS_PROVING && request.kind == XDLMS_ACTION_REQUEST)
        on_proof(link, &request);
    else if (link->state == DLMS_PROVING)
        except(link, XDLMS_EXCEPTION_NOT_POSSIBLE, 0);
    else
        on_request(link, &request);
}

static void on_apdu(struct dlms_link *link, const struct dlms_wrapper *wrapper, struct octets apdu)
{
    size_t most = link->server->max_pdu ? link->server->max_pdu : DLMS_APDU_MAX;
    bool known = wrapper->destination == DLMS_SERVER_SAP
                 && (wrapper->source == DLMS_PUBLIC_SAP || wrapper->source == DLMS_MANAGEMENT_SAP);
    if (!known)
        return; // silence
    if (link->state != DLMS_IDLE && wrapper->source != link->client_sap) {
        hang_up(link);
        return;
    }
    link->client_sap = wrapper->source;
    if (apdu.at[0] == ACSE_AARQ)
        on_aarq(link, apdu);
    else if (apdu.at[0] == ACSE_RLRQ)
        on_release(link, apdu);
    else if (apdu.len > most)
        except(link, XDLMS_EXCEPTION_TOO_LONG, 0);
    else
        on_service(link, apdu);
}

void dlms_link_open(struct dlms_link *link, struct dlms_server *server)
{
    *link = (struct dlms_link){.server = server, .state = DLMS_IDLE};
}

void dlms_link_receive(struct dlms_link *link, const void *octets, size_t len)
{
    link->out_len = 0;
    if (link->closes || strikes(link, DLMS_DEAD))
        return;
    if (len > sizeof link->in - link->in_len) {
        hang_up(link);
        return;
    }
    memcpy(link->in + link->in_len, octets, len);
    link->in_len += len;
    struct dlms_wrapper wrapper;
    struct octets apdu;
    enum err err = dlms_wrapper_read(link->in, link->in_len, DLMS_APDU_MAX, &wrapper, &apdu);
    if (err == ERR_MORE)
        return;
    if (err || DLMS_WRAPPER_LEN + apdu.len != link->in_len) {
        hang_up(link); // requests and answers take turns
        return;
    }
    on_apdu(link, &wrapper, apdu);
    link->in_len = 0;
}
