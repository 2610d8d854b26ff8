"""Who is let in: session tokens of the sign-in provider, and personal API keys."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient

from api.app import create_app
from api.house import house_of
from api.session import Keys
from dev.standins.clerk import tokens
from dev.standins.clerk.state import State
from shared.errors import SignInUnavailable, Unauthenticated
from shared.settings import Settings
from tests.conftest import ClerkStandIn
from tests.integration.api.conftest import Person, shown, slug_of


def test_without_a_token_there_is_a_401_that_says_how(client: FlaskClient) -> None:
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        answer = client.get("/v1/me", headers=headers)
        assert (answer.status_code, slug_of(answer)) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in shown(answer)["detail"]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"nbf": int(time.time()) + 86_400},
        {"nbf": None},
        {"iat": None},
        {"iss": "https://elsewhere.example.com"},
        {"iss": None},
        {"sub": None},
        {"sid": None},
        {"azp": "https://elsewhere.example.com"},
        {"sts": "pending"},
    ],
)
def test_a_token_that_is_not_for_us_is_refused(sign_in: Callable[..., Person], claims: dict[str, Any]) -> None:
    answer = sign_in(claims=claims).get("/v1/me")
    assert (answer.status_code, slug_of(answer)) == (401, "unauthenticated")


def test_a_token_just_past_its_time_is_forgiven_for_some_seconds(sign_in: Callable[..., Person]) -> None:
    person = sign_in(claims={"exp": int(time.time()) - 1})
    assert person.get("/v1/me").status_code == 200


def test_a_token_by_another_key_or_none_is_refused(client: FlaskClient, clerk: ClerkStandIn) -> None:
    token = tokens.mint(clerk.state, "mallory@example.com")
    claims = jwt.decode(token, options={"verify_signature": False})
    key_id = jwt.get_unverified_header(token)["kid"]
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = [
        jwt.encode(claims, other, algorithm="RS256", headers={"kid": key_id}),
        jwt.encode(claims, other, algorithm="RS256", headers={"kid": "another"}),
        jwt.encode(claims, other, algorithm="RS256"),
        jwt.encode(claims, other, algorithm="RS512", headers={"kid": key_id}),
        jwt.encode(claims, "", algorithm="none", headers={"kid": key_id}),
        jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": key_id}),
        token[:-10] + "AAAAAAAAAA",
        "no.token.atall",
        "é",
    ]
    for bad in forged:
        answer = client.get("/v1/me", headers={"Authorization": f"Bearer {bad}"})
        assert (answer.status_code, slug_of(answer)) == (401, "unauthenticated"), bad


def test_the_sites_that_may_sign_in_are_a_setting(settings: Settings, clerk: ClerkStandIn) -> None:
    app = create_app(settings.model_copy(update={"clerk_authorized_parties": ("https://app.example.com",)}))
    for party, status in (("https://app.example.com", 200), ("https://evil.example.com", 401), (None, 200)):
        token = tokens.mint(clerk.state, "carol@example.com", authorized_party=party)
        assert Person(app.test_client(), token).get("/v1/me").status_code == status
    house_of(app).close()


def test_the_first_sight_of_a_person_opens_one_account(sign_in: Callable[..., Person]) -> None:
    first, second = sign_in("dora@example.com"), sign_in("dora@example.com")
    me = shown(first.get("/v1/me"))
    assert shown(second.get("/v1/me")) == me
    assert (me["email"], me["is_admin"], me["available"]) == ("dora@example.com", False, "1.0")


def test_an_operator_is_known_by_the_role_in_the_token(sign_in: Callable[..., Person]) -> None:
    assert shown(sign_in("erin@example.com", admin=True).get("/v1/me"))["is_admin"]


def test_an_api_key_acts_for_its_owner_until_it_is_ended(alice: Person) -> None:
    made = alice.post("/v1/me/api-keys", {"name": "my shop"})
    key = shown(made)
    assert made.status_code == 201
    assert key["secret"].startswith("tv_")
    script = Person(alice.client, key["secret"])
    assert shown(script.get("/v1/me"))["user_id"] == shown(alice.get("/v1/me"))["user_id"]
    (listed,) = shown(alice.get("/v1/me/api-keys"))["data"]
    assert "secret" not in listed
    assert (listed["name"], listed["hint"]) == ("my shop", key["secret"][:8])
    assert alice.ask("DELETE", f"/v1/me/api-keys/{key['api_key_id']}").status_code == 204
    refused = script.get("/v1/me")
    assert (refused.status_code, slug_of(refused)) == (401, "unauthenticated")
    assert shown(alice.get("/v1/me/api-keys"))["data"] == []


def test_an_unknown_api_key_is_refused(client: FlaskClient) -> None:
    answer = Person(client, "tv_" + "x" * 43).get("/v1/me")
    assert (answer.status_code, slug_of(answer)) == (401, "unauthenticated")


def test_a_key_of_somebody_else_cannot_be_ended(alice: Person, stranger: Person) -> None:
    key = shown(alice.post("/v1/me/api-keys", {"name": "mine"}))
    for api_key_id in (key["api_key_id"], "nonsense"):
        assert stranger.ask("DELETE", f"/v1/me/api-keys/{api_key_id}").status_code == 404
    assert Person(alice.client, key["secret"]).get("/v1/me").status_code == 200


@pytest.mark.parametrize("name", ["", " ", "x" * 81, None, 5, "a\x00b"])
def test_a_key_needs_a_name(alice: Person, name: object) -> None:
    answer = alice.post("/v1/me/api-keys", {"name": name})
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")
    assert shown(answer)["errors"][0]["pointer"] == "/name"


class KeyServer:
    """Publishes keys, counts who asks, and can fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.failing = False
        self.document: object = {"keys": []}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(500 if outer.failing else 200)
                self.end_headers()
                self.wfile.write(json.dumps(outer.document).encode())

            def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/jwks"


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    server = KeyServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def published(tmp_path: Path) -> dict[str, Any]:
    return dict(tokens.published_keys(State(tmp_path).keys()))


def test_unknown_key_ids_cannot_flood_the_provider(key_server: KeyServer, published: dict[str, Any]) -> None:
    key_server.document = published
    keys = Keys(key_server.url)
    assert keys.find(published["keys"][0]["kid"]).key_id == published["keys"][0]["kid"]
    for number in range(50):
        with pytest.raises(Unauthenticated):
            keys.find(f"made-up-{number}")
    assert key_server.asked == 1


def test_known_keys_serve_through_an_outage(key_server: KeyServer, published: dict[str, Any]) -> None:
    key_server.document = published
    keys = Keys(key_server.url)
    key_id = published["keys"][0]["kid"]
    keys.find(key_id)
    key_server.failing = True
    with pytest.raises(Unauthenticated):
        keys.find("made-up")
    assert keys.find(key_id).key_id == key_id


def test_without_any_key_sign_in_is_unavailable_not_refused(key_server: KeyServer) -> None:
    key_server.failing = True
    keys = Keys(key_server.url)
    for _ in range(20):
        with pytest.raises(SignInUnavailable):
            keys.find("any")
    assert key_server.asked == 1


def test_the_caller_hears_that_sign_in_is_unavailable(settings: Settings, clerk: ClerkStandIn) -> None:
    nowhere = settings.model_copy(update={"clerk_jwks_url": "http://127.0.0.1:9/jwks"})
    app = create_app(nowhere)
    answer = Person(app.test_client(), tokens.mint(clerk.state, "fay@example.com")).get("/v1/me")
    house_of(app).close()
    assert (answer.status_code, slug_of(answer)) == (503, "sign-in-unavailable")
    assert answer.headers["Retry-After"] == "1"
