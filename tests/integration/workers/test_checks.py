"""The regular check of the invariants, and the pruning of rows that were only kept for a while."""

from shared.idempotency import Answer, hash_of, insert_answer
from shared.invariants import INVARIANTS, select_checks
from tests.conftest import Connection
from tests.integration.workers.given import Given
from workers.checks import check
from workers.resources import Resources
from workers.retention import prune


def counts(resources: Resources) -> dict[str, int]:
    with resources.database.transaction() as db:
        return {name: violations for name, violations, _ in select_checks(db)}


def test_the_check_says_what_is_broken_until_it_is_mended(resources: Resources, given: Given) -> None:
    user_id = given.account()
    assert 0 == check(resources)
    assert dict.fromkeys(INVARIANTS, 0) == counts(resources)
    given.as_owner("UPDATE users SET credit_balance = credit_balance + 1 WHERE user_id = %s", user_id)
    assert 1 == check(resources)
    assert 1 == counts(resources)["balance_is_the_sum_of_the_ledger"]
    given.as_owner("UPDATE users SET credit_balance = credit_balance - 1 WHERE user_id = %s", user_id)
    assert 0 == check(resources)


def test_old_idempotency_keys_are_pruned_and_young_ones_kept(
    resources: Resources, given: Given, db_owner: Connection
) -> None:
    user_id = given.account()
    with resources.database.transaction(user_id=user_id) as db:
        for key in ("old", "young"):
            answer = Answer(hash_of(key), 202, {}, {})
            insert_answer(db, user_id=user_id, key_hash=hash_of(key), answer=answer)
    age = "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE key_hash = %s"
    given.as_owner(age, hash_of("old"))
    assert 1 == prune(resources)["answers"]
    rows = db_owner.execute("SELECT key_hash FROM idempotency_keys").fetchall()
    assert [hash_of("young")] == [bytes(row[0]) for row in rows]
