"""The simulation against queueing theory, where theory has an answer in closed form."""

import math
from random import Random

import pytest

from tests.scaling.simulation import Station, Visitor, World

CUSTOMERS = 60_000
# What an honest simulation of so many may be off; at 80 % load waits are strongly correlated.
CLOSE = 0.08


def mean_wait(servers: int, load: float, *, constant: bool = False) -> float:
    """Mean seconds in line where service takes one second on average and arrivals are Poisson."""
    random, world, waits = Random(20), World(), list[float]()
    station = Station(world, servers)

    def visit(seconds: float) -> Visitor:
        came_at = world.now
        yield station
        waits.append(world.now - came_at)
        yield seconds
        station.leave()

    at = 0.0
    for _ in range(CUSTOMERS):
        at += random.expovariate(load * servers)
        world.enter(visit(1.0 if constant else random.expovariate(1.0)), at)
    world.run()
    return sum(waits) / len(waits)


def erlang_c(servers: int, load: float) -> float:
    """The part of customers who wait in M/M/c (Erlang 1917; Kleinrock, Queueing Systems I, 1975, eq. 3.40)."""
    offered = load * servers
    all_taken = offered**servers / math.factorial(servers) / (1 - load)
    return all_taken / (sum(offered**k / math.factorial(k) for k in range(servers)) + all_taken)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.8), (2, 0.7), (4, 0.8), (16, 0.9)])
def test_the_wait_for_several_servers_is_erlangs(servers: int, load: float) -> None:
    theory = erlang_c(servers, load) / (servers * (1 - load))
    assert math.isclose(theory, mean_wait(servers, load), rel_tol=CLOSE)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_the_wait_with_equal_services_is_pollaczeks_and_khinchines(load: float) -> None:
    assert math.isclose(load / (2 * (1 - load)), mean_wait(1, load, constant=True), rel_tol=CLOSE)


def test_first_come_is_first_served_and_the_clock_stands_where_the_last_one_left() -> None:
    world, order = World(), list[tuple[str, float]]()
    station = Station(world, 1)

    def visit(name: str) -> Visitor:
        yield from station.use(2.0)
        order.append((name, world.now))

    for name, at in {"late": 1.5, "first": 0.0, "second": 1.0}.items():
        world.enter(visit(name), at)
    world.run()
    assert [("first", 2.0), ("second", 4.0), ("late", 6.0)] == order
    assert 6.0 == station.busy_seconds


def test_more_servers_serve_who_waits_and_fewer_let_nobody_go() -> None:
    world, ended = World(), list[float]()
    station = Station(world, 1)

    def visit() -> Visitor:
        yield from station.use(10.0)
        ended.append(world.now)

    def change() -> Visitor:
        yield 1.0
        assert 1.0 == station.oldest_wait()
        station.resize(3)
        yield 1.0
        assert 2.0 == station.oldest_wait(), "two of five are still in line"
        station.resize(1)

    for _ in range(5):
        world.enter(visit(), 0.0)
    world.enter(change(), 0.0)
    world.run()
    assert [10.0, 11.0, 11.0, 21.0, 31.0] == ended
