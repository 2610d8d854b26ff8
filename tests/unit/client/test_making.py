"""The journey of one image, taken up wherever an earlier run left it."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from tovector import Ask, Image, ImageRefused, Job, ResultGone
from tovector.making import Stand, make

FIRST = Stand("tovector.x.1")
READY = Image("i1", "ready")
QUEUED = Job("j1", "i1", "queued", Decimal(1), None, {}, {})
MADE = replace(QUEUED, status="succeeded", files={"svg": 6})
FAILED = replace(QUEUED, status="failed", problem={"slug": "too-complex", "detail": "Too many shapes"})


def refused(status: int) -> ImageRefused:
    return ImageRefused("no", status=status)


@dataclass(slots=True)
class Told:
    """A server as `make` sees it: what it will say next, and what it was asked."""

    uploads: list[Image] = field(default_factory=list[Image])
    submits: list[Job | ImageRefused] = field(default_factory=list[Job | ImageRefused])
    ends: list[Job] = field(default_factory=lambda: [MADE])
    jobs: list[Job | ImageRefused] = field(default_factory=list[Job | ImageRefused])
    paid: Job | None = None
    keys: list[str] = field(default_factory=list[str])

    def upload(self, content: bytes, name: str, *, key: str) -> Image:
        self.keys.append(f"upload {key}")
        return self.uploads.pop(0)

    def submit(self, image_id: str, ask: Ask, *, key: str) -> Job:
        self.keys.append(f"submit {key}")
        return given(self.submits.pop(0))

    def job(self, job_id: str, *, wait_seconds: int = 0) -> Job:
        return given(self.jobs.pop(0))

    def paid_job(self, image_id: str) -> Job | None:
        return self.paid

    def finished(self, job: Job) -> Job:
        return self.ends.pop(0)

    def download(self, job: Job, file_format: str) -> bytes:
        return b"<svg/>"


def given(said: Job | ImageRefused) -> Job:
    if isinstance(said, ImageRefused):
        raise said
    return said


def go(server: Told, stand: Stand = FIRST) -> list[Stand]:
    """Makes it, and gives the steps that were noted."""
    steps: list[Stand] = []
    drawing = make(server, Ask(), b"png", "x.png", stand=stand, note=steps.append)
    assert {"svg": b"<svg/>"} == drawing.files
    return steps


def test_each_step_is_noted_before_the_next_is_asked_for() -> None:
    server = Told(uploads=[READY], submits=[QUEUED])
    assert [FIRST, replace(FIRST, image_id="i1"), Stand(FIRST.key, "i1", "j1")] == go(server)
    assert ["upload tovector.x.1", "submit tovector.x.1"] == server.keys


def test_a_known_job_is_awaited_and_nothing_asked_for_again() -> None:
    server = Told(jobs=[QUEUED])
    go(server, Stand(FIRST.key, "i1", "j1"))
    assert [] == server.keys


def test_a_job_that_fails_now_ends_it_with_what_to_do() -> None:
    server = Told(uploads=[READY], submits=[QUEUED], ends=[FAILED])
    with pytest.raises(ImageRefused, match=r"Too many shapes\. Try fewer colors"):
        go(server)


@pytest.mark.parametrize("end", [FAILED, replace(QUEUED, status="canceled")])
def test_a_job_that_failed_in_an_earlier_run_is_asked_for_under_the_next_key(end: Job) -> None:
    server = Told(uploads=[READY], submits=[QUEUED], ends=[end, MADE], jobs=[QUEUED])
    go(server, Stand(FIRST.key, "i1", "j1"))
    assert ["upload tovector.x.2", "submit tovector.x.2"] == server.keys


def test_so_is_one_that_only_the_key_remembers() -> None:
    replayed = replace(QUEUED, is_replayed=True)
    server = Told(uploads=[READY, READY], submits=[replayed, QUEUED], ends=[FAILED, MADE])
    go(server)
    assert ["upload tovector.x.1", "submit tovector.x.1", "upload tovector.x.2", "submit tovector.x.2"] == server.keys


def test_an_old_image_that_is_gone_is_uploaded_anew() -> None:
    server = Told(uploads=[READY], submits=[refused(410), QUEUED])
    go(server, replace(FIRST, image_id="i0"))
    assert ["submit tovector.x.1", "upload tovector.x.2", "submit tovector.x.2"] == server.keys


def test_unless_its_drawing_was_paid_for() -> None:
    server = Told(submits=[refused(410)], paid=MADE)
    go(server, replace(FIRST, image_id="i0"))
    assert ["submit tovector.x.1"] == server.keys


def test_a_new_image_that_is_refused_is_not_tried_again() -> None:
    server = Told(uploads=[READY], submits=[refused(409)])
    with pytest.raises(ImageRefused):
        go(server)


def test_a_job_of_another_account_is_not_made_and_paid_anew_in_silence() -> None:
    with pytest.raises(ResultGone, match="another account's"):
        go(Told(jobs=[refused(404)]), Stand(FIRST.key, "i1", "j1"))


def test_a_canceled_job_says_that_it_cost_nothing() -> None:
    with pytest.raises(ImageRefused, match="canceled, and cost nothing"):
        go(Told(uploads=[READY], submits=[QUEUED], ends=[replace(QUEUED, status="canceled")]))
