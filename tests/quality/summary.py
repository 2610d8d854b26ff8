"""Many scores as few numbers: means of each tracer, and ours against vtracer's drawing by drawing."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.table import markdown
from tests.quality.corpus import Variant
from tests.quality.scoring import Likeness, Score
from tests.quality.sources import Kind
from tests.quality.tracers import BASE, OURS, TRACERS


@dataclass(frozen=True, slots=True)
class Row:
    """What the tracers made of one input of one drawing."""

    kind: Kind
    name: str
    variant: Variant
    scores: Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a score that is less the better it is, and the floor that is added to both sides of its ratio:
    what does not matter any more must not decide the mean."""

    title: str
    of: Callable[[Score], float]
    floor: float


ERROR = Measure("color error", lambda score: score.likeness.color_error, 0.02)
UNLIKENESS = Measure("1 - SSIM", lambda score: 100 - score.likeness.ssim, 0.02)
SEGMENTS = Measure("segments", lambda score: score.structure.segments, 1)
BYTES = Measure("bytes", lambda score: score.bytes, 50)
CPU = Measure("CPU", lambda score: score.milliseconds, 2)
MEASURES = (ERROR, UNLIKENESS, SEGMENTS, BYTES, CPU)
HEADER = (
    "class", "tracer", "n", "failed", "error", "SSIM", "edge F1", "gaps ‰", "segments", "paths", "colors", "kB", "ms",
)  # fmt: skip
FLAT = tuple(kind for kind in Kind if kind is not Kind.PHOTO)
"""All that is drawn; photos have no truth but themselves, and are told apart."""


def chosen(rows: Iterable[Row], variant: Variant, *kinds: Kind) -> list[Row]:
    """Rows of one variant, of some kinds."""
    return [row for row in rows if row.variant is variant and row.kind in kinds]


def ratio(rows: Iterable[Row], measure: Measure) -> float:
    """Geometric mean, over the drawings, of ours divided by vtracer's (Fleming and Wallace, "How not to lie with
    statistics", 1986: the mean of ratios that does not depend on which side is divided by which)."""
    logs = [
        math.log((measure.of(row.scores[OURS]) + measure.floor) / (measure.of(row.scores[BASE]) + measure.floor))
        for row in rows
        if OURS in row.scores and BASE in row.scores
    ]
    return math.exp(mean(logs))


def mean(values: Iterable[float]) -> float:
    """The mean; of nothing, not a number."""
    found = list(values)
    return math.fsum(found) / len(found) if found else math.nan


def means_table(rows: Sequence[Row], variant: Variant) -> str:
    """Every tracer by kind, in means over the drawings that it is made for."""
    lines = list[list[str]]()
    for title, kinds in groups(rows, variant):
        for tracer in TRACERS:
            scores = [row.scores[tracer] for row in chosen(rows, variant, *kinds) if tracer in row.scores]
            if (
                scores
                and kinds[0] in TRACERS[tracer].kinds
                and (len(kinds) == 1 or TRACERS[tracer].kinds >= set(kinds))
            ):
                lines.append([title, tracer, *_means(scores)])
    return markdown(HEADER, lines)


def _means(scores: Sequence[Score]) -> list[str]:
    failed = sum(bool(score.failure) for score in scores)
    values = (
        (2, mean(score.likeness.color_error for score in scores)),
        (2, mean(score.likeness.ssim for score in scores)),
        (1, mean(score.likeness.edge_f1 for score in scores)),
        (3, mean(score.likeness.gaps for score in scores)),
        (0, mean(score.structure.segments for score in scores)),
        (0, mean(score.structure.paths for score in scores)),
        (0, mean(score.structure.colors for score in scores)),
        (1, mean(score.bytes for score in scores) / 1024),
        (0, mean(score.milliseconds for score in scores)),
    )
    return [str(len(scores)), str(failed), *(f"{value:.{digits}f}" for digits, value in values)]


def groups(rows: Sequence[Row], variant: Variant) -> list[tuple[str, tuple[Kind, ...]]]:
    """The kinds that were measured, and all that is drawn together."""
    present = [kind for kind in Kind if chosen(rows, variant, kind)]
    flat = tuple(kind for kind in present if kind in FLAT)
    together = [("all drawings", flat)] if len(flat) > 1 else []
    return [*((str(kind), (kind,)) for kind in present), *together]


def ratios_table(rows: Sequence[Row]) -> str:
    """Ours divided by vtracer's, by variant and kind."""
    lines = [
        [variant, title, *(f"{ratio(chosen(rows, variant, *kinds), measure):.2f}" for measure in MEASURES)]
        for variant in Variant
        for title, kinds in groups(rows, variant)
    ]
    return markdown(["input", "class", *(measure.title for measure in MEASURES)], lines)


def worst(rows: Iterable[Row], variant: Variant, kind: Kind, most: int) -> list[Row]:
    """The drawings that ours resembles least, by SSIM, the worst first."""
    found = [row for row in chosen(rows, variant, kind) if OURS in row.scores]
    return sorted(found, key=lambda row: row.scores[OURS].likeness.ssim)[:most]


def worst_table(rows: Sequence[Row], variant: Variant, most: int) -> str:
    """The worst of every kind, with what vtracer reaches on them."""
    lines = list[list[str]]()
    for kind in Kind:
        for row in worst(rows, variant, kind, most):
            ours, base = (row.scores[name].likeness if name in row.scores else None for name in (OURS, BASE))
            lines.append([kind, row.name, *(text for found in (ours, base) for text in _likeness(found))])
    return markdown(["class", "drawing", "SSIM", "edge F1", "vtracer's SSIM", "its edge F1"], lines)


def _likeness(found: Likeness | None) -> tuple[str, str]:
    return (f"{found.ssim:.2f}", f"{found.edge_f1:.1f}") if found else ("–", "–")
