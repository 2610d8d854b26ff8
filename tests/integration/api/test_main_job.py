"""The main job as a customer drives it: upload, submit, poll, download, credits, delete."""

import io
from collections.abc import Callable
from uuid import UUID

import psycopg
from flask import Flask
from PIL import Image

from api.house import house_of
from shared import analyses, lifecycle
from shared.files import File, FileKind
from shared.jobs import Job
from shared.lifecycle import Claim
from shared.suggestions import CAUTIONS, Caution, ContentClass, Noise, Suggestion
from tests.conftest import TestDatabase
from tests.factories import act_for
from tests.integration.api.conftest import Person, png, shown

REPORT = {"paths": 1, "segments": 4, "colors": 1, "width": 32, "height": 24, "bytes": 5, "similarity": 0.99}


def new_image(person: Person) -> str:
    return shown(person.upload(png()))["image_id"]


def balance(person: Person) -> tuple[str, str]:
    body = shown(person.get("/v1/credits"))
    return body["available"], body["reserved"]


def claim(app: Flask, job_id: str) -> Job:
    """What a worker does first."""
    house = house_of(app)
    with psycopg.connect(house.settings.maintenance_database_url.get_secret_value()) as db:
        owner = db.execute("SELECT user_id FROM jobs WHERE job_id = %s", [job_id]).fetchone()
    assert owner is not None
    with house.database.transaction(user_id=owner[0]) as db:
        found = lifecycle.start(db, UUID(job_id), lease_seconds=60, max_attempts=3)
    assert isinstance(found, Claim)
    return found.job


def succeed(app: Flask, job_id: str, form: str = "svg") -> None:
    """What a worker does last."""
    house, job = house_of(app), claim(app, job_id)
    key = f"{job.user_id}/{job.image_id}/{job.job_id}-{job.fence}.{form}"
    house.storage.put(key, b"<svg/>", "image/svg+xml")
    file = File(key, job.user_id, job.image_id, job.job_id, FileKind.RESULT, form, 6)
    with house.database.transaction(user_id=job.user_id) as db:
        lifecycle.succeed(db, job, report=REPORT, made=[file])
    house.cache.announce_job(job.job_id)


def test_an_upload_becomes_an_image(alice: Person) -> None:
    answer = alice.upload(png(), "logo.png")
    image = shown(answer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/images/{image['image_id']}"
    assert (image["status"], image["file_type"], image["width"], image["height"]) == ("ready", "png", 32, 24)
    assert (image["working_width"], image["working_height"], image["file_name"]) == (32, 24, "logo.png")
    assert shown(alice.get(answer.headers["Location"])) == image
    assert shown(alice.get("/v1/images"))["data"][0] == image


def test_a_large_upload_waits_for_the_resize_task(alice: Person) -> None:
    image = shown(alice.upload(png(2001, 2000)))
    assert (image["status"], image["working_width"]) == ("processing", None)
    refused = alice.post(f"/v1/images/{image['image_id']}/previews")
    assert (refused.status_code, shown(refused)["slug"]) == (409, "image-not-ready")
    assert refused.headers["Retry-After"] == "1"
    assert shown(alice.get("/v1/credits"))["reserved"] == "0.0"


def test_the_name_of_a_file_is_made_harmless(alice: Person) -> None:
    assert shown(alice.upload(png(), "../../etc/p\x07ass.png"))["file_name"] == "pass.png"


def test_a_new_account_starts_with_the_grant(alice: Person) -> None:
    assert balance(alice) == ("1.0", "0.0")
    (entry,) = shown(alice.get("/v1/credits/transactions"))["data"]
    assert (entry["transaction_type"], entry["entry"], entry["available_delta"]) == ("grant", "credit", "1.0")


def test_a_vectorization_reserves_then_captures_its_price(app: Flask, alice: Person) -> None:
    answer = alice.post(f"/v1/images/{new_image(alice)}/vectorizations", {"options": {"colors": 8}})
    job = shown(answer)
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/jobs/{job['job_id']}")
    assert answer.headers["Retry-After"] == "1"
    assert (job["status"], job["kind"], job["price"], job["credits"]) == ("queued", "vectorization", "1.0", "reserved")
    assert (job["options"]["colors"], job["formats"], job["result"], job["problem"]) == (8, ["svg"], None, None)
    assert balance(alice) == ("0.0", "1.0")

    succeed(app, job["job_id"])
    done = shown(alice.get(f"/v1/jobs/{job['job_id']}"))
    assert (done["status"], done["credits"], done["progress"]) == ("succeeded", "captured", 1.0)
    url = f"/v1/jobs/{job['job_id']}/result?format=svg"
    assert done["result"] == {"formats": {"svg": {"size": 6, "url": url}}, "report": REPORT}
    assert balance(alice) == ("0.0", "0.0")
    entries = shown(alice.get("/v1/credits/transactions"))["data"]
    assert [entry["entry"] for entry in entries] == ["capture", "reserve", "credit"]
    assert entries[0]["credits_deducted"] == "1.0"


def test_a_preview_costs_two_tenths(alice: Person) -> None:
    answer = alice.post(f"/v1/images/{new_image(alice)}/previews")
    job = shown(answer)
    assert (answer.status_code, job["kind"], job["price"], job["formats"]) == (202, "preview", "0.2", ["png"])
    assert balance(alice) == ("0.8", "0.2")


def test_a_result_is_a_short_lived_link_to_save(app: Flask, alice: Person) -> None:
    job_id = shown(alice.post(f"/v1/images/{new_image(alice)}/vectorizations", {}))["job_id"]
    early = alice.get(f"/v1/jobs/{job_id}/result?format=svg")
    assert (early.status_code, shown(early)["slug"], early.headers["Retry-After"]) == (409, "job-not-finished", "1")
    succeed(app, job_id)
    link = alice.get(f"/v1/jobs/{job_id}/result?format=svg")
    assert link.status_code == 302
    assert "token=" in link.headers["Location"]
    assert "download=logo.svg" in link.headers["Location"]


def test_looking_at_a_result_is_no_download_and_saving_it_is(
    app: Flask, alice: Person, count: Callable[[str], int]
) -> None:
    job_id = shown(alice.post(f"/v1/images/{new_image(alice)}/vectorizations", {}))["job_id"]
    early = alice.get(f"/v1/jobs/{job_id}/result/link")
    assert (409, "job-not-finished") == (early.status_code, shown(early)["slug"])
    succeed(app, job_id)
    before = count("analytics")
    for purpose, noted in (("show", 0), ("save", 1)):
        link = shown(alice.get(f"/v1/jobs/{job_id}/result/link?format=svg&purpose={purpose}"))
        assert "download=logo.svg" in link["url"]
        assert before + noted == count("analytics")
    assert 422 == alice.get(f"/v1/jobs/{job_id}/result/link?purpose=frame").status_code


def test_a_source_is_a_short_lived_link(alice: Person) -> None:
    link = alice.get(f"/v1/images/{new_image(alice)}/source")
    assert link.status_code == 302
    assert "token=" in link.headers["Location"]


def test_a_canceled_job_gives_its_credits_back(app: Flask, alice: Person) -> None:
    job_id = shown(alice.post(f"/v1/images/{new_image(alice)}/vectorizations"))["job_id"]
    answer = alice.post(f"/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, shown(answer)["status"], shown(answer)["credits"]) == (200, "canceled", "released")
    assert balance(alice) == ("1.0", "0.0")
    again = alice.post(f"/v1/jobs/{job_id}/cancel")
    assert (again.status_code, shown(again)["slug"]) == (409, "job-already-finished")
    result = alice.get(f"/v1/jobs/{job_id}/result")
    assert (result.status_code, shown(result)["slug"]) == (409, "job-has-no-result")


def test_a_deleted_image_takes_everything_with_it_but_the_ledger(app: Flask, alice: Person) -> None:
    image_id = new_image(alice)
    done, open_job = (shown(alice.post(f"/v1/images/{image_id}/previews"))["job_id"] for _ in range(2))
    succeed(app, done, "png")
    assert alice.ask("DELETE", f"/v1/images/{image_id}").status_code == 204
    assert [] == house_of(app).storage.list_keys(f"{shown(alice.get('/v1/me'))['user_id']}/{image_id}/")
    assert alice.get(f"/v1/images/{image_id}").status_code == 404
    assert alice.ask("DELETE", f"/v1/images/{image_id}").status_code == 404
    assert shown(alice.get(f"/v1/jobs/{open_job}"))["status"] == "canceled"
    gone = alice.get(f"/v1/jobs/{done}/result")
    assert (gone.status_code, shown(gone)["slug"]) == (410, "result-expired")
    assert balance(alice) == ("0.8", "0.0")
    entries = [entry["entry"] for entry in shown(alice.get("/v1/credits/transactions"))["data"]]
    assert entries == ["release", "capture", "reserve", "reserve", "credit"]


def test_an_expired_image_is_gone_and_says_so(database: TestDatabase, app: Flask, alice: Person) -> None:
    image_id = new_image(alice)
    job_id = shown(alice.post(f"/v1/images/{image_id}/previews"))["job_id"]
    succeed(app, job_id, "png")
    with psycopg.connect(database.owner_url) as db:
        act_for(db)
        db.execute("UPDATE images SET expiry_timestamp = now() WHERE image_id = %s", [image_id])
    assert shown(alice.get(f"/v1/images/{image_id}"))["status"] == "expired"
    for method, path, slug in (
        ("GET", f"/v1/images/{image_id}/source", "image-expired"),
        ("POST", f"/v1/images/{image_id}/previews", "image-expired"),
        ("GET", f"/v1/jobs/{job_id}/result", "result-expired"),
    ):
        answer = alice.ask(method, path)
        assert (answer.status_code, shown(answer)["slug"]) == (410, slug)
    assert balance(alice) == ("0.8", "0.0")


def test_the_editor_shows_what_this_caller_can_do(alice: Person, stranger: Person) -> None:
    image_id = new_image(alice)
    job = shown(alice.post(f"/v1/images/{image_id}/previews"))
    editor = shown(alice.get(f"/v1/images/{image_id}/editor"))
    assert (editor["signed_in"], editor["available"], editor["image"]["image_id"]) == (True, "0.8", image_id)
    actions = {action["action"]: action for action in editor["actions"]}
    assert (actions["preview"]["price"], actions["preview"]["allowed"]) == ("0.2", True)
    dear = actions["vectorization"]
    assert (dear["affordable"], dear["allowed"], dear["reason"]) == (False, False, "insufficient-credits")
    assert dear["url"] == f"/v1/images/{image_id}/vectorizations"
    colors = next(option for option in editor["options"] if option["name"] == "colors")
    assert (colors["minimum"], colors["maximum"]) == (0, 64)
    assert "logo" in [preset["preset"] for preset in editor["presets"]]
    assert (editor["suggested"], editor["suggestion_pending"], editor["suggested_preset"]) == (None, True, "auto")
    assert editor["jobs"] == [job]
    assert stranger.get(f"/v1/images/{image_id}/editor").status_code == 404


def test_the_editor_tells_what_a_worker_has_found_out_about_the_image(alice: Person, app: Flask) -> None:
    image_id, before = new_image(alice), new_image(alice)
    etag = alice.get(f"/v1/images/{image_id}/editor").headers["ETag"]
    told = Suggestion(
        preset="photo",
        content_class=ContentClass.PHOTO,
        colors=None,
        noise=Noise.NONE,
        background="#102030",
        has_transparency=True,
        warnings=(Caution.PHOTO, Caution.TOO_SMALL),
    )
    with house_of(app).database.transaction(user_id=UUID(shown(alice.get("/v1/me"))["user_id"])) as db:
        assert analyses.update_analysis(db, UUID(image_id), told)
        assert not analyses.update_analysis(db, UUID(image_id), told)
    answer = alice.get(f"/v1/images/{image_id}/editor", headers={"If-None-Match": etag})
    editor = shown(answer)
    assert answer.status_code == 200
    assert editor["suggested"] == {
        "preset": "photo",
        "content_class": "photo",
        "colors": None,
        "noise": "none",
        "background": "#102030",
        "has_transparency": True,
        "warnings": [
            {"code": "photo", "message": CAUTIONS[Caution.PHOTO]},
            {"code": "too_small", "message": CAUTIONS[Caution.TOO_SMALL]},
        ],
    }
    assert (editor["suggestion_pending"], editor["suggested_preset"]) == (False, "photo")
    assert shown(alice.get(f"/v1/images/{before}/editor"))["suggested"] is None


def test_that_a_picture_is_a_jpeg_does_not_make_it_a_photo(alice: Person) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "#2a6fdb").save(file, "JPEG")
    image_id = shown(alice.upload(file.getvalue(), "logo.jpg"))["image_id"]
    assert shown(alice.get(f"/v1/images/{image_id}/editor"))["suggested_preset"] == "auto"


def test_somebody_signed_out_gets_the_editor_that_asks_to_sign_in(alice: Person) -> None:
    image_id = new_image(alice)
    editor = shown(alice.client.get(f"/v1/images/{image_id}/editor"))
    assert (editor["signed_in"], editor["image"], editor["available"], editor["jobs"]) == (False, None, None, [])
    assert {action["reason"] for action in editor["actions"]} == {"sign-in"}
    assert editor["sign_in"]["issuer"].startswith("http")
