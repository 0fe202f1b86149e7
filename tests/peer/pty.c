// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/pty.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct pty pty_open(const char *folder, const char *name, bool hold)
{
    struct pty pty = {.fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    char device[64];
    struct termios raw;
    pty.link = memory_format("%s/%s", folder, name);
    if (pty.fd < 0 || grantpt(pty.fd) || unlockpt(pty.fd)
        || ptsname_r(pty.fd, device, sizeof device))
        log_fatal("pty.failed", F("link", pty.link), F("why", strerror(errno)));
    pty.other = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty.other < 0 || tcgetattr(pty.other, &raw))
        log_fatal("pty.failed", F("device", device), F("why", strerror(errno)));
    cfmakeraw(&raw);
    unlink(pty.link);
    if (tcsetattr(pty.other, TCSANOW, &raw) || symlink(device, pty.link))
        log_fatal("pty.failed", F("link", pty.link), F("why", strerror(errno)));
    if (!hold) {
        close(pty.other); // from then on our end says when it has been hung up
        pty.other = -1;
    }
    return pty;
}

void pty_close(struct pty *pty)
{
    unlink(pty->link);
    free(pty->link);
    if (pty->other >= 0)
        close(pty->other);
    close(pty->fd);
}

bool pty_is_used(const struct pty *pty)
{
    struct pollfd poll_one = {.fd = pty->fd, .events = POLLOUT};
    return poll(&poll_one, 1, 0) >= 0 && !(poll_one.revents & POLLHUP);
}

void pty_flush(const struct pty *pty)
{
    tcflush(pty->fd, TCOFLUSH);
}
