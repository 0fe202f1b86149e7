// SPDX-License-Identifier: Apache-2.0

#include "io/mqtt.h"

#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail_the_process(void)
{
    _exit(EXIT_FAILURE);
}

// A thread of Paho's that is still about to end needs it.
Test(mqtt, libcrypto_stays_up_while_the_program_ends)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    cr_assert(mqtt_check_broker("mqtt://localhost:1883")); // the module is part of this program
    pid_t child = fork();
    cr_assert(child >= 0);
    if (!child) {
        if (!EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL)
            || !OPENSSL_atexit(fail_the_process))
            fail_the_process();
        exit(EXIT_SUCCESS);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(status == 0, "libcrypto was taken down");
}
