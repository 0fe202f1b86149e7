// SPDX-License-Identifier: Apache-2.0
// Tell in time that our own certificate ends: warning "certificate.ends" from 30 days before, at
// the start and twice a day, and the seconds left as metric socmod_certificate_seconds. By the
// machine's own clock, as TLS does, whatever the hands say.

#ifndef IO_OWN_CERTIFICATE_H
#define IO_OWN_CERTIFICATE_H

#include "io/loop.h"

struct own_certificate;

// file is a PEM file, borrowed; "" or NULL: there is none, and nothing to do. One that cannot be
// read is a warning. Owned: own_certificate_free().
struct own_certificate *own_certificate_new(struct loop *loop, const char *file);
void own_certificate_free(struct own_certificate *own);

#endif
