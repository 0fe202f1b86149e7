// SPDX-License-Identifier: Apache-2.0
// Numbers in Modbus registers: 16 bits each, octets of one always high first, and of those
// that need several registers the high word first or the low one. Pure.
//
// Floats are IEEE 754 and packed here: the setters of libmodbus 3.1.6 are wrong (25.0 becomes
// C841 0000 instead of 41C8 0000).

#ifndef GATEWAY_REGISTERS_H
#define GATEWAY_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

enum registers_type {
    REGISTERS_U16,
    REGISTERS_I16,
    REGISTERS_U32,
    REGISTERS_I32,
    REGISTERS_F32,
    REGISTERS_U64,
    REGISTERS_F64,
};
enum { REGISTERS_MAX = 4 }; // that a number takes

// The names of the types in files: "u16", "i16" ..., in the order of the enum, NULL at the end.
extern const char *const registers_type_names[];
#define REGISTERS_TYPE_WORDS "u16 i16 u32 i32 f32 u64 f64"

int registers_count(enum registers_type type);

// The least and the most that the type holds, as far as an int64_t goes; a float every whole
// number that it tells apart.
int64_t registers_least(enum registers_type type);
int64_t registers_most(enum registers_type type);

// What the number stands for: value is in multiples of step_micro millionths of the unit. A
// whole type holds value itself; a float holds the value in the unit.
void registers_pack(enum registers_type type, bool low_word_first, int64_t value,
                    int64_t step_micro, uint16_t words[static REGISTERS_MAX]);

// A number of a float type as it is, also one that is no number.
void registers_pack_real(enum registers_type type, bool low_word_first, double real,
                         uint16_t words[static REGISTERS_MAX]);

// The reverse of the first; a float that is no number or beyond all bounds is INT64_MIN.
int64_t registers_unpack(enum registers_type type, bool low_word_first, int64_t step_micro,
                         const uint16_t words[static REGISTERS_MAX]);

#endif
