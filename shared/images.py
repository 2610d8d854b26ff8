"""Uploaded sources: the table `images`. A deleted image is never selected; an expired one says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

# An image is expired the moment its time is over, even before the sweep has been round.
_COLUMNS: LiteralString = (
    "image_id, user_id,"
    " CASE WHEN expiry_timestamp <= house_now() THEN 'expired' ELSE status::text END AS status,"
    " file_name, file_url, file_type, file_size, width, height, working_key, working_width, working_height,"
    " sha256, attempts, fence, problem, upload_timestamp, expiry_timestamp"
)


class ImageStatus(StrEnum):
    """processing: waits for the resize task; ready: jobs may run; failed: unusable; expired: over."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


class FileType(StrEnum):
    """What an upload is by content."""

    PNG = "png"
    JPEG = "jpeg"


@dataclass(frozen=True, slots=True)
class Image:
    """A row of `images`; sizes in bytes and pixels as displayed."""

    image_id: UUID
    user_id: UUID
    status: ImageStatus
    file_name: str | None
    file_url: str
    file_type: FileType
    file_size: int
    width: int
    height: int
    working_key: str | None
    working_width: int | None
    working_height: int | None
    sha256: str
    attempts: int
    fence: int
    problem: Mapping[str, object] | None
    upload_timestamp: datetime
    expiry_timestamp: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", ImageStatus(self.status))
        object.__setattr__(self, "file_type", FileType(self.file_type))


@dataclass(frozen=True, slots=True)
class NewImage:
    """What an accepted upload brings; `working_*` are None when the resize task is still to run.

    The sweep sends for the look at it after `analyse_in_seconds`, once it is ready; None if it shall have none.
    """

    image_id: UUID
    user_id: UUID
    file_name: str
    file_url: str
    file_type: FileType
    file_size: int
    width: int
    height: int
    working_key: str | None
    working_width: int | None
    working_height: int | None
    sha256: str
    lifetime_hours: int
    analyse_in_seconds: float | None = None


def insert_image(db: Connection, new: NewImage) -> Image:
    """Keep an accepted upload: `ready` when it can be traced as it is, else `processing`."""
    row = (
        db.cursor(row_factory=class_row(Image))
        .execute(
            "INSERT INTO images (image_id, user_id, status, file_name, file_url, file_type, file_size, width, height,"
            " working_key, working_width, working_height, sha256, analyse_at, expiry_timestamp) VALUES (%(image_id)s,"
            " %(user_id)s, %(status)s, %(file_name)s, %(file_url)s, %(file_type)s, %(file_size)s, %(width)s,"
            " %(height)s, %(working_key)s, %(working_width)s, %(working_height)s, %(sha256)s,"
            " house_now() + make_interval(secs => %(analyse_in_seconds)s),"
            " house_now() + make_interval(hours => %(lifetime_hours)s)) RETURNING " + _COLUMNS,
            {
                "image_id": new.image_id,
                "user_id": new.user_id,
                "status": ImageStatus.READY if new.working_key else ImageStatus.PROCESSING,
                "file_name": new.file_name,
                "file_url": new.file_url,
                "file_type": new.file_type,
                "file_size": new.file_size,
                "width": new.width,
                "height": new.height,
                "working_key": new.working_key,
                "working_width": new.working_width,
                "working_height": new.working_height,
                "sha256": new.sha256,
                "analyse_in_seconds": new.analyse_in_seconds,
                "lifetime_hours": new.lifetime_hours,
            },
        )
        .fetchone()
    )
    assert row is not None
    return row


def select_image(db: Connection, image_id: UUID) -> Image | None:
    """The image, unless it was deleted."""
    return (
        db.cursor(row_factory=class_row(Image))
        .execute(
            "SELECT " + _COLUMNS + " FROM images WHERE image_id = %(image_id)s AND deleted_at IS NULL",
            {"image_id": image_id},
        )
        .fetchone()
    )


def select_expiries(db: Connection, image_ids: list[UUID]) -> dict[UUID, datetime]:
    """When these images expire or expired, deleted ones included."""
    rows = db.execute(
        "SELECT image_id, expiry_timestamp FROM images WHERE image_id = ANY(%(image_ids)s)", {"image_ids": image_ids}
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def select_images(db: Connection, user_id: UUID, *, limit: int, before: UUID | None) -> list[Image]:
    """The account's images, newest first, older than `before`."""
    return (
        db.cursor(row_factory=class_row(Image))
        .execute(
            "SELECT " + _COLUMNS + " FROM images WHERE user_id = %(user_id)s AND deleted_at IS NULL"
            " AND (%(before)s::uuid IS NULL OR image_id < %(before)s::uuid) ORDER BY image_id DESC LIMIT %(limit)s",
            {"user_id": user_id, "before": before, "limit": limit},
        )
        .fetchall()
    )


def update_image_claimed(db: Connection, image_id: UUID, *, lease_seconds: float, max_attempts: int) -> Image | None:
    """Claim an image for the resize task; None when it needs none, is claimed, is over or was tried enough."""
    return (
        db.cursor(row_factory=class_row(Image))
        .execute(
            "WITH claimed AS (UPDATE images SET attempts = attempts + 1, fence = fence + 1,"
            " lease_until = house_now() + make_interval(secs => %(lease_seconds)s)"
            " WHERE image_id = %(image_id)s AND status = 'processing' AND deleted_at IS NULL"
            " AND expiry_timestamp > house_now() AND run_at <= house_now() AND attempts < %(max_attempts)s"
            " AND (lease_until IS NULL OR lease_until <= house_now()) RETURNING *),"
            " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT image_id FROM claimed))"
            " SELECT " + _COLUMNS + " FROM claimed",
            {"image_id": image_id, "lease_seconds": lease_seconds, "max_attempts": max_attempts},
        )
        .fetchone()
    )


def update_image_ready(
    db: Connection, image_id: UUID, fence: int, *, working_key: str, working_width: int, working_height: int
) -> bool:
    """Point the image at its working raster; False when this fence no longer holds the claim."""
    result = db.execute(
        "WITH ended AS (UPDATE images SET status = 'ready', lease_until = NULL, working_key = %(working_key)s,"
        " working_width = %(working_width)s, working_height = %(working_height)s"
        " WHERE image_id = %(image_id)s AND status = 'processing' AND fence = %(fence)s AND deleted_at IS NULL"
        " RETURNING image_id),"
        " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT image_id FROM ended))"
        " SELECT FROM ended",
        {
            "image_id": image_id,
            "fence": fence,
            "working_key": working_key,
            "working_width": working_width,
            "working_height": working_height,
        },
    )
    return result.rowcount == 1


def update_image_failed(db: Connection, image_id: UUID, fence: int, *, problem: Mapping[str, object]) -> bool:
    """Give up on an image and say why; False when this fence no longer holds the claim."""
    result = db.execute(
        "WITH ended AS (UPDATE images SET status = 'failed', lease_until = NULL, problem = %(problem)s"
        " WHERE image_id = %(image_id)s AND status = 'processing' AND fence = %(fence)s"
        " RETURNING image_id),"
        " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT image_id FROM ended))"
        " SELECT FROM ended",
        {"image_id": image_id, "fence": fence, "problem": Jsonb(problem)},
    )
    return result.rowcount == 1


def update_image_retried(db: Connection, image_id: UUID, fence: int, *, delay_seconds: float) -> bool:
    """Let the image be claimed again after a pause; False when this fence no longer holds the claim."""
    result = db.execute(
        "UPDATE images SET fence = fence + 1, lease_until = NULL,"
        " run_at = house_now() + make_interval(secs => %(delay_seconds)s)"
        " WHERE image_id = %(image_id)s AND status = 'processing' AND fence = %(fence)s",
        {"image_id": image_id, "fence": fence, "delay_seconds": delay_seconds},
    )
    return result.rowcount == 1


def update_image_given_back(db: Connection, image_id: UUID, fence: int) -> bool:
    """Let the image be claimed again as if this attempt had not been; False when the claim is over."""
    result = db.execute(
        "UPDATE images SET fence = fence + 1, lease_until = NULL, attempts = greatest(attempts - 1, 0),"
        " run_at = house_now()"
        " WHERE image_id = %(image_id)s AND status = 'processing' AND fence = %(fence)s",
        {"image_id": image_id, "fence": fence},
    )
    return result.rowcount == 1


def select_stale_images(db: Connection, *, limit: int) -> list[Image]:
    """Images whose resize claim ran past its lease; for the recovery sweep."""
    return (
        db.cursor(row_factory=class_row(Image))
        .execute(
            "SELECT " + _COLUMNS + " FROM images WHERE status = 'processing' AND lease_until <= house_now()"
            " ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
            {"limit": limit},
        )
        .fetchall()
    )


def update_image_deleted(db: Connection, image_id: UUID) -> bool:
    """Take the image out of sight and forget its name; False when there is none. Objects are removed after."""
    result = db.execute(
        "WITH ended AS (UPDATE images SET deleted_at = house_now(), file_name = NULL"
        " WHERE image_id = %(image_id)s AND deleted_at IS NULL RETURNING image_id),"
        " awake AS (DELETE FROM wakeups WHERE subject_id IN (SELECT image_id FROM ended))"
        " SELECT FROM ended",
        {"image_id": image_id},
    )
    return result.rowcount == 1
