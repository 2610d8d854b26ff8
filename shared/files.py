"""Objects in storage: the table `files`. What storage holds and this table does not list is an orphan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

_COLUMNS: LiteralString = "storage_key, user_id, image_id, job_id, kind, format, size, cache_key, details"


class FileKind(StrEnum):
    """source: as uploaded; working: what is traced; trace: a kept SVG; result: what a job sells."""

    SOURCE = "source"
    WORKING = "working"
    TRACE = "trace"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class File:
    """A row of `files`; `size` in bytes, `details` of an SVG is the engine's report."""

    storage_key: str
    user_id: UUID
    image_id: UUID
    job_id: UUID | None
    kind: FileKind
    format: str
    size: int
    cache_key: str | None = None
    details: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", FileKind(self.kind))


def insert_file(db: Connection, file: File) -> bool:
    """List an object; False when it is listed already."""
    result = db.execute(
        "INSERT INTO files (storage_key, user_id, image_id, job_id, kind, format, size, cache_key, details)"
        " VALUES (%(storage_key)s, %(user_id)s, %(image_id)s, %(job_id)s, %(kind)s, %(format)s, %(size)s,"
        " %(cache_key)s, %(details)s) ON CONFLICT (storage_key) DO NOTHING",
        {
            "storage_key": file.storage_key,
            "user_id": file.user_id,
            "image_id": file.image_id,
            "job_id": file.job_id,
            "kind": file.kind,
            "format": file.format,
            "size": file.size,
            "cache_key": file.cache_key,
            "details": None if file.details is None else Jsonb(file.details),
        },
    )
    return result.rowcount == 1


def select_files(db: Connection, image_id: UUID) -> list[File]:
    """Everything made from an image, the source included."""
    return (
        db.cursor(row_factory=class_row(File))
        .execute(
            "SELECT " + _COLUMNS + " FROM files WHERE image_id = %(image_id)s ORDER BY storage_key",
            {"image_id": image_id},
        )
        .fetchall()
    )


def select_results(db: Connection, job_ids: list[UUID]) -> list[File]:
    """The results of these jobs."""
    return (
        db.cursor(row_factory=class_row(File))
        .execute(
            "SELECT " + _COLUMNS + " FROM files WHERE job_id = ANY(%(job_ids)s) AND kind = 'result'"
            " ORDER BY storage_key",
            {"job_ids": job_ids},
        )
        .fetchall()
    )


def select_trace_of(db: Connection, job_id: UUID) -> File | None:
    """The SVG of a job's trace as it is, from which every format is made."""
    return (
        db.cursor(row_factory=class_row(File))
        .execute(
            "SELECT " + _COLUMNS + " FROM files WHERE job_id = %(job_id)s AND cache_key IS NOT NULL LIMIT 1",
            {"job_id": job_id},
        )
        .fetchone()
    )


def select_kept_trace(db: Connection, user_id: UUID, cache_key: str) -> File | None:
    """An SVG of the account made from the same bytes with the same options by the same engine."""
    return (
        db.cursor(row_factory=class_row(File))
        .execute(
            "SELECT " + _COLUMNS + " FROM files WHERE user_id = %(user_id)s AND cache_key = %(cache_key)s"
            " AND EXISTS (SELECT FROM images WHERE images.image_id = files.image_id AND deleted_at IS NULL"
            " AND expiry_timestamp > house_now()) LIMIT 1",
            {"user_id": user_id, "cache_key": cache_key},
        )
        .fetchone()
    )


def select_keys(db: Connection, image_ids: Sequence[UUID]) -> list[str]:
    """Where everything lies that was made from these images."""
    rows = db.execute(
        "SELECT storage_key FROM files WHERE image_id = ANY(%(ids)s)", {"ids": list(image_ids)}
    ).fetchall()
    return [row[0] for row in rows]


def select_listed_keys(db: Connection, *, after: str, limit: int) -> list[str]:
    """Every key that a row lists, parts of exports included, in the order of their bytes, after `after`."""
    rows = db.execute(
        "SELECT key FROM (SELECT storage_key AS key FROM files UNION ALL SELECT unnest(keys) FROM exports) AS listed"
        ' WHERE key COLLATE "C" > %(after)s ORDER BY key COLLATE "C" LIMIT %(limit)s',
        {"after": after, "limit": limit},
    ).fetchall()
    return [row[0] for row in rows]


def select_expected(db: Connection, keys: Sequence[str], *, at: datetime) -> list[str]:
    """Of these keys those whose objects had to be there at a moment: no image or export that was ending."""
    rows = db.execute(
        "SELECT storage_key FROM files JOIN images USING (image_id) WHERE storage_key = ANY(%(keys)s)"
        " AND expiry_timestamp > %(at)s AND deleted_at IS NULL"
        " UNION ALL SELECT key FROM exports, unnest(keys) AS key WHERE key = ANY(%(keys)s) AND expires_at > %(at)s",
        {"keys": list(keys), "at": at},
    ).fetchall()
    return sorted(row[0] for row in rows)


def delete_files(db: Connection, image_ids: Sequence[UUID]) -> int:
    """Unlist everything made from these images, after the objects were removed; returns how many."""
    return db.execute("DELETE FROM files WHERE image_id = ANY(%(ids)s)", {"ids": list(image_ids)}).rowcount


def delete_files_of(db: Connection, user_id: UUID) -> int:
    """Unlist every object of a person, after they were removed; returns how many there were."""
    return db.execute("DELETE FROM files WHERE user_id = %(user_id)s", {"user_id": user_id}).rowcount
