// SPDX-License-Identifier: Apache-2.0
// How the daemon is doing, told to systemd where it listens (sd_notify(3), protocol of
// NOTIFY_SOCKET); without it nothing happens.

#ifndef IO_NOTIFY_H
#define IO_NOTIFY_H

#include "io/loop.h"

// Say READY=1, then WATCHDOG=1 at half the period that systemd asks for, from the loop: a
// loop that hangs is killed. Owned: notify_free(), which says STOPPING=1.
struct notify *notify_new(struct loop *loop);
void notify_free(struct notify *notify);

// One line for systemctl status.
void notify_status(const char *text);

#endif
