"""Any multiset and order of what is known of a payment leads to one and the same ledger.

An event makes us ask Stripe what is true at that moment. So the machine below makes a history (paid, refunds that may
fail, disputes that may be won or lost), delivers events at any points of it, any number of times and in any order,
some of them with facts that were fetched long ago, and at last once more: then all must be as if there had been one.
"""

from decimal import Decimal

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import billing, purchases
from shared.billing import Settlement
from shared.invariants import select_all_violations
from shared.payment_facts import PaymentFacts, PaymentState, ReversalFacts
from shared.purchases import Purchase
from tests.conftest import TestDatabase
from tests.factories import balances, make_account
from tests.purchases import TAX, TOTAL, VAULT, dispute, make_purchase, paid, refund, settle, unpaid

AMOUNTS = st.integers(1, TOTAL)
STANDINGS = {False: ["pending", "succeeded", "failed"], True: ["needs_response", "under_review", "won", "lost"]}


@st.composite
def histories(draw: st.DrawFn) -> list[list[ReversalFacts] | PaymentState]:
    """What was true, one moment after the other: not paid for a while, then paid with refunds and disputes."""
    history: list[list[ReversalFacts] | PaymentState] = draw(
        st.lists(st.sampled_from([PaymentState.OPEN, PaymentState.FAILED]), max_size=2)
    )
    reversals: list[ReversalFacts] = []
    for number in range(draw(st.integers(0, 5))):
        is_dispute = draw(st.booleans())
        make = dispute if is_dispute else refund
        amount = draw(AMOUNTS)
        for standing in draw(st.lists(st.sampled_from(STANDINGS[is_dispute]), min_size=1, max_size=3)):
            reversals = [one for one in reversals if not one.reversal_id.endswith(f"_{number}")]
            reversals.append(make(number, amount, standing))
            history.append(list(reversals))
    return [*history, list(reversals)]


def facts_at(purchase: Purchase, moment: list[ReversalFacts] | PaymentState) -> PaymentFacts:
    return unpaid(purchase, moment) if isinstance(moment, PaymentState) else paid(purchase, *moment)


def outcome(db: psycopg.Connection[tuple[object, ...]], purchase: Purchase) -> tuple[object, ...]:
    found = purchases.select_purchase(db, purchase.purchase_id)
    assert found is not None
    taken = db.execute(
        "SELECT split_part(reversal_id, '-', 1), sum(available_delta) FROM transactions WHERE purchase_id = %s"
        " AND reversal_id IS NOT NULL GROUP BY 1 HAVING sum(available_delta) <> 0 ORDER BY 1",
        [purchase.purchase_id],
    ).fetchall()
    count = db.execute(
        "SELECT count(*) FROM transactions WHERE purchase_id = %s AND transaction_type = 'purchase'",
        [purchase.purchase_id],
    ).fetchone()
    return found.status, found.total, found.tax, taken, count


def money(db: psycopg.Connection[tuple[object, ...]], purchase: Purchase) -> tuple[object, ...]:
    """What is left of it by the ledger, to the cent, and of its tax."""
    row = db.execute(
        "SELECT sum(m.sign * t.amount * 100)::integer, sum(m.sign * (t.vat_info ->> 'amount')::integer)::integer"
        " FROM transactions t, LATERAL (SELECT CASE t.entry WHEN 'debit' THEN -1 ELSE 1 END AS sign) AS m"
        " WHERE purchase_id = %s",
        [purchase.purchase_id],
    ).fetchone()
    assert row is not None
    return row


def renamed(purchase: Purchase, facts: PaymentFacts) -> PaymentFacts:
    """Reversals have ids of their own in each purchase."""
    named = [
        ReversalFacts(
            f"{one.reversal_id}-{purchase.purchase_id.hex}",
            one.is_dispute, one.status, one.amount, one.currency, one.happened_at,
        )
        for one in facts.reversals
    ]  # fmt: skip
    return paid(purchase, *named) if facts.state is PaymentState.PAID else facts


def test_any_multiset_and_order_of_deliveries_ends_in_the_same_ledger(empty_database: TestDatabase) -> None:
    with psycopg.connect(empty_database.owner_url) as db:

        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
        @given(history=histories(), data=st.data())
        def always(history: list[list[ReversalFacts] | PaymentState], data: st.DataObject) -> None:
            once, often = (make_purchase(db, make_account(db, credits="3.0")) for _ in range(2))
            settle(db, once, renamed(once, facts_at(once, history[-1])))
            stale: list[tuple[Purchase, PaymentFacts]] = []
            for moment in history:
                facts = renamed(often, facts_at(often, moment))
                for _ in range(data.draw(st.integers(0, 2), label="deliveries")):
                    settle(db, often, facts)
                known = purchases.select_purchase(db, often.purchase_id)
                assert known is not None
                stale.append((known, facts))
            settle(db, often, renamed(often, facts_at(often, history[-1])))
            late = data.draw(st.permutations(stale), label="late workers")
            for known, facts in late:
                settlement = billing.settle(db, VAULT, known, facts)
                if settlement is not Settlement.STALE:
                    settle(db, often, renamed(often, facts_at(often, history[-1])))
            assert outcome(db, once) == outcome(db, often)
            both = [
                db.execute("SELECT credit_balance FROM users WHERE user_id = %s", [one.user_id]).fetchone()
                for one in (once, often)
            ]
            assert both[0] == both[1]
            assert {} == select_all_violations(db)

        always()
        db.rollback()


def test_the_balance_is_what_the_money_says(empty_database: TestDatabase) -> None:
    with psycopg.connect(empty_database.owner_url) as db:

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
        @given(history=histories())
        def always(history: list[list[ReversalFacts] | PaymentState]) -> None:
            account = make_account(db, credits="0")
            purchase = make_purchase(db, account)
            for moment in history:
                settle(db, purchase, renamed(purchase, facts_at(purchase, moment)))
            last = history[-1]
            assert not isinstance(last, PaymentState)
            back = min(TOTAL, sum(one.amount for one in last if one.takes_back))
            exact = Decimal(20) * (TOTAL - back) / TOTAL
            assert abs(balances(db, account)[0] - exact) <= Decimal("0.05")
            assert (TOTAL - back, TAX - int(Decimal(TAX * back) / TOTAL + Decimal("0.5"))) == money(db, purchase)

        always()
        db.rollback()
