"""Reports that are too large for a request: asked for, made by a worker, fetched, and gone in the end."""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openpyxl
import psycopg
import pypdf
import pytest
from werkzeug.test import TestResponse

from api.app import create_app
from api.house import house_of
from dev.standins.clerk import tokens
from shared import report_files
from shared.settings import Settings
from tests.conftest import ClerkStandIn, TestDatabase
from tests.integration.api.conftest import Person, shown, slug_of
from tests.integration.api.reports.reading import SPAN, Rows, cents, money_entries
from workers.reports import make_next, remove_expired
from workers.resources import Resources, open_resources
from workers.retention import sweep_orphans

ENTRIES = f"/v1/reports/sales?{SPAN}&table=entries"


@pytest.fixture(scope="module")
def boss(settings: Settings, clerk: ClerkStandIn) -> Iterator[Person]:
    """An operator of an installation that leaves every entry to a worker."""
    app = create_app(settings.model_copy(update={"report_request_rows": 0}))
    yield Person(app.test_client(), tokens.mint(clerk.state, "boss@example.com", admin=True))
    house_of(app).close()


@pytest.fixture
def resources(settings: Settings, database: TestDatabase) -> Iterator[Resources]:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DELETE FROM report_files")
    opened = open_resources(settings.model_copy(update={"retry_delay_seconds": 0.001}))
    yield opened
    opened.close()


def asked(boss: Person, form: str = "xlsx") -> str:
    """Where a large report will be."""
    answer = boss.get(f"{ENTRIES}&format={form}")
    assert (202, "queued") == (answer.status_code, shown(answer)["status"])
    assert answer.headers["Retry-After"]
    return answer.headers["Location"]


def fetched(answer: TestResponse) -> bytes:
    body = shown(answer)
    assert (200, "ready") == (answer.status_code, body["status"])
    found = httpx.get(body["url"])
    assert (200, body["size"]) == (found.status_code, len(found.content))
    assert body["file_name"] in found.headers["Content-Disposition"]
    return found.content


def test_a_worker_makes_what_is_too_large_for_a_request(boss: Person, resources: Resources, rows: Rows) -> None:
    where = asked(boss)
    assert ("queued", None) == ((before := shown(boss.get(where)))["status"], before["url"])
    assert make_next(resources) is not None
    sheet = openpyxl.load_workbook(io.BytesIO(fetched(boss.get(where))))["Entries of the ledger"]
    headings, *lines = list(sheet.iter_rows(values_only=True))
    column, entry = headings.index("Gross"), headings.index("Entry")
    found = {(line[entry], cents(str(line[column]))) for line in lines if line[entry]}
    assert {(str(one["transaction_id"]), one["gross"]) for one in money_entries(rows)} == found
    assert make_next(resources) is None


def test_a_pdf_of_all_entries_has_them_all(boss: Person, resources: Resources, rows: Rows) -> None:
    where = asked(boss, "pdf")
    make_next(resources)
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(fetched(boss.get(where)))).pages)
    unbroken = "".join(text.split())
    assert [] == [one for one in money_entries(rows) if str(one["transaction_id"]) not in unbroken]


def test_csv_is_made_at_once_whatever_its_length(boss: Person) -> None:
    assert 200 == boss.get(f"{ENTRIES}&format=csv").status_code


def test_who_asks_again_while_it_waits_gets_the_same_one(boss: Person, resources: Resources) -> None:
    first = asked(boss)
    assert (first, True) == (asked(boss), asked(boss, "pdf") != first)
    make_next(resources)
    assert asked(boss) != first


def test_another_operator_does_not_find_it(boss: Person, resources: Resources, clerk: ClerkStandIn) -> None:
    where = asked(boss)
    other = Person(boss.client, tokens.mint(clerk.state, "other@example.com", admin=True))
    customer = Person(boss.client, tokens.mint(clerk.state, "customer@example.com"))
    assert (404, "not-found") == ((answer := other.get(where)).status_code, slug_of(answer))
    assert (403, "admin-required") == ((answer := customer.get(where)).status_code, slug_of(answer))
    assert 404 == boss.get("/v1/reports/files/not-an-id").status_code


def test_of_several_workers_each_report_is_made_by_one(boss: Person, resources: Resources, rows: Rows) -> None:
    places = [asked(boss, form) for form in ("xlsx", "pdf")]
    with ThreadPoolExecutor(4) as pool:
        made = [file for file in pool.map(make_next, [resources] * 4) if file is not None]
    assert 2 == len({file.report_file_id for file in made}) == len(made)
    for where in places:
        fetched(boss.get(where))


def test_a_worker_that_comes_too_late_leaves_nothing(
    boss: Person, settings: Settings, resources: Resources, rows: Rows
) -> None:
    where = asked(boss)
    slow = open_resources(settings.model_copy(update={"lease_seconds": 0.001}))
    with slow.maintenance.transaction() as db:
        late = report_files.update_report_file_claimed(db, claim_seconds=0.001)
    assert late is not None
    make_next(resources)
    data = fetched(boss.get(where))
    with slow.maintenance.transaction() as db:
        is_mine = report_files.update_report_file_ready(db, late, storage_key="x", size=1, lifetime_hours=1)
        assert not is_mine
        assert not report_files.update_report_file_failed(db, late, {"slug": "x"})
    assert data == fetched(boss.get(where))
    slow.close()


def test_a_report_that_cannot_be_stored_fails_after_some_attempts_and_says_so(
    boss: Person, settings: Settings, resources: Resources, silent_server: Callable[[], int]
) -> None:
    where = asked(boss)
    nowhere = f"http://127.0.0.1:{silent_server()}"
    away = {"supabase_url": nowhere, "storage_timeout_seconds": 0.2, "retry_delay_seconds": 0.001}
    broken = open_resources(Settings.model_validate(settings.model_dump() | away))
    for _ in range(settings.job_max_attempts):
        assert make_next(broken) is not None
        time.sleep(0.02)  # longer than the pause before the next attempt
    body = shown(boss.get(where))
    assert ("failed", "storage-unavailable") == (body["status"], body["problem"]["slug"])
    assert make_next(resources) is None
    broken.close()


def test_its_time_over_a_report_is_gone_and_before_that_no_orphan(
    boss: Person, resources: Resources, database: TestDatabase
) -> None:
    where = asked(boss)
    make_next(resources)
    with psycopg.connect(database.owner_url) as owner:
        (key,) = owner.execute("SELECT storage_key FROM report_files").fetchone() or ("",)
    sweep_orphans(resources)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE orphans SET first_seen_at = first_seen_at - interval '1 day'")
    sweep_orphans(resources)
    assert (0, True) == (remove_expired(resources), resources.storage.exists(key))
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE report_files SET expires_at = house_now()")
    assert (404, "not-found") == ((answer := boss.get(where)).status_code, slug_of(answer))
    assert (1, False) == (remove_expired(resources), resources.storage.exists(key))


def test_a_span_with_too_many_entries_for_its_form_is_refused(boss: Person, database: TestDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "INSERT INTO transactions (transaction_id, user_id, transaction_type, entry, available_delta,"
            " reserved_delta, amount, currency, vat_info, transaction_timestamp, purchase_id)"
            " SELECT gen_random_uuid(), user_id, 'purchase', 'credit', 1, 0, 1, 'eur', '{\"amount\": 0}',"
            " timestamptz '2031-01-15Z', gen_random_uuid() FROM users, generate_series(1, 20001) LIMIT 20001"
        )
    answer = boss.get("/v1/reports/sales?from=2031-01-01&to=2031-01-31&table=entries&format=pdf")
    assert (422, "request-invalid") == (answer.status_code, slug_of(answer))
    assert "20001" in shown(answer)["errors"][0]["detail"]
