// The operators' dashboard: pick days, see the figures, take them along.

import { download, get } from "/assets/api.js";
import { fill, find, h, tell } from "/assets/dom.js";
import { panels } from "/assets/panels.js";
import { callout } from "/assets/results.js";
import { enter, leaveToSignIn, visitor } from "/assets/shell.js";
import { wordsFor } from "/assets/words.js";

const QUICK = [["7 days", 7], ["30 days", 30], ["90 days", 90], ["12 months", 365]];
const REPORTS = [
  ["sales", "Sales and VAT", "Periods, countries and rates, refunds, each line"], ["usage", "Usage", "Jobs, durations, problems, credits"],
  ["conversion", "Conversion", "From sign-up to purchase, by cohort"], ["downloads", "Downloads", "What was saved, in which formats"],
];
const FORMATS = ["csv", "json", "xlsx", "pdf"];
const DAY_MS = 86_400_000;
const REFRESH_MS = 15_000;

const isoDay = (time) => new Date(time).toISOString().slice(0, 10);
const figures = find("figures");
let asked = 0;

async function show(from, to) {
  const mine = (asked += 1);
  find("from").value = from;
  find("to").value = to;
  history.replaceState(null, "", `/admin?from=${from}&to=${to}`);
  figures.setAttribute("aria-busy", "true");
  fill(figures, Array.from({ length: 4 }, () => h("div", { class: "panel-card skeleton" })));
  for (const part of figures.children) part.style.minHeight = "14rem";
  try {
    const days = `from=${from}&to=${to}`;
    const optional = (path) => get(path).catch(() => null); // the board is worth showing without these
    const [dashboard, sales, usage, queues] = await Promise.all([
      get(`/v1/reports/dashboard?${days}`), optional(`/v1/reports/sales?${days}&granularity=month`),
      optional(`/v1/reports/usage?${days}&granularity=month`), optional("/v1/queues")]);
    if (mine !== asked) return;
    fill(figures, panels({ from, to, dashboard: dashboard.data, sales: sales?.data, usage: usage?.data, queues: queues?.data }), exportsOf(days));
  } catch (problem) {
    if (mine !== asked) return;
    fill(figures, h("div", { class: "panel-card wide" }, refusal(problem), h("div", {}, h("button", { class: "button small", type: "button", onclick: () => show(from, to) }, "Try again"))));
  } finally {
    if (mine === asked) figures.setAttribute("aria-busy", "false");
  }
}

function refusal(problem) {
  if (problem.status !== 404) return callout(problem);
  return h("div", { class: "callout warm" }, h("h3", {}, "No reports here"), h("p", {}, "This installation does not answer reports. It may be older than this page."));
}

function exportsOf(days) {
  const save = (report, format) => async (event) => {
    event.target.disabled = true;
    try {
      await download(`/v1/reports/${report}?${days}&format=${format}`, `tovector-${report}-${days.replaceAll(/from=|&to=/g, (sign) => (sign === "&to=" ? "_" : ""))}.${format}`);
    } catch (problem) {
      tell(wordsFor(problem).advice);
    }
    event.target.disabled = false;
  };
  return h("section", { class: "panel-card wide" }, h("h2", {}, "Take it along"), h("div", { class: "exports" }, REPORTS.map(([report, name, about]) =>
    h("div", {}, h("h3", {}, name), h("p", { class: "quiet" }, about), h("div", { class: "row" }, FORMATS.map((format) =>
      h("button", { class: "button small", type: "button", "aria-label": `${name} as ${format.toUpperCase()}`, onclick: save(report, format) }, format.toUpperCase())))))));
}

function listen() {
  const last = (days) => () => show(isoDay(Date.now() - (days - 1) * DAY_MS), isoDay(Date.now()));
  const press = (days) => (event) => { mark(event.target); last(days)(); };
  const mark = (button) => { for (const one of find("quick").children) one.setAttribute("aria-pressed", String(one === button)); };
  fill(find("quick"), QUICK.map(([name, days]) => h("button", { class: "button", type: "button", "aria-pressed": String(days === 30), onclick: press(days) }, name)));
  find("range").addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, to] = [find("from").value, find("to").value].sort();
    mark(null);
    show(from, to);
  });
  const query = new URLSearchParams(location.search);
  if (query.has("from") && query.has("to")) { mark(null); return show(query.get("from"), query.get("to")); }
  return last(30)();
}

/** The queues are of now: they are asked for again while somebody looks. */
async function watchQueues() {
  setInterval(async () => {
    if (document.hidden || !find("queues")) return;
    const queues = await get("/v1/queues").catch(() => null);
    if (queues && find("queues")) find("queues").replaceWith((await import("/assets/panels.js")).queuePanel(queues.data));
  }, REFRESH_MS);
}

await enter();
if (!visitor.isKnown) {
  find("range").hidden = true;
  fill(figures, h("div", { class: "panel-card wide" }, h("div", { class: "callout" }, h("h3", {}, "Sign in first"), h("p", {}, "This page is for operators."), h("button", { class: "button primary", type: "button", onclick: () => leaveToSignIn() }, "Sign in"))));
} else if (!visitor.me.is_admin) {
  find("range").hidden = true;
  fill(figures, h("div", { class: "panel-card wide" }, callout({ slug: "admin-required", status: 403 })));
} else {
  watchQueues();
  await listen();
}
figures.setAttribute("aria-busy", "false");
