// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/spool.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 1000 };

static char folder[64];
static struct spool_message messages[MOST];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_spool.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(folder);
}

static struct spool *open_spool(int64_t most)
{
    const struct spool_settings settings = {.folder = folder, .most = most};
    struct spool *spool = spool_new(&settings);
    cr_assert_not_null(spool);
    return spool;
}

static void append(struct spool *spool, int number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "message %d", number);
    const struct spool_message message = {.topic = "a/b",
                                          .payload = text,
                                          .len = (size_t)len,
                                          .arrived = {1000000000000000000 + number},
                                          .retained = number % 2};
    cr_assert_eq(spool_append(spool, &message), ERR_NONE);
}

static void expect_message(const struct spool_message *message, int number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "message %d", number);
    cr_assert_eq(message->len, (size_t)len, "message %d", number);
    cr_expect(!memcmp(message->payload, text, message->len), "message %d", number);
    cr_expect_str_eq(message->topic, "a/b");
    cr_expect_eq(message->arrived.ns, 1000000000000000000 + number);
    cr_expect_eq(message->retained, number % 2 == 1);
}

// The newest segment with something in it.
static void find_segment(char path[static 400])
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char found[400];
        struct stat status;
        snprintf(found, sizeof found, "%s/%s", folder, entry->d_name);
        if (strstr(entry->d_name, ".spool") && !stat(found, &status) && status.st_size)
            memcpy(path, found, sizeof found);
    }
    closedir(dir);
}

Test(spool, gives_what_was_appended_in_order, .init = make_folder, .fini = remove_folder)
{
    struct spool *spool = open_spool(1 << 20);
    cr_expect_eq(spool_read(spool, messages, MOST), 0);
    for (int i = 0; i < 10; i++)
        append(spool, i);
    cr_assert_eq(spool_read(spool, messages, 4), 4);
    for (int i = 0; i < 4; i++)
        expect_message(&messages[i], i);
    cr_assert_eq(spool_read(spool, messages, MOST), 10, "what was not dropped comes again");
    expect_message(&messages[0], 0);
    cr_assert_eq(spool_read(spool, messages, 4), 4);
    spool_drop(spool);
    cr_assert_eq(spool_read(spool, messages, MOST), 6);
    expect_message(&messages[0], 4);
    expect_message(&messages[5], 9);
    spool_drop(spool);
    cr_expect_eq(spool_read(spool, messages, MOST), 0);
    cr_expect_eq(spool_size(spool), 0, "all was read: nothing is kept");
    spool_free(spool);
}

Test(spool, keeps_what_was_not_dropped, .init = make_folder, .fini = remove_folder)
{
    struct spool *spool = open_spool(1 << 20);
    for (int i = 0; i < 5; i++)
        append(spool, i);
    spool_free(spool);
    spool = open_spool(1 << 20);
    append(spool, 5);
    int next = 0;
    for (size_t count; (count = spool_read(spool, messages, MOST)); spool_drop(spool))
        for (size_t i = 0; i < count; i++)
            expect_message(&messages[i], next++);
    cr_expect_eq(next, 6);
    spool_free(spool);
}

// A process that appends until it is killed, and tells how far it came.
static int append_until_killed(void)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct spool *spool = open_spool(1 << 30);
        for (int i = 0;; i++) {
            append(spool, i);
            if (write(fds[1], &i, sizeof i) != sizeof i)
                _exit(1);
        }
    }
    int safe = -1, told;
    while (safe < 20000 && read(fds[0], &told, sizeof told) == sizeof told)
        safe = told;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fds[1]);
    while (read(fds[0], &told, sizeof told) == sizeof told)
        safe = told;
    close(fds[0]);
    return safe;
}

Test(spool, survives_kill_9, .init = make_folder, .fini = remove_folder)
{
    int safe = append_until_killed();
    struct spool *spool = open_spool(1 << 30);
    int next = 0;
    for (size_t count; (count = spool_read(spool, messages, MOST)); spool_drop(spool))
        for (size_t i = 0; i < count; i++)
            expect_message(&messages[i], next++);
    cr_expect_geq(next, safe + 1, "all that was said to be safe is there");
    cr_expect_leq(next, safe + 2, "and at most the one under way");
    spool_free(spool);
}

Test(spool, drops_a_torn_tail, .init = make_folder, .fini = remove_folder)
{
    // Cut the last record at each octet.
    for (int cut = 1; cut <= 32; cut++) {
        struct spool *spool = open_spool(1 << 20);
        append(spool, 1);
        append(spool, 2);
        off_t size = (off_t)spool_size(spool);
        spool_free(spool);
        char path[400] = "";
        find_segment(path);
        cr_assert_eq(truncate(path, size - cut), 0);
        spool = open_spool(1 << 20);
        append(spool, 3);
        cr_assert_eq(spool_read(spool, messages, MOST), 1, "cut %d", cut);
        expect_message(&messages[0], 1);
        spool_drop(spool);
        cr_assert_eq(spool_read(spool, messages, MOST), 1, "cut %d", cut);
        expect_message(&messages[0], 3);
        spool_drop(spool);
        cr_expect_eq(spool_size(spool), 0);
        spool_free(spool);
    }
}

Test(spool, does_not_take_a_damaged_record, .init = make_folder, .fini = remove_folder)
{
    for (int at = 0; at < 32; at++) {
        struct spool *spool = open_spool(1 << 20);
        append(spool, 1);
        spool_free(spool);
        char path[400] = "";
        find_segment(path);
        FILE *file = fopen(path, "r+");
        cr_assert_not_null(file);
        fseek(file, at, SEEK_SET);
        int octet = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(octet ^ 1, file);
        fclose(file);
        spool = open_spool(1 << 20);
        append(spool, 2);
        cr_assert_eq(spool_read(spool, messages, MOST), 1, "octet %d", at);
        expect_message(&messages[0], 2);
        spool_drop(spool);
        spool_free(spool);
    }
}

Test(spool, goes_on_over_many_segments, .init = make_folder, .fini = remove_folder)
{
    static char payload[100000];
    struct spool *spool = open_spool(INT64_C(1) << 30);
    const struct spool_message message = {.topic = "t", .payload = payload, .len = sizeof payload};
    for (int i = 0; i < 400; i++) {
        payload[0] = (char)(i % 128);
        cr_assert_eq(spool_append(spool, &message), ERR_NONE);
    }
    spool_sync(spool);
    int next = 0;
    for (size_t count; (count = spool_read(spool, messages, MOST)); spool_drop(spool))
        for (size_t i = 0; i < count; i++, next++)
            cr_assert_eq(*(const char *)messages[i].payload, next % 128, "message %d", next);
    cr_expect_eq(next, 400);
    cr_expect_eq(spool_size(spool), 0);
    spool_free(spool);
}

Test(spool, can_sync_each_message, .init = make_folder, .fini = remove_folder)
{
    const struct spool_settings settings = {.folder = folder, .most = 1 << 20, .sync = true};
    struct spool *spool = spool_new(&settings);
    cr_assert_not_null(spool);
    append(spool, 1);
    cr_assert_eq(spool_read(spool, messages, MOST), 1);
    expect_message(&messages[0], 1);
    spool_free(spool);
}

Test(spool, is_of_one_process, .init = make_folder, .fini = remove_folder)
{
    struct spool *spool = open_spool(1 << 20);
    const struct spool_settings settings = {.folder = folder, .most = 1 << 20};
    cr_expect_null(spool_new(&settings));
    spool_free(spool);
}

static void *append_ten(void *spool)
{
    for (int i = 0; i < 10; i++)
        append(spool, i);
    return NULL;
}

Test(spool, waits_for_room, .init = make_folder, .fini = remove_folder, .timeout = 20)
{
    struct spool *spool = open_spool(100); // three records
    pthread_t thread;
    pthread_create(&thread, NULL, append_ten, spool);
    int next = 0;
    while (next < 10) {
        cr_expect_leq(spool_size(spool), 100);
        size_t count = spool_read(spool, messages, 1);
        if (count)
            expect_message(&messages[0], next++);
        spool_drop(spool);
        usleep(1000);
    }
    pthread_join(thread, NULL);
    spool_free(spool);
}

Test(spool, does_not_wait_when_it_must_hurry, .init = make_folder, .fini = remove_folder,
     .timeout = 20)
{
    struct spool *spool = open_spool(100);
    pthread_t thread;
    pthread_create(&thread, NULL, append_ten, spool);
    usleep(50000);
    cr_expect_leq(spool_size(spool), 100);
    spool_hurry(spool);
    pthread_join(thread, NULL);
    cr_expect_eq(spool_read(spool, messages, MOST), 10);
    spool_free(spool);
}

Test(spool, refuses_what_is_too_long, .init = make_folder, .fini = remove_folder)
{
    struct spool *spool = open_spool(1 << 30);
    char *payload = calloc(1, (1 << 20) + 1);
    struct spool_message message = {.topic = "t", .payload = payload, .len = (1 << 20) + 1};
    cr_expect_eq(spool_append(spool, &message), ERR_SIZE);
    message.len--;
    cr_expect_eq(spool_append(spool, &message), ERR_NONE);
    cr_assert_eq(spool_read(spool, messages, MOST), 1);
    cr_expect_eq(messages[0].len, message.len);
    free(payload);
    spool_free(spool);
}
