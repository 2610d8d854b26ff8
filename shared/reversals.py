"""Refunds and disputes: the table `reversals`, by Stripe's ids."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection

_COLUMNS: LiteralString = "reversal_id, purchase_id, user_id, kind, status, amount, tax, credits, moves, happened_at"


class ReversalKind(StrEnum):
    """Who sends the money back: we (a refund) or the customer's bank (a dispute)."""

    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a refund or dispute takes back at present: `amount` (of it `tax`) in minor units, and `credits`."""

    reversal_id: str
    purchase_id: UUID
    user_id: UUID
    kind: ReversalKind
    status: str
    amount: int
    tax: int
    credits: Decimal
    moves: int
    happened_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", ReversalKind(self.kind))


def select_reversals(db: Connection, purchase_id: UUID) -> list[Reversal]:
    """The refunds and disputes of a purchase that are known, oldest first."""
    return (
        db.cursor(row_factory=class_row(Reversal))
        .execute(
            "SELECT " + _COLUMNS + " FROM reversals WHERE purchase_id = %(purchase_id)s"
            " ORDER BY happened_at, reversal_id",
            {"purchase_id": purchase_id},
        )
        .fetchall()
    )


def insert_reversal(db: Connection, new: Reversal) -> int:
    """Write what a refund or dispute takes back now; returns the number of this move, from 1. `new.moves` is not read.

    The purchase's row must be held by the database transaction.
    """
    row = db.execute(
        "INSERT INTO reversals (reversal_id, purchase_id, user_id, kind, status, amount, tax, credits, happened_at)"
        " VALUES (%(reversal_id)s, %(purchase_id)s, %(user_id)s, %(kind)s, %(status)s, %(amount)s, %(tax)s,"
        " %(credits)s, %(happened_at)s)"
        " ON CONFLICT (reversal_id) DO UPDATE SET status = excluded.status, amount = excluded.amount,"
        " tax = excluded.tax, credits = excluded.credits, moves = reversals.moves + 1, updated_at = house_now()"
        " RETURNING moves",
        {
            "reversal_id": new.reversal_id,
            "purchase_id": new.purchase_id,
            "user_id": new.user_id,
            "kind": new.kind,
            "status": new.status,
            "amount": new.amount,
            "tax": new.tax,
            "credits": new.credits,
            "happened_at": new.happened_at,
        },
    ).fetchone()
    assert row is not None
    return row[0]
