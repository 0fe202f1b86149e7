// SPDX-License-Identifier: Apache-2.0
// What goes wrong at meters in the field, one test for each deviation that users of P1 software
// have reported: from the octets to the decision. Each says what may be metered and what controls.

#include "gateway/line_look.h"
#include "gateway/meter_clock.h"
#include "gateway/p1_port.h"
#include "gateway/setpoint.h"
#include "gateway/trust.h"
#include "wire/crc16.h"
#include "wire/dsmr_time.h"
#include "wire/long_message.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { STREAM = 20000, TELEGRAMS = 8 };
#define V50 "1-3:0.2.8(50)\r\n"
#define METER "0-0:96.1.1(4530303531303030)\r\n"
#define POWER "1-0:1.7.0(00.519*kW)\r\n"
#define MESSAGE "0-0:96.13.0(7B7D)\r\n"

// What came out of a stream.
struct seen {
    int count;
    struct p1_frame frames[TELEGRAMS];
    struct p1_telegram telegrams[TELEGRAMS];
};
static struct seen seen;
static struct p1_reader *reader;
static char stream[STREAM];
static size_t stream_len;

static void begin(void)
{
    reader = p1_reader_new();
}

static void end(void)
{
    p1_reader_free(reader);
}

TestSuite(field, .init = begin, .fini = end);

static void add(const char *text)
{
    for (; *text; text++) {
        cr_assert_lt(stream_len, STREAM);
        stream[stream_len++] = *text;
    }
}

enum sum { NO_SUM, FULL, LOWER_CASE, UNPADDED };

static void add_telegram(const char *header, const char *lines, enum sum sum)
{
    size_t from = stream_len;
    char digits[16] = "";
    add(header);
    add("\r\n\r\n");
    add(lines);
    add("!");
    unsigned crc = crc16_update(CRC16_START, stream + from, stream_len - from);
    if (sum == FULL)
        snprintf(digits, sizeof digits, "%04X", crc);
    else if (sum == LOWER_CASE)
        snprintf(digits, sizeof digits, "%04x", crc);
    else if (sum == UNPADDED)
        snprintf(digits, sizeof digits, "%X", crc);
    add(digits);
    add("\r\n");
}

static void add_good(const char *lines)
{
    add_telegram("/ISK5\\2M550T-1012", lines, FULL);
}

static void take(void)
{
    size_t len;
    const char *text = p1_reader_telegram(reader, &len);
    cr_assert_lt(seen.count, TELEGRAMS);
    seen.frames[seen.count] = *p1_reader_frame(reader);
    p1_telegram_read(text, len, p1_reader_frame(reader), &seen.telegrams[seen.count++]);
}

static void push(const char *octets, size_t len)
{
    for (size_t at = 0, used; at < len; at += used)
        if (p1_reader_push(reader, octets + at, len - at, &used))
            take();
}

// Push what was added, and look at the last telegram.
static const struct p1_telegram *read_stream(void)
{
    push(stream, stream_len);
    return seen.count ? &seen.telegrams[seen.count - 1] : NULL;
}

static enum p1_trust last_trust(void)
{
    return p1_telegram_trust(&seen.telegrams[seen.count - 1]);
}

Test(field, single_characters_corrupted)
{
    add_good(V50 METER POWER MESSAGE);
    size_t len = stream_len;
    for (size_t at = 1; at < len - 6; at++) { // not the first '/', nor the end mark
        stream[at] ^= 4;
        seen.count = 0;
        push(stream, len);
        for (int i = 0; i < seen.count; i++)
            cr_expect_neq(p1_telegram_trust(&seen.telegrams[i]), P1_TRUSTED, "octet %zu", at);
        stream[at] ^= 4;
        p1_reader_end(reader);
    }
    cr_expect_gt(p1_reader_counts(reader)->bad, 100, "and they are counted");
}

Test(field, telegram_in_bursts_with_150_ms_pause)
{
    add_good(V50 METER POWER MESSAGE);
    int64_t now = 0;
    for (size_t at = 0; at < stream_len; at += 16, now += 150000000) {
        cr_expect_not(p1_reader_idle(reader, now));
        push(stream + at, stream_len - at < 16 ? stream_len - at : 16);
    }
    cr_assert_eq(seen.count, 1);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, more_than_100_ms_before_the_crc_digits)
{
    add_good(V50 METER POWER MESSAGE);
    p1_reader_idle(reader, 0);
    push(stream, stream_len - 6);
    cr_expect_eq(seen.count, 0, "the frame ends behind the digits, not at the mark");
    cr_expect_not(p1_reader_idle(reader, 400000000));
    push(stream + stream_len - 6, 6);
    cr_assert_eq(seen.count, 1);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, sleep_between_reads_joins_two_half_telegrams)
{
    add_good(V50 METER POWER MESSAGE);
    size_t half = stream_len / 2;
    add_good(V50 METER "1-0:1.7.0(01.234*kW)\r\n" MESSAGE);
    push(stream, half);
    push(stream + half + 40, stream_len - half - 40);
    for (int i = 0; i < seen.count - 1; i++)
        cr_expect_neq(p1_telegram_trust(&seen.telegrams[i]), P1_TRUSTED);
    cr_expect_eq(last_trust(), P1_TRUSTED, "but the telegram after them is found");
    cr_expect_eq(seen.telegrams[seen.count - 1].power_delivered_mw.value, 1234000);
}

Test(field, telegram_of_more_than_3000_bytes)
{
    static const char line[] = "0-1:98.1.0(230101000000W)(00.1)\r\n";
    static char lines[6000] = V50 METER;
    size_t len = strlen(lines);
    for (int i = 0; i < 150; i++)
        len += (size_t)snprintf(lines + len, sizeof lines - len, "%s", line);
    snprintf(lines + len, sizeof lines - len, POWER MESSAGE);
    add_good(lines);
    cr_assert_gt(stream_len, 4500);
    read_stream();
    cr_assert_eq(seen.count, 1);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, cut_telegram_directly_followed_by_a_good_one)
{
    add_good(V50 METER POWER MESSAGE);
    size_t len = stream_len;
    for (size_t cut = 1; cut < len; cut++) {
        seen.count = 0;
        push(stream, cut);
        push(stream, len);
        cr_assert_geq(seen.count, 1, "cut at %zu", cut);
        cr_expect_eq(last_trust(), P1_TRUSTED, "cut at %zu", cut);
        p1_reader_end(reader);
    }
}

Test(field, lower_or_mixed_case_crc)
{
    add_telegram("/ISK5\\2M550T-1012", V50 METER POWER MESSAGE, LOWER_CASE);
    read_stream();
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, crc_without_leading_zeros)
{
    char lines[200];
    for (int i = 0; i < 1000; i++) { // until the sum is a small one
        snprintf(lines, sizeof lines, V50 METER "1-0:1.7.0(%02d.%03d*kW)\r\n" MESSAGE, i / 100, i);
        stream_len = 0;
        add_telegram("/NWA-WARMTELINK", lines, UNPADDED);
        if (stream[stream_len - 6] == '!')
            break;
    }
    read_stream();
    cr_expect_eq(seen.frames[0].crc, P1_CRC_OK, "good for metering");
    cr_expect_eq(seen.frames[0].crc_digits, 3);
    cr_expect_eq(last_trust(), P1_TRUST_CRC_SHORT, "not for control");
}

// reflected 0x1021, all ones at both ends.
static uint16_t x25(const char *octets, size_t len)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint8_t)octets[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1);
    }
    return (uint16_t)~crc;
}

Test(field, another_crc)
{
    char digits[8];
    add_telegram("/EST5\\253710000_A", V50 METER POWER MESSAGE, NO_SUM);
    stream_len -= 2;
    snprintf(digits, sizeof digits, "%04X\r\n", x25(stream, stream_len));
    add(digits);
    read_stream();
    cr_expect_eq(last_trust(), P1_TRUST_CRC_BAD);
}

Test(field, no_crc_of_dsmr_2_and_3)
{
    add_telegram("/KMP5 KA6U001585575011", METER POWER MESSAGE, NO_SUM);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_eq(telegram->power_delivered_mw.value, 519000);
    cr_expect_eq(last_trust(), P1_TRUST_CRC_ABSENT);
}

Test(field, no_end_mark_at_all)
{
    for (int i = 0; i < 2; i++) {
        add("/ISk5\\2MT382-1000\r\n\r\n" METER POWER MESSAGE);
    }
    read_stream();
    cr_assert_eq(seen.count, 1, "closed by the next header");
    cr_expect_not(seen.frames[0].ended);
    cr_expect_eq(seen.telegrams[0].power_delivered_mw.value, 519000);
    cr_expect_eq(last_trust(), P1_TRUST_CRC_ABSENT);
}

Test(field, end_mark_or_slash_in_header_or_text)
{
    add_telegram("/ISK5!2M/550T", V50 METER "0-0:96.13.1(12/3!4)\r\n" POWER MESSAGE, FULL);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram && seen.count == 1);
    cr_expect_eq(last_trust(), P1_TRUSTED);
    cr_expect_str_eq(telegram->short_code.text, "12/3!4");
}

Test(field, nul_after_the_crc)
{
    add_good(V50 METER POWER MESSAGE);
    push(stream, stream_len);
    push("\0", 1);
    push(stream, stream_len);
    cr_expect_eq(seen.count, 2);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, bytes_above_7f)
{
    add_good(V50 METER "0-1:24.2.1(260114160000W)(00001.234*m\xb3)\r\n" POWER MESSAGE);
    push("\xff\xfd", 2); // ser2net, telnet
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_eq(last_trust(), P1_TRUSTED);
    cr_expect_eq(telegram->power_delivered_mw.value, 519000);
}

Test(field, text_of_ff_bytes_or_a_label)
{
    static const char *const lines[] = {
        "0-0:96.13.0(FFFFFFFF)\r\n", "0-0:96.13.0(\xff\xff\xff\xff)\r\n",
        "0-0:96.13.0(text message)\r\n",
        "0-0:96.13.0(4D65737361676573)\r\n", // "Messages"
    };
    static struct long_message message;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[200];
        snprintf(text, sizeof text, V50 METER "%s", lines[i]);
        stream_len = 0;
        seen.count = 0;
        add_good(text);
        const struct p1_telegram *telegram = read_stream();
        cr_assert(telegram);
        if (telegram->message.status != P1_MESSAGE_PRESENT) {
            cr_expect_eq(last_trust(), P1_TRUST_MESSAGE_HEX, "%zu", i);
            continue;
        }
        long_message_read((const char *)telegram->message.octets, telegram->message.len,
                          LONG_MESSAGE_W, &message);
        cr_expect_eq(message.kind, LONG_MESSAGE_FOREIGN, "%zu: to be ignored", i);
    }
}

Test(field, text_split_over_lines)
{
    add_good(V50 METER "0-0:96.13.0(3031323334353637\r\n38393A3B3C3D3E3F)\r\n" POWER);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_eq(last_trust(), P1_TRUST_MESSAGE_HEX, "refused as a profile");
    cr_expect_eq(telegram->power_delivered_mw.value, 519000, "and no harm to the rest");
}

Test(field, empty_value_groups)
{
    add_good(V50 METER "1-0:99.97.0()\r\n0-1:24.1.0()\r\n1-0:1.7.0()\r\n0-0:96.13.0()\r\n");
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_eq(telegram->mbus[0].type.status, P1_EMPTY);
    cr_expect_eq(telegram->power_delivered_mw.status, P1_EMPTY);
    cr_expect_eq(telegram->message.status, P1_MESSAGE_EMPTY);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, gas_not_yet_read)
{
    add_good(V50 METER "0-1:24.2.1(632525252525W)(00000.000)\r\n" POWER MESSAGE);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_neq(telegram->mbus[0].value.status, P1_VALUE);
    cr_expect_eq(telegram->power_delivered_mw.value, 519000);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, clock_unset_or_months_off)
{
    static const struct {
        const char *time;
        bool is_certain;
    } cases[] = {
        {"000101010000W", false}, {"250000000000W", false}, {"251014160000S", false},
        {"260714160000S", false}, {"260114170030W", true},
    };
    static const int64_t system = 1768406400; // 2026-01-14 16:00 UTC
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, V50 METER "0-0:1.0.0(%s)\r\n" MESSAGE, cases[i].time);
        stream_len = 0;
        add_good(text);
        seen.count = 0;
        const struct p1_telegram *telegram = read_stream();
        cr_assert(telegram);
        struct meter_clock clock;
        const struct meter_clock_rules rules = {METER_CLOCK_AUTO, 60, 120 * SECONDS_NS};
        meter_clock_start(&clock, &rules);
        const struct meter_clock_reading reading = {.mono = {1},
                                                    .system = {system * SECONDS_NS},
                                                    .system_is_synchronised = true,
                                                    .has_time = telegram->time.status == P1_VALUE,
                                                    .time = telegram->time.utc};
        meter_clock_read(&clock, &reading);
        struct utc utc;
        bool is_own = telegram->time.status != P1_VALUE || telegram->time.utc < 1577836800;
        bool is_certain = !meter_clock_tell(&clock, (struct mono){1}, &utc);
        // Where the meter has no time at all, the synchronised system's is taken.
        cr_expect_eq(is_certain, cases[i].is_certain || is_own, "%s", cases[i].time);
    }
}

Test(field, time_without_season_or_in_dlms_hex)
{
    static const char *const times[] = {"260114170000", "07EA010E0211000000FFC400", ""};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[200];
        snprintf(text, sizeof text, V50 METER "0-0:1.0.0(%s)\r\n" POWER MESSAGE, times[i]);
        stream_len = 0;
        add_good(text);
        const struct p1_telegram *telegram = read_stream();
        cr_assert(telegram);
        cr_expect_neq(telegram->time.status, P1_VALUE, "%s", times[i]);
        cr_expect_eq(telegram->power_delivered_mw.value, 519000, "metering goes on");
    }
}

Test(field, dst_gap_and_fold)
{
    int64_t first, second, before, after;
    cr_assert_eq(dsmr_time_parse("261025023000S", &first), ERR_NONE);
    cr_assert_eq(dsmr_time_parse("261025023000W", &second), ERR_NONE);
    cr_expect_eq(second - first, 3600, "the hour that is there twice");
    cr_assert_eq(dsmr_time_parse("260329015959W", &before), ERR_NONE);
    cr_assert_eq(dsmr_time_parse("260329030000S", &after), ERR_NONE);
    cr_expect_eq(after - before, 1, "the hour that is not there");
}

Test(field, other_units_and_missing_star)
{
    add_good(V50 METER "1-0:1.8.0(001234567*Wh)\r\n1-0:1.7.0(519*W)\r\n1-0:21.7.0(0.519kW)\r\n"
                       "1-0:31.7.0(16000*mA)\r\n1-0:32.7.0(230.1*V)\r\n" MESSAGE);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_eq(telegram->energy_delivered_mwh[0].value, 1234567000);
    cr_expect_eq(telegram->power_delivered_mw.value, 519000);
    cr_expect_eq(telegram->power_delivered_phase_mw[0].value, 519000);
    cr_expect_eq(telegram->current_ma[0].value, 16000);
    cr_expect_eq(telegram->voltage_mv[0].value, 230100);
}

Test(field, power_failure_log_without_unit_or_with_2147483647_s)
{
    add_good(V50 METER "1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)"
                       "(2147483647)\r\n" POWER MESSAGE);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_eq(telegram->failure_count, 2);
    cr_expect_eq(telegram->failure[0].duration_s.value, 240);
    cr_expect_eq(telegram->failure[1].duration_s.value, 2147483647);
}

Test(field, belgian_codes)
{
    add_telegram("/FLU5\\253770234_A",
                 "0-0:96.1.4(50217)\r\n" METER "0-1:96.1.1(37464C4F32)\r\n"
                 "0-1:24.2.3(260114160000W)(00112.384*m3)\r\n1-0:31.7.0(002.34*A)\r\n" MESSAGE,
                 FULL);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_str_eq(telegram->version.text, "50217");
    cr_expect_str_eq(telegram->mbus[0].id.text, "7FLO2");
    cr_expect_eq(telegram->mbus[0].value.value, 112384);
    cr_expect_eq(telegram->current_ma[0].value, 2340);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, new_optional_lines)
{
    add_good(V50 METER "1-0:1.4.0(02.351*kW)\r\n1-0:1.6.0(260112161500W)(02.589*kW)\r\n"
                       "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(260101000000W)(0)\r\nno line at all\r\n"
                       "9-9:9.9.9\r\n" POWER MESSAGE);
    const struct p1_telegram *telegram = read_stream();
    cr_assert(telegram);
    cr_expect_gt(telegram->unknown + telegram->bad, 3);
    cr_expect_eq(telegram->power_delivered_mw.value, 519000);
    cr_expect_eq(last_trust(), P1_TRUSTED);
}

Test(field, inverted_signal)
{
    struct line_look look = {0};
    uint8_t octets[500];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(0x80 | i * 37);
    line_look_take(&look, octets, sizeof octets);
    push((const char *)octets, sizeof octets);
    cr_expect_eq(seen.count, 0);
    cr_expect(strstr(line_look_verdict(&look), "inverted"));
}

// ---- the port itself

static int pty_of(char path[static 64])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(master >= 0 && !grantpt(master) && !unlockpt(master));
    cr_assert_eq(ptsname_r(master, path, 64), 0);
    return master;
}

// A pseudo terminal has no wires to look at. What can be seen: nothing lowers them, neither
// hardware handshake nor a lack of them.
Test(field, request_line_must_stay_high)
{
    char path[64];
    int master = pty_of(path), fd = p1_port_open_serial(path, "115200/8N1");
    cr_assert_geq(fd, 0);
    struct termios termios;
    cr_assert_eq(tcgetattr(fd, &termios), 0);
    cr_expect_not(termios.c_cflag & CRTSCTS);
    cr_expect(termios.c_cflag & CLOCAL);
    close(fd);
    close(master);
}

static int server, calls;
static struct loop *loop;

static void on_call(void *arg, uint32_t events)
{
    (void)arg, (void)events;
    accept4(server, NULL, NULL, SOCK_CLOEXEC); // and never a word
    calls++;
}

static void on_frame(void *arg, const struct p1_frame *frame, const char *telegram, size_t len)
{
    (void)arg, (void)frame, (void)telegram, (void)len;
}

static void on_over(void *arg)
{
    loop_stop(arg);
}

Test(field, reads_stop_after_hours, .timeout = 20)
{
    char address[40];
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(server >= 0 && !bind(server, (struct sockaddr *)&any, sizeof any)
              && !listen(server, 5) && !getsockname(server, (struct sockaddr *)&any, &len));
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d", ntohs(any.sin_port));
    loop = loop_new();
    const struct p1_port_settings settings = {
        .address = address, .line = "115200/8N1", .silence_s = 1};
    const struct p1_port_crew crew = {.frame = on_frame};
    struct loop_watch *watch = loop_watch(loop, server, EPOLLIN, on_call, NULL);
    struct p1_port *port = p1_port_new(loop, &settings, &crew);
    struct loop_timer *over = loop_timer_new(loop, on_over, loop);
    loop_timer_in(over, 5 * SECONDS_NS / 2);
    loop_run(loop);
    cr_expect_geq(calls, 2, "a silent port is opened again");
    p1_port_free(port);
    loop_timer_free(over);
    loop_unwatch(watch);
    loop_free(loop);
    close(server);
}

Test(field, stale_meter_read_as_0_a)
{
    const struct setpoint_rules rules = {.contract_w = 11040,
                                         .safe_w = 4200,
                                         .hold_ns = 120 * SECONDS_NS,
                                         .confirm_ns = 10 * SECONDS_NS};
    struct setpoint setpoint;
    struct setpoint_now now = {.why_untimed = "no time"};
    setpoint_start(&setpoint, &rules, INT32_MAX, now);
    setpoint_hear(&setpoint, now);
    setpoint_offer_none(&setpoint, "empty");
    setpoint_step(&setpoint, now);
    setpoint_confirm(&setpoint, setpoint.limit_w);
    cr_expect_eq(setpoint.mode, SETPOINT_OWN);
    now.mono.ns = 120 * SECONDS_NS;
    setpoint_step(&setpoint, now);
    cr_expect_eq(setpoint.mode, SETPOINT_SAFE, "silence is no free power");
    cr_expect_eq(setpoint.limit_w, 4200);
}
