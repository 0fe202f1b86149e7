// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/mishap.h"

#include <criterion/criterion.h>

enum { MANY = 20000 };

Test(mishap, happens_as_often_as_told_and_always_to_the_same)
{
    const struct mishap_odds odds = {
        .seed = 7, .drop_percent = 10, .late_percent = 30, .duplicate_percent = 5};
    int dropped = 0, late = 0, twice = 0;
    for (unsigned i = 0; i < MANY; i++) {
        struct mishap mishap = mishap_of(&odds, i % 7, i * 900);
        struct mishap again = mishap_of(&odds, i % 7, i * 900);
        cr_assert_eq(mishap.dropped, again.dropped);
        cr_assert_eq(mishap.quarters_late, again.quarters_late);
        dropped += mishap.dropped;
        late += mishap.quarters_late > 0;
        twice += mishap.twice;
    }
    cr_expect(dropped > MANY / 11 && dropped < MANY / 9, "%d", dropped);
    cr_expect(late > MANY * 28 / 100 && late < MANY * 32 / 100, "%d", late);
    cr_expect(twice > MANY * 4 / 100 && twice < MANY * 6 / 100, "%d", twice);
}

Test(mishap, never_happens_at_no_odds_and_always_at_all)
{
    const struct mishap_odds none = {.seed = 7}, all = {7, 100, 100, 100};
    for (int i = 0; i < 1000; i++) {
        struct mishap mishap = mishap_of(&none, 0, i);
        cr_assert(!mishap.dropped && !mishap.twice && !mishap.quarters_late);
        mishap = mishap_of(&all, 0, i);
        cr_assert(mishap.dropped && mishap.twice && mishap.quarters_late);
        cr_assert(mishap.quarters_late <= 3);
    }
}
