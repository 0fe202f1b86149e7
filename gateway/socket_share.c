// SPDX-License-Identifier: Apache-2.0

#include "gateway/socket_share.h"

#include <assert.h>

bool socket_share(int32_t limit_w, int count, int32_t least_w, int64_t turn,
                  int32_t share_w[static SOCKET_SHARE_MAX])
{
    assert(count > 0 && count <= SOCKET_SHARE_MAX && limit_w >= 0);
    int served = count;
    if (least_w > 0 && limit_w / count < least_w)
        served = limit_w / least_w;
    for (int i = 0; i < count; i++)
        share_w[i] = 0;
    for (int i = 0; i < served; i++)
        share_w[(turn + i) % count] = limit_w / served;
    return served > 0 && served < count;
}
