// SPDX-License-Identifier: Apache-2.0
// What the broker is to be told and does not have yet, oldest first: in memory, and in a file
// (gateway/journal.h), so that no power cut loses any of it. No clock of its own.
//
// Bounded: at most BACKLOG_MOST; where it runs over, loads go before receipts and the oldest
// before the newest, but never one that is under way.
//
// Wear: what is added is appended and synced at once, which is one block of the disk and what
// its file system needs to note that, some 20 KB. BACKLOG_WRITES of these may follow each other,
// after that there is one each minute of machine time and takes all that was added meanwhile: at
// most 1,500 syncs a day, also when a meter shows another message each second. In a quiet life
// there are a hundred a day, of which all but four for a message are quarter hours. Nothing is
// written for what the broker already has. A power cut thus loses nothing, but where more than
// BACKLOG_WRITES follow each other what was added in the last minute.
//
// After a crash what the broker had, but what was not the newest, may be told again.

#ifndef GATEWAY_BACKLOG_H
#define GATEWAY_BACKLOG_H

#include "base/clock.h"
#include "base/err.h"
#include "gateway/journal.h"

#include <stdbool.h>
#include <stdint.h>

enum { BACKLOG_MOST = 512, BACKLOG_WRITES = 60 };

struct backlog_entry {
    bool is_receipt;
    bool is_under_way; // set and cleared by whoever sends it
    char *text;
};

// Borrowed for the life of the backlog. A file of another gateway's topics is of no use: what
// stands under others is left out.
struct backlog_settings {
    const char *path; // NULL: keep nothing on disk
    const char *receipt_topic, *load_topic;
};

struct backlog;

// Begin with what the file holds, and log what it does not. Owned: backlog_free(), which first
// writes what is not yet written.
struct backlog *backlog_new(const struct backlog_settings *settings);
void backlog_free(struct backlog *backlog);

// Add a text, which then belongs to the backlog. False: another had to go.
bool backlog_add(struct backlog *backlog, bool is_receipt, char *text);

// The broker has it: one of backlog_at(). The others stay valid.
void backlog_remove(struct backlog *backlog, const struct backlog_entry *entry);

int backlog_count(const struct backlog *backlog);
struct backlog_entry *backlog_at(struct backlog *backlog, int i); // 0 is the oldest

// Write what is not yet written, where its time has come; failures are logged once. Returns ns
// of machine time until the next call, INT64_MAX: when something was added.
//
//   now  mono clock of the machine
int64_t backlog_keep(struct backlog *backlog, struct mono now);

#endif
