"""For probes and operators: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Iterator
from enum import StrEnum

import prometheus_client
from flask import Response
from prometheus_client import multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.values import MutexValue, ValueClass
from pydantic import BaseModel
from typing_extensions import override

from api.answers import show
from api.house import House
from api.limits import Limit
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import invariants, metrics
from shared.errors import ProblemError

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


@routes.open_operation("GET /metrics", takes=Nothing, gives=Gives(200, "text/plain"), limit=Limit.NONE)
def get_metrics(house: House, _caller: Caller | None, _: Nothing) -> Response:
    """Show what was counted and timed, for Prometheus; all processes of this server together."""
    counted = prometheus_client.REGISTRY
    if ValueClass is not MutexValue:  # several processes, which share their figures in files
        counted = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)
    read = prometheus_client.CollectorRegistry()
    read.register(_Readings(house))
    text = prometheus_client.generate_latest(counted) + prometheus_client.generate_latest(read)
    return Response(text, content_type=prometheus_client.CONTENT_TYPE_LATEST)


class _Readings(Collector):
    """Figures that the database holds; left out while it is away."""

    def __init__(self, house: House) -> None:
        self._house = house

    @override
    def collect(self) -> Iterator[Metric]:
        try:
            with self._house.database.transaction() as db:
                checks = invariants.select_checks(db)
        except ProblemError:
            return
        violations = _gauge(metrics.INVARIANT_VIOLATIONS)
        for name, count, _ in checks:
            violations.add_metric([name], count)
        age = _gauge(metrics.INVARIANTS_AGE_SECONDS)
        if checks:
            age.add_metric([], max(seconds for _, _, seconds in checks))
        yield from (violations, age)


def _gauge(reading: metrics.Reading) -> GaugeMetricFamily:
    return GaugeMetricFamily(reading.name, reading.documentation, labels=reading.labels)
