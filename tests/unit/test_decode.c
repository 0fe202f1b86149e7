// SPDX-License-Identifier: Apache-2.0

#include "gateway/decode.h"
#include "wire/p1_write.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROFILE                                                                                    \
    "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"190329160000W\","                \
    "\"ValidTo\":\"190329190000W\"},\"Body\":{\"Period\":[{\"Start\":\"190329160000W\","           \
    "\"MxPwr\":6000},{\"Start\":\"190329180000W\",\"MxPwr\":9000}]}}"

static size_t telegram(const char *message, char text[static P1_WRITE_MAX + 1])
{
    const struct p1_write values = {
        .version = P1_WRITE_SMR_50,
        .identification = "SOC5\\2M7",
        .utc = 1541509214,
        .equipment_id = "E0043",
        .phases = 3,
        .tariff = 1,
        .energy_delivered_wh = {51775123, 24413456},
        .energy_returned_wh = {1100, 0},
        .power_delivered_w = {100, 200, 219},
        .voltage_mv = {229100, 230200, 231300},
        .current_ma = {5000, 10000, 2000},
        .message = message,
        .message_len = strlen(message),
    };
    size_t len;
    cr_assert_eq(p1_write(&values, text, &len), ERR_NONE);
    return len;
}

// What --decode prints of these octets. Owned: free().
static char *decode(const char *octets, size_t len)
{
    FILE *in = tmpfile();
    cr_assert_eq(fwrite(octets, 1, len, in), len);
    fflush(in);
    lseek(fileno(in), 0, SEEK_SET);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_expect_eq(decode_run(in, out), 0);
    fclose(out);
    fclose(in);
    return text;
}

Test(decode, prints_these_keys_in_this_order)
{
    char octets[P1_WRITE_MAX + 1];
    size_t len = telegram("Hi", octets);
    char *line = decode(octets, len);
    char wanted[1000];
    snprintf(wanted, sizeof wanted,
             "{\"offset\":0,\"octets\":%zu,\"identification\":\"SOC5\\\\2M7\",\"version\":\"50\","
             "\"crc\":\"ok\",\"time\":\"2018-11-06T13:00:14Z\",\"equipment_id\":\"E0043\","
             "\"power_delivered_w\":519,\"power_returned_w\":0,"
             "\"energy_delivered_wh\":{\"1\":51775123,\"2\":24413456},"
             "\"energy_returned_wh\":{\"1\":1100,\"2\":0},\"voltage_mv\":[229100,230200,231300],"
             "\"current_ma\":[5000,10000,2000],\"power_delivered_phase_w\":[100,200,219],"
             "\"power_returned_phase_w\":[0,0,0],"
             "\"message\":{\"state\":\"foreign\",\"octets\":2,\"hex\":\"4869\"},\"profile\":null,"
             "\"control\":{\"trusted\":false,\"reason\":\"message_foreign",
             len);
    cr_expect_eq(strncmp(line, wanted, strlen(wanted)), 0, "%s", line);
    free(line);
}

Test(decode, shows_a_profile_in_utc)
{
    char octets[P1_WRITE_MAX + 1];
    size_t len = telegram(PROFILE, octets);
    char *line = decode(octets, len);
    cr_expect(strstr(line, "\"message\":{\"state\":\"profile\",\"octets\":192,"), "%s", line);
    cr_expect(strstr(line, "\"profile\":{\"valid_from\":\"2019-03-29T15:00:00Z\","
                           "\"valid_to\":\"2019-03-29T18:00:00Z\",\"periods\":["
                           "{\"start\":\"2019-03-29T15:00:00Z\",\"max_power_w\":6000},"
                           "{\"start\":\"2019-03-29T17:00:00Z\",\"max_power_w\":9000}]},"
                           "\"control\":{\"trusted\":true,\"reason\":\"ok\"}}\n"),
              "%s", line);
    free(line);
}

Test(decode, trusts_no_flipped_bit)
{
    char octets[P1_WRITE_MAX + 1];
    size_t len = telegram(PROFILE, octets);
    char *at = strstr(octets, "96.13.0(");
    for (int bit = 0; bit < 8; bit++) {
        at[100] ^= (char)(1 << bit);
        char *line = decode(octets, len);
        cr_expect(strstr(line, "\"crc\":\"bad\""), "%s", line);
        cr_expect(strstr(line, "\"trusted\":false,\"reason\":\"crc_bad\""), "%s", line);
        free(line);
        at[100] ^= (char)(1 << bit);
    }
}

Test(decode, trusts_no_good_profile_in_a_bad_telegram)
{
    char octets[P1_WRITE_MAX + 1];
    size_t len = telegram(PROFILE, octets);
    strstr(octets, "1.7.0(")[6] ^= 1;
    char *line = decode(octets, len);
    cr_expect(strstr(line, "\"state\":\"profile\""), "%s", line);
    cr_expect(strstr(line, "\"trusted\":false,\"reason\":\"crc_bad\""), "%s", line);
    free(line);
}

Test(decode, tells_what_a_text_is)
{
    static const struct {
        const char *line, *state, *octets, *hex;
    } cases[] = {
        {"", "absent", "0", "null"},
        {"0-0:96.13.0()\r\n", "empty", "0", "\"\""},
        {"0-0:96.13.0(FFFF)\r\n", "foreign", "2", "\"ffff\""},
        {"0-0:96.13.0(FFF)\r\n", "malformed", "0", "null"},
        {"0-0:96.13.0(7B2245424744697265637443 6F6E74726F6C)\r\n", "malformed", "0", "null"},
        // {"EBGDirectControl
        {"0-0:96.13.0(7B22454247446972656374436F6E74726F6C)\r\n", "malformed", "18",
         "\"7b22454247446972656374436f6e74726f6c\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char octets[200], wanted[200];
        int len =
            snprintf(octets, sizeof octets, "/A\r\n\r\n1-3:0.2.8(50)\r\n%s!\r\n", cases[i].line);
        snprintf(wanted, sizeof wanted, "\"message\":{\"state\":\"%s\",\"octets\":%s,\"hex\":%s}",
                 cases[i].state, cases[i].octets, cases[i].hex);
        char *line = decode(octets, (size_t)len);
        cr_expect(strstr(line, wanted), "%s: %s", cases[i].state, line);
        cr_expect(strstr(line, "\"trusted\":false,\"reason\":\"crc_absent\""), "%s", line);
        free(line);
    }
}

Test(decode, prints_null_for_what_is_not_told)
{
    static const char octets[] =
        "/\r\n\r\n1-0:1.8.1(x)\r\n1-0:1.8.0(1.0005*Wh)\r\n1-0:1.7.0(1.5*W)\r\n!\r\n";
    char *line = decode(octets, sizeof octets - 1);
    cr_expect(strstr(line,
                     "\"identification\":null,\"version\":null,\"crc\":\"absent\",\"time\":null,"
                     "\"equipment_id\":null,\"power_delivered_w\":1.5,"
                     "\"power_returned_w\":null,\"energy_delivered_wh\":{\"0\":1,\"1\":null},"
                     "\"energy_returned_wh\":{},\"voltage_mv\":[null,null,null]"),
              "%s", line);
    free(line);
}

Test(decode, prints_a_line_for_each_and_json_whatever_comes)
{
    static char octets[8 * P1_WRITE_MAX];
    size_t len = 0;
    int count = 0;
    for (; count < 5; count++) {
        char one[P1_WRITE_MAX + 1];
        size_t size = telegram(PROFILE, one);
        one[2] = "\"\\\x01\xFF\n"[count]; // into the header; the CRC is bad then
        memcpy(octets + len, one, size);
        len += size;
        len += (size_t)sprintf(octets + len, "noise") + 1; // and a NUL
    }
    char *lines = decode(octets, len);
    int seen = 0;
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        json_error_t error;
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        cr_assert(object, "%s: %s", error.text, line);
        cr_expect_str_eq(json_string_value(json_object_get(object, "crc")), "bad");
        cr_expect_eq(json_integer_value(json_object_get(object, "offset")),
                     seen * (json_int_t)(len / 5));
        json_decref(object);
        seen++;
    }
    cr_expect_eq(seen, count);
    free(lines);
}

Test(decode, prints_nothing_for_nothing)
{
    char *lines = decode("", 0);
    cr_expect_str_eq(lines, "");
    free(lines);
}

Test(decode, fails_where_it_cannot_read_or_write)
{
    FILE *folder = fopen("/", "r");
    FILE *full = fopen("/dev/full", "w");
    cr_assert(folder && full);
    cr_expect_eq(decode_run(folder, stdout), 1);
    fclose(folder);
    FILE *in = tmpfile();
    fputs("/A\r\n\r\n!\r\n", in);
    fflush(in);
    lseek(fileno(in), 0, SEEK_SET);
    cr_expect_eq(decode_run(in, full), 1);
    fclose(in);
    fclose(full);
}
