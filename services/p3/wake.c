// SPDX-License-Identifier: Apache-2.0

#include "services/p3/wake.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)
enum { WORDS_MAX = 32, NO_PIDFD = -1 };

// A program that runs. It is waited for also when nobody wants to know any more.
struct helper {
    struct helper *next, *before;
    struct wake *wake;
    struct wake_up *up; // NULL: nobody waits
    pid_t pid;
    int64_t meter;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *limit;
};

struct wake_up {
    struct wake_up *next, *before; // of those that wait for a program to end
    bool waits;
    struct wake *wake;
    struct helper *helper; // NULL: not yet, or over
    struct loop_timer *pause;
    const struct errand *errand;
    void (*done)(void *arg);
    void *arg;
};

struct wake {
    struct loop *loop;
    struct wake_settings settings;
    struct helper *helpers;
    int running;
    struct wake_up *first, *last; // that wait
};

extern char **environ;

struct wake *wake_new(struct loop *loop, const struct wake_settings *settings)
{
    struct wake *wake = memory_new(1, sizeof *wake);
    wake->loop = loop;
    wake->settings = *settings;
    return wake;
}

bool wake_wants(const struct wake *wake, int failures)
{
    return wake->settings.when == WAKE_ALWAYS || failures > 0;
}

// ---- The program

static void forget(struct helper *helper)
{
    struct wake *wake = helper->wake;
    *(helper->before ? &helper->before->next : &wake->helpers) = helper->next;
    if (helper->next)
        helper->next->before = helper->before;
    wake->running--;
    loop_unwatch(helper->watch);
    close(helper->fd);
    loop_timer_free(helper->limit);
    free(helper);
}

static void begin_pause(struct wake_up *up)
{
    up->helper = NULL;
    loop_timer_in(up->pause, clock_machine_ns(up->wake->settings.pause_ms * MS_NS));
}

static void start_next(struct wake *wake);

static void on_end(void *arg, uint32_t events)
{
    struct helper *helper = arg;
    struct wake *wake = helper->wake;
    int status = 0;
    (void)events;
    if (waitpid(helper->pid, &status, WNOHANG) == 0)
        return;
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        log_warn("wake.failed", F("meter", helper->meter),
                 F("status", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)));
    if (helper->up)
        begin_pause(helper->up);
    forget(helper);
    start_next(wake);
}

static void on_limit(void *arg)
{
    const struct helper *helper = arg;
    kill(helper->pid, SIGKILL);
}

// Word by word; {meter} and {address} are replaced where they stand alone or within one.
static char *fill_in(const char *word, const struct wake_up *up)
{
    const char *const names[] = {"{meter}", "{address}"};
    const char *const values[] = {up->errand->equipment_id, up->errand->address};
    char *text = memory_text(word);
    for (int i = 0; i < 2; i++) {
        char *at = strstr(text, names[i]);
        if (!at)
            continue;
        char *filled =
            memory_format("%.*s%s%s", (int)(at - text), text, values[i], at + strlen(names[i]));
        free(text);
        text = filled;
    }
    return text;
}

// With nothing blocked or ignored that a program expects. False: it cannot be started.
static bool spawn(char *const *words, pid_t *pid)
{
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int why = posix_spawnp(pid, words[0], NULL, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    if (why)
        log_warn("wake.failed", F("program", words[0]), F("why", strerror(why)));
    return !why;
}

static void watch(struct wake_up *up, pid_t pid)
{
    struct wake *wake = up->wake;
    struct helper *helper = memory_new(1, sizeof *helper);
    *helper = (struct helper){
        .next = wake->helpers, .wake = wake, .up = up, .pid = pid, .meter = up->errand->meter};
    helper->fd = pidfd_open(pid, 0);
    if (helper->fd < 0)
        log_fatal("wake.failed", F("what", "pidfd"), F("why", strerror(errno)));
    if (wake->helpers)
        wake->helpers->before = helper;
    wake->helpers = helper;
    wake->running++;
    helper->watch = loop_watch(wake->loop, helper->fd, EPOLLIN, on_end, helper);
    helper->limit = loop_timer_new(wake->loop, on_limit, helper);
    loop_timer_in(helper->limit, clock_machine_ns(wake->settings.timeout_ms * MS_NS));
    up->helper = helper;
}

static void start(struct wake_up *up)
{
    char *words[WORDS_MAX + 1], *rest = NULL, *text = memory_text(up->wake->settings.command);
    int count = 0;
    pid_t pid;
    for (char *word = strtok_r(text, " ", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = fill_in(word, up);
    words[count] = NULL;
    if (count && spawn(words, &pid))
        watch(up, pid);
    else
        begin_pause(up);
    while (count)
        free(words[--count]);
    free(text);
}

static void leave_queue(struct wake_up *up)
{
    struct wake *wake = up->wake;
    if (!up->waits)
        return;
    *(up->before ? &up->before->next : &wake->first) = up->next;
    *(up->next ? &up->next->before : &wake->last) = up->before;
    up->waits = false;
}

static void start_next(struct wake *wake)
{
    while (wake->first && wake->running < wake->settings.most) {
        struct wake_up *up = wake->first;
        leave_queue(up);
        start(up);
    }
}

static void enqueue(struct wake_up *up)
{
    struct wake *wake = up->wake;
    up->waits = true;
    up->before = wake->last;
    *(wake->last ? &wake->last->next : &wake->first) = up;
    wake->last = up;
}

// ---- The message

static void tell(const struct wake_up *up)
{
    const struct wake_settings *settings = &up->wake->settings;
    json_t *root = json_pack("{s:s, s:s}", "equipment_id", up->errand->equipment_id, "address",
                             up->errand->address);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    struct mqtt_message message = {
        .topic = settings->topic, .payload = text, .len = text ? strlen(text) : 0, .qos = 1};
    if (!text || mqtt_publish(settings->mqtt, &message, NULL, NULL))
        log_warn("wake.failed", F("meter", up->errand->meter), F("why", "no broker"));
    free(text);
    json_decref(root);
}

// ---- One meter

static void release(struct wake_up *up)
{
    leave_queue(up);
    if (up->helper)
        up->helper->up = NULL;
    loop_timer_free(up->pause);
    free(up);
}

static void on_pause_over(void *arg)
{
    struct wake_up *up = arg;
    void (*done)(void *arg) = up->done;
    void *whom = up->arg;
    release(up);
    done(whom);
}

struct wake_up *wake_begin(struct wake *wake, const struct errand *errand, void (*done)(void *arg),
                           void *arg)
{
    struct wake_up *up = memory_new(1, sizeof *up);
    *up = (struct wake_up){.wake = wake, .errand = errand, .done = done, .arg = arg};
    up->pause = loop_timer_new(wake->loop, on_pause_over, up);
    log_debug("wake.begun", F("meter", errand->meter));
    if (*wake->settings.topic)
        tell(up);
    if (*wake->settings.command) {
        enqueue(up);
        start_next(wake);
    } else {
        begin_pause(up);
    }
    return up;
}

void wake_stop(struct wake_up *up)
{
    if (up)
        release(up);
}

void wake_free(struct wake *wake)
{
    if (!wake)
        return;
    for (struct helper *helper = wake->helpers, *next; helper; helper = next) {
        next = helper->next;
        forget(helper);
    }
    free(wake);
}
