// SPDX-License-Identifier: Apache-2.0
// Problem documents (RFC 9457): what is said where a request was not done. Used by http.c and by
// what answers where no request came about.

#ifndef IO_HTTP_PROBLEM_H
#define IO_HTTP_PROBLEM_H

#define HTTP_PROBLEM_TYPE "application/problem+json"

// The document, owned: type becomes "urn:socmod:problem:<kind>", the title follows from status;
// detail is for a person and may be NULL; one that is not UTF-8 is left out.
char *http_problem_text(int status, const char *kind, const char *detail);

#endif
