"""What every benchmark works with: a stack of its own, as `make up` starts it, and customers with credits."""

import contextlib
import os
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psutil
import psycopg

from dev.children import Children
from dev.customer import Customer
from dev.home import CHECKOUT
from dev.people import open_account, set_credits, sign_in
from dev.postgres import create_database, create_logins
from shared.db import Database
from shared.migrate import migrate
from shared.settings import Settings
from tests.acceptance.stacks import Stack
from tests.benchmarks.http import Line

# One customer asks for more here than the limits let one customer ask; nothing else differs from `make up`.
UNLIMITED = {
    "REQUESTS_PER_MINUTE": "10000000",
    "UPLOADS_PER_MINUTE": "10000000",
    "JOBS_PER_MINUTE": "10000000",
    "QUEUE_MAX_JOBS": "100000",
    "QUEUE_MAX_WAIT_SECONDS": "3600",
}
CREDITS = "100000"
PAIRS = 14
PAIRS_IN_A_HURRY = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in customer with credits enough for anything."""

    user_id: UUID
    token: str
    customer: Customer
    stack: Stack

    def line(self) -> Line:
        """A connection of theirs."""
        return Line(self.stack.url, self.token)

    def upload(self, name: str, data: bytes, folder: Path) -> str:
        """Upload a picture; returns its id once it is ready."""
        path = folder / name
        path.write_bytes(data)
        image = self.customer.upload(path)
        assert image["status"] == "ready", image
        return image["image_id"]


class Bench:
    """One run: what is started for one benchmark is used by the next, and ended with the run."""

    def __init__(self, *, quick: bool, torture_rounds: int) -> None:
        self.quick = quick
        self.torture_rounds = torture_rounds
        self.pairs = PAIRS_IN_A_HURRY if quick else PAIRS
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def folder(self) -> Path:
        """Where the run keeps everything; gone at its end."""
        return Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="tovector-bench-")))

    @cached_property
    def stack(self) -> Stack:
        """The house on this machine, with two worker places for each core where drawings are made.

        While one place claims, fetches, stores and settles, the other's drawing is traced.
        """
        return self.new_stack("house")

    def new_stack(self, name: str) -> Stack:
        """Another one."""
        procfile = self.folder / "Procfile"
        procfile.write_text(_for_all_cores((CHECKOUT / "Procfile").read_text("utf-8")))
        arguments = ("--procfile", str(procfile))
        stack = Stack(self.folder / name, *arguments, environment=UNLIMITED)
        self._open.callback(stack.stop)
        return stack.until_ready()

    @cached_property
    def children(self) -> Children:
        """Further servers of a benchmark's own."""
        return self._open.enter_context(Children(self.folder / "log"))

    @cached_property
    def person(self) -> Person:
        """A customer of the house."""
        return self.new_person(self.stack, "bench@example.com")

    def new_person(self, stack: Stack, who: str) -> Person:
        token = sign_in(stack.home, who, admin=False)
        user_id = open_account(stack.running, token, who)
        set_credits(stack.running, user_id, CREDITS)
        customer = Customer(stack.url, token)
        self._open.callback(customer.http.close)
        return Person(user_id, token, customer, stack)

    def database(self, name: str) -> "Scratch":
        """An empty, migrated database beside the house's, on the same server and disk."""
        url = self.stack.running.superuser_url
        create_database(url, name)
        superuser_url = _door(url, name)
        migrate(superuser_url)
        create_logins(superuser_url, None)
        told = self.stack.running.settings
        app_url, operator_url = (_door(told[door], name) for door in ("DATABASE_URL", "MAINTENANCE_DATABASE_URL"))
        database = Database(app_url)
        self._open.callback(database.close)
        owner = self._open.enter_context(psycopg.connect(superuser_url, autocommit=True))
        return Scratch(database, owner, app_url, operator_url, superuser_url)

    @contextmanager
    def nobody_vectorizes(self) -> Generator[None]:
        """Let jobs wait meanwhile, and be done with afterwards, so that nothing is measured but the front door."""
        worker = self.stack.find("worker-vectorize")
        assert worker is not None
        self.until_idle()  # a worker that is stopped while it settles would hold its customer's row
        worker.suspend()
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()
            self.until_idle()

    def until_idle(self, seconds: float = 120) -> None:
        """Wait until no job is open."""
        deadline = time.monotonic() + seconds
        with psycopg.connect(self.stack.running.superuser_url, autocommit=True) as db:
            while db.execute("SELECT 1 FROM jobs WHERE status IN ('queued', 'running') LIMIT 1").fetchone():
                if time.monotonic() > deadline:
                    raise TimeoutError("jobs are still open")
                time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A database as the house reaches it, and as its superuser does."""

    database: Database
    owner: psycopg.Connection
    app_url: str
    operator_url: str
    superuser_url: str

    def settings(self, told: Mapping[str, str]) -> Settings:
        """Those of a house that is told the same as the running one, but for its database."""
        own = {"database_url": self.app_url, "maintenance_database_url": self.operator_url}
        given = {name.lower(): value for name, value in told.items()} | own
        return Settings.model_validate({name: given[name] for name in given.keys() & Settings.model_fields.keys()})


def _for_all_cores(procfile: str) -> str:
    places = 2 * (os.cpu_count() or 2)
    return procfile.replace("worker -Q vectorize", f"worker --concurrency={places} -Q vectorize")


def _door(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
