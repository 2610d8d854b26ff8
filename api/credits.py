"""Balance and ledger: `/v1/credits`."""

from decimal import Decimal

from flask import Response
from pydantic import BaseModel, Field

from api.answers import next_cursor, read_cursor, show
from api.fields import Credits, Id, Page, PageAsked, Time
from api.house import House
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import accounts, credits
from shared.credits import LedgerEntry, Transaction, TransactionType
from shared.errors import NotFound

routes = Routes("credits")


class Prices(BaseModel):
    """What a job costs, in credits."""

    preview: Credits
    vectorization: Credits


class CreditsBody(BaseModel, title="Credits"):
    """The two balances, and what work costs."""

    available: Credits = Field(description="free to be reserved")
    reserved: Credits = Field(description="held by jobs that have not ended")
    debt: Credits = Field(description="spent before their money was refunded or disputed; blocks jobs until it is paid")
    prices: Prices


@routes.operation("GET /v1/credits", takes=Nothing, gives=Gives(200, CreditsBody))
def get_credits(house: House, caller: Caller, _: Nothing) -> Response:
    """Show the caller's credits."""
    with house.database.transaction(user_id=caller.user_id) as db:
        account = accounts.select_account(db, caller.user_id)
    if account is None:
        raise NotFound("There is no such account.")
    prices = Prices(preview=house.settings.price_preview, vectorization=house.settings.price_vectorization)
    return show(
        CreditsBody(
            available=max(account.credit_balance, Decimal(0)), reserved=account.credits_reserved,
            debt=max(-account.credit_balance, Decimal(0)), prices=prices,
        )
    )  # fmt: skip


class Money(BaseModel):
    """Money in minor units (cents)."""

    amount: int
    currency: str


class Vat(BaseModel):
    """The VAT in an entry of money, as it was charged."""

    country: str | None
    rate: str = Field(description="in per cent")
    amount: int = Field(description="in minor units")
    vat_id: str | None
    reverse_charge: bool


class TransactionBody(BaseModel, title="Transaction"):
    """One entry of the ledger: how it moved the two balances, and why. Entries never change."""

    transaction_id: Id
    transaction_type: TransactionType
    entry: LedgerEntry
    job_id: Id | None
    available_delta: Credits
    reserved_delta: Credits
    credits_deducted: Credits = Field(description="spent for good by this entry")
    checkout_session_id: Id | None = Field(description="of the purchase that the entry is about; it has the receipt")
    money: Money | None = Field(description="paid, or given back, with tax")
    vat: Vat | None
    reason: str | None
    created_at: Time


def _transaction_body(entry: Transaction) -> TransactionBody:
    return TransactionBody(
        transaction_id=str(entry.transaction_id),
        transaction_type=entry.transaction_type,
        entry=entry.entry,
        job_id=None if entry.job_id is None else str(entry.job_id),
        available_delta=entry.available_delta,
        reserved_delta=entry.reserved_delta,
        credits_deducted=entry.credits_deducted,
        checkout_session_id=None if entry.purchase_id is None else str(entry.purchase_id),
        money=_money(entry.amount, entry.currency),
        vat=None if entry.vat_info is None else Vat.model_validate(entry.vat_info),
        reason=entry.reason,
        created_at=entry.transaction_timestamp,
    )


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    if amount is None or currency is None:
        return None
    return Money(amount=int(amount * 100), currency=currency)


class ListTransactions(PageAsked):
    """Which page of the caller's ledger."""


@routes.operation("GET /v1/credits/transactions", takes=ListTransactions, gives=Gives(200, Page[TransactionBody]))
def list_transactions(house: House, caller: Caller, ask: ListTransactions) -> Response:
    """List the caller's ledger, newest first."""
    before = read_cursor(ask.cursor)
    with house.database.transaction(user_id=caller.user_id) as db:
        found = credits.select_transactions(db, caller.user_id, limit=ask.limit, before=before)
    cursor = next_cursor([entry.transaction_id for entry in found], ask.limit)
    return show(Page[TransactionBody](data=[_transaction_body(entry) for entry in found], next_cursor=cursor))
