// SPDX-License-Identifier: Apache-2.0
// The head-end's side of a set request: JSON in, decision and JSON out. Pure.
//
// request  {"id","equipment_id","object":"0-0:96.13.0.255","text","not_after"}
// answer   {"id","status":"verified"|"written"|"retry"|"refused","cause","digest"}

#ifndef PEER_HEAD_END_H
#define PEER_HEAD_END_H

#include <stddef.h>
#include <stdint.h>

enum { HEAD_END_ID_LEN = 64, HEAD_END_TEXT_MAX = 1024 };

struct head_end_request {
    char id[HEAD_END_ID_LEN + 1]; // "" where the request had none
    char equipment_id[HEAD_END_ID_LEN + 1];
    char text[HEAD_END_TEXT_MAX + 1]; // of len octets, with a terminator
    size_t len;
    int64_t not_after; // s UTC
};

// Read a request. NULL when it may be carried out, else why it is refused for good:
//   "malformed"         not such an object, or a member is missing or of another kind
//   "object-undefined"  the meter has no such object, or we do not reach it
//   "too-long"          more than 1024 octets of text
//   "line-break"        CR or LF, which would break the telegram
// The id is there as far as it could be read.
const char *head_end_read(const char *payload, size_t len, struct head_end_request *request);

// The answer; cause and digest may be NULL. Owned: free().
char *head_end_answer(const char *id, const char *status, const char *cause, const char *digest);

#endif
