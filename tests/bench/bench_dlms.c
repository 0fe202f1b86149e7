// SPDX-License-Identifier: Apache-2.0
// What does a DLMS session cost: associate, prove, write 1000 octets, read back, release?
// Prints "name value unit" lines.
//
//   dlms_session_client_cpu_us   the client's octets alone, in memory, against recorded answers
//   dlms_session_octets          of one session in memory, both ways, without TCP
//   dlms_loopback_...            over TCP to the strict meter in a process of its own: sessions,
//                                and CPU time of the client with sockets and loop

#include "base/memory.h"
#include "services/p3/dlms_call.h"
#include "tests/peer/door.h"
#include "tests/unit/session_pair.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_LEN = 1000, FRAMES = 16, ROUNDS = 7, TURNS = 2000, AT_ONCE = 64, SESSIONS = 12000 };

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void require(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "bench_dlms: %s\n", what);
    exit(EXIT_FAILURE);
}

static char text[TEXT_LEN];

// ---- In memory

static struct {
    uint8_t octets[DLMS_WRAPPER_LEN + DLMS_APDU_MAX];
    size_t len;
} frames[FRAMES];
static int frame_count;

static void begin_session(struct session *session, const struct session_job *job)
{
    static const struct counter_range counters = {1, SESSION_COUNTERS_MAX};
    static const uint8_t challenge[ACSE_CHALLENGE_MAX] = "always the same challenge of ours";
    session_begin(session, job);
    session_supply(session, &counters, challenge);
    session_connected(session);
}

// One session with the strict meter. With the same counters and challenge again, its answers are
// right again.
static void record(struct pair *pair)
{
    struct session *session = &pair->session;
    size_t len;
    dlms_link_open(&pair->link, &pair->server);
    begin_session(session, &pair->job);
    for (frame_count = 0; session->want == SESSION_WANTS_ANSWER; frame_count++) {
        require(frame_count < FRAMES, "more frames than expected");
        const uint8_t *out = session_output(session, &len);
        dlms_link_receive(&pair->link, out, len);
        memcpy(frames[frame_count].octets, pair->link.out, pair->link.out_len);
        frames[frame_count].len = pair->link.out_len;
        session_received(session, pair->link.out, pair->link.out_len);
    }
    require(session->result.status == SESSION_VERIFIED, session->result.cause);
}

static void replay(struct session *session, const struct session_job *job)
{
    begin_session(session, job);
    for (int i = 0; i < frame_count; i++)
        session_received(session, frames[i].octets, frames[i].len);
    require(session->result.status == SESSION_VERIFIED, "not verified");
}

static void measure_memory(const char *suffix, uint16_t max_pdu)
{
    static struct pair pair;
    struct cipher *cipher = cipher_new();
    double best = 1e9;
    pair_begin(&pair, cipher, &meter_type_smr5);
    pair.server.max_pdu = max_pdu;
    pair.job.text = text;
    pair.job.text_len = sizeof text;
    record(&pair);
    size_t octets = pair.session.result.octets_sent + pair.session.result.octets_received;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int turn = 0; turn < TURNS; turn++)
            replay(&pair.session, &pair.job);
        double took = (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / TURNS;
        best = took < best ? took : best;
    }
    printf("dlms_session_client_cpu_us%s %.1f us\n", suffix, best * 1e6);
    printf("dlms_session_octets%s %zu octets\n", suffix, octets);
    cipher_free(cipher);
}

// ---- Over TCP: the meters, all on one port, each connection another one

struct meter_link {
    struct pair pair; // the meter's half of it
    struct loop_watch *watch;
    int fd;
    bool used;
};

static struct {
    struct loop *loop;
    struct cipher *cipher;
    struct meter_link links[2 * AT_ONCE];
} street;

static void end_link(struct meter_link *link)
{
    loop_unwatch(link->watch);
    close(link->fd);
    link->used = false;
}

static void on_link(void *arg, uint32_t events)
{
    struct meter_link *link = arg;
    struct dlms_link *dlms = &link->pair.link;
    uint8_t octets[DLMS_WRAPPER_LEN + DLMS_APDU_MAX];
    (void)events;
    ssize_t got = recv(link->fd, octets, sizeof octets, 0);
    if (got <= 0) {
        end_link(link);
        return;
    }
    dlms_link_receive(dlms, octets, (size_t)got);
    if (send(link->fd, dlms->out, dlms->out_len, MSG_NOSIGNAL) < 0 || dlms->closes)
        end_link(link);
}

static void on_knock(void *arg, int fd)
{
    struct meter_link *link = street.links;
    (void)arg;
    while (link < street.links + 2 * AT_ONCE && link->used)
        link++;
    if (link == street.links + 2 * AT_ONCE) {
        close(fd);
        return;
    }
    pair_begin(&link->pair, street.cipher, &meter_type_smr5);
    link->pair.server.max_pdu = 0;
    dlms_link_open(&link->pair.link, &link->pair.server);
    link->fd = fd;
    link->used = true;
    link->watch = loop_watch(street.loop, fd, EPOLLIN, on_link, link);
}

static _Noreturn void serve(int port)
{
    street.loop = loop_new();
    street.cipher = cipher_new();
    door_new(street.loop, "127.0.0.1", port, on_knock, NULL);
    loop_run(street.loop);
    _exit(0);
}

// ---- The client

static struct {
    struct loop *loop;
    struct dlms_address address;
    struct session_job job;
    struct line {
        struct dlms_call *call;
        struct loop_timer *next;
    } lines[AT_ONCE];
    int begun, ended, verified;
    uint32_t next_counter;
} client;

static void on_supply(void *arg, uint32_t least)
{
    struct line *line = arg;
    (void)least;
    client.next_counter += SESSION_COUNTERS_MAX;
    dlms_call_supply(line->call,
                     &(struct counter_range){client.next_counter, SESSION_COUNTERS_MAX});
}

static void on_done(void *arg, const struct session_result *result)
{
    struct line *line = arg;
    client.ended++;
    client.verified += result->status == SESSION_VERIFIED;
    loop_timer_in(line->next, 1);
}

static void on_next(void *arg)
{
    static const struct dlms_call_events events = {.supply = on_supply, .done = on_done};
    struct line *line = arg;
    dlms_call_free(line->call);
    line->call = NULL;
    if (client.ended == SESSIONS)
        loop_stop(client.loop);
    if (client.begun == SESSIONS)
        return;
    client.begun++;
    line->call = dlms_call_new(client.loop, &client.address, &client.job, &events, line);
    dlms_call_start(line->call);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void measure_loopback(int port)
{
    static struct pair pair;
    client.loop = loop_new();
    struct cipher *cipher = cipher_new();
    pair_begin(&pair, cipher, &meter_type_smr5);
    client.job = pair.job;
    client.job.text = text;
    client.job.text_len = sizeof text;
    require(!dlms_address_parse("127.0.0.1", port, &client.address), "address");
    double start = seconds(CLOCK_MONOTONIC), cpu = cpu_seconds();
    for (int i = 0; i < AT_ONCE; i++) {
        client.lines[i].next = loop_timer_new(client.loop, on_next, &client.lines[i]);
        loop_timer_in(client.lines[i].next, 1);
    }
    loop_run(client.loop);
    double took = seconds(CLOCK_MONOTONIC) - start;
    cpu = cpu_seconds() - cpu;
    require(client.verified == SESSIONS, "not all were verified");
    printf("dlms_loopback_sessions %.0f sessions/s\n", SESSIONS / took);
    printf("dlms_loopback_client_cpu_us %.1f us\n", cpu / SESSIONS * 1e6);
    printf("dlms_loopback_client_core %.0f sessions/s\n", SESSIONS / cpu);
    for (int i = 0; i < AT_ONCE; i++) {
        dlms_call_free(client.lines[i].call);
        loop_timer_free(client.lines[i].next);
    }
    cipher_free(cipher);
    loop_free(client.loop);
}

int main(void)
{
    enum { PORT = 24059, GRACE_US = 300000 };
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('0' + i % 10);
    measure_memory("", 0);
    measure_memory("_blocks", 512);
    printf("dlms_session_memory %zu octets\n", sizeof(struct session));
    pid_t child = fork();
    if (!child)
        serve(PORT);
    usleep(GRACE_US);
    measure_loopback(PORT);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
