// What the house's pages use of Clerk's own script, for the local stack: load, the session's token, sign in, sign out.
//
// The stand-in's page sends people back with a session token in the fragment, which no server ever sees. It is kept in
// localStorage until it expires; Clerk keeps its own in cookies, which need a domain.
"use strict";

(() => {
  const KEY = "__standin_session";
  const issuer = new URL(document.currentScript.src).origin;

  /** The claims of a token that has not expired, or null. */
  function claimsOf(token) {
    try {
      const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
      return claims.exp * 1000 > Date.now() ? claims : null;
    } catch {
      return null;
    }
  }

  function arrive() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const token = fragment.get("__session");
    if (!token) return;
    localStorage.setItem(KEY, token);
    history.replaceState(history.state, "", location.pathname + location.search);
  }

  window.Clerk = {
    loaded: false,
    session: null,
    user: null,

    async load() {
      arrive();
      const token = localStorage.getItem(KEY);
      const claims = token && claimsOf(token);
      if (claims) {
        this.session = { id: claims.sid, getToken: async () => (claimsOf(token) ? token : null) };
        this.user = { id: claims.sub, fullName: claims.name };
      } else {
        localStorage.removeItem(KEY);
      }
      this.loaded = true;
    },

    async redirectToSignIn({ signInForceRedirectUrl = location.href } = {}) {
      location.assign(`${issuer}/sign-in?redirect_url=${encodeURIComponent(signInForceRedirectUrl)}`);
    },

    async signOut({ redirectUrl = location.href } = {}) {
      localStorage.removeItem(KEY);
      location.assign(redirectUrl);
    },
  };
})();
