"""Reports as they are asked for and handed over."""

import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from api.reports import routes
from shared.db import Database
from shared.periods import Granularity, Span
from shared.reporting import ReportFormat, ReportName, Seller, Wish, write_report
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person, shown, slug_of
from tests.integration.api.reports.reading import DAYS, REPORTS, SPAN, START, Rows, csv_rows, pdf_text, workbook

each_report = pytest.mark.parametrize("report", REPORTS)


@each_report
@pytest.mark.parametrize("form", ["csv", "xlsx", "pdf"])
def test_a_file_has_a_type_a_name_and_its_length(boss: Person, report: str, form: str) -> None:
    answer = boss.get(f"/v1/reports/{report}?from=2030-01-01&to=2030-01-31&format={form}")
    assert 200 == answer.status_code
    types = {"csv": "text/csv; charset=utf-8; header=present", "pdf": "application/pdf",
             "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip
    assert types[form] == answer.content_type
    name = f'attachment; filename="tovector-{report}-2030-01-01-to-2030-01-31.{form}"'
    assert name == answer.headers["Content-Disposition"]
    assert len(answer.data) == int(answer.headers["Content-Length"])
    assert "no-store" == answer.headers["Cache-Control"]


@each_report
def test_every_table_that_is_offered_is_there_and_no_other(boss: Person, app_database: Database, report: str) -> None:
    (route,) = [route for route in routes.all if route.path == f"/v1/reports/{report}"]
    offered = route.takes.model_json_schema()["properties"]["table"]["anyOf"][0]["enum"]
    for table in offered:
        assert csv_rows(boss.get(f"/v1/reports/{report}?{SPAN}&format=csv&table={table}")), table
    in_book = workbook(boss.get(f"/v1/reports/{report}?{SPAN}&format=xlsx")).sheetnames
    assert len(set(offered) - {"entries"}) == len(in_book) - 1


def test_reports_are_for_operators(alice: Person) -> None:
    for report in (*REPORTS, "dashboard"):
        assert (403, "admin-required") == ((answer := alice.get(f"/v1/reports/{report}")).status_code, slug_of(answer))


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=yesterday", "/from"), ("from=2030-01-01T00:00:00", "/from"), ("to=9999-12-31", "/to"),
        ("from=2030-02-01&to=2030-01-01", "/to"), ("from=2001-01-01&to=2030-01-01", "/to"),
        ("timezone=../../etc/passwd", "/timezone"), ("timezone=Mars/Olympus", "/timezone"), ("format=docx", "/format"),
        ("format=csv&table=secrets", "/table"), ("table=lines", "/table"), ("from=2030-01-01'--", "/from"),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_says_where(boss: Person, query: str, pointer: str) -> None:
    answer = boss.get(f"/v1/reports/sales?{query}")
    assert (422, "request-invalid") == (answer.status_code, slug_of(answer))
    assert [pointer] == [error["pointer"] for error in shown(answer)["errors"]]


@each_report
@pytest.mark.parametrize("form", ["json", "csv", "xlsx", "pdf"])
def test_a_span_without_anything_is_a_report_too(boss: Person, report: str, form: str) -> None:
    answer = boss.get(f"/v1/reports/{report}?from=2030-01-01&to=2030-01-31&format={form}")
    assert 200 == answer.status_code
    if form == "pdf":
        assert pdf_text(answer)


def test_a_formula_in_a_name_stays_a_text(boss: Person, database: TestDatabase) -> None:
    evil = '=HYPERLINK("http://x","y")'
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE credit_packages SET name = %s WHERE package_id = 'starter'", [evil])
    found = csv_rows(boss.get(f"/v1/reports/sales?{SPAN}&format=csv&table=packages"))
    assert f"'{evil}" in {row["package"] for row in found}
    (cell,) = {
        str(cell.value)
        for row in workbook(boss.get(f"/v1/reports/sales?{SPAN}&format=xlsx"))["By package"].iter_rows()
        for cell in row
        if cell.value and "HYPERLINK" in str(cell.value)
    }
    assert f"'{evil}" == cell


def test_whoever_takes_a_report_is_noted(boss: Person, rows: Rows) -> None:
    boss.get("/v1/reports/usage?format=pdf&from=2030-01-01&to=2030-01-02")
    (event,) = [
        one["additional_data"]
        for one in rows("SELECT * FROM analytics WHERE action_type = 'report' ORDER BY action_timestamp DESC LIMIT 1")
    ]
    assert {"report": "usage", "format": "pdf", "entries": False} == event


def test_an_unchanged_report_is_not_sent_again(boss: Person) -> None:
    first = boss.get(f"/v1/reports/sales?{SPAN}")
    again = boss.get(f"/v1/reports/sales?{SPAN}", headers={"If-None-Match": first.headers["ETag"]})
    assert (304, b"") == (again.status_code, again.data)


def test_a_report_is_as_of_one_moment(app_database: Database, database: TestDatabase) -> None:
    """What is committed while a report is read is in none of its tables."""
    span = Span(START, START + timedelta(days=DAYS), ZoneInfo("UTC"), Granularity.DAY)
    wish = Wish(ReportName.DOWNLOADS, span, ReportFormat.CSV, "periods")
    before, after = io.BytesIO(), io.BytesIO()
    with app_database.reports() as db:
        write_report(db, wish, Seller("DE", None), before, now=START)
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                "INSERT INTO analytics (analytics_id, action_type, action_timestamp) VALUES"
                " (gen_random_uuid(), 'download', %s)", [START],
            )  # fmt: skip
        write_report(db, wish, Seller("DE", None), after, now=START)
    assert before.getvalue() == after.getvalue()
