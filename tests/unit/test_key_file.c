// SPDX-License-Identifier: Apache-2.0

#include "services/admin/key_file.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define KEY "00112233445566778899aabbccddeeff"
#define OTHER_KEY "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
#define TITLE "4d4d4d0000bc614e"
#define HEAD "equipment_id,encryption_key,authentication_key,client_title"
#define ROW "E1," KEY "," OTHER_KEY "," TITLE
#define OBJECT                                                                                     \
    "\"equipment_id\":\"E1\",\"encryption_key\":\"" KEY "\",\"authentication_key\":\"" OTHER_KEY   \
    "\",\"client_title\":\"" TITLE "\""

struct taken {
    int count;
    struct key_row last;
};

static void on_row(void *arg, const struct key_row *row)
{
    struct taken *taken = arg;
    taken->count++;
    taken->last = *row;
}

struct text {
    char text[800];
    char said[300]; // findings, each with a line break; or the row
    int rows;
    char why[48];
};

ParameterizedTestParameters(key_file, reads)
{
    static struct text texts[] = {
        {HEAD "\n" ROW "\n", "1 E1 00 df 4d - 0 0 0", 1, "the least"},
        {HEAD "\r\n" ROW, "1 E1 00 df 4d - 0 0 0", 1, "as Windows writes it"},
        {"\xef\xbb\xbf" HEAD "\n\n" ROW "\n\n", "2 E1 00 df 4d - 0 0 0", 1, "with a mark"},
        {" counter , \"client_sap\",server_sap,meter_title," HEAD "\n4294967295,65535,2," TITLE
         "," ROW,
         "1 E1 00 df 4d 4d 65535 2 4294967295", 1, "every column, in another order"},
        {"counter,client_sap,meter_title," HEAD "\n,,\"\"," ROW, "1 E1 00 df 4d - 0 0 0", 1,
         "nothing is as good as left out"},
        {"[{" OBJECT "}]", "0 E1 00 df 4d - 0 0 0", 1, "JSON"},
        {"\n[\n\n {" OBJECT ",\n\"counter\":7,\"meter_title\":\"" TITLE
         "\",\"client_sap\":null} ] \n",
         "3 E1 00 df 4d 4d 0 0 7", 1, "JSON over lines"},
        {"[]", "", 0, "an empty list"},
    };
    return cr_make_param_array(struct text, texts, COUNT(texts));
}

ParameterizedTest(struct text *c, key_file, reads)
{
    struct findings findings = {0};
    struct taken taken = {0};
    const struct key_sink sink = {&taken, on_row};
    key_file_read("f", c->text, strlen(c->text), &sink, &findings);
    cr_assert_eq(findings.count, 0, "%s: %s", c->why, findings.text[0]);
    cr_expect_eq(taken.count, c->rows);
    const struct key_row *row = &taken.last;
    char said[200], title[4] = "-";
    if (row->has_meter_title)
        snprintf(title, sizeof title, "%02x", row->meter_title[0]);
    snprintf(said, sizeof said, "%d %s %02x %02x %02x %s %d %d %jd", row->line - 1,
             row->equipment_id, row->keys.encryption[0], row->keys.authentication[15],
             row->client_title[0], title, row->client_sap, row->server_sap, (intmax_t)row->counter);
    if (taken.count)
        cr_expect_str_eq(said, c->said, "%s: %s", c->why, said);
}

ParameterizedTestParameters(key_file, refuses)
{
    static struct text texts[] = {
        {"", "f:1: holds no keys\n", 0, "nothing"},
        {" \n\t", "f:1: holds no keys\n", 0, "blanks"},
        {ROW "\n",
         "f:1: column 1: its name is not known; they are equipment_id, encryption_key,"
         " authentication_key, client_title, meter_title, client_sap, server_sap, counter\n",
         0, "no names"},
        {HEAD ",counter,counter\n",
         "f:1: column 6: its name stands there twice; they are equipment_id, encryption_key,"
         " authentication_key, client_title, meter_title, client_sap, server_sap, counter\n",
         0, "a name twice"},
        {"equipment_id,encryption_key\nE1," KEY,
         "f:2: authentication_key: must be given\nf:2: client_title: must be given\n", 0,
         "columns that are missing"},
        {HEAD "\n" ROW ",\n", "f:2: has another number of columns than the first line\n", 0,
         "a value too many"},
        {HEAD "\n" KEY ",E1," OTHER_KEY "," TITLE "\n",
         "f:2: encryption_key: is not 32 hex digits\n", 0, "columns mixed up"},
        {HEAD "\n" ROW "\n" ROW "\n", "f:3: equipment_id: stands already in line 2\n", 1, "twice"},
        {"client_sap," HEAD "\n0," ROW "\n-1," ROW "\n65536," ROW,
         "f:2: client_sap: is not 1 to 65535\nf:3: client_sap: is not 1 to 65535\n"
         "f:4: client_sap: is not 1 to 65535\n",
         0, "no SAP"},
        {"counter," HEAD "\n4294967296," ROW "\n99999999999999999999," ROW "\n1e3," ROW,
         "f:2: counter: is not 0 to 4294967295\nf:3: counter: is not 0 to 4294967295\n"
         "f:4: counter: is not 0 to 4294967295\n",
         0, "no counter"},
        {"[{" OBJECT "},\n{" OBJECT "}]", "f:2: equipment_id: stands already in line 1\n", 1,
         "twice in JSON"},
        {"[{" OBJECT ",\"kek\":\"" KEY "\"}]",
         "f:1: has a field of no known name; they are equipment_id, encryption_key,"
         " authentication_key, client_title, meter_title, client_sap, server_sap, counter\n",
         0, "a field too many"},
        {"[{" OBJECT ",\"counter\":1.5}]", "f:1: counter: is not 0 to 4294967295\n", 0,
         "no whole number"},
        {"[{" OBJECT ",\"client_sap\":\"1\"}]", "f:1: client_sap: is not 1 to 65535\n", 0,
         "a number as text"},
        {"[{\"equipment_id\":null}]",
         "f:1: equipment_id: must be given\nf:1: encryption_key: must be given\n"
         "f:1: authentication_key: must be given\nf:1: client_title: must be given\n",
         0, "null"},
        {"[{" OBJECT "}\n,\n{\"" KEY "\"}]", "f:3: is no JSON, or a field stands there twice\n", 1,
         "broken JSON"},
        {"[[1]]", "f:1: is no object\n", 0, "a list"},
        {"[{" OBJECT "}", "f:1: a comma or the end of the list is expected\n", 1, "broken off"},
        {"[{" OBJECT "}]]", "f:1: something stands behind the list\n", 1, "too much"},
    };
    return cr_make_param_array(struct text, texts, COUNT(texts));
}

ParameterizedTest(struct text *c, key_file, refuses)
{
    struct findings findings = {0};
    struct taken taken = {0};
    const struct key_sink sink = {&taken, on_row};
    char said[1000] = "";
    key_file_read("f", c->text, strlen(c->text), &sink, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        strncat(said, findings.text[i], sizeof said - strlen(said) - 1);
        strncat(said, "\n", sizeof said - strlen(said) - 1);
    }
    cr_expect_str_eq(said, c->said, "%s: %s", c->why, said);
    cr_expect_eq(taken.count, c->rows, "%s: %d rows", c->why, taken.count);
    cr_expect_null(strstr(said, "0011"), "%s: a key was shown", c->why);
    findings_clear(&findings);
}
