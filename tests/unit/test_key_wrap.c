// SPDX-License-Identifier: Apache-2.0

#include "wire/key_wrap.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint8_t a_key[CIPHER_KEY_LEN] = "0123456789abcdef";

static struct master_key master_of(uint8_t octet)
{
    struct master_key master;
    memset(master.octets, octet, sizeof master.octets);
    master_key_name(&master);
    return master;
}

Test(key_wrap, opens_what_it_sealed)
{
    struct key_wrap *worker = key_wrap_new();
    struct master_key master = master_of(1);
    uint8_t wrapped[KEY_WRAPPED_LEN], again[KEY_WRAPPED_LEN], key[CIPHER_KEY_LEN];
    key_wrap_seal(worker, &master, KEY_FOR_ENCRYPTION, "E1", a_key, wrapped);
    key_wrap_seal(worker, &master, KEY_FOR_ENCRYPTION, "E1", a_key, again);
    cr_expect_neq(memcmp(wrapped, again, sizeof wrapped), 0, "a nonce of its own each time");
    cr_assert_eq(key_wrap_open(worker, &master, KEY_FOR_ENCRYPTION, "E1", wrapped, key), ERR_NONE);
    cr_expect_eq(memcmp(key, a_key, sizeof key), 0);
    key_wrap_free(worker);
}

Test(key_wrap, opens_nothing_else)
{
    static const uint8_t zero[CIPHER_KEY_LEN];
    struct key_wrap *worker = key_wrap_new();
    struct master_key master = master_of(1), other = master_of(2);
    uint8_t wrapped[KEY_WRAPPED_LEN], key[CIPHER_KEY_LEN] = "x";
    key_wrap_seal(worker, &master, KEY_FOR_ENCRYPTION, "E1", a_key, wrapped);
    cr_expect_eq(key_wrap_open(worker, &other, KEY_FOR_ENCRYPTION, "E1", wrapped, key),
                 ERR_CHECKSUM, "another master key");
    cr_expect_eq(memcmp(key, zero, sizeof key), 0, "nothing is left behind");
    cr_expect_eq(key_wrap_open(worker, &master, KEY_FOR_AUTHENTICATION, "E1", wrapped, key),
                 ERR_CHECKSUM, "for another purpose");
    cr_expect_eq(key_wrap_open(worker, &master, KEY_FOR_ENCRYPTION, "E11", wrapped, key),
                 ERR_CHECKSUM, "another meter's");
    for (size_t i = 0; i < sizeof wrapped; i++) {
        wrapped[i] ^= 1;
        cr_expect_eq(key_wrap_open(worker, &master, KEY_FOR_ENCRYPTION, "E1", wrapped, key),
                     ERR_CHECKSUM, "octet %zu altered", i);
        wrapped[i] ^= 1;
    }
    cr_expect_eq(key_wrap_open(worker, &master, KEY_FOR_ENCRYPTION, "E1", wrapped, key), ERR_NONE);
    key_wrap_free(worker);
}

Test(key_wrap, names_a_master_key_by_its_digest)
{
    struct master_key master = master_of(1), same = master_of(1), other = master_of(2);
    cr_expect_eq(strlen(master.id), MASTER_KEY_ID_LEN);
    cr_expect_str_eq(master.id, same.id);
    cr_expect_str_neq(master.id, other.id);
}

Test(key_wrap, counts_for_a_key_and_a_title)
{
    struct key_use use = key_use_of(a_key, a_key), same = key_use_of(a_key, a_key);
    struct key_use title = key_use_of(a_key, a_key + 8), key;
    uint8_t other[CIPHER_KEY_LEN] = "0123456789abcdeg";
    key = key_use_of(other, a_key);
    cr_expect_eq(memcmp(&use, &same, sizeof use), 0);
    cr_expect_neq(memcmp(&use, &title, sizeof use), 0, "another title");
    cr_expect_neq(memcmp(&use, &key, sizeof use), 0, "another key");
}
