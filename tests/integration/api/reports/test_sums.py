"""Reports in every form, added up again from the rows themselves."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.rows import DictRow

from tests.integration.api.conftest import Person, shown
from tests.integration.api.reports.reading import (
    DAYS,
    SPAN,
    START,
    Rows,
    added,
    cents,
    csv_rows,
    done,
    money_entries,
    pdf_text,
    sheet_rows,
    workbook,
)  # fmt: skip


def test_json_adds_up_to_the_ledger(boss: Person, rows: Rows) -> None:
    entries = money_entries(rows)
    body = shown(boss.get(f"/v1/reports/sales?{SPAN}"))
    for column in ("net", "tax", "gross"):
        expected = {currency: total for (currency,), total in added(entries, "currency", column=column).items()}
        assert expected == {one["currency"]: one[column] for one in body["data"]["totals"]}
        for table in ("periods", "kinds", "countries", "packages", "lines"):
            found = {(line["currency"],): 0 for line in body["data"][table]}
            for line in body["data"][table]:
                found[line["currency"],] += line[column]
            assert {(name,): total for name, total in expected.items()} == found, (table, column)


def test_vat_by_country_and_rate_is_that_of_the_ledger(boss: Person, rows: Rows) -> None:
    expected = defaultdict[tuple[object, ...], int](int)
    for entry in money_entries(rows):
        vat = entry["vat_info"]
        expected[vat["country"], Decimal(vat["rate"]), entry["currency"]] += entry["tax"]
    body = shown(boss.get(f"/v1/reports/sales?{SPAN}"))
    found = {
        (line["country"], Decimal(line["rate"]), line["currency"]): line["tax"] for line in body["data"]["countries"]
    }
    assert dict(expected) == found
    rules = {line["country"]: line["rule"] for line in body["data"]["countries"]}
    wanted = {"DE": "domestic", "FR": "destination", "FI": "destination", "AT": "reverse_charge", "US": "outside_eu"}
    assert wanted == {country: rules[country] for country in wanted}


def test_the_one_stop_shop_gets_each_quarter_and_what_it_corrects(boss: Person, rows: Rows) -> None:
    entries = money_entries(rows)
    sold_at = {
        one["purchase_id"]: one["transaction_timestamp"] for one in entries if one["transaction_type"] == "purchase"
    }
    expected = defaultdict[tuple[object, ...], int](int)
    for entry in entries:
        vat = entry["vat_info"]
        if vat["country"] in ("FR", "IE", "FI"):
            quarter, sold = quarter_of(entry["transaction_timestamp"]), quarter_of(sold_at[entry["purchase_id"]])
            corrects = None if sold == quarter else sold
            expected[quarter, corrects, vat["country"], Decimal(vat["rate"]), entry["currency"]] += entry["tax"]
    body = shown(boss.get(f"/v1/reports/sales?{SPAN}&granularity=month"))
    found = {
        (line["quarter"], line["corrects"], line["country"], Decimal(line["rate"]), line["currency"]): line["tax"]
        for line in body["data"]["oss"]
    }
    assert dict(expected) == found
    assert any(corrects for _, corrects, *_ in found), "the past has a refund in a later quarter"


def quarter_of(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.year}-Q{(moment.month - 1) // 3 + 1}"


def test_csv_adds_up_to_the_ledger(boss: Person, rows: Rows) -> None:
    found = csv_rows(boss.get(f"/v1/reports/sales?{SPAN}&format=csv&granularity=week"))
    for column in ("net", "tax", "gross"):
        sums = defaultdict[Any, int](int)
        for row in found:
            sums[row["kind"], row["package_id"], row["currency"]] += cents(row[column])
        assert added(money_entries(rows), "transaction_type", "package_id", "currency", column=column) == dict(sums)


def test_each_entry_of_the_ledger_is_in_the_csv_of_entries(boss: Person, rows: Rows) -> None:
    found = csv_rows(boss.get(f"/v1/reports/sales?{SPAN}&format=csv&table=entries"))
    expected = {
        (str(one["transaction_id"]), one["gross"], one["vat_info"]["vat_id"] or "") for one in money_entries(rows)
    }
    assert expected == {(row["transaction_id"], cents(row["gross"]), row["vat_id"]) for row in found}
    assert [row["at"] for row in found] == sorted(row["at"] for row in found)


def test_a_workbook_adds_up_to_the_ledger_and_has_a_chart(boss: Person, rows: Rows) -> None:
    book = workbook(boss.get(f"/v1/reports/sales?{SPAN}&format=xlsx"))
    expected = added(money_entries(rows), "currency", column="gross")
    assert "About" == book.sheetnames[0]
    for title in book.sheetnames[1:]:
        lines, sums = sheet_rows(book, title)
        if "Gross" not in lines[0]:
            continue
        found = defaultdict[Any, int](int)
        for line in lines:
            found[line["Currency"],] += cents(line["Gross"])
        assert expected == dict(found), title
        assert expected == {(line["Currency"],): cents(line["Gross"]) for line in sums}, title
    assert isinstance(book["By period"]["A2"].value, datetime)
    assert isinstance(book["By period"]["E2"].value, int | float)
    assert 1 == len(book["By period"]._charts)  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]


def test_a_pdf_names_the_totals_of_the_ledger_and_numbers_its_pages(boss: Person, rows: Rows) -> None:
    pages = pdf_text(boss.get(f"/v1/reports/sales?{SPAN}&format=pdf"))
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"page {number} of {len(pages)}" in page
    text = "\n".join(pages)
    assert f"Sales, {START.date()} to {(START + timedelta(days=DAYS)).date()}" in pages[0]
    for (_, column), total in {
        (currency, column): sum(one[column] for one in money_entries(rows) if one["currency"] == currency)
        for currency in ("eur", "usd")
        for column in ("net", "tax", "gross")
    }.items():
        assert text.count(f"{Decimal(total) / 100:,.2f}") >= 4, column


def test_usage_is_that_of_the_jobs(boss: Person, rows: Rows) -> None:
    jobs = rows("SELECT * FROM jobs")
    expected = {key: len([one for one in jobs if (one["kind"], one["status"]) == key]) for key in kinds_of(jobs)}
    body = shown(boss.get(f"/v1/reports/usage?{SPAN}"))["data"]
    assert expected == {(line["kind"], line["outcome"]): line["jobs"] for line in body["totals"]}
    for column, outcome in (("previews", "preview"), ("vectorizations", "vectorization")):
        assert expected[outcome, "succeeded"] == sum(period[column] for period in body["periods"])
    spent = sum((one["price"] for one in jobs if one["status"] == "succeeded"), Decimal(0))
    assert spent == sum(Decimal(period["credits"]) for period in body["periods"])
    in_ledger = rows(
        "SELECT transaction_type, sum(credits_deducted) AS spent FROM transactions WHERE entry = 'capture' GROUP BY 1"
    )
    spent_by_kind = defaultdict[str, Decimal](Decimal)
    for line in body["credits"]:
        spent_by_kind[line["kind"]] -= Decimal(line["credits"])
    for row in in_ledger:
        assert row["spent"] == spent_by_kind[row["transaction_type"]]
    images = rows("SELECT * FROM images")
    assert (len(images), sum(one["file_size"] for one in images)) == (
        sum(line["uploads"] for line in body["uploads"]), sum(line["total_bytes"] for line in body["uploads"]),
    )  # fmt: skip
    in_csv = csv_rows(boss.get(f"/v1/reports/usage?{SPAN}&format=csv"))
    assert len(jobs) == sum(int(row["jobs"]) for row in in_csv)
    _, sums = sheet_rows(workbook(boss.get(f"/v1/reports/usage?{SPAN}&format=xlsx")), "Jobs by kind and outcome")
    assert [len(jobs)] == [line["Jobs"] for line in sums]


def kinds_of(jobs: list[DictRow]) -> set[tuple[str, str]]:
    return {(one["kind"], one["status"]) for one in jobs}


def test_durations_are_medians_and_95th_percentiles(boss: Person, rows: Rows) -> None:
    jobs = rows("SELECT * FROM jobs WHERE kind = 'preview' AND status = 'succeeded'")
    seconds = sorted((one["finished_at"] - one["started_at"]).total_seconds() for one in jobs)
    body = shown(boss.get(f"/v1/reports/usage?{SPAN}"))["data"]
    (line,) = [one for one in body["totals"] if (one["kind"], one["outcome"]) == ("preview", "succeeded")]
    for share, found in ((0.5, line["work_seconds_p50"]), (0.95, line["work_seconds_p95"])):
        rank = share * (len(seconds) - 1)
        low, high = seconds[int(rank)], seconds[min(int(rank) + 1, len(seconds) - 1)]
        assert found == pytest.approx(low + (high - low) * (rank - int(rank)), abs=1e-6)


def test_cohorts_are_counted_account_by_account(boss: Person, rows: Rows) -> None:
    asked = (
        f"/v1/reports/conversion?from={START.date() - timedelta(days=40)}&granularity=month&timezone=Pacific/Auckland"
    )
    body = shown(boss.get(asked))["data"]
    did = {
        "uploaded": {one["user_id"] for one in rows("SELECT user_id FROM images")},
        "previewed": done(rows, "preview"),
        "vectorized": done(rows, "vectorization"),
        "opened_checkout": {one["user_id"] for one in rows("SELECT user_id FROM purchases")},
        "purchased": {
            one["user_id"] for one in rows("SELECT user_id FROM transactions WHERE transaction_type = 'purchase'")
        },
    }
    zone = ZoneInfo("Pacific/Auckland")
    expected = defaultdict[str, dict[str, int]](lambda: dict.fromkeys(("signed_up", *did), 0))
    for user in rows("SELECT * FROM users"):
        cohort = expected[user["created_at"].astimezone(zone).date().replace(day=1).isoformat()]
        cohort["signed_up"] += 1
        for step, accounts in did.items():
            cohort[step] += user["user_id"] in accounts
    assert dict(expected) == {line.pop("period"): line for line in body["lines"] if line["signed_up"]}
    funnel = {step["step"]: step["accounts"] for step in body["funnel"]}
    assert {step: sum(cohort[step] for cohort in expected.values()) for step in funnel} == funnel


def test_downloads_are_those_of_the_activity_log(boss: Person, rows: Rows) -> None:
    expected = defaultdict[str, int](int)
    for event in rows("SELECT * FROM analytics WHERE action_type = 'download'"):
        expected[event["additional_data"]["format"]] += 1
    body = shown(boss.get(f"/v1/reports/downloads?{SPAN}"))["data"]
    found = defaultdict[str, int](int)
    for line in body["formats"]:
        found[line["format"]] += line["downloads"]
    assert (dict(expected), sum(expected.values())) == (dict(found), body["total"])
    assert body["total"] == sum(
        int(row["downloads"]) for row in csv_rows(boss.get(f"/v1/reports/downloads?{SPAN}&format=csv"))
    )


def test_periods_follow_the_calendar_of_the_time_zone(boss: Person, rows: Rows) -> None:
    zone = ZoneInfo("America/St_Johns")
    expected = defaultdict[str, int](int)
    for entry in money_entries(rows):
        day = entry["transaction_timestamp"].astimezone(zone).date()
        if entry["currency"] == "eur":
            expected[(day - timedelta(days=day.weekday())).isoformat()] += entry["gross"]
    asked = f"/v1/reports/sales?{SPAN}&granularity=week&timezone=America/St_Johns"
    found = {
        one["period"]: one["gross"] for one in shown(boss.get(asked))["data"]["periods"] if one["currency"] == "eur"
    }
    # The first and the last week are cut, so only whole ones are compared.
    whole = sorted(expected)[1:-1]
    assert whole
    assert {week: expected[week] for week in whole} == {week: found[week] for week in whole}
    assert 7 == max(
        (date.fromisoformat(b) - date.fromisoformat(a)).days for a, b in zip(found, list(found)[1:], strict=False)
    )


def test_a_span_may_be_given_in_times(boss: Person, rows: Rows) -> None:
    middle = START + timedelta(days=100, hours=7)
    asked = f"/v1/reports/sales?from={START.date()}&to={middle:%Y-%m-%dT%H:%M:%SZ}"
    expected = sum(one["gross"] for one in money_entries(rows) if one["transaction_timestamp"] < middle)
    assert expected == sum(one["gross"] for one in shown(boss.get(asked))["data"]["lines"])
