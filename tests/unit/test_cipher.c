// SPDX-License-Identifier: Apache-2.0
// Figures: the Green Book's examples of suite 0 (8.1, 9.2.7.2 and table 43) as public test
// suites repeat them, recomputed.

#include "tests/unit/octets_of.h"
#include "wire/cipher.h"

#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct cipher_keys keys = {
    .encryption = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .authentication = {0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc,
                       0xdd, 0xde, 0xdf},
};
static const uint8_t title[] = {0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4e};
enum { COUNTER = 0x01234567 };

struct published {
    char plain[80], sealed[140];
    uint8_t control;
    char why[48];
};

ParameterizedTestParameters(cipher, agrees_with_the_published_figures)
{
    static struct published cases[] = {
        {"01011000112233445566778899AABBCCDDEEFF0000065F1F0400007E1F04B0",
         "2130 3001234567 801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE68"
         "41DB204D39EE6FDB8E356855",
         CIPHER_BOTH, "InitiateRequest"},
        {"C0010000080000010000FF0200",
         "C81E 3001234567 411312FF935A47566827C467BC 7D825C3BE4A77C3FCC056B6B", CIPHER_BOTH,
         "get-request"},
        {"C0010000080000010000FF0200", "C812 2001234567 411312FF935A47566827C467BC",
         CIPHER_ENCRYPTED, "encrypted only"},
        {"C0010000080000010000FF0200",
         "C81E 1001234567 C0010000080000010000FF0200 06725D910F9221D263877516",
         CIPHER_AUTHENTICATED, "authenticated only"},
    };
    return cr_make_param_array(struct published, cases, COUNT(cases));
}

ParameterizedTest(struct published *c, cipher, agrees_with_the_published_figures)
{
    uint8_t plain_store[OCTETS_OF_MAX], sealed_store[OCTETS_OF_MAX], out_store[256],
        opened_store[256];
    char text[2 * OCTETS_OF_MAX + 1], wanted[2 * OCTETS_OF_MAX + 1];
    struct octets plain = octets_of(c->plain, plain_store);
    struct octets sealed = octets_of(c->sealed, sealed_store);
    struct cipher *cipher = cipher_new();
    struct cursor out = cursor_writer(out_store, sizeof out_store);
    cipher_seal(cipher, &keys, title, c->control, COUNTER, plain, &out);
    cr_expect_str_eq(text_of((struct octets){out_store, (size_t)(out.at - out_store)}, text),
                     text_of(sealed, wanted), "%s", c->why);

    struct cipher_opened opened;
    enum err err =
        cipher_open(cipher, &keys, title, sealed, opened_store, sizeof opened_store, &opened);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    cr_expect_eq(opened.control, c->control, "%s", c->why);
    cr_expect_eq(opened.counter, COUNTER, "%s", c->why);
    cr_expect_eq(opened.len, plain.len, "%s", c->why);
    cr_expect_arr_eq(opened_store, plain.at, plain.len, "%s", c->why);
    cipher_free(cipher);
}

Test(cipher, notices_every_octet_that_changes)
{
    uint8_t store[OCTETS_OF_MAX], plain[64];
    struct octets sealed =
        octets_of("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", store);
    struct cipher *cipher = cipher_new();
    struct cipher_opened opened;
    for (size_t i = 0; i < sealed.len; i++) {
        store[i] ^= 0x04;
        cr_expect_neq(cipher_open(cipher, &keys, title, sealed, plain, sizeof plain, &opened),
                      ERR_NONE, "octet %zu", i);
        store[i] ^= 0x04;
        cr_expect_neq(cipher_open(cipher, &keys, title, (struct octets){store, i}, plain,
                                  sizeof plain, &opened),
                      ERR_NONE, "cut at %zu", i);
    }
    cr_expect_eq(cipher_open(cipher, &keys, title, sealed, plain, sizeof plain, &opened), ERR_NONE);
    struct cipher_keys other = keys;
    other.authentication[15] ^= 1;
    cr_expect_eq(cipher_open(cipher, &other, title, sealed, plain, sizeof plain, &opened),
                 ERR_CHECKSUM, "another authentication key");
    cr_expect_eq(plain[0], 0, "what is not authentic is not shown");
    other = keys;
    other.encryption[0] ^= 1;
    cr_expect_eq(cipher_open(cipher, &other, title, sealed, plain, sizeof plain, &opened),
                 ERR_CHECKSUM, "another encryption key");
    cipher_free(cipher);
}

struct bad {
    char hex[100];
    enum err err;
    char why[56];
};

ParameterizedTestParameters(cipher, refuses)
{
    static struct bad cases[] = {
        {"", ERR_SIZE, "nothing"},
        {"C41E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX,
         "not protected"},
        {"D81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX,
         "an exception never is"},
        {"C91E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX,
         "says set, holds get"},
        {"C81E0001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX,
         "neither authenticated nor encrypted"},
        {"C81E3101234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX, "suite 1"},
        {"C81E7001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX,
         "broadcast key"},
        {"C81EB001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", ERR_SYNTAX,
         "compressed"},
        {"C811300123456741DB204D39EE6FDB8E356855", ERR_SIZE, "nothing inside"},
        {"C8053001234567", ERR_SIZE, "no room for a tag"},
        {"C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B00", ERR_SIZE,
         "an octet behind it"},
        {"C8153001234567411312FF935A47566827C467BC", ERR_SIZE, "broken off"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, cipher, refuses)
{
    uint8_t store[OCTETS_OF_MAX], plain[64];
    struct cipher *cipher = cipher_new();
    struct cipher_opened opened = {.len = 42};
    enum err err =
        cipher_open(cipher, &keys, title, octets_of(c->hex, store), plain, sizeof plain, &opened);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(opened.len, 42, "%s: untouched", c->why);
    cipher_free(cipher);
}

Test(cipher, keeps_to_the_room_it_was_given)
{
    uint8_t store[OCTETS_OF_MAX], plain[13];
    struct octets sealed =
        octets_of("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", store);
    struct cipher *cipher = cipher_new();
    struct cipher_opened opened;
    cr_expect_eq(cipher_open(cipher, &keys, title, sealed, plain, 12, &opened), ERR_SIZE);
    cr_expect_eq(cipher_open(cipher, &keys, title, sealed, plain, 13, &opened), ERR_NONE);
    struct octets get = {plain, 13};
    uint8_t room[32];
    struct cursor out = cursor_writer(room, cipher_sealed_len(13) - 1);
    cipher_seal(cipher, &keys, title, CIPHER_BOTH, 1, get, &out);
    cr_expect_eq(out.err, ERR_SIZE);
    out = cursor_writer(room, cipher_sealed_len(13));
    cipher_seal(cipher, &keys, title, CIPHER_BOTH, 1, get, &out);
    cr_expect_eq(out.err, ERR_NONE);
    cr_expect_eq(cursor_left(&out), 0);
    cipher_free(cipher);
}

struct tag {
    uint8_t tag;
    enum cipher_key_kind kind;
};

ParameterizedTestParameters(cipher, knows_its_tags)
{
    static struct tag cases[] = {
        {0x21, CIPHER_GLOBAL},      {0x28, CIPHER_GLOBAL},      {0xc8, CIPHER_GLOBAL},
        {0xc9, CIPHER_GLOBAL},      {0xcb, CIPHER_GLOBAL},      {0xcc, CIPHER_GLOBAL},
        {0xcd, CIPHER_GLOBAL},      {0xcf, CIPHER_GLOBAL},      {0xd0, CIPHER_DEDICATED},
        {0xd1, CIPHER_DEDICATED},   {0xd3, CIPHER_DEDICATED},   {0xd4, CIPHER_DEDICATED},
        {0xd5, CIPHER_DEDICATED},   {0xd7, CIPHER_DEDICATED},   {0xd8, CIPHER_UNPROTECTED},
        {0x01, CIPHER_UNPROTECTED}, {0x29, CIPHER_UNPROTECTED}, {0x30, CIPHER_UNPROTECTED},
        {0xc0, CIPHER_UNPROTECTED}, {0xca, CIPHER_UNPROTECTED}, {0xd2, CIPHER_UNPROTECTED},
        {0x60, CIPHER_UNPROTECTED}, {0x00, CIPHER_UNPROTECTED},
    };
    return cr_make_param_array(struct tag, cases, COUNT(cases));
}

ParameterizedTest(struct tag *c, cipher, knows_its_tags)
{
    cr_expect_eq(cipher_kind(c->tag), c->kind, "%02x", c->tag);
}

Test(cipher, opens_what_is_under_a_dedicated_key)
{
    uint8_t store[OCTETS_OF_MAX], plain[64];
    struct octets sealed =
        octets_of("C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B", store);
    struct cipher *cipher = cipher_new();
    struct cipher_opened opened;
    store[0] = 0xd0; // the outer tag is not authenticated: the key tells
    cr_expect_eq(cipher_open(cipher, &keys, title, sealed, plain, sizeof plain, &opened), ERR_NONE);
    cr_expect_eq(plain[0], 0xc0);
    cipher_free(cipher);
}

struct length {
    size_t plain, sealed;
};

ParameterizedTestParameters(cipher, foretells_the_length)
{
    static struct length cases[] = {{13, 32},   {110, 129},   {111, 131},  {238, 258},
                                    {239, 260}, {1017, 1038}, {1041, 1062}};
    return cr_make_param_array(struct length, cases, COUNT(cases));
}

ParameterizedTest(struct length *c, cipher, foretells_the_length)
{
    static uint8_t plain[1100] = {0xc1}, sealed[1200];
    cr_expect_eq(cipher_sealed_len(c->plain), c->sealed);
    struct cipher *cipher = cipher_new();
    struct cursor out = cursor_writer(sealed, sizeof sealed);
    cipher_seal(cipher, &keys, title, CIPHER_BOTH, 1, (struct octets){plain, c->plain}, &out);
    cr_expect_eq((size_t)(out.at - sealed), c->sealed);
    cipher_free(cipher);
}

struct token {
    uint8_t title[CIPHER_TITLE_LEN];
    uint32_t counter;
    char challenge[24], hex[40];
    char why[16];
};

ParameterizedTestParameters(cipher, proves_and_believes)
{
    static struct token cases[] = {
        {{0x4d, 0x4d, 0x4d, 0, 0, 0, 0, 1},
         1,
         "503677524A323146",
         "10000000011A52FE7DD3E72748973C1E28",
         "pass 3"},
        {{0x4d, 0x4d, 0x4d, 0, 0, 0xbc, 0x61, 0x4e},
         COUNTER,
         "4B35366956616759",
         "1001234567FE1466AFB3DBCD4F9389E2B7",
         "pass 4"},
    };
    return cr_make_param_array(struct token, cases, COUNT(cases));
}

ParameterizedTest(struct token *c, cipher, proves_and_believes)
{
    uint8_t challenge_store[OCTETS_OF_MAX], token[CIPHER_TOKEN_LEN];
    char text[2 * OCTETS_OF_MAX + 1];
    struct octets challenge = octets_of(c->challenge, challenge_store);
    struct octets proof = {token, sizeof token};
    struct cipher *cipher = cipher_new();
    cipher_put_token(cipher, &keys, c->title, CIPHER_AUTHENTICATED, c->counter, challenge, token);
    cr_expect_str_eq(text_of(proof, text), c->hex, "%s", c->why);
    cr_expect_eq(cipher_check_token(cipher, &keys, c->title, challenge, proof), ERR_NONE, "%s",
                 c->why);
    cr_expect_eq(cipher_check_token(cipher, &keys, title, (struct octets){token, 8}, proof),
                 ERR_CHECKSUM, "%s: another challenge", c->why);
    for (size_t i = 0; i < sizeof token; i++) {
        token[i] ^= 1;
        cr_expect_neq(cipher_check_token(cipher, &keys, c->title, challenge, proof), ERR_NONE,
                      "%s: octet %zu", c->why, i);
        token[i] ^= 1;
    }
    cr_expect_eq(cipher_check_token(cipher, &keys, c->title, challenge, (struct octets){token, 16}),
                 ERR_SIZE, "%s", c->why);
    cipher_put_token(cipher, &keys, c->title, CIPHER_BOTH, c->counter, challenge, token);
    cr_expect_eq(cipher_check_token(cipher, &keys, c->title, challenge, proof), ERR_NONE,
                 "%s: SC 30, as some meters say", c->why);
    token[0] = CIPHER_AUTHENTICATED;
    cr_expect_eq(cipher_check_token(cipher, &keys, c->title, challenge, proof), ERR_CHECKSUM,
                 "%s: SC is part of what is proven", c->why);
    token[0] = CIPHER_ENCRYPTED;
    cr_expect_eq(cipher_check_token(cipher, &keys, c->title, challenge, proof), ERR_SYNTAX, "%s",
                 c->why);
    cipher_free(cipher);
}
