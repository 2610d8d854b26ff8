"""Results at addresses that pages embed and caches keep: they show one file to whoever has them, for a while."""

import hashlib
import string
import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from api.app import create_app
from api.grants import Grant, Grants, end_of
from api.house import house_of
from api.result_files import FRESH_SECONDS
from shared.settings import Settings
from shared.vault import new_key
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person, shown, slug_of
from tests.integration.api.test_formats import vectorized
from tests.integration.api.test_main_job import new_image

SVG = b"<svg/>"  # what `succeed` stores
_URL_SAFE = string.ascii_letters + string.digits + "-_"
DIGEST = hashlib.sha256(SVG).hexdigest()


def address(person: Person, job_id: str, form: str = "svg") -> str:
    """The path of the address to embed."""
    answer = person.get(f"/v1/jobs/{job_id}/result/link?purpose=embed&format={form}")
    assert 200 == answer.status_code, answer.text
    url: str = shown(answer)["url"]
    assert url.startswith("http://127.0.0.1:8000/v1/results/")
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def job_id(app: Flask, alice: Person) -> str:
    return vectorized(app, alice)


@pytest.fixture
def anybody(app: Flask) -> FlaskClient:
    """Somebody without an account, or a cache."""
    return app.test_client()


def test_whoever_has_the_address_gets_the_bytes_that_it_names(alice: Person, job_id: str, anybody: FlaskClient) -> None:
    path = address(alice, job_id)
    answer = anybody.get(path)
    assert (200, SVG, f'"{DIGEST}"') == (answer.status_code, answer.data, answer.headers["ETag"])
    assert path.startswith(f"/v1/results/{DIGEST}/")
    assert f"public, max-age={FRESH_SECONDS}, immutable" == answer.headers["Cache-Control"]
    assert ("image/svg+xml", "attachment; filename=logo.svg") == (
        answer.content_type, answer.headers["Content-Disposition"]
    )  # fmt: skip
    assert "sandbox; default-src 'none'" == answer.headers["Content-Security-Policy"]
    assert ("nosniff", "cross-origin") == (
        answer.headers["X-Content-Type-Options"], answer.headers["Cross-Origin-Resource-Policy"]
    )  # fmt: skip
    assert {"RateLimit", "RateLimit-Policy", "Set-Cookie", "Vary"}.isdisjoint(answer.headers.keys())


def test_there_is_one_answer_for_the_pages_of_all_sites(settings: Settings, alice: Person, job_id: str) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": ("https://www.example.com",)}))
    for origin in ({}, {"Origin": "https://www.example.com"}, {"Origin": "https://shop.example.org"}):
        answer = app.test_client().get(address(alice, job_id), headers=origin)
        assert (200, "*", None) == (
            answer.status_code, answer.headers["Access-Control-Allow-Origin"], answer.headers.get("Vary")
        )  # fmt: skip
    house_of(app).close()


def test_who_has_it_already_is_told_so(alice: Person, job_id: str, anybody: FlaskClient) -> None:
    path = address(alice, job_id)
    for known in (f'"{DIGEST}"', f'W/"{DIGEST}"'):
        answer = anybody.get(path, headers={"If-None-Match": known})
        assert (304, b"") == (answer.status_code, answer.data)
        assert "immutable" in answer.headers["Cache-Control"]
    assert 200 == anybody.get(path, headers={"If-None-Match": '"another"'}).status_code
    head = anybody.head(path)
    assert (200, b"", "6") == (head.status_code, head.data, head.headers["Content-Length"])


def test_the_address_stays_the_same_for_a_while_and_is_a_download_each_time_it_is_asked_for(
    alice: Person, job_id: str, anybody: FlaskClient, count: Callable[[str], int]
) -> None:
    before = count("analytics")
    paths = {address(alice, job_id) for _ in range(3)}
    assert (1, before + 3) == (len(paths), count("analytics"))
    assert 200 == anybody.get(paths.pop()).status_code
    assert before + 3 == count("analytics")


def test_an_address_ends_with_its_period_and_never_after_its_image() -> None:
    now, day = 1_000_000_000.0, 86_400
    ends = [end_of(now + seconds, 3_600, now + day) for seconds in range(0, 7_200, 600)]
    assert 3 == len(set(ends))
    assert all(3_600 < end - (now + 600 * step) <= 7_200 for step, end in enumerate(ends))
    assert now + 100 == end_of(now, 3_600, now + 100.9)


def test_no_part_of_an_address_can_be_changed(
    app: Flask, alice: Person, stranger: Person, job_id: str, anybody: FlaskClient
) -> None:
    path, other = address(alice, job_id), address(stranger, vectorized(app, stranger))
    _, _, _, digest, last = path.split("/")
    grant = last.removesuffix(".svg")
    swapped = "A" if grant[5] != "A" else "B"
    for changed in (
        f"/v1/results/{digest}/{grant[:5]}{swapped}{grant[6:]}.svg",
        f"/v1/results/{digest}/{grant}.png",
        f"/v1/results/{digest}/{grant}.gif",
        f"/v1/results/{digest}/{grant}",
        f"/v1/results/{digest}/{grant[:-1]}.svg",
        f"/v1/results/{digest}/{'A' * 71}.svg",
        f"/v1/results/{digest}/{'-' * 72}.svg",
        f"/v1/results/{digest[:-1]}{'0' if digest[-1] != '0' else '1'}/{grant}.svg",
        f"/v1/results/{digest.upper()}/{grant}.svg",
        f"/v1/results/{'0' * 64}/{other.rpartition('/')[2]}",
        # Two of the last letter's six bits say nothing, and a decoder would not mind them.
        *(f"/v1/results/{digest}/{grant[:-1]}{other}.svg" for other in _URL_SAFE if other != grant[-1]),
        f"/v1/results/{digest}/{grant[:-1]}%C3%A9.svg",
    ):
        assert 404 == anybody.get(changed).status_code, changed


def gone(answer: TestResponse) -> bool:
    return (answer.status_code, slug_of(answer)) == (410, "result-expired") and "no-store" == answer.headers[
        "Cache-Control"
    ]


def test_an_address_whose_time_is_over_shows_nothing(
    app: Flask, alice: Person, job_id: str, anybody: FlaskClient
) -> None:
    house, user_id = house_of(app), UUID(shown(alice.get("/v1/me"))["user_id"])
    for seconds, status in ((2, 200), (0, 410), (-86_400, 410)):
        ends = int(time.time()) + seconds
        grant = house.grants.seal(Grant(user_id, UUID(job_id), ends), DIGEST, "svg")
        answer = anybody.get(f"/v1/results/{DIGEST}/{grant}.svg")
        assert status == answer.status_code
        kept = answer.headers["Cache-Control"]
        assert (
            gone(answer) if status == 410 else kept in ("public, max-age=1, immutable", "public, max-age=2, immutable")
        )


def test_a_deleted_or_expired_result_is_gone_from_its_address(
    app: Flask, sign_in: Callable[..., Person], anybody: FlaskClient, database: TestDatabase
) -> None:
    deleted, expired, left = sign_in(), sign_in(), sign_in()
    paths = [address(person, vectorized(app, person)) for person in (deleted, expired, left)]
    assert [200] * 3 == [anybody.get(path).status_code for path in paths]
    image_id = shown(deleted.get("/v1/images"))["data"][0]["image_id"]
    assert 204 == deleted.ask("DELETE", f"/v1/images/{image_id}").status_code
    with psycopg.connect(database.owner_url) as db:
        db.execute(
            "UPDATE images SET status = 'expired' WHERE image_id = %s",
            [shown(expired.get("/v1/images"))["data"][0]["image_id"]],
        )
    for path in paths[:2]:
        assert gone(anybody.get(path))
        assert gone(anybody.get(path, headers={"If-None-Match": f'"{DIGEST}"'}))
    assert 200 == anybody.get(paths[2]).status_code


def test_an_object_that_is_gone_or_not_what_was_kept_is_never_shown(
    app: Flask, alice: Person, job_id: str, anybody: FlaskClient
) -> None:
    path = address(alice, job_id)
    house = house_of(app)
    (key,) = [key for key in house.storage.list_keys() if job_id in key]
    house.storage.remove([key])
    house.storage.put(key, b"<SVG/>", "image/svg+xml")
    answer = anybody.get(path)
    assert (503, "storage-unavailable") == (answer.status_code, slug_of(answer))
    house.storage.remove([key])
    assert gone(anybody.get(path))


def test_strangers_get_no_address(job_id: str, stranger: Person, anybody: FlaskClient) -> None:
    path = f"/v1/jobs/{job_id}/result/link?purpose=embed"
    assert [404, 401] == [stranger.get(path).status_code, anybody.get(path).status_code]


def test_a_job_that_is_not_finished_has_no_address(alice: Person) -> None:
    job_id = shown(alice.post(f"/v1/images/{new_image(alice)}/vectorizations"))["job_id"]
    answer = alice.get(f"/v1/jobs/{job_id}/result/link?purpose=embed")
    assert (409, "job-not-finished") == (answer.status_code, slug_of(answer))


def test_an_address_outlives_a_change_of_keys_as_long_as_the_old_one_is_there(
    settings: Settings, alice: Person, job_id: str
) -> None:
    path, old = address(alice, job_id), settings.encryption_keys.get_secret_value()
    for keys, status in ((f"{new_key()},{old}", 200), (new_key(), 404)):
        app = create_app(settings.model_copy(update={"encryption_keys": SecretStr(keys)}))
        assert status == app.test_client().get(path).status_code
        house_of(app).close()


def test_so_many_files_and_no_more_are_fetched_at_once(
    app: Flask, alice: Person, job_id: str, anybody: FlaskClient
) -> None:
    path, slots = address(alice, job_id), house_of(app).result_slots
    held = 0
    while slots.acquire(blocking=False):
        held += 1
    answer = anybody.get(path)
    for _ in range(held):
        slots.release()
    assert (503, "overloaded", "1") == (answer.status_code, slug_of(answer), answer.headers["Retry-After"])
    assert 200 == anybody.get(path).status_code


def test_a_grant_says_nothing_to_who_reads_it() -> None:
    grants, grant = Grants([b"k" * 64]), Grant(UUID(int=1), UUID(int=2), 2_000_000_000)
    text = grants.seal(grant, DIGEST, "svg")
    assert (71, grant, text) == (len(text), grants.open(text, DIGEST, "svg"), grants.seal(grant, DIGEST, "svg"))
