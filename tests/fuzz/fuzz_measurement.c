// SPDX-License-Identifier: Apache-2.0
// Whatever comes, a reader says no or gives names and values within their ranges. The first
// line of the input is the topic or the CSV header, the rest the payload or a line.

#include "wire/measurement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct measurement *m)
{
    assert(measurement_is_identifier(m->feeder, strlen(m->feeder)));
    assert(!*m->transformer || measurement_is_identifier(m->transformer, strlen(m->transformer)));
    assert(strlen(m->quality) >= 1 && strlen(m->quality) <= QUALITY_LEN);
    for (int i = 0; i < PHASES; i++) {
        assert(m->values.p_w[i] == MEASURED_NOT || abs(m->values.p_w[i]) <= 2000000000);
        assert(m->values.i_ma[i] == MEASURED_NOT || abs(m->values.i_ma[i]) <= 10000000);
        assert(m->values.u_mv[i] == MEASURED_NOT || abs(m->values.u_mv[i]) <= 10000000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    if (!end)
        return 0;
    size_t first = (size_t)(end - data), rest = size - first - 1;
    char *topic = strndup((const char *)data, first);
    struct measurement m;
    struct measurement_header header;
    struct measurement_fault fault;
    if (!measurement_from_json(topic, end + 1, rest, &m, &fault))
        check(&m);
    if (!measurement_csv_header((const char *)data, first, &header, &fault)
        && !measurement_csv_line(&header, (const char *)end + 1, rest, &m, &fault))
        check(&m);
    free(topic);
    return 0;
}
