// SPDX-License-Identifier: Apache-2.0
// What comes back when a charger is asked, over TCP: registers are only taken from an answer that
// has them, of the function asked; a write has succeeded only where the answer says so.
//
// The first octet says what is asked, whether the answer's head is put right, so that more than
// the head is looked at, and whether it goes out in one piece. A thread answers.

#include "gateway/modbus_link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 7, MOST = 300, COUNT = 3, ADDRESS = 1210, RAW_UNIT = 248 };

static int listener;
static struct {
    uint8_t octets[MOST];
    size_t len;
    bool has_head, in_pieces;
} answer;

static void say(int fd, const uint8_t *request)
{
    uint8_t out[MOST];
    memcpy(out, answer.octets, sizeof out);
    if (answer.has_head && answer.len >= HEAD) {
        memcpy(out, request, 4);
        out[4] = (uint8_t)((answer.len - 6) >> 8);
        out[5] = (uint8_t)(answer.len - 6);
        out[6] = request[6];
    }
    size_t first = answer.in_pieces ? answer.len / 2 : answer.len;
    if (send(fd, out, first, MSG_NOSIGNAL) == (ssize_t)first && first < answer.len)
        (void)!send(fd, out + first, answer.len - first, MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        uint8_t request[MOST] = {0};
        int fd = accept(listener, NULL, NULL);
        if (recv(fd, request, sizeof request, 0) > 0)
            say(fd, request);
        shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof request, 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void start(char *address, size_t room)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    int fault = bind(listener, (struct sockaddr *)&at, len) || listen(listener, 16)
                || getsockname(listener, (struct sockaddr *)&at, &len)
                || pthread_create(&thread, NULL, serve, NULL);
    assert(!fault);
    snprintf(address, room, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
}

static void expect_words(int function, const uint16_t *words)
{
    const uint8_t *pdu = answer.octets + HEAD;
    assert(answer.len >= HEAD + 2 + 2 * COUNT && pdu[0] == function && pdu[1] == 2 * COUNT);
    for (int i = 0; i < COUNT; i++)
        assert(words[i] == (pdu[2 + 2 * i] << 8 | pdu[3 + 2 * i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char address[40];
    if (!*address)
        start(address, sizeof address);
    if (size < 1 || size > MOST)
        return 0;
    static const int functions[] = {3, 4, 6, 16};
    int function = functions[data[0] & 3], unit = data[0] & 4 ? RAW_UNIT : 1;
    memset(&answer, 0, sizeof answer);
    answer.has_head = data[0] & 8;
    answer.in_pieces = data[0] & 16;
    answer.len = size - 1;
    memcpy(answer.octets, data + 1, answer.len);

    const struct modbus_link_settings settings = {
        .address = address, .line = "", .timeout_ms = 500};
    struct modbus_link *link = modbus_link_new(&settings);
    uint16_t words[COUNT] = {1, 2, 3};
    modbus_error error =
        function < 6
            ? modbus_link_read(link, unit, function, ADDRESS, words, COUNT)
            : modbus_link_write(link, unit, function, ADDRESS, words, function == 6 ? 1 : COUNT);
    char reason[MODBUS_LINK_REASON];
    modbus_link_explain("it", error, reason);
    if (!error && function < 6)
        expect_words(function, words);
    else if (!error)
        assert(answer.len >= HEAD + 5 && answer.octets[HEAD] == function);
    modbus_link_free(link);
    return 0;
}
