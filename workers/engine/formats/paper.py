"""What white paper shows of areas that one sees through: for formats that know no transparency.

A translucent area lies on the page or on other translucent ones, never on opaque ones. Its color on paper is that of
its paint over what lies under it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.engine.artwork import Area, contours

WHITE = (255.0, 255.0, 255.0)
MOST_POINTS = 64
"""So many points of an outline, at most, say on which other area it lies: on the one that holds most of them."""

Channels = tuple[float, ...]
Points = NDArray[np.float64]


def over(color: Channels, opacity: float, below: Channels = WHITE) -> Channels:
    """The color that is seen where one of this opacity lies on another."""
    return tuple(under + opacity * (channel - under) for channel, under in zip(color, below, strict=True))


def colors_on_paper(areas: Sequence[Area]) -> list[Channels]:
    """For every area the color that paper shows; gradients count as one color."""
    seen, sheets, boxes = list[Channels](), list[tuple[Channels, list[Points]]](), np.empty((len(areas), 2, 2))
    for area in areas:
        if area.opacity == 1:
            seen.append(tuple(float(channel) for channel in area.color()))
            continue
        outlines = [polygon(contour) for contour in contours(area.data)]
        points = np.concatenate([*outlines, np.empty((0, 2))])
        below = seen_below(points[:: max(1, len(points) // MOST_POINTS)], sheets, boxes[: len(sheets)])
        seen.append(over(area.color(), area.opacity, below))
        boxes[len(sheets)] = box_of(points)
        sheets.append((seen[-1], outlines))
    return seen


def seen_below(points: Points, sheets: Sequence[tuple[Channels, list[Points]]], boxes: Points) -> Channels:
    """The color of the last sheet that most of the points lie on, or of the paper; only those near by are asked."""
    (left, top), (right, bottom) = box_of(points)
    near = (boxes[:, 0, 0] <= right) & (boxes[:, 1, 0] >= left) & (boxes[:, 0, 1] <= bottom) & (boxes[:, 1, 1] >= top)
    for k in np.flatnonzero(near)[::-1].tolist():
        color, outlines = sheets[k]
        if 2 * np.count_nonzero(inside(points, outlines)) > len(points):
            return color
    return WHITE


def box_of(points: Points) -> Points:
    """The least and the greatest coordinates; of no points a box that nothing meets."""
    return np.array([points.min(0, initial=np.inf), points.max(0, initial=-np.inf)])


def polygon(contour: Sequence[tuple[float, ...]]) -> Points:
    """The outline with a corner at every end and in the middle of every curve."""
    corners = [contour[0]]
    for step in contour[1:]:
        if len(step) == 6:
            x, y = corners[-1]
            corners.append(((x + 3 * (step[0] + step[2]) + step[4]) / 8, (y + 3 * (step[1] + step[3]) + step[5]) / 8))
        corners.append(step[-2:])
    return np.array(corners, float)


def inside(points: Points, outlines: Sequence[Points]) -> NDArray[np.bool_]:
    """Which points the outlines wind around (nonzero rule)."""
    turns = np.zeros(len(points), np.int64)
    x, y = points[:, :1], points[:, 1:]
    for outline in outlines:
        ax, ay = outline[:, 0], outline[:, 1]
        bx, by = np.roll(ax, -1), np.roll(ay, -1)
        left = (bx - ax) * (y - ay) - (x - ax) * (by - ay) > 0
        turns += ((ay <= y) & (y < by) & left).sum(1) - ((by <= y) & (y < ay) & ~left).sum(1)
    return turns != 0
