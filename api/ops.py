"""For probes and operators: `/healthz`, `/readyz`, `/metrics`, `/v1/queues`."""

from enum import StrEnum
from hmac import compare_digest

import prometheus_client
from flask import Response, request
from pydantic import BaseModel, Field

from api.answers import show
from api.fields import Page
from api.house import House
from api.limits import Limit
from api.readings import Readings
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import jobs, metrics
from shared.errors import ProblemError, Unauthenticated
from shared.jobs import JobKind

routes = Routes("operations")


class Health(BaseModel):
    """The process answers."""

    status: str


@routes.open_operation("GET /healthz", takes=Nothing, gives=Gives(200, Health), limit=Limit.NONE)
def get_health(_house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Say that the process is alive; nothing else is looked at."""
    return show(Health(status="ok"))


class Part(StrEnum):
    """Whether something we stand on answers."""

    OK = "ok"
    AWAY = "away"


class Readiness(BaseModel):
    """ready, degraded (slower or without downloads, still useful) or unavailable."""

    status: str
    postgres: Part
    redis: Part
    storage: Part


@routes.open_operation("GET /readyz", takes=Nothing, gives=Gives(200, Readiness), limit=Limit.NONE)
def get_readiness(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Say whether requests can be served: 503 without Postgres; Redis and storage are reported."""
    postgres, redis, storage = _postgres(house), _redis(house), _storage(house)
    whole = "ready" if redis is storage is Part.OK else "degraded"
    status = "unavailable" if postgres is Part.AWAY else whole
    body = Readiness(status=status, postgres=postgres, redis=redis, storage=storage)
    return show(body, status=503 if postgres is Part.AWAY else 200)


def _postgres(house: House) -> Part:
    try:
        with house.database.transaction():
            return Part.OK
    except ProblemError:
        return Part.AWAY


def _redis(house: House) -> Part:
    try:
        house.cache.ping()
    except ProblemError:
        return Part.AWAY
    return Part.OK


def _storage(house: House) -> Part:
    try:
        house.storage.check()
    except ProblemError:
        return Part.AWAY
    return Part.OK


class QueueBody(BaseModel, title="QueueState"):
    """How long the line of one kind of job is."""

    kind: JobKind
    waiting: int = Field(
        description="jobs that could run now; counted no further than the number that refuses new ones"
    )
    oldest_seconds: float = Field(description="how long the first of them has waited")


@routes.operation("GET /v1/queues", takes=Nothing, gives=Gives(200, Page[QueueBody]), admin=True)
def list_queues(house: House, _caller: Caller, _: Nothing) -> Response:
    """List how many jobs of each kind wait at this moment, and for how long."""
    most = house.settings.queue_max_jobs
    with house.database.transaction() as db:
        states = [(kind, *jobs.select_queue_state(db, kind, most=most)) for kind in JobKind]
    data = [QueueBody(kind=kind, waiting=depth, oldest_seconds=round(age, 1)) for kind, depth, age in states]
    return show(Page[QueueBody](data=data, next_cursor=None))


@routes.open_operation(
    "GET /metrics", takes=Nothing, gives=Gives(200, "text/plain"), limit=Limit.NONE, problems=(Unauthenticated,)
)
def get_metrics(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show what was counted, timed and read, for Prometheus; all processes of this machine together."""
    token = house.settings.metrics_token
    shown = request.headers.get("Authorization", "")
    if token is not None and not compare_digest(shown.encode(), f"Bearer {token.get_secret_value()}".encode()):
        raise Unauthenticated("Send `Authorization: Bearer <METRICS_TOKEN>`.")
    read = prometheus_client.CollectorRegistry()
    read.register(Readings(house))
    text = prometheus_client.generate_latest(metrics.counted()) + prometheus_client.generate_latest(read)
    return Response(text, content_type=prometheus_client.CONTENT_TYPE_LATEST)
