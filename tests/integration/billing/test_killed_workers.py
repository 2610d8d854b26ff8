"""A payments worker that dies, and a Stripe that is away: the event is worked on again, and credits come once."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.inbox import InboxProvider
from shared.settings import Settings
from tests.integration.billing.conftest import HANDLED, RECEIVED, Buyer, hurry, post_stripe
from workers import payments as tasks
from workers.resources import Resources, open_resources

InboxOf = Callable[[str], tuple[str, str | None] | None]


class Killed(BaseException):
    """The worker's process ends here: nothing after this line runs."""


@pytest.mark.parametrize("step", ["claimed", "subject found", "known", "facts read", "settled", "written down"])
def test_a_worker_killed_at_any_step_leaves_the_right_credits(
    alice: Buyer, worker: Resources, inbox_of: InboxOf, step: str
) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    sent = next(one for one in alice.stripe.events_about(session["id"]) if one["type"] == "checkout.session.completed")
    assert 200 == post_stripe(alice.client, sent).status_code
    with pytest.raises(Killed):
        tasks.handle(Dying(worker, step), InboxProvider.STRIPE, sent["id"])  # pyright: ignore[reportArgumentType] - it is one until it dies
    assert tasks.handle(worker, InboxProvider.STRIPE, sent["id"]) is None
    hurry(worker, sent["id"])
    assert tasks.sweep(worker) >= (step != "written down")
    tasks.handle(worker, InboxProvider.STRIPE, sent["id"])
    assert (HANDLED, None) == inbox_of(sent["id"])
    assert ["20.0"] == [entry["available_delta"] for entry in alice.entries()]


def test_an_outage_of_stripe_puts_the_event_off(
    alice: Buyer, shop: Settings, worker: Resources, inbox_of: InboxOf
) -> None:
    checkout = alice.checkout(country="DE")
    session = alice.pay(checkout)
    sent = alice.stripe.events_about(session["id"])[0]
    assert 200 == post_stripe(alice.client, sent).status_code
    away = open_resources(Settings.model_validate(shop.model_dump() | {"stripe_url": "http://127.0.0.1:9"}))
    try:
        tasks.handle(away, InboxProvider.STRIPE, sent["id"])
    finally:
        away.close()
    found = inbox_of(sent["id"])
    assert found is not None
    assert (RECEIVED, True) == (found[0], "payments-unavailable" in str(found[1]))
    hurry(worker, sent["id"])
    tasks.handle(worker, InboxProvider.STRIPE, sent["id"])
    assert ["20.0"] == [entry["available_delta"] for entry in alice.entries()]


class Dying:
    """A worker's resources that end the process at one step: before or after a database transaction or a request."""

    def __init__(self, living: Resources, step: str) -> None:
        self._living = living
        self._step = step
        self._transactions = 0
        self.cashier = self
        self.database = self
        self.payments = self
        self.vault = living.cashier.vault
        self.maintenance = living.maintenance
        self.settings = living.settings

    def transaction(self, **who: Any) -> Any:
        """claimed and written down are the first and last; known and settled lie between."""
        self._transactions += 1
        number = self._transactions
        if (number, self._step) in {(2, "known"), (4, "settled")}:
            raise Killed
        if self._step == "written down" and number == 4:
            return _DiesAfter(self._living.database.transaction(**who))
        return self._living.database.transaction(**who)

    def find_subject(self, kind: str, object_id: str) -> Any:
        if self._step == "claimed":
            raise Killed
        found = self._living.cashier.payments.find_subject(kind, object_id)
        if self._step == "subject found":
            raise Killed
        return found

    def read_payment(self, session_id: str) -> Any:
        found = self._living.cashier.payments.read_payment(session_id)
        if self._step == "facts read":
            raise Killed
        return found


class _DiesAfter:
    """A database transaction after whose commit the process ends."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __enter__(self) -> Any:
        return self._inner.__enter__()

    def __exit__(self, *raised: Any) -> None:
        self._inner.__exit__(*raised)
        raise Killed
