// Who is there. The one module that knows Clerk: its script in production, the stand-in's on the local stack, same code.

const meta = document.querySelector('meta[name="sign-in"]');
const SCRIPT = "npm/@clerk/clerk-js@5/dist/clerk.headless.browser.js";
const LONGEST_WAIT_MS = 8000;

let ready = null;

/** Whether this installation lets people sign in on its page at all. */
export const canSignIn = Boolean(meta.dataset.publishableKey);

/** Clerk once it has loaded, or null when it cannot be reached: the page then works as for somebody signed out. */
function clerk() {
  ready ??= canSignIn ? loaded().catch(() => null) : Promise.resolve(null);
  return ready;
}

async function loaded() {
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${meta.content}/${SCRIPT}`;
    script.crossOrigin = "anonymous";
    script.dataset.clerkPublishableKey = meta.dataset.publishableKey;
    script.onload = resolve;
    script.onerror = reject;
    setTimeout(reject, LONGEST_WAIT_MS);
    document.head.append(script);
  });
  await window.Clerk.load();
  return window.Clerk;
}

/** A session token that is good now, or null for somebody signed out. Clerk renews it as needed. */
export async function token() {
  const known = await clerk();
  return known?.session ? known.session.getToken() : null;
}

export const isSignedIn = async () => Boolean((await clerk())?.session);

/** Leave for the sign-in page and come back to `address`. False when sign-in cannot be reached. */
export async function signIn(address = location.href) {
  const known = await clerk();
  if (!known) return false;
  await known.redirectToSignIn({ signInForceRedirectUrl: address, signInFallbackRedirectUrl: address });
  return true;
}

export async function signOut() {
  const known = await clerk();
  await known?.signOut({ redirectUrl: `${location.origin}/` });
}
