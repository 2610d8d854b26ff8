// The account: who you are, what your credits did, consents, keys for scripts, your data, and the way out.

import { get, post, put, remove } from "/assets/api.js";
import { confirmed, fill, h, openDialog, tell } from "/assets/dom.js";
import { openBuying } from "/assets/buy.js";
import { signOut } from "/assets/signin.js";
import { visitor } from "/assets/shell.js";
import { bytes, count, moment, money, wordsFor } from "/assets/words.js";

const TYPES = { preview: "Preview", vectorize: "Drawing", purchase: "Bought", grant: "Given", refund: "Refund", dispute: "Dispute", correction: "Corrected" };
const ENTRIES = { reserve: "held", release: "given back" };

// What may be asked of anybody; the version names these texts, so change it with them.
const ASKED = { marketing: "Write to me about what is new", analytics: "Count what I do here, to make it better" };
const ASKED_VERSION = "2026-11";

export function openAccount() {
  const { me } = visitor;
  const part = (title, make) => {
    const body = h("div", { class: "list" }, h("p", { class: "quiet" }, "Loading…"));
    const section = h("section", { class: "section" }, h("h3", {}, title), body);
    make(body).catch((problem) => {
      // An installation may not have this part: then it is not offered.
      if (problem.status === 404) section.remove();
      else fill(body, h("p", { class: "error-text" }, wordsFor(problem).advice));
    });
    return section;
  };
  const dialog = openDialog("Your account",
    h("div", { class: "row" }, h("div", {}, h("p", { class: "verdict" }, me.name ?? "Welcome"), h("p", { class: "quiet" }, me.email ?? "")),
      h("span", { class: "bar-end row" }, me.is_admin && h("a", { class: "button small", href: "/admin" }, "Dashboard"),
        h("button", { class: "button small", type: "button", onclick: () => openBuying() }, "Buy credits"), h("button", { class: "button small", type: "button", onclick: () => signOut() }, "Sign out"))),
    part("Credits", ledger), part("Consents", consents), part("Keys for scripts", keys), part("Your data", (body) => data(body, () => dialog.close())));
}

async function ledger(body) {
  const { data: entries } = await get("/v1/credits/transactions?limit=60");
  const lines = settled(entries).map((entry) => h("tr", {}, h("td", {}, moment(entry.created_at)),
    h("td", {}, [TYPES[entry.transaction_type] ?? entry.transaction_type, ENTRIES[entry.entry]].filter(Boolean).join(", ")),
    h("td", { class: "right" }, signed(entry.entry === "capture" ? -entry.credits_deducted : entry.entry === "release" ? 0 : Number(entry.available_delta))),
    h("td", { class: "right" }, entry.money ? money(entry.money.amount, entry.money.currency) : "")));
  const head = h("tr", {}, ["When", "What", "Credits", "Money"].map((name, index) => h("th", { scope: "col", class: index > 1 ? "right" : "" }, name)));
  fill(body, lines.length
    ? h("div", { class: "table-wrap ledger", tabindex: "0", role: "region", "aria-label": "Movements of your credits" }, h("table", {}, h("thead", {}, head), h("tbody", {}, lines)))
    : h("p", { class: "quiet" }, "Nothing has moved yet."));
}

/** One line a job: a reservation that was settled says nothing that its settlement does not. */
function settled(entries) {
  const ended = new Set(entries.filter((entry) => ["capture", "release"].includes(entry.entry)).map((entry) => entry.job_id));
  return entries.filter((entry) => entry.entry !== "reserve" || !ended.has(entry.job_id));
}

const signed = (number) => (number > 0 ? `+${count(number)}` : number < 0 ? `−${count(-number)}` : "0");

async function consents(body) {
  const { data: decided } = await get("/v1/me/consents");
  const known = Object.fromEntries(decided.map((one) => [one.purpose, one]));
  fill(body, Object.entries(ASKED).map(([purpose, text]) => h("label", { class: "check" },
    h("input", { type: "checkbox", checked: known[purpose]?.is_given ?? false, onchange: (event) => change(purpose, event.target) }), text)));
}

async function change(purpose, box) {
  try {
    await put("/v1/me/consents", { consents: [{ purpose, version: ASKED_VERSION, is_given: box.checked }] });
    tell("Noted.");
  } catch (problem) {
    box.checked = !box.checked;
    tell(wordsFor(problem).advice);
  }
}

async function keys(body) {
  const { data: kept } = await get("/v1/me/api-keys");
  const name = h("input", { type: "text", id: "key-name", maxlength: "80", required: true, placeholder: "my shop" });
  const form = h("form", { class: "row" }, h("label", { for: "key-name" }, "Name"), h("span", {}, name), h("button", { class: "button small" }, "Make a key"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const made = await post("/v1/me/api-keys", { name: name.value });
      await keys(body);
      body.prepend(h("div", { class: "callout" }, h("h3", {}, "Copy it now"), h("p", {}, "It is shown this once and kept nowhere."), h("code", { class: "secret" }, made.secret)));
    } catch (problem) {
      tell(wordsFor(problem).advice);
    }
  });
  const end = async (key) => {
    if (!(await confirmed(`End the key “${key.name}”?`, "Scripts that use it stop working within seconds.", "End it"))) return;
    await remove(`/v1/me/api-keys/${key.api_key_id}`).catch((problem) => tell(wordsFor(problem).advice));
    await keys(body);
  };
  fill(body, h("ul", { class: "list" }, kept.map((key) => h("li", {}, h("span", {}, key.name, " ", h("code", {}, `${key.hint}…`)), h("button", { class: "button small bare danger", type: "button", onclick: () => end(key) }, "End")))), form);
}

async function data(body, close) {
  const asked = async () => {
    try {
      const made = await post("/v1/me/exports");
      await followExport(made.export_id, body);
    } catch (problem) {
      tell(problem.status === 404 ? "This installation cannot do that by itself; ask its operator." : wordsFor(problem).advice);
    }
  };
  const leave = async () => {
    if (!(await confirmed("Delete everything of yours?", "Pictures, drawings, keys, remaining credits and your account go. Invoices stay as long as the law wants them. This cannot be undone.", "Delete my data"))) return;
    try {
      await remove("/v1/me");
      close();
      await signOut();
    } catch (problem) {
      tell([404, 405].includes(problem.status) ? "This installation cannot do that by itself; ask its operator." : wordsFor(problem).advice);
    }
  };
  fill(body, h("p", { class: "quiet" }, "Everything we hold about you as a ZIP, or gone for good."),
    h("div", { class: "row" }, h("button", { class: "button small", type: "button", onclick: asked }, "Export my data"), h("button", { class: "button small danger", type: "button", onclick: leave }, "Delete my data")));
}

async function followExport(exportId, body) {
  const note = h("p", { class: "quiet", role: "status" }, "Your export is being put together…");
  body.append(note);
  for (let tries = 0; tries < 60; tries += 1) {
    const made = await get(`/v1/me/exports/${exportId}`);
    if (made.status === "ready") return fill(note, "Ready: ", made.parts.map((part, index) => h("a", { href: part.url }, ` part ${index + 1}, ${bytes(part.size)}`)));
    if (made.status === "failed") return fill(note, "The export did not work out; try again later.");
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  return fill(note, "It takes longer than usual; come back in a while.");
}
