"""`python -m api doctor` on installations that lack something: it names the part and says what to do."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from pydantic import AnyHttpUrl, SecretStr

from api.doctor import EXAMINATIONS, Finding, Verdict, examine
from shared.settings import Settings
from shared.storage import open_storage
from tests.conftest import TestDatabase

Examine = Callable[..., list[Finding]]


@pytest.fixture
def findings(settings: Settings) -> Examine:
    """What is wrong with one part of an installation that differs from ours in these settings."""

    def findings(part: str, **different: Any) -> list[Finding]:
        found = EXAMINATIONS[part](settings.model_copy(update=different))
        return [finding for finding in found if finding.verdict is Verdict.WRONG]

    return findings


@pytest.mark.parametrize("part", sorted(EXAMINATIONS.keys() - {"stripe"}))
def test_nothing_is_wrong_with_a_whole_installation(findings: Examine, part: str) -> None:
    assert [] == findings(part)


def test_a_part_that_does_not_answer_is_a_finding_with_advice_and_the_others_are_still_looked_at(
    settings: Settings,
) -> None:
    nowhere = {
        "database_url": SecretStr("postgresql://somebody@127.0.0.1:9/none"),
        "redis_url": SecretStr("redis://127.0.0.1:9/0"),
        "supabase_url": AnyHttpUrl("http://127.0.0.1:9"),
        "clerk_jwks_url": AnyHttpUrl("http://127.0.0.1:9"),
        "migration_database_url": SecretStr("postgresql://somebody@127.0.0.1:9/none"),
    }
    wrong = [one for one in examine(settings.model_copy(update=nowhere)) if one.verdict is Verdict.WRONG]
    assert EXAMINATIONS.keys() - {"addresses"} == {finding.part for finding in wrong}
    assert all(finding.advice for finding in wrong)


def test_an_api_that_is_the_owner_of_the_tables_is_wrong(findings: Examine, database: TestDatabase) -> None:
    (finding,) = findings("postgres", database_url=SecretStr(database.owner_url))
    assert "IN ROLE tovector_app" in finding.advice


def test_two_doors_with_one_role_are_wrong(findings: Examine, database: TestDatabase) -> None:
    (finding,) = findings("postgres", maintenance_database_url=SecretStr(database.app_url))
    assert "tovector_maintenance" in finding.found


def test_a_policy_that_somebody_dropped_is_told(findings: Examine, empty_database: TestDatabase) -> None:
    with psycopg.connect(empty_database.owner_url) as db:
        db.execute("DROP POLICY own_rows ON images")
        db.execute("ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY")
    (finding,) = findings("postgres", database_url=SecretStr(empty_database.app_url))
    assert "images, jobs" in finding.found


def test_a_migration_that_was_not_applied_is_told(findings: Examine, empty_database: TestDatabase) -> None:
    with psycopg.connect(empty_database.owner_url) as db:
        db.execute("DELETE FROM schema_migrations WHERE number = 1")
    (finding,) = findings("migrations", migration_database_url=SecretStr(empty_database.owner_url))
    assert "0001_house" in finding.found


def test_a_bucket_that_takes_less_than_the_largest_upload_is_told(findings: Examine, settings: Settings) -> None:
    small = {"storage_bucket": "small"}
    with closing(open_storage(settings.model_copy(update=small))) as storage:
        storage.ensure_bucket(("image/png",), 1_000)
    (finding,) = findings("storage", **small)
    assert "prepare-storage" in finding.advice


def test_no_secret_is_in_what_the_doctor_says(settings: Settings) -> None:
    secret = "hidden-pass-word"
    wrong_password = {
        "database_url": SecretStr(f"postgresql://somebody:{secret}@127.0.0.1:9/none"),
        "migration_database_url": SecretStr(f"postgresql://somebody:{secret}@127.0.0.1:9/none"),
        "redis_url": SecretStr(f"redis://:{secret}@127.0.0.1:9/0"),
        "stripe_secret_key": SecretStr(f"sk_test_{secret}"),
        "supabase_service_key": SecretStr(secret),
    }
    said = [f"{one.found} {one.advice}" for one in examine(settings.model_copy(update=wrong_password))]
    assert [] == [sentence for sentence in said if secret in sentence]
