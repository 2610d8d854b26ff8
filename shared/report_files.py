"""Reports that are too large for a request: the table `report_files`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

_COLUMNS: LiteralString = (
    "report_file_id, user_id, wish, status, attempts, fence, storage_key, size, problem, created_at, expires_at"
)


class ReportFileStatus(StrEnum):
    """queued: waits for a worker, or is being made; ready: may be downloaded; failed: says why."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A row of `report_files`; `size` in bytes."""

    report_file_id: UUID
    user_id: UUID
    wish: Mapping[str, str | None]
    status: ReportFileStatus
    attempts: int
    fence: int
    storage_key: str | None
    size: int | None
    problem: Mapping[str, object] | None
    created_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", ReportFileStatus(self.status))


def insert_report_file(
    db: Connection, *, report_file_id: UUID, user_id: UUID, wish: Mapping[str, str | None], lifetime_hours: int
) -> ReportFile:
    """Ask for a report; who asks again for one that still waits gets that one."""
    row = (
        db.cursor(row_factory=class_row(ReportFile))
        .execute(
            "WITH waiting AS (SELECT " + _COLUMNS + " FROM report_files WHERE user_id = %(user_id)s"
            "  AND status = 'queued' AND wish = %(wish)s ORDER BY report_file_id LIMIT 1),"
            " new AS (INSERT INTO report_files (report_file_id, user_id, wish, expires_at)"
            "  SELECT %(report_file_id)s, %(user_id)s, %(wish)s, house_now() + make_interval(hours => %(hours)s)"
            "  WHERE NOT EXISTS (SELECT FROM waiting) RETURNING " + _COLUMNS + ")"
            " SELECT " + _COLUMNS + " FROM waiting UNION ALL SELECT " + _COLUMNS + " FROM new",
            {"report_file_id": report_file_id, "user_id": user_id, "wish": Jsonb(wish), "hours": lifetime_hours},
        )
        .fetchone()
    )
    assert row is not None
    return row


def select_report_file(db: Connection, report_file_id: UUID) -> ReportFile | None:
    """The report file with this id, unless its time is over."""
    return (
        db.cursor(row_factory=class_row(ReportFile))
        .execute(
            "SELECT " + _COLUMNS + " FROM report_files WHERE report_file_id = %(id)s AND expires_at > house_now()",
            {"id": report_file_id},
        )
        .fetchone()
    )


def update_report_file_claimed(db: Connection, *, claim_seconds: float) -> ReportFile | None:
    """Claim the file that has waited longest, for one attempt; None when none waits."""
    return (
        db.cursor(row_factory=class_row(ReportFile))
        .execute(
            "UPDATE report_files SET attempts = attempts + 1, fence = fence + 1,"
            " run_at = house_now() + make_interval(secs => %(seconds)s)"
            " WHERE report_file_id = (SELECT report_file_id FROM report_files WHERE status = 'queued'"
            "  AND run_at <= house_now() AND expires_at > house_now()"
            "  ORDER BY run_at, report_file_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING " + _COLUMNS,
            {"seconds": claim_seconds},
        )
        .fetchone()
    )


def update_report_file_ready(
    db: Connection, file: ReportFile, *, storage_key: str, size: int, lifetime_hours: int
) -> bool:
    """Say where a claimed file is, and keep it so long from now; False when the claim is over."""
    result = db.execute(
        "UPDATE report_files SET status = 'ready', storage_key = %(key)s, size = %(size)s,"
        " expires_at = house_now() + make_interval(hours => %(hours)s)"
        " WHERE report_file_id = %(id)s AND fence = %(fence)s AND status = 'queued'",
        {"id": file.report_file_id, "fence": file.fence, "key": storage_key, "size": size, "hours": lifetime_hours},
    )
    return result.rowcount == 1


def update_report_file_failed(db: Connection, file: ReportFile, problem: Mapping[str, object]) -> bool:
    """End a claimed file badly; False when the claim is over."""
    result = db.execute(
        "UPDATE report_files SET status = 'failed', problem = %(problem)s"
        " WHERE report_file_id = %(id)s AND fence = %(fence)s AND status = 'queued'",
        {"id": file.report_file_id, "fence": file.fence, "problem": Jsonb(problem)},
    )
    return result.rowcount == 1


def update_report_file_requeued(db: Connection, file: ReportFile, *, delay_seconds: float) -> bool:
    """Let a claimed file be tried again after a pause; False when the claim is over."""
    result = db.execute(
        "UPDATE report_files SET run_at = house_now() + make_interval(secs => %(seconds)s)"
        " WHERE report_file_id = %(id)s AND fence = %(fence)s AND status = 'queued'",
        {"id": file.report_file_id, "fence": file.fence, "seconds": delay_seconds},
    )
    return result.rowcount == 1


def select_expired_report_files(db: Connection, *, limit: int) -> list[tuple[UUID, str | None]]:
    """Files whose time is over, and where they are; those that a worker still holds are left to it."""
    return db.execute(
        "SELECT report_file_id, storage_key FROM report_files WHERE expires_at <= house_now()"
        " AND (status <> 'queued' OR run_at <= house_now()) ORDER BY expires_at LIMIT %(limit)s",
        {"limit": limit},
    ).fetchall()


def delete_report_files(db: Connection, ids: list[UUID]) -> int:
    """Forget these, whose objects are gone; returns how many."""
    return db.execute("DELETE FROM report_files WHERE report_file_id = ANY(%(ids)s)", {"ids": ids}).rowcount
