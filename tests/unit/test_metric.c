// SPDX-License-Identifier: Apache-2.0

#include "base/log.h"
#include "base/metric.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct metric metrics[] = {
    METRIC_COUNTS_BY("socmod_test_things_total", "Things.", "kind", "good"),
    METRIC_COUNTS_BY("socmod_test_things_total", NULL, "kind", "bad"),
    METRIC_SHOWS("socmod_test_level", "How high."),
};

static int times(const char *text, const char *line)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, line)); at++)
        count++;
    return count;
}

Test(metric, tells_what_joined_once)
{
    metric_join(metrics, 3);
    metric_join(metrics, 3);
    metric_add(&metrics[0], 1);
    metric_add(&metrics[0], 2);
    metric_set(&metrics[2], 0.25);
    char *text = metric_text();
    cr_expect_eq(times(text, "# HELP socmod_test_things_total Things.\n"
                             "# TYPE socmod_test_things_total counter\n"
                             "socmod_test_things_total{kind=\"good\"} 3\n"
                             "socmod_test_things_total{kind=\"bad\"} 0\n"
                             "# HELP socmod_test_level How high.\n"
                             "# TYPE socmod_test_level gauge\n"
                             "socmod_test_level 0.25\n"),
                 1, "%s", text);
    free(text);
}

Test(metric, knows_large_numbers_and_the_process)
{
    metric_join(metrics, 3);
    metric_set(&metrics[2], 1768407309.5);
    metric_program("socmod-test", "1.2");
    char *text = metric_text();
    cr_expect_eq(times(text, "socmod_test_level 1768407309.5\n"), 1, "%s", text);
    cr_expect_eq(times(text, "socmod_info{program=\"socmod-test\",version=\"1.2\"} 1\n"), 1);
    const char *memory = strstr(text, "\nprocess_resident_memory_bytes ");
    cr_assert_not_null(memory);
    cr_expect_gt(strtod(strchr(memory, ' '), NULL), 100000);
    cr_expect_not_null(strstr(text, "\nprocess_cpu_seconds_total "));
    cr_expect_not_null(strstr(text, "\nprocess_open_fds "));
    free(text);
}

Test(metric, counts_events_by_name_and_level)
{
    for (int i = 0; i < 3; i++)
        log_warn("thing.happened", F("n", i));
    log_info("thing.happened");
    log_debug("thing.unheard_of");
    char *text = metric_text();
    cr_expect_eq(
        times(text, "socmod_log_events_total{level=\"warn\",event=\"thing.happened\"} 3\n"), 1,
        "%s", text);
    cr_expect_eq(
        times(text, "socmod_log_events_total{level=\"info\",event=\"thing.happened\"} 1\n"), 1);
    cr_expect_eq(times(text, "unheard_of"), 0);
    free(text);
}

Test(metric, has_room_for_any_number_of_events)
{
    static char names[300][16];
    for (int i = 0; i < 300; i++) {
        snprintf(names[i], sizeof names[i], "thing.n%d", i);
        metric_event("info", names[i]);
    }
    char *text = metric_text();
    cr_expect_eq(times(text, "socmod_log_events_total{"), 200, "%d",
                 times(text, "socmod_log_events_total{"));
    cr_expect_eq(times(text, "event=\"other\"} 101\n"), 1);
    free(text);
}
