// SPDX-License-Identifier: Apache-2.0
// How far the cars have charged, as JSON in one small file, so that a peer that is started again
// goes on with the same cars. The registers are not in it: a charger forgets them.

#ifndef PEER_POLE_STATE_H
#define PEER_POLE_STATE_H

#include "tests/peer/charger/pole.h"
#include "tests/peer/charger/sessions.h"

// Both do nothing for an empty path.
void pole_state_write(const char *path, const struct street *street, const struct pole *poles);

// Set car, shadow and limit_ma of each pole that the file knows, for pole_start(). What does not
// fit the sessions, or lies after now, is passed over with a warning.
void pole_state_read(const char *path, const struct street *street, const struct sessions *sessions,
                     int64_t now_ms, struct pole *poles);

#endif
