"""Whether an installation is whole: each part is asked, and what is wrong is said with what to do about it.

Nothing is changed but one small object that is kept in storage and removed again.
"""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from shared import catalog, figures
from shared.cache import Cache
from shared.db import Database
from shared.errors import ProblemError
from shared.ids import new_id
from shared.migrate import MigrationFailed, pending
from shared.payments import open_payments
from shared.settings import Settings
from shared.storage import open_storage
from shared.webhooks import STRIPE_EVENTS

OLDEST_SERVER = 150_000
TIMEOUT_SECONDS = 5
PNG = b"\x89PNG\r\n\x1a\n"
SWEEP = "recover"


class Verdict(StrEnum):
    """ok; look: it works, and an operator should know; wrong: it does not work, or is not safe."""

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part, and what to do if it is not ok."""

    part: str
    verdict: Verdict
    found: str
    advice: str = ""


Findings = Iterator[Finding]


def examine(settings: Settings) -> Findings:
    """Every finding about an installation, part by part. A part that cannot be reached is a finding too."""
    for part, look in EXAMINATIONS.items():
        try:
            yield from look(settings)
        except ProblemError as problem:
            yield Finding(part, Verdict.WRONG, problem.detail, ADVICE[part])
        except (psycopg.Error, OSError, ValueError, MigrationFailed) as error:
            yield Finding(part, Verdict.WRONG, f"{type(error).__name__}: {error}".strip(), ADVICE[part])


def _judged(part: str, holds: bool, good: str, bad: str, advice: str, otherwise: Verdict = Verdict.WRONG) -> Finding:
    return Finding(part, Verdict.OK, good) if holds else Finding(part, otherwise, bad, advice)


def look_at_addresses(settings: Settings) -> Findings:
    """How customers come, and who may look in."""
    https = settings.public_url.scheme == "https"
    yield _judged(
        "addresses", https, f"PUBLIC_URL is {settings.public_url}", f"PUBLIC_URL is {settings.public_url}, without TLS",
        "put nginx or a load balancer with a certificate in front, and name it in PUBLIC_URL", Verdict.LOOK,
    )  # fmt: skip
    yield _judged(
        "addresses", bool(settings.clerk_authorized_parties), "tokens of named sites alone are taken",
        "CLERK_AUTHORIZED_PARTIES is empty: no browser's token is taken", "name your front ends' origins in it",
        Verdict.LOOK,
    )  # fmt: skip
    yield _judged(
        "addresses", settings.metrics_token is not None, "/metrics asks for its token",
        "anybody who reaches the API may read /metrics", "set METRICS_TOKEN, unless your proxy keeps it inside",
        Verdict.LOOK,
    )  # fmt: skip


def look_at_postgres(settings: Settings) -> Findings:
    """The two doors and their roles, the schema, the policies."""
    with _database(settings.database_url.get_secret_value()) as database, database.transaction() as db:
        role = catalog.select_role(db)
        is_migrated = catalog.select_is_migrated(db)
        unguarded = catalog.select_unguarded_tables(db)
    yield _judged(
        "postgres", role.server_version >= OLDEST_SERVER, f"version {role.server_version // 10_000}",
        f"version {role.server_version // 10_000} is too old", "use PostgreSQL 15 or later",
    )  # fmt: skip
    bound = role.is_app and not role.is_free and not role.is_maintenance and not role.owns_tables
    yield _judged(
        "postgres", bound, f"DATABASE_URL is {role.name}, bound by row-level security",
        f"DATABASE_URL is {role.name}, which is not a plain member of tovector_app",
        "make a login role IN ROLE tovector_app and nothing else: no superuser, no BYPASSRLS, no owner of the tables",
    )  # fmt: skip
    yield _judged(
        "postgres", is_migrated, "the tables are there", "there are no tables of ours", "run python -m shared.migrate"
    )
    yield _judged(
        "postgres", not unguarded, "every table of customers has its policy",
        f"without forced row-level security or policy: {', '.join(unguarded)}",
        "somebody changed the schema by hand: compare it with shared/sql/schema.sql",
    )  # fmt: skip
    with _database(settings.maintenance_database_url.get_secret_value()) as database, database.transaction() as db:
        operator = catalog.select_role(db)
    yield _judged(
        "postgres", operator.is_maintenance and not operator.owns_tables,
        f"MAINTENANCE_DATABASE_URL is {operator.name}, which sees every account",
        f"MAINTENANCE_DATABASE_URL is {operator.name}, which is not a plain member of tovector_maintenance",
        "make another login role, IN ROLE tovector_maintenance",
    )  # fmt: skip


def look_at_migrations(settings: Settings) -> Findings:
    """Whether the schema is that of this version."""
    if settings.migration_database_url is None:
        yield Finding(
            "migrations", Verdict.LOOK, "MIGRATION_DATABASE_URL is not set here", "run the doctor where you migrate too"
        )
        return
    missing = pending(settings.migration_database_url.get_secret_value())
    yield _judged(
        "migrations", not missing, "the schema is up to date", f"not applied: {', '.join(missing)}",
        "run python -m shared.migrate before this version starts",
    )  # fmt: skip


def look_at_redis(settings: Settings) -> Findings:
    """Whether it keeps what it is given."""
    with closing(Cache(settings.redis_url.get_secret_value(), TIMEOUT_SECONDS)) as cache:
        told = cache.describe()
    yield _judged(
        "redis", told.get("maxmemory_policy", "noeviction") == "noeviction", "it evicts nothing",
        f"it evicts: maxmemory-policy {told.get('maxmemory_policy')}", "set maxmemory-policy noeviction",
    )  # fmt: skip
    yield _judged(
        "redis", str(told.get("aof_enabled")) == "1", "its append-only file is on",
        "its append-only file is off: a restart forgets messages, which the sweep sends again, and limits",
        "set appendonly yes, or choose a plan with persistence", Verdict.LOOK,
    )  # fmt: skip


def look_at_storage(settings: Settings) -> Findings:
    """The bucket, and whether our key may write, read and remove in it."""
    key = f"doctor/{new_id()}.png"
    with closing(open_storage(settings)) as storage:
        rules = storage.describe_bucket()
        yield _judged(
            "storage", rules.get("public") is False, f"the bucket {settings.storage_bucket} is private",
            f"the bucket {settings.storage_bucket} is public: everybody may read everything",
            "run python -m api prepare-storage, at once",
        )  # fmt: skip
        limit = rules.get("file_size_limit")
        yield _judged(
            "storage", limit is None or int(limit) >= settings.upload_max_bytes, "it takes the largest upload",
            f"it takes {limit} bytes at most, UPLOAD_MAX_BYTES is {settings.upload_max_bytes}",
            "run python -m api prepare-storage",
        )  # fmt: skip
        storage.put(key, PNG, "image/png")
        same = storage.get(key) == PNG
        storage.remove([key])
    yield _judged("storage", same, "objects are kept and removed", "what is read is not what was written", "ask them")


def look_at_clerk(settings: Settings) -> Findings:
    """Whether the keys that sign-ins are checked by can be had."""
    with urllib.request.urlopen(settings.jwks_url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the setting's type allows http and https alone
        keys = json.load(answer).get("keys", [])
    usable = [key for key in keys if key.get("kty") == "RSA" and key.get("kid")]
    yield _judged(
        "clerk", bool(usable), f"{len(usable)} keys at {settings.jwks_url}", f"no RSA key at {settings.jwks_url}",
        "compare CLERK_ISSUER with the Frontend API address in Clerk's dashboard",
    )  # fmt: skip


def look_at_stripe(settings: Settings) -> Findings:
    """The key, the tax, and whether Stripe tells us what happens."""
    payments = open_payments(settings)
    told = payments.describe()
    yield Finding("stripe", Verdict.OK, f"the key works, in {'live' if payments.is_live else 'test'} mode")
    yield _judged(
        "stripe", told.tax_status == "active", "Stripe Tax is on", f"Stripe Tax is {told.tax_status}",
        "finish its set-up in Stripe's dashboard: checkouts are refused without it",
    )  # fmt: skip
    address = f"{str(settings.public_url).rstrip('/')}/webhooks/stripe"
    ours = next((hook for hook in told.webhooks if hook.url == address and hook.status == "enabled"), None)
    advice = f"add the endpoint {address} in Stripe's dashboard and its secret as STRIPE_WEBHOOK_SECRET"
    yield _judged(
        "stripe", ours is not None, f"it tells {address}", f"no enabled webhook endpoint leads to {address}", advice
    )
    if ours is not None:
        missing = set[str]() if "*" in ours.events else STRIPE_EVENTS - ours.events
        yield _judged(
            "stripe", not missing, "of every event that we act on", f"not of {', '.join(sorted(missing))}",
            "add these events to the endpoint",
        )  # fmt: skip


def look_at_processes(settings: Settings) -> Findings:
    """Whether beat and a maintenance worker run."""
    with _database(settings.database_url.get_secret_value()) as database, database.transaction() as db:
        ages = {name: (age, interval) for name, age, interval in figures.select_sweeps(db)}
    age, interval = ages.get(SWEEP, (float("inf"), settings.recovery_interval_seconds))
    yield _judged(
        "processes", age < 60 + 3 * interval, f"the recovery sweep ended well {age:.0f} s ago",
        "the recovery sweep does not come" if SWEEP in ages else "the recovery sweep has never come",
        "start beat and a worker of the queue maintenance", Verdict.LOOK,
    )  # fmt: skip


EXAMINATIONS: dict[str, Callable[[Settings], Findings]] = {
    "addresses": look_at_addresses,
    "postgres": look_at_postgres,
    "migrations": look_at_migrations,
    "redis": look_at_redis,
    "storage": look_at_storage,
    "clerk": look_at_clerk,
    "stripe": look_at_stripe,
    "processes": look_at_processes,
}
ADVICE = {
    "addresses": "",
    "postgres": "check DATABASE_URL and MAINTENANCE_DATABASE_URL: host, port, name, password, sslmode",
    "migrations": "check MIGRATION_DATABASE_URL: a session connection, as the owner of the tables",
    "redis": "check REDIS_URL: host, port, password, rediss:// where the provider wants TLS",
    "storage": "check SUPABASE_URL, SUPABASE_SERVICE_KEY and STORAGE_BUCKET; python -m api prepare-storage makes it",
    "clerk": "check CLERK_ISSUER and CLERK_JWKS_URL, and the way out to them",
    "stripe": "check STRIPE_SECRET_KEY; a restricted key must be allowed to read webhook endpoints and tax settings",
    "processes": "mend postgres first",
}


def _database(url: str) -> closing[Database]:
    return closing(Database(url, pool_size=1, timeout_seconds=TIMEOUT_SECONDS))
