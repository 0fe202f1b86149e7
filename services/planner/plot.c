// SPDX-License-Identifier: Apache-2.0

#include "services/planner/plot.h"
#include "base/clock.h"
#include "wire/dsmr_time.h"

#include <math.h>
#include <time.h>

enum {
    SHOWN = 192, // quarters at most
    LEFT = 130,
    WIDTH = 1060, // of what is drawn
    TOP = 100,
    PANEL = 120,
    GAP = 26,
    ROW = 9,
    TICK_S = 3 * 3600,
};

struct drawing {
    FILE *file;
    const struct replay_case *given;
    const int32_t *base_w;
    const struct score_run *uncontrolled, *run;
    int first, count; // quarters shown
};

static double x_of(const struct drawing *d, double quarter)
{
    return LEFT + (quarter - d->first) * WIDTH / d->count;
}

static int place_count(const struct drawing *d)
{
    return d->given->feeder_count + d->given->transformer_count;
}

// kW above limits without control in a quarter.
static double overload_kw(const struct drawing *d, int quarter)
{
    double sum_kw = 0;
    for (int place = 0; place < place_count(d); place++) {
        const struct case_place *limits = score_place(d->given, place);
        for (int phase = 0; phase < PHASES; phase++) {
            double load_w = d->uncontrolled->load_w[score_at(d->given, quarter, place) + phase];
            if (limits->limited[phase] && load_w > limits->limit_w[phase])
                sum_kw += (load_w - limits->limit_w[phase]) / 1000;
        }
    }
    return sum_kw;
}

static void choose_days(struct drawing *d)
{
    int first = (int)((d->given->score_from - d->given->start) / QUARTER_S);
    d->first = first;
    d->count = d->given->quarters - first;
    if (d->count <= SHOWN)
        return;
    d->count = SHOWN;
    double sum_kw = 0, most_kw = -1;
    for (int q = first; q < d->given->quarters; q++) {
        sum_kw += overload_kw(d, q);
        if (q - first >= SHOWN)
            sum_kw -= overload_kw(d, q - SHOWN);
        if (q - first >= SHOWN - 1 && sum_kw > most_kw) {
            most_kw = sum_kw;
            d->first = q - SHOWN + 1;
        }
    }
}

static int64_t local_of(int64_t utc)
{
    return utc + (dsmr_time_is_summer(utc) ? 7200 : 3600);
}

static void put_text(const struct drawing *d, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", d->file);
            break;
        case '>':
            fputs("&gt;", d->file);
            break;
        case '&':
            fputs("&amp;", d->file);
            break;
        default:
            if ((unsigned char)*text >= ' ')
                fputc(*text, d->file);
        }
}

static void draw_ticks(const struct drawing *d, double top, double bottom)
{
    for (int q = d->first; q <= d->first + d->count; q++) {
        int64_t local = local_of(d->given->start + (int64_t)q * QUARTER_S);
        if (local % TICK_S)
            continue;
        struct tm shown;
        gmtime_r(&local, &shown);
        double x = x_of(d, q);
        fprintf(d->file,
                "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/>"
                "<text class=\"tick\" x=\"%.1f\" y=\"%.0f\">",
                x, x, top, bottom, x, bottom + 13);
        if (shown.tm_hour)
            fprintf(d->file, "%02d:00</text>\n", shown.tm_hour);
        else
            fprintf(d->file, "%d-%02d</text>\n", shown.tm_mon + 1, shown.tm_mday);
    }
}

enum line { LINE_BASE, LINE_UNCONTROLLED, LINE_CONTROLLED };

static double load_kw(const struct drawing *d, enum line line, int quarter, int place, int phase)
{
    if (line == LINE_BASE)
        return score_base(d->given, d->base_w, quarter, place, phase) / 1000;
    const struct score_run *run = line == LINE_UNCONTROLLED ? d->uncontrolled : d->run;
    return run->load_w[score_at(d->given, quarter, place) + phase] / 1000;
}

struct scale {
    double top, low_kw, high_kw;
};

static double y_of(const struct scale *scale, double kw)
{
    return scale->top + PANEL * (scale->high_kw - kw) / (scale->high_kw - scale->low_kw);
}

// A line of steps, one for each quarter hour.
static void draw_line(const struct drawing *d, const struct scale *scale, enum line line, int place,
                      int phase)
{
    static const char *const classes[] = {"base", "without", "with"};
    fprintf(d->file, "<path class=\"%s\" d=\"M%.1f %.1f", classes[line], x_of(d, d->first),
            y_of(scale, line == LINE_BASE ? fmax(0, scale->low_kw)
                                          : load_kw(d, line, d->first, place, phase)));
    for (int q = d->first; q < d->first + d->count; q++)
        fprintf(d->file, "V%.1fH%.1f", y_of(scale, load_kw(d, line, q, place, phase)),
                x_of(d, q + 1));
    if (line == LINE_BASE)
        fprintf(d->file, "V%.1fZ", y_of(scale, fmax(0, scale->low_kw)));
    fputs("\"/>\n", d->file);
}

// What is still above the limit under control, filled.
static void draw_overload(const struct drawing *d, const struct scale *scale, double limit_kw,
                          int place, int phase)
{
    for (int q = d->first; q < d->first + d->count; q++) {
        double kw = load_kw(d, LINE_CONTROLLED, q, place, phase);
        if (kw > limit_kw)
            fprintf(d->file,
                    "<rect class=\"over\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                    x_of(d, q), y_of(scale, kw), (double)WIDTH / d->count,
                    y_of(scale, limit_kw) - y_of(scale, kw));
    }
}

static void draw_panel(const struct drawing *d, double top, int place, int phase)
{
    const struct case_place *limits = score_place(d->given, place);
    double limit_kw = limits->limit_w[phase] / 1000.0;
    struct scale scale = {.top = top, .high_kw = limit_kw};
    for (int q = d->first; q < d->first + d->count; q++) {
        scale.high_kw = fmax(scale.high_kw, load_kw(d, LINE_UNCONTROLLED, q, place, phase));
        scale.high_kw = fmax(scale.high_kw, load_kw(d, LINE_CONTROLLED, q, place, phase));
        scale.low_kw = fmin(scale.low_kw, load_kw(d, LINE_BASE, q, place, phase));
    }
    scale.high_kw *= 1.05;
    draw_ticks(d, top, top + PANEL);
    fprintf(d->file, "<text class=\"name\" x=\"%d\" y=\"%.0f\">", LEFT - 50, top + PANEL / 2.0);
    put_text(d, limits->id);
    fprintf(d->file, " L%d</text>\n", phase + 1);
    const double marks_kw[] = {0, limit_kw, scale.high_kw};
    for (int i = 0; i < 3; i++)
        if (i < 2 || scale.high_kw > 1.15 * limit_kw)
            fprintf(d->file, "<text class=\"value\" x=\"%d\" y=\"%.1f\">%.1f</text>\n", LEFT - 5,
                    y_of(&scale, marks_kw[i]) + 4, marks_kw[i]);
    draw_line(d, &scale, LINE_BASE, place, phase);
    draw_line(d, &scale, LINE_UNCONTROLLED, place, phase);
    draw_overload(d, &scale, limit_kw, place, phase);
    draw_line(d, &scale, LINE_CONTROLLED, place, phase);
    fprintf(d->file, "<line class=\"limit\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT,
            LEFT + WIDTH, y_of(&scale, limit_kw), y_of(&scale, limit_kw));
}

static const char *colour_of(float limit_a)
{
    static const struct {
        float from_a;
        const char *colour;
    } colours[] = {
        {13, "#fde7c8"}, {10, "#fdbb6b"}, {8, "#f28e2b"}, {6, "#c8501d"}, {0, "#5b1a18"}};
    int i = 0;
    while (limit_a < colours[i].from_a)
        i++;
    return colours[i].colour;
}

static void draw_charger(const struct drawing *d, double top, int c)
{
    const struct case_charger *charger = &d->given->chargers[c];
    fprintf(d->file, "<text class=\"value\" x=\"%d\" y=\"%.1f\">", LEFT - 5, top + ROW - 1.5);
    put_text(d, charger->id);
    fputs("</text>\n", d->file);
    for (int q = d->first, next; q < d->first + d->count; q = next) {
        float a = d->run->limit_a[(int64_t)q * d->given->charger_count + c];
        next = q + 1;
        while (next < d->first + d->count
               && d->run->limit_a[(int64_t)next * d->given->charger_count + c] == a)
            next++;
        if (a < (float)charger->max_a - 0.05F)
            fprintf(d->file,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\">"
                    "<title>%.1f A</title></rect>\n",
                    x_of(d, q), top, x_of(d, next) - x_of(d, q), ROW - 1, colour_of(a), (double)a);
    }
    for (int q = d->first; q < d->first + d->count; q++)
        if (d->run->messaged[(int64_t)q * d->given->charger_count + c])
            fprintf(d->file, "<circle class=\"sent\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>\n",
                    x_of(d, q), top + ROW / 2.0);
}

static void draw_legend(const struct drawing *d, const char *policy)
{
    fprintf(d->file, "<text class=\"title\" x=\"20\" y=\"30\">");
    put_text(d, *d->given->name ? d->given->name : "replay");
    fprintf(d->file,
            ": policy %s</text>\n<g transform=\"translate(20 55)\">"
            "<rect class=\"base\" width=\"24\" height=\"10\"/>"
            "<text x=\"30\" y=\"10\">load without chargers, kW</text>"
            "<line class=\"without\" x1=\"230\" x2=\"254\" y1=\"5\" y2=\"5\"/>"
            "<text x=\"260\" y=\"10\">without control</text>"
            "<line class=\"with\" x1=\"400\" x2=\"424\" y1=\"5\" y2=\"5\"/>"
            "<text x=\"430\" y=\"10\">with control</text>"
            "<line class=\"limit\" x1=\"550\" x2=\"574\" y1=\"5\" y2=\"5\"/>"
            "<text x=\"580\" y=\"10\">limit</text>"
            "<rect class=\"over\" x=\"650\" width=\"24\" height=\"10\"/>"
            "<text x=\"680\" y=\"10\">overload left</text>"
            "<circle class=\"sent\" cx=\"810\" cy=\"5\" r=\"3\"/>"
            "<text x=\"820\" y=\"10\">message</text>",
            policy);
    static const float levels_a[] = {13, 10, 8, 6, 0};
    for (int i = 0; i < 5; i++)
        fprintf(d->file,
                "<rect x=\"%d\" width=\"20\" height=\"10\" fill=\"%s\"/>"
                "<text x=\"%d\" y=\"10\">%.0f A</text>",
                900 + 55 * i, colour_of(levels_a[i]), 922 + 55 * i, (double)levels_a[i]);
    fputs("</g>\n", d->file);
}

void plot_write(FILE *file, const struct replay_case *given, const int32_t *base_w,
                const struct score_run *uncontrolled, const struct score_run *run,
                const char *policy)
{
    struct drawing d = {file, given, base_w, uncontrolled, run, 0, 0};
    choose_days(&d);
    int panels = 0;
    for (int place = 0; place < place_count(&d); place++)
        for (int phase = 0; phase < PHASES; phase++)
            panels += score_place(given, place)->limited[phase];
    int height = TOP + panels * (PANEL + GAP) + given->charger_count * ROW + 2 * GAP;
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n"
            "<style>.title{font-size:16px}.name,.value{text-anchor:end}.name{font-weight:bold}"
            ".value{font-size:9px}.tick{text-anchor:middle;font-size:9px;fill:#666}"
            ".grid{stroke:#e4e4e4}.base{fill:#d9e2ea;stroke:none}"
            ".without{fill:none;stroke:#8a8a8a;stroke-dasharray:3 2}"
            ".with{fill:none;stroke:#1f5fa8;stroke-width:1.6}"
            ".limit{stroke:#c00;stroke-width:1.2}.over{fill:#e33;fill-opacity:.55}"
            ".sent{fill:#1f5fa8}</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            LEFT + WIDTH + 20, height, LEFT + WIDTH + 20, height);
    draw_legend(&d, policy);
    double top = TOP;
    for (int place = 0; place < place_count(&d); place++)
        for (int phase = 0; phase < PHASES; phase++)
            if (score_place(given, place)->limited[phase]) {
                draw_panel(&d, top, place, phase);
                top += PANEL + GAP;
            }
    draw_ticks(&d, top, top + given->charger_count * ROW);
    for (int c = 0; c < given->charger_count; c++)
        draw_charger(&d, top + c * ROW, c);
    fputs("</svg>\n", file);
}
