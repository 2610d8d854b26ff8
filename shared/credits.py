"""Credits: the ledger `transactions` and the balances it explains.

Each verb is one SQL statement that moves the balance and writes the entry that says so; nothing else
writes either. The database has the last word: a balance cannot go below zero, and a job has at most
one reservation and one settlement (unique indexes), whoever asks twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from shared import jobs
from shared.db import Connection
from shared.jobs import Job, JobKind

TENTH = Decimal("0.1")
NO_CREDITS = Decimal("0.0")
_COLUMNS: LiteralString = (
    "transaction_id, user_id, transaction_type, entry, job_id, purchase_id, available_delta, reserved_delta,"
    " credits_deducted, amount, currency, vat_info, reason, transaction_timestamp"
)


class TransactionType(StrEnum):
    """What an entry is for."""

    PREVIEW = "preview"
    VECTORIZE = "vectorize"
    PURCHASE = "purchase"
    GRANT = "grant"
    REFUND = "refund"
    DISPUTE = "dispute"
    CORRECTION = "correction"


class LedgerEntry(StrEnum):
    """How an entry moves credits: held, spent, given back, added, taken."""

    RESERVE = "reserve"
    CAPTURE = "capture"
    RELEASE = "release"
    CREDIT = "credit"
    DEBIT = "debit"


TYPE_OF_JOB: Mapping[JobKind, TransactionType] = {
    JobKind.PREVIEW: TransactionType.PREVIEW,
    JobKind.VECTORIZATION: TransactionType.VECTORIZE,
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A row of the ledger; deltas in credits, `amount` in major units of `currency`."""

    transaction_id: UUID
    user_id: UUID
    transaction_type: TransactionType
    entry: LedgerEntry
    job_id: UUID | None
    purchase_id: UUID | None
    available_delta: Decimal
    reserved_delta: Decimal
    credits_deducted: Decimal
    amount: Decimal | None
    currency: str | None
    vat_info: Mapping[str, object] | None
    reason: str | None
    transaction_timestamp: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "transaction_type", TransactionType(self.transaction_type))
        object.__setattr__(self, "entry", LedgerEntry(self.entry))


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a submit asks for; `price` in credits, `resend_seconds` until the sweep repeats the message.

    An available balance that falls below `low_balance` by it is noted as an event. `request_id` and `traceparent` say
    which request this is, for the worker's log and spans.
    """

    job_id: UUID
    transaction_id: UUID
    user_id: UUID
    image_id: UUID
    kind: JobKind
    price: Decimal
    options: Mapping[str, object]
    formats: Sequence[str]
    task: str
    resend_seconds: float
    low_balance: Decimal = Decimal(0)
    request_id: str | None = None
    traceparent: str | None = None


def reserve(db: Connection, new: NewJob) -> Job | None:
    """Hold the price and make the job and its wake-up, all or nothing.

    None when the image cannot be used or the available balance does not cover the price: then nothing was
    changed. The image is locked against deletion until the database transaction ends.
    """
    return (
        db.cursor(row_factory=class_row(Job))
        .execute(
            "WITH image AS (SELECT image_id FROM images WHERE image_id = %(image_id)s AND user_id = %(user_id)s"
            "  AND status = 'ready' AND deleted_at IS NULL AND expiry_timestamp > house_now() FOR SHARE),"
            " payer AS (UPDATE users SET credit_balance = credit_balance - %(price)s,"
            "  credits_reserved = credits_reserved + %(price)s"
            "  WHERE user_id = %(user_id)s AND credit_balance >= %(price)s AND EXISTS (SELECT FROM image)"
            "  RETURNING user_id, credit_balance),"
            " low AS (INSERT INTO analytics (analytics_id, user_id, action_type, additional_data)"
            "  SELECT %(transaction_id)s, user_id, 'low_balance',"
            "  jsonb_build_object('available', credit_balance::text) FROM payer"
            "  WHERE credit_balance < %(low_balance)s AND credit_balance + %(price)s >= %(low_balance)s),"
            " job AS (INSERT INTO jobs (job_id, user_id, image_id, kind, price, options, formats,"
            "  request_id, traceparent)"
            "  SELECT %(job_id)s, user_id, %(image_id)s, %(kind)s, %(price)s, %(options)s, %(formats)s,"
            "  %(request_id)s, %(traceparent)s FROM payer RETURNING *),"
            " entry AS (INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, job_id,"
            "  available_delta, reserved_delta)"
            "  SELECT %(transaction_id)s, user_id, %(type)s, 'reserve', job_id, -price, price FROM job),"
            " wakeup AS (INSERT INTO wakeups (subject_id, user_id, task, send_at)"
            "  SELECT job_id, user_id, %(task)s, house_now() + make_interval(secs => %(resend_seconds)s) FROM job)"
            " SELECT " + jobs.COLUMNS + " FROM job",
            {
                "job_id": new.job_id,
                "transaction_id": new.transaction_id,
                "user_id": new.user_id,
                "image_id": new.image_id,
                "kind": new.kind,
                "type": TYPE_OF_JOB[new.kind],
                "price": new.price,
                "options": Jsonb(new.options),
                "formats": list(new.formats),
                "task": new.task,
                "resend_seconds": new.resend_seconds,
                "low_balance": new.low_balance,
                "request_id": new.request_id,
                "traceparent": new.traceparent,
            },
        )
        .fetchone()
    )


def capture(db: Connection, *, transaction_id: UUID, job_id: UUID) -> bool:
    """Spend a job's reservation for good; False when it has been settled already."""
    result = db.execute(
        "WITH entry AS (INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, job_id,"
        "  available_delta, reserved_delta)"
        "  SELECT %(transaction_id)s, user_id, transaction_type, 'capture', job_id, 0, -reserved_delta"
        "  FROM transactions WHERE job_id = %(job_id)s AND entry = 'reserve'"
        "  ON CONFLICT (job_id) WHERE entry IN ('capture', 'release') DO NOTHING"
        "  RETURNING user_id, reserved_delta)"
        " UPDATE users SET credits_reserved = credits_reserved + entry.reserved_delta"
        " FROM entry WHERE users.user_id = entry.user_id",
        {"transaction_id": transaction_id, "job_id": job_id},
    )
    return result.rowcount == 1


def release(db: Connection, *, transaction_id: UUID, job_id: UUID) -> bool:
    """Give a job's reservation back; False when it has been settled already."""
    result = db.execute(
        "WITH entry AS (INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, job_id,"
        "  available_delta, reserved_delta)"
        "  SELECT %(transaction_id)s, user_id, transaction_type, 'release', job_id, reserved_delta, -reserved_delta"
        "  FROM transactions WHERE job_id = %(job_id)s AND entry = 'reserve'"
        "  ON CONFLICT (job_id) WHERE entry IN ('capture', 'release') DO NOTHING"
        "  RETURNING user_id, available_delta, reserved_delta)"
        " UPDATE users SET credit_balance = credit_balance + entry.available_delta,"
        " credits_reserved = credits_reserved + entry.reserved_delta,"
        " debt_since = CASE WHEN credit_balance + entry.available_delta < 0 THEN debt_since END"
        " FROM entry WHERE users.user_id = entry.user_id",
        {"transaction_id": transaction_id, "job_id": job_id},
    )
    return result.rowcount == 1


def adjust(
    db: Connection,
    *,
    transaction_id: UUID,
    user_id: UUID,
    transaction_type: TransactionType,
    amount: Decimal,
    reason: str,
) -> Decimal | None:
    """Add `amount` credits, or take them when negative, and say why; returns the new available balance.

    None when there is no such account, or when this is the account's second sign-up grant. Raises
    psycopg.errors.CheckViolation when more is taken than is available, and ValueError for zero. What is added
    pays a debt first; no hand may deepen one.
    """
    if amount == 0:
        raise ValueError("an entry must move something")
    row = db.execute(
        "WITH entry AS (INSERT INTO transactions (transaction_id, user_id, transaction_type, entry,"
        "  available_delta, reserved_delta, reason)"
        "  SELECT %(transaction_id)s, user_id, %(type)s, %(entry)s, %(credits)s, 0, %(reason)s"
        "  FROM users WHERE user_id = %(user_id)s"
        "  ON CONFLICT (user_id) WHERE transaction_type = 'grant' AND reason = 'sign-up' DO NOTHING"
        "  RETURNING user_id, available_delta)"
        " UPDATE users SET credit_balance = credit_balance + entry.available_delta,"
        " debt_since = CASE WHEN credit_balance + entry.available_delta < 0 AND entry.available_delta > 0"
        "  THEN debt_since END"
        " FROM entry WHERE users.user_id = entry.user_id RETURNING credit_balance",
        {
            "transaction_id": transaction_id,
            "user_id": user_id,
            "type": transaction_type,
            "entry": LedgerEntry.CREDIT if amount > 0 else LedgerEntry.DEBIT,
            "credits": amount,
            "reason": reason,
        },
    ).fetchone()
    return None if row is None else row[0]


def select_transactions(db: Connection, user_id: UUID, *, limit: int, before: UUID | None = None) -> list[Transaction]:
    """The account's ledger, newest first, older than `before`."""
    return (
        db.cursor(row_factory=class_row(Transaction))
        .execute(
            "SELECT " + _COLUMNS + " FROM transactions WHERE user_id = %(user_id)s"
            " AND (%(before)s::uuid IS NULL OR transaction_id < %(before)s::uuid)"
            " ORDER BY transaction_id DESC LIMIT %(limit)s",
            {"user_id": user_id, "before": before, "limit": limit},
        )
        .fetchall()
    )


def update_entries_forgotten(db: Connection, user_id: UUID) -> int:
    """Take out of a person's entries who they were: VAT ids, and what an operator has written; returns how many.

    What was moved, when, where taxed and at which rate stays: accounting law asks for it.
    """
    return db.execute(
        "UPDATE transactions SET vat_info = CASE WHEN vat_info ->> 'vat_id' IS NULL THEN vat_info"
        " ELSE vat_info || '{\"vat_id\": null}' END,"
        " reason = CASE WHEN reason = 'sign-up' THEN reason WHEN reason IS NOT NULL THEN 'forgotten' END"
        " WHERE user_id = %(user_id)s"
        " AND (vat_info ->> 'vat_id' IS NOT NULL OR reason NOT IN ('sign-up', 'forgotten'))",
        {"user_id": user_id},
    ).rowcount
