"""First answers by Idempotency-Key: the table `idempotency_keys`.

The row is written in the database transaction of what the request made, so a request that did not
happen leaves no answer, and one that did cannot happen again: the primary key is the last word.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from shared.db import Connection


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it was first given to the request with this hash."""

    request_hash: bytes
    status: int
    headers: Mapping[str, str]
    body: object


def hash_of(*parts: str | bytes) -> bytes:
    """SHA-256 of the parts, each preceded by its length so that no two lists of parts look alike."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def select_answer(db: Connection, *, user_id: UUID, key_hash: bytes) -> tuple[bool, Answer | None]:
    """(whether this database transaction now holds the key, the first answer if there is one).

    Holding is an advisory lock that ends with the database transaction: False means that another request
    with the key is being worked on at this moment.
    """
    row = db.execute(
        "SELECT held, request_hash, status, headers, body FROM"
        " (SELECT pg_try_advisory_xact_lock(hashtextextended(%(user_id)s::text, 0)"
        " # ('x' || encode(substr(%(key_hash)s, 1, 8), 'hex'))::bit(64)::bigint) AS held) AS lock"
        " LEFT JOIN idempotency_keys ON user_id = %(user_id)s AND key_hash = %(key_hash)s",
        {"user_id": user_id, "key_hash": key_hash},
    ).fetchone()
    assert row is not None
    held, request_hash, status, headers, body = row
    return held, None if request_hash is None else Answer(bytes(request_hash), status, headers, body)


def insert_answer(db: Connection, *, user_id: UUID, key_hash: bytes, answer: Answer) -> bool:
    """Keep the first answer; False when another request with the key was first."""
    result = db.execute(
        "INSERT INTO idempotency_keys (user_id, key_hash, request_hash, status, headers, body)"
        " VALUES (%(user_id)s, %(key_hash)s, %(request_hash)s, %(status)s, %(headers)s, %(body)s)"
        " ON CONFLICT (user_id, key_hash) DO NOTHING",
        {
            "user_id": user_id,
            "key_hash": key_hash,
            "request_hash": answer.request_hash,
            "status": answer.status,
            "headers": Jsonb(answer.headers),
            "body": Jsonb(answer.body),
        },
    )
    return result.rowcount == 1


def delete_answers(db: Connection, *, older_than_hours: int, limit: int) -> int:
    """Forget answers that are old enough; returns how many."""
    return db.execute(
        "DELETE FROM idempotency_keys WHERE (user_id, key_hash) IN (SELECT user_id, key_hash FROM idempotency_keys"
        " WHERE created_at < house_now() - make_interval(hours => %(hours)s) ORDER BY created_at LIMIT %(limit)s"
        " FOR UPDATE SKIP LOCKED)",
        {"hours": older_than_hours, "limit": limit},
    ).rowcount


def delete_answers_of(db: Connection, user_id: UUID) -> int:
    """Forget every answer that was given to a person; returns how many."""
    return db.execute("DELETE FROM idempotency_keys WHERE user_id = %(user_id)s", {"user_id": user_id}).rowcount
