"""Exports of everything held about a person: the table `exports`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection

_COLUMNS: LiteralString = "export_id, user_id, status, keys, sizes, attempts, created_at, finished_at, expires_at"


class ExportStatus(StrEnum):
    """queued: a worker will make it, or is at it; ready: there to be fetched; failed: tried too often."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """A row of `exports`; `sizes` are the bytes of the objects under `keys`."""

    export_id: UUID
    user_id: UUID
    status: ExportStatus
    keys: Sequence[str]
    sizes: Sequence[int]
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", ExportStatus(self.status))


def insert_export(db: Connection, *, export_id: UUID, user_id: UUID, lifetime_hours: int) -> Export:
    """Ask for an export; one that is already being made is returned instead."""
    row = (
        db.cursor(row_factory=class_row(Export))
        .execute(
            # The update that changes nothing makes the row that is there come back.
            "INSERT INTO exports (export_id, user_id, expires_at)"
            " VALUES (%(export_id)s, %(user_id)s, house_now() + make_interval(hours => %(hours)s))"
            " ON CONFLICT (user_id) WHERE status = 'queued' DO UPDATE SET status = exports.status"
            " RETURNING " + _COLUMNS,
            {"export_id": export_id, "user_id": user_id, "hours": lifetime_hours},
        )
        .fetchone()
    )
    assert row is not None
    return row


def select_export(db: Connection, export_id: UUID) -> Export | None:
    """The export with this id, unless its time is over."""
    return (
        db.cursor(row_factory=class_row(Export))
        .execute(
            "SELECT " + _COLUMNS + " FROM exports WHERE export_id = %(export_id)s AND expires_at > house_now()",
            {"export_id": export_id},
        )
        .fetchone()
    )


def update_export_claimed(db: Connection, export_id: UUID, *, claim_seconds: float) -> Export | None:
    """Take an export to work on; None when it is done or another worker has it."""
    return (
        db.cursor(row_factory=class_row(Export))
        .execute(
            "UPDATE exports SET attempts = attempts + 1, run_at = house_now() + make_interval(secs => %(seconds)s)"
            " WHERE export_id = %(export_id)s AND status = 'queued' AND run_at <= house_now() RETURNING " + _COLUMNS,
            {"export_id": export_id, "seconds": claim_seconds},
        )
        .fetchone()
    )


def update_export_ready(db: Connection, export: Export, *, keys: Sequence[str], sizes: Sequence[int]) -> bool:
    """The export is there; False when another attempt has taken over, or the person has left."""
    result = db.execute(
        "UPDATE exports SET status = 'ready', keys = %(keys)s, sizes = %(sizes)s, finished_at = house_now()"
        " WHERE export_id = %(export_id)s AND status = 'queued' AND attempts = %(attempts)s",
        {"export_id": export.export_id, "attempts": export.attempts, "keys": list(keys), "sizes": list(sizes)},
    )
    return result.rowcount == 1


def update_export_retried(db: Connection, export: Export, *, most_attempts: int, pause_seconds: float) -> bool:
    """Let the export be tried again after a pause, or give it up; False when another attempt has taken over."""
    result = db.execute(
        "UPDATE exports SET status = (CASE WHEN attempts < %(most)s THEN 'queued' ELSE 'failed' END)::export_status,"
        " finished_at = CASE WHEN attempts < %(most)s THEN NULL ELSE house_now() END,"
        " run_at = house_now() + make_interval(secs => %(pause)s)"
        " WHERE export_id = %(export_id)s AND status = 'queued' AND attempts = %(attempts)s",
        {
            "export_id": export.export_id,
            "attempts": export.attempts,
            "most": most_attempts,
            "pause": pause_seconds,
        },
    )
    return result.rowcount == 1


def select_exports_due(db: Connection, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(export_id, user_id) of exports that nobody works on, oldest first."""
    return db.execute(
        "SELECT export_id, user_id FROM exports WHERE status = 'queued' AND run_at <= house_now()"
        " ORDER BY run_at LIMIT %(limit)s",
        {"limit": limit},
    ).fetchall()


def select_exports_over(db: Connection, *, limit: int) -> list[tuple[UUID, list[str]]]:
    """(export_id, keys) of exports whose time is over; held until the database transaction ends."""
    return db.execute(
        "SELECT export_id, keys FROM exports WHERE expires_at <= house_now()"
        " ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        {"limit": limit},
    ).fetchall()


def delete_exports(db: Connection, export_ids: Sequence[UUID]) -> int:
    """Forget exports whose objects are removed; returns how many."""
    return db.execute("DELETE FROM exports WHERE export_id = ANY(%(ids)s)", {"ids": list(export_ids)}).rowcount


def delete_exports_of(db: Connection, user_id: UUID) -> int:
    """Forget every export of a person, after the objects were removed; returns how many."""
    return db.execute("DELETE FROM exports WHERE user_id = %(user_id)s", {"user_id": user_id}).rowcount
