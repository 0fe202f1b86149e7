// SPDX-License-Identifier: Apache-2.0

#include "io/own_certificate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "base/rfc3339.h"
#include "wire/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SOON_S = 30 * 86400, AGAIN_S = 43200 };

static struct metric metrics[] = {
    METRIC_SHOWS("socmod_certificate_seconds",
                 "Time until our certificate for the broker ends; below 0 it has."),
};

struct own_certificate {
    const char *file;
    struct loop_timer *timer;
};

static void tell(const struct own_certificate *own, const struct certificate *facts)
{
    int64_t left_s = facts->to - time(NULL);
    char to[RFC3339_LEN + 1];
    rfc3339_format(facts->to, to);
    metric_set(&metrics[0], (double)left_s);
    if (left_s < SOON_S)
        log_warn("certificate.ends", F("name", facts->name),
                 F("state", left_s < 0 ? "ended" : "ends-soon"), F("to", to), F("file", own->file));
}

static void look(void *arg)
{
    struct own_certificate *own = arg;
    struct certificate facts;
    char *pem = memory_new(1, CERTIFICATE_PEM);
    FILE *in = fopen(own->file, "re");
    size_t len = in ? fread(pem, 1, CERTIFICATE_PEM, in) : 0;
    if (!in)
        log_warn("certificate.unreadable", F("file", own->file), F("why", strerror(errno)));
    else if (certificate_read(pem, len, &facts))
        log_warn("certificate.unreadable", F("file", own->file), F("why", "no certificate in PEM"));
    else
        tell(own, &facts);
    if (in)
        fclose(in);
    free(pem);
    loop_timer_in(own->timer, clock_machine_ns(AGAIN_S * SECONDS_NS));
}

struct own_certificate *own_certificate_new(struct loop *loop, const char *file)
{
    if (!file || !*file)
        return NULL;
    struct own_certificate *own = memory_new(1, sizeof *own);
    own->file = file;
    own->timer = loop_timer_new(loop, look, own);
    metric_join(metrics, sizeof metrics / sizeof *metrics);
    look(own);
    return own;
}

void own_certificate_free(struct own_certificate *own)
{
    if (!own)
        return;
    loop_timer_free(own->timer);
    free(own);
}
