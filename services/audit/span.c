// SPDX-License-Identifier: Apache-2.0

#include "services/audit/span.h"
#include "services/audit/answer.h"

#include <stdio.h>

bool span_asked(struct http_request *request, struct span_text *text, struct span *span)
{
    int64_t days = answer_audit(request)->span_days;
    struct span asked;
    const char *what;
    enum err err = parameter_span(http_query(request, "from"), http_query(request, "to"),
                                  clock_utc_s(), days, &asked, &what);
    if (err == ERR_SYNTAX) {
        answer_wrong(request, what, parameter_form(PARAMETER_TIME));
    } else if (err) {
        char form[80];
        snprintf(form, sizeof form, "a time before \"to\", by at most %jd days", (intmax_t)days);
        answer_wrong(request, what, form);
    }
    if (err)
        return false;
    db_time_s(asked.from, text->from);
    db_time_s(asked.to, text->to);
    if (span)
        *span = asked;
    return true;
}
