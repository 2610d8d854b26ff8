"""The sign-in stand-in: tokens as PyJWT verifies them in production, keys, users, and the page."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from dev.standins.clerk.state import State, StateMissing
from dev.standins.clerk.tokens import mint
from tests.contracts.servers import start_stand_in

REQUIRED = ["exp", "iat", "nbf", "iss", "sub", "sid"]


@dataclass(frozen=True)
class Clerk:
    issuer: str
    state: Path

    def verify(self, token: str) -> dict[str, object]:
        """Verify as the api does, with keys fetched now."""
        key = jwt.PyJWKClient(f"{self.issuer}/.well-known/jwks.json", timeout=3).get_signing_key_from_jwt(token)
        return jwt.decode(token, key.key, algorithms=["RS256"], issuer=self.issuer, options={"require": REQUIRED})

    def sign_in(self, email: str, redirect_url: str = "") -> httpx.Response:
        return httpx.post(f"{self.issuer}/sign-in", data={"email": email, "redirect_url": redirect_url})


@pytest.fixture(scope="module")
def clerk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clerk]:
    state = tmp_path_factory.mktemp("clerk")
    running = start_stand_in("dev.standins.clerk", "--state", str(state))
    yield Clerk(running.address.removesuffix("/sign-in"), state)
    running.stop()


def test_a_minted_token_verifies_and_carries_version_2_claims(clerk: Clerk):
    claims = clerk.verify(mint(clerk.state, "alice@example.com", lifetime_seconds=600))
    assert {name: claims[name] for name in ("v", "sts", "iss", "email", "name", "metadata")} == {
        "v": 2,
        "sts": "active",
        "iss": clerk.issuer,
        "email": "alice@example.com",
        "name": "Alice",
        "metadata": {},
    }
    assert re.fullmatch(r"user_[A-Za-z0-9]{27}", str(claims["sub"]))
    assert re.fullmatch(r"sess_[A-Za-z0-9]{27}", str(claims["sid"]))
    assert (claims["fva"], "azp" in claims) == ([0, -1], False)
    assert abs(float(str(claims["exp"])) - time.time() - 600) < 5


def test_the_same_person_is_the_same_user(clerk: Clerk):
    first, second, other = (
        clerk.verify(mint(clerk.state, email))["sub"] for email in ("a@example.com", "A@Example.com", "b@example.com")
    )
    assert first == second != other


def test_a_token_has_exactly_the_role_asked_for(clerk: Clerk):
    roles = [clerk.verify(mint(clerk.state, "boss@example.com", admin=admin))["metadata"] for admin in (True, False)]
    assert roles == [{"role": "admin"}, {}]


def test_claims_can_be_replaced_and_left_out(clerk: Clerk):
    token = mint(
        clerk.state, "a@example.com", claims={"sid": None, "sts": "pending"}, authorized_party="http://a.example"
    )
    claims = jwt.decode(token, options={"verify_signature": False})
    assert ("sid" in claims, claims["sts"], claims["azp"]) == (False, "pending", "http://a.example")
    with pytest.raises(jwt.MissingRequiredClaimError):
        clerk.verify(token)


def test_after_a_rotation_old_tokens_verify_only_if_the_old_key_is_kept(clerk: Clerk):
    before = mint(clerk.state, "a@example.com")
    httpx.post(f"{clerk.issuer}/_rotate", json={"keep_old": True}).raise_for_status()
    between = mint(clerk.state, "a@example.com")
    assert clerk.verify(before)["sub"] == clerk.verify(between)["sub"]
    httpx.post(f"{clerk.issuer}/_rotate", json={"keep_old": False}).raise_for_status()
    clerk.verify(mint(clerk.state, "a@example.com"))
    for token in (before, between):
        with pytest.raises(jwt.PyJWKClientError):
            clerk.verify(token)


def test_the_published_keys_hold_nothing_private(clerk: Clerk):
    (key,) = httpx.get(f"{clerk.issuer}/.well-known/jwks.json").json()["keys"][:1]
    assert set(key) == {"kty", "key_ops", "n", "e", "kid", "use", "alg"}


def test_users_are_remembered_when_made_from_everywhere_at_once(clerk: Clerk):
    def sign_in(number: int) -> None:
        mint(clerk.state, f"{number % 5}@many.example")

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(sign_in, range(20)))
    many = sorted(user.email for user in State(clerk.state).users() if user.email.endswith("@many.example"))
    assert many == [f"{number}@many.example" for number in range(5)]


def test_the_page_shows_the_token_to_those_without_an_address(clerk: Clerk):
    assert '<form method="post" action="/sign-in">' in httpx.get(f"{clerk.issuer}/sign-in").text
    answer = clerk.sign_in("page@example.com")
    token = re.search(r"readonly>([^<]+)</textarea>", answer.text)
    assert token is not None
    assert clerk.verify(token[1])["email"] == "page@example.com"
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_sends_the_token_back_in_the_fragment(clerk: Clerk):
    answer = clerk.sign_in("page@example.com", "http://127.0.0.1:5173/editor?image=1")
    parts = urlsplit(answer.headers["location"])
    assert (answer.status_code, parts.netloc, parts.path, parts.query) == (303, "127.0.0.1:5173", "/editor", "image=1")
    claims = clerk.verify(parse_qs(parts.fragment)["__session"][0])
    assert (claims["email"], claims["azp"]) == ("page@example.com", "http://127.0.0.1:5173")


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "javascript:alert(1)", "//evil.example", "http://127.0.0.1@evil.example/"]
)
def test_no_token_leaves_for_a_foreign_address(clerk: Clerk, address: str):
    answer = clerk.sign_in("page@example.com", address)
    assert (answer.status_code, "location" in answer.headers, "eyJ" in answer.text) == (422, False, False)


def test_only_named_origins_receive_tokens_when_some_are_named(tmp_path: Path):
    running = start_stand_in("dev.standins.clerk", "--state", str(tmp_path), "--origin", "http://localhost:3000")
    clerk = Clerk(running.address.removesuffix("/sign-in"), tmp_path)
    statuses = [clerk.sign_in("a@example.com", f"http://localhost:{port}/").status_code for port in (3000, 3001)]
    running.stop()
    assert statuses == [303, 422]


@pytest.mark.parametrize("email", ["", "alice", "a@b@c", "<script>@x", "a b@c"])
def test_the_page_asks_again_for_what_is_no_address(clerk: Clerk, email: str):
    answer = clerk.sign_in(email)
    assert (answer.status_code, 'role="alert"' in answer.text, "<script>" in answer.text) == (422, True, False)


def test_the_backend_api_tells_about_a_user_to_the_secret_key_only(clerk: Clerk):
    user_id = str(clerk.verify(mint(clerk.state, "boss@example.com", admin=True))["sub"])
    key = {"Authorization": f"Bearer {State(clerk.state).secret_key()}"}
    user = httpx.get(f"{clerk.issuer}/v1/users/{user_id}", headers=key).json()
    assert (user["id"], user["public_metadata"]) == (user_id, {"role": "admin"})
    assert user["email_addresses"][0]["email_address"] == "boss@example.com"
    assert httpx.get(f"{clerk.issuer}/v1/users/user_none", headers=key).status_code == 404
    assert httpx.get(f"{clerk.issuer}/v1/users/{user_id}").status_code == 401


def test_without_an_issuer_there_is_a_sentence_instead_of_a_token(tmp_path: Path):
    with pytest.raises(StateMissing, match="start the sign-in stand-in once"):
        mint(tmp_path, "a@example.com")
    token = mint(tmp_path, "a@example.com", issuer="https://clerk.example")
    assert jwt.decode(token, options={"verify_signature": False})["iss"] == "https://clerk.example"
