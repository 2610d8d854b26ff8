"""What is printed: a row per ratio with its target and verdict, and the notes beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.pairs import Pairs


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio is held to."""

    bound: float
    at_most: bool

    def holds(self, ratio: float) -> bool:
        return ratio <= self.bound if self.at_most else ratio >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"


def at_most(bound: float) -> Target:
    return Target(bound, at_most=True)


def at_least(bound: float) -> Target:
    return Target(bound, at_most=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio: A ÷ B, with how many pairs it is the median of."""

    name: str
    a: str
    b: str
    ratio: float
    target: Target
    pairs: int

    @property
    def verdict(self) -> str:
        return "holds" if self.target.holds(self.ratio) else "MISSES"


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark gives: rows of the table, and a text of its own."""

    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    failed: bool = False


def row(name: str, pairs: Pairs, unit: str, target: Target) -> Row:
    """A row of paired measurements; `unit` is `ms` (measured in seconds), `/s`, or `MB` (measured in bytes)."""
    a, b = pairs.medians
    return Row(name, shown(a, unit), shown(b, unit), pairs.ratio, target, len(pairs.a))


def shown(value: float, unit: str) -> str:
    scaled = value * {"ms": 1e3, "MB": 1e-6}.get(unit, 1)
    return f"{scaled:.{0 if scaled >= 100 else 2 if scaled < 10 else 1}f} {unit}"


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table that reads well in a terminal and in a page."""
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (header, rule, *lines)
    )


def ratios(rows: Sequence[Row]) -> str:
    """The table of all ratios."""
    return markdown(
        ("A ÷ B", "A", "B", "ratio", "target", "verdict", "pairs"),
        [(r.name, r.a, r.b, f"{r.ratio:.3f}", str(r.target), r.verdict, str(r.pairs)) for r in rows],
    )
