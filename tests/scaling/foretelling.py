"""What the simulation foretells of installations that nobody has started yet."""

from random import Random

from tests.benchmarks.table import markdown
from tests.scaling.model import PARTS, Costs, Growth, Installation, Lived, poisson, simulate

SIZES = {
    "one machine, 8 processors": Installation.on_one_machine(8, 16),
    "api 2, Postgres 2, workers 8": Installation.spread(api=2, postgres=2, workers=8, places=16),
    "api 4, Postgres 4, workers 32": Installation.spread(api=4, postgres=4, workers=32, places=64),
    "api 8, Postgres 8, workers 96": Installation.spread(api=8, postgres=8, workers=96, places=192),
}
STORAGE_SECONDS = 0.1  # a picture fetched and a drawing stored over the internet, which keeps a place and no processor
ENGINE = {"small flat art": 0.06, "a mix with photographs": 0.6}  # processor seconds of the engine, on average
JOBS = 4_000
RUSH = (2.5, 600.0)  # times what the workers can do, for so many seconds
GROWTH = Growth(wait_seconds=10, step=4, most=32, start_seconds=60)


def tables(costs: Costs) -> tuple[str, ...]:
    """Every table of what is foretold, from what a job costs."""
    far = costs.waiting(STORAGE_SECONDS)
    return of_parts(costs), of_sizes(far), of_a_rush(far)


def of_parts(costs: Costs) -> str:
    """What one processor of each part can carry."""
    engine = costs.worker + costs.engine
    lines = [
        (part, f"{1 / seconds:.0f}", f"{engine / seconds:.0f}")
        for part in PARTS
        if part not in {"worker", "engine"} and (seconds := getattr(costs, part)) > 0
    ]
    title = "What one processor of a part carries, in vectorizations of this picture, and how many of workers it feeds:"
    return f"{title}\n\n" + markdown(("part", "jobs a second", "processors of workers"), lines)


def varied(costs: Costs, engine: float, rate: float, seconds: float, seed: int) -> list[tuple[float, Costs]]:
    """Jobs whose pictures differ: engine times are exponential, which is harder on a line than what we have seen."""
    random = Random(seed)
    return [(at, costs.with_engine(random.expovariate(1 / engine))) for at in poisson(rate, seconds, seed)]


def of_sizes(costs: Costs) -> str:
    """What installations of different sizes can do, and when results are there at seven tenths of it."""
    lines: list[tuple[str, ...]] = []
    for picture, engine in ENGINE.items():
        for size, installation in SIZES.items():
            most, first = installation.capacity(costs.with_engine(engine))
            rate = 0.7 * most
            lived = simulate(installation, varied(costs, engine, rate, JOBS / rate, 1))
            times = sorted(job.seconds for job in lived)
            p50, p99 = (times[int(len(times) * part)] for part in (0.5, 0.99))
            lines.append((picture, size, f"{most:.1f}", first, f"{p50:.2f}", f"{p99:.2f}"))
    header = ("pictures", "processors", "jobs a second at most", "full first", "result at 70 %, p50 s", "p99 s")
    return (
        f"What installations can do (two places for each processor of workers, storage {STORAGE_SECONDS:g} s away):\n\n"
        + markdown(header, lines)
    )


def of_a_rush(costs: Costs) -> str:
    """A rush, with the workers there are, and with more as the queue grows old."""
    engine = ENGINE["a mix with photographs"]
    start = Installation.spread(api=4, postgres=4, workers=8, places=8)
    most, _ = start.capacity(costs.with_engine(engine))
    times, seconds = RUSH
    rush = varied(costs, engine, most * times, seconds, seed=2)
    lines = [
        (name, f"{longest(lived):.0f}", f"{max(job.at + job.seconds for job in lived) - seconds:.0f}")
        for name, lived in {
            "8 places": simulate(start, rush),
            f"8 places, {GROWTH.step} more while somebody waits {GROWTH.wait_seconds:.0f} s, {GROWTH.most} at most":
                simulate(start, rush, GROWTH),
            f"{GROWTH.most} places from the start":
                simulate(Installation.spread(api=4, postgres=4, workers=32, places=32), rush),
        }.items()
    ]  # fmt: skip
    header = ("workers", "longest wait s", "after the rush s")
    title = (
        f"A rush of {seconds / 60:.0f} minutes with {times} times the jobs that 8 places can do; a worker is there"
        f" {GROWTH.start_seconds:.0f} s after it was asked for:"
    )
    return f"{title}\n\n" + markdown(header, lines)


def longest(lived: list[Lived]) -> float:
    """The longest wait for a place."""
    return max(job.wait for job in lived)
