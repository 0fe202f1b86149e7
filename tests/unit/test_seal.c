// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "wire/seal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// The first key pair of RFC 8032, 7.1, as PEM.
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                          "-----END PRIVATE KEY-----\n";
static const char public_text[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
static const char meter[] = "E0051000000000001";
static const char text[] =
    "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"190329160000W\","
    "\"ValidTo\":\"190329190000W\"},\"Body\":{\"Period\":[{\"Start\":\"190329160000W\","
    "\"MxPwr\":6000}]}}";
static const char sealed_text[] =
    "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"190329160000W\","
    "\"ValidTo\":\"190329190000W\",\"Seq\":1553875200000},\"Body\":{\"Period\":[{\"Start\":"
    "\"190329160000W\",\"MxPwr\":6000}]},\"Sig\":\"SIGNATURE\"}";

static struct seal_key *key_of(const char *from)
{
    struct seal_key *key = NULL;
    cr_assert_eq(seal_key_parse(from, strlen(from), &key), ERR_NONE);
    return key;
}

// The text above, sealed with the key above.
static struct seal_public sealed_example(char sealed[static LONG_MESSAGE_MAX + 1])
{
    struct seal_key *key = key_of(pem);
    cr_assert_eq(seal_write(text, strlen(text), 1553875200000, meter, key, sealed), ERR_NONE);
    struct seal_public public = seal_key_public(key);
    seal_key_free(key);
    return public;
}

static bool is_true(const char *sealed, size_t len, const char *id, const struct seal_public *key)
{
    struct seal seal;
    return !seal_read(sealed, len, &seal) && seal_is_true(sealed, &seal, id, key);
}

Test(seal, stands_in_the_header_and_at_the_end)
{
    char sealed[LONG_MESSAGE_MAX + 1];
    struct seal_public key = sealed_example(sealed);
    const char *before = strstr(sealed_text, "SIGNATURE");
    cr_expect(!strncmp(sealed, sealed_text, (size_t)(before - sealed_text)), "%s", sealed);
    cr_expect_str_eq(sealed + strlen(sealed) - 2, "\"}");
    cr_expect_leq(strlen(sealed), strlen(text) + SEAL_ROOM);
    cr_expect(is_true(sealed, strlen(sealed), meter, &key));
    struct long_message message;
    long_message_read(sealed, strlen(sealed), LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_PROFILE, "%s", message.reason);
    cr_expect_eq(message.oddities, 0);
    cr_expect_eq(message.seq, 1553875200000);
}

// Known from another implementation: Python's cryptography, over the octets of seal.h.
Test(seal, is_what_others_compute)
{
    char sealed[LONG_MESSAGE_MAX + 1];
    sealed_example(sealed);
    cr_expect(strstr(sealed, ",\"Sig\":\"lLdQ2DU-xBdpFvDBONuU-Zpwn5p2cx-_FIUUM4cOxVXIWv6XDqMub_"
                             "qJ7rtcL5cgFWpJgw8myzNsRYFVkQs5Dg\"}"),
              "%s", sealed);
}

Test(seal, breaks_with_every_bit_of_the_text)
{
    char sealed[LONG_MESSAGE_MAX + 1];
    struct seal_public key = sealed_example(sealed);
    size_t len = strlen(sealed);
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            sealed[i] = (char)(sealed[i] ^ 1 << bit);
            cr_expect_not(is_true(sealed, len, meter, &key), "octet %zu bit %d", i, bit);
            sealed[i] = (char)(sealed[i] ^ 1 << bit);
        }
    for (size_t cut = 0; cut < len; cut++)
        cr_expect_not(is_true(sealed, cut, meter, &key), "cut at %zu", cut);
}

Test(seal, is_for_one_meter_and_of_one_key)
{
    char sealed[LONG_MESSAGE_MAX + 1], long_id[SEAL_EQUIPMENT_MAX + 2] = "";
    struct seal_public key = sealed_example(sealed);
    size_t len = strlen(sealed);
    memset(long_id, 'E', SEAL_EQUIPMENT_MAX + 1);
    static const char *const others[] = {"E0051000000000002", "E005100000000000", "",
                                         "E00510000000000011"};
    for (size_t i = 0; i < COUNT(others); i++)
        cr_expect_not(is_true(sealed, len, others[i], &key), "\"%s\"", others[i]);
    cr_expect_not(is_true(sealed, len, long_id, &key));
    struct seal_key *other = seal_key_make();
    struct seal_public public = seal_key_public(other);
    cr_expect_not(is_true(sealed, len, meter, &public));
    seal_key_free(other);
}

Test(seal, still_fits_a_message_as_long_as_can_be)
{
    struct profile profile = {.valid_from = 1768406400, .valid_to = 1768492800, .count = 96};
    for (int i = 0; i < profile.count; i++) {
        profile.periods[i].start = profile.valid_from + 900 * i;
        profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, 123456 + (i % 7) * 111);
    }
    char full[LONG_MESSAGE_MAX + 1], sealed[LONG_MESSAGE_MAX + 1];
    struct profile written;
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, SEAL_ROOM, full, &written), ERR_NONE);
    struct seal_key *key = seal_key_make();
    cr_assert_eq(seal_write(full, strlen(full), LONG_MESSAGE_SEQ_MAX, meter, key, sealed),
                 ERR_NONE);
    struct seal_public public = seal_key_public(key);
    cr_expect(is_true(sealed, strlen(sealed), meter, &public));
    struct long_message message;
    long_message_read(sealed, strlen(sealed), LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_PROFILE, "%s", message.reason);
    cr_expect(profile_equal(&message.profile, &written));
    cr_expect_geq(message.profile.count, 19);

    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, 0, full, &written), ERR_NONE);
    cr_expect_eq(seal_write(full, strlen(full), 1, meter, key, sealed), ERR_SIZE);
    seal_key_free(key);
}

struct bad {
    char text[160];
    int64_t seq;
    enum err err;
    char why[48];
};

ParameterizedTestParameters(seal, is_not_written_on)
{
    static struct bad cases[] = {
        {"{\"Header\":{\"A\":1},\"Body\":{}}", 0, ERR_RANGE, "no number"},
        {"{\"Header\":{\"A\":1},\"Body\":{}}", -1, ERR_RANGE, "a negative number"},
        {"{\"Header\":{\"A\":1},\"Body\":{}}", LONG_MESSAGE_SEQ_MAX + 1, ERR_RANGE, "too great"},
        {"", 1, ERR_SYNTAX, "nothing"},
        {"{\"Header\":{", 1, ERR_SYNTAX, "no more than a beginning"},
        {"{\"Header\":{}}", 1, ERR_SYNTAX, "an empty header"},
        {"{ \"Header\":{\"A\":1}}", 1, ERR_SYNTAX, "not canonical"},
        {"{\"Header\":{\"A\":1}} ", 1, ERR_SYNTAX, "a blank behind it"},
        {"{\"Header\":{\"A\":1}", 1, ERR_SYNTAX, "not closed"},
        {"{\"Header\":{\"A\":1", 1, ERR_SYNTAX, "not even the header"},
        {"{\"Header\":{\"Seq\":1},\"Body\":{}}", 1, ERR_SYNTAX, "sealed already"},
        {"{\"Header\":{\"A\":1},\"Body\":{},\"Sig\":\"\"}", 1, ERR_SYNTAX, "likewise"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, seal, is_not_written_on)
{
    char sealed[LONG_MESSAGE_MAX + 1] = "untouched";
    struct seal_key *key = key_of(pem);
    enum err err = seal_write(c->text, strlen(c->text), c->seq, meter, key, sealed);
    // "not closed" ends in the brace of its header, which closes nothing more
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_str_eq(sealed, "untouched", "%s", c->why);
    seal_key_free(key);
}

Test(seal, needs_an_identifier_and_a_text_of_some_length)
{
    char sealed[LONG_MESSAGE_MAX + 1], id[SEAL_EQUIPMENT_MAX + 2] = "", room[2000];
    struct seal_key *key = key_of(pem);
    memset(id, 'E', SEAL_EQUIPMENT_MAX);
    cr_expect_eq(seal_write(text, strlen(text), 1, id, key, sealed), ERR_NONE);
    id[SEAL_EQUIPMENT_MAX] = 'E';
    cr_expect_eq(seal_write(text, strlen(text), 1, id, key, sealed), ERR_SIZE);
    memset(room, ' ', sizeof room);
    cr_expect_eq(seal_write(room, sizeof room, 1, meter, key, sealed), ERR_SIZE);
    struct seal seal;
    cr_expect_eq(seal_read(room, sizeof room, &seal), ERR_SYNTAX);
    seal_key_free(key);
}

Test(seal, knows_a_signature_only_in_its_place)
{
    char sealed[LONG_MESSAGE_MAX + 1];
    struct seal seal;
    sealed_example(sealed);
    size_t len = strlen(sealed);
    cr_expect_eq(seal_read(text, strlen(text), &seal), ERR_SYNTAX, "none");
    cr_assert_eq(seal_read(sealed, len, &seal), ERR_NONE);
    sealed[len - 1] = ']';
    cr_expect_eq(seal_read(sealed, len, &seal), ERR_SYNTAX, "other end");
    sealed[len - 1] = '}';
    char *sig = strstr(sealed, "Sig");
    sig[0] = 's';
    cr_expect_eq(seal_read(sealed, len, &seal), ERR_SYNTAX, "other name");
    sig[0] = 'S';
    sig[6] = '=';
    cr_expect_eq(seal_read(sealed, len, &seal), ERR_SYNTAX, "no base64url");
}

Test(seal_key, is_read_and_written)
{
    char shown[SEAL_KEY_TEXT + 1];
    struct seal_key *key = key_of(pem);
    struct seal_public public = seal_key_public(key), read;
    seal_public_format(&public, shown);
    cr_expect_str_eq(shown, public_text);
    char *written = seal_key_format(key);
    cr_expect_str_eq(written, pem);
    free(written);
    seal_key_free(key);
    cr_assert_eq(seal_public_parse(public_text, &read), ERR_NONE);
    cr_expect_arr_eq(read.octets, public.octets, SEAL_KEY);
    cr_expect_eq(seal_public_parse("11qYAYKx", &read), ERR_SIZE);
    cr_expect_eq(seal_public_parse("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", &read),
                 ERR_SYNTAX);
    seal_key_free(NULL);
}

Test(seal_key, of_another_kind_is_refused)
{
    // P-256, and an Ed25519 one behind a password
    static const char *const others[] = {
        "-----BEGIN PRIVATE KEY-----\n"
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQ/+cBsg9qbLVodVK\n"
        "8dYynztq+QcJGsOB789UKFZDm2qhRANCAAS4ZGBh32c7s/Ks1VMrCzLES60mB04y\n"
        "sNIb4vteq/+gOVBF9hS1x3RKs7rKa1fxsVAuNSaMJ8hXScsJNzMWSxIt\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiU3RrvIWu/fAICCAAw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEHarYmCRwnrZMWSKeKVOvnYEQEY5\n"
        "3Nj8kNFJBcKkt3ArIgBCkPxeYF66UkPIpf+RmcQeYemERn34ZPufrG9Gf4W6K4wA\n"
        "RS6I5sy91GJJxMx+jok=\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n",
        "", "-----BEGIN PRIVATE KEY-----\n"};
    for (size_t i = 0; i < COUNT(others); i++) {
        struct seal_key *key = NULL;
        cr_expect_eq(seal_key_parse(others[i], strlen(others[i]), &key), ERR_SYNTAX, "%zu", i);
        cr_expect_null(key);
    }
}

Test(seal, signs_other_texts_too)
{
    static const char other[] = "socmod audit head 1";
    uint8_t signature[SEAL_SIGNATURE];
    struct seal_key *key = key_of(pem);
    struct seal_public public = seal_key_public(key);
    seal_sign(key, other, strlen(other), signature);
    cr_expect(seal_signed(other, strlen(other), signature, &public));
    cr_expect(!seal_signed(other, strlen(other) - 1, signature, &public));
    signature[7] ^= 1;
    cr_expect(!seal_signed(other, strlen(other), signature, &public));
    seal_key_free(key);
}
