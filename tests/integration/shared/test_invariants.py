"""Each invariant is broken by hand, alone, and must be the one that says so."""

import pytest

from shared import lifecycle, recovery
from shared.invariants import INVARIANTS, select_all_violations
from tests.conftest import Connection
from tests.factories import Scene, claim, make_scene, submit, travel
from tests.purchases import TOTAL, make_purchase, paid, refund, settle

# How to break each: statements run as superuser with triggers and constraints out of the way.
BREAKS = {
    "balance_is_the_sum_of_the_ledger": "UPDATE users SET credit_balance = credit_balance + 1",
    "reserved_is_the_sum_of_open_reservations": "UPDATE users SET credits_reserved = credits_reserved + 1",
    "every_job_is_reserved_once_at_its_price": (
        "UPDATE transactions SET entry = 'credit', job_id = NULL, transaction_type = 'correction'"
        " WHERE entry = 'reserve' AND job_id = (SELECT job_id FROM jobs WHERE status = 'succeeded')"
    ),
    "a_finished_job_is_settled_once_and_rightly": "UPDATE jobs SET status = 'failed' WHERE status = 'succeeded'",
    "only_refunds_and_disputes_leave_a_debt": "UPDATE users SET credit_balance = -11, debt_since = now()",
    "a_paid_purchase_is_credited_once_and_no_other_is": "UPDATE purchases SET status = 'open', paid_at = NULL",
    "what_a_reversal_takes_back_is_in_the_ledger": "UPDATE reversals SET credits = credits + 1",
    "no_purchase_gives_back_more_than_it_gave": "UPDATE purchases SET total = 1",
    "no_job_outlives_its_lease_and_a_sweep": (
        "UPDATE jobs SET lease_until = now() - interval '2 hours' WHERE status = 'running'"
    ),
    "every_queued_job_has_a_wakeup": "DELETE FROM wakeups",
    "every_wakeup_has_something_to_wake": "UPDATE wakeups SET subject_id = gen_random_uuid()",
    "every_succeeded_job_has_its_results_until_they_expire": "DELETE FROM files",
}


@pytest.fixture
def scene(db_owner: Connection) -> Scene:
    """An account with a queued, a running, a succeeded and a failed job, and a purchase that was half refunded."""
    scene = make_scene(db_owner)
    purchase = make_purchase(db_owner, scene.account)
    settle(db_owner, purchase, paid(purchase, refund(1, TOTAL // 2)))
    submit(db_owner, scene)
    claim(db_owner, submit(db_owner, scene))
    succeeded = claim(db_owner, submit(db_owner, scene))
    lifecycle.succeed(db_owner, succeeded, report={}, made=[])
    lifecycle.cancel(db_owner, submit(db_owner, scene))
    db_owner.execute(
        "INSERT INTO files (storage_key, user_id, image_id, job_id, kind, format, size)"
        " VALUES ('key', %s, %s, %s, 'result', 'svg', 1)",
        [scene.account.user_id, scene.image.image_id, succeeded.job_id],
    )
    return scene


@pytest.mark.usefixtures("scene")
def test_they_hold_in_ordinary_life(db_owner: Connection) -> None:
    assert {} == select_all_violations(db_owner)
    travel(db_owner, "61 seconds")
    recovery.recover(db_owner, max_attempts=3, resend_seconds=5, limit=10)
    assert {} == select_all_violations(db_owner)


def test_every_invariant_is_broken_below() -> None:
    assert set(INVARIANTS) == set(BREAKS)


@pytest.mark.usefixtures("scene")
@pytest.mark.parametrize("name", INVARIANTS)
def test_a_broken_invariant_says_so(db_owner: Connection, name: str) -> None:
    for table in ("users", "transactions", "jobs", "purchases"):
        constraints = db_owner.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass", [table]
        ).fetchall()
        for (constraint,) in constraints:
            db_owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"'.encode())
    db_owner.execute("ALTER TABLE transactions DISABLE TRIGGER USER")
    db_owner.execute(BREAKS[name].encode())
    assert name in select_all_violations(db_owner)
