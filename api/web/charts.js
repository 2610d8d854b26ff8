// Charts one can read: an axis with its unit, bars from zero, the figures as a table beneath.

import { fill, h, s } from "/assets/dom.js";

const TOP = 12;
const BOTTOM = 26;
const WIDEST_BAR = 44;

/** Steps of 1, 2 or 5 that lead from zero to at least `most`. */
export function ticks(most) {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let at = 0; at < most + step; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

/**
 * Columns over time. `labels` are the periods; `series` is [{ name, values }], stacked in this order; `format` writes a
 * value with its unit. Drawn for the width there is, and again when that changes.
 */
export function columns({ title, labels, series, format }) {
  const box = h("div", { class: "chart" });
  const sums = labels.map((_, index) => series.reduce((sum, one) => sum + Math.max(0, one.values[index]), 0));
  const scale = ticks(Math.max(...sums, 0));
  const most = scale.at(-1);
  const draw = () => fill(box, drawn(box.clientWidth, box.clientHeight));
  new ResizeObserver(draw).observe(box);

  function drawn(width, height) {
    if (width < 50) return null;
    const names = scale.map(format);
    const left = Math.max(...names.map((name) => name.length)) * 7 + 12;
    const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / most);
    const room = (width - left) / labels.length;
    const bar = Math.max(1, Math.min(WIDEST_BAR, room * 0.72));
    const every = Math.ceil(labels.length / Math.max(1, Math.floor((width - left) / 64)));
    return s("svg", { role: "img", "aria-label": `${title}: ${summary(labels, sums, format)}`, viewBox: `0 0 ${width} ${height}` },
      scale.map((value, index) => [
        s("line", { class: index ? "grid" : "axis", x1: left, x2: width, y1: y(value), y2: y(value) }),
        s("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, names[index])]),
      labels.map((label, index) => {
        const x = left + room * index + (room - bar) / 2;
        let base = 0;
        return [
          ...series.map((one, place) => {
            const value = Math.max(0, one.values[index]);
            const part = s("rect", { class: `series-${place + 1}`, x, width: bar, y: y(base + value), height: Math.max(0, y(base) - y(base + value)), rx: bar > 6 ? 2 : 0 },
              s("title", {}, `${label}: ${one.name} ${format(one.values[index])}`));
            base += value;
            return value > 0 ? part : null;
          }),
          index % every === 0 && s("text", { x: x + bar / 2, y: height - 8, "text-anchor": "middle" }, label)];
      }));
  }

  return h("div", {}, box, series.length > 1 && h("div", { class: "legend" }, series.map((one, place) => h("span", { class: `series-${place + 1}` }, one.name))),
    h("details", {}, h("summary", {}, "The figures"), table(["Period", ...series.map((one) => one.name)], labels.map((label, index) => [label, ...series.map((one) => format(one.values[index]))]), title)));
}

function summary(labels, sums, format) {
  const best = sums.indexOf(Math.max(...sums));
  return `${format(sums.reduce((sum, one) => sum + one, 0))} in all, most in ${labels[best]} with ${format(sums[best])}`;
}

/** Bars beside each other, longest first or as given; `share` says what a bar is part of. */
export function bars(rows) {
  const most = Math.max(...rows.map((row) => row.value), 1);
  return h("ul", { class: "bars" }, rows.map((row) => {
    const part = h("div", { class: "bar-fill" });
    part.style.width = `${(Math.max(0, row.value) / most) * 100}%`;
    return h("li", { class: "bar-row" }, h("span", {}, row.name), h("div", { class: "bar-track", "aria-hidden": "true" }, part), h("span", {}, h("b", {}, row.text), row.hint && h("span", { class: "quiet" }, ` ${row.hint}`)));
  }));
}

/** A table whose columns after the first are figures. */
export function table(names, rows, title) {
  return h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": title }, h("table", {},
    h("thead", {}, h("tr", {}, names.map((name, index) => h("th", { scope: "col", class: index ? "right" : "" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, index) => h("td", { class: index ? "right" : "" }, cell)))))));
}
