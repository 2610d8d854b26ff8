"""Whose turn it is, and when the line is too long to join."""

import pytest

from shared import lifecycle
from shared.errors import Overloaded
from shared.jobs import Job, JobKind, JobStatus, select_queue_state
from tests.conftest import Connection
from tests.factories import act_for, make_scene, submit, travel


def waiting(db: Connection) -> list[object]:
    return [row[0] for row in db.execute("SELECT subject_id FROM wakeups").fetchall()]


def turn(db: Connection, share: int = 1) -> Job | None:
    claimed = lifecycle.take_turn(db, JobKind.VECTORIZATION, lease_seconds=60, max_attempts=3, share=share)
    return None if claimed is None else claimed.job


def test_turns_go_round_the_accounts_and_then_in_order(db: Connection) -> None:
    crowd, single = make_scene(db), make_scene(db, credits="5.0")
    act_for(db, user_id=crowd.account.user_id)
    first, second, third = (submit(db, crowd) for _ in range(3))
    act_for(db, user_id=single.account.user_id)
    lone = submit(db, single)
    turns = [turn(db) for _ in range(5)]
    assert [first.job_id, lone.job_id, second.job_id, third.job_id] == [job.job_id for job in turns[:4] if job]
    assert turns[4] is None


def test_an_account_below_its_share_is_served_in_order(db: Connection) -> None:
    crowd, single = make_scene(db), make_scene(db)
    act_for(db, user_id=crowd.account.user_id)
    first, second = submit(db, crowd), submit(db, crowd)
    act_for(db, user_id=single.account.user_id)
    lone = submit(db, single)
    turns = [turn(db, share=2) for _ in range(3)]
    assert [first.job_id, second.job_id, lone.job_id] == [job.job_id for job in turns if job]


def test_a_turn_is_claimed_like_any_job_and_awake(db: Connection) -> None:
    job = submit(db, make_scene(db))
    claimed = turn(db)
    assert claimed is not None
    assert (job.job_id, 1, 1, JobStatus.RUNNING) == (claimed.job_id, claimed.attempts, claimed.fence, claimed.status)
    assert [] == waiting(db)


def test_a_line_that_is_too_long_or_too_slow_takes_no_more(db_owner: Connection) -> None:
    scene = make_scene(db_owner)
    for _ in range(3):
        submit(db_owner, scene)
    travel(db_owner, "40 seconds")
    depth, oldest = select_queue_state(db_owner, JobKind.VECTORIZATION, most=10)
    assert (3, True) == (depth, 40 <= oldest < 50)
    assert (2, 0.0) == (
        select_queue_state(db_owner, JobKind.VECTORIZATION, most=2)[0],
        select_queue_state(db_owner, JobKind.PREVIEW, most=2)[1],
    )
    lifecycle.refuse_overload(depth, oldest, most=4, longest_seconds=60)
    with pytest.raises(Overloaded):
        lifecycle.refuse_overload(depth, oldest, most=3, longest_seconds=60)
    with pytest.raises(Overloaded):
        lifecycle.refuse_overload(depth, oldest, most=4, longest_seconds=30)
