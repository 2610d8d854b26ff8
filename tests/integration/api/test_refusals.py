"""What is refused gets a problem with a helpful detail, and creates nothing."""

import io
import struct
import time
import zlib
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image

from api.app import create_app
from api.house import house_of
from shared.settings import Settings
from tests.integration.api.conftest import Person, png, shown, slug_of

NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def nothing_created(count: Callable[[str], int], alice: Person, app: Flask) -> Callable[[], None]:
    """Fails when an image, a job, a ledger entry or an object was made since the test began."""
    alice.get("/v1/me")  # the account and its sign-up grant
    tables = ("images", "jobs", "transactions", "files", "wakeups")

    def state() -> list[object]:
        return [*map(count, tables), house_of(app).storage.list_keys()]

    before = state()

    def check() -> None:
        assert state() == before

    return check


def huge_png(side: int = 12_000) -> bytes:
    """A square PNG of many pixels in few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = b"\0" * (side + 1)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_too_many_pixels_are_refused_from_the_header(alice: Person, nothing_created: Callable[[], None]) -> None:
    bomb = huge_png()
    assert len(bomb) < 200_000
    seconds: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        answer = alice.upload(bomb)
        seconds.append(time.perf_counter() - started)
        assert (answer.status_code, slug_of(answer)) == (413, "too-many-pixels")
        assert "12000 × 12000" in shown(answer)["detail"]
    assert min(seconds) < 0.1
    nothing_created()


@pytest.mark.parametrize("declared", [True, False])
def test_too_many_bytes_are_refused(
    settings: Settings, alice: Person, count: Callable[[str], int], declared: bool
) -> None:
    alice.get("/v1/me")
    images = count("images")
    app = create_app(settings.model_copy(update={"upload_max_bytes": 100_000}))
    headers = {"Authorization": f"Bearer {alice.token}"}
    body = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + png() + bytes(400_000)
    answer = app.test_client().post(
        "/v1/images",
        headers={**headers, "Content-Type": "multipart/form-data; boundary=X"},
        input_stream=io.BytesIO(body + b"\r\n--X--\r\n"),
        environ_overrides={} if declared else {"wsgi.input_terminated": True},
        content_length=len(body) if declared else None,
    )
    assert (answer.status_code, slug_of(answer)) == (413, "upload-too-large")
    assert shown(answer)["limit_bytes"] == 100_000
    assert count("images") == images
    house_of(app).close()


def test_a_file_just_at_the_cap_is_taken_and_one_byte_more_is_not(settings: Settings, alice: Person) -> None:
    picture = png()
    for cap, status in ((len(picture), 201), (len(picture) - 1, 413)):
        app = create_app(settings.model_copy(update={"upload_max_bytes": max(cap, 1)}))
        assert Person(app.test_client(), alice.token).upload(picture).status_code == status
        house_of(app).close()


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("P", (8, 8)).save(file, "GIF")
    return file.getvalue()


def animated_png() -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        (gif(), 415, "unsupported-media-type"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported-media-type"),
        (b"", 415, "unsupported-media-type"),
        (animated_png(), 415, "animated-image"),
        (png(64, 64)[:-20], 422, "image-undecodable"),
        (png(64, 64)[:60], 422, "image-undecodable"),
        (b"\xff\xd8\xff\xe0" + bytes(50), 422, "image-undecodable"),
    ],
)
def test_what_is_no_whole_png_or_jpeg_is_refused(
    alice: Person, nothing_created: Callable[[], None], data: bytes, status: int, slug: str
) -> None:
    answer = alice.upload(data, "logo.png")
    assert (answer.status_code, slug_of(answer)) == (status, slug)
    assert len(shown(answer)["detail"]) > 20
    nothing_created()


@pytest.mark.parametrize(
    "form",
    [
        {"data": b"\x89PNG", "content_type": "image/png"},
        {"json": {"file": "x"}},
        {"data": {"picture": (io.BytesIO(b"x"), "a.png")}},
        {"data": {"file": "text, not a file"}},
        {"data": b"--X\r\nbroken", "content_type": "multipart/form-data; boundary=X"},
        {"data": b"--X\r\n\r\nnameless\r\n--X--", "content_type": "multipart/form-data; boundary=X"},
        {"data": b"", "content_type": "multipart/form-data"},
    ],
)
def test_an_upload_without_a_file_is_refused(
    alice: Person, nothing_created: Callable[[], None], form: dict[str, object]
) -> None:
    answer = alice.ask("POST", "/v1/images", **form)
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")
    assert shown(answer)["errors"][0]["pointer"] == "/file"
    nothing_created()


def test_too_many_parts_are_refused(alice: Person) -> None:
    form = {f"field{number}": "x" for number in range(30)}
    answer = alice.ask("POST", "/v1/images", data=form, content_type="multipart/form-data")
    assert (answer.status_code, slug_of(answer)) == (413, "upload-too-large")


def test_a_job_without_credits_is_refused(alice: Person, count: Callable[[str], int]) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    assert alice.post(f"/v1/images/{image_id}/vectorizations").status_code == 202
    before = [count(table) for table in ("jobs", "transactions", "wakeups")]
    answer = alice.post(f"/v1/images/{image_id}/previews")
    assert (answer.status_code, slug_of(answer)) == (402, "insufficient-credits")
    problem = shown(answer)
    assert (problem["required"], problem["available"]) == ("0.2", "0.0")
    assert [count(table) for table in ("jobs", "transactions", "wakeups")] == before


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"colors": 65}, "/options/colors"),
        ({"colors": 1}, "/options/colors"),
        ({"colors": "many"}, "/options/colors"),
        ({"colours": 8}, "/options/colours"),
        ({"detail": -1}, "/options/detail"),
        ({"preset": "nice"}, "/options/preset"),
        ({"background": "red"}, "/options/background"),
        ("auto", "/options"),
    ],
)
def test_bad_options_are_named_one_by_one(
    alice: Person, nothing_created: Callable[[], None], options: object, pointer: str
) -> None:
    answer = alice.post(f"/v1/images/{NOWHERE}/vectorizations", {"options": options})
    assert (answer.status_code, slug_of(answer)) == (422, "options-invalid")
    (wrong,) = shown(answer)["errors"]
    assert wrong["pointer"] == pointer
    assert pointer in shown(answer)["detail"]
    nothing_created()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"formats": ["docx"]}, "/formats/0"),
        ({"formats": []}, "/formats"),
        ({"speed": 3}, "/speed"),
        (["svg"], ""),
    ],
)
def test_a_bad_body_is_refused(alice: Person, body: object, pointer: str) -> None:
    answer = alice.post(f"/v1/images/{NOWHERE}/vectorizations", body)
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")
    assert shown(answer)["errors"][0]["pointer"] == pointer


def test_a_body_that_is_no_json_is_refused(alice: Person) -> None:
    for data in (b"{", b"\xff\xfe", b"[" * 100_000):
        answer = alice.ask("POST", f"/v1/images/{NOWHERE}/previews", data=data, content_type="application/json")
        assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")


def test_a_body_that_is_too_long_is_refused(alice: Person) -> None:
    answer = alice.ask("POST", f"/v1/images/{NOWHERE}/previews", data=b" " * 300_000)
    assert (answer.status_code, slug_of(answer)) == (413, "upload-too-large")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=%21", "cursor=YWJj", "status=done", "kind=task"]
)
def test_a_bad_question_is_refused(alice: Person, query: str) -> None:
    answer = alice.get(f"/v1/jobs?{query}")
    assert (answer.status_code, slug_of(answer)) == (422, "request-invalid")
    assert shown(answer)["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/images/{image}"),
        ("GET", "/v1/images/{image}/source"),
        ("GET", "/v1/images/{image}/source/link"),
        ("GET", "/v1/images/{image}/editor"),
        ("POST", "/v1/images/{image}/claim"),
        ("DELETE", "/v1/images/{image}"),
        ("POST", "/v1/images/{image}/previews"),
        ("POST", "/v1/images/{image}/vectorizations"),
        ("GET", "/v1/jobs/{job}"),
        ("GET", "/v1/jobs/{job}?wait=5"),
        ("GET", "/v1/jobs/{job}/result"),
        ("GET", "/v1/jobs/{job}/result/link"),
        ("POST", "/v1/jobs/{job}/cancel"),
    ],
)
def test_what_belongs_to_somebody_else_is_not_found(alice: Person, stranger: Person, method: str, path: str) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    job_id = shown(alice.post(f"/v1/images/{image_id}/previews"))["job_id"]
    for ids in ((image_id, job_id), (NOWHERE, NOWHERE), ("nonsense", "nonsense")):
        answer = stranger.ask(method, path.format(image=ids[0], job=ids[1]))
        assert (answer.status_code, slug_of(answer)) == (404, "not-found")
    assert shown(stranger.get("/v1/credits"))["available"] == "1.0"
    assert shown(alice.get(f"/v1/jobs/{job_id}"))["status"] == "queued"


def test_lists_hold_ones_own_alone(alice: Person, stranger: Person) -> None:
    image_id = shown(alice.upload(png()))["image_id"]
    alice.post(f"/v1/images/{image_id}/previews")
    assert shown(stranger.get("/v1/images"))["data"] == []
    assert shown(stranger.get(f"/v1/jobs?image_id={image_id}"))["data"] == []
    assert len(shown(alice.get(f"/v1/jobs?image_id={image_id}&kind=preview&status=queued"))["data"]) == 1
    assert shown(alice.get("/v1/jobs?image_id=nonsense"))["data"] == []


def test_pages_follow_each_other(alice: Person) -> None:
    ids = [shown(alice.upload(png()))["image_id"] for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        page = shown(alice.get(f"/v1/images?limit=2{cursor}"))
        found += [image["image_id"] for image in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ids[::-1]


def test_nothing_leaks_out_of_a_failure_inside(settings: Settings, alice: Person) -> None:
    image = alice.upload(png())
    app = create_app(settings.model_copy(update={"storage_bucket": "another-bucket"}))
    answer = Person(app.test_client(), alice.token).get(f"{image.headers['Location']}/source")
    house_of(app).close()
    assert answer.status_code in (410, 500, 503)
    assert "another-bucket" not in answer.text
