// SPDX-License-Identifier: Apache-2.0

#include "services/admin/grid_file.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// What the reader gave, a line each: "kind|field|field" or "? kind id: place".
struct got {
    char text[4096];
    size_t len;
};

static void put(struct got *got, const char *text)
{
    got->len += (size_t)snprintf(got->text + got->len, sizeof got->text - got->len, "%s", text);
}

static void on_row(void *arg, enum grid_kind kind, const char *const fields[GRID_FIELDS])
{
    put(arg, grid_kind_name(kind));
    for (int i = 0; i < GRID_FIELDS; i++) {
        put(arg, "|");
        put(arg, fields[i] ? fields[i] : "-");
    }
    put(arg, "\n");
}

static void on_elsewhere(void *arg, enum grid_kind kind, const char *id, const char *place)
{
    put(arg, "? ");
    put(arg, grid_kind_name(kind));
    put(arg, " ");
    put(arg, id);
    put(arg, ": ");
    put(arg, place);
    put(arg, "\n");
}

static void read_grid(const char *text, struct got *got, struct findings *findings)
{
    // No terminator: the length alone says where the text ends.
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    for (size_t i = 0; i < len; i++)
        copy[i] = text[i];
    const struct grid_sink sink = {got, on_row, on_elsewhere};
    grid_file_read("g", copy, len, &sink, findings);
    free(copy);
}

Test(grid_file, gives_every_object_with_its_defaults)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid(
        "{\"transformers\":[{\"id\":\"T1\",\"name\":\"Zuid \\\"7\\\"\",\"limit_w\":[1,2,3]},"
        "{\"id\":\"T2\",\"limit_w\":null}],\n"
        "\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"}],\n"
        "\"connections\":[{\"ean\":\"871687120000000011\",\"feeder\":\"F1\","
        "\"phases\":\"231\",\"contract_w\":11040,\"floor_w\":4140,\"weight\":0.1},"
        "{\"ean\":\"871687120000000012\",\"feeder\":\"F1\",\"phases\":\"2\","
        "\"contract_w\":3680}],\n"
        "\"meters\":[{\"equipment_id\":\"E1\",\"connection\":\"871687120000000011\","
        "\"route\":\"head-end\",\"head_end\":\"HE1\"}],\n"
        "\"chargers\":[{\"id\":\"C1\",\"connection\":\"871687120000000011\",\"max_a\":16}]}\n",
        &got, &findings);
    cr_expect_eq(findings.count, 0, "%s", findings.text[0]);
    cr_expect_str_eq(got.text, "transformer|T1|Zuid \"7\"|{1,2,3}|-|-|-|-|-|-\n"
                               "transformer|T2||-|-|-|-|-|-|-\n"
                               "feeder|F1|T1|-|-|-|-|-|-|-\n"
                               "connection|871687120000000011|F1|231|11040|4140|0.1|-|-|-\n"
                               "connection|871687120000000012|F1|2|3680|0|1|-|-|-\n"
                               "meter|E1|871687120000000011|head-end|HE1|-|5|3600|-|smr5\n"
                               "charger|C1|871687120000000011||16|-|-|-|-|-\n");
}

Test(grid_file, takes_the_lists_in_any_order)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid("{\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"}], \"meters\":[ ],\n"
              "\"transformers\":[{\"id\":\"T1\"}]}",
              &got, &findings);
    cr_expect_eq(findings.count, 0);
    cr_expect_str_eq(got.text, "feeder|F1|T1|-|-|-|-|-|-|-\ntransformer|T1||-|-|-|-|-|-|-\n");
}

Test(grid_file, asks_for_what_is_not_in_the_file)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid("{\"feeders\":[{\"id\":\"F1\",\n\n\"transformer\":\"T9\"}]}", &got, &findings);
    cr_expect_eq(findings.count, 0);
    cr_expect_str_eq(got.text, "feeder|F1|T9|-|-|-|-|-|-|-\n"
                               "? transformer T9: g:3: feeder F1: transformer\n");
}

Test(grid_file, asks_nothing_when_it_could_not_read_to_the_end)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid("{\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"}],\"transformers\":[", &got,
              &findings);
    cr_expect_eq(findings.count, 1);
    cr_expect_null(strchr(got.text, '?'), "T1 may stand behind: %s", got.text);
    findings_clear(&findings);
}

struct bad {
    char text[240];
    char finding[160]; // the only one
};

#define CONNECTION "{\"connections\":[{\"ean\":\"871687120000000011\",\"feeder\":\"F1\","
#define METER "{\"meters\":[{\"equipment_id\":\"E1\",\"connection\":\"871687120000000011\","

ParameterizedTestParameters(grid_file, refuses)
{
    static struct bad cases[] = {
        // values
        {"{\"transformers\":[{\"id\":\"T1\",\n\"limit_w\":[1,-1,3]}]}",
         "g:2: transformer T1: limit_w: [1,-1,3] is negative (0 to 2147483647)"},
        {"{\"transformers\":[{\"id\":\"T1\",\"limit_w\":[1,2]}]}",
         "g:1: transformer T1: limit_w: [1,2] is not a list of three numbers, W per grid phase "
         "(0 to 2147483647)"},
        {"{\"transformers\":[{\"id\":\"T1\",\"limit_w\":[1,2,2147483648]}]}",
         "g:1: transformer T1: limit_w: [1,2,2147483648] is out of range (0 to 2147483647)"},
        {"{\"transformers\":[\n{\"id\":\"T1\"},\n{\"id\":\"T1\"}]}",
         "g:3: transformer T1: id: stands already in line 2"},
        {"{\"transformers\":[{\"id\":\"T/1\"}]}",
         "g:1: transformer: id: \"T/1\" is no identifier: 1 to 64 letters, digits, dots, dashes "
         "and underscores, first a letter or digit"},
        {"{\"transformers\":[{\"name\":\"x\"}]}", "g:1: transformer: id: must be given"},
        {"{\"transformers\":[{\"id\":null}]}",
         "g:1: transformer: id: null is not a text in quotes"},
        {"{\"transformers\":[{\"id\":7}]}", "g:1: transformer: id: 7 is not a text in quotes"},
        {"{\"transformers\":[{\"id\":\"T1\",\"name\":\"}{,\\\"id\\\":\",\n\"x\":1}]}",
         "g:2: transformer T1: x: no such field"},
        {"{\"transformers\":[{\"id\":\"T1\",\"x\":{\n\"id\":1}}]}",
         "g:1: transformer T1: x: no such field"},
        {CONNECTION "\n\"phases\":\"124\",\"contract_w\":1}]}",
         "g:2: connection 871687120000000011: phases: \"124\" is not one of the values allowed "
         "(1 2 3 12 21 13 31 23 32 123 231 312 132 213 321)"},
        {CONNECTION "\"phases\":\"1 2\",\"contract_w\":1}]}",
         "g:1: connection 871687120000000011: phases: \"1 2\" is not one of the values allowed "
         "(1 2 3 12 21 13 31 23 32 123 231 312 132 213 321)"},
        {CONNECTION "\"phases\":\"1\",\"contract_w\":0}]}",
         "g:1: connection 871687120000000011: contract_w: 0 is out of range (1 to 2147483647)"},
        {CONNECTION "\"phases\":\"1\",\"contract_w\":-5}]}",
         "g:1: connection 871687120000000011: contract_w: -5 is negative (1 to 2147483647)"},
        {CONNECTION "\"phases\":\"1\",\"contract_w\":10.5}]}",
         "g:1: connection 871687120000000011: contract_w: 10.5 is not a whole number "
         "(1 to 2147483647)"},
        {CONNECTION "\"phases\":\"1\",\"contract_w\":10,\n\"floor_w\":11}]}",
         "g:2: connection 871687120000000011: floor_w: is above contract_w"},
        {CONNECTION "\"phases\":\"1\",\"contract_w\":10,\"weight\":0}]}",
         "g:1: connection 871687120000000011: weight: 0 is out of range (0.001 to 1000)"},
        {"{\"connections\":[{\"ean\":\"87168712000000001\",\"feeder\":\"F1\",\"phases\":\"1\","
         "\"contract_w\":1}]}",
         "g:1: connection: ean: \"87168712000000001\" is not 18 digits"},
        {METER "\"route\":\"head-end\"}]}",
         "g:1: meter E1: head_end: must be given for this route"},
        {METER "\"route\":\"dlms\"}]}", "g:1: meter E1: address: must be given for this route"},
        {METER "\"route\":\"post\"}]}",
         "g:1: meter E1: route: \"post\" is not one of the values allowed (head-end dlms)"},
        {METER "\"route\":\"dlms\",\"address\":\"a:1\"},\n{\"equipment_id\":\"E2\",\n"
               "\"connection\":\"871687120000000011\",\"route\":\"dlms\",\"address\":\"a:2\"}]}",
         "g:3: meter E2: connection: has a meter already, in line 1"},
        {"{\"chargers\":[{\"id\":\"C1\",\"connection\":\"871687120000000011\",\"max_a\":\"16\"}]}",
         "g:1: charger C1: max_a: \"16\" is not a number (0.1 to 1000)"},
        // lists
        {"{\n\"poles\":[{}]}", "g:2: \"poles\": no such list"},
        {"{\"feeders\":[],\n\"feeders\":[]}", "g:2: \"feeders\": stands twice"},
        {"{\"feeders\":[\n17]}", "g:2: feeders: each must be an object"},
        // no JSON
        {"", "g:1:1: no JSON: { expected, but the file ends"},
        {"\n\n  [", "g:3:3: no JSON: { expected"},
        {"{\"feeders\":{}}", "g:1:12: no JSON: [ expected"},
        {"{\"feeders\":[]", "g:1:14: no JSON: one of ,} expected, but the file ends"},
        {"{\"feeders\":[]}\n x", "g:2:2: no JSON: more behind its end"},
        {"{feeders:[]}", "g:1:2: no JSON: \" expected"},
        {"{\"chargers\":[\n {\"id\" 7}]}", "g:2:8: no JSON: ':' expected near '7'"},
        {"{\"chargers\":[{\n\"id\":\"a\",\n\"id\":\"b\"}]}",
         "g:3:4: no JSON: duplicate object key near '\"id\"'"},
        {"{\"chargers\":[{\"id\":\"\xff\"}]}",
         "g:1:20: no JSON: unable to decode byte 0xff near '\"'"},
        {"{\"chargers\":[{\"id\":\"a\\u0000b\"}]}",
         "g:1:29: no JSON: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"a\\u0000b\"'"},
        {"{\"chargers\":[{\"id\":\"a\",\"connection\":\"871687120000000011\",\"max_a\":1},]}",
         "g:1:69: no JSON: unexpected token near ']'"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, grid_file, refuses)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid(c->text, &got, &findings);
    cr_expect_eq(findings.count, 1, "%zu findings in %s", findings.count, c->text);
    cr_expect_str_eq(findings.count ? findings.text[0] : "", c->finding);
    findings_clear(&findings);
}

Test(grid_file, finds_the_line_of_a_field_and_not_of_its_namesakes)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid("{\"chargers\":[{\"x\":{\"max_a\":1},\n\"kind\":\"max_a\",\n"
              "\"y\":[{\"max_a\":[]}, \"\\\"max_a\"],\n\"id\":\"C1\",\n\"max_a\" \n:-1}]}",
              &got, &findings);
    cr_assert_eq(findings.count, 4);
    cr_expect_str_eq(findings.text[1], "g:5: charger C1: max_a: -1 is negative (0.1 to 1000)");
    cr_expect_str_eq(findings.text[3], "g:3: charger C1: y: no such field");
    findings_clear(&findings);
}

Test(grid_file, tells_all_that_is_wrong)
{
    struct got got = {0};
    struct findings findings = {0};
    read_grid("{\"chargers\":[\n{\"id\":\"a b\",\"max_a\":-1},\n{\"id\":\"C1\"},\n"
              "{\"id\":\"C2\",\"connection\":\"871687120000000011\",\"max_a\":1}]}",
              &got, &findings);
    cr_expect_eq(findings.count, 5);
    cr_expect_str_eq(got.text, "charger|C2|871687120000000011||1|-|-|-|-|-\n"
                               "? connection 871687120000000011: g:4: charger C2: connection\n");
    findings_clear(&findings);
}
