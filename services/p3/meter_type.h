// SPDX-License-Identifier: Apache-2.0
// What differs between the meters of one operator and another: every value that a session with a
// meter depends on, with the standard's as default.
// Source: DSMR P3 4.2.2 (14-03-2014), section 2.1, 3 and table 3-1; SMR 5 as head-ends speak it.

#ifndef P3_METER_TYPE_H
#define P3_METER_TYPE_H

#include <stdbool.h>
#include <stdint.h>

// Which counter the proof of HLS pass 3 uses up; never that of the frame around it.
enum meter_token_rule {
    METER_TOKEN_NEXT,  // the next one: a meter that remembers the highest it saw (SMR 5)
    METER_TOKEN_RANGE, // the first of the reserved range, before any frame, so that frames stay
                       // consecutive: a meter that wants each exactly one higher (DSMR 4.2)
};

enum {
    METER_PDU_MIN = 64,   // smallest that a session works with
    METER_PDU_MAX = 2048, // largest that it receives
};

struct meter_type {
    uint16_t client_sap, public_sap, server_sap; // wrapper ports
    enum meter_token_rule token_rule;
    int challenge_len; // octets, 8 to 64; some meters take no more than 16
    int receive_pdu;   // longest APDU that we say we take, METER_PDU_MIN to METER_PDU_MAX
    int send_pdu;      // longest that we send, whatever the meter says; 0: as it says
    bool reads_back;
    bool releases;         // say goodbye, and wait for the answer
    bool protects_release; // with the protected InitiateRequest in it
    bool resynchronises;   // reads a stale counter through the public client
    uint32_t counter_jump; // how far above ours a counter so read may be and be believed
    int64_t connect_ms, answer_ms, release_ms; // waits, machine time
    int64_t pause_ms; // between two associations: meters are slow to free one
};

// What stands in the standard, or follows from it.
extern const struct meter_type meter_type_smr5, meter_type_dsmr42;

// By the name that grid.meter has: "smr5", "dsmr42". NULL: there is none. Constant.
const struct meter_type *meter_type_find(const char *name);

#endif
