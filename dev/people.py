"""The people of the local stack: their sign-in, their account and their credits."""

from decimal import Decimal, InvalidOperation
from uuid import UUID

import jwt

from dev.children import StackRefused
from dev.home import Home, Running
from dev.standins.clerk import tokens
from shared import membership
from shared.db import Database
from shared.settings import Settings


def sign_in(home: Home, who: str, *, admin: bool) -> str:
    """A session token of the local sign-in for this address, good for a day."""
    return tokens.mint(home.sign_in, who, admin=admin)


def open_account(running: Running, token: str, who: str) -> UUID:
    """The account of that token's person, made as the API would make it at the first request."""
    settings = Settings.model_validate({name.lower(): value for name, value in running.settings.items()})
    clerk_id = str(jwt.decode(token, options={"verify_signature": False})["sub"])
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with database.transaction(clerk_id=clerk_id) as db:
            grant = settings.signup_grant_credits
            return membership.enter(db, clerk_id=clerk_id, email=who, name=None, grant=grant).user_id
    finally:
        database.close()


def set_credits(running: Running, user_id: UUID, amount: str) -> None:
    """Make the available balance exactly this, by a ledger entry."""
    database = Database(running.settings["MAINTENANCE_DATABASE_URL"], pool_size=1)
    try:
        with database.transaction() as db:
            membership.set_balance(db, user_id=user_id, target=_credits(amount), reason="local stack")
    finally:
        database.close()


def _credits(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise StackRefused(f"{text} is no number of credits: say 5 or 0.2") from None
    if not amount.is_finite() or amount < 0 or amount != amount.quantize(Decimal("0.1")):
        raise StackRefused(f"{text} is no number of credits: they come in tenths, and none is the least")
    return amount
