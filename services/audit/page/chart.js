// SPDX-License-Identifier: Apache-2.0
// Quarter hours as stepped lines, one panel per phase, that zoom and move together. Draws with uPlot
// (a global of uplot.min.js).

import { h } from "./dom.js";
import { clockText, dayText, number, zone } from "./format.js";
import { t } from "./text.js";

const QUARTER_S = 900;
const LEAST_S = 4 * QUARTER_S;
const STEPS_S = [1, 2, 4, 8, 12, 24, 48, 96, 192, 384, 672].map((n) => n * QUARTER_S);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// The looks of a series, by what it shows.
const LOOKS = {
  load: () => ({ stroke: colour("ink-line"), width: 2, fill: colour("load-fill") }),
  without: () => ({ stroke: colour("near-line"), width: 1.5, dash: [2, 3] }),
  edge: () => ({ stroke: "transparent", width: 0 }),
  ahead: () => ({ stroke: colour("ahead-line"), width: 1.5, dash: [5, 3] }),
  limit: () => ({ stroke: colour("bad-line"), width: 1.5, dash: [7, 4] }),
};

// Ticks say the hour; the first of a day its day.
function tickText(splits) {
  let last = null;
  return splits.map((s) => {
    const day = dayText(s * 1000);
    const isNew = last !== null && day !== last;
    last = day;
    return isNew ? `${clockText(s * 1000)}\n${day}` : clockText(s * 1000);
  });
}

export class Chart {
  // panels: [{key, series: [{look}], bands: [[upper, lower, colour name]]}]
  // read(key, index) gives what to say above a panel about where the pointer is (null: nowhere);
  // moved(from, to) is called when the span shown has changed by hand, in seconds.
  constructor(root, panels, { read, moved }) {
    this.root = root;
    this.panels = panels;
    this.read = read;
    this.moved = moved;
    this.plots = [];
    this.range = null; // null: all there is
    this.sync = `chart${Chart.count = (Chart.count ?? 0) + 1}`;
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(root);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => this.rebuild();
    this.scheme.addEventListener("change", this.repaint);
    root.addEventListener("keydown", (event) => this.onKey(event));
  }

  free() {
    this.resized.disconnect();
    this.scheme.removeEventListener("change", this.repaint);
    this.plots.forEach((plot) => plot.destroy());
    this.plots = [];
  }

  // data: by panel key [xs, ...series]; span: what "now" shows, [from, to] in seconds
  set(data, span) {
    this.data = data;
    this.span = span;
    if (this.plots.length !== this.panels.length) {
      this.rebuild();
      return;
    }
    this.plots.forEach((plot, i) => plot.setData(data[this.panels[i].key], false));
    this.applyRange();
    this.readAll(this.index);
  }

  rebuild() {
    if (!this.data) return;
    this.plots.forEach((plot) => plot.destroy());
    this.root.replaceChildren();
    this.heads = this.panels.map(() => h("p", { class: "readout" }));
    this.plots = this.panels.map((panel, i) => this.build(panel, i));
    this.applyRange();
    this.readAll(null);
  }

  readAll(index) {
    this.index = index;
    this.panels.forEach((panel, i) => this.heads[i].replaceChildren(...this.read(panel.key, index)));
  }

  height(isLast) {
    return (this.root.clientWidth < 560 ? 120 : this.panels.length > 1 ? 140 : 220) + (isLast ? 42 : 8);
  }

  build(panel, i) {
    const isLast = i === this.panels.length - 1;
    const place = h("div", { class: "plot" });
    this.root.append(this.heads[i], place);
    const grid = { stroke: colour("line"), width: 1 };
    const axis = { stroke: colour("quiet-ink"), font: "12px system-ui, sans-serif", grid, ticks: { show: false } };
    const stepped = uPlot.paths.stepped({ align: 1 });
    return new uPlot({
      width: Math.max(this.root.clientWidth, 200),
      height: this.height(isLast),
      tzDate: (s) => (zone.isUtc() ? uPlot.tzDate(new Date(s * 1e3), "UTC") : new Date(s * 1e3)),
      legend: { show: false },
      cursor: {
        sync: { key: this.sync, setSeries: false }, y: false,
        drag: { x: true, y: false }, points: { size: 7 },
        bind: { mousedown: (u, target, zoom) => (event) => (event.shiftKey ? this.pan(u, event) : zoom(event)),
                dblclick: () => () => this.reset() },
      },
      padding: [8, 20, isLast ? 0 : 8, 0],
      scales: { x: { time: true },
                y: { range: (u, least, most) => [Math.min(0, least ?? 0), Math.max(most ?? 0, 1000) * 1.06] } },
      axes: [
        { ...axis, size: isLast ? 42 : 0, show: isLast, incrs: STEPS_S, space: 64, values: (u, splits) => tickText(splits) },
        { ...axis, size: 46, space: 28, values: (u, splits) => splits.map((w) => number(w / 1000, 0)) },
      ],
      series: [{}, ...panel.series.map((s) => ({ scale: "y", paths: stepped,
        points: { show: false }, ...LOOKS[s.look]() }))],
      bands: panel.bands.map(([upper, lower, name]) => ({ series: [upper, lower], fill: colour(name) })),
      hooks: {
        setCursor: [(u) => {
          const index = u.cursor.left >= 0 ? u.cursor.idx ?? null : null;
          if (index !== this.index) this.readAll(index);
        }],
        setSelect: [(u) => this.onSelect(u)],
      },
    }, this.data[panel.key], place);
  }

  onSelect(plot) {
    const { left, width } = plot.select;
    if (width > 4) this.setRange(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  pan(plot, down) {
    const [from, to] = this.shown();
    const perPixel = (to - from) / plot.bbox.width * devicePixelRatio;
    const move = (event) => {
      const by = (down.clientX - event.clientX) * perPixel;
      this.setRange(from + by, to + by);
    };
    const up = () => {
      removeEventListener("mousemove", move);
      removeEventListener("mouseup", up);
    };
    addEventListener("mousemove", move);
    addEventListener("mouseup", up);
  }

  shown() {
    return this.range ?? this.span;
  }

  setRange(from, to) {
    const least = Math.max(to - from, LEAST_S);
    const middle = (from + to) / 2;
    this.range = [middle - least / 2, middle + least / 2];
    this.applyRange();
    this.moved(...this.range);
  }

  applyRange() {
    const [min, max] = this.shown();
    this.plots.forEach((plot) => plot.setScale("x", { min, max }));
  }

  zoom(factor) {
    const [from, to] = this.shown();
    const middle = (from + to) / 2, half = (to - from) / 2 * factor;
    this.setRange(middle - half, middle + half);
  }

  move(part) {
    const [from, to] = this.shown();
    const by = (to - from) * part;
    this.setRange(from + by, to + by);
  }

  reset() {
    this.range = null;
    this.applyRange();
  }

  resize() {
    this.plots.forEach((plot, i) =>
      plot.setSize({ width: Math.max(this.root.clientWidth, 200), height: this.height(i === this.plots.length - 1) }));
  }

  onKey(event) {
    const doing = { ArrowLeft: () => this.move(-0.25), ArrowRight: () => this.move(0.25), "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.reset() }[event.key];
    if (!doing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    doing();
  }
}

// The buttons that move a chart; the view does what "data-do" says.
export function chartButtons(spans, chosen) {
  const button = (what, sign, name) =>
    h("button", { type: "button", "data-do": "chart", "data-what": what, title: name, "aria-label": name }, sign);
  return h("div", { class: "toolbar" },
    h("div", { class: "group", role: "group", "aria-label": t("span") }, spans.map((hours) =>
      h("button", { type: "button", "data-do": "span", "data-what": hours, "aria-pressed": String(hours === chosen) },
        hours < 48 ? `${hours} ${t("hour")}` : `${hours / 24} ${t("days")}`))),
    h("div", { class: "group", role: "group", "aria-label": t("load") },
      button("left", "←", t("pan_left")), button("in", "+", t("zoom_in")),
      button("out", "−", t("zoom_out")), button("right", "→", t("pan_right")),
      h("button", { type: "button", "data-do": "chart", "data-what": "reset" }, t("reset"))));
}

export function chartDo(chart, what) {
  ({ left: () => chart.move(-0.5), right: () => chart.move(0.5), in: () => chart.zoom(0.5),
    out: () => chart.zoom(2), reset: () => chart.reset() })[what]?.();
}

// A quarter's value holds until its end, also where nothing is known of the next.
export const untilEnd = (values) => values.map((value, i) => value ?? values[i - 1] ?? null);

// Every quarter from the first to the last of items, and the end of the last; at(index) is its item,
// if there is one.
export function quarters(items) {
  if (!items.length) return { xs: [], at: () => undefined };
  const byStart = new Map(items.map((item) => [Date.parse(item.quarter) / 1000, item]));
  const starts = [...byStart.keys()];
  const xs = [];
  for (let x = Math.min(...starts); x <= Math.max(...starts) + QUARTER_S; x += QUARTER_S) xs.push(x);
  return { xs, at: (i) => byStart.get(xs[i]) };
}
