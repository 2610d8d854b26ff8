"""How often one may ask, and what happens while Redis is away."""

import time
from collections.abc import Callable

import pytest
from flask import Flask
from prometheus_client import REGISTRY

from api.app import create_app
from api.house import house_of
from shared.settings import Settings
from tests.integration.api.conftest import Person, png, shown, slug_of


def app_with(settings: Settings, **changes: object) -> Flask:
    return create_app(settings.model_copy(update=changes))


def test_too_many_uploads_are_refused_with_the_time_to_wait(settings: Settings, alice: Person) -> None:
    app = app_with(settings, uploads_per_minute=3)
    person = Person(app.test_client(), alice.token)
    answers = [person.upload(png()) for _ in range(4)]
    house_of(app).close()
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert slug_of(answers[3]) == "rate-limited"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    assert answers[0].headers["RateLimit-Policy"] == '"uploads";q=3;w=60'
    assert answers[0].headers["RateLimit"] == '"uploads";r=2;t=20'
    assert answers[3].headers["RateLimit"].startswith('"uploads";r=0;t=')


def test_each_account_has_a_limit_of_its_own(settings: Settings, alice: Person, stranger: Person) -> None:
    app = app_with(settings, jobs_per_minute=1)
    client = app.test_client()
    images = [shown(person.upload(png()))["image_id"] for person in (alice, stranger)]
    statuses = [
        Person(client, person.token).post(f"/v1/images/{image_id}/previews").status_code
        for person, image_id in zip((alice, stranger), images, strict=True)
        for _ in range(2)
    ]
    house_of(app).close()
    assert statuses == [202, 429, 202, 429]


def test_who_guesses_credentials_is_limited_by_address(settings: Settings) -> None:
    app = app_with(settings, requests_per_minute=5)
    client = app.test_client()
    address = {"REMOTE_ADDR": "192.0.2.77"}
    guesses = [Person(client, f"tv_guess{n}").get("/v1/me", environ_base=address).status_code for n in range(8)]
    house_of(app).close()
    assert guesses == [401] * 5 + [429] * 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_not_limited(settings: Settings, path: str) -> None:
    app = app_with(settings, requests_per_minute=1)
    statuses = {app.test_client().get(path).status_code for _ in range(4)}
    house_of(app).close()
    assert statuses == {200}


def test_without_redis_everybody_is_let_through_and_a_metric_says_so(settings: Settings, alice: Person) -> None:
    app = app_with(settings, redis_url=type(settings.redis_url)("redis://127.0.0.1:9/0"), uploads_per_minute=1)
    before = REGISTRY.get_sample_value("tovector_limits_open_total") or 0
    person = Person(app.test_client(), alice.token)
    statuses = [person.upload(png()).status_code for _ in range(3)]
    assert statuses == [201, 201, 201]
    assert (REGISTRY.get_sample_value("tovector_limits_open_total") or 0) - before == 3
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, shown(ready)["status"], shown(ready)["redis"]) == (200, "degraded", "away")
    house_of(app).close()


def test_a_redis_that_hangs_costs_one_request_its_timeout_and_the_others_nothing(
    settings: Settings, alice: Person, silent_server: Callable[[], int]
) -> None:
    url = f"redis://127.0.0.1:{silent_server()}/0"
    app = app_with(settings, redis_url=type(settings.redis_url)(url))
    person = Person(app.test_client(), alice.token)
    image_id = shown(alice.upload(png()))["image_id"]
    seconds: list[float] = []
    for _ in range(4):
        started = time.perf_counter()
        assert person.post(f"/v1/images/{image_id}/previews").status_code == 202
        seconds.append(time.perf_counter() - started)
    house_of(app).close()
    assert seconds[0] < 0.9
    assert min(seconds[1:]) < 0.15


@pytest.mark.parametrize(
    ("proxies", "statuses"), [(0, [401, 429, 429]), (1, [401, 401, 429])], ids=["none in front", "one in front"]
)
def test_a_stranger_is_counted_by_the_address_that_our_proxy_saw(
    settings: Settings, proxies: int, statuses: list[int]
) -> None:
    app = app_with(settings, requests_per_minute=1, proxies_in_front=proxies)
    network = f"203.0.113.{proxies}"
    came_from = [f"made-up, {network}1", f"made-up, {network}2", f"again-made-up, {network}2"]
    answers = [
        Person(app.test_client(), f"tv_guess{proxies}{number}").get(
            "/v1/me", headers={"X-Forwarded-For": address}, environ_base={"REMOTE_ADDR": f"198.51.100.{proxies}"}
        )
        for number, address in enumerate(came_from)
    ]
    house_of(app).close()
    assert statuses == [answer.status_code for answer in answers]
