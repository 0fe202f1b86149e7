// SPDX-License-Identifier: Apache-2.0
// socmod-p3 --push: one long message to one meter, without a database. What the meter is stands
// in a settings file of its own; how it went goes to standard output as one JSON object.

#ifndef P3_PUSH_H
#define P3_PUSH_H

// settings_path: the meter's file. text_path: the message, every octet of it. Returns the exit
// status: 0 only when the text was read back equal, 1 when not, 78 for wrong settings.
int push(const char *settings_path, const char *text_path);

// A complete settings file of a meter to standard output.
void push_print_sample(void);

#endif
