// SPDX-License-Identifier: Apache-2.0
// A series as octets, to be kept: a version, what it is, a checksum. About half the size of the
// state in memory: loads to 1/32,000 of their largest, the covariance as correlations. What comes
// back forecasts as what was packed did, within that.

#ifndef PLANNER_SERIES_PACK_H
#define PLANNER_SERIES_PACK_H

#include "base/cursor.h"
#include "services/planner/series.h"

enum { SERIES_PACK_VERSION = 1, SERIES_PACKED = 9000 }; // at most so many octets

void series_pack(const struct series *series, struct cursor *out);

// ERR_RANGE: of another version; ERR_SIZE: not whole; ERR_CHECKSUM: damaged, or not finite.
// series is only filled in when it says ERR_NONE.
MUST_CHECK enum err series_unpack(struct cursor *in, struct series *series);

#endif
