"""The routes: Stripe's API, the page to pay on, the bank's page, receipts and invoices, and VIES."""

import json
from urllib.parse import parse_qs

from dev.standins.stripe.api import Api
from dev.standins.stripe.control import Control
from dev.standins.stripe.pages import checkout_page, money, page
from dev.standins.stripe.params import Refused
from dev.standins.stripe.state import Fields, State
from dev.standins.stripe.till import Till
from dev.standins.stripe.webhooks import Webhooks
from dev.standins.web import Request, Response, json_response


class StripeApp:
    """Stripe as the house, the customer and the bank see it."""

    def __init__(self, state: State, webhooks: Webhooks, *, secret_key: str, url: str, seller_country: str) -> None:
        self._state = state
        self._till = Till(state, webhooks, url=url, seller_country=seller_country)
        self._api = Api(state, self._till, secret_key=secret_key, url=url, webhook_url=webhooks.url)
        self._control = Control(state, self._till, webhooks)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        match [request.method, *request.path.strip("/").split("/")]:
            case [_, "v1", *path]:
                return self._api.answer(request, path)
            case [_, "_control", *path]:
                return self._control.answer(request, path)
            case [_, "c", "pay", session_id]:
                return self._checkout(request, session_id)
            case ["GET", "receipts" | "invoices" as kind, object_id]:
                return self._paper(kind, object_id)
            case ["POST", "vies", "check-vat-number"]:
                return self._vies(request)
            case ["GET", "healthz"]:
                return json_response({"status": "ok"})
            case ["GET", ""]:
                return self._control.page()
            case _:
                return page("Not found", "<p>There is nothing here.</p>", 404)

    def _checkout(self, request: Request, session_id: str) -> Response:
        with self._state.lock:
            session = self._state.find(session_id, "cs")
            if session is None:
                return page("Not found", "<p>There is no such checkout.</p>", 404)
            known = self._state.find(session["customer"] or "", "cus") or {}
            self._till.expire_if_late(session)
            if session["status"] != "open":
                return page("Checkout (local)", f"<p>This checkout is {session['status']}.</p>", 410)
            if request.method != "POST":
                return checkout_page(session, known)
            form = {name: values[-1].strip() for name, values in parse_qs(request.body.read().decode()).items()}
            return self._act(session, known, form)

    def _act(self, session: Fields, known: Fields, form: Fields) -> Response:
        match form.get("action"):
            case "pay" | "pay-later" as action:
                try:
                    self._till.pay(session, form, later=action == "pay-later")
                except Refused as refused:
                    return checkout_page(session, known, refused.message, 422)
                self._state.save()
                return _back(session, "success_url")
            case "decline":
                return checkout_page(session, known, "Your card was declined. Try another one.", 402)
            case "cancel":
                return _back(session, "cancel_url")
            case _:
                return checkout_page(session, known, "Choose one of the buttons.", 422)

    def _paper(self, kind: str, object_id: str) -> Response:
        with self._state.lock:
            found = self._state.find(object_id, "ch" if kind == "receipts" else "in")
        if found is None:
            return page("Not found", "<p>There is no such paper.</p>", 404)
        amount = money(found.get("total", found.get("amount", 0)), found["currency"])
        return page(kind.title().rstrip("s"), f"<p>{found.get('number', object_id)}: {amount}</p>")

    def _vies(self, request: Request) -> Response:
        asked = json.loads(request.body.read() or b"{}")
        if self._control.vies == "unavailable":
            return json_response({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}, 500)
        identifier = "WAPIAAAAY0cal00" if asked.get("requesterNumber") else ""
        return json_response({**asked, "valid": self._control.vies == "valid", "requestIdentifier": identifier})


def _back(session: Fields, name: str) -> Response:
    address = str(session[name] or "/").replace("{CHECKOUT_SESSION_ID}", session["id"])
    return Response(303, {"Location": address, "Cache-Control": "no-store"})
