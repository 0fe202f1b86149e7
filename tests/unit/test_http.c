// SPDX-License-Identifier: Apache-2.0
// A real server on loopback, spoken to over a socket, in both ways of running it.

#include "base/memory.h"
#include "io/http.h"
#include "io/http_pipe.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void answer_thing(struct http_request *request)
{
    const char *colour = http_query(request, "colour");
    http_add_header(request, "ETag", "\"7\"");
    char *body = memory_format("thing %s %s", http_part(request, 0), colour ? colour : "none");
    http_answer(request, 200, "text/plain", body, strlen(body));
}

static void answer_echo(struct http_request *request)
{
    size_t len;
    const char *body = http_body(request, &len);
    http_answer(request, 200, "text/plain", memory_text_n(body ? body : "", len), len);
}

static void answer_stream(struct http_request *request)
{
    http_follow(request, "text/event-stream", "first\n", 6, SECONDS_NS / 5);
}

static void answer_long(struct http_request *request)
{
    http_add_header(request, "ETag", "\"8\"");
    http_answer(request, 200, "text/plain", memory_format("%*s", 3000, "end"), 3000);
}

// More than a pipe holds; what stands in the query's "part" breaks it off.
static void *pour(void *pipe)
{
    char *row = memory_format("%*s\n", 999, "row");
    bool is_read = true;
    for (int i = 0; i < 1000 && is_read; i++)
        is_read = http_pipe_put(pipe, row, 1000);
    free(row);
    http_pipe_end(pipe, is_read);
    return NULL;
}

static void *pour_a_part(void *pipe)
{
    bool is_read = http_pipe_put(pipe, "part", 4);
    http_pipe_end(pipe, false);
    return is_read ? pipe : NULL;
}

static void answer_poured(struct http_request *request)
{
    bool whole = !http_query(request, "part");
    struct http_pipe *pipe = http_pour(request, "text/csv");
    pthread_t thread;
    if (pipe && !pthread_create(&thread, NULL, whole ? pour : pour_a_part, pipe))
        pthread_detach(thread);
}

static void answer_nothing(struct http_request *request)
{
    (void)request;
}

static bool ask_for_key(struct http_request *request, const struct http_route *route)
{
    if (strcmp(route->pattern, "/locked") || http_header(request, "X-Key"))
        return true;
    http_problem(request, 401, "no-key", "say X-Key");
    return false;
}

static const struct http_route routes[] = {
    {"GET", "/things/{id}", answer_thing, "text/plain text/csv", "colour size", 0},
    {"POST", "/echo", answer_echo, NULL, NULL, 0},
    {"GET", "/locked", answer_echo, NULL, NULL, 0},
    {"GET", "/broken", answer_nothing, NULL, NULL, 0},
    {"GET", "/stream", answer_stream, NULL, NULL, 0},
    {"GET", "/long", answer_long, NULL, NULL, 0},
    {"GET", "/poured", answer_poured, NULL, NULL, 0},
    {0},
};

static void *run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

static void stop(void *loop)
{
    loop_stop(loop);
}

// Send the request, and give back all that comes until the server closes.
static void talk(int port, const char *request, size_t len, char *answer, size_t size)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    cr_assert_eq(send(fd, request, len, MSG_NOSIGNAL), (ssize_t)len);
    size_t got = 0;
    for (ssize_t more; got < size - 1 && (more = recv(fd, answer + got, size - 1 - got, 0)) > 0;)
        got += (size_t)more;
    answer[got] = '\0';
    close(fd);
}

static void serve_once(int threads, const char *request, size_t len, char *answer, size_t size)
{
    struct loop *loop = loop_new();
    const struct http_settings settings = {
        .address = "127.0.0.1", .threads = threads, .pours_max = 1};
    struct http *http = http_new(loop, &settings, routes, ask_for_key, NULL, NULL, NULL);
    cr_assert_not_null(http);
    pthread_t thread;
    pthread_create(&thread, NULL, run_loop, loop);
    talk(http_port(http), request, len, answer, size);
    loop_post(loop, stop, loop);
    pthread_join(thread, NULL);
    http_free(http);
    loop_free(loop);
}

struct talk_case {
    char request[200];
    char wanted[3][80]; // each stands in the answer
    char unwanted[40];
    int threads;
};

#define END "Host: x\r\nConnection: close\r\n\r\n"

ParameterizedTestParameters(http, answers)
{
    static struct talk_case cases[] = {
        {"GET /things/7?colour=blue HTTP/1.1\r\n" END, {"200 OK", "thing 7 blue"}, "", 0},
        {"GET /things/a%20b?colour=%2Fx HTTP/1.1\r\n" END, {"thing a b /x"}, "", 1},
        {"HEAD /things/7 HTTP/1.1\r\n" END, {"200 OK", "Content-Length: 12"}, "thing", 2},
        {"GET /things/7 HTTP/1.1\r\nIf-None-Match: W/\"3\", \"7\"\r\n" END, {"304"}, "thing", 0},
        {"GET /things/7 HTTP/1.1\r\nIf-None-Match: \"77\"\r\n" END, {"200 OK"}, "", 0},
        {"GET /nowhere HTTP/1.1\r\n" END,
         {"404", "application/problem+json", "urn:socmod:problem:no-such-path"},
         "",
         0},
        {"GET /things/ HTTP/1.1\r\n" END, {"404"}, "", 0},
        {"GET /things/7/8 HTTP/1.1\r\n" END, {"404"}, "", 0},
        {"DELETE /things/7 HTTP/1.1\r\n" END, {"405", "Allow: GET, HEAD, OPTIONS"}, "", 0},
        {"OPTIONS /echo HTTP/1.1\r\n" END, {"204", "Allow: POST, OPTIONS"}, "", 0},
        {"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n" END "hello", {"200", "hello"}, "", 1},
        {"GET /locked HTTP/1.1\r\n" END, {"401", "say X-Key"}, "", 0},
        {"GET /locked HTTP/1.1\r\nx-key: 1\r\n" END, {"200"}, "", 0},
        {"GET /broken HTTP/1.1\r\n" END, {"500"}, "", 1},
        {"GET /things/7 HTTP/1.1\r\nAccept: application/json, text/*;q=0.1\r\n" END,
         {"200"},
         "",
         1},
        {"GET /things/7 HTTP/1.1\r\nAccept: text/html\r\n" END,
         {"406", "urn:socmod:problem:not-acceptable", "text/plain text/csv"},
         "thing",
         1},
        {"GET /things/7?colour=a&size=b HTTP/1.1\r\n" END, {"200"}, "", 1},
        {"GET /things/7?color=a HTTP/1.1\r\n" END,
         {"400", "urn:socmod:problem:parameter", "color: not known"},
         "thing",
         1},
        {"GET /things/7?colour=a&colour=b HTTP/1.1\r\n" END, {"400", "more than once"}, "thing", 1},
        {"GET /things/7? HTTP/1.1\r\n" END, {"200"}, "", 1},
        {"GET /things/7%00?x=%00 HTTP/1.1\r\n" END, {"400", "octet 0"}, "thing", 1},
        {"GET /long HTTP/1.1\r\nAccept-Encoding: gzip\r\n" END,
         {"Content-Encoding: gzip", "ETag: \"8-gzip\"", "Vary: Accept-Encoding"},
         "end",
         1},
        {"GET /long HTTP/1.1\r\nAccept-Encoding: br\r\n" END,
         {"ETag: \"8\"", "Vary: Accept-Encoding", "end"},
         "gzip",
         1},
        {"GET /long HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: \"8-gzip\"\r\n" END,
         {"304", "\"8-gzip\""},
         "end",
         1},
        {"GET /long HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: \"8\"\r\n" END,
         {"200"},
         "",
         1},
        {"GET /things/7 HTTP/1.1\r\nAccept-Encoding: gzip\r\n" END, {"thing 7"}, "gzip", 1},
        {"GET /poured?part=1 HTTP/1.1\r\n" END, {"200", "part"}, "\r\n0\r\n", 1},
    };
    return cr_make_param_array(struct talk_case, cases, COUNT(cases));
}

ParameterizedTest(struct talk_case *c, http, answers)
{
    char answer[4096];
    serve_once(c->threads, c->request, strlen(c->request), answer, sizeof answer);
    for (int i = 0; i < 3; i++)
        cr_expect(strstr(answer, c->wanted[i]), "%s: no \"%s\" in %s", c->request, c->wanted[i],
                  answer);
    if (*c->unwanted)
        cr_expect(!strstr(answer, c->unwanted), "%s: %s", c->request, answer);
}

struct nonsense {
    char request[160];
    char kind[16];
    char why[48];
};

ParameterizedTestParameters(http, answers_nonsense_by_a_problem)
{
    static struct nonsense cases[] = {
        {"\x16\x03\x01\x02 \x01 \xfc\r\n\r\n", "syntax", "a TLS hello"},
        {"GET / HTTP/9.9\r\n" END, "version", "another version"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version", "HTTP/2"},
        {"GET /things/7 HTTP/1.1\r\nno colon\r\n" END, "syntax", "a line that is no header"},
        {"GET /things/7 HTTP/1.1\r\n: no name\r\n" END, "syntax", "a header without a name"},
        {"GET /things/7 HTTP/1.1\r\na b: c\r\n" END, "syntax", "a name with a blank"},
        {"GET /things/7 HTTP/1.1\r\nConnection: close\r\n\r\n", "syntax", "no host"},
        {"GET /things/7 HTTP/1.1\r\nHost: y\r\n" END, "syntax", "two hosts"},
        {"GET /things/7 8 HTTP/1.1\r\n" END, "syntax", "a blank in the path"},
        {"POST /echo HTTP/1.1\r\nContent-Length: -5\r\n" END, "syntax", "a length below zero"},
        {"POST /echo HTTP/1.1\r\nContent-Length: \r\n" END, "syntax", "an empty length"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 5x\r\n" END, "syntax", "a length with letters"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n" END "hello!", "syntax",
         "two lengths"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" END
         "0\r\n\r\n",
         "syntax", "a length, and chunks"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" END, "too-large",
         "a length beyond all bounds"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "ZZ\r\n", "syntax",
         "a chunk without length"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "ffffffffffffffffff\r\n",
         "too-large", "a chunk beyond all bounds"},
    };
    return cr_make_param_array(struct nonsense, cases, COUNT(cases));
}

// One head, and a body of the length that it tells.
ParameterizedTest(struct nonsense *c, http, answers_nonsense_by_a_problem)
{
    char answer[4096], kind[64];
    serve_once(2, c->request, strlen(c->request), answer, sizeof answer);
    const char *length = strstr(answer, "Content-Length: "), *body = strstr(answer, "\r\n\r\n");
    snprintf(kind, sizeof kind, "{\"type\":\"urn:socmod:problem:%s\"", c->kind);
    cr_assert(length && body && length < body, "%s: %s", c->why, answer);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 4", 10), 0, "%s: %s", c->why, answer);
    cr_expect(strstr(answer, "Content-Type: application/problem+json\r\n"), "%s: %s", c->why,
              answer);
    cr_expect_eq(strncmp(body + 4, kind, strlen(kind)), 0, "%s: %s", c->why, answer);
    cr_expect_eq(strtoul(length + 16, NULL, 10), strlen(body + 4), "%s: %s", c->why, answer);
}

Test(http, refuses_a_body_that_is_too_large)
{
    size_t len = HTTP_BODY_MAX + 1;
    char *request = memory_format("POST /echo HTTP/1.1\r\nContent-Length: %zu\r\n" END "%*s", len,
                                  (int)len, "");
    char answer[4096];
    serve_once(1, request, strlen(request), answer, sizeof answer);
    cr_expect(strstr(answer, "413"), "%s", answer);
    free(request);
}

Test(http, refuses_an_address_that_is_too_long)
{
    char *request = memory_format("GET /things/%0*d HTTP/1.1\r\n" END, HTTP_URI_MAX, 7);
    char answer[4096];
    serve_once(1, request, strlen(request), answer, sizeof answer);
    cr_expect(strstr(answer, "414") && strstr(answer, "urn:socmod:problem:too-long"), "%s", answer);
    free(request);
}

Test(http, refuses_too_many_headers)
{
    char *request = NULL, answer[4096];
    size_t len;
    FILE *out = open_memstream(&request, &len);
    fputs("GET /things/7 HTTP/1.1\r\n", out);
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        fprintf(out, "X-%d: y\r\n", i);
    fputs(END, out);
    fclose(out);
    serve_once(1, request, len, answer, sizeof answer);
    cr_expect(strstr(answer, "431") && strstr(answer, "urn:socmod:problem:headers"), "%s", answer);
    free(request);
}

static size_t ask_poured(const char *headers, char *answer, size_t size)
{
    char *request = memory_format("GET /poured HTTP/1.1\r\n%s" END, headers);
    serve_once(1, request, strlen(request), answer, size);
    free(request);
    return strlen(answer);
}

Test(http, pours_more_than_it_holds)
{
    size_t size = 2 << 20;
    char *answer = memory_new(size, 1);
    cr_expect_gt(ask_poured("", answer, size), 1000000);
    int rows = 0;
    for (const char *at = answer; (at = strstr(at, "row\n")); at++)
        rows++;
    cr_expect_gt(rows, 990, "%d", rows); // the others have the mark of a chunk within
    cr_expect(strstr(answer, "\r\n0\r\n"), "no end");
    free(answer);
}

Test(http, pours_packed)
{
    char answer[65536];
    ask_poured("Accept-Encoding: gzip\r\n", answer, sizeof answer);
    cr_expect(strstr(answer, "Content-Encoding: gzip"), "%s", answer);
    cr_expect(!strstr(answer, "row\n"));
}

Test(http, says_so_when_it_cannot_listen)
{
    struct loop *loop = loop_new();
    const struct http_settings settings = {.address = "no.such", .port = 1};
    cr_expect_null(http_new(loop, &settings, routes, NULL, NULL, NULL, NULL));
    loop_free(loop);
}

// A server in a thread, for what needs more than one connection.
struct served {
    struct loop *loop;
    struct http *http;
    pthread_t thread;
};

static struct served serve(int threads, int connections_max)
{
    struct served served = {.loop = loop_new()};
    const struct http_settings settings = {
        .address = "127.0.0.1", .threads = threads, .connections_max = connections_max};
    served.http = http_new(served.loop, &settings, routes, ask_for_key, NULL, NULL, NULL);
    cr_assert_not_null(served.http);
    pthread_create(&served.thread, NULL, run_loop, served.loop);
    return served;
}

static void serve_end(struct served *served)
{
    loop_post(served->loop, stop, served->loop);
    pthread_join(served->thread, NULL);
    http_free(served->http);
    loop_free(served->loop);
}

static int enter(const struct served *served)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_port(served->http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static int follow(const struct served *served)
{
    static const char request[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = enter(served);
    cr_assert_eq(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), (ssize_t)sizeof request - 1);
    return fd;
}

// Read on into answer until wanted stands in it, or the server closes.
static bool hear(int fd, char *answer, size_t size, const char *wanted)
{
    size_t got = strlen(answer), seen = 0;
    ssize_t more = 1;
    while (!strstr(answer + seen, wanted) && got < size - 1
           && (more = recv(fd, answer + got, size - 1 - got, 0)) > 0) {
        seen = got > 32 ? got - 32 : 0; // what was wanted may have come in two pieces
        got += (size_t)more;
        answer[got] = '\0';
    }
    return strstr(answer, wanted);
}

struct told {
    struct http *http;
    char *text;
};

static void tell_now(void *arg)
{
    struct told *told = arg;
    http_tell(told->http, told->text, strlen(told->text));
    free(told->text);
    free(told);
}

static void tell(const struct served *served, char *text)
{
    struct told *told = memory_new(1, sizeof *told);
    *told = (struct told){served->http, text};
    loop_post(served->loop, tell_now, told);
}

static void wait_for_followers(const struct served *served, int count)
{
    for (int i = 0; i < 500 && http_followers(served->http) != count; i++)
        usleep(10000);
    cr_assert_eq(http_followers(served->http), count, "%d", http_followers(served->http));
}

ParameterizedTestParameters(http, followers_hear_what_is_told)
{
    static int threads[] = {0, 1, 2};
    return cr_make_param_array(int, threads, COUNT(threads));
}

ParameterizedTest(int *threads, http, followers_hear_what_is_told, .timeout = 20)
{
    struct served served = serve(*threads, 8);
    char answer[2][4096] = {"", ""};
    int fd[] = {follow(&served), follow(&served)};
    for (int i = 0; i < 2; i++)
        cr_expect(hear(fd[i], answer[i], sizeof answer[i], "first\n"), "%s", answer[i]);
    wait_for_followers(&served, 2);
    tell(&served, memory_text("second\n"));
    tell(&served, memory_text("third\n"));
    for (int i = 0; i < 2; i++)
        cr_expect(hear(fd[i], answer[i], sizeof answer[i], "third\n"), "%s", answer[i]);
    close(fd[0]); // noticed when something is told
    for (int i = 0; i < 500 && http_followers(served.http) == 2; i++, usleep(10000))
        tell(&served, memory_text("on\n"));
    cr_expect_eq(http_followers(served.http), 1);
    serve_end(&served);
    hear(fd[1], answer[1], sizeof answer[1], "never said"); // returns: the server closed
    close(fd[1]);
}

Test(http, a_follower_is_let_go_after_its_time, .timeout = 20)
{
    struct served served = serve(1, 8);
    char answer[4096] = "";
    int fd = follow(&served);
    cr_expect(hear(fd, answer, sizeof answer, "first\n"));
    usleep(300000);
    tell(&served, memory_text("last\n"));
    cr_expect(hear(fd, answer, sizeof answer, "last\n"), "%s", answer);
    cr_expect(hear(fd, answer, sizeof answer, "\r\n0\r\n"), "%s", answer);
    wait_for_followers(&served, 0);
    close(fd);
    serve_end(&served);
}

Test(http, who_reads_too_slowly_is_let_go, .timeout = 20)
{
    struct served served = serve(1, 8);
    int fd = follow(&served);
    wait_for_followers(&served, 1);
    // More than the buffers of the kernel and of the follower hold together.
    for (int i = 0; i < 400; i++)
        tell(&served, memory_format("%*s", HTTP_BODY_MAX / 2, ""));
    tell(&served, memory_text("too late\n"));
    size_t size = 64 << 20;
    char *got = memory_new(size, 1);
    cr_expect(hear(fd, got, size, "\r\n0\r\n"));
    cr_expect(!strstr(got, "too late"));
    free(got);
    wait_for_followers(&served, 0);
    close(fd);
    serve_end(&served);
}

Test(http, half_of_the_connections_may_follow, .timeout = 20)
{
    struct served served = serve(1, 4);
    int fd[] = {follow(&served), follow(&served)};
    wait_for_followers(&served, 2);
    char answer[4096] = "";
    int third = follow(&served);
    cr_expect(hear(third, answer, sizeof answer, "urn:socmod:problem:followers"), "%s", answer);
    close(third);
    close(fd[0]);
    close(fd[1]);
    serve_end(&served);
}

// Is the next connection answered? Who is one too many is sent away, until the others are gone.
static bool is_served(const struct served *served)
{
    static const char request[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    bool heard = false;
    for (int i = 0; i < 500 && !heard; i++, usleep(heard ? 0 : 10000)) {
        char answer[4096] = "";
        int fd = enter(served);
        heard = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0
                && hear(fd, answer, sizeof answer, "HTTP/1.1 ");
        close(fd);
    }
    return heard;
}

ParameterizedTestParameters(http, answers_on_after_more_came_than_may)
{
    static int threads[] = {0, 1, 4};
    return cr_make_param_array(int, threads, COUNT(threads));
}

ParameterizedTest(int *threads, http, answers_on_after_more_came_than_may)
{
    struct served served = serve(*threads, 8);
    for (int burst = 0; burst < 5; burst++) {
        int fd[100];
        for (int i = 0; i < 100; i++)
            fd[i] = enter(&served);
        for (int i = 0; i < 100; i++)
            close(fd[i]);
    }
    for (int i = 0; i < 32; i++) // each thread in turn
        cr_assert(is_served(&served));
    serve_end(&served);
}
