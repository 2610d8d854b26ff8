// Buying credits: choose a package, say who buys, see the sum with VAT, pay at Stripe, come back.

import { get, post } from "/assets/api.js";
import { fill, h, openDialog, tell } from "/assets/dom.js";
import { callout } from "/assets/results.js";
import { leaveToSignIn, refreshBalance, visitor } from "/assets/shell.js";
import { count, credits, money } from "/assets/words.js";

const COUNTRIES = (
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL " +
  "CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU " +
  "GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC " +
  "MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT " +
  "PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA " +
  "UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
).split(" ");
const LONGEST_WAIT_MS = 60000;
const PAUSE_MS = 1000;

/** Show what is on sale. `imageId` is where to go on after paying. */
export async function openBuying({ imageId = new URLSearchParams(location.search).get("image") } = {}) {
  if (!visitor.isKnown) return leaveToSignIn();
  const content = h("div", { class: "sheet-body" }, h("p", { class: "quiet" }, "Loading what is on sale…"));
  const dialog = openDialog("Buy credits", content);
  try {
    const { data } = await get("/v1/credit-packages");
    if (!data.length) fill(content, h("p", {}, "Nothing is on sale at the moment."));
    else fill(content, form(data, imageId, (opened) => fill(content, bill(opened, dialog))));
  } catch (problem) {
    fill(content, callout(problem));
  }
  return undefined;
}

function form(packages, imageId, done) {
  const trouble = h("div", {});
  const price = visitor.credits.prices.vectorization;
  const card = (one, index) => h("label", { class: "package" },
    h("input", { type: "radio", name: "package", value: one.package_id, checked: index === 0 }),
    h("b", {}, credits(one.credits)), h("span", { class: "number" }, money(one.price, one.currency)),
    h("span", { class: "quiet number" }, `${money(Math.round((one.price * price) / one.credits), one.currency)} a drawing`));
  const names = new Intl.DisplayNames(undefined, { type: "region" });
  const sorted = COUNTRIES.map((code) => [code, names.of(code)]).sort((one, other) => one[1].localeCompare(other[1]));
  const field = (id, label, props = {}) => h("div", { class: "field" }, h("label", { for: id }, label), h("input", { id, type: "text", maxlength: "200", ...props }));
  const go = h("button", { class: "button primary large" }, "Continue");
  const element = h("form", { class: "sheet-body" },
    h("fieldset", {}, h("legend", { class: "visually-hidden" }, "Package"), h("div", { class: "packages" }, packages.map(card))),
    h("div", { class: "field" }, h("label", { for: "country" }, "Country"),
      h("select", { id: "country", autocomplete: "country" }, h("option", { value: "" }, "Say it at the checkout"), sorted.map(([code, name]) => h("option", { value: code }, name))),
      h("small", {}, "VAT depends on it.")),
    h("details", {}, h("summary", {}, "I buy for a business"), h("div", { class: "controls two" },
      field("business", "Business name", { autocomplete: "organization" }), field("vat-id", "VAT id", { maxlength: "40", autocomplete: "off", placeholder: "DE123456789" }))),
    trouble, h("div", { class: "row end" }, go));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    const value = (id) => element.querySelector(`#${id}`).value.trim();
    const billing = Object.fromEntries(Object.entries({ country: value("country"), business_name: value("business"), vat_id: value("vat-id") }).filter(([, text]) => text));
    const back = imageId ? `&image=${imageId}` : "";
    try {
      done(await post("/v1/checkout-sessions", {
        package_id: new FormData(element).get("package"), billing,
        success_url: `${location.origin}/?checkout={CHECKOUT_SESSION_ID}${back}`, cancel_url: `${location.origin}/?checkout=canceled${back}`,
      }));
    } catch (problem) {
      go.disabled = false;
      fill(trouble, callout(problem));
    }
  });
  return element;
}

function bill(opened, dialog) {
  const line = (name, text, kind = "") => h("div", { class: kind }, h("span", {}, name), h("span", { class: "number" }, text));
  const tax = opened.expected_tax;
  const why = tax?.rule === "reverse_charge" ? "reverse charge" : tax && `${tax.rate} %, ${tax.country}`;
  return h("div", { class: "sheet-body" },
    h("div", { class: "bill" }, line(credits(opened.credits), money(opened.amount, opened.currency)),
      line(tax ? `VAT (${why})` : "VAT", tax ? money(opened.tax, opened.currency) : "by your country, at the checkout"),
      opened.total !== null && line("Total", money(opened.total, opened.currency), "sum")),
    h("p", { class: "quiet" }, "You pay on Stripe's page. We never see your card. The credits are here as soon as the money is."),
    h("div", { class: "row end" }, h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Not now"),
      h("a", { class: "button primary large", id: "pay", href: opened.url }, opened.total === null ? "Go to the checkout" : `Pay ${money(opened.total, opened.currency)}`)));
}

/** Back from Stripe: `session` is its id, or `canceled`. */
export async function comeBack(session) {
  const image = new URLSearchParams(location.search).get("image");
  history.replaceState(null, "", image ? `/?image=${image}` : "/");
  if (session === "canceled") return tell("Nothing was bought.");
  const content = h("div", { class: "sheet-body", role: "status" }, h("p", {}, "Waiting for Stripe to confirm…"), h("progress", { class: "meter", "aria-label": "Waiting" }));
  const dialog = openDialog("Your payment", content);
  try {
    const checkout = await settled(session);
    await refreshBalance();
    fill(content, outcome(checkout), h("div", { class: "row end" }, h("button", { class: "button primary", type: "button", onclick: () => dialog.close() }, "Go on")));
  } catch (problem) {
    fill(content, callout(problem));
  }
  return undefined;
}

async function settled(session) {
  const until = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const checkout = await get(`/v1/checkout-sessions/${encodeURIComponent(session)}`);
    if (checkout.status !== "open" || Date.now() > until) return checkout;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function outcome(checkout) {
  const paper = (url, name) => url && h("a", { href: url, target: "_blank", rel: "noreferrer" }, name);
  if (checkout.status === "paid") {
    return [h("p", { class: "verdict" }, `${credits(checkout.credits)} are yours.`), h("p", {}, `You have ${count(Number(visitor.credits.available))} now.`),
      h("p", { class: "row" }, paper(checkout.receipt_url, "Receipt"), paper(checkout.invoice_url, "Invoice"))];
  }
  if (checkout.status === "open") return h("p", {}, "Your bank has not confirmed it yet; that can take days with a bank debit. The credits come by themselves.");
  return h("p", {}, checkout.status === "refunded" ? "This payment was given back." : "The payment did not go through. No money moved; you can try again.");
}
