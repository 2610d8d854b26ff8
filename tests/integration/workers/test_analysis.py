"""The look at an image: what it finds, what becomes of it when things go wrong, and that nothing waits for it."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image as Picture

from shared import analyses, guests, images, lifecycle, preparation
from shared.analyses import Analysis
from shared.errors import TooComplex
from shared.ids import new_id
from shared.images import Image, ImageStatus
from shared.invariants import select_all_violations
from shared.jobs import JobKind, JobStatus
from shared.messages import Queue
from shared.suggestions import Caution, ContentClass
from tests.integration.workers.given import Given, logo, png
from tests.integration.workers.looking import attempts, content, is_sent_for, let_its_time_come, seconds_until_due, told
from workers import recovery, retention
from workers.analysis import AnalysisAttempt, run_analysis
from workers.job_attempt import run_job
from workers.resources import Resources, open_resources
from workers.stopping import Interrupted
from workers.task import Finish, Outcome, carry_out
from workers.vectorize import make_vectorization

PENDING = Analysis(None, is_pending=True)
NONE = Analysis(None, is_pending=False)


def look(resources: Resources, image: Image) -> Outcome | None:
    return run_analysis(resources, image.image_id, image.user_id)


def claimed(given: Given, image: Image) -> AnalysisAttempt:
    """A look that a worker has begun."""
    with given.resources.database.transaction(user_id=image.user_id) as db:
        begun = analyses.update_analysis_claimed(db, image.image_id, lease_seconds=60, max_attempts=3)
    assert begun is not None
    return AnalysisAttempt(given.resources, begun)


def test_a_look_tells_what_an_image_is_and_is_taken_once(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(400))
    assert PENDING == told(given, image)
    assert Outcome.SUCCEEDED == look(resources, image)
    suggestion = told(given, image).suggestion
    assert suggestion is not None
    assert ("logo", 2, "#ffffff", ()) == (
        suggestion.preset,
        suggestion.colors,
        suggestion.background,
        suggestion.warnings,
    )
    assert not told(given, image).is_pending
    assert look(resources, image) is None
    let_its_time_come(given, image)
    assert not is_sent_for(given, image)


def test_a_tiny_image_is_warned_of(resources: Resources, given: Given) -> None:
    smooth = Picture.open(io.BytesIO(logo(240))).resize((24, 24), Picture.Resampling.LANCZOS)
    image = given.image(given.account(), png(smooth))
    look(resources, image)
    suggestion = told(given, image).suggestion
    assert suggestion is not None
    assert (Caution.TOO_SMALL,) == suggestion.warnings


def test_two_looks_at_once_leave_one_suggestion(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    both_began = threading.Barrier(2)

    def look_together(attempt: AnalysisAttempt) -> Outcome:
        def together() -> Finish:
            both_began.wait()
            return attempt.analyse()

        return carry_out(attempt, together)

    with ThreadPoolExecutor(2) as threads:
        outcomes = threads.map(look_together, [claimed(given, image), claimed(given, image)])
    assert [Outcome.OVERTAKEN, Outcome.SUCCEEDED] == sorted(outcomes)
    assert ContentClass.LOGO == content(given, image)


def test_an_image_that_cannot_be_looked_at_stays_without_and_as_usable_as_it_was(
    resources: Resources, given: Given
) -> None:
    whole = logo(400)
    image = given.image(given.account(), whole[:-200], claims=whole)
    assert Outcome.FAILED == look(resources, image)
    assert NONE == told(given, image)
    assert look(resources, image) is None
    let_its_time_come(given, image)
    assert not is_sent_for(given, image)
    assert ImageStatus.READY == given.seen_image(image).status


def test_a_look_that_fails_is_tried_three_times_and_a_job_needs_none(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    away = open_resources(resources.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"}))
    outcomes = [look(away, image) for _ in range(4)]
    away.close()
    assert [Outcome.QUEUED_AGAIN, Outcome.QUEUED_AGAIN, Outcome.FAILED, None] == outcomes
    assert NONE == told(given, image)
    job = given.job(image)
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    assert JobStatus.SUCCEEDED == given.seen(job).status


def test_a_look_that_kills_every_worker_is_given_up_by_the_sweep(given: Given) -> None:
    image = given.image(given.account(), logo())
    sent: list[bool] = []
    for _ in range(3):
        claimed(given, image)  # and no more is heard of it
        let_its_time_come(given, image)
        sent.append(is_sent_for(given, image))
    assert [True, True, False] == sent
    assert NONE == told(given, image)


def test_a_due_look_is_sent_for_and_not_again_at_once(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    assert not is_sent_for(given, image)  # its own message has a while to arrive
    let_its_time_come(given, image)
    before = resources.publisher.queue_lengths()[Queue.ANALYSIS]
    assert recovery.sweep(resources) >= 1
    assert resources.publisher.queue_lengths()[Queue.ANALYSIS] > before
    assert not is_sent_for(given, image)
    for waited, paused in ((20, 20), (1_000, 60)):
        given.as_owner(
            "UPDATE images SET analyse_at = house_now(), upload_timestamp = house_now() - make_interval(secs => %s)"
            " WHERE image_id = %s",
            waited,
            image.image_id,
        )
        assert is_sent_for(given, image)
        assert paused - 2 < seconds_until_due(given, image) < paused + 2


def test_an_image_that_is_being_prepared_is_looked_at_when_it_is_ready(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(400), working_max_pixels=40_000)
    let_its_time_come(given, image)
    assert (None, PENDING, False) == (look(resources, image), told(given, image), is_sent_for(given, image))
    with resources.database.transaction(user_id=image.user_id) as db:
        preparing = images.update_image_claimed(db, image.image_id, lease_seconds=60, max_attempts=3)
        assert preparing is not None
        preparation.fail(db, preparing, TooComplex("It could not be prepared."))
    assert (None, NONE, False) == (look(resources, image), told(given, image), is_sent_for(given, image))


@pytest.mark.parametrize("end", ["deleted", "expired", "removed"])
def test_an_image_that_ends_while_it_is_looked_at_is_told_nothing_of(
    resources: Resources, given: Given, end: str
) -> None:
    image = given.image(given.account(), logo())
    attempt = claimed(given, image)

    def look_while_it_ends() -> Finish:
        finish = attempt.analyse()
        if end == "deleted":
            with resources.database.transaction(user_id=image.user_id) as db:
                lifecycle.delete_image(db, image.image_id)
        else:
            given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", image.image_id)
        if end == "removed":
            retention.sweep(resources)
        return finish

    outcome = carry_out(attempt, look_while_it_ends)
    retention.sweep(resources)
    assert (Outcome.SUCCEEDED if end == "expired" else Outcome.OVERTAKEN, NONE) == (outcome, told(given, image))
    assert look(resources, image) is None
    with resources.maintenance.transaction() as db:
        assert {} == select_all_violations(db)


def test_what_a_look_told_goes_with_the_objects(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    look(resources, image)
    given.as_owner("UPDATE images SET expiry_timestamp = house_now() WHERE image_id = %s", image.image_id)
    retention.sweep(resources)
    assert NONE == told(given, image)


def test_a_stopping_worker_gives_a_look_back_uncounted(given: Given) -> None:
    image = given.image(given.account(), logo())
    attempt = claimed(given, image)

    def stop() -> Finish:
        raise Interrupted

    assert Outcome.GIVEN_BACK == carry_out(attempt, stop)
    assert (0,) == attempts(given, image)
    assert is_sent_for(given, image)


def test_a_suggestion_in_words_that_are_not_known_is_none(given: Given) -> None:
    image = given.image(given.account(), logo())
    given.as_owner(
        "UPDATE images SET analysis = %s, analyse_at = NULL WHERE image_id = %s",
        '{"content_class": "hologram"}',
        image.image_id,
    )
    assert NONE == told(given, image)


def test_an_image_that_changes_hands_while_it_is_looked_at_is_looked_at_for_its_new_owner(
    resources: Resources, given: Given
) -> None:
    guest, secret, owner = new_id(), new_id().bytes * 2, given.account()
    with resources.database.transaction(user_id=guest) as db:
        guests.insert_guest(db, user_id=guest, token_hash=secret, hours=25)
    image = given.image(guest, logo())
    attempt = claimed(given, image)

    def look_while_it_moves() -> Finish:
        finish = attempt.analyse()
        resources.storage.copy(image.file_url, image.file_url.replace(str(guest), str(owner)))
        with resources.database.transaction(user_id=owner) as db:
            assert guests.update_image_claimed(db, image.image_id, secret)
        return finish

    assert Outcome.OVERTAKEN == carry_out(attempt, look_while_it_moves)
    moved = replace(image, user_id=owner)
    assert (NONE, PENDING) == (told(given, image), told(given, moved))
    assert Outcome.SUCCEEDED == look(resources, moved)
    assert ContentClass.LOGO == content(given, moved)


def test_nobody_else_is_told_of_an_image(resources: Resources, given: Given) -> None:
    image, stranger = given.image(given.account(), logo()), given.account()
    look(resources, image)
    with resources.database.transaction(user_id=stranger) as db:
        assert NONE == analyses.select_analysis(db, image.image_id)
    assert run_analysis(resources, given.image(stranger, logo()).image_id, image.user_id) is None
