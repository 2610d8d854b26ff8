"""Stripe's API below /v1: what the house and its operators ask, held to the types of the installed package."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from stripe.params import (
    ChargeRetrieveParams,
    CustomerCreateParams,
    DisputeListParams,
    DisputeRetrieveParams,
    InvoiceRetrieveParams,
    PaymentIntentRetrieveParams,
    PriceCreateParams,
    RefundCreateParams,
    RefundListParams,
    RefundRetrieveParams,
)
from stripe.params.checkout import SessionCreateParams, SessionExpireParams, SessionListParams, SessionRetrieveParams

from dev.standins.stripe import objects
from dev.standins.stripe.forms import nest, parse_form
from dev.standins.stripe.params import Refused, check
from dev.standins.stripe.state import Fields, State, new_id, now
from dev.standins.stripe.till import Till
from dev.standins.web import Request, Response, json_response
from shared.countries import CODES

RETRIEVED: dict[str, tuple[str, type]] = {
    "payment_intents": ("pi", PaymentIntentRetrieveParams),
    "charges": ("ch", ChargeRetrieveParams),
    "refunds": ("re", RefundRetrieveParams),
    "disputes": ("du", DisputeRetrieveParams),
    "invoices": ("in", InvoiceRetrieveParams),
}
EXPANDABLE = {"payment_intent": "pi", "latest_charge": "ch", "invoice": "in", "customer": "cus", "charge": "ch"}
SHOWN_ONLY_WHEN_ASKED = {"breakdown"}
HIDDEN = ("line", "payment_intent_data")


class Api:
    """The API of one stand-in."""

    def __init__(self, state: State, till: Till, *, secret_key: str, url: str, webhook_url: str | None) -> None:
        self._state = state
        self._webhook_url = webhook_url
        self._till = till
        self._secret_key = secret_key
        self._url = url

    def answer(self, request: Request, path: list[str]) -> Response:
        """One request, after the key and the idempotency key."""
        if request.headers.get("authorization") != f"Bearer {self._secret_key}":
            return refusal(Refused("Invalid API Key provided", code="api_key_invalid", status=401))
        body = request.body.read().decode("utf-8", "replace")
        key = request.headers.get("idempotency-key")
        try:
            with self._state.lock:
                if key is None or request.method != "POST":
                    return json_response(self._do(request, path, body))
                return self._do_once(request, path, body, key)
        except Refused as refused:
            return refusal(refused)

    def _do_once(self, request: Request, path: list[str], body: str, key: str) -> Response:
        digest = hashlib.sha256(f"{path} {body}".encode()).hexdigest()
        kept = self._state.answers.get(key)
        if kept is None:
            kept = {"digest": digest, "answer": self._do(request, path, body)}
            self._state.answers[key] = kept
            self._state.save()
        if kept["digest"] != digest:
            raise Refused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                code="idempotency_key_in_use",
            )
        return json_response(json.loads(json.dumps(kept["answer"])))

    def _do(self, request: Request, path: list[str], body: str) -> Fields:
        params = parse_form(body) if request.method == "POST" else nest(request.query.items())
        match [request.method, *path]:
            case ["POST", "customers"]:
                return self._kept(objects.customer(_with_country(check(params, CustomerCreateParams))))
            case ["POST", "prices"]:
                return self._price(check(params, PriceCreateParams))
            case ["POST", "checkout", "sessions"]:
                return self._shown(self._kept(self._session(check(params, SessionCreateParams))), [])
            case ["GET", "checkout", "sessions"]:
                wanted = check(params, SessionListParams)
                return self._page("cs", wanted, "/v1/checkout/sessions")
            case ["GET", "checkout", "sessions", session_id]:
                session = self._found(session_id, "cs")
                self._till.expire_if_late(session)
                return self._shown(session, check(params, SessionRetrieveParams).get("expand", []))
            case ["POST", "checkout", "sessions", session_id, "expire"]:
                check(params, SessionExpireParams)
                session = self._found(session_id, "cs")
                self._till.expire(session)
                return self._shown(self._kept(session), [])
            case ["POST", "refunds"]:
                return self._refund(check(params, RefundCreateParams))
            case ["GET", "refunds"]:
                return self._page("re", check(params, RefundListParams), "/v1/refunds")
            case ["GET", "disputes"]:
                return self._page("du", check(params, DisputeListParams), "/v1/disputes")
            case ["GET", "webhook_endpoints"]:
                return objects.webhook_endpoints(self._webhook_url)
            case ["GET", "tax", "settings"]:
                return {"object": "tax.settings", "livemode": False, "status": "active", "status_details": {}}
            case ["GET", kind, object_id] if kind in RETRIEVED:
                prefix, allowed = RETRIEVED[kind]
                expand: list[str] = check(params, allowed).get("expand", [])
                return self._shown(self._found(object_id, prefix), expand)
            case _:
                raise Refused(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _kept(self, found: Fields) -> Fields:
        self._state.add(found)
        self._state.save()
        return found

    def _found(self, object_id: str, prefix: str) -> Fields:
        found = self._state.find(object_id, prefix)
        if found is None:
            raise Refused(f"No such object: '{object_id}'", code="resource_missing", param="id", status=404)
        return found

    def _price(self, params: Fields) -> Fields:
        price: Fields = {"id": new_id("price"), "object": "price", "created": now(), **params}
        self._state.answers[price["id"]] = price
        self._state.save()
        return price

    def _session(self, params: Fields) -> Fields:
        _refuse_contradictions(params)
        for line in params["line_items"]:
            if "price" in line:
                price = self._state.answers.get(line["price"])
                if price is None:
                    raise Refused(f"No such price: '{line['price']}'", code="resource_missing", param="line_items")
                line["price_data"] = {"unit_amount": price["unit_amount"], "currency": price["currency"]}
        if "customer" in params:
            self._found(params["customer"], "cus")
        return objects.session(params, f"{self._url}/c/pay")

    def _refund(self, params: Fields) -> Fields:
        intent_id, charge_id = params.get("payment_intent"), params.get("charge")
        if intent_id is not None:
            charge_id = self._found(intent_id, "pi")["latest_charge"]
        charge = self._found(str(charge_id), "ch")
        refund = self._till.refund(charge, params, "succeeded")
        self._state.save()
        return refund

    def _page(self, prefix: str, wanted: Fields, url: str) -> Fields:
        found = list(self._matching(prefix, wanted))
        after = wanted.get("starting_after")
        if after is not None:
            ids = [one["id"] for one in found]
            found = found[ids.index(after) + 1 :] if after in ids else []
        limit: int = wanted.get("limit", 10)
        shown = [self._shown(one, []) for one in found[:limit]]
        return {"object": "list", "url": url, "has_more": len(found) > limit, "data": shown}

    def _matching(self, prefix: str, wanted: Fields) -> Iterator[Fields]:
        created: Any = wanted.get("created", {})
        for one in self._state.newest(prefix):
            same = all(
                one.get(name) == wanted[name] for name in ("payment_intent", "charge", "status") if name in wanted
            )
            if same and created.get("gte", 0) <= one["created"] <= created.get("lte", 1 << 40):
                yield one

    def _shown(self, found: Fields, expand: list[str]) -> Fields:
        """A copy to answer with, in which the parts that were asked for are whole objects."""
        shown: Fields = {name: value for name, value in json.loads(json.dumps(found)).items() if name not in HIDDEN}
        if "total_details" in shown:
            shown["total_details"].pop("breakdown", None)
        for path in expand:
            self._expand(shown, found, path.split("."), path)
        return shown

    def _expand(self, shown: Fields, found: Fields, names: list[str], path: str) -> None:
        name, rest = names[0], names[1:]
        if name in SHOWN_ONLY_WHEN_ASKED:
            shown[name] = found[name]
        elif name == "total_details" and rest:
            self._expand(shown[name], found[name], rest, path)
        elif name in EXPANDABLE and name in found:
            whole = self._state.find(found[name] or "", EXPANDABLE[name])
            if whole is not None:
                if not isinstance(shown[name], dict):
                    shown[name] = json.loads(json.dumps(whole))
                if rest:
                    self._expand(shown[name], whole, rest, path)
        else:
            raise Refused(f"This property cannot be expanded ({path}).", param="expand")


def _with_country(params: Fields) -> Fields:
    country = (params.get("address") or {}).get("country")
    if country is not None and country not in CODES:
        raise Refused(f"Country '{country}' is unknown.", code="country_unsupported", param="address[country]")
    return params


def _refuse_contradictions(params: Fields) -> None:
    """What the types allow and Stripe does not."""
    customer, update = "customer" in params, params.get("customer_update", {})
    rules: list[tuple[bool, str, str]] = [
        (not params.get("mode"), "You must specify mode.", "mode"),
        (not params.get("line_items"), "line_items is required in payment mode.", "line_items"),
        (not params.get("success_url"), "You must provide success_url.", "success_url"),
        (customer and "customer_creation" in params, "You may not specify customer and customer_creation.", "customer"),
        (
            customer and "customer_email" in params,
            "You may only specify one of customer and customer_email.",
            "customer",
        ),
        (not customer and bool(update), "customer_update can only be used with customer.", "customer_update"),
        (
            customer and params.get("tax_id_collection", {}).get("enabled") and update.get("name") != "auto",
            "Tax ID collection requires updating business name on the customer. Set customer_update[name] to auto.",
            "customer_update",
        ),
        (
            customer and params.get("automatic_tax", {}).get("enabled") and update.get("address") != "auto",
            "Automatic tax calculation in Checkout requires a valid address on the Customer.",
            "customer_update",
        ),
        (
            any(len(str(value)) > 500 for value in params.get("metadata", {}).values()),
            "Metadata values can have up to 500 characters.",
            "metadata",
        ),
    ]
    for is_broken, message, param in rules:
        if is_broken:
            raise Refused(message, param=param)


def refusal(refused: Refused) -> Response:
    """An error as Stripe writes it."""
    kind = "idempotency_error" if refused.code == "idempotency_key_in_use" else "invalid_request_error"
    error = {"type": kind, "message": refused.message, "code": refused.code, "param": refused.param}
    return json_response({"error": {name: value for name, value in error.items() if value}}, refused.status)
