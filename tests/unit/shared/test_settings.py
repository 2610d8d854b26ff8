"""A missing or silly setting stops the process at start with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOOD = {
    "DATABASE_URL": "postgresql://tovector_api@127.0.0.1/tovector",
    "MAINTENANCE_DATABASE_URL": "postgresql://tovector_operator@127.0.0.1/tovector",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SUPABASE_URL": "http://127.0.0.1:54321",
    "SUPABASE_SERVICE_KEY": "key",
    "CLERK_ISSUER": "https://clerk.example.com",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "FLOWER_BASIC_AUTH": "user:password",
    "STRIPE_SECRET_KEY": "sk_test_key",
    "STRIPE_WEBHOOK_SECRET": "whsec_stripe",
    "CLERK_WEBHOOK_SECRET": "whsec_Y2xlcms=",
    "ENCRYPTION_KEYS": "Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWUtMTI=",
    "SELLER_COUNTRY": "DE",
}


def load(environment: dict[str, str], show: str = "'fine'") -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, as every process of the house does."""
    return subprocess.run(
        [sys.executable, "-c", f"from shared.settings import load_settings; s = load_settings(); print({show})"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_environment_is_enough() -> None:
    assert "fine\n" == load(GOOD).stdout


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_stops_the_process_with_one_sentence(name: str) -> None:
    result = load({key: value for key, value in GOOD.items() if key != name})
    assert (1, f"tovector cannot start: {name} is not set\n") == (result.returncode, result.stderr)


def test_an_empty_setting_is_a_missing_one() -> None:
    said = load(dict.fromkeys(GOOD, "")).stderr.removeprefix("tovector cannot start: ").strip()
    assert {f"{name} is not set" for name in GOOD} == set(said.split("; "))


def test_a_setting_that_may_be_left_out_may_be_empty() -> None:
    assert (
        "8 None\n"
        == load(GOOD | {"DATABASE_POOL_SIZE": "", "METRICS_TOKEN": ""}, "s.database_pool_size, s.metrics_token").stdout
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_POOL_SIZE", "0", "DATABASE_POOL_SIZE: Input should be greater than or equal to 1"),
        ("PRICE_PREVIEW", "0.25", "PRICE_PREVIEW: Decimal input should have no more than 1 decimal place"),
        ("SUPABASE_URL", "storage", "SUPABASE_URL: Input should be a valid URL"),
        ("ENGINE_WALL_SECONDS", "500", "ENGINE_WALL_SECONDS < TASK_LIMIT_SECONDS < LEASE_SECONDS"),
        ("WORKING_MAX_PIXELS", "50000000", "WORKING_MAX_PIXELS must not exceed UPLOAD_MAX_PIXELS"),
        ("FLOWER_BASIC_AUTH", "open", "FLOWER_BASIC_AUTH must read user:password"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL: String should match pattern"),
    ],
)
def test_a_silly_setting_stops_the_process_with_one_sentence(name: str, value: str, says: str) -> None:
    result = load(GOOD | {name: value})
    assert 1 == result.returncode
    assert result.stderr.startswith("tovector cannot start: ")
    assert says in result.stderr
    assert 1 == result.stderr.count("\n")


def test_a_secret_may_be_named_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    environment = {key: value for key, value in GOOD.items() if key != "SUPABASE_SERVICE_KEY"}
    environment["SUPABASE_SERVICE_KEY_FILE"] = str(tmp_path / "key")
    assert "from a file\n" == load(environment, "s.supabase_service_key.get_secret_value()").stdout


def test_a_secret_file_that_is_not_there_is_named() -> None:
    result = load(GOOD | {"REDIS_URL_FILE": "/nowhere/redis"})
    assert "tovector cannot start: REDIS_URL_FILE names /nowhere/redis: No such file or directory\n" == result.stderr


def test_a_secret_file_that_is_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    result = load(GOOD | {"METRICS_TOKEN_FILE": str(tmp_path / "token")})
    assert f"tovector cannot start: METRICS_TOKEN_FILE names {tmp_path}/token: it is empty\n" == result.stderr


def test_secrets_do_not_show_when_printed() -> None:
    shown = load(GOOD | {"SUPABASE_SERVICE_KEY": "very-secret"}, "s").stdout
    assert "very-secret" not in shown
    assert "password" not in shown


def test_lists_are_comma_separated() -> None:
    environment = GOOD | {"CORS_ORIGINS": "https://a.example/, https://b.example"}
    assert "('https://a.example', 'https://b.example')\n" == load(environment, "s.cors_origins").stdout


def test_the_issuer_and_its_keys_follow_from_one_setting() -> None:
    shown = load(GOOD, "(s.issuer, s.jwks_url)").stdout
    assert "('https://clerk.example.com', 'https://clerk.example.com/.well-known/jwks.json')\n" == shown
