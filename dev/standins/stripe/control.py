"""What no API of Stripe's does: banks that decide, money that arrives late, webhooks with bad manners.

POST /_control/webhooks {"copies": 3, "jitter_seconds": 2, "drop": false}
POST /_control/events/{event_id}/resend        GET /_control/events
POST /_control/sessions/{session_id} {"do": "succeed" | "fail" | "expire"}
POST /_control/disputes {"payment_intent": "pi_…", "amount": 100, "status": "needs_response"}
POST /_control/disputes/{dispute_id} {"status": "won" | "lost" | "under_review" | "warning_closed"}
POST /_control/refunds {"payment_intent": "pi_…", "amount": 100, "status": "pending"}
POST /_control/refunds/{refund_id} {"status": "failed" | "succeeded" | "canceled"}
POST /_control/vies {"standing": "valid" | "invalid" | "unavailable"}
"""

import json
from urllib.parse import parse_qs

from dev.standins.stripe.api import refusal
from dev.standins.stripe.pages import bank_page
from dev.standins.stripe.params import Refused
from dev.standins.stripe.state import Fields, State
from dev.standins.stripe.till import OPEN_DISPUTES, Till
from dev.standins.stripe.webhooks import Manners, Webhooks
from dev.standins.web import Request, Response, json_response

Action = tuple[str, str, str]


class Control:
    """The hands of the bank, and of whoever tests."""

    def __init__(self, state: State, till: Till, webhooks: Webhooks) -> None:
        self._state = state
        self._till = till
        self._webhooks = webhooks
        self.vies = "valid"

    def answer(self, request: Request, path: list[str]) -> Response:
        """One order; from the page it comes as a form and leads back to it."""
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            given = _read(request, is_form=is_form) if request.method == "POST" else {}
            with self._state.lock:
                done = self._do(request.method, path, given)
                if request.method != "GET":
                    self._state.save()
        except Refused as refused:
            return refusal(refused)
        return Response(303, {"Location": "/"}) if is_form else json_response(done)

    def _do(self, method: str, path: list[str], given: Fields) -> Fields:
        match [method, *path]:
            case ["POST", "webhooks"]:
                self._webhooks.manners = Manners(**given)
            case ["GET", "events"]:
                return {"data": list(self._state.newest("evt"))}
            case ["POST", "events", event_id, "resend"]:
                self._webhooks.send(self._found(event_id, "evt"))
            case ["POST", "vies"]:
                self.vies = given["standing"]
            case ["POST", "sessions", session_id]:
                self._move(self._found(session_id, "cs"), given["do"])
            case ["POST", "refunds"]:
                charge = self._charge(given)
                return self._till.refund(charge, _amount(given, charge), given.get("status", "succeeded"))
            case ["POST", "refunds", refund_id]:
                self._till.settle_refund(self._found(refund_id, "re"), given.get("status") or given["do"])
            case ["POST", "disputes"]:
                return self._till.dispute(
                    self._charge(given), given.get("amount"), given.get("status", "needs_response")
                )
            case ["POST", "disputes", dispute_id]:
                self._till.settle_dispute(self._found(dispute_id, "du"), given.get("status") or given["do"])
            case _:
                raise Refused("There is no such order.", status=404)
        return {"done": True}

    def _move(self, session: Fields, order: str) -> None:
        match order:
            case "succeed" | "fail":
                self._till.arrive(session, succeeds=order == "succeed")
            case "expire":
                self._till.expire(session)
            case "refund-half":
                charge = self._charge(session)
                self._till.refund(charge, {"amount": charge["amount"] // 2}, "succeeded")
            case "refund":
                self._till.refund(self._charge(session), {}, "succeeded")
            case "dispute":
                self._till.dispute(self._charge(session), None, "needs_response")
            case _:
                raise Refused(f"Nothing is called {order} here.")

    def _charge(self, given: Fields) -> Fields:
        intent = self._found(str(given.get("payment_intent")), "pi")
        return self._found(str(intent["latest_charge"]), "ch")

    def _found(self, object_id: str, prefix: str) -> Fields:
        found = self._state.find(object_id, prefix)
        if found is None:
            raise Refused(f"No such object: '{object_id}'", code="resource_missing", status=404)
        return found

    def page(self) -> Response:
        """Every checkout, and what its bank may do now."""
        with self._state.lock:
            return bank_page([(session, self._actions(session)) for session in self._state.newest("cs")])

    def _actions(self, session: Fields) -> list[Action]:
        address = f"/_control/sessions/{session['id']}"
        if session["status"] == "open":
            return [("expire", address, "expire")]
        intent = self._state.find(session["payment_intent"] or "", "pi")
        if intent is None:
            return []
        if intent["status"] == "processing":
            return [("money arrives", address, "succeed"), ("money does not arrive", address, "fail")]
        charge = self._state.find(intent["latest_charge"] or "", "ch")
        actions: list[Action] = []
        if charge is not None and not charge["refunded"]:
            actions = [(label, address, label.replace(" ", "-")) for label in ("refund half", "refund", "dispute")]
        for dispute in self._state.newest("du"):
            if dispute["payment_intent"] == intent["id"] and dispute["status"] in OPEN_DISPUTES:
                where = f"/_control/disputes/{dispute['id']}"
                actions += [("dispute won", where, "won"), ("dispute lost", where, "lost")]
        return actions


def _amount(given: Fields, charge: Fields) -> Fields:
    return {"amount": given.get("amount", charge["amount"] - charge["amount_refunded"])}


def _read(request: Request, *, is_form: bool) -> Fields:
    text = request.body.read().decode("utf-8", "replace")
    if is_form:
        return {name: values[-1] for name, values in parse_qs(text).items()}
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        raise Refused("This is not JSON.") from None
