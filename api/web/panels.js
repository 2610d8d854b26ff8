// The panels of the dashboard, from what the reports answer. Money comes in minor units, credits as text.

import { h } from "/assets/dom.js";
import { bars, columns, table } from "/assets/charts.js";
import { count, money } from "/assets/words.js";

const DAY_MS = 86_400_000;
const MOST_DAYS = 92; // more are shown by month
const STEPS = { sign_up: "Signed up", upload: "Uploaded", preview: "Previewed", vectorize: "Drew", purchase: "Bought" };
const KINDS = { preview: "Preview", vectorization: "Drawing" };
const RULES = { domestic: "", destination: "", reverse_charge: "reverse charge", outside_eu: "outside the EU" };

const empty = (text) => h("p", { class: "empty" }, text);
const panel = (title, ...content) => h("section", { class: "panel-card" }, h("h2", {}, title), ...content);
const total = (lines, name) => lines.reduce((sum, line) => sum + Number(line[name]), 0);
const seconds = (value) => (value === null || value === undefined ? "–" : `${count(value)} s`);

/** Every panel, in reading order. */
export function panels({ from, to, dashboard, sales, usage, queues }) {
  const currency = dashboard.revenue[0]?.currency ?? "eur";
  return [
    tiles(dashboard, currency),
    ...dashboard.revenue.map((one) => revenuePanel(dashboard, one.currency, from, to)),
    dashboard.revenue.length === 0 && panel("Net revenue by day", empty("Nothing was sold in these days.")),
    jobsPanel(dashboard, from, to), funnelPanel(dashboard.funnel), workPanel(dashboard.work),
    sales ? vatPanel(sales.countries) : countryPanel(dashboard.countries),
    problemPanel(usage?.problems), downloadPanel(dashboard.downloads), queues && queuePanel(queues)];
}

function tiles({ revenue, work, funnel }, currency) {
  const first = revenue.find((one) => one.currency === currency);
  const others = revenue.filter((one) => one.currency !== currency).map((one) => `+ ${money(one.net, one.currency)}`).join(" ");
  const jobs = total(work, "succeeded") + total(work, "failed");
  const newcomers = (action) => funnel.find((one) => one.action === action)?.newcomers ?? 0;
  const tile = (name, value, hint) => h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "quiet" }, hint));
  const drawing = work.find((one) => one.kind === "vectorization");
  return h("dl", { class: "tiles" },
    tile("Net revenue", money(first?.net ?? 0, currency), [`${money(first?.tax ?? 0, currency)} VAT on top`, others].filter(Boolean).join(" ")),
    tile("Purchases", count(total(revenue, "purchases")), `${count(total(revenue, "reversals"))} refunds and disputes`),
    tile("Credits sold", count(total(revenue, "credits")), `${count(total(work, "credits"))} spent`),
    tile("New accounts", count(newcomers("sign_up")), `${count(newcomers("purchase"))} first purchases`),
    tile("Jobs done", count(total(work, "succeeded")), jobs ? `${count((100 * total(work, "failed")) / jobs)} % failed` : "none yet"),
    tile("A drawing takes", seconds(drawing?.seconds_p50), `95 % within ${seconds(drawing?.seconds_p95)}`));
}

/** Every period of the span with its days: a day each, or a month each when there are many. */
function periods(from, to) {
  const days = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS) days.push(new Date(at).toISOString().slice(0, 10));
  const byMonth = days.length > MOST_DAYS;
  const keyOf = (day) => (byMonth ? day.slice(0, 7) : day);
  const name = new Intl.DateTimeFormat(undefined, byMonth ? { month: "short", year: "2-digit", timeZone: "UTC" } : { day: "numeric", month: "short", timeZone: "UTC" });
  const keys = [...new Set(days.map(keyOf))];
  return { keys, keyOf, labels: keys.map((key) => name.format(new Date(byMonth ? `${key}-01` : key))), word: byMonth ? "month" : "day" };
}

function summed(lines, { keys, keyOf }, name) {
  const sums = Object.fromEntries(keys.map((key) => [key, 0]));
  for (const line of lines) if (keyOf(line.day) in sums) sums[keyOf(line.day)] += Number(line[name]);
  return Object.values(sums);
}

function revenuePanel({ sales_by_day: lines }, currency, from, to) {
  const span = periods(from, to);
  const values = summed(lines.filter((line) => line.currency === currency), span, "net").map((cents) => cents / 100);
  const title = `Net revenue by ${span.word}, ${currency.toUpperCase()}`;
  return panel(title, columns({ title, labels: span.labels, series: [{ name: "Net", values }], format: (value) => money(value * 100, currency).replace(/[.,]00(?=\D*$)/, "") }));
}

function jobsPanel({ jobs_by_day: lines }, from, to) {
  const span = periods(from, to);
  const title = `Jobs by ${span.word} and outcome`;
  if (!lines.length) return panel(title, empty("No job ended in these days."));
  const series = [["succeeded", "Succeeded"], ["failed", "Failed"], ["canceled", "Canceled"]]
    .map(([outcome, name]) => ({ name, values: summed(lines.filter((line) => line.outcome === outcome), span, "jobs") }));
  return panel(title, columns({ title, labels: span.labels, series, format: count }));
}

function funnelPanel(funnel) {
  const first = funnel[0]?.newcomers ?? 0;
  if (!funnel.some((one) => one.newcomers)) return panel("How far newcomers get", empty("Nobody was new in these days."));
  return panel("How far newcomers get", h("p", { class: "quiet" }, "Accounts that did it for the first time"), bars(funnel.map((one) => ({
    name: STEPS[one.action] ?? one.action, value: one.newcomers, text: count(one.newcomers), hint: first ? `${count((100 * one.newcomers) / first)} %` : "" }))));
}

function workPanel(work) {
  return panel("Jobs by kind", table(["Kind", "Succeeded", "Failed", "Canceled", "Median", "95 %", "Credits"], work.map((one) =>
    [KINDS[one.kind] ?? one.kind, count(one.succeeded), count(one.failed), count(one.canceled), seconds(one.seconds_p50), seconds(one.seconds_p95), count(Number(one.credits))]), "Jobs by kind"));
}

function vatPanel(countries) {
  if (!countries.length) return panel("VAT by country", empty("Nothing was sold in these days."));
  return panel("VAT by country", table(["Country", "Rate", "Net", "VAT", "Sales"], countries.map((one) =>
    [countryName(one.country), RULES[one.rule] || `${count(Number(one.rate))} %`, money(one.net, one.currency), money(one.tax, one.currency), count(one.purchases)]), "VAT by country"));
}

function countryPanel(countries) {
  if (!countries.length) return panel("Revenue by country", empty("Nothing was sold in these days."));
  return panel("Revenue by country", bars(countries.slice(0, 8).map((one) => ({ name: countryName(one.name), value: one.net, text: money(one.net, one.currency), hint: `${count(one.purchases)} sales` }))));
}

function countryName(code) {
  try {
    return new Intl.DisplayNames(undefined, { type: "region" }).of(code);
  } catch {
    return "Not known";
  }
}

function problemPanel(problems) {
  if (!problems) return null;
  const bySlug = {};
  for (const one of problems) bySlug[one.problem] = (bySlug[one.problem] ?? 0) + one.jobs;
  const sorted = Object.entries(bySlug).sort((one, other) => other[1] - one[1]).slice(0, 8);
  return panel("Why jobs failed", sorted.length ? bars(sorted.map(([slug, jobs]) => ({ name: slug.replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase()), value: jobs, text: count(jobs) }))) : empty("No job failed in these days."));
}

function downloadPanel(downloads) {
  const rows = Object.entries(downloads).sort((one, other) => other[1] - one[1]);
  return panel("Files saved", rows.length ? bars(rows.map(([format, files]) => ({ name: (format || "other").toUpperCase(), value: files, text: count(files) }))) : empty("Nothing was saved in these days."));
}

/** How long work waits at this moment. */
export function queuePanel(queues) {
  return h("section", { class: "panel-card", id: "queues" }, h("h2", {}, "Waiting now"),
    table(["Queue", "Jobs waiting", "Oldest has waited"], queues.map((one) => [KINDS[one.kind] ?? one.kind, count(one.waiting), one.waiting ? seconds(one.oldest_seconds) : "–"]), "Waiting now"));
}
