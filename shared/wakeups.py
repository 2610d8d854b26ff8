"""The outbox: the table `wakeups`. A row stands until a worker claims its subject."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection


@dataclass(frozen=True, slots=True)
class Wakeup:
    """A subject (job or image) that waits for `task`; `sends` counts the sweep's repeats."""

    subject_id: UUID
    user_id: UUID
    task: str
    sends: int


def insert_wakeup(db: Connection, *, subject_id: UUID, user_id: UUID, task: str, send_in_seconds: float) -> None:
    """Let the sweep send the subject's message after `send_in_seconds`; replaces an earlier one."""
    db.execute(
        "INSERT INTO wakeups (subject_id, user_id, task, send_at) VALUES (%(subject_id)s, %(user_id)s, %(task)s,"
        " house_now() + make_interval(secs => %(send_in_seconds)s))"
        " ON CONFLICT (subject_id) DO UPDATE SET send_at = excluded.send_at, sends = 0",
        {"subject_id": subject_id, "user_id": user_id, "task": task, "send_in_seconds": send_in_seconds},
    )


def update_wakeups_sent(db: Connection, *, limit: int, resend_seconds: float, longest_seconds: float) -> list[Wakeup]:
    """The wake-ups that are due, oldest first, each put off for twice as long as before."""
    return (
        db.cursor(row_factory=class_row(Wakeup))
        .execute(
            "UPDATE wakeups SET sends = least(sends + 1, 1000), send_at = house_now()"
            " + make_interval(secs => least(%(resend_seconds)s * 2 ^ least(sends, 10), %(longest_seconds)s))"
            " WHERE subject_id IN (SELECT subject_id FROM wakeups WHERE send_at <= house_now()"
            " ORDER BY send_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"
            " RETURNING subject_id, user_id, task, sends",
            {"limit": limit, "resend_seconds": resend_seconds, "longest_seconds": longest_seconds},
        )
        .fetchall()
    )


def delete_old_wakeups(db: Connection, *, older_than_hours: int, limit: int) -> int:
    """Forget wake-ups with nothing to wake that have been due for so long; returns how many."""
    return db.execute(
        "DELETE FROM wakeups WHERE subject_id IN (SELECT subject_id FROM wakeups"
        " WHERE send_at < house_now() - make_interval(hours => %(hours)s)"
        " AND NOT EXISTS (SELECT FROM jobs WHERE job_id = subject_id AND status = 'queued')"
        " AND NOT EXISTS (SELECT FROM images WHERE image_id = subject_id AND status = 'processing')"
        " LIMIT %(limit)s FOR UPDATE SKIP LOCKED)",
        {"hours": older_than_hours, "limit": limit},
    ).rowcount
