"""The API as its callers meet it: a client on real servers, people who can sign in, pictures to upload."""

import io
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from psycopg import sql
from werkzeug.test import TestResponse

from api.app import create_app
from api.house import house_of
from dev.standins.clerk import tokens
from shared.settings import Settings
from tests.conftest import ClerkStandIn, TestDatabase


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    limits = ("requests_per_minute", "uploads_per_minute", "guest_uploads_per_minute", "jobs_per_minute")
    plenty: dict[str, int] = dict.fromkeys(limits, 60_000)
    app = create_app(settings.model_copy(update=plenty))
    yield app
    house_of(app).close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a session token, and the client they use."""

    client: FlaskClient
    token: str

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: object | None = None, **more: Any) -> TestResponse:
        return self.ask("POST", path, json=body, **more)

    def upload(self, data: bytes, name: str = "logo.png") -> TestResponse:
        return self.ask("POST", "/v1/images", data={"file": (io.BytesIO(data), name)})


@pytest.fixture
def sign_in(client: FlaskClient, clerk: ClerkStandIn) -> Callable[..., Person]:
    """Signs a person in by address."""

    def sign_in(email: str | None = None, **claims: Any) -> Person:
        return Person(client, tokens.mint(clerk.state, email or f"{secrets.token_hex(6)}@example.com", **claims))

    return sign_in


@pytest.fixture
def alice(sign_in: Callable[..., Person]) -> Person:
    """Somebody with a new account."""
    return sign_in()


@pytest.fixture
def stranger(sign_in: Callable[..., Person]) -> Person:
    """Somebody else."""
    return sign_in()


@pytest.fixture
def count(database: TestDatabase) -> Callable[[str], int]:
    """Counts the rows of a table, everybody's."""

    def count(table: str) -> int:
        with psycopg.connect(database.owner_url) as db:
            row = db.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        return row[0]

    return count


def shown(answer: TestResponse) -> Any:
    """The JSON of an answer, whatever its media type."""
    return json.loads(answer.data)


def slug_of(answer: TestResponse) -> str:
    """The name of the problem that was answered; makes sure that it is a whole one."""
    assert answer.content_type == "application/problem+json", answer.text
    problem = shown(answer)
    assert {"type", "slug", "title", "status", "detail", "instance", "request_id"} <= problem.keys()
    assert problem["status"] == answer.status_code
    assert problem["type"].endswith(f"/docs/problems#{problem['slug']}")
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem["slug"]


def png(width: int = 32, height: int = 24, **more: Any) -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#2a6fdb").save(file, "PNG", **more)
    return file.getvalue()


@pytest.fixture
def silent_server() -> Iterator[Callable[[], int]]:
    """Servers that accept connections and never say anything: a process that hangs."""
    sockets: list[socket.socket] = []

    def start() -> int:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)
        return server.getsockname()[1]

    yield start
    for server in sockets:
        server.close()
