"""The caller's own account: its name, what they agreed to, and what the audit log says of it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.house import house_of
from dev.standins.clerk import tokens
from tests.conftest import ClerkStandIn, TestDatabase
from tests.integration.api.conftest import Person, shown, slug_of


@pytest.fixture
def entries(database: TestDatabase) -> Callable[[Person], list[tuple[str, str]]]:
    """(actor, action) of what the audit log says of a person's account, oldest first."""

    def look(person: Person) -> list[tuple[str, str]]:
        user_id = shown(person.get("/v1/me"))["user_id"]
        with psycopg.connect(database.owner_url) as db:
            return db.execute(
                "SELECT actor::text, action::text FROM audit_log WHERE user_id = %s ORDER BY audit_id", [user_id]
            ).fetchall()

    return look


def test_a_person_may_change_what_they_are_called(alice: Person) -> None:
    assert "Alice E." == shown(alice.ask("PATCH", "/v1/me", json={"name": "  Alice E. "}))["name"]
    assert "Alice E." == shown(alice.get("/v1/me"))["name"]
    assert shown(alice.ask("PATCH", "/v1/me", json={"name": None}))["name"] is None


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "a\x00b"}, {"name": 7}, {"email": "b@example.com"}, []])
def test_nothing_else_of_the_account_may_be_changed(alice: Person, body: object) -> None:
    assert "request-invalid" == slug_of(alice.ask("PATCH", "/v1/me", json=body))


def consent(purpose: str = "marketing", version: str = "2026-05", **more: Any) -> dict[str, Any]:
    return {"purpose": purpose, "version": version, "is_given": True, **more}


def given(person: Person, *consents: object) -> list[tuple[str, str, bool]]:
    answer = person.ask("PUT", "/v1/me/consents", json={"consents": consents})
    assert 200 == answer.status_code, answer.text
    return [(one["purpose"], one["version"], one["is_given"]) for one in shown(answer)["data"]]


def test_the_newest_decision_for_each_purpose_counts(alice: Person, stranger: Person) -> None:
    assert [] == shown(alice.get("/v1/me/consents"))["data"]
    assert [("marketing", "2026-05", True)] == given(alice, consent())
    assert [("terms", "7.1", True), ("marketing", "2026-05", True)] == given(alice, consent("terms", "7.1"))
    assert [("terms", "7.1", True), ("marketing", "2026-05", False)] == given(alice, consent(is_given=False))
    assert [] == shown(stranger.get("/v1/me/consents"))["data"]


def test_every_decision_is_kept_and_the_same_again_is_none(alice: Person, count: Callable[[str], int]) -> None:
    before = count("consents")
    no = consent(is_given=False)
    for decision in (consent(), consent(), no, no, no, consent(), consent(version="2026-06")):
        given(alice, decision)
    assert before + 4 == count("consents")


@pytest.mark.parametrize(
    "wrong",
    [[], [consent("cookies")], [consent(version="")], [consent(version="a b")], [consent(is_given="maybe")], [1], None,
     [consent()] * 5],
)  # fmt: skip
def test_a_consent_that_makes_no_sense_is_refused(alice: Person, wrong: object) -> None:
    assert "request-invalid" == slug_of(alice.ask("PUT", "/v1/me/consents", json={"consents": wrong}))


def test_a_session_is_noted_at_its_first_sight_alone(
    app: Flask, alice: Person, entries: Callable[[Person], list[tuple[str, str]]]
) -> None:
    for _ in range(3):
        assert [("customer", "sign_in")] == entries(alice)
        house_of(app).callers.clear()


def test_another_session_of_the_same_person_is_noted_too(
    client: FlaskClient, clerk: ClerkStandIn, entries: Callable[[Person], list[tuple[str, str]]]
) -> None:
    sessions = [Person(client, tokens.mint(clerk.state, "two@example.com", claims={"sid": sid})) for sid in ("a", "b")]
    assert 200 == sessions[0].get("/v1/me").status_code
    assert [("customer", "sign_in")] * 2 == entries(sessions[1])


def test_the_life_of_a_key_is_noted_and_its_use_once_an_hour(
    app: Flask, client: FlaskClient, alice: Person, entries: Callable[[Person], list[tuple[str, str]]],
    database: TestDatabase,
) -> None:  # fmt: skip
    key = shown(alice.post("/v1/me/api-keys", {"name": "script"}))
    script = Person(client, key["secret"])
    for _ in range(3):
        assert 200 == script.get("/v1/me").status_code
        house_of(app).callers.clear()
    with psycopg.connect(database.owner_url, autocommit=True) as db:
        db.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '1 hour'")
    assert 200 == script.get("/v1/me").status_code
    alice.ask("DELETE", f"/v1/me/api-keys/{key['api_key_id']}")
    actions = [action for _, action in entries(alice)]
    assert ["sign_in", "key_made", "key_use", "key_use", "key_ended"] == actions


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET action = 'export'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
@pytest.mark.parametrize("door", ["app_url", "operator_url"])
def test_nobody_can_change_the_audit_log(alice: Person, database: TestDatabase, door: str, statement: str) -> None:
    assert 200 == alice.get("/v1/me").status_code
    with psycopg.connect(getattr(database, door)) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute(statement.encode())


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET details = '{}'", "TRUNCATE audit_log"])
def test_not_even_the_owner_changes_the_audit_log(alice: Person, database: TestDatabase, statement: str) -> None:
    assert 200 == alice.get("/v1/me").status_code
    with psycopg.connect(database.owner_url) as db, pytest.raises(psycopg.errors.RestrictViolation):
        db.execute(statement.encode())
