"""Whatever Stripe says, in whatever order we hear of it, the ledger ends where the money is."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest

from shared import billing, lifecycle, membership, purchases
from shared.billing import Settlement
from shared.credits import select_transactions
from shared.errors import InsufficientCredits, PaymentNotOurs
from shared.invariants import select_all_violations
from shared.payment_facts import Billing, PaymentState
from shared.periods import Span
from shared.purchases import Purchase, PurchaseStatus
from shared.reversals import select_reversals
from shared.sales import read_sales
from tests.conftest import Connection
from tests.factories import Scene, balances, claim, make_account, make_scene, submit
from tests.purchases import TAX, TOTAL, VAULT, dispute, make_purchase, paid, refund, settle, settle_all, unpaid


@pytest.fixture
def purchase(db: Connection) -> Purchase:
    """An open purchase of 20 credits by an account that has none."""
    return make_purchase(db, make_account(db, credits="0"))


def available(db: Connection, purchase: Purchase) -> str:
    row = db.execute("SELECT credit_balance FROM users WHERE user_id = %s", [purchase.user_id]).fetchone()
    assert row is not None
    return str(row[0])


def status(db: Connection, purchase: Purchase) -> PurchaseStatus:
    found = purchases.select_purchase(db, purchase.purchase_id)
    assert found is not None
    return found.status


def entries(db: Connection, purchase: Purchase) -> list[tuple[str, str, str]]:
    """(type, change of credits, money) of each entry about money, oldest first."""
    found = select_transactions(db, purchase.user_id, limit=100)
    about = [entry for entry in reversed(found) if entry.purchase_id == purchase.purchase_id]
    return [(entry.transaction_type.value, str(entry.available_delta), str(entry.amount)) for entry in about]


def test_a_paid_purchase_is_credited_with_its_vat_record(db: Connection, purchase: Purchase) -> None:
    assert Settlement.CHANGED is settle(db, purchase, paid(purchase))
    assert ("20.0", PurchaseStatus.PAID) == (available(db, purchase), status(db, purchase))
    assert [("purchase", "20.0", "11.78")] == entries(db, purchase)
    (entry,) = select_transactions(db, purchase.user_id, limit=1)
    assert entry.vat_info is not None
    assert ("DE", "19", 188) == tuple(entry.vat_info[name] for name in ("country", "rate", "amount"))
    assert "eur" == entry.currency


def test_money_that_comes_and_goes_is_noted_as_events(db: Connection, purchase: Purchase) -> None:
    settle_all(db, purchase, [paid(purchase), paid(purchase, refund(1, 589)), paid(purchase, refund(1, 589, "failed"))])
    settle(db, purchase, paid(purchase, refund(1, 589, "failed"), dispute(2, TOTAL)))
    events = db.execute(
        "SELECT action_type, additional_data FROM analytics WHERE user_id = %s"
        " AND action_type IN ('purchase', 'refund', 'dispute') ORDER BY analytics_id",
        [purchase.user_id],
    ).fetchall()
    moved = [(action, data.get("amount"), data["package_id"], data["currency"]) for action, data in events]
    assert [
        ("purchase", None, "starter", "eur"),
        ("refund", 589, "starter", "eur"),
        ("refund", -589, "starter", "eur"),
        ("dispute", TOTAL, "starter", "eur"),
    ] == moved


def test_settling_again_changes_nothing(db: Connection, purchase: Purchase) -> None:
    settle(db, purchase, paid(purchase))
    assert Settlement.UNCHANGED is settle(db, purchase, paid(purchase))
    assert "20.0" == available(db, purchase)


@pytest.mark.parametrize("state", [PaymentState.OPEN, PaymentState.FAILED, PaymentState.EXPIRED])
def test_what_is_not_paid_is_not_credited(db: Connection, purchase: Purchase, state: PaymentState) -> None:
    settle(db, purchase, unpaid(purchase, state))
    assert ("0.0", state.value) == (available(db, purchase), status(db, purchase).value)
    assert [] == entries(db, purchase)


def test_money_that_comes_after_a_failure_is_credited(db: Connection, purchase: Purchase) -> None:
    settle(db, purchase, unpaid(purchase, PaymentState.FAILED))
    settle(db, purchase, paid(purchase))
    assert ("20.0", PurchaseStatus.PAID) == (available(db, purchase), status(db, purchase))


def test_facts_from_before_another_settlement_are_refused(db: Connection, purchase: Purchase) -> None:
    settle(db, purchase, paid(purchase, refund(1, TOTAL)))
    known = replace(purchase, version=0)

    assert Settlement.STALE is billing.settle(db, VAULT, known, paid(purchase, refund(1, TOTAL, "failed")))
    assert "0.0" == available(db, purchase)


def test_half_the_money_back_takes_half_the_credits(db: Connection, purchase: Purchase) -> None:
    settle_all(db, purchase, [paid(purchase), paid(purchase, refund(1, TOTAL // 2))])
    assert ("10.0", PurchaseStatus.PAID) == (available(db, purchase), status(db, purchase))
    assert [("purchase", "20.0", "11.78"), ("refund", "-10.0", "5.89")] == entries(db, purchase)
    (entry, _) = select_transactions(db, purchase.user_id, limit=2)
    assert entry.vat_info == {"country": "DE", "rate": "19", "vat_id": None, "reverse_charge": False, "amount": 94}


def test_all_the_money_back_in_three_parts_takes_all_the_credits(db: Connection, purchase: Purchase) -> None:
    refunds = [refund(1, 393), refund(2, 393), refund(3, 392)]
    settle_all(db, purchase, [paid(purchase, *refunds[:count]) for count in range(4)])
    assert ("0.0", PurchaseStatus.REFUNDED) == (available(db, purchase), status(db, purchase))
    assert {} == violations(db, purchase)


def test_a_few_cents_back_are_in_the_ledger_though_they_move_no_credit(db: Connection, purchase: Purchase) -> None:
    settle_all(db, purchase, [paid(purchase), paid(purchase, refund(1, 2))])
    assert "20.0" == available(db, purchase)
    assert [("purchase", "20.0", "11.78"), ("refund", "0.0", "0.02")] == entries(db, purchase)
    many = [refund(number, 2) for number in range(1, 8)]
    settle_all(db, purchase, [paid(purchase, *many[:count]) for count in range(2, 8)])
    assert {} == violations(db, purchase)
    now = purchase.created_at
    sales = read_sales(db, Span(now - timedelta(days=1), now + timedelta(days=1), ZoneInfo("UTC")), seller_country="DE")
    (total,) = sales.totals
    back = sum(one.tax for one in select_reversals(db, purchase.purchase_id))
    assert (TOTAL - 14, TAX - back) == (total.gross, total.tax)
    settle(db, purchase, paid(purchase, *[refund(number, 2, "failed") for number in range(1, 8)]))
    assert ("20.0", {}) == (available(db, purchase), violations(db, purchase))
    assert [("refund", "0.0", "0.02")] * 3 == [one for one in entries(db, purchase)[-7:] if one[1] == "0.0"][:3]


def test_a_cent_of_tax_that_rounding_moves_against_the_credits_is_counted_its_own_way(
    db: Connection, purchase: Purchase
) -> None:
    """When the first of two refunds of three cents fails, the second takes a tenth of a credit and a cent less tax."""
    settle(db, purchase, paid(purchase, refund(1, 3), refund(2, 3)))
    settle(db, purchase, paid(purchase, refund(1, 3, "failed"), refund(2, 3)))
    second = next(one for one in select_reversals(db, purchase.purchase_id) if one.reversal_id == "re_2")
    assert (3, 0, Decimal("0.1")) == (second.amount, second.tax, second.credits)
    assert ("19.9", {}) == (available(db, purchase), violations(db, purchase))


def test_the_database_refuses_an_entry_that_moves_nothing_and_is_about_no_refund(db: Connection) -> None:
    user_id = make_account(db).user_id
    with pytest.raises(psycopg.errors.CheckViolation, match="an_entry_moves_what_its_kind_says"):
        db.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, available_delta,"
            " reserved_delta, reason) VALUES (gen_random_uuid(), %s, 'grant', 'credit', 0, 0, 'nothing')",
            [user_id],
        )


def test_a_refund_that_fails_gives_the_credits_again(db: Connection, purchase: Purchase) -> None:
    settle_all(db, purchase, [paid(purchase, refund(1, TOTAL, "pending")), paid(purchase, refund(1, TOTAL, "failed"))])
    assert ("20.0", PurchaseStatus.PAID) == (available(db, purchase), status(db, purchase))
    kinds = [(kind, delta) for kind, delta, _ in entries(db, purchase)]
    assert [("purchase", "20.0"), ("refund", "-20.0"), ("refund", "20.0")] == kinds


def test_a_dispute_takes_the_credits_until_it_is_won(db: Connection, purchase: Purchase) -> None:
    seen: list[str] = []
    for standing in ("warning_needs_response", "needs_response", "under_review", "won"):
        settle(db, purchase, paid(purchase, dispute(1, TOTAL, standing)))
        seen.append(available(db, purchase))
    assert ["20.0", "0.0", "0.0", "20.0"] == seen


def test_a_lost_dispute_after_a_refund_takes_no_more_than_everything(db: Connection, purchase: Purchase) -> None:
    settle(db, purchase, paid(purchase, refund(1, 589), dispute(2, TOTAL, "lost")))
    assert ("0.0", PurchaseStatus.REFUNDED) == (available(db, purchase), status(db, purchase))
    assert {} == violations(db, purchase)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 989, "total": 1177},
        {"total": 1000},
        {"currency": "usd"},
        {"session_id": "cs_another"},
        {"reversals": (replace(refund(1, 10), currency="usd"),)},
    ],
    ids=["amount", "total", "currency", "session", "refund in another currency"],
)
def test_money_that_is_not_what_was_agreed_is_never_credited(
    db: Connection, purchase: Purchase, wrong: dict[str, object]
) -> None:
    purchases.update_purchase_opened(
        db, purchase.purchase_id, session_id=paid(purchase).session_id, expires_at=purchase.created_at
    )
    with pytest.raises(PaymentNotOurs):
        settle(db, purchase, paid(purchase, **wrong))
    assert ("0.0", []) == (available(db, purchase), entries(db, purchase))


def test_credits_that_were_spent_before_their_money_went_back_are_a_debt(db: Connection) -> None:
    scene = make_scene(db, credits="0")
    purchase = make_purchase(db, scene.account)
    settle(db, purchase, paid(purchase))
    spend(db, scene, "15.0")
    settle(db, purchase, paid(purchase, refund(1, TOTAL)))
    assert "-15.0" == available(db, purchase)
    with pytest.raises(InsufficientCredits):
        submit(db, scene, price="0.0")
    assert {} == violations(db, purchase)


def test_what_comes_in_pays_the_debt_first(db: Connection) -> None:
    scene = make_scene(db, credits="0")
    first = make_purchase(db, scene.account)
    settle(db, first, paid(first))
    spend(db, scene, "15.0")
    settle(db, first, paid(first, refund(1, TOTAL)))
    second = make_purchase(db, scene.account)
    settle(db, second, paid(second))
    assert (Decimal("5.0"), Decimal(0)) == balances(db, scene.account)
    submit(db, scene, price="1.0")


def test_a_job_given_back_in_debt_lowers_the_debt(db: Connection) -> None:

    scene = make_scene(db, credits="0")
    purchase = make_purchase(db, scene.account)
    settle(db, purchase, paid(purchase))
    job = submit(db, scene, price="15.0")
    settle(db, purchase, paid(purchase, refund(1, TOTAL)))
    assert (Decimal(-15), Decimal(15)) == balances(db, scene.account)
    lifecycle.cancel(db, job)
    assert (Decimal(0), Decimal(0)) == balances(db, scene.account)


def test_no_hand_deepens_a_debt(db: Connection) -> None:
    scene = make_scene(db, credits="0")
    purchase = make_purchase(db, scene.account)
    settle(db, purchase, paid(purchase))
    spend(db, scene, "15.0")
    settle(db, purchase, paid(purchase, refund(1, TOTAL)))
    user_id = scene.account.user_id
    assert Decimal(-14) == membership.grant_credits(db, user_id=user_id, amount=Decimal(1), reason="by hand")
    with pytest.raises(InsufficientCredits):
        membership.grant_credits(db, user_id=user_id, amount=Decimal(-1), reason="by hand")


def test_the_database_refuses_an_unmarked_debt(db: Connection) -> None:
    account = make_account(db, credits="1.0")
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute("UPDATE users SET credit_balance = -1 WHERE user_id = %s", [account.user_id])


def test_the_database_credits_a_purchase_once(db: Connection, purchase: Purchase) -> None:
    settle(db, purchase, paid(purchase))
    copy = (
        "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, purchase_id, available_delta,"
        " reserved_delta) SELECT gen_random_uuid(), user_id, transaction_type, entry, purchase_id, 1, 0"
        " FROM transactions WHERE purchase_id = %s"
    )
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_credit_per_purchase"):
        db.execute(copy, [purchase.purchase_id])


def test_what_is_personal_is_not_to_be_read_in_the_row(db: Connection) -> None:
    account = make_account(db, credits="0")
    given = Billing(country="FR", business_name="Atelier Alice", address={"line1": "1 rue de la Paix", "city": "Paris"})
    purchase = make_purchase(db, account, details=given)
    settle(db, purchase, paid(purchase))
    row = db.execute("SELECT row_to_json(p)::text FROM purchases p").fetchone()
    assert row is not None
    assert [] == [word for word in ("Alice", "alice@", "rue de la") if word in row[0]]
    found = purchases.select_purchase(db, purchase.purchase_id)
    assert found is not None
    assert "Atelier Alice" in str(VAULT.open(found.details))
    assert "alice@example.com" in str(VAULT.open(found.details))


def spend(db: Connection, scene: Scene, amount: str) -> None:

    lifecycle.succeed(db, claim(db, submit(db, scene, price=amount)), report={}, made=[])


def violations(db: Connection, _: Purchase) -> dict[str, list[str]]:
    """What is broken, as far as this account sees."""
    broken = select_all_violations(db)
    broken.pop("every_succeeded_job_has_its_results_until_they_expire", None)
    return broken
