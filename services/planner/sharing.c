// SPDX-License-Identifier: Apache-2.0

#include "services/planner/sharing.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

// In which order users were added up shall not show: what sums may be wrong by.
static const double LAST_DIGITS = 1e-6;

// One phase of one place, and who draws on it.
struct pipe {
    double room_w;    // left for those still rising
    int first, count; // its users in filling.members
    bool open;        // limited, and some of its users may still rise
    double height;    // at which it is full
};

// Where the draw of a user begins or ceases to follow the common level.
struct bend {
    double height; // common level, in W per unit of weight
    double slope;  // change of the sum's slope from here on
};

// One that may have to pause.
struct waiting {
    uint64_t turn;
    int user;
};

struct filling {
    struct sharing_place *places;
    int feeder_count;
    struct sharing_user *users;
    int user_count;
    struct pipe *pipes; // place x phase
    int *members;
    bool *done;
    bool *paused;
    struct waiting *waiting;
    struct bend *bends;
};

static double clamp(double low, double value, double high)
{
    return value > high ? high : value < low ? low : value;
}

// What a user draws when the common level stands at height.
static double draw_at(const struct sharing_user *user, double height)
{
    int32_t floor_w = user->floor_w > user->least_w ? user->floor_w : user->least_w;
    return clamp(floor_w < user->demand_w ? floor_w : user->demand_w, user->weight * height,
                 user->demand_w);
}

// Down to the watt, but a watt that only the last digits lack is there.
static int32_t whole(double level_w)
{
    return (int32_t)floor(level_w + LAST_DIGITS);
}

static double fixed_draw(const struct sharing_user *user)
{
    if (user->level_w < user->least_w && user->level_w < user->demand_w)
        return 0;
    return user->level_w < user->demand_w ? user->level_w : user->demand_w;
}

// The two places on which a user draws: its feeder and the transformer.
static int place_of(const struct filling *f, const struct sharing_user *user, int which)
{
    return which ? f->feeder_count : user->feeder;
}

static void list_members(struct filling *f)
{
    int pipe_count = (f->feeder_count + 1) * SHARING_PHASES;
    for (int i = 0; i < f->user_count; i++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < SHARING_PHASES; phase++)
                if (f->users[i].phases >> phase & 1)
                    f->pipes[place_of(f, &f->users[i], which) * SHARING_PHASES + phase].count++;
    int next = 0;
    for (int p = 0; p < pipe_count; p++) {
        f->pipes[p].first = next;
        next += f->pipes[p].count;
        f->pipes[p].count = 0;
    }
    for (int i = 0; i < f->user_count; i++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < SHARING_PHASES; phase++)
                if (f->users[i].phases >> phase & 1) {
                    struct pipe *pipe =
                        &f->pipes[place_of(f, &f->users[i], which) * SHARING_PHASES + phase];
                    f->members[pipe->first + pipe->count++] = i;
                }
}

// Take a user's draw out of every pipe that it draws on.
static void settle(struct filling *f, int i, double drawn_w)
{
    const struct sharing_user *user = &f->users[i];
    f->done[i] = true;
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < SHARING_PHASES; phase++)
            if (user->phases >> phase & 1)
                f->pipes[place_of(f, user, which) * SHARING_PHASES + phase].room_w -= drawn_w;
}

static int by_height(const void *a, const void *b)
{
    double left = ((const struct bend *)a)->height, right = ((const struct bend *)b)->height;
    return (left > right) - (left < right);
}

// The height at which the pipe is full; INFINITY when its users never fill it.
static double height_when_full(struct filling *f, const struct pipe *pipe)
{
    double sum_w = 0, most_w = 0;
    int count = 0;
    for (int m = 0; m < pipe->count; m++) {
        const struct sharing_user *user = &f->users[f->members[pipe->first + m]];
        if (f->done[f->members[pipe->first + m]])
            continue;
        double start_w = draw_at(user, 0);
        sum_w += start_w;
        most_w += user->demand_w;
        f->bends[count++] = (struct bend){start_w / user->weight, user->weight};
        f->bends[count++] = (struct bend){user->demand_w / user->weight, -user->weight};
    }
    if (!count || most_w <= pipe->room_w + LAST_DIGITS)
        return INFINITY;
    if (sum_w >= pipe->room_w)
        return 0;
    qsort(f->bends, (size_t)count, sizeof *f->bends, by_height);
    double height = 0, slope = 0;
    for (int b = 0; b < count; b++) {
        double next_w = sum_w + slope * (f->bends[b].height - height);
        if (next_w >= pipe->room_w)
            return height + (pipe->room_w - sum_w) / slope;
        sum_w = next_w;
        height = f->bends[b].height;
        slope += f->bends[b].slope;
    }
    return height; // full but for a rounding error
}

// Only what cannot be held lower is ever too much, and that is whole watts: less is the last
// digits.
static bool is_over(const struct pipe *pipe)
{
    return pipe->room_w < -0.5;
}

// Stop all of a full pipe's users where they stand.
static void close_pipe(struct filling *f, int p, double height)
{
    struct pipe *pipe = &f->pipes[p];
    int place = p / SHARING_PHASES, phase = p % SHARING_PHASES;
    f->places[place].full[phase] = true;
    for (int m = 0; m < pipe->count; m++) {
        int i = f->members[pipe->first + m];
        struct sharing_user *user = &f->users[i];
        if (f->done[i])
            continue;
        double drawn_w = draw_at(user, height);
        settle(f, i, drawn_w);
        user->level_w = whole(drawn_w);
        user->place = place;
        user->phase = phase;
        if (user->level_w >= user->demand_w) {
            user->bound = SHARING_FREE;
            // It asks for less than its share, and may use up to that.
            user->level_w = whole(clamp(user->demand_w, user->weight * height, INT32_MAX));
        } else if (user->weight * height < user->floor_w) {
            user->bound = SHARING_FLOOR;
        } else {
            user->bound = SHARING_PLACE;
        }
    }
    f->places[place].over[phase] = is_over(pipe);
    pipe->open = false;
}

static void start(struct filling *f)
{
    for (int place = 0; place <= f->feeder_count; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++) {
            struct pipe *pipe = &f->pipes[place * SHARING_PHASES + phase];
            pipe->open = f->places[place].limited[phase];
            pipe->room_w = (double)f->places[place].room_w[phase];
            f->places[place].full[phase] = f->places[place].over[phase] = false;
        }
    for (int i = 0; i < f->user_count; i++) {
        struct sharing_user *user = &f->users[i];
        f->done[i] = false;
        user->place = user->phase = -1;
        if (user->fixed) {
            user->bound = SHARING_FIXED;
            settle(f, i, fixed_draw(user));
        } else if (f->paused[i]) {
            user->bound = SHARING_PAUSE;
            user->level_w = user->floor_w;
            settle(f, i, 0);
        } else {
            user->bound = SHARING_FREE;
            user->level_w = INT32_MAX;
        }
    }
}

// Find where each pipe is full; returns the lowest.
static double find_heights(struct filling *f, int pipe_count)
{
    double lowest = INFINITY;
    for (int p = 0; p < pipe_count; p++) {
        struct pipe *pipe = &f->pipes[p];
        pipe->height = pipe->open ? height_when_full(f, pipe) : INFINITY;
        lowest = fmin(lowest, pipe->height);
    }
    return lowest;
}

static void fill(struct filling *f)
{
    int pipe_count = (f->feeder_count + 1) * SHARING_PHASES;
    start(f);
    double lowest;
    while (isfinite(lowest = find_heights(f, pipe_count)))
        for (int p = 0; p < pipe_count; p++)
            if (f->pipes[p].height <= lowest * (1 + LAST_DIGITS))
                close_pipe(f, p, lowest);
    for (int p = 0; p < pipe_count; p++)
        if (f->pipes[p].open && is_over(&f->pipes[p]))
            f->places[p / SHARING_PHASES].over[p % SHARING_PHASES] = true;
}

// May this user be held below what it draws at least?
static bool can_pause(const struct sharing_user *user)
{
    return !user->fixed && user->floor_w < user->least_w && user->floor_w < user->demand_w;
}

static bool fits(const struct filling *f, int i, double draw_w)
{
    const struct sharing_user *user = &f->users[i];
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < SHARING_PHASES; phase++) {
            const struct pipe *pipe = &f->pipes[place_of(f, user, which) * SHARING_PHASES + phase];
            if (user->phases >> phase & 1 && pipe->open && draw_w > pipe->room_w)
                return false;
        }
    return true;
}

static int by_turn(const void *a, const void *b)
{
    uint64_t left = ((const struct waiting *)a)->turn, right = ((const struct waiting *)b)->turn;
    return (left < right) - (left > right);
}

// What nothing can hold lower is there in any case. Of the others each goes on for whom that and
// those before it leave the least that it draws.
static void choose_paused(struct filling *f)
{
    int count = 0;
    start(f);
    for (int i = 0; i < f->user_count; i++)
        if (can_pause(&f->users[i]))
            f->waiting[count++] = (struct waiting){f->users[i].turn, i};
        else if (!f->users[i].fixed)
            settle(f, i, draw_at(&f->users[i], 0));
    qsort(f->waiting, (size_t)count, sizeof *f->waiting, by_turn);
    for (int w = 0; w < count; w++) {
        int i = f->waiting[w].user;
        double least_w = draw_at(&f->users[i], 0);
        f->paused[i] = !fits(f, i, least_w);
        if (!f->paused[i])
            settle(f, i, least_w);
    }
}

void sharing_fill(struct sharing_place *places, int feeder_count, struct sharing_user *users,
                  int user_count)
{
    size_t all = (size_t)user_count + 1; // memory_new() of nothing has no use
    struct filling f = {
        .places = places,
        .feeder_count = feeder_count,
        .users = users,
        .user_count = user_count,
        .pipes = memory_new(((size_t)feeder_count + 1) * SHARING_PHASES, sizeof *f.pipes),
        .members = memory_new(all * 2 * SHARING_PHASES, sizeof *f.members),
        .done = memory_new(all, sizeof *f.done),
        .paused = memory_new(all, sizeof *f.paused),
        .waiting = memory_new(all, sizeof *f.waiting),
        .bends = memory_new(all * 2, sizeof *f.bends),
    };
    list_members(&f);
    choose_paused(&f);
    fill(&f);
    free(f.pipes);
    free(f.members);
    free(f.done);
    free(f.paused);
    free(f.waiting);
    free(f.bends);
}
