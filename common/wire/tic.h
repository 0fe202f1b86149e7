// SPDX-License-Identifier: Apache-2.0
// The customer's port of a French Linky meter (TIC) in standard mode: octets -> frames -> values.
//
//   STX { LF label HT [time HT] data HT checksum CR } ETX      9600 baud, 7E1
//
// Each group has its own checksum of six bits, so a group that is damaged spoils nothing but
// itself, and what a frame says is worth believing only when several say the same. The messages
// hold 32 and 16 characters: a code, never a profile.
// Source: Enedis-NOI-CPT_54E, 5 (standard mode) and 6.2 (the groups).

#ifndef WIRE_TIC_H
#define WIRE_TIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TIC_FRAME_MAX = 2048, // octets between STX and ETX; a full one of three phases has about 1100
    TIC_TEXT_MAX = 32,
    TIC_PHASES = 3,
};

enum tic_status {
    TIC_ABSENT = 0,
    TIC_BAD, // given twice, too long, or not what it should be
    TIC_VALUE,
};

struct tic_text {
    enum tic_status status;
    char text[TIC_TEXT_MAX + 1]; // printable ASCII, blanks at both ends taken off
};

struct tic_number {
    enum tic_status status;
    int64_t value;
};

struct tic_time {
    enum tic_status status; // bad also when the meter calls its clock degraded
    int64_t utc;
};

struct tic {
    int groups, damaged;                  // of the frame; of these with another checksum or form
    struct tic_text address, version;     // ADSC, VTIC
    struct tic_time time;                 // DATE
    struct tic_number energy_drawn_wh;    // EAST
    struct tic_number energy_injected_wh; // EAIT
    struct tic_number apparent_va;        // SINSTS
    struct tic_number apparent_phase_va[TIC_PHASES]; // SINSTS1 to 3
    struct tic_number current_a[TIC_PHASES];         // IRMS1 to 3
    struct tic_number voltage_v[TIC_PHASES];         // URMS1 to 3
    struct tic_number reference_kva, cut_kva;        // PREF, PCOUP
    struct tic_number relays;                        // RELAIS: 8 bits, the lowest is the real relay
    struct tic_text message, short_message;          // MSG1, MSG2
};

// The checksum of a group: from its label to the HT before the checksum, both included.
char tic_checksum(const char *group, size_t len);

// Read what stands between STX and ETX. All input is allowed.
void tic_read(const char *frame, size_t len, struct tic *tic);

struct tic_counts {
    uint64_t frames;
    uint64_t cut, overlong; // given up: another STX came, or too much without ETX
    uint64_t octets;        // pushed in all
};

// Finds the frames in a stream. Owned: tic_reader_free().
struct tic_reader *tic_reader_new(void);
void tic_reader_free(struct tic_reader *reader);

// Take octets, whose top bit (parity) does not count. True: a frame is complete, and *used of
// len octets were taken; push the rest after looking at it. False: all were taken.
bool tic_reader_push(struct tic_reader *reader, const void *data, size_t len, size_t *used);

// The stream was interrupted: drop what was begun.
void tic_reader_end(struct tic_reader *reader);

// The frame just completed, without STX and ETX. Borrowed: valid until the next push.
const char *tic_reader_frame(const struct tic_reader *reader, size_t *len);
const struct tic_counts *tic_reader_counts(const struct tic_reader *reader);

#endif
