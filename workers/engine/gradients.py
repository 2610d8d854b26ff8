"""Smooth color: neighboring regions whose pixels follow one linear or radial profile become one gradient.

A profile is a direction (or a center and an ellipse) and the mean color in bins along it. The direction of a linear
gradient is the main axis of the channels' own slopes; the center and ellipse of a radial one are those of the
quadric fitted to the channel that varies most.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.kernels import allocating_kernel, kernel

BINS = 12
CONSTANT, LINEAR, RADIAL = 0, 1, 2
EVEN = 1.3
"""Root mean square variation, in levels, below which an area is one color."""

GAIN = 0.8
"""A richer model must leave at most this part of the simpler one's error."""

ENDLESS = 1e9
"""The error of what is no profile."""


@kernel
def solve(matrix: Floats, right: Floats) -> bool:
    """Gaussian elimination with pivoting, in place; the answer is left in `right`. False if there is none."""
    n = len(right)
    for i in range(n):
        pivot = i
        for row in range(i + 1, n):
            if abs(matrix[row, i]) > abs(matrix[pivot, i]):
                pivot = row
        if abs(matrix[pivot, i]) < 1e-12:
            return False
        if pivot != i:
            for column in range(n):
                matrix[i, column], matrix[pivot, column] = matrix[pivot, column], matrix[i, column]
            right[i], right[pivot] = right[pivot], right[i]
        for row in range(i + 1, n):
            factor = matrix[row, i] / matrix[i, i]
            for column in range(i, n):
                matrix[row, column] -= factor * matrix[i, column]
            right[row] -= factor * right[i]
    for i in range(n - 1, -1, -1):
        for column in range(i + 1, n):
            right[i] -= matrix[i, column] * right[column]
        right[i] /= matrix[i, i]
    return True


@kernel
def place_on(profile: Floats, bins: int, way: float) -> tuple[int, float]:
    """Where a way lies on a profile of two bins or more: after which bin, and how far on to the next.

    Beyond the ends the profile goes on for half a bin.
    """
    k = 0
    while k < bins - 2 and way > profile[k + 1, 0]:
        k += 1
    return k, place_between(profile, k, way)


@kernel
def place_between(profile: Floats, k: int, way: float) -> float:
    """How far on from a bin to the next a way lies."""
    t = (way - profile[k, 0]) / max(1e-9, profile[k + 1, 0] - profile[k, 0])
    return min(1.5, max(-0.5, t))


@kernel
def bin_of(way: float, low: float, high: float) -> int:
    """In which of BINS equal parts of a range a way lies."""
    return min(BINS - 1, int((way - low) / (high - low) * BINS))


@kernel
def profile_along(
    samples: Floats, n: int, way: Floats, profile: Floats, counts: Floats, most: float
) -> tuple[int, float]:
    """Mean way and color in bins of equal width, and the root mean square error of the broken line through them.

    An error that is larger than `most` is not told: it is ENDLESS then. `counts` is a room of BINS numbers.
    """
    low, high = 1e18, -1e18
    for i in range(n):
        low, high = min(low, way[i]), max(high, way[i])
    if high - low < 1e-6:
        return 0, ENDLESS
    profile[:] = 0.0
    counts[:] = 0.0
    for i in range(n):
        k = bin_of(way[i], low, high)
        counts[k] += 1
        profile[k, 0] += way[i]
        for c in range(4):
            profile[k, c + 1] += samples[i, 2 + c]
    used = 0
    for k in range(BINS):
        if counts[k] > 0:
            for c in range(5):
                profile[used, c] = profile[k, c] / counts[k]
            counts[k] = used  # from here on, the row of the profile that the bin became
            used += 1
    if used < 2:
        return used, ENDLESS
    error, limit = 0.0, 3.0 * n * most * most
    for i in range(n):
        row = int(counts[bin_of(way[i], low, high)])
        k = min(used - 2, max(0, row - (way[i] <= profile[row, 0])))
        t = place_between(profile, k, way[i])
        for c in range(4):
            error += (samples[i, 2 + c] - profile[k, c + 1] - t * (profile[k + 1, c + 1] - profile[k, c + 1])) ** 2
        if error > limit:
            return used, ENDLESS
    return used, math.sqrt(error / (3 * n))


@allocating_kernel
def fit_linear(samples: Floats, n: int, means: Floats, way: Floats, shape: Floats) -> bool:
    """Direction in which color changes most; fills the way of every sample along it."""
    sxx = sxy = syy = 0.0
    slopes = np.zeros((2, 4))
    for i in range(n):
        x, y = samples[i, 0] - means[0], samples[i, 1] - means[1]
        sxx += x * x
        sxy += x * y
        syy += y * y
        for c in range(4):
            value = samples[i, 2 + c] - means[2 + c]
            slopes[0, c] += x * value
            slopes[1, c] += y * value
    determinant = sxx * syy - sxy * sxy
    if determinant <= 1e-6 * n:
        return False
    xx = xy = yy = 0.0
    for c in range(4):
        gx = (syy * slopes[0, c] - sxy * slopes[1, c]) / determinant
        gy = (sxx * slopes[1, c] - sxy * slopes[0, c]) / determinant
        xx += gx * gx
        xy += gx * gy
        yy += gy * gy
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    shape[0], shape[1], shape[2], shape[3] = means[0], means[1], math.cos(angle), math.sin(angle)
    for i in range(n):
        way[i] = (samples[i, 0] - means[0]) * shape[2] + (samples[i, 1] - means[1]) * shape[3]
    return True


@allocating_kernel
def fit_quadric(samples: Floats, n: int, means: Floats, scale: float, channel: int, terms: Floats) -> bool:
    """Least-squares quadric of one channel over scaled coordinates; six terms: 1, x, y, xx, xy, yy."""
    matrix, row = np.zeros((6, 6)), np.empty(6)
    terms[:] = 0
    for i in range(n):
        x, y = (samples[i, 0] - means[0]) / scale, (samples[i, 1] - means[1]) / scale
        row[0], row[1], row[2], row[3], row[4], row[5] = 1.0, x, y, x * x, x * y, y * y
        for p in range(6):
            terms[p] += row[p] * samples[i, 2 + channel]
            for q in range(p + 1):
                matrix[p, q] += row[p] * row[q]
    for p in range(6):
        for q in range(p):
            matrix[q, p] = matrix[p, q]
    return solve(matrix, terms)


@kernel
def radial_way(
    samples: Floats, n: int, means: Floats, scale: float, terms: Floats, circle: bool, way: Floats, shape: Floats
) -> bool:
    """Distance of every sample from the quadric's center, in the metric of its ellipse or of a circle."""
    xx, xy, yy = terms[3], terms[4], terms[5]
    if circle:
        xx = yy = (xx + yy) / 2
        xy = 0.0
    determinant = 4 * xx * yy - xy * xy
    if determinant <= 0.12 * max(xx * xx, yy * yy) or determinant < 1e-18:
        return False
    cx, cy = (-2 * yy * terms[1] + xy * terms[2]) / determinant, (-2 * xx * terms[2] + xy * terms[1]) / determinant
    if cx * cx + cy * cy >= 25:
        return False
    norm = (1.0 if xx > 0 else -1.0) * math.sqrt(determinant) / 2
    shape[0], shape[1] = means[0] + cx * scale, means[1] + cy * scale
    shape[2], shape[3], shape[4] = xx / norm, xy / norm, yy / norm
    for i in range(n):
        x, y = samples[i, 0] - shape[0], samples[i, 1] - shape[1]
        way[i] = math.sqrt(max(0.0, shape[2] * x * x + shape[3] * x * y + shape[4] * y * y))
    return True


@allocating_kernel
def fit_paint(samples: Floats, most_error: float, shape: Floats, profile: Floats) -> tuple[int, float, int]:
    """Best paint for samples (x, y, four channels): its kind, its error in levels, and the bins of its profile.

    `shape` receives center and direction (linear) or center and ellipse (radial).
    """
    n = len(samples)
    means = np.zeros(6)
    for i in range(n):
        for c in range(6):
            means[c] += samples[i, c]
    means /= n
    variances, spread = np.zeros(4), 0.0
    for i in range(n):
        spread += (samples[i, 0] - means[0]) ** 2 + (samples[i, 1] - means[1]) ** 2
        for c in range(4):
            variances[c] += (samples[i, 2 + c] - means[2 + c]) ** 2
    best, kind, used = math.sqrt(variances.sum() / (3 * n)), CONSTANT, 1
    profile[0, 0] = 0.0
    for c in range(4):
        profile[0, c + 1] = means[2 + c]
    if best < EVEN or n < 12:
        return kind, best, used
    way, trial, trial_shape, counts = np.empty(n), np.zeros((BINS, 5)), np.zeros(6), np.empty(BINS)
    if fit_linear(samples, n, means, way, trial_shape):
        bins, error = profile_along(samples, n, way, trial, counts, best)
        if error < best * GAIN:
            best, kind, used = error, LINEAR, bins
            profile[:] = trial
            shape[:] = trial_shape
    if best <= min(most_error * 0.6, 2.0) or n < 30:
        return kind, best, used
    terms, scale = np.empty(6), math.sqrt(spread / n) + 1e-9
    if not fit_quadric(samples, n, means, scale, int(np.argmax(variances)), terms):
        return kind, best, used
    for circle in (False, True):
        if radial_way(samples, n, means, scale, terms, circle, way, trial_shape):
            bins, error = profile_along(samples, n, way, trial, counts, best)
            if error < best * GAIN:
                best, kind, used = error, RADIAL, bins
                profile[:] = trial
                shape[:] = trial_shape
    return kind, best, used


@kernel
def painted(kind: int, shape: Floats, profile: Floats, bins: int, x: float, y: float, out: Floats) -> None:
    """The color of a paint at a point."""
    k, t = 0, 0.0
    if kind != CONSTANT and bins >= 2:
        dx, dy = x - shape[0], y - shape[1]
        if kind == LINEAR:
            way = dx * shape[2] + dy * shape[3]
        else:
            way = np.sqrt(max(0.0, shape[2] * dx * dx + shape[3] * dx * dy + shape[4] * dy * dy))
        k, t = place_on(profile, bins, way)
    for c in range(4):
        value = profile[k, c + 1]
        if t != 0.0:
            value += t * (profile[k + 1, c + 1] - value)
        out[c] = min(255.0, max(0.0, value))


@allocating_kernel
def error_of(samples: Floats, kind: int, shape: Floats, profile: Floats) -> float:
    """What a paint leaves over at samples: the root mean square error in levels, as `fit_paint` measures it."""
    color, total = np.empty(4), 0.0
    for i in range(len(samples)):
        painted(kind, shape, profile, len(profile), samples[i, 0], samples[i, 1], color)
        for c in range(4):
            total += (samples[i, 2 + c] - color[c]) ** 2
    return math.sqrt(total / (3 * len(samples)))
