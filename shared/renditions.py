"""Formats that are being made after their job has succeeded: the table `renditions`.

A row stands from the first time a format is asked for until it is made, and then it is a row of `files` instead; one
that cannot be made keeps the reason. Every change names the fence of the claim and says whether it happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection
from shared.outputs import Format

_COLUMNS: LiteralString = "job_id, format, user_id, image_id, attempts, fence, problem"


@dataclass(frozen=True, slots=True)
class Rendition:
    """A row of `renditions`."""

    job_id: UUID
    format: Format
    user_id: UUID
    image_id: UUID
    attempts: int
    fence: int
    problem: Mapping[str, object] | None


def insert_rendition(
    db: Connection, job_id: UUID, wanted: Format, *, user_id: UUID, image_id: UUID, resend_seconds: float
) -> bool:
    """Ask for a format; says whether a worker has to be sent for: at first, and again when none came for so long."""
    result = db.execute(
        "INSERT INTO renditions (job_id, format, user_id, image_id)"
        " VALUES (%(job_id)s, %(format)s, %(user_id)s, %(image_id)s)"
        " ON CONFLICT (job_id, format) DO UPDATE SET asked_at = house_now()"
        " WHERE renditions.problem IS NULL AND renditions.run_at <= house_now()"
        " AND renditions.asked_at <= house_now() - make_interval(secs => %(resend_seconds)s)",
        {
            "job_id": job_id,
            "format": wanted,
            "user_id": user_id,
            "image_id": image_id,
            "resend_seconds": resend_seconds,
        },
    )
    return result.rowcount == 1


def select_rendition(db: Connection, job_id: UUID, wanted: str) -> Rendition | None:
    """What is known of a format that is not made."""
    return (
        db.cursor(row_factory=class_row(Rendition))
        .execute(
            "SELECT " + _COLUMNS + " FROM renditions WHERE job_id = %(job_id)s AND format = %(format)s",
            {"job_id": job_id, "format": wanted},
        )
        .fetchone()
    )


def update_rendition_claimed(db: Connection, job_id: UUID, wanted: str, *, lease_seconds: float) -> Rendition | None:
    """Claim it: one more attempt, a new fence, a lease. None when it is made, given up, or in other hands."""
    return (
        db.cursor(row_factory=class_row(Rendition))
        .execute(
            "UPDATE renditions SET attempts = attempts + 1, fence = fence + 1,"
            " run_at = house_now() + make_interval(secs => %(lease_seconds)s)"
            " WHERE job_id = %(job_id)s AND format = %(format)s AND problem IS NULL AND run_at <= house_now()"
            " RETURNING " + _COLUMNS,
            {"job_id": job_id, "format": wanted, "lease_seconds": lease_seconds},
        )
        .fetchone()
    )


def update_rendition_put_off(db: Connection, claimed: Rendition, *, attempts: int, delay_seconds: float) -> bool:
    """Let it be claimed again after a pause; False when the claim is over."""
    result = db.execute(
        "UPDATE renditions SET attempts = %(attempts)s, fence = fence + 1,"
        " run_at = house_now() + make_interval(secs => %(delay_seconds)s)"
        " WHERE job_id = %(job_id)s AND format = %(format)s AND fence = %(fence)s AND problem IS NULL",
        {
            "job_id": claimed.job_id,
            "format": claimed.format,
            "fence": claimed.fence,
            "attempts": attempts,
            "delay_seconds": delay_seconds,
        },
    )
    return result.rowcount == 1


def update_rendition_failed(db: Connection, claimed: Rendition, *, problem: Mapping[str, object]) -> bool:
    """Give it up and say why; False when the claim is over."""
    result = db.execute(
        "UPDATE renditions SET problem = %(problem)s"
        " WHERE job_id = %(job_id)s AND format = %(format)s AND fence = %(fence)s AND problem IS NULL",
        {"job_id": claimed.job_id, "format": claimed.format, "fence": claimed.fence, "problem": Jsonb(problem)},
    )
    return result.rowcount == 1


def delete_rendition(db: Connection, claimed: Rendition) -> bool:
    """It is made, or not wanted any more; False when the claim is over, or the image's time is.

    The image's row is locked, so that whoever deletes the image meanwhile finds the file that is listed next.
    """
    result = db.execute(
        "DELETE FROM renditions WHERE job_id = %(job_id)s AND format = %(format)s AND fence = %(fence)s"
        " AND EXISTS (SELECT FROM images WHERE images.image_id = renditions.image_id AND deleted_at IS NULL"
        " AND objects_gone_at IS NULL AND expiry_timestamp > house_now() FOR SHARE)",
        {"job_id": claimed.job_id, "format": claimed.format, "fence": claimed.fence},
    )
    return result.rowcount == 1


def delete_renditions(db: Connection, image_ids: Sequence[UUID]) -> int:
    """Forget what was asked for of images that are gone; returns how many."""
    return db.execute("DELETE FROM renditions WHERE image_id = ANY(%(ids)s)", {"ids": list(image_ids)}).rowcount


def delete_renditions_of(db: Connection, user_id: UUID) -> int:
    """Forget what a person has asked for; returns how many."""
    return db.execute("DELETE FROM renditions WHERE user_id = %(user_id)s", {"user_id": user_id}).rowcount
