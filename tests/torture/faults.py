"""What a fault is: a name, what is expected, how often it is done, and the deed itself.

A module of faults registers its functions with `@fault`; tests/torture/__init__.py names the modules.
"""

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from dev.people import open_account, set_credits
from dev.standins.clerk import tokens
from tests.torture.clients import Customer, Load, small_picture
from tests.torture.house import House, Twist

PLAIN = Twist()
TOKEN_AGE_SECONDS = 3 * 3600


@dataclass(slots=True)
class Scene:
    """One fault being done: the house, the customers that suffer it, and what went wrong."""

    house: House
    name: str
    seed: int
    rounds: int
    rng: random.Random = field(init=False)
    customers: list[Customer] = field(default_factory=list[Customer])
    wrong: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    healed_at: float = 0.0
    loads: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed}/{self.name}")

    def customer(self, credits: str = "100000", pictures: int = 2) -> Customer:
        """A new account with credits and some small pictures; made while everything is well."""
        who = f"{self.name.replace(' ', '-')}-{len(self.customers)}-{self.rng.randrange(10**9)}@example.com"
        running = self.house.stack.running
        # Good for a day from three hours ago, by the sign-in's clock: the api's may be wrong by two.
        begun = int(time.time()) - TOKEN_AGE_SECONDS
        session = tokens.mint(self.house.home.sign_in, who, claims={"iat": begun, "nbf": begun})
        user_id = open_account(running, session, who)
        set_credits(running, user_id, credits)
        made = Customer(running.url, session, user_id, Decimal(credits))
        for _ in range(pictures):
            made.upload(small_picture(self.rng))
        self.customers.append(made)
        return made

    @contextmanager
    def load(self, customers: int = 3, *, cancels: float = 0.03, pause: float = 0.02) -> Generator[Load]:
        """New customers ask for jobs for as long as the block lasts; afterwards everything is healed."""
        asking = [self.customer() for _ in range(customers)]
        self.loads += 1
        with Load(asking, self.rng.randrange(2**32), cancels=cancels, pause=pause) as load:
            try:
                load.until_accepted(3)
                yield load
            finally:
                self.heal()

    def heal(self) -> None:
        """The fault is over: what follows is recovery."""
        self.house.heal()
        self.healed_at = time.monotonic()

    def expect(self, holds: object, otherwise: str) -> None:
        """Note a violation unless something holds."""
        if not holds:
            self.wrong.append(otherwise)

    def until(self, holds: Callable[[], object], seconds: float, otherwise: str) -> bool:
        """Wait until something holds; a violation when it never does."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                self.wrong.append(otherwise)
                return False
            time.sleep(0.01)
        return True


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break the house, and what must be true nevertheless."""

    name: str
    expectation: str
    do: Callable[[Scene], None]
    rounds: int
    short_rounds: int
    twist: Twist
    skipped_because: Callable[[], str | None]


REGISTERED: list[Fault] = []
Deed = Callable[[Scene], None]


def fault(
    name: str,
    expectation: str,
    *,
    rounds: int = 1,
    short: int = 0,
    twist: Twist = PLAIN,
    skipped_because: Callable[[], str | None] = lambda: None,
) -> Callable[[Deed], Deed]:
    """Register a fault: done `rounds` times, and `short` times in the short version (0: not there)."""

    def register(deed: Deed) -> Deed:
        REGISTERED.append(Fault(name, expectation, deed, rounds, short, twist, skipped_because))
        return deed

    return register
