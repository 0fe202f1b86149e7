// SPDX-License-Identifier: Apache-2.0
// Figures: written by hand from IEC 62056-5-3; the two of Initiate are the Green Book's.

#include "tests/unit/octets_of.h"
#include "wire/xdlms.h"

#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// What a PDU must say, but its data, which stands as hex digits.
struct pdu {
    char hex[160];
    struct xdlms said;
    char data[48];
    char why[56];
};

#define TEXT_OBJECT                                                                                \
    {                                                                                              \
        1, {0, 0, 96, 13, 0, 255}, 2                                                               \
    }
#define ASSOCIATION                                                                                \
    {                                                                                              \
        15, {0, 0, 40, 0, 0, 255}, 1                                                               \
    }
#define ANSWER(...)                                                                                \
    {                                                                                              \
        .invoke = 0xc1, .quality = XDLMS_NO_QUALITY, __VA_ARGS__                                   \
    }

ParameterizedTestParameters(xdlms, reads_and_writes)
{
    static struct pdu cases[] = {
        {"01 01 10 00112233445566778899AABBCCDDEEFF 00 00 06 5F1F0400007E1F 04B0",
         {.kind = XDLMS_INITIATE_REQUEST,
          .response_allowed = true,
          .quality = XDLMS_NO_QUALITY,
          .conformance = 0x007e1f,
          .max_pdu = 0x04b0},
         "00112233445566778899AABBCCDDEEFF",
         "Initiate with a dedicated key"},
        {"01 00 00 00 06 5F1F0400001819 0500",
         {.kind = XDLMS_INITIATE_REQUEST,
          .response_allowed = true,
          .quality = XDLMS_NO_QUALITY,
          .conformance = 0x001819,
          .max_pdu = 0x0500},
         "",
         "what we say"},
        {"01 00 01 00 01 80 06 5F1F0400FFFFFF 0000",
         {.kind = XDLMS_INITIATE_REQUEST, .quality = -128, .conformance = 0xffffff},
         "",
         "no response wanted, and a quality of service"},
        {"08 00 06 5F1F0400007C1F 0400 0007",
         {.kind = XDLMS_INITIATE_RESPONSE,
          .quality = XDLMS_NO_QUALITY,
          .conformance = 0x007c1f,
          .max_pdu = 1024},
         "",
         "what a meter answers"},
        {"08 0100 06 5F1F0400001E1D 04C8 0007",
         {.kind = XDLMS_INITIATE_RESPONSE,
          .quality = 0,
          .conformance = 0x001e1d,
          .max_pdu = 0x04c8},
         "",
         "with a quality of service"},
        {"C0 01 C1 0001 0000600D00FF 02 00",
         ANSWER(.kind = XDLMS_GET_REQUEST, .target = TEXT_OBJECT), "", "get"},
        {"C0 02 C1 00000007", ANSWER(.kind = XDLMS_GET_NEXT, .block = 7), "", "next block"},
        {"C4 01 C1 00 0902AABB", ANSWER(.kind = XDLMS_GET_RESPONSE, .payload = XDLMS_DATA),
         "0902AABB", "data"},
        {"C4 01 C1 01 03",
         ANSWER(.kind = XDLMS_GET_RESPONSE, .payload = XDLMS_ACCESS,
                .access = XDLMS_READ_WRITE_DENIED),
         "", "no data"},
        {"C4 02 C1 00 00000001 00 03 090100",
         ANSWER(.kind = XDLMS_GET_BLOCK, .block = 1, .payload = XDLMS_DATA), "090100", "a block"},
        {"C4 02 C1 01 00000002 00 00",
         ANSWER(.kind = XDLMS_GET_BLOCK, .last = true, .block = 2, .payload = XDLMS_DATA), "",
         "an empty last block"},
        {"C4 02 C1 01 00000002 01 0F",
         ANSWER(.kind = XDLMS_GET_BLOCK, .last = true, .block = 2, .payload = XDLMS_ACCESS,
                .access = XDLMS_LONG_GET_ABORTED),
         "", "blocks broken off"},
        {"C1 01 C1 0001 0000600D00FF 02 00 0903414243",
         ANSWER(.kind = XDLMS_SET_REQUEST, .target = TEXT_OBJECT), "0903414243", "set"},
        {"C1 02 C1 0001 0000600D00FF 02 00 00 00000001 02 0905",
         ANSWER(.kind = XDLMS_SET_FIRST, .target = TEXT_OBJECT, .block = 1), "0905", "first block"},
        {"C1 03 C1 01 00000002 05 4142434445",
         ANSWER(.kind = XDLMS_SET_NEXT, .last = true, .block = 2), "4142434445", "last block"},
        {"C5 01 C1 00", ANSWER(.kind = XDLMS_SET_RESPONSE), "", "set done"},
        {"C5 01 41 FA",
         {.kind = XDLMS_SET_RESPONSE,
          .invoke = 0x41,
          .quality = XDLMS_NO_QUALITY,
          .result = XDLMS_OTHER_REASON},
         "",
         "set not done, at low priority"},
        {"C5 02 C1 00000001", ANSWER(.kind = XDLMS_SET_BLOCK_TAKEN, .block = 1), "", "block taken"},
        {"C5 03 C1 02 00000003",
         ANSWER(.kind = XDLMS_SET_LAST_TAKEN, .result = XDLMS_TEMPORARY_FAILURE, .block = 3), "",
         "last block not taken"},
        {"C3 01 C1 000F 0000280000FF 01 01 0902AABB",
         ANSWER(.kind = XDLMS_ACTION_REQUEST, .target = ASSOCIATION, .payload = XDLMS_DATA),
         "0902AABB", "action"},
        {"C3 01 C1 000F 0000280000FF 01 00",
         ANSWER(.kind = XDLMS_ACTION_REQUEST, .target = ASSOCIATION), "", "action of nothing"},
        {"C3 02 C1 00000001", ANSWER(.kind = XDLMS_ACTION_NEXT, .block = 1), "", "action, next"},
        {"C3 04 C1 000F 0000280000FF 01 00 00000001 02 0902",
         ANSWER(.kind = XDLMS_ACTION_FIRST, .target = ASSOCIATION, .block = 1), "0902",
         "action, first block"},
        {"C3 06 C1 01 00000002 02 AABB",
         ANSWER(.kind = XDLMS_ACTION_BLOCK, .last = true, .block = 2), "AABB",
         "action, last block"},
        {"C7 01 C1 00 01 00 0902AABB", ANSWER(.kind = XDLMS_ACTION_RESPONSE, .payload = XDLMS_DATA),
         "0902AABB", "action done"},
        {"C7 01 C1 03 00", ANSWER(.kind = XDLMS_ACTION_RESPONSE, .result = XDLMS_READ_WRITE_DENIED),
         "", "action not done"},
        {"C7 01 C1 00 01 01 0C",
         ANSWER(.kind = XDLMS_ACTION_RESPONSE, .payload = XDLMS_ACCESS,
                .access = XDLMS_TYPE_UNMATCHED),
         "", "action done, but no answer of it"},
        {"C7 02 C1 01 00000001 02 AABB",
         ANSWER(.kind = XDLMS_ACTION_RESPONSE_BLOCK, .last = true, .block = 1), "AABB",
         "action, block of the answer"},
        {"C7 04 C1 00000001", ANSWER(.kind = XDLMS_ACTION_BLOCK_TAKEN, .block = 1), "",
         "action, block taken"},
        {"0E 01 06 01",
         {.kind = XDLMS_SERVICE_ERROR,
          .quality = XDLMS_NO_QUALITY,
          .service = XDLMS_SERVICE_INITIATE,
          .error_kind = XDLMS_ERROR_INITIATE,
          .error = 1},
         "",
         "version too low"},
        {"D8 01 02",
         {.kind = XDLMS_EXCEPTION,
          .quality = XDLMS_NO_QUALITY,
          .state = 1,
          .error = XDLMS_EXCEPTION_NOT_SUPPORTED},
         "",
         "exception"},
        {"D8 01 06 00000101",
         {.kind = XDLMS_EXCEPTION,
          .quality = XDLMS_NO_QUALITY,
          .state = 1,
          .error = XDLMS_EXCEPTION_COUNTER,
          .counter = 257},
         "",
         "exception that tells the counter"},
    };
    return cr_make_param_array(struct pdu, cases, COUNT(cases));
}

ParameterizedTest(struct pdu *c, xdlms, reads_and_writes)
{
    uint8_t store[OCTETS_OF_MAX], wanted[OCTETS_OF_MAX], again[OCTETS_OF_MAX];
    struct octets apdu = octets_of(c->hex, store), data = octets_of(c->data, wanted);
    struct xdlms pdu;
    enum err err = xdlms_read(apdu, &pdu);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    const struct octets *got =
        c->said.kind == XDLMS_INITIATE_REQUEST ? &pdu.dedicated_key : &pdu.data;
    cr_expect_eq(pdu.kind, c->said.kind, "%s", c->why);
    cr_expect_eq(pdu.invoke, c->said.invoke, "%s", c->why);
    cr_expect(xdlms_is_target(&pdu.target, &c->said.target), "%s", c->why);
    cr_expect_eq(pdu.result, c->said.result, "%s", c->why);
    cr_expect_eq(pdu.last, c->said.last, "%s", c->why);
    cr_expect_eq(pdu.block, c->said.block, "%s", c->why);
    cr_expect_eq(pdu.payload, c->said.payload, "%s", c->why);
    cr_expect_eq(pdu.access, c->said.access, "%s", c->why);
    cr_expect_eq(pdu.response_allowed, c->said.response_allowed, "%s", c->why);
    cr_expect_eq(pdu.quality, c->said.quality, "%s", c->why);
    cr_expect_eq(pdu.conformance, c->said.conformance, "%s", c->why);
    cr_expect_eq(pdu.max_pdu, c->said.max_pdu, "%s", c->why);
    cr_expect_eq(pdu.state, c->said.state, "%s", c->why);
    cr_expect_eq(pdu.service, c->said.service, "%s", c->why);
    cr_expect_eq(pdu.error_kind, c->said.error_kind, "%s", c->why);
    cr_expect_eq(pdu.error, c->said.error, "%s", c->why);
    cr_expect_eq(pdu.counter, c->said.counter, "%s", c->why);
    cr_assert_eq(got->len, data.len, "%s", c->why);
    cr_expect(!data.len || !memcmp(got->at, data.at, data.len), "%s", c->why);

    struct cursor out = cursor_writer(again, sizeof again);
    xdlms_put(&out, &pdu);
    cr_expect_eq((size_t)(out.at - again), apdu.len, "%s", c->why);
    cr_expect_arr_eq(again, apdu.at, apdu.len, "%s: written back", c->why);
    out = cursor_writer(again, apdu.len - 1);
    xdlms_put(&out, &pdu);
    cr_expect_eq(out.err, ERR_SIZE, "%s: does not fit", c->why);

    // Data goes to the end, and only there may a cut go unnoticed.
    bool to_the_end =
        got->len && c->said.kind != XDLMS_INITIATE_REQUEST
        && (c->said.kind == XDLMS_SET_REQUEST || c->said.kind == XDLMS_GET_RESPONSE
            || c->said.kind == XDLMS_ACTION_REQUEST || c->said.kind == XDLMS_ACTION_RESPONSE);
    for (size_t len = 0; len < apdu.len; len++) {
        err = xdlms_read((struct octets){apdu.at, len}, &pdu);
        bool in_data = to_the_end && len > apdu.len - data.len;
        cr_expect_eq(err, in_data ? ERR_NONE : ERR_SIZE, "%s: cut at %zu", c->why, len);
    }
}

struct bad {
    char hex[96];
    enum err err;
    char why[56];
};

ParameterizedTestParameters(xdlms, refuses)
{
    static struct bad cases[] = {
        {"", ERR_SIZE, "nothing"},
        {"00 00 00", ERR_SYNTAX, "no such service"},
        {"C2 01 C1 00", ERR_SYNTAX, "event notification"},
        {"C0 00 C1", ERR_SYNTAX, "no such get"},
        {"C0 03 C1 01", ERR_SYNTAX, "get with a list"},
        {"C0 01 C1 0001 0000600D00FF 02 01 00", ERR_SYNTAX, "selective access"},
        {"C0 01 C1 0001 0000600D00FF 02 00 00", ERR_SIZE, "an octet behind it"},
        {"C1 04 C1", ERR_SYNTAX, "set with a list"},
        {"C1 01 C1 0001 0000600D00FF 02 00", ERR_SIZE, "set of nothing"},
        {"C1 03 C1 02 00000001 01 AA", ERR_SYNTAX, "neither the last block nor not"},
        {"C1 03 C1 01 00000001 02 AA", ERR_SIZE, "piece broken off"},
        {"C1 03 C1 01 00000001 01 AABB", ERR_SIZE, "an octet behind the piece"},
        {"C4 01 C1 02 00", ERR_SYNTAX, "neither data nor result"},
        {"C4 01 C1 00", ERR_SIZE, "data of nothing"},
        {"C5 01 C1 00 00", ERR_SIZE, "an octet behind the result"},
        {"C7 01 C1 00 02 00", ERR_SYNTAX, "neither with data nor without"},
        {"01 00 00 00 05 5F1F0400001819 0500", ERR_RANGE, "DLMS 5"},
        {"01 00 00 00 06 5F1F0300001819 0500", ERR_SYNTAX, "conformance of three octets"},
        {"01 00 00 00 06 5F040000181905 0000", ERR_SYNTAX, "conformance with a short tag"},
        {"01 01 00 00 00 06 5F1F0400001819 0500", ERR_SYNTAX, "a dedicated key of nothing"},
        {"08 00 06 5F1F0400001819 0500 FA00", ERR_RANGE, "short names"},
        {"D8 01 06", ERR_SIZE, "counter missing"},
        {"D8 01 02 00000001", ERR_SIZE, "counter where none belongs"},
        {"0E 01 06", ERR_SIZE, "service error broken off"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, xdlms, refuses)
{
    uint8_t store[OCTETS_OF_MAX];
    struct xdlms pdu = {.block = 42};
    enum err err = xdlms_read(octets_of(c->hex, store), &pdu);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(pdu.block, 42, "%s: untouched", c->why);
}

struct data {
    char hex[32];
    enum err string, number;
    char why[40];
};

ParameterizedTestParameters(xdlms, reads_the_data_it_knows)
{
    static struct data cases[] = {
        {"0900", ERR_NONE, ERR_SYNTAX, "empty string"},
        {"09024142", ERR_NONE, ERR_SYNTAX, "a string of two"},
        {"0902414243", ERR_SIZE, ERR_SYNTAX, "a string and more"},
        {"090241", ERR_SIZE, ERR_SYNTAX, "a string broken off"},
        {"0A024142", ERR_SYNTAX, ERR_SYNTAX, "a visible string"},
        {"0600000102", ERR_SYNTAX, ERR_NONE, "a number"},
        {"06000001", ERR_SYNTAX, ERR_SIZE, "a number broken off"},
        {"060000010203", ERR_SYNTAX, ERR_SIZE, "a number and more"},
        {"120102", ERR_SYNTAX, ERR_SYNTAX, "a shorter number"},
        {"", ERR_SIZE, ERR_SIZE, "nothing"},
    };
    return cr_make_param_array(struct data, cases, COUNT(cases));
}

ParameterizedTest(struct data *c, xdlms, reads_the_data_it_knows)
{
    uint8_t store[OCTETS_OF_MAX], again[OCTETS_OF_MAX];
    struct octets data = octets_of(c->hex, store), string = {NULL, 42};
    uint32_t number = 42;
    enum err err = xdlms_read_string(data, &string);
    struct cursor out = cursor_writer(again, sizeof again);
    cr_expect_eq(err, c->string, "%s: %s", c->why, err_name(err));
    if (!err) {
        xdlms_put_string(&out, string);
        cr_expect_arr_eq(again, data.at, data.len, "%s", c->why);
    }
    err = xdlms_read_u32(data, &number);
    cr_expect_eq(err, c->number, "%s: %s", c->why, err_name(err));
    cr_expect_eq(number, err ? 42 : 0x102, "%s", c->why);
}

Test(xdlms, writes_numbers)
{
    uint8_t octets[5];
    struct cursor out = cursor_writer(octets, sizeof octets);
    xdlms_put_u32(&out, 0x102);
    cr_expect_arr_eq(octets, "\x06\0\0\1\2", 5);
}
