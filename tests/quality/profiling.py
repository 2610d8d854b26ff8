"""`python -m tests.quality.profiling`: where the engine's processor time goes, stage by stage, for each class."""

import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from tests.quality.corpus import Variant, corpus, limited
from tests.quality.page import HOME, write_page
from tests.quality.sources import Kind
from workers.engine import ENGINE_VERSION, trace_file, warm

BEGINS, ENDS = "<!-- profile: written by python -m tests.quality.profiling --write -->\n", "<!-- end of profile -->"
MOST, TIMES = 8, 3
REST = "rest"
STAGES: Mapping[str, str] = {
    "decode": "decode rasters Image ImageFile PngImagePlugin JpegImagePlugin",
    "analyse": "samples squares analyse paper native recipe flatness suggest resize enlarge denoise",
    "labels": "palette pure labels mixture thin slivers hashing color prune bleeding exact",
    "regions, gradients": (
        "areas solid regions repaint tally gradients edges witnesses polish patches softness paints background"
    ),
    "photos": "blends segmentation touching planes",
    "shading": "fields leftover pieces shading shadows",
    "stacking": "stacking translucency outlines",
    "ring, fit, path": (
        "fatness ring margin notches trails rings corners sides tips closed brim fit cubic distances knots dropping"
        " rounding refine specks arcs cutting pathdata method bundling drawing"
    ),
}
"""The modules of each stage; what is in none of them is the rest: start, Python's own, the pipeline."""


@click.command()
@click.option("--limit", type=click.IntRange(1), default=MOST, show_default=True, help="Drawings of each class.")
@click.option("--drawn", is_flag=True, help="The drawings that a script makes here, instead of published ones.")
@click.option("--write", is_flag=True, help="Put the table into docs/benchmarks.md.")
def main(limit: int, *, drawn: bool, write: bool) -> None:
    """Trace some drawings of each class in this process, once warm, and tell where the time went."""
    warm()
    found = corpus(HOME, published=not drawn)
    chosen = limited(found.entries, limit)
    files = {kind: [found.folder / e.inputs[Variant.PNG512] for e in chosen if e.kind is kind] for kind in Kind}
    rows = [(str(kind), len(paths), *spent(paths)) for kind, paths in files.items() if paths]
    text = f"Engine {ENGINE_VERSION}, milliseconds of processor time for a 512 px PNG.\n\n{table(rows)}"
    click.echo(text)
    if write:
        write_page(BEGINS, ENDS, text)


def spent(paths: Sequence[Path]) -> tuple[float, Counter[str]]:
    """Milliseconds for one of these pictures in the quickest of some rounds, and each stage's part of them."""
    rounds = [timed(paths) for _ in range(TIMES + 1)][1:]
    profile = cProfile.Profile()
    profile.runcall(timed, paths)
    parts = by_stage(profile)
    whole = min(rounds)
    return whole, Counter({stage: whole * seconds / parts.total() for stage, seconds in parts.items()})


def timed(paths: Sequence[Path]) -> float:
    """Trace all of them; mean milliseconds of processor time."""
    begun = time.process_time()
    for path in paths:
        trace_file(path)
    return 1000 * (time.process_time() - begun) / len(paths)


def by_stage(profile: cProfile.Profile) -> Counter[str]:
    """Seconds of each stage; what a stage calls outside of the engine is its own."""
    parts = Counter[str]()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # pyright: ignore
        if (stage := stage_of(file)) != REST or not callers:
            parts[stage] += own
        else:
            for (caller, _, _), (_, _, part, _) in callers.items():
                parts[stage_of(caller)] += part
    return parts


def stage_of(file: str) -> str:
    """The stage that a source file belongs to."""
    name = Path(file).stem
    return next((stage for stage, modules in STAGES.items() if name in modules.split()), REST)


def table(rows: Sequence[tuple[str, int, float, Counter[str]]]) -> str:
    """A row for each class: the number of its drawings, all of its time, and that of each stage."""
    stages = [*STAGES, REST]
    lines = [f"| class | drawings | in all | {' | '.join(stages)} |", "|---" * (len(stages) + 3) + "|"]
    for kind, drawings, whole, parts in rows:
        lines.append(f"| {kind} | {drawings} | {whole:.0f} | {' | '.join(f'{parts[s]:.1f}' for s in stages)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
