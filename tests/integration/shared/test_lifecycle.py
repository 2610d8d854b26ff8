"""A job from submit to its one end, against the real Postgres."""

from decimal import Decimal

import pytest

from shared import lifecycle, recovery
from shared.errors import (
    EngineCrashed,
    ImageExpired,
    ImageNotReady,
    InsufficientCredits,
    JobAlreadyFinished,
    LeaseLost,
    NotFound,
    StorageUnavailable,
)
from shared.images import select_image
from shared.jobs import Job, JobKind, JobStatus, select_job
from shared.messages import ResizeImage, RunVectorization
from tests.conftest import Connection
from tests.factories import (
    Scene,
    act_for,
    balances,
    claim,
    ledger,
    make_account,
    make_image,
    make_scene,
    submit,
    travel,
)


def recover(db: Connection) -> list[object]:
    return list(recovery.recover(db, max_attempts=3, resend_seconds=5, limit=100).messages)


def waiting(db: Connection) -> list[object]:
    return [row[0] for row in db.execute("SELECT subject_id FROM wakeups").fetchall()]


def reread(db: Connection, job: Job) -> Job:
    found = select_job(db, job.job_id)
    assert found is not None
    return found


def test_a_submitted_job_reserves_its_price(db: Connection) -> None:
    scene = make_scene(db, credits="5.0")
    job = submit(db, scene, price="1.0")
    assert (Decimal("4.0"), Decimal("1.0")) == balances(db, scene.account)
    assert ["credit", "reserve"] == ledger(db, scene.account)
    assert JobStatus.QUEUED == job.status
    assert [job.job_id] == waiting(db)


def test_a_succeeded_job_spends_its_credits_and_lists_its_files(db: Connection) -> None:
    scene = make_scene(db)
    job = claim(db, submit(db, scene))
    lifecycle.succeed(db, job, report={"paths": 3}, made=[])
    assert (Decimal("4.0"), Decimal("0.0")) == balances(db, scene.account)
    assert ["credit", "reserve", "capture"] == ledger(db, scene.account)
    assert JobStatus.SUCCEEDED == reread(db, job).status


def test_a_failed_job_gives_its_credits_back_and_says_why(db: Connection) -> None:
    scene = make_scene(db)
    job = claim(db, submit(db, scene))
    lifecycle.fail(db, job, EngineCrashed())
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db, scene.account)
    assert ["credit", "reserve", "release"] == ledger(db, scene.account)
    problem = reread(db, job).problem
    assert problem is not None
    assert "engine-crashed" == problem["slug"]


def test_a_preview_costs_tenths_exactly(db: Connection) -> None:
    scene = make_scene(db, credits="0.6")
    for _ in range(3):
        job = claim(db, submit(db, scene, kind=JobKind.PREVIEW, price="0.2"))
        lifecycle.succeed(db, job, report={}, made=[])
    assert (Decimal("0.0"), Decimal("0.0")) == balances(db, scene.account)


def test_too_few_credits_change_nothing_and_say_what_is_missing(db: Connection) -> None:
    scene = make_scene(db, credits="0.9")
    with pytest.raises(InsufficientCredits) as refusal:
        submit(db, scene, price="1.0")
    assert {"required": "1.0", "available": "0.9"} == dict(refusal.value.extra)
    assert (Decimal("0.9"), Decimal("0.0")) == balances(db, scene.account)
    assert [] == waiting(db)


def test_another_accounts_image_is_not_there(db: Connection) -> None:
    owner = make_scene(db)
    thief = make_account(db)
    with pytest.raises(NotFound):
        submit(db, Scene(thief, owner.image))


def test_an_image_in_preparation_takes_no_job(db: Connection) -> None:
    account = make_account(db)
    with pytest.raises(ImageNotReady):
        submit(db, Scene(account, make_image(db, account, ready=False)))


def test_an_expired_image_takes_no_job(db_owner: Connection) -> None:
    scene = make_scene(db_owner)
    travel(db_owner, "24 hours")
    with pytest.raises(ImageExpired):
        submit(db_owner, scene)


def test_a_claimed_job_cannot_be_claimed_again_and_is_awake(db: Connection) -> None:
    job = submit(db, make_scene(db))
    first = claim(db, job)
    assert lifecycle.start(db, job.job_id, lease_seconds=60, max_attempts=3) is None
    assert (1, 1) == (first.attempts, first.fence)
    assert [] == waiting(db)


def test_of_two_holders_of_a_job_only_the_last_fence_can_end_it(db_owner: Connection) -> None:
    scene = make_scene(db_owner)
    slow = claim(db_owner, submit(db_owner, scene))
    travel(db_owner, "61 seconds")
    quick = claim(db_owner, slow)
    lifecycle.succeed(db_owner, quick, report={}, made=[])
    with pytest.raises(LeaseLost):
        lifecycle.succeed(db_owner, slow, report={}, made=[])
    with pytest.raises(LeaseLost):
        lifecycle.fail(db_owner, slow, EngineCrashed())
    assert ["credit", "reserve", "capture"] == ledger(db_owner, scene.account)


def test_a_late_worker_cannot_finish_a_canceled_job(db: Connection) -> None:
    scene = make_scene(db)
    job = claim(db, submit(db, scene))
    lifecycle.cancel(db, job)
    with pytest.raises(LeaseLost):
        lifecycle.succeed(db, job, report={}, made=[])
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db, scene.account)


def test_a_finished_job_cannot_be_canceled(db: Connection) -> None:
    job = claim(db, submit(db, make_scene(db)))
    lifecycle.succeed(db, job, report={}, made=[])
    with pytest.raises(JobAlreadyFinished):
        lifecycle.cancel(db, job)


def test_a_transient_problem_queues_the_job_again_after_a_pause(db_owner: Connection) -> None:
    job = claim(db_owner, submit(db_owner, make_scene(db_owner)))
    assert lifecycle.retry(db_owner, job, StorageUnavailable(), max_attempts=3, delay_seconds=2)
    assert JobStatus.QUEUED == reread(db_owner, job).status
    assert lifecycle.start(db_owner, job.job_id, lease_seconds=60, max_attempts=3) is None
    assert [job.job_id] == waiting(db_owner)
    travel(db_owner, "3 seconds")
    assert 2 == claim(db_owner, job).attempts


def test_spent_attempts_fail_the_job_with_the_last_problem(db: Connection) -> None:
    scene = make_scene(db)
    job = claim(db, submit(db, scene))
    assert not lifecycle.retry(db, job, StorageUnavailable(), max_attempts=1, delay_seconds=2)
    failed = reread(db, job)
    assert failed.problem is not None
    assert (JobStatus.FAILED, "storage-unavailable") == (failed.status, failed.problem["slug"])
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db, scene.account)


def test_the_sweep_repeats_a_wakeup_nobody_claimed_and_then_waits_longer(db_owner: Connection) -> None:
    scene = make_scene(db_owner)
    job = submit(db_owner, scene)
    message = RunVectorization(job_id=job.job_id, user_id=scene.account.user_id)
    assert [] == recover(db_owner)
    travel(db_owner, "6 seconds")
    assert [message] == recover(db_owner)
    assert [] == recover(db_owner)
    travel(db_owner, "12 seconds")
    assert [message] == recover(db_owner)
    travel(db_owner, "20 seconds")
    assert [] == recover(db_owner)


def test_the_sweep_takes_back_a_job_past_its_lease(db_owner: Connection) -> None:
    job = claim(db_owner, submit(db_owner, make_scene(db_owner)))
    travel(db_owner, "61 seconds")
    assert [RunVectorization(job_id=job.job_id, user_id=job.user_id)] == recover(db_owner)
    assert JobStatus.QUEUED == reread(db_owner, job).status


def test_the_sweep_fails_a_job_whose_attempts_are_spent(db_owner: Connection) -> None:
    scene = make_scene(db_owner)
    job = submit(db_owner, scene)
    for attempt in (1, 2, 3):
        travel(db_owner, f"{attempt * 100} seconds")
        claim(db_owner, job)
        travel(db_owner, f"{attempt * 100 + 61} seconds")
        recover(db_owner)
    failed = reread(db_owner, job)
    assert failed.problem is not None
    assert (JobStatus.FAILED, "attempts-exhausted") == (failed.status, failed.problem["slug"])
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db_owner, scene.account)
    assert [] == waiting(db_owner)


def test_the_sweep_takes_back_an_image_past_its_lease_and_fails_it_in_the_end(db_owner: Connection) -> None:
    from shared.images import update_image_claimed

    account = make_account(db_owner)
    image = make_image(db_owner, account, ready=False)
    for attempt in (1, 2, 3):
        travel(db_owner, f"{attempt * 100} seconds")
        assert update_image_claimed(db_owner, image.image_id, lease_seconds=60, max_attempts=3)
        travel(db_owner, f"{attempt * 100 + 61} seconds")
        expected = [ResizeImage(image_id=image.image_id, user_id=account.user_id)] if attempt < 3 else []
        assert expected == recover(db_owner)
    failed = select_image(db_owner, image.image_id)
    assert failed is not None
    assert failed.problem is not None
    assert ("failed", "attempts-exhausted") == (failed.status, failed.problem["slug"])


def test_deleting_an_image_cancels_its_open_jobs(db: Connection) -> None:
    scene = make_scene(db)
    queued, running = submit(db, scene), claim(db, submit(db, scene))
    lifecycle.delete_image(db, scene.image.image_id)
    assert [JobStatus.CANCELED] * 2 == [reread(db, job).status for job in (queued, running)]
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db, scene.account)
    assert select_image(db, scene.image.image_id) is None
    with pytest.raises(NotFound):
        lifecycle.delete_image(db, scene.image.image_id)


def test_expiry_fails_open_jobs_and_gives_the_credits_back(db: Connection) -> None:
    scene = make_scene(db)
    job = claim(db, submit(db, scene))
    lifecycle.expire_images(db, [scene.image.image_id])
    problem = reread(db, job).problem
    assert problem is not None
    assert "image-expired" == problem["slug"]
    assert (Decimal("5.0"), Decimal("0.0")) == balances(db, scene.account)


def test_progress_is_for_the_holder_of_the_claim_alone(db: Connection) -> None:
    job = claim(db, submit(db, make_scene(db)))
    lifecycle.report_progress(db, job, progress=0.5, stage="tracing")
    assert (0.5, "tracing") == (reread(db, job).progress, reread(db, job).stage)
    lifecycle.cancel(db, job)
    with pytest.raises(LeaseLost):
        lifecycle.report_progress(db, job, progress=0.6, stage="tracing")


def test_nobody_sees_a_job_without_an_identity(db: Connection) -> None:
    job = submit(db, make_scene(db))
    act_for(db)
    assert select_job(db, job.job_id) is None
