"""What the house counts and times, for Prometheus; docs/reference/metrics.md explains each.

Two kinds. Counters and histograms are kept by each process and added up: those of one machine that share
PROMETHEUS_MULTIPROC_DIR show each other's, a worker elsewhere is asked at its own port (METRICS_PORT). A `Reading` is
read from Postgres or Redis when it is asked for and is the same whoever answers: take its `max`, never its `sum`.
docs/decisions/0040-metrics.md tells why.
"""

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess
from prometheus_client.values import MutexValue, ValueClass

from shared.clock import monotonic_seconds
from shared.errors import TransientError

_BRIEF = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# --- HTTP
REQUESTS = Counter("tovector_http_requests", "HTTP requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "tovector_http_request_seconds",
    "Time to answer an HTTP request, long polls apart",
    ["route"],
    buckets=(0.002, *_BRIEF),
)
LIMITS_OPEN = Counter("tovector_limits_open", "Requests let through unlimited because Redis did not answer")
PUBLISH_FAILURES = Counter("tovector_publish_failures", "Messages not sent after commit; the sweep sends them")
WEBHOOKS = Counter("tovector_webhooks", "Verified webhooks: kept, repeated or unwanted", ["provider", "outcome"])

CACHE_READS = Counter(
    "tovector_cache_reads",
    "Look-ups of copies in Redis: hit, waited (for another's read), miss, unread (not ours, or late), away",
    ["cache", "outcome"],
)
CACHE_UNFORGOTTEN = Counter(
    "tovector_cache_unforgotten", "Copies that Redis was not there to forget; they end with their time", ["cache"]
)

# --- Jobs
ATTEMPTS = Counter(
    "tovector_attempts", "Attempts at jobs and images that ended, and the problem if any", ["kind", "outcome", "slug"]
)
JOBS_FINISHED = Counter("tovector_jobs_finished", "Jobs that reached a terminal state", ["kind", "status", "slug"])
JOB_SECONDS = Histogram(
    "tovector_job_seconds",
    "Time from accepting a job to its result, as a customer waits for it",
    ["kind"],
    buckets=(0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900),
)
JOB_STAGE_SECONDS = Histogram(
    "tovector_job_stage_seconds",
    "Time of each stage of a job in its worker",
    ["kind", "stage"],
    buckets=(*_BRIEF, 30, 60, 120),
)
ENGINE_FALLBACKS = Counter("tovector_engine_fallbacks", "Pictures left to vtracer, for our own method failed on them")
WAKEUPS_RESENT = Counter("tovector_wakeups_resent", "Wake-ups repeated by the recovery sweep")
IMAGES_EXPIRED = Counter("tovector_images_expired", "Images whose objects retention removed")

# --- The ways out
STORAGE_SECONDS = Histogram(
    "tovector_storage_seconds", "Time of one call to the object storage", ["operation", "outcome"], buckets=_BRIEF
)
PAYMENTS_SECONDS = Histogram(
    "tovector_payments_seconds", "Time of one call to Stripe", ["operation", "outcome"], buckets=_BRIEF
)

# --- Payments
INBOX_EVENTS = Counter("tovector_inbox_events", "Webhooks worked on, by what became of them", ["provider", "outcome"])
INBOX_LAG_SECONDS = Histogram(
    "tovector_inbox_lag_seconds",
    "Time from keeping a webhook to having handled it",
    ["provider"],
    buckets=(0.1, 0.5, 1, 5, 30, 60, 300, 1800, 7200),
)
PAYMENTS_SETTLED_LATE = Counter("tovector_payments_settled_late", "Purchases that reconciliation had to settle")
PAYMENTS_UNEXPLAINED = Counter("tovector_payments_unexplained", "Findings that reconciliation could not explain")


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that is not counted here but read when `/metrics` is asked; `counts` is whether it only ever grows."""

    name: str
    documentation: str
    labels: Sequence[str] = ()
    counts: bool = False


# --- Read from Postgres: what waits, runs and is late now
QUEUE_DEPTH = Reading("tovector_queue_depth", "Jobs and images that wait for a worker", ("kind",))
QUEUE_OLDEST_SECONDS = Reading("tovector_queue_oldest_seconds", "How long the longest of them has waited", ("kind",))
JOBS_RUNNING = Reading("tovector_jobs_running", "Jobs that a worker holds", ("kind",))
LEASES_EXPIRED = Reading("tovector_leases_expired", "Jobs whose lease is over and that nobody took back", ("kind",))
WAKEUPS_WAITING = Reading("tovector_wakeups_waiting", "Wake-ups that nobody has claimed yet")
INBOX_WAITING = Reading("tovector_inbox_waiting", "Webhooks kept and not yet handled", ("provider",))
INBOX_OLDEST_SECONDS = Reading("tovector_inbox_oldest_seconds", "How long the oldest of them has waited", ("provider",))
INBOX_SET_ASIDE = Reading("tovector_inbox_set_aside", "Webhooks that an operator has to look at", ("provider",))
IMAGES_OVERDUE = Reading("tovector_images_overdue", "Images past their time whose objects are still there")
IMAGES_OVERDUE_SECONDS = Reading("tovector_images_overdue_seconds", "How long the first of them is past its time")

# --- Read from Postgres: as a sweep last found it
SWEEP_AGE_SECONDS = Reading("tovector_sweep_age_seconds", "Time since a sweep last ended well", ("sweep",))
SWEEP_INTERVAL_SECONDS = Reading("tovector_sweep_interval_seconds", "How often beat sends that sweep", ("sweep",))
CREDITS_MOVED = Reading("tovector_credits_moved", "Credits of all entries of the ledger, by entry", ("entry",), True)
CREDITS_HELD = Reading("tovector_credits_held", "Credits of all accounts, available and reserved", ("balance",))
PURCHASES = Reading("tovector_purchases", "Purchases by their state", ("status",))
PURCHASES_AMOUNT = Reading(
    "tovector_purchases_amount", "Money of all paid purchases, gross, in minor units", ("currency",), True
)
BACKUP_AGE_SECONDS = Reading("tovector_backup_age_seconds", "Time since the last backup that was made and checked")
ACCOUNTS = Reading("tovector_accounts", "Accounts that exist")
INVARIANT_VIOLATIONS = Reading(
    "tovector_invariant_violations", "How often an invariant was broken when last checked; must be 0", ("invariant",)
)
INVARIANTS_AGE_SECONDS = Reading("tovector_invariants_age_seconds", "Time since the invariants were last checked")

# --- Read from Redis
BROKER_MESSAGES = Reading("tovector_broker_messages", "Messages that wait in Redis", ("queue",))

# Any client may invent a method, and each name would be a series for ever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def known_method(method: str) -> str:
    """The HTTP method as a label: one of those that exist, or `other`."""
    return method if method in _METHODS else "other"


@contextlib.contextmanager
def timed(seconds: Histogram, operation: str) -> Generator[None]:
    """Time a call to something of others: its outcome is ok, failed (trying again may help) or refused."""
    started = monotonic_seconds()
    outcome = "refused"
    try:
        yield
        outcome = "ok"
    except TransientError:
        outcome = "failed"
        raise
    finally:
        seconds.labels(operation, outcome).observe(monotonic_seconds() - started)


def counted() -> CollectorRegistry:
    """What was counted and timed by this process, or by all that share its folder of figures."""
    if ValueClass is MutexValue:
        return prometheus_client.REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return registry


def serve(port: int) -> None:
    """Show what was counted at a port of this process's own, for a worker that no API process can see into."""
    prometheus_client.start_http_server(port, registry=counted())
