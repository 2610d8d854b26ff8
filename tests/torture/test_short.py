"""The short torture run as a test: the most telling faults, always with the same seed."""

from pathlib import Path

import pytest

from tests.torture.faults import REGISTERED
from tests.torture.groups import register_all
from tests.torture.runs import Run, run_all


@pytest.mark.slow
def test_whatever_is_killed_nothing_is_lost_and_nobody_is_charged_twice(tmp_path: Path) -> None:
    register_all()
    faults = [one for one in REGISTERED if one.short_rounds]
    rows = run_all(Run(tmp_path, seed=1, short=True), faults)
    assert {} == {row.name: row.verdict.wrong for row in rows if row.verdict and row.verdict.wrong}
    assert sum(row.verdict.accepted for row in rows if row.verdict) > 100
