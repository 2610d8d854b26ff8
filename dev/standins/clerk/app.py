"""The routes: published keys, sign-in page, a small backend API, and a control route for key rotation."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

from dev.standins.clerk.page import SCRIPT, SCRIPT_ADDRESS, sign_in_form, signed_in
from dev.standins.clerk.state import State, User
from dev.standins.clerk.tokens import DAY_SECONDS, published_keys, session_claims, sign
from dev.standins.clerk.webhooks import Webhooks, deleted
from dev.standins.web import Request, Response, json_response

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
SCRIPT_HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": "no-cache",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


class ClerkApp:
    """Clerk as the api and the browser see it; `origins` may receive tokens, or any loopback origin if empty."""

    def __init__(self, state: State, origins: tuple[str, ...] = (), webhooks: Webhooks | None = None) -> None:
        self._state = state
        self._webhooks = webhooks or Webhooks(None, "")
        self._origins = origins
        self._secret_key = state.secret_key()

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        match [request.method, *request.path.strip("/").split("/")]:
            case ["GET", ".well-known", "jwks.json"]:
                return json_response(published_keys(self._state.keys()))
            case ["GET", "sign-in"]:
                return _page(sign_in_form(request.query.get("redirect_url", "")))
            case ["POST", "sign-in"]:
                return self._sign_in(request)
            case ["GET" | "PATCH" | "DELETE", "v1", "users", user_id]:
                return self._backend(request, self._state.find_user(user_id))
            case ["GET", "npm", *_] if request.path == f"/{SCRIPT_ADDRESS}":
                return Response(200, SCRIPT_HEADERS, SCRIPT.read_bytes())
            case ["GET", "healthz"]:
                return json_response({"status": "ok"})
            case ["POST", "_rotate"]:
                return self._rotate(request)
            case _:
                return _error(404, "resource_not_found", "There is nothing here.")

    def _sign_in(self, request: Request) -> Response:
        form = parse_qs(request.body.read().decode("utf-8", "replace"))
        email, redirect_url = form.get("email", [""])[0].strip(), form.get("redirect_url", [""])[0]
        if not _looks_like_an_address(email):
            return _page(sign_in_form(redirect_url, "Type an e-mail address, such as alice@example.com."), 422)
        if redirect_url and not self._may_receive_tokens(redirect_url):
            return _page(sign_in_form("", f"{_origin(redirect_url)} may not receive session tokens."), 422)
        is_new = not any(one.email == email.lower() for one in self._state.users())
        user = self._state.user(email)
        if is_new:
            self._webhooks.tell("user.created", user_json(user))
        claims = session_claims(user, self._state.issuer, DAY_SECONDS, _origin(redirect_url) or None)
        token = sign({name: value for name, value in claims.items() if value is not None}, self._state.keys()[0])
        if not redirect_url:
            return _page(signed_in(user.email, token))
        # In the fragment, which browsers keep to themselves: no server's log ever sees the token.
        address = urlsplit(redirect_url)._replace(fragment=urlencode({"__session": token})).geturl()
        return Response(303, {**PAGE_HEADERS, "Location": address})

    def _may_receive_tokens(self, address: str) -> bool:
        if self._origins:
            return _origin(address) in self._origins
        return urlsplit(address).scheme in ("http", "https") and urlsplit(address).hostname in LOOPBACK_HOSTS

    def _backend(self, request: Request, user: User | None) -> Response:
        if request.headers.get("authorization", "") != f"Bearer {self._secret_key}":
            return _error(401, "authentication_invalid", "The secret key is missing or wrong.")
        if user is None:
            return _error(404, "resource_not_found", "No user was found with this id.")
        return json_response(self._changed(request, user))

    def _changed(self, request: Request, user: User) -> dict[str, object]:
        """What a call of the backend API makes of a user, told to the webhooks too."""
        if request.method == "DELETE":
            self._state.remove(user.id)
            self._webhooks.tell("user.deleted", deleted(user))
            return deleted(user)
        if request.method == "PATCH":
            # The local stand-in takes the address here; Clerk has a resource of its own for addresses.
            given = json.loads(request.body.read() or b"{}")
            names = [given.get("first_name"), given.get("last_name")]
            name = " ".join(str(part) for part in names if part) or user.name
            user = self._state.change(user.id, email=given.get("email_address", user.email), name=name) or user
            self._webhooks.tell("user.updated", user_json(user))
        return user_json(user)

    def _rotate(self, request: Request) -> Response:
        keep_old = json.loads(request.body.read() or b"{}").get("keep_old", True)
        return json_response(published_keys(self._state.rotate(keep_old=bool(keep_old))))


def user_json(user: User) -> dict[str, object]:
    """Return a user as the backend API and the webhooks describe one, as far as the house reads it."""
    first_name, _, last_name = user.name.partition(" ")
    address = {
        "id": "idn_" + user.id.removeprefix("user_"),
        "object": "email_address",
        "email_address": user.email,
        "verification": {"status": "verified", "strategy": "email_code"},
        "linked_to": [],
    }
    return {
        "id": user.id,
        "object": "user",
        "external_id": None,
        "username": None,
        "first_name": first_name,
        "last_name": last_name or None,
        "primary_email_address_id": address["id"],
        "email_addresses": [address],
        "phone_numbers": [],
        "public_metadata": user.public_metadata,
        "private_metadata": {},
        "unsafe_metadata": {},
        "banned": False,
        "locked": False,
        "created_at": user.created_at_ms,
        "updated_at": max(user.created_at_ms, user.updated_at_ms),
    }


def _looks_like_an_address(email: str) -> bool:
    name, at, domain = email.partition("@")
    return bool(name and at and domain) and not set(email) & set(" \t\r\n<>") and "@" not in domain


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _page(html: str, status: int = 200) -> Response:
    # No form-action here: browsers apply it to the redirect too, which goes to the application.
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    return Response(status, {**PAGE_HEADERS, "Content-Security-Policy": policy}, html.encode())


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"errors": [{"message": message, "long_message": message, "code": code}]}, status)
