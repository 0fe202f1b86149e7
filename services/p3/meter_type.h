// SPDX-License-Identifier: Apache-2.0
// What differs between the meters of one operator and another: every value that a session with a
// meter depends on, with the standard's as default.
// Source: DSMR P3 4.2.2 (14-03-2014), section 2.1, 3 and table 3-1; SMR 5 as head-ends speak it.

#ifndef P3_METER_TYPE_H
#define P3_METER_TYPE_H

#include "wire/acse.h"

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

// All types, as an operator has set them.
struct meter_types {
    struct meter_type smr5, dsmr42;
};

// By the name that grid.meter has: "smr5", "dsmr42". NULL: there is none. Borrowed from types.
const struct meter_type *meter_types_find(const struct meter_types *types, const char *name);

// Settings of a type, as a file has them.
struct meter_settings {
    int64_t client_sap, public_sap, server_sap;
    char *token; // next, range, or kind: that of the type
    int64_t challenge, receive_pdu, send_pdu;
    bool read_back, release, protect_release, resynchronise;
    int64_t counter_jump, connect_ms, answer_ms, release_ms, pause_ms;
};
struct meter_type meter_settings_type(const struct meter_settings *settings,
                                      const struct meter_type *standard);

#define METER_SAP_SETTINGS(section, s, prefix)                                                     \
    {section,                                                                                      \
     prefix "sap",                                                                                 \
     .integer = &(s).client_sap,                                                                   \
     .otherwise = "1",                                                                             \
     .least = 1,                                                                                   \
     .most = 65535,                                                                                \
     .help = "wrapper port of the management client"},                                             \
        {section,                                                                                  \
         "public_sap",                                                                             \
         .integer = &(s).public_sap,                                                               \
         .otherwise = "16",                                                                        \
         .least = 1,                                                                               \
         .most = 65535,                                                                            \
         .help = "wrapper port of the public client"},                                             \
    {                                                                                              \
        section, "server_sap", .integer = &(s).server_sap, .otherwise = "1", .least = 1,           \
                               .most = 65535,                                                      \
                               .help = "wrapper port of the meter's management logical device"     \
    }

#define METER_SESSION_SETTINGS(section, s)                                                         \
    {section,                                                                                      \
     "token",                                                                                      \
     .text = &(s).token,                                                                           \
     .otherwise = "kind",                                                                          \
     .words = "kind next range",                                                                   \
     .help = "counter of the HLS proof: next, range, or as the kind of meter wants it"},           \
        {section,                                                                                  \
         "challenge",                                                                              \
         .integer = &(s).challenge,                                                                \
         .otherwise = "16",                                                                        \
         .least = ACSE_CHALLENGE_MIN,                                                              \
         .most = ACSE_CHALLENGE_MAX,                                                               \
         .help = "its length, octets"},                                                            \
        {section,                                                                                  \
         "receive_pdu",                                                                            \
         .integer = &(s).receive_pdu,                                                              \
         .otherwise = "1224",                                                                      \
         .least = METER_PDU_MIN,                                                                   \
         .most = METER_PDU_MAX,                                                                    \
         .help = "longest APDU that we take, octets"},                                             \
        {section,                                                                                  \
         "send_pdu",                                                                               \
         .integer = &(s).send_pdu,                                                                 \
         .otherwise = "0",                                                                         \
         .least = 0,                                                                               \
         .most = UINT16_MAX,                                                                       \
         .help = "longest APDU that we send, octets; 0: as the meter says"},                       \
        {section, "read_back", .flag = &(s).read_back, .otherwise = "yes",                         \
         .help = "read the text back and compare: without it nothing is verified"},                \
        {section, "release", .flag = &(s).release, .otherwise = "yes",                             \
         .help = "release the association and wait for the answer"},                               \
        {section, "protect_release", .flag = &(s).protect_release, .otherwise = "yes",             \
         .help = "with the protected InitiateRequest in it, as DSMR wants it"},                    \
        {section, "resynchronise", .flag = &(s).resynchronise, .otherwise = "yes",                 \
         .help = "read a counter that is too low through the public client"},                      \
        {section,                                                                                  \
         "counter_jump",                                                                           \
         .integer = &(s).counter_jump,                                                             \
         .otherwise = "1000000",                                                                   \
         .least = 0,                                                                               \
         .most = UINT32_MAX,                                                                       \
         .help = "how far above ours it may be and be believed"},                                  \
        {section,    "connect_ms",    .integer = &(s).connect_ms,         .otherwise = "30000",    \
         .least = 1, .most = 3600000, .help = "wait for a connection, ms"},                        \
        {section,    "answer_ms",     .integer = &(s).answer_ms,       .otherwise = "30000",       \
         .least = 1, .most = 3600000, .help = "wait for an answer, ms"},                           \
        {section,                                                                                  \
         "release_ms",                                                                             \
         .integer = &(s).release_ms,                                                               \
         .otherwise = "5000",                                                                      \
         .least = 1,                                                                               \
         .most = 3600000,                                                                          \
         .help = "wait for the answer to the release, ms"},                                        \
    {                                                                                              \
        section, "pause_ms", .integer = &(s).pause_ms, .otherwise = "20000", .least = 1,           \
                             .most = 3600000, .help = "pause between two associations, ms"         \
    }

#endif
