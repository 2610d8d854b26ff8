"""What the engine is held to, and what it aims at: three bounds for each number, and which of them holds.

Ratios are ours divided by vtracer's defaults in the same run; edge F1 is of 100.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.benchmarks.table import markdown
from tests.quality.corpus import Variant
from tests.quality.scoring import Score
from tests.quality.sources import Kind
from tests.quality.summary import BYTES, CPU, ERROR, FLAT, SEGMENTS, UNLIKENESS, Measure, Row, chosen, mean, ratio
from tests.quality.tracers import OURS

Value = Callable[[Sequence[Row]], float]
LEVELS = ("must", "goal", "moonshot")


@dataclass(frozen=True, slots=True)
class Target:
    """One row: what is measured, the bounds of `LEVELS`, and whether they are upper ones."""

    title: str
    value: Value
    bounds: tuple[float, float, float]
    at_most: bool = True

    def reached(self, value: float) -> str:
        """The highest level that a value reaches, or that it misses them all."""
        held = [
            level
            for level, bound in zip(LEVELS, self.bounds, strict=True)
            if (value <= bound if self.at_most else value >= bound)
        ]
        return "not measured" if math.isnan(value) else held[-1] if held else "MISSES"


def ratio_of(measure: Measure, variant: Variant, *kinds: Kind) -> Value:
    """The ratio of a measure over the drawings of these kinds."""
    return lambda rows: ratio(chosen(rows, variant, *kinds), measure) if chosen(rows, variant, *kinds) else math.nan


def edges_of(variant: Variant, *kinds: Kind) -> Value:
    """Our mean edge F1 over the drawings of these kinds."""
    return lambda rows: mean(score.likeness.edge_f1 for score in ours_of(chosen(rows, variant, *kinds)))


def ours_of(rows: Iterable[Row]) -> list[Score]:
    """Our own scores, where we were measured."""
    return [row.scores[OURS] for row in rows if OURS in row.scores]


def gaps_of_all(rows: Sequence[Row]) -> float:
    """Our mean gaps, per mille, over all inputs that are drawings."""
    return mean(score.likeness.gaps for score in ours_of(row for row in rows if row.kind in FLAT))


def _edges(title: str, kinds: tuple[Kind, ...], bounds: tuple[float, float, float], variant: Variant) -> Target:
    return Target(title, edges_of(variant, *kinds), bounds, at_most=False)


PNG, SMALL, JPG = Variant.PNG512, Variant.PNG128, Variant.JPG512
TARGETS = (
    Target("512 px PNG: × color error", ratio_of(ERROR, PNG, *FLAT), (0.17, 0.12, 0.08)),
    Target("512 px PNG: × (1 - SSIM)", ratio_of(UNLIKENESS, PNG, *FLAT), (0.14, 0.09, 0.05)),
    _edges("512 px PNG: edge F1", FLAT, (95, 97.5, 99), PNG),
    _edges("edge F1, mono", (Kind.MONO,), (99, 99.5, 99.8), PNG),
    _edges("edge F1, emoji", (Kind.EMOJI,), (99, 99.5, 99.8), PNG),
    _edges("edge F1, logos", (Kind.LOGOS,), (97, 98, 99), PNG),
    _edges("edge F1, flags", (Kind.FLAGS,), (96, 98, 99), PNG),
    _edges("edge F1, gradient", (Kind.GRADIENT,), (90, 94, 97), PNG),
    _edges("edge F1, illustration", (Kind.ILLUSTRATION,), (86, 93, 97), PNG),
    Target("512 px PNG: × segments", ratio_of(SEGMENTS, PNG, *FLAT), (0.55, 0.40, 0.25)),
    Target("512 px PNG: × bytes", ratio_of(BYTES, PNG, *FLAT), (0.13, 0.09, 0.06)),
    Target("512 px PNG: × CPU", ratio_of(CPU, PNG, *FLAT), (2, 1.2, 0.7)),
    Target("128 px PNG: × (1 - SSIM)", ratio_of(UNLIKENESS, SMALL, *FLAT), (0.28, 0.22, 0.15)),
    _edges("128 px PNG: edge F1", FLAT, (70, 78, 88), SMALL),
    Target("128 px PNG: × segments", ratio_of(SEGMENTS, SMALL, *FLAT), (1.1, 0.8, 0.6)),
    Target("512 px JPEG: × (1 - SSIM)", ratio_of(UNLIKENESS, JPG, *FLAT), (0.22, 0.18, 0.12)),
    _edges("512 px JPEG: edge F1", FLAT, (87, 92, 95), JPG),
    Target("512 px JPEG: × segments", ratio_of(SEGMENTS, JPG, *FLAT), (0.25, 0.20, 0.15)),
    Target("gradient: × segments", ratio_of(SEGMENTS, PNG, Kind.GRADIENT), (0.8, 0.5, 0.25)),
    Target("gradient: × (1 - SSIM)", ratio_of(UNLIKENESS, PNG, Kind.GRADIENT), (0.35, 0.25, 0.15)),
    Target("photo: × (1 - SSIM)", ratio_of(UNLIKENESS, PNG, Kind.PHOTO), (1.0, 0.75, 0.55)),
    Target("photo: × bytes", ratio_of(BYTES, PNG, Kind.PHOTO), (0.25, 0.20, 0.15)),
    Target("photo: × CPU", ratio_of(CPU, PNG, Kind.PHOTO), (3, 2, 1)),
    Target("gaps between shapes, ‰", gaps_of_all, (0, 0, 0)),
)


def missed(rows: Sequence[Row]) -> list[str]:
    """Titles of the targets of which not even the lowest level holds."""
    return [target.title for target in TARGETS if target.reached(target.value(rows)) == "MISSES"]


def targets_table(rows: Sequence[Row]) -> str:
    """Every target with its bounds, our value and the verdict."""
    lines = list[list[str]]()
    for target in TARGETS:
        value, sign = target.value(rows), "≤" if target.at_most else "≥"
        shown = "–" if math.isnan(value) else f"{value:.3f}" if value < 10 else f"{value:.1f}"
        lines.append([target.title, *(f"{sign} {bound:g}" for bound in target.bounds), shown, target.reached(value)])
    return markdown(["target", *LEVELS, "ours", "reaches"], lines)
