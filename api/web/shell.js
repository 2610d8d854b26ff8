// The bar at the top: who is there, what is left, and the ways to buy, to the account and out.

import { get } from "/assets/api.js";
import { fill, find, h, tell } from "/assets/dom.js";
import { canSignIn, isSignedIn, signIn, token } from "/assets/signin.js";
import { count } from "/assets/words.js";

/** What the page knows of its visitor. */
export const visitor = { isKnown: false, me: null, credits: null };

/** Find out who is there and show it. Anything may listen: the event `balance` follows every change. */
export async function enter() {
  if (await isSignedIn()) {
    try {
      [visitor.me, visitor.credits] = await Promise.all([get("/v1/me"), get("/v1/credits")]);
      visitor.isKnown = true;
    } catch (problem) {
      if (problem.slug !== "unauthenticated") tell("Your account cannot be shown at the moment.");
    }
  }
  showBar();
}

/** Ask for the balance again. */
export async function refreshBalance() {
  if (!visitor.isKnown || !(await token())) return;
  visitor.credits = await get("/v1/credits").catch(() => visitor.credits);
  showBar();
  document.dispatchEvent(new Event("balance"));
}

function showBar() {
  const bar = find("account-bar");
  if (!visitor.isKnown) {
    fill(bar, canSignIn && h("button", { class: "button primary", type: "button", onclick: () => leaveToSignIn() }, "Sign in"));
    return;
  }
  const open = (module, act) => async () => (await import(`/assets/${module}.js`))[act]();
  fill(bar,
    h("span", { class: "balance" }, h("b", { id: "balance" }, count(Number(visitor.credits.available))), h("span", {}, Number(visitor.credits.available) === 1 ? "credit" : "credits")),
    h("button", { class: "button small", type: "button", onclick: open("buy", "openBuying") }, "Buy", h("span", { class: "wide" }, "credits")),
    h("button", { class: "button small bare", type: "button", onclick: open("account", "openAccount") }, "Account"));
}

/** Go to the sign-in page, and come back here. */
export async function leaveToSignIn(address = location.href) {
  if (!(await signIn(address))) tell("Sign-in cannot be reached. Check your connection, and whether something blocks it.");
}
