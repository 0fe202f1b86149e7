// SPDX-License-Identifier: Apache-2.0
// What this process has done and is doing, as Prometheus reads it, and whether it works:
//
//   GET /metrics    figures      GET /healthz    200 while the loop turns
//   GET /readyz     200 when there is a database and some route would take a message; else 503

#ifndef P3_FIGURES_H
#define P3_FIGURES_H

#include "io/db.h"
#include "io/http.h"
#include "services/p3/courier.h"
#include "services/p3/dlms_route.h"

struct figures;

// All borrowed; dlms may be NULL. NULL when it cannot listen, which was logged.
// Owned: figures_free().
struct figures *figures_new(struct loop *loop, const struct http_settings *http,
                            const struct courier *courier, const struct dlms_route *dlms,
                            const struct db *db);
void figures_free(struct figures *figures);

#endif
