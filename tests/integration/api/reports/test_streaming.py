"""A long CSV leaves while it is read: its first bytes before the last row, and never much of it in memory."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import psycopg
import pytest

from shared.errors import DatabaseUnavailable
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person

ENTRIES = 60_000
ASKED = "/v1/reports/sales?from=2031-01-01&to=2031-01-31&table=entries&format=csv"


@pytest.fixture(scope="module", autouse=True)
def _many_entries(database: TestDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "INSERT INTO purchases (purchase_id, user_id, package_id, credits, amount, currency)"
            " SELECT gen_random_uuid(), user_id, 'starter', 20, 990, 'eur' FROM users LIMIT 1"
        )
        owner.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, available_delta,"
            " reserved_delta, amount, currency, vat_info, transaction_timestamp, purchase_id, reversal_id,"
            " reversal_move) SELECT gen_random_uuid(), user_id, 'refund', 'debit', -1, 0, 0.01, 'eur',"
            ' \'{"amount": 0, "country": "DE", "rate": "19"}\','
            " timestamptz '2031-01-15Z' + n * interval '1 second', purchase_id, 're_many', n"
            " FROM (SELECT * FROM purchases LIMIT 1) AS p, generate_series(1, %s) AS n",
            [ENTRIES],
        )


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def reading(owner: psycopg.Connection) -> list[int]:
    """The sessions that hold a cursor over entries at this moment."""
    found = owner.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        " AND query LIKE 'FETCH%entries%'"
    ).fetchall()
    return [pid for (pid,) in found]


def pieces(boss: Person) -> Iterator[bytes]:
    answer = boss.get(ASKED)
    assert 200 == answer.status_code
    assert answer.content_length is None
    return answer.iter_encoded()


def test_the_first_bytes_leave_before_the_last_row_is_read(boss: Person, owner: psycopg.Connection) -> None:
    coming = pieces(boss)
    begin = next(coming)
    assert begin.startswith(b"at,kind,transaction_id,")
    assert 1 == len(reading(owner)), "rows are still to be read"
    whole = begin + b"".join(coming)
    assert [] == reading(owner)
    rows = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
    assert (ENTRIES, -ENTRIES) == (len(rows), sum(round(float(row["gross"]) * 100) for row in rows))
    assert len({row["transaction_id"] for row in rows}) == ENTRIES


def test_memory_does_not_grow_with_the_rows(boss: Person) -> None:
    coming = pieces(boss)
    tracemalloc.start()
    size = sum(len(piece) for piece in coming)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 8_000_000
    assert peak < 5_000_000


def test_a_reader_who_leaves_ends_the_database_transaction(boss: Person, owner: psycopg.Connection) -> None:
    answer = boss.get(ASKED)
    next(answer.iter_encoded())
    assert 1 == len(reading(owner))
    answer.close()
    assert [] == reading(owner)


def test_a_database_that_goes_away_in_the_middle_breaks_the_answer(boss: Person, owner: psycopg.Connection) -> None:
    coming = pieces(boss)
    next(coming)
    (pid,) = reading(owner)
    owner.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(DatabaseUnavailable):
        list(coming)
