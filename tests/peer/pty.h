// SPDX-License-Identifier: Apache-2.0
// A serial line that exists only here: one end is ours, the other a terminal device with a
// link to it.

#ifndef PEER_PTY_H
#define PEER_PTY_H

#include <stdbool.h>

struct pty {
    int fd;     // our end, non-blocking
    int other;  // the device, held open so that our end does not hang up; -1 where not held
    char *link; // its name
};

// Make one and link folder/name to its device, in place of a link left from before. Without
// hold, pty_is_used() tells whether anybody has it open. Cannot: ends the program.
// Close: pty_close().
struct pty pty_open(const char *folder, const char *name, bool hold);
void pty_close(struct pty *pty);

bool pty_is_used(const struct pty *pty);

// Forget what was written and not yet read.
void pty_flush(const struct pty *pty);

#endif
