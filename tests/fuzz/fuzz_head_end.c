// SPDX-License-Identifier: Apache-2.0
// Whatever a head-end says: one of the four, with a cause that may stand in a table, and verified
// only with the digest of the text.

#include "services/p3/head_end.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct errand errand = {
        .profile = "01941f29-7c00-7aaa-8bbb-0123456789ab",
        .text = "abc",
    };
    static const char digest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct route_answer answer = {.status = ROUTE_STATUSES};
    head_end_read_answer(&errand, data, size, &answer);
    assert(answer.status < ROUTE_STATUSES);
    assert(strspn(answer.cause, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(answer.cause));
    bool went_well = answer.status == ROUTE_VERIFIED || answer.status == ROUTE_WRITTEN;
    assert(went_well == !*answer.cause);
    // The digest may be escaped in JSON (\u0062...), but then a backslash is there.
    assert(answer.status != ROUTE_VERIFIED || memmem(data, size, digest, strlen(digest))
           || memchr(data, '\\', size));
    return 0;
}
