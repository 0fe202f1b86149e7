// SPDX-License-Identifier: Apache-2.0

#include "gateway/settings_patch.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct request {
    char text[160];
    enum err err;
    char why[100]; // or the file that it makes
};

ParameterizedTestParameters(settings_patch, reads_a_request)
{
    static struct request cases[] = {
        {"{\"MQTT\":{\"Site\":\"site-new\"}}", ERR_NONE, "[metering]\nsite = site-new\n"},
        {"{\"MeterType\":\"countis-e2x\",\"MQTT\":{\"Broker\":\"mqtt://b:1\",\"Username\":\"u\"}}",
         ERR_NONE, "[meter_server]\ntype = countis-e2x\n[mqtt]\nbroker = mqtt://b:1\nuser = u\n"},
        {"{}", ERR_NONE, ""},
        {"{\"MQTT\":{\"Site\":\"\"}}", ERR_NONE, "[metering]\nsite = \n"},
        {"", ERR_SYNTAX, ""},
        {"[]", ERR_SYNTAX, "no object"},
        {"{\"MQTT\":{\"Site\":\"a\"},\"MQTT\":{}}", ERR_SYNTAX, ""},
        {"{\"Limit\":{\"contract_w\":99999}}", ERR_RANGE,
         "Limit.contract_w: cannot be changed here"},
        {"{\"Fixed\":{\"contract_w\":99999}}", ERR_RANGE,
         "Fixed.contract_w: cannot be changed here"},
        {"{\"Fixed\":{\"sealed\":false}}", ERR_RANGE, "Fixed.sealed: cannot be changed here"},
        {"{\"seal\":{\"key_1\":\"\"}}", ERR_RANGE, "seal.key_1: cannot be changed here"},
        {"{\"limit\":\"\"}", ERR_RANGE, "limit: cannot be changed here"},
        {"{\"Ethernet\":{\"IpMode\":\"DHCP\"}}", ERR_RANGE,
         "Ethernet.IpMode: cannot be changed here"},
        {"{\"MQTT\":{\"password_file\":\"/etc/shadow\"}}", ERR_RANGE,
         "MQTT.password_file: cannot be changed here"},
        {"{\"MQTT\":{\"Site\":7}}", ERR_RANGE, "MQTT.Site: is no text"},
        {"{\"MQTT\":{\"Site\":\"a/b\"}}", ERR_RANGE, "MQTT.Site: has one of / + #"},
        {"{\"MQTT\":{\"Site\":\"a\\n[limit]\\ncontract_w = 99999\"}}", ERR_RANGE,
         "MQTT.Site: has a control character or a semicolon"},
        {"{\"MQTT\":{\"Username\":\"a ;b\"}}", ERR_RANGE,
         "MQTT.Username: has a control character or a semicolon"},
        {"{\"MQTT\":{\"Username\":\" a\"}}", ERR_RANGE,
         "MQTT.Username: begins or ends with a blank"},
        {"{\"MeterType\":\"../x\"}", ERR_RANGE, "MeterType: is not the name of a meter"},
        {"{\"MQTT\":{\"Site\":{\"a\":1}}}", ERR_RANGE, "MQTT.Site: is no text"},
    };
    return cr_make_param_array(struct request, cases, COUNT(cases));
}

ParameterizedTest(struct request *c, settings_patch, reads_a_request)
{
    struct settings_patch patch = {0};
    char *password = NULL, why[SETTINGS_PATCH_WHY] = "";
    enum err err = settings_patch_read(c->text, strlen(c->text), &patch, &password, why);
    cr_expect_eq(err, c->err, "%s: %s", c->text, err_name(err));
    if (err) {
        cr_expect(!*c->why || !strcmp(why, c->why), "%s: %s", c->text, why);
        cr_expect_null(patch.site);
        return;
    }
    char *file = settings_patch_text(&patch);
    cr_expect_str_eq(strchr(file, '\n') + 1, c->why, "%s", c->text);
    free(file);
    settings_patch_clear(&patch);
}

Test(settings_patch, takes_a_password_apart)
{
    static const char text[] = "{\"MQTT\":{\"Password\":\"s3cret\"}}";
    struct settings_patch patch = {0};
    char *password = NULL, why[SETTINGS_PATCH_WHY];
    cr_assert_eq(settings_patch_read(text, strlen(text), &patch, &password, why), ERR_NONE);
    cr_expect_str_eq(password, "s3cret");
    cr_expect_null(patch.password_file);
    free(password);
}

struct pair {
    char meter_type[2][20], broker[20], site[20];
    bool limits_by_meter, has_equipment_id;
    char fault[80];
};

ParameterizedTestParameters(settings_patch, knows_what_goes_together)
{
    static struct pair cases[] = {
        {{"a", "b"}, "mqtt://b", "s", false, true, ""},
        {{"a", "a"}, "mqtt://b", "s", true, true, ""},
        {{"a", "b"}, "mqtt://b", "s", true, true, "MeterType: a charger is limited by"},
        {{"a", ""}, "", "", true, true, "MeterType: a charger is limited by"},
        {{"", ""}, "mqtt://b", "", false, false, "MQTT.Broker: needs [meter]"},
        {{"", ""}, "", "s", false, true, "MQTT.Site: needs a Broker"},
    };
    return cr_make_param_array(struct pair, cases, COUNT(cases));
}

ParameterizedTest(struct pair *c, settings_patch, knows_what_goes_together)
{
    const struct settings_patch before = {.meter_type = c->meter_type[0]},
                                after = {.meter_type = c->meter_type[1],
                                         .broker = c->broker,
                                         .site = c->site};
    const struct settings_patch_bounds bounds = {c->limits_by_meter, c->has_equipment_id};
    const char *fault = settings_patch_fault(&before, &after, &bounds);
    cr_expect_eq(!fault, !*c->fault, "%s", fault);
    cr_expect(!fault || !strncmp(fault, c->fault, strlen(c->fault)), "%s", fault);
}

// Whatever somebody puts into the file by hand, nothing but these settings can come of it.
ParameterizedTestParameters(settings_patch, refuses_a_file)
{
    static char lines[][60] = {
        "[limit]\ncontract_w = 99999",  "[limit]\nsafe_w = 99999",
        "[limit]\nhold_s = 86400",      "[seal]\nkey_1 =",
        "[trust]\nrepeats = 1",         "[charger]\nrated_w = 99999",
        "[http]\npassword_file =",      "[meter]\nequipment_id =",
        "[meter_server]\nphases = 321",
    };
    return cr_make_param_array(char[60], lines, COUNT(lines));
}

ParameterizedTest(char (*lines)[60], settings_patch, refuses_a_file)
{
    char path[] = "/tmp/patch.XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "%s\n", *lines);
    close(fd);
    struct settings_patch patch = {0};
    cr_expect_eq(settings_patch_load(path, &patch), ERR_SYNTAX, "%s", *lines);
    settings_patch_clear(&patch);
    unlink(path);
}

Test(settings_patch, reads_its_own_file_back)
{
    char path[] = "/tmp/patch.XXXXXX", site[] = "Straße 7", user[] = "a=b:c #d",
         broker[] = "mqtts://broker.example:8883", empty[] = "";
    const struct settings_patch patch = {
        .site = site, .user = user, .broker = broker, .meter_type = empty};
    struct settings_patch back = {0};
    char *text = settings_patch_text(&patch);
    int fd = mkstemp(path);
    dprintf(fd, "%s", text);
    close(fd);
    cr_assert_eq(settings_patch_load(path, &back), ERR_NONE);
    cr_expect(settings_patch_equal(&patch, &back), "%s", text);
    settings_patch_clear(&back);
    unlink(path);
    cr_expect_eq(settings_patch_load(path, &back), ERR_NONE, "no file gives nothing");
    cr_expect_null(back.site);
    free(text);
}
