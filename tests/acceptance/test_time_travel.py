"""The ends of things on the running stack: the house's clock is moved, nobody sleeps, the stack's own sweeps sweep."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually

Moves = Callable[[str], None]


@pytest.fixture
def owner(house: Stack) -> Iterator[psycopg.Connection]:
    """The database as its superuser sees it."""
    with psycopg.connect(house.running.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def move(house: Stack) -> Iterator[Moves]:
    """Moves the clock of the house, which is right again afterwards."""

    def by(much: str) -> None:
        answer = house.run("clock", much)
        assert 0 == answer.returncode, answer.stdout + answer.stderr

    with contextlib.ExitStack() as after:
        after.callback(house.run, "clock", "reset")
        yield by


def ended(owner: psycopg.Connection, name: str) -> object:
    """When a sweep last ended well, by the house's clock."""
    return owner.execute("SELECT finished_at FROM sweeps WHERE name = %s", [name]).fetchone()


def wait_for_a_sweep_of_images(owner: psycopg.Connection) -> None:
    """Wait until one has ended that began after now: the next to end may have begun before."""
    for _ in range(2):
        before = ended(owner, "expire_images")
        assert eventually(lambda before=before: ended(owner, "expire_images") != before)


def prune(house: Stack, owner: psycopg.Connection) -> None:
    """Ask for the sweep of logs, which beat sends once an hour, and wait for its end."""
    before = ended(owner, "prune_temporary")
    assert 0 == house.operate("retention", "--now").returncode
    assert eventually(lambda: ended(owner, "prune_temporary") != before)


def test_an_image_is_there_for_a_day_and_gone_everywhere_after_one_more_sweep(
    house: Stack, new_customer: NewCustomer, picture: Path, owner: psycopg.Connection, move: Moves
) -> None:
    customer = new_customer("forgetful@example.com")
    done = customer.finish(customer.submit(customer.upload(picture)["image_id"], "vectorizations"))
    image = customer.http.get(f"/v1/images/{done['image_id']}").json()
    folder, image_id = house.folder_of(customer, image), image["image_id"]
    places = [f"/v1/images/{image_id}/source", f"/v1/jobs/{done['job_id']}/result?format=svg"]
    row = "SELECT file_name, objects_gone_at IS NULL, (SELECT count(*) FROM files f WHERE f.image_id = i.image_id)"

    def seen() -> tuple[object, ...]:
        """What the API answers, the objects there are, and the rows."""
        answers = [customer.http.get(place).status_code for place in places]
        return answers, len(house.objects(folder)), owner.execute(
            row + " FROM images i WHERE image_id = %s", [image_id]
        ).fetchone()  # fmt: skip

    there = ([302, 302], 2, (picture.name, True, 2))
    assert there == seen()
    links = [customer.http.get(place).headers["Location"] for place in places]
    times = "expiry_timestamp - upload_timestamp, extract(epoch FROM expiry_timestamp - house_now())::integer"
    life, left = owner.execute(f"SELECT {times} FROM images WHERE image_id = %s".encode(), [image_id]).fetchone() or (
        timedelta(),
        0,
    )
    assert timedelta(hours=24) == life
    move(f"+{left - 60}s")  # 23 h 59 m after the upload
    wait_for_a_sweep_of_images(owner)
    assert ("ready", there) == (customer.http.get(f"/v1/images/{image_id}").json()["status"], seen())
    assert [200, 200] == [httpx.get(link).status_code for link in links]

    move("+60s")
    wait_for_a_sweep_of_images(owner)
    assert ([410, 410], 0, (None, False, 0)) == seen()
    assert "expired" == customer.http.get(f"/v1/images/{image_id}").json()["status"]
    assert [400, 400] == [httpx.get(link).status_code for link in links], "a link that was given out leads nowhere"
    answer = customer.http.post(f"/v1/images/{image_id}/previews", json={"options": {}})
    assert (410, "image-expired") == (answer.status_code, answer.json()["slug"])


def test_a_line_of_the_logs_is_there_for_a_year_and_gone_a_day_later(
    house: Stack, new_customer: NewCustomer, picture: Path, owner: psycopg.Connection, move: Moves
) -> None:
    customer = new_customer("long-ago@example.com")
    customer.upload(picture)
    user_id = customer.http.get("/v1/me").json()["user_id"]

    def lines() -> object:
        return owner.execute(
            "SELECT (SELECT count(*) FROM analytics WHERE user_id = %(user)s AND action_type = 'upload'),"
            " (SELECT count(*) FROM audit_log WHERE user_id = %(user)s AND action = 'sign_in')",
            {"user": user_id},
        ).fetchone()

    assert (1, 1) == lines()
    move("+364d")
    prune(house, owner)
    assert (1, 1) == lines()
    move("+2d")
    prune(house, owner)
    assert (0, 0) == lines()
