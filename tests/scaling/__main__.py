"""`python -m tests.scaling`: what a job costs, whether the simulation is right here, and what it foretells."""

import signal
import statistics
import sys

import click

from dev.home import CHECKOUT
from tests.benchmarks.bench import Bench
from tests.benchmarks.images import as_png, sample_of, width_for
from tests.benchmarks.table import markdown
from tests.scaling import foretelling
from tests.scaling.measuring import ENGINE_SECONDS, PROCESSORS, Alone, Measured, load
from tests.scaling.model import BESIDE, PARTS, Costs, Installation, Lived, poisson, simulate

PAGE = CHECKOUT / "docs" / "scaling.md"
BEGINS, ENDS = "<!-- scaling: written by python -m tests.scaling --write -->\n", "<!-- end of scaling -->"
PLACES = 2 * PROCESSORS  # as in tests/benchmarks: while one place stores, another's drawing is traced
LOADS = (0.35, 0.7)
# What the simulation may be off. Throughput is arithmetic; times feel everything else that the machine does.
RATE_TOLERANCE, TIME_TOLERANCE = 0.1, 0.35


@click.command()
@click.option("--quick", is_flag=True, help="Few jobs: enough to see that it runs, not enough to believe.")
@click.option("--write", is_flag=True, help="Put the tables into docs/scaling.md.")
def main(quick: bool, write: bool) -> None:
    """Measure on a stack of its own; exits 1 where the simulation and the machine do not agree."""
    signal.signal(signal.SIGTERM, _leave)
    with Bench(quick=quick, torture_rounds=0) as bench:
        click.echo("measuring what a job costs", err=True)
        alone = Alone(bench, 8 if quick else 24)
        costs = alone.costs()
        checks, agree = checked(bench, alone, costs["vectorization"], seconds=6 if quick else 20)
    text = "\n\n".join((cost_table(costs), checks, *foretelling.tables(costs["vectorization"])))
    click.echo("\n" + text)
    if write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGINS)
        PAGE.write_text(f"{before}{BEGINS}\n{text}\n\n{ENDS}{rest.partition(ENDS)[2]}", "utf-8")
    sys.exit(not agree)


def _leave(*_: object) -> None:
    """Whoever ends us wants no stack left behind."""
    sys.exit(143)


def cost_table(costs: dict[str, Costs]) -> str:
    """Milliseconds of each part, by kind."""
    lines = [(kind, *(f"{getattr(one, part) * 1000:.1f}" for part in (*PARTS, BESIDE))) for kind, one in costs.items()]
    title = "Processor time of one job on each part in ms (beside: Flower, the stand-ins and who measures):"
    return f"{title}\n\n" + markdown(("kind", *PARTS, BESIDE), lines)


def checked(bench: Bench, alone: Alone, costs: Costs, seconds: float) -> tuple[str, bool]:
    """The same arrivals at the real stack and in the simulation, at two loads; and whether they agree."""
    here = Installation.on_one_machine(PROCESSORS, PLACES)
    most, _ = here.capacity(costs)
    most *= max(1 - alone.foreign, 0.5)  # whoever else is here gives way to us, to their fair share
    picture = sample_of(width_for(ENGINE_SECONDS))
    moments = [poisson(most * part, seconds, seed=number) for number, part in enumerate(LOADS)]
    click.echo("uploading", err=True)
    ids = [
        bench.person.upload(f"load-{number}.png", as_png(picture, 1_000 + number), bench.folder)
        for number in range(max(map(len, moments)))
    ]
    lines: list[tuple[str, ...]] = []
    agree = True
    for part, when in zip(LOADS, moments, strict=True):
        click.echo(f"measuring at {part:.0%} of {most:.1f} jobs a second", err=True)
        real = load(bench, bench.person, ids[: len(when)], when)
        jobs = [(moment, costs) for moment in when]
        line, holds = compared(part, real, simulate(here, jobs), simulate(here, jobs, foreign=real.foreign))
        lines.append(line)
        agree = agree and holds
    header = (
        "load",
        "jobs",
        "others took",
        "done a second",
        "simulated",
        "ms to the result, median",
        "simulated",
        "agree",
    )
    title = (
        f"The simulation beside this machine ({PROCESSORS} processors for everything, {PLACES} places), same arrivals:"
    )
    return f"{title}\n\n" + markdown(header, lines), agree


def compared(part: float, real: Measured, alone: list[Lived], shared: list[Lived]) -> tuple[tuple[str, ...], bool]:
    """A line of the table, and whether rate and time are close enough.

    Others on this machine may give way to us or stand beside us: the time has to lie between the two.
    """
    rate = len(real.lives) / (max(one.ended for one in real.lives) - min(one.came for one in real.lives))
    rate_told = len(shared) / (max(one.at + one.seconds for one in shared) - min(one.at for one in shared))
    took = statistics.median(one.ended - one.came for one in real.lives)
    least, most = (statistics.median(one.seconds for one in told) for told in (alone, shared))
    in_time = least * (1 - TIME_TOLERANCE) <= took <= max(least, most) * (1 + TIME_TOLERANCE)
    close = in_time and abs(rate_told / rate - 1) <= RATE_TOLERANCE
    cells = (
        f"{part:.0%}", str(len(shared)), f"{real.foreign:.0%}", f"{rate:.2f}", f"{rate_told:.2f}",
        f"{took * 1000:.0f}", f"{least * 1000:.0f} to {most * 1000:.0f}", "yes" if close else "NO",
    )  # fmt: skip
    return cells, close


if __name__ == "__main__":
    main()
