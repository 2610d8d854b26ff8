"""A made-up past, an operator, and somebody who may read every row."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from shared.db import Database
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person
from tests.integration.api.reports.reading import DAYS, START, Rows
from tests.ledgers import make_up_past, write_past


@pytest.fixture(scope="module", autouse=True)
def _past(database: TestDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        write_past(owner, make_up_past(7, start=START, days=DAYS, accounts=90))


@pytest.fixture
def boss(sign_in: Callable[..., Person]) -> Person:
    """An operator."""
    return sign_in(admin=True)


@pytest.fixture
def rows(database: TestDatabase) -> Iterator[Rows]:
    """Whatever the tables hold, read by somebody who is bound by nothing."""
    with psycopg.connect(database.owner_url) as owner:
        yield lambda query: owner.cursor(row_factory=dict_row).execute(query.encode()).fetchall()


@pytest.fixture
def app_database(database: TestDatabase) -> Iterator[Database]:
    opened = Database(database.app_url)
    yield opened
    opened.close()
