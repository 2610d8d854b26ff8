"""Every report in every form, opened with somebody else's reader, counted again from the rows themselves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.integration.api.conftest import Person, shown
from tests.integration.api.reports.reading import (
    REPORTS,
    SPAN,
    Rows,
    csv_rows,
    done,
    money_entries,
    pdf_text,
    sheet_rows,
    workbook,
)  # fmt: skip

Counts = Mapping[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Told:
    """A table that says it all: its name, its sheet, the columns of a count's name, and that of the count."""

    table: str
    sheet: str
    names: tuple[str, ...]
    count: str
    headings: tuple[str, ...]


TOLD = {
    "sales": Told("kinds", "Purchases and reversals", ("kind", "currency"), "entries", ("Kind", "Currency", "Entries")),
    "usage": Told("totals", "Jobs by kind and outcome", ("kind", "outcome"), "jobs", ("Kind", "Outcome", "Jobs")),
    "conversion": Told("funnel", "Funnel", ("step",), "accounts", ("Step", "Accounts")),
    "downloads": Told(
        "formats", "By format", ("kind", "format"), "downloads", ("Kind of job", "Format", "Downloads")
    ),
}  # fmt: skip


def counted(rows: Rows, report: str) -> Counts:
    """What the report has to say, reckoned here and not in SQL."""
    if report == "sales":
        return Counter((one["transaction_type"], one["currency"]) for one in money_entries(rows))
    if report == "usage":
        return Counter((one["kind"], one["status"]) for one in rows("SELECT * FROM jobs"))
    if report == "downloads":
        data = [one["additional_data"] for one in rows("SELECT * FROM analytics WHERE action_type = 'download'")]
        return Counter((one["kind"], one["format"]) for one in data)
    did = {
        "signed up": {one["user_id"] for one in rows("SELECT user_id FROM users")},
        "uploaded": {one["user_id"] for one in rows("SELECT user_id FROM images")},
        "previewed": done(rows, "preview"),
        "vectorized": done(rows, "vectorization"),
        "opened checkout": {one["user_id"] for one in rows("SELECT user_id FROM purchases")},
        "purchased": {one["user_id"] for one in money_entries(rows) if one["transaction_type"] == "purchase"},
    }
    return {(step,): len(accounts) for step, accounts in did.items()}


def told(boss: Person, report: str, form: str, expected: Counts) -> Counts:
    """What the report says; of a PDF those of the expected counts that stand in it, side by side with their names."""
    about = TOLD[report]
    asked = f"/v1/reports/{report}?{SPAN}&format={form}"
    if form == "json":
        lines = shown(boss.get(asked))["data"][about.table]
        return {words(*(line[name] for name in about.names)): line[about.count] for line in lines}
    if form == "csv":
        found = csv_rows(boss.get(f"{asked}&table={about.table}"))
        return {words(*(row[name] for name in about.names)): int(row[about.count]) for row in found}
    if form == "xlsx":
        sheet, _ = sheet_rows(workbook(boss.get(asked)), about.sheet)
        *names, count = about.headings
        return {words(*(str(row[name]) for name in names)): row[count] for row in sheet}
    cells = [line.strip() for page in pdf_text(boss.get(f"{asked}&table={about.table}")) for line in page.splitlines()]
    rows = {tuple(cells[start : start + len(about.headings)]) for start in range(len(cells))}
    return {names: count for names, count in expected.items() if (*names, f"{count:,}") in rows}


def words(*names: str) -> tuple[str, ...]:
    """As a person reads them."""
    return tuple(name.replace("_", " ") for name in names)


def test_no_report_is_forgotten() -> None:
    assert set(REPORTS) == set(TOLD)


@pytest.mark.parametrize("form", ["json", "csv", "xlsx", "pdf"])
@pytest.mark.parametrize("report", REPORTS)
def test_each_form_of_each_report_says_what_the_rows_say(boss: Person, rows: Rows, report: str, form: str) -> None:
    boss.get("/v1/me")  # the operator has signed up too
    expected = counted(rows, report)
    assert len(expected) >= 4
    assert dict(expected) == dict(told(boss, report, form, expected))


@pytest.mark.parametrize("report", ["usage", "downloads"])
def test_the_sums_below_a_table_are_those_of_its_rows(boss: Person, rows: Rows, report: str) -> None:
    about = TOLD[report]
    answer = boss.get(f"/v1/reports/{report}?{SPAN}&format=xlsx")
    _, (total,) = sheet_rows(workbook(answer), about.sheet)
    assert sum(counted(rows, report).values()) == total[about.headings[-1]]
