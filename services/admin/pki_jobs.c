// SPDX-License-Identifier: Apache-2.0
// The order of writing: event, index, key, certificate. Whatever dies in between, no serial comes
// twice, nothing is signed that is not in the index, and the same command may be given again.

#include "services/admin/pki_jobs.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/admin/event_table.h"
#include "services/admin/pki_folder.h"
#include "wire/must.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY_S = 86400,
    AUTHORITY_DAYS = 7300,
    LEAF_DAYS = 730,
    WITHIN_DAYS = 30,
    MOST_DAYS = 36500,
    EARLIER_S = 3600, // a certificate is good from so long ago on: clocks in poles may be behind
};

struct act {
    const struct pki_job *job;
    struct db *db;
    struct pki_folder folder;
    struct authority *authority; // NULL until it is read
    int64_t now;
};

static int64_t days_of(const char *text, int64_t otherwise)
{
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static void draw_serial(uint8_t serial[static AUTHORITY_SERIAL])
{
    do {
        must_work(RAND_bytes(serial, AUTHORITY_SERIAL) == 1);
        serial[0] &= 0x7f;
    } while (!serial[0]);
}

// --- what was done, for the log and the trail ---

static enum err into_trail(struct db *db, const char *kind, const char *name, json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    enum err err = db ? db_begin(db) : ERR_NONE;
    if (db && !err)
        err = event_table_add(db, kind, name, text);
    if (db && !err)
        err = db_commit(db);
    if (db && err) {
        db_rollback(db);
        pki_complain(err, "trail", "the act could not be noted, so it was not done");
    }
    free(text);
    return err;
}

static enum err note(const struct act *act, const char *kind, const struct pki_entry *entry,
                     const char *key)
{
    static const char *const uses[] = {"authority", "server", "client"};
    char serial[PKI_SERIAL_TEXT + 1], to[RFC3339_LEN + 1];
    pki_serial_format(entry->serial, serial);
    rfc3339_format(entry->to, to);
    const char *reason = act->job->reason ? act->job->reason : "";
    json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:s}", "serial", serial, "use", uses[entry->use],
                             "to", to, "key", key, "reason", reason);
    enum err err = into_trail(act->db, kind, entry->name, data);
    json_decref(data);
    if (!err)
        log_info(kind, F("name", entry->name), F("serial", serial), F("use", uses[entry->use]),
                 F("to", to), F("key", key), F("reason", reason));
    return err;
}

// --- certificates ---

static enum err read_authority(struct act *act)
{
    return pki_folder_authority(&act->folder, act->job->passphrase_file, &act->authority);
}

static void add_entry(struct act *act, struct pki_entry *entry)
{
    do
        draw_serial(entry->serial);
    while (!pki_index_add(&act->folder.index, entry));
}

// What is to be signed now: its times.
static enum err set_times(const struct act *act, struct pki_entry *entry)
{
    const struct certificate ours = authority_facts(act->authority);
    entry->from = act->now - EARLIER_S > ours.from ? act->now - EARLIER_S : ours.from;
    entry->to = act->now + days_of(act->job->days, LEAF_DAYS) * DAY_S;
    if (act->now > ours.to)
        return pki_complain(ERR_RANGE, ours.name, "this authority has ended: make another one");
    return entry->to <= ours.to
               ? ERR_NONE
               : pki_complain(ERR_RANGE, ours.name,
                              "the certificate would outlive this authority: fewer --days");
}

static enum err put_key(const struct act *act, const char *name, const struct tls_key *key,
                        const char *passphrase)
{
    char *pem = tls_key_format(key, passphrase);
    enum err err = pki_folder_put(&act->folder, name, ".key", pem);
    memory_wipe(pem, strlen(pem));
    free(pem);
    return err;
}

static void show(const struct pki_entry *entry, const char *key)
{
    char serial[PKI_SERIAL_TEXT + 1], to[RFC3339_LEN + 1];
    pki_serial_format(entry->serial, serial);
    rfc3339_format(entry->to, to);
    printf("%s serial %s to %s key %s\n", entry->name, serial, to, key);
}

// Sign for this key; where it is ours it is kept as well.
static enum err certify(struct act *act, const char *kind, struct pki_entry *entry,
                        const struct tls_key *key, bool is_ours)
{
    char fingerprint[TLS_KEY_FINGERPRINT + 1];
    tls_key_fingerprint(key, fingerprint);
    enum err err = set_times(act, entry);
    if (err)
        return err;
    add_entry(act, entry);
    err = note(act, kind, entry, fingerprint);
    if (!err)
        err = pki_folder_put_index(&act->folder);
    if (err)
        return err;
    struct authority_leaf leaf = {.name = entry->name,
                                  .addresses = entry->addresses,
                                  .from = entry->from,
                                  .to = entry->to,
                                  .key = key};
    memcpy(leaf.serial, entry->serial, sizeof leaf.serial);
    char *pem = authority_issue(act->authority, &leaf);
    if (is_ours)
        err = put_key(act, entry->name, key, NULL);
    if (!err)
        err = pki_folder_put(&act->folder, entry->name, ".pem", pem);
    free(pem);
    if (!err)
        show(entry, fingerprint);
    return err;
}

// The addresses as the index keeps them. Owned: free().
static char *kept_addresses(const char *addresses)
{
    char *kept = memory_text(addresses ? addresses : "");
    for (char *at = kept; *at; at++)
        if (*at == ',')
            *at = ' ';
    return kept;
}

static enum err certify_as(struct act *act, const char *kind, const char *name,
                           const char *addresses, const struct tls_key *key, bool is_ours)
{
    struct pki_entry entry = {.use = addresses && *addresses ? PKI_SERVER : PKI_CLIENT};
    snprintf(entry.name, sizeof entry.name, "%s", name);
    entry.addresses = kept_addresses(addresses);
    enum err err = read_authority(act);
    if (!err)
        err = certify(act, kind, &entry, key, is_ours);
    free(entry.addresses);
    return err;
}

static enum err issue(struct act *act)
{
    const struct pki_job *job = act->job;
    const struct pki_entry *former = pki_index_newest(&act->folder.index, job->word);
    if (former && former->to >= act->now && pki_folder_has(&act->folder, job->word, ".pem"))
        return pki_complain(ERR_RANGE, job->word,
                            "has a certificate: renew it, or revoke it first");
    struct tls_key *key = tls_key_make();
    enum err err = certify_as(act, "certificate.issued", job->word, job->server, key, true);
    tls_key_free(key);
    return err;
}

// The one that it takes the place of stays good until it ends or is revoked.
static enum err renew(struct act *act)
{
    const char *name = act->job->word;
    const struct pki_entry *former = pki_index_newest(&act->folder.index, name);
    if (!former)
        return pki_complain(ERR_RANGE, name, "has no certificate: issue one");
    if (!pki_folder_has(&act->folder, name, ".key"))
        return pki_complain(ERR_RANGE, name,
                            "its key was not made here: sign a new request of its owner");
    struct tls_key *key = tls_key_make();
    char *addresses = memory_text(former->addresses);
    enum err err = certify_as(act, "certificate.renewed", name, addresses, key, true);
    free(addresses);
    tls_key_free(key);
    return err;
}

static enum err sign_request(struct act *act, const struct tls_request *request)
{
    const struct pki_job *job = act->job;
    if (strcmp(request->name, job->name) != 0) {
        fprintf(stderr, "socmod-admin: pki: %s: it asks for the name %s, not %s\n", job->word,
                request->name, job->name);
        return ERR_RANGE;
    }
    const struct pki_entry *former = pki_index_newest(&act->folder.index, job->name);
    if (former && (former->use == PKI_SERVER) != (job->server != NULL))
        return pki_complain(ERR_RANGE, job->name,
                            "has a certificate of the other use, server or client");
    return certify_as(act, former ? "certificate.renewed" : "certificate.issued", job->name,
                      job->server, request->key, false);
}

static enum err sign(struct act *act)
{
    char *pem = NULL;
    size_t len = 0;
    struct tls_request request;
    enum err err = pki_file_read(NULL, act->job->word, &pem, &len);
    if (err)
        return err;
    const char *why = tls_request_read(pem, len, &request);
    free(pem);
    if (why)
        return pki_complain(ERR_SYNTAX, act->job->word, why);
    err = sign_request(act, &request);
    tls_key_free(request.key);
    return err;
}

// --- revoking ---

// Those that have ended need no place in the list any more.
static enum err put_list(struct act *act)
{
    const struct pki_index *index = &act->folder.index;
    struct authority_revoked *revoked = memory_new(index->count + 1, sizeof *revoked);
    size_t count = 0;
    for (size_t i = 0; i < index->count; i++) {
        const struct pki_entry *entry = &index->entries[i];
        if (!entry->revoked || entry->to + DAY_S < act->now)
            continue;
        memcpy(revoked[count].serial, entry->serial, AUTHORITY_SERIAL);
        revoked[count++].at = entry->revoked;
    }
    int64_t to = act->now + act->job->list_days * DAY_S;
    char *pem = authority_list(act->authority, revoked, count, clock_utc().ns, act->now, to);
    enum err err = pki_folder_put(&act->folder, "crl", ".pem", pem);
    free(pem);
    free(revoked);
    char until[RFC3339_LEN + 1];
    rfc3339_format(to, until);
    if (!err)
        printf("crl.pem lists %zu, good to %s\n", count, until);
    return err;
}

static bool is_meant(const struct pki_entry *entry, const char *word)
{
    char serial[PKI_SERIAL_TEXT + 1];
    pki_serial_format(entry->serial, serial);
    return entry->use != PKI_AUTHORITY && (!strcmp(entry->name, word) || !strcmp(serial, word));
}

// All of that name, or the one of that serial.
static enum err revoke(struct act *act)
{
    enum err err = read_authority(act);
    size_t count = 0;
    for (size_t i = 0; !err && i < act->folder.index.count; i++) {
        struct pki_entry *entry = &act->folder.index.entries[i];
        if (!is_meant(entry, act->job->word) || entry->revoked || entry->to < act->now)
            continue;
        count++;
        err = note(act, "certificate.revoked", entry, "");
        entry->revoked = act->now;
    }
    if (!err && !count)
        err = pki_complain(ERR_RANGE, act->job->word,
                           "no certificate in force has this name or serial");
    if (!err)
        err = pki_folder_put_index(&act->folder);
    return err ? err : put_list(act);
}

static enum err renew_list(struct act *act)
{
    enum err err = read_authority(act);
    return err ? err : put_list(act);
}

// --- beginning and looking ---

static enum err put_authority(struct act *act, struct pki_entry *self, struct tls_key *key,
                              const char *passphrase)
{
    char fingerprint[TLS_KEY_FINGERPRINT + 1];
    tls_key_fingerprint(key, fingerprint);
    draw_serial(self->serial);
    pki_index_add(&act->folder.index, self);
    struct authority_leaf leaf = {
        .name = self->name, .addresses = "", .from = self->from, .to = self->to, .key = key};
    memcpy(leaf.serial, self->serial, sizeof leaf.serial);
    act->authority = authority_make(&leaf, key);
    char *pem = authority_certificate(act->authority);
    enum err err = note(act, "authority.made", self, fingerprint);
    if (!err)
        err = put_key(act, "ca", key, passphrase);
    if (!err)
        err = pki_folder_put(&act->folder, "ca", ".pem", pem);
    if (!err)
        err = pki_folder_put_index(&act->folder);
    free(pem);
    if (!err)
        show(self, fingerprint);
    return err ? err : put_list(act);
}

static enum err init(struct act *act)
{
    char *passphrase = NULL;
    enum err err = pki_passphrase_read(act->job->passphrase_file, &passphrase);
    if (err)
        return err;
    static char none[] = "";
    struct pki_entry self = {.use = PKI_AUTHORITY,
                             .addresses = none,
                             .from = act->now - EARLIER_S,
                             .to = act->now + days_of(act->job->days, AUTHORITY_DAYS) * DAY_S};
    snprintf(self.name, sizeof self.name, "%s", act->job->word);
    err = put_authority(act, &self, tls_key_make(), passphrase);
    if (passphrase)
        memory_wipe(passphrase, strlen(passphrase));
    free(passphrase);
    return err;
}

// What needs somebody's hand is told on standard error as well, and is a failure.
static bool list_entry(const struct act *act, const struct pki_entry *entry, int64_t soon_s)
{
    static const char *const uses[] = {"authority", "server", "client"};
    char serial[PKI_SERIAL_TEXT + 1], from[RFC3339_LEN + 1], to[RFC3339_LEN + 1];
    pki_serial_format(entry->serial, serial);
    rfc3339_format(entry->from, from);
    rfc3339_format(entry->to, to);
    const char *state = pki_index_state(&act->folder.index, entry, act->now, soon_s);
    printf("%s,%s,%s,%s,%s,%s,%s\n", state, uses[entry->use], entry->name, entry->addresses, from,
           to, serial);
    bool is_newest =
        entry->use == PKI_AUTHORITY || pki_index_newest(&act->folder.index, entry->name) == entry;
    if (!strcmp(state, "ends-soon") || (!strcmp(state, "ended") && is_newest)) {
        log_warn("certificate.ends", F("name", entry->name), F("state", state), F("to", to));
        return true;
    }
    return false;
}

static bool list_of_revoked(const struct act *act, const char *pem, size_t len, int64_t soon_s)
{
    int64_t until;
    if (certificate_list_read(pem, len, &until)) {
        pki_complain(ERR_SYNTAX, "crl.pem", "no list of revoked certificates: make it again");
        return true;
    }
    char to[RFC3339_LEN + 1];
    rfc3339_format(until, to);
    const char *state = act->now > until            ? "ended"
                        : act->now + soon_s > until ? "ends-soon"
                                                    : "good";
    printf("%s,crl,crl.pem,,,%s,\n", state, to);
    if (strcmp(state, "good") != 0)
        log_warn("certificate.ends", F("name", "crl.pem"), F("state", state), F("to", to));
    return strcmp(state, "good") != 0;
}

static enum err list(struct act *act)
{
    int64_t soon_s = days_of(act->job->within, WITHIN_DAYS) * DAY_S;
    char *pem = NULL;
    size_t len = 0;
    bool is_alarm = false;
    puts("state,use,name,addresses,from,to,serial");
    for (size_t i = 0; i < act->folder.index.count; i++)
        is_alarm = list_entry(act, &act->folder.index.entries[i], soon_s) || is_alarm;
    enum err err = pki_file_read(&act->folder, "crl.pem", &pem, &len);
    if (err)
        return err;
    is_alarm = list_of_revoked(act, pem, len, soon_s) || is_alarm;
    free(pem);
    return is_alarm ? ERR_RANGE : ERR_NONE;
}

static const struct verb {
    const char *word;
    enum err (*run)(struct act *act);
    bool has_word, has_name, has_server, has_days, has_within, has_reason, makes;
} verbs[] = {
    {"init", init, .has_word = true, .has_name = true, .has_days = true, .makes = true},
    {"issue", issue, .has_word = true, .has_name = true, .has_server = true, .has_days = true},
    {"sign", sign, .has_word = true, .has_server = true, .has_days = true},
    {"renew", renew, .has_word = true, .has_name = true, .has_days = true},
    {"revoke", revoke, .has_word = true, .has_reason = true},
    {"crl", renew_list, .has_word = false},
    {"list", list, .has_within = true},
};

static const struct verb *find(const char *word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(verbs[i].word, word))
            return &verbs[i];
    return NULL;
}

static bool is_days(const char *text)
{
    char *end;
    long long days = text && *text ? strtoll(text, &end, 10) : 1;
    return days >= 1 && days <= MOST_DAYS && (!text || (*text && !*end));
}

// A name of a certificate is also one of its files, and none of the others there; and it is not
// mistaken for a serial.
static const char *name_fault(const char *name)
{
    static const char *const ours[] = {"ca", "crl", "index"};
    if (!tls_name_is_sound(name))
        return "a name is 1 to 64 letters, digits, dots, dashes and underscores, and begins with"
               " none of . -";
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!strcmp(name, ours[i]))
            return "ca, crl and index are no names: files of the authority are called so";
    return strlen(name) == PKI_SERIAL_TEXT && strspn(name, "0123456789abcdef") == PKI_SERIAL_TEXT
               ? "32 hex digits are a serial, no name"
               : NULL;
}

const char *pki_job_fault(const struct pki_job *job)
{
    const struct verb *verb = find(job->verb);
    bool signs_request = verb && verb->run == sign;
    if (!verb)
        return "init, issue, sign, renew, revoke, crl or list?";
    if (verb->has_word != !!job->word)
        return verb->has_word ? "what it is about must be given" : "takes no further word";
    if (signs_request != !!job->name)
        return signs_request ? "--name NAME must be given: what the request must ask for"
                             : "takes no --name";
    if (job->server && !verb->has_server)
        return "takes no --server";
    if (job->within && !verb->has_within)
        return "takes no --within";
    if (job->reason && !verb->has_reason)
        return "takes no --reason";
    if (job->days && !verb->has_days)
        return "takes no --days";
    if (!is_days(job->days) || !is_days(job->within))
        return "days are 1 to 36500";
    if (!*job->folder)
        return "[pki] folder must be given, or --folder DIR";
    if (job->server && authority_addresses_fault(job->server))
        return authority_addresses_fault(job->server);
    const char *name = signs_request ? job->name : verb->has_name ? job->word : NULL;
    return name ? name_fault(name) : NULL;
}

enum err pki_job_run(const struct pki_job *job, struct db *db)
{
    const struct verb *verb = find(job->verb);
    assert(verb);
    struct act act = {.job = job, .db = db, .now = clock_utc().ns / SECONDS_NS};
    enum err err = pki_folder_open(job->folder, verb->makes, &act.folder);
    if (err)
        return err;
    err = verb->run(&act);
    authority_free(act.authority);
    pki_folder_close(&act.folder);
    return err;
}
