// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/street.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define TOP                                                                                        \
    "{\"transformers\":[{\"id\":\"T1\"}],"                                                         \
    "\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"},{\"id\":\"F2\",\"transformer\":\"T1\"}],"
#define CONNECTIONS                                                                                \
    "\"connections\":[{\"ean\":\"871687120000000011\",\"feeder\":\"F2\",\"phases\":\"231\"},"      \
    "{\"ean\":\"871687120000000028\",\"feeder\":\"F1\",\"phases\":\"2\"}],"
#define METERS                                                                                     \
    "\"meters\":[{\"equipment_id\":\"E1\",\"connection\":\"871687120000000028\","                  \
    "\"route\":\"head-end\",\"head_end\":\"HE1\",\"dsmr\":\"4\"},"                                 \
    "{\"equipment_id\":\"E2\",\"connection\":\"871687120000000011\",\"route\":\"dlms\"}],"
#define CHARGERS                                                                                   \
    "\"chargers\":[{\"id\":\"C01\",\"connection\":\"871687120000000011\",\"max_a\":16}]}"

Test(street, reads)
{
    const char *text = TOP CONNECTIONS METERS CHARGERS;
    struct street *street = street_parse("test", text, strlen(text));
    cr_assert_not_null(street);
    cr_assert_eq(street->feeder_count, 2);
    cr_assert_eq(street->connection_count, 2);
    cr_assert_eq(street->meter_count, 2);
    cr_assert_eq(street->charger_count, 1);
    cr_expect_str_eq(street->feeders[1].transformer, "T1");
    cr_expect_eq(street->connections[0].feeder, 1);
    cr_expect_eq(street->connections[0].phase_count, 3);
    cr_expect_eq(street->connections[0].phases[0], 1, "behind L1 is grid phase 2");
    cr_expect_eq(street->connections[0].phases[2], 0, "behind L3 is grid phase 1");
    cr_expect_eq(street->connections[1].phase_count, 1);
    cr_expect(street->meters[0].dsmr4);
    cr_expect_str_eq(street->meters[0].head_end, "HE1");
    cr_expect_not(street->meters[1].dsmr4, "5 where nothing is said");
    cr_expect_null(street->meters[1].head_end, "another route");
    cr_expect_eq(street->chargers[0].max_ma, 16000);
    cr_expect_eq(street_find_meter(street, "E2"), 1);
    cr_expect_eq(street_find_charger(street, "C02"), 1, "none: the count");
    street_free(street);
}

struct bad {
    char text[1024];
    char complaint[128];
};

ParameterizedTestParameters(street, refuses_and_names_the_place)
{
    static struct bad cases[] = {
        {"{\n\"feeders\":[,]}", "test:2:"},
        {"{\"transformers\":[]}", "test: \"feeders\" must be a list"},
        {"{\"transformers\":[],\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T9\"}],"
         "\"connections\":[],\"meters\":[],\"chargers\":[]}",
         "test: feeders[0]: no transformer \"T9\""},
        {TOP "\"connections\":[{\"ean\":\"1\",\"feeder\":\"F9\",\"phases\":\"1\"}],"
             "\"meters\":[],\"chargers\":[]}",
         "test: connections[0]: no feeder \"F9\""},
        {TOP "\"connections\":[{\"ean\":\"1\",\"feeder\":\"F1\",\"phases\":\"121\"}],"
             "\"meters\":[],\"chargers\":[]}",
         "test: connections[0]: \"phases\" must"},
        {TOP "\"connections\":[{\"ean\":\"1\",\"feeder\":\"F1\",\"phases\":\"1\"},"
             "{\"ean\":\"1\",\"feeder\":\"F1\",\"phases\":\"1\"}],\"meters\":[],\"chargers\":[]}",
         "test: connections[1]: connection \"1\" was there before"},
        {TOP CONNECTIONS "\"meters\":[{\"equipment_id\":\"../E1\"}],\"chargers\":[]}",
         "test: meters[0]: \"equipment_id\" must"},
        {TOP CONNECTIONS METERS "\"chargers\":[{\"id\":\"C1\",\"connection\":\"7\",\"max_a\":16}]}",
         "test: chargers[0]: no connection \"7\""},
        {TOP CONNECTIONS METERS
         "\"chargers\":[{\"id\":\"C1\",\"connection\":\"871687120000000011\",\"max_a\":-1}]}",
         "test: chargers[0]: \"max_a\" must"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, street, refuses_and_names_the_place, .init = cr_redirect_stderr)
{
    cr_expect_null(street_parse("test", c->text, strlen(c->text)));
    fflush(stderr);
    char told[256] = "";
    FILE *redirected = cr_get_redirected_stderr();
    if (!fgets(told, sizeof told, redirected))
        told[0] = '\0';
    cr_expect_eq(strncmp(told, c->complaint, strlen(c->complaint)), 0, "wanted %s, got %s",
                 c->complaint, told);
}
