// SPDX-License-Identifier: Apache-2.0
// The gateway's decisions, one by one: each way to refuse names its reason, and what becomes of
// messages when clocks, seals and French codes change. test_pilot.c flies through all together.

#include "base/log.h"
#include "gateway/pilot.h"
#include "wire/dsmr_time.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { CONTRACT = 11040, SAFE = 4200, HOLD_S = 120, REPEATS = 2, TOLD = 64 };
static const int64_t START = 1768406400; // 2026-01-14 16:00:00 UTC
static const char meter[] = "E0051000000000001";

struct receipt {
    enum feed_state state;
    char digest[DIGEST_TEXT_LEN + 1], reason[SETPOINT_REASON];
    struct utc at;
};

static struct pilot pilot;
static struct pilot_rules rules;
static struct state saved;
static int saves, told;
static struct receipt receipts[TOLD];
static struct p1_telegram telegram;
static int64_t s;           // since START
static int64_t meter_ahead; // of the meter's clock
static bool is_confirming = true;

static struct pilot_now now_of(void)
{
    return (struct pilot_now){{(1000 + s) * SECONDS_NS}, {(START + s) * SECONDS_NS}, false};
}

static void on_changed(void *arg)
{
    (void)arg;
    cr_expect(*pilot.setpoint.reason);
}

static void on_tell(void *arg, enum feed_state state, const char *digest, const char *reason,
                    struct utc at)
{
    (void)arg;
    cr_assert_lt(told, TOLD);
    struct receipt *receipt = &receipts[told++];
    receipt->state = state;
    receipt->at = at;
    snprintf(receipt->digest, sizeof receipt->digest, "%s", digest);
    snprintf(receipt->reason, sizeof receipt->reason, "%s", reason);
}

static void on_save(void *arg)
{
    (void)arg;
    saved = pilot.state;
    saves++;
}

static void start(const struct state *kept)
{
    static const struct pilot_crew crew = {on_changed, on_tell, on_save, NULL};
    told = 0;
    pilot_start(&pilot, &rules, &crew, kept, now_of());
    pilot_step(&pilot, now_of());
}

static void put(const void *text, size_t len)
{
    telegram.message.status = len ? P1_MESSAGE_PRESENT : P1_MESSAGE_EMPTY;
    telegram.message.lines = 1;
    telegram.message.len = len;
    memcpy(telegram.message.octets, text, len);
}

static void set_up(void)
{
    rules = (struct pilot_rules){
        .trust = {meter, REPEATS},
        .clock = {METER_CLOCK_METER, 60, HOLD_S * SECONDS_NS},
        .seal = {.equipment_id = meter},
        .setpoint = {.contract_w = CONTRACT,
                     .safe_w = SAFE,
                     .hold_ns = HOLD_S * SECONDS_NS,
                     .confirm_ns = 10 * SECONDS_NS,
                     .least_hold_ns = 30 * SECONDS_NS},
        .unit = LONG_MESSAGE_W,
        .presets = {PRESET_MSG1, 2, {{"A1", 6000}, {"A2", 3000}}},
    };
    telegram.crc = P1_CRC_OK;
    telegram.crc_digits = 4;
    telegram.version = (struct p1_text){P1_VALUE, 2, "50"};
    telegram.equipment_id = (struct p1_text){.status = P1_VALUE, .len = sizeof meter - 1};
    memcpy(telegram.equipment_id.text, meter, sizeof meter);
    telegram.time.status = P1_VALUE;
    put("", 0);
    start(NULL);
}

TestSuite(pilot_cases, .init = set_up);

static void confirm(void)
{
    if (is_confirming)
        pilot_confirm(&pilot, pilot.setpoint.limit_w);
    pilot_step(&pilot, now_of());
}

// One telegram a second; the charger obeys.
static bool hear(int seconds)
{
    bool is_believed = true;
    while (seconds-- > 0) {
        s++;
        telegram.time.utc = START + s + meter_ahead;
        is_believed = pilot_take(&pilot, &telegram, now_of());
        confirm();
    }
    return is_believed;
}

// A profile of one period, from and to in seconds after START.
static const char *profile(int64_t from, int64_t to, int watts)
{
    static char text[512];
    char begins[DSMR_TIME_LEN + 1], ends[DSMR_TIME_LEN + 1];
    dsmr_time_format(START + from, false, begins);
    dsmr_time_format(START + to, false, ends);
    snprintf(
        text, sizeof text,
        "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"%s\",\"ValidTo\":\"%s\"},"
        "\"Body\":{\"Period\":[{\"Start\":\"%s\",\"MxPwr\":%d}]}}",
        begins, ends, begins, watts);
    return text;
}

static void show(const char *text)
{
    put(text, strlen(text));
    hear(REPEATS + 1);
}

static void expect(enum setpoint_mode mode, int32_t limit_w, const char *reason)
{
    const struct setpoint *is = &pilot.setpoint;
    cr_expect_eq(is->mode, mode, "%s: %s", setpoint_mode_name(is->mode), is->reason);
    cr_expect_eq(is->limit_w, limit_w, "%d W: %s", is->limit_w, is->reason);
    cr_expect(strstr(is->reason, reason), "%s", is->reason);
}

// How often that was told, of whatever message.
static int times(enum feed_state state, const char *reason)
{
    int count = 0;
    for (int i = 0; i < told; i++)
        count += receipts[i].state == state && (!reason || !strcmp(receipts[i].reason, reason));
    return count;
}

static const char *last_reason(void)
{
    return told ? receipts[told - 1].reason : "nothing was told";
}

// ---- what is refused, and why

// Standard error, while it goes into a file.
struct capture {
    int saved;
    FILE *file;
};

static struct capture capture_begin(void)
{
    struct capture capture = {dup(STDERR_FILENO), tmpfile()};
    cr_assert(capture.file);
    dup2(fileno(capture.file), STDERR_FILENO);
    return capture;
}

static const char *capture_end(struct capture *capture)
{
    static char text[4096];
    fflush(stderr);
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    rewind(capture->file);
    text[fread(text, 1, sizeof text - 1, capture->file)] = '\0';
    fclose(capture->file);
    return text;
}

struct distrusted {
    enum p1_trust verdict; // P1_TRUSTED: of another meter, or of one that does not say which
    enum p1_crc crc;
    int crc_digits;
    char version[8], id[24], why[48];
};

ParameterizedTestParameters(pilot_cases, logs_why_a_telegram_is_not_believed)
{
    static struct distrusted cases[] = {
        {P1_TRUST_CRC_BAD, P1_CRC_BAD, 4, "50", "E0051000000000001", "the CRC does not match"},
        {P1_TRUST_CRC_ABSENT, P1_CRC_ABSENT, 0, "50", "E0051000000000001", "no CRC"},
        {P1_TRUST_CRC_SHORT, P1_CRC_OK, 3, "50", "E0051000000000001",
         "a CRC of fewer than four digits"},
        {P1_TRUST_VERSION, P1_CRC_OK, 4, "30", "E0051000000000001",
         "no version, or an unknown one"},
        {P1_TRUSTED, P1_CRC_OK, 4, "50", "E0051000000000002", "the telegram is of another meter"},
        {P1_TRUSTED, P1_CRC_OK, 4, "50", "", "no equipment identifier"},
    };
    return cr_make_param_array(struct distrusted, cases, COUNT(cases));
}

ParameterizedTest(struct distrusted *c, pilot_cases, logs_why_a_telegram_is_not_believed)
{
    show(profile(-60, 600, 6000));
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    telegram.crc = c->crc;
    telegram.crc_digits = c->crc_digits;
    memcpy(telegram.version.text, c->version, sizeof c->version);
    snprintf(telegram.equipment_id.text, sizeof telegram.equipment_id.text, "%s", c->id);
    telegram.equipment_id.status = *c->id ? P1_VALUE : P1_ABSENT;
    put("{}", 2);
    cr_expect_eq(p1_telegram_trust(&telegram), c->verdict);
    struct capture capture = capture_begin();
    bool is_believed = hear(3);
    const char *log = capture_end(&capture);
    cr_expect_not(is_believed);
    cr_expect_str_eq(pilot.refused, c->why);
    cr_expect(strstr(log, "event=telegram.refused") && strstr(log, c->why), "%s", log);
    cr_expect(!strstr(strstr(log, c->why) + 1, c->why), "once: %s", log);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
}

struct refused {
    char why[64];
    enum p1_message_status status; // 0: PRESENT
    int lines;                     // 0: 1
    char text[400];                // "": a profile from from to to
    int64_t from, to;
    int watts;
};

// The texts are those of the manual and of wire/long_message.c; one for each place there.
#define BODY ",\"Body\":{\"Period\":[{\"Start\":\"260114170000W\",\"MxPwr\":6000}]}}"
#define HEADER                                                                                     \
    "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"260114170000W\",\"ValidTo\":"    \
    "\"260114190000W\"}"
#define PERIOD(members) HEADER ",\"Body\":{\"Period\":[{" members "}]}}"
#define AT "\"Start\":\"260114170000W\""

ParameterizedTestParameters(pilot_cases, tells_why_a_message_is_refused)
{
    static struct refused cases[] = {
        {"more than one message line", .lines = 2},
        {"a message that is not pairs of hex digits", .status = P1_MESSAGE_BAD},
        {"a message of more than 1024 octets", .status = P1_MESSAGE_TOO_LONG},
        {"foreign: Header.Action: not EBGDirectControl", .text = "{\"Header\":{\"Action\":\"X\"}}"},
        {"foreign: Header.Action: not EBGDirectControl", .text = "[]"},
        {"foreign: not JSON at octet 3: '[' or '{' expected near 'PAS'", .text = "PAS DE MESSAGE"},
        {"foreign: octets that are not ASCII text", .text = "\xff\xff"},
        {"foreign: nested too deep", .text = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]"},
        {"malformed: nested too deep", .text = "EBGDirectControl[[[[[[[[[[[[[[[[[[[[[[[["},
        {"malformed: octets that are not ASCII text", .text = "EBGDirectControl\x01"},
        {"malformed: not JSON at octet 157: duplicate object key near '\"Mx",
         .text = PERIOD(AT ",\"MxPwr\":6000,\"MxPwr\":9000")},
        {"malformed: Header.ValidFrom: missing",
         .text = "{\"Header\":{\"Action\":\"EBGDirectControl\"}" BODY},
        {"malformed: Header.ValidFrom: not a time as YYMMDDhhmmss and S or",
         .text = "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":260114170000}" BODY},
        {"malformed: Header.ValidTo: missing",
         .text =
             "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"260114170000W\"}" BODY},
        {"malformed: Header.ValidFrom: no such time",
         .text =
             "{\"Header\":{\"Action\":\"EBGDirectControl\",\"ValidFrom\":\"260231170000W\"}" BODY},
        {"malformed: Body: missing", .text = HEADER "}"},
        {"malformed: Body: not an object", .text = HEADER ",\"Body\":[]}"},
        {"malformed: Body.Period: missing", .text = HEADER ",\"Body\":{}}"},
        {"malformed: Body.Period: not a list", .text = HEADER ",\"Body\":{\"Period\":1}}"},
        {"malformed: Body.Period: 0 of them", .text = HEADER ",\"Body\":{\"Period\":[]}}"},
        {"malformed: Body: both Period and Periods",
         .text = HEADER ",\"Body\":{\"Period\":[],\"Periods\":[]}}"},
        {"malformed: Body.Period[0]: not an object", .text = HEADER ",\"Body\":{\"Period\":[1]}}"},
        {"malformed: Body.Period[0].Start: missing", .text = PERIOD("\"MxPwr\":1")},
        {"malformed: Body.Period[0]: sets nothing", .text = PERIOD(AT)},
        {"malformed: Body.Period[0].MaxPower: unknown", .text = PERIOD(AT ",\"MaxPower\":1")},
        {"malformed: Body.Period[0].MxPwr: not a number", .text = PERIOD(AT ",\"MxPwr\":\"1\"")},
        {"malformed: Body.Period[0].MxPwr: not a whole number",
         .text = PERIOD(AT ",\"MxPwr\":0.5")},
        {"malformed: Body.Period[0].MxPwr: not in 0 to 1000000",
         .text = PERIOD(AT ",\"MxPwr\":-1")},
        {"malformed: Body.Period[0].MxPwr: not in 0 to 1000000",
         .text = PERIOD(AT ",\"MxPwr\":1e308")},
        {"malformed: periods[1].start: not after the one before",
         .text = PERIOD(AT ",\"MxPwr\":1},{" AT ",\"MxPwr\":2")},
        {"malformed: periods[0].start: not before valid_to",
         .text = PERIOD("\"Start\":\"260114190000W\",\"MxPwr\":1")},
        {"malformed: valid_to: not after valid_from", .from = 60, .to = 60, .watts = 1},
        {"period 1: 11041 W is above the contract of 11040 W", .from = -60, .to = 600,
         .watts = 11041},
        {"ended at 2026-01-14T15:59:59Z", .from = -600, .to = -1, .watts = 6000},
    };
    return cr_make_param_array(struct refused, cases, COUNT(cases));
}

ParameterizedTest(struct refused *c, pilot_cases, tells_why_a_message_is_refused)
{
    show(profile(-60, 6000, 6000));
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    told = 0;
    const char *text = *c->text ? c->text : c->to ? profile(c->from, c->to, c->watts) : "";
    put(text, strlen(text));
    if (c->status)
        telegram.message.status = c->status;
    if (c->lines)
        telegram.message.lines = c->lines;
    hear(5);
    cr_assert_eq(times(FEED_REFUSED, NULL), 1, "%s: %d", c->why, times(FEED_REFUSED, NULL));
    cr_expect(!strncmp(last_reason(), c->why, sizeof c->why - 1), "\"%s\" for \"%s\"",
              last_reason(), c->why);
    cr_expect_eq(times(FEED_ACCEPTED, NULL) + times(FEED_APPLIED, NULL), 0);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
}

Test(pilot_cases, tells_why_a_message_that_is_too_long_is_refused)
{
    char text[LONG_MESSAGE_MAX + 1];
    memset(text, ' ', sizeof text);
    static const char action[] = "EBGDirectControl";
    memcpy(text, action, sizeof action - 1);
    static struct long_message message;
    long_message_read(text, sizeof text, LONG_MESSAGE_W, &message);
    cr_expect_eq(message.kind, LONG_MESSAGE_MALFORMED);
    cr_expect_str_eq(message.reason, "longer than 1024 octets");
}

Test(pilot_cases, refuses_nothing_where_nothing_is_said)
{
    telegram.message = (struct p1_message){.status = P1_MESSAGE_ABSENT};
    hear(5);
    expect(SETPOINT_OWN, CONTRACT, "no valid profile: no message line");
    put("   ", 3);
    hear(5);
    expect(SETPOINT_OWN, CONTRACT, "no valid profile: the message is empty");
    cr_expect_eq(told, 0);
}

Test(pilot_cases, logs_what_it_tolerates)
{
    char text[600];
    snprintf(text, sizeof text, "%s", profile(-60, 600, 6000));
    char *name = strstr(text, "Period");
    memmove(name + 7, name + 6, strlen(name + 6) + 1);
    name[6] = 's';
    struct capture capture = capture_begin();
    show(text);
    const char *log = capture_end(&capture);
    cr_expect(strstr(log, "event=message.tolerated oddity=periods"), "%s", log);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
}

// ---- seals

static struct seal_key *key;

static void use_seal(int64_t from, int64_t to)
{
    if (!key)
        key = seal_key_make();
    rules.seal.keys[0] =
        (struct seal_gate_key){true, seal_key_public(key), START + from, START + to};
    start(NULL);
}

static const char *sealed(int64_t seq, const char *id, const char *plain)
{
    static char text[LONG_MESSAGE_MAX + 1];
    cr_assert_eq(seal_write(plain, strlen(plain), seq, id, key, text), ERR_NONE);
    return text;
}

static void expect_refused(const char *text, const char *why)
{
    told = 0;
    show(text);
    cr_expect_eq(times(FEED_REFUSED, why), 1, "\"%s\" for \"%s\"", last_reason(), why);
    cr_expect_eq(times(FEED_ACCEPTED, NULL), 0, "%s", why);
}

Test(pilot_cases, tells_why_a_seal_is_refused)
{
    use_seal(0, 100);
    show(sealed(7, meter, profile(-60, 6000, 6000)));
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    expect_refused(profile(-60, 600, 9000), "not sealed for this meter by a known key");
    expect_refused(sealed(8, "E0051000000000002", profile(-60, 600, 9000)),
                   "not sealed for this meter by a known key");
    expect_refused(sealed(6, meter, profile(-60, 600, 9000)),
                   "older than the newest sealed message");
    expect_refused(sealed(7, meter, profile(-60, 600, 9000)),
                   "the sequence number of another message");
    s = 200;
    expect_refused(sealed(9, meter, profile(-60, 600, 9000)),
                   "sealed by a key that is not good any more");
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    use_seal(1000, 2000);
    expect_refused(sealed(9, meter, profile(-60, 600, 9000)),
                   "sealed by a key that is not good yet");
    seal_key_free(key);
}

// A message takes the place of all before it, also when it cannot be obeyed itself; but not when
// its key is not good, or whoever has an old key could shut the operator out.
Test(pilot_cases, obeys_nothing_older_than_what_it_refused)
{
    use_seal(0, 100);
    show(sealed(7, meter, profile(-60, 6000, 6000)));
    expect_refused(sealed(9, meter, profile(-60, 600, 20000)),
                   "period 1: 20000 W is above the contract of 11040 W");
    cr_expect_eq(saved.seal.seq, 9);
    expect_refused(sealed(8, meter, profile(-60, 600, 9000)),
                   "older than the newest sealed message");
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    struct state kept = saved;
    start(&kept);
    expect_refused(sealed(8, meter, profile(-60, 600, 9000)),
                   "older than the newest sealed message");
    s = 200;
    expect_refused(sealed(99, meter, profile(-60, 600, 9000)),
                   "sealed by a key that is not good any more");
    cr_expect_eq(saved.seal.seq, 9);
    seal_key_free(key);
}

// What stops an older message then is its own end alone, as the manual says.
Test(pilot_cases, obeys_an_older_message_after_the_state_was_lost_until_its_end)
{
    use_seal(-1000, 100000);
    show(sealed(9, meter, profile(-60, 6000, 6000)));
    start(NULL);
    show(sealed(8, meter, profile(-60, 600, 9000)));
    expect(SETPOINT_LIMITED, 9000, "period 1 of 1");
    start(NULL);
    s = 700;
    show(sealed(8, meter, profile(-60, 600, 9000)));
    cr_expect_str_eq(last_reason(), "ended at 2026-01-14T16:10:00Z");
    seal_key_free(key);
}

Test(pilot_cases, restores_only_what_is_sealed)
{
    show(profile(-60, 6000, 6000));
    struct state kept = saved;
    cr_assert(kept.current.is_set);
    start(&kept);
    cr_expect(pilot.setpoint.current.is_set, "without a key");
    key = seal_key_make();
    rules.seal.keys[0] = (struct seal_gate_key){true, seal_key_public(key), 0, INT64_MAX};
    start(&kept);
    cr_expect_not(pilot.setpoint.current.is_set, "with one");
    expect(SETPOINT_STARTING, SAFE, "waiting for a trustworthy telegram");
    show(sealed(5, meter, profile(-60, 6000, 5000)));
    kept = saved;
    start(&kept);
    cr_expect(pilot.setpoint.current.is_set, "sealed");
    seal_key_free(key);
}

// ---- time

// By a clock that went ahead the profile is over. When it is right again, the message that still
// stands on P1 holds again, as if it had never been over.
Test(pilot_cases, obeys_again_what_had_ended_by_a_clock_that_was_ahead)
{
    show(profile(-60, 20000, 6000));
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    meter_ahead = 86400;
    hear(HOLD_S / 2);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    hear(HOLD_S);
    expect(SETPOINT_OWN, CONTRACT, "the last one ended at");
    cr_expect_eq(times(FEED_ENDED, NULL), 1);
    cr_expect_eq(times(FEED_REFUSED, NULL), 0);
    struct state kept = saved;

    meter_ahead = 0;
    hear(HOLD_S + 2);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");

    // The same when the power went meanwhile.
    start(&kept);
    hear(REPEATS + 1);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    kept = saved;
    hear(20000);
    expect(SETPOINT_OWN, CONTRACT, "");
    kept = saved;
    start(&kept);
    hear(REPEATS + 1);
    expect(SETPOINT_OWN, CONTRACT, "the message on P1 has ended");
    cr_expect_eq(told, 0, "it was told already: %s", last_reason());
    telegram.time.status = P1_ABSENT;
    start(&kept);
    hear(REPEATS + 1);
    expect(SETPOINT_OWN, CONTRACT, "the message on P1 has ended");
    telegram.time.status = P1_VALUE;
}

Test(pilot_cases, obeys_what_it_refused_by_a_clock_that_was_ahead)
{
    meter_ahead = 86400;
    show(profile(-60, 20000, 6000));
    expect(SETPOINT_OWN, CONTRACT, "ended at");
    meter_ahead = 0;
    hear(HOLD_S + 2);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    cr_expect_eq(times(FEED_ACCEPTED, NULL), 1);
}

Test(pilot_cases, judges_what_it_holds_only_once)
{
    show(profile(90000, 95000, 6000)); // waits
    meter_ahead = -80000;
    hear(HOLD_S + 2);
    cr_expect_eq(times(FEED_SEEN, NULL), 1);
    put("{}", 2);
    meter_ahead = 0;
    hear(HOLD_S + 2);
    cr_expect_eq(times(FEED_SEEN, NULL), 3, "the other one, when it came and by another time");
    cr_expect_eq(times(FEED_ACCEPTED, NULL), 1);
    cr_expect(pilot.setpoint.next.is_set);
}

Test(pilot_cases, waits_for_a_certain_time)
{
    telegram.time.status = P1_ABSENT;
    show(profile(-60, 20000, 6000));
    expect(SETPOINT_SAFE, SAFE, "no certain time for the profile: the telegram tells no time");
    telegram.time.status = P1_VALUE;
    hear(1);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    cr_expect_eq(times(FEED_SEEN, NULL), 1);
    cr_expect_eq(times(FEED_ACCEPTED, NULL), 1);
    telegram.time.status = P1_VALUE;
}

// But not for a message that P1 does not show any more by then.
Test(pilot_cases, waits_with_the_message_that_stands_on_p1)
{
    telegram.time.status = P1_ABSENT;
    show(profile(-60, 20000, 6000));
    telegram.time.status = P1_VALUE;
    put("", 0);
    hear(1);
    expect(SETPOINT_SAFE, SAFE, "it is not judged yet");
    hear(2);
    expect(SETPOINT_OWN, CONTRACT, "the message is empty");
}

// ---- the charger

Test(pilot_cases, tells_a_period_that_is_applied_once)
{
    show(profile(-60, 20000, 6000));
    hear(20);
    cr_expect_eq(times(FEED_APPLIED, "period 1 of 1"), 1);
    pilot_fail(&pilot, 6000, true, "says the charger", now_of());
    pilot_step(&pilot, now_of());
    cr_expect_eq(pilot.setpoint.confirmed, false);
    hear(2);
    cr_expect_eq(times(FEED_APPLIED, "period 1 of 1"), 1, "while it is doubted nothing is applied");
    hear(HOLD_S);
    expect(SETPOINT_LIMITED, 6000, "period 1 of 1");
    cr_expect_eq(times(FEED_APPLIED, "period 1 of 1"), 2, "when it holds again that is news");
}

Test(pilot_cases, wakes_when_time_changes_something)
{
    show(profile(-60, 20000, 6000));
    cr_expect_leq(pilot_wait(&pilot, now_of()), HOLD_S * SECONDS_NS);
    cr_expect_gt(pilot_wait(&pilot, now_of()), (HOLD_S - 2) * SECONDS_NS);
    int before = saves;
    hear(100);
    cr_expect_eq(saves, before, "nothing to be kept, nothing written");
}

// ---- French codes

static struct tic tic;

static bool hear_tic(int frames)
{
    bool is_believed = true;
    while (frames-- > 0) {
        s++;
        is_believed = pilot_take_tic(&pilot, &tic, now_of());
        confirm();
    }
    return is_believed;
}

static void show_code(const char *code)
{
    tic.message.status = TIC_VALUE;
    snprintf(tic.message.text, sizeof tic.message.text, "%s", code);
    hear_tic(REPEATS);
}

Test(pilot_cases, follows_the_code_of_a_french_meter)
{
    tic.address.status = TIC_VALUE;
    memcpy(tic.address.text, meter, sizeof meter);
    show_code("A1");
    expect(SETPOINT_LIMITED, 6000, "code A1");
    tic.message.text[1] = '2';
    hear_tic(1);
    expect(SETPOINT_LIMITED, 6000, "code A1");
    hear_tic(1);
    expect(SETPOINT_LIMITED, 3000, "code A2");
    cr_expect_eq(told, 0, "a code is no message");
    hear_tic(10);
    expect(SETPOINT_LIMITED, 3000, "code A2");

    tic.message.status = TIC_ABSENT;
    tic.damaged = 1;
    hear_tic(10);
    expect(SETPOINT_LIMITED, 3000, "code A2"); // it may have been in the damaged group
    tic.damaged = 0;
    hear_tic(REPEATS);
    expect(SETPOINT_OWN, CONTRACT, "the code is \"\"");
    show_code("B9");
    expect(SETPOINT_OWN, CONTRACT, "the code is \"B9\"");
    cr_expect_eq(pilot.state.limit_w, CONTRACT);
}

Test(pilot_cases, believes_only_frames_of_its_meter)
{
    tic.address.status = TIC_ABSENT;
    show_code("A1");
    cr_expect_not(hear_tic(1));
    cr_expect_str_eq(pilot.refused, "no address of the meter");
    tic.address.status = TIC_VALUE;
    memcpy(tic.address.text, "other", 6);
    cr_expect_not(hear_tic(1));
    cr_expect_str_eq(pilot.refused, "the frame is of another meter");
    expect(SETPOINT_STARTING, SAFE, "waiting for a trustworthy telegram");
    rules.trust.equipment_id = "";
    cr_expect(hear_tic(REPEATS));
    expect(SETPOINT_LIMITED, 6000, "code A1");
    tic.time = (struct tic_time){TIC_VALUE, START};
    cr_expect(hear_tic(1));
    struct utc utc;
    cr_expect_null(meter_clock_tell(&pilot.clock, now_of().mono, &utc));
}
