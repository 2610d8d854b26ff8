"""Each guard of the money, alone: what the database refuses whatever the code above it does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from shared import credits, lifecycle, membership
from shared.credits import TransactionType
from shared.db import Database
from shared.errors import InsufficientCredits, NotFound, RequestInvalid
from shared.ids import new_id
from shared.jobs import JobKind
from tests.conftest import Connection, TestDatabase
from tests.factories import balances, claim, ledger, make_account, make_scene, submit


def enter(
    db: Connection, job_id: object, user_id: UUID, entry: str, available: str, reserved: str
) -> psycopg.Cursor[tuple[object, ...]]:
    return db.execute(
        "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, job_id, available_delta,"
        " reserved_delta) VALUES (%s, %s, 'vectorize', %s, %s, %s, %s)",
        [new_id(), user_id, entry, job_id, available, reserved],
    )


def test_capturing_twice_spends_once(db: Connection) -> None:
    scene = make_scene(db)
    job = submit(db, scene)
    assert credits.capture(db, transaction_id=new_id(), job_id=job.job_id)
    assert not credits.capture(db, transaction_id=new_id(), job_id=job.job_id)
    assert not credits.release(db, transaction_id=new_id(), job_id=job.job_id)
    assert (Decimal("4.0"), Decimal("0.0")) == balances(db, scene.account)


def test_releasing_twice_gives_back_once(db: Connection) -> None:
    scene = make_scene(db)
    job = submit(db, scene)
    assert credits.release(db, transaction_id=new_id(), job_id=job.job_id)
    assert not credits.release(db, transaction_id=new_id(), job_id=job.job_id)
    assert not credits.capture(db, transaction_id=new_id(), job_id=job.job_id)
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db, scene.account)


def test_a_job_without_a_reservation_settles_nothing(db: Connection) -> None:
    make_scene(db)
    assert not credits.capture(db, transaction_id=new_id(), job_id=new_id())
    assert not credits.release(db, transaction_id=new_id(), job_id=new_id())


@pytest.mark.parametrize(
    ("entry", "available", "reserved", "guard"),
    [
        ("reserve", "-1", "1", "one_reservation_per_job"),
        ("capture", "0", "-1", "one_settlement_per_job"),
        ("release", "1", "-1", "one_settlement_per_job"),
    ],
)
def test_the_ledger_itself_refuses_a_second_entry(
    db: Connection, entry: str, available: str, reserved: str, guard: str
) -> None:
    job = submit(db, make_scene(db))
    credits.capture(db, transaction_id=new_id(), job_id=job.job_id)
    with pytest.raises(psycopg.errors.UniqueViolation, match=guard):
        enter(db, job.job_id, job.user_id, entry, available, reserved)


@pytest.mark.parametrize(
    ("entry", "available", "reserved"),
    [("reserve", "1", "-1"), ("reserve", "-1", "0"), ("capture", "1", "-1"), ("release", "1", "0")],
)
def test_the_ledger_refuses_an_entry_that_moves_something_else(
    db: Connection, entry: str, available: str, reserved: str
) -> None:
    job = submit(db, make_scene(db))
    with pytest.raises(psycopg.errors.CheckViolation, match="an_entry_moves_what_its_kind_says"):
        enter(db, job.job_id, job.user_id, entry, available, reserved)


@pytest.mark.parametrize("column", ["credit_balance", "credits_reserved"])
def test_a_balance_cannot_go_below_zero(db: Connection, column: str) -> None:
    account = make_account(db)
    query = sql.SQL("UPDATE users SET {} = -0.1 WHERE user_id = {}")
    with pytest.raises(psycopg.errors.CheckViolation, match="never_negative"):
        db.execute(query.format(sql.Identifier(column), sql.Literal(account.user_id)))


@pytest.mark.parametrize("change", ["UPDATE transactions SET reason = 'x'", "DELETE FROM transactions"])
def test_an_entry_can_be_neither_changed_nor_deleted_even_by_the_owner(db_owner: Connection, change: str) -> None:
    make_account(db_owner)
    with pytest.raises(psycopg.errors.RestrictViolation, match="immutable"):
        db_owner.execute(change.encode())


def test_the_ledger_cannot_be_truncated(db_owner: Connection) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="immutable"):
        db_owner.execute("TRUNCATE transactions")


def test_a_sign_up_is_granted_once(db: Connection) -> None:
    account = make_account(db, credits="1.0")
    again = credits.adjust(
        db,
        transaction_id=new_id(),
        user_id=account.user_id,
        transaction_type=TransactionType.GRANT,
        amount=Decimal("1.0"),
        reason=membership.SIGN_UP,
    )
    assert again is None
    assert (Decimal("1.0"), Decimal("0.0")) == balances(db, account)


def test_an_operator_gives_and_takes_credits_with_a_reason(db: Connection) -> None:
    account = make_account(db, credits="1.0")
    give: Callable[[str], Decimal] = lambda amount: membership.grant_credits(  # noqa: E731 - three lines shorter
        db, user_id=account.user_id, amount=Decimal(amount), reason="apology"
    )
    assert Decimal("3.5") == give("2.5")
    assert Decimal("0.0") == give("-3.5")
    assert ["credit", "credit", "debit"] == ledger(db, account)


@pytest.mark.parametrize("amount", ["0", "0.05"])
def test_credits_are_given_in_tenths(db: Connection, amount: str) -> None:
    account = make_account(db)
    with pytest.raises(RequestInvalid):
        membership.grant_credits(db, user_id=account.user_id, amount=Decimal(amount), reason="test")


def test_nobody_can_be_given_credits_who_is_not_there(db: Connection) -> None:
    with pytest.raises(NotFound):
        membership.grant_credits(db, user_id=new_id(), amount=Decimal(1), reason="test")


def test_no_more_can_be_taken_than_is_available(db: Connection) -> None:
    account = make_account(db, credits="1.0")
    with pytest.raises(InsufficientCredits):
        membership.grant_credits(db, user_id=account.user_id, amount=Decimal("-1.1"), reason="test")


def test_a_balance_is_set_by_one_entry_or_none(db: Connection) -> None:
    account = make_account(db, credits="1.0")
    assert Decimal("5.0") == membership.set_balance(db, user_id=account.user_id, target=Decimal(5), reason="demo")
    assert Decimal(5) == membership.set_balance(db, user_id=account.user_id, target=Decimal(5), reason="demo")
    assert ["credit", "credit"] == ledger(db, account)


def test_of_many_racers_for_the_last_credit_one_wins(database: TestDatabase) -> None:
    pool = Database(database.app_url, pool_size=16)
    clerk_id = f"user_{new_id().hex}"
    with pool.transaction(clerk_id=clerk_id) as db:
        scene = make_scene(db, credits="1.0")

    def race(_: int) -> bool:
        try:
            with pool.transaction(user_id=scene.account.user_id) as db:
                submit(db, scene, kind=JobKind.VECTORIZATION)
        except InsufficientCredits:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(race, range(64)))
    with pool.transaction(user_id=scene.account.user_id) as db:
        assert (Decimal("0.0"), Decimal("1.0")) == balances(db, scene.account)
    pool.close()
    assert 1 == sum(outcomes)


def test_of_many_finishers_of_one_job_one_settles(database: TestDatabase) -> None:
    pool = Database(database.app_url, pool_size=16)
    with pool.transaction(clerk_id=f"user_{new_id().hex}") as db:
        scene = make_scene(db)
        job = claim(db, submit(db, scene))

    def finish(number: int) -> None:
        with pool.transaction(user_id=scene.account.user_id) as db:
            if number % 2:
                lifecycle.succeed(db, job, report={}, made=[])
            else:
                lifecycle.cancel(db, job)

    with ThreadPoolExecutor(16) as threads:
        failures = [future.exception() for future in [threads.submit(finish, n) for n in range(32)]]
    with pool.transaction(user_id=scene.account.user_id) as db:
        assert 3 == len(ledger(db, scene.account))
        assert Decimal("0.0") == balances(db, scene.account)[1]
    pool.close()
    assert 1 == failures.count(None)
