// SPDX-License-Identifier: Apache-2.0
// A strict DLMS server: what a smart meter does on its P3 port, without socket and clock, and what
// it does wrong by order. It was written from the standard and shares with the client only the
// primitive codec.
//
//   public client 16       reads the counter, nothing else
//   management client 1    HLS 5, GET, SET, both in blocks; everything protected (policy 3)
//   any other              silence
//
// Counters of the client's frames: SMR 5 takes only what is higher than it ever saw; DSMR 4.2
// takes any first one and then exactly the next, else it closes without a word. The proof of
// pass 3 has a counter of its own, which must not be that of the frame around it.
// Source: DSMR P3 4.2.2 (14-03-2014) sections 2.1, 3.2, 5.11; Green Book 8.1.

#ifndef PEER_DLMS_SERVER_H
#define PEER_DLMS_SERVER_H

#include "base/err.h"
#include "wire/acse.h"
#include "wire/cipher.h"
#include "wire/dlms_wrapper.h"
#include "wire/xdlms.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DLMS_TEXT_MAX = 1024,
    DLMS_APDU_MAX = 2048, // sent or taken
    DLMS_SERVER_SAP = 1,
    DLMS_MANAGEMENT_SAP = 1,
    DLMS_PUBLIC_SAP = 16,
};

enum dlms_rule { DLMS_HIGHER, DLMS_EXACTLY_NEXT }; // SMR 5, DSMR 4.2

// How a stale counter is answered.
enum dlms_stale { DLMS_STALE_CLOSE, DLMS_STALE_REJECT, DLMS_STALE_EXCEPTION };

// What it may do wrong; each as often as its count says, DLMS_EVER without end.
enum dlms_fault {
    DLMS_HANG_UP,            // close as soon as somebody has called
    DLMS_DEAD,               // take calls and never say anything
    DLMS_FLOOD,              // answer with octets without end
    DLMS_DROP_AARQ,          // close instead of the AARE
    DLMS_REJECT,             // reject for now
    DLMS_SILENT_AARQ,        // no AARE
    DLMS_OTHER_TITLE,        // another system title than ever
    DLMS_MIRROR_TITLE,       // the client's own title
    DLMS_SHORT_CHALLENGE,    // of 4 octets
    DLMS_DROP_PROOF,         // close instead of pass 4
    DLMS_WRONG_PROOF,        // pass 4 that proves nothing
    DLMS_REFUSE_PROOF,       // pass 3 not believed
    DLMS_SHARED_COUNTER,     // pass 4 with the counter of its frame, as one library does
    DLMS_TOKEN_BOTH,         // pass 4 with SC 30, as some do
    DLMS_DROP_SET,           // close before a SET is carried out
    DLMS_DROP_SET_ANSWER,    // carried out, but no answer: close
    DLMS_SILENT_SET,         // carried out, but no answer
    DLMS_REFUSE_SET,         // with set_result
    DLMS_WRONG_BLOCK,        // confirms another block
    DLMS_DROP_GET,           // close instead of what it holds
    DLMS_REFUSE_GET,         // read-write-denied
    DLMS_LOST_BLOCK,         // a block number is left out
    DLMS_PLAIN,              // answers GET and SET without protection
    DLMS_AUTHENTICATED_ONLY, // or with half of it
    DLMS_REPEATED_COUNTER,   // its own counter does not rise
    DLMS_GARBLED,            // an octet changed on the way
    DLMS_OTHER_INVOKE,       // answers another request
    DLMS_OTHER_PORT,         // from another port
    DLMS_NOISE,              // no frame at all
    DLMS_HALF,               // half an answer
    DLMS_TWICE,              // each answer two times
    DLMS_LONG,               // says that more comes than can
    DLMS_EXCEPTION_SET,      // a plain exception to a SET
    DLMS_SILENT_RELEASE,
    DLMS_DROP_RELEASE,
    DLMS_EXCEPTION_RELEASE,
    DLMS_MALFORMED_RELEASE,
    DLMS_PUBLIC_HIGH, // tells the public client a counter near the end
    DLMS_PUBLIC_LOW,  // tells it 0
    DLMS_PUBLIC_DROP, // closes on it
    DLMS_FAULTS,
};
enum { DLMS_EVER = -1 };
struct dlms_server;

// Does a fault strike this time?
bool dlms_strikes(struct dlms_server *server, enum dlms_fault fault);

// "drop-aarq", as an order says it; DLMS_FAULTS where there is none of that name.
const char *dlms_fault_name(enum dlms_fault fault);
enum dlms_fault dlms_fault_of(const char *name);

// A meter; all of it is the caller's to set, but not while a link is open.
struct dlms_server {
    struct cipher *cipher;
    struct cipher_keys keys;
    uint8_t title[CIPHER_TITLE_LEN];
    enum dlms_rule rule;
    enum dlms_stale stale;
    uint16_t max_pdu;     // that it takes; 0: no limit
    uint8_t set_result;   // of DLMS_REFUSE_SET
    uint32_t conformance; // that it grants
    int faults[DLMS_FAULTS];
    int spared; // so often a fault that could strike does not, before it does

    uint32_t seen; // highest counter of the client
    bool has_seen;
    uint32_t counter; // its own next one

    // Where the text is. store may fail.
    enum err (*store)(void *arg, const char *text, size_t len);
    const char *(*hold)(void *arg, size_t *len);
    // Fills a challenge, which may be the same each time in a test.
    void (*random)(void *arg, uint8_t *octets, size_t len);
    // Every counter of the client that was authentic; NULL: nobody wants to know.
    void (*saw)(void *arg, uint32_t counter);
    void *arg;
};

enum dlms_state { DLMS_IDLE, DLMS_PUBLIC, DLMS_PROVING, DLMS_ASSOCIATED };

// One connection. After each call, what is in out is to be sent, and then the connection closed
// where closes says so.
struct dlms_link {
    uint8_t out[2 * (DLMS_WRAPPER_LEN + DLMS_APDU_MAX)];
    size_t out_len;
    bool closes;
    bool floods; // more and more octets after out, which mean nothing

    struct dlms_server *server;
    enum dlms_state state;
    uint16_t client_sap;
    uint8_t client_title[CIPHER_TITLE_LEN];
    uint8_t challenge[ACSE_CHALLENGE_MAX], client_challenge[ACSE_CHALLENGE_MAX];
    size_t challenge_len, client_challenge_len;
    uint32_t last_counter;   // of the frame being answered
    uint32_t before_counter; // the highest before it
    bool had_counter;
    size_t client_pdu;
    uint8_t value[DLMS_TEXT_MAX + 4]; // being written or read in blocks
    size_t value_len, value_sent;
    bool writes, reads;
    uint32_t block;
    uint8_t in[DLMS_WRAPPER_LEN + DLMS_APDU_MAX];
    size_t in_len;
};

void dlms_link_open(struct dlms_link *link, struct dlms_server *server);
void dlms_link_receive(struct dlms_link *link, const void *octets, size_t len);

#endif
