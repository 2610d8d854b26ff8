"""The profile knows every module of the engine, so that no stage's time hides in the rest."""

from collections import Counter
from pathlib import Path

from tests.quality.profiling import REST, STAGES, stage_of, table

ELSEWHERE = {"__init__", "__main__", "kernels", "pipeline", "report", "rehearsal", "similarity", "preview", "bare"}
"""What no traced picture passes through, or only holds the stages together."""


def test_every_module_of_the_engine_has_one_stage() -> None:
    engine = {path.stem for path in Path("workers/engine").glob("*.py")} - ELSEWHERE
    named = [module for modules in STAGES.values() for module in modules.split()]
    assert Counter(named).most_common(1)[0][1] == 1
    assert engine - set(named) == {"artwork", "biarcs"}  # the formats'


def test_files_of_nobody_are_the_rest() -> None:
    assert stage_of("workers/engine/labels.py") == "labels"
    assert stage_of("lib/json/decoder.py") == REST


def test_the_table_has_a_row_for_each_class() -> None:
    text = table([("mono", 8, 14.2, Counter({"decode": 2.5, "labels": 11.7}))])
    header, _, row = text.splitlines()
    assert header.count("|") == row.count("|")
    assert row.startswith("| mono | 8 | 14 | 2.5 | 0.0 | 11.7 |")
