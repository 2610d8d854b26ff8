"""What is only kept for a while goes when its time is over, and nothing before; time travels, nobody sleeps."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from shared import purges, removals
from shared.endings import select_images_to_remove
from shared.exports import insert_export
from shared.ids import new_id
from shared.inventory import take_inventory
from shared.jobs import JobKind
from tests.conftest import TestDatabase
from tests.factories import travel
from tests.integration.workers.given import Given, logo
from workers import pruning, retention
from workers.job_attempt import run_job
from workers.resources import Resources, open_resources
from workers.vectorize import make_vectorization


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


@contextmanager
def ahead(owner: psycopg.Connection, offset: str) -> Generator[None]:
    """The house's clock so far ahead, such as '24 hours'."""
    travel(owner, offset)
    try:
        yield
    finally:
        travel(owner, "0 seconds")


def periods(resources: Resources) -> dict[str, int]:
    return resources.settings.model_dump(include=set(removals.PERIODS))


def due(resources: Resources) -> dict[str, int]:
    with resources.maintenance.transaction() as db:
        found = {kind: removals.select_due(db, kind, periods(resources)) for kind in removals.DUE}
    return {kind: count for kind, count in found.items() if count}


def test_an_image_is_there_a_minute_before_its_day_is_over_and_gone_everywhere_after(
    resources: Resources, given: Given, owner: psycopg.Connection
) -> None:
    retention.sweep(resources)
    image = given.image(given.account(), logo())
    given.job(image)
    run_job(resources, JobKind.VECTORIZATION, make_vectorization)
    assert 2 == len(given.keys(image))
    with ahead(owner, "23 hours 59 minutes"):
        assert (0, 2) == (retention.sweep(resources), len(given.keys(image)))
    with ahead(owner, "24 hours 1 second"):
        assert {"images": 1} == due(resources)
        assert 1 == retention.sweep(resources)
        assert ([], [], {}) == (given.keys(image), given.files(image), due(resources))
    assert given.seen_image(image).file_name is None


def test_what_an_attempt_that_broke_off_has_left_goes_with_its_image(
    resources: Resources, given: Given, owner: psycopg.Connection
) -> None:
    retention.sweep(resources)
    image = given.image(given.account(), logo())
    job = given.job(image)
    resources.storage.put(image.file_url.replace("source.png", "left-by-attempt-1.svg"), b"<svg/>", "image/svg+xml")
    owner.execute("UPDATE jobs SET attempts = 1 WHERE job_id = %s", [job.job_id])
    with ahead(owner, "25 hours"):
        assert 1 == retention.sweep(resources)
    assert [] == given.keys(image)


def test_retention_catches_up_after_days_of_downtime_in_batches(
    resources: Resources, given: Given, owner: psycopg.Connection
) -> None:
    retention.sweep(resources)
    user_id = given.account()
    many = [given.image(user_id, logo()) for _ in range(7)]
    with ahead(owner, "5 days"):
        assert 7 == retention.sweep(resources, at_once=3)
    assert [[]] * 7 == [given.keys(image) for image in many]


def test_two_sweeps_never_hold_the_same_image(resources: Resources, given: Given, owner: psycopg.Connection) -> None:
    retention.sweep(resources)
    user_id = given.account()
    for _ in range(4):
        given.image(user_id, logo())
    with ahead(owner, "25 hours"):
        with resources.maintenance.transaction() as first, resources.maintenance.transaction() as second:
            one = {image.image_id for image in select_images_to_remove(first, limit=2)}
            other = {image.image_id for image in select_images_to_remove(second, limit=10)}
        assert (2, 2, set()) == (len(one), len(other), one & other)
        assert 4 == retention.sweep(resources)


def temporary_rows(given: Given, owner: psycopg.Connection) -> None:
    """One row of each kind, all of them fresh."""
    user_id = given.account()
    owner.execute(
        "INSERT INTO idempotency_keys (user_id, key_hash, request_hash, status, headers, body)"
        " VALUES (%s, sha256('k'), sha256('r'), 201, '{}', '{}')",
        [user_id],
    )
    owner.execute(
        "INSERT INTO inbox (provider, event_id, event_type, subject, status, reason, handled_at) VALUES"
        " ('stripe', 'evt_handled', 't', 's', 'handled', NULL, house_now()),"
        " ('stripe', 'evt_aside', 't', 's', 'set_aside', 'why', house_now())"
    )
    owner.execute(
        "INSERT INTO wakeups (subject_id, user_id, task, send_at) VALUES (%s, %s, 't', house_now())",
        [new_id(), user_id],
    )
    owner.execute(
        "INSERT INTO purchases (purchase_id, user_id, package_id, status, credits, amount, currency)"
        " VALUES (%s, %s, 'starter', 'expired', 20, 990, 'eur'), (%s, %s, 'starter', 'open', 20, 990, 'eur')",
        [new_id(), user_id, new_id(), user_id],
    )
    owner.execute(
        "INSERT INTO api_keys (api_key_id, user_id, name, key_hash, hint, revoked_at)"
        " VALUES (%s, %s, 'k', sha256(%s), 'tv_', house_now()), (%s, %s, 'k', sha256(%s), 'tv_', NULL)",
        [new_id(), user_id, new_id().bytes, new_id(), user_id, new_id().bytes],
    )
    owner.execute(
        "INSERT INTO guests (user_id, token_hash, expires_at)"
        " VALUES (%s, sha256('s'), house_now() + interval '25 hours')",
        [user_id],
    )
    owner.execute("INSERT INTO departures (clerk_hash) VALUES (%s)", [purges.hash_clerk_id("user_gone")])


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("answers", "23 hours", "25 hours"),
        ("wakeups", "23 hours", "25 hours"),
        ("guests", "24 hours", "26 hours"),
        ("handled_events", "29 days", "31 days"),
        ("ended_keys", "29 days", "31 days"),
        ("checkouts", "89 days", "91 days"),
        ("events_set_aside", "179 days", "181 days"),
        ("departures", "364 days", "366 days"),
    ],
)
def test_each_kind_of_temporary_row_has_a_period_of_its_own(
    resources: Resources, given: Given, owner: psycopg.Connection, kind: str, before: str, after: str
) -> None:
    with ahead(owner, "20 years"):
        pruning.prune_rows(resources)
    temporary_rows(given, owner)
    with ahead(owner, before):
        assert kind not in due(resources)
        assert kind not in pruning.prune_rows(resources, limit=2)
    with ahead(owner, after):
        expected = {name: count for name, count in due(resources).items() if name not in ("images", "exports")}
        assert 1 == expected[kind]
        assert expected == {
            name: count for name, count in pruning.prune_rows(resources, limit=1).items() if name != "removals"
        }
        assert kind not in due(resources)
    still = "SELECT (SELECT count(*) FROM purchases WHERE status = 'open'), (SELECT count(*) FROM api_keys)"
    open_checkouts, keys = owner.execute(still).fetchone() or (0, 0)
    assert open_checkouts >= 1
    assert keys >= 1


def test_a_wakeup_with_something_to_wake_is_never_pruned(
    resources: Resources, given: Given, owner: psycopg.Connection
) -> None:
    job = given.job(given.image(given.account(), logo()))
    with ahead(owner, "3 days"):
        pruning.prune_rows(resources)
    assert (1,) == owner.execute("SELECT count(*) FROM wakeups WHERE subject_id = %s", [job.job_id]).fetchone()
    given.cancel_open_jobs()


@pytest.mark.parametrize(
    ("table", "column"), [("analytics", "action_timestamp"), ("audit_log", "happened_at")]
)  # fmt: skip
def test_a_log_row_is_there_for_a_year_and_gone_a_day_later(
    resources: Resources, owner: psycopg.Connection, table: str, column: str
) -> None:
    with ahead(owner, "20 years"):
        pruning.prune_logs(resources)
    for age in ("0", "40"):
        with ahead(owner, f"-{age} days"):
            owner.execute("SELECT prepare_partitions(0)")
            if table == "analytics":
                owner.execute("INSERT INTO analytics (analytics_id, action_type) VALUES (%s, 'upload')", [new_id()])
            else:
                owner.execute(
                    "INSERT INTO audit_log (audit_id, actor, action) VALUES (%s, 'house', 'purge')", [new_id()]
                )

    def left() -> int:
        row = owner.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row is not None
        return row[0]

    before = partitions(owner)
    for offset, expected in (("324 days", 2), ("326 days", 1), ("364 days", 1), ("366 days", 0)):
        with ahead(owner, offset):
            with resources.maintenance.transaction() as db:
                dry = {
                    name: rows for name, _, rows in removals.delete_log_rows(db, keep_days=365, most=0, is_dry_run=True)
                }
            assert dry[table] == left() - expected
            pruning.prune_logs(resources, limit=1)
            assert expected == left()
    with ahead(owner, f"{365 + 31} days"):
        pruning.prune_logs(resources)
    gone = before - partitions(owner)
    assert gone >= {name for name in before if name.startswith(table) and name.endswith(_month(owner))}


def partitions(owner: psycopg.Connection) -> set[str]:
    return {row[0] for row in owner.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")}


def _month(owner: psycopg.Connection) -> str:
    row = owner.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')").fetchone()
    assert row is not None
    return row[0]


def test_pruning_gives_up_soon_while_somebody_reads_what_is_to_be_dropped(
    resources: Resources, owner: psycopg.Connection, database: TestDatabase
) -> None:
    with psycopg.connect(database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM analytics")
        with ahead(owner, "10 years"):
            assert {} == pruning.prune_logs(resources)
    with ahead(owner, "10 years"):
        pruning.prune_logs(resources)
    owner.execute("SELECT prepare_partitions(2)")


def test_an_export_goes_when_its_time_is_over(resources: Resources, given: Given, owner: psycopg.Connection) -> None:
    user_id, export_id = given.account(), new_id()
    with resources.database.transaction(user_id=user_id) as db:
        insert_export(db, export_id=export_id, user_id=user_id, lifetime_hours=72)
    key = f"{user_id}/exports/{export_id}-1-1.zip"
    resources.storage.put(key, b"zip", "application/zip")
    owner.execute(
        "UPDATE exports SET status = 'ready', keys = %s, sizes = '{3}', finished_at = house_now() WHERE export_id = %s",
        [[key], export_id],
    )
    owner.execute("INSERT INTO orphans (storage_key, first_seen_at) VALUES (%s, '2000-01-01')", [key])
    retention.sweep_orphans(resources)
    assert resources.storage.exists(key)
    with ahead(owner, "71 hours"):
        assert 0 == retention.sweep_exports(resources)
    with ahead(owner, "73 hours"):
        assert due(resources)["exports"] == 1
        away = open_resources(resources.settings.model_copy(update={"supabase_url": "http://127.0.0.1:9"}))
        assert 0 == retention.sweep_exports(away)
        away.close()
        assert 1 == retention.sweep_exports(resources)
    assert not resources.storage.exists(key)
    assert (0,) == owner.execute("SELECT count(*) FROM exports WHERE export_id = %s", [export_id]).fetchone()


def test_what_was_removed_is_told_by_day(resources: Resources, given: Given, owner: psycopg.Connection) -> None:
    with ahead(owner, "25 hours"):
        retention.sweep(resources)
    owner.execute("DELETE FROM removals")
    given.image(given.account(), logo())
    with ahead(owner, "25 hours"):
        retention.sweep(resources)
        given.image(given.account(), logo())
    with ahead(owner, "50 hours"):
        retention.sweep(resources)
        with resources.maintenance.transaction() as db:
            told = removals.select_removals(db, days=7)
    assert [("images", 1), ("images", 1)] == [(one.kind, one.removed) for one in told]
    assert timedelta(days=1) <= told[0].day - told[1].day <= timedelta(days=2)


def test_the_inventory_finds_objects_without_rows_and_rows_without_objects(resources: Resources, given: Given) -> None:
    image = given.image(given.account(), logo())
    lost = given.image(image.user_id, logo())
    resources.storage.remove([lost.file_url])
    unlisted = image.file_url.replace("source", "unlisted")
    resources.storage.put(unlisted, b"<svg/>", "image/svg+xml")
    found = take_inventory(resources.maintenance, resources.storage)
    assert lost.file_url in found.missing_keys
    assert image.file_url not in (*found.missing_keys, *found.unlisted_keys)
    assert unlisted in resources.storage.list_keys()
    assert found.unlisted >= 1
    resources.storage.put(lost.file_url, logo(), "image/png")
    resources.storage.remove([unlisted])
    assert lost.file_url not in take_inventory(resources.maintenance, resources.storage).missing_keys
