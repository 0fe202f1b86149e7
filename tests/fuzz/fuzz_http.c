// SPDX-License-Identifier: Apache-2.0
// What clients send to the gateway's page: whatever it is, the answer is HTTP or none, nothing of
// it is kept but a change that was asked for properly, and the next client is served.
//
// The first octet says whether the octets are a whole request, or the body of a PATCH or POST with
// the right head.

#include "gateway/remote_config.h"
#include "io/loop.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 70000, ANSWER = 12, PATIENCE_MS = 5000 };

static char empty[] = "", folder[] = "/tmp/fuzz_http.XXXXXX", patch_file[64];
static struct remote_config config;

static bool is_meter(const char *name)
{
    return !strcmp(name, "eem-ma370");
}

static void restart(void)
{
}

static void get(struct http_request *request)
{
    remote_config_get(&config, request);
}

static void patch(struct http_request *request)
{
    remote_config_patch(&config, request);
}

static void reset(struct http_request *request)
{
    remote_config_reset(&config, request);
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/api/v1/config", .fn = get},
    {.method = "PATCH", .pattern = "/api/v1/config", .fn = patch},
    {.method = "POST", .pattern = "/api/v1/reset", .fn = reset},
    {0},
};

static void clean_up(void)
{
    char path[80];
    static const char *const ends[] = {"", ".new", ".password", ".password.new"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", patch_file, ends[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int start(void)
{
    const struct http_settings settings = {.address = "127.0.0.1", .threads = 1};
    bool is_made = mkdtemp(folder) && !atexit(clean_up);
    assert(is_made);
    snprintf(patch_file, sizeof patch_file, "%s/patch", folder);
    config = (struct remote_config){
        .patch_file = patch_file,
        .has_password = true,
        .now = {.meter_type = empty, .broker = empty, .user = empty, .site = empty},
        .bounds = {.has_equipment_id = true},
        .is_meter = is_meter,
        .restart = restart,
        .charger = "compleo-station",
    };
    struct http *http = http_new(loop_new(), &settings, routes, NULL, NULL, NULL, NULL);
    assert(http);
    return http_port(http);
}

static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int fault = connect(fd, (struct sockaddr *)&at, sizeof at);
    assert(!fault);
    return fd;
}

// Who has sent half a request, or may send another, is waited for by the server; we do not.
static void ask(int port, const char *head, const uint8_t *data, size_t size, int wait_ms,
                char answer[static ANSWER + 1])
{
    int fd = connect_to(port);
    size_t got = 0;
    if (send(fd, head, strlen(head), MSG_NOSIGNAL) >= 0)
        (void)!send(fd, data, size, MSG_NOSIGNAL);
    while (got < ANSWER && poll(&(struct pollfd){fd, POLLIN, 0}, 1, wait_ms) > 0) {
        ssize_t len = recv(fd, answer + got, ANSWER - got, 0);
        if (len <= 0)
            break;
        got += (size_t)len;
    }
    answer[got] = '\0';
    assert(!got || (got >= 5 && !memcmp(answer, "HTTP/", 5)));
    const struct linger hard = {1, 0}; // or the ports run out
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

static void expect_service(int port)
{
    static const char request[] = "GET /api/v1/config HTTP/1.1\r\nHost: x\r\n\r\n";
    char answer[ANSWER + 1];
    ask(port, request, NULL, 0, PATIENCE_MS, answer);
    assert(!strcmp(answer, "HTTP/1.1 200"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int port, runs;
    if (!port)
        port = start();
    if (size < 1 || size > MOST)
        return 0;
    char head[160] = "";
    if (data[0] & 1)
        snprintf(head, sizeof head,
                 "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 data[0] & 2 ? "POST /api/v1/reset" : "PATCH /api/v1/config", size - 1);
    char answer[ANSWER + 1];
    ask(port, head, data + 1, size - 1, data[0] & 1 ? PATIENCE_MS : 2, answer);
    assert(!(data[0] & 1) || *answer);
    if (++runs % 100 == 0)
        expect_service(port);
    // Whatever is kept can be read, and is one of the few settings.
    struct settings_patch kept = {0};
    enum err err = settings_patch_load(patch_file, &kept);
    assert(!err);
    settings_patch_clear(&kept);
    return 0;
}
