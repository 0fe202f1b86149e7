// SPDX-License-Identifier: Apache-2.0
// How a gateway gets its certificate for the broker without a secret on its way: it makes its own
// key, which never leaves it, and a request; somebody carries the request to the authority and the
// certificate back. So it does again before the end, with a new key, while the old one is in use.
//
// In the folder: mqtt.key and mqtt.pem in force, mqtt.key.new and mqtt.csr while a certificate is
// awaited.

#ifndef GATEWAY_ENROL_H
#define GATEWAY_ENROL_H

#include <stdint.h>
#include <stdio.h>

enum { ENROL_WITHIN_DAYS = 30 };

struct enrol_job {
    const char *folder;
    const char *name;        // what the certificate is to say: the meter's equipment identifier
    const char *authorities; // file of those who may have signed it; "": anybody
    const char *certificate; // file of the certificate that came back; NULL: ask for one
    int64_t within_s;        // asked for only when the one in force ends within this
};

// Why this is no job, or NULL.
const char *enrol_fault(const struct enrol_job *job);

// Ask: unless there is one that is good for long enough, make a key and a request, or the request
// again while one is awaited. Take in: check that it is ours, and put it and its key in force. One
// line to out; what is wrong is told on standard error, and nothing has changed then. Exit status.
int enrol_run(const struct enrol_job *job, FILE *out);

#endif
