// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "services/admin/migration.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FILES_MAX = 5 };

// The files "name=text", what was applied as "name=text", what must follow.
struct given {
    char files[FILES_MAX][32];
    char applied[FILES_MAX][32];
    char wanted[8];    // one letter a file: '1' to be applied
    char finding[160]; // the first; "" for none
    char why[48];
};

static size_t split(char from[FILES_MAX][32], struct migration *files)
{
    size_t count = 0;
    for (; count < FILES_MAX && *from[count]; count++) {
        char *text = strchr(from[count], '=');
        *text++ = '\0';
        files[count] = (struct migration){.name = from[count], .text = text, .len = strlen(text)};
    }
    return count;
}

ParameterizedTestParameters(migration, compares)
{
    static struct given cases[] = {
        {{"001_a.sql=a", "002_b.sql=b", "900_g.sql=g"}, {""}, "111", "", "an empty database"},
        {{"001_a.sql=a", "002_b.sql=b", "900_g.sql=g"},
         {"001_a.sql=a", "002_b.sql=b", "900_g.sql=g"},
         "000",
         "",
         "nothing to do"},
        {{"001_a.sql=a", "002_b.sql=b", "900_g.sql=g"},
         {"001_a.sql=a", "900_g.sql=g"},
         "011",
         "",
         "grants follow a new file"},
        {{"001_a.sql=a", "002_b.sql=b", "900_g.sql=g"},
         {"001_a.sql=a", "002_b.sql=b"},
         "001",
         "",
         "interrupted before the grants"},
        {{"001_a.sql=a", "900_g.sql=h"},
         {"001_a.sql=a", "900_g.sql=g"},
         "01",
         "",
         "grants may change"},
        {{"001_a.sql=a", "900_g.sql=g", "901_h.sql=h"},
         {"001_a.sql=a", "900_g.sql=g"},
         "001",
         "",
         "grants are no files before one another"},
        {{"001_a.sql=A", "900_g.sql=g"},
         {"001_a.sql=a", "900_g.sql=g"},
         "01",
         "001_a.sql: changed after it was applied on DAY; put the change into a new file",
         "changed"},
        {{"002_b.sql=b"},
         {"001_a.sql=a", "002_b.sql=b"},
         "0",
         "001_a.sql: missing, but was applied to this database on DAY; is this program older than "
         "the database?",
         "missing"},
        {{"001_a.sql=a", "002_b.sql=b"},
         {"002_b.sql=b"},
         "10",
         "001_a.sql: out of order, because 002_b.sql was applied before it",
         "out of order"},
        {{"001_a.sql=a", "001_b.sql=b"},
         {""},
         "11",
         "001_b.sql: its number is also that of 001_a.sql",
         "one number twice"},
        {{"01_a.sql=a"}, {""}, "1", "01_a.sql: a migration is called NNN_words.sql", "two digits"},
        {{"0010.sql=a"}, {""}, "1", "0010.sql: a migration is called NNN_words.sql", "no words"},
    };
    return cr_make_param_array(struct given, cases, COUNT(cases));
}

ParameterizedTest(struct given *c, migration, compares)
{
    struct findings findings = {0}, ignored = {0};
    struct migration files[FILES_MAX], applied[FILES_MAX];
    size_t count = split(c->files, files), applied_count = split(c->applied, applied);
    migration_seal(files, count, &findings);
    migration_seal(applied, applied_count, &ignored);
    struct migration_row rows[FILES_MAX];
    for (size_t i = 0; i < applied_count; i++)
        rows[i] = (struct migration_row){applied[i].name, applied[i].checksum, "DAY"};
    migration_compare(files, count, rows, applied_count, &findings);

    char wanted[FILES_MAX + 1] = "";
    for (size_t i = 0; i < count; i++)
        wanted[i] = files[i].wanted ? '1' : '0';
    cr_expect_str_eq(wanted, c->wanted, "%s: %s", c->why, wanted);
    cr_expect_eq(findings.count, *c->finding ? 1 : 0, "%s: %zu", c->why, findings.count);
    cr_expect_str_eq(findings.count ? findings.text[0] : "", c->finding, "%s", c->why);
    findings_clear(&findings);
    findings_clear(&ignored);
}

Test(migration, has_its_files_built_in)
{
    size_t count = 0;
    for (const struct migration_file *file = migration_built_in; file->name; file++, count++) {
        cr_expect_eq(strlen((const char *)file->text), file->len, "%s", file->name);
        cr_expect(count == 0 || strcmp(file[-1].name, file->name) < 0, "%s", file->name);
    }
    cr_expect_geq(count, 7);
    cr_expect_str_eq(migration_built_in[0].name, "001_schemas.sql");
    cr_expect(migration_is_grant(migration_built_in[count - 1].name));
}
