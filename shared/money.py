"""The ledger's entries of money: the credits of a purchase, and what refunds and disputes take back.

Like the verbs of shared/credits.py each is one SQL statement that writes the entry and moves the balance. What was
spent before its money went back leaves the balance below zero: a debt, marked by `debt_since`, that blocks
reservations until it is paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from shared.credits import LedgerEntry, TransactionType
from shared.db import Connection


@dataclass(frozen=True, slots=True)
class MoneyEntry:
    """One entry to write: `credits` move the available balance, `amount` (of it `tax`) is the money behind them.

    Money is in minor units, and below zero where it goes back. A few cents may be worth no credits at all.
    """

    transaction_id: UUID
    user_id: UUID
    purchase_id: UUID
    credits: Decimal
    amount: int
    currency: str
    tax: int
    vat_info: Mapping[str, object]

    @property
    def moves(self) -> LedgerEntry:
        """Which way it goes: as the credits do, or where they stand still, as the money does."""
        return LedgerEntry.CREDIT if (self.credits, self.amount, self.tax) > (0, 0, 0) else LedgerEntry.DEBIT


def credit_purchase(db: Connection, entry: MoneyEntry) -> bool:
    """Add the credits of a paid purchase; False when they have been added already. They pay a debt first."""
    result = db.execute(
        "WITH entry AS (INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, purchase_id,"
        "  available_delta, reserved_delta, amount, currency, vat_info)"
        "  VALUES (%(transaction_id)s, %(user_id)s, 'purchase', 'credit', %(purchase_id)s, %(credits)s, 0,"
        "  %(amount)s::numeric / 100, %(currency)s, %(vat_info)s)"
        "  ON CONFLICT (purchase_id) WHERE transaction_type = 'purchase' DO NOTHING"
        "  RETURNING user_id, available_delta)"
        " UPDATE users SET credit_balance = credit_balance + entry.available_delta,"
        " debt_since = CASE WHEN credit_balance + entry.available_delta < 0 THEN debt_since END"
        " FROM entry WHERE users.user_id = entry.user_id",
        _values(entry),
    )
    return result.rowcount == 1


def reverse(
    db: Connection, entry: MoneyEntry, *, transaction_type: TransactionType, reversal_id: str, move: int
) -> bool:
    """Take money and its credits back, or give them again; False when this move was made already.

    May leave the account in debt.
    """
    result = db.execute(
        "WITH entry AS (INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, purchase_id,"
        "  reversal_id, reversal_move, available_delta, reserved_delta, amount, currency, vat_info)"
        "  VALUES (%(transaction_id)s, %(user_id)s, %(type)s, %(entry)s, %(purchase_id)s, %(reversal_id)s, %(move)s,"
        "  %(credits)s, 0, %(amount)s::numeric / 100, %(currency)s, %(vat_info)s)"
        "  ON CONFLICT (reversal_id, reversal_move) WHERE reversal_id IS NOT NULL DO NOTHING"
        "  RETURNING user_id, available_delta)"
        " UPDATE users SET credit_balance = credit_balance + entry.available_delta,"
        " debt_since = CASE WHEN credit_balance + entry.available_delta < 0 THEN coalesce(debt_since, house_now()) END"
        " FROM entry WHERE users.user_id = entry.user_id",
        {
            **_values(entry),
            "type": transaction_type,
            "entry": entry.moves,
            "reversal_id": reversal_id,
            "move": move,
        },
    )
    return result.rowcount == 1


def _values(entry: MoneyEntry) -> dict[str, object]:
    # The ledger holds money as seen from the entry. Rounding may move a cent against the credits: then it is negative.
    sign = 1 if entry.moves is LedgerEntry.CREDIT else -1
    return {
        "transaction_id": entry.transaction_id,
        "user_id": entry.user_id,
        "purchase_id": entry.purchase_id,
        "credits": entry.credits,
        "amount": sign * entry.amount,
        "currency": entry.currency,
        "vat_info": Jsonb({**entry.vat_info, "amount": sign * entry.tax}),
    }
