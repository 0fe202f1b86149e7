// SPDX-License-Identifier: Apache-2.0

#include "gateway/probe.h"
#include "base/clock.h"
#include "base/memory.h"
#include "gateway/line_look.h"
#include "gateway/p1_port.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char BY_ID[] = "/dev/serial/by-id";
enum { ENOUGH = 4000, CHUNK = 512 }; // octets that are all garbage

struct trial {
    struct line_look look;
    struct p1_reader *p1;
    struct tic_reader *tic;
    bool is_p1, is_tic, is_encrypted;
    char tail[CHUNK + 16]; // the last octets, where a frame may have begun
    size_t tail_len;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

// Does an encrypted frame begin here? See wire/p1_cipher.h.
static bool has_cipher_start(const char *octets, size_t len)
{
    for (size_t i = 0; i + 14 <= len; i++)
        if (!memcmp(octets + i, "\xDB\x08", 2) && !memcmp(octets + i + 10, "\x82", 1)
            && octets[i + 13] == '\x30')
            return true;
    return false;
}

static void look_for_cipher(struct trial *trial, const char *octets, size_t len)
{
    memcpy(trial->tail + trial->tail_len, octets, len);
    trial->tail_len += len;
    trial->is_encrypted |= has_cipher_start(trial->tail, trial->tail_len);
    size_t kept = trial->tail_len < 13 ? trial->tail_len : 13;
    memmove(trial->tail, trial->tail + trial->tail_len - kept, kept);
    trial->tail_len = kept;
}

static void look_for_tic(struct trial *trial, const char *octets, size_t len)
{
    for (size_t at = 0, used, frame_len; at < len; at += used)
        if (tic_reader_push(trial->tic, octets + at, len - at, &used)) {
            struct tic tic;
            const char *frame = tic_reader_frame(trial->tic, &frame_len);
            tic_read(frame, frame_len, &tic);
            trial->is_tic |= tic.address.status == TIC_VALUE;
        }
}

static void take(struct trial *trial, const char *octets, size_t len)
{
    line_look_take(&trial->look, octets, len);
    for (size_t at = 0, used; at < len; at += used)
        if (p1_reader_push(trial->p1, octets + at, len - at, &used))
            trial->is_p1 |= p1_reader_frame(trial->p1)->crc != P1_CRC_BAD;
    look_for_tic(trial, octets, len);
    look_for_cipher(trial, octets, len);
}

static bool is_found(const struct trial *trial)
{
    return trial->is_p1 || trial->is_tic || trial->is_encrypted;
}

static void read_line(struct trial *trial, int fd, int64_t wait_ns)
{
    char octets[CHUNK];
    int64_t until = now_ns() + wait_ns;
    struct pollfd watch = {.fd = fd, .events = POLLIN};
    while (!is_found(trial) && now_ns() < until) {
        if (poll(&watch, 1, 100) <= 0)
            continue;
        ssize_t len = read(fd, octets, sizeof octets);
        if (len <= 0 && errno != EAGAIN)
            return;
        if (len > 0)
            take(trial, octets, (size_t)len);
        bool is_text = trial->look.plain_text * 2 > trial->look.octets;
        if (trial->look.octets > ENOUGH && !is_text)
            return;
    }
}

static void print_found(const struct trial *trial, const char *device, const char *line, FILE *out)
{
    fprintf(out, "[p1]\nport = %s\nline = %s\n", device, line);
    if (trial->is_tic)
        fprintf(out, "format = tic\n");
    else if (trial->is_encrypted)
        fprintf(out, "key_file = ; encrypted: a file with the key of this meter\n");
}

// Try one line. True: there is no use in trying another.
static bool try_line(const char *device, const char *line, int64_t wait_ns, bool *found, FILE *out)
{
    int fd = p1_port_open_serial(device, line);
    if (fd < 0) {
        fprintf(out, "; %s: %s\n", device, strerror(errno));
        return true;
    }
    struct trial trial = {.p1 = p1_reader_new(), .tic = tic_reader_new()};
    read_line(&trial, fd, wait_ns);
    close(fd);
    *found = is_found(&trial);
    if (*found)
        print_found(&trial, device, line, out);
    else
        fprintf(out, "; %s %s: %s\n", device, line, line_look_verdict(&trial.look));
    fflush(out);
    p1_reader_free(trial.p1);
    tic_reader_free(trial.tic);
    return *found || trial.look.octets == 0;
}

static bool probe_device(const char *device, int64_t wait_ns, FILE *out)
{
    char *lines = memory_text(P1_PORT_LINES), *rest = NULL;
    bool found = false, is_over = false;
    for (char *line = strtok_r(lines, " ", &rest); line && !is_over;
         line = strtok_r(NULL, " ", &rest))
        is_over = try_line(device, line, wait_ns, &found, out);
    free(lines);
    if (!is_over)
        fprintf(
            out,
            "; %s: no meter on any line. If all is garbage the signal is inverted: the data line"
            " of P1 is an open collector, upside down, and the cable must turn it round\n",
            device);
    return found;
}

int probe_run(const char *device, int64_t wait_ns, FILE *out)
{
    if (device)
        return probe_device(device, wait_ns, out) ? EXIT_SUCCESS : EXIT_FAILURE;
    DIR *folder = opendir(BY_ID);
    bool found = false, any = false;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (*entry->d_name == '.')
            continue;
        char *path = memory_format("%s/%s", BY_ID, entry->d_name);
        any = true;
        found |= probe_device(path, wait_ns, out);
        free(path);
    }
    if (folder)
        closedir(folder);
    if (!any)
        fprintf(out, "; no device in %s: name one\n", BY_ID);
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}
