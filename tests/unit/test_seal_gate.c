// SPDX-License-Identifier: Apache-2.0

#include "gateway/seal_gate.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char text[] = "{\"Header\":{\"Action\":\"EBGDirectControl\"},\"Body\":{}}";

static char sealed[2][LONG_MESSAGE_MAX + 1]; // by the first and the second key
static char stranger[LONG_MESSAGE_MAX + 1];  // by a third one
static char elsewhere[LONG_MESSAGE_MAX + 1]; // by the first, for another meter
static struct seal_gate gate;

static void make_seals(void)
{
    gate = (struct seal_gate){.equipment_id = "E1"};
    struct seal_key *keys[] = {seal_key_make(), seal_key_make(), seal_key_make()};
    char *const texts[] = {sealed[0], sealed[1], stranger};
    for (int i = 0; i < 3; i++)
        cr_assert_eq(seal_write(text, strlen(text), 5, "E1", keys[i], texts[i]), ERR_NONE);
    cr_assert_eq(seal_write(text, strlen(text), 5, "E2", keys[0], elsewhere), ERR_NONE);
    for (int i = 0; i < SEAL_GATE_KEYS; i++)
        gate.keys[i] = (struct seal_gate_key){true, seal_key_public(keys[i]), 1000, 2000};
    for (int i = 0; i < 3; i++)
        seal_key_free(keys[i]);
}

TestSuite(seal_gate, .init = make_seals);

static int key_of(const char *of)
{
    return seal_gate_key_of(&gate, of, strlen(of));
}

Test(seal_gate, knows_its_keys_and_its_meter)
{
    cr_expect(seal_gate_is_set(&gate));
    cr_expect_eq(key_of(sealed[0]), 0);
    cr_expect_eq(key_of(sealed[1]), 1);
    cr_expect_eq(key_of(stranger), -1);
    cr_expect_eq(key_of(elsewhere), -1);
    cr_expect_eq(key_of(text), -1, "not sealed at all");
    gate.keys[0].is_set = false;
    cr_expect(seal_gate_is_set(&gate));
    cr_expect_eq(key_of(sealed[0]), -1, "a key that was taken away");
    cr_expect_eq(key_of(sealed[1]), 1);
}

Test(seal_gate, lets_everything_pass_without_a_key)
{
    const struct seal_gate_last last = {7, "b"};
    gate.keys[0].is_set = gate.keys[1].is_set = false;
    cr_expect_not(seal_gate_is_set(&gate));
    cr_expect_eq(key_of(sealed[0]), -1);
    cr_expect_null(seal_gate_refuses(&gate, -1, 0, "a", &last));
    cr_expect_null(seal_gate_refuses_at(&gate, -1, 0));
}

struct order {
    int key;
    int64_t seq;
    char digest[8];
    char why[64]; // "": obeyed
};

ParameterizedTestParameters(seal_gate, obeys_only_what_is_newer)
{
    static struct order cases[] = {
        {0, 8, "new", ""},
        {1, 7, "last", ""}, // it stands on P1 still
        {0, 7, "new", "the sequence number of another message"},
        {0, 6, "new", "older than the newest sealed message"},
        {0, 6, "last", "older than the newest sealed message"},
        {0, 0, "new", "the seal has no sequence number"},
        {-1, 8, "new", "not sealed for this meter by a known key"},
    };
    return cr_make_param_array(struct order, cases, COUNT(cases));
}

ParameterizedTest(struct order *c, seal_gate, obeys_only_what_is_newer)
{
    const struct seal_gate_last last = {7, "last"};
    const char *why = seal_gate_refuses(&gate, c->key, c->seq, c->digest, &last);
    cr_expect_str_eq(why ? why : "", c->why, "%d %lld", c->key, (long long)c->seq);
}

Test(seal_gate, knows_when_a_key_is_good)
{
    cr_expect_str_eq(seal_gate_refuses_at(&gate, 0, 999), "sealed by a key that is not good yet");
    cr_expect_null(seal_gate_refuses_at(&gate, 0, 1000));
    cr_expect_null(seal_gate_refuses_at(&gate, 1, 1999));
    cr_expect_str_eq(seal_gate_refuses_at(&gate, 1, 2000),
                     "sealed by a key that is not good any more");
}
