// SPDX-License-Identifier: Apache-2.0
// Whatever a server sends, in whatever pieces: the session stays within its bounds, uses no
// counter twice and none that it was not given, writes only after the proof, says verified only
// of its own text, and wipes its keys.
//
// The input is a list of events: an octet that says what, one or two of a length, octets. So that
// the fuzzer comes further than the first frame, it may have APDUs sealed, and an AARE and a
// proof made for it.

#include "services/p3/session.h"

#include <assert.h>
#include <string.h>

enum event {
    EVENT_RAW,    // octets as they are
    EVENT_FRAME,  // as an APDU in a wrapper
    EVENT_SEALED, // as an APDU to be protected first
    EVENT_AARE,   // as the InitiateResponse in a good AARE
    EVENT_PROOF,  // a good pass 4
    EVENT_CLOSED,
    EVENT_TIMEOUT,
    EVENT_RECALL,
    EVENT_GO, // give what is wanted: counters, a connection
    EVENTS,
};

enum { FIRST_COUNTER = 100, COUNTERS = 24, ROOM = 4096 };

static const struct cipher_keys keys = {.encryption = "guek of a fuzzer",
                                        .authentication = "gak of a fuzzer!"};
static const uint8_t meter_title[CIPHER_TITLE_LEN] = "MET00001";
static const char text[] = "{\"Header\":{\"Action\":\"EBGDirectControl\"}}";

static struct session session;
static struct cipher *cipher;
static uint32_t meter_counter, supplied, next_expected;
static bool happened; // the session was told something

static void receive(const uint8_t *octets, size_t len)
{
    happened = session.want == SESSION_WANTS_ANSWER;
    if (happened)
        session_received(&session, octets, len);
}

static void receive_apdu(const uint8_t *apdu, size_t len)
{
    static uint8_t frame[DLMS_WRAPPER_LEN + ROOM];
    uint16_t client = memcmp(session.out + 2, "\0\x10", 2) ? 1 : 16;
    dlms_wrapper_write(&(struct dlms_wrapper){1, client, (uint16_t)len}, frame);
    memcpy(frame + DLMS_WRAPPER_LEN, apdu, len);
    receive(frame, DLMS_WRAPPER_LEN + len);
}

static void seal(const uint8_t *plain, size_t len, struct cursor *out)
{
    cipher_seal(cipher, &keys, meter_title, CIPHER_BOTH, meter_counter++,
                (struct octets){plain, len}, out);
}

static void receive_sealed(const uint8_t *plain, size_t len)
{
    uint8_t apdu[ROOM];
    struct cursor out = cursor_writer(apdu, sizeof apdu);
    if (!len || !cipher_global_tag(plain[0]))
        return;
    seal(plain, len, &out);
    receive_apdu(apdu, (size_t)(out.at - apdu));
}

static void receive_aare(const uint8_t *initiate, size_t len)
{
    uint8_t sealed[512], apdu[ROOM];
    struct cursor in = cursor_writer(sealed, sizeof sealed), out = cursor_writer(apdu, sizeof apdu);
    if (!len || len > 100 || !cipher_global_tag(initiate[0]))
        return;
    seal(initiate, len, &in);
    acse_put_aare(&out, &(struct acse_aare){
                            .context = ACSE_LN_CIPHERED,
                            .source = ACSE_USER,
                            .diagnostic = ACSE_AUTHENTICATION_REQUIRED,
                            .mechanism = ACSE_HLS_GMAC,
                            .title = {meter_title, sizeof meter_title},
                            .challenge = {(const uint8_t *)"challenge 123456", 16},
                            .user_information = {sealed, (size_t)(in.at - sealed)},
                        });
    receive_apdu(apdu, (size_t)(out.at - apdu));
}

static void receive_proof(void)
{
    static const uint8_t head[] = {0xc7, 0x01, 0xc1, 0x00, 0x01, 0x00, 0x09, CIPHER_TOKEN_LEN};
    uint8_t plain[sizeof head + CIPHER_TOKEN_LEN];
    memcpy(plain, head, sizeof head);
    cipher_put_token(cipher, &keys, meter_title, CIPHER_AUTHENTICATED, meter_counter++,
                     (struct octets){session.challenge, 16}, plain + sizeof head);
    receive_sealed(plain, sizeof plain);
}

static void go(uint8_t octet)
{
    uint8_t challenge[ACSE_CHALLENGE_MAX];
    happened = session.want == SESSION_WANTS_CONNECTION;
    memset(challenge, octet, sizeof challenge);
    if (session.want == SESSION_WANTS_COUNTERS) {
        uint32_t next = supplied > session.least_counter ? supplied : session.least_counter;
        if (next > UINT32_MAX - COUNTERS)
            return;
        supplied = next + COUNTERS;
        next_expected = next;
        session_supply(&session, &(struct counter_range){next, COUNTERS}, challenge);
    } else if (session.want == SESSION_WANTS_CONNECTION) {
        session_connected(&session);
    }
}

static void do_event(enum event event, const uint8_t *octets, size_t len)
{
    bool on_line = session.want == SESSION_WANTS_CONNECTION || session.want == SESSION_WANTS_ANSWER;
    switch (event) {
    case EVENT_RAW:
        receive(octets, len);
        break;
    case EVENT_FRAME:
        receive_apdu(octets, len);
        break;
    case EVENT_SEALED:
        receive_sealed(octets, len);
        break;
    case EVENT_AARE:
        receive_aare(octets, len);
        break;
    case EVENT_PROOF:
        receive_proof();
        break;
    case EVENT_CLOSED:
        happened = on_line;
        if (on_line)
            session_closed(&session);
        break;
    case EVENT_TIMEOUT:
        happened = on_line || session.want == SESSION_WANTS_PAUSE;
        if (happened)
            session_timeout(&session);
        break;
    case EVENT_RECALL:
        session_recall(&session, "overtaken");
        break;
    default:
        go(len ? octets[0] : 0);
    }
}

static void check_counter(struct octets sealed)
{
    uint8_t plain[ROOM];
    struct cipher_opened opened;
    if (!sealed.len || cipher_kind(sealed.at[0]) == CIPHER_UNPROTECTED)
        return;
    enum err err =
        cipher_open(cipher, &keys, session.job.client_title, sealed, plain, sizeof plain, &opened);
    assert(!err && opened.counter >= next_expected && opened.counter < supplied);
    next_expected = opened.counter + 1;
    assert(plain[0] != XDLMS_TAG_SET_REQUEST || session.result.learnt_title);
}

// What goes out is a whole frame, and its counter was never used before.
static void check_output(void)
{
    size_t len;
    const uint8_t *out = session_output(&session, &len);
    struct dlms_wrapper wrapper;
    struct octets apdu;
    struct acse_aarq aarq;
    struct acse_release rlrq;
    if (!out)
        return;
    enum err err = dlms_wrapper_read(out, len, ROOM, &wrapper, &apdu);
    assert(!err && session.want == SESSION_WANTS_ANSWER && len == DLMS_WRAPPER_LEN + apdu.len);
    if (!acse_read_aarq(apdu, &aarq))
        check_counter(aarq.user_information);
    else if (!acse_read_rlrq(apdu, &rlrq))
        check_counter(rlrq.user_information);
    else
        check_counter(apdu);
}

static void check_end(void)
{
    static const struct cipher_keys none = {0};
    if (session.want != SESSION_WANTS_NOTHING)
        session_abandon(&session, "stopped");
    const struct session_result *result = &session.result;
    struct digest digest = digest_of(text, sizeof text - 1);
    assert(session.want == SESSION_WANTS_NOTHING && result->cause);
    assert(!memcmp(&session.job.keys, &none, sizeof none));
    if (result->status == SESSION_VERIFIED)
        assert(result->has_digest && result->learnt_title
               && !memcmp(&digest, &result->digest, sizeof digest));
    if (result->status == SESSION_WRITTEN)
        assert(result->access == XDLMS_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!cipher)
        cipher = cipher_new();
    meter_counter = 1;
    supplied = FIRST_COUNTER;
    struct cursor in = cursor_reader(data, size);
    struct meter_type type = cursor_get_u8(&in) & 1 ? meter_type_dsmr42 : meter_type_smr5;
    session_begin(&session, &(struct session_job){.type = &type,
                                                  .cipher = cipher,
                                                  .keys = keys,
                                                  .client_title = "SOM00001",
                                                  .meter_title = "MET00001",
                                                  .knows_meter_title = true,
                                                  .text = text,
                                                  .text_len = sizeof text - 1});
    while (cursor_left(&in) && session.want != SESSION_WANTS_NOTHING) {
        enum event event = (enum event)(cursor_get_u8(&in) % EVENTS);
        bool has_octets = event < EVENT_PROOF || event == EVENT_GO;
        struct octets octets = has_octets ? tlv_get_octets(&in) : (struct octets){0};
        if (octets.len > ROOM / 2)
            break;
        static const uint8_t none[1];
        happened = false;
        do_event(event, octets.at ? octets.at : none, octets.len);
        if (happened)
            check_output();
    }
    check_end();
    return 0;
}
