// SPDX-License-Identifier: Apache-2.0

#include "io/mqtt.h"

#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

enum { AS_IT_SHOULD = 7 };

static void was_taken_down(void)
{
    _exit(EXIT_FAILURE);
}

// A thread of Paho's that is still about to end needs it.
Test(mqtt, libcrypto_stays_up_while_the_program_ends, .exit_code = AS_IT_SHOULD)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    cr_assert(mqtt_check_broker("mqtt://localhost:1883")); // the module is part of this program
    cr_assert(EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL) == 1);
    cr_assert(OPENSSL_atexit(was_taken_down) == 1);
    exit(AS_IT_SHOULD);
}
