"""What happens to money: paid, declined, under way, refunded, disputed; and the events that tell of it."""

from decimal import Decimal

from dev.standins.stripe import objects
from dev.standins.stripe.params import Refused
from dev.standins.stripe.state import Fields, State, now
from dev.standins.stripe.webhooks import Webhooks
from shared.countries import CODES
from shared.errors import VatIdInvalid
from shared.vat import Tax, VatRule, check_vat_id, expected_tax

OPEN_DISPUTES = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


class Till:
    """The till of one stand-in. Every method needs the state's lock."""

    def __init__(self, state: State, webhooks: Webhooks, *, url: str, seller_country: str) -> None:
        self._state = state
        self._webhooks = webhooks
        self._url = url
        self._seller_country = seller_country

    def pay(self, session: Fields, form: Fields, *, later: bool = False) -> None:
        """The customer fills the page in and pays; `later` leaves the money under way. Raises Refused."""
        self.expire_if_late(session)
        if session["status"] != "open":
            raise Refused("This checkout is over.")
        self._fill_in(session, form)
        intent = self._state.add(objects.payment_intent(session, "processing" if later else "succeeded"))
        session |= {"status": "complete", "payment_intent": intent["id"], "url": None}
        if not later:
            self._charge(session, intent)
        self._webhooks.emit("checkout.session.completed", session)
        if not later:
            self._invoice(session)

    def arrive(self, session: Fields, *, succeeds: bool) -> None:
        """Money that was under way arrives, or will not."""
        intent = self._state.find(session["payment_intent"] or "", "pi")
        if intent is None or intent["status"] != "processing":
            raise Refused("No money is under way here.")
        if not succeeds:
            intent["status"] = "requires_payment_method"
            self._webhooks.emit("checkout.session.async_payment_failed", session)
            return
        intent["status"] = "succeeded"
        self._charge(session, intent)
        self._webhooks.emit("checkout.session.async_payment_succeeded", session)
        self._invoice(session)

    def expire(self, session: Fields) -> None:
        """Close an open page for ever."""
        if session["status"] != "open":
            raise Refused('Only Checkout Sessions with a status in ["open"] can be expired.')
        session |= {"status": "expired", "url": None}
        self._webhooks.emit("checkout.session.expired", session)

    def expire_if_late(self, session: Fields) -> None:
        """Close a page whose time is over."""
        if session["status"] == "open" and session["expires_at"] <= now():
            self.expire(session)

    def _charge(self, session: Fields, intent: Fields) -> None:
        country = session["customer_details"]["address"]["country"]
        charge = self._state.add(objects.charge(intent, country, f"{self._url}/receipts"))
        intent |= {"latest_charge": charge["id"], "amount_received": intent["amount"]}
        session["payment_status"] = "paid"

    def _invoice(self, session: Fields) -> None:
        if (session["invoice_creation"] or {}).get("enabled"):
            number = len(list(self._state.newest("in"))) + 1
            invoice = self._state.add(objects.invoice(session, number, f"{self._url}/invoices"))
            session["invoice"] = invoice["id"]
            self._webhooks.emit("invoice.paid", invoice)

    def _fill_in(self, session: Fields, form: Fields) -> None:
        """What the customer typed, over what is known of them; then the tax."""
        customer = self._state.find(session["customer"] or "", "cus")
        known: Fields = customer or {}
        address = {**(known.get("address") or {})} | {
            name: form[name] for name in ("country", "postal_code", "city", "line1") if form.get(name)
        }
        country = str(address.get("country") or "").upper()
        if country not in CODES:
            raise Refused("Say which country you are in: two letters, such as DE.")
        address["country"] = country
        tax_ids = _tax_ids(form.get("vat_id"), country, known)
        session["customer_details"] = {
            "address": address,
            "business_name": form.get("business_name") or None,
            "email": form.get("email") or known.get("email") or session["customer_email"],
            "name": form.get("name") or known.get("name"),
            "tax_ids": tax_ids,
        }
        if customer is None and session["customer_creation"] == "always":
            session["customer"] = self._state.add(objects.customer({"address": address}))["id"]
        if session["automatic_tax"]["enabled"]:
            self._tax(session, country, address.get("postal_code"), has_vat_id=bool(tax_ids))

    def _tax(self, session: Fields, country: str, postal_code: str | None, *, has_vat_id: bool) -> None:
        tax = expected_tax(
            seller_country=self._seller_country,
            customer_country=country,
            net=session["amount_subtotal"],
            has_vat_id=has_vat_id,
            postal_code=postal_code,
        )
        session["automatic_tax"]["status"] = "complete"
        session["amount_total"] = session["amount_subtotal"] + tax.amount
        session["total_details"] |= {"amount_tax": tax.amount, "breakdown": {"taxes": _taxes(tax, session)}}

    def refund(self, charge: Fields, params: Fields, status: str) -> Fields:
        """Send money back. Raises Refused for more than is left."""
        left = charge["amount"] - charge["amount_refunded"]
        amount: int = params.get("amount", left)
        if not 0 < amount <= left:
            raise Refused(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
            )
        refund = self._state.add(objects.refund(charge, amount, params, status))
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._webhooks.emit("refund.created", refund)
        self._webhooks.emit("charge.refunded", charge)
        return refund

    def settle_refund(self, refund: Fields, status: str) -> None:
        """A refund's money arrives, or comes back."""
        refund["status"] = status
        self._webhooks.emit("refund.updated", refund)
        if status in ("failed", "canceled"):
            charge = self._state.find(refund["charge"], "ch")
            assert charge is not None
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
            if status == "failed":
                self._webhooks.emit("refund.failed", refund)

    def dispute(self, charge: Fields, amount: int | None, status: str) -> Fields:
        """The bank wants a charge back; unless it only inquires, it takes the money at once."""
        left = charge["amount"] - charge["amount_refunded"]
        dispute = self._state.add(objects.dispute(charge, left if amount is None else amount, status))
        charge["disputed"] = True
        self._webhooks.emit("charge.dispute.created", dispute)
        if not status.startswith("warning"):
            self._webhooks.emit("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def settle_dispute(self, dispute: Fields, status: str) -> None:
        """The bank decides, or goes on looking."""
        if dispute["status"] not in OPEN_DISPUTES:
            raise Refused("This dispute is closed.")
        dispute["status"] = status
        if status == "won":
            self._webhooks.emit("charge.dispute.funds_reinstated", dispute)
        closed = status in ("won", "lost", "warning_closed")
        self._webhooks.emit("charge.dispute.closed" if closed else "charge.dispute.updated", dispute)


def _tax_ids(typed: object, country: str, known: Fields) -> list[Fields]:
    """The VAT id typed on the page, else the one the customer came with."""
    if not typed:
        kept: list[Fields] = (known.get("tax_ids") or {}).get("data", [])
        return [{"type": one["type"], "value": one["value"]} for one in kept]
    try:
        return [{"type": "eu_vat", "value": check_vat_id(country, str(typed))}]
    except VatIdInvalid as refused:
        raise Refused(refused.detail) from None


def _taxes(tax: Tax, session: Fields) -> list[Fields]:
    if tax.rule is VatRule.OUTSIDE_EU:
        return []
    reason = "reverse_charge" if tax.rule is VatRule.REVERSE_CHARGE else "standard_rated"
    rate = {
        "object": "tax_rate",
        "country": tax.country,
        "display_name": "VAT",
        "inclusive": False,
        "percentage": float(Decimal(tax.rate)),
        "tax_type": "vat",
    }
    return [
        {
            "amount": tax.amount,
            "rate": rate,
            "taxability_reason": reason,
            "taxable_amount": session["amount_subtotal"] if tax.amount else 0,
        }
    ]
