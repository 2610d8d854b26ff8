"""What a worker process works with, opened once per process and never before a fork."""

import contextlib
import os
import threading
from dataclasses import dataclass
from uuid import UUID

from shared.cache import Cache
from shared.copies import Copies
from shared.db import Database
from shared.errors import ProblemError
from shared.messages import Message
from shared.payments import open_payments
from shared.queue import Publisher
from shared.settings import Settings, load_settings
from shared.settling import Cashier
from shared.storage import Storage, open_storage
from shared.vault import Vault
from workers.engine_process import Engines
from workers.stopping import Stopping

WATERMARK = "tovector preview"


@dataclass(frozen=True, slots=True)
class Resources:
    """The ways out of one worker process, and its engine. Nothing is connected before its first use.

    `database` acts as the customer whose job is worked on; `maintenance` reaches every row and is for sweeps alone.
    """

    settings: Settings
    database: Database
    maintenance: Database
    storage: Storage
    cache: Cache
    copies: Copies
    publisher: Publisher
    cashier: Cashier
    engines: Engines
    stopping: Stopping

    def announce(self, job_id: UUID) -> None:
        """Tell waiting clients that a job has ended, best effort."""
        self.cache.announce_job(job_id)

    def send(self, message: Message) -> None:
        """Send a message after its commit, best effort."""
        self.publisher.publish(message)

    def warm(self, *, engine: bool) -> None:
        """Connect to everything, and load the engine if it will be needed, so that no job waits for it.

        What is away now is connected to later. Raises EngineCrashed when the engine does not start.
        """
        if engine:
            self.engines.warm()
        for reach in (self.storage.check, self.cache.ping, self._reach_database):
            with contextlib.suppress(ProblemError):
                reach()

    def _reach_database(self) -> None:
        with self.database.transaction():
            pass

    def close(self) -> None:
        """End the engine's processes and give every connection back."""
        self.engines.close()
        self.publisher.close()
        self.cache.close()
        self.storage.close()
        self.database.close()
        self.maintenance.close()


def open_resources(settings: Settings, *, engine_module: str = "workers.engine_child") -> Resources:
    """The resources that the settings name."""
    stopping = Stopping()
    database = _database(settings, settings.database_url.get_secret_value())
    maintenance = _database(settings, settings.maintenance_database_url.get_secret_value())
    cache = Cache(settings.redis_url.get_secret_value(), settings.redis_timeout_seconds)
    vault = Vault(settings.encryption_keys)
    return Resources(
        settings=settings,
        database=database,
        maintenance=maintenance,
        storage=open_storage(settings),
        cache=cache,
        copies=Copies(cache, vault.derive("copies")[0]),
        publisher=Publisher(settings.redis_url, timeout_seconds=settings.redis_timeout_seconds),
        cashier=Cashier(database, maintenance, open_payments(settings), vault),
        engines=Engines(
            wall_seconds=settings.engine_wall_seconds,
            memory_bytes=settings.engine_memory_bytes,
            stopping=stopping,
            module=engine_module,
        ),
        stopping=stopping,
    )


def _database(settings: Settings, url: str) -> Database:
    return Database(
        url,
        pool_size=settings.database_pool_size,
        timeout_seconds=settings.database_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        report_timeout_seconds=settings.report_timeout_seconds,
    )


class _PerProcess:
    """The resources of the process that asks; a fork opens its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process_id = 0
        self._resources: Resources | None = None

    def open(self) -> Resources:
        """Open them, or return those that are open."""
        with self._lock:
            if self._resources is None or self._process_id != os.getpid():
                self._resources, self._process_id = open_resources(load_settings()), os.getpid()
            return self._resources

    def close(self) -> None:
        """Close them, if this process has opened any."""
        with self._lock:
            closing, self._resources = self._resources, None
        if closing is not None and self._process_id == os.getpid():
            closing.close()


_opened = _PerProcess()
resources = _opened.open
close_resources = _opened.close
