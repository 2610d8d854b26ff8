"""Formats: made by the job that was asked for them, or by a worker when somebody asks later."""

import io
import threading

import pypdfium2
import pytest
from PIL import Image as Picture

from shared import rendering, renditions
from shared.errors import LeaseLost, ProblemError, StorageUnavailable, TooComplex
from shared.files import File, FileKind
from shared.images import Image
from shared.invariants import select_all_violations
from shared.jobs import Job, JobKind, JobStatus
from shared.messages import MakeFormat
from shared.outputs import FORMATS, Format
from shared.renditions import Rendition
from tests.integration.workers.given import Given, logo
from workers import retention
from workers.job_attempt import run_job
from workers.previews import make_preview
from workers.renditions import RenditionAttempt, run_rendition
from workers.resources import Resources, open_resources
from workers.task import Finish, Outcome, carry_out
from workers.vectorize import make_vectorization


def results(given: Given, image: Image) -> dict[str, File]:
    return {file.format: file for file in given.files(image) if file.kind is FileKind.RESULT}


def vectorized(given: Given, image: Image, formats: list[str], **options: float | str) -> Job:
    job = given.job(image, JobKind.VECTORIZATION, formats, **options)
    assert Outcome.SUCCEEDED == run_job(given.resources, JobKind.VECTORIZATION, make_vectorization)
    return given.seen(job)


def ask(given: Given, job: Job, wanted: Format, resend_seconds: float = 0) -> MakeFormat | None:
    """What the api does for a format that is not there."""
    with given.resources.database.transaction(user_id=job.user_id) as db:
        return rendering.ask(db, job, wanted, resend_seconds=resend_seconds)


def make(given: Given, job: Job, wanted: Format) -> Outcome | None:
    return run_rendition(given.resources, job.job_id, job.user_id, wanted)


def known(given: Given, job: Job, wanted: Format) -> Rendition | None:
    with given.resources.database.transaction(user_id=job.user_id) as db:
        return renditions.select_rendition(db, job.job_id, wanted)


def width_of(pdf: bytes) -> float:
    """Of the only page, in millimeters."""
    document = pypdfium2.PdfDocument(pdf)
    width = document[0].get_width() * 25.4 / 72
    document.close()
    return width


def test_a_job_makes_every_format_it_was_asked_for_at_the_size_asked_for(resources: Resources, given: Given) -> None:
    user_id = given.account()
    image = given.image(user_id, logo())
    job = vectorized(given, image, ["png", "svg", "pdf", "eps", "dxf"], width=50, unit="mm", dpi=254)
    made = results(given, image)
    assert set(FORMATS) == set(made)
    data = {name: resources.storage.get(file.storage_key) for name, file in made.items()}
    assert {name: file.size for name, file in made.items()} == {name: len(content) for name, content in data.items()}
    assert b' width="50mm" height="50mm"' in data["svg"]
    assert width_of(data["pdf"]) == pytest.approx(50, abs=0.001)
    assert Picture.open(io.BytesIO(data["png"])).size == (500, 500)
    assert data["eps"].startswith(b"%!PS-Adobe-3.0 EPSF-3.0")
    assert b"AC1018" in data["dxf"]
    assert job.report is not None
    assert len(data["svg"]) == job.report["bytes"]
    assert ("4.0", "0.0") == given.balances(user_id)


def test_other_sizes_and_groups_need_no_new_trace(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(color="teal"))
    given.job(image, JobKind.PREVIEW)
    run_job(resources, JobKind.PREVIEW, make_preview)
    resources.storage.remove([image.file_url])  # a second trace would be impossible
    vectorized(given, image, ["pdf"], width=3, unit="in")
    assert width_of(resources.storage.get(results(given, image)["pdf"].storage_key)) == pytest.approx(76.2, abs=0.001)
    vectorized(given, image, ["svg"], group_by="color", height=7)
    assert b' height="7" ' in resources.storage.get(results(given, image)["svg"].storage_key)


def test_a_drawing_that_was_finished_is_never_taken_for_the_trace(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(color="olive"))
    vectorized(given, image, ["svg"], width=10, unit="mm")
    second = vectorized(given, image, ["svg"])
    (plain,) = [file for file in given.files(image) if file.job_id == second.job_id]
    assert b' width="96" height="96"' in resources.storage.get(plain.storage_key)


@pytest.mark.parametrize("wanted", ["pdf", "eps", "dxf", "png"])
def test_a_format_asked_for_later_is_made_once_and_costs_nothing(
    resources: Resources, given: Given, wanted: Format
) -> None:
    user_id = given.account()
    image = given.image(user_id, logo())
    job = vectorized(given, image, ["svg"], width=20, unit="mm")
    assert ask(given, job, wanted) == MakeFormat(job_id=job.job_id, user_id=user_id, format=wanted)
    assert Outcome.SUCCEEDED == make(given, job, wanted)
    file = results(given, image)[wanted]
    assert file.size == len(resources.storage.get(file.storage_key))
    assert None is known(given, job, wanted)
    assert None is make(given, job, wanted)
    assert ("4.0", "0.0") == given.balances(user_id)
    assert {file.storage_key for file in given.files(image)} | {image.file_url} == set(given.keys(image))


def test_a_format_asked_for_later_is_the_one_the_job_would_have_made(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo(color="navy"))
    first = vectorized(given, image, ["pdf"], width=30, unit="mm")
    second = vectorized(given, image, ["dxf"], width=30, unit="mm")
    ask(given, second, "pdf")
    make(given, second, "pdf")
    bytes_of = {
        file.job_id: resources.storage.get(file.storage_key) for file in given.files(image) if file.format == "pdf"
    }
    assert bytes_of[first.job_id] == bytes_of[second.job_id]


def test_many_who_ask_at_once_send_for_one_worker(given: Given) -> None:
    job = vectorized(given, given.image(given.account(), logo()), ["svg"])
    messages: list[MakeFormat | None] = []
    threads = [threading.Thread(target=lambda: messages.append(ask(given, job, "pdf", 60))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len([message for message in messages if message is not None])


def test_a_lost_message_is_sent_again_by_whoever_asks_next_and_not_while_a_worker_is_at_it(given: Given) -> None:
    job = vectorized(given, given.image(given.account(), logo()), ["svg"])
    assert ask(given, job, "pdf", 60) is not None
    assert ask(given, job, "pdf", 60) is None
    assert ask(given, job, "pdf", 0) is not None
    with given.resources.database.transaction(user_id=job.user_id) as db:
        assert rendering.claim(db, job.job_id, "pdf", lease_seconds=60, max_attempts=3) is not None
    assert ask(given, job, "pdf", 0) is None
    assert None is make(given, job, "pdf")


def test_what_cannot_be_made_says_why_to_everybody_who_asks(given: Given) -> None:
    image = given.image(given.account(), logo())
    job = vectorized(given, image, ["svg"], width=5_000, unit="mm", dpi=300)
    ask(given, job, "png")
    assert Outcome.FAILED == make(given, job, "png")
    with pytest.raises(ProblemError, match="59055 × 59055 pixels") as refusal:
        ask(given, job, "png")
    assert "options-invalid" == refusal.value.slug
    assert None is make(given, job, "png")
    assert {"svg"} == set(results(given, image))
    assert JobStatus.SUCCEEDED == given.seen(job).status


def test_a_worker_that_dies_each_time_is_given_up_after_its_attempts(given: Given) -> None:
    job = vectorized(given, given.image(given.account(), logo()), ["svg"])
    ask(given, job, "pdf")
    for _ in range(3):
        with given.resources.database.transaction(user_id=job.user_id) as db:
            assert rendering.claim(db, job.job_id, "pdf", lease_seconds=0, max_attempts=3) is not None
    assert None is make(given, job, "pdf")
    with pytest.raises(ProblemError, match="could not be made"):
        ask(given, job, "pdf")


def test_storage_that_is_away_only_delays_it(resources: Resources, given: Given) -> None:
    job = vectorized(given, given.image(given.account(), logo()), ["svg"])
    without_storage = open_resources(resources.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"}))
    ask(given, job, "pdf")
    try:
        for attempt in (1, 2, 0):  # after the last the next request begins anew
            assert run_rendition(without_storage, job.job_id, job.user_id, "pdf") in (
                Outcome.QUEUED_AGAIN, Outcome.FAILED,
            )  # fmt: skip
            found = known(given, job, "pdf")
            assert found is not None
            assert (attempt, None) == (found.attempts, found.problem)
            assert None is make(given, job, "pdf")  # its pause is not over
            given.as_owner("UPDATE renditions SET run_at = house_now() WHERE job_id = %s", job.job_id)
    finally:
        without_storage.close()
    assert Outcome.SUCCEEDED == make(given, job, "pdf")


def test_of_two_workers_with_the_same_format_one_wins_and_the_other_leaves_nothing(
    resources: Resources, given: Given
) -> None:
    image = given.image(given.account(), logo())
    job = vectorized(given, image, ["svg"])
    ask(given, job, "eps")
    with resources.database.transaction(user_id=job.user_id) as db:
        late = rendering.claim(db, job.job_id, "eps", lease_seconds=0, max_attempts=3)
    assert late is not None
    slow = RenditionAttempt(resources, late)
    finish = slow.make()
    assert Outcome.SUCCEEDED == make(given, job, "eps")
    assert Outcome.OVERTAKEN == carry_out(slow, lambda: finish)
    assert results(given, image)["eps"].storage_key != slow.key
    assert {file.storage_key for file in given.files(image)} | {image.file_url} == set(given.keys(image))


def test_a_claim_that_another_has_taken_over_can_end_nothing(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    job = vectorized(given, image, ["svg"])
    ask(given, job, "eps")
    with resources.database.transaction(user_id=job.user_id) as db:
        late = rendering.claim(db, job.job_id, "eps", lease_seconds=0, max_attempts=3)
    with resources.database.transaction(user_id=job.user_id) as db:
        now = rendering.claim(db, job.job_id, "eps", lease_seconds=60, max_attempts=3)
    assert late is not None
    assert now is not None
    file = File("a/b.eps", job.user_id, image.image_id, job.job_id, FileKind.RESULT, "eps", 1)
    ends: list[Finish] = [
        lambda db: rendering.finish(db, late, file),
        lambda db: rendering.fail(db, late, TooComplex()),
        lambda db: rendering.retry(db, late, StorageUnavailable(), max_attempts=3, delay_seconds=0),
        lambda db: rendering.retry(db, late, StorageUnavailable(), max_attempts=1, delay_seconds=0),
        lambda db: rendering.give_back(db, late),
    ]
    for end in ends:
        with pytest.raises(LeaseLost), resources.database.transaction(user_id=job.user_id) as db:
            end(db)
    assert now == known(given, job, "eps")


@pytest.mark.parametrize("end", ["expiry_timestamp = house_now()", "deleted_at = house_now()"])
def test_a_format_that_is_ready_after_its_image_has_gone_is_thrown_away(
    resources: Resources, given: Given, end: str
) -> None:
    image = given.image(given.account(), logo())
    job = vectorized(given, image, ["svg"])
    ask(given, job, "eps")
    with resources.database.transaction(user_id=job.user_id) as db:
        claimed = rendering.claim(db, job.job_id, "eps", lease_seconds=60, max_attempts=3)
    assert claimed is not None
    attempt = RenditionAttempt(resources, claimed)
    finish = attempt.make()
    given.as_owner(f"UPDATE images SET {end} WHERE image_id = %s", image.image_id)
    assert Outcome.OVERTAKEN == carry_out(attempt, lambda: finish)
    retention.sweep(resources)
    assert ([], []) == (given.keys(image), given.files(image))
    assert None is known(given, job, "eps")


def test_a_worker_that_stops_hands_it_back_uncounted(resources: Resources, given: Given) -> None:
    job = vectorized(given, given.image(given.account(), logo()), ["svg"])
    ask(given, job, "dxf")
    with resources.database.transaction(user_id=job.user_id) as db:
        claimed = rendering.claim(db, job.job_id, "dxf", lease_seconds=60, max_attempts=3)
        assert claimed is not None
        rendering.give_back(db, claimed)
    found = known(given, job, "dxf")
    assert found is not None
    assert 0 == found.attempts
    assert Outcome.SUCCEEDED == make(given, job, "dxf")


def test_a_settlement_whose_commit_was_made_unheard_is_recognized(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    job = vectorized(given, image, ["svg"])
    for wanted, problem in (("eps", None), ("dxf", TooComplex())):
        assert wanted in FORMATS
        ask(given, job, wanted)
        with resources.database.transaction(user_id=job.user_id) as db:
            claimed = rendering.claim(db, job.job_id, wanted, lease_seconds=60, max_attempts=3)
        assert claimed is not None
        attempt = RenditionAttempt(resources, claimed)
        finish = attempt.make() if problem is None else None
        with resources.database.transaction(user_id=job.user_id) as db:
            assert not attempt.is_settled(db)
            finish(db) if finish else attempt.fail(db, TooComplex())
            assert attempt.is_settled(db)


def test_nobody_sees_or_changes_what_others_ask_for(given: Given, resources: Resources) -> None:
    job = vectorized(given, given.image(given.account(), logo()), ["svg"])
    ask(given, job, "pdf")
    stranger = given.account()
    with resources.database.transaction(user_id=stranger) as db:
        assert renditions.select_rendition(db, job.job_id, "pdf") is None
        assert rendering.claim(db, job.job_id, "pdf", lease_seconds=60, max_attempts=3) is None


def test_all_invariants_hold_after_all_this(resources: Resources) -> None:
    with resources.maintenance.transaction() as db:
        assert {} == select_all_violations(db)
