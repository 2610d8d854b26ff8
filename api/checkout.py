"""Buying credits: `/v1/credit-packages` and `/v1/checkout-sessions`."""

from functools import partial

from flask import Response, request
from pydantic import BaseModel, Field, TypeAdapter

from api.answers import show
from api.buying import LONGEST_URL, buy
from api.checkout_body import BillingAsked, CheckoutBody, NewCheckoutBody, checkout_body
from api.fields import Body, Credits, Page
from api.house import House
from api.idempotency import asked_once
from api.limits import Limit
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import packages, purchases
from shared.copies import PACKAGES
from shared.errors import NotFound, PaymentsUnavailable, RequestInvalid, VatIdInvalid
from shared.ids import parse_id
from shared.packages import Package

routes = Routes("buying")


class PackageBody(BaseModel, title="CreditPackage"):
    """Credits that can be bought once."""

    package_id: str
    name: str
    credits: Credits
    price: int = Field(description="in minor units of `currency`, before tax")
    currency: str


_PACKAGES = TypeAdapter(list[Package])


def _on_sale(house: House) -> list[Package]:
    with house.database.transaction() as db:
        return packages.select_active_packages(db)


@routes.open_operation("GET /v1/credit-packages", takes=Nothing, gives=Gives(200, Page[PackageBody]))
def list_packages(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """List what is on sale, the cheapest first."""
    data = [
        PackageBody(
            package_id=one.package_id, name=one.name, credits=one.credits, price=one.price, currency=one.currency
        )
        for one in house.copies.read(PACKAGES, "", _PACKAGES, partial(_on_sale, house))
    ]
    return show(Page[PackageBody](data=data, next_cursor=None))


class CheckoutAsked(Body):
    """What to buy, and where to come back to."""

    package_id: str = Field(max_length=40)
    success_url: str | None = Field(
        default=None,
        max_length=LONGEST_URL,
        description="on a configured front end; `{CHECKOUT_SESSION_ID}` in it becomes Stripe's id of the session",
    )
    cancel_url: str | None = Field(default=None, max_length=LONGEST_URL, description="on a configured front end")
    billing: BillingAsked = BillingAsked()


class OpenCheckout(BaseModel):
    """A checkout to be opened."""

    body: CheckoutAsked


@routes.operation(
    "POST /v1/checkout-sessions",
    takes=OpenCheckout,
    gives=Gives(201, NewCheckoutBody, headers=("Location",)),
    limit=Limit.JOBS,
    problems=(RequestInvalid, VatIdInvalid, PaymentsUnavailable),
    once=True,
)
def open_checkout(house: House, caller: Caller, ask: OpenCheckout) -> Response:
    """Open a checkout for a package: the answer has Stripe's page and the VAT to expect."""
    wish = ask.body
    made = buy(
        house, caller, package_id=wish.package_id, details=wish.billing.billing(),
        success_url=wish.success_url, cancel_url=wish.cancel_url, once=asked_once(caller, request.get_data()),
    )  # fmt: skip
    return made.response()


class OneCheckout(BaseModel):
    """Which checkout: our id of it, or Stripe's."""

    checkout_session_id: str = Field(max_length=120)


@routes.operation(
    "GET /v1/checkout-sessions/{checkout_session_id}",
    takes=OneCheckout,
    gives=Gives(200, CheckoutBody),
    problems=(NotFound,),
)
def get_checkout(house: House, caller: Caller, ask: OneCheckout) -> Response:
    """Show what became of a checkout; once it is paid, with links to receipt and invoice."""
    known = parse_id(ask.checkout_session_id)
    with house.database.transaction(user_id=caller.user_id) as db:
        if known is not None:
            purchase = purchases.select_purchase(db, known)
        else:
            purchase = purchases.select_purchase_by_session(db, ask.checkout_session_id)
    if purchase is None:
        raise NotFound("There is no such checkout.")
    return show(checkout_body(purchase, house.vault))
