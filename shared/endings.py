"""How images end: the table `images` as retention and purges see it. Objects go first; rows stay as tombstones."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection


@dataclass(frozen=True, slots=True)
class OverImage:
    """An image that is to be removed. `may_hold_more` when an attempt broke off: it may have left objects unlisted."""

    image_id: UUID
    user_id: UUID
    may_hold_more: bool


def select_images_to_remove(db: Connection, *, limit: int) -> list[OverImage]:
    """Expired or deleted images whose objects are still there; for retention."""
    return (
        db.cursor(row_factory=class_row(OverImage))
        .execute(
            "SELECT image_id, user_id, attempts > (status = 'ready')::integer"
            " OR EXISTS (SELECT FROM jobs WHERE jobs.image_id = images.image_id"
            " AND jobs.attempts > (jobs.status = 'succeeded')::integer) AS may_hold_more"
            " FROM images WHERE objects_gone_at IS NULL AND (expiry_timestamp <= house_now() OR deleted_at IS NOT NULL)"
            " ORDER BY expiry_timestamp LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
            {"limit": limit},
        )
        .fetchall()
    )


def update_images_objects_gone(db: Connection, image_ids: Sequence[UUID]) -> int:
    """Note that every object made from these images is removed; the rows stay as nameless tombstones."""
    return db.execute(
        "WITH ended AS (UPDATE images SET objects_gone_at = house_now(), file_name = NULL, lease_until = NULL,"
        " analysis = NULL, analyse_at = NULL,"
        " status = CASE WHEN expiry_timestamp <= house_now() THEN 'expired' ELSE status END"
        " WHERE image_id = ANY(%(ids)s) AND objects_gone_at IS NULL RETURNING image_id),"
        " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT image_id FROM ended))"
        " SELECT FROM ended",
        {"ids": list(image_ids)},
    ).rowcount


def update_images_forgotten(db: Connection, user_id: UUID) -> int:
    """Leave nothing of a person's pictures, whose objects are removed, but nameless tombstones; returns how many."""
    return db.execute(
        "UPDATE images SET deleted_at = coalesce(deleted_at, house_now()), file_name = NULL, sha256 = repeat('0', 64),"
        " analysis = NULL, analyse_at = NULL,"
        " objects_gone_at = coalesce(objects_gone_at, house_now()), lease_until = NULL"
        " WHERE user_id = %(user_id)s AND (objects_gone_at IS NULL OR sha256 <> repeat('0', 64))",
        {"user_id": user_id},
    ).rowcount
