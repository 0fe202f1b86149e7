// SPDX-License-Identifier: Apache-2.0

#include "services/admin/seal_job.h"
#include "base/clock.h"
#include "io/seal_file.h"
#include "services/admin/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err complain(enum err err, const char *what, const char *why)
{
    fprintf(stderr, "socmod-admin: seal: %s%s\n", what, why);
    return err;
}

static void show(const struct seal_public *public_key)
{
    char text[SEAL_KEY_TEXT + 1];
    seal_public_format(public_key, text);
    puts(text);
}

// A text as a person writes it, in the form that can be sealed; nothing of it may get lost.
static enum err canonical(const char *text, size_t len, char form[static LONG_MESSAGE_MAX + 1])
{
    static struct long_message message;
    static struct profile written;
    long_message_read(text, len, LONG_MESSAGE_W, &message);
    if (message.kind != LONG_MESSAGE_PROFILE)
        return complain(ERR_SYNTAX, "the message is no profile: ", message.reason);
    if (long_message_write(&message.profile, LONG_MESSAGE_W, SEAL_ROOM, form, &written)
        || !profile_equal(&message.profile, &written))
        return complain(ERR_SIZE, "the message has too many periods for a seal", "");
    return ERR_NONE;
}

static enum err seal_text(const struct seal_job *job, const struct seal_key *key, const char *text,
                          size_t len)
{
    char form[LONG_MESSAGE_MAX + 1], sealed[LONG_MESSAGE_MAX + 1];
    int64_t seq = job->seq ? job->seq : clock_utc().ns / 1000000;
    enum err err = canonical(text, len, form);
    if (err)
        return err;
    err = seal_write(form, strlen(form), seq, job->meter, key, sealed);
    if (err)
        return complain(err, "cannot be sealed: ", err_name(err));
    puts(sealed);
    return ERR_NONE;
}

static enum err seal_file(const struct seal_job *job, const struct seal_key *key, const char *path)
{
    size_t len;
    char *text = whole_file_read(path, &len);
    if (!text)
        return ERR_IO;
    enum err err = seal_text(job, key, text, len);
    free(text);
    return err;
}

enum err seal_job_run(const struct seal_job *job, const char *path)
{
    char why[SEAL_FILE_REASON];
    struct seal_public public_key;
    if (job->make_key) {
        enum err err = seal_file_make(job->make_key, &public_key, why);
        if (err)
            return complain(err, why, "");
        show(&public_key);
        return ERR_NONE;
    }
    struct seal_key *key = NULL;
    enum err err = seal_file_read(job->key, &key, why);
    if (err)
        return complain(err, why, "");
    public_key = seal_key_public(key);
    if (job->meter)
        err = seal_file(job, key, path);
    else
        show(&public_key);
    seal_key_free(key);
    return err;
}
