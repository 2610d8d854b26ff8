"""Who did what with an account: the partitioned table `audit_log`. Appended to, never changed, nothing personal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

SESSION_DAYS = 30


class AuditActor(StrEnum):
    """Who acted: whoever the account belongs to, an operator, or the house by itself."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    HOUSE = "house"


class AuditAction(StrEnum):
    """What was done."""

    SIGN_IN = "sign_in"
    KEY_USE = "key_use"
    KEY_MADE = "key_made"
    KEY_ENDED = "key_ended"
    ADMIN_READ = "admin_read"
    EXPORT = "export"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A row of `audit_log`."""

    user_id: UUID | None
    actor: AuditActor
    action: AuditAction
    details: Mapping[str, object]
    happened_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "actor", AuditActor(self.actor))
        object.__setattr__(self, "action", AuditAction(self.action))


def insert_audit(
    db: Connection,
    *,
    audit_id: UUID,
    user_id: UUID | None,
    actor: AuditActor,
    action: AuditAction,
    details: Mapping[str, object],
) -> None:
    """Note what was done, in the database transaction that does it."""
    db.execute(
        "INSERT INTO audit_log (audit_id, user_id, actor, action, details)"
        " VALUES (%(audit_id)s, %(user_id)s, %(actor)s, %(action)s, %(details)s)",
        {"audit_id": audit_id, "user_id": user_id, "actor": actor, "action": action, "details": Jsonb(details)},
    )


def insert_sign_in(db: Connection, *, audit_id: UUID, user_id: UUID, session_hash: str) -> bool:
    """Note a session at its first sight; False when it was seen within the last thirty days."""
    result = db.execute(
        "INSERT INTO audit_log (audit_id, user_id, actor, action, details)"
        " SELECT %(audit_id)s, %(user_id)s, 'customer', 'sign_in', jsonb_build_object('session', %(session)s::text)"
        " WHERE NOT EXISTS (SELECT FROM audit_log WHERE user_id = %(user_id)s AND action = 'sign_in'"
        " AND happened_at > house_now() - make_interval(days => %(days)s)"
        " AND details ->> 'session' = %(session)s::text)",
        {"audit_id": audit_id, "user_id": user_id, "session": session_hash, "days": SESSION_DAYS},
    )
    return result.rowcount == 1


def select_audit(db: Connection, user_id: UUID, *, limit: int) -> list[AuditEntry]:
    """What was done with an account, newest first."""
    return (
        db.cursor(row_factory=class_row(AuditEntry))
        .execute(
            "SELECT user_id, actor, action, details, happened_at FROM audit_log"
            " WHERE user_id = %(user_id)s ORDER BY happened_at DESC, audit_id DESC LIMIT %(limit)s",
            {"user_id": user_id, "limit": limit},
        )
        .fetchall()
    )
