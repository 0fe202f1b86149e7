// SPDX-License-Identifier: Apache-2.0

#include "gateway/backlog.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const int64_t REFILL_NS = 60 * SECONDS_NS; // of one write
static const int64_t AGAIN_NS = 10 * SECONDS_NS;  // after one that failed

struct backlog {
    struct backlog_settings settings;
    struct journal *journal;
    struct backlog_entry *entries[BACKLOG_MOST]; // oldest first
    int count, kept;                             // of which the first so many stand in the file
    int foreign;                                 // that the file held
    bool has_failed;

    int writes; // that may follow at once
    struct mono refilled, failed;
};

int backlog_count(const struct backlog *backlog)
{
    return backlog->count;
}

struct backlog_entry *backlog_at(struct backlog *backlog, int i)
{
    return backlog->entries[i];
}

static void remove_at(struct backlog *backlog, int at)
{
    free(backlog->entries[at]->text);
    free(backlog->entries[at]);
    backlog->kept -= at < backlog->kept;
    for (backlog->count--; at < backlog->count; at++)
        backlog->entries[at] = backlog->entries[at + 1];
}

void backlog_remove(struct backlog *backlog, const struct backlog_entry *entry)
{
    int at = 0;
    while (backlog->entries[at] != entry)
        at++;
    remove_at(backlog, at);
    if (backlog->count == 0 && backlog->journal)
        journal_clear(backlog->journal);
}

// Make room: the oldest load, or where there is none the oldest receipt. Fewer can be under way
// than are kept, so there is one.
static void drop_one(struct backlog *backlog)
{
    int load = -1, receipt = 0;
    for (int i = backlog->count - 1; i >= 0; i--)
        if (!backlog->entries[i]->is_under_way)
            *(backlog->entries[i]->is_receipt ? &receipt : &load) = i;
    remove_at(backlog, load >= 0 ? load : receipt);
}

bool backlog_add(struct backlog *backlog, bool is_receipt, char *text)
{
    bool has_room = backlog->count < BACKLOG_MOST;
    if (!has_room)
        drop_one(backlog);
    struct backlog_entry *entry = memory_new(1, sizeof *entry);
    *entry = (struct backlog_entry){.is_receipt = is_receipt, .text = text};
    backlog->entries[backlog->count++] = entry;
    return has_room;
}

// ---- the file

static void write_all(struct backlog *backlog, struct mono now)
{
    struct journal_record records[BACKLOG_MOST];
    const struct backlog_settings *settings = &backlog->settings;
    for (int i = 0; i < backlog->count; i++) {
        const struct backlog_entry *entry = backlog->entries[i];
        records[i] = (struct journal_record){
            entry->is_receipt ? settings->receipt_topic : settings->load_topic, entry->text};
    }
    char why[JOURNAL_REASON];
    enum err err = journal_write(backlog->journal, records, backlog->count, backlog->kept, why);
    if (err && !backlog->has_failed)
        log_error("receipts.not_kept", F("why", why));
    else if (!err && backlog->has_failed)
        log_info("receipts.kept_again");
    backlog->has_failed = err != ERR_NONE;
    backlog->failed = now;
    if (!err)
        backlog->kept = backlog->count;
}

static void refill(struct backlog *backlog, struct mono now)
{
    int64_t more = (now.ns - backlog->refilled.ns) / REFILL_NS;
    if (more <= 0)
        return;
    backlog->writes =
        more < BACKLOG_WRITES - backlog->writes ? backlog->writes + (int)more : BACKLOG_WRITES;
    backlog->refilled.ns += more * REFILL_NS;
}

int64_t backlog_keep(struct backlog *backlog, struct mono now)
{
    if (!backlog->journal || backlog->kept == backlog->count)
        return INT64_MAX;
    refill(backlog, now);
    int64_t wait = backlog->writes > 0 ? 0 : backlog->refilled.ns + REFILL_NS - now.ns;
    if (backlog->has_failed && wait < backlog->failed.ns + AGAIN_NS - now.ns)
        wait = backlog->failed.ns + AGAIN_NS - now.ns;
    if (wait > 0)
        return wait;
    backlog->writes--;
    write_all(backlog, now);
    return backlog->has_failed ? AGAIN_NS : INT64_MAX;
}

static void take_record(void *arg, const struct journal_record *record)
{
    struct backlog *backlog = arg;
    bool is_receipt = !strcmp(record->topic, backlog->settings.receipt_topic);
    if (is_receipt || !strcmp(record->topic, backlog->settings.load_topic))
        backlog_add(backlog, is_receipt, memory_text(record->text));
    else
        backlog->foreign++;
}

static void read_file(struct backlog *backlog)
{
    char why[JOURNAL_REASON];
    int damaged = 0;
    if (journal_read(backlog->journal, take_record, backlog, &damaged, why)) {
        log_error("receipts.unreadable", F("why", why));
        return;
    }
    backlog->kept = backlog->count;
    if (backlog->count)
        log_info("receipts.left", F("count", backlog->count));
    if (damaged || backlog->foreign)
        log_warn("receipts.left_out", F("damaged", damaged), F("of_others", backlog->foreign));
}

struct backlog *backlog_new(const struct backlog_settings *settings)
{
    struct backlog *backlog = memory_new(1, sizeof *backlog);
    *backlog = (struct backlog){.settings = *settings, .writes = BACKLOG_WRITES};
    if (!settings->path)
        return backlog;
    backlog->journal = journal_new(settings->path);
    read_file(backlog);
    return backlog;
}

void backlog_free(struct backlog *backlog)
{
    if (!backlog)
        return;
    if (backlog->journal && backlog->kept < backlog->count)
        write_all(backlog, (struct mono){0});
    journal_free(backlog->journal);
    while (backlog->count > 0)
        remove_at(backlog, backlog->count - 1);
    free(backlog);
}
