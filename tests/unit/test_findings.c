// SPDX-License-Identifier: Apache-2.0

#include "services/admin/findings.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *printed(const struct findings *findings)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    findings_print(findings, out);
    fclose(out);
    return text;
}

Test(findings, prints_each_on_a_line_of_its_own)
{
    struct findings findings = {0};
    findings_add(&findings, "%s:%d", "a", 1);
    findings_add(&findings, "b\n\x1b[2J");
    char *text = printed(&findings);
    cr_expect_str_eq(text, "a:1\nb??[2J\n", "what is quoted cannot forge a line");
    free(text);
    findings_clear(&findings);
    cr_expect_eq(findings.count, 0);
}

Test(findings, keeps_no_more_than_one_can_read)
{
    struct findings findings = {0};
    for (int i = 0; i < FINDINGS_KEPT + 7; i++)
        findings_add(&findings, "%d", i);
    cr_expect_eq(findings.count, FINDINGS_KEPT + 7);
    char *text = printed(&findings);
    cr_expect(strstr(text, "\n49\n... and 7 more\n"), "%s", text);
    free(text);
    findings_clear(&findings);
}
