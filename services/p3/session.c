// SPDX-License-Identifier: Apache-2.0

#include "services/p3/session.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

// What was last asked for.
enum step {
    STEP_BEGIN,
    STEP_CONNECT,
    STEP_ASSOCIATE,
    STEP_PROVE,
    STEP_WRITE,
    STEP_READ,
    STEP_RELEASE,
    STEP_PAUSE_BEFORE, // the public client
    STEP_PUBLIC_CONNECT,
    STEP_PUBLIC_ASSOCIATE,
    STEP_PUBLIC_READ,
    STEP_PUBLIC_RELEASE,
    STEP_PAUSE_AFTER,
    STEP_END,
};

static const struct xdlms_target text_object = {1, {0, 0, 96, 13, 0, 255}, 2};
static const struct xdlms_target counter_object = {1, {0, 0, 43, 1, 0, 255}, 2};
static const struct xdlms_target prove_method = {15, {0, 0, 40, 0, 0, 255}, 1};

enum {
    OURS =
        XDLMS_CAN_GET_BLOCKS | XDLMS_CAN_SET_BLOCKS | XDLMS_CAN_GET | XDLMS_CAN_SET | XDLMS_CAN_ACT,
    PLAIN_MAX = SESSION_SENT_MAX, // of an APDU before it is protected
    HEAD_MAX = 4,                 // tag and length of the value
};

static const char *fault_of_text(const char *text, size_t len)
{
    if (len > SESSION_TEXT_MAX)
        return "too-long";
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return "not-printable";
    return NULL;
}

static void end(struct session *session)
{
    session->step = STEP_END;
    session->want = SESSION_WANTS_NOTHING;
    session->wait_ms = 0;
    session->result.next_counter = session->counters.next;
    memory_wipe(&session->job.keys, sizeof session->job.keys);
    memory_wipe(session->challenge, sizeof session->challenge);
    memory_wipe(session->held, sizeof session->held);
    memory_wipe(session->in, sizeof session->in);
    session->in_len = 0;
}

// With that result, and without a goodbye.
static void end_as(struct session *session, enum session_status status, const char *cause)
{
    session->result.status = status;
    session->result.cause = cause;
    end(session);
}

// Something went wrong on the way. What the meter has confirmed stays written.
static void fail(struct session *session, const char *cause)
{
    switch (session->step) {
    case STEP_RELEASE:
        session->result.release = cause;
        end(session); // the result stands
        break;
    case STEP_READ:
        end_as(session, SESSION_WRITTEN, cause);
        break;
    case STEP_PUBLIC_CONNECT:
    case STEP_PUBLIC_ASSOCIATE:
    case STEP_PUBLIC_READ:
        end_as(session, SESSION_RETRY, session->suspicion);
        break;
    default:
        end_as(session, SESSION_RETRY, cause);
    }
}

static void want(struct session *session, enum step step, enum session_want what, int64_t wait_ms)
{
    session->step = (int)step;
    session->want = what;
    session->wait_ms = wait_ms;
    session->in_len = 0;
}

// Send the APDU that stands behind the room for the wrapper, up to where out is; and await.
static void send_frame(struct session *session, const struct cursor *out, uint16_t client_sap,
                       enum step step, int64_t wait_ms)
{
    assert(!out->err);
    size_t len = (size_t)(out->at - session->out);
    dlms_wrapper_write(&(struct dlms_wrapper){client_sap, session->job.type->server_sap,
                                              (uint16_t)(len - DLMS_WRAPPER_LEN)},
                       session->out);
    session->out_len = len;
    session->result.octets_sent += len;
    session->result.round_trips++;
    want(session, step, SESSION_WANTS_ANSWER, wait_ms);
}

static struct cursor behind_wrapper(struct session *session)
{
    return cursor_writer(session->out + DLMS_WRAPPER_LEN, sizeof session->out - DLMS_WRAPPER_LEN);
}

static bool take_counter(struct session *session, uint32_t *counter)
{
    if (!session->counters.count)
        return false;
    *counter = session->counters.next++;
    session->counters.count--;
    return true;
}

// Protect an APDU into out. False: no counter left.
static bool protect(struct session *session, const struct cursor *plain, const uint8_t *start,
                    struct cursor *out)
{
    assert(!plain->err);
    uint32_t counter;
    if (!take_counter(session, &counter))
        return false;
    cipher_seal(session->job.cipher, &session->job.keys, session->job.client_title, CIPHER_BOTH,
                counter, (struct octets){start, (size_t)(plain->at - start)}, out);
    return true;
}

static void put_initiate(const struct session *session, uint32_t conformance, struct cursor *out)
{
    xdlms_put(out, &(struct xdlms){
                       .kind = XDLMS_INITIATE_REQUEST,
                       .response_allowed = true,
                       .quality = XDLMS_NO_QUALITY,
                       .conformance = conformance,
                       .max_pdu = (uint16_t)session->job.type->receive_pdu,
                   });
}

// The protected InitiateRequest, which both AARQ and RLRQ carry.
static bool put_protected_initiate(struct session *session, struct cursor *out)
{
    uint8_t plain[32];
    struct cursor in = cursor_writer(plain, sizeof plain);
    put_initiate(session, OURS, &in);
    return protect(session, &in, plain, out);
}

// Protect and send a request of the management client.
static void ask(struct session *session, const struct xdlms *request, enum step step)
{
    uint8_t plain[PLAIN_MAX];
    struct cursor in = cursor_writer(plain, sizeof plain), out = behind_wrapper(session);
    xdlms_put(&in, request);
    if (protect(session, &in, plain, &out))
        send_frame(session, &out, session->job.type->client_sap, step,
                   session->job.type->answer_ms);
    else
        fail(session, "counters-used-up");
}

static void associate(struct session *session)
{
    const struct meter_type *type = session->job.type;
    uint8_t initiate[64];
    struct cursor in = cursor_writer(initiate, sizeof initiate), out = behind_wrapper(session);
    session->first_counter = session->counters.next;
    if (!put_protected_initiate(session, &in)) {
        fail(session, "counters-used-up");
        return;
    }
    acse_put_aarq(&out, &(struct acse_aarq){
                            .context = ACSE_LN_CIPHERED,
                            .mechanism = ACSE_HLS_GMAC,
                            .title = {session->job.client_title, CIPHER_TITLE_LEN},
                            .challenge = {session->challenge, (size_t)type->challenge_len},
                            .user_information = {initiate, (size_t)(in.at - initiate)},
                        });
    send_frame(session, &out, type->client_sap, STEP_ASSOCIATE, type->answer_ms);
}

// Say goodbye, where that is wanted; the result is there already.
static void release(struct session *session)
{
    const struct meter_type *type = session->job.type;
    uint8_t initiate[64];
    struct cursor in = cursor_writer(initiate, sizeof initiate), out = behind_wrapper(session);
    struct acse_release rlrq = {.reason = 0};
    if (!type->releases || (type->protects_release && !put_protected_initiate(session, &in))) {
        end(session);
        return;
    }
    rlrq.user_information = (struct octets){initiate, (size_t)(in.at - initiate)};
    acse_put_rlrq(&out, &rlrq);
    send_frame(session, &out, type->client_sap, STEP_RELEASE, type->release_ms);
}

// The association stands, and this is the result.
static void conclude(struct session *session, enum session_status status, const char *cause)
{
    session->result.status = status;
    session->result.cause = cause;
    release(session);
}

// ---- What comes in

// Open a protected APDU that must be fresh. False: the session has failed.
static bool open_fresh(struct session *session, struct octets apdu, uint8_t *plain, size_t room,
                       struct octets *opened)
{
    struct cipher_opened found;
    bool global = apdu.len && cipher_kind(apdu.at[0]) == CIPHER_GLOBAL;
    enum err err = global ? cipher_open(session->job.cipher, &session->job.keys,
                                        session->result.meter_title, apdu, plain, room, &found)
                          : ERR_SYNTAX;
    bool fresh = !err && found.control == CIPHER_BOTH
                 && found.counter > session->result.meter_counter
                 && found.counter >= session->job.least_meter_counter;
    if (!fresh) {
        fail(session, err && err != ERR_CHECKSUM ? "bad-answer" : "not-authentic");
        return false;
    }
    session->result.meter_counter = found.counter;
    *opened = (struct octets){plain, found.len};
    return true;
}

// Read the answer to a request; false: the session has failed. It is bound to the request by its
// kind and invoke-id. plain is METER_PDU_MAX octets, and what the answer borrows from.
static bool read_answer(struct session *session, struct octets apdu, uint8_t *plain,
                        struct xdlms *answer)
{
    if (apdu.at[0] == XDLMS_TAG_EXCEPTION || apdu.at[0] == XDLMS_TAG_SERVICE_ERROR) {
        fail(session, xdlms_read(apdu, answer) ? "bad-answer" : "exception");
        return false;
    }
    struct octets opened;
    if (!open_fresh(session, apdu, plain, METER_PDU_MAX, &opened))
        return false;
    if (xdlms_read(opened, answer) || (answer->invoke ^ XDLMS_INVOKE) & XDLMS_INVOKE_ID) {
        fail(session, "bad-answer");
        return false;
    }
    return true;
}

// The meter turned away the first protected frame. Was its counter too low?
static void suspect_counter(struct session *session, const char *cause)
{
    if (!session->job.type->resynchronises || session->suspects_counter) {
        fail(session, cause);
        return;
    }
    session->suspects_counter = true;
    session->suspicion = cause;
    want(session, STEP_PAUSE_BEFORE, SESSION_WANTS_PAUSE, session->job.type->pause_ms);
}

static void on_exception_to_aarq(struct session *session, struct octets apdu)
{
    struct xdlms answer;
    if (xdlms_read(apdu, &answer))
        fail(session, "bad-answer");
    else if (answer.kind == XDLMS_EXCEPTION && answer.error == XDLMS_EXCEPTION_COUNTER)
        suspect_counter(session, "stale-counter");
    else if (answer.kind == XDLMS_EXCEPTION && answer.error == XDLMS_EXCEPTION_DECIPHERING)
        suspect_counter(session, "auth-failed");
    else
        fail(session, "exception");
}

static void on_rejected(struct session *session, const struct acse_aare *aare)
{
    session->result.diagnostic = aare->diagnostic;
    bool failed = aare->source == ACSE_USER && aare->diagnostic == ACSE_AUTHENTICATION_FAILURE;
    const char *cause = failed ? "auth-failed" : "rejected";
    if (aare->result == ACSE_REJECTED_PERMANENT)
        suspect_counter(session, cause);
    else
        fail(session, cause);
}

// Whose frames are to be believed. Our own title is nobody else's: under it, what we said could be
// said back to us.
static bool take_title(struct session *session, struct octets title)
{
    const struct session_job *job = &session->job;
    if (title.len != CIPHER_TITLE_LEN) {
        fail(session, "bad-answer");
        return false;
    }
    if (!memcmp(title.at, job->client_title, CIPHER_TITLE_LEN)
        || (job->knows_meter_title && memcmp(title.at, job->meter_title, CIPHER_TITLE_LEN) != 0)) {
        fail(session, "title-differs");
        return false;
    }
    memcpy(session->result.meter_title, title.at, CIPHER_TITLE_LEN);
    return true;
}

// Pass 3: prove to the meter that we have the keys.
static void prove(struct session *session)
{
    const struct meter_type *type = session->job.type;
    uint8_t token[CIPHER_TOKEN_LEN], parameter[CIPHER_TOKEN_LEN + 2];
    uint32_t counter = session->token_counter;
    if (type->token_rule == METER_TOKEN_NEXT && !take_counter(session, &counter)) {
        fail(session, "counters-used-up");
        return;
    }
    cipher_put_token(
        session->job.cipher, &session->job.keys, session->job.client_title, CIPHER_AUTHENTICATED,
        counter, (struct octets){session->meter_challenge, session->meter_challenge_len}, token);
    struct cursor out = cursor_writer(parameter, sizeof parameter);
    xdlms_put_string(&out, (struct octets){token, sizeof token});
    ask(session,
        &(struct xdlms){
            .kind = XDLMS_ACTION_REQUEST,
            .invoke = XDLMS_INVOKE,
            .target = prove_method,
            .payload = XDLMS_DATA,
            .data = {parameter, sizeof parameter},
        },
        STEP_PROVE);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

// What the InitiateResponse grants.
static bool take_grant(struct session *session, struct octets plain)
{
    struct xdlms grant;
    if (xdlms_read(plain, &grant) || grant.kind != XDLMS_INITIATE_RESPONSE) {
        fail(session, "bad-answer");
        return false;
    }
    size_t most = SESSION_SENT_MAX - DLMS_WRAPPER_LEN;
    session->conformance = grant.conformance;
    session->max_pdu = grant.max_pdu ? smaller(grant.max_pdu, most) : most; // 0: no limit
    if (session->job.type->send_pdu)
        session->max_pdu = smaller(session->max_pdu, (size_t)session->job.type->send_pdu);
    return true;
}

static void on_associate(struct session *session, struct octets apdu)
{
    struct acse_aare aare;
    uint8_t plain[METER_PDU_MAX];
    struct octets initiate;
    if (apdu.at[0] == XDLMS_TAG_EXCEPTION || apdu.at[0] == XDLMS_TAG_SERVICE_ERROR) {
        on_exception_to_aarq(session, apdu);
        return;
    }
    if (acse_read_aare(apdu, &aare)) {
        fail(session, "bad-answer");
        return;
    }
    if (aare.result != ACSE_ACCEPTED) {
        on_rejected(session, &aare);
        return;
    }
    if (aare.context != ACSE_LN_CIPHERED || aare.mechanism != ACSE_HLS_GMAC
        || aare.source != ACSE_USER || aare.diagnostic != ACSE_AUTHENTICATION_REQUIRED
        || aare.challenge.len < ACSE_CHALLENGE_MIN) {
        fail(session, "bad-answer");
        return;
    }
    if (!take_title(session, aare.title)
        || !open_fresh(session, aare.user_information, plain, sizeof plain, &initiate)
        || !take_grant(session, initiate))
        return;
    memcpy(session->meter_challenge, aare.challenge.at, aare.challenge.len);
    session->meter_challenge_len = aare.challenge.len;
    prove(session);
}

// ---- Write

// The A-XDR value that is written: tag, length and text. The piece of it from an offset on.
static void put_value(const struct session *session, size_t from, size_t len, uint8_t *to)
{
    uint8_t head[HEAD_MAX];
    struct cursor out = cursor_writer(head, sizeof head);
    cursor_put_u8(&out, XDLMS_OCTET_STRING);
    tlv_put_len(&out, session->job.text_len);
    size_t head_len = (size_t)(out.at - head);
    for (size_t i = from; i < from + len && i < head_len; i++)
        *to++ = head[i];
    size_t done = from < head_len ? smaller(head_len - from, len) : 0;
    if (len > done)
        memcpy(to, session->job.text + (from + done - head_len), len - done);
}

static size_t value_len(const struct session *session)
{
    return 1 + tlv_len_size(session->job.text_len) + session->job.text_len;
}

// How many octets of the value fit into a block, 0 when none does.
static size_t piece_room(const struct session *session, size_t wanted, bool first)
{
    const size_t before = first ? 18 : 8; // up to the length of the piece
    size_t piece = smaller(wanted, session->max_pdu);
    while (piece && cipher_sealed_len(before + tlv_len_size(piece) + piece) > session->max_pdu)
        piece--;
    return piece;
}

// The association stands and nothing of it has been obeyed yet: the way out.
static bool is_recalled(struct session *session)
{
    if (session->recalled)
        conclude(session, SESSION_RETRY, session->recalled);
    return session->recalled;
}

static void write_block(struct session *session)
{
    uint8_t piece[PLAIN_MAX];
    size_t left = value_len(session) - session->value_sent;
    bool first = !session->value_sent;
    size_t len = piece_room(session, left, first);
    if (!len) {
        conclude(session, SESSION_REFUSED, "pdu-too-small");
        return;
    }
    put_value(session, session->value_sent, len, piece);
    session->value_sent += len;
    session->block++;
    session->result.blocks_written++;
    ask(session,
        &(struct xdlms){
            .kind = first ? XDLMS_SET_FIRST : XDLMS_SET_NEXT,
            .invoke = XDLMS_INVOKE,
            .target = text_object,
            .last = len == left,
            .block = session->block,
            .data = {piece, len},
        },
        STEP_WRITE);
}

static void write_whole(struct session *session)
{
    uint8_t value[SESSION_TEXT_MAX + HEAD_MAX];
    put_value(session, 0, value_len(session), value);
    session->value_sent = value_len(session);
    ask(session,
        &(struct xdlms){
            .kind = XDLMS_SET_REQUEST,
            .invoke = XDLMS_INVOKE,
            .target = text_object,
            .data = {value, value_len(session)},
        },
        STEP_WRITE);
}

static void begin_write(struct session *session)
{
    const size_t before = 13; // up to the value
    bool fits = cipher_sealed_len(before + value_len(session)) <= session->max_pdu;
    session->value_sent = 0;
    session->block = 0;
    if (is_recalled(session))
        return;
    if (!(session->conformance & XDLMS_CAN_SET)
        || (!fits && !(session->conformance & XDLMS_CAN_SET_BLOCKS)))
        conclude(session, SESSION_REFUSED, "not-supported");
    else if (session->max_pdu < METER_PDU_MIN)
        conclude(session, SESSION_REFUSED, "pdu-too-small");
    else if (fits)
        write_whole(session);
    else
        write_block(session);
}

// Pass 4: has the meter the keys, and not only what somebody recorded?
static void on_prove(struct session *session, struct octets apdu)
{
    uint8_t plain[METER_PDU_MAX];
    struct xdlms answer;
    struct octets token;
    if (!read_answer(session, apdu, plain, &answer))
        return;
    if (answer.kind != XDLMS_ACTION_RESPONSE) {
        fail(session, "bad-answer");
        return;
    }
    const struct octets challenge = {session->challenge, (size_t)session->job.type->challenge_len};
    if (answer.result != XDLMS_SUCCESS || answer.payload != XDLMS_DATA
        || xdlms_read_string(answer.data, &token)
        || cipher_check_token(session->job.cipher, &session->job.keys, session->result.meter_title,
                              challenge, token)) {
        fail(session, "auth-failed");
        return;
    }
    session->result.learnt_title = true;
    begin_write(session);
}

static const struct {
    uint8_t access;
    enum session_status status;
    const char *cause;
} refusals[] = {
    {XDLMS_HARDWARE_FAULT, SESSION_RETRY, "hardware-fault"},
    {XDLMS_TEMPORARY_FAILURE, SESSION_RETRY, "temporary-failure"},
    {XDLMS_READ_WRITE_DENIED, SESSION_REFUSED, "read-write-denied"},
    {XDLMS_OBJECT_UNDEFINED, SESSION_REFUSED, "object-undefined"},
    {XDLMS_OBJECT_CLASS_INCONSISTENT, SESSION_REFUSED, "object-class-inconsistent"},
    {XDLMS_OBJECT_UNAVAILABLE, SESSION_RETRY, "object-unavailable"},
    {XDLMS_TYPE_UNMATCHED, SESSION_REFUSED, "type-unmatched"},
    {XDLMS_SCOPE_VIOLATED, SESSION_REFUSED, "scope-of-access-violated"},
    {XDLMS_DATA_BLOCK_UNAVAILABLE, SESSION_RETRY, "data-block-unavailable"},
    {XDLMS_LONG_GET_ABORTED, SESSION_RETRY, "long-get-aborted"},
    {XDLMS_NO_LONG_GET, SESSION_RETRY, "no-long-get-in-progress"},
    {XDLMS_LONG_SET_ABORTED, SESSION_RETRY, "long-set-aborted"},
    {XDLMS_NO_LONG_SET, SESSION_RETRY, "no-long-set-in-progress"},
    {XDLMS_BLOCK_NUMBER_INVALID, SESSION_RETRY, "data-block-number-invalid"},
    {XDLMS_OTHER_REASON, SESSION_RETRY, "other-reason"},
    {XDLMS_SUCCESS, SESSION_RETRY, "unknown-result"}, // any other: the last row
};

static size_t refusal_of(uint8_t access)
{
    size_t i = 0;
    while (refusals[i].access != access && refusals[i].access != XDLMS_SUCCESS)
        i++;
    return i;
}

static void begin_read(struct session *session)
{
    session->step = STEP_READ; // from here on the text is written
    session->held_len = 0;
    session->block = 0;
    if (!session->job.type->reads_back)
        conclude(session, SESSION_WRITTEN, "");
    else if (!(session->conformance & XDLMS_CAN_GET))
        conclude(session, SESSION_WRITTEN, "not-supported");
    else
        ask(session,
            &(struct xdlms){
                .kind = XDLMS_GET_REQUEST,
                .invoke = XDLMS_INVOKE,
                .target = text_object,
            },
            STEP_READ);
}

static void on_result(struct session *session, uint8_t access)
{
    session->result.access = access;
    if (access == XDLMS_SUCCESS) {
        begin_read(session);
        return;
    }
    size_t i = refusal_of(access);
    conclude(session, refusals[i].status, refusals[i].cause);
}

static void on_write(struct session *session, struct octets apdu)
{
    uint8_t plain[METER_PDU_MAX];
    struct xdlms answer;
    if (!read_answer(session, apdu, plain, &answer))
        return;
    bool in_blocks = session->block > 0, all_sent = session->value_sent == value_len(session);
    bool is_our_block = answer.block == session->block;
    if (answer.kind == XDLMS_SET_BLOCK_TAKEN && in_blocks && !all_sent && is_our_block) {
        if (!is_recalled(session))
            write_block(session);
    } else if (answer.kind == XDLMS_SET_LAST_TAKEN && in_blocks && is_our_block
               && (all_sent || answer.result != XDLMS_SUCCESS))
        on_result(session, answer.result);
    else if (answer.kind == XDLMS_SET_RESPONSE && (!in_blocks || answer.result != XDLMS_SUCCESS))
        on_result(session, answer.result);
    else
        fail(session, "bad-answer");
}

// ---- Read back

static void compare(struct session *session)
{
    struct octets text;
    if (xdlms_read_string((struct octets){session->held, session->held_len}, &text)) {
        fail(session, "bad-answer");
        return;
    }
    session->result.digest = digest_of(text.at, text.len);
    session->result.has_digest = true;
    bool equal = text.len == session->job.text_len
                 && (!text.len || !memcmp(text.at, session->job.text, text.len));
    if (equal)
        conclude(session, SESSION_VERIFIED, "");
    else
        conclude(session, SESSION_RETRY, "digest-differs");
}

// Keep a piece of what the meter holds. False: it is longer than a text can be.
static bool keep(struct session *session, struct octets piece)
{
    if (piece.len > sizeof session->held - session->held_len) {
        conclude(session, SESSION_RETRY, "digest-differs");
        return false;
    }
    if (piece.len)
        memcpy(session->held + session->held_len, piece.at, piece.len);
    session->held_len += piece.len;
    return true;
}

static void on_block(struct session *session, const struct xdlms *answer)
{
    if (answer->block != session->block + 1 || (!answer->data.len && !answer->last)) {
        fail(session, "bad-answer");
        return;
    }
    session->block = answer->block;
    session->result.blocks_read++;
    if (!keep(session, answer->data))
        return;
    if (answer->last)
        compare(session);
    else
        ask(session,
            &(struct xdlms){
                .kind = XDLMS_GET_NEXT,
                .invoke = XDLMS_INVOKE,
                .block = session->block,
            },
            STEP_READ);
}

static void on_read(struct session *session, struct octets apdu)
{
    uint8_t plain[METER_PDU_MAX];
    struct xdlms answer;
    if (!read_answer(session, apdu, plain, &answer))
        return;
    bool whole = answer.kind == XDLMS_GET_RESPONSE && !session->block;
    if (!whole && answer.kind != XDLMS_GET_BLOCK)
        fail(session, "bad-answer");
    else if (answer.payload == XDLMS_ACCESS)
        conclude(session, SESSION_WRITTEN, refusals[refusal_of(answer.access)].cause);
    else if (!whole)
        on_block(session, &answer);
    else if (keep(session, answer.data))
        compare(session);
}

// What the RLRE carries, when it is protected.
static const char *judge_release(struct session *session, struct octets sealed)
{
    uint8_t plain[METER_PDU_MAX];
    struct cipher_opened opened;
    struct xdlms grant;
    bool expected = session->job.type->protects_release;
    if (!sealed.len)
        return expected ? "unprotected" : "confirmed";
    if (cipher_kind(sealed.at[0]) != CIPHER_GLOBAL)
        return "unprotected";
    if (cipher_open(session->job.cipher, &session->job.keys, session->result.meter_title, sealed,
                    plain, sizeof plain, &opened)
        || opened.control != CIPHER_BOTH || opened.counter <= session->result.meter_counter)
        return "not-authentic";
    session->result.meter_counter = opened.counter;
    return xdlms_read((struct octets){plain, opened.len}, &grant) ? "malformed" : "confirmed";
}

// Whatever comes, the result is there already.
static void on_release(struct session *session, struct octets apdu)
{
    struct acse_release rlre;
    bool is_error =
        apdu.len && (apdu.at[0] == XDLMS_TAG_EXCEPTION || apdu.at[0] == XDLMS_TAG_SERVICE_ERROR);
    if (is_error)
        session->result.release = "exception";
    else if (!apdu.len || acse_read_rlre(apdu, &rlre))
        session->result.release = "malformed";
    else
        session->result.release = judge_release(session, rlre.user_information);
    end(session);
}

// ---- The public client

static void public_send(struct session *session, const struct cursor *out, enum step step)
{
    const struct meter_type *type = session->job.type;
    send_frame(session, out, type->public_sap, step,
               step == STEP_PUBLIC_RELEASE ? type->release_ms : type->answer_ms);
}

static void public_associate(struct session *session)
{
    uint8_t initiate[32];
    struct cursor in = cursor_writer(initiate, sizeof initiate), out = behind_wrapper(session);
    put_initiate(session, XDLMS_CAN_GET, &in);
    acse_put_aarq(&out, &(struct acse_aarq){
                            .context = ACSE_LN,
                            .user_information = {initiate, (size_t)(in.at - initiate)},
                        });
    public_send(session, &out, STEP_PUBLIC_ASSOCIATE);
}

static void on_public_associate(struct session *session, struct octets apdu)
{
    struct acse_aare aare;
    if (acse_read_aare(apdu, &aare) || aare.result != ACSE_ACCEPTED || aare.context != ACSE_LN) {
        fail(session, "bad-answer");
        return;
    }
    struct cursor out = behind_wrapper(session);
    xdlms_put(&out, &(struct xdlms){
                        .kind = XDLMS_GET_REQUEST,
                        .invoke = XDLMS_INVOKE,
                        .target = counter_object,
                    });
    public_send(session, &out, STEP_PUBLIC_READ);
}

static void on_public_read(struct session *session, struct octets apdu)
{
    struct xdlms answer;
    uint32_t counter;
    if (xdlms_read(apdu, &answer) || answer.kind != XDLMS_GET_RESPONSE
        || (answer.invoke ^ XDLMS_INVOKE) & XDLMS_INVOKE_ID || answer.payload != XDLMS_DATA
        || xdlms_read_u32(answer.data, &counter)) {
        fail(session, "bad-answer");
        return;
    }
    session->result.public_counter = counter;
    if (counter < session->first_counter) { // ours was fine, so it was something else
        fail(session, session->suspicion);
        return;
    }
    if (counter - session->first_counter > session->job.type->counter_jump
        || counter == UINT32_MAX) {
        end_as(session, SESSION_RETRY, "counter-implausible");
        return;
    }
    session->least_counter = counter + 1;
    session->suspicion = "stale-counter";
    struct cursor out = behind_wrapper(session);
    acse_put_rlrq(&out, &(struct acse_release){.reason = 0});
    public_send(session, &out, STEP_PUBLIC_RELEASE);
}

static void pause_after_public(struct session *session)
{
    session->result.resynchronised = true;
    want(session, STEP_PAUSE_AFTER, SESSION_WANTS_PAUSE, session->job.type->pause_ms);
}

static void on_public_release(struct session *session, struct octets apdu)
{
    (void)apdu;
    pause_after_public(session);
}

// ---- Events

static void begin_event(struct session *session)
{
    session->out_len = 0;
}

void session_begin(struct session *session, const struct session_job *job)
{
    assert(job->type->challenge_len >= ACSE_CHALLENGE_MIN
           && job->type->challenge_len <= ACSE_CHALLENGE_MAX);
    assert(job->type->receive_pdu >= METER_PDU_MIN && job->type->receive_pdu <= METER_PDU_MAX);
    *session = (struct session){
        .job = *job,
        .step = STEP_BEGIN,
        .want = SESSION_WANTS_COUNTERS,
        .result = {.cause = "",
                   .release = "",
                   .access = SESSION_NO_RESULT,
                   .diagnostic = SESSION_NO_RESULT,
                   .meter_counter = SESSION_NO_RESULT},
    };
    const char *fault = fault_of_text(job->text, job->text_len);
    if (fault)
        end_as(session, SESSION_REFUSED, fault);
}

void session_supply(struct session *session, const struct counter_range *counters,
                    const uint8_t *challenge)
{
    assert(session->want == SESSION_WANTS_COUNTERS);
    assert(counters->next >= session->least_counter);
    assert(!counters->count || counters->count - 1 <= UINT32_MAX - counters->next);
    begin_event(session);
    session->counters = *counters;
    memcpy(session->challenge, challenge, (size_t)session->job.type->challenge_len);
    if (session->recalled) {
        fail(session, session->recalled);
        return;
    }
    if (session->job.type->token_rule == METER_TOKEN_RANGE
        && !take_counter(session, &session->token_counter)) {
        fail(session, "counters-used-up");
        return;
    }
    want(session, STEP_CONNECT, SESSION_WANTS_CONNECTION, session->job.type->connect_ms);
}

void session_connected(struct session *session)
{
    assert(session->want == SESSION_WANTS_CONNECTION);
    begin_event(session);
    session->result.round_trips++;
    if (session->step == STEP_PUBLIC_CONNECT)
        public_associate(session);
    else
        associate(session);
}

static void on_apdu(struct session *session, struct octets apdu)
{
    static void (*const answers[STEP_END])(struct session *, struct octets) = {
        [STEP_ASSOCIATE] = on_associate,
        [STEP_PROVE] = on_prove,
        [STEP_WRITE] = on_write,
        [STEP_READ] = on_read,
        [STEP_RELEASE] = on_release,
        [STEP_PUBLIC_ASSOCIATE] = on_public_associate,
        [STEP_PUBLIC_READ] = on_public_read,
        [STEP_PUBLIC_RELEASE] = on_public_release,
    };
    assert(answers[session->step]);
    answers[session->step](session, apdu);
}

static bool is_for_us(const struct session *session, const struct dlms_wrapper *wrapper)
{
    const struct meter_type *type = session->job.type;
    bool public = session->step > STEP_RELEASE;
    return wrapper->source == type->server_sap
           && wrapper->destination == (public ? type->public_sap : type->client_sap);
}

// Requests and answers take turns, so what has come is one frame and nothing behind it. Only of
// the answer to a goodbye it does not matter what it is.
void session_received(struct session *session, const void *octets, size_t len)
{
    assert(session->want == SESSION_WANTS_ANSWER);
    begin_event(session);
    session->result.octets_received += len;
    bool fits = len <= sizeof session->in - session->in_len;
    struct dlms_wrapper wrapper = {0};
    struct octets apdu = {0};
    enum err err = ERR_SIZE;
    if (fits && len) {
        memcpy(session->in + session->in_len, octets, len);
        session->in_len += len;
    }
    if (fits)
        err = dlms_wrapper_read(session->in, session->in_len,
                                (size_t)session->job.type->receive_pdu, &wrapper, &apdu);
    if (err == ERR_MORE)
        return;
    bool is_fine =
        !err && DLMS_WRAPPER_LEN + apdu.len == session->in_len && is_for_us(session, &wrapper);
    bool is_goodbye = session->step == STEP_RELEASE || session->step == STEP_PUBLIC_RELEASE;
    if (is_fine || is_goodbye)
        on_apdu(session, apdu);
    else
        fail(session, "bad-answer");
}

void session_closed(struct session *session)
{
    assert(session->want == SESSION_WANTS_CONNECTION || session->want == SESSION_WANTS_ANSWER);
    begin_event(session);
    if (session->step == STEP_ASSOCIATE)
        suspect_counter(session, "closed");
    else if (session->step == STEP_PUBLIC_RELEASE)
        pause_after_public(session);
    else
        fail(session, session->want == SESSION_WANTS_CONNECTION ? "no-route" : "closed");
}

void session_timeout(struct session *session)
{
    assert(session->want != SESSION_WANTS_COUNTERS && session->want != SESSION_WANTS_NOTHING);
    begin_event(session);
    if (session->step == STEP_PAUSE_BEFORE)
        want(session, STEP_PUBLIC_CONNECT, SESSION_WANTS_CONNECTION, session->job.type->connect_ms);
    else if (session->step == STEP_PAUSE_AFTER)
        want(session, STEP_BEGIN, SESSION_WANTS_COUNTERS, 0);
    else if (session->step == STEP_PUBLIC_RELEASE)
        pause_after_public(session);
    else
        fail(session, session->want == SESSION_WANTS_CONNECTION ? "no-route" : "timeout");
}

const uint8_t *session_output(const struct session *session, size_t *len)
{
    *len = session->out_len;
    return session->out_len ? session->out : NULL;
}

void session_recall(struct session *session, const char *cause)
{
    if (session->want == SESSION_WANTS_ANSWER)
        session->recalled = cause; // looked at when it is our turn
    else
        session_abandon(session, cause);
}

void session_abandon(struct session *session, const char *cause)
{
    if (session->want == SESSION_WANTS_NOTHING)
        return;
    begin_event(session);
    fail(session, cause);
}
