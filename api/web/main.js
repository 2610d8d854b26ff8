// The page: drop, paste or choose a picture, see the ones you have, come back from sign-in and from paying.

import { get, upload } from "/assets/api.js";
import { fill, find, h, tell } from "/assets/dom.js";
import { openEditor } from "/assets/editor.js";
import { beGuest, claimPictures } from "/assets/guest.js";
import { callout } from "/assets/results.js";
import { enter, visitor } from "/assets/shell.js";
import { bytes, left } from "/assets/words.js";

const SMALL_BYTES = 3_000_000; // larger sources are not fetched for a thumbnail
const MOST_CARDS = 24;

let running = null;

async function send(file) {
  if (!file) return;
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const bar = h("progress", { class: "meter", max: 1, value: 0, "aria-label": "Upload" });
  const state = find("upload-state");
  state.hidden = false;
  fill(state, h("div", { class: "upload-card", role: "status" },
    h("div", { class: "work-line" }, h("span", {}, `Uploading ${file.name || "your picture"}, ${bytes(file.size)}`),
      h("button", { class: "button small", type: "button", onclick: () => running.abort() }, "Stop")), bar));
  try {
    if (!visitor.isKnown) await beGuest();
    const image = await upload(file, (part) => { bar.value = part; }, signal);
    state.hidden = true;
    if (!visitor.isKnown) claimPictures.remember(image.image_id);
    await openEditor(image.image_id, { address: URL.createObjectURL(file) });
  } catch (problem) {
    if (signal.aborted) state.hidden = true;
    else fill(state, callout(problem));
  }
}

function listen() {
  const drop = find("drop");
  find("file").addEventListener("change", (event) => { send(event.target.files[0]); event.target.value = ""; });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!document.querySelector("dialog[open]")) send(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file && !document.querySelector("dialog[open]")) send(file);
  });
  document.addEventListener("pictures", showPictures);
}

async function showPictures() {
  if (!visitor.isKnown) return;
  const { data } = await get(`/v1/images?limit=${MOST_CARDS}`).catch(() => ({ data: [] }));
  const usable = data.filter((image) => image.status !== "expired");
  find("pictures").hidden = !usable.length;
  fill(find("cards"), usable.map(card));
}

function card(image) {
  const thumbnail = h("div", { class: "card-picture" }, image.status === "failed" ? "Could not be read" : image.file_type.toUpperCase());
  if (image.status === "ready" && image.file_size <= SMALL_BYTES) {
    get(`/v1/images/${image.image_id}/source/link`).then(({ url }) => fill(thumbnail, h("img", { src: url, alt: "", loading: "lazy" }))).catch(() => undefined);
  }
  return h("li", {}, h("button", { class: "card", type: "button", onclick: () => openEditor(image.image_id) }, thumbnail,
    h("span", { class: "card-words" }, h("span", { class: "card-name" }, image.file_name ?? "Picture"), h("span", { class: "quiet" }, left(image.expires_at)))));
}

async function start() {
  listen();
  await enter();
  const query = new URLSearchParams(location.search);
  if (visitor.isKnown) await claimPictures().catch(() => tell("A picture you uploaded before signing in could not be moved to your account."));
  showPictures();
  if (query.has("image")) await openEditor(query.get("image"));
  if (query.has("checkout")) await (await import("/assets/buy.js")).comeBack(query.get("checkout"));
}

await start();
