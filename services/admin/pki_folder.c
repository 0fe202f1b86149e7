// SPDX-License-Identifier: Apache-2.0

#include "services/admin/pki_folder.h"
#include "base/memory.h"
#include "io/durable_file.h"
#include "services/admin/secret_file.h"
#include "services/admin/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum err pki_complain(enum err err, const char *what, const char *why)
{
    fprintf(stderr, "socmod-admin: pki: %s: %s\n", what, why);
    return err;
}

// Owned: free().
static char *within(const struct pki_folder *folder, const char *name, const char *suffix)
{
    return memory_format("%s/%s%s", folder->path, name, suffix);
}

bool pki_folder_has(const struct pki_folder *folder, const char *name, const char *suffix)
{
    char *path = within(folder, name, suffix);
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

enum err pki_file_read(const struct pki_folder *folder, const char *name, char **text, size_t *len)
{
    char *path = folder ? within(folder, name, "") : memory_text(name);
    *text = whole_file_read(path, len);
    free(path);
    return *text ? ERR_NONE : ERR_IO;
}

static enum err read_index(struct pki_folder *folder)
{
    char why[128], *text = NULL;
    size_t len = 0;
    enum err err = pki_file_read(folder, "index.csv", &text, &len);
    if (!err && (err = pki_index_read(text, len, &folder->index, why))) {
        char *path = within(folder, "index", ".csv");
        pki_complain(err, path, why);
        free(path);
    }
    free(text);
    return err;
}

static enum err refuse_authority(const struct pki_folder *folder)
{
    static const char *const suffixes[] = {".key", ".pem"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (pki_folder_has(folder, "ca", suffixes[i]))
            return pki_complain(ERR_IO, folder->path,
                                "holds an authority already, ca.key or ca.pem");
    return ERR_NONE;
}

enum err pki_folder_open(const char *path, bool make, struct pki_folder *folder)
{
    struct pki_folder got = {.path = path};
    if (make && mkdir(path, 0700) && errno != EEXIST)
        return pki_complain(ERR_IO, path, strerror(errno));
    got.lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (got.lock < 0 || flock(got.lock, LOCK_EX)) {
        enum err err = pki_complain(ERR_IO, path, strerror(errno));
        if (got.lock >= 0)
            close(got.lock);
        return err;
    }
    enum err err = make ? refuse_authority(&got) : read_index(&got);
    if (err)
        close(got.lock);
    else
        *folder = got;
    return err;
}

void pki_folder_close(struct pki_folder *folder)
{
    pki_index_clear(&folder->index);
    close(folder->lock);
}

// --- secrets ---

enum err pki_passphrase_read(const char *file, char **passphrase)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    bool is_credential = credentials && *credentials && !strchr(file, '/');
    *passphrase = NULL;
    if (!*file)
        return ERR_NONE;
    char *path = is_credential ? memory_format("%s/%s", credentials, file) : memory_text(file);
    struct secret_file secret;
    enum err err = secret_file_read(path, &secret);
    free(path);
    if (err)
        return err;
    size_t len = 0;
    while (len < secret.len && !strchr("\r\n", secret.text[len]))
        len++;
    if (len)
        *passphrase = memory_text_n(secret.text, len);
    else
        err = pki_complain(ERR_SYNTAX, file, "its first line, the pass phrase, is empty");
    secret_file_free(&secret);
    return err;
}

static enum err read_key(const struct pki_folder *folder, const char *passphrase,
                         struct tls_key **key)
{
    struct secret_file secret;
    char *path = within(folder, "ca", ".key");
    enum err err = secret_file_read(path, &secret);
    if (!err) {
        err = tls_key_parse(secret.text, secret.len, passphrase, key);
        secret_file_free(&secret);
        if (err)
            pki_complain(err, path,
                         passphrase ? "no private key, or another pass phrase"
                                    : "no private key, or it wants a pass phrase:"
                                      " [pki] passphrase_file");
    }
    free(path);
    return err;
}

enum err pki_folder_authority(const struct pki_folder *folder, const char *passphrase_file,
                              struct authority **authority)
{
    char *passphrase = NULL, *pem = NULL;
    size_t len = 0;
    struct tls_key *key = NULL;
    enum err err = pki_passphrase_read(passphrase_file, &passphrase);
    if (!err)
        err = read_key(folder, passphrase, &key);
    if (!err)
        err = pki_file_read(folder, "ca.pem", &pem, &len);
    if (!err && !(*authority = authority_of(pem, len, key)))
        err = pki_complain(ERR_SYNTAX, folder->path,
                           "ca.pem is no authority's certificate, or not that of ca.key");
    if (err)
        tls_key_free(key);
    if (passphrase)
        memory_wipe(passphrase, strlen(passphrase));
    free(passphrase);
    free(pem);
    return err;
}

// --- writing ---

enum err pki_folder_put(const struct pki_folder *folder, const char *name, const char *suffix,
                        const char *text)
{
    char why[DURABLE_FILE_REASON];
    char *path = within(folder, name, suffix);
    enum err err = durable_file_write(path, text, strlen(text), why);
    if (err)
        pki_complain(err, path, why);
    else if (strcmp(suffix, ".key") != 0 && chmod(path, 0644))
        err = pki_complain(ERR_IO, path, strerror(errno));
    free(path);
    return err;
}

enum err pki_folder_put_index(const struct pki_folder *folder)
{
    char *text = pki_index_format(&folder->index);
    enum err err = pki_folder_put(folder, "index", ".csv", text);
    free(text);
    return err;
}
