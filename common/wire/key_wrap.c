// SPDX-License-Identifier: Apache-2.0

#include "wire/key_wrap.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_LEN = 12, TAG_LEN = 16 };

// What a digest or a tag is about comes first in it, so that none passes for another.
static const char id_label[] = "socmod master key", use_label[] = "socmod counter";
static const char *const purposes[] = {
    [KEY_FOR_ENCRYPTION] = "socmod meter encryption key",
    [KEY_FOR_AUTHENTICATION] = "socmod meter authentication key",
};

struct key_wrap {
    EVP_CIPHER *algorithm;
    EVP_CIPHER_CTX *context;
};

static void insist(int done)
{
    if (done <= 0)
        log_fatal("key_wrap.failed", F("why", "OpenSSL does not do AES-256-GCM"));
}

void master_key_name(struct master_key *key)
{
    uint8_t text[sizeof id_label + MASTER_KEY_LEN];
    memcpy(text, id_label, sizeof id_label);
    memcpy(text + sizeof id_label, key->octets, MASTER_KEY_LEN);
    struct digest digest = digest_of(text, sizeof text);
    hex_format(digest.octets, MASTER_KEY_ID_LEN / 2, key->id, sizeof key->id);
    memory_wipe(text, sizeof text);
}

struct key_use key_use_of(const uint8_t encryption_key[static CIPHER_KEY_LEN],
                          const uint8_t title[static CIPHER_TITLE_LEN])
{
    uint8_t text[sizeof use_label + CIPHER_TITLE_LEN + CIPHER_KEY_LEN];
    memcpy(text, use_label, sizeof use_label);
    memcpy(text + sizeof use_label, title, CIPHER_TITLE_LEN);
    memcpy(text + sizeof use_label + CIPHER_TITLE_LEN, encryption_key, CIPHER_KEY_LEN);
    struct digest digest = digest_of(text, sizeof text);
    struct key_use use;
    memcpy(use.octets, digest.octets, KEY_USE_LEN);
    memory_wipe(text, sizeof text);
    return use;
}

struct key_wrap *key_wrap_new(void)
{
    struct key_wrap *worker = memory_new(1, sizeof *worker);
    worker->algorithm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    worker->context = EVP_CIPHER_CTX_new();
    insist(worker->algorithm && worker->context);
    return worker;
}

void key_wrap_free(struct key_wrap *worker)
{
    if (!worker)
        return;
    EVP_CIPHER_CTX_free(worker->context);
    EVP_CIPHER_free(worker->algorithm);
    free(worker);
}

// Key, nonce, and what is authenticated besides.
static void begin(struct key_wrap *worker, const struct master_key *master,
                  enum key_purpose purpose, const char *equipment_id, const uint8_t *nonce,
                  int encrypt)
{
    int len;
    insist(EVP_CipherInit_ex2(worker->context, worker->algorithm, master->octets, nonce, encrypt,
                              NULL));
    insist(EVP_CipherUpdate(worker->context, NULL, &len, (const uint8_t *)purposes[purpose],
                            (int)strlen(purposes[purpose]) + 1));
    insist(EVP_CipherUpdate(worker->context, NULL, &len, (const uint8_t *)equipment_id,
                            (int)strlen(equipment_id)));
}

void key_wrap_seal(struct key_wrap *worker, const struct master_key *master,
                   enum key_purpose purpose, const char *equipment_id,
                   const uint8_t key[static CIPHER_KEY_LEN],
                   uint8_t wrapped[static KEY_WRAPPED_LEN])
{
    int len;
    uint8_t *ciphered = wrapped + NONCE_LEN, *tag = ciphered + CIPHER_KEY_LEN;
    insist(RAND_bytes(wrapped, NONCE_LEN));
    begin(worker, master, purpose, equipment_id, wrapped, 1);
    insist(EVP_CipherUpdate(worker->context, ciphered, &len, key, CIPHER_KEY_LEN));
    insist(EVP_CipherFinal_ex(worker->context, tag, &len));
    insist(EVP_CIPHER_CTX_ctrl(worker->context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag));
    EVP_CIPHER_CTX_reset(worker->context);
}

enum err key_wrap_open(struct key_wrap *worker, const struct master_key *master,
                       enum key_purpose purpose, const char *equipment_id,
                       const uint8_t wrapped[static KEY_WRAPPED_LEN],
                       uint8_t key[static CIPHER_KEY_LEN])
{
    int len;
    uint8_t tag[TAG_LEN], none[TAG_LEN];
    const uint8_t *ciphered = wrapped + NONCE_LEN;
    memcpy(tag, ciphered + CIPHER_KEY_LEN, TAG_LEN);
    begin(worker, master, purpose, equipment_id, wrapped, 0);
    insist(EVP_CipherUpdate(worker->context, key, &len, ciphered, CIPHER_KEY_LEN));
    insist(EVP_CIPHER_CTX_ctrl(worker->context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag));
    bool authentic = EVP_CipherFinal_ex(worker->context, none, &len) > 0;
    EVP_CIPHER_CTX_reset(worker->context);
    if (!authentic)
        memory_wipe(key, CIPHER_KEY_LEN);
    return authentic ? ERR_NONE : ERR_CHECKSUM;
}
