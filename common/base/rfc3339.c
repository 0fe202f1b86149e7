// SPDX-License-Identifier: Apache-2.0

#include "base/rfc3339.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits can write
static const int64_t FIRST_UTC = -62167219200, LAST_UTC = 253402300799;

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
    if (result < FIRST_UTC || result > LAST_UTC)
        return ERR_RANGE;
    *utc = result;
    return ERR_NONE;
}

static void write_digits(char *text, int count, int value)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        text[i] = (char)('0' + value % 10);
}

void rfc3339_format(int64_t utc, char text[static RFC3339_LEN + 1])
{
    assert(utc >= FIRST_UTC && utc <= LAST_UTC);
    time_t shown = utc;
    struct tm tm;
    gmtime_r(&shown, &tm);
    // not strftime, whose %Y writes the year 999 with three digits
    memcpy(text, "0000-00-00T00:00:00Z", RFC3339_LEN + 1);
    write_digits(text, 4, tm.tm_year + 1900);
    write_digits(text + 5, 2, tm.tm_mon + 1);
    write_digits(text + 8, 2, tm.tm_mday);
    write_digits(text + 11, 2, tm.tm_hour);
    write_digits(text + 14, 2, tm.tm_min);
    write_digits(text + 17, 2, tm.tm_sec);
}

void rfc3339_format_ms(int64_t utc_ns, char text[static RFC3339_MS_LEN + 1])
{
    int64_t ms = utc_ns / 1000000;
    int64_t part = (ms % 1000 + 1000) % 1000;
    char seconds[RFC3339_LEN + 1];
    rfc3339_format((ms - part) / 1000, seconds);
    memcpy(text, seconds, RFC3339_LEN - 1);
    snprintf(text + RFC3339_LEN - 1, 6, ".%03dZ", (int)part);
}
