// SPDX-License-Identifier: Apache-2.0

#include "services/planner/sharing.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

// One phase of one place, and who draws on it.
struct pipe {
    double room_w;    // left for those still rising
    int first, count; // its users in filling.members
    bool open;        // limited, and some of its users may still rise
};

// Where the draw of a user begins or ceases to follow the common level.
struct bend {
    double height; // common level, in W per unit of weight
    double slope;  // change of the sum's slope from here on
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

// Down to the watt, but a watt that only the last digits lack is there: in which order users were
// added up shall not show.
static int32_t whole(double level_w)
{
    return (int32_t)floor(level_w + 1e-6);
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
    if (!count || most_w <= pipe->room_w)
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
        if (drawn_w >= user->demand_w) {
            user->bound = SHARING_FREE;
            // It asks for less than its share, and may use up to that.
            user->level_w = whole(clamp(user->demand_w, user->weight * height, INT32_MAX));
        } else if (user->weight * height < user->floor_w) {
            user->bound = SHARING_FLOOR;
        } else {
            user->bound = SHARING_PLACE;
        }
    }
    f->places[place].over[phase] = pipe->room_w < -1;
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

static void fill(struct filling *f)
{
    int pipe_count = (f->feeder_count + 1) * SHARING_PHASES;
    start(f);
    for (;;) {
        double lowest = INFINITY;
        int first = -1;
        for (int p = 0; p < pipe_count; p++) {
            if (!f->pipes[p].open)
                continue;
            double height = height_when_full(f, &f->pipes[p]);
            if (height < lowest) {
                lowest = height;
                first = p;
            }
        }
        if (first < 0)
            break;
        close_pipe(f, first, lowest);
    }
    for (int p = 0; p < pipe_count; p++)
        if (f->pipes[p].open && f->pipes[p].room_w < -1)
            f->places[p / SHARING_PHASES].over[p % SHARING_PHASES] = true;
}

// May this user be held below what it draws at least?
static bool can_pause(const struct filling *f, int i)
{
    const struct sharing_user *user = &f->users[i];
    return !user->fixed && !f->paused[i] && user->floor_w < user->least_w
           && user->floor_w < user->demand_w;
}

// Pause as many users of an overfull pipe as it takes for the others to have enough; false when
// it is not, or none can.
static bool pause_some(struct filling *f, int p)
{
    const struct pipe *pipe = &f->pipes[p];
    if (!f->places[p / SHARING_PHASES].over[p % SHARING_PHASES])
        return false;
    double missing_w = -pipe->room_w;
    bool some = false;
    while (missing_w > 1) {
        int next = -1;
        for (int m = 0; m < pipe->count; m++) {
            int i = f->members[pipe->first + m];
            if (can_pause(f, i) && (next < 0 || f->users[i].turn < f->users[next].turn))
                next = i;
        }
        if (next < 0)
            break;
        f->paused[next] = some = true;
        missing_w -= f->users[next].level_w;
    }
    return some;
}

void sharing_fill(struct sharing_place *places, int feeder_count, struct sharing_user *users,
                  int user_count)
{
    size_t all = (size_t)user_count + 1; // memory_new() of nothing has no use
    int pipe_count = (feeder_count + 1) * SHARING_PHASES;
    struct filling f = {
        .places = places,
        .feeder_count = feeder_count,
        .users = users,
        .user_count = user_count,
        .pipes = memory_new((size_t)pipe_count, sizeof *f.pipes),
        .members = memory_new(all * 2 * SHARING_PHASES, sizeof *f.members),
        .done = memory_new(all, sizeof *f.done),
        .paused = memory_new(all, sizeof *f.paused),
        .bends = memory_new(all * 2, sizeof *f.bends),
    };
    list_members(&f);
    bool again = true;
    while (again) {
        fill(&f);
        again = false;
        // One pipe at a time: a pause there may leave enough elsewhere.
        for (int p = 0; p < pipe_count && !again; p++)
            again = pause_some(&f, p);
    }
    free(f.pipes);
    free(f.members);
    free(f.done);
    free(f.paused);
    free(f.bends);
}
