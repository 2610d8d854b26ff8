"""What every answer carries: an id, safe headers, CORS for our own front ends; and what probes are told."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api.app import create_app
from api.house import house_of
from shared.db import Database
from shared.invariants import insert_checks
from shared.settings import Settings
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person, png, shown, slug_of

FRONT_END = "https://app.example.com"


def test_every_answer_carries_an_id_and_safe_headers(client: FlaskClient, alice: Person) -> None:
    for answer in (client.get("/healthz"), alice.get("/v1/me"), alice.get("/nowhere"), client.get("/v1/me")):
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in answer.headers


def test_a_sane_request_id_is_kept_and_another_replaced(client: FlaskClient) -> None:
    for given, kept in (("abc-123.DEF_456", True), ("short", False), ("x" * 81, False), ("a b c d e f g h", False)):
        answer = client.get("/healthz", headers={"X-Request-Id": given})
        assert (answer.headers["X-Request-Id"] == given) is kept


def test_an_unknown_address_is_a_problem(client: FlaskClient) -> None:
    for path in ("/nothing", "/v1", "/v1/nothing", "/v1/images/x/y/z", "//v1/me"):
        answer = client.get(path)
        assert (answer.status_code, slug_of(answer)) == (404, "not-found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/v1/images")
    assert (answer.status_code, slug_of(answer)) == (405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_a_surprise_inside_is_a_problem_that_says_nothing_of_it(settings: Settings) -> None:
    app = create_app(settings)

    def crash() -> str:
        raise RuntimeError("secret of the house")

    app.add_url_rule("/crash", view_func=crash)
    answer = app.test_client().get("/crash")
    house_of(app).close()
    assert (answer.status_code, slug_of(answer)) == (500, "internal-error")
    assert "secret" not in answer.text
    assert "request_id" in shown(answer)["detail"]


@pytest.fixture
def front_end_client(settings: Settings) -> FlaskClient:
    return create_app(settings.model_copy(update={"cors_origins": (FRONT_END,)})).test_client()


def test_our_front_ends_may_call_from_a_browser(front_end_client: FlaskClient) -> None:
    preflight = front_end_client.options(
        "/v1/images", headers={"Origin": FRONT_END, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == FRONT_END
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
    refused = front_end_client.get("/v1/me", headers={"Origin": FRONT_END})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == FRONT_END
    assert "X-Request-Id" in refused.headers["Access-Control-Expose-Headers"]
    assert refused.headers["Vary"] == "Origin"


def test_other_sites_may_not(front_end_client: FlaskClient, client: FlaskClient) -> None:
    for browser in (front_end_client, client):
        for origin in ("https://evil.example.com", "null", FRONT_END + ".evil.example.com"):
            answer = browser.options("/v1/me", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_behind_https_browsers_are_told_to_stay_there(settings: Settings) -> None:
    secure = Settings.model_validate({**settings.model_dump(), "public_url": "https://api.example.com"})
    app = create_app(secure)
    answer = app.test_client().get("/nowhere")
    house_of(app).close()
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert shown(answer)["type"] == "https://api.example.com/docs/problems#not-found"


def test_the_probes_answer(client: FlaskClient) -> None:
    assert shown(client.get("/healthz")) == {"status": "ok"}
    assert shown(client.get("/readyz")) == {"status": "ready", "postgres": "ok", "redis": "ok", "storage": "ok"}


def without_postgres(settings: Settings) -> Flask:
    nowhere = type(settings.database_url)("postgresql://tovector_api@127.0.0.1:9/none")
    return create_app(settings.model_copy(update={"database_url": nowhere, "database_timeout_seconds": 0.3}))


def test_without_postgres_it_lives_but_is_not_ready(settings: Settings, alice: Person) -> None:
    app = without_postgres(settings)
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, shown(ready)["status"], shown(ready)["postgres"]) == (503, "unavailable", "away")
    answer = Person(client, alice.token).get("/v1/credits")
    house_of(app).close()
    assert (answer.status_code, slug_of(answer)) == (503, "database-unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_without_storage_it_is_degraded_and_uploads_wait(settings: Settings, alice: Person) -> None:
    nowhere = Settings.model_validate({**settings.model_dump(), "supabase_url": "http://127.0.0.1:9"})
    app = create_app(nowhere)
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, shown(ready)["status"], shown(ready)["storage"]) == (200, "degraded", "away")
    house_of(app).close()


def test_requests_are_counted_by_route_and_status(client: FlaskClient, alice: Person) -> None:
    def counted() -> float:
        labels = {"route": "get_me", "method": "GET", "status": "200"}
        return REGISTRY.get_sample_value("tovector_http_requests_total", labels) or 0

    before = counted()
    alice.get("/v1/me")
    assert counted() == before + 1
    assert "tovector_http_requests_total" in client.get("/metrics").text


def test_broken_invariants_are_metrics(client: FlaskClient, database: TestDatabase) -> None:
    operator = Database(database.operator_url)
    with operator.transaction() as db:
        insert_checks(db, {"no_balance_is_negative": 0, "every_queued_job_has_a_wakeup": 2})
    operator.close()
    lines = client.get("/metrics").text.splitlines()
    assert 'tovector_invariant_violations{invariant="every_queued_job_has_a_wakeup"} 2.0' in lines
    assert 'tovector_invariant_violations{invariant="no_balance_is_negative"} 0.0' in lines
    assert any(line.startswith("tovector_invariants_age_seconds ") for line in lines)


def test_the_log_leads_from_a_request_to_its_job(alice: Person) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    with capture_logs([merge_contextvars]) as said:
        made = alice.post(f"/v1/images/{image_id}/previews", {}, headers={"X-Request-Id": "from-the-client"})
        alice.get("/v1/me", headers={"X-Request-Id": "and-another"})
    about = [(line["request_id"], line.get("job_id")) for line in said if line["event"] == "request_answered"]
    assert [("from-the-client", shown(made)["job_id"]), ("and-another", None)] == about
