// SPDX-License-Identifier: Apache-2.0
// One session with one meter: associate, prove both ways (HLS 5), write the long message, read
// it back, release. A state machine without clock, descriptor or allocation: events go in; what
// it wants next, the octets to send and at last the result come out.
//
//   session_begin()     -> wants counters -> session_supply()
//                       -> wants a connection -> session_connected()
//                       -> wants an answer -> session_received() ... -> wants nothing
//
// After every event: send what session_output() has, then do what is wanted, and no longer than
// wait_ms (machine time), else session_timeout(). When it wants a pause, counters or nothing, the
// connection must be closed. A connection that fails or ends is told by session_closed().
//
// Where the first protected frame is turned away as a meter does when it has seen a higher
// counter, the session reads that counter through the public client, once, and begins anew with
// counters above it. What the public client says is not authentic: a lower value is no
// excuse for going down, and a much higher one is not believed.
//
// Source: DSMR P3 4.2.2 (14-03-2014) sections 2.1, 3.2, 5.11; Green Book 8.1; as captured.

#ifndef P3_SESSION_H
#define P3_SESSION_H

#include "base/digest.h"
#include "services/p3/meter_type.h"
#include "wire/acse.h"
#include "wire/cipher.h"
#include "wire/dlms_wrapper.h"
#include "wire/xdlms.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SESSION_TEXT_MAX = 1024,
    SESSION_SENT_MAX = 1088,    // octets of the longest frame sent, wrapper included
    SESSION_COUNTERS_MAX = 128, // used up by no session with PDUs of METER_PDU_MIN and more
    SESSION_NO_RESULT = -1,
};

// What to bring where. All pointers are borrowed until the session wants nothing.
struct session_job {
    const struct meter_type *type;
    struct cipher *cipher; // any number of sessions of one thread share one
    struct cipher_keys keys;
    uint8_t client_title[CIPHER_TITLE_LEN];
    uint8_t meter_title[CIPHER_TITLE_LEN];
    bool knows_meter_title;      // else whatever the meter says is taken, once proven
    int64_t least_meter_counter; // frames of the meter below are old ones; 0: take any
    const char *text;
    size_t text_len;
};

// Counters that nobody has used and nobody else will use: next, and the count - 1 above it.
struct counter_range {
    uint32_t next, count;
};

enum session_want {
    SESSION_WANTS_COUNTERS,   // at least least_counter; SESSION_COUNTERS_MAX are enough
    SESSION_WANTS_CONNECTION, // a new one
    SESSION_WANTS_ANSWER,
    SESSION_WANTS_PAUSE,   // of wait_ms, without a connection, then session_timeout()
    SESSION_WANTS_NOTHING, // result is there, keys are wiped
};

enum session_status {
    SESSION_VERIFIED, // read back, and equal
    SESSION_WRITTEN,  // the meter said that it took it; cause: why not read back, "" if not wanted
    SESSION_RETRY,    // not this time
    SESSION_REFUSED,  // never, as things are
};

// Causes, as rows and logs say them:
//   too-long not-printable                   never sent
//   no-route timeout closed                  the connection; timeout and closed may come after
//                                            the meter took the text, and writing it again does
//                                            no harm
//   rejected auth-failed title-differs       the association
//   stale-counter counter-implausible        a higher counter is needed, see least_counter
//   counters-used-up                         of those supplied
//   no-counters stopped overtaken ...        the caller's, by session_abandon(), session_recall()
//   bad-answer not-authentic exception       not as agreed; not-authentic also says "replayed"
//   not-supported pdu-too-small              the meter takes no such request
//   digest-differs                           written, but the meter holds something else
//   temporary-failure read-write-denied ...  a data access result, by its name in the standard
struct session_result {
    enum session_status status;
    const char *cause; // constant; "" when it went well
    int access;        // data access result of the SET; SESSION_NO_RESULT
    int diagnostic;    // of an association that was rejected; SESSION_NO_RESULT
    bool has_digest;
    struct digest digest; // of what the meter holds
    bool resynchronised;
    int blocks_written, blocks_read; // 0: in one piece, or not at all
    int round_trips;                 // connecting counts as one
    size_t octets_sent, octets_received;
    const char *release;     // how the meter took the goodbye, see below; "": none was said
    uint32_t next_counter;   // the lowest supplied and not used
    int64_t meter_counter;   // the highest seen; SESSION_NO_RESULT
    uint32_t public_counter; // what the public client said, if resynchronised
    bool learnt_title;       // meter_title is proven
    uint8_t meter_title[CIPHER_TITLE_LEN];
};

// A release changes nothing of the status: the meter has the text by then, and meters answer it
// with much. It is looked at all the same:
//   confirmed                    an RLRE; protected, where the RLRQ was
//   unprotected                  one without protection, though the RLRQ had it
//   not-authentic                protected, but not by this meter or not now
//   malformed exception          something else
//   closed timeout               nothing

// Only want, wait_ms, least_counter and result are for the caller to read.
struct session {
    enum session_want want;
    int64_t wait_ms;        // for a connection, an answer or a pause; machine time
    uint32_t least_counter; // SESSION_WANTS_COUNTERS; 0: any
    struct session_result result;

    struct session_job job;
    int step;
    bool suspects_counter; // the way of the public client is being gone
    const char *suspicion; // the cause that led there
    const char *recalled;  // cause to end with before the last of the text is sent; NULL
    struct counter_range counters;
    uint32_t first_counter, token_counter;
    uint32_t conformance;
    size_t max_pdu; // that we may send now
    uint8_t challenge[ACSE_CHALLENGE_MAX];
    uint8_t meter_challenge[ACSE_CHALLENGE_MAX];
    size_t meter_challenge_len;
    size_t value_sent; // octets of the A-XDR value
    uint32_t block;
    uint8_t held[SESSION_TEXT_MAX + 4]; // the A-XDR value of what the meter holds
    size_t held_len;
    uint8_t in[DLMS_WRAPPER_LEN + METER_PDU_MAX];
    size_t in_len;
    uint8_t out[SESSION_SENT_MAX];
    size_t out_len;
};

// Begin. A text that no meter takes (more than SESSION_TEXT_MAX octets, or anything but printable
// ASCII) ends it at once.
void session_begin(struct session *session, const struct session_job *job);

// Counters for it, and type->challenge_len octets that nobody can foresee, new each time.
void session_supply(struct session *session, const struct counter_range *counters,
                    const uint8_t *challenge);
void session_connected(struct session *session);
void session_received(struct session *session, const void *octets, size_t len);
void session_closed(struct session *session);
void session_timeout(struct session *session);

// What the last event gives to send: borrowed until the next event. NULL when nothing.
const uint8_t *session_output(const struct session *session, size_t *len);

// Give it up in good order: unless all of the text has been sent, it ends as a retry with that
// cause (a constant) as soon as it is its turn to speak, with a goodbye. Perhaps at once. Nothing
// changes when all has been sent.
void session_recall(struct session *session, const char *cause);

// Give it up, with whatever it wanted; safe at any time, and wipes the keys.
void session_abandon(struct session *session, const char *cause);

#endif
