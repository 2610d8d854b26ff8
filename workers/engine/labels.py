"""A color for every pixel: flat pixels take theirs, anti-aliased ones the nearer end of the mixture they are.

A pixel on an edge is a mixture of the two colors that meet there. It looks at the flat colors close by, finds the
single color or the pair whose mixture explains it best, and joins the side that covers more of it. The method is
that of two-color decontamination (alpha matting with known foreground and background; Porter, Duff 1984), with the
unknowns drawn from the picture's own palette.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.bleeding import without_bleeding
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.mixture import Labels, squared_distance
from workers.engine.palette import Histogram
from workers.engine.thin import find_peaks, keep_thin_strokes, name_peaks

MOST_NEAR = 24
SHADE = 0.08
"""A color this far, of the whole way, from both ends of a mixture is one."""

SINGLE_PENALTY = 36.0
"""A pair explains more than a single color by being two; a single one must be this much closer to lose."""


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """What counts as explained: `reach` pixels to look around, `mix_error` of the channel range left over.

    Colors within `radius` (OKLab) are one, but not with `peaks` if they stand apart, or with `pure` if both are in the
    picture exactly. With `bleeding`, chroma may have been stored more coarsely than luma.
    """

    reach: int = 3
    mix_error: float = 0.06
    fewest_pixels: float = 12
    radius: float = 0.035
    peaks: bool = True
    pure: bool = True
    bleeding: bool = False


@dataclass(frozen=True, slots=True)
class Labelled:
    """A palette index for every pixel, and the palette: premultiplied colors, 0 to 255."""

    labels: Labels
    palette: Floats


@kernel
def gather_near(known: Labels, extra: Labels, y: int, x: int, reach: int, near: NDArray[np.int64], far: Floats) -> int:
    """Labels known within `reach` of a pixel, with the squared distance of each; extra ones count next door only."""
    height, width = known.shape
    found, last = 0, -1
    for dy in range(-min(reach, y), min(reach, height - 1 - y) + 1):
        for dx in range(-min(reach, x), min(reach, width - 1 - x) + 1):
            if dx * dx + dy * dy > reach * reach + 1:
                continue
            label = int(known[y + dy, x + dx])
            if label < 0 and abs(dx) <= 1 and abs(dy) <= 1:
                label = int(extra[y + dy, x + dx])
            if label < 0:
                continue
            distance = float(dx * dx + dy * dy)
            if last < 0 or near[last] != label:  # most are like the one before them
                last = 0
                while last < found and near[last] != label:
                    last += 1
                if last == found:
                    if found == MOST_NEAR:
                        last = -1
                        continue
                    near[found], far[found] = label, distance
                    found += 1
            far[last] = min(far[last], distance)
    return found


@kernel
def has_label_near(labels: Labels, y: int, x: int) -> bool:
    """Whether the pixel or one next to it has a label."""
    height, width = labels.shape
    for ny in range(max(0, y - 1), min(height, y + 2)):
        for nx in range(max(0, x - 1), min(width, x + 2)):
            if labels[ny, nx] >= 0:
                return True
    return False


@kernel
def explain(
    pixels: Pixels, y: int, x: int, palette: Floats, near: NDArray[np.int64], far: Floats, found: int
) -> tuple[int, float]:
    """The label that covers most of the pixel, and the squared error of its best explanation."""
    best, label, error = 1e18, -1, 1e18
    red, green, blue, alpha = (
        float(pixels[y, x, 0]),
        float(pixels[y, x, 1]),
        float(pixels[y, x, 2]),
        float(pixels[y, x, 3]),
    )
    for i in range(found):
        a = near[i]
        off_red, off_green = red - palette[a, 0], green - palette[a, 1]
        off_blue, off_alpha = blue - palette[a, 2], alpha - palette[a, 3]
        alone = off_red * off_red + off_green * off_green + off_blue * off_blue + off_alpha * off_alpha
        score = alone + far[i] + (SINGLE_PENALTY if found > 1 else 0.0)
        if score < best:
            best, label, error = score, a, alone
        for j in range(i):
            b = near[j]
            way_red, way_green = palette[b, 0] - palette[a, 0], palette[b, 1] - palette[a, 1]
            way_blue, way_alpha = palette[b, 2] - palette[a, 2], palette[b, 3] - palette[a, 3]
            length = way_red * way_red + way_green * way_green + way_blue * way_blue + way_alpha * way_alpha
            if length < 1:
                continue
            along = off_red * way_red + off_green * way_green + off_blue * way_blue + off_alpha * way_alpha
            t = min(1.0, max(0.0, along / length))
            rest = (off_red - t * way_red) ** 2 + (off_green - t * way_green) ** 2
            rest += (off_blue - t * way_blue) ** 2 + (off_alpha - t * way_alpha) ** 2
            score = rest + far[i] + far[j]
            if score < best:
                best, label, error = score, a if t < 0.5 else b, rest
    return label, error


@allocating_kernel
def label_edges(
    pixels: Pixels, known: Labels, extra: Labels, guess: bool, palette: Floats, reach: int, most_error: float,
    labels: Labels, unexplained: Mask,
) -> int:  # fmt: skip
    """Label every pixel that is not known yet; mark and count those that no mixture explains.

    With `guess`, after a first pass, the unexplained take the closest color around them, and only they and those with
    an extra label next to them are looked at: for the others nothing has changed.
    """
    height, width = known.shape
    near, far = np.empty(MOST_NEAR, np.int64), np.empty(MOST_NEAR)
    count = 0
    for y in range(height):
        for x in range(width):
            if known[y, x] >= 0:
                labels[y, x] = known[y, x]
                continue
            if guess and not unexplained[y, x] and not has_label_near(extra, y, x):
                continue
            found = gather_near(known, extra, y, x, reach, near, far)
            label, error = explain(pixels, y, x, palette, near, far, found)
            if error > most_error:
                unexplained[y, x] = True
                count += 1
                if guess or found == 0:
                    closest = 1e18
                    for k in range(found if found else len(palette)):
                        one = near[k] if found else int(k)
                        distance = squared_distance(pixels, y, x, palette, one)
                        if distance < closest:
                            closest, label = distance, one
            labels[y, x] = label
    return count


def label_pixels(
    pixels: Pixels, flat: Mask, histogram: Histogram, palette: Floats, settings: LabelSettings,
    *, fixed: bool,
) -> Labelled:  # fmt: skip
    """Label every pixel. Strokes too thin to be flat anywhere add their colors, unless the palette is fixed."""
    shape = flat.shape
    known = histogram.labels(pixels, flat, palette)
    labels, extra = np.empty(shape, np.int16), np.full(shape, -1, np.int16)
    most_error = (settings.mix_error * 255) ** 2
    unexplained = np.zeros(shape, np.bool_)
    if label_edges(pixels, known, extra, False, palette, settings.reach, most_error, labels, unexplained):
        peaks = find_peaks(pixels, known, labels, unexplained, palette, settings.reach)
        if not fixed:
            palette = with_stroke_colors(pixels, peaks, palette, settings)
        name_peaks(pixels, known, labels, unexplained, peaks, palette, extra)
        label_edges(pixels, known, extra, True, palette, settings.reach, most_error, labels, unexplained)
    keep_thin_strokes(pixels, known, palette, labels, extra)
    return Labelled(labels, palette)


def with_stroke_colors(pixels: Pixels, peaks: Mask, palette: Floats, settings: LabelSettings) -> Floats:
    """The palette and the colors that many middles of unexplained strokes share and that are far from all of it."""
    middles = pixels[peaks]
    if not len(middles):
        return palette
    distance = ((middles.astype(float) - palette[nearest_rows(middles, palette)]) ** 2).sum(1)
    lonely = distance > (0.12 * 255) ** 2
    if lonely.sum() < settings.fewest_pixels:
        return palette
    mask = np.zeros(peaks.shape, np.bool_)
    mask[peaks] = lonely
    found, most_error = Histogram(pixels, mask), settings.mix_error * 255
    means = found.sums / found.counts[:, None]
    odd = found.counts[~shades_of(means, palette, palette, most_error)].sum()
    strokes = found.palette(12, max(0.08, 2 * settings.radius), max(settings.fewest_pixels, odd // 12))
    strokes = without_shades(strokes, palette, most_error)
    return np.vstack([palette, without_bleeding(strokes, palette) if settings.bleeding else strokes])


def without_shades(strokes: Floats, palette: Floats, most_error: float) -> Floats:
    """Stroke colors that are not another one seen through partial coverage: a mixture of it and a flat color."""
    return strokes[~shades_of(strokes, np.vstack([palette, strokes]), palette, most_error)]


def shades_of(colors: Floats, inks: Floats, grounds: Floats, most_error: float) -> Mask:
    """Which colors are mixtures of some ink, not the very same, and some ground, and not almost one of the two."""
    shades = np.zeros(len(colors), np.bool_)
    mark_shades(colors, inks, grounds, most_error, shades)
    return shades


@kernel
def mark_shades(colors: Floats, inks: Floats, grounds: Floats, most_error: float, shades: Mask) -> None:
    """Mark the colors that are such mixtures."""
    for i in range(len(colors)):
        for k in range(len(inks) * len(grounds)):
            if is_shade(colors[i], inks[k // len(grounds)], grounds[k % len(grounds)], most_error):
                shades[i] = True
                break


@kernel
def is_shade(color: Floats, ink: Floats, ground: Floats, most_error: float) -> bool:
    """Whether a color lies between two others, and not almost at either end."""
    length = along = rest = 0.0
    for c in range(4):
        length += (ink[c] - ground[c]) ** 2
        along += (color[c] - ground[c]) * (ink[c] - ground[c])
    t = along / max(1.0, length)
    if t <= SHADE or t >= 1 - SHADE:
        return False
    for c in range(4):
        rest += (color[c] - ground[c] - t * (ink[c] - ground[c])) ** 2
    return rest < most_error * most_error


@allocating_kernel
def nearest_rows(colors: Pixels, palette: Floats) -> NDArray[np.int64]:
    """For each color the index of the closest palette row."""
    out = np.empty(len(colors), np.int64)
    for i in range(len(colors)):
        closest = 1e18
        for k in range(len(palette)):
            distance = 0.0
            for c in range(4):
                distance += (colors[i, c] - palette[k, c]) ** 2
            if distance < closest:
                closest, out[i] = distance, k
    return out
