// SPDX-License-Identifier: Apache-2.0
// socmod-admin: what a person does to the database, one job at a time.

#include "base/memory.h"
#include "base/program.h"
#include "io/db.h"
#include "services/admin/explain_job.h"
#include "services/admin/grid_import.h"
#include "services/admin/key_jobs.h"
#include "services/admin/limit_job.h"
#include "services/admin/migrate.h"
#include "services/admin/pki_jobs.h"
#include "services/admin/retire.h"
#include "services/admin/seal_job.h"
#include "services/admin/tidy.h"
#include "services/admin/token.h"
#include "wire/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *connection, *master_file, *pki_folder, *passphrase_file;
static int64_t list_days;
static bool keeps_trail;
static struct retire_job retirement;
static struct tidy_job tidy;
static const struct setting settings[] = {
    {"database", "connection", .text = &connection, .otherwise = "dbname=socmod",
     .help = "how to reach PostgreSQL as its owner, as libpq says it; passwords belong in"
             " ~/.pgpass"},
    {"trail", "keep_months", .integer = &retirement.keep_months, .otherwise = "24", .least = 1,
     .most = 1200, .help = "retire: the trail of so many whole months always stays"},
    {"history", "quarters_days", .integer = &tidy.quarters_days, .otherwise = "35", .least = 29,
     .most = 36500,
     .help = "tidy: months that ended so many days ago are rolled up, a row for a day; the planner"
             " learns from the last 28 days"},
    {"history", "days_years", .integer = &tidy.days_years, .otherwise = "0", .least = 0,
     .most = 100, .help = "tidy: years that ended so many years ago are dropped; 0 for none"},
    {"history", "loads_months", .integer = &tidy.loads_months, .otherwise = "13", .least = 2,
     .most = 1200,
     .help = "tidy: what connections drew in months that ended so many months ago is dropped"},
    {"history", "explain_months", .integer = &tidy.explain_months, .otherwise = "6", .least = 2,
     .most = 1200,
     .help = "tidy: what rounds saw, foresaw and shared in months that ended so many months ago is"
             " dropped; profiles stay as long as the trail"},
    {"keys", "master_file", .text = &master_file, .otherwise = "",
     .help = "file of the master key that meters' keys are wrapped under; without a slash, in"
             " $CREDENTIALS_DIRECTORY"},
    {"pki", "folder", .text = &pki_folder, .otherwise = "",
     .help = "folder of the authority that signs certificates; best on a machine of its own"},
    {"pki", "passphrase_file", .text = &passphrase_file, .otherwise = "",
     .help = "file whose first line opens the authority's key; without a slash, in"
             " $CREDENTIALS_DIRECTORY; empty: it is not locked"},
    {"pki", "crl_days", .integer = &list_days, .otherwise = "365", .least = 1, .most = 36500,
     .help = "that a list of revoked certificates is good; with one that has ended nobody gets in"},
    {"pki", "trail", .flag = &keeps_trail, .otherwise = "no",
     .help = "each act is an event of the database's audit trail, or is not done"},
    CLOCK_SETTINGS,
    {0},
};

static const char *sql_folder, *token_name, *token_role, *token_days;
static const char *seal_seq;
static struct seal_job seal;
static struct limit_job limit;
static struct explain_job explain;
static bool replace, revoke;
static const char *master;
static struct key_job key_job;
static struct pki_job pki_job;
static const struct program_option options[] = {
    {"sql", "DIR", .text = &sql_folder, .help = "migrate: take the files from DIR"},
    {"replace", .flag = &replace,
     .help = "import: chargers and meters that FILE does not name leave the grid; keys import:"
             " keys that are there may be replaced"},
    {"name", "NAME", .text = &token_name, .help = "token, pki sign: whose it is"},
    {"role", "ROLE", .text = &token_role, .help = "token: " TOKEN_ROLES},
    {"days", "DAYS", .text = &token_days,
     .help = "token, pki: how long it is good, 1 to 3660 or 36500"},
    {"revoke", .flag = &revoke, .help = "token: end the one of NAME now"},
    {"make-key", "FILE", .text = &seal.make_key,
     .help = "seal: make a key pair; FILE gets the private one, the public one is printed"},
    {"key", "FILE", .text = &seal.key,
     .help = "seal: private key; its public one is printed, or; retire: that of signed heads"},
    {"meter", "ID", .text = &seal.meter, .help = "seal: the message FILE is sealed for this one"},
    {"seq", "NUMBER", .text = &seal_seq,
     .help = "seal: greater than that of the message before; otherwise milliseconds since 1970"},
    {"before", "MONTH", .text = &retirement.before,
     .help = "retire: the first month of the audit trail that stays, as 2024-03"},
    {"dry-run", .flag = &tidy.dry, .help = "tidy: only say what would be done"},
    {"transformer", "ID", .text = &limit.transformer, .help = "limit: this transformer, or"},
    {"feeder", "ID", .text = &limit.feeder, .help = "limit: this feeder, or"},
    {"charger", "ID", .text = &limit.charger, .help = "limit, explain: this charger"},
    {"phase-w", "W", .text = &limit.phase_w,
     .help = "limit: what each phase of it may carry in all, or"},
    {"connection-w", "W", .text = &limit.connection_w,
     .help = "limit: what each connection there may draw"},
    {"hours", "HOURS", .text = &limit.hours, .help = "limit: how long, or"},
    {"until", "TIME", .text = &limit.until, .help = "limit: until when, RFC 3339"},
    {"reason", "TEXT", .text = &limit.reason, .help = "limit, release, pki revoke: why"},
    {"by", "NAME", .text = &limit.by, .help = "limit, release: who; otherwise who is logged in"},
    {"all", .flag = &limit.all, .help = "limits: those too that are over"},
    {"at", "TIME", .text = &explain.at, .help = "explain: then, RFC 3339; otherwise now"},
    {"json", .flag = &explain.json, .help = "explain: as JSON"},
    {"master", "FILE", .text = &master, .help = "keys: master key, in place of the setting"},
    {"former", "FILE", .text = &key_job.former, .help = "keys rotate: the one that it replaces"},
    {"skip", "NUMBER", .text = &key_job.skip,
     .help = "keys restored: by how much counters are lifted"},
    {"folder", "DIR", .text = &pki_job.folder, .help = "pki: in place of the setting"},
    {"server", "ADDRESSES", .text = &pki_job.server,
     .help = "pki issue, sign: for a server with these addresses, commas between them; otherwise"
             " for a client"},
    {"within", "DAYS", .text = &pki_job.within,
     .help = "pki list: what ends so soon is an alarm; otherwise 30"},
    {0},
};

static bool check(void)
{
    tidy.keep_months = retirement.keep_months;
    const char *fault = tidy_fault(&tidy);
    if (fault)
        fprintf(stderr, "%s\n", fault);
    return !fault;
}

static const struct program program = {
    .name = "socmod-admin",
    .purpose = "set up and register what the other programs work with",
    .version = VERSION,
    .settings = settings,
    .options = options,
    .check = check,
    .words = "migrate | import FILE | export [FILE] | token | seal [FILE] | limit | release NUMBER"
             " | limits | explain | retire | tidy |"
             " keys import FILE | keys list | keys rotate | keys restored | keys new-master FILE |"
             " pki init NAME | pki issue NAME | pki sign REQUEST | pki renew NAME |"
             " pki revoke NAME|SERIAL | pki crl | pki list",
};

static enum err run_migrate(struct db *db, char **words)
{
    (void)words;
    return migrate(db, sql_folder);
}

static enum err run_import(struct db *db, char **words)
{
    return grid_import(db, words[0], replace);
}

static enum err run_export(struct db *db, char **words)
{
    return grid_export(db, words[0]);
}

static enum err run_token(struct db *db, char **words)
{
    (void)words;
    if (revoke)
        return token_revoke(db, token_name);
    return token_make(db, token_name, token_role, strtoll(token_days, NULL, 10));
}

static enum err run_seal(struct db *db, char **words)
{
    (void)db;
    return seal_job_run(&seal, words[0] ? words[0] : "-");
}

static enum err run_retire(struct db *db, char **words)
{
    (void)words;
    return retire_run(db, &retirement);
}

static enum err run_tidy(struct db *db, char **words)
{
    (void)words;
    return tidy_run(db, &tidy);
}

static const char *retirement_fault(char **words)
{
    (void)words;
    retirement.key = seal.key;
    return retire_fault(&retirement);
}

static enum err run_limit(struct db *db, char **words)
{
    (void)words;
    return limit_job_set(db, &limit);
}

static enum err run_release(struct db *db, char **words)
{
    return limit_job_release(db, &limit, words[0]);
}

static enum err run_limits(struct db *db, char **words)
{
    (void)words;
    return limit_job_list(db, &limit);
}

static enum err run_explain(struct db *db, char **words)
{
    (void)words;
    return explain_job_run(db, &explain);
}

static const char *limit_fault(char **words)
{
    (void)words;
    return limit_job_fault(&limit);
}

static const char *release_fault(char **words)
{
    (void)words;
    return limit_job_release_fault(&limit);
}

static const char *explain_fault(char **words)
{
    (void)words;
    explain.charger = limit.charger;
    return explain_job_fault(&explain);
}

static enum err run_keys(struct db *db, char **words)
{
    (void)words;
    return key_job_run(&key_job, db);
}

static const char *keys_fault(char **words)
{
    key_job.verb = words[0];
    key_job.file = words[1];
    key_job.master = master ? master : master_file;
    key_job.replace = replace;
    return key_job_fault(&key_job);
}

static enum err run_pki(struct db *db, char **words)
{
    (void)words;
    return pki_job_run(&pki_job, db);
}

static const char *pki_fault(char **words)
{
    pki_job.verb = words[0];
    pki_job.word = words[1];
    if (!pki_job.folder)
        pki_job.folder = pki_folder;
    pki_job.passphrase_file = passphrase_file;
    pki_job.name = token_name;
    pki_job.days = token_days;
    pki_job.reason = limit.reason;
    pki_job.list_days = list_days;
    return pki_job_fault(&pki_job);
}

static const char *seal_fault(char **words)
{
    (void)words;
    if (!seal.make_key == !seal.key)
        return "either --make-key FILE or --key FILE must be given";
    if (seal.make_key && (seal.meter || seal_seq))
        return "--make-key takes no --meter and no --seq";
    if (seal.meter && (!*seal.meter || strlen(seal.meter) > SEAL_EQUIPMENT_MAX))
        return "--meter takes 1 to 100 characters";
    char *end;
    seal.seq = seal_seq ? strtoll(seal_seq, &end, 10) : 0;
    if (seal_seq && (seal.seq < 1 || seal.seq > LONG_MESSAGE_SEQ_MAX || *end))
        return "--seq must be 1 to 9007199254740991";
    return NULL;
}

static bool is_role(const char *word)
{
    char between[32];
    snprintf(between, sizeof between, " %.20s ", word);
    return *word && !strchr(word, ' ') && strstr(" " TOKEN_ROLES " ", between);
}

// Why the options given do not make a token, or NULL.
static const char *token_fault(char **words)
{
    (void)words;
    if (!token_name || !*token_name || strlen(token_name) > 64)
        return "--name NAME must be given, at most 64 octets";
    if (revoke)
        return token_role || token_days ? "--revoke takes no --role and no --days" : NULL;
    if (!token_role || !is_role(token_role))
        return "--role must be given: " TOKEN_ROLES;
    char *end;
    long days = token_days ? strtol(token_days, &end, 10) : 0;
    if (days < 1 || days > 3660 || *end)
        return "--days must be given: 1 to 3660";
    return NULL;
}

static const struct job {
    const char *word;
    int least, most; // further words
    enum err (*run)(struct db *db, char **words);
    const char *(*fault)(char **words); // of the options, or NULL
    bool is_offline;                    // needs no database
} jobs[] = {
    {"migrate", 0, 0, run_migrate, NULL, false},
    {"import", 1, 1, run_import, NULL, false},
    {"export", 0, 1, run_export, NULL, false},
    {"token", 0, 0, run_token, token_fault, false},
    {"seal", 0, 1, run_seal, seal_fault, true},
    {"keys", 1, 2, run_keys, keys_fault, false},
    {"pki", 1, 2, run_pki, pki_fault, false},
    {"retire", 0, 0, run_retire, retirement_fault, false},
    {"tidy", 0, 0, run_tidy, NULL, false},
    {"limit", 0, 0, run_limit, limit_fault, false},
    {"release", 1, 1, run_release, release_fault, false},
    {"limits", 0, 0, run_limits, NULL, false},
    {"explain", 0, 0, run_explain, explain_fault, false},
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
    const char *fault = job->fault ? job->fault(argv + first + 1) : NULL;
    if (fault) {
        fprintf(stderr, "%s: %s: %s\n", program.name, job->word, fault);
        return EXIT_USAGE;
    }
    bool is_offline = job->is_offline || (job->run == run_keys && key_job_is_offline(&key_job))
                      || (job->run == run_pki && !keeps_trail);
    struct db *db = is_offline ? NULL : db_new(connection, program.name);
    enum err err = db ? db_connect(db) : ERR_NONE;
    if (!err)
        err = job->run(db, argv + first + 1);
    db_free(db);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
