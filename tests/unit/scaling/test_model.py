"""Installations: what holds them up, and that the simulation agrees with what can be said without it."""

import math
from random import Random

import pytest

from tests.scaling.model import Costs, Growth, Installation, poisson, simulate

COSTS = Costs(api=0.008, postgres=0.006, redis=0.001, worker=0.010, engine=0.060, latency=0.005, beside=0.003)
SMALL = Installation.on_one_machine(processors=2, places=4)


def test_a_job_alone_waits_for_nobody_and_takes_what_it_costs() -> None:
    (only,) = simulate(SMALL, [(3.0, COSTS)])
    assert (3.0, 0.0) == (only.at, only.wait)
    assert math.isclose(COSTS.total - COSTS.api / 2 - COSTS.beside + COSTS.latency, only.seconds)


@pytest.mark.parametrize(
    ("installation", "first"),
    [
        (SMALL, "machine"),
        (Installation.on_one_machine(processors=64, places=1), "places"),
        (Installation.spread(api=1, postgres=8, workers=64, places=128), "api"),
        (Installation.spread(api=8, postgres=1, workers=64, places=128), "postgres"),
        (Installation.spread(api=8, postgres=8, workers=2, places=4), "workers"),
        (Installation.spread(api=64, postgres=64, workers=640, places=1280), "redis"),
    ],
)
def test_what_is_named_as_the_limit_is_where_the_simulation_stands_still(
    installation: Installation, first: str
) -> None:
    most, name = installation.capacity(COSTS)
    assert first == name
    everybody_at_once = simulate(installation, [(0.0, COSTS)] * 4_000)
    done = len(everybody_at_once) / max(job.at + job.told for job in everybody_at_once)
    assert math.isclose(most, done, rel_tol=0.1)


def test_below_its_limit_an_installation_does_what_is_asked_and_above_it_waits_grow() -> None:
    most, _ = SMALL.capacity(COSTS)
    calm, busy = (simulate(SMALL, [(at, COSTS) for at in poisson(most * load, 120, seed=1)]) for load in (0.5, 1.3))
    assert max(job.at + job.seconds for job in calm) < 121
    assert max(job.at + job.seconds for job in busy) > 140
    assert sum(job.wait for job in calm) / len(calm) < 0.1 < 10 < max(job.wait for job in busy)


def test_growing_by_the_age_of_the_queue_ends_a_rush_sooner() -> None:
    rush = [(at, COSTS.with_engine(1.0)) for at in poisson(6, 300, seed=2)]
    small = Installation.spread(api=2, postgres=2, workers=4, places=4)
    growth = Growth(wait_seconds=5, step=2, most=12, start_seconds=30)
    longest = max(job.wait for job in simulate(small, rush))
    assert max(job.wait for job in simulate(small, rush, growth)) < longest / 2


def test_nobody_is_lost_and_a_machine_that_others_use_is_slower() -> None:
    random = Random(3)
    arrivals = [(at, COSTS.with_engine(random.expovariate(10))) for at in poisson(15, 60, seed=3)]
    lived = simulate(SMALL, arrivals)
    assert sorted(at for at, _ in arrivals) == sorted(job.at for job in lived)
    slower = simulate(SMALL, arrivals, foreign=0.3)
    assert sum(job.seconds for job in slower) > sum(job.seconds for job in lived)
