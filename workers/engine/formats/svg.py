"""The SVG as ordered: at the size asked for, and its shapes in one group a color.

Shapes may change places only if nothing drawn between them comes near, as in `bundling`; so a group takes in every
shape of its color that can go there, and a color gets another group where that would change the picture.
"""

import math
import re
from dataclasses import dataclass, field

from shared.outputs import OutputSize
from shared.tracing import GroupBy
from workers.engine.artwork import bounds
from workers.engine.drawing import decimal

SIZE = re.compile(r' width="[^"]*" height="[^"]*"')
PATH = re.compile(r'<path fill="([^"]*)"([^>]*?) d="([^"]*)"/>')
FURTHEST = 400
"""How many groups back one of the same color is looked for."""

MOST_LOOKED_AT = 64

Box = tuple[float, float, float, float]
NOWHERE: Box = (math.inf, math.inf, -math.inf, -math.inf)


@dataclass(slots=True)
class Group:
    """Shapes of one fill that are drawn together, the box around each, and the box around all."""

    fill: str
    paths: list[str] = field(default_factory=list[str])
    boxes: list[Box] = field(default_factory=list[Box])
    around: Box = NOWHERE

    def add(self, path: str, box: Box) -> None:
        """Take one more shape in."""
        self.paths.append(path)
        self.boxes.append(box)
        left, top, right, bottom = self.around
        self.around = (min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3]))

    def touches(self, box: Box) -> bool:
        """Whether any of the shapes may come near a box; of many, only the box around all is looked at."""
        if not touching(self.around, box):
            return False
        return len(self.boxes) > MOST_LOOKED_AT or any(touching(other, box) for other in self.boxes)


def write_finished_svg(svg: str, size: OutputSize, *, group_by: GroupBy, apart: bool) -> bytes:
    """The SVG of a trace with its size, in its unit, and its groups; the viewBox stays.

    Shapes that lie `apart` never overlap, so each color needs one group only. Raises ValueError for an SVG that is not
    as we write it.
    """
    unit = "" if size.unit == "px" else size.unit
    sides = f' width="{decimal(size.width, 4)}{unit}" height="{decimal(size.height, 4)}{unit}"'
    finished = SIZE.sub(sides, svg, count=1)
    return (grouped(finished, apart=apart) if group_by == "color" else finished).encode()


def grouped(svg: str, *, apart: bool) -> str:
    """The same picture with its paths in groups by fill."""
    begin = svg.find("<path ")
    if begin < 0:
        return svg
    end = svg.rindex("/>") + 2
    found = PATH.findall(svg[begin:end])
    if len(found) != svg.count("<path "):
        raise ValueError("a path of ours has fill and data, in this order")
    groups = list[Group]()
    for fill, rest, data in found:
        box = NOWHERE if apart else bounds(data)
        home_of(fill, box, groups).add(f'<path{rest} d="{data}"/>', box)
    texts = (f'<g fill="{group.fill}">{"".join(group.paths)}</g>' for group in groups)
    return svg[:begin] + "".join(texts) + svg[end:]


def home_of(fill: str, box: Box, groups: list[Group]) -> Group:
    """The last group of this fill, if the shape can be drawn that early; else a new one at the end."""
    for group in reversed(groups[-FURTHEST:]):
        if group.fill == fill:
            return group
        if group.touches(box):
            break
    groups.append(Group(fill))
    return groups[-1]


def touching(a: Box, b: Box) -> bool:
    """Whether two boxes meet."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
