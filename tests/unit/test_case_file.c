// SPDX-License-Identifier: Apache-2.0

#include "services/planner/case_file.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FILES = 4, TEXT = 420 };
static const char *const names[FILES] = {"grid.json", "loads.csv", "sessions.csv", "case.ini"};

static const char *const good[FILES] = {
    "{\"name\":\"street\",\"timezone\":\"Europe/Amsterdam\",\n"
    " \"transformers\":[{\"id\":\"T1\",\"limit_w\":[9000,9000,null],\"feeders\":[\"F2\"]}],\n"
    " \"feeders\":[{\"id\":\"F1\",\"limit_w\":null},{\"id\":\"F2\",\"limit_w\":[5000,6000,7000]}],"
    "\n"
    " \"chargers\":[{\"id\":\"C1\",\"feeder\":\"F2\",\"phases\":\"231\",\"max_a\":16,\"floor_a\":6}"
    ",\n"
    "  {\"id\":\"C2\",\"feeder\":\"F1\",\"phases\":\"3\"}]}\n",
    "feeder,quarter,p_l1_w,p_l2_w,p_l3_w\n"
    "F2,2026-01-14T13:15:00Z,1,2,3\n"
    "F1,2026-01-14T14:00:00+01:00,10,20.4,\n"
    "F1,2026-01-14T13:30:00Z,11,-21,31\n",
    "charger,arrival,departure,energy_wh,phases,max_a\n"
    "C2,2026-01-14T13:40:00Z,2026-01-14T15:10:00Z,6500,3,\n"
    "C1,2026-01-14T14:40:00Z,2026-01-14T15:10:00Z,1000,31,10\n"
    "C1,2026-01-14T13:40:00Z,2026-01-14T14:10:00Z,6500.5,123,16\n",
    "[case]\nscore_from = 2026-01-14T13:15:00Z\nloss_percent = 5\ndelivery_s = 60\n"
    "charger_meters = no\nseed = 42\npolicies = none rule forecast\n",
};

// A folder of its own with the four files; one of them may be another text.
static void write_case(char folder[32], int other, const char *text)
{
    snprintf(folder, 32, "/tmp/case.XXXXXX");
    cr_assert(mkdtemp(folder));
    for (int i = 0; i < FILES; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        FILE *file = fopen(path, "w");
        cr_assert(file);
        fputs(i == other ? text : good[i], file);
        fclose(file);
    }
}

static void remove_case(const char *folder)
{
    for (int i = 0; i < FILES; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

Test(case_file, reads)
{
    char folder[32];
    write_case(folder, -1, NULL);
    struct replay_case *c = case_read(folder);
    remove_case(folder);
    cr_assert(c);
    cr_expect_str_eq(c->name, "street");
    cr_expect_eq(c->transformer_count, 2, "one of its own for F1");
    cr_expect(c->transformers[0].limited[1] && !c->transformers[0].limited[2]);
    cr_expect_eq(c->transformers[0].limit_w[1], 9000);
    cr_expect(!c->transformers[1].limited[0]);
    cr_expect_eq(c->feeder_count, 2);
    cr_expect_eq(c->feeders[0].above, 1);
    cr_expect_eq(c->feeders[1].above, 0);
    cr_expect(!c->feeders[0].limited[0]);
    cr_expect_eq(c->feeders[1].limit_w[2], 7000);

    cr_expect_eq(c->charger_count, 2);
    cr_expect_eq(c->chargers[0].feeder, 1);
    cr_expect_eq(c->chargers[0].grid_phase[0], 1);
    cr_expect_eq(c->chargers[0].grid_phase[2], 0);
    cr_expect_eq(c->chargers[0].floor_a, 6);
    cr_expect_eq(c->chargers[1].phase_count, 1);
    cr_expect_eq(c->chargers[1].max_a, 16, "unless told");

    cr_expect_eq(c->start, 1768395600, "13:00");
    cr_expect_eq(c->quarters, 3);
    cr_expect_eq(case_load(c, 0, 0)[1], 20);
    cr_expect_eq(case_load(c, 0, 0)[2], FACTS_UNKNOWN);
    cr_expect_eq(case_load(c, 1, 0)[0], FACTS_UNKNOWN);
    cr_expect_eq(case_load(c, 1, 1)[0], 1);
    cr_expect_eq(case_load(c, 2, 0)[1], -21);

    cr_expect_eq(c->session_count, 3);
    cr_expect_eq(c->chargers[0].first, 0);
    cr_expect_eq(c->chargers[0].count, 2);
    cr_expect_eq(c->chargers[1].first, 2);
    cr_expect_float_eq(c->sessions[0].energy_wh, 6500.5, 1e-9, "by arrival");
    cr_expect_eq(c->sessions[1].grid_phases, 5);
    cr_expect_eq(c->sessions[1].max_a, 10);
    cr_expect_eq(c->sessions[2].max_a, 16, "unless told");

    cr_expect_eq(c->score_from, 1768396500);
    cr_expect_float_eq(c->loss, 0.05, 1e-9);
    cr_expect_eq(c->delivery_s, 60);
    cr_expect(!c->charger_meters);
    cr_expect_eq(c->seed, 42);
    cr_expect(c->policies[CASE_RULE] && c->policies[CASE_NONE] && c->policies[CASE_FORECAST]);
    cr_expect(!c->policies[CASE_AIMD] && !c->policies[CASE_BOUND]);
    case_free(c);
}

// As spreadsheets write it, with columns that nobody asks for.
Test(case_file, reads_a_table_as_the_import_does)
{
    char folder[32];
    write_case(folder, 1,
               "\xef\xbb\xbf\"feeder\", quarter ,p_l1_w,u_l1_v,p_l2_w,p_l3_w\r\n"
               "\"F2\",2026-01-14T13:15:00Z, 1 ,230,\"2\",3\r\n\r\n"
               "F1,\"2026-01-14T13:15:00Z\",4,,5,\"\"\r\nF1,2026-01-14T13:30:00Z,4,,5,6");
    struct replay_case *c = case_read(folder);
    remove_case(folder);
    cr_assert(c);
    cr_expect_eq(case_load(c, 0, 1)[0], 1);
    cr_expect_eq(case_load(c, 0, 1)[1], 2);
    cr_expect_eq(case_load(c, 0, 1)[2], 3);
    cr_expect_eq(case_load(c, 0, 0)[1], 5);
    cr_expect_eq(case_load(c, 0, 0)[2], FACTS_UNKNOWN);
    cr_expect_eq(case_load(c, 1, 0)[2], 6);
    case_free(c);
}

struct bad {
    int file;
    char text[TEXT];
    char says[72]; // after the folder
};

#define GRID(feeders, chargers)                                                                    \
    "{\"transformers\":[{\"id\":\"T1\",\"feeders\":[\"F1\",\"F2\"]}],\"feeders\":[{\"id\":\"F1\"}" \
    "," feeders "],\"chargers\":[" chargers "]}"
#define LOADS(rows) "feeder,quarter,p_l1_w,p_l2_w,p_l3_w\n" rows
#define SESSIONS(rows) "charger,arrival,departure,energy_wh,phases,max_a\n" rows

ParameterizedTestParameters(case_file, refuses)
{
    static struct bad cases[] = {
        {0, "{\"name\":\n}", "grid.json:2: "},
        {0, "{\"feeders\":[{\"id\":\"F1\"}],\"chargers\":[]}",
         "grid.json: transformers: must be a list"},
        {0, GRID("{\"id\":\"F1\"}", ""), "grid.json: feeders[1].id: \"F1\" stands twice"},
        {0, GRID("{\"id\":\"F2\",\"limit_w\":[1,2]}", ""), "grid.json: feeders[1].limit_w: "},
        {0, GRID("{\"id\":\"F2\",\"limit_w\":[1,0,2]}", ""), "grid.json: feeders[1].limit_w[1]: "},
        {0, GRID("{\"id\":\"F2\",\"limit_w\":[1,2,0.4]}", ""),
         "grid.json: feeders[1].limit_w[2]: "},
        {0, GRID("{\"id\":\"F2\",\"limits_w\":[1,2,3]}", ""),
         "grid.json: feeders[1].limits_w: no such field"},
        {0,
         GRID("{\"id\":\"F2\"}", "{\"id\":\"C1\",\"feeder\":\"F2\",\"phases\":\"1\",\"max_A\":9}"),
         "grid.json: chargers[0].max_A: no such field"},
        {0, "{\"zone\":\"UTC\",\"feeders\":[],\"transformers\":[],\"chargers\":[]}",
         "grid.json: zone: no such field"},
        {0, "{\"timezone\":1,\"feeders\":[],\"transformers\":[],\"chargers\":[]}",
         "grid.json: timezone: must be a text"},
        {0, "{\"timezone\":\"Europe/Rome\",\"feeders\":[],\"transformers\":[],\"chargers\":[]}",
         "grid.json: timezone: \"Europe/Rome\" is not known"},
        {0, "{\"feeders\":[],\"transformers\":[],\"chargers\":[]}",
         "grid.json: feeders: there is none"},
        {0, GRID("{\"id\":\"F3\"}", ""), "grid.json: transformers[0].feeders[1]: is no feeder"},
        {0, GRID("{\"id\":\"F2\"}", "{\"id\":\"C1\",\"feeder\":\"F9\",\"phases\":\"1\"}"),
         "grid.json: chargers[0].feeder: is no feeder"},
        {0, GRID("{\"id\":\"F2\"}", "{\"id\":\"C1\",\"feeder\":\"F2\",\"phases\":\"11\"}"),
         "grid.json: chargers[0].phases: "},
        {0,
         GRID("{\"id\":\"F2\"}", "{\"id\":\"C1\",\"feeder\":\"F2\",\"phases\":\"1\",\"max_a\":-1}"),
         "grid.json: chargers[0].max_a: "},
        {1, "feeder,quarter,p_l1_w,p_l2_w\n", "loads.csv:1: there is no column \"p_l3_w\""},
        {1, "", "loads.csv: is empty"},
        {1, LOADS(""), "loads.csv: p_l1_w: feeder \"F1\" was never"},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,2,3\rF1,2026-01-14T13:15:00Z,1,2,3\n"),
         "loads.csv:2: p_l3_w: \"3\rF1\" is not a number"},
        {1, LOADS("F1,2000-12-31T23:45:00Z,1,2,3\n"),
         "loads.csv:2: quarter: \"2000-12-31T23:45:00Z\" is not in the years"},
        {1, LOADS("F1,2099-01-01T00:00:00Z,1,2,3\n"),
         "loads.csv:2: quarter: \"2099-01-01T00:00:00Z\" is not in the years"},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,2,3\nF9,2026-01-14T13:00:00Z,1,2,3\n"),
         "loads.csv:3: feeder: \"F9\""},
        {1, LOADS("F1,2026-01-14T13:00:00,1,2,3\n"), "loads.csv:2: quarter: "},
        {1, LOADS("F1,2026-01-14T13:05:00Z,1,2,3\n"), "loads.csv:2: quarter: "},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,x,3\n"), "loads.csv:2: p_l2_w: \"x\" is not a number"},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,2\n"), "loads.csv:2: p_l3_w: is missing"},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,2,nan\n"),
         "loads.csv:2: p_l3_w: \"nan\" is out of range"},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,2,3\nF1,2026-01-14T13:00:00Z,1,2,3\n"),
         "loads.csv:3: quarter: feeder \"F1\" has"},
        {1, LOADS("F1,2026-01-14T13:00:00Z,1,2,3\n"), "loads.csv: p_l1_w: feeder \"F2\" was never"},
        {1, LOADS("F1,2015-01-14T13:00:00Z,1,2,3\nF1,2026-01-14T13:00:00Z,1,2,3\n"),
         "loads.csv:3: quarter: \"2026-01-14T13:00:00Z\" is too far"},
        {2, SESSIONS("C9,2026-01-14T13:00:00Z,2026-01-14T14:00:00Z,1,1,\n"),
         "sessions.csv:2: charger: "},
        {2, SESSIONS("C2,2026-01-14T13:00:00Z,2026-01-14T12:00:00Z,1,3,\n"),
         "sessions.csv:2: departure: "},
        {2, SESSIONS("C2,2026-01-14T13:00:00Z,2026-01-14T14:00:00Z,-1,3,\n"),
         "sessions.csv:2: energy_wh: "},
        {2, SESSIONS("C2,2026-01-14T13:00:00Z,2026-01-14T14:00:00Z,1,1,\n"),
         "sessions.csv:2: phases: \"1\": charger \"C2\" is not on"},
        {2, SESSIONS("C2,2026-01-14T13:00:00Z,2026-01-14T14:00:00Z,1,4,\n"),
         "sessions.csv:2: phases: "},
        {2, SESSIONS("C2,2026-01-14T13:00:00Z,2026-01-14T14:00:00Z,1,3,x\n"),
         "sessions.csv:2: max_a: "},
        {3, "[case]\nseed = many\n", "case.ini:2: [case] seed: "},
        {3, "[case]\nsede = 3\n", "case.ini:2: [case] sede: no such setting"},
        {3, "[case]\nloss_percent = 101\n", "case.ini:2: [case] loss_percent: "},
        {3, "[case]\nscore_from = 2026-02-01T00:00:00Z\n", "case.ini: score_from: "},
        {3, "[case]\nscore_from = noon\n", "case.ini: score_from: "},
        {3, "[case]\npolicies =\n", "case.ini: policies: there is none"},
        {3, "[case]\npolicies = none best\n", "case.ini: policies: \"best\""},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, case_file, refuses)
{
    char folder[32];
    write_case(folder, c->file, c->text);
    cr_redirect_stderr();
    struct replay_case *read = case_read(folder);
    remove_case(folder);
    cr_expect(!read, "%s: %s", names[c->file], c->says);
    case_free(read);
    fflush(stderr);
    char told[512] = "", wanted[128];
    FILE *file = cr_get_redirected_stderr();
    size_t len = fread(told, 1, sizeof told - 1, file);
    told[len] = '\0';
    snprintf(wanted, sizeof wanted, "%s/%s", folder, c->says);
    cr_expect(!strncmp(told, wanted, strlen(wanted)), "wanted \"%s\", got \"%s\"", wanted, told);
    const char *end = strchr(told, '\n');
    cr_expect(end && !end[1], "one line for one fault: %s", told);
}
