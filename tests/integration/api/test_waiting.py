"""`?wait=`: clients hear of a job's end at once, and hold nothing meanwhile."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
from flask import Flask
from werkzeug.test import Client, TestResponse

from api.app import create_app
from api.house import house_of
from api.polls import Polls
from shared.settings import Settings
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person, png, shown
from tests.integration.api.test_main_job import succeed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def submitted(person: Person) -> str:
    image_id = shown(person.upload(png()))["image_id"]
    return shown(person.post(f"/v1/images/{image_id}/previews"))["job_id"]


def asker(app: Flask, person: Person) -> Callable[[str], tuple[str, float]]:
    """Asks for a job from a thread of its own; answers its status and the seconds it took."""

    def ask(path: str) -> tuple[str, float]:
        started = time.perf_counter()
        answer = Person(app.test_client(), person.token).get(path)
        return shown(answer)["status"], time.perf_counter() - started

    return ask


def test_a_waiting_client_hears_of_the_end_at_once(app: Flask, alice: Person) -> None:
    job_id = submitted(alice)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(asker(app, alice), f"/v1/jobs/{job_id}?wait=20")
        time.sleep(0.7)
        assert not waiting.done()
        succeed(app, job_id, "png")
        status, seconds = waiting.result(timeout=10)
    assert status == "succeeded"
    assert seconds < 4


def test_a_cancel_wakes_who_waits(app: Flask, alice: Person) -> None:
    job_id = submitted(alice)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(asker(app, alice), f"/v1/jobs/{job_id}?wait=20")
        time.sleep(0.5)
        alice.post(f"/v1/jobs/{job_id}/cancel")
        status, seconds = waiting.result(timeout=10)
    assert status == "canceled"
    assert seconds < 4


def test_a_wait_ends_with_the_job_as_it_is(app: Flask, alice: Person) -> None:
    job_id = submitted(alice)
    status, seconds = asker(app, alice)(f"/v1/jobs/{job_id}?wait=0.4")
    assert status == "queued"
    assert 0.4 <= seconds < 3
    answer = alice.get(f"/v1/jobs/{job_id}?wait=0")
    assert answer.headers["Retry-After"] == "1"


def test_without_redis_a_waiting_client_hears_a_little_later(settings: Settings, alice: Person) -> None:
    app = create_app(settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:9/0")}))
    job_id = submitted(alice)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(asker(app, alice), f"/v1/jobs/{job_id}?wait=20")
        time.sleep(0.5)
        succeed(app, job_id, "png")
        status, seconds = waiting.result(timeout=10)
    house_of(app).close()
    assert status == "succeeded"
    assert seconds < 6


def test_many_who_wait_hold_no_database_connection(settings: Settings, alice: Person) -> None:
    app = create_app(settings.model_copy(update={"database_pool_size": 1}))
    job_id = submitted(alice)
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(asker(app, alice), f"/v1/jobs/{job_id}?wait=20") for _ in range(20)]
        time.sleep(1.0)
        started = time.perf_counter()
        assert Person(app.test_client(), alice.token).get("/v1/credits").status_code == 200
        assert time.perf_counter() - started < 2
        succeed(app, job_id, "png")
        assert {one.result(timeout=10)[0] for one in waiting} == {"succeeded"}
    house_of(app).close()


def test_who_waits_is_answered_when_the_process_stops(settings: Settings, alice: Person) -> None:
    app = create_app(settings)
    job_id = submitted(alice)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(asker(app, alice), f"/v1/jobs/{job_id}?wait=20")
        time.sleep(0.5)
        house_of(app).cache.release_waiters()
        status, seconds = waiting.result(timeout=10)
    house_of(app).close()
    assert status == "queued"
    assert seconds < 4


def test_a_read_that_changed_nothing_is_304(alice: Person) -> None:
    job_id = submitted(alice)
    first = alice.get(f"/v1/jobs/{job_id}")
    again = alice.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    alice.post(f"/v1/jobs/{job_id}/cancel")
    changed = alice.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_polls_for_an_ended_job_are_answered_just_the_same_from_memory(alice: Person) -> None:
    job_id = submitted(alice)
    alice.post(f"/v1/jobs/{job_id}/cancel")
    first = alice.get(f"/v1/jobs/{job_id}")
    answers = [alice.get(f"/v1/jobs/{job_id}", query_string=query) for query in ("", "wait=20") for _ in range(10)]
    volatile = {"X-Request-Id", "RateLimit"}

    def headers(answer: TestResponse) -> dict[str, str]:
        return {name: value for name, value in answer.headers.items() if name not in volatile}

    for answer in answers:
        assert (answer.status_code, answer.data, headers(answer)) == (200, first.data, headers(first))
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)
    unchanged = alice.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


def test_polls_for_an_open_job_need_the_app_only_when_it_has_changed(
    app: Flask, alice: Person, database: TestDatabase
) -> None:
    job_id = submitted(alice)
    passed: list[str] = []

    def note(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        passed.append(environ["PATH_INFO"])
        return wsgi_app(environ, start_response)

    def poll(query: str = "") -> TestResponse:
        return Client(Polls(note, house_of(app))).get(
            f"/v1/jobs/{job_id}", query_string=query, headers={"Authorization": f"Bearer {alice.token}"}
        )

    wsgi_app = app.wsgi_app
    volatile = {"X-Request-Id", "RateLimit"}
    first, *_ = [alice.get(f"/v1/jobs/{job_id}") for _ in range(8)]  # who asks often is counted in advance
    for answer in (poll(), poll()):
        assert (answer.status_code, answer.data) == (200, first.data)
        assert dict(first.headers).keys() == dict(answer.headers).keys()
        assert [] == [
            name for name in dict(first.headers).keys() - volatile if first.headers[name] != answer.headers[name]
        ]
    assert [] == passed
    claimed = "UPDATE jobs SET status = 'running', stage = 'trace', lease_until = house_now() WHERE job_id = %s"
    with psycopg.connect(database.owner_url) as db:
        db.execute(claimed, [job_id])
    assert ("running", 1) == (shown(poll())["status"], len(passed))
    assert ("running", 1) == (shown(poll())["status"], len(passed))
    poll("wait=1")
    assert 2 == len(passed)
    alice.post(f"/v1/jobs/{job_id}/cancel")
    assert "canceled" == shown(poll())["status"]


def test_memory_answers_nobody_else(app: Flask, alice: Person, stranger: Person) -> None:
    job_id = submitted(alice)
    alice.post(f"/v1/jobs/{job_id}/cancel")
    for _ in range(5):
        assert alice.get(f"/v1/jobs/{job_id}").status_code == 200
        assert stranger.get(f"/v1/jobs/{job_id}").status_code == 404
        assert app.test_client().get(f"/v1/jobs/{job_id}").status_code == 401
        assert alice.get(f"/v1/jobs/{job_id}?wait=x").status_code == 422
        assert alice.post(f"/v1/jobs/{job_id}").status_code == 405
