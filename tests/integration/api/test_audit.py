"""What operators look at is written down first, or they do not see it."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from api.app import ROUTES
from api.routes import Access
from shared.ids import new_id
from tests.conftest import TestDatabase
from tests.integration.api.conftest import Person, shown, slug_of

# An address of each route that is for operators, by the route's name.
ADMIN = {
    route.name: route.path.replace("{report_file_id}", str(new_id()))
    for route in ROUTES
    if route.access is Access.ADMIN
}
REPORTS = {"get_sales_report", "get_usage_report", "get_conversion_report", "get_downloads_report", "get_report_file",
           "get_dashboard"}  # fmt: skip


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def reads(owner: psycopg.Connection, person: Person) -> list[tuple[str, str]]:
    """(actor, route) of what the audit log says somebody has looked at, oldest first."""
    user_id = shown(person.get("/v1/me"))["user_id"]
    return owner.execute(
        "SELECT actor::text, details ->> 'route' FROM audit_log WHERE user_id = %s AND action = 'admin_read'"
        " ORDER BY audit_id",
        [user_id],
    ).fetchall()


def test_each_report_is_among_the_addresses_for_operators() -> None:
    assert ADMIN.keys() >= REPORTS


def test_whatever_an_operator_looks_at_is_noted_by_its_route(
    sign_in: Callable[..., Person], owner: psycopg.Connection
) -> None:
    boss = sign_in(admin=True)
    for path in ADMIN.values():
        assert boss.get(path).status_code in (200, 404)
    assert [("operator", name) for name in ADMIN] == reads(owner, boss)


@pytest.mark.parametrize("form", ["json", "csv", "xlsx", "pdf"])
def test_a_report_is_noted_whatever_its_form(
    sign_in: Callable[..., Person], owner: psycopg.Connection, form: str
) -> None:
    boss = sign_in(admin=True)
    assert 200 == boss.get(f"/v1/reports/sales?format={form}").status_code
    assert [("operator", "get_sales_report")] == reads(owner, boss)


def test_who_is_refused_has_looked_at_nothing(alice: Person, owner: psycopg.Connection) -> None:
    for path in ADMIN.values():
        assert "admin-required" == slug_of(alice.get(path))
    assert [] == reads(owner, alice)


def test_what_cannot_be_noted_is_not_shown(sign_in: Callable[..., Person], owner: psycopg.Connection) -> None:
    boss = sign_in(admin=True)
    assert 200 == boss.get("/v1/reports/dashboard").status_code
    owner.execute("ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (action <> 'admin_read') NOT VALID")
    try:
        for path in ADMIN.values():
            assert "internal-error" == slug_of(boss.get(path))
    finally:
        owner.execute("ALTER TABLE audit_log DROP CONSTRAINT full_disk")
