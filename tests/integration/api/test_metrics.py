"""`/metrics`: what is read from Postgres and Redis, who may read it, and that no client can make it grow."""

import math
import re

import psycopg
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.app import create_app
from api.house import house_of
from shared.db import Database
from shared.figures import insert_figures, insert_sweep
from shared.settings import Settings
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person, png, shown

Labels = dict[str, str]


def value(client: FlaskClient, name: str, **labels: str) -> float:
    """One sample of /metrics; not a number where there is none."""
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return math.nan


def submit(person: Person) -> str:
    image = shown(person.upload(png()))["image_id"]
    return shown(person.post(f"/v1/images/{image}/previews", {}))["job_id"]


def test_what_waits_and_since_when_is_read_from_postgres(
    client: FlaskClient, alice: Person, database: TestDatabase
) -> None:
    before = value(client, "tovector_queue_depth", kind="preview")
    job_id = submit(alice)
    assert before + 1 == value(client, "tovector_queue_depth", kind="preview")
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE jobs SET run_at = run_at - interval '100 s' WHERE job_id = %s", [job_id])
    assert 100 <= value(client, "tovector_queue_oldest_seconds", kind="preview") < 160
    assert 0 == value(client, "tovector_queue_depth", kind="resize")
    alice.post(f"/v1/jobs/{job_id}/cancel")
    assert before == value(client, "tovector_queue_depth", kind="preview")


def test_leases_that_nobody_took_back_are_counted(client: FlaskClient, alice: Person, database: TestDatabase) -> None:
    job_id = submit(alice)
    running = "UPDATE jobs SET status = 'running', attempts = 1, lease_until = now() - interval '9 s' WHERE job_id = %s"
    with psycopg.connect(database.owner_url) as db:
        db.execute("DELETE FROM wakeups WHERE subject_id = %s", [job_id])
        db.execute(running, [job_id])
    assert 1 == value(client, "tovector_leases_expired", kind="preview")
    assert 1 == value(client, "tovector_jobs_running", kind="preview")
    alice.post(f"/v1/jobs/{job_id}/cancel")
    assert 0 == value(client, "tovector_leases_expired", kind="preview")


def test_credits_are_those_of_the_ledger(client: FlaskClient, alice: Person, database: TestDatabase) -> None:
    operator = Database(database.operator_url)

    def reserved() -> float:
        with operator.transaction() as db:
            insert_figures(db)
        return value(client, "tovector_credits_moved_total", entry="reserve")

    submit(alice)
    before = reserved()
    submit(alice)
    assert math.isclose(before + 0.2, reserved())
    operator.close()
    assert value(client, "tovector_credits_held", balance="reserved") > 0


def test_a_sweep_that_ended_well_is_seen_with_its_interval(client: FlaskClient, database: TestDatabase) -> None:
    operator = Database(database.operator_url)
    with operator.transaction() as db:
        insert_sweep(db, "expire_images", interval_seconds=60)
    operator.close()
    assert 0 <= value(client, "tovector_sweep_age_seconds", sweep="expire_images") < 5
    assert 60 == value(client, "tovector_sweep_interval_seconds", sweep="expire_images")


def test_a_customer_can_neither_see_the_rows_nor_write_the_figures(database: TestDatabase) -> None:
    with psycopg.connect(database.app_url) as db:
        row = db.execute("SELECT count(*) FROM jobs").fetchone()
        assert row == (0,)
    for statement in ("DELETE FROM figures", "INSERT INTO sweeps (name, interval_seconds) VALUES ('x', 1)"):
        with psycopg.connect(database.app_url) as db:
            try:
                db.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            raise AssertionError(statement)


def test_without_postgres_and_redis_what_is_read_is_left_out_and_the_rest_shown(settings: Settings) -> None:
    away = {
        "database_url": SecretStr("postgresql://tovector_api@127.0.0.1:9/none"),
        "database_timeout_seconds": 0.3,
        "redis_url": SecretStr("redis://127.0.0.1:9/0"),
    }
    app = create_app(settings.model_copy(update=away))
    text = app.test_client().get("/metrics").text
    house_of(app).close()
    assert "tovector_http_requests_total" in text
    assert not re.search("tovector_(queue_depth|broker_messages|sweep)", text)


def test_messages_in_redis_are_shown_by_queue(client: FlaskClient) -> None:
    assert value(client, "tovector_broker_messages", queue="vectorize") >= 0


def test_with_a_token_only_who_shows_it_sees_the_metrics(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"metrics_token": SecretStr("let-me-see")}))
    client = app.test_client()
    shown_by = {
        wish: client.get("/metrics", headers=headers).status_code
        for wish, headers in {
            "nothing": Labels(),
            "another": {"Authorization": "Bearer let-me"},
            "strange": {"Authorization": "Bearer \xff"},
            "right": {"Authorization": "Bearer let-me-see"},
        }.items()
    }
    house_of(app).close()
    assert {"nothing": 401, "another": 401, "strange": 401, "right": 200} == shown_by


def test_no_client_can_make_a_label(client: FlaskClient) -> None:
    client.open("/v1/me", method="BREW")
    client.get("/v1/nothing-of-ours/tell-me")
    text = client.get("/metrics").text
    assert 'method="other"' in text
    assert not re.search("BREW|nothing-of-ours", text)
