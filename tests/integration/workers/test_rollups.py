"""Daily sums: whatever is summed and whenever, the dashboard says what the rows say."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from shared import dashboard, rollups
from shared.dashboard import CHUNK_DAYS, Dashboard, quantile, read_dashboard
from shared.db import Database
from shared.settings import Settings
from shared.stretches import BASE, Stretch
from tests.conftest import TestDatabase
from tests.ledgers import days_before, make_up_past, write_past
from workers.reports import sweep
from workers.resources import Resources, open_resources

DAYS = 75
TODAY = days_before(datetime.now(UTC), 0)
START = TODAY - timedelta(days=DAYS)
TABLES = ("daily_sales", "daily_jobs", "daily_durations", "monthly_durations", "daily_actions")


@pytest.fixture(scope="module", autouse=True)
def _past(database: TestDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        write_past(owner, make_up_past(11, start=START, days=DAYS + 1, accounts=80))


@pytest.fixture
def maintenance(database: TestDatabase) -> Iterator[Database]:
    opened = Database(database.operator_url)
    with opened.transaction() as db:
        rollups.delete_through(db)
    yield opened
    opened.close()


@pytest.fixture
def reading(database: TestDatabase) -> Iterator[Database]:
    opened = Database(database.app_url)
    yield opened
    opened.close()


def seen(reading: Database, first: date, last: date) -> Dashboard:
    """The dashboard, whatever was summed."""
    with reading.reports() as db:
        return replace(read_dashboard(db, first, last), summed_through=None)


def summed(database: TestDatabase) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of sums hold, in no order of its own."""
    with psycopg.connect(database.owner_url) as owner:
        return {
            table: sorted(owner.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall(), key=str)
            for table in TABLES
        }


def sum_up(maintenance: Database, *hours: int) -> None:
    """Sum anew up to so many hours after the start, and then, on top of that, up to the others."""
    with maintenance.transaction() as db:
        rollups.delete_daily_sums(db, first=START.date())
        for begin, end in pairwise((0, *sorted(hours))):
            stretch = Stretch(START + timedelta(hours=begin), START + timedelta(hours=end))
            rollups.insert_daily_sales(db, stretch)
            rollups.insert_daily_jobs(db, stretch)
            rollups.insert_durations(db, stretch)
            rollups.insert_months(db, stretch.start.date(), stretch.end.date())
            rollups.insert_daily_actions(db, stretch)
            rollups.update_through(db, stretch.end)


HOURS = st.integers(0, 24 * (DAYS + 1))


@given(
    hours=st.lists(HOURS, min_size=1, max_size=4), first=st.integers(0, DAYS + 1), length=st.integers(0, DAYS)
)  # fmt: skip
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_say_what_the_rows_say_wherever_they_end(
    maintenance: Database, reading: Database, hours: list[int], first: int, length: int
) -> None:
    begin, end = START.date() + timedelta(days=first), START.date() + timedelta(days=first + length)
    with maintenance.transaction() as db:
        rollups.delete_through(db)
    live = seen(reading, begin, end)
    sum_up(maintenance, *hours)
    assert live == seen(reading, begin, end)


def test_a_sweep_sums_every_hour_that_has_ended_and_a_second_one_nothing(
    resources: Resources, maintenance: Database, reading: Database, database: TestDatabase
) -> None:
    live = seen(reading, START.date(), TODAY.date())
    assert sum(one.gross for one in live.revenue) != 0
    assert all(step.newcomers for step in live.funnel)
    assert 24 * DAYS - 1 <= sweep(resources) <= 24 * (DAYS + 1)
    assert live == seen(reading, START.date(), TODAY.date())
    before = summed(database)
    assert all(before.values())
    assert 0 == sweep(resources)
    assert before == summed(database)


def test_hour_by_hour_leaves_the_same_sums_as_all_at_once(maintenance: Database, database: TestDatabase) -> None:
    end = 24 * 40 + 7
    sum_up(maintenance, end)
    at_once = summed(database)
    sum_up(maintenance, *range(1, end + 1, 5), end)
    assert all(at_once.values())
    assert at_once == summed(database)


def test_only_the_last_hours_are_read_live(resources: Resources, maintenance: Database, reading: Database) -> None:
    sweep(resources)
    with reading.reports() as db:
        through = read_dashboard(db, START.date(), TODAY.date()).summed_through
    assert through is not None
    assert timedelta(hours=1) <= datetime.now(UTC) - through < timedelta(hours=2, minutes=1)


def test_sweeps_side_by_side_sum_each_hour_once(
    settings: Settings, resources: Resources, maintenance: Database, reading: Database, database: TestDatabase
) -> None:
    live = seen(reading, START.date(), TODAY.date())
    other = open_resources(settings)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sweep, [resources, other] * 4))
    sweep(resources)
    assert live == seen(reading, START.date(), TODAY.date())
    with maintenance.transaction() as db:
        assert rollups.select_ended(db, grace_hours=1) == rollups.select_through(db)
    other.close()


def test_a_sweep_that_dies_in_the_middle_leaves_nothing_half_summed(
    resources: Resources, maintenance: Database, reading: Database
) -> None:
    live = seen(reading, START.date(), TODAY.date())
    with maintenance.transaction() as db:
        assert 24 * CHUNK_DAYS == dashboard.roll_up(db)
    assert live == seen(reading, START.date(), TODAY.date())
    with pytest.raises(ZeroDivisionError), maintenance.transaction() as db:
        dashboard.roll_up(db)
        raise ZeroDivisionError
    assert live == seen(reading, START.date(), TODAY.date())
    sweep(resources)
    assert live == seen(reading, START.date(), TODAY.date())


def test_a_clock_that_was_put_back_takes_back_what_was_summed_too_early(
    resources: Resources, maintenance: Database, reading: Database, database: TestDatabase
) -> None:
    sweep(resources)
    right = summed(database)
    sum_up(maintenance, 24 * (DAYS + 3))
    sweep(resources)
    assert right == summed(database)
    with maintenance.transaction() as db:
        assert rollups.select_ended(db, grace_hours=1) == rollups.select_through(db)


def test_an_empty_house_has_nothing_to_sum(settings: Settings, empty_database: TestDatabase) -> None:
    update = {"database_url": empty_database.app_url, "maintenance_database_url": empty_database.operator_url}
    resources = open_resources(Settings.model_validate(settings.model_dump() | update))
    assert 0 == sweep(resources)
    resources.close()


@example([0.003], 0.0)
@given(st.lists(st.floats(0.001, 10_000), min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_a_quantile_is_within_its_error(seconds: list[float], share: float) -> None:
    from math import ceil, log

    buckets = sorted(ceil(log(one) / log(BASE)) for one in seconds)
    histogram = [(bucket, buckets.count(bucket)) for bucket in sorted(set(buckets))]
    exact = sorted(seconds)[int(share * (len(seconds) - 1))]
    assert quantile(histogram, share) == pytest.approx(exact, rel=0.026)
