"""A discrete-event simulation: stations with servers, and visitors who stand in line for them.

A visitor is a generator. It yields seconds to let them pass, or a station to wait for one of its servers, which it
gives back with `leave`. First come, first served; at the same moment, whoever asked first. Nothing here knows what is
simulated. The method is the process view of event simulation (Law, Simulation Modeling and Analysis, 5th ed., ch. 1).
"""

import heapq
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

Visitor: TypeAlias = "Generator[float | Station, None, None]"


@dataclass(slots=True)
class World:
    """The clock, in seconds, and whose turn comes when."""

    now: float = 0.0
    _agenda: list[tuple[float, int, Visitor]] = field(default_factory=list[tuple[float, int, Visitor]])
    _turn: Iterator[int] = field(default_factory=count)

    def enter(self, visitor: Visitor, at: float) -> None:
        """Somebody comes at a time, or goes on then."""
        heapq.heappush(self._agenda, (at, next(self._turn), visitor))

    def run(self) -> None:
        """Let time pass until nobody has anything left to do."""
        while self._agenda:
            self.now, _, visitor = heapq.heappop(self._agenda)
            wish = next(visitor, None)
            if isinstance(wish, Station):
                wish.ask(visitor)
            elif wish is not None:
                self.enter(visitor, self.now + wish)


@dataclass(slots=True)
class Station:
    """Equal servers with one line before them."""

    world: World
    servers: int
    taken: int = 0
    busy_seconds: float = 0.0
    _line: deque[tuple[float, Visitor]] = field(default_factory=deque[tuple[float, Visitor]])

    def ask(self, visitor: Visitor) -> None:
        """Stand in line; whoever is first goes on as soon as a server is free."""
        self._line.append((self.world.now, visitor))
        self._serve()

    def leave(self) -> None:
        """Give a server back."""
        self.taken -= 1
        self._serve()

    def resize(self, servers: int) -> None:
        """Have more servers from now on, or fewer as they become free."""
        self.servers = servers
        self._serve()

    def oldest_wait(self) -> float:
        """How long the first in line has waited, in seconds; 0 where nobody does."""
        return self.world.now - self._line[0][0] if self._line else 0.0

    def use(self, seconds: float, slices: int = 1) -> Visitor:
        """Wait for a server and keep it so long: `yield from station.use(0.1)`.

        In slices it goes back into the line after each, as threads do that share a processor.
        """
        for _ in range(slices):
            yield self
            self.busy_seconds += seconds / slices
            yield seconds / slices
            self.leave()

    def _serve(self) -> None:
        while self._line and self.taken < self.servers:
            self.taken += 1
            self.world.enter(self._line.popleft()[1], self.world.now)
