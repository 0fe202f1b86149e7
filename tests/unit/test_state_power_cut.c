// SPDX-License-Identifier: Apache-2.0
// The state file and kill -9, the power cut, and the full disk, at every single step of a save.
// A child saves while its parent stops it before each system call: the parent kills it there,
// and then reads what is left.

#include "gateway/setpoint.h"
#include "gateway/state.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OLD_W = 3000, NEW_W = 9000, SAFE_W = 4200, STEPS_MAX = 400 };

static char folder[] = "/tmp/power_cut.XXXXXX";
static char path[64], beside[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    snprintf(beside, sizeof beside, "%s/state.new", folder);
}

static void remove_folder(void)
{
    unlink(path);
    unlink(beside);
    rmdir(folder);
}

TestSuite(power_cut, .init = make_folder, .fini = remove_folder);

static struct state state_of(int32_t limit_w)
{
    struct state state = {.has_limit = true, .limit_w = limit_w, .seal = {limit_w, "digest"}};
    state.current.is_set = true;
    state.current.accepted = 1768410000;
    state.current.len = 1000;
    memset(state.current.text, 'x', state.current.len);
    return state;
}

static enum err save(int32_t limit_w)
{
    char why[STATE_REASON];
    struct state state = state_of(limit_w);
    struct state_file *file = state_file_new(path);
    enum err err = state_file_save(file, &state, why);
    state_file_free(file);
    return err;
}

// The limit that stands in the file; -1: none that can be read.
static int32_t kept(void)
{
    char why[STATE_REASON];
    struct state state;
    struct state_file *file = state_file_new(path);
    enum err err = state_file_load(file, &state, why);
    state_file_free(file);
    return err ? -1 : state.limit_w;
}

// What the gateway would begin with.
static int32_t first_limit(void)
{
    const struct setpoint_rules rules = {
        .contract_w = 11040, .safe_w = SAFE_W, .hold_ns = SECONDS_NS, .confirm_ns = SECONDS_NS};
    int32_t stored = kept();
    struct setpoint setpoint;
    setpoint_start(&setpoint, &rules, stored < 0 ? INT32_MAX : stored,
                   (struct setpoint_now){.why_untimed = "none yet"});
    return setpoint.limit_w;
}

static pid_t save_under_watch(void)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(77);
        raise(SIGSTOP);
        _exit(save(NEW_W) ? 1 : 0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        cr_skip_test("a child may not be traced here");
    cr_assert(WIFSTOPPED(status));
    cr_assert_eq(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
                 0);
    return child;
}

// Go on to the next entry or exit of a system call. False: the child is gone.
static bool go_on(pid_t child, int *status)
{
    cr_assert_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
    cr_assert_eq(waitpid(child, status, 0), child);
    return WIFSTOPPED(*status);
}

// Kill a save after so many stops. False: it was done before.
static bool killed_after(int stops)
{
    int status = 0;
    pid_t child = save_under_watch();
    for (int i = 0; i < stops; i++)
        if (!go_on(child, &status)) {
            cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the save went well");
            return false;
        }
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return true;
}

Test(power_cut, at_any_step_leaves_the_old_state_or_the_new_one, .timeout = 120)
{
    bool was_old = false, was_new = false;
    int stops = 0;
    for (;; stops++) {
        cr_assert_lt(stops, STEPS_MAX);
        unlink(beside);
        cr_assert_eq(save(OLD_W), ERR_NONE);
        bool was_killed = killed_after(stops);
        int32_t now = kept();
        cr_assert(now == OLD_W || now == NEW_W, "%d W after %d stops", now, stops);
        cr_assert_not(was_new && now == OLD_W, "what was new is old again");
        cr_assert_leq(first_limit(), now < SAFE_W ? now : SAFE_W);
        was_old |= now == OLD_W;
        was_new |= now == NEW_W;
        cr_assert_eq(save(OLD_W), ERR_NONE, "and the next save goes well");
        cr_assert_eq(kept(), OLD_W);
        if (!was_killed)
            break;
    }
    cr_expect(was_old && was_new);
    cr_expect_gt(stops, 10);
}

Test(power_cut, of_the_first_save_leaves_none_or_the_new_one, .timeout = 120)
{
    bool was_killed = true;
    for (int stops = 0; was_killed; stops++) {
        unlink(path);
        unlink(beside);
        was_killed = killed_after(stops);
        int32_t now = kept();
        cr_assert(now == -1 || now == NEW_W, "%d W after %d stops", now, stops);
        cr_assert_leq(first_limit(), SAFE_W);
    }
    cr_expect_eq(kept(), NEW_W);
}

// kill -9 keeps what the kernel has in hand, a power cut does not. So: the new file is on the
// disk before it takes its name, and the name is before the save is said to be done.
Test(power_cut, finds_file_and_folder_synced_in_order)
{
    enum { OTHER, WRITE, SYNC, RENAME };
    int order[STEPS_MAX];
    int count = 0, status = 0;
    pid_t child = save_under_watch();
    while (go_on(child, &status)) {
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0)
            cr_skip_test("system calls cannot be told apart here");
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
            continue;
        long number = (long)info.entry.nr;
        bool is_rename = number == SYS_renameat || number == SYS_renameat2;
#ifdef SYS_rename
        is_rename |= number == SYS_rename;
#endif
        int step = number == SYS_write                              ? WRITE
                   : number == SYS_fsync || number == SYS_fdatasync ? SYNC
                   : is_rename                                      ? RENAME
                                                                    : OTHER;
        if (step != OTHER && count < STEPS_MAX)
            order[count++] = step;
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_geq(count, 4);
    const int *end = order + count;
    cr_expect_eq(end[-1], SYNC, "of the folder");
    cr_expect_eq(end[-2], RENAME);
    cr_expect_eq(end[-3], SYNC, "of the file");
    for (const int *step = order; step < end - 3; step++)
        cr_expect_eq(*step, WRITE);
}

Test(power_cut, and_a_disk_that_is_full_at_any_octet_leave_the_old_state)
{
    char *content;
    struct state state = state_of(NEW_W);
    content = state_encode(&state);
    size_t len = strlen(content);
    free(content);
    cr_assert_eq(save(OLD_W), ERR_NONE);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t room = 0; room < len; room += room < 64 || room + 64 > len ? 1 : 37) {
        struct rlimit limit = {room, RLIM_INFINITY};
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        enum err err = save(NEW_W);
        limit.rlim_cur = RLIM_INFINITY;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        cr_assert_eq(err, ERR_IO, "room for %zu of %zu octets", room, len);
        cr_assert_eq(kept(), OLD_W, "room for %zu octets", room);
    }
    cr_assert_eq(save(NEW_W), ERR_NONE);
    cr_assert_eq(kept(), NEW_W);
}
