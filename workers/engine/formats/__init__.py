"""The files that a drawing is sold as, each written by a module of its own from the SVG of the trace."""

from collections.abc import Callable, Mapping

from shared.errors import TooComplex
from shared.outputs import Format, OutputSize, output_size
from shared.tracing import TraceOptions
from workers.engine.artwork import read_artwork
from workers.engine.formats.dxf import write_dxf
from workers.engine.formats.eps import write_eps
from workers.engine.formats.pdf import write_pdf
from workers.engine.formats.png import write_png
from workers.engine.formats.svg import write_finished_svg
from workers.engine.preview import check_drawing

Writer = Callable[[str, OutputSize, TraceOptions], bytes]

WRITERS: Mapping[Format, Writer] = {
    "svg": lambda svg, size, options: write_finished_svg(
        svg, size, group_by=options.group_by, apart=options.is_cutout()
    ),
    "pdf": lambda svg, size, _: write_pdf(read_artwork(svg), size),
    "eps": lambda svg, size, _: write_eps(read_artwork(svg), size),
    "dxf": lambda svg, size, _: write_dxf(read_artwork(svg), size),
    "png": lambda svg, size, _: write_png(svg, size),
}


def write_format(svg: str, wanted: Format, options: TraceOptions, *, most_bytes: int) -> bytes:
    """A drawing of ours, as traced, in another format or size.

    Raises TooComplex when the file would be larger than `most_bytes`, and ValueError for an SVG that is not ours.
    """
    width, height = check_drawing(svg)
    data = WRITERS[wanted](svg, output_size(options, round(width), round(height)), options)
    if len(data) > most_bytes:
        raise TooComplex(
            f"As {wanted.upper()} the drawing has {len(data):,} bytes; at most {most_bytes:,} are allowed."
        )
    return data
