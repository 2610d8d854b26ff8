"""Stripe's objects, as far as the house reads them."""

from typing import Any

from dev.standins.stripe.state import Fields, new_id, now

DAY_SECONDS = 86_400


def customer(params: Fields) -> Fields:
    """A customer, as given."""
    return {
        "id": new_id("cus"),
        "object": "customer",
        "created": now(),
        "livemode": False,
        "name": params.get("name"),
        "email": params.get("email"),
        "address": _address(params.get("address") or {}),
        "metadata": params.get("metadata", {}),
        "tax_ids": {"object": "list", "data": params.get("tax_id_data", []), "has_more": False, "url": "/v1/tax_ids"},
    }


def session(params: Fields, page_url: str) -> Fields:
    """An open checkout session; `page_url` is where its id is put behind."""
    session_id = new_id("cs_test")
    amount, currency = _line(params["line_items"][0])
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": params.get("adaptive_pricing"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": bool(params.get("automatic_tax", {}).get("enabled")), "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now(),
        "currency": currency,
        "customer": params.get("customer"),
        "customer_creation": params.get("customer_creation"),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "expires_at": params.get("expires_at") or now() + DAY_SECONDS,
        "invoice": None,
        "invoice_creation": params.get("invoice_creation"),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_intent_data": params.get("payment_intent_data", {}),
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0, "breakdown": {"taxes": []}},
        "ui_mode": "hosted_page",
        "url": f"{page_url}/{session_id}",
        "line": params["line_items"][0],
    }


def _line(line: Fields) -> tuple[int, str]:
    price = line.get("price_data", {})
    return price.get("unit_amount", 0) * line.get("quantity", 1), price.get("currency", "eur")


def payment_intent(of: Fields, status: str) -> Fields:
    """The payment of a session."""
    return {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount": of["amount_total"],
        "amount_received": of["amount_total"] if status == "succeeded" else 0,
        "created": now(),
        "currency": of["currency"],
        "customer": of["customer"],
        "latest_charge": None,
        "livemode": False,
        "metadata": of["payment_intent_data"].get("metadata", {}),
        "status": status,
    }


def charge(of: Fields, card_country: str, receipts_url: str) -> Fields:
    """A payment that went through."""
    charge_id = new_id("ch")
    return {
        "id": charge_id,
        "object": "charge",
        "amount": of["amount"],
        "amount_refunded": 0,
        "created": now(),
        "currency": of["currency"],
        "disputed": False,
        "livemode": False,
        "metadata": of["metadata"],
        "paid": True,
        "payment_intent": of["id"],
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "country": card_country, "last4": "4242"}},
        "receipt_url": f"{receipts_url}/{charge_id}",
        "refunded": False,
        "status": "succeeded",
    }


def invoice(of: Fields, number: int, invoices_url: str) -> Fields:
    """The paid invoice of a session."""
    invoice_id = new_id("in")
    data: Fields = (of["invoice_creation"] or {}).get("invoice_data") or {}
    return {
        "id": invoice_id,
        "object": "invoice",
        "created": now(),
        "currency": of["currency"],
        "customer": of["customer"],
        "hosted_invoice_url": f"{invoices_url}/{invoice_id}",
        "invoice_pdf": f"{invoices_url}/{invoice_id}",
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "number": f"LOCAL-{number:04d}",
        "status": "paid",
        "subtotal": of["amount_subtotal"],
        "total": of["amount_total"],
    }


def refund(of: Fields, amount: int, params: Fields, status: str) -> Fields:
    """Money that goes back from a charge."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": of["id"],
        "created": now(),
        "currency": of["currency"],
        "metadata": params.get("metadata", {}),
        "payment_intent": of["payment_intent"],
        "reason": params.get("reason"),
        "status": status,
    }


def dispute(of: Fields, amount: int, status: str) -> Fields:
    """A charge that the customer's bank wants back."""
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": of["id"],
        "created": now(),
        "currency": of["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "reason": "fraudulent",
        "status": status,
    }


def _address(given: Fields) -> dict[str, Any]:
    return {name: given.get(name) for name in ("line1", "line2", "city", "postal_code", "state", "country")}


def webhook_endpoints(url: str | None) -> Fields:
    """The one endpoint that is told of every event, or none."""
    endpoint = {"id": "we_1", "object": "webhook_endpoint", "url": url, "status": "enabled", "enabled_events": ["*"]}
    return {"object": "list", "url": "/v1/webhook_endpoints", "has_more": False, "data": [endpoint] if url else []}
