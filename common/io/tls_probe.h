// SPDX-License-Identifier: Apache-2.0
// Why does a peer not let us in, or we not trust it? The libraries that keep our connections say
// little more than that it failed, for with TLS 1.3 a server judges our certificate after our
// handshake is done. So this shakes hands once more, by itself, and says what it sees.

#ifndef IO_TLS_PROBE_H
#define IO_TLS_PROBE_H

#include <stdbool.h>

enum { TLS_PROBE_WHY = 200, TLS_PROBE_MS = 3000 };

struct tls_probe {
    const char *host, *port;
    const char *ca_file, *certificate_file, *key_file; // PEM; NULL or "" for none
    bool is_postgres;                                  // TLS begins after its request for it
    bool trusts_any;                                   // we do not look at its certificate
};

// Shake hands, wait for an alert, at most about TLS_PROBE_MS, and hang up. True where TLS is what
// is wrong, and why is a sentence that begins with who refuses: "we refuse its certificate:
// certificate has expired", "it refuses: our certificate is revoked". False: the peer is not there,
// or nothing is wrong. Blocks.
bool tls_probe_refused(const struct tls_probe *probe, char why[static TLS_PROBE_WHY]);

#endif
