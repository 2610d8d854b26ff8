"""Scanned and photographed paper under even light and without grain, so that a page is one color and not many.

Paper reflects the same part of the light that falls on it everywhere, and light varies slowly: so the picture is
divided by a polynomial surface through the brightness of its paper (flat-field correction, its field estimated from
the picture itself). What is printed on the page is lit by the same light. Paper is told by its grain: what was drawn on
a screen has none, whatever its gradients.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.analyse import Analysis
from workers.engine.color import Floats
from workers.engine.decode import Raster
from workers.engine.denoise import denoised
from workers.engine.flatness import Mask

MOST_EVEN = 0.05
"""Grain leaves hardly any pixels with nothing but their own color around them: this part at most."""

SQUARE, FEWEST = 16, 12
"""Side in pixels of the squares whose means are looked at, and how many there are at least in each direction."""

LEAST_GRAIN, MOST_GRAIN = 1.0, 14.0
"""Standard deviation of paper's grain from pixel to pixel, in levels; where there is more, something is printed."""

DARKEST = 64
"""No paper is darker than so many levels."""

RIM, LIKE_IT, TINT = 2, 0.3, 0.012
"""So many squares deep is the picture's rim. At first those are taken for paper that are like the middle one there:
their brightness is off by no more than the first part, the shares of red and blue in their color by no more than the
second."""

ROUNDS = ((2, 0.06), (2, 0.04), (3, 0.03), (3, 0.02), (3, 0.02))
"""Degree of each round's polynomial, and by which part a square may be off it to be paper in the next: what is no paper
must be gone before the surface may bend. With one degree more, corners without paper become too bright."""

LEAST_PAPER, IN_EACH_QUARTER = 0.2, 0.1
"""So much of the picture is paper, and so much of each quarter, or the surface would be a guess there."""

BEST_LIT = 98
"""Percentile of paper's brightness that is full light: the highest is where the surface swings up."""

MOST_SHADE = 0.4
"""How much darker than the best-lit paper the darkest may be, as a part: more is no uneven light."""

TINTED = 1.0
"""By how many levels half of the paper's squares may be off its color once the light is even: with more, color changes
and not light. Of 32 simulated scans it was .8 at most, mostly .3. Pale print on the page may be off by more."""

Singles = NDArray[np.float32]


def evened(raster: Raster, analysis: Analysis) -> Raster:
    """A picture on paper under even light and without grain, or as it is; the best-lit paper keeps its color."""
    height, width = raster.height, raster.width
    down, across = height // SQUARE, width // SQUARE
    if not raster.opaque or analysis.constant > MOST_EVEN or min(down, across) < FEWEST:
        return raster
    colors = raster.rgba[: down * SQUARE, : across * SQUARE, :3].astype(np.float32)
    surface = light_on_paper(by_squares(colors), grain_of(colors.mean(2)))
    if surface is None:
        return raster
    y, x = (np.arange(height) + 0.5) / (SQUARE * down), (np.arange(width) + 0.5) / (SQUARE * across)
    light = np.clip(surface_over(surface, y, x), 1 - MOST_SHADE, 1).astype(np.float32)
    rgba = raster.rgba.copy()
    rgba[..., :3] = np.minimum(rgba[..., :3] / light[..., None] + np.float32(0.5), 255)
    page = Raster(rgba, opaque=True, lossy=True)
    return Raster(denoised(page.rgba), opaque=True, lossy=True)


def by_squares(values: Singles) -> Singles:
    """The means of values (height, width, ...) over squares."""
    height, width, *rest = values.shape
    return values.reshape(height // SQUARE, SQUARE, width // SQUARE, SQUARE, *rest).mean((1, 3))


def grain_of(tones: Singles) -> Singles:
    """The noise of every square: mean difference of neighbors in a row, as the standard deviation of a Gaussian."""
    return by_squares(np.abs(np.diff(tones, axis=1, append=tones[:, -1:]))) * np.float32(np.sqrt(np.pi) / 2)


def light_on_paper(means: Singles, grain: Singles) -> Floats | None:
    """The surface of light, from the mean colors of squares and their grain: 1 where paper is best lit. None: no paper.

    It is the coefficients that `terms_of` goes with.
    """
    down, across = grain.shape
    y, x = (np.mgrid[:down, :across].reshape(2, -1) + 0.5) / np.array([[down], [across]])
    calm, tones = grain.ravel() <= MOST_GRAIN, means.mean(2).ravel()
    paper, surface, lit = calm & paper_at_the_rim(means).ravel(), np.zeros(0), tones
    for degree, near in ROUNDS:
        if np.count_nonzero(paper) < 2 * FEWEST:
            return None
        terms = terms_of(y, x, degree)
        surface = np.linalg.lstsq(terms[paper], tones[paper], rcond=None)[0]
        lit = terms @ surface
        paper = (np.abs(tones - lit) <= near * lit) & calm
    if min(quarter.mean() for quarter in quarters_of(paper.reshape(down, across))) < IN_EACH_QUARTER:
        return None
    best = float(np.percentile(lit[paper], BEST_LIT))
    if paper.mean() < LEAST_PAPER or lit.min() < max(DARKEST, (1 - MOST_SHADE) * best):
        return None
    colors = means.reshape(-1, 3)[paper] * (best / lit[paper])[:, None]
    tinted = np.median(np.abs(colors - np.median(colors, axis=0)), axis=0).max()
    return surface / best if tinted <= TINTED and np.median(grain.ravel()[paper]) >= LEAST_GRAIN else None


def paper_at_the_rim(means: Singles) -> Mask:
    """Which squares of the rim are about as bright as the middle one there, and of its tint."""
    tones = means.mean(2)
    tints = means[..., ::2] / np.maximum(means.sum(2, keepdims=True), 1)
    rim = np.ones(tones.shape, np.bool_)
    rim[RIM:-RIM, RIM:-RIM] = False
    middle, tint = np.median(tones[rim]), np.median(tints[rim], axis=0)
    return rim & (np.abs(tones - middle) <= LIKE_IT * middle) & (np.abs(tints - tint).max(2) <= TINT)


def quarters_of(mask: Mask) -> list[Mask]:
    """The four quarters of a mask."""
    y, x = mask.shape[0] // 2, mask.shape[1] // 2
    return [part for half in (mask[:y], mask[y:]) for part in (half[:, :x], half[:, x:])]


def powers(degree: int) -> list[tuple[int, int]]:
    """The powers of y and of x in each term of a polynomial of two variables."""
    return [(i, k - i) for k in range(degree + 1) for i in range(k + 1)]


def terms_of(y: Floats, x: Floats, degree: int) -> Floats:
    """The terms at places, given as parts of height and width: one row for each place."""
    return np.stack([(2 * y - 1) ** i * (2 * x - 1) ** k for i, k in powers(degree)], -1)


def surface_over(surface: Floats, y: Floats, x: Floats) -> Floats:
    """The surface's height over a grid of rows and columns, given as parts of height and width."""
    degree = ROUNDS[-1][0]
    table = np.zeros((degree + 1, degree + 1))
    for (i, k), factor in zip(powers(degree), surface.tolist(), strict=True):
        table[i, k] = factor
    down, across = (np.vander(2 * places - 1, degree + 1, increasing=True) for places in (y, x))
    return down @ table @ across.T
