"""Two things measured in turns, so that what disturbs the machine disturbs both."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Once = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What A and B gave, round by round."""

    a: Sequence[float]
    b: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the rounds' own ratios: a slow minute counts on both sides of its rounds."""
        return statistics.median(a / b for a, b in zip(self.a, self.b, strict=True))

    @property
    def medians(self) -> tuple[float, float]:
        """The middle of A and the middle of B."""
        return statistics.median(self.a), statistics.median(self.b)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of single requests: those of A and those of B, round by round."""

    a: Sequence[Sequence[float]]
    b: Sequence[Sequence[float]]

    @property
    def p50(self) -> Pairs:
        """The middle of each round."""
        return Pairs([statistics.median(times) for times in self.a], [statistics.median(times) for times in self.b])

    def tails(self, part: float = 0.99) -> tuple[float, float]:
        """How long the slowest took, `part` of all being quicker; rounds are too short to have a tail each."""
        return percentile([t for times in self.a for t in times], part), percentile(
            [t for times in self.b for t in times], part
        )


def in_turns(a: Callable[[], float], b: Callable[[], float], pairs: int) -> Pairs:
    """A B A B …, after one of each that does not count."""
    a()
    b()
    rounds = [(a(), b()) for _ in range(pairs)]
    return Pairs([first for first, _ in rounds], [second for _, second in rounds])


def single_requests(a: Once, b: Once, pairs: int, *, each: int) -> Latencies:
    """A B A B …, one request at a time, in `pairs` rounds of `each`, after some that do not count."""
    _round(a, b, 5)
    rounds = [_round(a, b, each) for _ in range(pairs)]
    return Latencies([first for first, _ in rounds], [second for _, second in rounds])


def _round(a: Once, b: Once, each: int) -> tuple[list[float], list[float]]:
    of_a: list[float] = []
    of_b: list[float] = []
    for _ in range(each):
        of_a.append(seconds_of(a))
        of_b.append(seconds_of(b))
    return of_a, of_b


def seconds_of(once: Once) -> float:
    """How long it takes."""
    started = time.perf_counter()
    once()
    return time.perf_counter() - started


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that is not below `part` of them."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
