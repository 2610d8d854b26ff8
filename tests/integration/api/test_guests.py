"""Guests: they upload before they sign in, and what they uploaded is theirs afterwards."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import AnyHttpUrl
from werkzeug.test import TestResponse

from api.app import create_app
from api.auth import GUEST_COOKIE
from api.house import house_of
from shared.settings import Settings
from tests.conftest import Connection
from tests.integration.api.conftest import Person, png, shown, slug_of

NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def guest(client: FlaskClient) -> FlaskClient:
    """A browser that has become a guest."""
    assert 201 == client.post("/v1/guests").status_code
    return client


@pytest.fixture
def other_guest(app: Flask) -> FlaskClient:
    other = app.test_client()
    assert 201 == other.post("/v1/guests").status_code
    return other


def upload(client: FlaskClient, data: bytes | None = None) -> dict[str, Any]:
    answer = client.post("/v1/images", data={"file": (io.BytesIO(data or png()), "logo.png")})
    assert 201 == answer.status_code, answer.text
    return shown(answer)


def claim(person: Person, image: dict[str, Any]) -> TestResponse:
    return person.post(f"/v1/images/{image['image_id']}/claim")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.post("/v1/guests").headers["Set-Cookie"]
    assert all(word in cookie for word in (f"{GUEST_COOKIE}=", "HttpOnly", "SameSite=Strict", "Path=/v1"))
    assert "Secure" not in cookie


def test_the_cookie_needs_https_where_customers_come_by_https(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"public_url": AnyHttpUrl("https://api.example.com")}))
    assert "; Secure" in app.test_client().post("/v1/guests").headers["Set-Cookie"]
    house_of(app).close()


def test_a_guest_stays_the_same_guest(guest: FlaskClient) -> None:
    image = upload(guest)
    assert 201 == guest.post("/v1/guests").status_code
    assert 200 == guest.get(f"/v1/images/{image['image_id']}").status_code


def test_without_a_cookie_an_upload_needs_a_credential(client: FlaskClient) -> None:
    for secret in (None, "", "nonsense"):
        if secret is not None:
            client.set_cookie(GUEST_COOKIE, secret, path="/v1")
        answer = client.post("/v1/images", data={"file": (io.BytesIO(png()), "a.png")})
        assert (401, "unauthenticated") == (answer.status_code, slug_of(answer))


def test_a_guest_sees_and_deletes_their_own_images_alone(guest: FlaskClient, other_guest: FlaskClient) -> None:
    address = f"/v1/images/{upload(guest)['image_id']}"
    for path in ("", "/source/link", "/editor"):
        assert 200 == guest.get(address + path).status_code
    assert 302 == guest.get(f"{address}/source").status_code
    for path in ("", "/source", "/source/link"):
        assert 404 == other_guest.get(address + path).status_code
    assert shown(other_guest.get(f"{address}/editor"))["image"] is None
    assert 404 == other_guest.delete(address).status_code
    assert 204 == guest.delete(address).status_code
    assert 404 == guest.get(address).status_code


def test_a_guest_can_spend_nothing(guest: FlaskClient) -> None:
    address = f"/v1/images/{upload(guest)['image_id']}"
    editor = shown(guest.get(f"{address}/editor"))
    assert (False, None, "logo.png") == (editor["signed_in"], editor["available"], editor["image"]["file_name"])
    assert (None, True) == (editor["suggested"], editor["suggestion_pending"])
    assert [(False, "sign-in")] * 2 == [(one["allowed"], one["reason"]) for one in editor["actions"]]
    for path in (f"{address}/previews", f"{address}/vectorizations", "/v1/checkout-sessions", "/v1/me/api-keys"):
        assert 401 == guest.post(path, json={}).status_code
    for path in ("/v1/me", "/v1/credits", "/v1/images", "/v1/jobs"):
        assert 401 == guest.get(path).status_code


def test_after_signing_in_the_image_is_theirs_with_its_files(guest: FlaskClient, alice: Person, app: Flask) -> None:
    image = upload(guest)
    assert 200 == guest.get(f"/v1/images/{image['image_id']}").status_code
    claimed = claim(alice, image)
    assert (200, image) == (claimed.status_code, shown(claimed))
    assert [image["image_id"]] == [one["image_id"] for one in shown(alice.get("/v1/images"))["data"]]
    assert 404 == guest.get(f"/v1/images/{image['image_id']}").status_code
    me = shown(alice.get("/v1/me"))["user_id"]
    keys = [key for key in house_of(app).storage.list_keys() if image["image_id"] in key]
    assert [f"{me}/{image['image_id']}/source.png"] == keys
    assert 202 == alice.post(f"/v1/images/{image['image_id']}/previews").status_code
    assert 200 == claim(alice, image).status_code
    assert 204 == alice.ask("DELETE", f"/v1/images/{image['image_id']}").status_code
    assert [] == [key for key in house_of(app).storage.list_keys() if image["image_id"] in key]


def test_only_who_has_the_cookie_can_claim(
    guest: FlaskClient, app: Flask, sign_in: Callable[..., Person], alice: Person
) -> None:
    image = upload(guest)
    thief = Person(app.test_client(), sign_in().token)
    assert 404 == claim(thief, image).status_code
    assert 201 == thief.client.post("/v1/guests").status_code
    assert 404 == claim(thief, image).status_code
    assert 404 == claim(alice, {"image_id": NOWHERE}).status_code
    assert 200 == claim(alice, image).status_code
    stranger = Person(guest, sign_in().token)
    assert 404 == claim(stranger, image).status_code


def test_an_image_that_is_being_prepared_is_claimed_a_moment_later(guest: FlaskClient, alice: Person) -> None:
    image = upload(guest, png(2_400, 2_000))
    assert "processing" == image["status"]
    answer = claim(alice, image)
    assert (409, "image-not-ready") == (answer.status_code, slug_of(answer))
    assert "Retry-After" in answer.headers


def test_an_image_expires_when_it_would_have(guest: FlaskClient, alice: Person, db_owner: Connection) -> None:
    image = upload(guest)
    assert image["expires_at"] == shown(claim(alice, image))["expires_at"]
    late = upload(guest)
    db_owner.execute("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", [late["image_id"]])
    db_owner.commit()
    answer = claim(alice, late)
    assert (410, "image-expired") == (answer.status_code, slug_of(answer))


def test_a_claim_that_died_half_way_is_simply_made_again(guest: FlaskClient, alice: Person, app: Flask) -> None:
    image = upload(guest)
    me = shown(alice.get("/v1/me"))["user_id"]
    storage = house_of(app).storage
    (old,) = [key for key in storage.list_keys() if image["image_id"] in key]
    storage.copy(old, f"{me}/{image['image_id']}/source.png")
    assert 200 == claim(alice, image).status_code
    assert b"\x89PNG" == storage.get(f"{me}/{image['image_id']}/source.png")[:4]


def test_who_is_signed_in_is_no_guest(alice: Person) -> None:
    assert 422 == alice.post("/v1/guests").status_code
    before = len(shown(alice.get("/v1/images"))["data"])
    alice.client.post("/v1/guests")
    assert 201 == alice.upload(png()).status_code
    assert before + 1 == len(shown(alice.get("/v1/images"))["data"])


@pytest.fixture
def strict(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings.model_copy(update={"guest_uploads_per_minute": 3}))
    yield app
    house_of(app).close()


def test_guests_of_one_address_are_limited_together(strict: Flask) -> None:
    answers: list[int] = []
    somewhere = {"REMOTE_ADDR": "192.0.2.7"}
    for _ in range(2):
        client = strict.test_client()
        form = {"file": (io.BytesIO(png()), "a.png")}
        answers += [client.post("/v1/guests", environ_base=somewhere).status_code]
        answers += [client.post("/v1/images", data=form, environ_base=somewhere).status_code]
    assert [201, 201, 201, 429] == answers
