// SPDX-License-Identifier: Apache-2.0
// Our client against recorded exchanges with implementations of others: fed the recorded frames
// of the server, with the recorded keys, challenge and counters, it must say the same and accept
// every answer.
//
// The recordings are not part of this tree. DLMS_VECTORS names their folder (default: the folder
// shared/vectors/dlms beside the tree); without it this is skipped, and says so.

#include "base/memory.h"
#include "services/p3/session.h"
#include "tests/unit/octets_of.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 64, LINE_MAX_OCTETS = 8192 };

struct frame {
    bool from_client;
    int connection;
    uint8_t octets[OCTETS_OF_MAX];
    size_t len;
};

struct recording {
    struct frame frames[FRAMES_MAX];
    size_t count, at;
    uint8_t client_challenge[ACSE_CHALLENGE_MAX];
};

static struct recording recording;

static const char *folder(void)
{
    const char *given = getenv("DLMS_VECTORS");
    return given && *given ? given : "../shared/vectors/dlms";
}

// "2 C>S 0001..." is a frame, "# CtoS=..." a challenge, all else comment.
static void take_line(const char *line)
{
    struct frame *frame = &recording.frames[recording.count];
    char who[4], hex[LINE_MAX_OCTETS];
    const char *challenge = strstr(line, "# CtoS=");
    if (challenge) {
        uint8_t store[OCTETS_OF_MAX];
        struct octets octets = octets_of(challenge + 7, store);
        memcpy(recording.client_challenge, octets.at, octets.len);
    }
    if (sscanf(line, "%d %3s %8191s", &frame->connection, who, hex) != 3 || !strchr(who, '>'))
        return;
    cr_assert_lt(recording.count, FRAMES_MAX - 1);
    frame->from_client = who[0] == 'C';
    frame->len = octets_of(hex, frame->octets).len;
    recording.count++;
}

static FILE *open_recording(const char *name)
{
    char *path = memory_format("%s/%s", folder(), name);
    FILE *file = fopen(path, "r");
    if (!file)
        cr_skip_test("no recording %s (set DLMS_VECTORS to their folder)", path);
    free(path);
    return file;
}

static void read_recording(const char *name)
{
    char line[LINE_MAX_OCTETS];
    FILE *file = open_recording(name);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        take_line(line);
    }
    fclose(file);
    cr_assert_gt(recording.count, 0, "%s holds no frames", name);
}

static size_t read_message(char text[static SESSION_TEXT_MAX])
{
    char line[LINE_MAX_OCTETS];
    uint8_t store[OCTETS_OF_MAX];
    FILE *file = open_recording("message-1000.hex");
    cr_assert(fgets(line, sizeof line, file));
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    struct octets octets = octets_of(line, store);
    cr_assert_leq(octets.len, SESSION_TEXT_MAX);
    memcpy(text, octets.at, octets.len);
    return octets.len;
}

static const struct cipher_keys keys = {
    .encryption = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .authentication = {0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc,
                       0xdd, 0xde, 0xdf},
};
static const uint8_t client_title[] = {0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4e};
static const uint8_t meter_title[] = {0x47, 0x52, 0x58, 0, 0, 0, 0, 1};

// What is protected in an APDU, in clear; an APDU that is not, as it is.
static struct octets open_apdu(struct cipher *cipher, struct octets apdu, uint8_t *plain)
{
    struct cipher_opened opened;
    if (cipher_kind(apdu.at[0]) == CIPHER_UNPROTECTED)
        return apdu;
    cr_assert_eq(cipher_open(cipher, &keys, client_title, apdu, plain, OCTETS_OF_MAX, &opened),
                 ERR_NONE);
    return (struct octets){plain, opened.len};
}

static void expect_same(struct octets a, struct octets b, const char *what)
{
    cr_expect_eq(a.len, b.len, "%s", what);
    cr_expect(a.len == b.len && (!a.len || !memcmp(a.at, b.at, a.len)), "%s", what);
}

// The InitiateRequest must say the same, conformance and PDU size aside.
static void compare_initiate(struct cipher *cipher, struct octets ours, struct octets theirs)
{
    uint8_t our_plain[OCTETS_OF_MAX], their_plain[OCTETS_OF_MAX];
    struct xdlms our, their;
    cr_assert_eq(ours.len > 0, theirs.len > 0);
    if (!ours.len)
        return;
    cr_assert_eq(xdlms_read(open_apdu(cipher, ours, our_plain), &our), ERR_NONE);
    cr_assert_eq(xdlms_read(open_apdu(cipher, theirs, their_plain), &their), ERR_NONE);
    cr_expect_eq(our.kind, their.kind);
    cr_expect_eq(our.dedicated_key.len, their.dedicated_key.len);
    cr_expect_eq(our.response_allowed, their.response_allowed);
    cr_expect_eq(our.quality, their.quality);
}

static void compare_aarq(struct cipher *cipher, struct octets ours, struct octets theirs)
{
    struct acse_aarq our, their;
    cr_assert_eq(acse_read_aarq(ours, &our), ERR_NONE);
    cr_assert_eq(acse_read_aarq(theirs, &their), ERR_NONE);
    cr_expect_eq(our.context, their.context);
    cr_expect_eq(our.mechanism, their.mechanism);
    expect_same(our.title, their.title, "title");
    expect_same(our.challenge, their.challenge, "challenge");
    compare_initiate(cipher, our.user_information, their.user_information);
}

static void compare_rlrq(struct cipher *cipher, struct octets ours, struct octets theirs)
{
    struct acse_release our, their;
    cr_assert_eq(acse_read_rlrq(ours, &our), ERR_NONE);
    cr_assert_eq(acse_read_rlrq(theirs, &their), ERR_NONE);
    cr_expect_eq(our.reason, their.reason);
    compare_initiate(cipher, our.user_information, their.user_information);
}

// The pieces of a SET in blocks, put together: blocks may be cut elsewhere.
struct pieces {
    uint8_t octets[OCTETS_OF_MAX];
    size_t len;
};
static struct pieces our_pieces, their_pieces;

static void add_piece(struct pieces *pieces, struct octets piece)
{
    memcpy(pieces->octets + pieces->len, piece.at, piece.len);
    pieces->len += piece.len;
}

static void compare_service(struct cipher *cipher, struct octets ours, struct octets theirs)
{
    uint8_t our_plain[OCTETS_OF_MAX], their_plain[OCTETS_OF_MAX];
    struct octets our_apdu = open_apdu(cipher, ours, our_plain);
    struct octets their_apdu = open_apdu(cipher, theirs, their_plain);
    struct xdlms our, their;
    cr_assert_eq(xdlms_read(our_apdu, &our), ERR_NONE);
    cr_assert_eq(xdlms_read(their_apdu, &their), ERR_NONE);
    if (our.kind != XDLMS_SET_FIRST && our.kind != XDLMS_SET_NEXT) {
        expect_same(our_apdu, their_apdu, "plaintext");
        return;
    }
    cr_expect_eq(our.kind, their.kind);
    cr_expect_eq(our.last, their.last);
    cr_expect_eq(our.block, their.block);
    cr_expect(xdlms_is_target(&our.target, &their.target));
    add_piece(&our_pieces, our.data);
    add_piece(&their_pieces, their.data);
    if (our.last)
        expect_same((struct octets){our_pieces.octets, our_pieces.len},
                    (struct octets){their_pieces.octets, their_pieces.len}, "the whole value");
}

static void compare_request(struct cipher *cipher, const uint8_t *out, size_t len,
                            const struct frame *recorded)
{
    struct dlms_wrapper ours, theirs;
    struct octets our_apdu, their_apdu;
    cr_assert_eq(dlms_wrapper_read(out, len, TLV_MAX, &ours, &our_apdu), ERR_NONE);
    cr_assert_eq(dlms_wrapper_read(recorded->octets, recorded->len, TLV_MAX, &theirs, &their_apdu),
                 ERR_NONE);
    cr_expect_eq(ours.source, theirs.source);
    cr_expect_eq(ours.destination, theirs.destination);
    cr_assert_eq(our_apdu.at[0], their_apdu.at[0], "frame %zu: tag %02x, recorded %02x",
                 recording.at, our_apdu.at[0], their_apdu.at[0]);
    if (our_apdu.at[0] == ACSE_AARQ)
        compare_aarq(cipher, our_apdu, their_apdu);
    else if (our_apdu.at[0] == ACSE_RLRQ)
        compare_rlrq(cipher, our_apdu, their_apdu);
    else
        compare_service(cipher, our_apdu, their_apdu);
}

static const struct frame *next_frame(void)
{
    cr_assert_lt(recording.at, recording.count, "the recording is over, the session is not");
    return &recording.frames[recording.at++];
}

static void exchange(struct session *session, struct cipher *cipher)
{
    size_t len;
    const uint8_t *out = session_output(session, &len);
    cr_assert(out, "nothing to say");
    compare_request(cipher, out, len, next_frame());
    const struct frame *reply = next_frame();
    cr_assert(!reply->from_client);
    session_received(session, reply->octets, reply->len);
}

// The whole recording. Where it begins with the public client, so must we: with a counter that
// the meter does not take.
static void replay(const char *name, const struct meter_type *type, uint32_t counter)
{
    static struct session session;
    char text[SESSION_TEXT_MAX];
    size_t text_len = read_message(text);
    read_recording(name);
    bool public_first = recording.frames[recording.count - 1].connection == 2;
    struct cipher *cipher = cipher_new();
    struct session_job job = {
        .type = type,
        .cipher = cipher,
        .keys = keys,
        .knows_meter_title = true,
        .text = text,
        .text_len = text_len,
    };
    memcpy(job.client_title, client_title, sizeof client_title);
    memcpy(job.meter_title, meter_title, sizeof meter_title);
    session_begin(&session, &job);
    if (public_first) {
        session_supply(&session, &(struct counter_range){counter - 1, 1},
                       recording.client_challenge);
        session_connected(&session);
        session_closed(&session);
        session_timeout(&session);
        session_connected(&session);
        for (int i = 0; i < 3; i++)
            exchange(&session, cipher);
        session_timeout(&session);
        cr_assert_eq(session.want, SESSION_WANTS_COUNTERS);
        cr_expect_eq(session.least_counter, counter);
    }
    session_supply(&session, &(struct counter_range){counter, SESSION_COUNTERS_MAX},
                   recording.client_challenge);
    session_connected(&session);
    while (session.want == SESSION_WANTS_ANSWER)
        exchange(&session, cipher);
    cr_expect_eq(session.result.status, SESSION_VERIFIED, "%s", session.result.cause);
    cr_expect_eq(recording.at, recording.count, "%zu of %zu frames", recording.at, recording.count);
    cipher_free(cipher);
}

Test(recorded_session, reads_what_recordings_are_made_of)
{
    take_line("# CtoS=0102");
    take_line("2 C>S 00010010000100056203800100");
    take_line("# 2 frames");
    take_line("");
    cr_assert_eq(recording.count, 1);
    cr_expect_eq(recording.frames[0].connection, 2);
    cr_expect(recording.frames[0].from_client);
    cr_expect_eq(recording.frames[0].len, 13);
    cr_expect_eq(recording.client_challenge[1], 2);
}

Test(recorded_session, public_client_then_one_pdu)
{
    replay("01-set1000-single-pdu-gurux-c.txt", &meter_type_smr5, 1);
}

Test(recorded_session, in_blocks_of_512)
{
    struct meter_type type = meter_type_smr5;
    type.protects_release = false;
    replay("03-set1000-blocks-pdu512.txt", &type, 77);
}
