// SPDX-License-Identifier: Apache-2.0
// A TCP port that listens, for what is served from the loop.

#ifndef GATEWAY_LISTENER_H
#define GATEWAY_LISTENER_H

// Listen on a numeric address, IPv4 or IPv6; port 0: any free one. Non-blocking. -1: see errno,
// EINVAL for an address that is none.
int listener_open(const char *address, int port, int backlog);

// Who comes, non-blocking and without delay; -1: nobody.
int listener_accept(int listener);

// The port it listens on.
int listener_port(int listener);

#endif
