"""What the sign-in provider tells about people, in any order."""

import itertools
import json
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.house import house_of
from dev.standins.clerk import tokens
from dev.standins.clerk.app import user_json
from dev.standins.clerk.state import State, User, new_id
from dev.standins.clerk.webhooks import deleted, sign
from shared.inbox import InboxProvider
from tests.conftest import CLERK_WEBHOOK_SECRET, ClerkStandIn, TestDatabase
from tests.integration.api.conftest import Person
from tests.integration.api.test_copied_reads import becomes, hears
from workers import payments as tasks
from workers.resources import Resources

KEY = b64decode(CLERK_WEBHOOK_SECRET.removeprefix("whsec_"))
NOW_MS = int(time.time() * 1000)


def person(email: str = "", name: str = "Alice Example") -> User:
    user_id = new_id("user")
    return User(user_id, email or f"{user_id.lower()}@example.com", name, NOW_MS)


def post(client: FlaskClient, event: object, *, event_id: str = "", at: int = 0, key: bytes = KEY) -> TestResponse:
    body = json.dumps(event).encode()
    headers = sign(key, event_id or new_id("msg"), at or int(time.time()), body)
    return client.post("/webhooks/clerk", data=body, headers=headers)


def told(kind: str, user: User, updated_at_ms: int = NOW_MS) -> dict[str, Any]:
    data = deleted(user) if kind == "user.deleted" else {**user_json(user), "updated_at": updated_at_ms}
    return {"type": kind, "object": "event", "data": data}


@pytest.fixture
def tell(client: FlaskClient, worker: Resources) -> Callable[..., None]:
    """Post an event, and let a worker work on it."""

    def tell(kind: str, user: User, updated_at_ms: int = NOW_MS) -> None:
        event_id = new_id("msg")
        assert 200 == post(client, told(kind, user, updated_at_ms), event_id=event_id).status_code
        tasks.handle(worker, InboxProvider.CLERK, event_id)

    return tell


@pytest.fixture
def row(database: TestDatabase) -> Callable[[User], tuple[str | None, str | None] | None]:
    """(email, name) of a person's account."""

    def look(user: User) -> tuple[str | None, str | None] | None:
        with psycopg.connect(database.owner_url) as db:
            return db.execute("SELECT email, name FROM users WHERE clerk_id = %s", [user.id]).fetchone()

    return look


def test_a_new_person_has_an_account_with_the_grant(
    tell: Callable[..., None], row: Callable[..., Any], database: TestDatabase
) -> None:
    user = person()
    tell("user.created", user)
    assert (user.email, "Alice Example") == row(user)
    with psycopg.connect(database.owner_url) as db:
        found = db.execute("SELECT credit_balance FROM users WHERE clerk_id = %s", [user.id]).fetchone()
    assert found is not None
    assert "1.0" == str(found[0])


def test_older_news_changes_nothing(tell: Callable[..., None], row: Callable[..., Any]) -> None:
    user = person(name="Newest Name")
    tell("user.updated", user, NOW_MS + 2_000)
    tell("user.updated", User(user.id, user.email, "Old Name", NOW_MS), NOW_MS + 1_000)
    tell("user.created", User(user.id, user.email, "First Name", NOW_MS), NOW_MS)
    assert (user.email, "Newest Name") == row(user)


def test_an_address_that_another_account_has_is_left_out(tell: Callable[..., None], row: Callable[..., Any]) -> None:
    first = person()
    tell("user.created", first)
    second = person()
    tell("user.created", second)
    tell("user.updated", User(second.id, first.email.upper(), "Second", NOW_MS), NOW_MS + 1_000)
    assert (second.email, "Second") == row(second)


@pytest.mark.parametrize("order", list(itertools.permutations(["user.created", "user.updated", "user.deleted"])))
def test_in_any_order_somebody_who_left_has_left(
    app: Flask, tell: Callable[..., None], row: Callable[..., Any], database: TestDatabase, order: tuple[str, ...]
) -> None:
    user = person()
    for kind in order:
        tell(kind, user)
        house_of(app).callers.clear()
    assert row(user) is None
    with psycopg.connect(database.owner_url) as db:
        left = db.execute("SELECT count(*) FROM users WHERE email = %s", [user.email]).fetchone()
    assert (0,) == left
    tell(order[0], user)
    assert row(user) is None


def test_somebody_who_left_keeps_no_key_and_no_session(
    app: Flask, client: FlaskClient, clerk: ClerkStandIn, tell: Callable[..., None], database: TestDatabase
) -> None:
    email = f"{new_id('leaver').lower()}@example.com"
    token = tokens.mint(clerk.state, email)
    headers = {"Authorization": f"Bearer {token}"}
    secret = client.post("/v1/me/api-keys", json={"name": "script"}, headers=headers).get_json()["secret"]
    assert hears(app)
    me = client.get("/v1/me", headers=headers).get_json()
    tell("user.deleted", State(clerk.state).user(email))
    assert becomes(401, Person(client, token), "/v1/credits")
    for credential, path in itertools.product((token, secret), ("/v1/me", "/v1/credits")):
        answer = client.get(path, headers={"Authorization": f"Bearer {credential}"})
        assert (401, "unauthenticated") == (answer.status_code, json.loads(answer.data)["slug"])
    with psycopg.connect(database.owner_url) as db:
        kept = db.execute(
            "SELECT clerk_id, email, name, purge_requested_at IS NOT NULL,"
            " (SELECT count(*) FROM transactions t WHERE t.user_id = u.user_id) FROM users u WHERE user_id = %s",
            [me["user_id"]],
        ).fetchone()
    assert (None, None, None, True, 1) == kept


def test_what_cannot_be_trusted_is_refused(client: FlaskClient) -> None:
    event = told("user.created", person())
    now = int(time.time())
    assert 400 == post(client, event, key=b"another key").status_code
    assert 400 == post(client, event, at=now - 3_600).status_code
    assert 400 == post(client, event, at=now + 3_600).status_code
    assert 400 == client.post("/webhooks/clerk", json=event).status_code
    assert 400 == post(client, ["no", "event"]).status_code


def test_what_the_house_does_not_act_on_is_thanked_for(client: FlaskClient) -> None:
    assert 200 == post(client, {"type": "session.created", "data": {"id": "sess_1"}}).status_code
    assert 200 == post(client, {"type": "user.deleted", "data": {"deleted": True, "object": "user"}}).status_code


def test_nothing_personal_of_an_event_is_readable_and_it_is_forgotten_once_handled(
    client: FlaskClient, worker: Resources, database: TestDatabase
) -> None:
    user, event_id = person(), new_id("msg")
    post(client, told("user.created", user), event_id=event_id)
    query = "SELECT row_to_json(i)::text, payload FROM inbox i WHERE event_id = %s"
    with psycopg.connect(database.owner_url) as db:
        kept = db.execute(query, [event_id]).fetchone()
        assert kept is not None
        assert ("Alice" in kept[0], user.email in kept[0], kept[1] is None) == (False, False, False)
        tasks.handle(worker, InboxProvider.CLERK, event_id)
        db.rollback()
        forgotten = db.execute(query, [event_id]).fetchone()
    assert forgotten is not None
    assert forgotten[1] is None
