"""The way out to Stripe: checkouts made, and what became of them, asked anew each time.

An event only says that something happened; what is true is always asked of Stripe again, so that late, repeated and
reordered events all lead to the same end. The client library is imported when it is first needed, for most processes
never need it.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic import SecretStr

from shared import metrics, spans
from shared.errors import PaymentsRefused, PaymentsUnavailable
from shared.logging_setup import get_logger
from shared.payment_facts import (
    OpenedCheckout,
    Order,
    PaymentFacts,
    PaymentsSetUp,
    ReversalFacts,
    Subject,
    WebhookEndpoint,
)
from shared.settings import Settings
from shared.stripe_objects import (
    Fields,
    id_of,
    payment_facts,
    reversal_facts,
    subject_of_metadata,
    subject_of_session,
    time_of,
)
from shared.vat import stripe_tax_id_type

if TYPE_CHECKING:
    import stripe
    from stripe.params import CustomerCreateParams
    from stripe.params.checkout import SessionCreateParams

log = get_logger(__name__)

RETRIES = 1
# "General - Electronically Supplied Services" in Stripe's list of tax codes.
TAX_CODE = "txcd_10000000"
_SESSION_PARTS = ["payment_intent.latest_charge", "invoice", "total_details.breakdown"]


class Payments:
    """Stripe's API with one key. Every call raises PaymentsUnavailable or PaymentsRefused when it fails."""

    def __init__(self, secret_key: SecretStr, *, url: str, timeout_seconds: float) -> None:
        """Connect to nothing yet; `timeout_seconds` bounds each request, which is repeated once."""
        self._secret_key = secret_key
        self._url = url
        self._timeout_seconds = timeout_seconds

    @property
    def is_live(self) -> bool:
        """Whether the key moves real money."""
        return self._secret_key.get_secret_value().partition("_")[2].startswith("live")

    @cached_property
    def _client(self) -> "stripe.StripeClient":
        import stripe

        return stripe.StripeClient(
            self._secret_key.get_secret_value(),
            base_addresses={"api": self._url},
            http_client=stripe.RequestsClient(timeout=self._timeout_seconds),
            max_network_retries=RETRIES,
        )

    def open_checkout(self, order: Order) -> OpenedCheckout:
        """Let Stripe make the page where the order is paid. Asked twice for one purchase, it is the same page."""
        key = str(order.purchase_id)
        with _asking("open_checkout"):
            customer_id = None
            if order.billing.country:
                customer = self._client.v1.customers.create(_customer(order), {"idempotency_key": f"{key}-customer"})
                customer_id = customer.id
            session = self._client.v1.checkout.sessions.create(
                _session(order, customer_id), {"idempotency_key": f"{key}-session"}
            )
        if not session.url:
            raise PaymentsRefused("Stripe made a checkout without a page.")
        return OpenedCheckout(session.id, session.url, time_of(session.expires_at))

    def read_payment(self, session_id: str) -> PaymentFacts:
        """What has become of a checkout, refunds and disputes included."""
        with _asking("read_payment"):
            found = self._client.v1.checkout.sessions.retrieve(session_id, {"expand": _SESSION_PARTS})
            session = found.to_dict()
            intent_id = id_of(session.get("payment_intent"))
            reversals = () if intent_id is None else tuple(self._reversals(intent_id))
        return payment_facts(session, intent_id, reversals)

    def find_subject(self, kind: str, object_id: str) -> Subject | None:
        """Whose purchase an object of Stripe's is about; `kind` as in `object`. None when it is about no payment."""
        with _asking("find_subject"):
            match kind:
                case "checkout.session":
                    return subject_of_session(self._client.v1.checkout.sessions.retrieve(object_id).to_dict())
                case "refund":
                    about: Fields = self._client.v1.refunds.retrieve(object_id).to_dict()
                case "dispute":
                    about = self._client.v1.disputes.retrieve(object_id).to_dict()
                case "charge":
                    about = self._client.v1.charges.retrieve(object_id).to_dict()
                case "invoice":
                    return subject_of_metadata(self._client.v1.invoices.retrieve(object_id).to_dict(), None)
                case _:
                    return None
            intent_id = id_of(about.get("payment_intent"))
            return None if intent_id is None else self._subject_of_intent(intent_id)

    def describe(self) -> PaymentsSetUp:
        """How the account is set up, for the doctor."""
        with _asking("describe"):
            tax = self._client.v1.tax.settings.retrieve()
            hooks = list(self._client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter())
        endpoints = (WebhookEndpoint(hook.url, hook.status, frozenset(hook.enabled_events)) for hook in hooks)
        return PaymentsSetUp(tax.status, tuple(endpoints))

    def _subject_of_intent(self, intent_id: str) -> Subject | None:
        sessions = self._client.v1.checkout.sessions.list({"payment_intent": intent_id, "limit": 1}).data
        return subject_of_session(sessions[0].to_dict()) if sessions else None

    def list_subjects(self, since: datetime) -> Iterator[tuple[str, Subject | None]]:
        """What happened since then: every session, refund and dispute by id, with the purchase that it is about."""
        window: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        with _translated():  # not timed: whoever reads the list works between its pages
            for session in self._client.v1.checkout.sessions.list(window).auto_paging_iter():
                yield session.id, subject_of_session(session.to_dict())
            for refund in self._client.v1.refunds.list(window).auto_paging_iter():
                yield refund.id, self._listed(refund.to_dict())
            for dispute in self._client.v1.disputes.list(window).auto_paging_iter():
                yield dispute.id, self._listed(dispute.to_dict())

    def _listed(self, about: Fields) -> Subject | None:
        intent_id = id_of(about.get("payment_intent"))
        return None if intent_id is None else self._subject_of_intent(intent_id)

    def _reversals(self, intent_id: str) -> Iterator[ReversalFacts]:
        of_payment: Any = {"payment_intent": intent_id, "limit": 100}
        for refund in self._client.v1.refunds.list(of_payment).auto_paging_iter():
            yield reversal_facts(refund.to_dict(), is_dispute=False)
        for dispute in self._client.v1.disputes.list(of_payment).auto_paging_iter():
            yield reversal_facts(dispute.to_dict(), is_dispute=True)


def open_payments(settings: Settings) -> Payments:
    """Stripe as this installation reaches it."""
    return Payments(
        settings.stripe_secret_key,
        url=str(settings.stripe_url).rstrip("/"),
        timeout_seconds=settings.payments_timeout_seconds,
    )


@contextmanager
def _translated() -> Generator[None]:
    """Turn what the client raises into errors of the house; what Stripe says stays in our log."""
    import stripe

    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        log.warning("payments_unavailable", error=type(error).__name__)
        raise PaymentsUnavailable("Payments cannot be reached at the moment; try again shortly.") from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= 500 or error.http_status == 409:
            log.warning("payments_unavailable", error=type(error).__name__, status=error.http_status)
            raise PaymentsUnavailable("Payments cannot be reached at the moment; try again shortly.") from error
        raise PaymentsRefused(f"Stripe refused: {error.code or type(error).__name__} ({error.http_status}).") from error


@contextmanager
def _asking(operation: str) -> Generator[None]:
    """The same for one call, which is timed."""
    with (
        spans.span(f"stripe {operation}", kind="CLIENT"),
        metrics.timed(metrics.PAYMENTS_SECONDS, operation),
        _translated(),
    ):
        yield


def _customer(order: Order) -> "CustomerCreateParams":
    billing = order.billing
    customer: Fields = {
        "metadata": _metadata(order),
        "address": {**(billing.address or {}), "country": billing.country},
    }
    if order.email:
        customer["email"] = order.email
    if billing.business_name:
        customer["name"] = billing.business_name
    if billing.vat_id and billing.country:
        customer["tax_id_data"] = [{"type": stripe_tax_id_type(billing.country), "value": billing.vat_id}]
    return cast("CustomerCreateParams", customer)


def _session(order: Order, customer_id: str | None) -> "SessionCreateParams":
    line: Fields = {"quantity": 1}
    if order.stripe_price_id:
        line["price"] = order.stripe_price_id
    else:
        line["price_data"] = {
            "currency": order.currency,
            "unit_amount": order.amount,
            "tax_behavior": "exclusive",
            "product_data": {"name": order.name, "tax_code": TAX_CODE},
        }
    session: Fields = {
        "mode": "payment",
        "line_items": [line],
        "automatic_tax": {"enabled": True},
        "tax_id_collection": {"enabled": True},
        "billing_address_collection": "required",
        "client_reference_id": str(order.purchase_id),
        "metadata": _metadata(order),
        "payment_intent_data": {"metadata": _metadata(order)},
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": _metadata(order)}},
        # Prices are compared with our own row, in its currency.
        "adaptive_pricing": {"enabled": False},
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
    }
    if customer_id is not None:
        session |= {"customer": customer_id, "customer_update": {"name": "auto", "address": "auto"}}
    else:
        session["customer_creation"] = "always"
        if order.email:
            session["customer_email"] = order.email
    return cast("SessionCreateParams", session)


def _metadata(order: Order) -> dict[str, str]:
    return {"purchase_id": str(order.purchase_id), "user_id": str(order.user_id)}
