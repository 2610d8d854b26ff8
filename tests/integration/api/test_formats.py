"""Formats and sizes as callers meet them: asked for with the job, or when the job is long done."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from api.app import create_app
from api.house import house_of
from shared import rendering
from shared.errors import TooComplex
from shared.files import File, FileKind
from shared.outputs import FORMATS
from shared.settings import Settings
from tests.integration.api.conftest import Person, png, shown, slug_of
from tests.integration.api.test_main_job import balance, new_image, succeed


@pytest.fixture
def hasty(app: Flask, settings: Settings, alice: Person) -> Iterator[Person]:
    """Alice at an installation that lets nobody wait."""
    other = create_app(settings.model_copy(update={"wait_max_seconds": 0}))
    yield Person(other.test_client(), alice.token)
    house_of(other).close()


def vectorized(app: Flask, person: Person, body: object | None = None) -> str:
    job_id = shown(person.post(f"/v1/images/{new_image(person)}/vectorizations", body or {}))["job_id"]
    succeed(app, job_id)
    return job_id


def work(app: Flask, person: Person, job_id: str, wanted: str, problem: TooComplex | None = None) -> None:
    """What the worker does that makes a format."""
    house, user_id = house_of(app), UUID(shown(person.get("/v1/me"))["user_id"])
    with house.database.transaction(user_id=user_id) as db:
        claimed = rendering.claim(db, UUID(job_id), wanted, lease_seconds=60, max_attempts=3)
        assert claimed is not None
        if problem is not None:
            rendering.fail(db, claimed, problem)
            return
        key = f"{user_id}/{claimed.image_id}/{job_id}-asked-{claimed.fence}.{wanted}"
        house.storage.put(key, b"made", FORMATS[claimed.format].content_type)
        file = File(key, user_id, claimed.image_id, claimed.job_id, FileKind.RESULT, wanted, 4)
        rendering.finish(db, claimed, file)
    house.cache.announce_job(UUID(job_id))


def test_a_job_can_be_asked_for_every_format_at_one_price(alice: Person) -> None:
    body = {"formats": ["dxf", "svg", "png", "pdf", "eps"], "options": {"width": 100, "unit": "mm"}}
    answer = alice.post(f"/v1/images/{new_image(alice)}/vectorizations", body)
    job = shown(answer)
    assert (answer.status_code, job["formats"], job["price"]) == (202, body["formats"], "1.0")
    assert (job["options"]["width"], job["options"]["unit"], job["options"]["dpi"]) == (100, "mm", 96)


@pytest.mark.parametrize("formats", [[], ["gif"], ["svg", "svg"], "svg", ["svg", "pdf", "eps", "dxf", "png", "svg"]])
def test_formats_that_are_not_offered_are_refused_with_those_that_are(alice: Person, formats: object) -> None:
    answer = alice.post(f"/v1/images/{new_image(alice)}/vectorizations", {"formats": formats})
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")
    (wrong, *_) = shown(answer)["errors"]
    assert wrong["pointer"].startswith("/formats")
    if formats == ["gif"]:
        assert all(name in wrong["detail"] for name in FORMATS)
    assert balance(alice) == ("1.0", "0.0")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"options": {"width": 6_000, "unit": "mm"}}, "/options/width"),
        ({"options": {"height": 5_000, "unit": "mm"}}, "/options/height"),
        ({"options": {"width": 1_000, "unit": "mm", "dpi": 600}, "formats": ["svg", "png"]}, "/options/width"),
        ({"options": {"width": 20_001}}, "/options/width"),
        ({"options": {"dpi": 10}}, "/options/dpi"),
        ({"options": {"unit": "cm"}}, "/options/unit"),
        ({"options": {"group_by": "size"}}, "/options/group_by"),
    ],
)
def test_sizes_beyond_what_can_be_made_are_refused_before_anything_is_reserved(
    alice: Person, body: dict[str, Any], pointer: str
) -> None:
    image_id = new_image(alice)
    answer = alice.post(f"/v1/images/{image_id}/vectorizations", body)
    assert (answer.status_code, slug_of(answer)) == (422, "options-invalid")
    assert [pointer] == [wrong["pointer"] for wrong in shown(answer)["errors"]]
    assert balance(alice) == ("1.0", "0.0")
    missing = alice.post("/v1/images/01a20f5a80ed7115a8038b6c866b7db4/vectorizations", {"options": {"width": 5}})
    assert (missing.status_code, slug_of(missing)) == (404, "not-found")


def test_a_preview_of_a_size_is_a_preview_all_the_same(alice: Person) -> None:
    options = {"width": 1_000, "unit": "mm", "dpi": 600}
    assert alice.post(f"/v1/images/{new_image(alice)}/previews", {"options": options}).status_code == 202


def test_an_unknown_format_is_answered_with_what_is_offered(app: Flask, alice: Person) -> None:
    answer = alice.get(f"/v1/jobs/{vectorized(app, alice)}/result?format=gif")
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")
    (wrong,) = shown(answer)["errors"]
    assert wrong["pointer"] == "/format"
    assert all(name in wrong["detail"] for name in FORMATS)


def test_a_preview_has_no_other_format(app: Flask, alice: Person) -> None:
    job_id = shown(alice.post(f"/v1/images/{new_image(alice)}/previews"))["job_id"]
    succeed(app, job_id, "png")
    for wanted in ("svg", "pdf"):
        answer = alice.get(f"/v1/jobs/{job_id}/result?format={wanted}")
        assert (answer.status_code, slug_of(answer)) == (404, "format-not-made")


def test_a_format_asked_for_later_is_waited_for_and_kept_for_nothing(app: Flask, alice: Person) -> None:
    job_id = vectorized(app, alice)
    assert ["svg"] == list(shown(alice.get(f"/v1/jobs/{job_id}"))["result"]["formats"])
    worker = threading.Timer(0.5, work, (app, alice, job_id, "pdf"))
    worker.start()
    link = alice.get(f"/v1/jobs/{job_id}/result?format=pdf")
    worker.join()
    assert link.status_code == 302
    assert "download=logo.pdf" in link.headers["Location"]
    again = alice.get(f"/v1/jobs/{job_id}/result?format=pdf")
    assert again.status_code == 302
    assert balance(alice) == ("0.0", "0.0")


def eventually(check: Callable[[], bool]) -> bool:
    """Whether it comes true within some seconds."""
    pause = threading.Event()
    return any(check() or pause.wait(0.05) for _ in range(100))


def test_a_job_shows_a_format_as_soon_as_it_is_made(app: Flask, alice: Person, hasty: Person) -> None:
    job_id = vectorized(app, alice)
    heard = house_of(app).cache.is_hearing
    assert eventually(heard)
    hasty.get(f"/v1/jobs/{job_id}/result?format=eps")
    alice.get(f"/v1/jobs/{job_id}")
    remembered = house_of(app).told
    assert remembered.get(job_id) is not None
    work(app, alice, job_id, "eps")
    assert eventually(lambda: remembered.get(job_id) is None)
    assert shown(alice.get(f"/v1/jobs/{job_id}"))["result"]["formats"]["eps"]["size"] == 4


def test_nobody_is_told_of_another_persons_job(app: Flask, alice: Person, stranger: Person) -> None:
    job_id = vectorized(app, alice)
    alice.get(f"/v1/jobs/{job_id}")
    assert stranger.get(f"/v1/jobs/{job_id}").status_code == 404
    assert stranger.get(f"/v1/jobs/{job_id}/result?format=pdf").status_code == 404


def test_a_format_that_takes_longer_than_a_request_may_wait_is_asked_for_again(app: Flask, hasty: Person) -> None:
    job_id = vectorized(app, hasty)
    answer = hasty.get(f"/v1/jobs/{job_id}/result?format=dxf")
    assert (answer.status_code, slug_of(answer), answer.headers["Retry-After"]) == (409, "format-not-ready", "1")
    work(app, hasty, job_id, "dxf")
    assert hasty.get(f"/v1/jobs/{job_id}/result?format=dxf").status_code == 302


def test_a_format_that_cannot_be_made_says_why(app: Flask, hasty: Person) -> None:
    job_id = vectorized(app, hasty)
    hasty.get(f"/v1/jobs/{job_id}/result?format=dxf")
    work(app, hasty, job_id, "dxf", TooComplex("As DXF the drawing has 99 bytes; at most 9 are allowed."))
    answer = hasty.get(f"/v1/jobs/{job_id}/result?format=dxf")
    assert (answer.status_code, slug_of(answer)) == (422, "too-complex")
    assert "As DXF" in shown(answer)["detail"]
    assert hasty.get(f"/v1/jobs/{job_id}/result?format=svg").status_code == 302


def test_without_a_format_the_first_asked_for_is_given(app: Flask, hasty: Person) -> None:
    job_id = shown(hasty.post(f"/v1/images/{new_image(hasty)}/vectorizations", {"formats": ["pdf", "svg"]}))["job_id"]
    succeed(app, job_id, "pdf")
    link = hasty.get(f"/v1/jobs/{job_id}/result")
    assert (link.status_code, "logo.pdf" in link.headers["Location"]) == (302, True)


def test_the_editor_shows_the_formats_and_the_options_of_the_output(alice: Person) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    editor = shown(alice.get(f"/v1/images/{image_id}/editor"))
    assert list(FORMATS) == [offer["format"] for offer in editor["formats"]]
    assert editor["formats"][1]["content_type"] == "application/pdf"
    options = {option["name"]: option for option in editor["options"]}
    assert options["unit"]["choices"] == ["px", "mm", "in"]
    assert options["group_by"]["choices"] == ["none", "color"]
    assert (options["dpi"]["minimum"], options["dpi"]["maximum"], options["dpi"]["default"]) == (36, 2_400, 96)
    width = options["width"]
    assert (width["type"], width["minimum"], width["maximum"], width["default"]) == ("number", 0, 20_000, 0)
