// SPDX-License-Identifier: Apache-2.0
// What is read of an AARQ, AARE, RLRQ or RLRE lies within it, and written and read again is the
// same.

#include "wire/acse.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { OUT_MAX = 1024 };

static struct octets whole;

static void check(struct octets octets)
{
    assert(!octets.len
           || (octets.at >= whole.at && octets.at + octets.len <= whole.at + whole.len));
}

static bool are_equal(struct octets a, struct octets b)
{
    return a.len == b.len && (!a.len || !memcmp(a.at, b.at, a.len));
}

static struct octets written(const uint8_t *room, const struct cursor *out)
{
    assert(!out->err);
    return (struct octets){room, (size_t)(out->at - room)};
}

static void try_aarq(void)
{
    uint8_t room[OUT_MAX];
    struct cursor out = cursor_writer(room, sizeof room);
    struct acse_aarq aarq, again;
    if (acse_read_aarq(whole, &aarq))
        return;
    check(aarq.title);
    check(aarq.challenge);
    check(aarq.user_information);
    if (aarq.user_information.len > ACSE_USER_INFORMATION_MAX)
        return;
    acse_put_aarq(&out, &aarq);
    enum err err = acse_read_aarq(written(room, &out), &again);
    assert(!err && aarq.context == again.context && aarq.mechanism == again.mechanism);
    assert(are_equal(aarq.title, again.title) && are_equal(aarq.challenge, again.challenge));
    assert(are_equal(aarq.user_information, again.user_information));
}

static void try_aare(void)
{
    uint8_t room[OUT_MAX];
    struct cursor out = cursor_writer(room, sizeof room);
    struct acse_aare aare, again;
    if (acse_read_aare(whole, &aare))
        return;
    check(aare.title);
    check(aare.challenge);
    check(aare.user_information);
    assert(aare.result <= ACSE_REJECTED_TRANSIENT);
    if (aare.user_information.len > ACSE_USER_INFORMATION_MAX)
        return;
    acse_put_aare(&out, &aare);
    enum err err = acse_read_aare(written(room, &out), &again);
    assert(!err && aare.context == again.context && aare.mechanism == again.mechanism);
    assert(aare.result == again.result && aare.source == again.source
           && aare.diagnostic == again.diagnostic);
    assert(are_equal(aare.title, again.title) && are_equal(aare.challenge, again.challenge));
    assert(are_equal(aare.user_information, again.user_information));
}

static void try_release(bool response)
{
    uint8_t room[OUT_MAX];
    struct cursor out = cursor_writer(room, sizeof room);
    struct acse_release release, again;
    if (response ? acse_read_rlre(whole, &release) : acse_read_rlrq(whole, &release))
        return;
    check(release.user_information);
    if (release.user_information.len > ACSE_USER_INFORMATION_MAX)
        return;
    (response ? acse_put_rlre : acse_put_rlrq)(&out, &release);
    struct octets put = written(room, &out);
    enum err err = response ? acse_read_rlre(put, &again) : acse_read_rlrq(put, &again);
    assert(!err && release.reason == again.reason);
    assert(are_equal(release.user_information, again.user_information));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    whole = (struct octets){data, size};
    try_aarq();
    try_aare();
    try_release(false);
    try_release(true);
    return 0;
}
