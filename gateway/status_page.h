// SPDX-License-Identifier: Apache-2.0
// What the gateway does, over HTTP, for who installs it and who watches it: a page for a phone,
// and what it shows as JSON. Answers are made in the loop's thread.
//
//   GET /                  the page        GET /api/v1/status    JSON
//   GET /metrics           Prometheus      GET /api/v1/telegram  the last telegram, as it came
//   GET, PATCH /api/v1/config   POST /api/v1/reset: see gateway/remote_config.h
//
// With a password, all of them ask for it (basic auth: on a network only with TLS). Who does not
// know it may try five times at once, then once a second.

#ifndef GATEWAY_STATUS_PAGE_H
#define GATEWAY_STATUS_PAGE_H

#include "gateway/control.h"
#include "gateway/p1_copy.h"
#include "gateway/remote_config.h"
#include "io/http.h"
#include "wire/p1_reader.h"

#include <stdbool.h>
#include <stddef.h>

struct status_page_settings {
    struct http_settings http;
    const char *user;
    const char *password_file; // first line; "": nobody is asked
    const char *version;
    const char *meter_name; // of the energy meter that is played; NULL: none
    struct remote_config config;
};

// Where what is shown comes from; all borrowed for its life.
struct status_page_sources {
    const struct control *control;
    const struct p1_counts *p1;
    const struct p1_copy *copy; // NULL: none
    const struct feed *feed;    // NULL: none
};

struct status_page;

// May it be served like that? NULL, or what is wrong: on a network a password is needed.
const char *status_page_fault(const struct status_page_settings *settings);

// NULL when it cannot listen or the password cannot be read, which was logged. All borrowed for
// its life. Owned: status_page_free().
struct status_page *status_page_new(struct loop *loop, const struct status_page_settings *settings,
                                    const struct status_page_sources *sources);
void status_page_free(struct status_page *page);

// A telegram came; kept for who asks for it. Takes NULL.
void status_page_telegram(struct status_page *page, const char *telegram, size_t len);

#endif
