// SPDX-License-Identifier: Apache-2.0

#include "base/secret.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// The flags that the kernel has for the pages at `at`.
static void flags_of(const void *at, char flags[static 512])
{
    char line[512];
    uintptr_t from = 0, to = 0, a, b;
    FILE *file = fopen("/proc/self/smaps", "re");
    *flags = '\0';
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx", &a, &b) == 2) {
            from = a;
            to = b;
        }
        if ((uintptr_t)at >= from && (uintptr_t)at < to && !strncmp(line, "VmFlags:", 8))
            snprintf(flags, 512, "%s", line);
    }
    fclose(file);
}

Test(secret, is_locked_and_left_out_of_dumps)
{
    char flags[512], *secret = secret_new(100);
    flags_of(secret, flags);
    cr_expect(strstr(flags, " dd"), "%s", flags);
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
#ifdef __SANITIZE_ADDRESS__ // whose mlock() does nothing
    limit.rlim_cur = 0;
#endif
    if (limit.rlim_cur >= 4096)
        cr_expect(strstr(flags, " lo"), "%s", flags);
    secret_free(secret, 100);
    secret_free(NULL, 100);
}

Test(secret, does_without_the_right_to_lock)
{
    const struct rlimit none = {0, 0};
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    char *secret = secret_new(100000);
    secret[99999] = 'x';
    secret_free(secret, 100000);
}

Test(secret, of_a_pool_is_wiped_when_given_back)
{
    enum { ITEM = 1000, MANY = 300 };
    static char *items[MANY];
    struct secret_pool *pool = secret_pool_new(ITEM);
    for (int i = 0; i < MANY; i++) {
        items[i] = secret_pool_take(pool);
        for (int j = 0; j < ITEM; j++)
            cr_assert_eq(items[i][j], 0);
        memset(items[i], 'a' + i % 26, ITEM);
    }
    for (int i = 0; i < MANY; i++)
        cr_assert(items[i][0] == 'a' + i % 26 && items[i][ITEM - 1] == 'a' + i % 26,
                  "item %d shares its room", i);
    for (int i = 0; i < MANY; i++) {
        secret_pool_give(pool, items[i]);
        cr_assert_eq(items[i][ITEM - 1], 0);
    }
    char *again = secret_pool_take(pool);
    for (int j = 0; j < ITEM; j++)
        cr_assert_eq(again[j], 0);
    secret_pool_give(pool, again);
    secret_pool_give(pool, NULL);
    secret_pool_free(pool);
    secret_pool_free(NULL);
}

// It crashes where cores are allowed, and leaves none.
Test(secret, is_not_in_a_core)
{
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
        setrlimit(RLIMIT_CORE, &any);
        secret_guard_process();
        signal(SIGQUIT, SIG_DFL);
        raise(SIGQUIT);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status));
    cr_expect_not(WCOREDUMP(status));
}
