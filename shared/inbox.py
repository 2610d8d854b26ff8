"""The inbox: the table `inbox`. A verified webhook is kept here before it is answered, and worked on later."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString

from psycopg.rows import class_row

from shared.db import Connection

USER_DELETED = "user.deleted"
_COLUMNS: LiteralString = (
    "provider, event_id, event_type, subject, status, payload, reason, attempts, received_at, handled_at"
)


class InboxProvider(StrEnum):
    """Who sent an event."""

    STRIPE = "stripe"
    CLERK = "clerk"


class InboxStatus(StrEnum):
    """set_aside: cannot be explained; nothing was done and an operator looks at it."""

    RECEIVED = "received"
    HANDLED = "handled"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A row of `inbox`; `subject` is the provider's id of what the event is about."""

    provider: InboxProvider
    event_id: str
    event_type: str
    subject: str
    status: InboxStatus
    payload: bytes | None
    reason: str | None
    attempts: int
    received_at: datetime
    handled_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provider", InboxProvider(self.provider))
        object.__setattr__(self, "status", InboxStatus(self.status))


def insert_event(
    db: Connection, *, provider: InboxProvider, event_id: str, event_type: str, subject: str, payload: bytes
) -> bool:
    """Keep an event; False when it has been kept before."""
    result = db.execute(
        "INSERT INTO inbox (provider, event_id, event_type, subject, payload)"
        " VALUES (%(provider)s, %(event_id)s, %(event_type)s, %(subject)s, %(payload)s)"
        " ON CONFLICT (provider, event_id) DO NOTHING",
        {
            "provider": provider,
            "event_id": event_id,
            "event_type": event_type,
            "subject": subject,
            "payload": payload,
        },
    )
    return result.rowcount == 1


def update_event_claimed(
    db: Connection, *, provider: InboxProvider, event_id: str, claim_seconds: float
) -> InboxEvent | None:
    """Take an event to work on; None when it is done, or another worker has it."""
    return (
        db.cursor(row_factory=class_row(InboxEvent))
        .execute(
            "UPDATE inbox SET attempts = attempts + 1, run_at = house_now() + make_interval(secs => %(seconds)s)"
            " WHERE provider = %(provider)s AND event_id = %(event_id)s AND status = 'received'"
            " AND run_at <= house_now() RETURNING " + _COLUMNS,
            {"provider": provider, "event_id": event_id, "seconds": claim_seconds},
        )
        .fetchone()
    )


def update_event_handled(db: Connection, event: InboxEvent, *, status: InboxStatus, reason: str | None = None) -> bool:
    """The event is handled, or set aside with a reason. What it carried is forgotten once it is handled."""
    result = db.execute(
        "UPDATE inbox SET status = %(status)s::inbox_status, reason = %(reason)s, handled_at = house_now(),"
        " payload = CASE WHEN %(status)s::inbox_status = 'handled' THEN NULL ELSE payload END"
        " WHERE provider = %(provider)s AND event_id = %(event_id)s AND status <> 'handled'",
        {"provider": event.provider, "event_id": event.event_id, "status": status, "reason": reason},
    )
    return result.rowcount == 1


def update_event_retried(db: Connection, event: InboxEvent, *, pause_seconds: float, reason: str) -> bool:
    """Let the event be tried again after a pause, and say what went wrong."""
    result = db.execute(
        "UPDATE inbox SET reason = %(reason)s, run_at = house_now() + make_interval(secs => %(pause_seconds)s)"
        " WHERE provider = %(provider)s AND event_id = %(event_id)s AND status = 'received'",
        {
            "provider": event.provider,
            "event_id": event.event_id,
            "pause_seconds": pause_seconds,
            "reason": reason,
        },
    )
    return result.rowcount == 1


def update_event_received(db: Connection, *, provider: InboxProvider, event_id: str) -> bool:
    """Bring an event that was set aside back to be worked on; for operators."""
    result = db.execute(
        "UPDATE inbox SET status = 'received', handled_at = NULL, attempts = 0, run_at = house_now()"
        " WHERE provider = %(provider)s AND event_id = %(event_id)s AND status = 'set_aside'",
        {"provider": provider, "event_id": event_id},
    )
    return result.rowcount == 1


def update_event_payload(db: Connection, event: InboxEvent, *, payload: bytes) -> bool:
    """Replace what an event carries by the same under a newer key; False when it changed meanwhile."""
    result = db.execute(
        "UPDATE inbox SET payload = %(new)s"
        " WHERE provider = %(provider)s AND event_id = %(event_id)s AND payload = %(old)s",
        {"provider": event.provider, "event_id": event.event_id, "old": event.payload, "new": payload},
    )
    return result.rowcount == 1


def select_events_due(db: Connection, *, limit: int) -> list[InboxEvent]:
    """Events that nobody works on, oldest first."""
    return (
        db.cursor(row_factory=class_row(InboxEvent))
        .execute(
            "SELECT " + _COLUMNS + " FROM inbox WHERE status = 'received' AND run_at <= house_now()"
            " ORDER BY run_at LIMIT %(limit)s",
            {"limit": limit},
        )
        .fetchall()
    )


def select_events_set_aside(db: Connection, *, limit: int) -> list[InboxEvent]:
    """Events that an operator has to look at, newest first."""
    return (
        db.cursor(row_factory=class_row(InboxEvent))
        .execute(
            "SELECT " + _COLUMNS + " FROM inbox WHERE status = 'set_aside' ORDER BY received_at DESC LIMIT %(limit)s",
            {"limit": limit},
        )
        .fetchall()
    )


def select_events_with_payload(db: Connection, *, limit: int, after: tuple[InboxProvider, str]) -> list[InboxEvent]:
    """Events that still carry something, after `after` in the order of their ids; for the rotation of keys."""
    return (
        db.cursor(row_factory=class_row(InboxEvent))
        .execute(
            "SELECT " + _COLUMNS + " FROM inbox WHERE payload IS NOT NULL"
            " AND (provider, event_id) > (%(provider)s::inbox_provider, %(event_id)s)"
            " ORDER BY provider, event_id LIMIT %(limit)s",
            {"provider": after[0], "event_id": after[1], "limit": limit},
        )
        .fetchall()
    )


def delete_events_about(db: Connection, subject: str) -> int:
    """Forget every event about this subject of a provider's; returns how many there were."""
    return db.execute("DELETE FROM inbox WHERE subject = %(subject)s", {"subject": subject}).rowcount


def delete_old_events(db: Connection, *, status: InboxStatus, older_than_days: int, limit: int) -> int:
    """Forget events that were handled, or set aside, so long ago; returns how many."""
    return db.execute(
        "DELETE FROM inbox WHERE (provider, event_id) IN (SELECT provider, event_id FROM inbox"
        " WHERE status = %(status)s AND handled_at < house_now() - make_interval(days => %(days)s)"
        " LIMIT %(limit)s FOR UPDATE SKIP LOCKED)",
        {"status": status, "days": older_than_days, "limit": limit},
    ).rowcount
