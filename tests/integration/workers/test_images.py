"""Images above the working size, images whose time is over, and the sweeps that nobody asks for."""

import io
import time
from dataclasses import replace

import psycopg
import pytest
from PIL import Image as Picture
from pydantic import TypeAdapter

from shared import images, lifecycle
from shared.copies import IMAGE, image_key
from shared.db import try_lock
from shared.images import ImageStatus
from shared.jobs import JobKind, JobStatus
from shared.messages import Queue, Recover
from tests.conftest import TestDatabase
from tests.integration.workers.given import Given, logo, png
from workers import recovery, retention
from workers.job_attempt import JobAttempt, run_job
from workers.resize import ImageAttempt, run_resize
from workers.resources import Resources, open_resources
from workers.task import Finish, Outcome, carry_out
from workers.vectorize import make_vectorization

SMALL = 40_000


@pytest.fixture
def small(resources: Resources) -> Resources:
    """A worker of an installation whose working size is 40,000 pixels."""
    return replace(resources, settings=resources.settings.model_copy(update={"working_max_pixels": SMALL}))


def test_a_large_image_gets_a_working_raster_and_is_ready(small: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(400), working_max_pixels=SMALL)
    assert ImageStatus.PROCESSING == given.seen_image(image).status
    assert Outcome.SUCCEEDED == run_resize(small, image.image_id, image.user_id)
    seen = given.seen_image(image)
    assert (ImageStatus.READY, 200, 200, 400) == (seen.status, seen.working_width, seen.working_height, seen.width)
    assert seen.working_key is not None
    assert (200, 200) == Picture.open(io.BytesIO(small.storage.get(seen.working_key))).size
    job = given.job(seen)
    run_job(small, JobKind.VECTORIZATION, make_vectorization)
    report = given.seen(job).report
    assert report is not None
    assert 400 == report["width"]  # the drawing is as large as what was uploaded


def test_a_large_image_that_cannot_be_read_fails(small: Resources, given: Given) -> None:
    whole = logo(400)
    image = given.image(given.account(), whole[:-200], working_max_pixels=SMALL, claims=whole)
    assert Outcome.FAILED == run_resize(small, image.image_id, image.user_id)
    seen = given.seen_image(image)
    assert seen.problem is not None
    assert (ImageStatus.FAILED, "image-undecodable") == (seen.status, seen.problem["slug"])
    assert run_resize(small, image.image_id, image.user_id) is None


def test_a_resize_is_repeated_while_storage_is_away_and_then_fails(small: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(400), working_max_pixels=SMALL)
    away = open_resources(small.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"}))
    outcomes: list[Outcome | None] = []
    for _ in range(3):
        outcomes.append(run_resize(away, image.image_id, image.user_id))
        given.as_owner("UPDATE images SET run_at = house_now() WHERE image_id = %s", image.image_id)
    away.close()
    assert [Outcome.QUEUED_AGAIN, Outcome.QUEUED_AGAIN, Outcome.FAILED] == outcomes
    assert ImageStatus.FAILED == given.seen_image(image).status


def test_an_image_deleted_while_it_is_resized_leaves_no_object_of_the_resize(small: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(400), working_max_pixels=SMALL)
    with small.database.transaction(user_id=image.user_id) as db:
        claimed = images.update_image_claimed(db, image.image_id, lease_seconds=60, max_attempts=3)
    assert claimed is not None
    attempt = ImageAttempt(small, claimed)

    def resize_while_it_is_deleted() -> Finish:
        finish = attempt.resize()
        with small.database.transaction(user_id=image.user_id) as db:
            lifecycle.delete_image(db, image.image_id)
        return finish

    assert Outcome.OVERTAKEN == carry_out(attempt, resize_while_it_is_deleted)
    assert [image.file_url] == given.keys(image)


def test_what_was_committed_and_never_sent_is_sent(resources: Resources, given: Given, database: TestDatabase) -> None:
    job = given.job(given.image(given.account(), logo()))
    before = resources.publisher.queue_lengths()[Queue.VECTORIZE]
    assert recovery.sweep(resources) >= 1
    assert resources.publisher.queue_lengths()[Queue.VECTORIZE] > before
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute("SELECT sends FROM wakeups WHERE subject_id = %s", [job.job_id]).fetchone()
    assert (1,) == row
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)


def test_an_expired_lease_is_taken_back_and_the_third_ends_the_job(resources: Resources, given: Given) -> None:
    user_id = given.account()
    job = given.job(given.image(user_id, logo()))
    for attempt in (1, 2, 3):
        with resources.database.transaction() as db:
            claim = lifecycle.take_turn(db, JobKind.VECTORIZATION, lease_seconds=60, max_attempts=3, share=1)
        assert claim is not None
        assert attempt == claim.job.attempts
        given.as_owner("UPDATE jobs SET lease_until = house_now() WHERE job_id = %s", job.job_id)
        recovery.sweep(resources)
    seen = given.seen(job)
    assert seen.problem is not None
    assert (JobStatus.FAILED, "attempts-exhausted") == (seen.status, seen.problem["slug"])
    assert ("5.0", "0.0") == given.balances(user_id)


def test_of_two_beats_one_sweeps(resources: Resources, given: Given) -> None:
    given.job(given.image(given.account(), logo()))
    with resources.maintenance.transaction() as db:
        assert try_lock(db, Recover.task)
        assert 0 == recovery.sweep(resources)
    assert recovery.sweep(resources) >= 1
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)


def test_a_copy_of_an_image_goes_with_it(resources: Resources, given: Given, database: TestDatabase) -> None:
    image = given.image(given.account(), logo())
    key, form = image_key(image.user_id, image.image_id), TypeAdapter(str)
    assert "before" == resources.copies.read(IMAGE, key, form, lambda: "before")
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", [image.image_id])
    retention.sweep(resources)
    assert "after" == resources.copies.read(IMAGE, key, form, lambda: "after")


def test_an_expired_image_and_all_that_was_made_of_it_are_removed(resources: Resources, given: Given) -> None:
    retention.sweep(resources)
    user_id = given.account()
    image, other = given.image(user_id, logo()), given.image(user_id, logo())
    given.job(image)
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    waiting = given.job(image)
    assert 2 == len(given.keys(image))
    given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", image.image_id)
    assert 1 == retention.sweep(resources)
    assert [] == given.keys(image)
    assert [] == given.files(image)
    seen = given.seen_image(image)
    assert (ImageStatus.EXPIRED, None) == (seen.status, seen.file_name)
    problem = given.seen(waiting).problem
    assert problem is not None
    assert "image-expired" == problem["slug"]
    assert ("4.0", "0.0") == given.balances(user_id)
    assert [other.file_url] == given.keys(other)
    assert 0 == retention.sweep(resources)


def test_retention_catches_up_when_storage_was_away(resources: Resources, given: Given) -> None:
    retention.sweep(resources)
    expired = [given.image(given.account(), logo()) for _ in range(3)]
    for image in expired:
        given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", image.image_id)
    away = open_resources(resources.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"}))
    assert 0 == retention.sweep(away)
    away.close()
    assert [1, 1, 1] == [len(given.keys(image)) for image in expired]
    assert 3 == retention.sweep(resources)
    assert [[], [], []] == [given.keys(image) for image in expired]


def test_progress_is_written_now_and_then(resources: Resources, given: Given) -> None:
    job = given.job(given.image(given.account(), logo()))
    with resources.database.transaction() as db:
        claim = lifecycle.take_turn(db, JobKind.VECTORIZATION, lease_seconds=60, max_attempts=3, share=1)
    assert claim is not None
    attempt = JobAttempt(resources, claim)
    attempt.watch("tracing", 0.3)
    assert (0.0, "started") == (given.seen(job).progress, given.seen(job).stage)
    time.sleep(0.55)
    attempt.watch("comparing", 0.9)
    assert "comparing" == given.seen(job).stage
    with resources.database.transaction(user_id=job.user_id) as db:
        lifecycle.cancel(db, claim.job)


def test_a_picture_of_one_pixel_is_work_too(resources: Resources, given: Given) -> None:
    job = given.job(given.image(given.account(), png(Picture.new("RGBA", (1, 1), (255, 0, 0, 128)))))
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    assert JobStatus.SUCCEEDED == given.seen(job).status


def test_an_object_that_nothing_lists_is_removed_after_its_grace_and_no_other(
    resources: Resources, given: Given
) -> None:
    image = given.image(given.account(), logo())
    orphan = image.file_url.replace("source", "left-behind")
    resources.storage.put(orphan, b"<svg/>", "image/svg+xml")
    assert 0 == retention.sweep_orphans(resources)
    assert sorted([orphan, image.file_url]) == given.keys(image)
    for seconds, removed in ((239.0, 0), (2.0, 1)):
        # Only ours: the other databases of the tests keep their objects in this bucket too.
        given.as_owner(
            "UPDATE orphans SET first_seen_at = first_seen_at - make_interval(secs => %s) WHERE storage_key = %s",
            seconds,
            orphan,
        )
        assert removed == retention.sweep_orphans(resources)
    assert [image.file_url] == given.keys(image)
