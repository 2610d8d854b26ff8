"""Purchases: the table `purchases`. The row is made before Stripe hears of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared.db import Connection

_COLUMNS: LiteralString = (
    "purchase_id, user_id, package_id, status, credits, amount, currency, expected_tax, session_id,"
    " payment_intent_id, total, tax, version, details, created_at, expires_at, paid_at"
)


class PurchaseStatus(StrEnum):
    """open: not paid yet, or the money is under way; refunded: all of it went back, by refund or dispute."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Purchase:
    """A row of `purchases`; `amount` before tax, `total` with it, `tax` of it, all in minor units of `currency`."""

    purchase_id: UUID
    user_id: UUID
    package_id: str
    status: PurchaseStatus
    credits: Decimal
    amount: int
    currency: str
    expected_tax: Mapping[str, object] | None
    session_id: str | None
    payment_intent_id: str | None
    total: int | None
    tax: int | None
    version: int
    details: bytes | None
    created_at: datetime
    expires_at: datetime | None
    paid_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", PurchaseStatus(self.status))


def insert_purchase(
    db: Connection,
    *,
    purchase_id: UUID,
    user_id: UUID,
    package_id: str,
    expected_tax: Mapping[str, object] | None,
    details: bytes,
) -> Purchase | None:
    """Begin a purchase at the package's present price; None when the package is not on sale."""
    return (
        db.cursor(row_factory=class_row(Purchase))
        .execute(
            "INSERT INTO purchases (purchase_id, user_id, package_id, credits, amount, currency, expected_tax, details)"
            " SELECT %(purchase_id)s, %(user_id)s, package_id, credits, price, currency, %(expected_tax)s, %(details)s"
            " FROM credit_packages WHERE package_id = %(package_id)s AND is_active RETURNING " + _COLUMNS,
            {
                "purchase_id": purchase_id,
                "user_id": user_id,
                "package_id": package_id,
                "expected_tax": None if expected_tax is None else Jsonb(expected_tax),
                "details": details,
            },
        )
        .fetchone()
    )


def update_purchase_opened(db: Connection, purchase_id: UUID, *, session_id: str, expires_at: datetime) -> bool:
    """Note the session that Stripe made for an open purchase; False when another one is noted."""
    result = db.execute(
        "UPDATE purchases SET session_id = %(session_id)s, expires_at = %(expires_at)s"
        " WHERE purchase_id = %(purchase_id)s AND (session_id IS NULL OR session_id = %(session_id)s)",
        {"purchase_id": purchase_id, "session_id": session_id, "expires_at": expires_at},
    )
    return result.rowcount == 1


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement writes; `is_paid` also when the money went back later."""

    status: PurchaseStatus
    session_id: str
    payment_intent_id: str | None
    total: int | None
    tax: int | None
    details: bytes | None
    is_paid: bool


def update_purchase_settled(db: Connection, purchase_id: UUID, version: int, new: Settled) -> bool:
    """Write what Stripe says now; False when another settlement came in between, whose facts may be newer."""
    result = db.execute(
        "UPDATE purchases SET status = %(status)s, session_id = %(session_id)s,"
        " payment_intent_id = %(payment_intent_id)s, total = %(total)s, tax = %(tax)s,"
        " details = coalesce(%(details)s, details), version = version + 1,"
        " paid_at = CASE WHEN %(is_paid)s THEN coalesce(paid_at, house_now()) END"
        " WHERE purchase_id = %(purchase_id)s AND version = %(version)s",
        {
            "purchase_id": purchase_id,
            "version": version,
            "status": new.status,
            "session_id": new.session_id,
            "payment_intent_id": new.payment_intent_id,
            "total": new.total,
            "tax": new.tax,
            "details": new.details,
            "is_paid": new.is_paid,
        },
    )
    return result.rowcount == 1


def update_purchase_abandoned(db: Connection, purchase_id: UUID, *, older_than_hours: int) -> bool:
    """Expire an open purchase that never came to have a session."""
    result = db.execute(
        "UPDATE purchases SET status = 'expired', version = version + 1 WHERE purchase_id = %(purchase_id)s"
        " AND status = 'open' AND session_id IS NULL"
        " AND created_at < house_now() - make_interval(hours => %(hours)s)",
        {"purchase_id": purchase_id, "hours": older_than_hours},
    )
    return result.rowcount == 1


def update_purchase_details(db: Connection, purchase_id: UUID, *, old: bytes, new: bytes) -> bool:
    """Replace the encrypted details by the same ones under a newer key; False when they have changed meanwhile."""
    result = db.execute(
        "UPDATE purchases SET details = %(new)s WHERE purchase_id = %(purchase_id)s AND details = %(old)s",
        {"purchase_id": purchase_id, "old": old, "new": new},
    )
    return result.rowcount == 1


def select_purchase(db: Connection, purchase_id: UUID) -> Purchase | None:
    """The purchase with this id."""
    return (
        db.cursor(row_factory=class_row(Purchase))
        .execute(
            "SELECT " + _COLUMNS + " FROM purchases WHERE purchase_id = %(purchase_id)s", {"purchase_id": purchase_id}
        )
        .fetchone()
    )


def select_purchase_by_session(db: Connection, session_id: str) -> Purchase | None:
    """The purchase that Stripe knows by this session."""
    return (
        db.cursor(row_factory=class_row(Purchase))
        .execute("SELECT " + _COLUMNS + " FROM purchases WHERE session_id = %(session_id)s", {"session_id": session_id})
        .fetchone()
    )


def select_purchases_to_reconcile(db: Connection, *, hours: int, limit: int, after: UUID | None) -> list[Purchase]:
    """Purchases made within so many hours, and older ones that are still open; oldest first, after `after`."""
    return (
        db.cursor(row_factory=class_row(Purchase))
        .execute(
            "SELECT " + _COLUMNS + " FROM purchases"
            " WHERE (status = 'open' OR created_at >= house_now() - make_interval(hours => %(hours)s))"
            " AND (%(after)s::uuid IS NULL OR purchase_id > %(after)s::uuid) ORDER BY purchase_id LIMIT %(limit)s",
            {"hours": hours, "after": after, "limit": limit},
        )
        .fetchall()
    )


def select_purchases_with_details(db: Connection, *, limit: int, after: UUID | None) -> list[Purchase]:
    """Purchases that hold encrypted details, oldest first, after `after`; for the rotation of keys."""
    return (
        db.cursor(row_factory=class_row(Purchase))
        .execute(
            "SELECT " + _COLUMNS + " FROM purchases WHERE details IS NOT NULL"
            " AND (%(after)s::uuid IS NULL OR purchase_id > %(after)s::uuid) ORDER BY purchase_id LIMIT %(limit)s",
            {"after": after, "limit": limit},
        )
        .fetchall()
    )


def select_purchases_to_forget(db: Connection, user_id: UUID, *, limit: int, after: UUID | None) -> list[Purchase]:
    """A person's purchases, oldest first, after `after`; held until the database transaction ends."""
    return (
        db.cursor(row_factory=class_row(Purchase))
        .execute(
            "SELECT " + _COLUMNS + " FROM purchases WHERE user_id = %(user_id)s"
            " AND (%(after)s::uuid IS NULL OR purchase_id > %(after)s::uuid)"
            " ORDER BY purchase_id LIMIT %(limit)s FOR UPDATE",
            {"user_id": user_id, "after": after, "limit": limit},
        )
        .fetchall()
    )


def update_purchase_forgotten(db: Connection, purchase_id: UUID, *, details: bytes | None) -> bool:
    """Take everything personal out of a purchase but what `details` still holds.

    A settlement that has read the row before is refused by its version, so it cannot bring anything back.
    """
    result = db.execute(
        "UPDATE purchases SET details = %(details)s, expected_tax = expected_tax || '{\"vat_id\": null}',"
        " version = version + 1 WHERE purchase_id = %(purchase_id)s",
        {"purchase_id": purchase_id, "details": details},
    )
    return result.rowcount == 1


def delete_abandoned_purchases(db: Connection, *, older_than_days: int, limit: int) -> int:
    """Forget purchases that were begun so long ago and never paid; returns how many."""
    return db.execute(
        "DELETE FROM purchases WHERE purchase_id IN (SELECT purchase_id FROM purchases p"
        " WHERE status IN ('expired', 'failed') AND paid_at IS NULL"
        " AND created_at < house_now() - make_interval(days => %(days)s)"
        " AND NOT EXISTS (SELECT FROM reversals r WHERE r.purchase_id = p.purchase_id)"
        " LIMIT %(limit)s FOR UPDATE SKIP LOCKED)",
        {"days": older_than_days, "limit": limit},
    ).rowcount
