"""Personal API keys: the table `api_keys`. Only a hash of the secret is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection

PREFIX = "tv_"
_COLUMNS: LiteralString = "api_key_id, user_id, name, hint, created_at, last_used_at"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner sees it later: never the secret."""

    api_key_id: UUID
    user_id: UUID
    name: str
    hint: str
    created_at: datetime
    last_used_at: datetime | None


def new_secret() -> str:
    """A secret to show once: `tv_` and 256 random bits, URL-safe."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """What is kept of a secret: its SHA-256 (32 bytes). High entropy needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def insert_api_key(db: Connection, *, api_key_id: UUID, user_id: UUID, name: str, secret: str) -> ApiKey:
    """Keep a new key's hash and first characters."""
    row = (
        db.cursor(row_factory=class_row(ApiKey))
        .execute(
            "INSERT INTO api_keys (api_key_id, user_id, name, key_hash, hint)"
            " VALUES (%(api_key_id)s, %(user_id)s, %(name)s, %(key_hash)s, %(hint)s) RETURNING " + _COLUMNS,
            {
                "api_key_id": api_key_id,
                "user_id": user_id,
                "name": name,
                "key_hash": hash_secret(secret),
                "hint": secret[: len(PREFIX) + 5],
            },
        )
        .fetchone()
    )
    assert row is not None
    return row


def select_api_keys(db: Connection, user_id: UUID) -> list[ApiKey]:
    """The account's keys that still work, newest first."""
    return (
        db.cursor(row_factory=class_row(ApiKey))
        .execute(
            "SELECT " + _COLUMNS + " FROM api_keys"
            " WHERE user_id = %(user_id)s AND revoked_at IS NULL ORDER BY api_key_id DESC",
            {"user_id": user_id},
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A presented key that works; `is_first_this_hour` says whether the use is worth an entry in the audit log."""

    api_key_id: UUID
    user_id: UUID
    is_first_this_hour: bool


def update_api_key_used(db: Connection, key_hash: bytes) -> KeyUse | None:
    """Whose a presented key is, noting its use at most once a minute; None for an unknown or revoked key."""
    return (
        db.cursor(row_factory=class_row(KeyUse))
        .execute(
            "WITH used AS ("
            "  UPDATE api_keys SET last_used_at = house_now() WHERE key_hash = %(key_hash)s AND revoked_at IS NULL"
            "  AND (last_used_at IS NULL OR last_used_at < house_now() - interval '1 minute'))"
            " SELECT api_key_id, user_id, date_trunc('hour', last_used_at)"
            " IS DISTINCT FROM date_trunc('hour', house_now()) AS is_first_this_hour"
            " FROM api_keys WHERE key_hash = %(key_hash)s AND revoked_at IS NULL",
            {"key_hash": key_hash},
        )
        .fetchone()
    )


def update_api_key_revoked(db: Connection, *, api_key_id: UUID, user_id: UUID) -> bool:
    """End a key; False when the account has no such working key."""
    result = db.execute(
        "UPDATE api_keys SET revoked_at = house_now()"
        " WHERE api_key_id = %(api_key_id)s AND user_id = %(user_id)s AND revoked_at IS NULL",
        {"api_key_id": api_key_id, "user_id": user_id},
    )
    return result.rowcount == 1


def update_api_keys_revoked(db: Connection, user_id: UUID) -> int:
    """End every key of an account; returns how many still worked."""
    return db.execute(
        "UPDATE api_keys SET revoked_at = house_now() WHERE user_id = %(user_id)s AND revoked_at IS NULL",
        {"user_id": user_id},
    ).rowcount


def delete_api_keys(db: Connection, user_id: UUID) -> int:
    """Forget every key of an account, working or not; returns how many there were."""
    return db.execute("DELETE FROM api_keys WHERE user_id = %(user_id)s", {"user_id": user_id}).rowcount


def delete_revoked_api_keys(db: Connection, *, older_than_days: int, limit: int) -> int:
    """Forget keys that were ended so long ago; returns how many."""
    return db.execute(
        "DELETE FROM api_keys WHERE api_key_id IN (SELECT api_key_id FROM api_keys"
        " WHERE revoked_at < house_now() - make_interval(days => %(days)s) LIMIT %(limit)s FOR UPDATE SKIP LOCKED)",
        {"days": older_than_days, "limit": limit},
    ).rowcount
