// SPDX-License-Identifier: Apache-2.0

#include "io/notify.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify {
    struct loop_timer *timer;
    int64_t period_ns;
};

static void tell(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path || (*path != '/' && *path != '@'))
        return;
    size_t len = strlen(path);
    memcpy(address.sun_path, path, len);
    if (*path == '@')
        address.sun_path[0] = '\0'; // the abstract name space
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    close(fd);
}

static void on_timer(void *arg)
{
    struct notify *notify = arg;
    tell("WATCHDOG=1");
    loop_timer_in(notify->timer, clock_machine_ns(notify->period_ns));
}

struct notify *notify_new(struct loop *loop)
{
    struct notify *notify = memory_new(1, sizeof *notify);
    tell("READY=1");
    const char *period_us = getenv("WATCHDOG_USEC");
    notify->period_ns = period_us ? strtoll(period_us, NULL, 10) * 1000 / 2 : 0;
    if (notify->period_ns > 0) {
        notify->timer = loop_timer_new(loop, on_timer, notify);
        on_timer(notify);
    }
    return notify;
}

void notify_free(struct notify *notify)
{
    if (!notify)
        return;
    tell("STOPPING=1");
    loop_timer_free(notify->timer);
    free(notify);
}

void notify_status(const char *text)
{
    char line[256];
    snprintf(line, sizeof line, "STATUS=%s", text);
    tell(line);
}
