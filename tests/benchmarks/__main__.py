"""`python -m tests.benchmarks`: measure every ratio and print the table."""

import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping

import click

from dev.home import CHECKOUT
from tests.benchmarks import (
    after_torture,
    history,
    memory,
    pipeline,
    polls,
    replays,
    reporting,
    reserving,
    sweeping,
    waiting,
)
from tests.benchmarks.bench import Bench
from tests.benchmarks.table import Report, ratios

BENCHMARKS: Mapping[str, Callable[[Bench], Report]] = {
    "pipeline": pipeline.pipeline,
    "reserve": reserving.reserve,
    "submit": reserving.submit,
    "replay": replays.replay,
    "polls": polls.polls,
    "history": history.history,
    "logs": history.logs,
    "sweep": sweeping.sweep,
    "reports": reporting.reports,
    "memory": memory.memory,
    "torture": after_torture.after_torture,
    "stages": pipeline.stages,
    "waiting": waiting.waiting,
}
PAGE = CHECKOUT / "docs" / "benchmarks.md"
BEGINS, ENDS = "<!-- ratios: written by python -m tests.benchmarks --write -->\n", "<!-- end of ratios -->"


@click.command()
@click.option("--quick", is_flag=True, help="Few pairs: enough to see that it runs, not enough to believe.")
@click.option("--only", multiple=True, type=click.Choice(list(BENCHMARKS)), help="These alone; may be repeated.")
@click.option("--after-torture", is_flag=True, help="The throughput after faults alone, and after many more of them.")
@click.option("--write", is_flag=True, help="Put the tables into docs/benchmarks.md.")
def main(quick: bool, only: tuple[str, ...], after_torture: bool, write: bool) -> None:
    """Measure the ratios of docs/benchmarks.md on a stack of its own, each against a floor of the same run."""
    signal.signal(signal.SIGTERM, _leave)
    started = time.monotonic()
    reports: list[Report] = []
    with Bench(quick=quick, torture_rounds=12 if after_torture else 2) as bench:
        for name in ("torture",) if after_torture else only or BENCHMARKS:
            click.echo(f"measuring: {name}", err=True)
            reports.append(measured(name, bench))
    text = "\n\n".join(
        [ratios([row for report in reports for row in report.rows]), *(n for report in reports for n in report.notes)]
    )
    click.echo("\n" + text)
    if write:
        write_page(text)
    click.echo(f"\nmeasured in {time.monotonic() - started:.0f} s", err=True)
    sys.exit(any(report.failed for report in reports))


def measured(name: str, bench: Bench) -> Report:
    """One benchmark; what goes wrong in it is told at the end, and the others are measured all the same."""
    try:
        return BENCHMARKS[name](bench)
    except Exception:
        return Report(notes=[f"NOT MEASURED: {name}\n\n{traceback.format_exc()}"], failed=True)


def _leave(*_: object) -> None:
    """Whoever ends us wants no stack left behind."""
    sys.exit(143)


def write_page(text: str) -> None:
    """Put the tables where the page keeps them."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGINS)
    after = rest.partition(ENDS)[2]
    PAGE.write_text(f"{before}{BEGINS}\n{text}\n\n{ENDS}{after}", "utf-8")


if __name__ == "__main__":
    main()
