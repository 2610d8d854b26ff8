"""PDF 1.4 of exactly the size asked for: paths, colors, gradients and transparency stay what they are.

The drawing's units stay too; one matrix leads from them to points. Gradients are shading patterns, so that drawing
programs open them as gradients; one whose opacity changes is seen through a soft mask (ISO 32000-1, 11.6.5.3).
Without dates or random ids, so the same drawing gives the same bytes.
"""

import zlib

from shared.outputs import OutputSize
from workers.engine.artwork import Area, Artwork, Color, Gradient, Matrix, steps
from workers.engine.formats.numbers import row, short, unit_color
from workers.engine.formats.shading import color_shades, mask_shades, shading

PRODUCER = "tovector"
OPERATORS = {"M": "m", "L": "l", "C": "c", "Z": "h"}


def write_pdf(artwork: Artwork, size: OutputSize) -> bytes:
    """A page of exactly this size with the drawing on it."""
    width, height = size.points()
    page = Page(artwork.view, (width / artwork.view[0], 0.0, 0.0, -height / artwork.view[1], 0.0, height))
    body = [f"{page.paint(area)}\n{path(area.data)}f" for area in artwork.areas]
    return page.file("\n".join((f"{row(*page.matrix, digits=8)} cm", *body)), width, height)


def path(data: str) -> str:
    """Path data as PDF's operators."""
    return "".join(f"{row(*numbers)} {OPERATORS[name]}\n" for name, numbers in steps(data))


class Page:
    """The objects of the file so far, and the names by which the page knows its paints and states."""

    def __init__(self, view: tuple[float, float], matrix: Matrix) -> None:
        self.view = view
        self.matrix = matrix
        self._objects: list[bytes] = []
        self._patterns: dict[Gradient, str] = {}
        self._states: dict[str, str] = {}
        self._now: tuple[str, str] = ("", "")

    def paint(self, area: Area) -> str:
        """Operators that make the area's paint and opacity the current ones, where they are not already."""
        mask = area.paint if isinstance(area.paint, Gradient) and not area.paint.is_opaque else None
        state = f"/{self._state(area.opacity, mask)} gs"
        color = self._pattern(area.paint) if isinstance(area.paint, Gradient) else rgb(area.paint)
        changes = [text for text, now in zip((state, color), self._now, strict=True) if text != now]
        self._now = (state, color)
        return " ".join(changes)

    def _pattern(self, gradient: Gradient) -> str:
        name = self._patterns.get(gradient)
        if name is None:
            matrix = row(*product(gradient.matrix, self.matrix), digits=8)
            shade = shading(gradient, color_shades(gradient))
            number = self._add(f"<< /Type /Pattern /PatternType 2 /Matrix [{matrix}] /Shading {shade} >>".encode())
            name = self._patterns[gradient] = f"P{number}"
        return f"/Pattern cs /{name} scn"

    def _state(self, opacity: float, mask: Gradient | None) -> str:
        soft = "/None" if mask is None else f"<< /Type /Mask /S /Luminosity /G {self._mask(mask)} 0 R >>"
        text = f"<< /Type /ExtGState /ca {short(opacity)} /SMask {soft} >>"
        name = self._states.get(text)
        if name is None:
            name = self._states[text] = f"S{self._add(text.encode())}"
        return name

    def _mask(self, gradient: Gradient) -> int:
        """The gradient's opacity as a gray picture of the page, in drawing units."""
        shade = shading(gradient, mask_shades(gradient))
        head = (
            f"/Type /XObject /Subtype /Form /BBox [0 0 {row(*self.view)}]"
            f" /Group << /S /Transparency /CS /DeviceGray >> /Resources << /Shading << /M {shade} >> >>"
        )
        return self._add(stream(head, f"{row(*gradient.matrix, digits=8)} cm /M sh"))

    def _add(self, data: bytes) -> int:
        """Keep an object once; returns its number. The first three numbers are the page's own."""
        if data in self._objects:
            return self._objects.index(data) + 4
        self._objects.append(data)
        return len(self._objects) + 3

    def file(self, body: str, width: float, height: float) -> bytes:
        """The whole file."""
        patterns = " ".join(f"/{name} {name[1:]} 0 R" for name in self._patterns.values())
        states = " ".join(f"/{name} {name[1:]} 0 R" for name in self._states.values())
        content, info = len(self._objects) + 4, len(self._objects) + 5
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {row(width, height)}] /Contents {content} 0 R"
            f" /Group << /S /Transparency /CS /DeviceRGB >>"
            f" /Resources << /Pattern << {patterns} >> /ExtGState << {states} >> >> >>"
        )
        return written(
            [
                b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                page.encode(),
                *self._objects,
                stream("", body),
                f"<< /Producer ({PRODUCER}) >>".encode(),
            ],
            info,
        )


def rgb(color: Color) -> str:
    """The operator for a flat color."""
    return f"{unit_color(color)} rg"


def product(first: Matrix, second: Matrix) -> Matrix:
    """One matrix after another."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def stream(head: str, text: str) -> bytes:
    """A stream object, compressed."""
    data = zlib.compress(text.encode(), 6)
    return f"<< {head} /Filter /FlateDecode /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def written(objects: list[bytes], info: int) -> bytes:
    """Objects, numbered from 1, with the table that tells where each begins."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = list[int]()
    for number, data in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + data + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        info,
        table,
    )
    return bytes(out)
