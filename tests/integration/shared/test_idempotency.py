"""First answers: kept with what they answer, found again, refused to others."""

from shared.db import Database
from shared.idempotency import Answer, delete_answers, hash_of, insert_answer, select_answer
from shared.ids import new_id
from tests.conftest import Connection, TestDatabase
from tests.factories import make_account, travel

ANSWER = Answer(hash_of("POST", "/x", b"{}"), 202, {"Location": "/v1/jobs/1"}, {"job_id": "1"})


def test_the_first_answer_is_found_again(db: Connection) -> None:
    account, key = make_account(db), hash_of("key")
    assert (True, None) == select_answer(db, user_id=account.user_id, key_hash=key)
    assert insert_answer(db, user_id=account.user_id, key_hash=key, answer=ANSWER)
    assert (True, ANSWER) == select_answer(db, user_id=account.user_id, key_hash=key)
    assert not insert_answer(db, user_id=account.user_id, key_hash=key, answer=ANSWER)


def test_keys_belong_to_their_account(db: Connection) -> None:
    first, key = make_account(db), hash_of("key")
    insert_answer(db, user_id=first.user_id, key_hash=key, answer=ANSWER)
    second = make_account(db)
    assert (True, None) == select_answer(db, user_id=second.user_id, key_hash=key)
    assert insert_answer(db, user_id=second.user_id, key_hash=key, answer=ANSWER)


def test_a_key_in_use_is_seen_at_once(database: TestDatabase) -> None:
    pool, user_id = Database(database.app_url), new_id()
    with pool.transaction(user_id=user_id) as first:
        assert select_answer(first, user_id=user_id, key_hash=hash_of("a"))[0]
        with pool.transaction(user_id=user_id) as second:
            assert not select_answer(second, user_id=user_id, key_hash=hash_of("a"))[0]
            assert select_answer(second, user_id=user_id, key_hash=hash_of("b"))[0]
    with pool.transaction(user_id=user_id) as third:
        assert select_answer(third, user_id=user_id, key_hash=hash_of("a"))[0]
    pool.close()


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert hash_of("ab", "c") != hash_of("a", "bc")


def test_answers_are_forgotten_after_their_time(db_owner: Connection) -> None:
    account = make_account(db_owner)
    insert_answer(db_owner, user_id=account.user_id, key_hash=hash_of("k"), answer=ANSWER)
    travel(db_owner, "23 hours")
    assert 0 == delete_answers(db_owner, older_than_hours=24, limit=10)
    travel(db_owner, "25 hours")
    assert 1 == delete_answers(db_owner, older_than_hours=24, limit=10)
