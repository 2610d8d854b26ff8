"""What becomes of jobs, with the real engine, database, storage and Redis."""

import io

import pytest
from PIL import Image as Picture
from structlog.testing import capture_logs

from shared import lifecycle, uploads
from shared.files import FileKind
from shared.jobs import JobKind, JobStatus
from tests.integration.workers.given import Given, logo
from workers.job_attempt import JobAttempt, run_job, without_fault
from workers.previews import make_preview
from workers.resources import Resources, open_resources
from workers.task import Finish, Outcome
from workers.vectorize import make_vectorization


def test_a_vectorization_stores_its_drawing_and_spends_the_credits(resources: Resources, given: Given) -> None:
    user_id = given.account()
    image = given.image(user_id, logo())
    job = given.job(image)
    assert Outcome.SUCCEEDED == run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    seen = given.seen(job)
    assert (JobStatus.SUCCEEDED, 1.0, "done", 1) == (seen.status, seen.progress, seen.stage, seen.attempts)
    assert ("4.0", "0.0") == given.balances(user_id)
    (result,) = [file for file in given.files(image) if file.kind is FileKind.RESULT]
    svg = resources.storage.get(result.storage_key)
    assert svg.startswith((b"<svg", b"<?xml"))
    assert len(svg) == result.size
    assert seen.report is not None
    assert (96, 96, result.size) == (seen.report["width"], seen.report["height"], seen.report["bytes"])
    assert result.storage_key.endswith(f"{job.job_id}-1.svg")


def test_a_preview_is_a_picture_and_its_drawing_is_kept_for_the_vectorization(
    resources: Resources, given: Given
) -> None:
    user_id = given.account()
    image = given.image(user_id, logo(color="teal"))
    preview = given.job(image, JobKind.PREVIEW)
    run_job(resources, JobKind.PREVIEW, make_preview)
    assert JobStatus.SUCCEEDED == given.seen(preview).status
    by_kind = {file.kind: file for file in given.files(image)}
    picture = Picture.open(io.BytesIO(resources.storage.get(by_kind[FileKind.RESULT].storage_key)))
    assert ("PNG", 1200) == (picture.format, max(picture.size))

    # The source is gone, so a second trace would be impossible.
    resources.storage.remove([image.file_url])
    job = given.job(image)
    assert Outcome.SUCCEEDED == run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    results = {file.job_id: file for file in given.files(image) if file.kind is FileKind.RESULT}
    svg = resources.storage.get(results[job.job_id].storage_key)
    assert svg == resources.storage.get(by_kind[FileKind.TRACE].storage_key)
    assert ("3.8", "0.0") == given.balances(user_id)


def test_other_options_make_another_drawing(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(color="gold"))
    for precision in (1, 3, 3):
        given.job(image, precision=precision)
        run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    keys = [file.cache_key for file in given.files(image) if file.kind is FileKind.RESULT]
    assert (3, 2) == (len(keys), len(set(keys)))


@pytest.mark.parametrize("kind", list(JobKind))
def test_a_picture_that_cannot_be_read_fails_with_its_own_problem(
    resources: Resources, given: Given, kind: JobKind
) -> None:
    user_id = given.account()
    whole = logo(200)
    image = given.image(user_id, whole[: len(whole) // 2], claims=whole)
    job = given.job(image, kind)
    make = make_preview if kind is JobKind.PREVIEW else make_vectorization
    assert Outcome.FAILED == run_job(resources, kind, make)
    seen = given.seen(job)
    assert seen.problem is not None
    assert (JobStatus.FAILED, "image-undecodable") == (seen.status, seen.problem["slug"])
    assert ("5.0", "0.0") == given.balances(user_id)
    assert [image.file_url] == given.keys(image)


def test_options_that_are_no_longer_valid_fail_the_job(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    job = given.job(image, colors=1)
    assert Outcome.FAILED == run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    problem = given.seen(job).problem
    assert problem is not None
    assert "options-invalid" == problem["slug"]


def test_an_image_that_expired_while_its_job_waited_fails_it(resources: Resources, given: Given) -> None:
    user_id = given.account()
    image = given.image(user_id, logo())
    job = given.job(image)
    given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", image.image_id)
    assert Outcome.FAILED == run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    problem = given.seen(job).problem
    assert problem is not None
    assert "image-expired" == problem["slug"]
    assert ("5.0", "0.0") == given.balances(user_id)


def test_with_nothing_to_do_nothing_is_done(resources: Resources) -> None:
    assert run_job(resources, JobKind.VECTORIZATION, make_vectorization) is None


def test_accounts_take_turns(resources: Resources, given: Given) -> None:
    flood = given.image(given.account(), logo())
    jobs = [given.job(flood) for _ in range(3)]
    first = resources.settings
    with resources.database.transaction() as db:
        running = lifecycle.take_turn(
            db, JobKind.VECTORIZATION, lease_seconds=first.lease_seconds, max_attempts=3, share=1
        )
    assert running is not None
    other = given.job(given.image(given.account(), logo()))
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    assert JobStatus.SUCCEEDED == given.seen(other).status
    assert [JobStatus.QUEUED, JobStatus.QUEUED] == [given.seen(job).status for job in jobs[1:]]
    given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", flood.image_id)
    for _ in range(2):
        run_job(resources, JobKind.VECTORIZATION, make_vectorization)


def test_storage_that_is_away_queues_the_job_again_and_its_attempts_are_counted(
    resources: Resources, given: Given
) -> None:
    user_id = given.account()
    image = given.image(user_id, logo(color="navy"))
    job = given.job(image)
    away = resources.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"})

    without_storage = open_resources(away)
    try:
        outcomes: list[Outcome | None] = []
        for _ in range(3):
            outcomes.append(run_job(without_storage, JobKind.VECTORIZATION, make_vectorization))
            given.is_due(job)
    finally:
        without_storage.close()
    assert [Outcome.QUEUED_AGAIN, Outcome.QUEUED_AGAIN, Outcome.FAILED] == outcomes
    seen = given.seen(job)
    assert seen.problem is not None
    assert (JobStatus.FAILED, 3, "storage-unavailable") == (seen.status, seen.attempts, seen.problem["slug"])
    assert ("5.0", "0.0") == given.balances(user_id)


def test_a_canceled_jobs_late_result_is_refused_and_removed(resources: Resources, given: Given) -> None:
    user_id = given.account()
    image = given.image(user_id, logo(color="plum"))
    job = given.job(image)

    def make_and_be_canceled(attempt: JobAttempt) -> Finish:
        finish = make_vectorization(attempt)
        with resources.database.transaction(user_id=user_id) as db:
            lifecycle.cancel(db, job)
        return finish

    assert Outcome.OVERTAKEN == run_job(resources, JobKind.VECTORIZATION, make_and_be_canceled)
    assert JobStatus.CANCELED == given.seen(job).status
    assert ("5.0", "0.0") == given.balances(user_id)
    assert [f"{uploads.image_prefix(user_id, image.image_id)}source.png"] == given.keys(image)


def test_a_fault_of_ours_is_tried_again_and_then_fails(resources: Resources, given: Given) -> None:
    def divide(_: JobAttempt) -> Finish:
        raise ZeroDivisionError

    job = given.job(given.image(given.account(), logo()))
    outcomes: list[Outcome | None] = []
    for _ in range(3):
        outcomes.append(run_job(resources, JobKind.VECTORIZATION, divide))
        given.is_due(job)
    assert [Outcome.QUEUED_AGAIN, Outcome.QUEUED_AGAIN, Outcome.FAILED] == outcomes
    problem = given.seen(job).problem
    assert problem is not None
    assert ("internal-error", "Something went wrong on our side") == (problem["slug"], problem["detail"])


def test_a_fault_of_our_own_method_is_told_to_operators_and_not_to_customers() -> None:
    with capture_logs() as said:
        assert {"paths": 3} == without_fault({"paths": 3, "fault": ""})
        assert {"paths": 3} == without_fault({"paths": 3, "fault": "IndexError in label_pixels (labels.py, line 7)"})
    assert ["IndexError in label_pixels (labels.py, line 7)"] == [line["fault"] for line in said]
