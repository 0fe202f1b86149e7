// SPDX-License-Identifier: Apache-2.0
// The state file and kill -9, the power cut, and the full disk, at every single step of a save.
// A child saves while its parent stops it before each system call: the parent kills it there,
// and then reads what is left.

#include "gateway/setpoint.h"
#include "gateway/state.h"
#include "tests/unit/power_cut.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OLD_W = 3000, NEW_W = 9000, SAFE_W = 4200 };

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

static bool save_new(void)
{
    return save(NEW_W) == ERR_NONE;
}

Test(power_cut, at_any_step_leaves_the_old_state_or_the_new_one, .timeout = 120)
{
    bool was_old = false, was_new = false;
    int stops = 0;
    for (;; stops++) {
        unlink(beside);
        cr_assert_eq(save(OLD_W), ERR_NONE);
        bool was_killed = power_cut_after(stops, save_new);
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
        was_killed = power_cut_after(stops, save_new);
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
    enum power_cut_step order[POWER_CUT_STEPS];
    int count = power_cut_steps(save_new, order);
    cr_assert_geq(count, 4);
    const enum power_cut_step *end = order + count;
    cr_expect_eq(end[-1], POWER_CUT_SYNC, "of the folder");
    cr_expect_eq(end[-2], POWER_CUT_RENAME);
    cr_expect_eq(end[-3], POWER_CUT_SYNC, "of the file");
    for (const enum power_cut_step *step = order; step < end - 3; step++)
        cr_expect_eq(*step, POWER_CUT_WRITE);
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
