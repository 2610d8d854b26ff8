"""What is known of a picture: the table `images` as the look at it sees it.

`analyse_at` is the outbox: an image whose time has come is sent for again. Looking costs nothing and gives the same
each time, so a claim needs no fence: whoever comes first writes, and only once.
"""

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter, ValidationError

from shared.db import Connection
from shared.suggestions import Suggestion

_SUGGESTION = TypeAdapter(Suggestion)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the look at an image told, if there was one; `is_pending` while one is still to come."""

    suggestion: Suggestion | None
    is_pending: bool


@dataclass(frozen=True, slots=True)
class Look:
    """An image that is to be looked at, or is being: `attempts` counts the looks that were begun."""

    image_id: UUID
    user_id: UUID
    working_key: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DueLook:
    """An image that the sweep found; no longer `is_due` when it was tried enough."""

    image_id: UUID
    user_id: UUID
    is_due: bool


def select_analysis(db: Connection, image_id: UUID) -> Analysis:
    """What is known of an image; nothing, if there is no such image."""
    row = db.execute(
        "SELECT analysis, analyse_at IS NOT NULL AND status IN ('processing', 'ready')"
        " AND expiry_timestamp > house_now() FROM images WHERE image_id = %(image_id)s AND deleted_at IS NULL",
        {"image_id": image_id},
    ).fetchone()
    return Analysis(None, False) if row is None else Analysis(_understood(row[0]), row[1])


def _understood(kept: object) -> Suggestion | None:
    """What was kept, unless another version of the house kept it in words that this one does not know."""
    try:
        return None if kept is None else _SUGGESTION.validate_python(kept)
    except ValidationError:
        return None


def update_analysis_claimed(db: Connection, image_id: UUID, *, lease_seconds: float, max_attempts: int) -> Look | None:
    """Begin a look at a ready image; None when it needs none, is over or was tried enough.

    Should the worker die, the sweep sends for the next look after `lease_seconds`.
    """
    return (
        db.cursor(row_factory=class_row(Look))
        .execute(
            "UPDATE images SET analysis_attempts = analysis_attempts + 1,"
            " analyse_at = house_now() + make_interval(secs => %(lease_seconds)s)"
            " WHERE image_id = %(image_id)s AND status = 'ready' AND analyse_at IS NOT NULL AND deleted_at IS NULL"
            " AND expiry_timestamp > house_now() AND analysis_attempts < %(max_attempts)s"
            " RETURNING image_id, user_id, working_key, analysis_attempts AS attempts",
            {"image_id": image_id, "lease_seconds": lease_seconds, "max_attempts": max_attempts},
        )
        .fetchone()
    )


def update_analysis(db: Connection, image_id: UUID, suggestion: Suggestion) -> bool:
    """Keep what the look told; False when another look was first, or the image is over."""
    result = db.execute(
        "UPDATE images SET analysis = %(analysis)s, analyse_at = NULL"
        " WHERE image_id = %(image_id)s AND analysis IS NULL AND status = 'ready' AND deleted_at IS NULL",
        {"image_id": image_id, "analysis": Jsonb(_SUGGESTION.dump_python(suggestion, mode="json"))},
    )
    return result.rowcount == 1


def update_analysis_given_up(db: Connection, image_id: UUID) -> None:
    """Leave an image without: it cannot be looked at. Nothing else of it changes."""
    db.execute("UPDATE images SET analyse_at = NULL WHERE image_id = %(image_id)s", {"image_id": image_id})


def update_analysis_put_off(db: Connection, image_id: UUID, *, delay_seconds: float, max_attempts: int) -> None:
    """Have an image looked at again after a pause, which doubles with each attempt; no more when tried enough."""
    db.execute(
        "UPDATE images SET analyse_at = CASE WHEN analysis_attempts < %(max_attempts)s THEN"
        " house_now() + make_interval(secs => %(delay_seconds)s * 2 ^ (analysis_attempts - 1)) END"
        " WHERE image_id = %(image_id)s AND analyse_at IS NOT NULL",
        {"image_id": image_id, "delay_seconds": delay_seconds, "max_attempts": max_attempts},
    )


def update_analysis_given_back(db: Connection, image_id: UUID) -> None:
    """Have an image looked at as if this look had not been begun, because its worker stops."""
    db.execute(
        "UPDATE images SET analyse_at = house_now(), analysis_attempts = greatest(analysis_attempts - 1, 0)"
        " WHERE image_id = %(image_id)s AND analyse_at IS NOT NULL",
        {"image_id": image_id},
    )


def update_analyses_due(
    db: Connection, *, limit: int, resend_seconds: float, longest_seconds: float, max_attempts: int
) -> list[DueLook]:
    """Ready images whose look is due, longest first, put off by as long as they have waited; for the recovery sweep.

    So the pauses double, between `resend_seconds` and `longest_seconds`. Those that were tried enough are given up.
    """
    return (
        db.cursor(row_factory=class_row(DueLook))
        .execute(
            "UPDATE images SET analyse_at = CASE WHEN analysis_attempts < %(max_attempts)s THEN"
            " house_now() + make_interval(secs => least(%(longest_seconds)s, greatest(%(resend_seconds)s,"
            " extract(epoch FROM house_now() - upload_timestamp)))) END"
            " WHERE image_id IN (SELECT image_id FROM images WHERE analyse_at <= house_now() AND status = 'ready'"
            " AND analyse_at IS NOT NULL AND deleted_at IS NULL AND expiry_timestamp > house_now()"
            " ORDER BY analyse_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"
            " RETURNING image_id, user_id, analyse_at IS NOT NULL AS is_due",
            {
                "limit": limit,
                "resend_seconds": resend_seconds,
                "longest_seconds": longest_seconds,
                "max_attempts": max_attempts,
            },
        )
        .fetchall()
    )
