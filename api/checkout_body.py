"""Checkouts as customers see them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.fields import Body, Credits, Id, Time
from shared.countries import CODES
from shared.payment_facts import Billing, OpenedCheckout
from shared.purchases import Purchase, PurchaseStatus
from shared.vault import Vault

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
]


def _known(code: str) -> str:
    if code not in CODES:
        raise ValueError("must be the two letters of a country, such as DE (ISO 3166-1 alpha-2)")
    return code


Country = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=2), AfterValidator(_known)]


class AddressAsked(Body, title="Address"):
    """A postal address; the country is said beside it."""

    line1: Line | None = None
    line2: Line | None = None
    city: Line | None = None
    postal_code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)] | None = None
    state: Line | None = None


class BillingAsked(Body, title="Billing"):
    """Who buys, as far as they want to say before the checkout."""

    country: Country | None = Field(default=None, description="ISO 3166-1 alpha-2, such as DE")
    business_name: Line | None = None
    vat_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)] | None = Field(
        default=None, description="of that country; checked for form and check digits, and with VIES if it answers"
    )
    address: AddressAsked | None = None

    def billing(self) -> Billing:
        """The same in the words of the house."""
        address = None if self.address is None else self.address.model_dump(exclude_none=True)
        return Billing(self.country, self.business_name, self.vat_id, address)


class TaxBody(BaseModel, title="ExpectedTax"):
    """The VAT to expect; Stripe Tax decides when the customer has said everything."""

    country: str = Field(description="where the tax is due")
    rate: str = Field(description="in per cent")
    amount: int = Field(description="in minor units")
    rule: str = Field(description="domestic, destination, reverse_charge or outside_eu")
    vat_id: str | None
    vat_id_standing: str | None = Field(description="what VIES said: valid, unavailable or unchecked")

    @staticmethod
    def of(purchase: Purchase) -> "TaxBody | None":
        """What the customer was told; None while the country is not known."""
        expected = purchase.expected_tax
        if expected is None:
            return None
        vies = expected.get("vies")
        standing = vies.get("standing") if isinstance(vies, dict) else None
        return TaxBody.model_validate({**expected, "vat_id_standing": standing})


class NewCheckoutBody(BaseModel, title="NewCheckoutSession"):
    """A page to pay on. Money is in minor units of `currency`."""

    checkout_session_id: Id
    url: str = Field(description="Stripe's page, for this customer alone")
    amount: int = Field(description="before tax")
    tax: int | None = Field(description="the VAT to expect; null while `billing.country` is not known")
    total: int | None = Field(description="what to expect to pay")
    currency: str
    credits: Credits
    expected_tax: TaxBody | None
    expires_at: Time


def new_checkout_body(purchase: Purchase, opened: OpenedCheckout) -> NewCheckoutBody:
    """A checkout that was opened just now."""
    tax = TaxBody.of(purchase)
    return NewCheckoutBody(
        checkout_session_id=str(purchase.purchase_id),
        url=opened.url,
        amount=purchase.amount,
        tax=None if tax is None else tax.amount,
        total=None if tax is None else purchase.amount + tax.amount,
        currency=purchase.currency,
        credits=purchase.credits,
        expected_tax=tax,
        expires_at=opened.expires_at,
    )


class CheckoutBody(BaseModel, title="CheckoutSession"):
    """What became of a checkout. `tax` and `total` are what was charged, or null while nothing was."""

    checkout_session_id: Id
    status: PurchaseStatus = Field(description="open also while a bank debit is under way; refunded: all of it")
    package_id: str
    credits: Credits
    amount: int = Field(description="before tax, in minor units")
    tax: int | None
    total: int | None
    currency: str
    receipt_url: str | None
    invoice_url: str | None
    created_at: Time
    expires_at: Time | None
    paid_at: Time | None


def checkout_body(purchase: Purchase, vault: Vault) -> CheckoutBody:
    """A checkout as it is now."""
    charged = vault.open(purchase.details).get("charged")
    papers = charged if isinstance(charged, dict) else {}
    return CheckoutBody(
        checkout_session_id=str(purchase.purchase_id),
        status=purchase.status,
        package_id=purchase.package_id,
        credits=purchase.credits,
        amount=purchase.amount,
        tax=purchase.tax,
        total=purchase.total,
        currency=purchase.currency,
        receipt_url=papers.get("receipt_url"),
        invoice_url=papers.get("invoice_url"),
        created_at=purchase.created_at,
        expires_at=purchase.expires_at,
        paid_at=purchase.paid_at,
    )
