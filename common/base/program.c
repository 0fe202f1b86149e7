// SPDX-License-Identifier: Apache-2.0

#include "base/program.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "base/secret.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *program_clock_hands;

enum { MAX_OPTIONS = 40, COMMON = 6 };

static const struct option common[COMMON] = {
    {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
    {"print-sample", no_argument, NULL, 'p'}, {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},         {"version", no_argument, NULL, 'V'},
};

static void print_help(const struct program *program)
{
    printf("%s: %s\n\nusage: %s [OPTION...]%s%s\n\n", program->name, program->purpose,
           program->name, program->words ? " " : "", program->words ? program->words : "");
    for (const struct program_option *o = program->options; o && o->name; o++) {
        char *shown = memory_format("--%s%s%s%s", o->name,
                                    !o->argument  ? ""
                                    : o->optional ? " ["
                                                  : " ",
                                    o->argument ? o->argument : "", o->optional ? "]" : "");
        printf("  %-24s %s\n", shown, o->help);
        free(shown);
    }
    if (program->settings)
        printf("  --config FILE            settings; otherwise /etc/socmod/%s.ini where it exists\n"
               "  --check                  check the settings and stop\n"
               "  --print-sample           print a settings file with every default and stop\n",
               program->name);
    printf("  --verbose                log more\n"
           "  --help, --version        tell and stop\n\n"
           "Exit status: 0 done, 1 failure, 2 usage, 78 settings.\n");
}

static _Noreturn void refuse_usage(const struct program *program)
{
    fprintf(stderr, "%s: see %s --help\n", program->name, program->name);
    exit(EXIT_USAGE);
}

static void take_option(const struct program_option *option, int argc, char **argv)
{
    if (option->flag)
        *option->flag = true;
    // getopt takes an optional argument only after '='; we also take the next word.
    const char *given = optarg;
    if (option->optional && !given && optind < argc && argv[optind][0] != '-')
        given = argv[optind++];
    if (option->text && given)
        *option->text = given;
}

static void read_settings(const struct program *program, const char *path)
{
    config_defaults(program->settings);
    char *usual = memory_format("/etc/socmod/%s.ini", program->name);
    if (!path && access(usual, F_OK) == 0)
        path = usual;
    enum err err = config_read(path, program->settings);
    if (!err && program_clock_hands && clock_set_hands(program_clock_hands)) {
        fprintf(stderr, "%s: [clock] hands: \"%s\" is not a time, a real second and a rate\n", path,
                program_clock_hands);
        err = ERR_SYNTAX;
    }
    free(usual);
    if (err || (program->check && !program->check()))
        exit(EXIT_SETTINGS);
}

int program_start(const struct program *program, int argc, char **argv)
{
    secret_guard_process();
    metric_program(program->name, program->version);
    struct option options[MAX_OPTIONS + COMMON + 1] = {0};
    memcpy(options, common, sizeof common);
    int count = COMMON;
    for (const struct program_option *o = program->options; o && o->name; o++)
        options[count++] = (struct option){o->name,
                                           !o->argument  ? no_argument
                                           : o->optional ? optional_argument
                                                         : required_argument,
                                           NULL, 256 + (int)(o - program->options)};

    const char *path = NULL;
    bool check = false, sample = false;
    for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (letter == 'h') {
            print_help(program);
            exit(EXIT_SUCCESS);
        } else if (letter == 'V') {
            printf("%s %s\n", program->name, program->version);
            exit(EXIT_SUCCESS);
        } else if (letter == 'v') {
            log_set_level(LOG_DEBUG);
        } else if (letter == 'c' && program->settings) {
            path = optarg;
        } else if (letter == 'k' && program->settings) {
            check = true;
        } else if (letter == 'p' && program->settings) {
            sample = true;
        } else if (letter >= 256 && program->options) {
            take_option(&program->options[letter - 256], argc, argv);
        } else {
            refuse_usage(program);
        }
    }
    if (optind < argc && !program->words) {
        fprintf(stderr, "%s: what is \"%s\"?\n", program->name, argv[optind]);
        refuse_usage(program);
    }
    if (sample) {
        config_print_sample(program->settings, stdout);
        exit(EXIT_SUCCESS);
    }
    bool needed = !program->needs_no_settings || !program->needs_no_settings();
    if (program->settings && (needed || path || check))
        read_settings(program, path);
    if (check)
        exit(EXIT_SUCCESS);
    if (program_clock_hands && *program_clock_hands)
        log_warn("clock.not_real", F("hands", program_clock_hands));
    return optind;
}
