"""`python -m tests.quality.promises`: measure what the engine promises, and print the tables."""

import os
import time
from collections.abc import Mapping, Sequence

import click

from tests.quality.corpus import Corpus, corpus
from tests.quality.page import HOME, write_page
from tests.quality.promises.colors import colors
from tests.quality.promises.finding import Finding, Part
from tests.quality.promises.formats import formats
from tests.quality.promises.largest import largest
from tests.quality.promises.scans import scans
from workers.engine import ENGINE_VERSION

BEGINS = "<!-- promises: written by python -m tests.quality.promises --write -->\n"
ENDS = "<!-- end of promises -->"
PARTS: Mapping[str, tuple[Part, int]] = {
    "colors": (colors, 3),
    "largest": (largest, 1),
    "formats": (formats, 3),
    "scans": (scans, 2),
}
"""Each part, and how many drawings of each class it takes."""


@click.command()
@click.option("--limit", type=click.IntRange(1), help="So many drawings of each class at most.")
@click.option("--only", multiple=True, type=click.Choice(list(PARTS)), help="These parts alone; may be repeated.")
@click.option("--drawn", is_flag=True, help="The drawings that a script makes here, instead of published ones.")
@click.option("--write", is_flag=True, help="Put the tables of all parts into docs/benchmarks.md.")
def main(limit: int | None, only: tuple[str, ...], drawn: bool, write: bool) -> None:
    """Measure what the engine promises beside looking like its source."""
    if write and (limit or only):
        raise click.UsageError("the page shows whole runs: --write goes with neither --limit nor --only")
    found = corpus(HOME, published=not drawn)
    for sentence in found.missing:
        click.echo(f"missing: {sentence}", err=True)
    promised(found, write=write, only=only, limit=limit)


def promised(found: Corpus, *, write: bool, only: Sequence[str] = (), limit: int | None = None) -> list[Finding]:
    """Measure the parts, print what was found, and put it into the page if asked."""
    findings = list[Finding]()
    for name, (part, most) in PARTS.items():
        if not only or name in only:
            started = time.process_time()
            findings.append(part(found, min(most, limit or most)))
            click.echo(f"\n{findings[-1]}\n")
            click.echo(f"{name}: {time.process_time() - started:.0f} s of processor time\n", err=True)
    if write:
        whence = "published packages" if found.published else "a seeded script"
        text = "\n\n".join([f"Drawings of {whence}, engine {ENGINE_VERSION}.", *map(str, findings)])
        write_page(BEGINS, ENDS, text)
    for finding in findings:
        kept = f"{len(finding.broken)} not kept" if finding.broken else "kept"
        click.echo(f"{finding.title}: {kept}", err=True)
    return findings


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
