// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL of the test's own, which the shell library of the system tests starts and stops.

#ifndef TESTS_PRIVATE_SERVER_H
#define TESTS_PRIVATE_SERVER_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// It reads words: stop, start; the end of its input ends it. It answers each with a line.
static FILE *server_orders, *server_answers;
static pid_t server_shell;

static inline void server_await(void)
{
    char line[256];
    cr_assert(fgets(line, sizeof line, server_answers), "the server did not do it");
    char *host = strchr(line, '=');
    if (host) {
        host[strcspn(host, "\n")] = '\0';
        setenv("PGHOST", host + 1, 1);
    }
}

// "stop" (at once, as a crash would), "start".
static inline void server_order(const char *word)
{
    fprintf(server_orders, "%s\n", word);
    fflush(server_orders);
    server_await();
}

// what: "" for an empty database, "socmod" for one with our tables. PGHOST then leads to it.
static inline void server_start(const char *what)
{
    int in[2], out[2];
    cr_assert(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC));
    setenv("BIN", "build/release", 0);
    server_shell = fork();
    if (server_shell == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        // What stays running must not hold on to our pipe.
        execlp(
            "bash", "bash", "-c",
            ". tests/system/lib.sh; exec 3>&1 >\"$WORK/shell.log\" 2>&1\n"
            "start_postgres $1 3>&-; echo \"host=$PGHOST\" >&3\n"
            "while read -r word; do\n"
            "  case $word in stop) stop_postgres immediate;; start) launch_postgres 3>&-;; esac\n"
            "  echo done >&3\n"
            "done",
            "tests/system/unit", what, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server_orders = fdopen(in[1], "w");
    server_answers = fdopen(out[0], "r");
    server_await();
}

static inline void server_stop(void)
{
    fclose(server_orders);
    waitpid(server_shell, NULL, 0);
    fclose(server_answers);
}

#endif
