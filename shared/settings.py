"""Every setting of the house, read once at start and passed down.

Names in the environment are the field names in capitals. A secret may instead be named by a file:
`SUPABASE_SERVICE_KEY_FILE=/run/secrets/supabase_service_key`. docs/reference/settings.md explains
each, `.env.example` shows each, and a test holds the three together.
"""

import os
import re
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from shared.origins import origin_of
from shared.secret_files import SecretFiles, SettingsInvalid

Credits = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=1)]
Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """The settings of one installation, frozen."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # --- Postgres: three doors, three roles
    database_url: SecretStr = Field(description="Postgres as a member of role tovector_app (row-level security)")
    maintenance_database_url: SecretStr = Field(
        description="Postgres as a member of role tovector_maintenance: sweeps and operator commands"
    )
    migration_database_url: SecretStr | None = Field(
        default=None, description="Postgres as the owner of the tables; only migrations use it"
    )
    database_pool_size: int = Field(default=8, ge=1, le=200, description="connections a process may hold")
    database_timeout_seconds: Seconds = Field(default=5, description="how long to wait for a connection")
    statement_timeout_seconds: Seconds = Field(default=10, description="longest a statement may run")

    # --- Redis: broker, limits, wake-ups of waiting clients
    redis_url: SecretStr = Field(description="Redis (or Valkey) with AOF and noeviction")
    redis_timeout_seconds: Seconds = Field(default=0.25, description="longest a request waits for Redis")

    # --- Supabase Storage
    supabase_url: AnyHttpUrl = Field(description="the Supabase project's address")
    supabase_service_key: SecretStr = Field(description="the project's service_role key")
    storage_bucket: str = Field(default="images", pattern=r"^[a-z0-9][a-z0-9-]{1,62}$", description="private bucket")
    storage_timeout_seconds: Seconds = Field(default=10, description="longest one storage request may take")
    signed_link_seconds: int = Field(default=300, ge=10, le=86_400, description="life of a download link")

    # --- Clerk
    clerk_issuer: AnyHttpUrl = Field(description="the Clerk instance, as in the tokens' iss")
    clerk_jwks_url: AnyHttpUrl | None = Field(
        default=None, description="where Clerk's keys are; by default /.well-known/jwks.json at the issuer"
    )
    clerk_publishable_key: str | None = Field(
        default=None,
        pattern=r"^pk_(test|live)_[A-Za-z0-9+/=_-]+$",
        description="Clerk's publishable key, for the page's sign-in; without it nobody can sign in on the page",
    )
    clerk_authorized_parties: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="origins allowed in the tokens' azp besides PUBLIC_URL's own, comma-separated; absent is allowed",
    )

    # --- the API
    public_url: AnyHttpUrl = Field(description="where customers reach the API")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="front ends allowed to call the API from a browser, comma-separated"
    )
    proxies_in_front: int = Field(
        default=0, ge=0, le=5, description="proxies of ours that add to X-Forwarded-For; it is believed so far back"
    )
    requests_per_minute: int = Field(default=6_000, ge=1, description="requests one account or address may make")
    uploads_per_minute: int = Field(default=600, ge=1, description="uploads one account may make")
    guest_uploads_per_minute: int = Field(
        default=60, ge=1, description="requests of all guests of one address to upload"
    )
    jobs_per_minute: int = Field(default=3_000, ge=1, description="jobs one account may submit")
    wait_max_seconds: int = Field(default=20, ge=0, le=60, description="longest ?wait= of GET /v1/jobs/{id}")

    # --- uploads
    upload_max_bytes: int = Field(default=20_000_000, ge=1_000, description="largest upload")
    upload_max_pixels: int = Field(default=40_000_000, ge=1, description="largest upload by width times height")
    working_max_pixels: int = Field(default=4_000_000, ge=10_000, description="larger images are resized to this")
    image_lifetime_hours: int = Field(default=24, ge=1, le=720, description="images and results expire after this")

    # --- credits
    price_preview: Credits = Field(default=Decimal("0.2"), description="credits for a watermarked preview")
    price_vectorization: Credits = Field(default=Decimal("1.0"), description="credits for a vectorization")
    signup_grant_credits: Credits = Field(default=Decimal("1.0"), description="credits a new account starts with")

    low_balance_credits: Credits = Field(
        default=Decimal("1.0"), description="an account that falls below this is noted as a low-balance event"
    )

    # --- buying: Stripe and VAT
    stripe_secret_key: SecretStr = Field(description="Stripe's secret key; sk_live_… moves real money")
    stripe_webhook_secret: SecretStr = Field(description="what Stripe signs webhooks with, whsec_…")
    stripe_url: AnyHttpUrl = Field(default=AnyHttpUrl("https://api.stripe.com"), description="Stripe's API")
    payments_timeout_seconds: Seconds = Field(default=10, description="longest one request to Stripe may take")
    seller_country: str = Field(pattern="^[A-Z]{2}$", description="where the seller is established, ISO 3166-1 alpha-2")
    seller_vat_id: str | None = Field(
        default=None, pattern=r"^[A-Z]{2}\w{2,13}$", description="the seller's VAT id, named when VIES is asked"
    )
    vies_url: AnyHttpUrl | None = Field(
        default=AnyHttpUrl("https://ec.europa.eu/taxation_customs/vies/rest-api"),
        description="the Commission's register of VAT ids; its outage blocks no sale",
    )
    vies_timeout_seconds: Seconds = Field(default=2, description="longest a checkout waits for VIES")
    reconcile_interval_seconds: Seconds = Field(default=3_600, description="how often beat compares us with Stripe")
    reconcile_window_hours: int = Field(default=96, ge=25, le=2_160, description="how far back it looks")

    # --- what is personal, at rest and on the way in
    encryption_keys: SecretStr = Field(
        description="Fernet keys, the newest first, comma-separated; `python -m api new-key` makes one"
    )
    clerk_webhook_secret: SecretStr = Field(description="what Clerk signs webhooks with, whsec_…")

    # --- reports
    report_request_rows: int = Field(
        default=5_000, ge=0, le=100_000, description="entries of a workbook or PDF made at once; more by a worker"
    )
    report_timeout_seconds: Seconds = Field(default=30, description="longest a statement of a report may run")
    report_lifetime_hours: int = Field(default=24, ge=1, le=720, description="how long a worker's report is kept")

    # --- jobs: engine budget < task limit < lease < broker visibility timeout
    engine_wall_seconds: Seconds = Field(default=60, description="longest one trace may take")
    engine_memory_bytes: int = Field(
        default=3_000_000_000, ge=500_000_000, description="address space of the engine's process"
    )
    engine_max_output_bytes: int = Field(default=20_000_000, ge=10_000, description="largest SVG")
    engine_max_paths: int = Field(default=200_000, ge=1, description="most paths in one SVG")
    task_limit_seconds: Seconds = Field(default=100, description="Celery's hard limit of one task")
    lease_seconds: Seconds = Field(default=120, description="how long a worker's claim on a job holds")
    broker_visibility_seconds: Seconds = Field(default=600, description="when Redis redelivers an unanswered message")
    job_max_attempts: int = Field(default=3, ge=1, le=10, description="how often a job is tried")
    retry_delay_seconds: Seconds = Field(default=2, description="pause before the second attempt; doubles after")
    wakeup_resend_seconds: Seconds = Field(default=5, description="age at which an unclaimed wake-up is sent again")
    recovery_interval_seconds: Seconds = Field(default=2, description="how often beat sends the recovery sweep")
    retention_interval_seconds: Seconds = Field(default=60, description="how often beat sends the expiry sweep")
    fair_share_jobs: int = Field(
        default=1, ge=1, le=1_000, description="jobs of a kind an account may run while other accounts wait"
    )
    queue_max_jobs: int = Field(default=1_000, ge=1, description="jobs of a kind that may wait; more are refused")
    queue_max_wait_seconds: Seconds = Field(default=300, description="age of the oldest waiting job; older refuses new")
    idempotency_lifetime_hours: int = Field(
        default=24, ge=24, le=720, description="how long an Idempotency-Key is kept"
    )
    invariants_interval_seconds: Seconds = Field(default=60, description="how often beat has the invariants checked")
    preview_max_side: int = Field(default=1_200, ge=64, le=4_096, description="longest side of a preview in px")

    # --- how long what is only kept for a while is kept
    log_lifetime_days: int = Field(default=365, ge=30, le=3_650, description="analytics and audit log are kept so long")
    inbox_lifetime_days: int = Field(default=30, ge=7, le=365, description="handled webhooks are kept so long")
    set_aside_lifetime_days: int = Field(default=180, ge=7, le=3_650, description="webhooks set aside are kept so long")
    checkout_lifetime_days: int = Field(default=90, ge=7, le=365, description="checkouts never paid are kept so long")
    ended_key_lifetime_days: int = Field(default=30, ge=1, le=365, description="ended API keys are kept so long")
    export_lifetime_hours: int = Field(
        default=72, ge=1, le=720, description="exports of people's data are kept so long"
    )
    export_part_bytes: int = Field(
        default=45_000_000, ge=1_000_000, description="a larger export is cut into several ZIPs of about this size"
    )

    # --- backups
    backup_folder: str | None = Field(default=None, description="where backups are kept; without it there are none")
    backup_copy: str | None = Field(default=None, description="a second place: a folder, or bucket:NAME in storage")
    backup_keys: SecretStr | None = Field(
        default=None, description="keys that backups are encrypted with, the newest first; keep them elsewhere too"
    )
    backup_database_url: SecretStr | None = Field(
        default=None, description="Postgres as a role that reads every row; by default MIGRATION_DATABASE_URL"
    )
    postgres_programs: str | None = Field(
        default=None, description="folder of pg_dump and pg_restore, no older than the server; by default PATH"
    )

    # --- Flower, metrics and logs
    flower_basic_auth: SecretStr = Field(description="user:password for Flower; it is never open")
    metrics_token: SecretStr | None = Field(
        default=None, description="who asks for /metrics must show this as a Bearer token; without it anybody may"
    )
    metrics_port: int | None = Field(
        default=None, ge=1, le=65_535, description="where a worker shows its metrics, on every address; none by default"
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level logged")

    # --- traces and error reports, both off until asked for
    otel_exporter_otlp_endpoint: AnyHttpUrl | None = Field(
        default=None, description="an OpenTelemetry collector (OTLP over HTTP) that spans are sent to"
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        default=None, description="headers it wants to see, as name=value, comma-separated"
    )
    spans_file: str | None = Field(
        default=None, description="a file that spans are added to, as lines of OTLP's JSON; for looking at them here"
    )
    spans_ratio: float = Field(
        default=1.0, ge=0, le=1, description="part of the requests whose spans are kept, their jobs' included"
    )
    sentry_dsn: SecretStr | None = Field(
        default=None, description="the Sentry project that unforeseen errors are reported to"
    )
    sentry_environment: str = Field(
        default="production", pattern=r"^[\w.-]{1,64}$", description="how Sentry calls this installation"
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first (tests), then files, then the environment."""
        return init_settings, SecretFiles(settings_cls), env_settings

    @field_validator("clerk_authorized_parties", "cors_origins", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _budgets_nest(self) -> Self:
        if not (
            self.engine_wall_seconds < self.task_limit_seconds < self.lease_seconds < self.broker_visibility_seconds
        ):
            raise ValueError(
                "ENGINE_WALL_SECONDS < TASK_LIMIT_SECONDS < LEASE_SECONDS < BROKER_VISIBILITY_SECONDS must hold"
            )
        if self.working_max_pixels > self.upload_max_pixels:
            raise ValueError("WORKING_MAX_PIXELS must not exceed UPLOAD_MAX_PIXELS")
        for name in ("stripe_webhook_secret", "clerk_webhook_secret"):
            if not getattr(self, name).get_secret_value().strip():
                raise ValueError(f"{name.upper()} must not be empty")
        _check_keys("ENCRYPTION_KEYS", self.encryption_keys)
        if self.backup_keys is not None:
            _check_keys("BACKUP_KEYS", self.backup_keys)
        if ":" not in self.flower_basic_auth.get_secret_value():
            raise ValueError("FLOWER_BASIC_AUTH must read user:password")
        return self

    @property
    def return_origins(self) -> frozenset[str]:
        """Where a customer may be sent after paying: the front ends, and the API itself."""
        return frozenset({*self.cors_origins, origin_of(str(self.public_url))})

    @property
    def jwks_url(self) -> str:
        """Where the sign-in provider publishes its keys."""
        return str(self.clerk_jwks_url or f"{self.issuer}/.well-known/jwks.json")

    @property
    def issuer(self) -> str:
        """The issuer exactly as tokens spell it: no trailing slash."""
        return str(self.clerk_issuer).rstrip("/")


def _check_keys(name: str, keys: SecretStr) -> None:
    given = [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
    if not given or any(len(key) != 44 or not re.fullmatch(r"[\w=-]+", key) for key in given):
        raise ValueError(f"{name} must be Fernet keys of 44 letters; `python -m api new-key` makes one")


def load_settings() -> Settings:
    """The settings of this process from its environment; stops the process with one sentence if they are wrong."""
    try:
        return Settings()  # pyright: ignore[reportCallIssue] - the sources below fill every field
    except ValidationError as error:
        raise SettingsInvalid("tovector cannot start: " + "; ".join(map(_sentence, error.errors()))) from None


def bare_environment(*names: str) -> dict[str, str]:
    """Those of our environment's variables that are set: for a process that must be given no secret."""
    return {name: os.environ[name] for name in names if name in os.environ}


def _sentence(error: ErrorDetails) -> str:
    name = ".".join(str(part) for part in error["loc"]).upper()
    if error["type"] == "missing":
        return f"{name} is not set"
    message = error["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
