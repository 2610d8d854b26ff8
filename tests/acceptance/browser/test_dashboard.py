"""The operators' dashboard: who may see it, what it shows, what can be taken along."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Route

from dev.people import sign_in
from tests.acceptance.browser.conftest import NewWindow
from tests.acceptance.browser.figures import DASHBOARD, DAYS, SALES, USAGE
from tests.acceptance.browser.window import DESKTOP, PHONE, Window
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually

ADDRESS = f"/admin?from={DAYS[0]}&to={DAYS[-1]}"


def enter(window: Window, house: Stack, who: str = "operator@example.com", *, admin: bool = True) -> None:
    """Sign in on the dashboard's own page, as somebody who has the role or has not."""
    sign_in(house.home, who, admin=admin)
    window.visit(ADDRESS)
    window.is_accessible("signed-out")
    window.sign_in(who)


def answer(window: Window, path: str, body: Mapping[str, Any]) -> None:
    """Answer in place of a report: a month of figures that no test could earn."""

    def fulfill(route: Route) -> None:
        route.fulfill(status=200, body=json.dumps(body), content_type="application/json")

    window.page.route(f"**{path}?**", fulfill)


@pytest.mark.parametrize(
    ("name", "dark", "size"),
    [("light", False, DESKTOP), ("dark", True, DESKTOP), ("phone", False, PHONE)],
    ids=["light", "dark", "phone"],
)
def test_a_month_is_read_at_a_glance(
    new_window: NewWindow, house: Stack, name: str, dark: bool, size: tuple[int, int]
) -> None:
    window = new_window(size, dark=dark, touch=size == PHONE)
    for report, body in (("dashboard", DASHBOARD), ("sales", SALES), ("usage", USAGE)):
        answer(window, f"/v1/reports/{report}", body)
    enter(window, house)
    window.sees("€594.00")
    for words in ("Net revenue by day, EUR", "60", "France", "Too complex", "86.4 %", "Waiting now", "402"):
        assert window.page.get_by_text(words, exact=False).count(), words
    assert "Net revenue by day, EUR: €594 in all, most in 3 Jan with €39.60" == (
        window.page.get_by_role("img", name="Net revenue").get_attribute("aria-label")
    )
    window.is_accessible(f"{name}-1-month")
    window.page.get_by_text("The figures").first.click()
    window.page.screenshot(path=window.pictures / f"{name}-2-whole.png", full_page=True)
    assert 0 == window.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")


def test_who_is_no_operator_sees_nothing(new_window: NewWindow, house: Stack) -> None:
    window = new_window()
    enter(window, house, "curious@example.com", admin=False)
    window.sees("For operators only")
    window.is_accessible("not-an-operator")


def test_nothing_happened_is_said_so(new_window: NewWindow, house: Stack) -> None:
    window = new_window()
    nothing = {"revenue": [], "sales_by_day": [], "countries": [], "jobs_by_day": [], "funnel": [], "downloads": {}}
    none = {"succeeded": 0, "failed": 0, "canceled": 0, "credits": "0.0", "seconds_p50": None, "seconds_p95": None}
    work = [{**one, **none} for one in DASHBOARD["data"]["work"]]
    answer(window, "/v1/reports/dashboard", {"data": {**nothing, "work": work}})
    answer(window, "/v1/reports/sales", {"data": {"countries": []}})
    answer(window, "/v1/reports/usage", {"data": {"problems": []}})
    enter(window, house)
    window.sees("Nothing was sold in these days.")
    window.is_accessible("empty")


def test_a_report_that_fails_can_be_asked_for_again(new_window: NewWindow, house: Stack) -> None:
    window = new_window()
    window.expected += ["status of 503", "status of 404"]
    window.page.route(
        "**/v1/reports/**",
        lambda route: route.fulfill(status=503, body='{"slug": "database-unavailable"}', headers={"Retry-After": "60"}),
    )
    enter(window, house)
    window.sees("We have a hiccup")
    window.is_accessible("failed")
    window.page.unroute("**/v1/reports/**")
    window.press("Try again")
    window.sees("Net revenue by day")


def test_real_figures_are_shown_and_taken_along(
    new_window: NewWindow, new_customer: NewCustomer, house: Stack, samples: Path
) -> None:
    buyer = new_customer("buyer@example.com", "1")
    buyer.finish(buyer.submit(buyer.upload(samples / "logo.png")["image_id"], "vectorizations"))
    body = {"package_id": "starter", "billing": {"country": "DE"}}
    opened = buyer.http.post("/v1/checkout-sessions", json=body).raise_for_status().json()
    assert 303 == httpx.post(opened["url"], data={"action": "pay"}).status_code
    assert eventually(lambda: buyer.available() == 20)
    window = new_window()
    enter(window, house)
    window.press("7 days")
    window.sees("Germany")
    assert "€0.00" not in (window.page.locator(".tile").first.text_content() or "")
    assert window.page.get_by_role("img", name="Jobs by day and outcome").count()
    window.is_accessible("real")
    for kind in ("CSV", "JSON", "XLSX", "PDF"):
        with window.page.expect_download() as saved:
            window.press(f"Sales and VAT as {kind}")
        assert saved.value.suggested_filename.endswith(f".{kind.lower()}")
        assert saved.value.path().stat().st_size > 0
