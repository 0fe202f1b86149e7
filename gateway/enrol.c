// SPDX-License-Identifier: Apache-2.0

#include "gateway/enrol.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "base/secret.h"
#include "io/durable_file.h"
#include "wire/certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char KEY[] = "mqtt.key", NEW_KEY[] = "mqtt.key.new";
static const char CERTIFICATE[] = "mqtt.pem", REQUEST[] = "mqtt.csr";

struct file {
    char text[CERTIFICATE_PEM];
    size_t len; // 0: there is none
};

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "socmod-gateway: %s: %s\n", what, why);
    return false;
}

const char *enrol_fault(const struct enrol_job *job)
{
    if (!*job->name)
        return "[meter] equipment_id must be given: the certificate is named after it";
    if (!tls_name_is_sound(job->name))
        return "[meter] equipment_id can be no name of a certificate: 1 to 64 letters, digits, . - "
               "_";
    return NULL;
}

// Owned: free().
static char *within(const struct enrol_job *job, const char *name)
{
    return memory_format("%s/%s", job->folder, name);
}

// Not there is fine where it may be missing.
static bool read_file(const char *path, bool may_be_missing, struct file *file)
{
    FILE *in = fopen(path, "re");
    file->len = 0;
    if (!in)
        return (may_be_missing && errno == ENOENT) || complain(path, strerror(errno));
    setvbuf(in, NULL, _IONBF, 0); // no copy of a key stays
    file->len = fread(file->text, 1, sizeof file->text, in);
    bool is_read = !ferror(in) && file->len < sizeof file->text;
    fclose(in);
    return is_read || complain(path, "cannot be read, or is too long");
}

// NULL: there is none that can be read. Owned: tls_key_free().
static struct tls_key *read_key(const struct enrol_job *job, const char *name)
{
    struct tls_key *key = NULL;
    struct file *file = secret_new(sizeof *file);
    char *path = within(job, name);
    if (read_file(path, true, file) && file->len
        && tls_key_parse(file->text, file->len, NULL, &key))
        complain(path, "is no private key that we use");
    free(path);
    secret_free(file, sizeof *file);
    return key;
}

static bool write_file(const struct enrol_job *job, const char *name, const char *text, mode_t mode)
{
    char why[DURABLE_FILE_REASON];
    char *path = within(job, name);
    bool is_written = !durable_file_write(path, text, strlen(text), why) || complain(path, why);
    if (is_written && chmod(path, mode))
        is_written = complain(path, strerror(errno));
    free(path);
    return is_written;
}

// --- asking ---

// Is there one in force that is good for long enough?
static bool is_served(const struct enrol_job *job, FILE *out)
{
    struct certificate facts;
    struct file *file = memory_new(1, sizeof *file);
    struct tls_key *key = read_key(job, KEY);
    char *path = within(job, CERTIFICATE);
    bool is_served =
        key && read_file(path, true, file) && !certificate_read(file->text, file->len, &facts)
        && certificate_is_of(file->text, file->len, key) && !strcmp(facts.name, job->name)
        && facts.to - clock_utc().ns / SECONDS_NS > job->within_s;
    if (is_served) {
        char to[RFC3339_LEN + 1];
        rfc3339_format(facts.to, to);
        fprintf(out, "not due: %s serial %s to %s\n", facts.name, facts.serial, to);
    }
    free(path);
    free(file);
    tls_key_free(key);
    return is_served;
}

static bool make_key(const struct enrol_job *job, struct tls_key **key)
{
    struct tls_key *made = tls_key_make();
    char *pem = tls_key_format(made, NULL);
    bool is_written = write_file(job, NEW_KEY, pem, 0600);
    memory_wipe(pem, strlen(pem));
    free(pem);
    if (is_written)
        *key = made;
    else
        tls_key_free(made);
    return is_written;
}

static bool ask(const struct enrol_job *job, FILE *out)
{
    char fingerprint[TLS_KEY_FINGERPRINT + 1];
    struct tls_key *key = read_key(job, NEW_KEY);
    if (!key && !make_key(job, &key))
        return false;
    char *pem = tls_request_write(key, job->name);
    tls_key_fingerprint(key, fingerprint);
    tls_key_free(key);
    bool is_written = write_file(job, REQUEST, pem, 0644);
    free(pem);
    if (!is_written)
        return false;
    fprintf(out, "request %s/%s name %s key %s\n", job->folder, REQUEST, job->name, fingerprint);
    log_info("certificate.requested", F("name", job->name), F("key", fingerprint));
    return true;
}

// --- taking in ---

// Why this is not to be our certificate, or NULL; times are told in room.
static const char *judge(const struct enrol_job *job, const struct file *file,
                         const struct certificate *facts, const struct file *authorities,
                         char room[static 128])
{
    int64_t now = clock_utc().ns / SECONDS_NS;
    char from[RFC3339_LEN + 1], to[RFC3339_LEN + 1], shown[RFC3339_LEN + 1];
    if (facts->is_authority)
        return "it is an authority's own";
    if (strcmp(facts->name, job->name) != 0)
        return "it is not named after our meter";
    if (*job->authorities
        && !certificate_is_signed_by(file->text, file->len, authorities->text, authorities->len))
        return "it is not signed by the authority of [mqtt] ca_file";
    if (now >= facts->from && now <= facts->to)
        return NULL;
    rfc3339_format(facts->from, from);
    rfc3339_format(facts->to, to);
    rfc3339_format(now, shown);
    snprintf(room, 128, "it is good from %s to %s, and here it is %s", from, to, shown);
    return room;
}

// The key that it certifies: the new one, or, where this was done before, the one in force.
static const char *find_key(const struct enrol_job *job, const struct file *file)
{
    static const char *const names[] = {NEW_KEY, KEY};
    const char *found = NULL;
    for (int i = 0; i < 2 && !found; i++) {
        struct tls_key *key = read_key(job, names[i]);
        if (key && certificate_is_of(file->text, file->len, key))
            found = names[i];
        tls_key_free(key);
    }
    return found;
}

// After a power cut in between, the same once more.
static bool put_in_force(const struct enrol_job *job, const struct file *file, const char *key_name)
{
    char *text = memory_text_n(file->text, file->len);
    char *from = within(job, key_name), *to = within(job, KEY), *request = within(job, REQUEST);
    bool is_done = write_file(job, CERTIFICATE, text, 0644);
    if (is_done && strcmp(from, to) != 0 && rename(from, to))
        is_done = complain(from, strerror(errno));
    if (is_done)
        unlink(request);
    free(request);
    free(from);
    free(to);
    free(text);
    return is_done;
}

static bool take_in(const struct enrol_job *job, const struct file *file,
                    const struct file *authorities, FILE *out)
{
    struct certificate facts;
    char room[128], to[RFC3339_LEN + 1];
    bool is_read = !certificate_read(file->text, file->len, &facts);
    const char *why =
        is_read ? judge(job, file, &facts, authorities, room) : "it is no certificate in PEM";
    const char *key_name = why ? NULL : find_key(job, file);
    if (!why && !key_name)
        why = "it is not for a key that was made here";
    if (why) {
        log_warn("certificate.refused", F("file", job->certificate), F("why", why));
        return false;
    }
    if (!put_in_force(job, file, key_name))
        return false;
    rfc3339_format(facts.to, to);
    fprintf(out, "in force: %s serial %s to %s\n", facts.name, facts.serial, to);
    log_info("certificate.installed", F("name", facts.name), F("serial", facts.serial),
             F("to", to));
    return true;
}

static bool install(const struct enrol_job *job, FILE *out)
{
    struct file *file = memory_new(1, sizeof *file), *authorities = memory_new(1, sizeof *file);
    bool is_done = read_file(job->certificate, false, file)
                   && (!*job->authorities || read_file(job->authorities, false, authorities))
                   && take_in(job, file, authorities, out);
    free(authorities);
    free(file);
    return is_done;
}

int enrol_run(const struct enrol_job *job, FILE *out)
{
    bool is_done = job->certificate ? install(job, out) : is_served(job, out) || ask(job, out);
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
