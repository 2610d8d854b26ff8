"""`python -m api`: what an operator may do by hand."""

from collections.abc import Callable
from contextlib import closing

import pytest
from click.testing import CliRunner

from api.cli import operate
from shared.errors import StorageRefused
from shared.invariants import INVARIANTS
from shared.settings import Settings
from shared.storage import open_storage
from tests.conftest import Connection
from tests.integration.api.conftest import Person, shown

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(settings: Settings) -> Run:
    environment = {
        name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name, value in settings
        if value is not None and not isinstance(value, tuple)
    }

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(operate, arguments, env=environment)
        return result.exit_code, result.output

    return run


def test_an_operator_has_the_daily_sums_made_anew(run: Run, db_owner: Connection) -> None:
    db_owner.execute("INSERT INTO rollups (through) VALUES ('2030-01-01')")
    db_owner.commit()
    assert (0, "the daily sums are forgotten; beat's next sweep makes them anew\n") == run("rebuild-rollups")
    assert (0,) == db_owner.execute("SELECT count(*) FROM rollups").fetchone()


def test_an_operator_grants_credits_with_a_reason(run: Run, alice: Person) -> None:
    me = shown(alice.get("/v1/me"))
    code, output = run("grant-credits", me["email"].upper(), "4.5", "--reason", "a sorry for the outage")
    assert (code, output) == (0, f"{me['user_id']} has 5.5 credits available\n")
    entry = shown(alice.get("/v1/credits/transactions"))["data"][0]
    assert (entry["transaction_type"], entry["available_delta"]) == ("grant", "4.5")
    assert entry["reason"] == "a sorry for the outage"
    assert run("grant-credits", me["user_id"], "--reason", "taken back", "--", "-5")[0] == 0
    assert shown(alice.get("/v1/credits"))["available"] == "0.5"


@pytest.mark.parametrize("credits", ["0", "0.05", "lots", "NaN", "inf", "1e30"])
def test_what_is_no_number_of_tenths_is_refused(run: Run, alice: Person, credits: str) -> None:
    me = shown(alice.get("/v1/me"))
    code, output = run("grant-credits", me["user_id"], credits, "--reason", "test")
    assert code != 0
    assert "Error" in output
    assert "Traceback" not in output
    assert shown(alice.get("/v1/credits"))["available"] == "1.0"


def test_more_cannot_be_taken_than_there_is(run: Run, alice: Person) -> None:
    me = shown(alice.get("/v1/me"))
    code, output = run("grant-credits", me["user_id"], "--reason", "taken back", "--", "-1.1")
    assert code == 1
    assert "does not have that many credits" in output


def test_a_grant_needs_a_reason_and_an_account(run: Run) -> None:
    assert run("grant-credits", "alice@example.com", "1")[0] == 2
    for who in ("nobody@example.com", "01890a5d-ac96-774b-bcce-b302099a8057", "user_nobody"):
        code, output = run("grant-credits", who, "1", "--reason", "test")
        assert (code, output) == (1, f"Error: there is no account of {who}\n")


def test_an_account_is_shown(run: Run, alice: Person) -> None:
    me = shown(alice.get("/v1/me"))
    code, output = run("account", me["email"])
    assert code == 0
    assert me["user_id"] in output
    assert "available  1.0" in output


def test_whoever_looks_at_an_account_or_at_its_audit_log_is_in_it(run: Run, alice: Person) -> None:
    me = shown(alice.get("/v1/me"))
    run("account", me["email"])
    run("audit-log", me["user_id"])
    code, output = run("audit-log", me["user_id"])
    assert code == 0
    told = [line.split()[-4:] for line in output.splitlines()]
    assert [
        ["operator", "admin_read", '{"command":', '"audit-log"}'],
        ["operator", "admin_read", '{"command":', '"account"}'],
    ] == told[:2]
    assert ["customer", "sign_in"] == told[2][:2]


def test_invariants_are_checked_and_a_broken_one_is_named(run: Run, alice: Person, db_owner: Connection) -> None:
    me = shown(alice.get("/v1/me"))
    code, output = run("invariants")
    assert (code, output) == (0, f"all {len(INVARIANTS)} invariants hold\n")
    db_owner.execute("UPDATE users SET credit_balance = 9 WHERE user_id = %s", [me["user_id"]])
    db_owner.commit()
    code, output = run("invariants")
    db_owner.execute("UPDATE users SET credit_balance = 1 WHERE user_id = %s", [me["user_id"]])
    db_owner.commit()
    assert code == 1
    assert "balance_is_the_sum_of_the_ledger" in output
    assert f"user {me['user_id']}: balance 9.0, ledger 1.0" in output


def test_the_bucket_is_made_with_its_rules(run: Run, settings: Settings) -> None:
    assert run("prepare-storage") == (0, f"the bucket {settings.storage_bucket} is ready\n")
    with closing(open_storage(settings)) as storage:
        storage.put("a/b.svg", b"<svg/>", "image/svg+xml")
        with pytest.raises(StorageRefused):
            storage.put("a/b.html", b"<html>", "text/html")
        storage.remove(["a/b.svg"])
