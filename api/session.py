"""Session tokens of the sign-in provider (Clerk), verified without asking it each time.

RS256 alone is accepted, with issuer, expiry and session id required. The provider's public keys are kept:
refreshed now and then in the background, at most every 30 seconds for a key id we do not know, and still
used when the provider does not answer.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt

from shared.errors import SignInUnavailable, Unauthenticated
from shared.logging_setup import get_logger
from shared.origins import origin_of
from shared.settings import Settings

log = get_logger(__name__)

LEEWAY_SECONDS = 5
FETCH_TIMEOUT_SECONDS = 3
REFRESH_SECONDS = 300.0
THROTTLE_SECONDS = 30.0
MOST_KEYS_BYTES = 100_000
REQUIRED = ["exp", "iat", "nbf", "iss", "sub", "sid"]


@dataclass(frozen=True, slots=True)
class Session:
    """A verified sign-in; `expires_at` in seconds since 1970. `session_hash` tells sessions apart, and no more."""

    clerk_id: str
    session_hash: str
    email: str | None
    name: str | None
    is_admin: bool
    expires_at: float


@dataclass(frozen=True, slots=True)
class Caller:
    """The account a request acts for."""

    user_id: UUID
    is_admin: bool = False
    is_guest: bool = False


class Sessions:
    """Verifies session tokens for one installation."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.issuer
        self._parties = frozenset({*settings.clerk_authorized_parties, origin_of(str(settings.public_url))})
        self._keys = Keys(settings.jwks_url)

    def verify(self, token: str) -> Session:
        """Who signed in. Raises Unauthenticated with the reason, or SignInUnavailable when no keys can be had."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = self._keys.find(key_id if isinstance(key_id, str) else "")
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                # Clerk's session tokens name no audience; who they were made for is in azp.
                options={"require": REQUIRED, "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The session token has expired; get a new one.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthenticated("The session token is not valid here.") from None
        return self._session(claims)

    def _session(self, claims: Mapping[str, Any]) -> Session:
        party = claims.get("azp")
        if party is not None and str(party).rstrip("/") not in self._parties:
            raise Unauthenticated("The session token was made for another site.")
        if claims.get("sts") == "pending":
            raise Unauthenticated("The sign-in is not complete yet.")
        metadata = claims.get("metadata")
        return Session(
            clerk_id=str(claims["sub"]),
            session_hash=sha256(str(claims["sid"]).encode()).hexdigest()[:32],
            email=_text(claims.get("email")),
            name=_text(claims.get("name")),
            is_admin=isinstance(metadata, Mapping) and metadata.get("role") == "admin",
            expires_at=float(claims["exp"]),
        )


class Keys:
    """The provider's public keys by key id; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = -1e9

    def find(self, key_id: str) -> jwt.PyJWK:
        """The key with this id. Raises Unauthenticated when there is none, SignInUnavailable when none are known."""
        if key_id in self._keys:
            if time.monotonic() - self._fetched_at > REFRESH_SECONDS:
                self._refresh_aside()
            return self._keys.get(key_id) or self._missing()
        with self._lock:
            if key_id not in self._keys and self._may_try():
                self._fetch()
        return self._keys.get(key_id) or self._missing()

    def _missing(self) -> jwt.PyJWK:
        if not self._keys:
            raise SignInUnavailable("Sign-in cannot be checked at the moment; try again shortly.")
        raise Unauthenticated("The session token is not valid here.")

    def _may_try(self) -> bool:
        # Without any key nobody can be let in, so the pause is short then.
        return time.monotonic() - self._tried_at > (THROTTLE_SECONDS if self._keys else 1.0)

    def _refresh_aside(self) -> None:
        if self._may_try() and self._lock.acquire(blocking=False):
            try:
                if self._may_try():
                    self._tried_at = time.monotonic()
                    threading.Thread(target=self._fetch, name="sign-in-keys", daemon=True).start()
            finally:
                self._lock.release()

    def _fetch(self) -> None:
        """Replace the keys by the provider's present ones; keep them when it does not answer."""
        self._tried_at = time.monotonic()
        try:
            with urllib.request.urlopen(self._url, timeout=FETCH_TIMEOUT_SECONDS) as answer:  # noqa: S310 - from settings
                found = jwt.PyJWKSet.from_dict(json.loads(answer.read(MOST_KEYS_BYTES)))
        except (OSError, ValueError, jwt.PyJWTError) as error:
            log.warning("sign_in_keys_unavailable", error=str(error))
            return
        self._keys = {key.key_id: key for key in found.keys if key.key_id and key.algorithm_name == "RS256"}
        self._fetched_at = time.monotonic()


def _text(claim: object) -> str | None:
    return claim.strip()[:320] or None if isinstance(claim, str) else None
