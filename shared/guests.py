"""Guests, who upload before they sign in: the table `guests`. Only a hash of their secret is kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection

_COLUMNS: LiteralString = "user_id, expires_at"


@dataclass(frozen=True, slots=True)
class Guest:
    """A row of `guests`, without the hash."""

    user_id: UUID
    expires_at: datetime


def new_token() -> str:
    """A secret for a cookie: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def insert_guest(db: Connection, *, user_id: UUID, token_hash: bytes, hours: int) -> Guest:
    """Open an account without a sign-in or credits, for whoever shows the secret within so many hours."""
    row = (
        db.cursor(row_factory=class_row(Guest))
        .execute(
            "WITH account AS (INSERT INTO users (user_id) VALUES (%(user_id)s))"
            " INSERT INTO guests (user_id, token_hash, expires_at)"
            " VALUES (%(user_id)s, %(token_hash)s, house_now() + make_interval(hours => %(hours)s)) RETURNING "
            + _COLUMNS,
            {"user_id": user_id, "token_hash": token_hash, "hours": hours},
        )
        .fetchone()
    )
    assert row is not None
    return row


def select_guest(db: Connection, token_hash: bytes) -> Guest | None:
    """The guest who shows a secret; None for an unknown one, or one whose time is over."""
    return (
        db.cursor(row_factory=class_row(Guest))
        .execute(
            "SELECT " + _COLUMNS + " FROM guests WHERE token_hash = %(token_hash)s AND expires_at > house_now()",
            {"token_hash": token_hash},
        )
        .fetchone()
    )


def update_guest_renewed(db: Connection, token_hash: bytes, *, hours: int) -> Guest | None:
    """Let a secret be good for so many hours from now; None for an unknown one, or one whose time is over."""
    return (
        db.cursor(row_factory=class_row(Guest))
        .execute(
            "UPDATE guests SET expires_at = house_now() + make_interval(hours => %(hours)s)"
            " WHERE token_hash = %(token_hash)s AND expires_at > house_now() RETURNING " + _COLUMNS,
            {"token_hash": token_hash, "hours": hours},
        )
        .fetchone()
    )


def update_image_claimed(db: Connection, image_id: UUID, token_hash: bytes) -> bool:
    """Give a guest's image, its files listed under their new keys, to the account that the database transaction acts
    for. False when that guest has no such image that is ready.
    """  # fmt: skip
    row = db.execute(
        "SELECT claim_image(%(image_id)s, %(token_hash)s)", {"image_id": image_id, "token_hash": token_hash}
    ).fetchone()
    return row is not None and bool(row[0])


def delete_guests(db: Connection, *, limit: int) -> int:
    """Forget secrets whose time is over; returns how many. Their images have expired before."""
    return db.execute(
        "DELETE FROM guests WHERE user_id IN"
        " (SELECT user_id FROM guests WHERE expires_at <= house_now() LIMIT %(limit)s)",
        {"limit": limit},
    ).rowcount
