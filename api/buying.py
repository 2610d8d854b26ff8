"""From a wish to buy to a page to pay on: our row, then Stripe's page, then the answer.

A crash in between leaves an open purchase: Stripe is asked with the purchase's id, so nothing is made twice, and
reconciliation closes what never came to have a page.
"""

from urllib.parse import urlsplit

from api.answers import Made
from api.checkout_body import NewCheckoutBody, new_checkout_body
from api.house import House
from api.idempotency import Once
from api.problems import field_problems
from api.session import Caller
from shared import accounts, billing, packages
from shared.errors import RequestInvalid, VatIdInvalid
from shared.ids import new_id
from shared.origins import origin_of
from shared.payment_facts import Billing, Order
from shared.purchases import Purchase
from shared.settings import Settings
from shared.vat import check_vat_id, is_in_eu
from shared.vies import VatIdStanding, ViesAnswer

LONGEST_URL = 2_000


def buy(
    house: House,
    caller: Caller,
    *,
    package_id: str,
    details: Billing,
    success_url: str | None,
    cancel_url: str | None,
    once: Once,
) -> Made:
    """Open a checkout. Raises RequestInvalid, VatIdInvalid, PaymentsUnavailable, and what `Once.begin` raises."""
    back = _return_urls(house.settings, success_url, cancel_url)
    details, vies = _checked(house, details)
    with house.database.transaction(user_id=caller.user_id) as db:
        once.begin(db)
        account = accounts.select_account(db, caller.user_id)
        package = packages.select_active_package(db, package_id)
        purchase = billing.begin(
            db, house.vault, purchase_id=new_id(), user_id=caller.user_id, package_id=package_id,
            seller_country=house.settings.seller_country, billing=details, vies=vies,
        )  # fmt: skip
    assert package is not None
    email = None if account is None else account.email
    order = Order(
        purchase.purchase_id, caller.user_id, package.name, purchase.amount, purchase.currency,
        package.stripe_price_id, *back, email, details,
    )  # fmt: skip
    return _open(house, purchase, order, once)


def _open(house: House, purchase: Purchase, order: Order, once: Once) -> Made:
    opened = house.payments.open_checkout(order)
    with house.database.transaction(user_id=purchase.user_id) as db:
        billing.opened(db, purchase, opened)
        body: NewCheckoutBody = new_checkout_body(purchase, opened)
        location = {"Location": f"/v1/checkout-sessions/{body.checkout_session_id}"}
        return once.keep(db, Made(body, 201, location))


def _checked(house: House, details: Billing) -> tuple[Billing, ViesAnswer | None]:
    """The details with the VAT id in its compact form, and what VIES says of it."""
    if details.vat_id is None:
        return details, None
    if details.country is None:
        wrong = field_problems([("/billing/country", "is needed with a VAT id")])
        raise RequestInvalid("Say the country of the VAT id in billing.country.", **wrong)
    try:
        vat_id = check_vat_id(details.country, details.vat_id)
        vies = house.vies.ask(vat_id) if is_in_eu(details.country) or details.country == "MC" else None
        if vies is not None and vies.standing is VatIdStanding.INVALID:
            raise VatIdInvalid("VIES, the register of the European Commission, does not know this VAT id.")
    except VatIdInvalid as problem:
        wrong = field_problems([("/billing/vat_id", "is not a valid VAT id of the country")])
        raise VatIdInvalid(problem.detail, **wrong) from None
    return Billing(details.country, details.business_name, vat_id, details.address), vies


def _return_urls(settings: Settings, success_url: str | None, cancel_url: str | None) -> tuple[str, str]:
    """Where the customer comes back to. Raises RequestInvalid for a place that is not one of ours."""
    front = settings.cors_origins[0] if settings.cors_origins else f"{str(settings.public_url).rstrip('/')}/docs"
    given = {"/success_url": success_url, "/cancel_url": cancel_url}
    strange = [pointer for pointer, url in given.items() if url is not None and not _is_ours(settings, url)]
    if strange:
        wrong = field_problems([(pointer, "must lead to one of the configured front ends") for pointer in strange])
        raise RequestInvalid("Customers are sent back to the configured front ends only (CORS_ORIGINS).", **wrong)
    return success_url or f"{front}?checkout=paid", cancel_url or f"{front}?checkout=canceled"


def _is_ours(settings: Settings, url: str) -> bool:
    """Whether an address leads to a front end of ours, however a browser may read it."""
    is_plain = len(url) <= LONGEST_URL and url.isascii() and url.isprintable() and not set(url) & set("\\ ")
    return is_plain and origin_of(url) in settings.return_origins and not urlsplit(url).password
