// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_server.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/listener.h"
#include "gateway/meter_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t IDLE_NS = 120 * SECONDS_NS; // machine time; who is silent longer is gone

struct client {
    struct meter_server *server;
    int fd; // -1: nobody
    struct loop_watch *watch;
    struct mono heard;
    uint8_t octets[METER_FRAME_MAX];
    size_t len;
};

struct meter_server {
    struct loop *loop;
    const struct meter_server_settings *settings;
    int listener;
    struct loop_watch *watch;
    struct client clients[METER_SERVER_CLIENTS];
    bool is_told, was_full;
    struct mono told;
    struct meter_values values;
};

static void hang_up(struct client *client)
{
    loop_unwatch(client->watch);
    close(client->fd);
    client->fd = -1;
    client->len = 0;
}

static bool is_fresh(const struct meter_server *server)
{
    return server->is_told && clock_mono().ns - server->told.ns <= server->settings->hold_ns;
}

// Answer the requests that are there; false when the octets are not Modbus, or the client does not
// read: an answer goes out whole.
static bool answer_all(struct client *client)
{
    const struct meter_server *server = client->server;
    const struct meter_values *values = is_fresh(server) ? &server->values : NULL;
    uint8_t frame[METER_FRAME_MAX];
    size_t used, len;
    enum err err;
    while (!(err = meter_frame_answer(server->settings->map, values, client->octets, client->len,
                                      &used, frame, &len))) {
        if (send(client->fd, frame, len, MSG_NOSIGNAL) != (ssize_t)len)
            return false;
        client->len -= used;
        memmove(client->octets, client->octets + used, client->len);
    }
    return err == ERR_MORE;
}

static void on_client(void *arg, uint32_t events)
{
    struct client *client = arg;
    (void)events;
    ssize_t got =
        recv(client->fd, client->octets + client->len, sizeof client->octets - client->len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    client->len += got > 0 ? (size_t)got : 0;
    client->heard = clock_mono();
    if (got <= 0 || !answer_all(client))
        hang_up(client);
}

// A free place, or that of one who has long been silent; NULL: there is none.
static struct client *place(struct meter_server *server)
{
    int64_t now_ns = clock_mono().ns;
    for (int i = 0; i < server->settings->clients; i++)
        if (server->clients[i].fd < 0)
            return &server->clients[i];
    for (int i = 0; i < server->settings->clients; i++) {
        struct client *client = &server->clients[i];
        if (now_ns - client->heard.ns > clock_machine_ns(IDLE_NS)) {
            hang_up(client);
            return client;
        }
    }
    return NULL;
}

static void on_knock(void *arg, uint32_t events)
{
    struct meter_server *server = arg;
    (void)events;
    int fd = listener_accept(server->listener);
    if (fd < 0)
        return;
    struct client *client = place(server);
    if (!client && !server->was_full)
        log_warn("meter_server.full", F("clients", server->settings->clients));
    server->was_full = !client;
    if (!client) {
        close(fd);
        return;
    }
    client->fd = fd;
    client->heard = clock_mono();
    client->watch = loop_watch(server->loop, fd, EPOLLIN, on_client, client);
}

struct meter_server *meter_server_new(struct loop *loop,
                                      const struct meter_server_settings *settings)
{
    int fd = listener_open(settings->address, settings->port, METER_SERVER_CLIENTS);
    if (fd < 0) {
        log_error("meter_server.failed", F("address", settings->address), F("port", settings->port),
                  F("why", strerror(errno)));
        return NULL;
    }
    struct meter_server *server = memory_new(1, sizeof *server);
    server->loop = loop;
    server->settings = settings;
    server->listener = fd;
    for (int i = 0; i < METER_SERVER_CLIENTS; i++)
        server->clients[i] = (struct client){.server = server, .fd = -1};
    server->watch = loop_watch(loop, fd, EPOLLIN, on_knock, server);
    log_info("meter_server.listens", F("meter", settings->map->name),
             F("port", meter_server_port(server)));
    return server;
}

void meter_server_free(struct meter_server *server)
{
    if (!server)
        return;
    for (int i = 0; i < METER_SERVER_CLIENTS; i++)
        if (server->clients[i].fd >= 0)
            hang_up(&server->clients[i]);
    loop_unwatch(server->watch);
    close(server->listener);
    free(server);
}

int meter_server_port(const struct meter_server *server)
{
    return listener_port(server->listener);
}

void meter_server_tell(struct meter_server *server, const struct meter_values *values)
{
    if (!server)
        return;
    server->values = *values;
    server->is_told = true;
    server->told = clock_mono();
}
