"""What a job does, in seconds on each part, and installations that do it.

A job is submitted (API, Postgres), waits for a place of a worker, is claimed, traced and settled (worker, engine,
Postgres, Redis; storage is waited for while the place is held), and its customer is told (API). Processor seconds are
taken from the processors of the part that does them; on a small installation several parts share theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.scaling.simulation import Station, Visitor, World

PARTS = ("api", "postgres", "redis", "worker", "engine")
# What a job costs besides where all is on one machine: Flower, the stand-ins of hosted services, and who measures.
BESIDE = "beside"
SCALE_LOOK_SECONDS = 15.0
SLICE_SECONDS = (
    0.004  # so long a thread keeps its processor while others wait for it; the kernel takes some milliseconds
)


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor seconds of one job on each part, and seconds in which it keeps a place and uses no processor."""

    api: float
    postgres: float
    redis: float
    worker: float
    engine: float
    latency: float = 0.0
    beside: float = 0.0

    @property
    def total(self) -> float:
        """All its processor seconds."""
        return sum(getattr(self, part) for part in (*PARTS, BESIDE))

    @property
    def in_its_place(self) -> float:
        """Processor seconds while a worker holds it: two of the three database transactions are the worker's."""
        return self.worker + self.engine + self.postgres * 2 / 3 + self.redis / 2

    def with_engine(self, seconds: float) -> "Costs":
        """The same for a picture that takes the engine so long."""
        return replace(self, engine=seconds)

    def waiting(self, seconds: float) -> "Costs":
        """The same where storage keeps a place waiting so long."""
        return replace(self, latency=seconds)


@dataclass(frozen=True, slots=True)
class Installation:
    """Processors by name, which of them each part uses, and how many jobs the workers hold at a time."""

    processors: Mapping[str, int]
    parts: Mapping[str, str]
    places: int

    @classmethod
    def on_one_machine(cls, processors: int, places: int) -> "Installation":
        """Everything shares the processors."""
        return cls({"machine": processors}, dict.fromkeys((*PARTS, BESIDE), "machine"), places)

    @classmethod
    def spread(cls, *, api: int, postgres: int, workers: int, places: int) -> "Installation":
        """A machine for each part; workers and engine share theirs; Redis has one thread."""
        processors = {"api": api, "postgres": postgres, "redis": 1, "workers": workers}
        return cls(processors, {**{part: part for part in PARTS}, "worker": "workers", "engine": "workers"}, places)

    def capacity(self, costs: Costs) -> tuple[float, str]:
        """Most jobs a second, and what has no more to give then.

        No part can be busier than always (the utilization law, Denning and Buzen 1978), nor can the places.
        """
        limits: dict[str, float] = {}
        for name, count in self.processors.items():
            seconds = sum(getattr(costs, part) for part, where in self.parts.items() if where == name)
            if seconds:
                limits[name] = count / seconds
        limits["places"] = self.places / (costs.in_its_place + costs.latency)
        first = min(limits, key=lambda name: limits[name])
        return limits[first], first


@dataclass(frozen=True, slots=True)
class Lived:
    """One job: when it came, how long it waited for a place, until its result was stored, and until that was told."""

    at: float
    wait: float
    seconds: float
    told: float


@dataclass(frozen=True, slots=True)
class Growth:
    """More places, and processors for them, while somebody has waited longer than so many seconds.

    It is looked every 15 seconds, as Prometheus does; what is asked for is there after `start_seconds`.
    """

    wait_seconds: float
    step: int
    most: int
    start_seconds: float


def simulate(
    installation: Installation,
    arrivals: Sequence[tuple[float, Costs]],
    growth: Growth | None = None,
    foreign: float = 0.0,
) -> list[Lived]:
    """Let jobs arrive at these seconds; returns them in the order in which they were told.

    `foreign` is the part of the workers' processors that somebody else uses all the while.
    """
    world, lived = World(), list[Lived]()
    machines = {name: Station(world, count) for name, count in installation.processors.items()}
    places = Station(world, installation.places)

    def at(part: str, seconds: float) -> Visitor:
        return machines[installation.parts[part]].use(seconds, slices=min(max(round(seconds / SLICE_SECONDS), 1), 16))

    def job(costs: Costs) -> Visitor:
        came_at = world.now
        # An API process answers in one go; half of its work is telling the result. Postgres has three transactions.
        yield from at("api", costs.api / 2)
        yield from at("postgres", costs.postgres / 3)
        yield from at("redis", costs.redis / 2)
        queued_at = world.now
        yield places
        wait = world.now - queued_at
        yield from at("redis", costs.redis / 2)
        yield from at("worker", costs.worker / 2)
        yield from at("postgres", costs.postgres / 3)
        yield costs.latency
        yield from at("engine", costs.engine)
        yield from at("worker", costs.worker / 2)
        yield from at("postgres", costs.postgres / 3)
        places.leave()
        seconds = world.now - came_at
        if BESIDE in installation.parts:
            yield from at(BESIDE, costs.beside)
        yield from at("api", costs.api / 2)
        lived.append(Lived(came_at, wait, seconds, world.now - came_at))

    def grow(rule: Growth) -> Visitor:
        until = arrivals[-1][0]
        workers = machines[installation.parts["engine"]]
        while world.now < until:
            yield SCALE_LOOK_SECONDS
            if places.oldest_wait() > rule.wait_seconds and places.servers < rule.most:
                world.enter(start(rule, workers), world.now + rule.start_seconds)

    def start(rule: Growth, workers: Station) -> Visitor:
        more = min(rule.step, rule.most - places.servers)
        if more > 0:
            places.resize(places.servers + more)
            workers.resize(workers.servers + more)
        yield 0.0

    for when, costs in arrivals:
        world.enter(job(costs), when)
    workers = machines[installation.parts["engine"]]
    if foreign:
        rate = foreign * workers.servers / SLICE_SECONDS
        for moment in poisson(rate, arrivals[-1][0], seed=0):
            world.enter(workers.use(SLICE_SECONDS), moment)
    if growth is not None:
        world.enter(grow(growth), 0.0)
    world.run()
    return lived


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Moments at which somebody comes, so many a second on average and independent of each other."""
    random, at, moments = Random(seed), 0.0, list[float]()
    while (at := at + random.expovariate(rate)) < seconds:
        moments.append(at)
    return moments
