"""How `make quality` goes about it: tracers that fail, packages that are away, ratios and verdicts."""

import itertools
import math
import os
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.quality.corpus import Variant
from tests.quality.drawn import drawn
from tests.quality.fetching import SourceMissing, fetch
from tests.quality.pixels import render
from tests.quality.running import Child
from tests.quality.scoring import Likeness, Score, Scores, Truth
from tests.quality.sheets import looks
from tests.quality.sources import Kind
from tests.quality.structure import Structure
from tests.quality.summary import BYTES, SEGMENTS, UNLIKENESS, Row, means_table, ratio, ratios_table, worst
from tests.quality.targets import TARGETS, missed, targets_table
from tests.quality.tracers import BASE, OURS


def score(*, ssim: float = 99.0, segments: int = 10, size: int = 1000) -> Score:
    """Made-up figures."""
    return Score(Likeness(1.0, ssim, 98.0, 0.0), Structure(segments, 1, 1), size, 30.0, "")


def row(name: str, ours: Score, base: Score, kind: Kind = Kind.LOGOS) -> Row:
    return Row(kind, name, Variant.PNG512, {BASE: base, OURS: ours})


def test_a_tracer_that_fails_is_told_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    nonsense, picture = tmp_path / "nonsense.png", tmp_path / "picture.png"
    nonsense.write_bytes(b"no picture")
    Image.new("RGB", (32, 32), "red").save(picture)
    with Child(BASE) as child:
        failed = child.trace(nonsense, tmp_path / "nonsense.svg")
        assert (None, True) == (failed.svg, bool(failed.failure))
        assert "<svg" in (child.trace(picture, tmp_path / "picture.svg").svg or "")
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert "died" == child.trace(picture, tmp_path / "picture.svg").failure
        assert "<svg" in (child.trace(picture, tmp_path / "picture.svg").svg or "")


def test_what_cannot_be_traced_is_scored_as_an_empty_page(tmp_path: Path) -> None:
    truth = tmp_path / "truth.png"
    Image.new("RGB", (40, 40), "black").save(truth)
    nothing = Scores(tmp_path / "scores").score(Truth(truth), Variant.PNG512, None, 60.0, "died")
    assert (255.0, 1000.0, 0, "died") == (
        nothing.likeness.color_error,
        nothing.likeness.gaps,
        nothing.structure.segments,
        nothing.failure,
    )


def test_a_package_that_is_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"could not fetch toys 1\.0 from npm"):
        fetch(["false"], "toys 1.0 from npm", tmp_path / "cache" / "toys.tgz")
    with pytest.raises(SourceMissing):
        fetch(["no-such-client"], "toys 1.0 from npm", tmp_path / "cache" / "toys.tgz")
    assert [] == list((tmp_path / "cache").iterdir())


def test_our_own_drawings_are_the_same_for_a_seed_and_can_be_rendered() -> None:
    first, second, other = (list(itertools.islice(drawn(seed), 20)) for seed in (1, 1, 2))
    assert first == second
    assert first != other
    assert all(isinstance(art, str) and render(art, 32).getbbox() for _, _, art in first)


def test_a_ratio_is_the_geometric_mean_over_drawings() -> None:
    rows = [row("a", score(size=1950), score(size=450)), row("b", score(size=450), score(size=1950))]
    assert math.isclose(1.0, ratio(rows, BYTES))
    assert math.isclose(4.0, ratio(rows[:1], BYTES))


def test_what_no_longer_matters_does_not_decide_a_ratio() -> None:
    """Ours is perfect, vtracer's nearly: without the floor the ratio would be nothing, and with it the mean."""
    assert 0.5 == ratio([row("a", score(segments=0), score(segments=1))], SEGMENTS)


def test_the_worst_come_first() -> None:
    rows = [row(name, score(ssim=ssim), score()) for name, ssim in (("a", 99), ("b", 95), ("c", 97))]
    assert ["b", "c"] == [found.name for found in worst(rows, Variant.PNG512, Kind.LOGOS, 2)]


def test_a_target_names_the_highest_level_that_holds() -> None:
    likeness, edges = TARGETS[1], TARGETS[2]
    assert ["MISSES", "must", "goal", "moonshot"] == [likeness.reached(value) for value in (0.15, 0.14, 0.09, 0.01)]
    assert ["MISSES", "must", "goal", "moonshot"] == [edges.reached(value) for value in (94.9, 95, 98, 99)]
    assert "not measured" == likeness.reached(math.nan)


def test_a_run_of_few_drawings_says_what_it_did_not_measure() -> None:
    rows = [row("a", score(ssim=99), score(ssim=99))]
    assert math.isclose(1.0, ratio(rows, UNLIKENESS))
    assert "512 px PNG: × (1 - SSIM)" in missed(rows)
    assert "photo: × bytes" not in missed(rows)
    assert "not measured" in targets_table(rows)
    assert "logos" in ratios_table(rows)


def test_a_run_without_us_has_tables_all_the_same() -> None:
    alone = Row(Kind.LOGOS, "a", Variant.PNG512, {BASE: score()})
    assert ([], []) == (missed([alone]), worst([alone], Variant.PNG512, Kind.LOGOS, 5))
    assert "vtracer" in means_table([alone], Variant.PNG512)


def test_a_drawing_that_cannot_be_rendered_is_shown_as_an_empty_page() -> None:
    white = Image.new("RGB", (40, 40), "white")
    assert (0, 0, 0) == looks(white, white, {OURS: ""}).difference.resize((1, 1)).getpixel((0, 0))


def test_a_close_up_is_taken_where_ours_is_worst() -> None:
    source = truth = Image.new("RGB", (160, 160), "white")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160"><path d="M100 120h8v8h-8z"/></svg>'
    left, top = looks(source, truth, {OURS: svg}).worst_place(40)
    assert (True, True) == (68 <= left <= 100, 88 <= top <= 120)
