// SPDX-License-Identifier: Apache-2.0

#include "wire/dsmr_time.h"
#include "wire/long_message.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BIT(oddity) (1U << (oddity))

enum { FOUR_PM = 1553871600, SEVEN_PM = 1553882400 }; // 29 March 2019, Dutch time

// Quotes are typed as ' in the tables, for the reader's sake.
#define HEAD "{'Header':{'Action':'EBGDirectControl','ValidFrom':'190329160000W',"
#define FIGURE_8 HEAD "'ValidTo':'190329190000W'},'Body':{'Period':["
#define FIRST "{'Start':'190329160000W','MxPwr':6000}"
#define SECOND "{'Start':'190329180000W','MxPwr':9000}"
// A message with one period that has these members.
#define WITH(members) FIGURE_8 "{'Start':'190329160000W'," members "}]}}"

static void read_quoted(const char *quoted, enum long_message_unit unit,
                        struct long_message *message)
{
    char text[2 * LONG_MESSAGE_MAX];
    size_t len = strlen(quoted);
    cr_assert_leq(len, sizeof text);
    for (size_t i = 0; i < len; i++)
        text[i] = quoted[i];
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\'')
            text[i] = '"';
    long_message_read(text, len, unit, message);
}

struct good {
    unsigned oddities;
    int count, first_w;
    char text[420];
    char why[64];
};

ParameterizedTestParameters(long_message, reads)
{
    static struct good cases[] = {
        {0, 2, 6000, FIGURE_8 FIRST "," SECOND "]}}", "figure 8, canonical"},
        {BIT(LONG_MESSAGE_ACTION_BLANKS) | BIT(LONG_MESSAGE_LINE_BREAKS), 2, 6000,
         "{ \n  'Header': { \n    'Action': ' EBGDirectControl ', \n"
         "    'ValidFrom': '190329160000W', \n    'ValidTo': '190329190000W' \n  }, \n"
         "  'Body': { \n    'Period': [ \n      { \n        'Start': '190329160000W', \n"
         "        'MxPwr': 6000 \n      }, \n      { \n        'Start': '190329180000W', \n"
         "        'MxPwr': 9000 \n      } \n    ] \n  } \n} \n",
         "figure 8 as printed, its JSON mended"},
        {BIT(LONG_MESSAGE_PERIODS), 1, 6000,
         HEAD "'ValidTo':'190329190000W'},'Body':{'Periods':[" FIRST "]}}",
         "the emulator's spelling"},
        {BIT(LONG_MESSAGE_EARLY_START), 1, 600, FIGURE_8 "{'Start':'190329155900W','MxPwr':600}]}}",
         "starts before ValidFrom"},
        {BIT(LONG_MESSAGE_LATE_START), 1, 600, FIGURE_8 "{'Start':'190329160001W','MxPwr':600}]}}",
         "starts after ValidFrom"},
        {BIT(LONG_MESSAGE_PARTIAL_PERIOD), 2, 6000,
         FIGURE_8 FIRST ",{'Start':'190329170000W','LoadReduct':80}]}}", "a partial period"},
        {0, 1, 6000,
         WITH("'MxPwr':6000,'LoadReduct':99,'MxPhaseImbal':200,'MxPwrFallbck':1400,"
              "'SetPointFallbck':80,'RefreshInterv':20"),
         "all fields"},
        {0, 1, 0, WITH("'MxPwr':0"), "no power at all is a limit like any other"},
        {0, 1, 1000000, WITH("'MxPwr':1000000"), "the highest"},
        {BIT(LONG_MESSAGE_REAL_NUMBER), 1, 6000, WITH("'MxPwr':6000.0"), "a whole real"},
        {BIT(LONG_MESSAGE_REAL_NUMBER), 1, 6000, WITH("'MxPwr':6e3"), "and with an exponent"},
        {BIT(LONG_MESSAGE_UNKNOWN_MEMBER), 1, 6000,
         HEAD "'ValidTo':'190329190000W','Id':7},'Body':{'Period':[" FIRST "]}}",
         "one more member of Header"},
        {BIT(LONG_MESSAGE_UNKNOWN_MEMBER), 1, 6000, FIGURE_8 FIRST "],'Note':[]}}",
         "one more member of Body"},
        {BIT(LONG_MESSAGE_UNKNOWN_MEMBER), 1, 6000, FIGURE_8 FIRST "]},'Note':{}}",
         "one more member of the object"},
        {0, 1, 6000,
         HEAD "'ValidTo':'190329190000W','Seq':7},'Body':{'Period':[" FIRST "]},'Sig':'AA=='}",
         "the members of the sealed form are known"},
        {BIT(LONG_MESSAGE_SEASON), 1, 6000,
         HEAD "'ValidTo':'190329200000S'},'Body':{'Period':[" FIRST "]}}",
         "ValidTo in summer time, in winter"},
        {BIT(LONG_MESSAGE_SEASON), 1, 6000, FIGURE_8 "{'Start':'190329170000S','MxPwr':6000}]}}",
         "Start in summer time, in winter"},
        {0, 1, 6000,
         "{'Body':{'Period':[{'MxPwr':6000,'Start':'190329160000W'}]},'Header':"
         "{'ValidTo':'190329190000W','ValidFrom':'190329160000W','Action':'EBGDirectControl'}}",
         "members in another order"},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, long_message, reads)
{
    struct long_message message;
    read_quoted(c->text, LONG_MESSAGE_W, &message);
    cr_assert_eq(message.kind, LONG_MESSAGE_PROFILE, "%s: %s, %s", c->why,
                 long_message_kind_name(message.kind), message.reason);
    cr_expect_eq(message.oddities, c->oddities, "%s: %x", c->why, message.oddities);
    cr_expect_str_eq(message.reason, "", "%s", c->why);
    cr_expect_eq(message.profile.valid_from, FOUR_PM, "%s", c->why);
    cr_expect_eq(message.profile.valid_to, SEVEN_PM, "%s", c->why);
    cr_expect_eq(message.profile.count, c->count, "%s", c->why);
    cr_expect_eq(message.profile.periods[0].set.max_power_w, c->first_w, "%s", c->why);
}

struct bad {
    enum long_message_kind kind;
    char text[420];
    char reason[48]; // how the reason begins
    char why[64];
};

ParameterizedTestParameters(long_message, refuses)
{
    static struct bad cases[] = {
        {LONG_MESSAGE_EMPTY, "", "", "nothing"},
        {LONG_MESSAGE_EMPTY, "   ", "", "blanks"},
        {LONG_MESSAGE_FOREIGN, "\xFF\xFF\xFF\xFF", "octets", "erased memory"},
        {LONG_MESSAGE_FOREIGN, "PAS DE          MESSAGE", "not JSON",
         "idle text of a French meter"},
        {LONG_MESSAGE_FOREIGN, "0", "not JSON", "a number"},
        {LONG_MESSAGE_FOREIGN, "[]", "Header.Action", "a list"},
        {LONG_MESSAGE_FOREIGN, "{}", "Header.Action", "no Header"},
        {LONG_MESSAGE_FOREIGN, "{'Header':'EBGDirectControl'}", "Header.Action", "no object"},
        {LONG_MESSAGE_FOREIGN, "{'Header':{}}", "Header.Action", "no Action"},
        {LONG_MESSAGE_FOREIGN, "{'Header':{'Action':7}}", "Header.Action", "a number as Action"},
        {LONG_MESSAGE_FOREIGN, "{'Header':{'Action':'Hello'}}", "Header.Action", "another Action"},
        {LONG_MESSAGE_FOREIGN, "{'Header':{'Action':'EBGDirectControl2'}}", "Header.Action",
         "more"},
        {LONG_MESSAGE_FOREIGN, "{'Header':{'Action':'EBGDirectControl 2'}}", "Header.Action",
         "more after a blank"},
        {LONG_MESSAGE_FOREIGN, "{'Header':{'Action':'ebgdirectcontrol'}}", "Header.Action",
         "another case"},
        {LONG_MESSAGE_FOREIGN, "[[[[[[[[[1]]]]]]]]]", "nested", "deep, and not ours"},
        {LONG_MESSAGE_MALFORMED, "{'Header':{'Action':'EBGDirectControl',", "not JSON", "cut off"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 "{" FIRST SECOND "]}}", "not JSON",
         "figure 8 with its braces as printed"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "]}}x", "not JSON", "more behind it"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "]}}" FIGURE_8 FIRST "]}}", "not JSON", "twice"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':6000,'MxPwr':9000"), "not JSON", "a member twice"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "],'Period':[]}}", "not JSON", "Period twice"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "],'Periods':[" FIRST "]}}", "Body: both",
         "in both spellings"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "],'x':[[[[[[[]]]]]]]}}", "nested", "too deep"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "],'x':'\xC3\xA9'}}", "octets", "not ASCII"},
        {LONG_MESSAGE_MALFORMED, "{'Header':{'Action':'EBGDirectControl'}}",
         "Header.ValidFrom: missing", "only an Action"},
        {LONG_MESSAGE_MALFORMED, HEAD "'To':1},'Body':{'Period':[" FIRST "]}}",
         "Header.ValidTo: missing", "no ValidTo: it would never end"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':190329190000},'Body':{'Period':[" FIRST "]}}",
         "Header.ValidTo: not a time", "a number as time"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329190000'},'Body':{'Period':[" FIRST "]}}",
         "Header.ValidTo: not a time", "no letter"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329190000X'},'Body':{'Period':[" FIRST "]}}",
         "Header.ValidTo: not a time", "no such letter"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190229190000W'},'Body':{'Period':[" FIRST "]}}",
         "Header.ValidTo: no such time", "29 February 2019"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329160000W'},'Body':{'Period':[" FIRST "]}}",
         "valid_to", "ends as it begins"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329150000W'},'Body':{'Period':[" FIRST "]}}",
         "valid_to", "ends before it begins"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329190000W'}}", "Body: missing", "no Body"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329190000W'},'Body':[]}", "Body: not",
         "a list as Body"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329190000W'},'Body':{}}",
         "Body.Period: missing", "no Period"},
        {LONG_MESSAGE_MALFORMED, HEAD "'ValidTo':'190329190000W'},'Body':{'Period':" FIRST "}}",
         "Body.Period: not a list", "one period without a list"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 "]}}", "Body.Period: 0", "no periods"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 "6000]}}", "Body.Period[0]: not", "a number as period"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 "{'MxPwr':6000}]}}", "Body.Period[0].Start: missing",
         "no Start"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST ",{'Start':'190329180000W'}]}}",
         "Body.Period[1]: sets nothing", "only a Start"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 FIRST "," FIRST "]}}", "periods[1].start", "same Start"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 SECOND "," FIRST "]}}", "periods[1].start", "disorder"},
        {LONG_MESSAGE_MALFORMED, FIGURE_8 "{'Start':'190329190000W','MxPwr':1}]}}",
         "periods[0].start", "starts at ValidTo"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':6000,'MxCur':6"), "Body.Period[0].MxCur: unknown",
         "an unknown member may be a stricter limit"},
        {LONG_MESSAGE_MALFORMED, WITH("'mxpwr':6000"), "Body.Period[0].mxpwr: unknown", "case"},
        {LONG_MESSAGE_MALFORMED, WITH("'\\u00e9\\u0007':1"), "Body.Period[0].???: unknown",
         "a name that is not for a log"},
        {LONG_MESSAGE_MALFORMED, WITH("'\\u0000':1"), "not JSON", "NUL in a name"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':-1"), "Body.Period[0].MxPwr: not in", "negative"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':-0.5"), "Body.Period[0].MxPwr: not in", "nearly 0"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':1000001"), "Body.Period[0].MxPwr: not in", "> 1 MW"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':1e308"), "Body.Period[0].MxPwr: not in", "1e308"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':4294967296"), "Body.Period[0].MxPwr: not in",
         "2^32"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':1e999"), "not JSON", "more than a double"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':99999999999999999999"), "not JSON", "> 64 bits"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':NaN"), "not JSON", "NaN"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':Infinity"), "not JSON", "Infinity"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':06"), "not JSON", "a leading zero"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':6000.5"), "Body.Period[0].MxPwr: not a whole",
         "½ W"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':'6000'"), "Body.Period[0].MxPwr: not a number",
         "a text"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':null"), "Body.Period[0].MxPwr: not a number",
         "null"},
        {LONG_MESSAGE_MALFORMED, WITH("'MxPwr':true"), "Body.Period[0].MxPwr: not a number",
         "true"},
        {LONG_MESSAGE_MALFORMED, WITH("'LoadReduct':101"), "Body.Period[0].LoadReduct", "> 100 %"},
        {LONG_MESSAGE_MALFORMED, WITH("'RefreshInterv':0"), "Body.Period[0].RefreshInterv",
         "0 would switch the watchdog off"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, long_message, refuses)
{
    struct long_message message;
    read_quoted(c->text, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, c->kind, "%s: %s", c->why, long_message_kind_name(message.kind));
    cr_expect_eq(message.oddities, 0, "%s", c->why);
    cr_expect_eq(message.profile.count, 0, "%s", c->why);
    cr_expect(!strncmp(message.reason, c->reason, strlen(c->reason)), "%s: %s", c->why,
              message.reason);
    cr_expect_eq(*message.reason == '\0', *c->reason == '\0', "%s: %s", c->why, message.reason);
}

Test(long_message, refuses_a_figure_8_cut_at_any_place)
{
    struct profile profile = {.valid_from = FOUR_PM, .valid_to = SEVEN_PM, .count = 1};
    profile.periods[0].start = FOUR_PM;
    profile_set(&profile.periods[0].set, PROFILE_MAX_POWER, 6000);
    char text[LONG_MESSAGE_MAX + 1];
    struct profile written;
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, 0, text, &written), ERR_NONE);
    struct long_message message;
    for (size_t len = 1; len < strlen(text); len++) {
        long_message_read(text, len, LONG_MESSAGE_W, &message);
        cr_expect_neq(message.kind, LONG_MESSAGE_PROFILE, "%zu", len);
        cr_expect_eq(message.kind == LONG_MESSAGE_MALFORMED,
                     memmem(text, len, "EBGDirectControl", 16) != NULL, "%zu", len);
    }
}

Test(long_message, reads_1024_octets_and_refuses_1025)
{
    char text[LONG_MESSAGE_MAX + 2];
    memset(text, ' ', sizeof text);
    static const char figure[] =
        "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"190329160000W\","
        "\"ValidTo\":\"190329190000W\"},\"Body\":{\"Period\":[{\"Start\":\"190329160000W\","
        "\"MxPwr\":6000}]}}";
    memcpy(text, figure, sizeof figure - 1);
    struct long_message message;
    long_message_read(text, LONG_MESSAGE_MAX, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_PROFILE, "%s", message.reason);
    long_message_read(text, LONG_MESSAGE_MAX + 1, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_MALFORMED);
    cr_expect_str_eq(message.reason, "longer than 1024 octets");
    memset(text, 'x', sizeof text);
    long_message_read(text, LONG_MESSAGE_MAX + 1, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_FOREIGN);
    memset(text, 0, sizeof text);
    long_message_read(text, LONG_MESSAGE_MAX, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_EMPTY, "NULs");
}

Test(long_message, refuses_a_NUL_inside)
{
    static const char text[] = "{\"Header\":{\"Action\":\"EBGDirectControl\0\"}}";
    struct long_message message;
    long_message_read(text, sizeof text - 1, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_MALFORMED);
}

Test(long_message, reads_powers_in_hundreds_of_watts)
{
    struct long_message message;
    read_quoted(WITH("'MxPwr':110,'MxPwrFallbck':8,'MxPhaseImbal':200,'LoadReduct':80"),
                LONG_MESSAGE_100_W, &message);
    cr_assert_eq(message.kind, LONG_MESSAGE_PROFILE, "%s", message.reason);
    const struct profile_limits *set = &message.profile.periods[0].set;
    cr_expect_eq(set->max_power_w, 11000);
    cr_expect_eq(set->fallback_power_w, 800);
    cr_expect_eq(set->max_phase_imbalance_da, 200);
    cr_expect_eq(set->load_reduct_pct, 80);
    read_quoted(WITH("'MxPwr':10001"), LONG_MESSAGE_100_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_MALFORMED, "> 1 MW");
}

static struct profile figure_8(void)
{
    struct profile profile = {.valid_from = FOUR_PM, .valid_to = SEVEN_PM, .count = 2};
    profile.periods[0].start = FOUR_PM;
    profile_set(&profile.periods[0].set, PROFILE_MAX_POWER, 6000);
    profile.periods[1].start = FOUR_PM + 7200;
    profile_set(&profile.periods[1].set, PROFILE_MAX_POWER, 9000);
    return profile;
}

Test(long_message, writes_figure_8_compact)
{
    struct profile profile = figure_8(), written;
    char text[LONG_MESSAGE_MAX + 1];
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, 0, text, &written), ERR_NONE);
    cr_expect_str_eq(text,
                     "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"190329160000W\","
                     "\"ValidTo\":\"190329190000W\"},\"Body\":{\"Period\":["
                     "{\"Start\":\"190329160000W\",\"MxPwr\":6000},"
                     "{\"Start\":\"190329180000W\",\"MxPwr\":9000}]}}");
    cr_expect(profile_equal(&profile, &written));
}

Test(long_message, writes_all_fields_in_their_order)
{
    struct profile profile = figure_8(), written;
    profile.count = 1;
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        profile_set(&profile.periods[0].set, f, profile_ranges[f].max);
    char text[LONG_MESSAGE_MAX + 1];
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, 0, text, &written), ERR_NONE);
    cr_expect(strstr(text, "{\"Start\":\"190329160000W\",\"MxPwr\":1000000,\"LoadReduct\":100,"
                           "\"MxPhaseImbal\":10000,\"MxPwrFallbck\":1000000,"
                           "\"SetPointFallbck\":100,\"RefreshInterv\":65535}"),
              "%s", text);
}

Test(long_message, rounds_down_to_hundreds_of_watts)
{
    struct profile profile = figure_8(), written;
    profile_set(&profile.periods[0].set, PROFILE_MAX_POWER, 6099);
    profile_set(&profile.periods[0].set, PROFILE_MAX_PHASE_IMBALANCE, 199);
    profile_set(&profile.periods[1].set, PROFILE_MAX_POWER, 99);
    char text[LONG_MESSAGE_MAX + 1];
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_100_W, 0, text, &written), ERR_NONE);
    cr_expect(strstr(text, "\"MxPwr\":60,\"MxPhaseImbal\":199}"), "%s", text);
    cr_expect(strstr(text, "\"MxPwr\":0}"), "%s", text);
    cr_expect_eq(written.periods[0].set.max_power_w, 6000);
    struct long_message message;
    long_message_read(text, strlen(text), LONG_MESSAGE_100_W, &message);
    cr_assert_eq(message.kind, LONG_MESSAGE_PROFILE, "%s", message.reason);
    cr_expect(profile_equal(&message.profile, &written));
}

Test(long_message, refuses_to_write_what_is_no_profile)
{
    char text[LONG_MESSAGE_MAX + 1] = "untouched";
    struct profile written = {.count = 42};
    struct profile none = {.valid_from = FOUR_PM, .valid_to = SEVEN_PM};
    cr_expect_eq(long_message_write(&none, LONG_MESSAGE_W, 0, text, &written), ERR_RANGE);
    struct profile negative = figure_8();
    negative.periods[1].set.max_power_w = -1;
    cr_expect_eq(long_message_write(&negative, LONG_MESSAGE_W, 0, text, &written), ERR_RANGE);
    struct profile backwards = figure_8();
    backwards.valid_to = backwards.valid_from;
    cr_expect_eq(long_message_write(&backwards, LONG_MESSAGE_W, 0, text, &written), ERR_RANGE);
    cr_expect_str_eq(text, "untouched");
    cr_expect_eq(written.count, 42);
}

// A day of quarters, each with another limit.
static struct profile long_day(int first_w)
{
    struct profile profile = {.valid_from = FOUR_PM, .valid_to = FOUR_PM + 96 * 900, .count = 96};
    for (int i = 0; i < profile.count; i++) {
        profile.periods[i].start = FOUR_PM + i * 900;
        profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, first_w + i * 37 % 96);
    }
    return profile;
}

struct room {
    size_t reserved;
    int first_w, periods; // 0: none fits
    char why[48];
};

ParameterizedTestParameters(long_message, fits_its_room)
{
    static struct room cases[] = {
        {0, 6000, 23, "four digits"},
        {0, 16000, 22, "five digits need more room"},
        {0, 100000, 22, "six digits"},
        {128, 6000, 20, "with room for a seal"},
        {1024 - 153, 6000, 1, "just one period"},
        {1024 - 152, 6000, 0, "one character less"},
        {1024, 6000, 0, "no room at all"},
        {100000, 6000, 0, "less than none"},
    };
    return cr_make_param_array(struct room, cases, COUNT(cases));
}

ParameterizedTest(struct room *c, long_message, fits_its_room)
{
    struct profile profile = long_day(c->first_w), written = {.count = 42};
    char text[LONG_MESSAGE_MAX + 1] = "untouched";
    enum err err = long_message_write(&profile, LONG_MESSAGE_W, c->reserved, text, &written);
    cr_assert_eq(err, c->periods ? ERR_NONE : ERR_SIZE, "%s: %s", c->why, err_name(err));
    if (err) {
        cr_expect_str_eq(text, "untouched", "%s", c->why);
        cr_expect_eq(written.count, 42, "%s", c->why);
        return;
    }
    cr_expect_leq(strlen(text) + c->reserved, LONG_MESSAGE_MAX, "%s", c->why);
    cr_expect_eq(written.count, c->periods, "%s: %d", c->why, written.count);
    cr_expect_not(profile_equal(&written, &profile), "%s: merging shows", c->why);
    for (int64_t utc = profile.valid_from; utc < profile.valid_to; utc += 900)
        cr_expect_leq(profile_at(&written, utc).max_power_w, profile_at(&profile, utc).max_power_w,
                      "%s", c->why);
}

// Numbers that look random and are the same in every run (xorshift64).
static uint64_t state = 0x2545F4914F6CDD1D;

static int below(int bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state % (uint64_t)bound);
}

// A profile in order that begins within two days of utc.
static struct profile any_profile(int64_t utc)
{
    struct profile profile = {.valid_from = utc + below(172800) - 86400};
    profile.count = 1 + below(30);
    int64_t start = profile.valid_from + below(3) * 300 - 300;
    for (int i = 0; i < profile.count; i++, start += 600 + below(5000)) {
        struct profile_period *period = &profile.periods[i];
        period->start = start;
        profile_set(&period->set, PROFILE_MAX_POWER, below(30000));
        for (enum profile_field f = 1; f < PROFILE_FIELDS; f++)
            if (below(20) == 0)
                profile_set(&period->set, f,
                            profile_ranges[f].min
                                + below(profile_ranges[f].max - profile_ranges[f].min + 1));
    }
    profile.valid_to = start;
    return profile;
}

struct day {
    int64_t utc;
    char why[40];
};

ParameterizedTestParameters(long_message, reads_what_it_wrote)
{
    static struct day cases[] = {
        {1553871600, "an ordinary day"},
        {1553994000, "summer time begins 2019"},
        {1572138000, "summer time ends 2019"},
        {1711846800, "summer time begins 2024"},
        {1729990800, "summer time ends 2024"},
        {1709164800, "leap day"},
        {1767222000, "year ends"},
    };
    return cr_make_param_array(struct day, cases, COUNT(cases));
}

ParameterizedTest(struct day *c, long_message, reads_what_it_wrote)
{
    int merged = 0;
    for (int round = 0; round < 1000; round++) {
        struct profile profile = any_profile(c->utc), written;
        char text[LONG_MESSAGE_MAX + 1], again[LONG_MESSAGE_MAX + 1];
        size_t reserved = (size_t)below(3) * 64;
        enum err err = long_message_write(&profile, LONG_MESSAGE_W, reserved, text, &written);
        cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
        cr_assert_leq(strlen(text) + reserved, LONG_MESSAGE_MAX);
        struct long_message message;
        long_message_read(text, strlen(text), LONG_MESSAGE_W, &message);
        cr_assert_eq(message.kind, LONG_MESSAGE_PROFILE, "%s: %s in %s", c->why, message.reason,
                     text);
        cr_assert(profile_equal(&message.profile, &written), "%s: %s", c->why, text);
        cr_assert_eq(message.oddities
                         & ~(BIT(LONG_MESSAGE_PARTIAL_PERIOD) | BIT(LONG_MESSAGE_LATE_START)),
                     0, "%s: %x", c->why, message.oddities);
        merged += !profile_equal(&profile, &written);
        for (int i = 0; i < profile.count; i++) {
            int64_t utc = profile.periods[i].start;
            if (utc >= profile.valid_from)
                cr_assert_leq(profile_at(&message.profile, utc).max_power_w,
                              profile_at(&profile, utc).max_power_w, "%s", c->why);
        }
        err = long_message_write(&message.profile, LONG_MESSAGE_W, reserved, again, &written);
        cr_assert_eq(err, ERR_NONE, "%s", c->why);
        cr_assert_str_eq(again, text, "%s", c->why);
    }
    cr_expect(merged > 0 && merged < 1000, "%s: both kinds were there, %d", c->why, merged);
}

Test(long_message, names_every_kind_and_oddity)
{
    for (int i = 0; i < LONG_MESSAGE_ODDITIES; i++)
        cr_expect_neq(long_message_oddity_name((enum long_message_oddity)i), NULL, "%d", i);
    cr_expect_str_eq(long_message_oddity_name(LONG_MESSAGE_EARLY_START), "early_start");
    cr_expect_str_eq(long_message_kind_name(LONG_MESSAGE_MALFORMED), "malformed");
    cr_expect_str_eq(long_message_kind_name(LONG_MESSAGE_PROFILE), "profile");
}
