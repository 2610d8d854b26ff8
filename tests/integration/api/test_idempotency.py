"""`Idempotency-Key`: what is sent twice is made once. And overload is refused before anything is reserved."""

import io
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api.app import create_app
from api.house import house_of
from shared.settings import Settings
from tests.integration.api.conftest import Person, png, shown, slug_of


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def same(first: TestResponse, second: TestResponse) -> bool:
    """The same answer but for its being repeated."""
    kept = ("Location", "Content-Type", "Retry-After")
    return (first.status_code, first.data, [first.headers.get(name) for name in kept]) == (
        second.status_code,
        second.data,
        [second.headers.get(name) for name in kept],
    )


def test_a_repeated_submit_is_answered_again_and_charged_once(
    alice: Person, key: dict[str, str], count: Callable[[str], int]
) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    path, body = f"/v1/images/{image_id}/vectorizations", {"options": {"colors": 4}}
    first = alice.post(path, body, headers=key)
    jobs = count("jobs")
    again = [alice.post(path, body, headers=key) for _ in range(3)]
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (202, False)
    assert all(same(first, answer) for answer in again)
    assert {answer.headers["Idempotency-Replayed"] for answer in again} == {"true"}
    assert count("jobs") == jobs
    assert shown(alice.get("/v1/credits"))["reserved"] == "1.0"


def test_a_repeated_upload_is_one_image(app: Flask, alice: Person, key: dict[str, str]) -> None:
    def upload(data: bytes) -> TestResponse:
        form = {"file": (io.BytesIO(data), "logo.png")}
        return alice.ask("POST", "/v1/images", data=form, headers=key)

    first, second = upload(png()), upload(png())
    assert (first.status_code, second.headers["Idempotency-Replayed"]) == (201, "true")
    assert same(first, second)
    assert len(shown(alice.get("/v1/images"))["data"]) == 1
    assert len(house_of(app).storage.list_keys(f"{shown(alice.get('/v1/me'))['user_id']}/")) == 1
    other = upload(png(33, 24))
    assert (other.status_code, slug_of(other)) == (422, "idempotency-key-reused")


def test_a_repeated_api_key_does_not_show_its_secret_again(alice: Person, key: dict[str, str]) -> None:
    first = shown(alice.post("/v1/me/api-keys", {"name": "shop"}, headers=key))
    second = shown(alice.post("/v1/me/api-keys", {"name": "shop"}, headers=key))
    assert (second["api_key_id"], second["secret"]) == (first["api_key_id"], None)


def test_a_key_is_for_one_request_and_one_account(alice: Person, stranger: Person, key: dict[str, str]) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    assert alice.post(f"/v1/images/{image_id}/previews", {}, headers=key).status_code == 202
    for path, body in (
        (f"/v1/images/{image_id}/previews", {"options": {"colors": 3}}),
        (f"/v1/images/{image_id}/vectorizations", {}),
    ):
        answer = alice.post(path, body, headers=key)
        assert (answer.status_code, slug_of(answer)) == (422, "idempotency-key-reused")
    theirs = shown(stranger.upload(png()))["image_id"]
    answer = stranger.post(f"/v1/images/{theirs}/previews", {}, headers=key)
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (202, False)


def test_a_refused_request_leaves_its_key_free(alice: Person, key: dict[str, str]) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    path = f"/v1/images/{image_id}/vectorizations"
    assert alice.post(path, {"options": {"colors": 99}}, headers=key).status_code == 422
    blocking = shown(alice.post(path))["job_id"]
    assert alice.post(path, headers=key).status_code == 402
    alice.post(f"/v1/jobs/{blocking}/cancel")
    assert alice.post(path, headers=key).status_code == 202


@pytest.mark.parametrize("bad", ["x" * 256, " ", "a\tb", "é"])
def test_a_key_must_be_printable(alice: Person, bad: str) -> None:
    answer = alice.post("/v1/me/api-keys", {"name": "shop"}, headers={"Idempotency-Key": bad})
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")


@pytest.mark.parametrize("arrived", [b"", b"  ", b"{}"])
def test_a_request_that_was_cut_off_asks_for_nothing(alice: Person, key: dict[str, str], arrived: bytes) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    path, body = f"/v1/images/{image_id}/vectorizations", {"formats": ["svg"]}
    # As gunicorn gives it: what has come of the body, and that nothing more will.
    server = {"wsgi.input": io.BytesIO(arrived), "wsgi.input_terminated": True, "CONTENT_LENGTH": "19"}
    cut_off = alice.ask("POST", path, headers=key | {"Content-Type": "application/json"}, environ_overrides=server)
    assert (cut_off.status_code, slug_of(cut_off)) == (422, "request-invalid")
    assert "cut off" in shown(cut_off)["detail"]
    assert shown(alice.get("/v1/credits"))["reserved"] == "0.0"
    assert alice.post(path, body, headers=key).status_code == 202


class Broken(io.RawIOBase):
    """A connection that is reset while its body is read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise ConnectionResetError


@pytest.mark.parametrize("path", ["/v1/images", "/v1/me/api-keys"])
def test_a_connection_that_breaks_in_the_middle_of_a_body_is_no_fault_of_ours(alice: Person, path: str) -> None:
    server = {"wsgi.input": Broken(), "wsgi.input_terminated": True, "CONTENT_LENGTH": "100"}
    kind = "multipart/form-data; boundary=x" if path == "/v1/images" else "application/json"
    answer = alice.ask("POST", path, headers={"Content-Type": kind}, environ_overrides=server)
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")


def test_many_at_once_with_one_key_make_one_job(
    app: Flask, alice: Person, key: dict[str, str], count: Callable[[str], int]
) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    before = count("jobs")

    def submit(_: int) -> TestResponse:
        return Person(app.test_client(), alice.token).post(f"/v1/images/{image_id}/previews", {}, headers=key)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(submit, range(200)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert len({shown(answer)["job_id"] for answer in accepted}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in accepted].count(None) == 1
    assert {slug_of(answer) for answer in answers if answer.status_code == 409} <= {"idempotency-key-in-flight"}
    assert count("jobs") == before + 1
    assert shown(alice.get("/v1/credits"))["reserved"] == "0.2"


def test_overload_is_refused_before_anything_is_reserved(
    settings: Settings, alice: Person, key: dict[str, str], count: Callable[[str], int]
) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    path = f"/v1/images/{image_id}/previews"
    waiting = alice.post(path, headers=key)
    before = [count(table) for table in ("jobs", "transactions", "wakeups")]
    app = create_app(settings.model_copy(update={"queue_max_jobs": 1}))
    person = Person(app.test_client(), alice.token)
    refused = person.post(path)
    assert (refused.status_code, slug_of(refused), refused.headers["Retry-After"]) == (503, "overloaded", "5")
    assert [count(table) for table in ("jobs", "transactions", "wakeups")] == before
    assert same(waiting, person.post(path, headers=key))
    house_of(app).close()
