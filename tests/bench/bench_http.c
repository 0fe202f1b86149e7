// SPDX-License-Identifier: Apache-2.0
// Requests over HTTP as fast as they are answered, on a few connections that stay open.
//
//   bench_http                                      io/http itself, by an answer of 4,000 octets:
//                                                   what is left of it for a service to use
//   bench_http NAME PORT TOKEN SECONDS CLIENTS <PATHS    a server on 127.0.0.1; one path a line on
//                                                   standard input, taken in turn
//
// Prints NAME_requests_per_second and NAME_p99_ms. An answer other than 200 ends it with status 1.

#include "base/memory.h"
#include "io/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256, ANSWER_MAX = 1 << 20, SAMPLES_MAX = 4000000, BODY = 4000 };

struct client {
    int fd;
    int64_t sent_ns;
    size_t got;
    char *answer;
};

struct load {
    char **paths;
    size_t path_count, next;
    const char *token;
    int64_t *samples;
    size_t sample_count;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void give_up(const char *why, const char *text)
{
    fprintf(stderr, "%s: %.300s\n", why, text);
    exit(1);
}

static void ask(struct load *load, struct client *client)
{
    char request[1024];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
                       load->paths[load->next++ % load->path_count], load->token);
    client->got = 0;
    client->sent_ns = now_ns();
    if (write(client->fd, request, (size_t)len) != len)
        give_up("cannot send", request);
}

// Is the whole answer there?
static bool is_whole(const struct client *client)
{
    const char *end = strstr(client->answer, "\r\n\r\n");
    const char *length = strstr(client->answer, "Content-Length: ");
    if (!end || !length)
        return false;
    size_t body = strtoul(length + strlen("Content-Length: "), NULL, 10);
    return client->got >= (size_t)(end + 4 - client->answer) + body;
}

static void hear(struct load *load, struct client *client)
{
    ssize_t more = read(client->fd, client->answer + client->got, ANSWER_MAX - 1 - client->got);
    if (more <= 0)
        give_up("closed", client->answer);
    client->got += (size_t)more;
    client->answer[client->got] = '\0';
    if (!is_whole(client))
        return;
    if (strncmp(client->answer, "HTTP/1.1 200", 12) != 0)
        give_up("not 200", client->answer);
    if (load->sample_count < SAMPLES_MAX)
        load->samples[load->sample_count++] = now_ns() - client->sent_ns;
    ask(load, client);
}

static int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&to, sizeof to))
        give_up("cannot connect", "");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void run(struct load *load, const char *name, int port, double seconds, int count)
{
    static struct client clients[CLIENTS_MAX];
    int epoll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        clients[i] = (struct client){.fd = dial(port), .answer = memory_new(ANSWER_MAX, 1)};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
        ask(load, &clients[i]);
    }
    load->samples = memory_new(SAMPLES_MAX, sizeof *load->samples);
    int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
    while (now_ns() < end) {
        struct epoll_event events[CLIENTS_MAX];
        int ready = epoll_wait(epoll, events, CLIENTS_MAX, 1000);
        for (int i = 0; i < ready; i++)
            hear(load, events[i].data.ptr);
    }
    double took = (double)(now_ns() - start) / 1e9;
    qsort(load->samples, load->sample_count, sizeof *load->samples, by_size);
    if (!load->sample_count)
        give_up("no answer at all", "");
    printf("%s_requests_per_second %.0f 1/s\n", name, (double)load->sample_count / took);
    size_t p99 = load->sample_count * 99 / 100;
    printf("%s_p99_ms %.2f ms\n", name, (double)load->samples[p99] / 1e6);
    for (int i = 0; i < count; i++) {
        close(clients[i].fd);
        free(clients[i].answer);
    }
    close(epoll);
    free(load->samples);
}

static void answer_plain(struct http_request *request)
{
    char *body = memory_new(BODY, 1);
    memset(body, 'x', BODY);
    http_answer(request, 200, "text/plain", body, BODY);
}

static void measure_library(void)
{
    static const struct http_route routes[] = {
        {.method = "GET", .pattern = "/", .fn = answer_plain}, {0}};
    const struct http_settings settings = {.address = "127.0.0.1", .threads = 1};
    char root[] = "/", *paths[] = {root};
    struct load load = {.paths = paths, .path_count = 1, .token = "none"};
    struct loop *loop = loop_new();
    struct http *http = http_new(loop, &settings, routes, NULL, NULL, NULL, NULL);
    if (!http)
        exit(1);
    run(&load, "http", http_port(http), 2, 16);
    http_free(http);
    loop_free(loop);
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        measure_library();
        return 0;
    }
    if (argc != 6 || atoi(argv[5]) < 1 || atoi(argv[5]) > CLIENTS_MAX) {
        fprintf(stderr, "usage: %s [NAME PORT TOKEN SECONDS CLIENTS <PATHS]\n", argv[0]);
        return 2;
    }
    struct load load = {.token = argv[3]};
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len; (len = getline(&line, &room, stdin)) > 1;) {
        load.paths = memory_grow(load.paths, load.path_count + 1, sizeof *load.paths);
        load.paths[load.path_count++] = memory_text_n(line, (size_t)len - 1);
    }
    free(line);
    if (!load.path_count)
        give_up("no paths", "");
    run(&load, argv[1], atoi(argv[2]), strtod(argv[4], NULL), atoi(argv[5]));
    return 0;
}
