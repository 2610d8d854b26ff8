"""Paid requests: the table `jobs`. Every change of state is conditional and says whether it happened.

A job is inserted by `shared.credits.reserve` alone, because a job without its reservation must not exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

COLUMNS: LiteralString = (
    "job_id, user_id, image_id, kind, status, price, options, formats, attempts, fence,"
    " progress, stage, problem, report, created_at, started_at, finished_at, request_id, traceparent"
)


class JobKind(StrEnum):
    """What is paid for."""

    PREVIEW = "preview"
    VECTORIZATION = "vectorization"


class JobStatus(StrEnum):
    """queued and running are open; succeeded, failed and canceled are terminal and absorb."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """Nothing follows a terminal status."""
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED)


class State(NamedTuple):
    """What changes about a job while it is open; `progress` from 0 to 1."""

    status: str
    stage: str
    progress: float
    attempts: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Job:
    """A row of `jobs`; `price` in credits, `progress` from 0 to 1.

    `request_id` and `traceparent` lead back to the request that submitted it.
    """

    job_id: UUID
    user_id: UUID
    image_id: UUID
    kind: JobKind
    status: JobStatus
    price: Decimal
    options: Mapping[str, object]
    formats: Sequence[str]
    attempts: int
    fence: int
    progress: float
    stage: str
    problem: Mapping[str, object] | None
    report: Mapping[str, object] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    request_id: str | None
    traceparent: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", JobKind(self.kind))
        object.__setattr__(self, "status", JobStatus(self.status))


def select_job(db: Connection, job_id: UUID) -> Job | None:
    """The job with this id."""
    return (
        db.cursor(row_factory=class_row(Job))
        .execute("SELECT " + COLUMNS + " FROM jobs WHERE job_id = %(job_id)s", {"job_id": job_id})
        .fetchone()
    )


def select_state(db: Connection, job_id: UUID) -> State | None:
    """What changes about a job while it is open."""
    row = db.execute(
        "SELECT status, stage, progress, attempts, started_at FROM jobs WHERE job_id = %(job_id)s", {"job_id": job_id}
    ).fetchone()
    return None if row is None else State(*row)


def select_jobs(
    db: Connection,
    user_id: UUID,
    *,
    limit: int,
    before: UUID | None = None,
    status: JobStatus | None = None,
    kind: JobKind | None = None,
    image_id: UUID | None = None,
) -> list[Job]:
    """The account's jobs that fit every given filter, newest first, older than `before`."""
    return (
        db.cursor(row_factory=class_row(Job))
        .execute(
            "SELECT " + COLUMNS + " FROM jobs WHERE user_id = %(user_id)s"
            " AND (%(before)s::uuid IS NULL OR job_id < %(before)s::uuid)"
            " AND (%(status)s::job_status IS NULL OR status = %(status)s::job_status)"
            " AND (%(kind)s::job_kind IS NULL OR kind = %(kind)s::job_kind)"
            " AND (%(image_id)s::uuid IS NULL OR image_id = %(image_id)s::uuid)"
            " ORDER BY job_id DESC LIMIT %(limit)s",
            {
                "user_id": user_id,
                "before": before,
                "status": status,
                "kind": kind,
                "image_id": image_id,
                "limit": limit,
            },
        )
        .fetchall()
    )


def select_open_jobs(db: Connection, image_ids: Sequence[UUID]) -> list[Job]:
    """The queued and running jobs of these images, locked until the database transaction ends."""
    return (
        db.cursor(row_factory=class_row(Job))
        .execute(
            "SELECT " + COLUMNS + " FROM jobs WHERE image_id = ANY(%(ids)s)"
            " AND status IN ('queued', 'running') ORDER BY job_id FOR UPDATE",
            {"ids": list(image_ids)},
        )
        .fetchall()
    )


def select_stale_jobs(db: Connection, *, limit: int) -> list[Job]:
    """Running jobs past their lease, locked; for the recovery sweep."""
    return (
        db.cursor(row_factory=class_row(Job))
        .execute(
            "SELECT " + COLUMNS + " FROM jobs WHERE status = 'running' AND lease_until <= house_now()"
            " ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
            {"limit": limit},
        )
        .fetchall()
    )


def update_job_claimed(db: Connection, job_id: UUID, *, lease_seconds: float, max_attempts: int) -> Job | None:
    """Claim a job: one more attempt, a new fence, a lease. None when it is not there to be claimed."""
    return (
        db.cursor(row_factory=class_row(Job))
        .execute(
            "WITH claimed AS (UPDATE jobs SET status = 'running', attempts = attempts + 1, fence = fence + 1,"
            " lease_until = house_now() + make_interval(secs => %(lease_seconds)s),"
            " started_at = coalesce(started_at, house_now()), progress = 0, stage = 'started'"
            " WHERE job_id = %(job_id)s AND attempts < %(max_attempts)s AND run_at <= house_now()"
            " AND (status = 'queued' OR (status = 'running' AND lease_until <= house_now())) RETURNING *),"
            " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT job_id FROM claimed))"
            " SELECT " + COLUMNS + " FROM claimed",
            {"job_id": job_id, "lease_seconds": lease_seconds, "max_attempts": max_attempts},
        )
        .fetchone()
    )


def update_turn_claimed(
    db: Connection, kind: JobKind, *, lease_seconds: float, max_attempts: int, share: int
) -> tuple[UUID, UUID] | None:
    """Claim the job of this kind whose turn it is: (job_id, user_id), or None when none waits.

    An account that runs `share` jobs of the kind already has its turn after everybody else's.
    """
    return db.execute(
        "SELECT claimed_job_id, claimed_user_id"
        " FROM claim_turn(%(kind)s, %(lease_seconds)s, %(max_attempts)s, %(share)s)",
        {"kind": kind, "lease_seconds": lease_seconds, "max_attempts": max_attempts, "share": share},
    ).fetchone()


def select_queue_state(db: Connection, kind: JobKind, *, most: int) -> tuple[int, float]:
    """How many jobs of the kind wait (counting to `most`), and for how many seconds the oldest has."""
    row = db.execute(
        "SELECT depth, oldest_seconds FROM queue_state(%(kind)s, %(most)s)", {"kind": kind, "most": most}
    ).fetchone()
    assert row is not None
    return row


def update_job_progress(db: Connection, job_id: UUID, fence: int, *, progress: float, stage: str) -> bool:
    """Say how far the job is; False when this fence no longer holds the claim."""
    result = db.execute(
        "UPDATE jobs SET progress = %(progress)s, stage = %(stage)s"
        " WHERE job_id = %(job_id)s AND status = 'running' AND fence = %(fence)s",
        {"job_id": job_id, "fence": fence, "progress": progress, "stage": stage},
    )
    return result.rowcount == 1


def update_job_succeeded(db: Connection, job_id: UUID, fence: int, *, report: Mapping[str, object]) -> bool:
    """End the job well; False when this fence no longer holds the claim or the lease has been taken back."""
    result = db.execute(
        "UPDATE jobs SET status = 'succeeded', lease_until = NULL, progress = 1, stage = 'done',"
        " report = %(report)s, finished_at = house_now()"
        " WHERE job_id = %(job_id)s AND status = 'running' AND fence = %(fence)s",
        {"job_id": job_id, "fence": fence, "report": Jsonb(report)},
    )
    return result.rowcount == 1


def update_job_failed(db: Connection, job_id: UUID, fence: int, *, problem: Mapping[str, object]) -> bool:
    """End the job badly and say why; False when this fence no longer holds the claim."""
    result = db.execute(
        "WITH ended AS (UPDATE jobs SET status = 'failed', lease_until = NULL, stage = 'failed', problem = %(problem)s,"
        " finished_at = house_now()"
        " WHERE job_id = %(job_id)s AND status IN ('queued', 'running') AND fence = %(fence)s RETURNING job_id),"
        " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT job_id FROM ended))"
        " SELECT FROM ended",
        {"job_id": job_id, "fence": fence, "problem": Jsonb(problem)},
    )
    return result.rowcount == 1


def update_job_canceled(db: Connection, job_id: UUID) -> bool:
    """End an open job at its owner's wish; False when it is already finished."""
    result = db.execute(
        "WITH ended AS (UPDATE jobs SET status = 'canceled', lease_until = NULL, stage = 'canceled', fence = fence + 1,"
        " finished_at = house_now() WHERE job_id = %(job_id)s AND status IN ('queued', 'running') RETURNING job_id),"
        " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT job_id FROM ended))"
        " SELECT FROM ended",
        {"job_id": job_id},
    )
    return result.rowcount == 1


def update_job_requeued(db: Connection, job_id: UUID, fence: int, *, delay_seconds: float) -> bool:
    """Put a running job back in the queue after a pause; False when this fence no longer holds the claim.

    The fence moves on here too: a holder that comes late finds the claim over, not merely waiting.
    """
    result = db.execute(
        "UPDATE jobs SET status = 'queued', fence = fence + 1, lease_until = NULL, progress = 0, stage = 'queued',"
        " run_at = house_now() + make_interval(secs => %(delay_seconds)s)"
        " WHERE job_id = %(job_id)s AND status = 'running' AND fence = %(fence)s",
        {"job_id": job_id, "fence": fence, "delay_seconds": delay_seconds},
    )
    return result.rowcount == 1


def update_job_given_back(db: Connection, job_id: UUID, fence: int) -> bool:
    """Put a running job back in the queue as if this attempt had not been; False when the claim is over."""
    result = db.execute(
        "UPDATE jobs SET status = 'queued', fence = fence + 1, lease_until = NULL, progress = 0, stage = 'queued',"
        " attempts = greatest(attempts - 1, 0), run_at = house_now()"
        " WHERE job_id = %(job_id)s AND status = 'running' AND fence = %(fence)s",
        {"job_id": job_id, "fence": fence},
    )
    return result.rowcount == 1


def update_jobs_forgotten(db: Connection, user_id: UUID) -> int:
    """Forget which requests a person's jobs came from: clients may choose the names; returns how many."""
    return db.execute(
        "UPDATE jobs SET request_id = NULL, traceparent = NULL"
        " WHERE user_id = %(user_id)s AND (request_id IS NOT NULL OR traceparent IS NOT NULL)",
        {"user_id": user_id},
    ).rowcount
