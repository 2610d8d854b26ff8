"""The parts a handler works with, made once a process and handed to every handler."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import cast
from uuid import UUID

from flask import Flask, current_app

from api.grants import Grants
from api.limits import Limits
from api.recent import Recent
from api.session import Caller, Sessions
from shared.cache import Cache
from shared.copies import Copies
from shared.db import Database
from shared.jobs import JobKind, State
from shared.payments import Payments
from shared.queue import Publisher
from shared.settings import Settings
from shared.storage import Storage
from shared.vault import Vault
from shared.vies import Vies

_NAME = "tovector"


@dataclass(frozen=True, slots=True)
class ToldJob:
    """The last answer about a job, for its owner; `state` is what it says of a job that has not ended."""

    job_id: UUID
    user_id: UUID
    state: State | None
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class House:
    """Where the customers' things are, and the settings of this installation.

    What is remembered for a while: `callers`, whom an Authorization header proves; `expiries`, when images expire;
    `told`, the last answers about jobs, by the job's id; `lines`, how long the queues are.
    `upload_slots` bounds how many uploads are in memory at once, `result_slots` how many results, however many arrive.
    `grants` are the keys of addresses that show one result.
    """

    settings: Settings
    database: Database
    storage: Storage
    cache: Cache
    copies: Copies
    publisher: Publisher
    payments: Payments
    vies: Vies
    vault: Vault
    grants: Grants
    sessions: Sessions
    callers: Recent[str, Caller]
    limits: Limits
    expiries: Recent[UUID, datetime]
    told: Recent[str, ToldJob]
    lines: Recent[JobKind, tuple[int, float]]
    upload_slots: BoundedSemaphore
    result_slots: BoundedSemaphore
    openapi: Callable[[], str]

    def close(self) -> None:
        """Give every connection back."""
        self.publisher.close()
        self.cache.close()
        self.storage.close()
        self.database.close()


def move_in(app: Flask, house: House) -> None:
    """Make these the parts of the app."""
    app.extensions[_NAME] = house


def house_of(app: Flask) -> House:
    """The parts of an app."""
    return cast("House", app.extensions[_NAME])


def here() -> House:
    """The parts of the app that answers this request."""
    return house_of(current_app)
