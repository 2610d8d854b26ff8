"""Accounts: the table `users`. Personal data lives in `clerk_id`, `email` and `name` alone."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from shared.db import Connection

_COLUMNS: LiteralString = "user_id, clerk_id, email, name, credit_balance, credits_reserved, created_at"


@dataclass(frozen=True, slots=True)
class Account:
    """A row of `users`. `credit_balance` is available, `credits_reserved` is held by unfinished jobs."""

    user_id: UUID
    clerk_id: str | None
    email: str | None
    name: str | None
    credit_balance: Decimal
    credits_reserved: Decimal
    created_at: datetime


def insert_account(
    db: Connection, *, user_id: UUID, clerk_id: str, email: str | None, name: str | None
) -> Account | None:
    """Open an account; None when the sign-in id or the address has one already."""
    return (
        db.cursor(row_factory=class_row(Account))
        .execute(
            "INSERT INTO users (user_id, clerk_id, email, name)"
            " VALUES (%(user_id)s, %(clerk_id)s, %(email)s, %(name)s)"
            " ON CONFLICT DO NOTHING RETURNING " + _COLUMNS,
            {"user_id": user_id, "clerk_id": clerk_id, "email": email, "name": name},
        )
        .fetchone()
    )


def select_account(db: Connection, user_id: UUID) -> Account | None:
    """The account with this id."""
    return (
        db.cursor(row_factory=class_row(Account))
        .execute("SELECT " + _COLUMNS + " FROM users WHERE user_id = %(user_id)s", {"user_id": user_id})
        .fetchone()
    )


def select_account_by_clerk_id(db: Connection, clerk_id: str) -> Account | None:
    """The account of a verified sign-in; the database transaction must act for that sign-in."""
    return (
        db.cursor(row_factory=class_row(Account))
        .execute("SELECT " + _COLUMNS + " FROM users WHERE clerk_id = %(clerk_id)s", {"clerk_id": clerk_id})
        .fetchone()
    )


def select_account_by_email(db: Connection, email: str) -> Account | None:
    """The account with this address, in any spelling of case; for operators."""
    return (
        db.cursor(row_factory=class_row(Account))
        .execute("SELECT " + _COLUMNS + " FROM users WHERE lower(email) = lower(%(email)s)", {"email": email})
        .fetchone()
    )


def update_account_person(
    db: Connection, user_id: UUID, *, email: str | None, name: str | None, updated_at: datetime
) -> bool:
    """Keep what the sign-in provider says of a person; False when something as new is kept already.

    Raises psycopg.errors.UniqueViolation when another account has the address.
    """
    result = db.execute(
        "UPDATE users SET email = %(email)s, name = %(name)s, person_updated_at = %(updated_at)s"
        " WHERE user_id = %(user_id)s AND clerk_id IS NOT NULL"
        " AND (person_updated_at IS NULL OR person_updated_at < %(updated_at)s)",
        {"user_id": user_id, "email": email, "name": name, "updated_at": updated_at},
    )
    return result.rowcount == 1


def update_account_departed(db: Connection, user_id: UUID) -> bool:
    """Empty an account of everything personal and ask for its purge; False when that has been done."""
    result = db.execute(
        "UPDATE users SET clerk_id = NULL, email = NULL, name = NULL, purge_requested_at = house_now()"
        " WHERE user_id = %(user_id)s AND purge_requested_at IS NULL",
        {"user_id": user_id},
    )
    return result.rowcount == 1


def update_account_name(db: Connection, user_id: UUID, *, name: str | None) -> Account | None:
    """Keep what a person wants to be called; None for an account that was left."""
    return (
        db.cursor(row_factory=class_row(Account))
        .execute(
            "UPDATE users SET name = %(name)s WHERE user_id = %(user_id)s AND clerk_id IS NOT NULL"
            " RETURNING " + _COLUMNS,
            {"user_id": user_id, "name": name},
        )
        .fetchone()
    )
