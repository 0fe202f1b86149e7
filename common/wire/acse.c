// SPDX-License-Identifier: Apache-2.0

#include "wire/acse.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

// Tags of the elements; which of them mean what differs between AARQ and AARE.
enum {
    CONTEXT = 0xa1,
    RESULT = 0xa2,
    DIAGNOSTIC = 0xa3,
    USER_INFORMATION = 0xbe,
    REASON = 0x80,
    GRAPHIC_STRING = 0x80, // of the authentication value
    INTEGER = 0x02,
    OCTET_STRING = 0x04,
    OBJECT_IDENTIFIER = 0x06,
    TAG_NUMBER = 0x1f,
    BODY_MAX = 96 + ACSE_CHALLENGE_MAX + ACSE_USER_INFORMATION_MAX,
};

// joint-iso-ccitt(2) country(16) country-name(756) identified-organisation(5) DLMS-UA(8), then
// 1 and the context, or 2 and the mechanism.
enum { IDENTIFIER_LEN = 7, CONTEXT_ARC = 1, MECHANISM_ARC = 2 };
static const uint8_t dlms_ua[] = {0x60, 0x85, 0x74, 0x05, 0x08};

static const uint8_t requirements[] = {0x07, 0x80}; // bit 0 of a bit string: authentication

// Where the elements of authentication have their place.
struct places {
    uint8_t title, requirements, mechanism, value;
    const char *allowed; // all tags, in order
};
static const struct places of_aarq = {
    .title = 0xa6,
    .requirements = 0x8a,
    .mechanism = 0x8b,
    .value = 0xac,
    .allowed = "\x80\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\x8a\x8b\xac\xbd\xbe",
};
static const struct places of_aare = {
    .title = 0xa4,
    .requirements = 0x88,
    .mechanism = 0x89,
    .value = 0xaa,
    .allowed = "\x80\xa1\xa2\xa3\xa4\xa5\xa6\xa7\x88\x89\xaa\xbd\xbe",
};

static void put_identifier(struct cursor *out, uint8_t arc, uint8_t last)
{
    cursor_put(out, dlms_ua, sizeof dlms_ua);
    cursor_put_u8(out, arc);
    cursor_put_u8(out, last);
}

// An element around another: tag, length, tag, length, octets.
static void put_nested(struct cursor *out, uint8_t outer, uint8_t inner, struct octets octets)
{
    cursor_put_u8(out, outer);
    tlv_put_len(out, 1 + tlv_len_size(octets.len) + octets.len);
    cursor_put_u8(out, inner);
    tlv_put_octets(out, octets);
}

static void put_context(struct cursor *out, uint8_t context)
{
    cursor_put_u8(out, CONTEXT);
    tlv_put_len(out, 2 + IDENTIFIER_LEN);
    cursor_put_u8(out, OBJECT_IDENTIFIER);
    tlv_put_len(out, IDENTIFIER_LEN);
    put_identifier(out, CONTEXT_ARC, context);
}

static void put_title(struct cursor *out, const struct places *places, struct octets title)
{
    assert(title.len == 0 || title.len == ACSE_TITLE_LEN);
    if (title.len)
        put_nested(out, places->title, OCTET_STRING, title);
}

static void put_authentication(struct cursor *out, const struct places *places, uint8_t mechanism,
                               struct octets value)
{
    assert(value.len <= ACSE_CHALLENGE_MAX);
    if (mechanism == ACSE_LOWEST)
        return;
    cursor_put_u8(out, places->requirements);
    tlv_put_octets(out, (struct octets){requirements, sizeof requirements});
    cursor_put_u8(out, places->mechanism);
    tlv_put_len(out, IDENTIFIER_LEN);
    put_identifier(out, MECHANISM_ARC, mechanism);
    if (value.len)
        put_nested(out, places->value, GRAPHIC_STRING, value);
}

static void put_user_information(struct cursor *out, struct octets octets)
{
    assert(octets.len <= ACSE_USER_INFORMATION_MAX);
    if (octets.len)
        put_nested(out, USER_INFORMATION, OCTET_STRING, octets);
}

// The whole, now that its length is known.
static void put_around(struct cursor *out, uint8_t tag, const uint8_t *body,
                       const struct cursor *written)
{
    assert(!written->err);
    cursor_put_u8(out, tag);
    tlv_put_octets(out, (struct octets){body, (size_t)(written->at - body)});
}

void acse_put_aarq(struct cursor *out, const struct acse_aarq *aarq)
{
    uint8_t body[BODY_MAX];
    struct cursor in = cursor_writer(body, sizeof body);
    put_context(&in, aarq->context);
    put_title(&in, &of_aarq, aarq->title);
    put_authentication(&in, &of_aarq, aarq->mechanism, aarq->challenge);
    put_user_information(&in, aarq->user_information);
    put_around(out, ACSE_AARQ, body, &in);
}

void acse_put_aare(struct cursor *out, const struct acse_aare *aare)
{
    uint8_t body[BODY_MAX];
    struct cursor in = cursor_writer(body, sizeof body);
    put_context(&in, aare->context);
    put_nested(&in, RESULT, INTEGER, (struct octets){&aare->result, 1});
    const uint8_t diagnostic[] = {INTEGER, 1, aare->diagnostic};
    put_nested(&in, DIAGNOSTIC, (uint8_t)(0xa0 | aare->source),
               (struct octets){diagnostic, sizeof diagnostic});
    put_title(&in, &of_aare, aare->title);
    put_authentication(&in, &of_aare, aare->mechanism, aare->challenge);
    put_user_information(&in, aare->user_information);
    put_around(out, ACSE_AARE, body, &in);
}

static void put_release(struct cursor *out, uint8_t tag, const struct acse_release *release)
{
    uint8_t body[BODY_MAX];
    struct cursor in = cursor_writer(body, sizeof body);
    if (release->reason != ACSE_NO_REASON_GIVEN) {
        uint8_t reason = (uint8_t)release->reason;
        cursor_put_u8(&in, REASON);
        tlv_put_octets(&in, (struct octets){&reason, 1});
    }
    put_user_information(&in, release->user_information);
    put_around(out, tag, body, &in);
}

void acse_put_rlrq(struct cursor *out, const struct acse_release *rlrq)
{
    put_release(out, ACSE_RLRQ, rlrq);
}

void acse_put_rlre(struct cursor *out, const struct acse_release *rlre)
{
    put_release(out, ACSE_RLRE, rlre);
}

static bool are_equal(struct octets a, const void *b, size_t len)
{
    return a.len == len && !memcmp(a.at, b, len);
}

// All of octets must be one element of that tag; what is in it.
static struct octets only(struct cursor *in, struct octets octets, uint8_t tag)
{
    struct cursor inner = cursor_reader(octets.at, octets.len);
    if (cursor_get_u8(&inner) != tag)
        tlv_refuse(&inner, ERR_SYNTAX);
    struct octets value = tlv_get_octets(&inner);
    if (cursor_left(&inner))
        tlv_refuse(&inner, ERR_SIZE);
    if (inner.err)
        value.len = 0;
    tlv_refuse(in, inner.err);
    return value;
}

static uint8_t only_octet(struct cursor *in, struct octets octets, uint8_t tag)
{
    struct octets value = only(in, octets, tag);
    if (value.len != 1)
        tlv_refuse(in, ERR_SYNTAX);
    return value.len == 1 ? value.at[0] : 0;
}

static uint8_t identifier(struct cursor *in, struct octets value, uint8_t arc)
{
    bool known = value.len == IDENTIFIER_LEN && !memcmp(value.at, dlms_ua, sizeof dlms_ua)
                 && value.at[sizeof dlms_ua] == arc;
    if (!known)
        tlv_refuse(in, ERR_SYNTAX);
    return known ? value.at[IDENTIFIER_LEN - 1] : 0;
}

static uint8_t get_context(struct cursor *in, struct octets element)
{
    uint8_t context = identifier(in, only(in, element, OBJECT_IDENTIFIER), CONTEXT_ARC);
    if (context != ACSE_LN && context != ACSE_LN_CIPHERED)
        tlv_refuse(in, ERR_RANGE);
    return context;
}

static struct octets get_title(struct cursor *in, struct octets element)
{
    struct octets title = only(in, element, OCTET_STRING);
    if (title.len != ACSE_TITLE_LEN)
        tlv_refuse(in, ERR_RANGE);
    return title;
}

static struct octets get_challenge(struct cursor *in, struct octets element)
{
    struct octets value = only(in, element, GRAPHIC_STRING);
    if (!value.len || value.len > ACSE_CHALLENGE_MAX)
        tlv_refuse(in, ERR_RANGE);
    return value;
}

static struct octets get_user_information(struct cursor *in, struct octets element)
{
    struct octets value = only(in, element, OCTET_STRING);
    if (!value.len)
        tlv_refuse(in, ERR_SYNTAX);
    return value;
}

// What the elements of both AARQ and AARE hold; each stays 0 where it is absent.
struct elements {
    bool has_context, has_result, has_diagnostic, has_requirements;
    uint8_t context, result, source, diagnostic, mechanism;
    struct octets title, challenge, user_information;
};

static void get_result(struct cursor *in, struct octets element, struct elements *elements)
{
    elements->has_result = true;
    elements->result = only_octet(in, element, INTEGER);
    if (elements->result > ACSE_REJECTED_TRANSIENT)
        tlv_refuse(in, ERR_RANGE);
}

static void get_diagnostic(struct cursor *in, struct octets element, struct elements *elements)
{
    uint8_t tag = element.len ? element.at[0] : 0;
    if (tag != (0xa0 | ACSE_USER) && tag != (0xa0 | ACSE_PROVIDER))
        tlv_refuse(in, ERR_SYNTAX);
    elements->has_diagnostic = true;
    elements->source = tag & TAG_NUMBER;
    elements->diagnostic = only_octet(in, only(in, element, tag), INTEGER);
}

static void get_mechanism(struct cursor *in, struct octets element, struct elements *elements)
{
    elements->mechanism = identifier(in, element, MECHANISM_ARC);
    if (elements->mechanism == ACSE_LOWEST || elements->mechanism > 7)
        tlv_refuse(in, ERR_RANGE);
}

static void get_element(struct cursor *in, const struct places *places, uint8_t tag,
                        struct octets element, struct elements *elements)
{
    if (tag == CONTEXT) {
        elements->has_context = true;
        elements->context = get_context(in, element);
    } else if (tag == RESULT && places == &of_aare) {
        get_result(in, element, elements);
    } else if (tag == DIAGNOSTIC && places == &of_aare) {
        get_diagnostic(in, element, elements);
    } else if (tag == places->title) {
        elements->title = get_title(in, element);
    } else if (tag == places->requirements) {
        elements->has_requirements = true;
        if (!are_equal(element, requirements, sizeof requirements))
            tlv_refuse(in, ERR_SYNTAX);
    } else if (tag == places->mechanism) {
        get_mechanism(in, element, elements);
    } else if (tag == places->value) {
        elements->challenge = get_challenge(in, element);
    } else if (tag == USER_INFORMATION) {
        elements->user_information = get_user_information(in, element);
    }
}

// The elements of one APDU. They stand in the order of their tags, each once.
static enum err get_elements(struct octets apdu, uint8_t tag, const struct places *places,
                             struct elements *elements)
{
    struct cursor whole = cursor_reader(apdu.at, apdu.len);
    struct octets body = only(&whole, apdu, tag);
    if (whole.err)
        return whole.err;
    struct cursor in = cursor_reader(body.at, body.len);
    const char *allowed = places->allowed;
    while (cursor_left(&in)) {
        uint8_t element = cursor_get_u8(&in);
        const char *place = element ? strchr(allowed, (char)element) : NULL;
        if (!place) {
            tlv_refuse(&in, ERR_SYNTAX);
            break;
        }
        allowed = place + 1;
        get_element(&in, places, element, tlv_get_octets(&in), elements);
    }
    bool authenticated = elements->mechanism != ACSE_LOWEST;
    if (!elements->has_context || elements->has_requirements != authenticated
        || (elements->challenge.len && !authenticated))
        tlv_refuse(&in, ERR_SYNTAX);
    return in.err;
}

enum err acse_read_aarq(struct octets apdu, struct acse_aarq *aarq)
{
    struct elements found = {0};
    enum err err = get_elements(apdu, ACSE_AARQ, &of_aarq, &found);
    if (err)
        return err;
    *aarq = (struct acse_aarq){
        .context = found.context,
        .mechanism = found.mechanism,
        .title = found.title,
        .challenge = found.challenge,
        .user_information = found.user_information,
    };
    return ERR_NONE;
}

enum err acse_read_aare(struct octets apdu, struct acse_aare *aare)
{
    struct elements found = {0};
    enum err err = get_elements(apdu, ACSE_AARE, &of_aare, &found);
    if (err)
        return err;
    if (!found.has_result || !found.has_diagnostic)
        return ERR_SYNTAX;
    *aare = (struct acse_aare){
        .context = found.context,
        .result = found.result,
        .source = found.source,
        .diagnostic = found.diagnostic,
        .mechanism = found.mechanism,
        .title = found.title,
        .challenge = found.challenge,
        .user_information = found.user_information,
    };
    return ERR_NONE;
}

enum { NO_TAG = -1 };

static int next_tag(struct cursor *in)
{
    return cursor_left(in) ? cursor_get_u8(in) : NO_TAG;
}

static enum err read_release(struct octets apdu, uint8_t tag, struct acse_release *release)
{
    struct cursor in = cursor_reader(apdu.at, apdu.len);
    struct octets body = only(&in, apdu, tag);
    if (in.err)
        return in.err;
    struct acse_release found = {.reason = ACSE_NO_REASON_GIVEN};
    in = cursor_reader(body.at, body.len);
    int element = next_tag(&in);
    if (element == REASON) {
        struct octets reason = tlv_get_octets(&in);
        if (reason.len == 1)
            found.reason = reason.at[0];
        else
            tlv_refuse(&in, ERR_SYNTAX);
        element = next_tag(&in);
    }
    if (element == USER_INFORMATION) {
        found.user_information = get_user_information(&in, tlv_get_octets(&in));
        element = next_tag(&in);
    }
    if (element != NO_TAG)
        tlv_refuse(&in, ERR_SYNTAX);
    if (!in.err)
        *release = found;
    return in.err;
}

enum err acse_read_rlrq(struct octets apdu, struct acse_release *rlrq)
{
    return read_release(apdu, ACSE_RLRQ, rlrq);
}

enum err acse_read_rlre(struct octets apdu, struct acse_release *rlre)
{
    return read_release(apdu, ACSE_RLRE, rlre);
}
