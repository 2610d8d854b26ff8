import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.customer import Customer
from dev.render import mean_color_error
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.pictures import bomb, drawing, noise
from tests.acceptance.stacks import Stack

PROBLEM = "application/problem+json"


def test_a_picture_becomes_a_drawing_and_the_credits_tell_the_story(new_customer: NewCustomer, picture: Path) -> None:
    alice = new_customer("whole-story@example.com", "5")
    image = alice.upload(picture)
    assert ("ready", "png", 240, 160) == tuple(image[name] for name in ("status", "file_type", "width", "height"))

    preview = alice.finish(alice.submit(image["image_id"], "previews"))
    assert ("succeeded", "captured", "0.2") == (preview["status"], preview["credits"], preview["price"])
    vectorization = alice.finish(alice.submit(image["image_id"], "vectorizations"))
    assert ("succeeded", "captured", 1) == (
        vectorization["status"],
        vectorization["credits"],
        vectorization["progress"],
    )
    assert Decimal("3.8") == alice.available()

    svg = alice.download(vectorization, "svg")
    assert vectorization["result"]["formats"]["svg"]["size"] == len(svg)
    assert mean_color_error(svg, picture) < 3
    (kind_of_file,) = preview["result"]["formats"]
    assert kind_of_file in {"png", "webp"}
    assert alice.download(preview, kind_of_file)[:4] in {b"\x89PNG", b"RIFF"}

    ledger = alice.transactions()
    assert Decimal("3.8") == sum(Decimal(entry["available_delta"]) for entry in ledger)
    assert ["capture", "reserve", "capture", "reserve", "credit", "credit"] == [entry["entry"] for entry in ledger]

    assert 204 == alice.http.delete(f"/v1/images/{image['image_id']}").status_code
    assert 404 == alice.http.get(f"/v1/images/{image['image_id']}").status_code
    assert 6 == len(alice.transactions())


def test_before_anything_is_paid_the_editor_suggests_what_suits_the_picture(
    house: Stack, new_customer: NewCustomer, tmp_path: Path
) -> None:
    poor = new_customer("curious@example.com", "0")
    grain = tmp_path / "grain.png"
    grain.write_bytes(noise(900))
    logo = tmp_path / "logo.png"
    logo.write_bytes(drawing())
    told = [suggested(poor.http, poor.upload(picture)["image_id"]) for picture in (logo, grain)]
    assert [("logo", "logo", 3, "#ffffff", []), ("photo", "photo", None, None, ["noise"])] == [
        (one["preset"], one["content_class"], one["colors"], one["background"], [w["code"] for w in one["warnings"]])
        for one in told
    ]
    assert ([], Decimal(0)) == (poor.http.get("/v1/jobs").json()["data"], poor.available())
    with httpx.Client(base_url=house.url) as guest:
        guest.post("/v1/guests").raise_for_status()
        image = guest.post("/v1/images", files={"file": ("logo.png", drawing())}).raise_for_status().json()
        assert told[0] == suggested(guest, image["image_id"])


def suggested(http: httpx.Client, image_id: str) -> dict[str, Any]:
    """What the editor suggests, as soon as it does."""
    deadline = time.monotonic() + 20
    while True:
        editor = http.get(f"/v1/images/{image_id}/editor").raise_for_status().json()
        if not editor["suggestion_pending"] or time.monotonic() > deadline:
            return editor["suggested"]
        time.sleep(0.05)


def test_a_deleted_picture_leaves_no_object_behind(house: Stack, new_customer: NewCustomer, picture: Path) -> None:
    customer = new_customer("deleter@example.com")
    image = customer.upload(picture)
    folder = house.folder_of(customer, image)
    customer.finish(customer.submit(image["image_id"], "vectorizations"))
    assert {"source.png"} < house.objects(folder)
    customer.http.delete(f"/v1/images/{image['image_id']}").raise_for_status()
    assert set() == house.objects(folder)


def test_without_credits_nothing_is_made(new_customer: NewCustomer, picture: Path) -> None:
    poor = new_customer("poor@example.com", "0.1")
    image = poor.upload(picture)
    answer = poor.http.post(f"/v1/images/{image['image_id']}/previews", json={"options": {}})
    problem = expect(answer, 402, "insufficient-credits")
    assert (Decimal("0.2"), Decimal("0.1")) == (Decimal(problem["required"]), Decimal(problem["available"]))
    assert [] == poor.http.get("/v1/jobs").json()["data"]
    assert Decimal("0.1") == poor.available()


def test_without_a_token_nothing_is_shown(house: Stack) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = httpx.get(f"{house.url}/v1/images", headers=headers)
        expect(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_is_refused_in_the_middle_of_an_upload_hears_why(house: Stack) -> None:
    for _ in range(5):
        expect(httpx.post(f"{house.url}/v1/images", content=b"x" * 15_000_000), 401, "unauthenticated")


def test_another_persons_things_are_not_there(new_customer: NewCustomer, picture: Path) -> None:
    owner, stranger = new_customer("owner@example.com"), new_customer("stranger@example.com")
    image = owner.upload(picture)
    job = owner.submit(image["image_id"], "previews")
    for path in (
        f"/v1/images/{image['image_id']}",
        f"/v1/images/{image['image_id']}/source",
        f"/v1/jobs/{job['job_id']}",
    ):
        expect(stranger.http.get(path), 404, "not-found")
    expect(stranger.http.delete(f"/v1/images/{image['image_id']}"), 404, "not-found")
    expect(stranger.http.post(f"/v1/images/{image['image_id']}/previews", json={"options": {}}), 404, "not-found")
    assert Decimal(5) == stranger.available()


@pytest.mark.parametrize(
    ("name", "content", "status", "slug"),
    [
        ("large.png", drawing() + b"\0" * 20_000_001, 413, "upload-too-large"),
        ("bomb.png", bomb(), 413, "too-many-pixels"),
        ("picture.png", b"GIF89a\x01\x00\x01\x00\x80\x00\x00", 415, "unsupported-media-type"),
        ("script.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-media-type"),
        ("torn.png", drawing()[:200], 422, "image-undecodable"),
    ],
    ids=["bytes", "pixels", "gif", "svg", "torn"],
)
def test_what_cannot_be_traced_is_refused(
    new_customer: NewCustomer, name: str, content: bytes, status: int, slug: str
) -> None:
    customer = new_customer("uploader@example.com")
    expect(customer.http.post("/v1/images", files={"file": (name, content)}), status, slug)
    assert [] == customer.http.get("/v1/images").json()["data"]


def test_144_megapixels_are_refused_without_decoding(new_customer: NewCustomer) -> None:
    customer = new_customer("bomber@example.com")
    content = bomb()
    assert len(content) < 150_000
    seconds: list[float] = []
    for _ in range(5):
        started_at = time.perf_counter()
        expect(customer.http.post("/v1/images", files={"file": ("bomb.png", content)}), 413, "too-many-pixels")
        seconds.append(time.perf_counter() - started_at)
    assert min(seconds) < 0.1


def test_a_bad_option_is_named(new_customer: NewCustomer, picture: Path) -> None:
    customer = new_customer("chooser@example.com")
    image = customer.upload(picture)
    path = f"/v1/images/{image['image_id']}/vectorizations"
    problem = expect(customer.http.post(path, json={"options": {"no_such_option": 1}}), 422, None)
    assert ["/options/no_such_option"] == [error["pointer"] for error in problem["errors"]]
    assert Decimal(5) == customer.available()


def test_a_picture_above_the_working_size_is_brought_down_and_its_drawing_is_not(
    new_customer: NewCustomer, tmp_path: Path
) -> None:
    customer = new_customer("painter@example.com")
    path = tmp_path / "large.png"
    path.write_bytes(drawing(3000, 2000))
    image = customer.upload(path)
    assert ("ready", 3000, 2000) == (image["status"], image["width"], image["height"])
    assert image["working_width"] * image["working_height"] <= 4_000_000
    assert abs(image["working_width"] / image["working_height"] - 1.5) < 0.01
    job = customer.finish(customer.submit(image["image_id"], "vectorizations"))
    assert b' width="3000" height="2000" viewBox="' in customer.download(job, "svg")
    assert (3000, 2000) == (job["result"]["report"]["width"], job["result"]["report"]["height"])


def test_flower_asks_who_is_there(house: Stack) -> None:
    flower = f"http://127.0.0.1:{house.ports()['flower']}/"
    user, _, password = house.running.settings["FLOWER_BASIC_AUTH"].partition(":")
    assert 401 == httpx.get(flower).status_code
    assert 200 == httpx.get(flower, auth=(user, password), follow_redirects=True).status_code


def expect(answer: httpx.Response, status: int, slug: str | None) -> dict[str, Any]:
    """The problem, which is of this status and name, helpful, and free of our insides."""
    body: dict[str, Any] = answer.json()
    assert (status, PROBLEM) == (answer.status_code, answer.headers["Content-Type"]), body
    assert slug in {None, body["slug"]}
    assert {"type", "title", "detail", "instance", "request_id"} <= body.keys()
    assert answer.headers["X-Request-Id"] == body["request_id"]
    assert "Traceback" not in answer.text
    return body


def test_a_token_is_all_that_dev_token_prints(house: Stack) -> None:
    done = house.run("token", "printer@example.com", "--credits", "2.5")
    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len(done.stdout.splitlines())
    with Customer(house.url, done.stdout.strip()) as customer:
        assert Decimal("2.5") == customer.available()


def test_the_settings_of_the_stack_open_its_database(house: Stack) -> None:
    exports = house.run("settings").stdout.splitlines()
    assert all(line.startswith("export ") for line in exports)
    assert house.running.settings.keys() == {line.removeprefix("export ").partition("=")[0] for line in exports}
