// SPDX-License-Identifier: Apache-2.0
// socmod-admin: what a person does to the database, one job at a time.

#include "base/memory.h"
#include "base/program.h"
#include "io/db.h"
#include "services/admin/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *connection;
static const struct setting settings[] = {
    {"database", "connection", .text = &connection, .otherwise = "dbname=socmod",
     .help = "how to reach PostgreSQL as its owner, as libpq says it; passwords belong in"
             " ~/.pgpass"},
    CLOCK_SETTINGS,
    {0},
};

static const char *sql_folder;
static const struct program_option options[] = {
    {"sql", "DIR", .text = &sql_folder, .help = "migrate: take the files from DIR"},
    {0},
};

static const struct program program = {
    .name = "socmod-admin",
    .purpose = "set up and register what the other programs work with",
    .version = VERSION,
    .settings = settings,
    .options = options,
    .words = "migrate",
};

static enum err run_migrate(struct db *db, char **words)
{
    (void)words;
    return migrate(db, sql_folder);
}

static const struct job {
    const char *word;
    int least, most; // further words
    enum err (*run)(struct db *db, char **words);
} jobs[] = {
    {"migrate", 0, 0, run_migrate},
};

static const struct job *find_job(int count, char **words)
{
    for (size_t i = 0; count && i < sizeof jobs / sizeof *jobs; i++)
        if (!strcmp(jobs[i].word, words[0]) && count - 1 >= jobs[i].least
            && count - 1 <= jobs[i].most)
            return &jobs[i];
    return NULL;
}

int main(int argc, char **argv)
{
    int first = program_start(&program, argc, argv);
    const struct job *job = find_job(argc - first, argv + first);
    if (!job) {
        fprintf(stderr, "%s: which job? see %s --help\n", program.name, program.name);
        return EXIT_USAGE;
    }
    struct db *db = db_new(connection, program.name);
    enum err err = db_connect(db);
    if (!err)
        err = job->run(db, argv + first + 1);
    db_free(db);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
