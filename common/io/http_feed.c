// SPDX-License-Identifier: Apache-2.0

#include "io/http_feed.h"
#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Octets that the library asks for at a time.
enum { PIECE = 4096 };

struct follower {
    struct http_feed *feed;
    struct MHD_Connection *connection;
    struct follower *next, **at; // in the list
    char *waiting;               // told, not read yet
    size_t len;
    int64_t until_ns;   // machine time
    bool asleep, ended; // ended: nothing more is told; what waits is still read
};

struct http_feed {
    pthread_mutex_t lock; // of all below, and of the followers
    struct follower *first;
    int count, count_max;
    bool closed;
};

static int64_t machine_ns(void)
{
    return clock_real_ns(clock_mono().ns);
}

struct http_feed *http_feed_new(int followers_max)
{
    struct http_feed *feed = memory_new(1, sizeof *feed);
    pthread_mutex_init(&feed->lock, NULL);
    feed->count_max = followers_max;
    return feed;
}

void http_feed_free(struct http_feed *feed)
{
    if (!feed)
        return;
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

// The library asks for more. With nothing to give the connection sleeps until something is told:
// else the library would ask again and again.
static ssize_t read_on(void *arg, uint64_t position, char *to, size_t size)
{
    (void)position;
    struct follower *follower = arg;
    pthread_mutex_lock(&follower->feed->lock);
    size_t len = follower->len < size ? follower->len : size;
    ssize_t answer = (ssize_t)len;
    if (len) {
        memcpy(to, follower->waiting, len);
        follower->len -= len;
        memmove(follower->waiting, follower->waiting + len, follower->len);
    } else if (follower->ended) {
        answer = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        follower->asleep = true;
        MHD_suspend_connection(follower->connection);
    }
    pthread_mutex_unlock(&follower->feed->lock);
    return answer;
}

static void forget(void *arg)
{
    struct follower *follower = arg;
    struct http_feed *feed = follower->feed;
    pthread_mutex_lock(&feed->lock);
    *follower->at = follower->next;
    if (follower->next)
        follower->next->at = follower->at;
    feed->count--;
    pthread_mutex_unlock(&feed->lock);
    free(follower->waiting);
    free(follower);
}

static void append(struct follower *follower, const char *text, size_t len)
{
    follower->waiting = memory_grow(follower->waiting, follower->len + len + 1, 1);
    memcpy(follower->waiting + follower->len, text, len);
    follower->len += len;
}

static void wake(struct follower *follower)
{
    if (!follower->asleep)
        return;
    follower->asleep = false;
    MHD_resume_connection(follower->connection);
}

struct MHD_Response *http_feed_follow(struct http_feed *feed, struct MHD_Connection *connection,
                                      const char *text, size_t len, int64_t last_ns)
{
    struct follower *follower = memory_new(1, sizeof *follower);
    follower->feed = feed;
    follower->connection = connection;
    follower->until_ns = machine_ns() + last_ns;
    append(follower, text, len);
    pthread_mutex_lock(&feed->lock);
    bool fits = feed->count < feed->count_max;
    if (fits) {
        follower->ended = feed->closed;
        follower->next = feed->first;
        follower->at = &feed->first;
        if (feed->first)
            feed->first->at = &follower->next;
        feed->first = follower;
        feed->count++;
    }
    pthread_mutex_unlock(&feed->lock);
    struct MHD_Response *response = NULL;
    if (fits) {
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, read_on, follower, forget);
        if (!response)
            forget(follower);
    } else {
        free(follower->waiting);
        free(follower);
    }
    return response;
}

void http_feed_tell(struct http_feed *feed, const char *text, size_t len)
{
    int64_t now_ns = machine_ns();
    pthread_mutex_lock(&feed->lock);
    for (struct follower *follower = feed->first; follower; follower = follower->next) {
        if (follower->ended)
            continue;
        if (follower->len + len > HTTP_FEED_BEHIND_MAX)
            follower->ended = true;
        else
            append(follower, text, len);
        if (now_ns >= follower->until_ns)
            follower->ended = true;
        wake(follower);
    }
    pthread_mutex_unlock(&feed->lock);
}

int http_feed_count(struct http_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    int count = feed->count;
    pthread_mutex_unlock(&feed->lock);
    return count;
}

void http_feed_close(struct http_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->closed = true;
    for (struct follower *follower = feed->first; follower; follower = follower->next) {
        follower->ended = true;
        wake(follower);
    }
    pthread_mutex_unlock(&feed->lock);
}
