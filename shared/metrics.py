"""What the house counts and times, for Prometheus; docs/reference/metrics.md explains each."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

REQUESTS = Counter("tovector_http_requests", "HTTP requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "tovector_http_request_seconds",
    "Time to answer an HTTP request, long polls apart",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LIMITS_OPEN = Counter("tovector_limits_open", "Requests let through unlimited because Redis did not answer")
PUBLISH_FAILURES = Counter("tovector_publish_failures", "Messages not sent after commit; the sweep sends them")
JOBS_FINISHED = Counter("tovector_jobs_finished", "Jobs that reached a terminal state", ["kind", "status", "slug"])
JOB_SECONDS = Histogram(
    "tovector_job_stage_seconds",
    "Time of each stage of a job in its worker",
    ["kind", "stage"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
WAKEUPS_RESENT = Counter("tovector_wakeups_resent", "Wake-ups repeated by the recovery sweep")
IMAGES_EXPIRED = Counter("tovector_images_expired", "Images whose objects retention removed")


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that is not counted here but read from the database whenever `/metrics` is asked."""

    name: str
    documentation: str
    labels: Sequence[str] = ()


INVARIANT_VIOLATIONS = Reading(
    "tovector_invariant_violations", "How often an invariant was broken when last checked; must be 0", ("invariant",)
)
INVARIANTS_AGE_SECONDS = Reading("tovector_invariants_age_seconds", "Time since the invariants were last checked")
INBOX_EVENTS = Counter("tovector_inbox_events", "Webhooks worked on, by what became of them", ["provider", "outcome"])
PAYMENTS_SETTLED_LATE = Counter("tovector_payments_settled_late", "Purchases that reconciliation had to settle")
PAYMENTS_UNEXPLAINED = Counter("tovector_payments_unexplained", "Findings that reconciliation could not explain")
