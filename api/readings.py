"""Figures for `/metrics` that are not counted here but read: from Postgres, and from Redis as long as they answer."""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from api.house import House
from shared import figures, invariants, metrics
from shared.db import Connection
from shared.errors import ProblemError
from shared.metrics import Reading

Rows = Sequence[tuple[str, str, float]]
_PREFIX = "tovector_"


class Readings(Collector):
    """Everything that is read. What is away is left out, so that its absence can be noticed."""

    def __init__(self, house: House) -> None:
        self._house = house

    @override
    def collect(self) -> Iterator[Metric]:
        found = sorted(chain(self._of_postgres(), self._of_redis()))
        for name, rows in groupby(found, key=lambda row: row[0]):
            reading = _BY_NAME.get(name)
            if reading is not None:  # a newer version may have left figures that this one does not know
                yield _family(reading, [(label, value) for _, label, value in rows])

    def _of_postgres(self) -> Rows:
        try:
            with self._house.database.transaction() as db:
                return [*figures.select_live_figures(db), *figures.select_figures(db), *_sweeps(db), *_checks(db)]
        except ProblemError:
            return []

    def _of_redis(self) -> Rows:
        try:
            lengths = self._house.publisher.queue_lengths()
        except ProblemError:
            return []
        return [("broker_messages", queue.value, length) for queue, length in lengths.items()]


_BY_NAME = {
    reading.name.removeprefix(_PREFIX): reading for reading in vars(metrics).values() if isinstance(reading, Reading)
}


def _sweeps(db: Connection) -> Iterator[tuple[str, str, float]]:
    for name, age, interval in figures.select_sweeps(db):
        yield ("sweep_age_seconds", name, age)
        yield ("sweep_interval_seconds", name, interval)


def _checks(db: Connection) -> Iterator[tuple[str, str, float]]:
    checks = invariants.select_checks(db)
    for name, violations, _ in checks:
        yield ("invariant_violations", name, violations)
    if checks:
        yield ("invariants_age_seconds", "", max(seconds for _, _, seconds in checks))


def _family(reading: Reading, rows: Sequence[tuple[str, float]]) -> Metric:
    kind = CounterMetricFamily if reading.counts else GaugeMetricFamily
    family = kind(reading.name, reading.documentation, labels=reading.labels)
    for label, value in rows:
        family.add_metric([label] if reading.labels else [], value)
    return family
