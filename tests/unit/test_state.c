// SPDX-License-Identifier: Apache-2.0

#include "base/digest.h"
#include "gateway/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/state.XXXXXX";
static char path[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
}

static void remove_folder(void)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s.new", path);
    unlink(path);
    unlink(beside);
    rmdir(folder);
}

TestSuite(state, .init = make_folder, .fini = remove_folder);

static struct state_profile profile(const char *text, int64_t accepted)
{
    struct state_profile profile = {.is_set = true, .accepted = accepted, .len = strlen(text)};
    memcpy(profile.text, text, profile.len);
    return profile;
}

static struct state full(void)
{
    return (struct state){.has_limit = true,
                          .limit_w = 6000,
                          .current = profile("{\"Header\":\"\\ and /\"}", 1768410000),
                          .next = profile("{}", 1768413600),
                          .done = "0123456789abcdef",
                          .seal = {1768410000123, "fedcba9876543210"}};
}

static void expect_equal(const struct state *a, const struct state *b)
{
    char *one = state_encode(a), *two = state_encode(b);
    cr_expect_str_eq(one, two);
    free(one);
    free(two);
}

Test(state, is_read_as_it_was_written)
{
    struct state states[] = {full(), {.has_limit = false}, {.has_limit = true, .limit_w = 0}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        char *content = state_encode(&states[i]);
        struct state read;
        cr_assert_eq(state_decode(content, strlen(content), &read), ERR_NONE);
        cr_expect_eq(read.has_limit, states[i].has_limit);
        cr_expect_eq(read.limit_w, states[i].limit_w);
        expect_equal(&read, &states[i]);
        free(content);
    }
}

static enum err decode_body(const char *body, struct state *state)
{
    char content[2048], digest[DIGEST_TEXT_LEN + 1];
    struct digest sum = digest_of(body, strlen(body));
    digest_format(&sum, digest);
    int len = snprintf(content, sizeof content, "socmod-gateway state 1 %s\n%s", digest, body);
    return state_decode(content, (size_t)len, state);
}

Test(state, of_before_there_were_seals_is_read)
{
    struct state state = {.seal.seq = 42};
    cr_expect_eq(
        decode_body("{\"limit_w\":6000,\"current\":null,\"next\":null,\"done\":\"\"}", &state),
        ERR_NONE);
    cr_expect_eq(state.seal.seq, 0);
    cr_expect_eq(state.limit_w, 6000);
}

Test(state, that_makes_no_sense_is_refused)
{
#define HELD(profile) "{\"limit_w\":null,\"current\":" profile ",\"next\":null,\"done\":\"\"}"
#define REST "\"limit_w\":6000,\"current\":null,\"next\":null"
    static const struct {
        const char *body;
        enum err err;
    } cases[] = {
        {"{" REST ",\"done\":\"\",\"seq\":1}", ERR_SYNTAX},
        {"{" REST ",\"done\":\"\",\"seq_digest\":\"\"}", ERR_SYNTAX},
        {"{" REST ",\"done\":\"\",\"seq\":\"1\",\"seq_digest\":\"\"}", ERR_SYNTAX},
        {"{" REST ",\"done\":\"\",\"seq\":1,\"seq_digest\":1}", ERR_SYNTAX},
        {"{" REST ",\"done\":\"\",\"seq\":-1,\"seq_digest\":\"\"}", ERR_RANGE},
        {"{" REST ",\"done\":\"\",\"seq\":9007199254740992,\"seq_digest\":\"\"}", ERR_RANGE},
        {"{" REST "}", ERR_SYNTAX},
        {"{" REST
         ",\"done\":\"00000000000000000000000000000000000000000000000000000000000000000\"}",
         ERR_SYNTAX},
        {"{\"limit_w\":-1,\"current\":null,\"next\":null,\"done\":\"\"}", ERR_RANGE},
        {"{\"limit_w\":1.5,\"current\":null,\"next\":null,\"done\":\"\"}", ERR_SYNTAX},
        {"{\"current\":null,\"next\":null,\"done\":\"\"}", ERR_SYNTAX},
        {"{\"limit_w\":null,\"current\":{},\"next\":null,\"done\":\"\"}", ERR_SYNTAX},
        {"{\"limit_w\":2147483648,\"current\":null,\"next\":null,\"done\":\"\"}", ERR_RANGE},
        {"{\"limit_w\":null,\"next\":null,\"done\":\"\"}", ERR_SYNTAX},
        {"{\"limit_w\":null,\"current\":null,\"done\":\"\"}", ERR_SYNTAX},
        {HELD("{\"accepted\":\"2026-01-14T17:00:00Z\"}"), ERR_SYNTAX},
        {HELD("{\"accepted\":\"2026-01-14T17:00:00Z\",\"text\":1}"), ERR_SYNTAX},
        {HELD("{\"text\":\"{}\"}"), ERR_SYNTAX},
        {HELD("{\"accepted\":1,\"text\":\"{}\"}"), ERR_SYNTAX},
        {HELD("{\"accepted\":\"2026-02-31T17:00:00Z\",\"text\":\"{}\"}"), ERR_SYNTAX},
        {HELD("{\"accepted\":\"1999-12-31T23:59:59Z\",\"text\":\"{}\"}"), ERR_RANGE},
        {HELD("{\"accepted\":\"2100-01-01T00:00:00Z\",\"text\":\"{}\"}"), ERR_RANGE},
        {"[]", ERR_SYNTAX},
        {"{", ERR_SYNTAX},
        {"", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state state = {.limit_w = 42};
        enum err err = decode_body(cases[i].body, &state);
        cr_expect_eq(err, cases[i].err, "%s: %s", cases[i].body, err_name(err));
        cr_expect_eq(state.limit_w, 42, "the result must stay untouched");
    }
}

Test(state, with_a_text_longer_than_any_message_is_refused)
{
    char body[LONG_MESSAGE_MAX + 200], text[LONG_MESSAGE_MAX + 2];
    struct state state = {.limit_w = 42};
    for (int more = 0; more < 2; more++) {
        memset(text, 'x', sizeof text);
        text[LONG_MESSAGE_MAX + more] = '\0';
        snprintf(body, sizeof body, HELD("{\"accepted\":\"2026-01-14T17:00:00Z\",\"text\":\"%s\"}"),
                 text);
        cr_expect_eq(decode_body(body, &state), more ? ERR_RANGE : ERR_NONE);
    }
    cr_expect_eq(state.current.len, LONG_MESSAGE_MAX);
}

Test(state, holds_two_full_messages)
{
    struct state state = full();
    memset(state.current.text, '"', sizeof state.current.text);
    memset(state.next.text, '\\', sizeof state.next.text);
    state.current.len = state.next.len = LONG_MESSAGE_MAX;
    char *content = state_encode(&state);
    struct state read;
    cr_expect_lt(strlen(content), STATE_MAX);
    cr_expect_eq(state_decode(content, strlen(content), &read), ERR_NONE);
    free(content);
}

Test(state, notices_every_flipped_bit_and_every_cut)
{
    struct state state = full(), read = {.limit_w = 42};
    char *content = state_encode(&state);
    size_t len = strlen(content);
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            content[i] = (char)(content[i] ^ 1 << bit);
            cr_expect_neq(state_decode(content, len, &read), ERR_NONE, "octet %zu bit %d", i, bit);
            content[i] = (char)(content[i] ^ 1 << bit);
        }
    for (size_t cut = 0; cut < len; cut++)
        cr_expect_neq(state_decode(content, cut, &read), ERR_NONE, "cut at %zu", cut);
    cr_expect_eq(read.limit_w, 42, "the result must stay untouched");
    free(content);
}

Test(state, file_is_replaced_only_when_something_changed)
{
    char why[STATE_REASON];
    struct state state = full(), read;
    struct state_file *file = state_file_new(path);
    cr_expect_eq(state_file_load(file, &read, why), ERR_IO, "none yet");
    cr_assert_eq(state_file_save(file, &state, why), ERR_NONE, "%s", why);
    struct stat first, second;
    cr_assert_eq(stat(path, &first), 0);
    cr_assert_eq(state_file_save(file, &state, why), ERR_NONE, "%s", why);
    cr_assert_eq(stat(path, &second), 0);
    cr_expect_eq(first.st_ino, second.st_ino, "same content, same file");
    state_file_free(file);

    file = state_file_new(path);
    cr_assert_eq(state_file_load(file, &read, why), ERR_NONE, "%s", why);
    expect_equal(&read, &state);
    cr_assert_eq(state_file_save(file, &read, why), ERR_NONE, "%s", why);
    cr_assert_eq(stat(path, &second), 0);
    cr_expect_eq(first.st_ino, second.st_ino, "nor after a restart");
    state.limit_w = 5000;
    cr_assert_eq(state_file_save(file, &state, why), ERR_NONE, "%s", why);
    cr_assert_eq(stat(path, &second), 0);
    cr_expect_neq(first.st_ino, second.st_ino, "other content, other file");
    state_file_free(file);
}

Test(state, file_that_is_damaged_or_cannot_be_written_is_told)
{
    char why[STATE_REASON] = "";
    struct state state = full(), read;
    FILE *out = fopen(path, "w");
    fputs("socmod-gateway state 1 half a file", out);
    fclose(out);
    struct state_file *file = state_file_new(path);
    cr_expect_eq(state_file_load(file, &read, why), ERR_CHECKSUM);
    cr_expect(strstr(why, "not a sound state file"), "%s", why);
    cr_expect_eq(state_file_save(file, &state, why), ERR_NONE, "and is replaced");
    state_file_free(file);

    file = state_file_new(folder);
    cr_expect_eq(state_file_load(file, &read, why), ERR_IO, "a folder");
    cr_expect(strstr(why, "read ") && strstr(why, folder), "%s", why);
    state_file_free(file);
    state_file_free(NULL);

    file = state_file_new("/proc/none/state");
    cr_expect_eq(state_file_save(file, &state, why), ERR_IO);
    cr_expect(strstr(why, "/proc/none"), "%s", why);
    state_file_free(file);
}
