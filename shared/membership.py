"""How an account begins, and what an operator may give it."""

from decimal import Decimal
from uuid import UUID

import psycopg

from shared import accounts, credits, events, purges
from shared.accounts import Account
from shared.credits import TransactionType
from shared.db import Connection, act_as
from shared.errors import InsufficientCredits, NotFound, RequestInvalid, Unauthenticated
from shared.events import ActionType
from shared.ids import new_id
from shared.webhooks import Person

SIGN_UP = "sign-up"


def enter(db: Connection, *, clerk_id: str, email: str | None, name: str | None, grant: Decimal) -> Account:
    """The account of a verified sign-in, opened at its first sight with `grant` credits.

    The database transaction must act for `clerk_id`. An address that another account has is left out, for
    the sign-in id is who a person is; the provider's webhook brings the address when it is free. Raises
    Unauthenticated for somebody who has deleted their sign-in, whose last session may still be good for a minute.
    """
    known = accounts.select_account_by_clerk_id(db, clerk_id)
    if known is not None:
        return known
    if purges.select_is_departed(db, clerk_id):
        raise Unauthenticated("This account has been deleted.")
    account = accounts.insert_account(db, user_id=new_id(), clerk_id=clerk_id, email=email, name=name)
    if account is None:
        raced = accounts.select_account_by_clerk_id(db, clerk_id)
        if raced is not None:
            return raced
        account = accounts.insert_account(db, user_id=new_id(), clerk_id=clerk_id, email=None, name=name)
    assert account is not None
    act_as(db, account.user_id)
    if grant > 0:
        credits.adjust(
            db,
            transaction_id=new_id(),
            user_id=account.user_id,
            transaction_type=TransactionType.GRANT,
            amount=grant,
            reason=SIGN_UP,
        )
    events.insert_event(db, analytics_id=new_id(), user_id=account.user_id, action_type=ActionType.SIGN_UP, data={})
    granted = accounts.select_account(db, account.user_id)
    assert granted is not None
    return granted


def grant_credits(db: Connection, *, user_id: UUID, amount: Decimal, reason: str) -> Decimal:
    """Give credits (or take them back when negative) by an operator's hand; returns the available balance.

    Raises RequestInvalid for zero or finer than a tenth, NotFound for an unknown account, and
    InsufficientCredits when more is taken than is available.
    """
    if amount == 0 or amount != amount.quantize(credits.TENTH):
        raise RequestInvalid("Credits are given in tenths, and not zero of them.")
    kind = TransactionType.GRANT if amount > 0 else TransactionType.CORRECTION
    try:
        balance = credits.adjust(
            db,
            transaction_id=new_id(),
            user_id=user_id,
            transaction_type=kind,
            amount=amount,
            reason=reason if reason != SIGN_UP else f"{SIGN_UP} (by hand)",
        )
    except psycopg.errors.CheckViolation:
        raise InsufficientCredits("The account does not have that many credits available.") from None
    if balance is None:
        raise NotFound("There is no such account.")
    return balance


def set_balance(db: Connection, *, user_id: UUID, target: Decimal, reason: str) -> Decimal:
    """Bring the available balance to exactly `target` by one ledger entry, or none when it is there already."""
    account = accounts.select_account(db, user_id)
    if account is None:
        raise NotFound("There is no such account.")
    if account.credit_balance == target:
        return target
    return grant_credits(db, user_id=user_id, amount=target - account.credit_balance, reason=reason)


def keep_person(db: Connection, person: Person, *, grant: Decimal) -> Account | None:
    """Keep what the sign-in provider says of somebody: older news than what is kept changes nothing.

    The database transaction must act for their sign-in id. Opens the account at its first sight; None for somebody who
    has left. An address that another account has is left out.
    """
    if purges.select_is_departed(db, person.clerk_id):
        return None
    account = enter(db, clerk_id=person.clerk_id, email=person.email, name=person.name, grant=grant)
    try:
        with db.transaction():
            _update(db, account, person, person.email)
    except psycopg.errors.UniqueViolation:
        _update(db, account, person, account.email)
    return accounts.select_account(db, account.user_id)


def _update(db: Connection, account: Account, person: Person, email: str | None) -> None:
    accounts.update_account_person(db, account.user_id, email=email, name=person.name, updated_at=person.updated_at)
