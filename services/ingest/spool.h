// SPDX-License-Identifier: Apache-2.0
// Messages that the broker has been told we have, until the database has them: an append-only
// queue in a folder, written by Paho's thread and read by the loop. What was appended survives
// a kill -9 at any moment, and a power cut too once it is synced.
//
// The folder holds numbered segments; only the newest is appended to. A record is a checksum,
// lengths, the time of arrival, topic and payload. A segment that ends in half a record (the
// machine died while writing) is read up to there. What was read but not dropped when the
// program ended is read again, so the tables must take repeats.

#ifndef INGEST_SPOOL_H
#define INGEST_SPOOL_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

struct spool_settings {
    const char *folder; // made where it is missing; of this process alone
    int64_t most;       // octets; when they are reached, spool_append() waits
    bool sync;          // each record on the disk before spool_append() returns
};

struct spool_message {
    const char *topic;
    const void *payload; // len octets
    size_t len;
    struct utc arrived;
    bool retained;
};

// Open the folder and what an earlier run left in it. Owned: spool_free(), which keeps what is
// in it. NULL when the folder cannot be used or another process uses it; the reason is logged.
struct spool *spool_new(const struct spool_settings *settings);
void spool_free(struct spool *spool);

// From any thread: add a message, and return when it is safe. Waits while the spool or its disk
// is full, so that the broker keeps what we cannot. After spool_hurry() it no longer waits for
// room, and ends the program when the disk refuses: what was not said to be safe comes again.
//   ERR_SIZE  longer than any message that can be of use (1 MB): not added
MUST_CHECK enum err spool_append(struct spool *spool, const struct spool_message *message);
void spool_hurry(struct spool *spool);

// The oldest messages, up to most. Borrowed until the next call of spool_read() or spool_drop().
size_t spool_read(struct spool *spool, struct spool_message *messages, size_t most);

// Those that spool_read() gave are in the database: forget them.
void spool_drop(struct spool *spool);

// Bring what was appended onto the disk.
void spool_sync(struct spool *spool);

// Octets kept at present.
int64_t spool_size(struct spool *spool);

#endif
