// What came out of a job, and what went wrong, in plain words.

import { h } from "/assets/dom.js";
import { bytes, count, verdict, wordsFor } from "/assets/words.js";

/** A problem with its way out. */
export function callout(problem, wayOut = null) {
  const { title, advice } = wordsFor(problem);
  const kind = ["insufficient-credits", "rate-limited", "overloaded", "image-not-ready"].includes(problem.slug) ? "warm" : "danger";
  return h("div", { class: `callout ${kind}`, role: "alert" }, h("h3", {}, title), h("p", {}, advice), wayOut,
    problem.request_id && problem.status >= 500 && h("p", { class: "quiet" }, "If it happens again, tell us: ", h("code", {}, problem.request_id)));
}

/** The quality report of a job, and for a drawing the files to save: any of `formats`, made when first asked for. */
export function resultOf(job, formats, save) {
  const report = job.result.report;
  const isPreview = job.kind === "preview";
  const facts = [["alike", `${count(report.similarity * 100)} %`], ["shapes", count(report.paths)], ["colors", count(report.colors)], ["SVG", bytes(report.bytes)]];
  return [
    h("div", {}, h("p", { class: "verdict" }, verdict(report.similarity)), h("p", { class: "quiet" }, sentence(report, isPreview))),
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    ...(report.warnings ?? []).map((warning) => h("p", { class: "callout warm" }, warning)),
    !isPreview && downloads(job, formats, save),
  ];
}

function downloads(job, formats, save) {
  const pick = (format) => async (event) => {
    const button = event.currentTarget;
    button.setAttribute("aria-busy", "true");
    await save(format);
    button.removeAttribute("aria-busy");
  };
  return h("div", { class: "downloads" }, formats.map((one, index) => h("button", {
    class: index ? "button small" : "button primary", type: "button", "data-save": one.format, title: one.description, onclick: pick(one.format),
  }, index ? one.format.toUpperCase() : `Download ${one.format.toUpperCase()}`,
  !index && one.format in job.result.formats && h("span", { class: "price" }, bytes(job.result.formats[one.format].size)))));
}

function sentence(report, isPreview) {
  const nodes = report.segments / Math.max(1, report.paths);
  const ease = nodes <= 12 ? "easy to edit" : nodes <= 40 ? "fine to edit" : "rich in nodes, best used as it is";
  const size = report.bytes < 60_000 ? "light enough for any web page" : report.bytes < 500_000 ? "fine for print and web" : "large: fewer colors or less detail make it lighter";
  return isPreview
    ? "The real result with a watermark across it. The drawing has none, and is sharp at any size."
    : `Its curves are ${ease}; the file is ${size}.`;
}
