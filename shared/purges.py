"""People who asked to be forgotten: the tables `purges` and `departures`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

PASSES = 2
_COLUMNS: LiteralString = "user_id, requested_at, requested_by, attempts, passes, removed, notes, done_at"


class Asker(StrEnum):
    """Who asked for a purge: the person here, the person at the sign-in provider, or an operator for them."""

    CUSTOMER = "customer"
    CLERK = "clerk"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Purge:
    """A row of `purges`; `notes` are encrypted, `removed` counts by kind."""

    user_id: UUID
    requested_at: datetime
    requested_by: Asker
    attempts: int
    passes: int
    removed: Mapping[str, int]
    notes: bytes | None
    done_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "requested_by", Asker(self.requested_by))


def hash_clerk_id(clerk_id: str) -> bytes:
    """What is kept of a sign-in that was left: its SHA-256. Ids of 160 random bits need no slow hash."""
    return hashlib.sha256(clerk_id.encode()).digest()


def insert_purge(db: Connection, *, user_id: UUID, requested_by: Asker, notes: bytes | None) -> bool:
    """Ask for a person's purge; False when that has been done."""
    result = db.execute(
        "INSERT INTO purges (user_id, requested_by, notes) VALUES (%(user_id)s, %(requested_by)s, %(notes)s)"
        " ON CONFLICT (user_id) DO NOTHING",
        {"user_id": user_id, "requested_by": requested_by, "notes": notes},
    )
    return result.rowcount == 1


def update_purge_claimed(db: Connection, user_id: UUID, *, claim_seconds: float) -> Purge | None:
    """Take a purge to work on; None when it is done, another worker has it, or its next pass is still to come."""
    return (
        db.cursor(row_factory=class_row(Purge))
        .execute(
            "UPDATE purges SET attempts = attempts + 1, run_at = house_now() + make_interval(secs => %(seconds)s)"
            " WHERE user_id = %(user_id)s AND done_at IS NULL AND run_at <= house_now() RETURNING " + _COLUMNS,
            {"user_id": user_id, "seconds": claim_seconds},
        )
        .fetchone()
    )


def update_purge_passed(
    db: Connection, purge: Purge, *, removed: Mapping[str, int], notes: bytes | None, next_pass_seconds: float
) -> Purge | None:
    """One more pass went through everything; None when another worker said so of the same pass."""
    return (
        db.cursor(row_factory=class_row(Purge))
        .execute(
            "UPDATE purges SET passes = passes + 1, removed = %(removed)s, notes = %(notes)s, attempts = 0,"
            " run_at = house_now() + make_interval(secs => %(seconds)s),"
            " done_at = CASE WHEN passes + 1 >= %(most)s THEN house_now() END"
            " WHERE user_id = %(user_id)s AND passes = %(passes)s RETURNING " + _COLUMNS,
            {
                "user_id": purge.user_id,
                "passes": purge.passes,
                "removed": Jsonb(removed),
                "notes": notes,
                "seconds": next_pass_seconds,
                "most": PASSES,
            },
        )
        .fetchone()
    )


def update_purge_seen_to(db: Connection, user_id: UUID) -> bool:
    """An operator has removed the person at the providers: the notes are emptied. False before the purge is done."""
    result = db.execute(
        "UPDATE purges SET notes = NULL WHERE user_id = %(user_id)s AND done_at IS NOT NULL AND notes IS NOT NULL",
        {"user_id": user_id},
    )
    return result.rowcount == 1


def update_purge_notes(db: Connection, purge: Purge, *, notes: bytes) -> bool:
    """Replace the notes by the same under a newer key; False when they changed meanwhile."""
    result = db.execute(
        "UPDATE purges SET notes = %(new)s WHERE user_id = %(user_id)s AND notes = %(old)s",
        {"user_id": purge.user_id, "old": purge.notes, "new": notes},
    )
    return result.rowcount == 1


def select_purges_due(db: Connection, *, limit: int) -> list[UUID]:
    """Whose purge nobody works on and is to go on, oldest first."""
    rows = db.execute(
        "SELECT user_id FROM purges WHERE done_at IS NULL AND run_at <= house_now() ORDER BY run_at LIMIT %(limit)s",
        {"limit": limit},
    ).fetchall()
    return [row[0] for row in rows]


def select_purges_to_see_to(db: Connection, *, limit: int) -> list[Purge]:
    """Purges that are not done, or whose notes no operator has seen to, oldest first."""
    return (
        db.cursor(row_factory=class_row(Purge))
        .execute(
            "SELECT " + _COLUMNS + " FROM purges WHERE done_at IS NULL OR notes IS NOT NULL"
            " ORDER BY requested_at LIMIT %(limit)s",
            {"limit": limit},
        )
        .fetchall()
    )


def insert_departure(db: Connection, clerk_id: str) -> bool:
    """Let this sign-in never open an account again; False when that is so already."""
    result = db.execute(
        "INSERT INTO departures (clerk_hash) VALUES (%(hash)s) ON CONFLICT DO NOTHING",
        {"hash": hash_clerk_id(clerk_id)},
    )
    return result.rowcount == 1


def select_is_departed(db: Connection, clerk_id: str) -> bool:
    """Whether this sign-in was left, or the sign-in provider has told so and nobody has worked on it yet."""
    row = db.execute(
        "SELECT EXISTS (SELECT FROM departures WHERE clerk_hash = %(hash)s) OR EXISTS"
        " (SELECT FROM inbox WHERE subject = %(clerk_id)s AND event_type = 'user.deleted')",
        {"hash": hash_clerk_id(clerk_id), "clerk_id": clerk_id},
    ).fetchone()
    assert row is not None
    return row[0]


def delete_old_departures(db: Connection, *, older_than_days: int, limit: int) -> int:
    """Forget departures of so long ago; returns how many."""
    return db.execute(
        "DELETE FROM departures WHERE clerk_hash IN (SELECT clerk_hash FROM departures"
        " WHERE departed_at < house_now() - make_interval(days => %(days)s) LIMIT %(limit)s FOR UPDATE SKIP LOCKED)",
        {"days": older_than_days, "limit": limit},
    ).rowcount
