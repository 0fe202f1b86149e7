// SPDX-License-Identifier: Apache-2.0
// Settings over HTTP, in the shape of a Xemex Smart Connect (its manual, 5.2): GET shows them,
// PATCH changes the few of gateway/settings_patch.h, a reset starts the program anew. Where
// something changed the program starts anew, too: the limit is then the lowest of the one before,
// the safe one and what the profile says, for as long as it takes to hear the meter.
//
// Only who gives a password may change anything, and only where a patch file is set.

#ifndef GATEWAY_REMOTE_CONFIG_H
#define GATEWAY_REMOTE_CONFIG_H

#include "gateway/settings_patch.h"
#include "io/http.h"

#include <stdint.h>

struct remote_config {
    const char *patch_file;              // "": nothing may be changed
    bool has_password;                   // which is_allowed() of the page asks for
    struct settings_patch now;           // what holds; borrowed
    struct settings_patch_bounds bounds; //
    // Is there a meter of that name to be played?
    bool (*is_meter)(const char *name);
    void (*restart)(void); // soon, when the answer is out
    // For people to see; cannot be changed here.
    int64_t contract_w, safe_w, hold_s;
    bool is_sealed;
    const char *charger;
};

void remote_config_get(const struct remote_config *config, struct http_request *request);
void remote_config_patch(const struct remote_config *config, struct http_request *request);
void remote_config_reset(const struct remote_config *config, struct http_request *request);

#endif
