// SPDX-License-Identifier: Apache-2.0

#include "wire/xdlms.h"

#include <assert.h>
#include <string.h>

// How GET, SET and ACTION are built (the others have no tag here): tag, choice, invoke, and then of
// these what there is, in this order.
enum part {
    TARGET = 1 << 0,
    NO_SELECTION = 1 << 1, // 00: access is not selective
    RESULT = 1 << 2,
    LAST = 1 << 3,
    BLOCK = 1 << 4,
    DATA = 1 << 5,             // to the end
    PIECE = 1 << 6,            // with its length
    CHOSEN_DATA = 1 << 7,      // 00 data to the end, or 01 access
    CHOSEN_PIECE = 1 << 8,     // 00 a piece with its length, or 01 access
    OPTIONAL_DATA = 1 << 9,    // 00, or 01 data to the end
    OPTIONAL_CHOICE = 1 << 10, // 00, or 01 and CHOSEN_DATA
};

static const struct form {
    uint8_t tag, choice;
    unsigned parts;
} forms[XDLMS_KINDS] = {
    [XDLMS_GET_REQUEST] = {XDLMS_TAG_GET_REQUEST, 1, TARGET | NO_SELECTION},
    [XDLMS_GET_NEXT] = {XDLMS_TAG_GET_REQUEST, 2, BLOCK},
    [XDLMS_GET_RESPONSE] = {XDLMS_TAG_GET_RESPONSE, 1, CHOSEN_DATA},
    [XDLMS_GET_BLOCK] = {XDLMS_TAG_GET_RESPONSE, 2, LAST | BLOCK | CHOSEN_PIECE},
    [XDLMS_SET_REQUEST] = {XDLMS_TAG_SET_REQUEST, 1, TARGET | NO_SELECTION | DATA},
    [XDLMS_SET_FIRST] = {XDLMS_TAG_SET_REQUEST, 2, TARGET | NO_SELECTION | LAST | BLOCK | PIECE},
    [XDLMS_SET_NEXT] = {XDLMS_TAG_SET_REQUEST, 3, LAST | BLOCK | PIECE},
    [XDLMS_SET_RESPONSE] = {XDLMS_TAG_SET_RESPONSE, 1, RESULT},
    [XDLMS_SET_BLOCK_TAKEN] = {XDLMS_TAG_SET_RESPONSE, 2, BLOCK},
    [XDLMS_SET_LAST_TAKEN] = {XDLMS_TAG_SET_RESPONSE, 3, RESULT | BLOCK},
    [XDLMS_ACTION_REQUEST] = {XDLMS_TAG_ACTION_REQUEST, 1, TARGET | OPTIONAL_DATA},
    [XDLMS_ACTION_NEXT] = {XDLMS_TAG_ACTION_REQUEST, 2, BLOCK},
    [XDLMS_ACTION_FIRST] = {XDLMS_TAG_ACTION_REQUEST, 4, TARGET | LAST | BLOCK | PIECE},
    [XDLMS_ACTION_BLOCK] = {XDLMS_TAG_ACTION_REQUEST, 6, LAST | BLOCK | PIECE},
    [XDLMS_ACTION_RESPONSE] = {XDLMS_TAG_ACTION_RESPONSE, 1, RESULT | OPTIONAL_CHOICE},
    [XDLMS_ACTION_RESPONSE_BLOCK] = {XDLMS_TAG_ACTION_RESPONSE, 2, LAST | BLOCK | PIECE},
    [XDLMS_ACTION_BLOCK_TAKEN] = {XDLMS_TAG_ACTION_RESPONSE, 4, BLOCK},
};

// Tag 31 of the application class, as its own two octets, and how long it is.
static const uint8_t conformance_head[] = {0x5f, 0x1f, 0x04, 0x00};

bool xdlms_is_target(const struct xdlms_target *a, const struct xdlms_target *b)
{
    return a->class_id == b->class_id && a->member == b->member
           && !memcmp(a->object, b->object, sizeof a->object);
}

static void put_target(struct cursor *out, const struct xdlms_target *target)
{
    cursor_put_u16(out, target->class_id);
    cursor_put(out, target->object, sizeof target->object);
    cursor_put_u8(out, target->member);
}

static void put_choice(struct cursor *out, const struct xdlms *pdu, bool with_len)
{
    assert(pdu->payload != XDLMS_NOTHING);
    cursor_put_u8(out, pdu->payload == XDLMS_ACCESS);
    if (pdu->payload == XDLMS_ACCESS)
        cursor_put_u8(out, pdu->access);
    else if (with_len)
        tlv_put_octets(out, pdu->data);
    else
        cursor_put(out, pdu->data.at, pdu->data.len);
}

static void put_parts(struct cursor *out, const struct xdlms *pdu, unsigned parts)
{
    if (parts & TARGET)
        put_target(out, &pdu->target);
    if (parts & NO_SELECTION)
        cursor_put_u8(out, 0);
    if (parts & RESULT)
        cursor_put_u8(out, pdu->result);
    if (parts & LAST)
        cursor_put_u8(out, pdu->last);
    if (parts & BLOCK)
        cursor_put_u32(out, pdu->block);
    if (parts & PIECE)
        tlv_put_octets(out, pdu->data);
    if (parts & (OPTIONAL_DATA | OPTIONAL_CHOICE))
        cursor_put_u8(out, pdu->payload != XDLMS_NOTHING);
    if (parts & DATA || (parts & OPTIONAL_DATA && pdu->payload != XDLMS_NOTHING))
        cursor_put(out, pdu->data.at, pdu->data.len);
    if (parts & (CHOSEN_DATA | CHOSEN_PIECE)
        || (parts & OPTIONAL_CHOICE && pdu->payload != XDLMS_NOTHING))
        put_choice(out, pdu, parts & CHOSEN_PIECE);
}

static void put_quality(struct cursor *out, int quality)
{
    cursor_put_u8(out, quality != XDLMS_NO_QUALITY);
    if (quality != XDLMS_NO_QUALITY)
        cursor_put_u8(out, (uint8_t)quality);
}

static void put_conformance(struct cursor *out, const struct xdlms *pdu)
{
    cursor_put_u8(out, XDLMS_VERSION);
    cursor_put(out, conformance_head, sizeof conformance_head);
    cursor_put_u8(out, (uint8_t)(pdu->conformance >> 16));
    cursor_put_u16(out, (uint16_t)pdu->conformance);
    cursor_put_u16(out, pdu->max_pdu);
}

static void put_initiate_request(struct cursor *out, const struct xdlms *pdu)
{
    cursor_put_u8(out, XDLMS_TAG_INITIATE_REQUEST);
    cursor_put_u8(out, pdu->dedicated_key.len > 0);
    if (pdu->dedicated_key.len)
        tlv_put_octets(out, pdu->dedicated_key);
    cursor_put_u8(out, !pdu->response_allowed); // true is the default, and not said
    if (!pdu->response_allowed)
        cursor_put_u8(out, 0);
    put_quality(out, pdu->quality);
    put_conformance(out, pdu);
}

static void put_initiate_response(struct cursor *out, const struct xdlms *pdu)
{
    cursor_put_u8(out, XDLMS_TAG_INITIATE_RESPONSE);
    put_quality(out, pdu->quality);
    put_conformance(out, pdu);
    cursor_put_u16(out, XDLMS_LOGICAL_NAMES);
}

static void put_service_error(struct cursor *out, const struct xdlms *pdu)
{
    cursor_put_u8(out, XDLMS_TAG_SERVICE_ERROR);
    cursor_put_u8(out, pdu->service);
    cursor_put_u8(out, pdu->error_kind);
    cursor_put_u8(out, pdu->error);
}

static void put_exception(struct cursor *out, const struct xdlms *pdu)
{
    cursor_put_u8(out, XDLMS_TAG_EXCEPTION);
    cursor_put_u8(out, pdu->state);
    cursor_put_u8(out, pdu->error);
    if (pdu->error == XDLMS_EXCEPTION_COUNTER)
        cursor_put_u32(out, pdu->counter);
}

void xdlms_put(struct cursor *out, const struct xdlms *pdu)
{
    static void (*const others[XDLMS_KINDS])(struct cursor *, const struct xdlms *) = {
        [XDLMS_INITIATE_REQUEST] = put_initiate_request,
        [XDLMS_INITIATE_RESPONSE] = put_initiate_response,
        [XDLMS_SERVICE_ERROR] = put_service_error,
        [XDLMS_EXCEPTION] = put_exception,
    };
    assert(pdu->kind < XDLMS_KINDS);
    const struct form *form = &forms[pdu->kind];
    if (others[pdu->kind]) {
        others[pdu->kind](out, pdu);
        return;
    }
    cursor_put_u8(out, form->tag);
    cursor_put_u8(out, form->choice);
    cursor_put_u8(out, pdu->invoke);
    put_parts(out, pdu, form->parts);
}

static void get_target(struct cursor *in, struct xdlms_target *target)
{
    target->class_id = cursor_get_u16(in);
    const uint8_t *object = cursor_get(in, sizeof target->object);
    if (object)
        memcpy(target->object, object, sizeof target->object);
    target->member = cursor_get_u8(in);
}

// An octet that is one of two.
static bool get_flag(struct cursor *in)
{
    uint8_t octet = cursor_get_u8(in);
    if (octet > 1)
        tlv_refuse(in, ERR_SYNTAX);
    return octet == 1;
}

// Data takes at least its tag.
static struct octets get_data(struct cursor *in)
{
    struct octets data = tlv_get_rest(in);
    if (!data.len)
        tlv_refuse(in, ERR_SIZE);
    return data;
}

static void get_choice(struct cursor *in, struct xdlms *pdu, bool with_len)
{
    pdu->payload = get_flag(in) ? XDLMS_ACCESS : XDLMS_DATA;
    if (pdu->payload == XDLMS_ACCESS)
        pdu->access = cursor_get_u8(in);
    else
        pdu->data = with_len ? tlv_get_octets(in) : get_data(in);
}

static void get_parts(struct cursor *in, struct xdlms *pdu, unsigned parts)
{
    if (parts & TARGET)
        get_target(in, &pdu->target);
    if (parts & NO_SELECTION && cursor_get_u8(in))
        tlv_refuse(in, ERR_SYNTAX);
    if (parts & RESULT)
        pdu->result = cursor_get_u8(in);
    if (parts & LAST)
        pdu->last = get_flag(in);
    if (parts & BLOCK)
        pdu->block = cursor_get_u32(in);
    if (parts & PIECE)
        pdu->data = tlv_get_octets(in);
    if (parts & DATA)
        pdu->data = get_data(in);
    if (parts & (CHOSEN_DATA | CHOSEN_PIECE))
        get_choice(in, pdu, parts & CHOSEN_PIECE);
    if (parts & OPTIONAL_DATA && get_flag(in)) {
        pdu->payload = XDLMS_DATA;
        pdu->data = get_data(in);
    }
    if (parts & OPTIONAL_CHOICE && get_flag(in))
        get_choice(in, pdu, false);
}

static int get_quality(struct cursor *in)
{
    return get_flag(in) ? (int8_t)cursor_get_u8(in) : XDLMS_NO_QUALITY;
}

static void get_conformance(struct cursor *in, struct xdlms *pdu)
{
    if (cursor_get_u8(in) != XDLMS_VERSION)
        tlv_refuse(in, ERR_RANGE);
    const uint8_t *head = cursor_get(in, sizeof conformance_head);
    if (head && memcmp(head, conformance_head, sizeof conformance_head) != 0)
        tlv_refuse(in, ERR_SYNTAX);
    pdu->conformance = (uint32_t)cursor_get_u8(in) << 16;
    pdu->conformance |= cursor_get_u16(in);
    pdu->max_pdu = cursor_get_u16(in);
}

static void get_initiate_request(struct cursor *in, struct xdlms *pdu)
{
    if (get_flag(in)) {
        pdu->dedicated_key = tlv_get_octets(in);
        if (!pdu->dedicated_key.len)
            tlv_refuse(in, ERR_SYNTAX);
    }
    pdu->response_allowed = !get_flag(in) || get_flag(in);
    pdu->quality = get_quality(in);
    get_conformance(in, pdu);
}

static void get_initiate_response(struct cursor *in, struct xdlms *pdu)
{
    pdu->quality = get_quality(in);
    get_conformance(in, pdu);
    if (cursor_get_u16(in) != XDLMS_LOGICAL_NAMES)
        tlv_refuse(in, ERR_RANGE);
}

static void get_service_error(struct cursor *in, struct xdlms *pdu)
{
    pdu->service = cursor_get_u8(in);
    pdu->error_kind = cursor_get_u8(in);
    pdu->error = cursor_get_u8(in);
}

static void get_exception(struct cursor *in, struct xdlms *pdu)
{
    pdu->state = cursor_get_u8(in);
    pdu->error = cursor_get_u8(in);
    if (pdu->error == XDLMS_EXCEPTION_COUNTER)
        pdu->counter = cursor_get_u32(in);
}

static void get_service(struct cursor *in, uint8_t tag, struct xdlms *pdu)
{
    uint8_t choice = cursor_get_u8(in);
    int kind = 0;
    while (kind < XDLMS_KINDS && (forms[kind].tag != tag || forms[kind].choice != choice || !tag))
        kind++;
    if (kind == XDLMS_KINDS) {
        tlv_refuse(in, ERR_SYNTAX);
        return;
    }
    pdu->kind = (enum xdlms_kind)kind;
    pdu->invoke = cursor_get_u8(in);
    get_parts(in, pdu, forms[kind].parts);
}

enum err xdlms_read(struct octets apdu, struct xdlms *pdu)
{
    struct cursor in = cursor_reader(apdu.at, apdu.len);
    struct xdlms found = {.quality = XDLMS_NO_QUALITY};
    uint8_t tag = cursor_get_u8(&in);
    switch (tag) {
    case XDLMS_TAG_INITIATE_REQUEST:
        found.kind = XDLMS_INITIATE_REQUEST;
        get_initiate_request(&in, &found);
        break;
    case XDLMS_TAG_INITIATE_RESPONSE:
        found.kind = XDLMS_INITIATE_RESPONSE;
        get_initiate_response(&in, &found);
        break;
    case XDLMS_TAG_SERVICE_ERROR:
        found.kind = XDLMS_SERVICE_ERROR;
        get_service_error(&in, &found);
        break;
    case XDLMS_TAG_EXCEPTION:
        found.kind = XDLMS_EXCEPTION;
        get_exception(&in, &found);
        break;
    default:
        get_service(&in, tag, &found);
    }
    if (cursor_left(&in))
        tlv_refuse(&in, ERR_SIZE);
    if (!in.err)
        *pdu = found;
    return in.err;
}

void xdlms_put_string(struct cursor *out, struct octets string)
{
    cursor_put_u8(out, XDLMS_OCTET_STRING);
    tlv_put_octets(out, string);
}

void xdlms_put_u32(struct cursor *out, uint32_t value)
{
    cursor_put_u8(out, XDLMS_U32);
    cursor_put_u32(out, value);
}

enum err xdlms_read_string(struct octets data, struct octets *string)
{
    struct cursor in = cursor_reader(data.at, data.len);
    if (cursor_get_u8(&in) != XDLMS_OCTET_STRING)
        tlv_refuse(&in, ERR_SYNTAX);
    struct octets found = tlv_get_octets(&in);
    if (cursor_left(&in))
        tlv_refuse(&in, ERR_SIZE);
    if (!in.err)
        *string = found;
    return in.err;
}

enum err xdlms_read_u32(struct octets data, uint32_t *value)
{
    struct cursor in = cursor_reader(data.at, data.len);
    if (cursor_get_u8(&in) != XDLMS_U32)
        tlv_refuse(&in, ERR_SYNTAX);
    uint32_t found = cursor_get_u32(&in);
    if (cursor_left(&in))
        tlv_refuse(&in, ERR_SIZE);
    if (!in.err)
        *value = found;
    return in.err;
}
