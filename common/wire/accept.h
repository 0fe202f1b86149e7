// SPDX-License-Identifier: Apache-2.0
// What a client of HTTP would rather have: its Accept and Accept-Encoding headers. Source: RFC
// 9110, 12.4.2, 12.5.1 and 12.5.3. Parameters other than q do not tell one type from another here;
// an element that is not of the form counts for nothing.

#ifndef WIRE_ACCEPT_H
#define WIRE_ACCEPT_H

// How much header wants this media type ("text/csv"), from 0, not at all, to 1000. NULL, no header:
// 1000. The most exact of the ranges that name it decides.
int accept_type(const char *header, const char *type);

// Likewise a content coding ("gzip"). NULL: 0, for who says nothing may know none.
int accept_coding(const char *header, const char *coding);

#endif
