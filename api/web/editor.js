// The edit popup of one picture: what can be done with it and for how much, the work going on, and what came out.

import { get, post, remove, save } from "/assets/api.js";
import { closeOnBackdrop, confirmed, fill, h, openDialog, tell } from "/assets/dom.js";
import { makeOptions } from "/assets/options.js";
import { callout, resultOf } from "/assets/results.js";
import { leaveToSignIn, refreshBalance, visitor } from "/assets/shell.js";
import { makeStage } from "/assets/stage.js";
import { suggestionOf } from "/assets/suggestion.js";
import { bytes, count, credits, left, moment, stageOf, wordsFor } from "/assets/words.js";

const WAIT_SECONDS = 2; // short enough that the bar moves while the job runs
const PREPARING_MS = 1000;
const SUGGESTING_MS = 400;
const MOST_ASKS = 25;
const OPEN = ["queued", "running"];

/** Open the popup of an image; `address` is where its picture can be seen already, if the page has it. */
export async function openEditor(imageId, { address = null } = {}) {
  const stage = makeStage();
  const title = h("h2", { id: "editor-title", tabIndex: -1, autofocus: true }, "Your picture");
  const about = h("p", { class: "quiet number" });
  const body = h("div", { class: "panel-body" });
  const foot = h("div", { class: "panel-foot" });
  const erase = h("button", { class: "button small bare danger", type: "button", hidden: true, onclick: () => erased() }, "Delete");
  const close = h("button", { class: "button icon bare", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, "✕");
  const dialog = h("dialog", { id: "editor", "aria-labelledby": "editor-title" },
    h("header", { class: "edit-head" }, h("div", { class: "edit-title" }, title, about), erase, close),
    stage.element, h("section", { class: "panel", "aria-label": "Settings and result" }, body, foot));
  const result = h("div", { class: "result", hidden: true });
  const suggestion = h("div", { class: "suggestion", role: "status", hidden: true });
  const history = h("div", {});
  const work = h("div", { class: "work", role: "status", hidden: true });
  let known = null;
  let options = null;
  let shown = null;
  let busy = false;
  let isOpen = true;

  stage.element.append(work);
  fill(body, h("div", { class: "skeleton", "aria-hidden": "true" }, h("p", { class: "visually-hidden" }, "Loading")));
  body.firstChild.style.height = "18rem";
  document.body.append(dialog);
  closeOnBackdrop(dialog);
  const onBalance = () => refresh();
  document.addEventListener("balance", onBalance);
  dialog.addEventListener("close", () => {
    isOpen = false;
    document.removeEventListener("balance", onBalance);
    dialog.remove();
    window.history.replaceState(null, "", "/");
    document.dispatchEvent(new Event("pictures"));
  });
  window.history.replaceState(null, "", `/?image=${imageId}`);
  dialog.showModal();

  async function load() {
    try {
      known = await prepared();
      if (!known.image) return strange();
      title.textContent = known.image.file_name ?? "Expired picture";
      about.textContent = `${known.image.width} × ${known.image.height} px, ${bytes(known.image.file_size)}, ${left(known.image.expires_at)}`;
      erase.hidden = false;
      stage.showBefore(address ?? (await get(`/v1/images/${imageId}/source/link`)).url, known.image.width, known.image.height);
    } catch (problem) {
      return fill(body, callout(problem));
    }
    const open = known.jobs.find((job) => OPEN.includes(job.status));
    const best = known.jobs.find((job) => job.status === "succeeded" && job.result);
    options = makeOptions(known, remembered(imageId) ?? best?.options ?? {}, changed);
    fill(body, result, !known.signed_in && invitation(known), suggestion, options.element, history);
    showSuggestion();
    showFoot();
    showHistory();
    if (best) await showJob(best);
    if (open) await followJob(open);
  }

  /** The editor's answer once the picture can be used; large ones take a moment. */
  async function prepared() {
    for (;;) {
      const answer = await get(`/v1/images/${imageId}/editor`);
      if (answer.image?.status !== "processing" || !isOpen) {
        work.hidden = true;
        return answer;
      }
      showWork("Preparing a large picture", null, null);
      await new Promise((resolve) => setTimeout(resolve, PREPARING_MS));
    }
  }

  /** What suits the picture, a moment after it came; who hears nothing for some seconds does without. */
  async function showSuggestion() {
    if (shown) return;
    fill(suggestion, h("p", { class: "quiet" }, "Looking at your picture …"));
    suggestion.hidden = false; // its place is kept, so that nothing moves below a finger
    for (let asked = 0; known.suggestion_pending && asked < MOST_ASKS && isOpen; asked += 1) {
      await new Promise((resolve) => setTimeout(resolve, SUGGESTING_MS));
      known = await get(`/v1/images/${imageId}/editor`).catch(() => known);
    }
    suggestion.hidden = shown !== null || !known.suggested; // a drawing speaks for itself, and has its own warnings
    if (known.suggested) fill(suggestion, suggestionOf(known.suggested));
  }

  async function refresh() {
    known = await get(`/v1/images/${imageId}/editor`).catch(() => known);
    if (isOpen && known?.image) { showFoot(); showHistory(); }
  }

  /** Not this visitor's: there is nothing to show, so the popup makes way for a question. */
  function strange() {
    const here = location.href;
    dialog.close();
    openDialog("Whose picture is this?", h("p", {}, "Sign in with the account that uploaded it to go on."),
      h("div", { class: "row end" }, h("button", { class: "button primary", type: "button", onclick: () => leaveToSignIn(here) }, "Sign in")));
  }

  function changed() {
    sessionStorage.setItem(`wish:${imageId}`, JSON.stringify(options.options()));
    showFoot();
  }

  /** Whether what is shown was made with the settings as they are now. */
  const isCurrent = () => !shown || options.same(shown.options);

  function showFoot() {
    const prices = Object.fromEntries(known.actions.map((one) => [one.action, one]));
    if (!known.signed_in) {
      fill(foot, h("button", { class: "button primary large", type: "button", onclick: () => leaveToSignIn() }, "Sign in to go on"),
        h("p", { class: "quiet" }, `A preview costs ${credits(prices.preview.price)}, the drawing ${credits(prices.vectorization.price)}. Your picture waits for you.`));
      return;
    }
    const act = (name, text, primary) => h("button", {
      class: primary ? "button primary" : "button", type: "button", "data-action": name,
      disabled: busy || !["insufficient-credits", null].includes(prices[name].reason), onclick: () => begin(prices[name]),
    }, h("span", {}, text), h("span", { class: "price" }, credits(prices[name].price)));
    fill(foot,
      h("div", { class: "actions" }, act("preview", "Preview", false), act("vectorization", "Make the drawing", true)),
      h("div", { class: "foot-line" },
        h("span", { class: "quiet" }, h("b", { class: "number" }, count(Number(known.available))), " credits left"),
        prices.vectorization.affordable ? h("span", { class: "quiet" }, isCurrent() ? "" : "Settings changed") : buyButton()));
  }

  const buyButton = () => h("button", { class: "button small", type: "button", onclick: buy }, "Buy credits");
  const buy = async () => (await import("/assets/buy.js")).openBuying({ imageId });

  async function begin(action) {
    if (!action.affordable) return buy();
    busy = true;
    showFoot();
    showWork("Handing it in", 0, null);
    try {
      const job = await post(action.url, { options: options.options() });
      refreshBalance();
      await followJob(job);
    } catch (problem) {
      trouble(problem);
    }
  }

  /** Stay with a job until it has ended, and tell how far it is. */
  async function followJob(job) {
    busy = true;
    showFoot();
    try {
      while (OPEN.includes(job.status) && isOpen) {
        showWork(stageOf(job), job.progress, job);
        job = await get(`/v1/jobs/${job.job_id}?wait=${WAIT_SECONDS}`);
      }
    } catch (problem) {
      return trouble(problem);
    }
    if (!isOpen) return undefined;
    busy = false;
    work.hidden = true;
    await Promise.all([refreshBalance(), refresh()]);
    if (job.status === "succeeded") await showJob(job);
    else if (job.status === "failed") trouble(job.problem, "It cost nothing.");
    else tell("Stopped. It cost nothing.");
    return undefined;
  }

  function showWork(text, progress, job) {
    work.hidden = false;
    const stop = job && h("button", { class: "button small", type: "button", onclick: () => stopped(job) }, "Stop");
    fill(work, h("div", { class: "work-line" }, h("span", {}, text), stop),
      h("progress", { class: "meter", max: 1, ...(progress === null ? {} : { value: progress }), "aria-label": "Progress" }));
  }

  async function stopped(job) {
    await post(`/v1/jobs/${job.job_id}/cancel`).catch((problem) => problem.slug === "job-already-finished" || tell(wordsFor(problem).advice));
  }

  function trouble(problem) {
    busy = false;
    work.hidden = true;
    showFoot();
    const wayOut = { "insufficient-credits": buyButton, "unauthenticated": () => h("button", { class: "button small", type: "button", onclick: () => leaveToSignIn() }, "Sign in") };
    result.hidden = false;
    fill(result, callout(problem, wayOut[problem.slug]?.()));
    body.scrollTop = 0;
  }

  async function showJob(job) {
    shown = job;
    if (!job.result) return;
    suggestion.hidden = true;
    const format = ["svg", "png", "webp"].find((one) => one in job.result.formats);
    result.hidden = false;
    fill(result, resultOf(job, known.formats, (file) => save(`/v1/jobs/${job.job_id}/result/link?format=${file}&purpose=save`).catch(trouble)));
    body.scrollTop = 0;
    showFoot();
    showHistory();
    if (!format) return;
    try {
      await stage.showAfter((await get(`/v1/jobs/${job.job_id}/result/link?format=${format}&purpose=show`)).url);
    } catch (problem) {
      trouble(problem);
    }
  }

  function showHistory() {
    const ended = known.jobs.filter((job) => job.status === "succeeded" && job.result);
    history.hidden = ended.length < 2;
    fill(history, h("h3", {}, "Made from this picture"), h("ul", { class: "jobs" }, ended.map((job) => h("li", {},
      h("button", { class: "job", type: "button", "aria-current": String(job.job_id === shown?.job_id), onclick: () => showJob(job) },
        h("span", {}, job.kind === "preview" ? "Preview" : "Drawing", h("span", { class: "quiet" }, `  ${moment(job.finished_at)}`)),
        h("span", { class: "quiet number" }, `${count(job.result.report.colors)} colors`))))));
  }

  async function erased() {
    if (!(await confirmed("Delete this picture?", "The picture and every drawing made from it are removed at once. This cannot be undone.", "Delete it"))) return;
    try {
      await remove(`/v1/images/${imageId}`);
      dialog.close();
      tell("The picture and everything made from it are deleted.");
    } catch (problem) {
      trouble(problem);
    }
  }

  await load();
}

function remembered(imageId) {
  try {
    return JSON.parse(sessionStorage.getItem(`wish:${imageId}`));
  } catch {
    return null;
  }
}

function invitation(known) {
  const grant = visitor.isKnown ? null : "New here? Your first credits are on us.";
  return h("div", { class: "callout" }, h("h3", {}, "One step to your drawing"),
    h("p", {}, "Your picture is here. Sign in, and it moves to your account with the settings you choose below."), grant && known.sign_in && h("p", { class: "quiet" }, grant));
}
