// SPDX-License-Identifier: Apache-2.0
// What the gateway must know again after a power cut: the profiles that hold and wait, as
// their texts, the limit that held last, and the number of the newest seal.
//
// The file is replaced as a whole (written beside, fsync, rename, fsync of the folder) and only
// when its content changes. It begins with its own digest, so that a damaged one is noticed;
// then, as without one, the gateway starts with the safe limit.

#ifndef GATEWAY_STATE_H
#define GATEWAY_STATE_H

#include "base/err.h"
#include "gateway/seal_gate.h"
#include "io/durable_file.h"
#include "wire/long_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_MAX = 8192, STATE_REASON = DURABLE_FILE_REASON, STATE_DIGEST = 64 };

struct state_profile {
    bool is_set;
    int64_t accepted; // UTC seconds
    size_t len;
    char text[LONG_MESSAGE_MAX]; // printable ASCII, as it stood on P1
};

struct state {
    bool has_limit;
    int32_t limit_w; // that held last
    struct state_profile current, next;
    char done[STATE_DIGEST + 1]; // digest of the text that ended last; "": none
    struct seal_gate_last seal;  // of the newest sealed message
};

// The content of the file. Owned: free().
char *state_encode(const struct state *state);

//   ERR_CHECKSUM  damaged, or not ours     ERR_SYNTAX, ERR_RANGE  ours, but makes no sense
// Untouched on error.
MUST_CHECK enum err state_decode(const char *content, size_t len, struct state *state);

struct state_file;

// Nothing is read yet. Owned: state_file_free().
struct state_file *state_file_new(const char *path);
void state_file_free(struct state_file *file);

// ERR_IO: there is none or it cannot be read; else as state_decode(). Either way the program
// goes on without; why says it for the log.
MUST_CHECK enum err state_file_load(struct state_file *file, struct state *state,
                                    char why[static STATE_REASON]);

// Write what is not yet written. ERR_IO: it does not stand there, why says it; call again.
MUST_CHECK enum err state_file_save(struct state_file *file, const struct state *state,
                                    char why[static STATE_REASON]);

#endif
