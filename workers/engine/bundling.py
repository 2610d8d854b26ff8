"""Shapes of one color in one path, where that changes nothing: fewer objects to handle, and fewer bytes.

A shape may join an earlier one of its color if nothing drawn between the two comes near it, for then it may as well
be drawn together with the earlier one. Paths are filled by the nonzero rule and all outlines run the same way around,
so shapes that touch or overlap within one path stay whole.
"""

from dataclasses import dataclass, replace

from workers.engine.drawing import Shape

MARGIN = 3
"""Pixels by which a drawn outline may leave the box of its region."""

FURTHEST = 400
"""How many shapes back an equal one is looked for."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom pixel."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A shape, the region it was drawn for (-1: none) and the box it keeps to."""

    region: int
    shape: Shape
    box: Box


def bundled(shapes: list[Placed]) -> list[Placed]:
    """The same drawing in fewer paths."""
    out = list[Placed]()
    newest = dict[str, int]()
    for placed in shapes:
        shape = placed.shape
        at = newest.get(shape.fill, -1)
        mergeable = shape.opacity == 1 and not shape.fill.startswith("url")
        if mergeable and at >= max(0, len(out) - FURTHEST) and not any(near(placed, k) for k in out[at + 1 :]):
            first = out[at]
            joint = replace(
                first.shape, data=first.shape.data + shape.data, segments=first.shape.segments + shape.segments
            )
            out[at] = Placed(first.region, joint, around(first.box, placed.box))
            continue
        if mergeable:
            newest[shape.fill] = len(out)
        out.append(placed)
    return out


def near(first: Placed, second: Placed) -> bool:
    """Whether the boxes of two shapes come within the margin of each other."""
    a, b = first.box, second.box
    reach = 2 * MARGIN
    return a[0] <= b[2] + reach and b[0] <= a[2] + reach and a[1] <= b[3] + reach and b[1] <= a[3] + reach


def around(a: Box, b: Box) -> Box:
    """The box around two boxes."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
