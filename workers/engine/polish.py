"""A gradient fitted in closed form, moved to where its error is least: pattern search (Hooke, Jeeves 1961).

The closed forms look at slopes and curvature over the whole area, which is right for ramps and bowls and only a
beginning for spots of light whose profile is neither. Center, axes and angle are varied one after the other, by half
the step once none helps any more; the color profile is the mean along the way, as before.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.gradients import BINS, CONSTANT, ENDLESS, LINEAR, RADIAL, profile_along
from workers.engine.kernels import allocating_kernel, kernel

ROUNDS = 4
LEFT = 1.5
"""A linear gradient that leaves more than this error, in levels, may be a radial one."""

BETTER = 0.995
ROUNDER = 0.8
"""A radial gradient found by search must leave at most this part of a linear one's error."""

ENOUGH = 1.0
"""Root mean square error, in levels, that needs no polish."""


@kernel
def way_of(kind: int, shape: Floats, x: float, y: float) -> float:
    """How far along a gradient a point lies."""
    dx, dy = x - shape[0], y - shape[1]
    if kind == LINEAR:
        return dx * shape[2] + dy * shape[3]
    return math.sqrt(max(0.0, shape[2] * dx * dx + shape[3] * dx * dy + shape[4] * dy * dy))


@kernel
def ways_along(samples: Floats, n: int, kind: int, shape: Floats, way: Floats) -> None:
    """How far along its gradient every sample lies."""
    for i in range(n):
        way[i] = way_of(kind, shape, samples[i, 0], samples[i, 1])


@allocating_kernel
def reach_of(samples: Floats, kind: int, shape: Floats) -> tuple[float, float]:
    """The nearest and the farthest of the samples along their gradient."""
    if kind == CONSTANT:
        return 0.0, 0.0
    way = np.empty(len(samples))
    ways_along(samples, len(samples), kind, shape, way)
    return way.min(), way.max()


@kernel
def shape_of(kind: int, dials: Floats, shape: Floats) -> None:
    """Dials (center, angle, logarithms of scale and of stretch) as the numbers that a paint keeps."""
    shape[0], shape[1] = dials[0], dials[1]
    cosine, sine = math.cos(dials[2]), math.sin(dials[2])
    if kind == LINEAR:
        shape[2], shape[3] = cosine, sine
        return
    a, b = math.exp(-2 * dials[3]), math.exp(2 * dials[3])
    shape[2] = a * cosine * cosine + b * sine * sine
    shape[3] = 2 * (a - b) * cosine * sine
    shape[4] = a * sine * sine + b * cosine * cosine


@kernel
def dials_of(kind: int, shape: Floats, dials: Floats) -> None:
    """The dials of a paint; the inverse of `shape_of`."""
    dials[0], dials[1] = shape[0], shape[1]
    if kind == LINEAR:
        dials[2] = math.atan2(shape[3], shape[2])
        return
    dials[2] = 0.5 * math.atan2(shape[3], shape[2] - shape[4])
    middle, half = (shape[2] + shape[4]) / 2, math.hypot((shape[2] - shape[4]) / 2, shape[3] / 2)
    small, large = max(1e-9, middle - half), max(1e-9, middle + half)
    # `shape_of` makes the axis along the angle the one that grows with exp(-2 stretch).
    dials[3] = 0.25 * math.log(small / large)


@allocating_kernel
def polish(samples: Floats, kind: int, shape: Floats, profile: Floats) -> tuple[float, int]:
    """Improve shape and profile in place; give the error and the number of bins."""
    n = len(samples)
    way, trial, trial_shape, counts = np.empty(n), np.zeros((BINS, 5)), np.zeros(6), np.empty(BINS)
    dials, steps = np.zeros(4), np.zeros(4)
    ways_along(samples, n, kind, shape, way)
    used, best = profile_along(samples, n, way, trial, counts, ENDLESS)
    dials_of(kind, shape, dials)
    spread = 0.0
    mx, my = samples[:, 0].mean(), samples[:, 1].mean()
    for i in range(n):
        spread += (samples[i, 0] - mx) ** 2 + (samples[i, 1] - my) ** 2
    reach = math.sqrt(spread / n)
    steps[0] = steps[1] = 0.0 if kind == LINEAR else 0.4 * reach
    steps[2], steps[3] = 0.25, 0.0 if kind == LINEAR else 0.3
    for _ in range(ROUNDS):
        moved = False
        for k in range(4):
            if steps[k] == 0.0:
                continue
            for sign in (-1.0, 1.0):
                for _again in range(3):
                    old = dials[k]
                    dials[k] = old + sign * steps[k]
                    shape_of(kind, dials, trial_shape)
                    ways_along(samples, n, kind, trial_shape, way)
                    bins, worse = profile_along(samples, n, way, trial, counts, best)
                    if worse < best * BETTER:
                        best, used, moved = worse, bins, True
                        continue
                    dials[k] = old
                    break
        if not moved:
            steps /= 2
        if best < ENOUGH:
            break
    shape_of(kind, dials, shape)
    ways_along(samples, n, kind, shape, way)
    used, best = profile_along(samples, n, way, profile, counts, ENDLESS)
    return best, used


@kernel
def bowl(samples: Floats, shape: Floats) -> None:
    """A circle around the samples' middle: where a radial gradient is looked for if nothing better is known."""
    shape[:] = 0
    shape[0], shape[1] = samples[:, 0].mean(), samples[:, 1].mean()
    shape[2] = shape[4] = 1.0


@allocating_kernel
def best_paint(
    samples: Floats, kind: int, shape: Floats, profile: Floats, bins: int, error: float
) -> tuple[int, float, int]:
    """Polish a paint, and a radial one as well if it is linear; keep the better one."""
    if kind == CONSTANT or error < ENOUGH:
        return kind, error, bins
    polished, used = polish(samples, kind, shape, profile)
    if kind == LINEAR and polished > LEFT:
        other, other_profile = np.zeros(6), np.zeros((BINS, 5))
        bowl(samples, other)
        rounded, other_used = polish(samples, RADIAL, other, other_profile)
        if rounded < ROUNDER * polished:
            shape[:] = other
            profile[:] = other_profile
            return RADIAL, rounded, other_used
    return kind, polished, used
