"""A worker's resources on the tests' own servers, and jobs for it to do."""

from collections.abc import Iterator

import pytest

from shared.settings import Settings
from tests.conftest import TestDatabase
from tests.integration.workers.given import Given
from workers.resources import Resources, open_resources


@pytest.fixture(scope="module")
def resources(settings: Settings) -> Iterator[Resources]:
    """What a worker process works with; its engine is the real one."""
    opened = open_resources(settings)
    yield opened
    opened.close()


@pytest.fixture
def given(resources: Resources, database: TestDatabase) -> Given:
    """Makes accounts, uploads and jobs as the api does."""
    return Given(resources, database.owner_url)
