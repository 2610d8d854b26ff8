"""What the API reads from copies is true for two processes at once, and after whatever ends it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from prometheus_client import REGISTRY
from pydantic import SecretStr

from api.app import create_app
from api.house import house_of
from dev.children import Child, Children, wait_until
from dev.ports import free_ports
from dev.standins.clerk import tokens
from dev.valkey import Valkey
from shared.settings import Settings
from tests.conftest import ClerkStandIn, Connection, TestDatabase
from tests.integration.api.conftest import Person, png, shown
from tests.integration.api.test_main_job import new_image
from tests.integration.api.test_operator_commands import Run, run

__all__ = ["run"]


@pytest.fixture
def other_app(app: Flask) -> Iterator[Flask]:
    """Another process of the same installation."""
    other = create_app(house_of(app).settings)
    yield other
    house_of(other).close()


@pytest.fixture
def elsewhere(alice: Person, other_app: Flask) -> Person:
    """Alice, answered by the other process."""
    return Person(other_app.test_client(), alice.token)


def counted(cache: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("tovector_cache_reads_total", {"cache": cache, "outcome": outcome}) or 0.0


def becomes(status: int, person: Person, path: str = "/v1/me") -> bool:
    """Within two seconds, which is less than anything is remembered."""
    until = time.monotonic() + 2
    while person.get(path).status_code != status:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_an_account_that_one_process_knows_is_looked_up_once(alice: Person, elsewhere: Person) -> None:
    me, hits = shown(alice.get("/v1/me")), counted("account", "hit")
    assert me == shown(elsewhere.get("/v1/me"))
    assert 1 == counted("account", "hit") - hits


def test_each_session_of_a_person_is_noted_though_the_account_is_known(
    clerk: ClerkStandIn, app: Flask, db_owner: Connection
) -> None:
    sessions = [Person(app.test_client(), tokens.mint(clerk.state, "twice@example.com")) for _ in range(3)]
    user_id = {shown(one.get("/v1/me"))["user_id"] for one in sessions}
    noted = db_owner.execute(
        "SELECT count(DISTINCT details ->> 'session'), count(*) FROM audit_log WHERE user_id = ANY(%s::uuid[])"
        " AND action = 'sign_in'",
        [list(user_id)],
    ).fetchone()
    assert (3, 3) == noted


def test_a_token_is_checked_however_well_its_account_is_known(alice: Person, app: Flask, clerk: ClerkStandIn) -> None:
    assert 200 == alice.get("/v1/me").status_code
    late = tokens.mint(clerk.state, shown(alice.get("/v1/me"))["email"], claims={"exp": int(time.time()) - 60})
    for token in (late, alice.token[:-8] + "AAAAAAAA"):
        assert 401 == Person(app.test_client(), token).get("/v1/me").status_code


def test_an_ended_key_ends_in_every_process_at_once(alice: Person, other_app: Flask) -> None:
    key = shown(alice.post("/v1/me/api-keys", {"name": "my shop"}))
    script = Person(other_app.test_client(), key["secret"])
    assert 200 == script.get("/v1/me").status_code
    assert hears(other_app)
    assert 200 == script.get("/v1/me").status_code
    alice.ask("DELETE", f"/v1/me/api-keys/{key['api_key_id']}")
    assert becomes(401, script)


def test_who_has_left_has_left_every_process(alice: Person, elsewhere: Person, other_app: Flask) -> None:
    image_id = new_image(alice)
    assert 200 == elsewhere.get(f"/v1/images/{image_id}").status_code
    assert hears(other_app)
    assert 200 == elsewhere.get("/v1/credits").status_code
    assert 202 == alice.ask("DELETE", "/v1/me").status_code
    assert becomes(401, elsewhere, f"/v1/images/{image_id}")


def test_whom_an_operator_forgets_no_process_knows(alice: Person, app: Flask, run: Run) -> None:
    email = shown(alice.get("/v1/me"))["email"]
    assert hears(app)
    assert 0 == run("purge", email, "--yes")[0]
    assert becomes(401, alice, "/v1/credits")


def test_an_image_is_read_once_and_is_its_owners_alone(alice: Person, elsewhere: Person, stranger: Person) -> None:
    path = f"/v1/images/{new_image(alice)}"
    image, hits = shown(alice.get(path)), counted("image", "hit")
    assert image == shown(elsewhere.get(path.upper().replace("/V1/IMAGES", "/v1/images")))
    assert 302 == elsewhere.get(f"{path}/source").status_code
    assert 2 == counted("image", "hit") - hits
    assert [404, 404] == [stranger.get(path + more).status_code for more in ("", "/source")]


def test_a_deleted_image_is_gone_in_every_process(alice: Person, elsewhere: Person) -> None:
    path = f"/v1/images/{new_image(alice)}"
    assert [200, 200] == [person.get(path).status_code for person in (alice, elsewhere)]
    assert 204 == alice.ask("DELETE", path).status_code
    assert [404, 404] == [person.get(path + more).status_code for person in (elsewhere,) for more in ("", "/source")]


def test_an_image_that_is_being_prepared_is_seen_to_be_ready(alice: Person, database: TestDatabase) -> None:
    path = f"/v1/images/{shown(alice.upload(png(2001, 2000)))['image_id']}"
    assert "processing" == shown(alice.get(path))["status"]
    with psycopg.connect(database.owner_url) as db:
        db.execute(
            "UPDATE images SET status = 'ready', working_key = 'x', working_width = 1, working_height = 1"
            " WHERE image_id = %s",
            [path.rpartition("/")[2]],
        )
    assert "ready" == shown(alice.get(path))["status"]


def test_a_change_of_the_price_list_shows_at_once(app: Flask, run: Run) -> None:
    def on_sale() -> dict[str, int]:
        return {one["package_id"]: one["price"] for one in shown(app.test_client().get("/v1/credit-packages"))["data"]}

    before, hits = on_sale(), counted("packages", "hit")
    assert (before, 1) == (on_sale(), counted("packages", "hit") - hits)
    assert 0 == run("set-package", "trial", "Trial", "5", "1.90")[0]
    assert before | {"trial": 190} == on_sale()
    assert 0 == run("retire-package", "trial")[0]
    assert before == on_sale()


def test_the_dashboard_says_when_it_was_read_and_is_read_once(sign_in: Callable[..., Person]) -> None:
    first, second = sign_in(admin=True), sign_in(admin=True)
    path = "/v1/reports/dashboard?from=2031-01-01&to=2031-01-31"
    body = shown(first.get(path))
    assert body == shown(second.get(path))
    assert body["read_at"] < shown(first.get(path.replace("01-31", "01-30")))["read_at"]
    assert 403 == sign_in().get(path).status_code, "a copy is for those who may read"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[Valkey, Child]]:
    """A Redis that a test may kill."""
    server = Valkey(tmp_path / "valkey", free_ports(1)[0], durable=False)
    with Children(tmp_path) as children:
        child = children.start(server.program())
        wait_until(server.answers, child)
        yield server, child


def test_with_redis_killed_answers_are_slower_and_never_wrong(
    own_redis: tuple[Valkey, Child], settings: Settings, alice: Person, run: Run
) -> None:
    server, child = own_redis
    app = create_app(settings.model_copy(update={"redis_url": SecretStr(server.url())}))
    person = Person(app.test_client(), alice.token)
    path = f"/v1/images/{new_image(person)}"
    paths = ("/v1/me", path, f"{path}/source", "/v1/credit-packages", "/v1/credits")
    warm = [person.get(one).status_code for one in paths]
    child.process.kill()
    child.process.wait()
    cold = [person.get(one).status_code for one in paths]
    assert [200, 200, 302, 200, 200] == warm
    assert warm == cold
    assert 204 == person.ask("DELETE", path).status_code
    assert 404 == person.get(path).status_code
    assert 202 == person.ask("DELETE", "/v1/me").status_code
    assert 401 == person.get("/v1/me").status_code
    house_of(app).close()


def hears(app: Flask) -> bool:
    """Whether the process hears announcements by now."""
    until = time.monotonic() + 5
    while not house_of(app).cache.is_hearing():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
