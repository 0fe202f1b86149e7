// SPDX-License-Identifier: Apache-2.0

#include "base/rfc3339.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400 };

static bool digits(const char *text, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

// "Z", "z" or ±hh:mm, the whole of the rest.
static enum err parse_offset(const char *text, size_t len, int *seconds)
{
    if (len == 1 && (*text == 'Z' || *text == 'z')) {
        *seconds = 0;
        return ERR_NONE;
    }
    int hours, minutes;
    if (len != 6 || (*text != '+' && *text != '-') || text[3] != ':' || !digits(text + 1, 2, &hours)
        || !digits(text + 4, 2, &minutes))
        return ERR_SYNTAX;
    if (hours > 23 || minutes > 59)
        return ERR_RANGE;
    *seconds = (hours * 60 + minutes) * (*text == '-' ? -60 : 60);
    return ERR_NONE;
}

enum err rfc3339_parse(const char *text, size_t len, int64_t *utc)
{
    int year, month, day, hour, minute, second;
    if (len < RFC3339_LEN || !digits(text, 4, &year) || text[4] != '-'
        || !digits(text + 5, 2, &month) || text[7] != '-' || !digits(text + 8, 2, &day)
        || (text[10] != 'T' && text[10] != 't') || !digits(text + 11, 2, &hour) || text[13] != ':'
        || !digits(text + 14, 2, &minute) || text[16] != ':' || !digits(text + 17, 2, &second))
        return ERR_SYNTAX;
    size_t at = 19;
    if (text[at] == '.') {
        size_t first = ++at;
        while (at < len && text[at] >= '0' && text[at] <= '9')
            at++;
        if (at == first)
            return ERR_SYNTAX;
    }
    int offset;
    enum err err = parse_offset(text + at, len - at, &offset);
    if (err)
        return err;

    struct tm real = {.tm_year = year - 1900,
                      .tm_mon = month - 1,
                      .tm_mday = day,
                      .tm_hour = hour,
                      .tm_min = minute,
                      .tm_sec = second};
    time_t shown = timegm(&real); // rolls over what does not exist
    if (real.tm_mon != month - 1 || real.tm_mday != day || real.tm_hour != hour
        || real.tm_min != minute || real.tm_sec != second)
        return ERR_RANGE;
    int64_t result = shown - offset;
    if (result < RFC3339_FIRST || result > RFC3339_LAST)
        return ERR_RANGE;
    *utc = result;
    return ERR_NONE;
}

static void write_digits(char *text, int count, int value)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        text[i] = (char)('0' + value % 10);
}

// Days since 1970 as year, month and day, by eras of 400 years that begin on 1 March: so a leap day
// is the last of its year. Not gmtime_r(), which takes a lock.
static void date_of(int64_t days, int *year, int *month, int *day)
{
    enum { ERA_DAYS = 146097, TO_MARCH_0000 = 719468 };
    int64_t since = days + TO_MARCH_0000,
            era = (since >= 0 ? since : since - ERA_DAYS + 1) / ERA_DAYS;
    int in_era = (int)(since - era * ERA_DAYS);
    int of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    int since_march = (5 * in_year + 2) / 153;
    *day = in_year - (153 * since_march + 2) / 5 + 1;
    *month = since_march < 10 ? since_march + 3 : since_march - 9;
    *year = (int)(era * 400) + of_era + (*month <= 2);
}

void rfc3339_format(int64_t utc, char text[static RFC3339_LEN + 1])
{
    assert(utc >= RFC3339_FIRST && utc <= RFC3339_LAST);
    int64_t days =
        (utc - RFC3339_FIRST) / DAY_S + RFC3339_FIRST / DAY_S; // rounds down before 1970 as well
    int year, month, day, second = (int)(utc - days * DAY_S);
    date_of(days, &year, &month, &day);
    // not strftime, whose %Y writes the year 999 with three digits
    memcpy(text, "0000-00-00T00:00:00Z", RFC3339_LEN + 1);
    write_digits(text, 4, year);
    write_digits(text + 5, 2, month);
    write_digits(text + 8, 2, day);
    write_digits(text + 11, 2, second / 3600);
    write_digits(text + 14, 2, second / 60 % 60);
    write_digits(text + 17, 2, second % 60);
}

void rfc3339_format_of_ms(int64_t utc_ms, char text[static RFC3339_MS_LEN + 1])
{
    int64_t part = (utc_ms % 1000 + 1000) % 1000;
    rfc3339_format((utc_ms - part) / 1000, text);
    memcpy(text + RFC3339_LEN - 1, ".000Z", 6);
    write_digits(text + RFC3339_LEN, 3, (int)part);
}

void rfc3339_format_ms(int64_t utc_ns, char text[static RFC3339_MS_LEN + 1])
{
    rfc3339_format_of_ms(utc_ns / 1000000, text);
}
