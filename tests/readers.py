"""Files of every format, read by programs that share no code with the writers."""

import io
from itertools import groupby
from typing import Any

import numpy as np
import pypdfium2
from ezdxf.filemanagement import read as read_dxf
from ezdxf.path import make_path
from PIL import Image

from workers.engine.similarity import rendered

DPI = 150


def on_white(picture: Image.Image, size: tuple[int, int]) -> Any:
    """Samples of the picture on white, at this width and height."""
    rgba = picture.convert("RGBA")
    page = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return np.asarray(page.resize(size, Image.Resampling.BOX), np.int16)


def error(svg: str, picture: Image.Image, size: tuple[int, int] | None = None) -> float:
    """Mean color error, of 255, against the SVG as resvg renders it on white."""
    wanted = rendered(svg, (size or picture.size)[0])
    return float(np.abs(on_white(wanted, wanted.size) - on_white(picture, wanted.size)).mean())


def pdf_page(data: bytes) -> tuple[Image.Image, tuple[float, float]]:
    """The only page as PDFium renders it, and its size in millimeters."""
    document = pypdfium2.PdfDocument(data)
    (page,) = document
    renderer: Any = page
    picture = renderer.render(scale=DPI / 72).to_pil()
    width, height = page.get_size()
    document.close()
    return picture, (width * 25.4 / 72, height * 25.4 / 72)


def dxf_picture(data: bytes, width: int) -> tuple[Image.Image, Any]:
    """Its outlines as ezdxf understands them, filled with the color of their layer, so many pixels wide; and the
    document."""
    document: Any = read_dxf(io.StringIO(data.decode("ascii")))
    right, top, _ = document.header["$EXTMAX"]
    paths = list[str]()
    for layer, entities in groupby(document.modelspace(), key=lambda entity: entity.dxf.layer):
        outlines = (make_path(entity).flattening(0.01) for entity in entities)
        rings = ("L".join(f"{point.x:.4f} {top - point.y:.4f}" for point in outline) for outline in outlines)
        color = "#" + bytes(document.layers.get(layer).rgb).hex()
        paths.append(f'<path fill="{color}" fill-rule="evenodd" d="{"".join(f"M{ring}z" for ring in rings)}"/>')
    # resvg rounds the natural size before it scales: it is large here, so that this does not matter.
    sides = f'width="{100 * right}" height="{100 * top}" viewBox="0 0 {right} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {sides}>'
    return rendered(head + "".join(paths) + "</svg>", width), document
