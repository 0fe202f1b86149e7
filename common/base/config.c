// SPDX-License-Identifier: Apache-2.0

#include "base/config.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_OCTETS = 4096 };
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reading {
    const struct setting *settings;
    bool *given;
    const char *path;
    FILE *file;
    int line;
    enum err err;
};

static void complain(struct reading *reading, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct reading *reading, enum err err, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s:%d: ", reading->path, reading->line);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    reading->err = err;
}

static bool is_among(const char *word, const char *words)
{
    size_t len = strchr(word, ' ') ? 0 : strlen(word);
    for (const char *at = words; len && (at = strstr(at, word)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

static bool is_outside(const struct setting *setting, double value)
{
    return (setting->least != 0 || setting->most != 0)
           && (value < setting->least || value > setting->most);
}

// Why value will not do, or NULL when it was taken.
static const char *take(const struct setting *setting, const char *value, enum err *err)
{
    char *end;
    *err = ERR_SYNTAX;
    errno = 0;
    if (setting->text) {
        if (setting->words && !is_among(value, setting->words))
            return "is not one of the words allowed";
        free(*setting->text);
        *setting->text = memory_text(value);
    } else if (setting->flag) {
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return "is neither yes nor no";
        *setting->flag = !strcmp(value, "yes");
    } else if (setting->integer) {
        long long number = strtoll(value, &end, 10);
        if (end == value || *end)
            return "is not a whole number";
        *err = ERR_RANGE;
        if (errno || is_outside(setting, (double)number))
            return "is out of range";
        *setting->integer = number;
    } else {
        double number = strtod(value, &end);
        if (end == value || *end || !isfinite(number))
            return "is not a number";
        *err = ERR_RANGE;
        if (is_outside(setting, number))
            return "is out of range";
        *setting->real = number;
    }
    *err = ERR_NONE;
    return NULL;
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    for (const struct setting *s = reading->settings; s->name; s++) {
        if (strcmp(s->section, section) != 0 || strcmp(s->name, name) != 0)
            continue;
        bool *given = &reading->given[s - reading->settings];
        enum err err;
        const char *why = *given ? (err = ERR_SYNTAX, "was given before") : take(s, value, &err);
        *given = true;
        if (why && s->words)
            complain(reading, err, "[%s] %s: \"%s\" %s (%s)", section, name, value, why, s->words);
        else if (why && is_outside(s, HUGE_VAL))
            complain(reading, err, "[%s] %s: \"%s\" %s (%g to %g)", section, name, value, why,
                     s->least, s->most);
        else if (why)
            complain(reading, err, "[%s] %s: \"%s\" %s", section, name, value, why);
        return 1;
    }
    complain(reading, ERR_SYNTAX, "[%s] %s: no such setting", section, name);
    return 1;
}

// Is this a line of a settings file? The INI library tells only the first that is not.
static bool is_proper(const char *line)
{
    line += strspn(line, " \t\r\n");
    if (!*line || *line == ';' || *line == '#')
        return true;
    if (*line != '[')
        return strpbrk(line, "=:") != NULL;
    const char *end = strchr(line, ']');
    return end && strchr(";#", end[1 + strspn(end + 1, " \t\r\n")]);
}

// Give the INI library a line that it can take, and count the lines, which it does not tell.
static char *read_line(char *line, int size, void *arg)
{
    struct reading *reading = arg;
    if (!fgets(line, size, reading->file))
        return NULL;
    reading->line++;
    size_t len = strlen(line);
    bool whole = len + 1 < (size_t)size || line[len - 1] == '\n';
    for (int c = '\0'; !whole && c != '\n' && c != EOF;)
        c = fgetc(reading->file);
    const char *text = line + (reading->line == 1 && !strncmp(line, BYTE_ORDER_MARK, 3) ? 3 : 0);
    if (whole && is_proper(text))
        return line;
    complain(reading, ERR_SYNTAX, "%s",
             whole ? "neither [section], name = value nor comment" : "too long a line");
    return strcpy(line, "\n"); // NOLINT: there is room, or nothing would have been read
}

static int parse(struct reading *reading)
{
    // As the library comes, it cuts a line after 197 octets without a word, and takes an
    // indented line for more of the value before.
    ini_use_stack = false;
    ini_initial_alloc = ini_max_line = LINE_OCTETS;
    ini_allow_multiline = false;
    return ini_parse_stream(read_line, reading, on_setting, reading);
}

void config_defaults(const struct setting *settings)
{
    for (const struct setting *s = settings; s->name; s++) {
        enum err err = ERR_NONE;
        const char *why = s->otherwise ? take(s, s->otherwise, &err) : NULL;
        assert(!why);
    }
}

enum err config_read(const char *path, const struct setting *settings)
{
    size_t count = 0;
    while (settings[count].name)
        count++;
    struct reading reading = {.settings = settings, .path = path ? path : "(no settings file)"};
    if (path && !(reading.file = fopen(path, "re"))) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return ERR_IO;
    }
    reading.given = memory_new(count, sizeof *reading.given);
    int bad_line = path ? parse(&reading) : 0;
    if (bad_line > 0) {
        reading.line = bad_line;
        complain(&reading, ERR_SYNTAX, "neither [section], name = value nor comment");
    } else if (bad_line < 0 || (path && ferror(reading.file))) {
        complain(&reading, ERR_IO, "cannot be read");
    }
    for (size_t i = 0; i < count; i++)
        if (!settings[i].otherwise && !reading.given[i])
            complain(&reading, ERR_SYNTAX, "[%s] %s: must be given", settings[i].section,
                     settings[i].name);
    free(reading.given);
    if (path)
        fclose(reading.file);
    return reading.err;
}

// Does a line without leading blanks say name = ...?
static bool says(const char *line, const char *name)
{
    size_t len = strlen(name);
    return !strncmp(line, name, len) && strchr("=:", line[len + strspn(line + len, " \t")])
           && line[len];
}

static int find_line(FILE *file, const char *section, const char *name)
{
    char line[LINE_OCTETS];
    int found = 0;
    bool is_within = false;
    size_t len = strlen(section);
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        const char *text = line + strspn(line, " \t");
        if (*text == '[')
            is_within = !strncmp(text + 1, section, len) && text[1 + len] == ']';
        if (is_within && says(text, name))
            return number;
        if (is_within && *text == '[')
            found = number;
    }
    return found;
}

void config_complain(const char *path, const char *section, const char *name, const char *why)
{
    FILE *file = fopen(path, "re");
    int line = file ? find_line(file, section, name) : 0;
    if (file)
        fclose(file);
    if (line)
        fprintf(stderr, "%s:%d: [%s] %s: %s\n", path, line, section, name, why);
    else
        fprintf(stderr, "%s: [%s] %s: %s\n", path, section, name, why);
}

void config_print_sample(const struct setting *settings, FILE *out)
{
    const char *section = "";
    for (const struct setting *s = settings; s->name; s++) {
        if (strcmp(section, s->section) != 0)
            fprintf(out, "%s[%s]\n", *section ? "\n" : "", s->section);
        section = s->section;
        fprintf(out, "; %s", s->help);
        if (s->words)
            fprintf(out, " (%s)", s->words);
        if (s->least != 0 || s->most != 0)
            fprintf(out, " (%g to %g)", s->least, s->most);
        fprintf(out, "\n%s%s = %s\n", s->otherwise ? "" : "; must be given\n;", s->name,
                s->otherwise ? s->otherwise : "");
    }
}
