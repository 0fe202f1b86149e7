// SPDX-License-Identifier: Apache-2.0

#include "io/tls_probe.h"
#include "wire/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

static bool wait_until(int fd, short events, int64_t until_ms)
{
    int64_t left = until_ms - now_ms();
    struct pollfd poll_of = {.fd = fd, .events = events};
    return left > 0 && poll(&poll_of, 1, (int)left) == 1;
}

// --- the wire ---

static bool is_connected(int fd, int64_t until_ms)
{
    int fault = 0;
    socklen_t len = sizeof fault;
    return wait_until(fd, POLLOUT, until_ms) && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &len)
           && !fault;
}

// -1: nobody is there.
static int dial(const struct tls_probe *probe, int64_t until_ms)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;
    int fd = -1;
    if (getaddrinfo(probe->host, probe->port, &hints, &all))
        return -1;
    for (struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
        fd = socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        if ((connect(fd, one->ai_addr, one->ai_addrlen) && errno != EINPROGRESS)
            || !is_connected(fd, until_ms)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    return fd;
}

// SSLRequest of PostgreSQL's protocol, answered by 'S'.
static bool ask_postgres(int fd, int64_t until_ms)
{
    static const unsigned char request[] = {0, 0, 0, 8, 4, 210, 22, 47};
    char answer = 0;
    return send(fd, request, sizeof request, MSG_NOSIGNAL) == sizeof request
           && wait_until(fd, POLLIN, until_ms) && recv(fd, &answer, 1, 0) == 1 && answer == 'S';
}

// --- the handshake ---

// As a person says them; what the library calls them is told for the others.
static const char *alert_text(int alert)
{
    switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
        return "our certificate has ended, or its list of revoked ones has";
    case SSL_AD_CERTIFICATE_REVOKED:
        return "our certificate is revoked";
    case SSL_AD_UNKNOWN_CA:
        return "our certificate is of an authority that it does not know";
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
        return "our certificate is not for a client";
    case SSL_AD_BAD_CERTIFICATE:
        return "our certificate is bad";
    case TLS13_AD_CERTIFICATE_REQUIRED:
        return "it wants a certificate, and we have none";
    case SSL_AD_PROTOCOL_VERSION:
        return "it speaks no version of TLS that we do";
    case SSL_AD_HANDSHAKE_FAILURE:
        return "handshake failure: it may want a certificate, or have no cipher in common";
    default:
        return SSL_alert_desc_string_long(alert);
    }
}

struct heard {
    int alert; // -1: none
};

static void on_info(const SSL *ssl, int where, int value)
{
    struct heard *heard = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
        heard->alert = value & 0xff;
}

static bool is_given(const char *file)
{
    return file && *file;
}

// What is wrong with our own files, or NULL.
static const char *load(SSL_CTX *context, const struct tls_probe *probe)
{
    if (is_given(probe->ca_file) ? !SSL_CTX_load_verify_file(context, probe->ca_file)
                                 : !SSL_CTX_set_default_verify_paths(context))
        return "the authority's certificate cannot be read: ca_file";
    if (!is_given(probe->certificate_file))
        return NULL;
    if (SSL_CTX_use_certificate_chain_file(context, probe->certificate_file) != 1)
        return "our certificate cannot be read: certificate_file";
    if (SSL_CTX_use_PrivateKey_file(
            context, is_given(probe->key_file) ? probe->key_file : probe->certificate_file,
            SSL_FILETYPE_PEM)
        != 1)
        return "our key cannot be read, or is not that of our certificate: key_file";
    return NULL;
}

static void expect_name(SSL *ssl, const char *host)
{
    unsigned char octets[16];
    bool is_address =
        inet_pton(AF_INET, host, octets) == 1 || inet_pton(AF_INET6, host, octets) == 1;
    if (is_address) {
        must_work(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
    } else {
        must_work(SSL_set1_host(ssl, host) == 1);
        SSL_set_tlsext_host_name(ssl, host);
    }
}

// Do it until it is done or fails, or time is up; 1: done.
static int go_on(SSL *ssl, int (*step)(SSL *ssl), int64_t until_ms)
{
    for (;;) {
        int done = step(ssl), error = SSL_get_error(ssl, done);
        bool reads = error == SSL_ERROR_WANT_READ;
        if (!reads && error != SSL_ERROR_WANT_WRITE)
            return done;
        if (!wait_until(SSL_get_fd(ssl), reads ? POLLIN : POLLOUT, until_ms))
            return 0;
    }
}

static int read_one(SSL *ssl)
{
    char octet;
    return SSL_read(ssl, &octet, 1);
}

static bool tell(char why[static TLS_PROBE_WHY], const char *who, const char *what)
{
    snprintf(why, TLS_PROBE_WHY, "%s: %s", who, what);
    return true;
}

static bool shake_hands(SSL *ssl, struct heard *heard, int64_t until_ms,
                        char why[static TLS_PROBE_WHY])
{
    bool is_done = go_on(ssl, SSL_connect, until_ms) == 1;
    if (is_done) // what it thinks of our certificate comes now
        go_on(ssl, read_one, until_ms);
    long fault = SSL_get_verify_result(ssl);
    if (!is_done && heard->alert < 0 && fault != X509_V_OK)
        return tell(why, "we refuse its certificate", X509_verify_cert_error_string(fault));
    if (heard->alert >= 0)
        return tell(why, "it refuses", alert_text(heard->alert));
    int reason = ERR_GET_REASON(ERR_peek_error());
    if (!is_done
        && (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_WRONG_VERSION_NUMBER
            || reason == SSL_R_DH_KEY_TOO_SMALL || reason == SSL_R_WRONG_SSL_VERSION))
        return tell(why, "we refuse", ERR_reason_error_string(ERR_peek_error()));
    return false;
}

static bool talk(SSL_CTX *context, const struct tls_probe *probe, int fd, int64_t until_ms,
                 char why[static TLS_PROBE_WHY])
{
    struct heard heard = {-1};
    SSL *ssl = must(SSL_new(context));
    SSL_set_app_data(ssl, &heard);
    expect_name(ssl, probe->host);
    must_work(SSL_set_fd(ssl, fd) == 1);
    bool is_refused = shake_hands(ssl, &heard, until_ms, why);
    SSL_free(ssl);
    return is_refused;
}

bool tls_probe_refused(const struct tls_probe *probe, char why[static TLS_PROBE_WHY])
{
    int64_t until_ms = now_ms() + TLS_PROBE_MS;
    SSL_CTX *context = must(SSL_CTX_new(TLS_client_method()));
    must_work(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    SSL_CTX_set_verify(context, probe->trusts_any ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_info_callback(context, on_info);
    ERR_clear_error();
    const char *ours = load(context, probe);
    ERR_clear_error();
    int fd = ours ? -1 : dial(probe, until_ms);
    bool is_refused = ours && tell(why, "we cannot begin", ours);
    if (fd >= 0 && (!probe->is_postgres || ask_postgres(fd, until_ms)))
        is_refused = talk(context, probe, fd, until_ms, why);
    if (fd >= 0)
        close(fd);
    SSL_CTX_free(context);
    ERR_clear_error();
    return is_refused;
}
