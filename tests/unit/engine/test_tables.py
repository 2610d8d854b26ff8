"""Tables of colors that hold only what a picture has."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workers.engine.decode import STRIP, samples_of
from workers.engine.hashing import ROOM
from workers.engine.palette import Histogram, packed
from workers.engine.pure import elect_colors


def keys_of(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    red, green, blue, alpha = np.moveaxis(pixels.astype(np.int64), -1, 0)
    return alpha >> 2 << 18 | red >> 2 << 12 | green >> 2 << 6 | blue >> 2


def noise(*, opaque: bool) -> NDArray[np.uint8]:
    pixels = np.random.default_rng(7).integers(0, 256, (90, 110, 4), np.uint8)
    if opaque:
        pixels[..., 3] = 255
    pixels[:, 60:] = pixels[:1, 60:]  # runs of rows alike, and of columns
    pixels[40:, :20] = pixels[40, 0]
    return pixels


@pytest.mark.parametrize("opaque", [True, False])
def test_a_histogram_has_every_key_of_the_masked_pixels_and_their_sums(*, opaque: bool) -> None:
    pixels = noise(opaque=opaque)
    mask = np.random.default_rng(8).random(pixels.shape[:2]) < 0.8
    keys, places, counts = np.unique(keys_of(pixels)[mask], return_inverse=True, return_counts=True)
    sums = np.zeros((len(keys), 4))
    np.add.at(sums, places, pixels[mask].astype(float))
    found = Histogram(pixels, mask)
    assert len(keys) > 2 * ROOM
    assert (found.keys == keys).all()
    assert (found.counts == counts).all()
    assert (found.sums == sums).all()


def test_masked_pixels_get_the_label_of_their_key_and_others_none() -> None:
    pixels, palette = noise(opaque=True), np.array([[0, 0, 0, 255], [255, 255, 255, 255]], float)
    mask = np.random.default_rng(9).random(pixels.shape[:2]) < 0.5
    found = Histogram(pixels, mask)
    wanted = found.nearest(palette)[np.searchsorted(found.keys, keys_of(pixels)[mask])]
    labels = found.labels(pixels, mask, palette)
    assert (labels[mask] == wanted).all()
    assert (labels[~mask] == -1).all()


def test_a_color_that_most_pixels_of_a_key_have_is_elected() -> None:
    pixels = noise(opaque=True)
    pixels[::2, :, :3] = (90, 120, 30)
    pixels[1::4, :70, :3] = (91, 121, 31)  # of the same key, but fewer
    keys, values = elect_colors(packed(pixels), np.ones(pixels.shape[:2], np.bool_))
    names, votes, totals = values.T
    row = int(np.flatnonzero(keys == keys_of(pixels[:1, :1])[0, 0])[0])
    assert names[row] == 90 | 120 << 8 | 30 << 16 | 255 << 24
    assert 0 < votes[row] < totals[row]
    assert totals.sum() == pixels.shape[0] * pixels.shape[1]


@pytest.mark.parametrize("height", [1, STRIP - 1, STRIP, STRIP + 1, 3 * STRIP])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_samples_are_copied_in_strips_of_any_height(height: int, mode: str) -> None:
    picture = Image.fromarray(np.random.default_rng(height).integers(0, 256, (height, 9, 4), np.uint8)).convert(mode)
    assert (samples_of(picture) == np.asarray(picture.convert("RGBA"))).all()
