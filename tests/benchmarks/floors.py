"""The floors: the least that any implementation pays, measured beside what the house pays."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import redis

from shared.ids import new_id
from shared.messages import RunVectorization
from shared.queue import envelope
from tests.benchmarks.bench import Bench

LIST = "bench:floor"


@dataclass(frozen=True, slots=True)
class Floor:
    """One commit and one LPUSH."""

    commit: Callable[[], None]
    push: Callable[[], None]

    def both(self) -> None:
        self.commit()
        self.push()


def open_floor(bench: Bench, db: psycopg.Connection) -> Floor:
    """A row of one column committed, and a message of ours pushed, with nothing around them.

    `db` is in autocommit mode: one statement is one database transaction and one round trip.
    """
    db.execute("CREATE TABLE IF NOT EXISTS bench_floor (id uuid PRIMARY KEY)")
    client = redis.Redis.from_url(bench.stack.running.settings["REDIS_URL"])
    message = envelope(RunVectorization(job_id=new_id(), user_id=new_id()))
    client.delete(LIST)

    def commit() -> None:
        db.execute("INSERT INTO bench_floor VALUES (%s)", [uuid4()])

    def push() -> None:
        client.lpush(LIST, message)

    return Floor(commit, push)
