"""The dashboard: one answer, the figures of the rows."""

from collections import defaultdict
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from dev.valkey import Valkey
from tests.integration.api.conftest import Person, shown
from tests.integration.api.reports.reading import DAYS, SPAN, START, Rows, added, done, money_entries


@pytest.fixture(autouse=True)
def no_copies(valkey: Valkey) -> None:
    """Figures of now, not of half a minute ago."""
    valkey.empty()


def test_the_dashboard_adds_up_to_the_ledger(boss: Person, rows: Rows) -> None:
    data = shown(boss.get(f"/v1/reports/dashboard?{SPAN}"))["data"]
    entries = money_entries(rows)
    for column in ("net", "tax", "gross"):
        expected = added(entries, "currency", column=column)
        assert expected == {(one["currency"],): one[column] for one in data["revenue"]}
    by_day = defaultdict[tuple[str, str], int](int)
    for entry in entries:
        by_day[entry["transaction_timestamp"].astimezone(UTC).date().isoformat(), entry["currency"]] += entry["gross"]
    assert dict(by_day) == {(one["day"], one["currency"]): one["gross"] for one in data["sales_by_day"]}
    for part, key in (("countries", "country"), ("packages", "package_id")):
        expected = defaultdict[tuple[str, str], int](int)
        for entry in entries:
            name = entry["package_id"] if key == "package_id" else entry["vat_info"]["country"] or ""
            expected[name, entry["currency"]] += entry["net"]
        assert dict(expected) == {(one["name"], one["currency"]): one["net"] for one in data[part]}


def test_the_dashboard_counts_jobs_people_and_downloads(boss: Person, rows: Rows) -> None:
    data = shown(boss.get(f"/v1/reports/dashboard?{SPAN}"))["data"]
    jobs = rows("SELECT * FROM jobs")
    for work in data["work"]:
        own = [job for job in jobs if job["kind"] == work["kind"]]
        for outcome in ("succeeded", "failed", "canceled"):
            assert work[outcome] == len([job for job in own if job["status"] == outcome])
        spent = sum((job["price"] for job in own if job["status"] == "succeeded"), Decimal(0))
        assert spent == Decimal(work["credits"])
        seconds = sorted(
            (job["finished_at"] - job["created_at"]).total_seconds() for job in own if job["status"] == "succeeded"
        )
        exact = seconds[int(0.95 * (len(seconds) - 1))]
        assert abs(work["seconds_p95"] - exact) <= 0.026 * exact
    newcomers = {
        "sign_up": len(rows("SELECT user_id FROM users")),
        "upload": len({one["user_id"] for one in rows("SELECT user_id FROM images")}),
        "preview": len(done(rows, "preview")),
        "vectorize": len(done(rows, "vectorization")),
        "purchase": len({one["user_id"] for one in money_entries(rows) if one["transaction_type"] == "purchase"}),
    }
    assert newcomers == {step["action"]: step["newcomers"] for step in data["funnel"]}
    downloads = len(rows("SELECT * FROM analytics WHERE action_type = 'download'"))
    assert downloads == sum(data["downloads"].values())


def test_newcomers_are_those_who_never_did_it_before(boss: Person, rows: Rows) -> None:
    middle = START + timedelta(days=DAYS // 2)
    asked = f"/v1/reports/dashboard?from={middle.date()}&to={(START + timedelta(days=DAYS)).date()}"
    funnel = {step["action"]: step for step in shown(boss.get(asked))["data"]["funnel"]}
    uploads = rows("SELECT * FROM images")
    before = {one["user_id"] for one in uploads if one["upload_timestamp"] < middle}
    after = [one["user_id"] for one in uploads if one["upload_timestamp"] >= middle]
    assert before & set(after), "somebody uploaded in both halves"
    assert (len(after), len(set(after) - before)) == (funnel["upload"]["actions"], funnel["upload"]["newcomers"])


def test_a_quiet_span_has_a_dashboard_too(boss: Person) -> None:
    body = shown(boss.get("/v1/reports/dashboard?from=2030-01-01&to=2030-01-31"))
    assert ("2030-01-01", "2030-01-31", []) == (body["from"], body["to"], body["data"]["revenue"])
    assert [None, None] == [work["seconds_p95"] for work in body["data"]["work"]]
