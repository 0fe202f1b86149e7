// SPDX-License-Identifier: Apache-2.0

#include "io/http_pipe.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    ROOM = 1 << 18,  // octets that wait to be sent
    WORTH = 1 << 15, // from which a sleeping reader is woken
    PIECE = 1 << 16, // octets that the library asks for at a time
    GZIP_WINDOW = 15 + 16,
    GZIP_MEMORY = 8,
};

struct http_pipe {
    struct http_pipes *pipes;
    struct MHD_Connection *connection;
    struct http_pipe *next, **at; // in the list
    pthread_mutex_t lock;         // of all below but the packer, which is the writer's
    pthread_cond_t room;
    size_t start, len;
    bool asleep, gone, ended, whole; // gone: nobody reads
    int holders;                     // writer and response
    bool packs;
    z_stream packer;
    char waiting[ROOM];
};

struct http_pipes {
    pthread_mutex_t lock; // taken before that of a pipe
    pthread_cond_t none;
    struct http_pipe *first;
    int count, count_max;
    bool closed;
};

struct http_pipes *http_pipes_new(int pipes_max)
{
    struct http_pipes *pipes = memory_new(1, sizeof *pipes);
    pthread_mutex_init(&pipes->lock, NULL);
    pthread_cond_init(&pipes->none, NULL);
    pipes->count_max = pipes_max;
    return pipes;
}

// With the lock held: the reader goes on.
static void wake(struct http_pipe *pipe)
{
    if (!pipe->asleep)
        return;
    pipe->asleep = false;
    MHD_resume_connection(pipe->connection);
}

static void stop_reading(struct http_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->gone = true;
    wake(pipe);
    pthread_cond_signal(&pipe->room);
    pthread_mutex_unlock(&pipe->lock);
}

void http_pipes_close(struct http_pipes *pipes)
{
    pthread_mutex_lock(&pipes->lock);
    pipes->closed = true;
    for (struct http_pipe *pipe = pipes->first; pipe; pipe = pipe->next)
        stop_reading(pipe);
    pthread_mutex_unlock(&pipes->lock);
}

void http_pipes_free(struct http_pipes *pipes)
{
    if (!pipes)
        return;
    pthread_mutex_lock(&pipes->lock);
    while (pipes->count)
        pthread_cond_wait(&pipes->none, &pipes->lock);
    pthread_mutex_unlock(&pipes->lock);
    pthread_cond_destroy(&pipes->none);
    pthread_mutex_destroy(&pipes->lock);
    free(pipes);
}

// One of the two holders lets go; the last one frees.
static void release(struct http_pipe *pipe)
{
    struct http_pipes *pipes = pipe->pipes;
    pthread_mutex_lock(&pipes->lock);
    if (--pipe->holders == 0) {
        *pipe->at = pipe->next;
        if (pipe->next)
            pipe->next->at = pipe->at;
        pipes->count--;
        pthread_cond_signal(&pipes->none);
        pthread_cond_destroy(&pipe->room);
        pthread_mutex_destroy(&pipe->lock);
        free(pipe);
    }
    pthread_mutex_unlock(&pipes->lock);
}

static size_t take(struct http_pipe *pipe, char *to, size_t size)
{
    size_t len = pipe->len < size ? pipe->len : size;
    size_t first = ROOM - pipe->start < len ? ROOM - pipe->start : len;
    memcpy(to, pipe->waiting + pipe->start, first);
    memcpy(to + first, pipe->waiting, len - first);
    pipe->start = (pipe->start + len) % ROOM;
    pipe->len -= len;
    return len;
}

static size_t give(struct http_pipe *pipe, const char *from, size_t size)
{
    size_t len = ROOM - pipe->len < size ? ROOM - pipe->len : size;
    size_t end = (pipe->start + pipe->len) % ROOM;
    size_t first = ROOM - end < len ? ROOM - end : len;
    memcpy(pipe->waiting + end, from, first);
    memcpy(pipe->waiting, from + first, len - first);
    pipe->len += len;
    return len;
}

// The library asks for more. With nothing to give the connection sleeps until the writer has some.
static ssize_t read_on(void *arg, uint64_t position, char *to, size_t size)
{
    (void)position;
    struct http_pipe *pipe = arg;
    ssize_t answer = 0;
    pthread_mutex_lock(&pipe->lock);
    if (pipe->len && !pipe->gone) {
        answer = (ssize_t)take(pipe, to, size);
        pthread_cond_signal(&pipe->room);
    } else if (pipe->ended || pipe->gone) {
        answer = pipe->whole && !pipe->gone ? MHD_CONTENT_READER_END_OF_STREAM
                                            : MHD_CONTENT_READER_END_WITH_ERROR;
    } else {
        pipe->asleep = true;
        MHD_suspend_connection(pipe->connection);
    }
    pthread_mutex_unlock(&pipe->lock);
    return answer;
}

static void let_go(void *arg)
{
    struct http_pipe *pipe = arg;
    pthread_mutex_lock(&pipe->lock);
    pipe->asleep = false; // the connection is no longer ours to wake
    pthread_mutex_unlock(&pipe->lock);
    stop_reading(pipe);
    release(pipe);
}

// Level 1: packing keeps up with the database, and takes JSON and CSV to a tenth all the same.
static void start_packer(struct http_pipe *pipe)
{
    if (deflateInit2(&pipe->packer, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
        log_fatal("http.failed", F("what", "gzip"));
    pipe->packs = true;
}

struct http_pipe *http_pipe_new(struct http_pipes *pipes, struct MHD_Connection *connection,
                                bool gzip, struct MHD_Response **response)
{
    struct http_pipe *pipe = NULL;
    pthread_mutex_lock(&pipes->lock);
    if (pipes->count < pipes->count_max && !pipes->closed) {
        pipe = memory_new(1, sizeof *pipe);
        pipe->pipes = pipes;
        pipe->connection = connection;
        pipe->holders = 2;
        pthread_mutex_init(&pipe->lock, NULL);
        pthread_cond_init(&pipe->room, NULL);
        pipe->next = pipes->first;
        pipe->at = &pipes->first;
        if (pipes->first)
            pipes->first->at = &pipe->next;
        pipes->first = pipe;
        pipes->count++;
    }
    pthread_mutex_unlock(&pipes->lock);
    if (!pipe)
        return NULL;
    if (gzip)
        start_packer(pipe);
    *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, read_on, pipe, let_go);
    if (!*response)
        log_fatal("http.failed", F("what", "response"));
    return pipe;
}

bool http_pipe_is_read(struct http_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    bool is_read = !pipe->gone;
    pthread_mutex_unlock(&pipe->lock);
    return is_read;
}

static bool put_octets(struct http_pipe *pipe, const char *text, size_t len)
{
    pthread_mutex_lock(&pipe->lock);
    while (len && !pipe->gone) {
        size_t given = give(pipe, text, len);
        text += given;
        len -= given;
        if (pipe->len >= WORTH)
            wake(pipe);
        if (len)
            pthread_cond_wait(&pipe->room, &pipe->lock);
    }
    bool is_read = !pipe->gone;
    pthread_mutex_unlock(&pipe->lock);
    return is_read;
}

static bool pack(struct http_pipe *pipe, const char *text, size_t len, int flush)
{
    char packed[1 << 14];
    bool is_read = true;
    pipe->packer.next_in = (z_const Bytef *)(uintptr_t)text;
    pipe->packer.avail_in = (uInt)len;
    do {
        pipe->packer.next_out = (Bytef *)packed;
        pipe->packer.avail_out = sizeof packed;
        deflate(&pipe->packer, flush);
        is_read = put_octets(pipe, packed, sizeof packed - pipe->packer.avail_out);
    } while (is_read && !pipe->packer.avail_out);
    return is_read;
}

bool http_pipe_put(struct http_pipe *pipe, const char *text, size_t len)
{
    assert(len <= UINT_MAX);
    return pipe->packs ? pack(pipe, text, len, Z_NO_FLUSH) : put_octets(pipe, text, len);
}

void http_pipe_end(struct http_pipe *pipe, bool whole)
{
    if (pipe->packs) {
        if (whole)
            whole = pack(pipe, "", 0, Z_FINISH);
        deflateEnd(&pipe->packer);
    }
    pthread_mutex_lock(&pipe->lock);
    pipe->ended = true;
    pipe->whole = whole;
    wake(pipe);
    pthread_mutex_unlock(&pipe->lock);
    release(pipe);
}
