// SPDX-License-Identifier: Apache-2.0
// For tests that kill a process at every single step of a piece of work: a child does the work,
// and its parent stops it before and after each system call. Include it in one test program.

#ifndef UNIT_POWER_CUT_H
#define UNIT_POWER_CUT_H

#include <criterion/criterion.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POWER_CUT_STEPS = 400 };

enum power_cut_step { POWER_CUT_WRITE, POWER_CUT_SYNC, POWER_CUT_RENAME, POWER_CUT_OTHER };

// A child that waits to do its work, which returns whether it went well.
static inline pid_t power_cut_begin(bool (*work)(void))
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(77);
        raise(SIGSTOP);
        _exit(work() ? 0 : 1);
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
static inline bool power_cut_go_on(pid_t child, int *status)
{
    cr_assert_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
    cr_assert_eq(waitpid(child, status, 0), child);
    return WIFSTOPPED(*status);
}

// Kill the work after so many stops. False: it was done before, and went well.
static inline bool power_cut_after(int stops, bool (*work)(void))
{
    int status = 0;
    cr_assert_lt(stops, POWER_CUT_STEPS);
    pid_t child = power_cut_begin(work);
    for (int i = 0; i < stops; i++)
        if (!power_cut_go_on(child, &status)) {
            cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the work went well");
            return false;
        }
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return true;
}

static inline enum power_cut_step power_cut_step_of(long call)
{
    switch (call) {
    case SYS_write:
        return POWER_CUT_WRITE;
    case SYS_fsync:
    case SYS_fdatasync:
        return POWER_CUT_SYNC;
#ifdef SYS_rename
    case SYS_rename:
#endif
    case SYS_renameat:
    case SYS_renameat2:
        return POWER_CUT_RENAME;
    default:
        return POWER_CUT_OTHER;
    }
}

// What the work does to the disk, in order: up to POWER_CUT_STEPS of steps. Returns how many.
static inline int power_cut_steps(bool (*work)(void), enum power_cut_step steps[POWER_CUT_STEPS])
{
    int count = 0, status = 0;
    pid_t child = power_cut_begin(work);
    while (power_cut_go_on(child, &status)) {
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0)
            cr_skip_test("system calls cannot be told apart here");
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
            continue;
        enum power_cut_step step = power_cut_step_of((long)info.entry.nr);
        if (step != POWER_CUT_OTHER && count < POWER_CUT_STEPS)
            steps[count++] = step;
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return count;
}

#endif
