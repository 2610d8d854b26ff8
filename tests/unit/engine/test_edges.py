"""Edges stay edges, however soft a noisy picture makes them; what only goes on changing has none."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from shared.tracing import TraceOptions
from workers.engine import trace
from workers.engine.edges import edges_among
from workers.engine.regions import Borders, find_borders, find_regions
from workers.engine.similarity import rendered

HARBOR = Path(__file__).parents[3] / "samples" / "harbor.jpg"


def smoothed(picture: Image.Image) -> np.ndarray:
    """Its samples without grain."""
    return np.asarray(picture.convert("RGB").filter(ImageFilter.BoxBlur(2))).astype(int)


def test_hills_and_waves_of_a_grainy_picture_keep_their_edges() -> None:
    source = Image.open(HARBOR)
    drawn = rendered(trace(HARBOR.read_bytes(), TraceOptions()).svg, source.width)
    off = np.abs(smoothed(drawn) - smoothed(source)).max(2)
    assert (off > 10).mean() < 0.0033  # 0.016 if edges may vanish, 0.0043 if they may be passed by way of thin rims


def test_only_the_borders_that_were_asked_for_are_looked_at() -> None:
    row = np.repeat(np.array([0, 90, 0], np.uint8), 20)  # steps up and down, which would cancel out
    pixels = np.ascontiguousarray(np.broadcast_to(row[None, :, None], (40, 60, 4)))
    regions = find_regions(np.ascontiguousarray(np.broadcast_to(np.arange(60, dtype=np.int16) // 20, (40, 60))))
    borders = find_borders(regions, pixels)
    last = Borders(borders.first[1:], borders.second[1:], borders.lengths[1:], borders.steps[1:])
    assert edges_among(regions, last, pixels) == [(1, 2)]
    assert edges_among(regions, borders, pixels) == [(0, 1), (1, 2)]


def edges_of(levels: np.ndarray, split: int) -> int:
    """How many edges there are between the left and the right of a picture that has these levels in every row."""
    row = np.clip(levels.round(), 0, 255).astype(np.uint8)
    pixels = np.ascontiguousarray(np.broadcast_to(row[None, :, None], (40, len(row), 4)))
    labels = np.zeros(pixels.shape[:2], np.int16)
    labels[:, split:] = 1
    regions = find_regions(labels)
    return len(edges_among(regions, find_borders(regions, pixels), pixels))


def test_a_step_is_an_edge_and_a_slope_that_becomes_steeper_is_none() -> None:
    x = np.arange(60.0)
    assert edges_of(np.where(x < 30, 100, 110), 30) == 1
    assert edges_of(100 + 10 * np.clip((x - 27) / 6, 0, 1), 30) == 1  # blurred
    assert edges_of(100 + x + np.maximum(0, 2 * (x - 30)), 30) == 0
    assert edges_of(100 + 2 * x, 30) == 0
