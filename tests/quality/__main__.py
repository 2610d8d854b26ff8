"""`python -m tests.quality`: trace the corpus with every tracer, print the tables, draw the contact sheets."""

import json
import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from tests.quality.corpus import Corpus, Entry, Variant, corpus, limited
from tests.quality.page import HOME, write_page
from tests.quality.picture import write_picture
from tests.quality.promises.__main__ import promised
from tests.quality.running import Child
from tests.quality.scoring import Score, Scores, Truth
from tests.quality.sheets import sheet, svg_path
from tests.quality.sources import Kind
from tests.quality.summary import Row, means_table, ratios_table, worst, worst_table
from tests.quality.targets import missed, targets_table
from tests.quality.tracers import TRACERS
from workers.engine import ENGINE_VERSION

BEGINS, ENDS = "<!-- quality: written by python -m tests.quality --write -->\n", "<!-- end of quality -->"
WORST = 5


@click.command()
@click.option("--limit", type=click.IntRange(1), help="So many drawings of each class at most.")
@click.option(
    "--only", multiple=True, type=click.Choice([*map(str, Kind)]), help="These classes alone; may be repeated."
)
@click.option(
    "--variant", "variants", multiple=True, type=click.Choice([*map(str, Variant)]), help="These inputs alone."
)
@click.option("--tracer", "wanted", multiple=True, type=click.Choice(list(TRACERS)), help="These tracers alone.")
@click.option("--drawn", is_flag=True, help="The drawings that a script makes here, instead of published ones.")
@click.option(
    "--write", is_flag=True, help="Put the tables into docs/benchmarks.md and draw docs/pictures/quality.png."
)
def main(
    limit: int | None,
    only: tuple[str, ...],
    variants: tuple[str, ...],
    wanted: tuple[str, ...],
    drawn: bool,
    write: bool,
) -> None:
    """Compare the engine with other tracers on drawings whose truth is known; a whole run measures promises, too."""
    started = time.monotonic()
    click.echo("looking for the drawings (fetched once; some 20 MB)", err=True)
    found = corpus(HOME, published=not drawn)
    for sentence in found.missing:
        click.echo(f"missing: {sentence}", err=True)
    if found.missing and not found.published:
        click.echo(
            "so the drawings of published packages are left out, and those that a script makes here used", err=True
        )
    entries = limited([entry for entry in found.entries if not only or entry.kind in only], limit)
    rows = measured(found, entries, tuple(map(Variant, variants)) or tuple(Variant), tracers(wanted))
    (HOME / "results.json").write_text(json.dumps([asdict(row) for row in rows]), "utf-8")
    text = report(found, rows)
    click.echo("\n" + text)
    for path in write_sheets(found, rows):
        click.echo(f"look at {path}", err=True)
    if titles := missed(rows):
        click.echo(f"not even the lowest level holds: {'; '.join(titles)}", err=True)
    if write:
        write_page(BEGINS, ENDS, text)
        write_picture()
    if not (limit or only or variants or wanted):
        promised(found, write=write)
    click.echo(f"\nmeasured in {time.monotonic() - started:.0f} s", err=True)


def tracers(wanted: tuple[str, ...]) -> list[str]:
    """The tracers that are here; those that are not are named."""
    here = list[str]()
    for name, tracer in TRACERS.items():
        if wanted and name not in wanted:
            continue
        if sentence := tracer.missing(HOME):
            click.echo(f"missing: {sentence}", err=True)
        else:
            here.append(name)
    return here


def measured(found: Corpus, entries: list[Entry], variants: tuple[Variant, ...], names: list[str]) -> list[Row]:
    """Every tracer on every input, in turns, so that what disturbs the machine disturbs all of them."""
    scores, rows = Scores(HOME / "scores"), list[Row]()
    with ExitStack() as open_children:
        children = {name: open_children.enter_context(Child(name)) for name in names}
        for number, entry in enumerate(entries, 1):
            click.echo(f"{number} of {len(entries)}: {entry.kind} {entry.name}", err=True)
            truth = Truth(found.folder / entry.truth)
            for variant in (variant for variant in variants if variant in entry.inputs):
                of_tracers = dict[str, Score]()
                for name, child in children.items():
                    if entry.kind in TRACERS[name].kinds:
                        traced = child.trace(
                            found.folder / entry.inputs[variant], svg_path(HOME / "svg", name, variant, entry)
                        )
                        of_tracers[name] = scores.score(truth, variant, traced.svg, traced.seconds, traced.failure)
                rows.append(Row(entry.kind, entry.name, variant, of_tracers))
    return rows


def report(found: Corpus, rows: list[Row]) -> str:
    """All tables."""
    variants = list(dict.fromkeys(row.variant for row in rows))
    measured_drawings = len({(row.kind, row.name) for row in rows})
    whence = "published packages" if found.published else "a seeded script"
    parts = [
        f"{measured_drawings} of {len(found.entries)} drawings of {whence}, engine {ENGINE_VERSION}.",
        "Targets:\n\n" + targets_table(rows),
        "Ours divided by vtracer's defaults, geometric means over the drawings:\n\n" + ratios_table(rows),
        *(f"Means, {variant}:\n\n{means_table(rows, variant)}" for variant in variants),
        f"The {WORST} of each class that ours resembles least, {variants[0]}:\n\n"
        + worst_table(rows, variants[0], WORST),
    ]
    failures = [
        f"- {name} on {row.kind} {row.name}, {row.variant}: {score.failure}"
        for row in rows
        for name, score in row.scores.items()
        if score.failure
    ]
    return "\n\n".join([*parts, *(["Failures:\n\n" + "\n".join(failures)] if failures else [])])


def write_sheets(found: Corpus, rows: list[Row]) -> Iterable[Path]:
    """A contact sheet for each class and input, in `.local/quality/sheets/`."""
    folder = HOME / "sheets"
    folder.mkdir(parents=True, exist_ok=True)
    for variant in dict.fromkeys(row.variant for row in rows):
        for kind in Kind:
            if shown := worst(rows, variant, kind, WORST):
                path = folder / f"{kind}-{variant}.png"
                sheet(found, HOME / "svg", shown, variant).save(path)
                yield path


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
