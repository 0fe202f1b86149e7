// SPDX-License-Identifier: Apache-2.0
// A place of foresight (a feeder, or the transformer) as octets, to be kept: its three series, its
// margins, its last promise; a version and a checksum around all.

#ifndef PLANNER_FORESIGHT_PACK_H
#define PLANNER_FORESIGHT_PACK_H

#include "services/planner/foresight.h"
#include "services/planner/series_pack.h"

enum { FORESIGHT_PACK_VERSION = 2, FORESIGHT_PACKED = PHASES * (SERIES_PACKED + 128) + 128 };

// How many octets it came to; at most FORESIGHT_PACKED.
size_t foresight_pack(const struct foresight_place *place, uint8_t octets[static FORESIGHT_PACKED]);

// ERR_RANGE: of another version; ERR_SIZE: not whole; ERR_CHECKSUM: damaged. place is only filled
// in, but for its number, when it says ERR_NONE.
MUST_CHECK enum err foresight_unpack(const uint8_t *octets, size_t len,
                                     struct foresight_place *place);

#endif
