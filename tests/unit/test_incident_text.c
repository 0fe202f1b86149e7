// SPDX-License-Identifier: Apache-2.0

#include "services/audit/incident_text.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct line {
    int64_t at_us;
    char subject[24], data[24], text[200];
};

ParameterizedTestParameters(incident_text, writes_events)
{
#define BEFORE "{\"shard\":2,\"sequence\":5,\"id\":7,\"at\":\""
#define BETWEEN "\",\"program\":\"p\",\"kind\":\"a.b\",\"subject\":\""
    static struct line cases[] = {
        {1768406400000000, "x", "{\"n\": 1.50}",
         BEFORE "2026-01-14T16:00:00.000000Z" BETWEEN "x\",\"data\":{\"n\": 1.50}}\n"},
        {1768406400123456, "", "{}",
         BEFORE "2026-01-14T16:00:00.123456Z" BETWEEN "\",\"data\":{}}\n"},
        {-1, "\"\\\n\xc3\xa9", "{}",
         BEFORE "1969-12-31T23:59:59.999999Z" BETWEEN "\\\"\\\\\\u000a\xc3\xa9\",\"data\":{}}\n"},
    };
    return cr_make_param_array(struct line, cases, COUNT(cases));
}

ParameterizedTest(struct line *c, incident_text, writes_events)
{
    struct trail_event event = {.shard = 2,
                                .sequence = 5,
                                .id = 7,
                                .at_us = c->at_us,
                                .program = {"p", 1},
                                .kind = {"a.b", 3},
                                .subject = {c->subject, strlen(c->subject)},
                                .data = {c->data, strlen(c->data)}};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    incident_event(out, &event);
    fclose(out);
    cr_expect_str_eq(text, c->text);
    free(text);
}

// The key of the first test vector of RFC 8032, as "openssl pkey -pubout" writes it.
Test(incident_text, writes_keys)
{
    struct seal_public key;
    cr_assert_eq(seal_public_parse("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", &key), ERR_NONE);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    incident_key(out, &key);
    fclose(out);
    cr_expect_str_eq(text, "-----BEGIN PUBLIC KEY-----\n"
                           "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                           "-----END PUBLIC KEY-----\n");
    free(text);
}
