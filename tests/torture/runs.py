"""Does the faults one after another, a stack for each kind of stack that they need, and says what became of it."""

import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.torture.checks import Verdict, judge, unlisted_objects
from tests.torture.faults import Fault, Scene
from tests.torture.house import House, Twist

ORPHAN_SECONDS = 120.0
HEAD = "fault | rounds | accepted | lost | double-charged | recovery seconds"


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for on the command line."""

    folder: Path
    seed: int
    short: bool = False
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `skipped` says why there is nothing to tell."""

    name: str
    rounds: int
    verdict: Verdict | None
    skipped: str = ""

    @property
    def is_violated(self) -> bool:
        """Whether anything was found that must not be."""
        return self.verdict is not None and bool(self.verdict.wrong)


def run_all(run: Run, faults: Sequence[Fault]) -> list[Row]:
    """Do them, grouped by the stack they need; every row is printed as it is known."""
    rows: list[Row] = []
    ordered = sorted(faults, key=lambda one: one.twist.name != "plain")
    for twist_name, group in groupby(ordered, key=lambda one: one.twist.name):
        todo: list[Fault] = []
        for one in group:
            reason = one.skipped_because()
            if reason is None:
                todo.append(one)
            else:
                rows.append(_say(Row(one.name, 0, None, reason)))
        if todo:
            rows += _on_one_stack(run, twist_name, todo)
    return rows


def _on_one_stack(run: Run, twist_name: str, faults: list[Fault]) -> list[Row]:
    rows: list[Row] = []
    _note(f"starting a stack ({twist_name})")
    try:
        with running_house(run.folder / twist_name, faults[0].twist) as house:
            rows += [_say(_do(run, one, house)) for one in faults]
            orphans = unlisted_objects(house, ORPHAN_SECONDS)
            verdict = Verdict(0, 0, 0, 0.0, tuple(f"nothing lists {key}" for key in orphans))
            rows.append(_say(Row(f"no object is left over ({twist_name})", 1, verdict)))
    except Exception:
        rows.append(_say(Row(f"the stack ({twist_name})", 0, _broken(traceback.format_exc()))))
    return rows


@contextmanager
def running_house(folder: Path, twist: Twist) -> Generator[House]:
    """A stack with its proxies for as long as the block lasts."""
    house = House(folder, twist)
    try:
        house.until_ready()
        yield house
    finally:
        house.close()


def _do(run: Run, one: Fault, house: House) -> Row:
    rounds = run.rounds or (one.short_rounds if run.short else one.rounds) or 1
    scene = Scene(house, one.name, run.seed, rounds)
    _note(f"{one.name}: {one.expectation}")
    begun = time.monotonic()
    try:
        one.do(scene)
        if not scene.healed_at:
            scene.heal()
        verdict = judge(scene)
    except Exception:
        house.heal()
        verdict = _broken(traceback.format_exc())
    for text in (*scene.notes, *verdict.wrong[:12]):
        _note(f"    {text}")
    _note(f"    took {time.monotonic() - begun:.0f} s")
    return Row(one.name, rounds, verdict)


def _broken(text: str) -> Verdict:
    return Verdict(0, 0, 0, 0.0, (f"the fault could not be done:\n{text}",))


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _say(row: Row) -> Row:
    sys.stdout.write(_line(row) + "\n")
    sys.stdout.flush()
    return row


def _line(row: Row) -> str:
    if row.verdict is None:
        return f"{row.name} | - | - | - | - | skipped: {row.skipped}"
    told = row.verdict
    mark = " | VIOLATED" if row.is_violated else ""
    cells = (row.name, row.rounds, told.accepted, told.lost, told.double_charged, f"{told.recovery_seconds:.1f}")
    return " | ".join(map(str, cells)) + mark


def show_table(rows: Sequence[Row], seed: int) -> int:
    """Print the table as it goes to docs/benchmarks.md; returns the exit status."""
    verdicts = [row.verdict for row in rows if row.verdict is not None]
    violated = [row for row in rows if row.is_violated]
    lines = ["", f"| {HEAD} |", "|---|---|---|---|---|---|", *(f"| {_line(row)} |" for row in rows)]
    sums = (sum(told.accepted for told in verdicts), sum(told.lost for told in verdicts))
    double = sum(told.double_charged for told in verdicts)
    lines.append(f"| **all** | | **{sums[0]}** | **{sums[1]}** | **{double}** | |")
    lines += ["", f"seed {seed}; {len(violated)} violated"]
    lines += [f"{row.name}: {text}" for row in violated if row.verdict for text in row.verdict.wrong]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if violated else 0


def show_list(faults: Sequence[Fault]) -> None:
    """Every fault, its rounds and what is expected."""
    for one in faults:
        rounds = f"{one.rounds} rounds" if one.rounds > 1 else "1 round"
        short = f", {one.short_rounds} in the short version" if one.short_rounds else ""
        sys.stdout.write(f"{one.name} ({rounds}{short})\n    {one.expectation}\n")


@contextmanager
def state_folder(*, keep: bool) -> Generator[str]:
    """A new folder for the stacks; removed afterwards unless it is to be kept."""
    folder = tempfile.mkdtemp(prefix="torture-")
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
